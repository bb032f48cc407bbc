"""What light reaches a point: soft shadows of the key lamp, and hollows found on the screen.

Shadows widen with the distance of what casts them, as R. Fernando's "Percentage-Closer Soft Shadows" (SIGGRAPH 2005
sketches): the map is searched for what lies between the point and the lamp, and then filtered over the width of the
lamp as seen through it. Only what rises into the cone between point and lamp counts, so that surfaces do not shade
themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import fast, part, step

F32 = NDArray[np.float32]

TAPS = 24  # the most places that a shadow is looked up at
_SEARCH = 12
_FARTHEST = 0.12  # metres between a point and what shades it, beyond which the penumbra grows no more
_WIDEST = 0.03  # metres: the largest radius of a penumbra
_GOLDEN = np.pi * (3 - np.sqrt(5))


def _spiral(count: int, power: float) -> F32:
    """Points of a sunflower in the unit disc [count, 2]; *power* 0.5 spreads them evenly, 1 crowds the middle."""
    i = np.arange(count)
    far = ((i + 0.5) / count) ** power
    return np.stack([far * np.cos(_GOLDEN * i), far * np.sin(_GOLDEN * i)], 1).astype(np.float32)


def _spirals() -> F32:
    """Even spirals of 0 to TAPS points, one after the other [TAPS + 1, TAPS, 2]."""
    out = np.zeros((TAPS + 1, TAPS, 2), np.float32)
    for count in range(1, TAPS + 1):
        out[count, :count] = _spiral(count, 0.5)
    return out


def _around() -> F32:
    """Where to look around a pixel, and how much it counts [64, 3]: in the unit disc; light comes from above."""
    places = _spiral(64, 0.5)
    return np.column_stack([places, 1 + 0.6 * places[:, 1]]).astype(np.float32)


def _pairs() -> F32:
    """Where hollows are looked for [12, 2]: directions, their lengths in metres, four on each of three rings."""
    ring, n = np.divmod(np.arange(12), 4)
    turn, reach = (n + ring / 3) * (np.pi / 4), np.array([0.004, 0.010, 0.024])[ring]
    return np.stack([reach * np.cos(turn), reach * np.sin(turn)], 1).astype(np.float32)


AROUND, SEARCH, SPIRALS, PAIRS = _around(), _spiral(_SEARCH, 1.0), _spirals(), _pairs()
TURNS = np.stack([np.cos(np.arange(16) * _GOLDEN), np.sin(np.arange(16) * _GOLDEN)], 1).astype(np.float32)


@step
def nearby(inverse: np.ndarray, row: int, column: int, z: float, pixels: float) -> np.float32:
    """How free a point in a hollow is, in [0, 1]: what stands in front of it close by on the screen darkens it."""
    height, width = inverse.shape
    limit_near, limit_far = 1.0 / (z - 0.0006), 1.0 / max(z - 0.03, 0.01)
    hidden, total = 0.0, 0.0
    # So many places, because few of them leave bands and patterns on teeth.
    for n in range(AROUND.shape[0]):
        i = column + int(np.floor(pixels * AROUND[n, 0] + 0.5))
        j = row - int(np.floor(pixels * AROUND[n, 1] + 0.5))
        total += AROUND[n, 2]
        if 0 <= i < width and 0 <= j < height and limit_near < inverse[j, i] < limit_far:
            hidden += AROUND[n, 2]
    return np.float32(1.0 - hidden / total)


@part
def _risen(inverse: np.ndarray, row: int, column: int, z: float) -> np.float32:
    """How far the surface at a sample lies in front of the depth *z*, in metres; far behind where nothing is."""
    if not (0 <= row < inverse.shape[0] and 0 <= column < inverse.shape[1]):
        return np.float32(0.0)
    there = inverse[np.uint64(row), np.uint64(column)]
    return np.float32(z) - np.float32(1.0) / there if there > np.float32(0.01) else np.float32(-1.0)


@step
def open_above(inverse: np.ndarray, row: int, column: int | np.int64, focal: float) -> np.float32:
    """How much of its surroundings a point of the picture sees, in (0, 1], judged by the shape of what is around it.

    *inverse* [H, W] is 1/depth, *focal* its focal length in pixels. Opposite neighbours are added up, so that only
    creases and corners darken, not slopes: under the chin, beside the nose, between the lips, at collar and hair.
    """
    at = inverse[row, column]
    if not at > np.float32(0.01):
        return np.float32(1.0)
    z, scale = np.float32(1.0) / at, np.float32(focal) * at
    filled = np.float32(0.0)
    for n in range(12):
        x, y = PAIRS[n, 0], PAIRS[n, 1]
        reach = np.sqrt(x * x + y * y)
        i, j = int(np.floor(scale * x + np.float32(0.5))), int(np.floor(scale * y + np.float32(0.5)))
        a, b = _risen(inverse, row + j, column + i, z), _risen(inverse, row - j, column - i, z)
        # What stands out much farther than it is away is another part, which shades less and less.
        if a > reach:
            a = max(np.float32(0.0), np.float32(2.0) * reach - np.float32(0.5) * a)
        if b > reach:
            b = max(np.float32(0.0), np.float32(2.0) * reach - np.float32(0.5) * b)
        filled += min(max(np.float32(0.0), (a + b) / reach), np.float32(1.5))
    return np.float32(1.0) / (np.float32(1.0) + np.float32(0.11) * filled)


@part
def _free(shadow: np.ndarray, x: float, y: float, z: float, slope_x: float, slope_y: float, stride: int) -> np.float32:
    """How free, in [0, 1], the way to the lamp is at a place of the map: between four texels *stride* apart.

    *z* is the depth of the surface there and *slope_x*, *slope_y* how it changes from texel to texel.
    """
    step = np.float32(stride)
    u, v = x / step - np.float32(0.5), y / step - np.float32(0.5)
    i, j = int(np.floor(u)), int(np.floor(v))
    last = shadow.shape[0] // stride - 2
    if i < 0 or j < 0 or i > last or j > last:
        return np.float32(1.0)
    a, b = u - np.float32(i), v - np.float32(j)
    half = stride >> 1
    top, left = np.uint64(j * stride + half), np.uint64(i * stride + half)
    low, right = np.uint64((j + 1) * stride + half), np.uint64((i + 1) * stride + half)
    one, zero = np.float32(1.0), np.float32(0.0)
    across, down = slope_x * step, slope_y * step
    z00 = z - a * across - b * down
    z01, z10 = z00 + across, z00 + down
    upper = (zero if shadow[top, left] * z00 > one else one - a) + (zero if shadow[top, right] * z01 > one else a)
    lower = (zero if shadow[low, left] * z10 > one else one - a) + (
        zero if shadow[low, right] * (z01 + down) > one else a
    )
    return upper * (one - b) + lower * b


@step
def shadowed(
    shadow: np.ndarray, lamp: np.ndarray, size: float, taps: int, turn: int | np.int64, p: np.ndarray
) -> np.float32:
    """Key light in [0, 1] that reaches *p* (place [3] and unit normal [3]) from a lamp of angular radius *size*.

    *shadow* [S, S] is the inverse depth seen by the camera *lamp* (rows of ``lamps.camera_rows``); a map of one texel
    means that nothing casts shadows. *taps* (1 to TAPS) is the work in a penumbra, *turn* turns the pattern: samples of
    one pixel should differ in it.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    if shadow.shape[0] < 2:
        return one
    # A little above the surface, which the map knows only from texel to texel.
    rise = np.float32(0.0012)
    x, y, z = p[0] + rise * p[3], p[1] + rise * p[4], p[2] + rise * p[5]
    depth = lamp[2, 0] * x + lamp[2, 1] * y + lamp[2, 2] * z + lamp[2, 3]
    if not depth > np.float32(0.05):
        return one
    scale = lamp[3, 0] / depth  # texels a metre
    u = lamp[3, 2] + scale * (lamp[0, 0] * x + lamp[0, 1] * y + lamp[0, 2] * z + lamp[0, 3])
    v = lamp[3, 3] + scale * (lamp[1, 0] * x + lamp[1, 1] * y + lamp[1, 2] * z + lamp[1, 3])
    if not (abs(u) < np.float32(1e5) and abs(v) < np.float32(1e5)):
        return one
    # How the depth of the surface changes from texel to texel.
    nx = lamp[0, 0] * p[3] + lamp[0, 1] * p[4] + lamp[0, 2] * p[5]
    ny = lamp[1, 0] * p[3] + lamp[1, 1] * p[4] + lamp[1, 2] * p[5]
    nz = min(lamp[2, 0] * p[3] + lamp[2, 1] * p[4] + lamp[2, 2] * p[5], np.float32(-0.2))
    slope_x, slope_y = -nx / (nz * scale), -ny / (nz * scale)
    last = np.float32(shadow.shape[0] - 1)
    reach = min(np.float32(size) * np.float32(_FARTHEST), np.float32(_WIDEST)) * scale
    reach = max(reach, np.float32(2.0))
    narrow = one / (max(np.float32(size), np.float32(0.02)) * scale)  # metres that the cone rises for each texel aside
    bias = np.float32(0.0014) + np.float32(0.5) * (abs(slope_x) + abs(slope_y))
    near, count = zero, zero
    for n in range(_SEARCH):
        dx, dy = reach * SEARCH[n, 0], reach * SEARCH[n, 1]
        i, j = u + dx, v + dy
        if not (zero <= i < last and zero <= j < last):
            continue
        there = shadow[np.uint64(j), np.uint64(i)]
        if there <= zero:
            continue
        above = depth + slope_x * dx + slope_y * dy - one / there
        if above > bias + np.float32(0.5) * narrow * reach * (np.float32(n) + np.float32(0.5)) / np.float32(_SEARCH):
            near += above
            count += one
    if count == zero:
        return one
    wide = min(max(np.float32(size) * near / count * scale, np.float32(1.2)), reach)
    stride = 1
    while stride < 8 and np.float32(stride) * np.float32(3.0) < wide:
        stride *= 2
    cos, sin = TURNS[turn & 15, 0], TURNS[turn & 15, 1]
    total = zero
    for n in range(taps):
        a, b = SPIRALS[taps, n, 0], SPIRALS[taps, n, 1]
        dx, dy = wide * (cos * a - sin * b), wide * (sin * a + cos * b)
        total += _free(shadow, u + dx, v + dy, depth + slope_x * dx + slope_y * dy - bias, slope_x, slope_y, stride)
    return total / np.float32(taps)


@fast
def light_points(
    first: int,
    last: int,
    points: np.ndarray,
    screen: np.ndarray,
    box: np.ndarray,
    eye: np.ndarray,
    shadow: np.ndarray,
    lamp: np.ndarray,
    size: float,
    taps: int,
    out: np.ndarray,
) -> None:
    """:func:`shadowed` of the *points* [P, 6 or more] from *first* to *last* into *out* [P]; 1 where none is seen.

    *eye* [3] is where they are seen from: those that turn away from it are left out, and those whose places on the
    *screen* [P, 3] are not inside the *box* [4] (least x and y, greatest x and y).
    """
    turn, p = np.int64(0), np.empty(9, np.float32)  # as a literal it would compile a second kernel
    for n in range(first, last):
        for c in range(6):  # a view would be counted, under a lock
            p[c] = points[n, c]
        x, y = screen[n, 0], screen[n, 1]
        seen = box[0] <= x <= box[2] and box[1] <= y <= box[3]
        x, y, z = eye[0] - p[0], eye[1] - p[1], eye[2] - p[2]
        seen = seen and p[3] * x + p[4] * y + p[5] * z >= np.float32(-0.35) * np.sqrt(x * x + y * y + z * z)
        out[n] = shadowed(shadow, lamp, size, taps, turn, p) if seen else np.float32(1.0)
