"""People who speak and turn their heads before a camera that stands still: what systems of reenactment learn from.

Faces fill the picture as in sets that are cut out of interviews (A. Nagrani et al., "VoxCeleb", 2017), but every head
turns far to both sides, where such systems fail, and depth is known at every pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.camera import Camera
from vultus.clip import Clip, Frame, View
from vultus.motion import Motion, as_fps, clamp
from vultus.stage.buffers import PARTS
from vultus.stage.filming import Shot, film
from vultus.stage.performances import act
from vultus.stage.plan import draw
from vultus.stage.scene import around, head_of, person, random_light

_NUMBER: Final = 83  # of this module, so that it draws differently from others of the same seed
_YAW, _PITCH, _ROLL = (0.35, 0.55), (0.05, 0.18), (0.02, 0.08)  # radians to either side, drawn for each clip
_NECK: Final = 0.35  # of the turn that the neck makes
_FPS: Final = 12.5
_FACE: Final = tuple(PARTS.index(name) for name in ("skin", "lips", "eye_left", "eye_right"))
_VIEW: Final = 26.0  # degrees
_SHARE: Final = 0.7  # of the picture's height that the head takes


def clip(
    index: int, *, seed: int, size: int = 64, frames: int = 24, split: str = "train", voice: str = "formant:man"
) -> Clip:
    """Clip *index* of *seed*: one person of *split*, *frames* pictures of *size* pixels at 12.5 a second, in which the
    head turns once to both sides while it speaks. The same arguments give the same bytes.

    Raises VultusError as ``vultus.stage.plan.draw`` does.
    """
    plan = draw(seed, index, size=size, fps=_FPS, seconds=max(2.0, frames / _FPS), split=split, augment=0)
    plan = replace(plan, voice=voice, speed=1.0)
    rng = np.random.default_rng([seed, index, _NUMBER])
    motion = turning(act(plan).motion, frames, rng)
    who = person(plan.identity)
    light, place = random_light(rng)
    shot = Shot("portrait", (_facing(plan.identity, size),), seed=plan.seed)
    views = film(who, motion, [shot], light=light, place=place)
    return Clip(plan.name, motion=motion, identity=plan.identity, labels={"plan": plan.as_json()}, views=views)


def arrays(count: int, *, seed: int, split: str = "train", size: int = 64, frames: int = 24) -> dict[str, NDArray[Any]]:
    """The first *count* clips as arrays [count, frames, …]: ``frames``, ``depth`` (metres, infinite behind the person),
    ``face`` (bool: skin, lips or eyes above the chin), ``marks`` [.., 478, 2] in pixels and ``motion`` [.., 69]."""
    out: dict[str, list[NDArray[Any]]] = {name: [] for name in ("frames", "depth", "face", "marks", "motion")}
    for index in range(count):
        one = clip(index, seed=seed, size=size, frames=frames, split=split)
        view, motion = one.view(), one.motion
        assert motion is not None  # noqa: S101
        shown = list(view.each("frames", "depth", "masks", "landmarks_478"))
        out["frames"].append(np.stack([frame["frames"] for frame in shown]))
        out["depth"].append(np.stack([frame["depth"] for frame in shown]).astype(np.float32))
        out["face"].append(np.stack([_face(frame) for frame in shown]))
        out["marks"].append(np.stack([frame["landmarks_478"][:, :2] for frame in shown]))
        out["motion"].append(np.array(motion.data[:frames]))
    return {name: np.stack(some) for name, some in out.items()}


def as_clips(kept: Mapping[str, NDArray[Any]]) -> tuple[Clip, ...]:
    """Arrays as :func:`arrays` gives them -> clips with one view of their frames."""
    out: list[Clip] = []
    for pictures, rows in zip(kept["frames"], kept["motion"], strict=True):

        def read(names: tuple[str, ...], first: int, stop: int, film: NDArray[Any] = pictures) -> Iterator[Frame]:
            return (dict.fromkeys(names, frame) for frame in film[first:stop])

        height, width = pictures.shape[1:3]
        view = View(("frames",), len(pictures), (width, height), _FPS, (), read)
        out.append(Clip(f"portrait {len(out)}", motion=Motion(rows, as_fps(_FPS)), views=(view,)))
    return tuple(out)


def _face(frame: Frame) -> NDArray[np.bool_]:
    """Where a frame shows the face, the ears and the neck left out: within the landmarks' box."""
    height, width = frame["masks"].shape
    y, x = np.mgrid[:height, :width] + 0.5
    (left, top), (right, bottom) = frame["landmarks_478"][:, :2].min(0), frame["landmarks_478"][:, :2].max(0)
    inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return np.isin(frame["masks"], _FACE) & inside


def turning(motion: Motion, frames: int, rng: np.random.Generator) -> Motion:
    """*frames* frames of *motion*, over and over, with the head turned once to both sides and nodding meanwhile."""
    rows = np.array(motion.data, np.float64)[np.arange(frames) % len(motion)]
    way = 2 * np.pi * (np.arange(frames) / frames + rng.uniform())
    size = np.array([rng.uniform(*_PITCH), rng.uniform(*_YAW) * rng.choice((-1, 1)), rng.uniform(*_ROLL)])
    phase, cycles = rng.uniform(0, 2 * np.pi, 3) * (1, 0, 1), np.array([2, 1, 1])
    turn = size * np.sin(way[:, None] * cycles + phase)
    rows[:, ch.NECK] = _NECK * turn
    rows[:, ch.HEAD] = (1 - _NECK) * turn
    return Motion(clamp(rows), motion.fps)


def _facing(identity: str, size: int) -> Camera:
    middle, height = head_of(person(identity))
    distance = height / _SHARE / (2 * np.tan(np.radians(_VIEW) / 2))
    return Camera.look_at(around(middle, distance, 0.0, 0.0), middle, size=(size, size), fov=_VIEW)


def nearness(kept: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """The true depth of arrays as networks give it: [count, frames, H, W], 1 at what is nearest in a picture, 0 behind
    the person, and in between by the inverse of the distance."""
    near = 1 / kept["depth"]
    return np.asarray(near / near.max(axis=(2, 3), keepdims=True), np.float32)
