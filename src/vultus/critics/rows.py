"""The rows that stand beside every score: what the same measure says of things that are known to be right or wrong.

``copy`` is the reference itself as if it had been made: as good as it gets. ``mean`` stands still. ``shuffled`` has its
seconds in another order, and ``reversed`` runs backwards: both move as much as before, at the wrong time. A measure
that tells none of them from the thing itself says nothing about it.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Row = Literal["this", "copy", "mean", "shuffled", "reversed"]
ROWS: Final[tuple[Row, ...]] = ("this", "copy", "mean", "shuffled", "reversed")


def shuffled(count: int, length: int, seed: int = 0) -> NDArray[np.int64]:
    """Frames 0 to *count* - 1 in stretches of about *length*, none of which stays in its place.

    Shorter clips are cut into four; a clip of one frame stays what it is. The same seed gives the same order.
    """
    pieces = min(max(count // max(length, 1), 4), max(count, 1))
    edges = np.linspace(0, count, pieces + 1).round().astype(np.int64)
    if pieces < 2:
        return np.arange(count)
    rng = np.random.default_rng([seed, 0x5117])
    # A cycle through all pieces in a random order leaves none in its place (S. Sattolo, 1986).
    way = rng.permutation(pieces)
    order = np.empty(pieces, np.int64)
    order[way] = np.roll(way, 1)
    return np.concatenate([np.arange(edges[i], edges[i + 1]) for i in order])
