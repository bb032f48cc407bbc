"""What a sample shows: place and normal from its triangle, colour and surface from the atlas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import fast, part
from vultus.person.pigment import EDGE, EDGE_FROM, EDGE_REACH, HEM, HEM_ROWS
from vultus.person.relief import STEEPEST


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


@part
def relief_at(
    f: int,
    a: float,
    b: float,
    triangles: np.ndarray,
    points: np.ndarray,
    relief: np.ndarray,
    p: np.ndarray,
    slope: np.ndarray,
) -> None:
    """The slopes *slope* [2] of the skin to the right and upwards, and in [2] how steep the creases of expression are.

    Columns 9 to 11 of *points* say how far the three sets of creases show; *p* holds what ``surface_at`` found.
    """
    w = np.float32(1.0) - a - b
    n = np.uint64(f)
    i, j, k = np.uint64(triangles[n, 0]), np.uint64(triangles[n, 1]), np.uint64(triangles[n, 2])
    even, odd = _lanes(relief, p[7], p[8])
    scale, flat = np.float32(STEEPEST / (127.0 * 256.0)), np.float32(128.0 * 256.0)
    slope[0], slope[1] = (np.float32(even & _LANE) - flat) * scale, (np.float32(odd & _LANE) - flat) * scale
    slope[2] = np.float32(0.0)
    for c in range(3):
        even, odd = even >> _16, odd >> _16
        show = a * points[i, 9 + c] + b * points[j, 9 + c] + w * points[k, 9 + c]
        if show > np.float32(0.004):
            right = (np.float32(even & _LANE) - flat) * scale * show
            up = (np.float32(odd & _LANE) - flat) * scale * show
            slope[0] += right
            slope[1] += up
            slope[2] += right * right + up * up


@part
def surface_at(
    f: int,
    a: float,
    b: float,
    triangles: np.ndarray,
    points: np.ndarray,
    atlas: np.ndarray,
    p: np.ndarray,
    t: np.ndarray,
) -> None:
    """Interpolate place, normal, share of sky and uv into *p* [9], and texture channels into *t* [8]."""
    w = np.float32(1.0) - a - b
    # Unsigned numbers, because numba tests signed ones for counting from the end.
    n = np.uint64(f)
    i, j, k = np.uint64(triangles[n, 0]), np.uint64(triangles[n, 1]), np.uint64(triangles[n, 2])
    for c in range(9):
        p[c] = a * points[i, c] + b * points[j, c] + w * points[k, c]
    r = np.float32(1.0) / np.sqrt(p[3] * p[3] + p[4] * p[4] + p[5] * p[5] + np.float32(1e-20))
    p[3] *= r
    p[4] *= r
    p[5] *= r
    texture_at(atlas, p[7], p[8], t)


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
