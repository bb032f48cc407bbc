"""Corrections of MakeHuman's mouth for speech, and the tongue shapes that ARKit lacks.

MakeHuman's upper teeth sit so high that no speech sound shows them, its mouth is narrow, and pucker and funnel
hardly push the lips forward. The numbers below were chosen by eye and against a lip reader's score; the pack itself
stays MakeHuman's, so that it can be compared with its source. ``build_mesh(corrected=False)`` leaves them out.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vultus.person.pack import PART_NAMES, Floats, Pack

TEETH_MOVE: Final = {"teethUpper": (0.0, -0.0045, 0.001), "teethLower": (0.0, 0.0, 0.001)}
"""Metres that a part moves at rest."""
MOUTH_WIDER: Final = 0.4
"""How much of the shape ``mouth_width+`` everyone gets."""
PROTRUSION: Final = {"mouthPucker": 0.5, "mouthFunnel": 0.35}
"""How much of the shape ``mouth_forward+`` joins an expression."""

# The tongue tip of the template lies at z = 0.139, its root at z = 0.063.
TONGUE_FRONT, TONGUE_BACK = 0.139, 0.063
TIP_LIFT, TIP_REACH, BACK_LIFT = 0.012, 0.004, 0.010


def part_vertices(pack: Pack, part: str, vertices: int) -> np.ndarray:
    """Mask [vertices] of the vertices that belong to a part."""
    mask = np.zeros(len(pack.template), bool)
    mask[pack.triangles[pack.part == PART_NAMES.index(part)]] = True
    return mask[:vertices]


def tongue_shapes(pack: Pack, vertices: int) -> Floats:
    """tongueTipUp and tongueBackUp [2, vertices, 3] in metres, made from the tongue's place on the template."""
    shapes = np.zeros((2, vertices, 3), np.float32)
    tongue = part_vertices(pack, "tongue", vertices)
    forward = (pack.template[:vertices][tongue, 2] - TONGUE_BACK) / (TONGUE_FRONT - TONGUE_BACK)
    tip = np.clip(forward, 0, 1) ** 1.5
    shapes[0, tongue, 1], shapes[0, tongue, 2] = TIP_LIFT * tip, TIP_REACH * tip
    shapes[1, tongue, 1] = BACK_LIFT * np.exp(-(((forward - 0.35) / 0.28) ** 2))
    return shapes


def rest_correction(pack: Pack, vertices: int) -> Floats:
    """What the corrections add to every person at rest, [vertices, 3] in metres."""
    add = MOUTH_WIDER * pack.local.dense(pack.local.names.index("mouth_width+"), vertices)
    for part, move in TEETH_MOVE.items():
        add[part_vertices(pack, part, vertices)] += np.array(move, np.float32)
    return add


def expressions(pack: Pack, vertices: int, corrected: bool) -> Floats:
    """The 54 expression shapes [54, vertices, 3] in metres: ARKit's in their order, then the tongue's.

    Eyeballs are rigid, so no shape moves them: eyeLook* move lids and skin only.
    """
    shapes = np.stack([pack.expression.dense(i, vertices) for i in range(len(pack.expression.names))])
    if corrected:
        forward = pack.local.dense(pack.local.names.index("mouth_forward+"), vertices)
        for name, gain in PROTRUSION.items():
            shapes[pack.expression.names.index(name)] += gain * forward
        for part in ("eyeLeft", "eyeRight"):
            shapes[:, part_vertices(pack, part, vertices)] = 0
    return np.concatenate([shapes, tongue_shapes(pack, vertices)])
