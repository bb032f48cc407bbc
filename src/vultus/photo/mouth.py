"""The inside of the mouth: teeth where the photo has them, their colours, and lips that close."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.person import landmarks as lm
from vultus.person.atlas import MOUTH_TILES
from vultus.person.dentition import GUM_V
from vultus.person.mesh import PersonMesh
from vultus.photo.filters import F32, step

_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
"""Landmarks on the inner margins of the lips, that meet pair by pair."""
_GUM = np.array([0.80, 0.52, 0.50])
_TONGUE = np.array([0.72, 0.42, 0.40])
_LINING = np.array([0.55, 0.26, 0.24])
"""What the inside of a mouth has of the light that skin sends back, sRGB."""


def albedo(mesh: PersonMesh) -> tuple[F32, NDArray[np.bool_]]:
    """Colours [V, 3] of teeth, gums, tongue and lining for a white tooth of 1, and which vertices [V] are enamel."""
    out = np.tile(_LINING.astype(np.float32), (len(mesh.neutral), 1))
    enamel = np.zeros(len(out), bool)
    out[mesh.part_vertices("tongue")] = _TONGUE
    for tile, part in zip(MOUTH_TILES[1:], ("teethUpper", "teethLower"), strict=True):
        from vultus.person.pack import PART_NAMES

        some = mesh.part == PART_NAMES.index(part)
        corner, place = mesh.triangles[some].ravel(), mesh.uv[mesh.uv_triangles[some].ravel()]
        high = (place[:, 1] - tile[1]) / (tile[3] - tile[1])
        across = np.abs(2 * (place[:, 0] - tile[0]) / (tile[2] - tile[0]) - 1)
        gum = high > GUM_V - 0.011
        back = 1 - 0.45 * step(across, 0.25, 0.95)
        neck = 1 - 0.10 * step(high, 0.35 * GUM_V, GUM_V)
        tooth = np.array([1.0, 0.985, 0.95]) * (back * neck)[:, None]
        out[corner] = np.where(gum[:, None], _GUM * back[:, None], tooth)
        enamel[corner] = ~gum
    return out, enamel


def depth_light(mesh: PersonMesh) -> F32:
    """How much light reaches each vertex [V] through an open mouth, in (0, 1]: less further behind the lips."""
    front = mesh.neutral[mesh.landmark("lipInnerUpper")]
    behind = front[2] - mesh.neutral[:, 2]
    side = np.abs(mesh.neutral[:, 0] - front[0])
    deep = np.exp(-np.clip(behind - 0.010, 0, None) / 0.017)
    return np.asarray(np.clip(deep * (1 - 0.55 * step(side, 0.012, 0.030)), 0.06, 1), np.float32)


def marks(mesh: PersonMesh, vertices: F32, which: tuple[int, ...] | list[int]) -> F32:
    """Some of the landmarks [N, 3] on *vertices* [V, 3] of a fine mesh with the template's triangles."""
    index, weight = corners(mesh)
    some = list(which)
    return np.einsum("pci,pc->pi", vertices[index[some]], weight[some]).astype(np.float32)


def corners(mesh: PersonMesh) -> tuple[NDArray[np.int32], F32]:
    """Fine vertices [478, 3] between which the landmarks lie, and their weights; for any person."""
    from vultus.observers.basis import template

    return lm.corners(template(mesh.subdivisions))


def gap(mesh: PersonMesh, vertices: F32) -> float:
    """Metres between the inner margins of the lips in the middle."""
    upper, lower = marks(mesh, vertices, (13, 14))
    return float(np.linalg.norm(upper - lower))


def seal(mesh: PersonMesh) -> F32:
    """What closes the lips of the person at rest, [V, 3] metres: zero for those who close them by themselves."""
    v = mesh.neutral
    upper, lower = marks(mesh, v, _UPPER), marks(mesh, v, _LOWER)
    apart = upper - lower
    apart[:, 0] = 0
    jaw = mesh.basis[ch.INDEX["jawOpen"]]
    below = marks(mesh, jaw, (14,))[0, 1]
    middle = 0.5 * (upper[4] + lower[4])
    skin = np.zeros(len(v), bool)
    skin[mesh.part_vertices("skin")] = True
    near = skin & (np.abs(v - middle) < [0.045, 0.03, 0.03]).all(1)
    out = np.zeros_like(v)
    for points, move, side in ((upper, -0.5 * apart, jaw[:, 1] > 0.5 * below), (lower, 0.5 * apart, jaw[:, 1] <= 0.5 * below)):
        some = np.flatnonzero(near & side)
        squares = ((v[some][:, None] - points) ** 2).sum(-1)
        weight = np.exp(-squares / (2 * 0.006**2)) + 1e-12
        fade = np.exp(-(np.maximum(np.sqrt(squares.min(1)) - 0.004, 0) ** 2) / (2 * 0.008**2))
        out[some] = (weight @ move) / weight.sum(1, keepdims=True) * fade[:, None]
    return out


def lower_teeth_line(photo: F32, marks_2d: F32, eyes: float) -> float | None:
    """Pixels from the upper lip's margin down to the biting edge of the upper teeth; None when none are seen."""
    a, b = marks_2d[13], marks_2d[14]
    length = float(np.linalg.norm(b - a))
    if length <= 0.04 * eyes:
        return None
    count = 40
    t = np.linspace(0, 1, count)[:, None]
    side = marks_2d[308] - marks_2d[78]
    side = side / max(float(np.linalg.norm(side)), 1e-6) * 0.06 * eyes
    from vultus.photo.filters import sample

    light = np.mean([sample(photo, a + (b - a) * t + k * side).mean(1) for k in (-1, -0.5, 0, 0.5, 1)], 0)
    bright = light > 0.6 * np.percentile(light, 90)
    return float(np.flatnonzero(bright).max() / (count - 1) * length) if bright.any() else None
