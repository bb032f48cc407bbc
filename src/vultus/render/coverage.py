"""The kernels of the rasteriser: which triangle is the nearest at each pixel, and where on it that is.

Triangles are sorted into strips of rows, and each strip is drawn into a tile that stays in the cache. Where on its
triangle a pixel lies is found afterwards, and only for the pixels that somebody asks about.
"""

from __future__ import annotations

import numpy as np
from numba import njit

Integer = int | np.int32 | np.int64

GUARD = 1 << 20  # pixels; keeps the integer edge functions inside 64 bits
STEPS = 256  # positions per pixel; the shifts by 8 below are divisions by it
STRIP = 16  # rows that one thread works on at a time
MOST = 16384  # pixels a side
_LANES = 16  # pixels of a row that are tested at a time; with fewer LLVM unrolls the loop instead of sharing registers
_PLANE = STRIP * (MOST + _LANES)  # where numbers of triangles begin in a tile: a constant, so that nothing overlaps
_SMALL = 64 * STEPS  # edges shorter than this fit 32 bits, lanes beside the triangle included
_DROPPED = np.int32(-(1 << 30))


@njit(cache=True, nogil=True, error_model="numpy")
def snap(screen: np.ndarray, corners: np.ndarray) -> None:
    """Screen points -> x and y as integers of 1/256 pixel, and the bits of 1/z as an integer.

    Column 0 is _DROPPED for points that no triangle may use.
    """
    for i in range(screen.shape[0]):
        x, y, w = screen[i, 0], screen[i, 1], screen[i, 2]
        if abs(x) < GUARD and abs(y) < GUARD and w > 0.0 and w < np.inf:
            corners[i, 0] = np.int32(np.rint(x * STEPS))
            corners[i, 1] = np.int32(np.rint(y * STEPS))
            corners[i, 2] = np.float32(w).view(np.int32)
        else:
            corners[i, 0] = _DROPPED


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _centres(a: Integer, b: Integer, c: Integer, begin: Integer, end: int) -> tuple[Integer, Integer]:
    """The first and last pixel of [begin, end) whose centres lie between the least and greatest of three positions."""
    # Shifts, because numba's floor division does not become one.
    first, last = (min(a, b, c) + STEPS // 2 - 1) >> 8, (max(a, b, c) - STEPS // 2) >> 8
    return max(begin, first), min(end - 1, last)


@njit(cache=True, nogil=True, error_model="numpy")
def bin_triangles(
    corners: np.ndarray,
    triangles: np.ndarray,
    height: int,
    width: int,
    cull: int,
    first: np.ndarray,
    last: np.ndarray,
    starts: np.ndarray,
) -> Integer:
    """Find the strips [first, last] that each triangle may touch (last < first: none); starts[s + 1] counts strip s.

    How many there are in all; -1 when a triangle names a vertex that does not exist.
    """
    total, many = np.int64(0), np.uint64(corners.shape[0])
    starts[:] = 0
    for f in range(triangles.shape[0]):
        first[f], last[f] = 0, -1
        i, j, k = np.uint64(triangles[f, 0]), np.uint64(triangles[f, 1]), np.uint64(triangles[f, 2])
        if max(i, j, k) >= many:
            return np.int64(-1)
        x0, x1, x2 = corners[i, 0], corners[j, 0], corners[k, 0]
        if x0 == _DROPPED or x1 == _DROPPED or x2 == _DROPPED:
            continue
        y0, y1, y2 = corners[i, 1], corners[j, 1], corners[k, 1]
        area = (np.int64(x1) - x0) * (np.int64(y2) - y0) - (np.int64(x2) - x0) * (np.int64(y1) - y0)
        if area == 0 or (cull == 1 and area > 0) or (cull == 2 and area < 0):
            continue
        top, bottom = _centres(y0, y1, y2, np.int64(0), height)
        left, right = _centres(x0, x1, x2, np.int64(0), width)
        if top > bottom or left > right:
            continue
        first[f], last[f] = top // STRIP, bottom // STRIP
        for s in range(first[f], last[f] + 1):
            starts[s + 1] += 1
            total += 1
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def fill_bins(first: np.ndarray, last: np.ndarray, starts: np.ndarray, cursor: np.ndarray, bins: np.ndarray) -> None:
    """List the triangles of every strip in their order, so that ties in depth always go to the first triangle."""
    for s in range(1, starts.shape[0]):
        starts[s] += starts[s - 1]
    for s in range(cursor.shape[0]):
        cursor[s] = starts[s]
    for f in range(first.shape[0]):
        for s in range(first[f], last[f] + 1):
            bins[cursor[s]] = f
            cursor[s] += 1


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def corner(corners: np.ndarray, i: np.uint64) -> tuple[np.int64, np.int64, np.float32]:
    """Place and 1/z of a corner."""
    # Unsigned numbers, because numba tests signed ones for counting from the end.
    return np.int64(corners[i, 0]), np.int64(corners[i, 1]), np.int32(corners[i, 2]).view(np.float32)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _row_of_small(
    at: np.uint64, blocks: Integer, e0: np.int32, e1: np.int32, e2: np.int32, step0: np.int32, step1: np.int32,
    step2: np.int32, t0: np.int32, t1: np.int32, t2: np.int32, k0: np.float32, k1: np.float32, k2: np.float32,
    f: np.int32, tile: np.ndarray,
) -> None:  # fmt: skip
    """Draw a row of a small triangle into a *tile* from *at* on: _LANES pixels at a time, all in 32 bits.

    Without branches, which could not be shared. Bits of positive numbers are ordered as the numbers are.
    """
    many, zero, plane = np.int32(_LANES), np.int32(0), np.uint64(_PLANE)
    for _ in range(blocks):
        for c in range(_LANES):
            n, i = np.int32(c), at + np.uint64(c)
            a, b, d = np.int32(e0 - n * step0), np.int32(e1 - n * step1), np.int32(e2 - n * step2)
            z = (
                np.float32(np.int32(a + t0)) * k0
                + np.float32(np.int32(b + t1)) * k1
                + np.float32(np.int32(d + t2)) * k2
            )
            bits, depth, owner = np.float32(z).view(np.int32), tile[i], tile[i + plane]
            nearer = (np.int32(a | b | d) >= zero) & (bits > depth)
            tile[i] = bits if nearer else depth
            tile[i + plane] = f if nearer else owner
        at += np.uint64(_LANES)
        e0, e1, e2 = np.int32(e0 - many * step0), np.int32(e1 - many * step1), np.int32(e2 - many * step2)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _row_of_large(
    at: Integer, count: Integer, e0: np.int64, e1: np.int64, e2: np.int64, step0: np.int64, step1: np.int64,
    step2: np.int64, t0: Integer, t1: Integer, t2: Integer, k0: float, k1: float, k2: float, f: np.int32,
    tile: np.ndarray,
) -> None:  # fmt: skip
    """Draw a row of any triangle into a *tile*, the *count* pixels from *at* on one by one."""
    inside = False
    for i in range(at, at + count):
        if (e0 | e1 | e2) < 0:
            if inside:
                break
        else:
            inside = True
            bits = np.float32((e0 + t0) * k0 + (e1 + t1) * k1 + (e2 + t2) * k2).view(np.int32)
            if bits > tile[np.uint64(i)]:
                tile[np.uint64(i)], tile[np.uint64(i + _PLANE)] = bits, f
        e0 -= step0
        e1 -= step1
        e2 -= step2


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_triangle(
    f: np.int32, triangles: np.ndarray, corners: np.ndarray, row0: int, row1: int, width: int, tile: np.ndarray
) -> None:
    """Draw triangle *f* on the rows [row0, row1) that a *tile* holds."""
    g, half = np.uint64(f), STEPS // 2
    x0, y0, z0 = corner(corners, np.uint64(triangles[g, 0]))
    x1, y1, z1 = corner(corners, np.uint64(triangles[g, 1]))
    x2, y2, z2 = corner(corners, np.uint64(triangles[g, 2]))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    # Edge functions that are positive inside whichever way the triangle winds.
    sign = 1 if area > 0 else -1
    inverse = 1.0 / (area * sign)
    dx0, dy0 = (x2 - x1) * sign, (y2 - y1) * sign
    dx1, dy1 = (x0 - x2) * sign, (y0 - y2) * sign
    dx2, dy2 = (x1 - x0) * sign, (y1 - y0) * sign
    # Top-left rule: centres on the other edges belong to the neighbour. With these offsets all three edge
    # functions are at least 0 inside, so that one test of their sign bits decides.
    t0 = 0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else 1
    t1 = 0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else 1
    t2 = 0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else 1
    top, bottom = _centres(y0, y1, y2, row0, row1)
    left, right = _centres(x0, x1, x2, np.int64(0), width)
    px, py = left * STEPS + half, top * STEPS + half
    e0 = dx0 * (py - y1) - dy0 * (px - x1) - t0
    e1 = dx1 * (py - y2) - dy1 * (px - x2) - t1
    e2 = dx2 * (py - y0) - dy2 * (px - x0) - t2
    k0, k1, k2 = inverse * z0, inverse * z1, inverse * z2
    at = (top - row0) * (width + _LANES) + left
    if max(abs(dx0), abs(dx1), abs(dx2), abs(dy0), abs(dy1), abs(dy2)) < _SMALL:
        a, b, d = np.int32(e0), np.int32(e1), np.int32(e2)
        for _ in range(top, bottom + 1):
            _row_of_small(
                np.uint64(at), (right - left + _LANES) // _LANES, a, b, d,
                np.int32(dy0 * STEPS), np.int32(dy1 * STEPS), np.int32(dy2 * STEPS),
                np.int32(t0), np.int32(t1), np.int32(t2), np.float32(k0), np.float32(k1), np.float32(k2), f, tile,
            )  # fmt: skip
            a, b, d = np.int32(a + dx0 * STEPS), np.int32(b + dx1 * STEPS), np.int32(d + dx2 * STEPS)
            at += width + _LANES
    else:
        for _ in range(top, bottom + 1):
            _row_of_large(
                at, right - left + 1, e0, e1, e2, dy0 * STEPS, dy1 * STEPS, dy2 * STEPS, t0, t1, t2, k0, k1, k2, f, tile
            )
            e0, e1, e2 = e0 + dx0 * STEPS, e1 + dx1 * STEPS, e2 + dx2 * STEPS
            at += width + _LANES


@njit(cache=True, nogil=True, error_model="numpy")
def draw_strips(
    first: int,
    stop: int,
    starts: np.ndarray,
    bins: np.ndarray,
    corners: np.ndarray,
    triangles: np.ndarray,
    ids: np.ndarray,
    depth: np.ndarray,
) -> None:
    """Draw the strips [first, stop), each in a tile that stays in the cache: 1/z as bits, then numbers of triangles."""
    height, width = ids.shape
    tile = np.empty(2 * _PLANE, np.int32)
    line = width + _LANES  # lanes may reach so far over the edge
    for strip in range(first, stop):
        row0, row1 = strip * STRIP, min(height, strip * STRIP + STRIP)
        tile[: (row1 - row0) * line] = 0
        tile[_PLANE : _PLANE + (row1 - row0) * line] = -1
        for n in range(starts[strip], starts[strip + 1]):
            _draw_triangle(bins[n], triangles, corners, row0, row1, width, tile)
        for row in range(row0, row1):
            y, at = np.uint64(row), (row - row0) * line
            for x in range(width):
                depth[y, np.uint64(x)] = np.int32(tile[np.uint64(at + x)]).view(np.float32)
            for x in range(width):
                ids[y, np.uint64(x)] = tile[np.uint64(at + x + _PLANE)]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def weights(
    row: Integer, column: Integer, x0: np.int64, y0: np.int64, z0: np.float32, x1: np.int64, y1: np.int64,
    z1: np.float32, x2: np.int64, y2: np.int64, z2: np.float32,
) -> tuple[np.float32, np.float32]:  # fmt: skip
    """The perspective-correct weights of a triangle's first two corners at a pixel, for kernels; the third's is 1 minus
    both. Corners as :func:`corner` gives them."""
    px, py = np.int64(column) * STEPS + STEPS // 2, np.int64(row) * STEPS + STEPS // 2
    w0 = np.float64((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) * z0
    w1 = np.float64((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * z1
    w2 = np.float64((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * z2
    r = 1.0 / (w0 + w1 + w2)
    return np.float32(w0 * r), np.float32(w1 * r)


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(row0: int, row1: int, corners: np.ndarray, triangles: np.ndarray, ids: np.ndarray, bary: np.ndarray) -> None:
    """:func:`weights` of all pixels of the rows [row0, row1) that show a triangle."""
    last = np.int32(-1)
    x0, y0, z0 = np.int64(0), np.int64(0), np.float32(0)
    x1, y1, z1 = x0, y0, z0
    x2, y2, z2 = x0, y0, z0
    for row in range(row0, row1):
        y = np.uint64(row)
        for column in range(ids.shape[1]):
            x = np.uint64(column)
            f = ids[y, x]
            if f < 0:
                continue
            if f != last:
                g, last = np.uint64(f), f
                x0, y0, z0 = corner(corners, np.uint64(triangles[g, 0]))
                x1, y1, z1 = corner(corners, np.uint64(triangles[g, 1]))
                x2, y2, z2 = corner(corners, np.uint64(triangles[g, 2]))
            u, v = weights(row, column, x0, y0, z0, x1, y1, z1, x2, y2, z2)
            bary[y, x, 0], bary[y, x, 1] = u, v
