"""Brows as single hairs that grow as brows do: up at the nose, outwards along the ridge, down at the temple."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.appearance import brow_line, palette
from vultus.person.atlas import painter_coordinates
from vultus.person.drawn import rows_of, surfaces
from vultus.person.identity import Identity
from vultus.person.lashes import on_skin
from vultus.person.mesh import PersonMesh
from vultus.person.pigment import BROW
from vultus.person.strands import Groom
from vultus.render.triangles import vertex_normals

F64 = NDArray[np.float64]

_POINTS = 7


def brows(mesh: PersonMesh, identity: Identity) -> Groom:
    """The hairs of both brows of *identity* on *mesh*, the bust with one subdivision."""
    rng = np.random.default_rng([identity.seed, 52])
    man, age = 1 - identity.gender, float(np.clip((identity.age - 40) / 40, 0, 1))
    count = round((300 + 330 * identity.brow_weight) * (1 - 0.25 * age))
    sides = [_side(mesh, identity, rng, side, count) for side in (1.0, -1.0)]
    points = np.concatenate([s[0] for s in sides])
    rows, weights = (np.concatenate([s[i] for s in sides]) for i in (1, 2))
    mixed = rng.permutation(len(points))
    total = len(points)
    colour = palette(identity)[BROW] * rng.uniform(0.55, 1.25, (total, 1))
    if identity.hair_colour in ("grey", "white"):
        # Brows keep dark hairs for longer than the head.
        colour = np.where(rng.uniform(size=(total, 1)) < 0.95 - 0.45 * age, [0.045, 0.038, 0.032], 0.8 * colour)
    else:
        colour[rng.uniform(size=total) < 0.20 * age**2] = [0.36, 0.34, 0.32]
    width = (0.00011 + 0.00005 * man + 0.00003 * identity.brow_weight) * rng.uniform(0.75, 1.25, total)
    ones = np.ones((total, _POINTS), np.float32)
    return Groom(
        points[mixed].astype(np.float32), rows[mixed].astype(np.int32), weights[mixed, :2].astype(np.float32),
        width.astype(np.float32), colour.astype(np.float32), ones, 0 * ones, 0.9 * ones,
    )  # fmt: skip


def _side(
    mesh: PersonMesh, identity: Identity, rng: np.random.Generator, side: float, count: int
) -> tuple[F64, NDArray[np.int64], F64]:
    """Hairs [N, P, 3] of one brow, their triangles [N] and weights of the corners [N, 3]."""
    line = brow_line(identity)
    man, age = 1 - identity.gender, float(np.clip((identity.age - 40) / 40, 0, 1))
    t = rng.beta(1.30, 1.45 + 0.4 * age, count)  # along the brow: 0 at the nose, 1 at the temple
    x, centre, half = (np.interp(t, np.linspace(0, 1, len(line)), line[:, c]) for c in range(3))
    across = np.clip(rng.normal(-0.05, 0.52, count), -1.5, 1.5)
    stray = rng.uniform(size=count) < 0.02 + 0.035 * man
    across = np.where(stray, rng.uniform(-2.0, 1.6, count), across)
    slope = np.interp(
        t, np.linspace(0, 1, len(line)), np.degrees(np.arctan2(np.gradient(line[:, 1]), np.gradient(line[:, 0])))
    )
    # Upright at the nose; lower hairs sweep up to the ridge, upper ones down to it.
    fan = np.interp(t, [0, 0.08, 0.25, 0.55, 1], [78, 58, 30, 10, 2]) - np.interp(t, [0, 0.2, 1], [6, 20, 12]) * across
    angle = np.radians(slope + fan + rng.normal(0, 7 + 5 * man + 6 * age, count))
    place = np.stack([side * x, centre + across * half, np.full(count, 0.138)], 1)
    row, weight = on_skin(mesh, _fronted(mesh, place))
    length = np.interp(t, [0, 0.15, 0.5, 0.85, 1], [0.0052, 0.0070, 0.0085, 0.0070, 0.0045])
    length *= rng.uniform(0.6, 1.1, count) * (0.82 + 0.18 * man + 0.25 * age * man)
    base = (mesh.neutral[mesh.triangles[row]] * weight[..., None]).sum(1)
    s = surfaces(mesh)
    normals = vertex_normals(mesh.neutral[s.vertices], s.welded)[rows_of(mesh)[mesh.triangles[row]]]
    normal = (normals * weight[..., None]).sum(1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    way = np.stack([side * np.cos(angle), np.sin(angle), np.zeros(count)], 1)
    way -= (way * normal).sum(1, keepdims=True) * normal
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    # A hair leaves the skin, lies down and bends outwards and down.
    down = np.cross(normal, way) * -side
    u = np.linspace(0, 1, _POINTS)[None, :, None]
    rise = rng.uniform(0.10, 0.24, count)[:, None, None]
    bend = rng.normal(0.12, 0.08, count)[:, None, None]
    path = way[:, None] * u + normal[:, None] * (rise * (1.9 * u - 1.35 * u * u)) + down[:, None] * (bend * u * u)
    return base[:, None] + path * length[:, None, None], row, weight


def _fronted(mesh: PersonMesh, places: F64) -> F64:
    """*places* [N, 3] of the painter moved along z onto the front of the face, roughly."""
    template = painter_coordinates(mesh)
    near = template[(template[:, 2] > 0.09) & (np.abs(template[:, 1] - places[:, 1].mean()) < 0.03)]
    away, nearest = scipy.spatial.cKDTree(near[:, :2]).query(places[:, :2], k=3)
    weight = 1 / (np.asarray(away) ** 2 + 1e-9)
    z = (near[nearest, 2] * weight).sum(1) / weight.sum(1)
    return np.column_stack([places[:, :2], z])
