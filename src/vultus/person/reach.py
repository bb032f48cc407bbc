"""How far an expression goes on a person: further where there is more way to go.

One set of shapes serves all people, in metres of the template. A long face raises its brows further than a short one,
low brows have further up to go than high ones, and a wide mouth has further in to go until it is round. Each such
expression is scaled by a person's lengths over the template's, each to a power; the powers were fitted to what a face
tracker reads of sixty-four people, none of whom judges (``lab.look``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.pack import Floats, Pack
from vultus.person.speech_fixes import cheeks, part_vertices

BROW_LINE: Final = 0.750
"""Height of the brows of the template, in metres."""
BROW_MIDDLE, BROW_INNER = 0.043, 0.016
"""Where the brows' height is measured, and how far the bone under them stands out, in metres from the middle."""
DOWN: Final = (1.2, {"long": 0.6, "brow": 0.9})
POWERS: Final[dict[str, tuple[float, dict[str, float]]]] = {
    "mouthPucker": (0.93, {"mouth": 2.9, "face": -1.7, "long": 0.7, "lips": -0.7, "ridge": 0.3}),
    "mouthFunnel": (1.1, {"lips": -0.3, "long": 1.2, "nose": 0.5}),
    "browInnerUp": (1.13, {"brow": -0.3}),
    "browDownLeft": DOWN,
    "browDownRight": DOWN,
}
"""Expression -> its reach on the template, and powers of the person's ``lengths`` over the template's."""
LEAST, MOST = 0.55, 1.5
"""Limits of a person's reach."""


def lengths(pack: Pack, vertices: Floats, coarse: NDArray[np.int64]) -> dict[str, float]:
    """Distances in metres on a face, *vertices* [C, 3] being those of the pack that *coarse* [C], ascending, names.

    ``mouth`` is its width, ``lips`` their height, ``face`` its width, ``long`` from the eyes down to the chin, ``nose``
    from there down to the nose's tip, ``brow`` the height of the brows above the eyes, and ``ridge`` how far they stand
    out before the lids.
    """

    def at(vertex: int) -> Floats:
        return np.asarray(vertices[np.searchsorted(coarse, vertex)])

    marks = {name: at(vertex) for name, vertex in pack.landmarks.items()}
    left, right = (at(vertex) for vertex in cheeks(pack))
    lids = np.mean([marks[f"lid{lid}{side}"] for lid in ("Upper", "Lower") for side in ("Left", "Right")], axis=0)
    eyes, inner = lids[1], [at(vertex)[2] for vertex in brow_vertices(pack, BROW_INNER)]
    brow = np.mean([at(vertex)[1] for vertex in brow_vertices(pack, BROW_MIDDLE)])
    return {
        "mouth": float(marks["mouthCornerLeft"][0] - marks["mouthCornerRight"][0]),
        "lips": float(marks["lipOuterUpper"][1] - marks["lipOuterLower"][1]),
        "face": float(left[0] - right[0]),
        "long": float(eyes - marks["chin"][1]),
        "nose": float(eyes - marks["noseTip"][1]),
        "brow": float(brow - eyes),
        "ridge": float(np.mean(inner) - lids[2]),
    }


def brow_vertices(pack: Pack, middle: float) -> tuple[int, int]:
    """The vertices of the skin on the left and right brow, *middle* metres from the middle of the face."""
    x, y, z = pack.template.T
    hidden = np.where(part_vertices(pack, "skin", len(x)) & (z > 0.095), 0.0, 1.0)
    left, right = (int(np.argmin(np.hypot(side * x - middle, y - BROW_LINE) + hidden)) for side in (1, -1))
    return left, right


def reach(pack: Pack, vertices: Floats, coarse: NDArray[np.int64]) -> dict[str, float]:
    """How much of each expression in POWERS suits a person at rest; *vertices* and *coarse* as in :func:`lengths`."""
    own, usual = lengths(pack, vertices, coarse), _usual(pack)
    return {
        name: float(np.clip(base * np.prod([(own[k] / usual[k]) ** power for k, power in powers.items()]), LEAST, MOST))
        for name, (base, powers) in POWERS.items()
    }


@lru_cache(maxsize=1)
def _usual(pack: Pack) -> dict[str, float]:
    return lengths(pack, pack.template, np.arange(len(pack.template)))
