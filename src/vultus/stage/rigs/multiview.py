"""Calibrated cameras on a dome around the head that see the same moments under one light, as capture stages have."""

from __future__ import annotations

import numpy as np

from vultus.camera import Camera
from vultus.clip import View
from vultus.defaults import Quality
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.person.identity import Identity
from vultus.stage.detector import random_detector
from vultus.stage.filming import Shot, film
from vultus.stage.lens import random_lens
from vultus.stage.scene import around, head_of, person, random_light

_NUMBER = 72
_ROWS = ((-0.30, 0.26), (0.06, 0.42), (0.50, 0.32))  # height above the head in radians, and share of the cameras
MOST = 64


def shoot(
    identity: Identity | str,
    motion: Motion,
    *,
    size: int = 256,
    seed: int = 0,
    cameras: int = 16,
    spread: float = 1.25,
    faults: bool = True,
    quality: Quality = "draft",
) -> tuple[View, ...]:
    """A view for each of *cameras* (2 to 64) in three rows, up to *spread* radians (at most 3.1) to either side.

    Names are ``cam00`` and so on, from the person's right to the left, the lowest row first. All have the same lens,
    but each its own noise. Raises VultusError when a number is out of range.
    """
    if not (2 <= cameras <= MOST and 0 < spread <= 3.1):
        raise VultusError(f"Cannot stand {cameras} cameras over {spread:g} radians", f"Give 2 to {MOST}, and 0 to 3.1")
    rng = np.random.default_rng([seed, _NUMBER])
    who = person(identity)
    light, place = random_light(rng)
    distance = float(rng.uniform(1.0, 1.4))
    lens, detector = random_lens(rng, size), random_detector(rng)
    shots = [
        Shot(f"cam{i:02d}", (camera,), lens if faults else None, detector, seed * MOST + i)
        for i, camera in enumerate(dome(who, cameras, spread, distance, size))
    ]
    return film(who, motion, shots, light=light, place=place, quality=quality)


def dome(who: Identity, count: int, spread: float, distance: float, size: int) -> list[Camera]:
    """*count* cameras that look at the middle of the head from *distance* metres, in three rows."""
    middle, height = head_of(who)
    target = middle - np.array([0.0, 0.10 * height, 0.0])
    fov = float(np.degrees(2 * np.arctan(0.80 * height / distance)))
    rows = [round(count * share) for _, share in _ROWS]
    rows[1] = count - rows[0] - rows[2]
    places = [
        (yaw, pitch)
        for (pitch, _), many in zip(_ROWS, rows, strict=True)
        for yaw in (np.linspace(-spread, spread, many) if many > 1 else [0.0] * many)
    ]
    return [
        Camera.look_at(around(target, distance, float(yaw), pitch), target, size=(size, size), fov=fov)
        for yaw, pitch in places
    ]
