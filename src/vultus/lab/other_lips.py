"""Lips that others make of the same speech, for comparison: ``openfacefx`` where it is installed.

It is a package of its own under the MIT licence, on numpy alone, and blends the shapes of phones by dominance (M. Cohen
and D. Massaro, 1993). It hears nothing, so it is given phones with times; it has a table of its own from its 15 visemes
to ARKit's shapes, which are ours by name.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

import numpy as np

from vultus.motion import Motion
from vultus.signals.phones import SILENCE, VOWELS, Phone, fill

OPENFACEFX: Final = {"openfacefx, true phone times": False, "openfacefx with its rules, true phone times": True}
"""Its rows, and whether its rules after JALI (P. Edwards et al., 2016) are on, which it leaves off by itself."""


def missing() -> str | None:
    """Why its rows cannot be; None where they can."""
    return None if importlib.util.find_spec("openfacefx") else "not run, it is not installed."


def openfacefx(phones: Sequence[Phone], count: int, fps: int = 25, rules: bool = False) -> Motion:
    """What the package makes of *phones*: *count* frames with lips, jaw and tongue, the rest at rest.

    Everything is as it comes, but for *rules*, which switches its rules after JALI on. ModuleNotFoundError where the
    package is not installed.
    """
    package = import_module("openfacefx")
    said = [package.PhonemeSegment(*segment) for segment in segments(phones, count / fps)]
    made = package.generate_from_alignment(said, params=package.CoartParams(jali=rules))
    track = package.retarget(made, package.PRESETS["arkit"])
    return sampled({line.name: [(key.time, key.value) for key in line.keys] for line in track.channels}, count, fps)


def segments(phones: Sequence[Phone], seconds: float) -> list[tuple[str, float, float]]:
    """ARPABET, start and end of each phone from 0 to *seconds* without gaps, as the package wants them: vowels with
    their stress, silence as "sil"."""
    out = []
    for phone in fill(phones, 0.0, seconds):
        stress = str(phone.stress) if phone.arpabet in VOWELS else ""
        out.append(("sil" if phone.ipa == SILENCE else phone.arpabet + stress, phone.start, phone.end))
    return out


def sampled(curves: Mapping[str, Sequence[tuple[float, float]]], count: int, fps: int = 25) -> Motion:
    """*count* frames of channels by name, each given by keys (seconds, value) in order, with straight lines between
    keys, held before the first and after the last; VultusError for a name that is no channel."""
    times = np.arange(count) / fps
    values = {name: np.interp(times, *np.transpose(keys)) for name, keys in curves.items() if len(keys)}
    return Motion.of(fps, frames=count, clamp=True, **values)
