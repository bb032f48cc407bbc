"""What a sample shows: place and normal from its triangle, colour and surface from the atlas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import fast, part, step
from vultus.person.lamps import KEY, LANES, NORMAL, PLACE, SLOPE, TEXEL
from vultus.person.pigment import EDGE, EDGE_FROM, EDGE_REACH, HEM, HEM_ROWS
from vultus.person.relief import STEEPEST
from vultus.render.coverage import corner, weights

ROW, COLUMN, TRIANGLE, WHAT, WIDE, TURN = 0, 1, 2, 3, 4, 5
FACTS = 6
"""What is known of a sample before it is found, rows of LANES whole numbers in one array: its row and column, its
triangle and material, how many samples wide it is, and which of its pixel's it is."""
GROUND = 5
"""Rows of LANES numbers for what leads from there to ``lamps.ROWS``: texture coordinates u and v, and how far the three
sets of creases show."""


def packed(texture: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A texture uint8 [S, S, 8] with the eight channels of a texel in one word [S, S], the first in the lowest byte."""
    return np.ascontiguousarray(texture).view("<u8")[..., 0].astype(np.uint64, copy=False)


_EVEN = np.uint64(0x00FF00FF00FF00FF)
_8, _16, _32, _48 = np.uint64(8), np.uint64(16), np.uint64(32), np.uint64(48)
_LANE = np.uint64(0xFFFF)


@part
def _lanes(atlas: np.ndarray, u: float, v: float) -> tuple[np.uint64, np.uint64]:
    """Bilinear lookup of all eight channels: the even and the odd ones as 16-bit lanes of a word, 65280 = full.

    Four channels at a time are weighted in one word; the weights are 1/256 steps that sum to 1.
    """
    size, one, half = np.float32(atlas.shape[0]), np.float32(1.0), np.float32(0.5)
    x = min(max(u * size - half, np.float32(0.0)), size - np.float32(1.01))
    y = min(max((one - v) * size - half, np.float32(0.0)), size - np.float32(1.01))
    i, j = np.uint64(x), np.uint64(y)
    a, b = np.uint64((x - np.float32(i)) * np.float32(256.0)), np.uint64((y - np.float32(j)) * np.float32(256.0))
    full = np.uint64(256)
    w3 = (a * b) >> _8
    w1, w2 = a - w3, b - w3
    w0 = full - w1 - w2 - w3
    next_i, next_j = i + np.uint64(1), j + np.uint64(1)
    t0, t1, t2, t3 = atlas[j, i], atlas[j, next_i], atlas[next_j, i], atlas[next_j, next_i]
    even = (t0 & _EVEN) * w0 + (t1 & _EVEN) * w1 + (t2 & _EVEN) * w2 + (t3 & _EVEN) * w3
    odd = ((t0 >> _8) & _EVEN) * w0 + ((t1 >> _8) & _EVEN) * w1 + ((t2 >> _8) & _EVEN) * w2 + ((t3 >> _8) & _EVEN) * w3
    return even, odd


@part
def texture_at(atlas: np.ndarray, u: float, v: float, out: np.ndarray) -> None:
    """Bilinear lookup of all channels in [0, 1]; colours become linear."""
    even, odd = _lanes(atlas, u, v)
    scale = np.float32(1.0 / 65280.0)
    red, green, blue = (
        scale * np.float32(even & _LANE),
        scale * np.float32(odd & _LANE),
        scale * np.float32((even >> _16) & _LANE),
    )
    out[0], out[1], out[2] = red * red, green * green, blue * blue
    out[3] = scale * np.float32((odd >> _16) & _LANE)
    out[4] = scale * np.float32((even >> _32) & _LANE)
    out[5] = scale * np.float32((odd >> _32) & _LANE)
    out[6] = scale * np.float32(even >> _48)
    out[7] = scale * np.float32(odd >> _48)


@step
def find(
    lanes: int, corners: np.ndarray, triangles: np.ndarray, points: np.ndarray, lit: np.ndarray, at: np.ndarray,
    ground: np.ndarray, b: np.ndarray,
) -> None:  # fmt: skip
    """Interpolate place, normal, share of sky and of the key light of the first *lanes* samples of *at* into *b*, and
    texture coordinates and creases into *ground*; *corners* are those of a ``Rasteriser``."""
    one = np.float32(1.0)
    for n in range(lanes):
        # Unsigned numbers, because numba tests signed ones for counting from the end.
        f = np.uint64(at[TRIANGLE * LANES + n])
        x, y, z = np.uint64(triangles[f, 0]), np.uint64(triangles[f, 1]), np.uint64(triangles[f, 2])
        x0, y0, z0 = corner(corners, x)
        x1, y1, z1 = corner(corners, y)
        x2, y2, z2 = corner(corners, z)
        u, v = weights(at[ROW * LANES + n], at[COLUMN * LANES + n], x0, y0, z0, x1, y1, z1, x2, y2, z2)
        w = one - u - v
        for c in range(7):
            b[(PLACE + c) * LANES + n] = u * points[x, c] + v * points[y, c] + w * points[z, c]
        for c in range(GROUND):
            ground[c * LANES + n] = u * points[x, 7 + c] + v * points[y, 7 + c] + w * points[z, 7 + c]
        b[KEY * LANES + n] = u * lit[x] + v * lit[y] + w * lit[z]
    for n in range(lanes):
        x, y, z = b[NORMAL * LANES + n], b[(NORMAL + 1) * LANES + n], b[(NORMAL + 2) * LANES + n]
        r = one / np.sqrt(x * x + y * y + z * z + np.float32(1e-20))
        b[NORMAL * LANES + n], b[(NORMAL + 1) * LANES + n], b[(NORMAL + 2) * LANES + n] = x * r, y * r, z * r


@step
def fetch(lanes: int | np.int64, atlas: np.ndarray, ground: np.ndarray, spot: np.ndarray, words: np.ndarray) -> None:
    """The four texels of *atlas* around the first *lanes* samples of *ground*, into *words* uint64 [4 * LANES].

    *spot* int32 [4 * LANES]: column and row of the first texel, and how far the sample lies from it, in 1/256. What
    waits for memory is apart from what several samples can share, as :func:`_lanes` does it for one.
    """
    size, one, half, zero = np.float32(atlas.shape[0]), np.float32(1.0), np.float32(0.5), np.float32(0.0)
    last, parts = size - np.float32(1.01), np.float32(256.0)
    for n in range(lanes):
        x = min(max(ground[n] * size - half, zero), last)
        y = min(max((one - ground[LANES + n]) * size - half, zero), last)
        i, j = np.int32(x), np.int32(y)
        spot[n], spot[LANES + n] = i, j
        spot[2 * LANES + n] = np.int32((x - np.float32(i)) * parts)
        spot[3 * LANES + n] = np.int32((y - np.float32(j)) * parts)
    for n in range(lanes):
        left, top = np.uint64(spot[n]), np.uint64(spot[LANES + n])
        right, low = left + np.uint64(1), top + np.uint64(1)
        words[n], words[LANES + n] = atlas[top, left], atlas[top, right]
        words[2 * LANES + n], words[3 * LANES + n] = atlas[low, left], atlas[low, right]


@part
def _mixed(n: int, spot: np.ndarray, words: np.ndarray) -> tuple[np.uint64, np.uint64]:
    """What :func:`_lanes` gives for sample *n* of what :func:`fetch` found."""
    a, b = np.uint64(spot[2 * LANES + n]), np.uint64(spot[3 * LANES + n])
    w3 = (a * b) >> _8
    w1, w2 = a - w3, b - w3
    w0 = np.uint64(256) - w1 - w2 - w3
    t0, t1, t2, t3 = words[n], words[LANES + n], words[2 * LANES + n], words[3 * LANES + n]
    even = (t0 & _EVEN) * w0 + (t1 & _EVEN) * w1 + (t2 & _EVEN) * w2 + (t3 & _EVEN) * w3
    odd = ((t0 >> _8) & _EVEN) * w0 + ((t1 >> _8) & _EVEN) * w1 + ((t2 >> _8) & _EVEN) * w2 + ((t3 >> _8) & _EVEN) * w3
    return even, odd


@part
def _lane(word: np.uint64) -> np.float32:
    """The lowest 16 bits as a number; by way of 32 bits, which convert fastest."""
    return np.float32(np.int32(word & _LANE))


@step
def texels(lanes: int | np.int64, spot: np.ndarray, words: np.ndarray, b: np.ndarray) -> None:
    """All channels of what :func:`fetch` found for the first *lanes* samples, in [0, 1], into *b*; colours linear."""
    scale = np.float32(1.0 / 65280.0)
    for n in range(lanes):
        even, odd = _mixed(n, spot, words)
        red, green, blue = scale * _lane(even), scale * _lane(odd), scale * _lane(even >> _16)
        b[TEXEL * LANES + n] = red * red
        b[(TEXEL + 1) * LANES + n] = green * green
        b[(TEXEL + 2) * LANES + n] = blue * blue
        b[(TEXEL + 3) * LANES + n] = scale * _lane(odd >> _16)
        b[(TEXEL + 4) * LANES + n] = scale * _lane(even >> _32)
        b[(TEXEL + 5) * LANES + n] = scale * _lane(odd >> _32)
        b[(TEXEL + 6) * LANES + n] = scale * _lane(even >> _48)
        b[(TEXEL + 7) * LANES + n] = scale * _lane(odd >> _48)


@step
def carve(
    lanes: int | np.int64, spot: np.ndarray, words: np.ndarray, at: np.ndarray, ground: np.ndarray, b: np.ndarray
) -> None:
    """The slopes of the skin to the right and upwards, and how steep the creases of expression are, into *b*, from what
    :func:`fetch` found in the relief. *ground* says how far the three sets of creases show."""
    scale, flat, zero = np.float32(STEEPEST / (127.0 * 256.0)), np.float32(128.0 * 256.0), np.float32(0.0)
    least = np.float32(0.004)
    for n in range(lanes):
        even, odd = _mixed(n, spot, words)
        skin = scale if at[WHAT * LANES + n] == 0 else zero
        right, up = (_lane(even) - flat) * skin, (_lane(odd) - flat) * skin
        first, second, third = ground[2 * LANES + n], ground[3 * LANES + n], ground[4 * LANES + n]
        first, second = first if first > least else zero, second if second > least else zero
        third = third if third > least else zero
        x0, y0 = (_lane(even >> _16) - flat) * skin * first, (_lane(odd >> _16) - flat) * skin * first
        x1, y1 = (_lane(even >> _32) - flat) * skin * second, (_lane(odd >> _32) - flat) * skin * second
        x2, y2 = (_lane(even >> _48) - flat) * skin * third, (_lane(odd >> _48) - flat) * skin * third
        b[SLOPE * LANES + n], b[(SLOPE + 1) * LANES + n] = right + x0 + x1 + x2, up + y0 + y1 + y2
        b[(SLOPE + 2) * LANES + n] = x0 * x0 + y0 * y0 + (x1 * x1 + y1 * y1) + (x2 * x2 + y2 * y2)


@fast
def cut_cloth(atlas: np.ndarray, wide: float, cloth: np.ndarray, t: np.ndarray) -> None:
    """Lay the hem over the skin in *t* [8] where cloth begins, with an edge as wide as a pixel, *wide* metres.

    *cloth* [8] is room for the hem's own colour and surface.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    inside = t[EDGE] * np.float32(EDGE_REACH) + np.float32(EDGE_FROM)
    cover = min(one, max(zero, np.float32(0.5) + inside / max(wide, np.float32(0.0002))))
    cover *= min(one, max(zero, (np.float32(HEM + 0.003) - inside) * np.float32(1 / 0.003)))
    if cover <= zero:
        return
    hem = np.float32(1.0 - 0.5 * (HEM_ROWS[0] + HEM_ROWS[1]) / atlas.shape[0])
    texture_at(atlas, one, hem, cloth)
    # Cloth is rounded at its edge.
    light = np.float32(0.70) + np.float32(0.30) * min(one, max(zero, inside * np.float32(1 / 0.0014)))
    for c in range(3):
        t[c] += (light * cloth[c] - t[c]) * cover
    for c in range(4, 8):
        t[c] += (cloth[c] - t[c]) * cover
