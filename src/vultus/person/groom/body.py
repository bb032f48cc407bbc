"""What hair cannot enter: a person's body as distances on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.mesh import PersonMesh
from vultus.person.noise import fast
from vultus.render.triangles import vertex_normals

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CELL = 0.005
"""Width of a grid cell in metres."""
REACH = 0.022
"""How far from the skin distances are known, in metres; beyond they are this far."""
_SPACING = 0.0055  # metres between the places where skin is sampled


@dataclass(frozen=True, eq=False)
class Body:
    """A person's skin at rest, as strands meet it.

    ``bare`` float32 [X, Y, Z] in metres above the skin at grid points, negative inside, as if there were no ears;
    ``skin`` the same with ears, filled up to the head;
    ``distance`` is the same with flatter ears, so that hair which lies off the head does not bulge over them;
    ``origin`` float64 [3] is the first grid point. ``places`` float32 [V, 3] are the painter's coordinates and
    ``normals`` float32 [V, 3] of the mesh's vertices, ``ear`` float32 [V] in [0, 1] marks the ears. ``affine`` float64
    [4, 3] takes painter coordinates with a 1 behind to the world, as well as a linear map can.
    """

    bare: F32
    skin: F32
    distance: F32
    origin: F64
    places: F32
    normals: F32
    ear: F32
    affine: F64

    def world(self, *place: float) -> F64:
        """About where a place (x, y, z) of the template lies on this person, [3] in metres."""
        return np.array([*place, 1.0]) @ self.affine


@fast
def _splat(
    points: np.ndarray, normals: np.ndarray, origin: np.ndarray, cell: float, nearest: np.ndarray, out: np.ndarray
) -> None:
    """Write signed distances to the nearest of *points* [N, 3] into the cells of *out* within REACH."""
    span = int(REACH / cell) + 1
    for n in range(points.shape[0]):
        i = int(np.floor((points[n, 0] - origin[0]) / cell))
        j = int(np.floor((points[n, 1] - origin[1]) / cell))
        k = int(np.floor((points[n, 2] - origin[2]) / cell))
        for a in range(max(i - span, 0), min(i + span + 2, out.shape[0])):
            dx = origin[0] + a * cell - points[n, 0]
            for b in range(max(j - span, 0), min(j + span + 2, out.shape[1])):
                dy = origin[1] + b * cell - points[n, 1]
                for c in range(max(k - span, 0), min(k + span + 2, out.shape[2])):
                    dz = origin[2] + c * cell - points[n, 2]
                    square = dx * dx + dy * dy + dz * dz
                    if square < nearest[a, b, c]:
                        nearest[a, b, c] = square
                        plane = dx * normals[n, 0] + dy * normals[n, 1] + dz * normals[n, 2]
                        # Close by the tangent plane is smoother than the distance to a point.
                        far = min(square / 1e-4, 1.0)
                        root = np.sqrt(square)
                        out[a, b, c] = (1 - far) * plane + far * (root if plane > 0 else -root)


def _scattered(triangles: NDArray[np.int32], vertices: F32, normals: F32) -> tuple[F64, F64]:
    """Points [N, 3] about _SPACING apart on triangles, and their normals."""
    corners = vertices[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)
    parts = np.clip(np.ceil(longest / _SPACING), 1, 8).astype(int)
    points, directions = [], []
    for count in np.unique(parts):
        i, j = np.divmod(np.arange(count * count), count)
        inside = i + j < count
        weights = np.stack([(i + 1 / 3) / count, (j + 1 / 3) / count], 1)[inside]
        weights = np.column_stack([weights, 1 - weights.sum(1)])
        some = triangles[parts == count]
        points.append(np.einsum("wc,tcx->twx", weights, vertices[some]).reshape(-1, 3))
        directions.append(np.einsum("wc,tcx->twx", weights, normals[some]).reshape(-1, 3))
    n = np.concatenate(directions)
    return np.concatenate(points), n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)


def _ear_vertices(mesh: PersonMesh) -> F32:
    """How much each vertex belongs to an ear, [V] in [0, 1]."""
    out = np.zeros(len(mesh.neutral), np.float32)
    image = mesh.masks["ears"][..., None].astype(np.float32) / 255
    u, v = mesh.uv[mesh.uv_triangles.ravel()].T
    size = len(image)
    rows, columns = ((1 - v) * (size - 1)).astype(int), (u * (size - 1)).astype(int)
    np.maximum.at(out, mesh.triangles.ravel(), image[np.clip(rows, 0, size - 1), np.clip(columns, 0, size - 1), 0])
    skin = np.zeros(len(out), bool)
    skin[mesh.triangles[kinds(mesh) == Kind.SKIN]] = True
    return np.where(skin, out, 0).astype(np.float32)


def body(mesh: PersonMesh) -> Body:
    """The body of a person at rest; *mesh* is the bust."""
    kind, places = kinds(mesh), painter_coordinates(mesh)
    skin = np.ascontiguousarray(mesh.triangles[kind == Kind.SKIN])
    normals = np.zeros_like(mesh.neutral)
    vertex_normals(mesh.neutral, skin, normals)
    ear = _ear_vertices(mesh)
    used = np.unique(skin)
    head = used[places[used, 1] > 0.66]
    affine = np.linalg.lstsq(np.column_stack([places[head], np.ones(len(head))]), mesh.neutral[head], rcond=None)[0]
    solid = skin[ear[skin].max(1) < 0.5]
    points, directions = _scattered(solid, mesh.neutral, normals)
    low, high = mesh.neutral[used].min(0) - 0.03, mesh.neutral[used].max(0) + 0.03
    shape = tuple(int(n) for n in np.ceil((high - low) / CELL).astype(int) + 1)
    distance = np.full(shape, REACH, np.float32)
    _splat(points, directions, low.astype(np.float64), CELL, np.full(shape, REACH**2, np.float32), distance)
    distance = scipy.ndimage.gaussian_filter(distance, 0.6)
    bare, skinned = distance.copy(), distance.copy()
    for side in (1, -1):
        some = mesh.neutral[used[(ear[used] > 0.5) & (side * places[used, 0] > 0)]]
        _fill_ear(skinned, low, some, 0.0)
        _fill_ear(distance, low, some, 0.008)
    return Body(bare, skinned, distance, low.astype(np.float64), places, normals, ear, affine)


def _fill_ear(distance: F32, origin: F32, points: F32, inset: float) -> None:
    """Lower *distance* in place so that a smooth swelling over an ear's *points* [N, 3] is solid.

    It rises sideways only, so that hair goes over the ear instead of around it. *inset* metres are added.
    """
    side = 1.0 if points[:, 0].mean() > 0 else -1.0
    out = side * points[:, 0]
    middle, radii = 0.5 * (points.min(0) + points.max(0)), 0.95 * np.ptp(points, axis=0)
    base = float(out.min()) - 0.004

    def rise(y: F32, z: F32) -> F64:
        square = ((y - middle[1]) / radii[1]) ** 2 + ((z - middle[2]) / radii[2]) ** 2
        return np.asarray(np.maximum(1 - square * square, 0.0), np.float64)

    height = float(((out - base) / np.maximum(rise(points[:, 1], points[:, 2]), 0.3)).max())
    grid = [origin[i] + CELL * np.arange(distance.shape[i], dtype=np.float32) for i in range(3)]
    over = rise(grid[1][:, None], grid[2][None, :])
    away = 0.85 * (side * grid[0][:, None, None] - base - height * over) + inset
    # Only on this side of the head, and only where there is a swelling.
    distance[:] = np.where((side * grid[0][:, None, None] > 0.02) & (over > 0), np.minimum(distance, away), distance)


@fast
def clearance(grid: np.ndarray, origin: np.ndarray, x: float, y: float, z: float, slope: np.ndarray) -> float:
    """Distance from the skin at a point, and into *slope* [3] the direction away from it (0 far from the skin)."""
    u, v, w = (x - origin[0]) / CELL, (y - origin[1]) / CELL, (z - origin[2]) / CELL
    i, j, k = int(np.floor(u)), int(np.floor(v)), int(np.floor(w))
    slope[:] = 0.0
    if i < 0 or j < 0 or k < 0 or i + 2 > grid.shape[0] or j + 2 > grid.shape[1] or k + 2 > grid.shape[2]:
        return REACH
    u, v, w = u - i, v - j, w - k
    a, b, c, d = grid[i, j, k], grid[i, j, k + 1], grid[i, j + 1, k], grid[i, j + 1, k + 1]
    e, f, g, h = grid[i + 1, j, k], grid[i + 1, j, k + 1], grid[i + 1, j + 1, k], grid[i + 1, j + 1, k + 1]
    near = (1 - v) * ((1 - w) * a + w * b) + v * ((1 - w) * c + w * d)
    far = (1 - v) * ((1 - w) * e + w * f) + v * ((1 - w) * g + w * h)
    slope[0] = far - near
    slope[1] = (1 - u) * ((1 - w) * (c - a) + w * (d - b)) + u * ((1 - w) * (g - e) + w * (h - f))
    slope[2] = (1 - u) * ((1 - v) * (b - a) + v * (d - c)) + u * ((1 - v) * (f - e) + v * (h - g))
    length = np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)
    if length > 1e-9:
        slope /= length
    return (1 - u) * near + u * far
