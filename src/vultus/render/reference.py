"""The slow, plain version of ``triangles``, ``shadows`` and ``strands``, one thing at a time, for their tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.render.coverage import GUARD, STEPS
from vultus.render.strands import BIAS, CHORD, FAINT, FULL, TIP
from vultus.render.triangles import NEAR, Cull

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def project(camera: Camera, vertices: Float) -> Float:
    """World points [V, 3] -> x, y in pixels and 1/z [V, 3]; zeros for points nearer than NEAR."""
    pixels, depth = camera.project(vertices)
    good = depth >= NEAR
    return np.where(good[:, None], np.column_stack([pixels, 1 / np.where(good, depth, 1)]), 0)


def _covered(a: Int, b: Int, x: Int, y: Int) -> tuple[Int, NDArray[np.bool_]]:
    """The edge function from *a* to *b* at the points (x, y), and whether each point counts as inside."""
    dx, dy = b - a
    edge = dx * (y - a[1]) - dy * (x - a[0])
    top_left = dy < 0 or (dy == 0 and dx > 0)
    return edge, (edge >= 0) if top_left else (edge > 0)


def rasterise(
    screen: NDArray[np.float32], triangles: NDArray[np.int32], height: int, width: int, cull: Cull = "back"
) -> tuple[NDArray[np.int32], Float, NDArray[np.float32]]:
    """Ids [H, W], barycentrics [H, W, 2] and 1/z [H, W] as ``Rasteriser.draw`` leaves them."""
    ids = np.full((height, width), -1, np.int32)
    bary, depth = np.zeros((height, width, 2)), np.zeros((height, width), np.float32)
    y, x = np.mgrid[:height, :width] * STEPS + STEPS // 2
    for f, corners in enumerate(triangles):
        points = screen[corners]
        if not (np.isfinite(points).all() and (np.abs(points[:, :2]) < GUARD).all() and (points[:, 2] > 0).all()):
            continue
        p = np.rint(points[:, :2] * np.float32(STEPS)).astype(np.int64)
        z = points[:, 2].astype(np.float64)
        (x1, y1), (x2, y2) = p[1] - p[0], p[2] - p[0]
        area = int(x1 * y2 - x2 * y1)
        if area == 0 or (cull == "back" and area > 0) or (cull == "front" and area < 0):
            continue
        a, b, c = (p[0], p[1], p[2]) if area > 0 else (p[0], p[2], p[1])
        (ab, in_ab), (bc, in_bc), (ca, in_ca) = (_covered(s, e, x, y) for s, e in ((a, b), (b, c), (c, a)))
        w1, w2 = (ca, ab) if area > 0 else (ab, ca)
        weights = np.stack([bc, w1, w2]) / abs(area) * z[:, None, None]
        inverse = weights.sum(0)
        nearer = in_ab & in_bc & in_ca & (inverse.astype(np.float32) > depth)
        ids[nearer], depth[nearer] = f, inverse[nearer]
        bary[nearer] = (weights[:2] / np.where(inverse == 0, 1, inverse))[:, nearer].T
    return ids, bary, depth


def interpolate(ids: NDArray[np.int32], bary: Float, index: NDArray[np.int32], attribute: Float) -> Float:
    """Per-pixel values [H, W, C] of *attribute* [N, C]; 0 where *ids* is -1."""
    weights = np.concatenate([bary, 1 - bary.sum(-1, keepdims=True)], -1)
    values = (weights[..., None] * attribute[index[np.maximum(ids, 0)]]).sum(-2)
    return np.where((ids >= 0)[..., None], values, 0)


def sample(texture: Float, uv: Float) -> Float:
    """Bilinear lookup [H, W, C] at *uv* [H, W, 2]; v = 1 is the top row, edges are clamped."""
    height, width, _ = texture.shape
    x = np.clip(uv[..., 0] * width - 0.5, 0, width - 1)
    y = np.clip((1 - uv[..., 1]) * height - 0.5, 0, height - 1)
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    i1, j1 = np.minimum(i + 1, width - 1), np.minimum(j + 1, height - 1)
    a, b = (x - i)[..., None], (y - j)[..., None]
    return (texture[j, i] * (1 - a) + texture[j, i1] * a) * (1 - b) + (
        texture[j1, i] * (1 - a) + texture[j1, i1] * a
    ) * b


def vertex_normals(vertices: Float, triangles: NDArray[np.int32]) -> Float:
    """Unit normals [V, 3], weighted by triangle area; +z where there is none."""
    out = np.zeros((len(vertices), 3))
    for corners in triangles:
        a, b, c = vertices[corners]
        normal = np.cross(b - a, c - a)
        if np.isfinite(normal).all():
            out[corners] += normal
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(length > 0, out / np.where(length > 0, length, 1), [0, 0, 1.0])


def lit(inverse_depth: Float, x: float, y: float, z: float, bias: float, radius: int) -> float:
    """Light in [0, 1] at a point of a shadow map: the area of the filter's box over texels that do not lie in front."""
    limit = 1 / (z - bias)
    half = radius + 0.5
    shade = 0.0
    for j in range(inverse_depth.shape[0]):
        for i in range(inverse_depth.shape[1]):
            wide = min(i + 1, x + half) - max(i, x - half)
            high = min(j + 1, y + half) - max(j, y - half)
            if wide > 0 and high > 0 and inverse_depth[j, i] > limit:
                shade += wide * high
    return 1 - shade / (2 * half) ** 2


def _curve(points: Float, u: float, s: int) -> Float:
    """The Catmull-Rom curve through *points* [P, C] at *u* of segment *s*."""
    a, b, c, d = (points[min(max(s + k, 0), len(points) - 1)] for k in (-1, 0, 1, 2))
    hermite = [2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, 3 * u**2 - 2 * u**3, u**3 - u**2]
    return hermite[0] * b + hermite[1] * (c - a) / 2 + hermite[2] * c + hermite[3] * (d - b) / 2


def _lay(cell: Float, cover: float, z: float, colour: Float) -> None:
    """Lay a colour over or under a cell [6] of a ``StrandLayer``."""
    if z * BIAS <= cell[5] or (z <= cell[4] and cell[3] >= FULL):
        return
    new = np.array([*colour, 1.0])
    if z > cell[4]:
        cell[4] = z if cell[3] == 0 else cell[4] + cover * (z - cell[4])
        cell[:4] += cover * (new - cell[:4])
    else:
        cell[:4] += cover * (1 - cell[3]) * new


def strands(screen: Float, colour: Float, width: Float, focal: float, cells: Float) -> None:
    """Draw strands [N, P, 3] with colours [N, P, 3] and widths [N] on *cells* [H, W, 6], as ``StrandLayer.draw``."""
    count = screen.shape[1] - 1
    for points, colours, wide in zip(screen, colour, width, strict=True):
        for s in range(count):
            pieces = min(1 + int(np.abs(points[s + 1, :2] - points[s, :2]).sum() / CHORD), 12)
            for k in range(pieces):
                ends = []
                for u in (k / pieces, (k + 1) / pieces):
                    z = points[s, 2] + u * (points[s + 1, 2] - points[s, 2])
                    taper = 1 - (1 - TIP) * ((s + u) / count) ** 2
                    mixed = colours[s] + u * (colours[s + 1] - colours[s])
                    ends.append(np.array([*_curve(points[:, :2], u, s), z, wide * z * focal * taper, *mixed]))
                _piece(ends[0], ends[1], s == 0 and k == 0, s == count - 1 and k == pieces - 1, cells)


def _piece(start: Float, end: Float, root: bool, tip: bool, cells: Float) -> None:
    """Draw one straight piece: its ends hold x, y, 1/z, width in pixels and colour."""
    run = end[:2] - start[:2]
    axis = 1 if abs(run[1]) >= abs(run[0]) else 0
    if abs(run[axis]) <= 1e-4:
        return
    for i in range(cells.shape[1 - axis]):
        u = (i + 0.5 - start[axis]) / run[axis]
        low, high = sorted((start[axis], end[axis]))
        free_low, free_high = (root, tip) if run[axis] > 0 else (tip, root)
        if not (free_low or low - 0.5 < i + 1e-12) or not (free_high or i < high - 0.5 + 1e-12):
            continue
        share = 1.0 if not free_low else min(1.0, i + 1 - low)
        share -= max(0.0, i + 1 - high) if free_high else 0.0
        if share <= 0:
            continue
        at = start + min(max(u, 0.0), 1.0) * (end - start)
        wide = at[3] * np.hypot(*run) / abs(run[axis])
        drawn = max(wide, 1.0)
        for j in range(cells.shape[axis]):
            left, right = at[1 - axis] - drawn / 2, at[1 - axis] + drawn / 2
            cover = share * wide / drawn * (min(right, j + 1) - max(left, j))
            if cover > FAINT:
                _lay(cells[i, j] if axis == 1 else cells[j, i], cover, at[2], at[4:])
