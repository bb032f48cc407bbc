"""What light reaches a point: shadows of the key light, and hollows found on the screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import fast, part
from vultus.render.shadows import lit

F32 = NDArray[np.float32]


def _rings() -> F32:
    """Where to look around a pixel, and how much it counts [16, 3]: two rings; light comes from above."""
    ring, n = np.divmod(np.arange(16), 8)
    turn = (n + 0.5 * (ring + 1)) * (np.pi / 4)
    reach = 0.5 * (ring + 1)
    return np.stack([reach * np.cos(turn), reach * np.sin(turn), 1 - 0.6 * np.sin(turn)], 1).astype(np.float32)


RINGS = _rings()


@fast
def nearby(inverse: np.ndarray, row: int, column: int, z: float, pixels: float) -> np.float32:
    """How free a point in a hollow is, in [0, 1]: what stands in front of it close by on the screen darkens it."""
    height, width = inverse.shape
    limit_near, limit_far = 1.0 / (z - 0.0006), 1.0 / max(z - 0.03, 0.01)
    hidden, total = 0.0, 0.0
    for n in range(16):
        i, j = column + int(np.floor(pixels * RINGS[n, 0] + 0.5)), row + int(np.floor(pixels * RINGS[n, 1] + 0.5))
        total += RINGS[n, 2]
        if 0 <= i < width and 0 <= j < height and limit_near < inverse[j, i] < limit_far:
            hidden += RINGS[n, 2]
    return np.float32(1.0 - hidden / total)


@part
def shadowed(shadow: np.ndarray, light: np.ndarray, radius: int, x: float, y: float, z: float) -> np.float32:
    """Key light in [0, 1] that reaches a world point; a map of one texel means that nothing casts shadows."""
    if shadow.shape[0] < 2:
        return np.float32(1.0)
    depth = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + light[2, 3]
    r = np.float32(1.0) / depth
    sx = light[3, 2] + light[3, 0] * r * (light[0, 0] * x + light[0, 1] * y + light[0, 2] * z + light[0, 3])
    sy = light[3, 3] + light[3, 1] * r * (light[1, 0] * x + light[1, 1] * y + light[1, 2] * z + light[1, 3])
    return np.float32(lit(shadow, sx, sy, depth, 0.003, radius))
