"""Long sound in windows: where they begin, and how their results are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

Floats = NDArray[np.float32]


def starts(total: int, length: int, overlap: int) -> list[int]:
    """First frames of windows of *length* frames that cover *total*, each sharing at least *overlap* with the last.

    One window where all fits; the last one ends with the clip. VultusError unless 0 <= overlap < length.
    """
    if not 0 <= overlap < length or total < 1:
        raise VultusError(f"Windows of {length} frames cannot overlap by {overlap}", "Overlap by less")
    if total <= length:
        return [0]
    count = -(-(total - overlap) // (length - overlap))
    return [min(i * (length - overlap), total - length) for i in range(count)]


def joined(make: Callable[[int, int], Floats], total: int, length: int, overlap: int) -> Iterator[Floats]:
    """``make(first, last)`` gives the frames [last - first, D] of each window -> pieces [N, D] that follow each other.

    Windows cross-fade where they overlap. Only the overlap of the last window is held.
    """
    firsts = starts(total, length, overlap)
    held = np.zeros((0, 0), np.float32)  # the end of the last window, not yet given out
    for first, following in zip(firsts, [*firsts[1:], total], strict=True):
        piece = np.array(make(first, min(first + length, total)), np.float32)
        if shared := len(held):
            weight = ((np.arange(shared) + 1) / (shared + 1)).astype(np.float32)[:, None]
            piece[:shared] = held + weight * (piece[:shared] - held)
        yield piece[: following - first]
        held = piece[following - first :]


def context(rows: Floats, around: int) -> Floats:
    """Every frame with those *around* it: [T, D] -> [T, 2 · around + 1, D]; the ends are held."""
    at = np.clip(np.arange(len(rows))[:, None] + np.arange(-around, around + 1), 0, len(rows) - 1)
    return rows[at]
