"""One clip as a scene to learn: pixels with their rays, or crops, of pictures at random.

What is drawn depends on nothing but seed, step and size. Pictures are read when they are drawn and kept, as the clip
gives them, in a room that does not grow with the clip.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.clip import Clip, Frame, View
from vultus.errors import VultusError

ROOM: Final = 256 << 20
"""Bytes of pictures and other fields that are kept, unless told otherwise."""
Among = Callable[[int], Sequence[int]]
"""Step -> the frames that may be drawn there: for systems that show easy frames first."""
Likely = Callable[[Frame], NDArray[Any]]
"""The fields of a frame -> how often each pixel is drawn, [H, W], 0 or above, in any unit: a mask, a box, or both."""


@dataclass(frozen=True, eq=False)
class Film:
    """The *fields* of some *views* (names or numbers; all unless given) of a clip, read frame by frame.

    *among* gives the frames that may be drawn at a step, those of training for one; all unless given. At most *room*
    bytes are kept, those used last. Raises VultusError when there is no such view or field.
    """

    clip: Clip
    fields: tuple[str, ...] = ("frames",)
    views: tuple[str | int, ...] = ()
    among: Among | None = None
    room: int = ROOM
    _kept: OrderedDict[tuple[int, int], Frame] = field(default_factory=OrderedDict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check names."""
        if not self.clip.views:
            raise VultusError(f"The clip {self.clip.name!r} has no pictures", "Give one that a camera has seen")
        for view in self.sights:
            view.each(*self.fields, first=0, stop=1)  # reads nothing until it is iterated

    @property
    def sights(self) -> tuple[View, ...]:
        """The views that are drawn from."""
        return tuple(self.clip.view(name) for name in self.views) or self.clip.views

    def read(self, view: int, frame: int) -> Frame:
        """The fields of one frame of one of the sights."""
        key = (view, frame)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = next(iter(self.sights[view].each(*self.fields, first=frame, stop=frame + 1)))
        self._kept[key] = found
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.room:
            self._kept.popitem(last=False)
        return found

    def draw(self, step: int, rng: np.random.Generator) -> tuple[int, int]:
        """A view and a frame of it; VultusError when *among* gives none."""
        view = int(rng.integers(len(self.sights)))
        frames = range(len(self.sights[view])) if self.among is None else self.among(step)
        if not len(frames):
            raise VultusError(f"There is no frame to draw at step {step}", "Look at among")
        return view, int(frames[int(rng.integers(len(frames)))])

    def about(self, places: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """What is known of pictures (view, frame), one row for each: ``view``, ``frame``, ``seconds``; with a Motion
        ``motion`` [.., 69]; with cameras ``intrinsics`` [.., 3, 3] in pixels and ``world_to_camera`` [.., 4, 4]."""
        seconds = [frame / self.sights[view].fps for view, frame in places]
        out: dict[str, Any] = {
            "view": np.array([view for view, _ in places]),
            "frame": np.array([frame for _, frame in places]),
            "seconds": np.array(seconds, np.float32),
        }
        motion = self.clip.motion
        if motion is not None:
            rows = np.rint(np.array(seconds) * float(motion.fps)).astype(int)
            out["motion"] = motion.data[np.minimum(rows, len(motion) - 1)].astype(np.float32)
        if all(self.sights[view].cameras for view, _ in places):
            cameras = [self.camera(*place) for place in places]
            out["intrinsics"] = np.stack([camera.intrinsics for camera in cameras]).astype(np.float32)
            out["world_to_camera"] = np.stack([camera.world_to_camera for camera in cameras]).astype(np.float32)
        return out

    def camera(self, view: int, frame: int) -> Camera:
        """Where a picture was taken from; VultusError when that is not known."""
        return self.sights[view].camera(frame)


@dataclass(frozen=True, eq=False)
class Pixels:
    """Single pixels of *pictures* random pictures of a film, with their rays.

    A batch has, for each of its R pixels: every field of the film by its name, [R, ..] of its type, ``frames`` as
    float32 [R, 3] in [0, 1]; ``pixels`` [R, 2], the centre in pixels; ``origins`` and ``directions`` [R, 3], of length
    1, in the world; ``picture`` int64 [R], the row of the picture among what ``Film.about`` gives of them.
    """

    film: Film
    pictures: int = 1
    likely: Likely | None = None

    def batch(self, step: int, size: int, seed: int) -> dict[str, Any]:
        """Batch *step* of *size* pixels, as many of each picture; VultusError when a camera is not known."""
        rng = np.random.default_rng([seed, step, 0x2C9])
        places = [self.film.draw(step, rng) for _ in range(self.pictures)]
        rows: dict[str, list[NDArray[Any]]] = {}
        picture = np.arange(size) * self.pictures // size
        for number, place in enumerate(places):
            found, camera = self.film.read(*place), self.film.camera(*place)
            y, x = _pixels(found, self.likely, int((picture == number).sum()), rng)
            at = np.stack([x, y], 1) + 0.5
            rays = camera.unproject(at, np.ones(len(at))) - camera.position
            own = {name: _light(name, value[y, x]) for name, value in found.items() if value.ndim > 1}
            own |= {"pixels": at, "origins": np.broadcast_to(camera.position, rays.shape)}
            own["directions"] = rays / np.linalg.norm(rays, axis=1, keepdims=True)
            for name, value in own.items():
                rows.setdefault(name, []).append(_single(value))
        joined = {name: np.concatenate(some) for name, some in rows.items()}
        return joined | {"picture": picture} | self.film.about(places)


@dataclass(frozen=True, eq=False)
class Crops:
    """Squares of *side* pixels, each of a random picture of a film and at a random place in it; 0: whole pictures.

    A batch of B has every field by its name, [B, side, side] or [B, C, side, side], ``frames`` float32 in [0, 1];
    ``corner`` [B, 2], the left and top pixel; and what ``Film.about`` gives, with intrinsics of the square. Points,
    such as landmarks, are moved with it.
    """

    film: Film
    side: int = 0
    likely: Likely | None = None

    def batch(self, step: int, size: int, seed: int) -> dict[str, Any]:
        """Batch *step* of *size* squares; VultusError when a picture is smaller than they are."""
        rng = np.random.default_rng([seed, step, 0x6E3])
        places = [self.film.draw(step, rng) for _ in range(size)]
        rows: dict[str, list[NDArray[Any]]] = {}
        for place in places:
            found, (width, height) = self.film.read(*place), self.film.sights[place[0]].size
            side = (self.side, self.side) if self.side else (width, height)
            if side[0] > width or side[1] > height:
                raise VultusError(f"Pictures of {width}x{height} have no square of {self.side}", "Choose a smaller one")
            y, x = (int(some[0]) for some in _pixels(found, self.likely, 1, rng, (height, width)))
            left, top = (
                int(np.clip(p - s // 2, 0, e - s)) for p, s, e in zip((x, y), side, (width, height), strict=True)
            )
            for name, value in found.items():
                cut = value[top : top + side[1], left : left + side[0]] if value.shape[:2] == (height, width) else value
                rows.setdefault(name, []).append(_planes(name, cut, (left, top)))
            rows.setdefault("corner", []).append(np.array([left, top], np.float32))
        out = {name: np.stack(some) for name, some in rows.items()} | self.film.about(places)
        if "intrinsics" in out:
            out["intrinsics"][:, :2, 2] -= out["corner"]
        return out


def _bytes(frame: Frame) -> int:
    return sum(value.nbytes for value in frame.values())


def _pixels(
    found: Frame, likely: Likely | None, count: int, rng: np.random.Generator, size: tuple[int, int] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """*count* rows and columns, as often as *likely* says; evenly where it says nothing."""
    shape = size or next(value.shape[:2] for value in found.values() if value.ndim > 1)
    if likely is None:
        flat = rng.integers(shape[0] * shape[1], size=count)
    else:
        weights = np.asarray(likely(found), np.float64)
        if weights.shape != tuple(shape) or not (np.isfinite(weights).all() and weights.min() >= 0):
            raise VultusError(
                f"likely gave {weights.shape}, not weights of 0 or above for {shape[0]}x{shape[1]} pixels"
            )
        total = np.cumsum(weights if weights.any() else np.ones_like(weights))
        flat = np.minimum(np.searchsorted(total, rng.random(count) * total[-1], "right"), total.size - 1)
    y, x = np.divmod(flat, shape[1])
    return y, x


def _light(name: str, value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) / np.float32(255) if name == "frames" else value


def _single(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def _planes(name: str, value: NDArray[Any], corner: tuple[int, int]) -> NDArray[Any]:
    """A cut field with its channels first; points, which have no pixels, relative to *corner*."""
    if name.startswith(("landmarks", "detected")):
        return value - np.array([*corner, 0], np.float32)
    return np.ascontiguousarray(np.moveaxis(_light(name, value), 2, 0) if value.ndim == 3 else value)
