"""A person's mesh for engines: one UV a vertex, parted by material, on the joints that a Motion turns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vultus.mesh import Primitive, Skeleton, split_seams
from vultus.person.mesh import PersonMesh
from vultus.person.pack import PART_NAMES

Floats = NDArray[np.float32]

TURNED = ("neck", "neck2", "neck3", "head", "leftEye", "rightEye")
"""The joints of the person that a Motion turns."""
_MATERIALS: tuple[tuple[Primitive, tuple[str, ...]], ...] = (
    (Primitive(0, 1, "skin", roughness=0.55), ("skin", "hairCap")),
    (Primitive(0, 1, "eyes", roughness=0.08), ("eyeLeft", "eyeRight")),
    (Primitive(0, 1, "mouth", roughness=0.25), ("tongue", "teethUpper", "teethLower")),
    (Primitive(0, 1, "shirt", roughness=0.9, double_sided=True), ("shirt",)),
)
_MATERIAL_OF = {part: i for i, (_, parts) in enumerate(_MATERIALS) for part in parts}


@dataclass(frozen=True, eq=False)
class Body:
    """What ``mesh.Model`` wants of a person without hair: see there; ``source`` int [V] is the vertex of the person's
    mesh that each one comes from."""

    vertices: Floats
    triangles: NDArray[np.int32]
    uv: Floats
    source: NDArray[np.intp]
    primitives: tuple[Primitive, ...]
    skeleton: Skeleton
    joints: NDArray[np.uint16]
    weights: Floats


def body(mesh: PersonMesh, vertices: Floats, uv: Floats) -> Body:
    """The person *mesh* at rest at *vertices* [V, 3], with the texture coordinates *uv* [VT, 2] whose v points up."""
    materials = np.array([_MATERIAL_OF.get(PART_NAMES[p], -1) for p in mesh.part])
    order = np.argsort(materials, kind="stable")[np.count_nonzero(materials < 0) :]
    places, triangles, uv, source = split_seams(vertices, mesh.triangles[order], uv, mesh.uv_triangles[order])
    skeleton, joints, weights = _skeleton(mesh)
    return Body(
        places, triangles, np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1), source, _primitives(mesh.part[order]), skeleton,
        joints[source], weights[source],
    )  # fmt: skip


def _primitives(part: NDArray[np.int32]) -> tuple[Primitive, ...]:
    """One primitive for each material, over triangles sorted by material."""
    counts = np.bincount([_MATERIAL_OF[PART_NAMES[p]] for p in part], minlength=len(_MATERIALS))
    first = np.concatenate([[0], np.cumsum(counts)])
    return tuple(
        replace(material, first=int(first[i]), count=int(counts[i]))
        for i, (material, _) in enumerate(_MATERIALS)
        if counts[i]
    )


def _skeleton(mesh: PersonMesh) -> tuple[Skeleton, NDArray[np.uint16], Floats]:
    """Skeleton and skin [V, 4] with the joints from the root to the eyes; weights of others go to their parents."""
    joints = mesh.joints
    kept: list[int] = []
    for name in TURNED:
        chain = [joints.names.index(name)]
        while (parent := int(joints.parents[chain[-1]])) >= 0:
            chain.append(parent)
        kept += [j for j in reversed(chain) if j not in kept]
    kept.sort()
    home = np.zeros(len(joints.names), np.int64)
    for j in range(len(joints.names)):
        home[j] = kept.index(j) if j in kept else home[joints.parents[j]]
    dense = np.zeros((len(mesh.neutral), len(kept)), np.float32)
    rows = np.arange(len(dense))[:, None]
    # The topology's eight joints a vertex, not the four for files: most of them are the same one here.
    np.add.at(dense, (rows, home[mesh.topology.skin_joints]), mesh.topology.skin_weights)
    order = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense, order, 1)
    parents = tuple(int(home[joints.parents[j]]) if joints.parents[j] >= 0 else -1 for j in kept)
    names = tuple(joints.names[j] for j in kept)
    return (
        Skeleton(names, parents, joints.positions[kept]),
        order.astype(np.uint16),
        weights / weights.sum(axis=1, keepdims=True),
    )
