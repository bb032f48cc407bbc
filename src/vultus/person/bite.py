"""The inside of the mouth in the jaw: where a person's teeth and tongue sit, and how expressions move them.

The upper teeth belong to the skull and never move; the lower ones follow the jaw as a rigid body, the tongue more to
its tip than at its root.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.person import dentition, tongue
from vultus.person.identity import Identity
from vultus.person.pack import PART_NAMES, Floats, Pack

Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]

STRIPS: Final = ("teethUpper", "teethLower")
"""MakeHuman's strips of teeth, which show where the jaw is."""
REPLACED: Final = (*STRIPS, "tongue")
"""The parts that are drawn from here instead."""
JAW: Final = ("jawForward", "jawLeft", "jawRight", "jawOpen")
"""The shapes that move the lower arch."""
JOINED: Final = {"mouthFunnel": 0.17}
"""How much of jawOpen belongs to another expression."""
BELOW: Final = 0.0026
"""Metres by which the upper front teeth reach below the line where the lips meet."""
BEHIND: Final = 0.0084
"""Metres from that line back to the line where the teeth touch one another."""
_USUAL: Final = np.array([1.116, 0.988, 0.946])
"""By how much the jaws of people are larger than the template's, along the axes; teeth keep their own size there."""


@dataclass(frozen=True, eq=False)
class Inside:
    """Teeth, gums and tongue as one mesh that all people share.

    ``triangles`` int32 [F, 3]; ``uv`` float32 [D, 2] within the tile of each part; ``part`` int32 [F] into
    ``PART_NAMES``; ``follow`` float32 [D] is the share of the jaw's motion that each vertex takes part in; the first
    ``hard`` vertices are teeth and gums.
    """

    triangles: Ints
    uv: Floats
    part: Ints
    follow: Floats
    hard: int


@lru_cache(maxsize=1)
def inside() -> Inside:
    """What all people share of the inside of their mouths."""
    teeth, soft = dentition.build(), tongue.build()
    rows = np.where(teeth.lower_triangles, PART_NAMES.index("teethLower"), PART_NAMES.index("teethUpper"))
    return Inside(
        np.concatenate([teeth.triangles, soft.triangles + len(teeth.points)]).astype(np.int32),
        np.concatenate([teeth.uv, soft.uv]),
        np.concatenate([rows, np.full(len(soft.triangles), PART_NAMES.index("tongue"))]).astype(np.int32),
        np.concatenate([teeth.lower.astype(np.float32), soft.follow]),
        len(teeth.points),
    )


def _strips(pack: Pack, *parts: str) -> NDArray[np.int64]:
    """Vertices of MakeHuman's strips of teeth."""
    return np.unique(pack.triangles[np.isin(pack.part, [PART_NAMES.index(part) for part in parts])]).astype(np.int64)


def place(pack: Pack, vertices: Floats, identity: Identity | None = None) -> Floats:
    """Teeth, gums and tongue [D, 3] of a person at rest, *vertices* [V, 3] of the pack; even teeth without identity.

    Their arch widens with the jaw within a few per cent; their height and depth follow the lips.
    """
    points = np.concatenate([dentition.build(identity).points, tongue.build().points])
    strips = _strips(pack, *STRIPS)
    here = np.c_[pack.template[strips], np.ones(len(strips))].astype(np.float64)
    fit = np.linalg.lstsq(here, vertices[strips].astype(np.float64), rcond=None)[0]
    scale = np.clip(np.diag(fit[:3]) / _USUAL, 0.94, 1.05)
    lips = [pack.landmarks[name] for name in ("lipInnerUpper", "lipInnerLower")]
    lip = vertices[lips].mean(0)
    middle = float((np.array([*pack.template[lips[0]], 1.0]) @ fit)[0])
    show = 0.0
    if identity is not None:
        show = float(np.clip(np.random.default_rng([identity.seed, 22]).normal(0, 0.0005), -0.001, 0.001))
    return (points * scale + np.array([middle, lip[1] - BELOW - show, lip[2] - BEHIND])).astype(np.float32)


def _rigid(before: Doubles, after: Doubles) -> tuple[Doubles, Doubles]:
    """The rotation [3, 3] and the shift [3] that take points [N, 3] closest to others (W. Kabsch, 1976)."""
    a, b = before.mean(0), after.mean(0)
    u, _, vt = np.linalg.svd((before - a).T @ (after - b))
    turn = (u * [1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return turn.T, b - a @ turn


def moves(pack: Pack, vertices: Floats, points: Floats) -> Floats:
    """What the 54 expression shapes do to the inside of the mouth, *points* [D, 3]: float32 [54, D, 3] in metres.

    Each shape of the jaw moves the lower arch as the rigid body that comes closest to MakeHuman's own lower teeth,
    about a hinge that lies to the jaw of the person at rest, *vertices* [V, 3] of the pack, as it does on the template.
    """
    out = np.zeros((len(ch.ARKIT) + len(ch.TONGUE), len(points), 3), np.float32)
    strip, follow = _strips(pack, "teethLower"), inside().follow
    home = pack.template[strip].astype(np.float64)
    moved = follow > 0
    at = points[moved] - (vertices[strip].astype(np.float64).mean(0) - home.mean(0))
    for name in JAW:
        shape = pack.expression.dense(pack.expression.names.index(name), len(pack.template))[strip]
        turn, shift = _rigid(home, home + shape)
        out[ch.INDEX[name], moved] = follow[moved, None] * (at @ turn.T + shift - at)
    for name, share in JOINED.items():
        out[ch.INDEX[name]] += share * out[ch.INDEX["jawOpen"]]
    soft = tongue.build()
    for name, shape in soft.shapes.items():
        row = ch.INDEX[name] if name in ch.ARKIT else len(ch.ARKIT) + ch.TONGUE.index(name)
        out[row, -len(shape) :] = shape
    return out
