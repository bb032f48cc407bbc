"""Slow, plain versions of the stage's kernels."""

from __future__ import annotations

import numpy as np


def draw_strands(screen, width, first, focal, inverse):
    """As ``kernels.draw_strands`` with fresh buffers: cover, near, row and along."""
    height, columns = inverse.shape
    cover, near = np.zeros(inverse.shape), np.zeros(inverse.shape)
    row, along = np.full(inverse.shape, -1), np.zeros(inverse.shape)
    pieces = screen.shape[1] - 1
    for n, strand in enumerate(screen.astype(float)):
        for s in range(pieces):
            (x0, y0, z0), (x1, y1, z1) = strand[s], strand[s + 1]
            upright = abs(y1 - y0) >= abs(x1 - x0)
            a0, a1, b0, b1 = (y0, y1, x0, x1) if upright else (x0, x1, y0, y1)
            if abs(a1 - a0) < 1e-4:
                continue
            slant = np.hypot(1, (b1 - b0) / (a1 - a0))
            low, high = sorted((a0, a1))
            for i in range(height if upright else columns):
                if not low <= i + 0.5 < high:
                    continue
                u = (i + 0.5 - a0) / (a1 - a0)
                z = z0 + u * (z1 - z0)
                w = width[n] * z * focal * (1 - 0.8 * ((s + u) / pieces) ** 2) * slant
                left = b0 + u * (b1 - b0) - max(w, 1) / 2
                for k in range(columns if upright else height):
                    share = max(0.0, min(left + max(w, 1), k + 1) - max(left, k)) * w / max(w, 1)
                    y, x = (i, k) if upright else (k, i)
                    if share <= 0 or z * 1.0008 <= inverse[y, x]:
                        continue
                    cover[y, x] = 1 - (1 - cover[y, x]) * (1 - min(share, 1))
                    if share > 0.08 and z > near[y, x]:
                        near[y, x], row[y, x] = z, first + n * screen.shape[1] + s
                        # The place in space at which a perspective picture shows u.
                        along[y, x] = u / z0 * z0 * z1 / z
    return cover, near, row, along


def shown(x, y, z, depth, nearer):
    """Whether a point is in the picture and in sight of one of the four pixel centres around it."""
    height, width = depth.shape
    if not (0 <= x < width and 0 <= y < height):
        return False
    rows = [j for j in (int(np.floor(y - 0.5)), int(np.floor(y - 0.5)) + 1) if 0 <= j < height]
    columns = [i for i in (int(np.floor(x - 0.5)), int(np.floor(x - 0.5)) + 1) if 0 <= i < width]
    return any(depth[j, i] >= z - nearer for j in rows for i in columns)


def trace(here, there, triangles, nearer):
    """As ``buffers.moved`` for two ``Sight``s: flow and what is hidden."""
    height, width = here.depth.shape
    flow, hidden = np.zeros((height, width, 2)), np.ones((height, width), bool)
    for v in range(height):
        for u in range(width):
            if here.row[v, u] >= 0:
                n, t = here.row[v, u], float(here.along[v, u])
                place = (1 - t) * there.strands[n].astype(float) + t * there.strands[n + 1]
                (pixel,), (z,) = there.camera.project(place[None])
                start = (1 - t) * here.strands[n].astype(float) + t * here.strands[n + 1]
                pixel = np.array([u + 0.5, v + 0.5]) + pixel - here.camera.project(start)[0]
            elif here.ids[v, u] >= 0:
                a, b = here.bary[v, u].astype(float)
                place = np.array([a, b, 1 - a - b]) @ there.points[triangles[here.ids[v, u]], :3].astype(float)
                (pixel,), (z,) = there.camera.project(place[None])
            else:
                # A point so far away that only its direction counts.
                place = here.camera.unproject([[u + 0.5, v + 0.5]], [1e9])
                (pixel,), _ = there.camera.project(place)
                z = np.inf
            if np.isfinite(pixel).all():
                flow[v, u] = pixel - [u + 0.5, v + 0.5]
                hidden[v, u] = not shown(*pixel, z, there.depth, nearer)
    return flow, hidden
