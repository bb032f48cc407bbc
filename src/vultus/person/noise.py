"""Seeded noise in three dimensions for painting: value noise, its octaves, and scattered dots. For numba code."""

from __future__ import annotations

import numpy as np
from numba import njit

from vultus.person.jit import inner, pasted

# NumPy's error model leaves out the checks for division by zero, which double the time to compile.
fast = njit(cache=True, nogil=True, error_model="numpy")

_A, _B, _C, _D = np.uint32(0x8DA6B343), np.uint32(0xD8163841), np.uint32(0xCB1AB31F), np.uint32(0x9E3779B1)


@inner
def _scramble(h: np.uint32) -> float:
    """The finaliser of MurmurHash3, as a number in [0, 1)."""
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.float64(h ^ (h >> np.uint32(16))) * (1.0 / 4294967296.0)


@pasted
def hashed(i: int, j: int, k: int, seed: int) -> float:
    """A well mixed number in [0, 1) for a lattice point."""
    return _scramble(np.uint32(i) * _A ^ np.uint32(j) * _B ^ np.uint32(k) * _C ^ np.uint32(seed) * _D)


@inner
def value(x: float, y: float, z: float, seed: int) -> float:
    """Smooth value noise in [-1, 1] with features of size 1."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for n in range(4):
        dj, dk = n & 1, n >> 1
        rest = np.uint32(j + dj) * _B ^ np.uint32(k + dk) * _C ^ np.uint32(seed) * _D
        a, b = _scramble(np.uint32(i) * _A ^ rest), _scramble(np.uint32(i + 1) * _A ^ rest)
        total += (a + (b - a) * u) * (v if dj else 1 - v) * (w if dk else 1 - w)
    return 2 * total - 1


@inner
def octaves(x: float, y: float, z: float, seed: int, count: int) -> float:
    """*count* octaves of value noise, each twice as fine and half as strong, scaled to about [-1, 1]."""
    total, weight, sum_ = 0.0, 1.0, 0.0
    for n in range(count):
        total += weight * value(x, y, z, seed + 101 * n)
        sum_ += weight
        # The factor is not exactly 2, so that the lattices do not line up.
        x, y, z, weight = x * 2.03, y * 2.03, z * 2.03, weight * 0.5
    return total / sum_


@inner
def dots(x: float, y: float, z: float, seed: int, share: float, size: float) -> float:
    """Scattered soft dots in [0, 1]: one in *share* of the unit cells, of radius up to *size* (at most 0.5)."""
    i, j, k = int(np.floor(x - 0.5)), int(np.floor(y - 0.5)), int(np.floor(z - 0.5))
    best = 0.0
    for n in range(8):
        a, b, c = i + (n & 1), j + ((n >> 1) & 1), k + (n >> 2)
        if hashed(a, b, c, seed) >= share:
            continue
        radius = size * (0.35 + 0.65 * hashed(a, b, c, seed + 1))
        ex = x - a - hashed(a, b, c, seed + 2)
        ey = y - b - hashed(a, b, c, seed + 3)
        ez = z - c - hashed(a, b, c, seed + 4)
        near = 1 - (ex * ex + ey * ey + ez * ez) / (radius * radius)
        if near > 0:
            best = max(best, near * (0.4 + 0.6 * hashed(a, b, c, seed + 5)))
    return best


@inner
def step(x: float, low: float, high: float) -> float:
    """0 below *low*, 1 above *high*, smooth between; falls instead of rising when *low* is the greater."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@inner
def curve(x: float, xs: np.ndarray, ys: np.ndarray) -> float:
    """Piecewise linear interpolation, as ``np.interp`` does it but without its allocations."""
    if x <= xs[0]:
        return ys[0]
    for n in range(1, xs.shape[0]):
        if x < xs[n]:
            return ys[n - 1] + (ys[n] - ys[n - 1]) * (x - xs[n - 1]) / (xs[n] - xs[n - 1])
    return ys[-1]
