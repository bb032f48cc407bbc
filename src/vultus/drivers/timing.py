"""Curves over time that need no memory of the frames before: smooth noise and eased steps; and a queue.

The curves are evaluated at any times in any order, so what a driver emits cannot depend on how its output is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Timed(Protocol):
    """Anything that happens at a time."""

    @property
    def time(self) -> float:
        """Seconds."""
        ...


T = TypeVar("T", bound=Timed)

TICK: Final = 0.02
"""Seconds between two decisions of blink, gaze and gesture; decisions fall on multiples of it."""

# The variance of a cubic B-spline of unit normals is 0.479 on average over a knot interval.
_UNIT: Final = 1 / np.sqrt(0.479)


@lru_cache(maxsize=512)
def _knot(seed: int, salt: int, index: int, dims: int) -> Array:
    return np.random.default_rng([seed, salt, index]).standard_normal(dims)


def noise(times: Array, seed: int, salt: int, rate: float, dims: int) -> Array:
    """Smooth noise with mean 0 and variance 1 at *times* >= 0, [T, dims]; most power lies below *rate* / 2 Hz.

    A cubic B-spline through normal numbers at *rate* knots a second; the same *seed* and *salt* give the same noise.
    """
    position = np.maximum(times, 0) * rate
    first = int(position.min()) if len(position) else 0
    last = int(position.max()) if len(position) else 0
    knots = np.stack([_knot(seed, salt, k, dims) for k in range(first, last + 4)])
    cell = position.astype(np.int64)
    u = (position - cell)[:, None]
    i = cell - first
    weights = ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3)
    return _UNIT / 6 * sum((w * knots[i + k] for k, w in enumerate(weights)), np.zeros((len(times), dims)))


def ease(x: ArrayLike) -> Array:
    """0 below 0, 1 above 1, and between them the minimum-jerk curve of natural movements (Flash and Hogan 1985)."""
    u = np.minimum(np.maximum(np.asarray(x, np.float64), 0), 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


class Queue(Generic[T]):
    """Things with a ``time`` that wait, in order, until a tick reaches them."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._waiting: deque[T] = deque()

    def put(self, things: Iterable[T]) -> None:
        """Append things, none earlier than those before."""
        self._waiting.extend(things)

    def until(self, time: float) -> list[T]:
        """Take out what is due at or before *time*."""
        out = []
        while self._waiting and self._waiting[0].time <= time:
            out.append(self._waiting.popleft())
        return out


class Steps:
    """A quantity [dims] that moves by eased steps, each with a start, a duration and a difference."""

    def __init__(self, base: ArrayLike) -> None:
        """Rest at *base* until the first step."""
        self._base: Array = np.array(base, np.float64)
        self._steps: list[tuple[float, float, Array]] = []

    @property
    def goal(self) -> Array:
        """Where the quantity comes to rest after all steps so far, [dims]."""
        return self._base + sum((d for _, _, d in self._steps), np.zeros_like(self._base))

    def add(self, start: float, duration: float, difference: ArrayLike) -> None:
        """Move by *difference* from *start* on, over *duration* seconds."""
        self._steps.append((start, duration, np.asarray(difference, np.float64)))

    def pulse(self, start: float, rise: float, stay: float, fall: float, height: ArrayLike) -> None:
        """Move by *height* and back again."""
        up = np.asarray(height, np.float64)
        self.add(start, rise, up)
        self.add(start + rise + stay, fall, -up)

    def at(self, times: Array) -> Array:
        """Values at ascending *times*, [T, dims]."""
        out = np.zeros((len(times), len(self._base)))
        over = np.zeros((len(times) + 1, len(self._base)))
        over[0] = self._base
        for start, duration, difference in self._steps:
            first, last = np.searchsorted(times, (start, start + duration))
            out[first:last] += ease((times[first:last] - start) / duration)[:, None] * difference
            over[last] += difference
        return out + over[:-1].cumsum(0)

    def forget(self, before: float) -> None:
        """Fold what is over *before* a time into the base; only later times may be asked for."""
        over = [s for s in self._steps if s[0] + s[1] <= before]
        if over:
            self._base = self._base + sum((d for _, _, d in over), np.zeros_like(self._base))
            self._steps = [s for s in self._steps if s[0] + s[1] > before]
