"""Festival: the voices of the system's ``festival`` program, where it is installed (Debian: festival, festvox-…).

Festival is free under a BSD-like licence (University of Edinburgh); it runs in a process of its own. Nothing on PyPI
carries it. It loads its dictionary for each call, which takes longer than the speaking.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from vultus.errors import VultusError
from vultus.signals.phones import Phone
from vultus.signals.text import latin
from vultus.voices.finish import Said, Spoken, check_common, chosen, finish
from vultus.voices.flite import name_of, read_wave, stressed

LATE: Final = 0.0
"""Seconds by which its phones are stated too late, as forced alignment hears them (see docs/voices.md)."""
TIMEOUT: Final = 120.0
"""Seconds that one call may take."""
MEND: Final = "Install the system's packages festival and festvox-us-slt-hts, or choose another voice"


def voices() -> tuple[str, ...]:
    """The voices that the program has; VultusError when it is not installed or has none."""
    found = tuple(sorted(re.findall(r"@(\w+)", _run('(mapcar (lambda (v) (format t "@%s\\n" v)) (voice.list))\n'))))
    if not found:
        raise VultusError("The program festival has no voice", MEND)
    return found


def missing() -> str:
    """What is wrong with the installation and how to mend it, in one line; "" when the voice can speak."""
    try:
        _names()
    except VultusError as error:
        return str(error)
    return ""


def speak(spoken: Spoken, *, voice: str = "", rate: int = 16000, seed: int = 0, speed: float = 1.0) -> Said:
    """Say *spoken*, English text (this engine takes no phones).

    *rate* in Hz (8000 to 96000), *speed* 0.5 to 2; there is no chance in this voice, so *seed* changes nothing. Returns
    mono samples (RMS of speech 0.1) and gapless phones; both are empty when there is nothing to say. Raises VultusError
    when the program is absent or fails, for phones, for an unknown voice and for values out of range.
    """
    voice = chosen("festival", voice, _names())
    check_common(rate, speed)
    if not isinstance(spoken, str):
        raise VultusError("The voice festival speaks text only", "Give text, or another voice such as espeak")
    # The text stands inside a program in Scheme: nothing that could end its string may pass.
    text = re.sub(r"[^A-Za-z0-9 .,;:!?'%$-]+", " ", latin(spoken)).strip()
    if not any(c.isalnum() for c in text):
        return np.zeros(0, np.float32), []
    with tempfile.TemporaryDirectory(prefix="vultus-festival-") as folder:
        program = (
            f"(voice_{voice})\n(Parameter.set 'Duration_Stretch {1 / speed:.4f})\n"
            "(if (boundp 'hts_engine_params)\n"  # voices of HTS have a speed of their own
            f'    (set! hts_engine_params (append hts_engine_params (list (list "-r" {speed:.4f})))))\n'
            f'(set! said (utt.synth (Utterance Text "{text}")))\n'
            '(utt.save.segs said "speech.lab")\n(utt.save.wave said "speech.wav")\n'
        )
        _run(program, Path(folder))
        samples, own = read_wave(Path(folder) / "speech.wav", "festival")
        rows = (Path(folder) / "speech.lab").read_text("ascii", "replace").splitlines()
    return finish(samples, stressed(_phones(rows), text), own=own, rate=rate, late=LATE)


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    return voices()


def _phones(rows: list[str]) -> list[Phone]:
    """Phones from lines of an end in seconds, a colour and a name."""
    out: list[Phone] = []
    at = 0.0
    for row in rows:
        found = re.fullmatch(r"\s*([\d.]+)\s+\d+\s+(\S+)\s*", row)
        if found and float(found[1]) > at:
            out.append(Phone(at, float(found[1]), *name_of(found[2])))
            at = float(found[1])
    return out


def _run(program: str, folder: Path | None = None) -> str:
    command = shutil.which("festival")
    if not command:
        raise VultusError("The program festival is not installed", MEND)
    with tempfile.TemporaryDirectory(prefix="vultus-festival-") as own:
        script = (folder or Path(own)) / "say.scm"
        script.write_text(program, "ascii")
        try:
            done = subprocess.run(
                [command, "-b", str(script)],
                capture_output=True, text=True, timeout=TIMEOUT, check=True, cwd=script.parent,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            mend = "Try another voice or text"
            raise VultusError(f"The program festival failed ({type(error).__name__})", mend) from None
    return done.stdout
