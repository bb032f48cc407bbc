"""Shadow maps: depth seen from the light, looked up with percentage-closer filtering (Reeves et al., SIGGRAPH 1987)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.render.triangles import F32, I32, NEAR, Cull, Rasteriser, project


@njit(cache=True, nogil=True, error_model="numpy")
def lit(inverse_depth: np.ndarray, x: float, y: float, z: float, bias: float, radius: int) -> float:
    """How much light reaches a point, in [0, 1]: 0 = all of the (2 radius + 2)^2 texels around it lie in front.

    *x*, *y* in texels of *inverse_depth* float32 [S, S] (1/m, 0 = empty), *z* the point's depth from the light and
    *bias* a tolerance, both in metres. Texels outside the map do not shade, nor does anything for z under NEAR.
    """
    height, width = inverse_depth.shape
    if not (z > NEAR + bias and abs(x) < 1e6 and abs(y) < 1e6):
        return 1.0
    limit = 1.0 / (z - bias)
    column, row = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    fx, fy = x - 0.5 - column, y - 0.5 - row
    shade = 0.0
    inside = row >= radius and column >= radius and row + radius + 1 < height and column + radius + 1 < width
    for dy in range(-radius, radius + 2):
        # A box of 2 radius + 1 texels that slides continuously: its end texels count in part.
        wy = 1.0 - fy if dy == -radius else (fy if dy == radius + 1 else 1.0)
        line = 0.0
        for dx in range(-radius, radius + 2):
            j, i = row + dy, column + dx
            if inside or (0 <= j < height and 0 <= i < width):
                # Unsigned, because numba tests signed numbers for counting from the end.
                blocked = inverse_depth[np.uint64(j), np.uint64(i)] > limit
                wx = 1.0 - fx if dx == -radius else (fx if dx == radius + 1 else 1.0)
                line += wx if blocked else 0.0
        shade += wy * line
    side = 2 * radius + 1
    return max(0.0, 1.0 - shade / (side * side))


@njit(cache=True, nogil=True, error_model="numpy")
def _lookup(inverse_depth: np.ndarray, local: np.ndarray, bias: float, radius: int, out: np.ndarray) -> None:
    for n in range(local.shape[0]):
        w = local[n, 2]
        z = 1.0 / w if w > 0.0 else 0.0
        out[n] = lit(inverse_depth, local[n, 0], local[n, 1], z, bias, radius)


class ShadowMap:
    """The depth of a scene seen from one light; ``inverse_depth`` float32 [S, S] is reused from frame to frame."""

    def __init__(self, camera: Camera) -> None:
        """*camera* stands where the light stands; its size is the map's."""
        self.camera = camera
        self._raster = Rasteriser(camera.height, camera.width)
        self._screen: F32 = np.zeros((0, 3), np.float32)

    @property
    def inverse_depth(self) -> F32:
        """1/z from the light in 1/m, [S, S]; 0 where nothing lies."""
        return self._raster.inverse_depth

    def draw(self, vertices: F32, triangles: I32, *, cull: Cull = "none", threads: int | None = None) -> None:
        """Draw world *vertices* [V, 3] and *triangles* [F, 3]; both sides cast shadows.

        Of closed surfaces it is enough to draw the side that faces the light, *cull* "back".
        """
        if len(self._screen) != len(vertices):
            self._screen = np.empty((len(vertices), 3), np.float32)
        project(self.camera, vertices, self._screen)
        self._raster.draw(self._screen, triangles, cull=cull, threads=threads)

    def lookup(self, points: F32, *, bias: float = 0.004, radius: int = 1) -> NDArray[np.float32]:
        """Light in [0, 1] that reaches world *points* [N, 3]; *bias* in metres, *radius* of the filter in texels."""
        out = np.empty(len(points), np.float32)
        _lookup(self.inverse_depth, project(self.camera, points), bias, radius, out)
        return out
