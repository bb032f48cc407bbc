"""The phoneme alphabet that the neural voices read, and where their phones lie in time.

Hibari and Kokoro read the alphabet of misaki: one character a sound, diphthongs as capitals, stress marks, spaces and
punctuation; each character lasts a whole number of the network's steps. Text is turned into it by the reader of PyPI
``hibari-tts`` (Apache-2.0), which is dictionaries, a tagger and a small network, and no espeak-ng.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.signals.phones import SILENCE, VOWELS, Phone, arpabet_of, known
from vultus.voices.finish import Sound

MEND: Final = "Install it: pip install 'vultus[stage]'"
_PAUSE: Final = 0.08  # seconds from which a space or a comma is a silence, not part of its neighbours
_LONGEST: Final = 400  # characters; the networks take up to 510

_SYMBOLS: Final = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "O", "OY": "Y", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t",
    "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_SOUNDS: Final = {
    "A": "eɪ", "I": "aɪ", "W": "aʊ", "O": "oʊ", "Q": "oʊ", "Y": "ɔɪ", "ʧ": "tʃ", "ʤ": "dʒ", "T": "ɾ", "ᵊ": "ə",
    "ᵻ": "ɪ", "ɜ": "ɝ",
}  # fmt: skip
_STRESS: Final = {"ˈ": 1, "ˌ": 2}


def missing(*packages: str) -> str:
    """Which of *packages* (import names) is not installed, "" when all are."""
    return next((p for p in packages if find_spec(p) is None), "")


def model_bytes(package: str, members: Sequence[tuple[str, str]], sha256: str) -> bytes:
    """The parts (package, path) of one network in installed packages, joined; VultusError unless the hash is right."""
    data = b"".join((files(p) / member).read_bytes() for p, member in members)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise VultusError(f"The installed {package} holds another network than the one that is known", MEND)
    return data


def session(model: bytes, inner: str, threads: int = 1) -> Any:
    """An onnxruntime session of *model* that also gives out its inner tensor *inner*.

    The durations of the phones are such a tensor. Protocol buffers that stand one after the other are merged, so that
    the output is added by appending the few bytes of a model that has nothing else.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    extra = _field(7, _field(12, _field(1, inner.encode())))  # ModelProto.graph, GraphProto.output, ValueInfoProto.name
    return onnxruntime.InferenceSession(model + extra, options, providers=["CPUExecutionProvider"])


def _field(number: int, content: bytes) -> bytes:
    out, size = bytearray([number << 3 | 2]), len(content)
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes([*out, size]) + content


@lru_cache(maxsize=1)
def _reader() -> Any:
    from hibari import Hibari
    from hibari.g2p import G2P

    reader = object.__new__(Hibari)  # its splitting of text, without loading its network a second time
    reader._g2p = G2P()
    return reader


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, int]:
    """The number of each character of the alphabet."""
    import json

    found: dict[str, int] = json.loads((files("hibari") / "assets/vocab.json").read_text("utf-8"))
    return found


def from_text(text: str) -> list[str]:
    """English *text* in the alphabet, one string of at most 400 characters a sentence; nothing unknown in it."""
    return _cleaned(_reader().phonemize(text))


def from_sounds(pairs: Sequence[Sound]) -> list[str]:
    """Sounds in the alphabet, in strings of at most 400 characters that end in pauses where there are any."""
    out, line = [], ""
    for ipa, stress in pairs:
        if ipa == SILENCE:
            line += ", "
            if len(line) > 200:
                out.append(line)
                line = ""
            continue
        if len(line) > 380:
            out.append(line)
            line = ""
        phone = arpabet_of(ipa)
        symbol = (
            "ə" if known(ipa) in ("ə", "ɐ", "ɘ", "ᵊ") else "əɹ" if phone == "ER" and not stress else _SYMBOLS[phone]
        )
        line += {1: "ˈ", 2: "ˌ"}.get(stress, "") + symbol if phone in VOWELS else symbol
    return _cleaned([*out, line.rstrip(", ") + "."] if line.strip(", ") else out)


def _cleaned(lines: Sequence[str]) -> list[str]:
    """*lines* without unknown characters, none longer than `_LONGEST` and none without a sound."""
    known_, out = vocabulary(), []
    for line in lines:
        rest = "".join(c for c in line if c in known_)
        while len(rest) > _LONGEST:
            at = rest.rfind(" ", 1, _LONGEST) + 1 or _LONGEST
            out.append(rest[:at])
            rest = rest[at:]
        out.append(rest)
    return [line for line in out if any(_sound(c) for c in line)]


def _sound(c: str) -> str:
    return _SOUNDS.get(c) or (known(c) if c.isalpha() and c not in "ːʰʲ" else SILENCE)


def timed(line: str, steps: NDArray[np.floating], seconds: float) -> list[Phone]:
    """The phones of *line*, whose characters last *steps* ([len(line) + 2], with one before and one after).

    All steps together are *seconds*. Stress marks belong to the vowel after them, length marks to the sound before,
    spaces and punctuation of less than 80 ms to both neighbours; longer ones are silence. ``ɜɹ`` and ``əɹ`` are one
    sound.
    """
    lengths = np.asarray(steps, np.float64) * (seconds / float(np.sum(steps)))
    units: list[tuple[str, int, float]] = [(SILENCE, 0, float(lengths[0]))]
    stress, carried, before = 0, 0.0, "#"
    for c, length in zip(line, lengths[1:-1].tolist(), strict=True):
        ipa, said, last = _sound(c), units[-1][0], units[-1][2]
        if c in _STRESS:
            stress, carried = _STRESS[c], carried + length
        elif c in "ːʰʲ" or (ipa == SILENCE and said == SILENCE):
            units[-1] = (*units[-1][:2], last + length)
        elif c == "ɹ" and before in "əɜ":
            units[-1] = ("ɝ", units[-1][1], last + length)
        else:
            vowel = arpabet_of(ipa) in VOWELS
            units.append((ipa, stress if vowel else 0, length + carried))
            stress, carried = (0 if vowel else stress), 0.0
        before = c
    tail = float(lengths[-1]) + carried
    if len(units) > 1 and units[-1][0] == SILENCE:
        units[-1] = (SILENCE, 0, units[-1][2] + tail)
    else:
        units.append((SILENCE, 0, tail))
    return _placed(units)


def _placed(units: list[tuple[str, int, float]]) -> list[Phone]:
    lengths = [length for _, _, length in units]
    for i in range(1, len(units) - 1):
        if units[i][0] == SILENCE and lengths[i] < _PAUSE and i + 1 < len(units) - 1:
            lengths[i - 1] += lengths[i] / 2
            lengths[i + 1] += lengths[i] / 2
            lengths[i] = 0.0
    out: list[Phone] = []
    at = 0.0
    for (ipa, stress, _), length in zip(units, lengths, strict=True):
        if length > 0:
            out.append(Phone(at, at + length, ipa, stress))
        at += length
    return out


def package_file(package: str, member: str) -> Path:
    """Where the file *member* of an installed package lies."""
    return Path(str(files(package) / member))
