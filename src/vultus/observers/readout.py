"""From landmarks and scores to channels: a linear readout, learned from drawn people whose expression is known.

The networks' own scores are steep at their ends and hardly see some shapes. What landmarks do is nearly linear in
ARKit's weights, so that the channels which landmarks show well are read from both together, by one matrix; the others
keep the networks' score. ``tools/build_readout.py`` makes the matrix and says how well each channel is read on people
who were not learned from.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.observers.tracker import SCORED, Face

Doubles = NDArray[np.float64]

FORMAT: Final = "vultus.readout"
VERSION: Final = 1
GAZE: Final = ("gazeDown", "gazeLeft")
"""Read besides the shapes: radians by which both eyes look down, and to the person's left."""
READ: Final = (*(name for name in ch.ARKIT if not name.startswith("eyeLook") and name != "tongueOut"), *GAZE)
"""What is read of a face: every shape that a picture shows, and the gaze."""
_DEPTH = 0.3  # weight of the landmarks' depth, which is a guess of the network
FEATURES: Final = 3 * len(SCORED) + len(ch.ARKIT)


@dataclass(frozen=True, eq=False)
class Readout:
    """``weights`` float32 [FEATURES, len(READ)], what they give of neutral faces, ``neutral`` [len(READ)], with its
    ``spread`` from person to person (standard deviation), and the correlation ``quality`` [len(READ)] in [-1, 1] with
    the truth on people who were not learned from."""

    weights: NDArray[np.float32]
    neutral: Doubles
    spread: Doubles
    quality: Doubles

    def __call__(self, face: Face) -> Doubles:
        """What is read of a face, [len(READ)], less what is usual for neutral faces; not clipped."""
        return np.asarray(features(face.upright, face.scores) @ self.weights - self.neutral)


def features(upright: Doubles, scores: NDArray[np.float32]) -> Doubles:
    """What the readout sees of a face: landmarks [478, 3] upright in centimetres, and scores [52]."""
    points = upright[list(SCORED)] * (1, 1, _DEPTH)
    return np.concatenate([points.ravel(), scores])


def read_readout(content: bytes) -> Readout:
    """The readout from the bytes of its file; VultusError when they are something else."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            if str(archive["format"]) != FORMAT or int(archive["version"]) != VERSION:
                raise ValueError
            weights = np.ascontiguousarray(archive["weights"], np.float32)
            rest = [archive[name].astype(np.float64) for name in ("neutral", "spread", "quality")]
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        mend = "Reinstall vultus, or rebuild the file with tools/build_readout.py"
        raise VultusError(f"This is not a readout of version {VERSION}", mend) from error
    if weights.shape != (FEATURES, len(READ)) or any(array.shape != (len(READ),) for array in rest):
        raise VultusError("The readout does not fit the tracker", "Rebuild it with tools/build_readout.py")
    for array in (weights, *rest):
        array.flags.writeable = False
    return Readout(weights, *rest)


@lru_cache(maxsize=1)
def readout() -> Readout:
    """The readout that ships with the package, read once."""
    return read_readout((files("vultus") / "data" / "readout.npz").read_bytes())
