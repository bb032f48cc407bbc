"""The node tree of a glTF file at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus import rotations
from vultus.errors import VultusError
from vultus.io import names as naming
from vultus.io.glb import Document, pick

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """Nodes with their parents (-1 for roots) and world matrices at rest; which carry meshes, which are joints.

    ``joints`` are node indices, parents first; ``joint_names`` are our names for them; ``ours`` is true for files
    that this library wrote, whose ``extras`` then say more.
    """

    nodes: list[dict[str, Any]]
    parents: list[int]
    world: list[Array]
    meshes: list[int]
    joints: list[int]
    joint_names: tuple[str, ...]
    extras: dict[str, Any]
    ours: bool
    skins: list[dict[str, Any]]

    @classmethod
    def of(cls, document: Document) -> Scene:
        """Walk the tree once; raises VultusError when it is none."""
        nodes = document.items("nodes")
        parents = [-1] * len(nodes)
        for i, node in enumerate(nodes):
            for child in node.get("children", ()):
                pick(nodes, child)
                if parents[child] != -1 or child == i:
                    raise VultusError("Its nodes do not form a tree")
                parents[child] = i
        world: list[Array | None] = [None] * len(nodes)
        order: list[int] = []
        todo = [i for i, parent in enumerate(parents) if parent < 0]
        while todo:
            i = todo.pop()
            order.append(i)
            above = world[parents[i]] if parents[i] >= 0 else None
            world[i] = local_matrix(nodes[i]) if above is None else above @ local_matrix(nodes[i])
            todo.extend(nodes[i].get("children", ()))
        if len(order) < len(nodes):
            raise VultusError("Its nodes do not form a tree")
        skins = document.items("skins")
        meshes = [i for i, node in enumerate(nodes) if "mesh" in node]
        for i in meshes:
            pick(document.items("meshes"), nodes[i]["mesh"])
        used = {joint for i in meshes if "skin" in nodes[i] for joint in pick(skins, nodes[i]["skin"])["joints"]}
        first = [joint for skin in skins for joint in skin["joints"] if joint in used]
        for joint in first:
            pick(nodes, joint)
        depth = {node: place for place, node in enumerate(order)}
        listed = list(dict.fromkeys(first))
        # The file's own order where it has parents first, as ours do.
        seen = {node: k for k, node in enumerate(listed)}
        if any(seen.get(parents[node], -1) > k for node, k in seen.items()):
            listed.sort(key=depth.__getitem__)
        extras = document.json["asset"].get("extras", {})
        extras = extras if isinstance(extras, dict) else {}
        ours = extras.get("format") == "vultus.gltf"
        if ours and extras.get("version", 0) > 1:
            raise VultusError("It comes from a newer Vultus", "Update Vultus")
        matrices = [matrix for matrix in world if matrix is not None]
        names = _joint_names(nodes, listed, extras if ours else {})
        return cls(nodes, parents, matrices, meshes, listed, names, extras, ours, skins)

    def mesh(self, node: int) -> int:
        """The mesh that *node* carries."""
        return int(self.nodes[node]["mesh"])

    def skin(self, node: int) -> dict[str, Any] | None:
        """The skin of *node*."""
        return self.skins[self.nodes[node]["skin"]] if "skin" in self.nodes[node] else None

    def above(self, node: int) -> Array:
        """The world matrix of *node*'s parent."""
        return self.world[self.parents[node]] if self.parents[node] >= 0 else np.eye(4)


def _joint_names(nodes: list[dict[str, Any]], joints: list[int], extras: dict[str, Any]) -> tuple[str, ...]:
    own = extras.get("joints")
    if isinstance(own, list) and len(own) == len(joints):
        return tuple(str(name) for name in own)
    names: list[str] = []
    for node in joints:
        given = str(nodes[node].get("name", f"joint{node}"))
        ours = naming.joint(given)
        names.append(next(n for n in (ours, given, f"{given}.{node}") if n not in names))
    return tuple(names)


def local_matrix(node: dict[str, Any]) -> Array:
    """The 4x4 matrix of one node: its own, or from translation, rotation and scale."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        matrix = np.eye(4)
        turn = rotations.from_quaternion(np.array(node.get("rotation", (0, 0, 0, 1)), np.float64).reshape(4))
        matrix[:3, :3] = rotations.to_matrix(turn) * np.array(node.get("scale", (1, 1, 1)), np.float64).reshape(3)
        matrix[:3, 3] = np.array(node.get("translation", (0, 0, 0)), np.float64).reshape(3)
    if not np.isfinite(matrix).all():
        raise VultusError("A node of it stands nowhere")
    return matrix
