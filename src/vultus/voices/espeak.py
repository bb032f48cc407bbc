"""espeak-ng: more than a hundred languages and a hundred variants of each voice, three hundred times real time.

espeak-ng is under the GPL (version 3 or later) and is never loaded into this process: a small program of ours
(:mod:`vultus.voices.espeak_child`) runs it in a process of its own, and only sound and phones come back. The library is
the one in PyPI ``espeakng-loader`` (the extra ``espeak``: pip alone is enough), otherwise the system's libespeak-ng.
That process stays, because to start it takes longer than to speak a sentence, and answers each request in a fork of
itself, because espeak-ng's state would otherwise change how the same text sounds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np

from vultus.errors import VultusError, unknown
from vultus.signals.phones import SILENCE, VOWELS, Phone, arpabet_of, known, parse_stressed
from vultus.voices.finish import Said, Sound, Spoken, check_common, check_range, finish, sounds, split_rhotics

LATE: Final = 0.003
"""Seconds by which its phones are stated too late, as forced alignment hears them (see docs/voices.md)."""
CLOSURE: Final = 0.035
"""Seconds for which a voiceless stop is shut before it is announced, as forced alignment hears it."""
TIMEOUT: Final = 60
"""Seconds that one sentence may take."""
DEFAULT: Final = "en-us"
_WORDS_A_MINUTE: Final = 165
_MEND: Final = "Install it: pip install 'vultus[espeak]', or the system's package libespeak-ng1"

# ARPABET -> the mnemonics of espeak-ng's English, for phones in place of text.
_MNEMONICS: Final = {
    "AA": "A:", "AE": "a", "AH": "V", "AO": "O:", "AW": "aU", "AY": "aI", "B": "b", "CH": "tS", "D": "d", "DH": "D",
    "EH": "E", "ER": "3:", "EY": "eI", "F": "f", "G": "g", "HH": "h", "IH": "I", "IY": "i:", "JH": "dZ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "N", "OW": "oU", "OY": "OI", "P": "p", "R": "r", "S": "s", "SH": "S", "T": "t",
    "TH": "T", "UH": "U", "UW": "u:", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "Z",
}  # fmt: skip


@dataclass(frozen=True)
class Names:
    """What espeak-ng has: its version, the file of each language, and the variants that may follow a ``+``."""

    version: str
    languages: dict[str, str]
    variants: tuple[str, ...]


def voices() -> tuple[str, ...]:
    """Voices that can be named: ``en-us`` and its variants (``en-us+f3``), then the other languages.

    Any language takes any variant. VultusError when espeak-ng is absent.
    """
    found = names()
    own = (DEFAULT, *(f"{DEFAULT}+{variant}" for variant in found.variants))
    return (*own, *(name for name in found.languages if name != DEFAULT))


def missing() -> str:
    """What is wrong with the installation and how to mend it, in one line; "" when the voice can speak."""
    try:
        names()
    except VultusError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1)
def names() -> Names:
    """What the installed espeak-ng has; VultusError when there is none."""
    answer, _ = _child({"do": "list"})
    return Names(answer["version"], dict(sorted(answer["languages"].items())), tuple(sorted(answer["variants"])))


def speak(
    spoken: Spoken, *, voice: str = "", rate: int = 22050, seed: int = 0, speed: float = 1.0, pitch: int = 50
) -> Said:
    """Say *spoken*: text in the voice's language, or English phones as IPA symbols (their times do not count).

    *voice* is a language with or without a variant, such as ``en-us``, ``en-gb+m3`` or ``de+f2``; *rate* in Hz (8000 to
    96000), *speed* 0.5 to 2, *pitch* 0 to 99 (50 is usual). There is no chance in this voice: *seed* changes nothing.
    Returns mono samples (RMS of speech 0.1) and gapless phones; both are empty when there is nothing to say. Raises
    VultusError when espeak-ng is absent or fails, for an unknown voice and for values out of range.
    """
    voice = _checked(voice or DEFAULT)
    check_common(rate, speed)
    check_range("pitch", pitch, 0, 99)
    text = spoken if isinstance(spoken, str) else _mnemonics(sounds(spoken))
    if not any(c.isalnum() for c in text):
        return np.zeros(0, np.float32), []
    asked = {
        "do": "speak", "text": text.replace("\0", " "), "voice": voice, "pitch": pitch,
        "words": round(_WORDS_A_MINUTE * speed), "phonemes": not isinstance(spoken, str),
    }  # fmt: skip
    answer, sound = _child(asked)
    samples = np.frombuffer(sound, "<i2").astype(np.float32) / 32768
    own = int(answer["rate"])
    return finish(samples, _phones(answer["events"], len(samples) / own, own), own=own, rate=rate, late=LATE)


def _checked(voice: str) -> str:
    """What espeak-ng calls *voice*; it would take an unknown one for the nearest without a word.

    Only by its file can a language be asked for with a variant.
    """
    language, plus, variant = voice.partition("+")
    found = names()
    if language not in found.languages:
        raise unknown("voice of espeak", language, found.languages)
    if variant and variant not in found.variants:
        raise unknown("variant of the voices of espeak", variant, found.variants)
    return found.languages[language] + plus + variant


def _mnemonics(pairs: Sequence[Sound]) -> str:
    out = []
    for ipa, stress in pairs:
        phone = arpabet_of(ipa)
        mark = {1: "'", 2: ","}.get(stress, "") if phone in VOWELS else ""
        schwa = known(ipa) in ("ə", "ɐ", "ɘ", "ᵊ")
        out.append("_:" if ipa == SILENCE else mark + ("@" if schwa else _MNEMONICS[phone]))
    # "||" keeps neighbours from being read as one mnemonic.
    return f"[[{'|'.join(out)}]]" if out else ""


def _phones(events: Sequence[tuple[int, str]], seconds: float, own: int) -> list[Phone]:
    """Phones from espeak-ng's events (sample, IPA): one event may hold several sounds, which share its time.

    An event that lasts no time (the l of "bottle") shares that of the sound before it.
    """
    edges = [*_closures(events, own), seconds]
    groups: list[tuple[float, float, list[Sound]]] = []
    for i, (_, ipa) in enumerate(events):
        start, end, found = edges[i], edges[i + 1], split_rhotics(parse_stressed(ipa))
        if end > start:
            groups.append((start, end, found or [(SILENCE, 0)]))
        elif found and groups and groups[-1][2][0][0] != SILENCE:
            groups[-1][2].extend(found)
    out: list[Phone] = []
    for start, end, found in groups:
        shares = np.cumsum([0.0, *(2.0 if arpabet_of(s) in VOWELS else 1.0 for s, _ in found)])
        places = start + (end - start) * shares / shares[-1]
        out += [Phone(float(a), float(b), *s) for s, a, b in zip(found, places[:-1], places[1:], strict=True)]
    return out


def _closures(events: Sequence[tuple[int, str]], own: int) -> list[float]:
    """When each event's sound begins: a voiceless stop is announced when it opens, and began when it closed."""
    times = [sample / own for sample, _ in events]
    out = list(times)
    for i in range(1, len(events)):
        first = (parse_stressed(events[i][1]) or [(SILENCE, 0)])[0][0]
        if arpabet_of(first) in ("P", "T", "K", "CH") and parse_stressed(events[i - 1][1]):
            out[i] = max(times[i] - CLOSURE, (times[i - 1] + times[i]) / 2)
    return out


def _child(asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Run espeak-ng in a process of its own; returns what it says and the sound (16 bit, little-endian)."""
    library = data = ""
    if spec := find_spec("espeakng_loader"):  # found, not imported: only its files are used, and only by the child
        folder = Path(str(spec.origin)).parent
        suffix = {"win32": "espeak-ng.dll", "darwin": "libespeak-ng.dylib"}.get(sys.platform, "libespeak-ng.so")
        library, data = str(folder / suffix), str(folder)
    request = {**asked, "library": library, "data": data, "seconds": TIMEOUT}
    answer, sound = _exchange(json.dumps(request).encode() + b"\n")
    if "error" in answer:
        mend = _MEND if answer.get("absent") else "Try another voice or text"
        raise VultusError(f"espeak-ng cannot speak here: {answer['error']}", mend)
    return answer, sound


# Isolated and without site packages: 25 ms instead of 150.
_COMMAND: Final = [sys.executable, "-I", "-S", str(Path(__file__).with_name("espeak_child.py"))]
_LOCK: Final = threading.Lock()


@dataclass
class _Kept:
    """The process that waits for requests, whose it is, and the processor seconds of it and of those before it."""

    process: subprocess.Popen[bytes] | None = None
    owner: int = 0
    worked: float = 0.0
    before: float = 0.0


_KEPT: Final = _Kept()


def elsewhere() -> float:
    """Processor seconds that espeak-ng has used so far in processes of its own."""
    return _KEPT.before + _KEPT.worked


def _exchange(request: bytes) -> tuple[dict[str, Any], bytes]:
    """Send a line to the process, which is started when there is none; its answer and the sound."""
    with _LOCK:
        process = cast(subprocess.Popen[bytes], _KEPT.process)
        alive = process is not None and process.poll() is None
        if not alive or _KEPT.owner != os.getpid() or not hasattr(os, "fork"):
            process = _start()
        requests, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            requests.write(request)
            requests.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            sound = answers.read(answer["bytes"])
        except (OSError, ValueError):
            stop()
            return {"error": "it crashed"}, b""
        _KEPT.worked = answer["worked"]
        return answer, sound


def _start() -> subprocess.Popen[bytes]:
    if _KEPT.owner == os.getpid():
        stop()
    _KEPT.before += _KEPT.worked
    _KEPT.worked, _KEPT.owner = 0.0, os.getpid()
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    _KEPT.process = subprocess.Popen(_COMMAND, stdin=pipe, stdout=pipe, stderr=nowhere)
    return _KEPT.process


@atexit.register
def stop() -> None:
    """End the process that waits for requests; the next one starts another."""
    process, _KEPT.process = _KEPT.process, None
    if process is not None and _KEPT.owner == os.getpid():
        with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        process.kill()
