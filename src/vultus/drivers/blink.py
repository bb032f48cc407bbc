"""Blinks: when they happen and how the lids move.

Sources: rates, A. Bentivoglio et al. (1997): 17 a minute at rest, more in conversation; intervals, log-normal; lids
close in about 0.1 s and open in about 0.2 s, F. VanderWerf et al. (2003); with large gaze shifts, C. Evinger et al.
(1994); at the ends of phrases, T. Nakano and S. Kitazawa (2010), F. Cummins (2012).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.prosody import Mark
from vultus.drivers.timing import TICK, Queue, ease

Array = NDArray[np.float64]

_REFRACTORY: Final = 0.45  # seconds between the starts of two blinks that are not a double one
_SIGMA: Final = 0.6  # of the logarithm of the intervals
_EXTRA: Final = 1.35  # intervals are drawn longer by this, because phrase ends and gaze shifts add blinks
_LARGE: Final = 8.0  # degrees of gaze shift that tend to take a blink along


class Blinks:
    """A stream of blinks; the same seed and the same speech give the same blinks however the stream is cut."""

    def __init__(self, per_minute: float, seed: int) -> None:
        """Blink *per_minute* times a minute on average, at least without events; 0 never blinks."""
        self._rate = per_minute
        self._rng = np.random.default_rng([seed, 1])
        self._marks: Queue[Mark] = Queue()
        self._tick = 0
        self._events: list[tuple[float, float, float, float, float]] = []  # start, close, hold, open, depth
        self._last = -1.0
        self._next = self._interval() * self._rng.uniform(0.3, 1) if per_minute > 0 else np.inf

    def hear(self, marks: Iterable[Mark]) -> None:
        """Learn where phrases begin and end."""
        self._marks.put(marks)

    def advance(self, until: float, saccades: Iterable[tuple[float, float]] = ()) -> None:
        """Decide all blinks that start up to *until* seconds; *saccades* are (time, degrees) in that stretch."""
        shifts = [t for t, degrees in saccades if degrees > _LARGE]
        while self._tick * TICK <= until:
            now = self._tick * TICK
            self._tick += 1
            ended = any(not m.speaking for m in self._marks.until(now))
            shifted = bool(shifts) and shifts[0] <= now
            while shifts and shifts[0] <= now:
                shifts.pop(0)
            if self._rate <= 0 or now - self._last < _REFRACTORY:
                continue
            keen = min(self._rate / 17, 1.0)
            chance = 1 - (1 - 0.45 * keen * ended) * (1 - 0.6 * keen * shifted)
            if now >= self._next or (chance > 0 and self._rng.random() < chance):
                self._blink(now)

    def at(self, times: Array) -> Array:
        """How far the lids are closed at ascending *times*, [T] in [0, 1]."""
        out = np.zeros(len(times))
        for start, close, hold, opening, depth in self._events:
            first, last = np.searchsorted(times, (start, start + close + hold + opening))
            t = times[first:last] - start
            closed = depth * ease(t / close) * (1 - ease((t - close - hold) / opening))
            out[first:last] = np.maximum(out[first:last], closed)
        return out

    def forget(self, before: float) -> None:
        """Drop blinks that are over before a time."""
        self._events = [e for e in self._events if e[0] + e[1] + e[2] + e[3] >= before]

    def _interval(self) -> float:
        mean = 60 / self._rate * _EXTRA
        return float(self._rng.lognormal(np.log(mean) - _SIGMA**2 / 2, _SIGMA))

    def _blink(self, now: float) -> None:
        kind = self._rng.random()
        depth = self._rng.uniform(0.45, 0.75) if kind < 0.1 else 1.0
        self._add(now, depth)
        if kind > 0.94:
            self._add(now + 0.34, 1.0)
        self._last = self._events[-1][0]
        self._next = self._last + max(self._interval(), _REFRACTORY)

    def _add(self, start: float, depth: float) -> None:
        # Lids stay down for a frame of film at least, or the blink could fall between two frames.
        close, hold, opening = self._rng.normal((0.095, 0.045, 0.19), (0.01, 0.004, 0.025))
        self._events.append((start, max(close, 0.06), max(hold, 0.042), max(opening, 0.1), depth))
