"""The slow, plain version of ``PersonMesh.evaluate``, which the tests compare the kernels with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.motion import clamp
from vultus.person.correctives import DRIVERS
from vultus.person.mesh import PersonMesh

Doubles = NDArray[np.float64]


def joint_matrices(mesh: PersonMesh, row: Doubles, body: Doubles | None = None) -> Doubles:
    """World transforms [J, 4, 4] of the joints for one frame [69] and body rotation vectors [J, 3]."""
    names = mesh.joints.names
    turns = {name: np.zeros(3) for name in names} if body is None else dict(zip(names, body, strict=True))
    turns |= dict.fromkeys(("neck", "neck2", "neck3"), row[ch.NECK] / 3)
    turns |= {"head": row[ch.HEAD], "leftEye": row[ch.EYE_LEFT], "rightEye": row[ch.EYE_RIGHT]}
    world = np.zeros((len(names), 4, 4))
    for j, (name, parent) in enumerate(zip(names, mesh.joints.parents, strict=True)):
        local = np.eye(4)
        local[:3, :3] = rotations.to_matrix(turns[name])
        local[:3, 3] = mesh.joints.positions[j] - local[:3, :3] @ mesh.joints.positions[j]
        if parent < 0:
            local[:3, 3] += row[ch.TRANSLATION]
        world[j] = local if parent < 0 else world[parent] @ local
    return world


def evaluate(mesh: PersonMesh, row: NDArray[np.float32], body: Doubles | None = None) -> Doubles:
    """The vertices [V, 3] of one frame [69]: expressions, lids, skinning, then subdivision, in float64."""
    top = mesh.topology
    clean = clamp(row[None])[0].astype(np.float64)
    pairs = clean[DRIVERS].prod(axis=1)
    weights = mesh.all_gains * np.concatenate([clean[ch.EXPRESSION], clean[ch.TONGUES], pairs])
    points = mesh.coarse + np.tensordot(weights, mesh.expression.astype(np.float64), 1)
    index, eye, place, centres = mesh.sliding
    out = points[index] - centres[eye]
    away = np.linalg.norm(out, axis=1)
    share, rest, least = place.astype(np.float64).T
    points[index] = centres[eye] + out * (np.maximum(away + share * (rest - away), least) / away)[:, None]
    world = joint_matrices(mesh, clean, body)
    moved = np.einsum("vkab,vb->vka", world[top.skin_joints][:, :, :3, :3], points) + world[top.skin_joints][..., :3, 3]
    coarse = (moved * top.skin_weights[..., None]).sum(axis=1)
    return coarse if top.matrix is None else np.asarray(top.matrix.astype(np.float64) @ coarse)
