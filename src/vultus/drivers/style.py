"""How someone speaks: emotions as offsets and gains on a face, and how much everything else moves.

Offsets follow the action units of the basic emotions (P. Ekman, W. Friesen and J. Hager, *FACS*, 2002; EMFACS) in
ARKit's vocabulary. They are laid over speech, which keeps its closures: see :func:`vultus.drivers.articulation.hold`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.channels import CHANNELS, EMOTIONS, EXPRESSION, INDEX
from vultus.drivers.articulation import columns_of
from vultus.drivers.manner import PLAIN, Manner, lean
from vultus.drivers.target_sets import SETS
from vultus.drivers.timing import ease
from vultus.errors import VultusError, unknown

Array = NDArray[np.float64]

LOOKS: Final = ("viewer", "wander", "away")
"""Where the eyes rest: on the viewer, often elsewhere, or past the viewer."""


@dataclass(frozen=True, slots=True)
class _Emotion:
    offset: dict[str, float]  # weights in [0, 1] at full intensity
    gain: dict[str, float]  # factors on what speech does at full intensity
    posture: tuple[float, float, float] = (0.0, 0.0, 0.0)  # degrees: down, to the left, towards the right shoulder
    liveliness: float = 1.0  # factor on head motion
    blinks: float = 1.0  # factor on the blink rate


_FACES: Final[dict[str, _Emotion]] = {
    "happy": _Emotion(
        {"mouthSmile": 0.62, "cheekSquint": 0.5, "eyeSquint": 0.3, "mouthDimple": 0.15, "browOuterUp": 0.1},
        {"mouthFunnel": 0.85, "mouthPucker": 0.9, "mouthStretch": 1.1, "mouthUpperUp": 1.15, "jawOpen": 1.1},
        (-1.5, 0, 1), 1.2, 1.1),
    "sad": _Emotion(
        {"browInnerUp": 0.7, "mouthFrown": 0.5, "mouthShrugLower": 0.25, "browDown": 0.15, "eyeSquint": 0.12,
         "eyeBlink": 0.12},
        {"jawOpen": 0.8, "mouthLowerDown": 0.8, "mouthUpperUp": 0.75, "mouthStretch": 0.75, "mouthSmile": 0.3},
        (4, 0, 2), 0.55, 0.85),
    "angry": _Emotion(
        {"browDown": 0.85, "eyeSquint": 0.35, "eyeWide": 0.2, "noseSneer": 0.3, "mouthFrown": 0.2, "mouthPress": 0.15,
         "jawForward": 0.15, "mouthLowerDown": 0.08},
        {"jawOpen": 1.15, "mouthLowerDown": 1.2, "mouthUpperUp": 1.2, "mouthStretch": 1.15, "mouthSmile": 0.2},
        (3, 0, 0), 1.25, 0.7),
    "surprised": _Emotion(
        {"browInnerUp": 0.85, "browOuterUp": 0.75, "eyeWide": 0.65, "jawOpen": 0.1},
        {"jawOpen": 1.25, "mouthSmile": 0.6},
        (-2.5, 0, 0), 1.1, 0.6),
    "fearful": _Emotion(
        {"browInnerUp": 0.8, "browOuterUp": 0.25, "browDown": 0.25, "eyeWide": 0.6, "mouthStretch": 0.35,
         "mouthFrown": 0.12},
        {"jawOpen": 0.95, "mouthStretch": 1.2, "mouthSmile": 0.3},
        (-2, 0, -1), 0.8, 1.4),
    "disgusted": _Emotion(
        {"noseSneer": 0.7, "browDown": 0.45, "mouthUpperUp": 0.22, "mouthFrown": 0.3, "cheekSquint": 0.3,
         "eyeSquint": 0.3, "mouthShrugLower": 0.2},
        {"jawOpen": 0.9, "mouthUpperUp": 1.15, "mouthSmile": 0.2},
        (-1, 3, -2), 0.8, 1.1),
    "contempt": _Emotion(
        {"mouthSmileLeft": 0.4, "mouthDimpleLeft": 0.4, "mouthPressLeft": 0.2, "eyeSquint": 0.22, "browDownRight": 0.2,
         "browOuterUpLeft": 0.25},
        {"jawOpen": 0.9, "mouthLowerDown": 0.9},
        (-3, 2, 3), 0.75, 0.9),
}  # fmt: skip

_RANGES: Final[dict[str, tuple[float, float]]] = {
    **dict.fromkeys(("neutral", *EMOTIONS, "heard"), (0, 1)),
    **dict.fromkeys(("articulation", "gaze", "head", "brows"), (0, 2)),
    "blink": (0, 60),
}


@dataclass(frozen=True)
class Style:
    """Weights of emotions in [0, 1], which may overlap, and how much the rest moves.

    ``neutral`` takes away from all emotions. ``heard`` in [0, 1] is how much of the emotion that the voice itself tells
    joins them, see :mod:`vultus.drivers.heard_mood`; unless asked for, none does. ``articulation``, ``gaze``, ``head``
    and ``brows`` scale how far the mouth moves, how often and far the eyes wander, and how much head and brows move (1
    is usual, [0, 2]). ``blink`` is blinks a minute in [0, 60]. ``look`` is one of :data:`LOOKS`. ``targets`` is where
    sounds want the mouth, one of ``target_sets.SETS``: "phonetic", or "tuned" on a reader of lips. Raises
    :class:`VultusError` for anything out of range.
    """

    neutral: float = 0.0
    happy: float = 0.0
    sad: float = 0.0
    angry: float = 0.0
    surprised: float = 0.0
    fearful: float = 0.0
    disgusted: float = 0.0
    contempt: float = 0.0
    heard: float = 0.0
    articulation: float = 1.0
    blink: float = 17.0
    gaze: float = 1.0
    head: float = 1.0
    brows: float = 1.0
    look: str = "viewer"
    targets: str = SETS[0]

    def __post_init__(self) -> None:
        """Check every field."""
        if self.look not in LOOKS:
            raise unknown("look", str(self.look), LOOKS)
        if self.targets not in SETS:
            raise unknown("set of targets", str(self.targets), SETS)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise VultusError(f"The style {name} is {getattr(self, name)}", f"Give a number from {low} to {high}.")

    @property
    def emotions(self) -> dict[str, float]:
        """The emotions with a weight above 0, after ``neutral`` took its share."""
        weights = {name: getattr(self, name) * (1 - self.neutral) for name in EMOTIONS}
        return {name: weight for name, weight in weights.items() if weight > 0}

    @property
    def posture(self) -> Array:
        """Head rotation in radians that the emotions hold, float64 [3], see the conventions of a Motion."""
        return posture_of(self.emotions, 1)[0]

    @property
    def liveliness(self) -> float:
        """Factor on head motion: ``head`` times what the emotions do."""
        return self.head * float(liveliness_of(self.emotions, 1)[0])

    @property
    def blinks_per_minute(self) -> float:
        """``blink`` times what the emotions do, at most 60."""
        return min(
            self.blink * float(np.prod([1 + w * (_FACES[e].blinks - 1) for e, w in self.emotions.items()])), 60.0
        )


def parse_style(text: str) -> Style:
    """A style from a line such as ``"happy:0.6,head:0.5,look:away"``; "" is the neutral style.

    An emotion, or ``heard``, without a number counts as 1. Raises :class:`VultusError` for unknown names and bad
    numbers.
    """
    values: dict[str, float | str] = {}
    names = [f.name for f in fields(Style)]
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, colon, value = (p.strip() for p in part.partition(":"))
        name = name.lower()
        if name not in names:
            raise unknown("style", name, names)
        if name in values:
            raise VultusError(f"The style {name} is given twice", "Give it once.")
        if name in ("look", "targets"):
            values[name] = value.lower()
        elif not colon and name in ("neutral", *EMOTIONS, "heard"):
            values[name] = 1.0
        else:
            try:
                values[name] = float(value)
            except ValueError as error:
                raise VultusError(f"The style {part!r} has no number", f"Write it as {name}:0.5.") from error
    return Style(**values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Mood:
    """An emotion of *weight* in [0, 1] from *start* to *end* seconds, which may be infinite; it swells and fades in
    :data:`TURN` seconds around both. Moods may overlap."""

    name: str
    weight: float
    start: float = -np.inf
    end: float = np.inf

    def __post_init__(self) -> None:
        """Check every field."""
        if self.name not in _FACES:
            raise unknown("emotion", str(self.name), _FACES)
        if not 0 <= self.weight <= 1 or not self.start < self.end:
            raise VultusError(f"{self.name} cannot weigh {self.weight} from {self.start} to {self.end} s")


TURN: Final = 0.7
"""Seconds in which one mood gives way to another."""


def moods_at(times: Array, moods: Iterable[Mood]) -> dict[str, Array]:
    """The weight of each emotion at *times*, [T] in [0, 1] by name."""
    out: dict[str, Array] = {}
    for mood in moods:
        there = ease((times - mood.start) / TURN + 0.5) * (1 - ease((times - mood.end) / TURN + 0.5))
        out[mood.name] = np.minimum(out.get(mood.name, 0.0) + mood.weight * there, 1)
    return out


def posture_of(emotions: Mapping[str, ArrayLike], count: int) -> Array:
    """The head rotation that emotions hold: weights (numbers or [T]) by name -> radians, [T, 3] with T = *count*."""
    degrees = np.zeros((count, 3))
    for name, weight in emotions.items():
        degrees += np.broadcast_to(np.asarray(weight, np.float64), count)[:, None] * np.array(_FACES[name].posture)
    return np.radians(np.clip(degrees, -6, 6))


def liveliness_of(emotions: Mapping[str, ArrayLike], count: int) -> Array:
    """The factor on head motion that emotions bring: weights (numbers or [T]) by name -> [T] with T = *count*."""
    out = np.ones(count)
    for name, weight in emotions.items():
        out = out * (1 + np.asarray(weight, np.float64) * (_FACES[name].liveliness - 1))
    return out


_SMILING: Final = (
    "mouthSmile", "mouthDimple", "mouthFrown", "mouthStretch", "mouthUpperUp", "cheekSquint", "noseSneer",
)  # fmt: skip


def express(data: ArrayLike, emotions: Mapping[str, ArrayLike], intensity: ArrayLike, manner: Manner = PLAIN) -> Array:
    """Lay emotions over a face: [T, 69] and weights (numbers or [T]) by name -> float64 [T, 69], expression changed.

    *intensity* ([T] or a number, in [0, 1]) scales all of them over time. Gains multiply what speech does, offsets join
    as ``1 - (1 - a)(1 - b)``, which never leaves [0, 1]. A rounded mouth holds back a smile, so that rounding stays
    readable. *manner* says on which side smiles and brows are stronger. Call
    :func:`vultus.drivers.articulation.hold` afterwards to keep the closures.
    """
    out = np.array(data, np.float64)
    strength = np.clip(np.broadcast_to(np.asarray(intensity, np.float64), (len(out),)), 0, 1)
    spoken = out.copy()
    free = np.ones((len(out), len(CHANNELS)))
    for name, weight in emotions.items():
        if name not in _FACES:
            raise unknown("emotion", name, _FACES)
        face, w = _FACES[name], np.clip(weight, 0, 1) * strength
        for control, gain in face.gain.items():
            for column in columns_of(control):
                out[:, column] *= 1 + w * (gain - 1)
        for control, offset in face.offset.items():
            for column in columns_of(control):
                free[:, column] *= 1 - w * offset
    offsets: Array = 1 - free
    rounded = np.maximum(spoken[:, INDEX["mouthPucker"]], spoken[:, INDEX["mouthFunnel"]])
    for control in ("mouthSmile", "mouthStretch", "mouthDimple"):
        for column in columns_of(control):
            offsets[:, column] *= 1 - 0.65 * np.clip(rounded, 0, 1)
    for control in _SMILING:
        lean(offsets, control, manner.smile_side)
    shapes = out[:, EXPRESSION]
    out[:, EXPRESSION] = 1 - (1 - np.clip(shapes, 0, 1)) * (1 - offsets[:, EXPRESSION])
    return out
