"""Numba kernels of the buffers; plain versions of each stand in ``tests/stage/plain.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

_fast = njit(cache=True, nogil=True, error_model="numpy")
_part = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)

TIP = np.float32(0.2)  # of its width that a strand keeps at the tip, as in render.strands
BIAS = np.float32(1.0008)  # a strand on the skin counts as this much nearer, as there
LEAST = np.float32(0.08)  # of a pixel that a strand must cover to be the one that is seen there


@_fast
def draw_strands(
    screen: np.ndarray,
    width: np.ndarray,
    first: int,
    focal: float,
    inverse: np.ndarray,
    cover: np.ndarray,
    near: np.ndarray,
    row: np.ndarray,
    along: np.ndarray,
) -> None:
    """Draw strands *screen* [N, P, 3] of *width* [N] metres over solid surfaces at 1/z *inverse* [H, W].

    *cover* [H, W] grows by what they cover; where a strand is nearer than *near* (1/z), it becomes the one that is
    seen: *row* is the number of its point before the place, counted from *first*, and *along* in [0, 1] how far the
    place is towards the next. A strand is a chain of straight ribbons, at least a pixel wide and fainter if thinner.
    """
    height, columns = inverse.shape
    one, half, zero = np.float32(1.0), np.float32(0.5), np.float32(0.0)
    last = screen.shape[1] - 2
    step = one / np.float32(last + 1)
    for n in range(screen.shape[0]):
        for s in range(last + 1):
            x0, y0, z0 = screen[n, s, 0], screen[n, s, 1], screen[n, s, 2]
            x1, y1, z1 = screen[n, s + 1, 0], screen[n, s + 1, 1], screen[n, s + 1, 2]
            if not (abs(x0) + abs(y0) + abs(x1) + abs(y1) < np.float32(1 << 20) and z0 > zero and z1 > zero):
                continue
            if max(x0, x1) < -2 or max(y0, y1) < -2 or min(x0, x1) > columns + 2 or min(y0, y1) > height + 2:
                continue
            dx, dy = x1 - x0, y1 - y0
            upright = abs(dy) >= abs(dx)
            a0, b0, run, across = (y0, x0, dy, dx) if upright else (x0, y0, dx, dy)
            if not abs(run) > np.float32(1e-4):
                continue
            slant = np.sqrt(one + (across / run) ** 2)
            low, high = min(a0, a0 + run), max(a0, a0 + run)
            edge, other = (height, columns) if upright else (columns, height)
            number = np.int32(first + n * screen.shape[1] + s)
            for i in range(max(int(np.floor(low + half)), 0), min(int(np.floor(high + half)), edge)):
                u = (np.float32(i) + half - a0) / run
                z = z0 + u * (z1 - z0)
                t = (np.float32(s) + u) * step
                w = width[n] * z * np.float32(focal) * (one - (one - TIP) * t * t) * slant
                wide = max(w, one)
                b = b0 + u * across
                left, right = b - half * wide, b + half * wide
                for k in range(max(int(np.floor(left)), 0), min(int(np.floor(right)) + 1, other)):
                    a = (min(right, np.float32(k) + one) - max(left, np.float32(k))) * w / wide
                    y, x = (i, k) if upright else (k, i)
                    if not (a > zero and z * BIAS > inverse[y, x]):
                        continue
                    cover[y, x] += min(a, one) * (one - cover[y, x])
                    if a > LEAST and z > near[y, x]:
                        near[y, x] = z
                        row[y, x] = number
                        along[y, x] = u * z1 / max(z, np.float32(1e-9))  # even in space, not on the screen


@_fast
def settle(
    covered: float, inverse: np.ndarray, cover: np.ndarray, near: np.ndarray, row: np.ndarray, depth: np.ndarray
) -> None:
    """Decide what is seen: *row* becomes -1 where strands cover less than *covered*; *depth* in metres, inf for
    nothing."""
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            if row[y, x] >= 0 and cover[y, x] >= np.float32(covered):
                depth[y, x] = np.float32(1.0) / near[y, x]
                continue
            row[y, x] = -1
            depth[y, x] = np.float32(1.0) / inverse[y, x] if inverse[y, x] > 0 else np.float32(np.inf)


@_fast
def resolve(
    ids: np.ndarray,
    bary: np.ndarray,
    row: np.ndarray,
    triangles: np.ndarray,
    points: np.ndarray,
    part: np.ndarray,
    marks: np.ndarray,
    start: np.ndarray,
    hair: np.ndarray,
    lips: int,
    cloth: int,
    normals: np.ndarray,
    masks: np.ndarray,
    uv: np.ndarray,
) -> None:
    """Fill those of *normals*, *masks* and *uv* that are not empty; ``buffers.Look`` explains the fixed arrays."""
    one = np.float32(1.0)
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            f = ids[y, x]
            strand = row[y, x] >= 0
            solid = f >= 0 and not strand
            i = j = k = 0
            a = b = c = np.float32(0.0)
            if solid:
                i, j, k = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                a, b = bary[y, x, 0], bary[y, x, 1]
                c = one - a - b
            if normals.shape[0]:
                for n in range(3):
                    normals[y, x, n] = 0.0
                if solid:
                    nx = a * points[i, 3] + b * points[j, 3] + c * points[k, 3]
                    ny = a * points[i, 4] + b * points[j, 4] + c * points[k, 4]
                    nz = a * points[i, 5] + b * points[j, 5] + c * points[k, 5]
                    r = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-20)))
                    normals[y, x, 0], normals[y, x, 1], normals[y, x, 2] = nx * r, ny * r, nz * r
            if masks.shape[0]:
                what = 255
                if strand:
                    g = 0
                    while row[y, x] >= start[g + 1]:
                        g += 1
                    what = hair[g]
                elif solid:
                    what = part[f]
                    if what == 0:
                        if a * marks[i, 1] + b * marks[j, 1] + c * marks[k, 1] > 0:
                            what = cloth
                        elif a * marks[i, 0] + b * marks[j, 0] + c * marks[k, 0] > np.float32(0.5):
                            what = lips
                masks[y, x] = what
            if uv.shape[0]:
                uv[y, x, 0] = uv[y, x, 1] = -1.0
                if solid and marks[i, 2] >= 0:
                    uv[y, x, 0] = a * marks[i, 2] + b * marks[j, 2] + c * marks[k, 2]
                    uv[y, x, 1] = a * marks[i, 3] + b * marks[j, 3] + c * marks[k, 3]


@_part
def _shown(x: float, y: float, z: float, depth: np.ndarray, nearer: float) -> bool:
    """Whether a point at pixel (*x*, *y*) and *z* metres deep is in the picture and, of the four pixel centres around
    it, at least one shows nothing that is more than *nearer* metres in front of it."""
    height, width = depth.shape
    if not (0.0 <= x < width and 0.0 <= y < height):
        return False
    i, j = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    for n in range(max(j, 0), min(j + 2, height)):
        for m in range(max(i, 0), min(i + 2, width)):
            if depth[n, m] >= z - nearer:
                return True
    return False


@_part
def _pixel(w: np.ndarray, camera: np.ndarray) -> tuple[float, float, float]:
    """Pixel x, y and depth of a place *w* [3] under *camera* [4, 4]: [R t] and, below, fx, fy, cx, cy; NaN behind."""
    z = camera[2, 0] * w[0] + camera[2, 1] * w[1] + camera[2, 2] * w[2] + camera[2, 3]
    r = 1.0 / z if z > 0.01 else np.nan
    x = camera[3, 2] + camera[3, 0] * r * (
        camera[0, 0] * w[0] + camera[0, 1] * w[1] + camera[0, 2] * w[2] + camera[0, 3]
    )
    y = camera[3, 3] + camera[3, 1] * r * (
        camera[1, 0] * w[0] + camera[1, 1] * w[1] + camera[1, 2] * w[2] + camera[1, 3]
    )
    return x, y, z


@_fast
def trace(
    ids: np.ndarray,
    bary: np.ndarray,
    row: np.ndarray,
    along: np.ndarray,
    strands: np.ndarray,
    camera: np.ndarray,
    triangles: np.ndarray,
    points_there: np.ndarray,
    strands_there: np.ndarray,
    camera_there: np.ndarray,
    far: np.ndarray,
    depth_there: np.ndarray,
    nearer: float,
    flow: np.ndarray,
    hidden: np.ndarray,
) -> None:
    """Where what every pixel shows is at another moment, and whether it is *hidden* there.

    *points_there* [P, >= 3] and *strands_there* [M, 3] are the surfaces and strands of the other moment, *depth_there*
    [H, W] what its camera sees; cameras are as :func:`_pixel` takes them, and *far* [3, 3] takes pixels of what is
    infinitely far to the other picture. *flow* [H, W, 2] may be empty.
    """
    one = np.float32(1.0)
    w = np.zeros(3)
    for v in range(ids.shape[0]):
        for u in range(ids.shape[1]):
            px, py = u + 0.5, v + 0.5
            n, f = row[v, u], ids[v, u]
            if n < 0 and f < 0:
                r = far[2, 0] * px + far[2, 1] * py + far[2, 2]
                r = 1.0 / r if r > 1e-9 else np.nan
                x = (far[0, 0] * px + far[0, 1] * py + far[0, 2]) * r
                y = (far[1, 0] * px + far[1, 1] * py + far[1, 2]) * r
                z = np.inf
            elif n >= 0:
                # A strand is seen beside its middle line, too: what counts is how that moves.
                t = along[v, u]
                for c in range(3):
                    w[c] = strands[n, c] + t * (strands[n + 1, c] - strands[n, c])
                x0, y0, _ = _pixel(w, camera)
                for c in range(3):
                    w[c] = strands_there[n, c] + t * (strands_there[n + 1, c] - strands_there[n, c])
                x, y, z = _pixel(w, camera_there)
                x, y = px + x - x0, py + y - y0
            else:
                i, j, k = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                a, b = bary[v, u, 0], bary[v, u, 1]
                for c in range(3):
                    w[c] = a * points_there[i, c] + b * points_there[j, c] + (one - a - b) * points_there[k, c]
                x, y, z = _pixel(w, camera_there)
            good = np.isfinite(x) and np.isfinite(y)
            if flow.shape[0]:
                flow[v, u, 0] = np.float32(x - px) if good else 0.0
                flow[v, u, 1] = np.float32(y - py) if good else 0.0
            hidden[v, u] = not (good and _shown(x, y, z, depth_there, nearer))


@_fast
def in_sight(pixels: np.ndarray, z: np.ndarray, depth: np.ndarray, nearer: float, out: np.ndarray) -> None:
    """Write points float64 [N, 2] with *z* [N] metres into *out* float32 [N, 3]: x, y and whether they are in sight."""
    for n in range(len(z)):
        good = np.isfinite(pixels[n, 0]) and np.isfinite(pixels[n, 1])
        out[n, 0] = pixels[n, 0] if good else 0.0
        out[n, 1] = pixels[n, 1] if good else 0.0
        out[n, 2] = 1.0 if good and _shown(pixels[n, 0], pixels[n, 1], z[n], depth, nearer) else 0.0
