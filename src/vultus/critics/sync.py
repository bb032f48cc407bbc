"""Lip sync from embeddings: LSE-D, LSE-C and the offset, as SyncNet defines them.

Source: J. S. Chung and A. Zisserman, "Out of time: automated lip sync in the wild" (2016); the names LSE-D and LSE-C
come from K. R. Prajwal et al., "A Lip Sync Expert Is All You Need" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

REACH: Final = 15
"""Frames by which sound and lips are shifted against each other, at 25 fps, either way."""


@dataclass(frozen=True)
class Sync:
    """``distance`` (LSE-D, less is better), ``confidence`` (LSE-C, more is better) and ``offset`` in frames.

    At a positive offset the lips are late: they fit sound that came that many frames before.
    """

    distance: float
    confidence: float
    offset: int


def distances(lips: NDArray[np.floating], sound: NDArray[np.floating], reach: int = REACH) -> NDArray[np.float64]:
    """Mean distance of lips(t) from sound(t + k) for k = -reach to reach, [2 reach + 1].

    Both are embeddings [T, D] of the same moments. Each shift is averaged over the frames where both exist.
    """
    v, a = np.asarray(lips, np.float64), np.asarray(sound, np.float64)
    if v.shape != a.shape or v.ndim != 2:
        raise VultusError(f"Embeddings of lips {v.shape} and sound {a.shape} do not fit each other")
    if len(v) <= reach:
        raise VultusError(f"Sync needs more than {reach} frames, not {len(v)}", "Give a longer clip")
    out = []
    for k in range(-reach, reach + 1):
        x, y = (v[: len(v) - k], a[k:]) if k >= 0 else (v[-k:], a[:k])
        out.append(np.linalg.norm(x - y, axis=1).mean())
    return np.array(out)


def measure(lips: NDArray[np.floating], sound: NDArray[np.floating], reach: int = REACH) -> Sync:
    """LSE-D = the least of :func:`distances`, LSE-C = their median less the least, and where the least lies."""
    d = distances(lips, sound, reach)
    best = int(np.argmin(d))
    return Sync(float(d[best]), float(np.median(d) - d[best]), reach - best)
