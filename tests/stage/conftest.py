"""A short performance, and views of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vultus import channels as ch
from vultus.motion import Motion

FACE = "person:seed=12,glasses=none"
"""Somebody with a fringe."""


def performance(frames: int = 6, fps: int = 25) -> Motion:
    """Someone who talks and turns."""
    data, t = np.zeros((frames, len(ch.CHANNELS)), np.float32), np.arange(frames) / fps
    data[:, ch.INDEX["jawOpen"]] = 0.2 + 0.2 * np.sin(12 * t)
    data[:, ch.INDEX["mouthSmileLeft"]] = 0.4
    data[:, ch.HEAD.start + 1] = 0.25 * np.sin(3 * t)
    data[:, ch.HEAD.start] = 0.08 * np.sin(5 * t + 1)
    return Motion(data, Fraction(fps))


@pytest.fixture(scope="session")
def motion() -> Motion:
    """Six frames."""
    return performance()
