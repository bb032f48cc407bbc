"""Hibari: a small neural voice (American English, female) that knows when it says each phone.

PyPI ``hibari-tts`` 0.2 (Apache-2.0) with its network of 7.9 MB inside; it is in the extra ``stage``, with onnxruntime.
The network states how long each phone lasts; what it says sounds a little earlier, which is corrected here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from vultus.errors import VultusError
from vultus.voices import misaki
from vultus.voices.finish import Said, Spoken, check_common, chosen, finish, joined, sounds

RATE: Final = 24000
"""Hz at which the voice is made."""
LATE: Final = 0.05
"""Seconds by which its phones are stated too late, as forced alignment hears them (see docs/voices.md)."""
SHA256: Final = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
"""Of the network inside the package."""
_DURATIONS: Final = "/Clip_output_0"


def voices() -> tuple[str, ...]:
    """The names of its voices."""
    return ("heart",)


def missing() -> str:
    """What is wrong with the installation and how to mend it, in one line; "" when the voice can speak."""
    absent = misaki.missing("hibari", "onnxruntime")
    return f"The voice hibari needs the package {absent}. {misaki.MEND}" if absent else ""


def speak(spoken: Spoken, *, voice: str = "", rate: int = 24000, seed: int = 0, speed: float = 1.0) -> Said:
    """Say *spoken*: English text, IPA symbols, or phones, of which the symbols count and not the times.

    *rate* in Hz (8000 to 96000), *speed* 0.5 to 2; *seed* decides the noise in the voice. Returns mono samples (RMS of
    speech 0.1) and gapless phones; both are empty when there is nothing to say. VultusError when the package is absent
    or holds another network, and for values out of range.
    """
    chosen("hibari", voice, voices())
    check_common(rate, speed)
    if complaint := missing():
        raise VultusError(*complaint.split(". ", 1))
    from hibari import dsp

    lines = misaki.from_text(spoken) if isinstance(spoken, str) else misaki.from_sounds(sounds(spoken))
    rng = np.random.default_rng(seed)
    parts = []
    for line in lines:
        numbers = [0, *(misaki.vocabulary()[c] for c in line), 0]
        given = {"ids": np.asarray([numbers], np.int64), "speed": np.asarray([speed], np.float32)}
        *spectra, steps = _session().run(None, given)
        samples = dsp.synth(*(spectrum[0] for spectrum in spectra), rng)
        parts.append((samples, misaki.timed(line, np.ravel(steps), len(samples) / RATE)))
    samples, phones = joined(parts, RATE)
    return finish(samples, phones, own=RATE, rate=rate, late=LATE, hushed=True)


@lru_cache(maxsize=1)
def _session() -> Any:
    model = misaki.model_bytes("hibari-tts", [("hibari", "assets/hibari.onnx")], SHA256)
    return misaki.session(model, _DURATIONS)
