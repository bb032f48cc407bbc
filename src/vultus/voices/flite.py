"""Flite: the small voices of the system's ``flite`` program, where it is installed (Debian: package flite).

Flite is free under a BSD-like licence (Carnegie Mellon University); it runs in a process of its own. Nothing on PyPI
carries it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from vultus.errors import VultusError
from vultus.signals.phones import SILENCE, VOWELS, Phone, arpabet_of, from_arpabet, known
from vultus.signals.text import latin, text_phones
from vultus.voices.finish import Said, Samples, Sound, Spoken, check_common, chosen, finish, sounds

LATE: Final = 0.0
"""Seconds by which its phones are stated too late, as forced alignment hears them (see docs/voices.md)."""
TIMEOUT: Final = 120.0
"""Seconds that one call may take."""
MEND: Final = "Install the system's package flite, or choose another voice"
_SPECIAL: Final = {"ax": "AH0", "axr": "ER", "hv": "HH", "dx": "T", "nx": "N", "el": "L", "em": "M", "en": "N"}


def voices() -> tuple[str, ...]:
    """The voices that the program has, ``slt`` first; VultusError when it is not installed."""
    done = _run(["-lv"])
    # "awb_time" can only tell the time.
    found = [name for name in done.partition(":")[2].split() if not name.endswith("_time")]
    return tuple(sorted(found, key=lambda name: (name != "slt", name)))


def missing() -> str:
    """What is wrong with the installation and how to mend it, in one line; "" when the voice can speak."""
    return "" if shutil.which("flite") else f"The program flite is not installed. {MEND}."


def speak(spoken: Spoken, *, voice: str = "", rate: int = 16000, seed: int = 0, speed: float = 1.0) -> Said:
    """Say *spoken*: English text, IPA symbols, or phones, of which the symbols count and not the times.

    *rate* in Hz (8000 to 96000), *speed* 0.5 to 2; there is no chance in this voice, so *seed* changes nothing. Returns
    mono samples (RMS of speech 0.1) and gapless phones; both are empty when there is nothing to say. Raises VultusError
    when the program is absent or fails, for an unknown voice and for values out of range.
    """
    voice = chosen("flite", voice, _names())
    check_common(rate, speed)
    text = latin(spoken) if isinstance(spoken, str) else _named(sounds(spoken))
    if not any(c.isalnum() for c in text):
        return np.zeros(0, np.float32), []
    with tempfile.TemporaryDirectory(prefix="vultus-flite-") as folder:
        path = Path(folder) / "speech.wav"
        how = ["-t" if isinstance(spoken, str) else "-p", text]
        told = _run(["-voice", voice, "-psdur", "--setf", f"duration_stretch={1 / speed:.4f}", *how, "-o", str(path)])
        samples, own = read_wave(path, "flite")
    phones = _phones(told)
    return finish(samples, stressed(phones, text) if isinstance(spoken, str) else phones, own=own, rate=rate, late=LATE)


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    return voices()


def name_of(phone: str) -> tuple[str, int]:
    """IPA symbol and stress of a phone as flite and festival call it (``ax``, ``pau``)."""
    return from_arpabet(_SPECIAL.get(phone, phone.upper()))


def _named(pairs: list[Sound]) -> str:
    out = ["pau"]
    for ipa, stress in pairs:
        phone = arpabet_of(ipa)
        schwa = known(ipa) in ("ə", "ɐ", "ɘ", "ᵊ")
        name = "pau" if ipa == SILENCE else "ax" if schwa else phone.lower()
        out.append(f"{name}1" if stress and phone in VOWELS else name)
    return " ".join([*out, "pau"]) if pairs else ""


def stressed(phones: list[Phone], text: str) -> list[Phone]:
    """*phones* with the stress that the words of *text* have; vowels that are read otherwise than we would get none."""
    told = [p for p in text_phones(text) if p.ipa != SILENCE]
    own = [i for i, p in enumerate(phones) if p.ipa != SILENCE]
    pairs = SequenceMatcher(None, [phones[i].arpabet for i in own], [p.arpabet for p in told], autojunk=False)
    out = list(phones)
    for block in pairs.get_matching_blocks():
        for k in range(block.size):
            at = own[block.a + k]
            out[at] = replace(out[at], stress=told[block.b + k].stress)
    return out


def _phones(told: str) -> list[Phone]:
    """Phones from ``name:end`` pairs; in a new utterance the ends begin anew."""
    out: list[Phone] = []
    at = base = 0.0
    for name, number in re.findall(r"(\S+):([\d.]+)", told):
        end = base + float(number)
        if end < at:
            base = at
            end = base + float(number)
        if end > at:
            out.append(Phone(at, end, *name_of(name)))
        at = max(at, end)
    return out


def read_wave(path: Path, program: str) -> tuple[Samples, int]:
    """Mono samples in [-1, 1] and rate of a 16-bit wave file that *program* wrote; VultusError when it did not."""
    import wave

    try:
        with wave.open(str(path), "rb") as file:
            data, own = file.readframes(file.getnframes()), file.getframerate()
    except (OSError, EOFError, wave.Error):
        raise VultusError(f"The program {program} wrote no sound", "Try another voice or text") from None
    samples: Samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    return samples, own


def _run(arguments: list[str]) -> str:
    program = shutil.which("flite")
    if not program:
        raise VultusError("The program flite is not installed", MEND)
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise VultusError(f"The program flite failed ({type(error).__name__})", "Try another voice or text") from None
    return done.stdout
