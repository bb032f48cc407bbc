"""The slow, plain version of ``triangles`` and ``shadows``, one triangle or point at a time, for their tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.render.triangles import GUARD, NEAR, STEPS, Cull

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
