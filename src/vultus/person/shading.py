"""Deferred shading: from visible triangles, a painted atlas and a layer of hair to lit pixels.

Run by run along a row the samples that are seen are collected, found on the surface, lit, and settled into pixels. Each
step goes through the whole run: it is small enough to keep what it needs in registers, and the processor works on
several samples at a time while it waits for memory. No view of an array is made for a sample, and few arrays are passed
on for one: counting their references would take locks.
"""

from __future__ import annotations

import numpy as np

from vultus.person.eyes import eye_light
from vultus.person.jit import fast, part, step
from vultus.person.lamps import AMBIENT, KEY, LANES, PLACE, ROWS, SPAN, TEXEL, leave
from vultus.person.pigment import CHANNELS, EDGE, OPEN, SOFT
from vultus.person.surface import (
    COLUMN,
    FACTS,
    GROUND,
    ROW,
    TRIANGLE,
    TURN,
    WHAT,
    WIDE,
    carve,
    cut_cloth,
    fetch,
    find,
    texels,
)
from vultus.person.tone import to_screen
from vultus.person.visibility import nearby, open_above, shadowed
from vultus.render.strands import BAND, BIAS, FULL

_DONE, _COVERED = np.int64(0), np.int64(-1)  # in place of a side: pixels that show what is there, or hair alone


@part
def _hair_columns(spans: np.ndarray, row: int, many: int) -> tuple[np.int64, np.int64]:
    """The columns [begin, end) of a row of pixels, *many* cells wide each, that may show hair."""
    band = row * many // BAND  # all cells of a pixel lie in one
    return np.int64(spans[band, 0]) // many, np.int64(spans[band, 1]) // many


@part
def _bare(ids: np.ndarray, row: int, column: int | np.int64, k: int) -> bool:
    """Whether no surface is seen in any of the k x k samples of a pixel."""
    if k == 1:
        return ids[np.uint64(row), np.uint64(column)] < 0
    if k == 2:  # no loop, for what most pictures ask of every pixel: all four are negative if their sign bits are
        j, i = np.uint64(2 * row), np.uint64(2 * column)
        low, right = j + np.uint64(1), i + np.uint64(1)
        return (ids[j, i] & ids[j, right] & ids[low, i] & ids[low, right]) < 0
    seen = False
    for y in range(row * k, row * k + k):
        for x in range(column * k, column * k + k):
            seen |= ids[np.uint64(y), np.uint64(x)] >= 0
    return not seen


@part
def _bald(cells: np.ndarray, row: int, column: int | np.int64, many: int) -> bool:
    """Whether there is no hair in any of the many x many cells of a pixel."""
    if many == 1:
        return not cells[np.uint64(row), np.uint64(column), np.uint64(3)] > np.float32(0.0)
    seen = False
    for y in range(row * many, row * many + many):
        for x in range(column * many, column * many + many):
            seen |= cells[np.uint64(y), np.uint64(x), np.uint64(3)] > np.float32(0.0)
    return not seen


@part
def _range(inverse: np.ndarray, row: int, column: int | np.int64, k: int) -> tuple[np.float32, np.float32]:
    """The least and greatest 1/depth of the k x k samples of a pixel."""
    low = inverse[np.uint64(row * k), np.uint64(column * k)]
    high = low
    if k == 2:
        j, i = np.uint64(2 * row + 1), np.uint64(2 * column)
        a, b, c = inverse[j - np.uint64(1), i + np.uint64(1)], inverse[j, i], inverse[j, i + np.uint64(1)]
        return min(min(low, a), min(b, c)), max(max(high, a), max(b, c))
    if k > 1:
        for y in range(row * k, row * k + k):
            for x in range(column * k, column * k + k):
                z = inverse[np.uint64(y), np.uint64(x)]
                low, high = min(low, z), max(high, z)
    return low, high


@part
def _alike(ids: np.ndarray, kind: np.ndarray, row: int, column: int | np.int64, k: int) -> bool:
    """Whether the k x k samples of a pixel show one material, which is no eye."""
    f = ids[np.uint64(row * k), np.uint64(column * k)]
    first = kind[np.uint64(f)] if f >= 0 else -1
    same = first != 1 and first != 2  # an eye is a handful of pixels, and where everybody looks
    if k == 2:
        j, i = np.uint64(2 * row + 1), np.uint64(2 * column)
        a, b, c = ids[j - np.uint64(1), i + np.uint64(1)], ids[j, i], ids[j, i + np.uint64(1)]
        if (a == f) & (b == f) & (c == f):
            return same
        if (f | a | b | c) < 0:
            return False
        one = (kind[np.uint64(a)] == first) & (kind[np.uint64(b)] == first) & (kind[np.uint64(c)] == first)
        return same and one
    for y in range(row * k, row * k + k):
        for x in range(column * k, column * k + k):
            g = ids[np.uint64(y), np.uint64(x)]
            if g != f:
                same &= g >= 0 and f >= 0 and kind[np.uint64(max(g, 0))] == first
    return same


@step
def _collect(
    row: int, begin: int | np.int64, left: int | np.int64, right: int | np.int64, k: int, every: bool, ids: np.ndarray,
    inverse: np.ndarray, kind: np.ndarray, cells: np.ndarray, backdrop: np.ndarray, sides: np.ndarray,
    where: np.ndarray, at: np.ndarray, out: np.ndarray,
) -> tuple[np.int64, np.int64, np.int64]:  # fmt: skip
    """Find the samples of the next run of pixels from column *begin* on: where the run begins and ends, and how many of
    them are lit. Hair lies between the columns *left* and *right* only.

    *sides* [LANES] of the square of samples of each pixel, or _DONE or _COVERED; *where* [LANES] of *out* each sample
    will be found, which for the place behind is written there now; *at* [FACTS * LANES] what is known of the others.
    """
    many = cells.shape[0] // backdrop.shape[0]  # cells of hair a pixel
    column, width = np.int64(begin), backdrop.shape[1]
    while column < width and _bare(ids, row, column, k):
        if left <= column < right and not _bald(cells, row, column, many):
            break
        column += 1
    first = column
    samples, lanes, given = np.int64(0), np.int64(0), np.int64(SPAN)
    while column < width and column - first < LANES and samples + k * k <= LANES:
        side = np.int64(k)
        bald = not left <= column < right or _bald(cells, row, column, many)
        if bald and _bare(ids, row, column, k):
            side = _DONE
        elif many == 1:
            low, high = _range(inverse, row, column, k)
            if not bald:
                j, i = np.uint64(row), np.uint64(column)
                if cells[j, i, 3] >= np.float32(FULL) and high < cells[j, i, 4] * np.float32(BIAS):
                    side = _COVERED  # one cell of hair hides all samples
            # Where all samples show one smooth surface one of them stands for all.
            flat = side > 1 and not every and high - low <= np.float32(0.0025) * high
            if flat and _alike(ids, kind, row, column, k):
                side = np.int64(1)
        sides[column - first] = side
        for n in range(side):
            for m in range(side):
                j, i = np.uint64(row * k + n), np.uint64(column * k + m)
                f = ids[j, i]
                if f < 0:
                    given -= 1
                    where[samples] = given
                    for c in range(3):
                        out[c * SPAN + given] = backdrop[row, column, c]
                else:
                    where[samples] = lanes
                    at[ROW * LANES + lanes], at[COLUMN * LANES + lanes] = row * k + n, column * k + m
                    at[TRIANGLE * LANES + lanes], at[WHAT * LANES + lanes] = f, kind[np.uint64(f)]
                    at[WIDE * LANES + lanes], at[TURN * LANES + lanes] = k if side == 1 else 1, n * side + m
                    lanes += 1
                samples += 1
        column += 1
    return first, column, lanes


@step
def _hollows(
    row: int, begin: int | np.int64, stop: int, k: int, inverse: np.ndarray, focal: float, sides: np.ndarray,
    where: np.ndarray, b: np.ndarray,
) -> None:  # fmt: skip
    """Darken what stands close to others: the samples of a pixel together."""
    samples = np.int64(0)
    for column in range(begin, stop):
        side = sides[column - begin]
        if side <= 0:
            continue
        free = open_above(inverse, row * k + k // 2, column * k + k // 2, focal)
        for _ in range(side * side):
            if where[samples] < LANES:
                b[AMBIENT * LANES + where[samples]] *= free
            samples += 1


@step
def _shadows(
    lanes: int, shadow: np.ndarray, lamp: np.ndarray, size: float, taps: int, at: np.ndarray, p: np.ndarray,
    b: np.ndarray,
) -> None:  # fmt: skip
    """Find the share of the key light for each sample; *p* [6] is room for its place and normal."""
    for n in range(lanes):
        for c in range(6):
            p[c] = b[(PLACE + c) * LANES + n]
        b[KEY * LANES + n] = shadowed(shadow, lamp, size, taps, np.int64(at[TURN * LANES + n]), p)


@part
def _wet(inverse: np.ndarray, j: int, i: int, what: int, focal: float, n: int, b: np.ndarray) -> None:
    """Darken teeth and tongue: what they see of the sky depends on the lips of this frame."""
    one, z = np.float32(1.0), np.float32(1.0) / inverse[j, i]
    ambient = nearby(inverse, j, i, z, np.float32(0.006) * focal / z)
    if what == 4 or what == 5:
        # Light wanders inside teeth and gums, so that lips darken them softly and redden them.
        near = min(one, np.float32(1.5) * ambient)
        b[(TEXEL + OPEN) * LANES + n] *= min(one, np.float32(0.40) + np.float32(2.2) * ambient)
        ambient = np.float32(0.25) + np.float32(0.75) * ambient
        b[(TEXEL + 1) * LANES + n] *= np.float32(0.86) + np.float32(0.14) * near
        b[(TEXEL + 2) * LANES + n] *= np.float32(0.80) + np.float32(0.20) * near
    else:
        b[(TEXEL + OPEN) * LANES + n] *= min(one, np.float32(0.28) + np.float32(1.4) * ambient)
    b[AMBIENT * LANES + n] = ambient


@step
def _amend(
    lanes: int, inverse: np.ndarray, focal: float, atlas: np.ndarray, at: np.ndarray, t: np.ndarray, cloth: np.ndarray,
    b: np.ndarray,
) -> None:  # fmt: skip
    """What only some materials need: hems, wet hollows, and light that comes through lids and lips or from all sides
    between them. *t* and *cloth* [CHANNELS] are room."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for n in range(lanes):
        what = at[WHAT * LANES + n]
        j, i = at[ROW * LANES + n], at[COLUMN * LANES + n]
        if what == 0 and zero < b[(TEXEL + EDGE) * LANES + n] < np.float32(0.99):
            for c in range(CHANNELS):
                t[c] = b[(TEXEL + c) * LANES + n]
            cut_cloth(atlas, np.float32(at[WIDE * LANES + n]) / (np.float32(focal) * inverse[j, i]), cloth, t)
            for c in range(CHANNELS):
                b[(TEXEL + c) * LANES + n] = t[c]
        if 2 < what < 11 or (what == 0 and b[(TEXEL + OPEN) * LANES + n] < np.float32(0.97)):
            _wet(inverse, j, i, what, focal, n, b)
        if 1 <= what <= 5 or what == 9:
            least = np.float32(0.62) if what >= 4 else np.float32(0.4)
            b[KEY * LANES + n] = least + (one - least) * b[KEY * LANES + n]


@part
def _to_lid(ids: np.ndarray, kind: np.ndarray, row: int, column: int, way: int, reach: float) -> np.float32:
    """How far the lid is from a sample of an eye, up (*way* -1) or down (1) the screen, as a share of *reach* samples.

    At most 1, which also means that there is no lid.
    """
    last = min(int(reach), row if way < 0 else ids.shape[0] - 1 - row)
    stride = max(1, last // 12)
    n = stride
    while n <= last:
        f = ids[np.uint64(row + way * n), np.uint64(column)]
        if f >= 0 and kind[np.uint64(f)] == 0:
            while n > 1:  # back to the edge that the stride passed
                f = ids[np.uint64(row + way * (n - 1)), np.uint64(column)]
                if f < 0 or kind[np.uint64(f)] != 0:
                    break
                n -= 1
            return np.float32(n) / reach
        n += stride
    return np.float32(1.0)


@step
def _see_eyes(
    lanes: int, ids: np.ndarray, inverse: np.ndarray, kind: np.ndarray, focal: float, light: np.ndarray,
    eyes: np.ndarray, atlas: np.ndarray, eye: np.ndarray, up: np.ndarray, at: np.ndarray, room: np.ndarray,
    b: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Light the samples of eyes anew, as what they are; *room* [4, 8] is room."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for n in range(lanes):
        what = at[WHAT * LANES + n]
        if what != 1 and what != 2:
            continue
        p, t, view, colour = room[0], room[1], room[2], room[3]
        for c in range(6):
            p[c] = b[(PLACE + c) * LANES + n]
        for c in range(CHANNELS):
            t[c] = b[(TEXEL + c) * LANES + n]
        vx, vy, vz = eye[0] - p[0], eye[1] - p[1], eye[2] - p[2]
        r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
        view[0], view[1], view[2] = vx * r, vy * r, vz * r
        s = b[KEY * LANES + n]
        nl = p[3] * light[0, 0] + p[4] * light[0, 1] + p[5] * light[0, 2]
        s += np.float32(0.45) * (one - s) * t[SOFT] * min(one, max(zero, np.float32(0.1) - nl) * np.float32(5.0))
        j, i = at[ROW * LANES + n], at[COLUMN * LANES + n]
        grain = np.float32(focal) * inverse[j, i]  # samples a metre
        above = _to_lid(ids, kind, j, i, np.int64(-1), np.float32(0.0065) * grain + one)
        below = _to_lid(ids, kind, j, i, np.int64(1), np.float32(0.0030) * grain + one)
        eye_light(light, eyes[what - 1], atlas, t, p, view, up, s, above, below, colour)
        for c in range(3):
            out[c * SPAN + n] = colour[c]


@part
def _under(cells: np.ndarray, j: np.uint64, i: np.uint64, deep: np.float32) -> bool:
    """Whether hair of a cell lies before a sample whose 1/depth is *deep*."""
    return cells[j, i, np.uint64(3)] > np.float32(0.0) and cells[j, i, np.uint64(4)] * np.float32(BIAS) > deep


@step
def _settle(
    row: int, begin: int | np.int64, stop: int, left: int | np.int64, right: int | np.int64, k: int,
    inverse: np.ndarray, cells: np.ndarray, sides: np.ndarray, where: np.ndarray, out: np.ndarray, shown: np.ndarray,
) -> None:  # fmt: skip
    """Lay the hair over the samples of the pixels [begin, stop) of a row; their means go into *shown* [3 * LANES]."""
    zero, high = np.float32(0.0), np.float32(4.0)
    apart = k > 1 and cells.shape[0] == inverse.shape[0]
    samples = np.int64(0)
    for column in range(begin, stop):
        n, side = column - begin, sides[column - begin]
        y, x = np.uint64(row), np.uint64(column)
        hairy = left <= column < right
        if side == 1 and not apart:
            m = where[samples]
            r, g, b = out[m], out[SPAN + m], out[2 * SPAN + m]
            if hairy and _under(cells, y, x, inverse[np.uint64(row * k), np.uint64(column * k)]):
                keep = np.float32(1.0) - cells[y, x, 3]
                r, g, b = cells[y, x, 0] + keep * r, cells[y, x, 1] + keep * g, cells[y, x, 2] + keep * b
            shown[n] = min(r, high) if r > zero else zero  # NaN becomes 0
            shown[LANES + n] = min(g, high) if g > zero else zero
            shown[2 * LANES + n] = min(b, high) if b > zero else zero
            samples += 1
            continue
        red, green, blue = zero, zero, zero
        if side == _COVERED:
            red = max(zero, min(cells[y, x, 0], high))
            green, blue = max(zero, min(cells[y, x, 1], high)), max(zero, min(cells[y, x, 2], high))
        for v in range(side):
            for u in range(side):
                m = where[samples]
                r, g, b = out[m], out[SPAN + m], out[2 * SPAN + m]
                if hairy:
                    j, i = np.uint64(row * k + v), np.uint64(column * k + u)
                    deep = inverse[j, i]
                    if apart:
                        y, x = j, i
                    if _under(cells, y, x, deep):
                        keep = np.float32(1.0) - cells[y, x, 3]
                        r, g, b = cells[y, x, 0] + keep * r, cells[y, x, 1] + keep * g, cells[y, x, 2] + keep * b
                # Values beyond the screen's range are cut per sample, so that highlights get smooth edges.
                red += min(r, high) if r > zero else zero
                green += min(g, high) if g > zero else zero
                blue += min(b, high) if b > zero else zero
                samples += 1
        share = np.float32(1.0) / np.float32(max(side * side, 1))
        shown[n], shown[LANES + n], shown[2 * LANES + n] = red * share, green * share, blue * share


@step
def _write(row: int, begin: int | np.int64, stop: int, sides: np.ndarray, shown: np.ndarray, image: np.ndarray) -> None:
    """The pixels [begin, stop) of a row of *image* from the values *shown* [3 * LANES], but for empty ones."""
    y = np.uint64(row)
    for column in range(begin, stop):
        n, x = np.uint64(column - begin), np.uint64(column)
        if sides[n] != _DONE:
            image[y, x, 0] = np.uint8(shown[n])
            image[y, x, 1] = np.uint8(shown[np.uint64(LANES) + n])
            image[y, x, 2] = np.uint8(shown[np.uint64(2 * LANES) + n])


@fast
def shade_rows(
    row0: int,
    row1: int,
    k: int,
    every: bool,
    ids: np.ndarray,
    corners: np.ndarray,
    inverse: np.ndarray,
    cells: np.ndarray,
    spans: np.ndarray,
    triangles: np.ndarray,
    kind: np.ndarray,
    points: np.ndarray,
    atlas: np.ndarray,
    relief: np.ndarray,
    eyes: np.ndarray,
    up: np.ndarray,
    shadow: np.ndarray,
    light_camera: np.ndarray,
    taps: int,
    lit: np.ndarray,
    light: np.ndarray,
    eye: np.ndarray,
    focal: float,
    backdrop: np.ndarray,
    table: np.ndarray,
    image: np.ndarray,
) -> None:
    """Shade the rows [row0, row1) of *image* uint8 [H, W, 3] from k x k samples a pixel; others stay as they are.

    Pixels that show neither a surface nor hair keep what *image* holds. Where all samples of a pixel show the same
    surface only one is shaded, and the key light of the points, *lit*, is interpolated, unless *every*. *cells* and
    *spans* of a ``StrandLayer`` hold hair, one cell a pixel or one a sample. ``portrait`` explains the other arrays.
    """
    b, ground, out = (
        np.zeros(ROWS * LANES, np.float32),
        np.zeros(GROUND * LANES, np.float32),
        np.zeros(3 * SPAN, np.float32),
    )
    shown, steps = np.zeros(3 * LANES, np.float32), np.zeros(3 * LANES, np.int32)
    spot, words = np.zeros(4 * LANES, np.int32), np.zeros(4 * LANES, np.uint64)
    where, sides, at = np.zeros(LANES, np.int32), np.zeros(LANES, np.int32), np.zeros(FACTS * LANES, np.int32)
    room = np.zeros((4, CHANNELS), np.float32)
    many = cells.shape[0] // image.shape[0]  # cells of hair a pixel
    rough = relief.shape[0] > 1  # without, the slopes stay 0
    for row in range(row0, row1):
        left, right = _hair_columns(spans, row, many)
        begin = np.int64(0)  # a plain 0 is a type of its own, for which numba compiles once more
        while begin < image.shape[1]:
            begin, stop, lanes = _collect(
                row, begin, left, right, k, every, ids, inverse, kind, cells, backdrop, sides, where, at, out
            )
            if lanes:
                find(lanes, corners, triangles, points, lit, at, ground, b)
                fetch(lanes, atlas, ground, spot, words)
                texels(lanes, spot, words, b)
                if rough:
                    fetch(lanes, relief, ground, spot, words)
                    carve(lanes, spot, words, at, ground, b)
                if every:
                    _hollows(row, begin, stop, k, inverse, focal, sides, where, b)
                    _shadows(lanes, shadow, light_camera, light[3, 0], taps, at, room[0], b)
                _amend(lanes, inverse, focal, atlas, at, room[0], room[1], b)
                leave(lanes, light, up, eye, b, out)
                _see_eyes(lanes, ids, inverse, kind, focal, light, eyes, atlas, eye, up, at, room, b, out)
            if stop > begin:
                _settle(row, begin, stop, left, right, k, inverse, cells, sides, where, out, shown)
                to_screen(stop - begin, shown, steps, table)
                _write(row, begin, stop, sides, shown, image)
            begin = stop
