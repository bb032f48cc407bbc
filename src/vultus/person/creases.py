"""When the skin folds: how far each set of creases of ``relief`` shows at each vertex, from the ARKit weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.person.pigment import EYE_Y, MOUTH_Y

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

# Set, centre and half widths of a zone in painter metres (by x to either side), and what folds the skin there.
# Channels with a left and a right fold their own side.
_ZONES: tuple[tuple[int, tuple[float, float], tuple[float, float], dict[str, float]], ...] = (
    (0, (0.0, 0.780), (0.032, 0.030), {"browInnerUp": 1.0, "browOuterUp": 0.35}),
    (0, (0.048, 0.780), (0.030, 0.030), {"browInnerUp": 0.35, "browOuterUp": 1.0}),
    (0, (0.064, EYE_Y), (0.020, 0.022), {"eyeSquint": 0.6, "cheekSquint": 0.6, "mouthSmile": 0.45, "eyeBlink": 0.12}),
    (0, (0.040, MOUTH_Y + 0.003), (0.014, 0.016), {"mouthSmile": 0.8, "mouthDimple": 1.0, "mouthStretch": 0.5}),
    (0, (0.0, 0.629), (0.024, 0.018), {"mouthShrugLower": 1.0, "mouthFrown": 0.35, "mouthPress": 0.2}),
    (1, (0.0075, 0.750), (0.014, 0.020), {"browDown": 1.0, "noseSneer": 0.3}),
    (1, (0.029, 0.674), (0.020, 0.026), {"mouthSmile": 1.0, "noseSneer": 0.7, "mouthUpperUp": 0.7, "cheekSquint": 0.3}),
    (1, (0.031, 0.642), (0.012, 0.013), {"mouthFrown": 1.0, "mouthStretch": 0.4, "mouthLowerDown": 0.25}),
    (2, (EYE_Y - 0.6976, EYE_Y - 0.014), (0.022, 0.018), {"eyeSquint": 1.0, "cheekSquint": 0.8, "mouthSmile": 0.35}),
    (2, (0.0085, 0.711), (0.012, 0.020), {"noseSneer": 1.0, "browDown": 0.25, "cheekSquint": 0.15}),
    (2, (0.0, MOUTH_Y), (0.036, 0.020), {"mouthPucker": 1.0, "mouthFunnel": 0.35, "mouthPress": 0.3}),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Creases:
    """Which weights fold which vertices: ``rows`` int32 [N] of a table of points that fold at all, and for set k of
    the n-th the channels and shares ``channel``, ``share`` [start[3 n + k] : start[3 n + k + 1]]."""

    rows: I32
    start: I32
    channel: I32
    share: F32


def _bump(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in the inner half of [-1, 1], smooth to 0 at its ends."""
    t = np.clip(2 - 2 * np.abs(d), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def creases(places: F32) -> Creases:
    """The creases of points at *places* [P, 3] on the template, in painter metres."""
    x, y = places[:, 0].astype(np.float64), places[:, 1].astype(np.float64)
    front = np.clip((places[:, 2] - 0.05) / 0.02, 0, 1)
    shares = np.zeros((3, len(ch.ARKIT), len(places)))
    for which, (zone_x, zone_y), (half_x, half_y), weights in _ZONES:
        zone = _bump((np.abs(x) - zone_x) / half_x) * _bump((y - zone_y) / half_y) * front
        for name, weight in weights.items():
            if name in ch.INDEX:
                shares[which, ch.INDEX[name]] += weight * zone
                continue
            for side, sign in (("Left", 1), ("Right", -1)):
                near = np.clip(0.5 + sign * x / 0.008, 0, 1)
                shares[which, ch.INDEX[name + side]] += weight * zone * near
    shares[shares < 0.004] = 0
    rows = np.flatnonzero(shares.any((0, 1)))
    point, group, channel = np.nonzero(shares[..., rows].transpose(2, 0, 1))
    start = np.searchsorted(3 * point + group, np.arange(3 * len(rows) + 1))
    return Creases(
        rows.astype(np.int32), start.astype(np.int32), channel.astype(np.int32),
        shares[group, channel, rows[point]].astype(np.float32),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def fold(
    row: np.ndarray, rows: np.ndarray, start: np.ndarray, channel: np.ndarray, share: np.ndarray, out: np.ndarray
) -> None:
    """Write how far the three sets show, in [0, 1], into *out* [P, 3] for the Motion frame *row* [69]."""
    for n in range(rows.shape[0]):
        for k in range(3):
            total = np.float32(0.0)
            for m in range(start[3 * n + k], start[3 * n + k + 1]):
                weight = row[channel[m]]
                if weight > 0:  # not for NaN either
                    total += share[m] * min(weight, np.float32(1.0))
            out[rows[n], k] = min(total, np.float32(1.0))
