"""Landmarks as detectors give them: noisy, jittering, drawn to the visible outline, and sometimes wrong altogether.

The amounts are shares of the distance between the eyes, set after what detectors show on video: about 1 % of jitter
in sight, several times that where a point is hidden, and errors that last for some frames (compare Sagonas et al.,
"300 Faces in-the-Wild", 2013, where 2 to 3 % is a good fit).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.landmarks import COUNT, LEFT_IRIS, RIGHT_IRIS, TO_68
from vultus.stage.noise import drift

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_JAW_478: Final = TO_68[:17]


@dataclass(frozen=True)
class Detector:
    """How a detector errs. ``noise`` is the standard deviation of what changes from frame to frame, ``wander`` of what
    lasts, both as shares of the distance between the eyes, times ``hidden`` where a point is out of sight; ``outline``
    in [0, 1] is how far hidden points of the jaw are drawn to those in sight; ``lost`` the share of frames
    without a face, whose confidence is 0; ``seed`` decides all draws."""

    noise: float = 0.006
    wander: float = 0.009
    hidden: float = 3.0
    outline: float = 0.6
    lost: float = 0.01
    seed: int = 0


def random_detector(rng: np.random.Generator) -> Detector:
    """A plausible detector."""
    return Detector(
        noise=0.003 + 0.009 * float(rng.beta(2, 3)),
        wander=0.004 + 0.012 * float(rng.beta(2, 3)),
        hidden=float(rng.uniform(2, 5)),
        outline=float(rng.uniform(0.2, 0.9)),
        lost=float(rng.choice([0.0, 0.01, 0.03])),
        seed=int(rng.integers(1 << 31)),
    )


def detect(truth: F32, frame: int, fps: float, detector: Detector) -> F32:
    """What *detector* makes of the true points float32 [478, 3] (x, y, in sight) of *frame*: x, y and confidence.

    Any frame may be asked for, in any order. In a frame without a face all is 0.
    """
    rng = np.random.default_rng([detector.seed, 1, frame])
    if rng.uniform() < detector.lost:
        return np.zeros((COUNT, 3), np.float32)
    points, seen = truth[:, :2].astype(np.float64), truth[:, 2]
    left, right = points[list(LEFT_IRIS)].mean(0), points[list(RIGHT_IRIS)].mean(0)
    top, chin = points[10], points[152]
    # From the side eyes come close together, and a detector errs no less: the face's height stands in.
    unit = max(float(np.linalg.norm(left - right)), 0.42 * float(np.linalg.norm(top - chin)))
    points = _to_outline(points, seen, detector.outline)
    # Some points are always worse than others.
    own = np.random.default_rng([detector.seed, 2]).gamma(4.0, 0.25, COUNT)
    worse = own * np.where(seen > 0, 1.0, detector.hidden)
    quick = rng.standard_normal((COUNT, 2))
    slow = drift((detector.seed, 3), frame / fps, 1.5, (COUNT, 2))
    whole = drift((detector.seed, 4), frame / fps, 1.0, (2,))
    error = detector.noise * quick + detector.wander * slow
    points += unit * (error * worse[:, None] + 0.5 * detector.wander * whole)
    size = np.hypot(detector.noise, detector.wander) * worse
    confidence = np.exp(-size / 0.03) * rng.uniform(0.92, 1.0, COUNT)
    return np.column_stack([points, np.clip(confidence, 0.01, 1)]).astype(np.float32)


def _to_outline(points: F64, seen: F32, share: float) -> F64:
    """Move hidden points of the jaw towards the nearest ones in sight, as detectors that see an outline do."""
    jaw = np.array(_JAW_478)
    visible = jaw[seen[jaw] > 0]
    if not len(visible) or len(visible) == len(jaw):
        return points
    out = points.copy()
    for p in jaw[seen[jaw] == 0]:
        nearest = visible[np.linalg.norm(points[visible] - points[p], axis=1).argmin()]
        out[p] += share * (points[nearest] - points[p])
    return out
