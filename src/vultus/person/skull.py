"""How a skull is turned, from three landmarks that no expression moves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def skull_axes(vertices: Floats, landmarks: Mapping[str, int]) -> Floats:
    """Axes [..., 3, 3] (columns) that turn with the skull, from vertices [..., V, 3]; NaN where those are.

    *landmarks* name the vertices of both ears and of the crown.
    """
    left, right, crown = (vertices[..., landmarks[name], :] for name in ("earLeft", "earRight", "crown"))
    side = left - right
    side = side / np.linalg.norm(side, axis=-1, keepdims=True)
    front = _cross(side, crown - right)
    front = front / np.linalg.norm(front, axis=-1, keepdims=True)
    return np.stack([side, _cross(front, side), front], axis=-1)


def _cross(a: Floats, b: Floats) -> Floats:
    """The cross product of vectors [..., 3]; numpy's own takes several times as long for a few."""
    (ax, ay, az), (bx, by, bz) = (np.moveaxis(v, -1, 0) for v in (a, b))
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
