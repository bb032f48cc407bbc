"""Motion: the one language that drivers write and heads read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError, unknown

Floats = NDArray[np.float32]
Time = int | float | str | Fraction

ROTATION_GROUPS = (ch.NECK, ch.HEAD, ch.EYE_LEFT, ch.EYE_RIGHT)
GROUPS = {
    "expression": ch.EXPRESSION, "neck": ch.NECK, "head": ch.HEAD, "eye_left": ch.EYE_LEFT,
    "eye_right": ch.EYE_RIGHT, "translation": ch.TRANSLATION, "tongue": ch.TONGUES,
}  # fmt: skip
# Down, in, out, up for the left eye, then the right one: the columns of eye_look().
LOOK = tuple(ch.INDEX[f"eyeLook{way}{side}"] for side in ("Left", "Right") for way in ("Down", "In", "Out", "Up"))
LOOK_SOURCE = tuple(
    group.start + axis for group in (ch.EYE_LEFT, ch.EYE_RIGHT) for axis in (0, 1, 1, 0)
)  # the rotation column that each eyeLook column follows
MIN_FPS, MAX_FPS = Fraction(1, 1000), 1000
MAX_VIDEO_FPS = 240


def _fraction(value: Time) -> Fraction:
    # NumPy's scalars would otherwise bring their overflow into exact arithmetic.
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def as_time(value: Time) -> Fraction:
    """Seconds as an exact Fraction; a float becomes the nearest one with a denominator below a million."""
    try:
        exact = _fraction(value)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise VultusError(f"{value!r} is not a time", "Give seconds, such as 1.5 or 1001/30000") from error
    return exact.limit_denominator(1_000_000) if isinstance(value, float | np.floating) else exact


def as_fps(value: Time) -> Fraction:
    """Frames per second as a Fraction in [1/1000, 1000]; 23.976, 29.97, 59.94 and 119.88 mean the exact NTSC rates."""
    try:
        fps = _fraction(value)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise VultusError(f"{value!r} is not a frame rate", "Give a number such as 25, 29.97 or 30000/1001") from error
    if not MIN_FPS <= fps <= MAX_FPS:
        raise VultusError(f"The frame rate {value} is out of range", f"Give one from {MIN_FPS} to {MAX_FPS}")
    for base in (24, 30, 48, 60, 120):
        ntsc = Fraction(base * 1000, 1001)
        if fps.denominator not in (1, 1001) and abs(fps - ntsc) < Fraction(6, 1000):
            return ntsc
    return fps.limit_denominator(100_000)


def video_fps(value: Time) -> Fraction:
    """:func:`as_fps`, but at most 240: what drivers make and videos show."""
    fps = as_fps(value)
    if fps > MAX_VIDEO_FPS:
        raise VultusError(f"The frame rate {value} is out of range", f"Give one above 0 and at most {MAX_VIDEO_FPS}")
    return fps


def eye_look(eye_left: ArrayLike, eye_right: ArrayLike) -> Floats:
    """The eye rule: eye rotations [T, 3] in radians -> the 8 eyeLook* shapes [T, 8] in [0, 1].

    Columns: down, in, out, up of the left eye, then of the right. 1 is reached at ``channels.EYE_LOOK_FULL``.
    """
    columns = []
    for eye, inward in ((np.asarray(eye_left, np.float32), -1), (np.asarray(eye_right, np.float32), 1)):
        down, side = eye[..., 0], inward * eye[..., 1]
        columns += [down, side, -side, -down]
    return np.clip(np.stack(columns, axis=-1) / ch.EYE_LOOK_FULL, 0, 1).astype(np.float32)


def eyes_from_look(look: ArrayLike) -> tuple[Floats, Floats]:
    """The inverse of :func:`eye_look` for eyes without torsion: [T, 8] -> two [T, 3] in radians."""
    look = np.asarray(look, np.float32)
    eyes = []
    for first, inward in ((0, -1), (4, 1)):
        down, side = look[..., first] - look[..., first + 3], look[..., first + 1] - look[..., first + 2]
        eyes.append(np.stack([down, inward * side, np.zeros_like(down)], axis=-1) * np.float32(ch.EYE_LOOK_FULL))
    return eyes[0], eyes[1]


def clamp(data: ArrayLike) -> Floats:
    """Channel values [T, 69], whatever they are -> finite and within ``channels.LOW`` and ``HIGH`` (NaN becomes 0)."""
    finite = np.nan_to_num(np.asarray(data, np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
    return np.clip(finite, ch.LOW, ch.HIGH).astype(np.float32)


def _floats(value: ArrayLike, name: str) -> Floats:
    """A float32 copy of *value*; what is too large for float32 becomes infinite."""
    try:
        with np.errstate(over="ignore"):
            return np.array(value, np.float32)
    except (ValueError, TypeError) as error:
        raise VultusError(f"{name} is not an array of numbers") from error


@dataclass(frozen=True, eq=False)
class BodyPose:
    """Rotations of body joints, local to their parents: [T, J, 3] rotation vectors in radians."""

    joints: tuple[str, ...]
    rotations: Floats

    def __post_init__(self) -> None:
        rotvecs = _floats(self.rotations, "A body pose")
        if rotvecs.ndim != 3 or rotvecs.shape[1:] != (len(self.joints), 3) or not np.isfinite(rotvecs).all():
            raise VultusError(f"A body pose needs finite rotations of shape [T, {len(self.joints)}, 3]")
        rotvecs.flags.writeable = False
        object.__setattr__(self, "rotations", rotvecs)


@dataclass(frozen=True, eq=False)
class Motion:
    """A face in motion: immutable, validated, finite and in range.

    ``data`` is float32 [T, 69] with T >= 1 and the columns of ``channels.CHANNELS``; frame i stands at
    ``start + i / fps`` seconds. ``valid`` is bool [T, 69]: False marks what was not observed. The eyeLook
    shapes are always made from the eye rotations (the eye rule). Raises VultusError on anything else.
    """

    data: Floats
    fps: Fraction
    start: Fraction = Fraction(0)
    valid: NDArray[np.bool_] = field(default_factory=lambda: np.ones((1, 1), bool))
    body: BodyPose | None = None

    def __post_init__(self) -> None:
        data = _floats(self.data, "The data of a motion")
        if data.ndim != 2 or data.shape[1] != len(ch.CHANNELS) or len(data) < 1:
            raise VultusError(f"A motion needs at least one frame of {len(ch.CHANNELS)} channels, not {data.shape}")
        if not np.isfinite(data).all():
            raise VultusError("A motion must be finite", "motion.clamp(data) repairs NaN and infinite values")
        outside = (data < ch.LOW - 1e-5) | (data > ch.HIGH + 1e-5)
        outside[:, list(LOOK)] = False
        if outside.any():
            name = ch.CHANNELS[int(np.argmax(outside.any(axis=0)))]
            raise VultusError(f"The channel {name} leaves its range", "motion.clamp(data) brings it back")
        try:
            valid = np.array(np.broadcast_to(np.asarray(self.valid, bool), data.shape))
        except ValueError as error:
            raise VultusError(f"The valid mask must have the shape {data.shape}") from error
        np.clip(data, ch.LOW, ch.HIGH, out=data)
        data[:, list(LOOK)] = eye_look(data[:, ch.EYE_LEFT], data[:, ch.EYE_RIGHT])
        data += 0.0  # turns -0.0 into 0.0, so that equal motions have equal bytes
        valid[:, list(LOOK)] = valid[:, list(LOOK_SOURCE)]
        if self.body is not None and len(self.body.rotations) != len(data):
            raise VultusError("The body pose must have as many frames as the face")
        data.flags.writeable = valid.flags.writeable = False
        for name, value in (
            ("data", data),
            ("valid", valid),
            ("fps", as_fps(self.fps)),
            ("start", as_time(self.start)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def neutral(cls, frames: int, fps: Time, start: Time = 0) -> Motion:
        """A still, relaxed face for *frames* frames."""
        return cls(np.zeros((max(frames, 0), len(ch.CHANNELS)), np.float32), as_fps(fps), as_time(start))

    @classmethod
    def of(
        cls, fps: Time, *, frames: int | None = None, start: Time = 0, clamp: bool = False, **values: ArrayLike
    ) -> Motion:
        """A motion from groups (``expression`` [T, 52], ``head`` [T, 3], …) or single channels by name [T].

        Groups without a time axis and single numbers hold for all frames; channels that are not named stay neutral.
        Where no eye rotation is given, the eyes follow the eyeLook shapes.
        ``clamp=True`` repairs values out of range instead of raising.
        """
        arrays = {name: _floats(value, name) for name, value in values.items()}
        if frames is None:  # A group without a time axis, such as head=[0.1, 0, 0], is one pose for all frames.
            frames = max((len(a) for name, a in arrays.items() if a.ndim > (name in GROUPS)), default=1)
        data = np.zeros((max(frames, 0), len(ch.CHANNELS)), np.float32)
        for name, array in arrays.items():
            column = GROUPS.get(name, ch.INDEX.get(name))
            if column is None:
                raise unknown("channel", name, (*GROUPS, *ch.CHANNELS))
            try:
                data[:, column] = array
            except ValueError as error:
                raise VultusError(f"{name} has the shape {array.shape}, which does not fit {frames} frames") from error
        if not any(name.startswith(("eye_", "eyeLeftR", "eyeRightR")) for name in arrays):
            data[:, ch.EYE_LEFT], data[:, ch.EYE_RIGHT] = eyes_from_look(np.clip(np.nan_to_num(data[:, LOOK]), 0, 1))
        return cls(_clamp(data) if clamp else data, as_fps(fps), as_time(start))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: str | int | slice) -> Any:
        """``motion["jawOpen"]`` -> [T]; ``motion[3:9]`` and ``motion[3]`` -> Motion of these frames."""
        if isinstance(key, str):
            if key not in ch.INDEX:
                raise unknown("channel", key, ch.CHANNELS)
            return self.data[:, ch.INDEX[key]]
        first, stop, step = (
            key.indices(len(self)) if isinstance(key, slice) else slice(key, key + 1 or None).indices(len(self))
        )
        if step != 1 or stop <= first:
            if not isinstance(key, slice):
                raise IndexError(key)  # ends ``for frame in motion``
            raise VultusError("A slice of a motion needs at least one frame and step 1")
        body = self.body and replace(self.body, rotations=self.body.rotations[first:stop])
        return Motion(self.data[first:stop], self.fps, self.start + first / self.fps, self.valid[first:stop], body)

    @property
    def expression(self) -> Floats:
        """ARKit weights [T, 52] in [0, 1]."""
        return self.data[:, ch.EXPRESSION]

    @property
    def neck(self) -> Floats:
        """Neck rotation vectors [T, 3] in radians."""
        return self.data[:, ch.NECK]

    @property
    def head(self) -> Floats:
        """Head rotation vectors [T, 3] in radians, local to the neck."""
        return self.data[:, ch.HEAD]

    @property
    def eye_left(self) -> Floats:
        """Rotation vectors [T, 3] of the person's left eye in radians, local to the head."""
        return self.data[:, ch.EYE_LEFT]

    @property
    def eye_right(self) -> Floats:
        """Rotation vectors [T, 3] of the person's right eye in radians, local to the head."""
        return self.data[:, ch.EYE_RIGHT]

    @property
    def translation(self) -> Floats:
        """Displacement of the whole person from rest, [T, 3] metres."""
        return self.data[:, ch.TRANSLATION]

    @property
    def tongue(self) -> Floats:
        """Weights [T, 2] in [0, 1] of ``channels.TONGUE``."""
        return self.data[:, ch.TONGUES]

    @property
    def duration(self) -> Fraction:
        """Length in seconds: frames / fps."""
        return len(self) / self.fps

    @property
    def end(self) -> Fraction:
        """When the frame after the last one would stand, in seconds."""
        return self.start + self.duration

    def times(self) -> NDArray[np.float64]:
        """When each frame stands, [T] seconds."""
        return float(self.start) + np.arange(len(self)) / float(self.fps)

    def replace(self, **changes: Any) -> Motion:
        """A copy with other fields."""
        return replace(self, **changes)

    def slice(self, first: Time, stop: Time) -> Motion:
        """The frames that stand in [first, stop) seconds; raises VultusError when there are none."""
        a, b = (max(-((self.start - as_time(t)) * self.fps // 1), 0) for t in (first, stop))
        return self[int(a) : int(b)]

    def resample(self, fps: Time) -> Motion:
        """The same span of time at another frame rate: exact where a new frame meets an old one.

        Weights and metres are interpolated linearly, rotations on the sphere; the last frame is held.
        A value is valid where all the frames that it comes from are.
        """
        target = as_fps(fps)
        if target == self.fps:
            return self
        ratio = self.fps / target
        count = -(-len(self) * ratio.denominator // ratio.numerator)
        position = np.arange(count, dtype=object if count * ratio.numerator > 2**62 else np.int64) * ratio.numerator
        low = np.minimum((position // ratio.denominator).astype(np.int64), len(self) - 1)
        high = np.minimum(low + 1, len(self) - 1)
        weight = (position % ratio.denominator).astype(np.float64) / ratio.denominator
        valid = self.valid[low] & (self.valid[high] | (weight == 0)[:, None])
        body = self.body and replace(
            self.body,
            rotations=_blend_rotations(self.body.rotations[low], self.body.rotations[high], weight[:, None]),
        )
        return Motion(_blend(self.data[low], self.data[high], weight), target, self.start, valid, body)

    def mirror(self) -> Motion:
        """The motion of the mirror image: the person's left and right are swapped."""
        body = None
        if self.body is not None:
            swapped = [_other_side(name) for name in self.body.joints]
            order = [self.body.joints.index(s) if s in self.body.joints else i for i, s in enumerate(swapped)]
            body = replace(self.body, rotations=self.body.rotations[:, order] * np.array([1, -1, -1], np.float32))
        data = self.data[:, ch.MIRROR_SOURCE] * ch.MIRROR_SIGN
        return Motion(data, self.fps, self.start, self.valid[:, ch.MIRROR_SOURCE], body)

    def scale(self, gains: Mapping[str, float]) -> Motion:
        """Multiply whole regions (see ``channels.REGIONS``) by a gain >= 0, within the limits."""
        factor = np.ones(len(ch.CHANNELS))
        for region, gain in gains.items():
            if region not in ch.REGIONS:
                raise unknown("region", region, ch.REGIONS)
            if not 0 <= gain < np.inf:
                raise VultusError(f"The gain {gain} of {region} is out of range", "Give a number from 0 up")
            factor[list(ch.REGIONS[region])] = gain
        return self.replace(data=clamp(self.data.astype(np.float64) * factor))


SWAP = str.maketrans("LlRr", "RrLl")
_clamp = clamp  # Motion.of has an argument of the same name


def _other_side(name: str) -> str:
    for left, right in (("Left", "Right"), ("left", "right")):
        if left in name or right in name:
            return name.replace(left, "\0").replace(right, left).replace("\0", right)
    letter = re.search(r"(?<=[._])[LlRr](?=$|[._])", name)  # thigh.L, thigh_l, thigh.L.001
    return name[: letter.start()] + letter[0].translate(SWAP) + name[letter.end() :] if letter else name


def _blend_rotations(a: Floats, b: Floats, weight: NDArray[np.float64]) -> Floats:
    """Slerp that returns *a* and *b* themselves, bit for bit, at weights 0 and 1."""
    moving = np.broadcast_to((weight > 0) & (weight < 1), a.shape[:-1])
    out = np.where(np.broadcast_to(weight, a.shape[:-1])[..., None] >= 1, b, a)
    if moving.any():
        out[moving] = rotations.slerp(a[moving], b[moving], np.broadcast_to(weight, a.shape[:-1])[moving])
    return out


def _blend(a: Floats, b: Floats, weight: NDArray[np.float64]) -> Floats:
    """Frames between *a* and *b* [T, 69]: linear, but rotations on the sphere; *weight* is [T]."""
    out = (a + weight[:, None] * (b.astype(np.float64) - a)).astype(np.float32)
    out[weight >= 1] = b[weight >= 1]
    for group in ROTATION_GROUPS:
        out[:, group] = _blend_rotations(a[:, group], b[:, group], weight)
    return clamp(out)


def mix(a: Motion, b: Motion, weight: float | ArrayLike) -> Motion:
    """Frame by frame from *a* (weight 0) to *b* (weight 1); *weight* is one number or [T], in [0, 1].

    Both need the same fps and length; the result starts with *a* and keeps its body pose where *b* has none.
    """
    if a.fps != b.fps or len(a) != len(b):
        raise VultusError("Only motions of one frame rate and length can be mixed", "Resample and slice them first")
    weights = np.clip(np.asarray(weight, np.float64), 0, 1)
    if weights.shape not in ((), (len(a),)) or not np.isfinite(weights).all():
        raise VultusError(f"The weight of a mix must be one number or {len(a)} of them, all finite")
    weights = np.broadcast_to(weights, (len(a),))
    valid = (a.valid | (weights >= 1)[:, None]) & (b.valid | (weights <= 0)[:, None])
    body = a.body or b.body
    if a.body and b.body:
        if a.body.joints != b.body.joints:
            raise VultusError("Only body poses with the same joints can be mixed")
        body = replace(a.body, rotations=_blend_rotations(a.body.rotations, b.body.rotations, weights[:, None]))
    return Motion(_blend(a.data, b.data, weights), a.fps, a.start, valid, body)


def concatenate(motions: Sequence[Motion], blend: Time = 0) -> Motion:
    """Join motions of one fps end to end; with *blend* > 0 seconds, neighbours overlap and cross-fade that long.

    The result starts where the first motion starts and is ``(n - 1) * blend`` shorter than the sum.
    """
    if not motions:
        raise VultusError("There is nothing to concatenate")
    if any(m.fps != motions[0].fps for m in motions):
        raise VultusError("Only motions of one frame rate can be joined", "Resample them first")
    overlap = round(as_time(blend) * motions[0].fps)
    if overlap < 0 or (overlap and min(len(m) for m in motions) < overlap * (2 if len(motions) > 2 else 1)):
        raise VultusError(f"A blend of {float(as_time(blend)):g} s does not fit these motions", "Give a shorter one")
    bodies = {m.body.joints if m.body else None for m in motions}
    if len(bodies) > 1:
        raise VultusError("Only motions whose body poses have the same joints can be joined")
    pieces: list[Motion] = [motions[0]]
    for motion in motions[1:]:
        if overlap:
            tail = pieces.pop()
            ramp = (np.arange(overlap) + 1) / (overlap + 1)
            if len(tail) > overlap:
                pieces.append(tail[: len(tail) - overlap])
            pieces.append(mix(tail[len(tail) - overlap :], motion[:overlap], ramp * ramp * (3 - 2 * ramp)))
        if len(motion) > overlap:
            pieces.append(motion[overlap:])
    body = motions[0].body and replace(
        motions[0].body, rotations=np.concatenate([p.body.rotations for p in pieces if p.body])
    )
    data, valid = (np.concatenate([getattr(p, name) for p in pieces]) for name in ("data", "valid"))
    return Motion(data, motions[0].fps, motions[0].start, valid, body)
