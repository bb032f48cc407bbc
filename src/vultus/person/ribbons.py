"""Hair for engines: few, wide ribbons of triangles in place of many strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vultus.person.drawn import rows_of, surfaces
from vultus.person.mesh import PersonMesh
from vultus.person.strands import Groom, anchors, bind, move, thinned
from vultus.render.triangles import vertex_normals

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_STILL = np.eye(3, 4, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Ribbons:
    """One groom as ribbons: ``vertices`` float32 [V, 3] metres, ``triangles`` int32 [F, 3], the ``colour`` [3] linear,
    ``follow`` float32 [V] (how far each goes with the head rather than the torso) and ``targets`` float32 [54, V, 3],
    what the expression shapes add."""

    vertices: F32
    triangles: I32
    colour: tuple[float, float, float]
    follow: F32
    targets: F32


def ribbons(groom: Groom, mesh: PersonMesh, triangles: int, tones: int = 1) -> list[Ribbons]:
    """*groom* on *mesh* as about *triangles* triangles, parted by brightness into *tones* of one colour each."""
    steps = min(groom.points.shape[1], 6)
    pick = np.linspace(0, groom.points.shape[1] - 1, steps).round().astype(np.int64)
    some = thinned(groom, triangles / (2 * (steps - 1)) / len(groom))
    order = np.array_split(np.argsort(some.colour.sum(1), kind="stable"), tones)
    moves = _moves(some, mesh)[:, :, pick]
    middle = anchors(mesh).centre
    out = []
    for which in order:
        if not len(which):
            continue
        points = some.points[which][:, pick].astype(np.float64)
        along = np.gradient(points, axis=1)
        side = np.cross(along, points - middle)
        side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-9)
        # A ribbon seen from its edge is thin: the full width stands for what a round strand shows from every side.
        half = 0.6 * some.width[which][:, None] * (1 - 0.8 * np.linspace(0, 1, steps) ** 2)
        both = np.stack([points - half[..., None] * side, points + half[..., None] * side], 2)
        first = np.arange(len(which) * steps).reshape(-1, steps)[:, :-1].ravel() * 2
        faces = np.stack([first, first + 1, first + 3, first, first + 3, first + 2], 1).reshape(-1, 3)
        out.append(
            Ribbons(
                both.reshape(-1, 3).astype(np.float32), faces.astype(np.int32),
                (float(some.colour[which, 0].mean()), float(some.colour[which, 1].mean()),
                 float(some.colour[which, 2].mean())),
                np.repeat(some.follow[which][:, pick].ravel(), 2),
                np.repeat(moves[:, which].reshape(len(moves), -1, 3), 2, axis=1),
            )
        )  # fmt: skip
    return out


def _moves(groom: Groom, mesh: PersonMesh) -> F32:
    """How each expression shape of *mesh* at 1 moves the strands, [54, N, P, 3] metres."""
    s = surfaces(mesh)
    rest = mesh.neutral[s.vertices]
    hung = bind(groom, mesh, rows_of(mesh), vertex_normals(rest, s.welded))
    out = np.zeros((len(mesh.basis), *groom.points.shape), np.float32)
    for i, shape in enumerate(mesh.basis):
        posed = rest + shape[s.vertices]
        move(
            0, len(groom), groom.points, groom.follow, groom.sway, hung.mode, hung.corners, hung.weights, hung.tangent,
            hung.frame, hung.pivot, posed, vertex_normals(posed, s.welded), _STILL, _STILL,
            np.zeros((3, 3), np.float32), out[i],
        )  # fmt: skip
    return out - groom.points
