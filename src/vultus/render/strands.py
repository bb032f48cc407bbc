"""Thin tapered strands on the CPU: hair, brows and lashes, blended into one layer with a depth.

A strand is a chain of segments. Along its longer screen axis a segment is walked pixel by pixel; across, its width
covers each pixel by the exact overlap of two intervals, and a strand thinner than a pixel counts as one pixel wide and
as much fainter (the idea of Wu, "An efficient antialiasing technique", SIGGRAPH 1991). Coverage so changes
continuously when a strand moves by less than a pixel, and nothing crawls.

Each cell keeps premultiplied colour, cover and a depth. What is nearer than a cell's depth is laid over it, what is
further under it: exact for two layers, and for more the error is small because strands of one head are alike in
colour, so that nothing has to be sorted. Strands are drawn in their order, and so every cell gets the same bytes on
any number of threads. A slow plain version is ``vultus.render.reference.strands``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.render.threads import spread
from vultus.render.triangles import GUARD

F32 = NDArray[np.float32]

COVER, DEPTH, SOLID = 3, 4, 5
"""Columns of a cell after its premultiplied colour: cover in [0, 1], depth as 1/z, and 1/z of the furthest solid."""
TIP = 0.2  # of its width that a strand keeps at the tip
BIAS = 1.0008  # a strand on the skin counts as this much nearer: a millimetre at arm's length
FULL = 0.985  # cover from which nothing behind is seen
FAINT = 0.002  # cover below which nothing is drawn
CHORD = 10.0  # pixels; longer segments are drawn as curves
_X, _Y = np.int64(0), np.int64(1)  # columns, of one type for numba
_BAND = 48  # rows that are drawn at a time, because their cells stay in the cache

_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})
_part = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, forceinline=True
)


@_fast
def clear(row0: int, row1: int, inverse: np.ndarray, many: int, cells: np.ndarray) -> None:
    """Empty the rows [row0, row1) of *cells* and note the furthest of the many x many samples of *inverse*."""
    for row in range(row0, row1):
        for column in range(cells.shape[1]):
            far = np.float32(np.inf)
            for j in range(row * many, row * many + many):
                for i in range(column * many, column * many + many):
                    far = min(far, inverse[np.uint64(j), np.uint64(i)])
            y, x = np.uint64(row), np.uint64(column)
            for c in range(5):
                cells[y, x, c] = np.float32(0.0)
            cells[y, x, 5] = far


@_part
def _blend(cells: np.ndarray, y: int, x: int, a: float, z: float, r: float, g: float, b: float) -> None:
    """Lay a colour with cover *a* and depth 1/z = *z* over or under what a cell holds."""
    j, i = np.uint64(y), np.uint64(x)
    cover, depth = cells[j, i, 3], cells[j, i, 4]
    if z * np.float32(BIAS) > cells[j, i, 5] and (z > depth or cover < np.float32(FULL)):
        # Without branches, which nothing could predict: w of the new colour over or under the old one.
        over, one = z > depth, np.float32(1.0)
        keep = one - a if over else one
        w = a if over else a * (one - cover)
        cells[j, i, 0] = cells[j, i, 0] * keep + w * r
        cells[j, i, 1] = cells[j, i, 1] * keep + w * g
        cells[j, i, 2] = cells[j, i, 2] * keep + w * b
        cells[j, i, 3] = cover * keep + w
        # A faint strand in front moves the depth only as far as it covers.
        nearer = z if cover == np.float32(0.0) else depth + a * (z - depth)
        cells[j, i, 4] = nearer if over else depth


@_part
def _spline(screen: np.ndarray, n: int, s: int, c: int | np.int64, u: np.float32) -> float:
    """Coordinate *c* at *u* in [0, 1] of segment *s* of the Catmull-Rom curve through the points of strand *n*."""
    a, b = screen[n, max(s - 1, 0), c], screen[n, s, c]
    d, e = screen[n, s + 1, c], screen[n, min(s + 2, screen.shape[1] - 1), c]
    half = np.float32(0.5)
    p, q = half * (d - a), half * (e - b)
    return b + u * (
        p + u * (np.float32(3.0) * (d - b) - np.float32(2.0) * p - q + u * (np.float32(2.0) * (b - d) + p + q))
    )


@_fast
def rows_of(screen: np.ndarray, out: np.ndarray) -> None:
    """The least and greatest y [N, 2] of strands, with what their curves may reach further."""
    for n in range(screen.shape[0]):
        low, high = screen[n, 0, 1], screen[n, 0, 1]
        for s in range(1, screen.shape[1]):
            low, high = min(low, screen[n, s, 1]), max(high, screen[n, s, 1])
        slack = np.float32(0.2) * (high - low) + np.float32(4.0)
        out[n, 0], out[n, 1] = low - slack, high + slack


@_part
def _segment(ends: np.ndarray, root: bool, tip: bool, row0: int, row1: int, cells: np.ndarray) -> None:
    """Draw a straight piece between two *ends* [2, 7] on the rows [row0, row1)."""
    one, half = np.float32(1.0), np.float32(0.5)
    dx, dy = ends[1, 0] - ends[0, 0], ends[1, 1] - ends[0, 1]
    upright = abs(dy) >= abs(dx)
    # a runs along the longer axis, b across it.
    i, j = (1, 0) if upright else (0, 1)
    a0, a1, b0, b1 = ends[0, i], ends[1, i], ends[0, j], ends[1, j]
    run = a1 - a0
    # One way out, without which numba would count references of the arrays under a lock.
    long = abs(run) > np.float32(1e-4)
    inverse = one / run if long else one
    slant = np.sqrt(dx * dx + dy * dy) * abs(inverse)
    w0, w1, z0, z1 = ends[0, 3] * slant, ends[1, 3] * slant, ends[0, 2], ends[1, 2]
    low, high = min(a0, a1), max(a0, a1)
    # Pixels belong to the piece that their centres lie on, but root and tip cover theirs in part.
    first, stop = int(np.floor(low + half)), int(np.floor(high + half))
    open_low, open_high = (root, tip) if run > 0 else (tip, root)
    if open_low:
        first = int(np.floor(low))
    if open_high:
        stop = int(np.floor(high)) + 1
    if not long:
        stop = first
    columns = cells.shape[1]
    edge0, edge1 = (row0, row1) if upright else (0, columns)
    other0, other1 = (0, columns) if upright else (row0, row1)
    for i in range(max(first, edge0), min(stop, edge1)):
        u = min(max((np.float32(i) + half - a0) * inverse, np.float32(0.0)), one)
        share = one
        if open_low:
            share = min(share, np.float32(i) + one - low)
        if open_high:
            share -= max(np.float32(0.0), np.float32(i) + one - high)
        w = w0 + u * (w1 - w0)
        wide = max(w, one)
        share *= w / wide
        b, z = b0 + u * (b1 - b0), z0 + u * (z1 - z0)
        left, right = b - half * wide, b + half * wide
        red = ends[0, 4] + u * (ends[1, 4] - ends[0, 4])
        green = ends[0, 5] + u * (ends[1, 5] - ends[0, 5])
        blue = ends[0, 6] + u * (ends[1, 6] - ends[0, 6])
        for k in range(max(int(np.floor(left)), other0), min(int(np.floor(right)) + 1, other1)):
            a = share * (min(right, np.float32(k) + one) - max(left, np.float32(k)))
            if a > np.float32(FAINT):
                if upright:
                    _blend(cells, i, k, a, z, red, green, blue)
                else:
                    _blend(cells, k, i, a, z, red, green, blue)


@_fast
def _draw(
    row0: int,
    row1: int,
    screen: np.ndarray,
    colour: np.ndarray,
    width: np.ndarray,
    seen: np.ndarray,
    reach: np.ndarray,
    focal: float,
    cells: np.ndarray,
) -> None:
    one = np.float32(1.0)
    last = screen.shape[1] - 2
    step = one / np.float32(last + 1)
    ends = np.empty((2, 7), np.float32)  # x, y, 1/z, width in pixels, colour
    for n in range(screen.shape[0]):
        if not (reach[n, 1] >= row0 and reach[n, 0] <= row1):
            continue
        for s in range(last + 1):
            if seen[n, s] == 0 or seen[n, s + 1] == 0:
                continue
            x0, y0, z0 = screen[n, s, 0], screen[n, s, 1], screen[n, s, 2]
            x1, y1, z1 = screen[n, s + 1, 0], screen[n, s + 1, 1], screen[n, s + 1, 2]
            if not (abs(x0) + abs(y0) + abs(x1) + abs(y1) < np.float32(GUARD) and z0 > 0.0 and z1 > 0.0):
                continue
            length = abs(x1 - x0) + abs(y1 - y0)
            slack = np.float32(0.3) * length + np.float32(3.0)
            if max(y0, y1) < row0 - slack or min(y0, y1) > row1 + slack:
                continue
            pieces = min(1 + int(length * np.float32(1 / CHORD)), 12)
            ends[1, 0], ends[1, 1] = x0, y0
            for k in range(pieces):
                u0, u1 = np.float32(k) / np.float32(pieces), np.float32(k + 1) / np.float32(pieces)
                ends[0, 0], ends[0, 1] = ends[1, 0], ends[1, 1]
                if k + 1 < pieces:
                    ends[1, 0], ends[1, 1] = _spline(screen, n, s, _X, u1), _spline(screen, n, s, _Y, u1)
                else:
                    ends[1, 0], ends[1, 1] = x1, y1
                for e in range(2):
                    u = u0 if e == 0 else u1
                    t = (np.float32(s) + u) * step
                    z = z0 + u * (z1 - z0)
                    ends[e, 2] = z
                    ends[e, 3] = width[n] * z * np.float32(focal) * (one - np.float32(1 - TIP) * t * t)
                    for c in range(3):
                        ends[e, 4 + c] = colour[n, s, c] + u * (colour[n, s + 1, c] - colour[n, s, c])
                _segment(ends, s == 0 and k == 0, s == last and k + 1 == pieces, row0, row1, cells)


class StrandLayer:
    """A layer of strands over solid surfaces, reused from frame to frame.

    ``cells`` float32 [H, W, 6]: premultiplied colour, cover in [0, 1], 1/z of what is in front in 1/m (0 where cover
    is 0), and 1/z of the furthest solid sample behind the pixel.
    """

    def __init__(self, height: int, width: int) -> None:
        """A layer of *height* x *width* pixels, each at least 1 and at most 16384."""
        if not (1 <= height <= 16384 and 1 <= width <= 16384):
            raise VultusError(f"Cannot draw {width}x{height} pixels", "Choose sizes from 1 to 16384.")
        self.cells: F32 = np.zeros((height, width, 6), np.float32)

    def clear(self, inverse_depth: F32 | None = None, *, threads: int | None = None) -> None:
        """Empty the layer; *inverse_depth* float32 [m H, m W] (1/m, 0 = nothing) are the solid surfaces before it."""
        height, width = self.cells.shape[:2]
        if inverse_depth is None:
            inverse_depth = np.zeros((height, width), np.float32)
        many = inverse_depth.shape[0] // height
        if inverse_depth.shape != (many * height, many * width):
            raise VultusError("The samples of the solid surfaces must divide evenly among the pixels of the layer")
        solid = inverse_depth
        spread(
            lambda i: clear(i * _BAND, min(height, (i + 1) * _BAND), solid, many, self.cells),
            -(-height // _BAND),
            threads,
        )

    def draw(
        self, screen: F32, colour: F32, width: F32, seen: NDArray[np.uint8], focal: float, threads: int | None = None
    ) -> None:
        """Draw strands over what the layer holds.

        *screen* float32 [N, P, 3] from ``triangles.project`` with *colour* float32 [N, P, 3] linear at each point,
        *width* float32 [N] in metres at the root, *seen* [N, P] 0 for points whose segments are left out, and *focal*
        the focal length in pixels. Segments with points that are not finite or too near are left out, too.
        """
        if (
            screen.ndim != 3
            or screen.shape != colour.shape
            or len(width) != len(screen)
            or seen.shape != screen.shape[:2]
        ):
            raise VultusError("Strands need screen points and colours [N, P, 3], and a width for each")
        reach, height = np.empty((len(screen), 2), np.float32), self.cells.shape[0]
        rows_of(screen, reach)

        def band(i: int) -> None:
            rows = i * _BAND, min(height, (i + 1) * _BAND)
            _draw(*rows, screen, colour, width, seen, reach, focal, self.cells)

        spread(band, -(-height // _BAND), threads)


@_fast
def cast(screen: np.ndarray, width: np.ndarray, focal: float, inverse_depth: np.ndarray) -> None:
    """Draw strands [N, P, 3] of *width* [N] metres as opaque ribbons into a depth map float32 [S, S] (1/m)."""
    rows, columns = inverse_depth.shape
    step = np.float32(1.0) / np.float32(screen.shape[1] - 1)
    for n in range(screen.shape[0]):
        for s in range(screen.shape[1] - 1):
            x0, y0, z0 = screen[n, s, 0], screen[n, s, 1], screen[n, s, 2]
            x1, y1, z1 = screen[n, s + 1, 0], screen[n, s + 1, 1], screen[n, s + 1, 2]
            if not (abs(x0) + abs(y0) + abs(x1) + abs(y1) < np.float32(16384) and z0 > 0.0 and z1 > 0.0):
                continue
            dx, dy = x1 - x0, y1 - y0
            steps = int(max(abs(dx), abs(dy))) + 1
            full = np.float32(0.5) * width[n] * z0 * np.float32(focal)
            for k in range(steps):
                u = np.float32(k) / np.float32(steps)
                t = (np.float32(s) + u) * step
                radius = full * (np.float32(1.0) - np.float32(1 - TIP) * t * t)
                x, y, z = x0 + u * dx, y0 + u * dy, z0 + u * (z1 - z0)
                top, bottom = int(np.floor(y - radius + 0.5)), int(np.floor(y + radius + 0.5))
                left, right = int(np.floor(x - radius + 0.5)), int(np.floor(x + radius + 0.5))
                for j in range(max(top, 0), min(bottom, rows)):
                    for i in range(max(left, 0), min(right, columns)):
                        if z > inverse_depth[j, i]:
                            inverse_depth[j, i] = z
