"""What sound does not tell of a performance: how this person moves, and how this once.

The same words, said in the same voice, leave a face free in many ways. A stage without that freedom would teach that
speech determines motion; it does not.

Sources: those of :mod:`vultus.drivers.manner`; H. Sackeim, R. Gur and M. Saucy, "Emotions are expressed more intensely
on the left side of the face" (1978); A. Bentivoglio et al., "Analysis of blink rate patterns in normal subjects"
(1997), for 4 to 48 blinks a minute; C. Cavé et al., "About the relationship between eyebrow movements and F0
variations" (1996).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from vultus.drivers.manner import Manner
from vultus.drivers.style import LOOKS
from vultus.errors import VultusError, unknown

_GAIN: Final = (0.6, 1.5)


@dataclass(frozen=True)
class Habits:
    """What a person does alike in every clip.

    ``gaze`` in [0, 2] scales how often and far the eyes wander and ``look`` is where they rest (``style.LOOKS``);
    ``blink`` is blinks a minute in [0, 60]; ``head`` and ``brows`` in [0, 2] scale how much they move; ``nod``,
    ``turn`` and ``tilt`` are radians, in [-0.15, 0.15], by which the head is usually held down, to the left and
    towards the right shoulder.
    """

    gaze: float = 1.0
    look: str = "viewer"
    blink: float = 17.0
    head: float = 1.0
    brows: float = 1.0
    nod: float = 0.0
    turn: float = 0.0
    tilt: float = 0.0

    def __post_init__(self) -> None:
        """Check every field."""
        if self.look not in LOOKS:
            raise unknown("look", str(self.look), LOOKS)
        limits = {"blink": (0, 60), "nod": (-0.15, 0.15), "turn": (-0.15, 0.15), "tilt": (-0.15, 0.15)}
        for name, value in asdict(self).items():
            low, high = limits.get(name, (0, 2))
            if name != "look" and not low <= value <= high:
                raise VultusError(f"The habit {name} is {value!r}", f"Give a number from {low} to {high}")


@dataclass(frozen=True)
class Hidden:
    """The variation of one clip that its sound does not tell.

    ``articulation`` (0.6 to 1.5) is a gain on all of the mouth, ``manner`` how it articulates, ``habits`` what the
    person always does; ``seed`` decides when the eyes move, lids close and head and targets stray.
    """

    articulation: float = 1.0
    manner: Manner = field(default_factory=Manner)
    habits: Habits = field(default_factory=Habits)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what its parts do not."""
        if not _GAIN[0] <= self.articulation <= _GAIN[1]:
            raise VultusError(
                f"The hidden articulation is {self.articulation!r}", f"Give a number from {_GAIN[0]} to {_GAIN[1]}"
            )
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**62:
            raise VultusError(f"{self.seed!r} is no seed", "Give a whole number from 0 up")

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Hidden:
        """The inverse of ``dataclasses.asdict``."""
        return cls(**{**record, "manner": Manner(**record["manner"]), "habits": Habits(**record["habits"])})


def _normal(rng: Generator, mean: float, deviation: float, most: float) -> float:
    """A normal number, at most *most* from the mean: no tail makes a caricature."""
    return round(float(np.clip(rng.normal(mean, deviation), mean - most, mean + most)), 4)


def _factor(rng: Generator, deviation: float, low: float, high: float) -> float:
    """A log-normal factor around 1 within [low, high]."""
    return round(float(np.clip(math.exp(rng.normal(0, deviation)), low, high)), 4)


def habits_of(seed: int) -> Habits:
    """The habits of the person of that *seed*: the same in all clips."""
    rng = np.random.default_rng([seed, 0x4AB])
    return Habits(
        gaze=_factor(rng, 0.35, 0.4, 1.8),
        look=str(rng.choice(LOOKS, p=(0.7, 0.2, 0.1))),
        blink=round(float(np.clip(17 * math.exp(rng.normal(0, 0.4)), 6, 40)), 2),
        head=_factor(rng, 0.35, 0.4, 1.8),
        brows=_factor(rng, 0.4, 0.3, 1.8),
        nod=_normal(rng, 0.0, 0.035, 0.09),
        turn=_normal(rng, 0.0, 0.035, 0.09),
        tilt=_normal(rng, 0.0, 0.035, 0.09),
    )


def draw_hidden(seed: int, person: int = 0) -> Hidden:
    """The hidden variation of the clip *seed* of the person of seed *person*; the ranges stand in docs/stage.md.

    Half of the asymmetry of mouth, smile and brows is the person's own and the same in all clips.
    """
    own, rng = np.random.default_rng([person, 0x51DE]), np.random.default_rng([seed, 0x41DD])

    def side(mean: float, deviation: float, most: float) -> float:
        value = own.normal(mean, deviation * 0.7) + rng.normal(0, deviation * 0.7)
        return round(float(np.clip(value, -most, most)), 4)

    manner = Manner(
        mouth_side=side(-0.04, 0.12, 0.35),
        smile_side=side(0.04, 0.15, 0.4),
        brow_side=side(0.0, 0.15, 0.4),
        jaw=_normal(rng, 0.0, 0.16, 0.4),
        upper_lip=_normal(rng, 0.0, 0.16, 0.4),
        rounding=_factor(rng, 0.15, 0.75, 1.35),
        jitter=round(float(rng.uniform(0.004, 0.018)), 4),
        unevenness=round(float(rng.uniform(0.08, 0.25)), 4),
        spread=_factor(rng, 0.18, 0.7, 1.4),
        loud_jaw=round(float(rng.uniform(0.3, 2.0)), 4),
        pitch_jaw=round(float(rng.uniform(0.0, 0.4)), 4),
        pitch_brows=round(float(rng.uniform(0.0, 0.7)), 4),
    )
    return Hidden(_factor(rng, 0.2, 0.65, 1.45), manner, habits_of(person), int(rng.integers(2**40)))
