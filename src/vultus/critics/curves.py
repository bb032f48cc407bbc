"""How curves move: smoothness, agreement, rhythm and variety of Motion channels or any other series.

Sources: the concordance of L. Lin (1989); beat alignment after R. Li et al., "AI Choreographer" (2021), with the local
minima of angular speed as kinematic beats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from vultus.errors import VultusError

Doubles = NDArray[np.float64]

BEAT_WIDTH: Final = 0.1
"""Seconds: sigma of beat alignment."""
_SMOOTH: Final = 0.12  # seconds over which angular speed is smoothed
_ROUNDS: Final = 100


def _series(values: ArrayLike, least: int = 1) -> Doubles:
    x = np.asarray(values, np.float64)
    if x.ndim < 1 or len(x) < least:
        raise VultusError(f"A series needs at least {least} frames, not {x.shape}", "Give a longer clip")
    return x.reshape(len(x), -1)


def ccc(made: ArrayLike, true: ArrayLike) -> float:
    """Concordance correlation of two curves [T] in [-1, 1]; 1 only where they are equal. NaN when neither moves."""
    a, b = _series(made)[:, 0], _series(true)[:, 0]
    if len(a) != len(b):
        raise VultusError(f"Curves of {len(a)} and {len(b)} frames cannot be compared", "Resample one of them")
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 1e-12 else float("nan")


def jitter(values: ArrayLike, fps: float = 1.0) -> float:
    """Mean length of the second difference of a series [T, …], times fps²: its acceleration; needs 3 frames."""
    x = _series(values, 3)
    return float(np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=1).mean() * fps**2)


def border_ratio(values: ArrayLike, borders: Sequence[int]) -> float:
    """Median jitter where windows meet (at the frames *borders*) over the median elsewhere; 1 is seamless.

    NaN without borders inside the series.
    """
    x = _series(values, 3)
    rough = np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=1)  # of frame i + 1
    at = {f + d for f in borders for d in (-1, 0) if 1 <= f + d <= len(rough)}
    there = np.isin(np.arange(1, len(rough) + 1), list(at))
    if not there.any() or there.all():
        return float("nan")
    return float(np.median(rough[there]) / max(np.median(rough[~there]), 1e-12))


def diversity(samples: ArrayLike) -> float:
    """Average pairwise distance of K >= 2 samples [K, T, D] for one input: mean over pairs and frames."""
    x = np.asarray(samples, np.float64)
    if x.ndim < 2 or len(x) < 2:
        raise VultusError("Diversity needs at least two samples")
    x = x.reshape(len(x), x.shape[1], -1)
    pairs = [np.linalg.norm(x[i] - x[j], axis=1).mean() for i in range(len(x)) for j in range(i)]
    return float(np.mean(pairs))


def frechet(made: ArrayLike, true: ArrayLike) -> float:
    """Fréchet distance of two sets of rows [N, D], each taken for a Gaussian; needs more rows than columns."""
    a, b = _series(made, 2), _series(true, 2)
    if min(len(a), len(b)) <= a.shape[1] or a.shape[1] != b.shape[1]:
        raise VultusError("A Fréchet distance needs the same columns in both sets, and more rows than columns")
    ca, cb = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    # tr sqrt(Ca Cb) by the symmetric form, whose eigenvalues are real and at least 0.
    values, vectors = np.linalg.eigh(ca)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    middle = np.linalg.eigvalsh(root @ cb @ root)
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(max(shift + np.trace(ca) + np.trace(cb) - 2 * np.sqrt(np.clip(middle, 0, None)).sum(), 0.0))


def head_beats(head: ArrayLike, fps: float) -> Doubles:
    """When a head pauses between two movements: seconds of the local minima of its smoothed angular speed.

    *head* is [T, 3], rotation vectors in radians.
    """
    x = _series(head, 3)
    speed = np.linalg.norm(np.diff(x, axis=0), axis=1) * fps
    speed = gaussian_filter1d(speed, _SMOOTH * fps, mode="nearest")
    low = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1
    return np.asarray((low + 0.5) / fps, np.float64)


def beat_alignment(beats: ArrayLike, accents: ArrayLike) -> float:
    """Mean over *beats* (seconds) of exp(-d²/2σ²), d the distance to the nearest accent, σ = 0.1 s; in [0, 1].

    NaN without beats or accents. Read it beside :func:`beat_floor`.
    """
    b, a = np.asarray(beats, np.float64), np.asarray(accents, np.float64)
    if not len(a) or not len(b):
        return float("nan")
    nearest = np.abs(b[:, None] - a[None]).min(axis=1)
    return float(np.exp(-(nearest**2) / (2 * BEAT_WIDTH**2)).mean())


def beat_floor(beats: ArrayLike, accents: ArrayLike, duration: float, seed: int = 0) -> tuple[float, float]:
    """What beats at the wrong time score: mean and 95th percentile over 100 random shifts, round the *duration* (s)."""
    rng = np.random.default_rng(seed)
    b = np.asarray(beats, np.float64)
    scores = [beat_alignment((b + rng.uniform(0, duration)) % duration, accents) for _ in range(_ROUNDS)]
    return float(np.mean(scores)), float(np.quantile(scores, 0.95))


def periodicity(values: ArrayLike, fps: float, shortest: float = 0.5, longest: float = 10.0) -> float:
    """The highest autocorrelation of a curve [T] at lags of *shortest* to *longest* seconds that is a peak, in [0, 1].

    Near 1 the movement repeats itself like a machine; real heads stay well below.
    """
    x = _series(values, 3)[:, 0]
    x = x - x.mean()
    power = np.fft.rfft(x, 2 * len(x))
    line = np.fft.irfft(np.abs(power) ** 2)[: len(x)]
    if line[0] <= 1e-12:
        return 0.0
    line = line / line[0] * len(x) / np.maximum(len(x) - np.arange(len(x)), 1)
    first, last = max(int(shortest * fps), 1), min(int(longest * fps), len(x) // 2)
    lags = np.arange(first, last)
    peaks = lags[(line[lags] > line[lags - 1]) & (line[lags] >= line[lags + 1])] if len(lags) else lags
    return float(np.clip(line[peaks].max(), 0, 1)) if len(peaks) else 0.0
