"""Where the eyes look: fixations, saccades, micro-saccades, and eyes that keep their aim while the head moves.

Sources: saccade durations, T. Bahill, M. Clark and L. Stark (1975), "The main sequence"; micro-saccades, R. Engbert and
R. Kliegl (2003); gaze aversion in speech, S. Andrist et al. (2014) and A. Doherty-Sneddon and F. Phelps (2005);
how the head follows, E. Freedman (2008); eye positions without torsion, Listing's law.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.drivers.prosody import Mark
from vultus.drivers.timing import TICK, Queue, Steps
from vultus.rotations import compose, to_matrix

Array = NDArray[np.float64]

VIEWER: Final = 0.8
"""Metres from the head to the viewer's eyes."""
EYE_LIMIT: Final = float(np.radians(25.0))
"""The largest rotation of an eye in the head, in radians: people turn the head before the eyes go further."""

_FOLLOW: Final = 0.22  # share of a gaze shift that the head takes
_AVERT: Final = {"viewer": 0.16, "wander": 0.55, "away": 0.3}  # how likely the next fixation leaves its home
_THINK: Final = {"viewer": 0.5, "wander": 0.7, "away": 0.4}  # how likely a pause in speech turns the eyes away


def saccade_duration(degrees: float) -> float:
    """Seconds that a saccade of an amplitude takes: 21 ms and 2.2 ms a degree (the main sequence)."""
    return 0.021 + 0.0022 * abs(degrees)


class Gaze:
    """A stream of gaze directions; [pitch, yaw] in degrees from the line to the viewer, down and left positive."""

    def __init__(self, amount: float, look: str, seed: int) -> None:
        """*amount* in [0, 2] scales how often and how far the eyes turn away; *look* is one of ``style.LOOKS``."""
        self._rng = np.random.default_rng([seed, 2])
        self._amount, self._look = amount, look
        side = self._rng.choice([-1, 1])
        self._home = np.array([2.0, side * 14.0]) if look == "away" else np.zeros(2)
        self._eyes, self._head = Steps(self._home), Steps(_FOLLOW * self._home)
        self._aim = self._home  # the current fixation, without micro-saccades
        self._averted = self._thinking = False
        self._marks: Queue[Mark] = Queue()
        self._tick = 0
        self._next = self._rng.uniform(0.6, 2.0)
        self._micro = self._rng.exponential(0.8)

    def hear(self, marks: Iterable[Mark]) -> None:
        """Learn where phrases begin and end."""
        self._marks.put(marks)

    def advance(self, until: float) -> list[tuple[float, float]]:
        """Decide all saccades up to *until* seconds and return them as (time, degrees)."""
        made: list[tuple[float, float]] = []
        while self._tick * TICK <= until:
            now = self._tick * TICK
            self._tick += 1
            for mark in self._marks.until(now + 0.15):
                self._react(mark, now)
            if now >= self._next:
                made.append((now, self._refix(now)))
                self._micro = now + self._rng.exponential(0.8) + 0.2
            elif now >= self._micro:
                jitter = np.clip(self._rng.normal(0, 0.22, 2), -0.6, 0.6)
                self._eyes.add(now, saccade_duration(0.3), self._aim + jitter - self._eyes.goal)
                self._micro = now + self._rng.exponential(0.6) + 0.2
        return made

    def at(self, times: Array) -> Array:
        """Where the eyes aim at *times*: [T, 2] degrees."""
        return self._eyes.at(times)

    def head(self, times: Array) -> Array:
        """What the head takes over, [T, 3] rotation vector in radians."""
        turn = np.radians(self._head.at(times))
        return np.concatenate([turn, np.zeros((len(times), 1))], axis=1)

    def forget(self, before: float) -> None:
        """Fold what is over before a time."""
        self._eyes.forget(before)
        self._head.forget(before)

    def _react(self, mark: Mark, now: float) -> None:
        if mark.speaking and self._averted:
            self._next = min(self._next, now + self._rng.uniform(0.05, 0.5))
        elif not mark.speaking and self._rng.random() < _THINK[self._look] * min(self._amount, 1.0):
            self._thinking = True
            self._next = now + self._rng.uniform(0.25, 0.5)

    def _refix(self, now: float) -> float:
        rng, think, self._thinking = self._rng, self._thinking, False
        leave = think or rng.random() < _AVERT[self._look] * self._amount
        if leave and (think or not self._averted):
            reach = rng.uniform(6, 13) * min(self._amount, 1.5) * (1.0 if think else 0.75)
            angle = rng.choice([0.0, np.pi, -np.pi / 2]) + rng.uniform(-0.5, 0.5)  # left, right or up
            aim = self._home + reach * np.array([0.7 * np.sin(angle), np.cos(angle)])
            self._averted, wait = True, rng.uniform(0.5, 1.6)
        else:
            # From one eye to the other and to the mouth of the viewer.
            aim = self._home + rng.normal((0.4, 0.0), (0.7, 1.2)).clip(-2, 2)
            self._averted, wait = False, rng.gamma(3.0, 0.5) + 0.25
        before = self._eyes.goal
        self._aim, self._next = aim, now + wait
        amplitude = float(np.hypot(*(aim - before)))
        self._eyes.add(now, saccade_duration(amplitude), aim - before)
        follow = _FOLLOW * aim - self._head.goal
        if np.hypot(*follow) > 0.5:
            self._head.add(now + 0.04, 0.35 + 0.02 * amplitude, follow)
        return amplitude


def eyes_towards(aim: ArrayLike, neck: ArrayLike, head: ArrayLike, translation: ArrayLike) -> Array:
    """Eye rotations [T, 3] (radians, local to the head) that look at a target in the world.

    *aim* [T, 2] is in degrees from the line to the viewer (down, left), *neck* and *head* are rotation vectors [T, 3],
    *translation* [T, 3] metres. The eyes turn against the head (the vestibulo-ocular reflex), by at most
    :data:`EYE_LIMIT`. Both eyes turn alike.
    """
    down, left = np.radians(np.asarray(aim, np.float64)).T
    target = VIEWER * np.stack([np.cos(down) * np.sin(left), -np.sin(down), np.cos(down) * np.cos(left)], -1)
    line = target - np.asarray(translation, np.float64)
    world = to_matrix(compose(neck, head))
    x, y, z = np.moveaxis(np.einsum("tji,tj->ti", world, line), -1, 0)
    side = np.hypot(x, y)
    angle = np.minimum(np.arctan2(side, z), EYE_LIMIT)
    factor = np.where(side > 1e-12, angle / np.maximum(side, 1e-12), 0.0)
    # The axis is z x direction = (-y, x, 0): no torsion.
    return np.stack([-y * factor, x * factor, np.zeros_like(x)], axis=-1)
