"""The mouth alone, cut out of a steady picture and kept in its middle, as lip-reading sets have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.clip import View
from vultus.defaults import Quality
from vultus.motion import Motion
from vultus.person.identity import Identity
from vultus.person.landmarks import LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from vultus.stage.detector import random_detector
from vultus.stage.filming import Shot, film
from vultus.stage.lens import random_lens
from vultus.stage.scene import around, head_of, person, points_of, random_light

_NUMBER = 73
_SMOOTH = 0.12  # seconds over which the crop's path is smoothed (standard deviation)

F64 = NDArray[np.float64]


def shoot(
    identity: Identity | str,
    motion: Motion,
    *,
    size: int = 256,
    seed: int = 0,
    width: float = 1.65,
    faults: bool = True,
    quality: Quality = "draft",
) -> tuple[View, ...]:
    """One view of the mouth, *width* times the distance between the eyes wide (1.65 is about that of LRW's 88-pixel
    mouths), seen from a metre away and within 30 degrees from the front.

    The crop follows the mouth smoothly but neither turns nor zooms.
    """
    rng = np.random.default_rng([seed, _NUMBER])
    who = person(identity)
    light, place = random_light(rng)
    middle, _ = head_of(who)
    distance = float(rng.uniform(0.7, 1.3))
    eye = around(middle, distance, float(np.clip(rng.normal(0, 0.2), -0.5, 0.5)), float(rng.normal(0, 0.07)))
    whole = Camera.look_at(eye, middle, size=(size, size), fov=20.0)
    mouth, left, right = (points_of(who, motion, some) for some in (OUTER_LIPS, LEFT_EYE, RIGHT_EYE))
    wide = width * float(np.median(np.linalg.norm(left - right, axis=1)))
    depth = float(np.median(whole.project(mouth)[1]))
    zoom = size / wide * depth / whole.focal[0]
    near = replace(whole, focal=(whole.focal[0] * zoom, whole.focal[1] * zoom))
    path = smooth(near.project(mouth)[0], float(motion.fps) * _SMOOTH)
    centre = np.array(near.centre) + size / 2 - path
    cameras = tuple(replace(near, centre=(float(x), float(y))) for x, y in centre)
    lens, detector = random_lens(rng, size), random_detector(rng)
    shot = Shot("closeup", cameras, lens if faults else None, detector, seed)
    return film(who, motion, [shot], light=light, place=place, quality=quality)


def smooth(path: F64, sigma: float) -> F64:
    """A path [T, 2] blurred over time by a Gaussian of *sigma* frames, its ends held."""
    if sigma < 0.1:
        return path
    reach = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    held = np.concatenate([path[:1].repeat(reach, 0), path, path[-1:].repeat(reach, 0)])
    return np.stack([np.convolve(held[:, c], taps / taps.sum(), "valid") for c in range(path.shape[1])], 1)
