"""What head and brows do while someone speaks, listens or rests: sway, nods on accents, phrase posture, breath.

Sources: head motion in speech is slow (mostly below 2 Hz) and a few degrees wide, U. Hadar et al. (1983), and goes with
pitch and loudness, K. Munhall et al. (2004); nods and brow raises on accents, E. McClave (2000), E. Krahmer and
M. Swerts (2007); brows in questions, C. Cavé et al. (1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.drivers.prosody import Accent, Mark
from vultus.drivers.timing import TICK, Queue, Steps, noise

Array = NDArray[np.float64]

LEAD: Final = 0.3
"""Seconds before an accent or the end of a phrase at which the body starts to move."""
HEAD_LIMIT: Final = float(np.radians(14.0))
"""No axis of neck and head together turns further, in radians."""

_NECK: Final = 0.4  # the neck's share of a head movement
_SWAY: Final = np.radians([1.1, 1.9, 1.1])  # standard deviation of slow sway while speaking: pitch, yaw, roll
_BREATH: Final = 0.25  # breaths a second


@dataclass(frozen=True, eq=False)
class Gesture:
    """Neck and head rotation vectors [T, 3] in radians, translation [T, 3] in metres, brow raise [T] in [0, 1]."""

    neck: Array
    head: Array
    translation: Array
    brows: Array


class Activity:
    """How much someone is speaking, 0 at rest to 1 in a phrase, eased: [T] over any times."""

    def __init__(self) -> None:
        """Start at rest."""
        self._level = Steps([0.0])

    def hear(self, marks: Iterable[Mark]) -> None:
        """Learn where phrases begin and end."""
        for mark in marks:
            start, duration = (mark.time - LEAD, 0.5) if mark.speaking else (mark.time, 1.2)
            self._level.add(start, duration, float(mark.speaking) - self._level.goal)

    def at(self, times: Array) -> Array:
        """Activity at *times*, [T] in [0, 1]."""
        return np.clip(self._level.at(times)[:, 0], 0, 1)

    def forget(self, before: float) -> None:
        """Fold what is over before a time."""
        self._level.forget(before)


class Gestures:
    """A stream of head and brow motion; the same seed and speech give the same motion however the stream is cut."""

    def __init__(self, seed: int, *, head: float, brows: float, posture: ArrayLike = (0, 0, 0)) -> None:
        """*head* and *brows* scale the motion; *posture* is a rotation vector in radians that the head holds."""
        self._rng = np.random.default_rng([seed, 3])
        self._seed, self._head_amount, self._brow_amount = seed, head, brows
        self._posture = np.asarray(posture, np.float64)
        self._turn, self._drop, self._nods = Steps([0.0] * 3), Steps([0.0]), Steps([0.0] * 3)
        self._brows = Steps([0.0])
        self._marks: Queue[Mark] = Queue()
        self._accents: Queue[Accent] = Queue()
        self._tick = 0
        self._brow_free = 0.0

    def hear(self, marks: Iterable[Mark], accents: Iterable[Accent]) -> None:
        """Learn about phrases and accents, each in order of time."""
        self._marks.put(marks)
        self._accents.put(accents)

    def advance(self, until: float, rise: Callable[[float], float] = lambda _: 0.0) -> None:
        """Decide everything up to *until* seconds; ``rise(time)`` is how far pitch rises at a phrase's end, in st."""
        while self._tick * TICK <= until:
            now = self._tick * TICK
            self._tick += 1
            for mark in self._marks.until(now + LEAD):
                if mark.speaking:
                    self._begin(mark.time)
                else:
                    self._end(mark.time, rise(mark.time))
            for accent in self._accents.until(now + LEAD):
                self._accent(accent)

    def at(self, times: Array, activity: Array, extra: ArrayLike = 0.0, liveliness: ArrayLike = 1.0) -> Gesture:
        """The gesture at *times* [T] with an *activity* [T]; *extra* [T, 3] radians joins the head (gaze).

        *liveliness* ([T] or a number) scales the head's motion.
        """
        amount = (self._head_amount * np.asarray(liveliness, np.float64)).reshape(-1, 1)
        lively = (0.5 + 0.5 * activity)[:, None]
        slow, fast = noise(times, self._seed, 11, 0.45, 3), noise(times, self._seed, 12, 1.6, 3)
        sway = _SWAY * lively * (0.9 * slow + 0.25 * fast)
        moved = sway + np.radians(self._turn.at(times) + self._nods.at(times))
        moved[:, 0] += np.radians(self._drop.at(times)[:, 0])
        breath = np.sin(2 * np.pi * _BREATH * times + 0.9 * noise(times, self._seed, 13, 0.15, 1)[:, 0])
        total = amount * moved + self._posture + np.asarray(extra, np.float64)
        total = HEAD_LIMIT * np.tanh(total / HEAD_LIMIT)
        neck, head = _NECK * total, (1 - _NECK) * total
        # The chest lifts the neck and tips it back a little; the head stays level.
        neck[:, 0] -= np.radians(0.25) * breath
        head[:, 0] += np.radians(0.15) * breath
        drift = 0.0015 * amount * noise(times, self._seed, 14, 0.3, 3)
        translation = np.clip(drift, -0.006, 0.006) + breath[:, None] * np.array([0.0, 0.0012, 0.0008])
        idle = 0.03 + 0.03 * noise(times, self._seed, 15, 0.5, 1)[:, 0]
        brows = np.clip(self._brow_amount * (np.maximum(idle, 0) + self._brows.at(times)[:, 0]), 0, 1)
        return Gesture(neck, head, translation, brows)

    def forget(self, before: float) -> None:
        """Fold what is over before a time."""
        for steps in (self._turn, self._drop, self._nods, self._brows):
            steps.forget(before)

    def _accent(self, accent: Accent) -> None:
        """A small lift, then a stroke whose lowest point meets the accent, then back."""
        rng = self._rng
        size = accent.strength * rng.uniform(2.6, 4.6)
        side = rng.normal(0, 0.35, 2)
        way = np.array([1.0, *side]) if rng.random() < 0.8 else np.array([0.45, rng.choice([-1, 1]) * 0.8, side[1]])
        stroke = size * way
        self._nods.add(accent.time - LEAD + TICK, 0.16, -0.2 * stroke)
        self._nods.add(accent.time - 0.2, 0.22, 1.2 * stroke)
        self._nods.add(accent.time + 0.03, 0.42, -stroke)
        if accent.time >= self._brow_free and rng.random() < accent.strength * 0.75:
            self._brows.pulse(accent.time - 0.16, 0.16, 0.08, 0.4, [0.35 * accent.strength])
            self._brow_free = accent.time + 0.7

    def _begin(self, time: float) -> None:
        goal = np.clip(self._rng.normal(0, (0.8, 2.2, 1.5)), -4, 4)
        self._turn.add(time - LEAD + TICK, 0.8, goal - self._turn.goal)
        self._drop.add(time - LEAD + TICK, 0.6, -self._drop.goal)

    def _end(self, time: float, rise: float) -> None:
        asking = rise > 2.5
        self._drop.add(time - 0.25, 0.5, [-1.0 if asking else self._rng.uniform(0.8, 2.0)] - self._drop.goal)
        if asking:
            self._brows.pulse(time - 0.28, 0.25, 0.35, 0.5, [0.5])
            self._brow_free = time + 1.0
