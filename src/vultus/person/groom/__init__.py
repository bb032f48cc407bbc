"""The hair of a person as strands."""

from __future__ import annotations

import numpy as np

from vultus.person.appearance import palette, settings
from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh
from vultus.person.paint import hair_cover
from vultus.person.pigment import HAIR, HAIRLINE
from vultus.person.strands import Groom
from vultus.render.triangles import vertex_normals

_STRANDS, _POINTS = 6000, 9


def hair(mesh: PersonMesh, identity: Identity) -> tuple[Groom, ...]:
    """The strands of scalp and beard of *identity* on *mesh*, the bust with one subdivision."""
    line = float(settings(identity)[HAIRLINE])
    if line <= 0:
        return ()
    rng = np.random.default_rng([identity.seed, 40])
    places = painter_coordinates(mesh)
    skin = np.flatnonzero(kinds(mesh) == Kind.SKIN)
    above = np.array(
        [hair_cover(float(p[0]), float(p[1]), float(p[2]), line) for p in places[mesh.triangles[skin]].mean(1)]
    )
    scalp = skin[above > 0]
    corners = mesh.neutral[mesh.triangles[scalp]]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    pick = rng.choice(len(scalp), _STRANDS, p=area / area.sum())
    weights = rng.dirichlet([1, 1, 1], _STRANDS)
    root = (corners[pick] * weights[..., None]).sum(1)
    normals = vertex_normals(mesh.neutral, mesh.triangles)
    normal = (normals[mesh.triangles[scalp[pick]]] * weights[..., None]).sum(1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # Forwards on top, down at the sides.
    flow = np.array([0, -0.6, 0.5]) + rng.normal(0, 0.15, (_STRANDS, 3))
    flow -= (flow * normal).sum(1, keepdims=True) * normal
    flow /= np.linalg.norm(flow, axis=1, keepdims=True) + 1e-6
    top = np.clip((root[:, 1] - mesh.neutral[mesh.landmark("nasion"), 1]) / 0.08, 0, 1)[:, None]
    length = (0.012 + 0.028 * top) * rng.uniform(0.8, 1.2, (_STRANDS, 1))
    t = np.linspace(0, 1, _POINTS)
    rise, run = 0.22 + 0.25 * top, 0.8
    points = root[:, None] + length[:, None] * (
        (rise * (2 * t - t * t))[..., None] * normal[:, None] + (run * t**1.3)[None, :, None] * flow[:, None]
    )
    colour = palette(identity)[HAIR] * rng.uniform(0.75, 1.3, (_STRANDS, 1))
    ones = np.ones((_STRANDS, _POINTS), np.float32)
    return (
        Groom(
            points.astype(np.float32), scalp[pick].astype(np.int32), weights[:, :2].astype(np.float32),
            rng.uniform(0.0003, 0.0005, _STRANDS).astype(np.float32), colour.astype(np.float32), ones,
            ones * (0.3 * t * t).astype(np.float32), ones * (0.45 + 0.55 * t).astype(np.float32),
        ),
    )  # fmt: skip
