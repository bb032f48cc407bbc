"""The inside of the mouth: teeth where the photo has them, their colours, and lips that close."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.observers.fit import Fit
from vultus.person import landmarks as lm
from vultus.person.atlas import MOUTH_TILES
from vultus.person.dentition import GUM_V
from vultus.person.mesh import PersonMesh
from vultus.person.pack import PART_NAMES
from vultus.photo.filters import F32, sample, step

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
    return np.asarray(np.clip(deep * (1 - 0.55 * step(side, 0.012, 0.030)), 0.16, 1), np.float32)


def marks(mesh: PersonMesh, vertices: F32, which: Sequence[int]) -> F32:
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
    opens = ch.INDEX["jawOpen"]
    jaw = mesh.topology.refine(mesh.expression[opens] * mesh.gains[opens])
    below = marks(mesh, jaw, (14,))[0, 1]
    middle = 0.5 * (upper[4] + lower[4])
    skin = np.zeros(len(v), bool)
    skin[mesh.part_vertices("skin")] = True
    near = skin & (np.abs(v - middle) < [0.045, 0.03, 0.03]).all(1)
    out = np.zeros_like(v)
    for points, move, side in (
        (upper, -0.5 * apart, jaw[:, 1] > 0.5 * below),
        (lower, 0.5 * apart, jaw[:, 1] <= 0.5 * below),
    ):
        some = np.flatnonzero(near & side)
        squares = ((v[some][:, None] - points) ** 2).sum(-1)
        weight = np.exp(-squares / (2 * 0.006**2)) + 1e-12
        fade = np.exp(-(np.maximum(np.sqrt(squares.min(1)) - 0.004, 0) ** 2) / (2 * 0.008**2))
        out[some] = (weight @ move) / weight.sum(1, keepdims=True) * fade[:, None]
    return out


def teeth_down(photo: F32, fit: Fit) -> float:
    """Metres by which the upper teeth must go down to end where the photo's teeth end, or to be seen as they should.

    Where no teeth are seen they end at most 1.5 mm above the margin of the upper lip.
    """
    mesh = fit.mesh
    vertices = np.empty_like(mesh.neutral)
    mesh.evaluate_into(fit.row, vertices)
    teeth = mesh.part_vertices("teethUpper")
    front = teeth[np.abs(mesh.neutral[teeth, 0]) < 0.008]
    edge = float(vertices[front, 1].min())
    lip = float(marks(mesh, vertices, (13,))[0, 1])
    shown = teeth_shown(photo, fit.landmarks, fit.eyes)
    wanted = lip + 0.0015 if shown is None else lip - shown * float(fit.translation[2]) / fit.focal
    return float(np.clip(edge - wanted, -0.004 if shown is not None else 0.0, 0.010))


def teeth_shown(photo: F32, places: F32, eyes: float) -> float | None:
    """Pixels from the upper lip's margin down to the biting edge of the upper teeth; None when none are seen."""
    a, b = places[13], places[14]
    length = float(np.linalg.norm(b - a))
    if length <= 0.04 * eyes:
        return None
    count = 40
    t = np.linspace(0, 1, count)[:, None]
    side = places[308] - places[78]
    side = side / max(float(np.linalg.norm(side)), 1e-6) * 0.06 * eyes
    light = np.mean([sample(photo, a + (b - a) * t + k * side).mean(1) for k in (-1, -0.5, 0, 0.5, 1)], 0)
    bright = light > 0.6 * np.percentile(light, 90)
    first = np.flatnonzero(bright)
    # Bright down to the lower lip, or a bright edge of it: the run that begins under the upper lip counts.
    if not len(first) or first[0] > count // 3:
        return None
    dark = np.flatnonzero(~bright & (np.arange(count) > first[0]))
    return float((dark[0] if len(dark) else count) / (count - 1) * length)
