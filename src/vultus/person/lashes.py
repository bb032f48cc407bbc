"""Lashes as single hairs on the edges of the lids."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.appearance import palette, settings
from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh
from vultus.person.pigment import BROW, LASHES, MAKEUP
from vultus.person.strands import Groom

F64 = NDArray[np.float64]

# Edge of the left lids in painter millimetres from the inner to the outer corner, and where lashes point from there.
_UPPER = np.array(
    [[19.8, 728.5, 138.8], [21.3, 729.5, 139.1], [23.7, 730.9, 139.7], [27.2, 732.1, 140.4], [31.1, 732.9, 140.7],
     [34.7, 732.7, 140.4], [37.9, 732.1, 139.7], [40.5, 731.4, 138.6], [42.2, 730.7, 137.8], [43.1, 729.9, 137.2],
     [43.7, 729.4, 136.7]]
)  # fmt: skip
_UPPER_WAY = np.array(
    [[-0.6, 1.0, 2.1], [-0.55, 1.6, 2.4], [-0.6, 1.9, 2.6], [-0.6, 2.3, 3.0], [-0.35, 2.9, 3.4], [-0.1, 3.5, 3.6],
     [0.15, 4.0, 3.9], [0.9, 4.3, 4.2], [2.2, 4.2, 4.2], [3.6, 3.7, 4.0], [4.8, 3.1, 3.5]]
)  # fmt: skip
_LOWER = np.array(
    [[20.7, 725.6, 138.7], [22.3, 725.1, 139.0], [24.5, 724.7, 139.8], [27.5, 724.2, 140.6], [31.0, 723.8, 141.1],
     [34.9, 723.9, 140.7], [38.2, 724.6, 139.5], [40.5, 725.7, 138.4], [41.9, 726.5, 137.2], [42.7, 727.2, 136.7]]
)  # fmt: skip
_LOWER_WAY = np.array(
    [[-0.8, -2.0, 1.6], [-0.4, -2.6, 1.7], [-0.1, -3.0, 1.6], [-0.05, -3.3, 1.5], [0.1, -3.4, 1.4], [0.1, -3.6, 1.4],
     [0.2, -3.7, 1.6], [0.5, -3.9, 1.8], [1.4, -3.7, 2.0], [2.4, -3.3, 2.2]]
)  # fmt: skip
_POINTS = 7


def lashes(mesh: PersonMesh, identity: Identity) -> tuple[Groom, Groom]:
    """Upper and lower lashes of both eyes of *identity* on *mesh*, the bust with one subdivision."""
    numbers = settings(identity)
    thick, make_up = float(numbers[LASHES]), float(numbers[MAKEUP])
    rng = np.random.default_rng([identity.seed, 51])
    # Lashes are darker than hair and rarely grey; make-up turns them black.
    dark = 0.3 * palette(identity)[BROW]
    dark = np.minimum(dark, [0.06, 0.045, 0.034]) * (1 - 0.85 * make_up) + 0.003
    upper = _lid(mesh, rng, _UPPER, _UPPER_WAY, round(130 + 110 * thick), 0.85 + 0.25 * thick + 0.15 * make_up, -1.2)
    lower = _lid(mesh, rng, _LOWER, _LOWER_WAY, round(40 + 40 * thick), 0.50 + 0.15 * thick, 0.6)
    wide = 0.00012 + 0.00005 * thick + 0.00006 * make_up
    return _groom(*upper, wide, dark, rng), _groom(*lower, 0.7 * wide, 1.3 * dark, rng)


def _lid(
    mesh: PersonMesh, rng: np.random.Generator, edge: F64, way: F64, count: int, length: float, sag: float
) -> tuple[F64, NDArray[np.int64], F64]:
    """Strands [N, P, 3] on the lids of both eyes, their triangles [N] and weights of the corners [N, 3].

    Each runs from a place on *edge* along *way* times *length*, bent by *sag* millimetres before it turns to its tip.
    """
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(edge, axis=0), axis=1))])
    along /= along[-1]
    strands, rows, weights = [], [], []
    for side in (1.0, -1.0):
        # Evenly spread with jitter, in up to three rows, none right in the corners.
        u = 0.05 + 0.94 * (np.arange(count) + rng.uniform(0, 1, count)) / count
        u = u[rng.permutation(count)]
        root = np.stack([np.interp(u, along, edge[:, c]) for c in range(3)], 1)
        # The rim of the lid is two millimetres deep; lashes stand on its front half.
        root[:, 2] += rng.uniform(-1.0, 0.1, count)
        reach = np.stack([np.interp(u, along, way[:, c]) for c in range(3)], 1)
        # Neighbours lean to each other and stick together in tufts.
        tuft = np.round(u * count / 3.2 + rng.normal(0, 0.25, count)) * 3.2 / count
        lean = np.interp(tuft, along, edge[:, 0]) - root[:, 0]
        scale = length * rng.uniform(0.62, 1.08, count) * np.interp(u, [0, 0.15, 0.45, 0.8, 1], [0.5, 0.7, 0.9, 1, 0.8])
        reach = reach * scale[:, None] + rng.normal(0, 0.22, (count, 3))
        reach[:, 0] += 0.55 * lean
        bend = 0.5 * reach + [0, 1, 0] * (sag * scale * rng.uniform(0.8, 1.3, count))[:, None]
        t = np.linspace(0, 1, _POINTS)[None, :, None]
        path = (2 * t * (1 - t) * bend[:, None] + t * t * reach[:, None]) / 1000
        flip = np.array([side, 1, 1])
        row, weight = on_skin(mesh, root * flip / 1000)
        base = (mesh.neutral[mesh.triangles[row]] * weight[..., None]).sum(1)
        strands.append(base[:, None] + path * flip)
        rows.append(row)
        weights.append(weight)
    mixed = rng.permutation(2 * count)
    return np.concatenate(strands)[mixed], np.concatenate(rows)[mixed], np.concatenate(weights)[mixed]


def on_skin(mesh: PersonMesh, places: F64) -> tuple[NDArray[np.int64], F64]:
    """The skin nearest to *places* [N, 3] of the painter: rows of ``mesh.triangles`` [N], weights of corners [N, 3]."""
    template = painter_coordinates(mesh).astype(np.float64)
    low, high = places.min(0) - 0.004, places.max(0) + 0.004
    centres = template[mesh.triangles].mean(1)
    near = np.flatnonzero((kinds(mesh) == Kind.SKIN) & ((centres > low) & (centres < high)).all(1))
    corners = template[mesh.triangles[near]]
    best = np.asarray(scipy.spatial.cKDTree(centres[near]).query(places, k=min(12, len(near)))[1])
    a, e1, e2 = corners[best, 0], corners[best, 1] - corners[best, 0], corners[best, 2] - corners[best, 0]
    d = places[:, None] - a
    d11, d12, d22 = (e1 * e1).sum(2), (e1 * e2).sum(2), (e2 * e2).sum(2)
    p1, p2 = (d * e1).sum(2), (d * e2).sum(2)
    det = np.maximum(d11 * d22 - d12 * d12, 1e-24)
    v, w = (d22 * p1 - d12 * p2) / det, (d11 * p2 - d12 * p1) / det
    # Onto the triangle: good enough for points next to it.
    weights = np.clip(np.stack([1 - v - w, v, w], 2), 0, None)
    weights /= weights.sum(2, keepdims=True)
    away = np.linalg.norm((corners[best] * weights[..., None]).sum(2) - places[:, None], axis=2)
    nearest = away.argmin(1)
    some = np.arange(len(places))
    return near[best[some, nearest]], weights[some, nearest]


def _groom(
    points: F64, rows: NDArray[np.int64], weights: F64, width: float, colour: F64, rng: np.random.Generator
) -> Groom:
    count = len(points)
    ones = np.ones((count, _POINTS), np.float32)
    return Groom(
        points.astype(np.float32), rows.astype(np.int32), weights[:, :2].astype(np.float32),
        (width * rng.uniform(0.8, 1.2, count)).astype(np.float32),
        (colour * rng.uniform(0.7, 1.3, (count, 1))).astype(np.float32), ones, 0 * ones, 0.85 * ones, lid=True,
    )  # fmt: skip
