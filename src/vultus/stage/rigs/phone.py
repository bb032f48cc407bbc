"""A phone: on a stand or in a hand that shakes, drifts and zooms a little; random distance, height and lens."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from vultus.camera import Camera
from vultus.clip import View
from vultus.defaults import Quality
from vultus.motion import Motion
from vultus.person.identity import Identity
from vultus.stage.detector import random_detector
from vultus.stage.filming import Shot, film
from vultus.stage.lens import random_lens
from vultus.stage.noise import drift
from vultus.stage.scene import around, head_of, person, random_light, turned

_NUMBER = 71  # of this rig, so that rigs draw differently from the same seed
_SHAKE, _SWAY = 0.0022, 0.012  # radians: the hand's tremor and its slow drift


def shoot(
    identity: Identity | str,
    motion: Motion,
    *,
    size: int = 256,
    seed: int = 0,
    held: Literal["random", "hand", "stand"] = "random",
    faults: bool = True,
    quality: Quality = "draft",
) -> tuple[View, ...]:
    """One view from arm's length to a metre and a half away, with 30 to 60 degrees of view.

    *held* in a "hand" or on a "stand", or either at "random"; without *faults* the picture has neither noise nor blur.
    """
    rng = np.random.default_rng([seed, _NUMBER])
    who = person(identity)
    light, place = random_light(rng)
    first = _aimed(who, rng, size)
    hand = rng.uniform() < 0.6 if held == "random" else held == "hand"
    lens, detector = random_lens(rng, size), random_detector(rng)
    cameras: tuple[Camera, ...] = (first,)
    if hand:
        amount = float(rng.uniform(0.5, 1.4))
        cameras = tuple(_shaken(first, i / float(motion.fps), amount, seed) for i in range(len(motion)))
    shot = Shot("phone", cameras, lens if faults else None, detector, seed)
    return film(who, motion, [shot], light=light, place=place, quality=quality)


def _aimed(who: Identity, rng: np.random.Generator, size: int) -> Camera:
    """A camera that has the head in the picture, not quite in its middle."""
    middle, height = head_of(who)
    fov = float(rng.uniform(30, 60))
    # The head takes a third to two thirds of the picture.
    share = float(rng.uniform(0.36, 0.66))
    distance = max(0.38, height / share / (2 * np.tan(np.radians(fov) / 2)))
    eye = around(middle, distance, float(rng.normal(0, 0.16)), float(np.clip(rng.normal(-0.05, 0.13), -0.4, 0.35)))
    frame = 2 * distance * np.tan(np.radians(fov) / 2)
    target = middle + np.array([rng.normal(0, 0.03), rng.normal(-0.04, 0.02), 0.0]) * frame
    camera = Camera.look_at(eye, target, size=(size, size), fov=fov)
    return turned(camera, np.array([0.0, 0.0, rng.normal(0, 0.02)]), np.zeros(3))


def _shaken(camera: Camera, time: float, amount: float, seed: int) -> Camera:
    """*camera* as a hand holds it at *time* seconds."""
    tremor, sway = drift((seed, _NUMBER, 1), time, 9.0, (6,)), drift((seed, _NUMBER, 2), time, 0.7, (6,))
    turn = amount * (_SHAKE * tremor[:3] + _SWAY * sway[:3]) * np.array([1, 1, 0.6])
    shift = amount * (0.0008 * tremor[3:] + 0.009 * sway[3:])
    zoom = float(np.exp(0.015 * amount * drift((seed, _NUMBER, 3), time, 0.4, (1,))[0]))
    moved = turned(camera, turn, shift)
    return replace(moved, focal=(moved.focal[0] * zoom, moved.focal[1] * zoom))
