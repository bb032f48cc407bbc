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

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.render.coverage import GUARD
from vultus.render.threads import spread_out

F32 = NDArray[np.float32]
Real = float | np.floating
Whole = int | np.integer

COVER, DEPTH, SOLID = 3, 4, 5
"""Columns of a cell after its premultiplied colour: cover in [0, 1], depth as 1/z, and 1/z of the furthest solid."""
CELL = 6  # columns of a cell
TIP = 0.2  # of its width that a strand keeps at the tip
BIAS = 1.0008  # a strand on the skin counts as this much nearer: a millimetre at arm's length
FULL = 0.985  # cover from which nothing behind is seen
FAINT = 0.002  # cover below which nothing is drawn
CHORD = 10.0  # pixels; longer segments are drawn as curves
_X, _Y = np.int64(0), np.int64(1)  # columns, of one type for numba
BAND = 48
"""Rows of cells that are drawn at a time, because they stay in the cache: a multiple of the samples of a pixel."""
_ALIGNED = 12  # columns to which spans are rounded, for the same reason

_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})
_part = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, forceinline=True
)


@_fast
def clear(band0: int, band1: int, inverse: np.ndarray, many: int, spans: np.ndarray, cells: np.ndarray) -> None:
    """Empty the bands [band0, band1) of *cells* where their *spans* say, and note the furthest of the many x many
    samples of *inverse*."""
    for band in range(band0, band1):
        for row in range(band * BAND, min(band * BAND + BAND, cells.shape[0])):
            for column in range(spans[band, 0], spans[band, 1]):
                far = inverse[np.uint64(row * many), np.uint64(column * many)]
                if many > 1:
                    for j in range(row * many, row * many + many):
                        for i in range(column * many, column * many + many):
                            far = min(far, inverse[np.uint64(j), np.uint64(i)])
                y, x = np.uint64(row), np.uint64(column)
                for c in range(5):
                    cells[y, x, c] = np.float32(0.0)
                cells[y, x, 5] = far


@_fast
def widen(screen: np.ndarray, width: np.ndarray, focal: float, columns: int, spans: np.ndarray) -> None:
    """Widen the *spans* [B, 2] of bands, in a picture of so many *columns*, by all that strands may cover.

    A strand's curves may leave the box of its points a little. Points that cannot be drawn do not count.
    """
    bands, guard = spans.shape[0], np.float32(GUARD)
    for n in range(screen.shape[0]):
        left, right, top, bottom = guard, -guard, guard, -guard
        near = np.float32(0.0)
        for s in range(screen.shape[1]):
            x, y, z = screen[n, s, 0], screen[n, s, 1], screen[n, s, 2]
            if abs(x) < guard and abs(y) < guard and z > np.float32(0.0):
                left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
                near = max(near, z)
        if not left <= right:
            continue
        wide = np.float32(4.0) + min(width[n] * near * np.float32(focal), guard)
        across, down = np.float32(0.2) * (right - left) + wide, np.float32(0.2) * (bottom - top) + wide
        begin = max(int(left - across) // _ALIGNED * _ALIGNED, 0)
        end = min((int(right + across) // _ALIGNED + 1) * _ALIGNED, columns)
        if begin < end:
            for band in range(max(int(top - down) // BAND, 0), min(int(bottom + down) // BAND + 1, bands)):
                spans[band, 0], spans[band, 1] = min(spans[band, 0], begin), max(spans[band, 1], end)


@_part
def _blend(cells: np.ndarray, at: Whole, a: Real, z: Real, r: Real, g: Real, b: Real) -> None:
    """Lay a colour with cover *a* and depth 1/z = *z* over or under what the cell that begins at *at* holds."""
    # Unsigned, because numba tests signed numbers for counting from the end.
    i = np.uint64(at)
    i_cover, i_depth, i_solid = i + np.uint64(COVER), i + np.uint64(DEPTH), i + np.uint64(SOLID)
    cover, depth = cells[i_cover], cells[i_depth]
    if z * np.float32(BIAS) > cells[i_solid] and (z > depth or cover < np.float32(FULL)):
        # Without branches, which nothing could predict: w of the new colour over or under the old one.
        over, one = z > depth, np.float32(1.0)
        keep = one - a if over else one
        w = a if over else a * (one - cover)
        cells[i] = cells[i] * keep + w * r
        cells[i + np.uint64(1)] = cells[i + np.uint64(1)] * keep + w * g
        cells[i + np.uint64(2)] = cells[i + np.uint64(2)] * keep + w * b
        cells[i_cover] = cover * keep + w
        # A faint strand in front moves the depth only as far as it covers.
        nearer = z if cover == np.float32(0.0) else depth + a * (z - depth)
        cells[i_depth] = nearer if over else depth


@_part
def _spline(screen: np.ndarray, n: int, s: int, c: int | np.int64, u: np.float32) -> np.float32:
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
def _piece(
    x0: np.float32, y0: np.float32, z0: np.float32, w0: np.float32, r0: np.float32, g0: np.float32, b0: np.float32,
    x1: np.float32, y1: np.float32, z1: np.float32, w1: np.float32, r1: np.float32, g1: np.float32, b1: np.float32,
    root: bool, tip: bool, row0: int, row1: int, column0: Whole, column1: Whole, columns: int, cells: np.ndarray,
) -> None:  # fmt: skip
    """Draw a straight piece between two ends (x, y, 1/z, width in pixels, colour) on the rows [row0, row1) and the
    columns [column0, column1) of *cells*, which has so many *columns*."""
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    dx, dy = x1 - x0, y1 - y0
    upright = abs(dy) >= abs(dx)
    # p runs along the longer axis, q across it; so do the cells, whose rows and columns are these far apart.
    p0, p1, q0, q1 = (y0, y1, x0, x1) if upright else (x0, x1, y0, y1)
    begin, end, left0, right0 = (row0, row1, column0, column1) if upright else (column0, column1, row0, row1)
    along, across = (CELL * columns, CELL) if upright else (CELL, CELL * columns)
    run = p1 - p0
    # One way out, without which numba would count references of the arrays under a lock.
    long = abs(run) > np.float32(1e-4)
    inverse = one / run if long else one
    slant = np.sqrt(dx * dx + dy * dy) * abs(inverse)
    w0, w1 = w0 * slant, w1 * slant
    low, high = min(p0, p1), max(p0, p1)
    # Pixels belong to the piece that their centres lie on, but root and tip cover theirs in part.
    first, stop = int(np.floor(low + half)), int(np.floor(high + half))
    open_low, open_high = (root, tip) if run > 0 else (tip, root)
    if open_low:
        first = int(np.floor(low))
    if open_high:
        stop = int(np.floor(high)) + 1
    if not long:
        stop = first
    dq, dz, dw, dr, dg, db = q1 - q0, z1 - z0, w1 - w0, r1 - r0, g1 - g0, b1 - b0
    for i in range(max(first, begin), min(stop, end)):
        u = min(max((np.float32(i) + half - p0) * inverse, zero), one)
        share = one
        if open_low:
            share = min(share, np.float32(i) + one - low)
        if open_high:
            share -= max(zero, np.float32(i) + one - high)
        w = w0 + u * dw
        wide = max(w, one)
        share *= w / wide
        q, z = q0 + u * dq, z0 + u * dz
        left, right = q - half * wide, q + half * wide
        red, green, blue = r0 + u * dr, g0 + u * dg, b0 + u * db
        for k in range(max(int(np.floor(left)), left0), min(int(np.floor(right)) + 1, right0)):
            a = share * (min(right, np.float32(k) + one) - max(left, np.float32(k)))
            if a > np.float32(FAINT):
                _blend(cells, i * along + k * across, a, z, red, green, blue)


@_part
def _strand(
    n: int, row0: int, row1: int, column0: Whole, column1: Whole, columns: int, screen: np.ndarray, colour: np.ndarray,
    width: np.ndarray, seen: np.ndarray, focal: float, cells: np.ndarray,
) -> None:  # fmt: skip
    """Draw strand *n* on the rows [row0, row1) and the columns [column0, column1)."""
    one, taper = np.float32(1.0), np.float32(1 - TIP)
    last = screen.shape[1] - 2
    step, full = one / np.float32(last + 1), width[n] * np.float32(focal)
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
        r0, g0, b0 = colour[n, s, 0], colour[n, s, 1], colour[n, s, 2]
        dr, dg, db = colour[n, s + 1, 0] - r0, colour[n, s + 1, 1] - g0, colour[n, s + 1, 2] - b0
        pieces = min(1 + int(length * np.float32(1 / CHORD)), 12)
        part = one / np.float32(pieces)
        t = np.float32(s) * step
        x, y, z, w, r, g, b = x0, y0, z0, full * z0 * (one - taper * t * t), r0, g0, b0
        for k in range(pieces):
            u = np.float32(k + 1) * part
            ex, ey = x1, y1
            if k + 1 < pieces:
                ex, ey = _spline(screen, n, s, _X, u), _spline(screen, n, s, _Y, u)
            t = (np.float32(s) + u) * step
            ez = z0 + u * (z1 - z0)
            ew, er, eg, eb = full * ez * (one - taper * t * t), r0 + u * dr, g0 + u * dg, b0 + u * db
            _piece(
                x, y, z, w, r, g, b, ex, ey, ez, ew, er, eg, eb, s == 0 and k == 0, s == last and k + 1 == pieces,
                row0, row1, column0, column1, columns, cells,
            )  # fmt: skip
            x, y, z, w, r, g, b = ex, ey, ez, ew, er, eg, eb


@_fast
def _draw(
    band0: int, band1: int, rows: int, columns: int, screen: np.ndarray, colour: np.ndarray, width: np.ndarray,
    seen: np.ndarray, reach: np.ndarray, focal: float, spans: np.ndarray, cells: np.ndarray,
) -> None:  # fmt: skip
    """Draw strands on the bands [band0, band1) of flat *cells*, within their *spans* of columns."""
    for band in range(band0, band1):
        row0, row1 = band * BAND, min(band * BAND + BAND, rows)
        column0, column1 = np.int64(spans[band, 0]), np.int64(spans[band, 1])
        for n in range(screen.shape[0]):
            if reach[n, 1] >= row0 and reach[n, 0] <= row1:
                _strand(n, row0, row1, column0, column1, columns, screen, colour, width, seen, focal, cells)


class StrandLayer:
    """A layer of strands over solid surfaces, reused from frame to frame.

    ``cells`` float32 [H, W, 6]: premultiplied colour, cover in [0, 1], 1/z of what is in front in 1/m (0 where cover
    is 0), and 1/z of the furthest solid sample behind the pixel. ``spans`` int32 [B, 2]: the columns [begin, end) of
    each band of BAND rows in which strands may lie; the other cells hold what was there before and count as empty.
    """

    def __init__(self, height: int, width: int) -> None:
        """A layer of *height* x *width* pixels, each at least 1 and at most 16384."""
        if not (1 <= height <= 16384 and 1 <= width <= 16384):
            raise VultusError(f"Cannot draw {width}x{height} pixels", "Choose sizes from 1 to 16384.")
        self.cells: F32 = np.zeros((height, width, CELL), np.float32)
        self.spans: NDArray[np.int32] = np.full((-(-height // BAND), 2), (0, width), np.int32)
        self._reach: F32 = np.zeros((0, 2), np.float32)

    def reserve(self, strands: Iterable[tuple[F32, F32]], focal: float) -> None:
        """Narrow ``spans`` to where strands will lie: of each kind their points [N, P, 3] on the screen and widths.

        Call :meth:`clear` then; what is drawn elsewhere is cut off. *focal* is that of :meth:`draw`.
        """
        width = self.cells.shape[1]
        self.spans[:, 0], self.spans[:, 1] = width, 0
        for screen, wide in strands:
            widen(screen, wide, focal, width, self.spans)

    def clear(self, inverse_depth: F32 | None = None, *, threads: int | None = None) -> None:
        """Empty the layer; *inverse_depth* float32 [m H, m W] (1/m, 0 = nothing) are the solid surfaces before it."""
        height, width = self.cells.shape[:2]
        if inverse_depth is None:
            inverse_depth = np.zeros((height, width), np.float32)
        many = inverse_depth.shape[0] // height
        if inverse_depth.shape != (many * height, many * width):
            raise VultusError("The samples of the solid surfaces must divide evenly among the pixels of the layer")
        solid = inverse_depth
        spread_out(lambda i, j: clear(i, j, solid, many, self.spans, self.cells), len(self.spans), 1, threads)

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
        if len(self._reach) < len(screen):
            self._reach = np.empty((len(screen), 2), np.float32)
        reach, cells, (height, columns) = self._reach, self.cells.reshape(-1), self.cells.shape[:2]
        rows_of(screen, reach)
        spread_out(
            lambda i, j: _draw(i, j, height, columns, screen, colour, width, seen, reach, focal, self.spans, cells),
            len(self.spans), 1, threads,
        )  # fmt: skip


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
