"""What stands behind the person, seen from any side: a place wrapped around the world, infinitely far away."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.person import places

F32 = NDArray[np.float32]

SPAN: Final = np.radians(60.0)
"""The angle that the height of a place takes; beyond its edges it goes on mirrored."""
_ROWS, _ASPECT = 288, 2.4  # of the painted place


@lru_cache(maxsize=4)
def _painted(name: str, seed: int) -> F32:
    return places.place(name, round(_ASPECT * _ROWS), _ROWS, seed).copy()


@njit(cache=True, nogil=True, error_model="numpy")
def _wave(x: float, low: float, high: float) -> float:
    """*x* brought into [*low*, *high*] as between two mirrors."""
    span = high - low
    t = ((x - low) / span) % 2.0
    return low + span * (2.0 - t if t > 1.0 else t)


@njit(cache=True, nogil=True, error_model="numpy")
def _surround(place: np.ndarray, rays: np.ndarray, out: np.ndarray) -> None:
    """Fill *out* [H, W, 3] with *place* [h, w, 3]; *rays* [3, 3] takes pixels (x, y, 1) to directions in the world."""
    rows, columns = place.shape[:2]
    for v in range(out.shape[0]):
        for u in range(out.shape[1]):
            px, py = u + 0.5, v + 0.5
            x = rays[0, 0] * px + rays[0, 1] * py + rays[0, 2]
            y = rays[1, 0] * px + rays[1, 1] * py + rays[1, 2]
            z = rays[2, 0] * px + rays[2, 1] * py + rays[2, 2]
            across = np.arctan2(x, -z) / SPAN * rows + 0.5 * columns - 0.5
            down = (0.5 - np.arctan2(y, np.sqrt(x * x + z * z)) / SPAN) * rows - 0.5
            across, down = _wave(across, 0.0, columns - 1.0), _wave(down, 0.0, rows - 1.0)
            i, j = min(int(across), columns - 2), min(int(down), rows - 2)
            a, b = across - i, down - j
            for c in range(3):
                top = (1 - a) * place[j, i, c] + a * place[j, i + 1, c]
                low = (1 - a) * place[j + 1, i, c] + a * place[j + 1, i + 1, c]
                out[v, u, c] = (1 - b) * top + b * low


def backdrop(name: str, camera: Camera, seed: int = 0) -> F32:
    """The place *name* (``person.places.PLACES``) as *camera* sees it, in linear light float32 [H, W, 3]."""
    rays = camera.world_to_camera[:3, :3].T @ np.linalg.inv(camera.intrinsics)
    out = np.empty((camera.height, camera.width, 3), np.float32)
    _surround(_painted(name, seed), np.ascontiguousarray(rays), out)
    return out
