"""Clips that are made at once, for tests of what is done with clips; worker processes import this file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from vultus.camera import Camera
from vultus.clip import FIELDS, Clip, Frame, View
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.signals.phones import Phone

WIDTH, HEIGHT = 34, 26
PARTS = ("skin", "hair", "teeth")


def fields_of(number: int, index: int) -> Frame:
    """Every field of frame *number* of clip *index*, with values in all of their ranges."""
    rng = np.random.default_rng([number, index])
    shape = (HEIGHT, WIDTH)
    there = rng.random(shape) < 0.7
    normals = rng.normal(size=(*shape, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grey = 40 + 3 * number + 2 * x + y
    return {
        "frames": np.stack([grey, grey, 255 - grey], axis=-1).astype(np.uint8),
        "depth": np.where(there, rng.uniform(0.2, 3, shape), np.inf).astype(np.float32),
        "normals": normals * there[..., None],
        "masks": np.where(there, rng.integers(0, len(PARTS), shape), 255).astype(np.uint8),
        "uv": np.where(there[..., None], rng.random((*shape, 2)), -1).astype(np.float32),
        "flow": rng.normal(0, 6, (*shape, 2)).astype(np.float32),
        "occlusion": rng.random(shape) < 0.1,
        "disocclusion": rng.random(shape) < 0.1,
        **{
            f"{kind}_{count}": rng.uniform(-5, 40, (count, 3)).astype(np.float32)
            for kind in ("landmarks", "detected")
            for count in (68, 478)
        },
    }


def clip(index: int, frames: int = 5, fields: tuple[str, ...] = tuple(FIELDS)) -> Clip:
    """Clip *index*: one view with all fields, sound of as many seconds as the frames last, two phones."""

    def read(names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        for i in range(first, stop):
            made = fields_of(i, index)
            yield {name: made[name] for name in names}

    seconds = frames / 25
    cameras = tuple(Camera.look_at((0.01 * i, 0, 1), (0, 0, 0), size=(WIDTH, HEIGHT)) for i in range(frames))
    rng = np.random.default_rng(index)
    data = np.zeros((frames, 69), np.float32)
    data[:, :10] = rng.random((frames, 10))
    valid = np.ones((frames, 69), bool)
    valid[0, 60:] = False
    return Clip(
        name=f"pretend-{index}",
        audio=(0.5 * np.sin(np.arange(round(seconds * 16000)) * (0.02 + index / 100))).astype(np.float32),
        text=f"Clip {index}, naïve",
        phones=(Phone(0.0, seconds / 3, "a", 1), Phone(seconds / 3, seconds, "")),
        motion=Motion(data, Fraction(25), Fraction(1, 7), valid),
        identity="person:3",
        labels={"voice": "formant:man", "emotion": "happy"},
        views=(View(fields, frames, (WIDTH, HEIGHT), 25.0, cameras, read, PARTS, "front"),),
        others={"imu": lambda: {"gyro": np.full((frames, 3), 0.5), "time": np.arange(frames)}},
    )


def refused(index: int) -> Clip:
    """A clip that cannot be made from number 2 on."""
    if index >= 2:
        raise VultusError("The voice is hoarse", "Give it tea")
    return clip(index)


def slow(index: int, seconds: float, told: str) -> Clip:
    """A clip that takes its time; it tells its process in the folder *told* when it begins."""
    (Path(told) / f"{index}-{os.getpid()}").touch()
    time.sleep(seconds)
    return clip(index)


def ends(index: int) -> Clip:
    """A clip whose process is gone before it is done."""
    os._exit(3)
