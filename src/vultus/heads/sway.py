"""Inertia of free hair: a damped spring that lags behind the head's motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FREQUENCY = 1.9  # swings per second of free hair
DAMPING = 0.35  # share of critical damping
FURTHEST, MOST = 0.03, 0.22  # metres and radians beyond which hair does not lag


class Sway:
    """Follows the rows of one performance in order; a head that keeps still, in any pose, gets zeros."""

    def __init__(self) -> None:
        self._lag: F64 = np.zeros((2, 3))
        self._speed: F64 = np.zeros((2, 3))
        self._last: F64 | None = None

    def step(self, row: F32, fps: float) -> F32:
        """The frame *row* [69], 1/*fps* seconds after the one before -> shift in metres and turn in radians, [2, 3].

        The exact motion of the spring over the frame, so that any frame rate is stable; values that are not finite
        count as 0.
        """
        place = np.stack([row[ch.TRANSLATION], row[ch.NECK].astype(np.float64) + row[ch.HEAD]]).astype(np.float64)
        place = np.nan_to_num(place, nan=0.0, posinf=0.0, neginf=0.0)
        if self._last is not None:
            # The roots move at once, the rest of the hair stays where it was.
            self._lag += self._last - place
        self._last = place
        omega, time = 2 * np.pi * FREQUENCY, 1 / fps
        swing, decay = omega * np.sqrt(1 - DAMPING**2), np.exp(-DAMPING * omega * time)
        cosine, sine = np.cos(swing * time), np.sin(swing * time) / swing
        lag, speed = self._lag, self._speed
        self._lag = decay * (lag * cosine + (speed + DAMPING * omega * lag) * sine)
        self._speed = decay * (speed * cosine - (DAMPING * omega * speed + omega**2 * lag) * sine)
        for i, most in enumerate((FURTHEST, MOST)):
            size = float(np.linalg.norm(self._lag[i]))
            if size > most:
                self._lag[i] *= most / size
        small = np.abs(self._lag) < 1e-5
        return np.where(small, 0, self._lag).astype(np.float32)
