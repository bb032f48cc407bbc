"""The One-Euro filter: what rests is smoothed, what moves is followed (G. Casiez et al., CHI 2012)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]


class OneEuro:
    """Smooths a stream of arrays, each element by its own speed. Causal: a value depends on the past alone."""

    def __init__(self, rest: ArrayLike, speed: ArrayLike, slope: float = 5.0) -> None:
        """*rest* is the cutoff in Hz at rest, *speed* what it gains for each unit a second, *slope* the cutoff in Hz
        of the speed itself; the first two are numbers or arrays that fit the values."""
        self._rest, self._speed = np.asarray(rest, np.float64), np.asarray(speed, np.float64)
        self._slope = slope
        self._value: Doubles | None = None
        self._rate: Doubles = np.zeros(())

    def reset(self) -> None:
        """Forget the past: the next value comes out as it is."""
        self._value = None

    def step(self, value: ArrayLike, seconds: float) -> Doubles:
        """The next smoothed value, *seconds* > 0 after the one before."""
        new = np.asarray(value, np.float64)
        if self._value is None:
            self._value, self._rate = new.copy(), np.zeros_like(new)
            return new.copy()
        rate = (new - self._value) / seconds
        self._rate = self._rate + _share(self._slope, seconds) * (rate - self._rate)
        share = _share(self._rest + self._speed * np.abs(self._rate), seconds)
        self._value = self._value + share * (new - self._value)
        return self._value.copy()


def _share(cutoff: Doubles | float, seconds: float) -> Doubles:
    """How far a first-order low pass of *cutoff* Hz goes towards a new value in *seconds*."""
    turn = 2 * np.pi * np.asarray(cutoff, np.float64) * seconds
    return np.asarray(turn / (turn + 1))
