"""Lips that move with a sound and do not say it: what a judge of lips must not take for speech."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.channels import CHANNELS, INDEX, REGIONS
from vultus.motion import Motion, clamp

_QUIET, _LOUD = -50.0, -10.0  # dB between which a jaw that follows the loudness opens
_JAW: Final = INDEX["jawOpen"]
_LIPS: Final = [i for name in ("jaw", "mouth", "tongue") for i in REGIONS[name] if i != _JAW]


def loud_jaw(samples: NDArray[np.float32], count: int, fps: int = 25) -> Motion:
    """*count* frames in which nothing but the jaw moves: it follows the loudness of *samples* at 16 kHz."""
    from vultus.signals.features import FEATURE_RATE, features

    loud = features(samples).loudness
    step = FEATURE_RATE // fps
    rows = np.minimum(np.arange(count)[:, None] * step + np.arange(-step, 2 * step), len(loud) - 1).clip(0)
    level = np.clip((loud[rows].mean(axis=1) - _QUIET) / (_LOUD - _QUIET), 0, 1)
    data = np.zeros((count, len(CHANNELS)), np.float32)
    data[:, _JAW] = 0.6 * level
    return Motion(data, Fraction(fps))


def wrong(motion: Motion, samples: NDArray[np.float32], rng: np.random.Generator) -> Motion:
    """*motion* with lips that fit the loudness of *samples* and not the phones: a third each has a jaw that follows the
    loudness alone, its own jaw alone, and its own jaw with the lips of another moment."""
    data = motion.data.copy()
    kind = int(rng.integers(3))
    if kind == 0:
        data[:, _JAW] = loud_jaw(samples, len(motion), round(motion.fps)).data[:, _JAW] * rng.uniform(0.5, 1.3)
    data[:, _LIPS] = np.roll(data[:, _LIPS], int(len(data) * rng.uniform(0.3, 0.7)), axis=0) if kind == 2 else 0
    return motion.replace(data=clamp(data))
