"""A z-buffer rasteriser for triangle meshes on the CPU: visibility first, attributes and shading afterwards.

Conventions: screen x to the right and y down, pixel (row j, column i) is sampled at (i + 0.5, j + 0.5). Vertices are
snapped to 1/256 pixel and edges are tested in integers with the top-left rule (Pineda, "A parallel algorithm for
polygon rasterization", 1988), so that a shared edge is covered exactly once. Depth is kept as 1/z, which is linear on
the screen. A slow plain version of everything here is ``vultus.render.reference``.

Triangles are dropped whole when a vertex is nearer than ``NEAR``, behind the camera, not finite, or further than
``coverage.GUARD`` pixels from the origin of the screen: heads do not cross the near plane, and nothing is ever half
drawn.
"""

from __future__ import annotations

from threading import Lock
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.errors import VultusError
from vultus.render.coverage import MOST, STRIP, bin_triangles, draw_strips, fill_bins, snap, weigh
from vultus.render.coverage import STEPS as STEPS
from vultus.render.threads import spread
from vultus.render.threads import threads as thread_count

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Cull = Literal["back", "front", "none"]

NEAR = 0.01  # metres
_CULL: dict[Cull, int] = {"none": 0, "back": 1, "front": 2}


@njit(cache=True, nogil=True, error_model="numpy")
def _project(
    matrix: np.ndarray, fx: float, fy: float, cx: float, cy: float, vertices: np.ndarray, out: np.ndarray
) -> None:
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        if depth >= NEAR:  # false for NaN
            inverse = 1.0 / depth
            out[i, 0] = cx + fx * inverse * (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3])
            out[i, 1] = cy + fy * inverse * (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3])
            out[i, 2] = inverse
        else:
            out[i, 0] = 0.0
            out[i, 1] = 0.0
            out[i, 2] = 0.0


def project(camera: Camera, vertices: F32, out: F32 | None = None) -> F32:
    """World points in metres -> screen points [V, 3]: x, y in pixels and 1/z in 1/m (0 = nearer than NEAR).

    *vertices* [V, 3 or more] may have more columns, which count for nothing.
    """
    if out is None:
        out = np.empty((len(vertices), 3), np.float32)
    (fx, fy), (cx, cy) = camera.focal, camera.centre
    _project(camera.world_to_camera, fx, fy, cx, cy, np.asarray(vertices, np.float32), out)
    return out


class Rasteriser:
    """Draws triangles into buffers that are reused from frame to frame.

    After :meth:`draw`: ``ids`` int32 [H, W], the nearest triangle or -1; ``inverse_depth`` float32 [H, W], 1/z in 1/m,
    0 where ids is -1; ``corners`` int32 [V or more, 3], what kernels find ``coverage.weights`` from (x and y in 1/STEPS
    pixels, bits of 1/z); and :attr:`bary`.
    """

    def __init__(self, height: int, width: int) -> None:
        """Buffers of *height* x *width* pixels, each at least 1 and at most 16384."""
        if not (1 <= height <= MOST and 1 <= width <= MOST):
            raise VultusError(f"Cannot draw {width}x{height} pixels", "Choose sizes from 1 to 16384.")
        self.ids: I32 = np.full((height, width), -1, np.int32)
        self.inverse_depth: F32 = np.zeros((height, width), np.float32)
        strips = -(-height // STRIP)
        self._starts = np.zeros(strips + 1, np.int32)
        self._cursor = np.zeros(strips, np.int32)
        self.corners: I32 = np.zeros((0, 3), np.int32)
        self._triangles: I32 = np.zeros((0, 3), np.int32)
        self._bary: F32 = np.zeros((0, 0, 2), np.float32)
        self._weighed, self._asking = False, Lock()
        self._first: I32 = np.zeros(0, np.int32)
        self._last: I32 = np.zeros(0, np.int32)
        self._bins: I32 = np.zeros(0, np.int32)

    def __reduce__(self) -> tuple[type[Rasteriser], tuple[int, ...]]:
        """A copy has the size alone, and buffers of its own."""
        return Rasteriser, self.ids.shape

    @property
    def strips(self) -> int:
        """The number of pieces that the rows are worked on in."""
        return len(self._cursor)

    @property
    def bary(self) -> F32:
        """The perspective-correct weights [H, W, 2] of the first two corners, found when they are asked for.

        The third is 1 minus both. Undefined where ids is -1. The triangles drawn last must not have changed since.
        """
        # By the thread that asks first: several may, who share a piece of work each.
        with self._asking:
            if not self._weighed:
                if self._bary.shape[:2] != self.ids.shape:
                    self._bary = np.zeros((*self.ids.shape, 2), np.float32)
                weigh(0, len(self.ids), self.corners, self._triangles, self.ids, self._bary)
                self._weighed = True
            return self._bary

    def draw(self, screen: F32, triangles: I32, *, cull: Cull = "back", threads: int | None = None) -> None:
        """Draw *triangles* int32 [F, 3] over *screen* float32 [V, 3] (from :func:`project`), replacing what was there.

        A triangle is a front one when its corners run counter-clockwise to the viewer (glTF). Of equally near
        triangles the first wins, whatever the number of threads.
        """
        if screen.dtype != np.float32 or triangles.dtype != np.int32:
            raise VultusError("The rasteriser takes float32 screen points and int32 triangles")
        screen, triangles = np.ascontiguousarray(screen), np.ascontiguousarray(triangles)
        self._triangles, self._weighed = triangles, False
        if len(self.corners) < len(screen):
            self.corners = np.empty((len(screen), 3), np.int32)
        if len(self._first) != len(triangles):
            self._first, self._last = np.empty(len(triangles), np.int32), np.empty(len(triangles), np.int32)
        snap(screen, self.corners)
        height, width = self.ids.shape
        total = bin_triangles(
            self.corners[: len(screen)], triangles, height, width, _CULL[cull], self._first, self._last, self._starts
        )
        if total < 0:
            raise VultusError("A triangle names a vertex that does not exist")
        if len(self._bins) < total:
            self._bins = np.empty(total * 5 // 4, np.int32)
        fill_bins(self._first, self._last, self._starts, self._cursor, self._bins)

        count = thread_count() if threads is None else threads
        # Runs of strips with about as many triangles each, a few for every thread.
        pieces = 1 if count <= 1 else min(4 * count, self.strips)
        bounds = [0, self.strips]
        if pieces > 1:
            edges = np.searchsorted(self._starts, np.linspace(0, total, pieces + 1)[1:-1])
            bounds[1:1] = edges.tolist()

        def piece(index: int) -> None:
            draw_strips(
                bounds[index], bounds[index + 1], self._starts, self._bins, self.corners, triangles, self.ids,
                self.inverse_depth,
            )  # fmt: skip

        spread(piece, pieces, count)


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(
    ids: np.ndarray, bary: np.ndarray, index: np.ndarray, attribute: np.ndarray, out: np.ndarray, row0: int, row1: int
) -> None:
    one = np.float32(1.0)
    for row in range(row0, row1):
        for column in range(ids.shape[1]):
            f = ids[row, column]
            if f < 0:
                for c in range(attribute.shape[1]):
                    out[row, column, c] = 0.0
                continue
            a, b = bary[row, column, 0], bary[row, column, 1]
            w = one - a - b
            i, j, k = index[f, 0], index[f, 1], index[f, 2]
            for c in range(attribute.shape[1]):
                out[row, column, c] = a * attribute[i, c] + b * attribute[j, c] + w * attribute[k, c]


def interpolate(raster: Rasteriser, index: I32, attribute: F32, out: F32 | None = None) -> F32:
    """Per-pixel values [H, W, C] of *attribute* float32 [N, C]; *index* int32 [F, 3] names a row per corner.

    *index* is the drawn triangle list, or another with as many rows (such as texture corners). 0 where nothing lies.
    """
    height, width = raster.ids.shape
    if out is None:
        out = np.empty((height, width, attribute.shape[1]), np.float32)
    target, bary = out, raster.bary
    attribute, index = np.ascontiguousarray(attribute, np.float32), np.ascontiguousarray(index, np.int32)
    spread(
        lambda s: _interpolate(raster.ids, bary, index, attribute, target, s * STRIP, min(height, (s + 1) * STRIP)),
        raster.strips,
    )
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _sample(uv: np.ndarray, texture: np.ndarray, out: np.ndarray) -> None:
    height, width, channels = texture.shape
    for row in range(uv.shape[0]):
        for column in range(uv.shape[1]):
            x = uv[row, column, 0] * width - np.float32(0.5)
            y = (np.float32(1.0) - uv[row, column, 1]) * height - np.float32(0.5)
            if not (np.isfinite(x) and np.isfinite(y)):
                x, y = np.float32(0.0), np.float32(0.0)
            x = min(max(x, np.float32(0.0)), np.float32(width - 1))
            y = min(max(y, np.float32(0.0)), np.float32(height - 1))
            i, j = np.int64(x), np.int64(y)
            i1, j1 = min(i + 1, width - 1), min(j + 1, height - 1)
            a, b = x - np.float32(i), y - np.float32(j)
            for c in range(channels):
                above = texture[j, i, c] + (texture[j, i1, c] - texture[j, i, c]) * a
                below = texture[j1, i, c] + (texture[j1, i1, c] - texture[j1, i, c]) * a
                out[row, column, c] = above + (below - above) * b


def sample(texture: F32, uv: F32, out: F32 | None = None) -> F32:
    """Bilinear lookup [H, W, C] of *texture* [h, w, C] at *uv* [H, W, 2]; v = 1 is the top row, edges are clamped."""
    if out is None:
        out = np.empty((*uv.shape[:2], texture.shape[2]), np.float32)
    _sample(np.ascontiguousarray(uv, np.float32), np.ascontiguousarray(texture, np.float32), out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _vertex_normals(vertices: np.ndarray, triangles: np.ndarray, out: np.ndarray) -> None:
    out[:] = 0.0
    for f in range(triangles.shape[0]):
        i, j, k = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        if not np.isfinite(nx + ny + nz):
            continue
        for corner in (i, j, k):
            out[corner, 0] += nx
            out[corner, 1] += ny
            out[corner, 2] += nz
    for i in range(out.shape[0]):
        length = np.sqrt(out[i, 0] * out[i, 0] + out[i, 1] * out[i, 1] + out[i, 2] * out[i, 2])
        if length > 0.0:
            scale = np.float32(1.0) / length
            out[i, 0] *= scale
            out[i, 1] *= scale
            out[i, 2] *= scale
        else:
            out[i, 2] = 1.0


def vertex_normals(vertices: F32, triangles: I32, out: F32 | None = None) -> F32:
    """Unit normals [V, 3], weighted by triangle area; vertices of no (or only empty) triangles get +z."""
    if out is None:
        out = np.empty((len(vertices), 3), np.float32)
    _vertex_normals(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(triangles, np.int32), out)
    return out
