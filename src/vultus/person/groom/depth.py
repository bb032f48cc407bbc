"""How much light gets to every point inside a volume of hair."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.noise import fast

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_CELL = 0.006  # metres
_FAR = 8  # cells that light is followed outwards
_BLOCK = 0.55  # optical depth of a cell whose cross-section is filled once by strands


@fast
def _fill(points: np.ndarray, width: np.ndarray, origin: np.ndarray, cells: np.ndarray) -> None:
    """Add the silhouette area of every segment to the cell that holds its middle."""
    for n in range(points.shape[0]):
        for p in range(points.shape[1] - 1):
            length = 0.0
            for c in range(3):
                length += (points[n, p + 1, c] - points[n, p, c]) ** 2
            length = np.sqrt(length)
            parts = int(length / _CELL) + 1
            for k in range(parts):
                t = (k + 0.5) / parts
                i = int((points[n, p, 0] + t * (points[n, p + 1, 0] - points[n, p, 0]) - origin[0]) / _CELL)
                j = int((points[n, p, 1] + t * (points[n, p + 1, 1] - points[n, p, 1]) - origin[1]) / _CELL)
                m = int((points[n, p, 2] + t * (points[n, p + 1, 2] - points[n, p, 2]) - origin[2]) / _CELL)
                if 0 <= i < cells.shape[0] and 0 <= j < cells.shape[1] and 0 <= m < cells.shape[2]:
                    cells[i, j, m] += width[n] * length / parts


@fast
def _reached(points: np.ndarray, origin: np.ndarray, cells: np.ndarray, centre: np.ndarray, out: np.ndarray) -> None:
    """Light at every point: the mean of what comes from outside and what comes from above."""
    for n in range(points.shape[0]):
        for p in range(points.shape[1]):
            ox, oy, oz = points[n, p, 0] - centre[0], 0.6 * (points[n, p, 1] - centre[1]), points[n, p, 2] - centre[2]
            r = 1 / (np.sqrt(ox * ox + oy * oy + oz * oz) + 1e-9)
            ox, oy, oz = ox * r, oy * r, oz * r
            total = 0.0
            for way in range(2):
                if way == 1:
                    ox, oy, oz = 0.55 * ox, 0.55 * oy + 0.75, 0.55 * oz
                depth = 0.0
                for k in range(1, _FAR + 1):
                    i = int((points[n, p, 0] - origin[0]) / _CELL + 0.9 * k * ox)
                    j = int((points[n, p, 1] - origin[1]) / _CELL + 0.9 * k * oy)
                    m = int((points[n, p, 2] - origin[2]) / _CELL + 0.9 * k * oz)
                    if 0 <= i < cells.shape[0] and 0 <= j < cells.shape[1] and 0 <= m < cells.shape[2]:
                        depth += cells[i, j, m]
                total += np.exp(-depth)
            out[n, p] = 0.5 * total


def openness(strands: F64, width: F64, centre: F64) -> F32:
    """The share of light in [0.18, 1] that gets to every point [N, P] of *strands* [N, P, 3] around *centre* [3].

    The strands' silhouettes are spread over a grid and absorb light on the way out and up.
    """
    low, high = strands.min((0, 1)) - 0.02, strands.max((0, 1)) + 0.02
    shape = tuple(int(n) for n in np.ceil((high - low) / _CELL).astype(int) + 1)
    cells = np.zeros(shape, np.float32)
    _fill(strands, width, low, cells)
    cells = scipy.ndimage.uniform_filter(cells, 3) * np.float32(_BLOCK / _CELL**2)
    out = np.empty(strands.shape[:2], np.float32)
    _reached(strands, low, cells, centre, out)
    return np.clip(0.18 + 0.82 * out, 0.18, 1).astype(np.float32)
