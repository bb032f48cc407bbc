"""Corrections of MakeHuman's mouth for speech.

MakeHuman's mouth is narrow, and lips of other shapes than the template's do not meet (``bite`` sets teeth and
tongue, ``correctives`` the expressions). The numbers below were chosen by eye and against a lip reader's score; the
pack itself stays MakeHuman's, so that it can be compared with its source. ``build_mesh(corrected=False)`` leaves them
out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.pack import PART_NAMES, Floats, Pack

Ints = NDArray[np.int32]

MOUTH_WIDER: Final = 0.2
"""How much of the shape ``mouth_width+`` everyone gets."""
MOUTH_SPAN: Final = (0.26, 1.0, 0.9, 0.006)
"""How wide a mouth is at rest at least, as a share of the face's width, plus which share of the height of its lips;
how much of what is missing everyone gets, and how much at most, in metres. Narrow full lips look pursed."""
LIPS_TALL: Final = (0.0215, 0.5)
"""Height of both lips at rest in metres, and which share of what is more is taken away; tall lips look pursed, too."""
CHEEK: Final = (0.067, 0.725, 0.09)
"""Where the face's width is measured, on the template's left side, in metres."""
LIP_PAIRS: Final = ((474, 493), (7228, 7242), (7226, 7236), (7225, 7231), (7190, 7203))
"""Vertices of MakeHuman's base mesh where upper and lower lip meet, from the middle to the person's left."""
LIP_LINE, LIP_REACH, LIP_HALF_WIDTH = 0.6608, 0.009, 0.029
LIP_CLOSER: Final = 0.0015
"""Metres by which everyone's lips stand closer than the template's, through whose slit the teeth would glint."""


def part_vertices(pack: Pack, part: str, vertices: int) -> np.ndarray:
    """Mask [vertices] of the vertices that belong to a part."""
    mask = np.zeros(len(pack.template), bool)
    mask[pack.triangles[pack.part == PART_NAMES.index(part)]] = True
    return mask[:vertices]


def rest_correction(pack: Pack, vertices: int) -> Floats:
    """What the corrections add to every person at rest, [vertices, 3] in metres."""
    return MOUTH_WIDER * pack.local.dense(pack.local.names.index("mouth_width+"), vertices)


@lru_cache(maxsize=1)
def cheeks(pack: Pack) -> tuple[int, int]:
    """The vertices of the skin at CHEEK, left and right."""
    hidden = np.where(part_vertices(pack, "skin", len(pack.template)), 0.0, 1.0)[:, None]
    left, right = (np.linalg.norm(pack.template - np.array(CHEEK) * (side, 1, 1) + hidden, axis=1) for side in (1, -1))
    return int(left.argmin()), int(right.argmin())


def ease_mouth(pack: Pack, vertices: Floats) -> Floats:
    """The vertices [V, 3] of a person at rest with a mouth that MOUTH_SPAN and LIPS_TALL do not take for pursed."""
    at = pack.landmarks
    span = vertices[at["mouthCornerLeft"], 0] - vertices[at["mouthCornerRight"], 0]
    lips = vertices[at["lipOuterUpper"], 1] - vertices[at["lipOuterLower"], 1]
    left, right = cheeks(pack)
    least, thick, share, most = MOUTH_SPAN
    wider = min(share * _above(least * (vertices[left, 0] - vertices[right, 0]) + thick * lips - span), most)
    tall, share = LIPS_TALL
    wide, low = (
        pack.local.dense(pack.local.names.index(f"mouth_{name}"), len(vertices)) for name in ("width+", "height-")
    )
    wide /= wide[at["mouthCornerLeft"], 0] - wide[at["mouthCornerRight"], 0]
    low /= low[at["lipOuterLower"], 1] - low[at["lipOuterUpper"], 1]
    return vertices + wider * wide + share * _above(lips - tall) * low


def _above(length: float) -> float:
    """What of *length* is above 0, in metres; soft at its beginning, so that no two people alike differ by a kink."""
    return 0.5 * (length + float(np.hypot(length, 0.001)))


@lru_cache(maxsize=1)
def _lip_field(pack: Pack) -> tuple[Ints, Floats]:
    """Pairs of lip vertices [K, 2] and what each metre of gap between a pair does to all vertices, [V, K].

    Half of a gap is taken from either lip: +1/2 at the lower rim, -1/2 at the upper one, falling off around the
    line where the lips meet and towards the corners.
    """
    template, number = pack.template, {int(v): i for i, v in enumerate(pack.source)}
    left = [(number[a], number[b]) for a, b in LIP_PAIRS]
    mirrored = [
        tuple(int(np.argmin(np.linalg.norm(template - template[v] * (-1, 1, 1), axis=1))) for v in pair)
        for pair in left[1:]
    ]
    pairs = np.array([*reversed(mirrored), *left], np.int32)
    knots = template[pairs[:, 0], 0].astype(np.float64)
    line = template[pairs].mean(axis=1)
    x, y, z = template.astype(np.float64).T
    ends = np.concatenate([[-LIP_HALF_WIDTH], knots, [LIP_HALF_WIDTH]])
    hats = np.stack([np.interp(x, ends, np.eye(len(ends))[k + 1]) for k in range(len(knots))], axis=1)
    away = np.hypot(y - LIP_LINE, z - np.interp(x, knots, line[:, 2]))
    strength = np.exp(-((away / LIP_REACH) ** 2)) * part_vertices(pack, "skin", len(template))
    strength *= np.where(y > LIP_LINE, -0.5, 0.5)
    return pairs, (hats * strength[:, None]).astype(np.float32)


def close_lips(pack: Pack, vertices: Floats) -> Floats:
    """The vertices [V, 3] of a person at rest with lips that meet as those of the template do.

    Local shapes move each lip on its own and would leave slits, or lips in one another.
    """
    pairs, field = _lip_field(pack)
    gap = vertices[pairs[:, 0], 1] - vertices[pairs[:, 1], 1]
    surplus = gap - (pack.template[pairs[:, 0], 1] - pack.template[pairs[:, 1], 1]) + LIP_CLOSER
    # The pairs lie a little off the line, so one pass leaves a rest: solve for passes that leave none.
    response = field[pairs[:, 1]] - field[pairs[:, 0]]
    closed = vertices.copy()
    closed[:, 1] += field @ np.linalg.solve(response.astype(np.float64), surplus).astype(np.float32)
    return closed


def seal(pack: Pack, shape: Floats) -> Floats:
    """An expression [V, 3] that parts no lips: where it moves them away from each other, they come back together."""
    pairs, field = _lip_field(pack)
    parted = np.maximum(shape[pairs[:, 0], 1] - shape[pairs[:, 1], 1], 0)
    response = field[pairs[:, 1]] - field[pairs[:, 0]]
    closed = shape.copy()
    closed[:, 1] += field[: len(shape)] @ np.linalg.solve(response.astype(np.float64), parted).astype(np.float32)
    return closed


def round_lips(pack: Pack, shape: Floats, wide: float, tall: float) -> Floats:
    """An expression [V, 3] whose lips part as an ellipse does: *wide* metres to either side, *tall* in the middle."""
    pairs, field = _lip_field(pack)
    x = (pack.template[pairs, 0] + shape[pairs, 0]).mean(axis=1)
    wanted = tall * np.sqrt(np.clip(1 - (x / wide) ** 2, 0, None))
    surplus = shape[pairs[:, 0], 1] - shape[pairs[:, 1], 1] - wanted
    response = field[pairs[:, 1]] - field[pairs[:, 0]]
    rounded = shape.copy()
    rounded[:, 1] += field[: len(shape)] @ np.linalg.solve(response.astype(np.float64), surplus).astype(np.float32)
    return rounded
