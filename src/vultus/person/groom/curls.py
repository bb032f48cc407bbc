"""What makes strands hair: clumps, waves, curls and frizz."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.groom.growth import SPACING

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def lengths(points: F64) -> F64:
    """Arc length from the root to every point, [N, P] metres, of strands [N, P, 3]."""
    out = np.zeros(points.shape[:2])
    np.cumsum(np.linalg.norm(np.diff(points, axis=1), axis=2), axis=1, out=out[:, 1:])
    return out


def frames(points: F64) -> tuple[F64, F64]:
    """Two unit vectors [N, P, 3] across each strand, carried along it without twist."""
    along = np.gradient(points, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
    first, second = np.empty_like(points), np.empty_like(points)
    across = np.cross(along[:, 0], [0.31, 0.25, 0.92])
    for p in range(points.shape[1]):
        across = across - (across * along[:, p]).sum(1, keepdims=True) * along[:, p]
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        first[:, p], second[:, p] = across, np.cross(along[:, p], across)
    return first, second


def leaders(root: F64, start: F64, count: int) -> I64:
    """For each strand the number [N] of the nearest of the first *count* that starts alike."""
    features = np.column_stack([root, 0.025 * start])
    return np.asarray(scipy.spatial.cKDTree(features[:count]).query(features)[1], np.int64)


def clump(points: F64, leader: I64, strength: F64, from_root: float = 0.15) -> F64:
    """Strands [N, P, 3] drawn to their leaders towards the tips, by *strength* [N] in [0, 1]."""
    t = np.clip((np.linspace(0, 1, points.shape[1]) - from_root) / (1 - from_root), 0, 1) ** 1.1
    weight = (strength[:, None] * t)[..., None]
    # A strand of another length meets its leader at the same distance from the root, not at the same share.
    return points + weight * (_matched(points, leader) - points)


def _matched(points: F64, leader: I64) -> F64:
    """For every point of every strand the point of its leader at about the same arc length, [N, P, 3]."""
    whole = lengths(points)[:, -1]
    last = points.shape[1] - 1
    ratio = (whole / np.maximum(whole[leader], 1e-6)) ** (1 / SPACING)
    at = np.linspace(0, last, last + 1) * ratio[:, None]
    index = np.clip(at.astype(int), 0, last - 1)
    part = (at - index)[..., None]
    rows = leader[:, None]
    low, high = points[rows, index], points[rows, index + 1]
    # Beyond a leader's tip a strand goes its own way.
    part = np.minimum(part, 1.5)
    return np.where(at[..., None] > last + 1, points, low + part * (high - low))


def wave(points: F64, leader: I64, radius: F64, pitch: F64, phase: F64, flat: float, start: float) -> F64:
    """Strands wound around themselves: *radius* [N] and *pitch* [N] in metres, *phase* [N] in radians.

    *flat* 0 is a wave in one plane, 1 a helix; curls reach their radius *start* metres from the root. The planes are
    those of the leaders, so that a clump curls as one.
    """
    first, second = frames(points)
    first, second = first[leader], second[leader]
    s = lengths(points)
    grown = radius[:, None] * (1 - np.exp(-((s / start) ** 2)))
    angle = 2 * np.pi * s / pitch[:, None] + phase[:, None]
    return points + grown[..., None] * (np.cos(angle)[..., None] * first + flat * np.sin(angle)[..., None] * second)


def frizz(points: F64, amount: F64, rng: np.random.Generator) -> F64:
    """Strands [N, P, 3] that stray smoothly by about *amount* [N] metres at the tips."""
    n, p = points.shape[:2]
    t = np.linspace(0, 1, p)
    stray = np.zeros_like(points)
    for turns in (0.35, 0.9, 1.9):
        angle = 2 * np.pi * turns * t[None, :, None] + rng.uniform(0, 2 * np.pi, (n, 1, 3))
        stray += rng.normal(0, 0.6 / (0.4 + turns), (n, 1, 3)) * (np.sin(angle) - np.sin(angle[:, :1]))
    return points + amount[:, None, None] * t[None, :, None] ** 0.8 * stray
