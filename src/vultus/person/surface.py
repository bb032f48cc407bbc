"""What a sample shows: place and normal from its triangle, colour and surface from the atlas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import fast, part, step
from vultus.person.lamps import KEY, LANES, NORMAL, PLACE, SLOPE, TEXEL
from vultus.person.pigment import EDGE, EDGE_FROM, EDGE_REACH, HEM, HEM_ROWS
from vultus.person.relief import STEEPEST

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
    lanes: int, bary: np.ndarray, triangles: np.ndarray, points: np.ndarray, lit: np.ndarray, at: np.ndarray,
    ground: np.ndarray, b: np.ndarray,
) -> None:  # fmt: skip
    """Interpolate place, normal, share of sky and of the key light of the first *lanes* samples of *at* into *b*, and
    texture coordinates and creases into *ground*."""
    one = np.float32(1.0)
    for n in range(lanes):
        j, i, f = np.uint64(at[ROW * LANES + n]), np.uint64(at[COLUMN * LANES + n]), np.uint64(at[TRIANGLE * LANES + n])
        # Unsigned numbers, because numba tests signed ones for counting from the end.
        x, y, z = np.uint64(triangles[f, 0]), np.uint64(triangles[f, 1]), np.uint64(triangles[f, 2])
        u, v = bary[j, i, 0], bary[j, i, 1]
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
def texels(lanes: int, atlas: np.ndarray, ground: np.ndarray, b: np.ndarray) -> None:
    """All channels of the *atlas* at the first *lanes* samples of *ground*, in [0, 1], into *b*; colours linear."""
    scale = np.float32(1.0 / 65280.0)
    for n in range(lanes):
        even, odd = _lanes(atlas, ground[n], ground[LANES + n])
        red, green, blue = (
            scale * np.float32(even & _LANE),
            scale * np.float32(odd & _LANE),
            scale * np.float32((even >> _16) & _LANE),
        )
        b[TEXEL * LANES + n] = red * red
        b[(TEXEL + 1) * LANES + n] = green * green
        b[(TEXEL + 2) * LANES + n] = blue * blue
        b[(TEXEL + 3) * LANES + n] = scale * np.float32((odd >> _16) & _LANE)
        b[(TEXEL + 4) * LANES + n] = scale * np.float32((even >> _32) & _LANE)
        b[(TEXEL + 5) * LANES + n] = scale * np.float32((odd >> _32) & _LANE)
        b[(TEXEL + 6) * LANES + n] = scale * np.float32(even >> _48)
        b[(TEXEL + 7) * LANES + n] = scale * np.float32(odd >> _48)


@step
def carve(lanes: int, relief: np.ndarray, at: np.ndarray, ground: np.ndarray, b: np.ndarray) -> None:
    """The slopes of the skin to the right and upwards, and how steep the creases of expression are, into *b*.

    A *relief* of one texel is flat. *ground* says how far the three sets of creases show.
    """
    scale, flat, zero = np.float32(STEEPEST / (127.0 * 256.0)), np.float32(128.0 * 256.0), np.float32(0.0)
    rough = relief.shape[0] > 1
    for n in range(lanes):
        right, up, steep = zero, zero, zero
        if rough and at[WHAT * LANES + n] == 0:
            even, odd = _lanes(relief, ground[n], ground[LANES + n])
            right, up = (np.float32(even & _LANE) - flat) * scale, (np.float32(odd & _LANE) - flat) * scale
            for c in range(3):
                even, odd = even >> _16, odd >> _16
                show = ground[(2 + c) * LANES + n]
                if show > np.float32(0.004):
                    x = (np.float32(even & _LANE) - flat) * scale * show
                    y = (np.float32(odd & _LANE) - flat) * scale * show
                    right, up, steep = right + x, up + y, steep + (x * x + y * y)
        b[SLOPE * LANES + n], b[(SLOPE + 1) * LANES + n], b[(SLOPE + 2) * LANES + n] = right, up, steep


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
