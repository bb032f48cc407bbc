"""Deferred shading: from visible triangles, a painted atlas and a layer of hair to lit pixels."""

from __future__ import annotations

import numpy as np

from vultus.person.eyes import eye_light
from vultus.person.jit import fast, part
from vultus.person.lamps import KEY, LANES, PLACE, ROWS, SLOPE, SPAN, TEXEL, leave
from vultus.person.pigment import EDGE, OPEN, SOFT
from vultus.person.surface import cut_cloth, relief_at, surface_at
from vultus.person.tone import to_screen
from vultus.person.visibility import nearby, open_above, shadowed
from vultus.render.strands import BIAS, FULL


@part
def _alike(ids: np.ndarray, inverse: np.ndarray, kind: np.ndarray, row: int, column: int, k: int) -> bool:
    """Whether the k x k samples of a pixel show one smooth surface, so that one of them stands for all."""
    f = ids[row, column]
    first = kind[f] if f >= 0 else -1
    if first == 1 or first == 2:
        return False  # an eye is a handful of pixels, and where everybody looks
    low, high = inverse[row, column], inverse[row, column]
    for j in range(row, row + k):
        for i in range(column, column + k):
            g = ids[j, i]
            if g != f and (g < 0 or f < 0 or kind[g] != first):
                return False
            low, high = min(low, inverse[j, i]), max(high, inverse[j, i])
    return high - low <= np.float32(0.0025) * high


@part
def _covered(cells: np.ndarray, inverse: np.ndarray, row: int, column: int | np.int64, k: int) -> bool:
    """Whether one cell of hair hides all k x k samples of a pixel."""
    if cells[row, column, 3] < np.float32(FULL):
        return False
    near = cells[row, column, 4] * np.float32(BIAS)
    for j in range(row * k, row * k + k):
        for i in range(column * k, column * k + k):
            if inverse[j, i] >= near:
                return False
    return True


@part
def _to_lid(ids: np.ndarray, kind: np.ndarray, row: int, column: int, way: int, reach: float) -> np.float32:
    """How far the lid is from a sample of an eye, up (*way* -1) or down (1) the screen, as a share of *reach* samples.

    At most 1, which also means that there is no lid.
    """
    last = min(int(reach), row if way < 0 else ids.shape[0] - 1 - row)
    stride = max(1, last // 12)
    n = stride
    while n <= last:
        f = ids[row + way * n, column]
        if f >= 0 and kind[f] == 0:
            while n > 1:  # back to the edge that the stride passed
                f = ids[row + way * (n - 1), column]
                if f < 0 or kind[f] != 0:
                    break
                n -= 1
            return np.float32(n) / reach
        n += stride
    return np.float32(1.0)


@part
def _wet(inverse: np.ndarray, j: int, i: int, what: int, focal: float, p: np.ndarray, t: np.ndarray) -> None:
    """Darken teeth and tongue: what they see of the sky depends on the lips of this frame."""
    one, z = np.float32(1.0), np.float32(1.0) / inverse[j, i]
    ambient = nearby(inverse, j, i, z, np.float32(0.006) * focal / z)
    if what == 4 or what == 5:
        # Light wanders inside teeth and gums, so that lips darken them softly and redden them.
        near = min(one, np.float32(1.5) * ambient)
        t[OPEN] *= min(one, np.float32(0.40) + np.float32(2.2) * ambient)
        ambient = np.float32(0.25) + np.float32(0.75) * ambient
        t[1] *= np.float32(0.86) + np.float32(0.14) * near
        t[2] *= np.float32(0.80) + np.float32(0.20) * near
    else:
        t[OPEN] *= min(one, np.float32(0.28) + np.float32(1.4) * ambient)
    p[6] = ambient


@part
def _key(what: int, s: float | np.floating) -> np.float32:
    """The share *s* of the key light on material *what*: lids and lips let light through, and between the lips it
    comes from all sides."""
    least = np.float32(0.0)
    if 1 <= what <= 5 or what == 9:
        least = np.float32(0.62) if what >= 4 else np.float32(0.4)
    return least + (np.float32(1.0) - least) * s


@part
def _eye(
    ids: np.ndarray, inverse: np.ndarray, kind: np.ndarray, j: int, i: int, focal: float, light: np.ndarray,
    eyes: np.ndarray, atlas: np.ndarray, t: np.ndarray, p: np.ndarray, view: np.ndarray, eye: np.ndarray,
    up: np.ndarray, s: float | np.floating, colour: np.ndarray,
) -> None:  # fmt: skip
    """The *colour* [3] of a sample of an eye."""
    one, zero = np.float32(1.0), np.float32(0.0)
    vx, vy, vz = eye[0] - p[0], eye[1] - p[1], eye[2] - p[2]
    r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
    view[0], view[1], view[2] = vx * r, vy * r, vz * r
    nl = p[3] * light[0, 0] + p[4] * light[0, 1] + p[5] * light[0, 2]
    s += np.float32(0.45) * (one - s) * t[SOFT] * min(one, max(zero, np.float32(0.1) - nl) * np.float32(5.0))
    what = kind[ids[j, i]]
    grain = np.float32(focal) * inverse[j, i]  # samples a metre
    above = _to_lid(ids, kind, j, i, np.int64(-1), np.float32(0.0065) * grain + one)
    below = _to_lid(ids, kind, j, i, np.int64(1), np.float32(0.0030) * grain + one)
    eye_light(light, eyes[what - 1], atlas, t, p, view, up, s, above, below, colour)


@part
def _settle(
    row: int, column: int, k: int, side: int, apart: bool, inverse: np.ndarray, cells: np.ndarray, from_: int,
    where: np.ndarray, out: np.ndarray, total: np.ndarray,
) -> None:  # fmt: skip
    """Sum the samples of a pixel, side x side of them, under its hair into *total* [3]."""
    one, zero = np.float32(1.0), np.float32(0.0)
    total[:] = zero
    hair = apart or cells[row, column, 3] > zero
    for n in range(side * side):
        m = np.uint64(where[from_ + n])
        cover, y, x = zero, row, column
        if hair:
            j, i = (row * k + n // side, column * k + n % side) if side > 1 else (row * k, column * k)
            if apart:
                y, x = j, i
            if cells[y, x, 3] > zero and cells[y, x, 4] * np.float32(BIAS) > inverse[j, i]:
                cover = cells[y, x, 3]
        for c in range(3):
            value = out[np.uint64(c * SPAN) + m]
            if cover > zero:
                value = cells[y, x, c] + (one - cover) * value
            # Values beyond the screen's range are cut per sample, so that highlights get smooth edges.
            total[c] += min(value, np.float32(4.0)) if value > zero else zero  # NaN becomes 0
    r = one / np.float32(side * side)
    for c in range(3):
        total[c] *= r


@fast
def shade_rows(
    row0: int,
    row1: int,
    k: int,
    every: bool,
    ids: np.ndarray,
    bary: np.ndarray,
    inverse: np.ndarray,
    cells: np.ndarray,
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
    plain: np.ndarray,
    table: np.ndarray,
    image: np.ndarray,
) -> None:
    """Shade the rows [row0, row1) of *image* uint8 [H, W, 3] from k x k samples a pixel.

    Where all samples of a pixel show the same surface only one is shaded, and the key light of the points, *lit*, is
    interpolated, unless *every*. *cells* of a
    ``StrandLayer`` hold hair, one a pixel or one a sample. ``portrait`` explains the other arrays.

    Run by run along a row the samples are gathered, lit together, and settled into pixels. No view of an array is
    made for a pixel: counting its references would take locks.
    """
    b, out = np.zeros(ROWS * LANES, np.float32), np.zeros(3 * SPAN, np.float32)
    where = np.zeros(LANES, np.int64)  # of *out* holds each sample of the run
    sides = np.zeros(LANES, np.int64)  # of the square of samples of each pixel of the run; 0 where it is done
    p, t = np.zeros(9, np.float32), np.zeros(8, np.float32)
    colour, view, slope = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)
    cloth = np.zeros(8, np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    apart = cells.shape[0] > image.shape[0]  # a cell for every sample
    width = image.shape[1]
    for row in range(row0, row1):
        column = np.int64(0)  # a plain 0 is a type of its own, for which numba compiles once more
        while column < width:
            begin, samples, lanes, given = column, np.int64(0), np.int64(0), SPAN
            while column < width and column - begin < LANES and samples + k * k <= LANES:
                single = k == 1 or (not every and _alike(ids, inverse, kind, row * k, column * k, k))
                hair = apart or cells[row, column, 3] > zero
                side = 1 if single else k
                if single and not hair and ids[row * k, column * k] < 0:
                    for c in range(3):
                        image[row, column, c] = plain[row, column, c]
                    side = 0
                elif hair and not apart and _covered(cells, inverse, row, column, k):
                    for c in range(3):
                        colour[c] = max(zero, min(cells[row, column, c], np.float32(4.0)))
                    red, green, blue = to_screen(colour[0], colour[1], colour[2], table)
                    image[row, column, 0], image[row, column, 1], image[row, column, 2] = red, green, blue
                    side = 0
                sides[column - begin] = side
                free = open_above(inverse, row * k + k // 2, column * k + k // 2, focal) if every and side else one
                for n in range(side * side):
                    j, i = (row * k + n // side, column * k + n % side) if side > 1 else (row * k, column * k)
                    f = ids[j, i]
                    if f < 0:
                        given -= 1
                        where[samples + n] = given
                        for c in range(3):
                            out[c * SPAN + given] = backdrop[row, column, c]
                        continue
                    surface_at(f, bary[j, i, 0], bary[j, i, 1], triangles, points, atlas, p, t)
                    what = kind[f]
                    if what == 0 and zero < t[EDGE] < np.float32(0.99):
                        cut_cloth(atlas, np.float32(k // side) / (np.float32(focal) * inverse[j, i]), cloth, t)
                    p[6] *= free
                    if 2 < what < 11 or (what == 0 and t[OPEN] < np.float32(0.97)):
                        _wet(inverse, j, i, what, focal, p, t)
                    if every:
                        s = shadowed(shadow, light_camera, light[3, 0], taps, n, p)
                    else:
                        x, y = bary[j, i, 0], bary[j, i, 1]
                        s = x * lit[triangles[f, 0]] + y * lit[triangles[f, 1]] + (one - x - y) * lit[triangles[f, 2]]
                    s = _key(what, s)
                    if what == 1 or what == 2:
                        _eye(ids, inverse, kind, j, i, focal, light, eyes, atlas, t, p, view, eye, up, s, colour)
                        given -= 1
                        where[samples + n] = given
                        for c in range(3):
                            out[c * SPAN + given] = colour[c]
                        continue
                    if what == 0 and relief.shape[0] > 1:
                        relief_at(f, bary[j, i, 0], bary[j, i, 1], triangles, points, relief, p, slope)
                    else:
                        slope[:] = zero
                    for c in range(7):
                        b[(PLACE + c) * LANES + lanes] = p[c]
                    for c in range(3):
                        b[(SLOPE + c) * LANES + lanes] = slope[c]
                    for c in range(8):
                        b[(TEXEL + c) * LANES + lanes] = t[c]
                    b[KEY * LANES + lanes] = s
                    where[samples + n] = lanes
                    lanes += 1
                samples += side * side
                column += 1
            leave(lanes, light, up, eye, b, out)
            samples, stop, column = np.int64(0), column, begin
            while column < stop:
                side = sides[column - begin]
                if side:
                    _settle(row, column, k, side, apart, inverse, cells, samples, where, out, colour)
                    red, green, blue = to_screen(colour[0], colour[1], colour[2], table)
                    image[row, column, 0], image[row, column, 1], image[row, column, 2] = red, green, blue
                samples += side * side
                column += 1
