"""Reading of glTF 2.0: our own files exactly, those of others as far as a face can be made of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.io import names as naming
from vultus.io.files import check_readable
from vultus.io.glb import Document, data_uri, load, natural, pick
from vultus.io.gltf_motion import motion as read_motion
from vultus.io.gltf_scene import Scene
from vultus.mesh import Model, Primitive, Skeleton
from vultus.motion import Motion

Floats = NDArray[np.float32]
MAX_VALUES = 1 << 30  # vertices times targets


def read(path: str | Path) -> tuple[Model, Motion | None]:
    """The model in a .glb (or a .gltf with data URIs), and its first animation as a Motion, or None.

    The meshes of all nodes become one, in the pose of rest; targets, joints and shapes get our names where they are
    known. Of an animation whose keys do not lie on one grid, values are interpolated. Files that need other files,
    Draco or meshopt compression are refused. Raises VultusError.
    """
    path = check_readable(path, "glTF file")
    try:
        document = load(path)
        scene = Scene.of(document)
        model = _model(document, scene)
        found = read_motion(document, scene, model.skeleton)
    except VultusError as error:
        raise VultusError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise VultusError(f"{path} is damaged, or not a glTF file that follows the standard") from error
    if found is not None:
        values = {name: getattr(model, name) for name in model.__dataclass_fields__}
        model = Model(**(values | {"animation": found}))
    return model, found


@dataclass(frozen=True, eq=False)
class _Part:
    """The vertices that some primitives of one node share, with those primitives' triangles."""

    vertices: Floats
    uv: Floats
    targets: dict[str, Floats]
    joints: NDArray[np.uint16]
    weights: Floats
    triangles: list[tuple[NDArray[np.int64], Primitive]]


def _model(document: Document, scene: Scene) -> Model:
    parts = [part for node in scene.meshes for part in _parts(document, scene, node)]
    if not parts:
        raise VultusError("There is no triangle mesh in it")
    names = list(dict.fromkeys(name for part in parts for name in part.targets))
    total = sum(len(part.vertices) for part in parts)
    if total * max(len(names), 1) > MAX_VALUES:
        raise VultusError("Its meshes are too large for a face")
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    targets = {}
    for name in names:
        targets[name] = np.zeros((total, 3), np.float32)
        for part, start in zip(parts, starts, strict=False):
            if name in part.targets:
                targets[name][start : start + len(part.vertices)] = part.targets[name]
    triangles: list[NDArray[np.int64]] = []
    primitives: list[Primitive] = []
    row = 0
    for part, start in zip(parts, starts, strict=False):
        for rows, look in part.triangles:
            triangles.append(rows + start)
            values = {name: getattr(look, name) for name in look.__dataclass_fields__}
            primitives.append(Primitive(**(values | {"first": row, "count": len(rows)})))
            row += len(rows)
    skeleton = _skeleton(scene)
    return Model(
        name=str(document.items("meshes")[scene.mesh(scene.meshes[0])].get("name", "face")),
        vertices=np.concatenate([part.vertices for part in parts]),
        triangles=np.concatenate(triangles).astype(np.int32),
        uv=np.concatenate([part.uv for part in parts]),
        targets=targets,
        skeleton=skeleton,
        skin_joints=np.concatenate([part.joints for part in parts]) if skeleton else None,
        skin_weights=np.concatenate([part.weights for part in parts]) if skeleton else None,
        texture=_texture(document),
        primitives=tuple(primitives),
    )


def _skeleton(scene: Scene) -> Skeleton | None:
    if not scene.joints:
        return None
    order = {node: i for i, node in enumerate(scene.joints)}
    parents = []
    for node in scene.joints:
        above = scene.parents[node]
        while above >= 0 and above not in order:
            above = scene.parents[above]
        parents.append(order.get(above, -1))
    positions = np.stack([scene.world[node][:3, 3] for node in scene.joints])
    return Skeleton(scene.joint_names, tuple(parents), positions.astype(np.float32))


def _parts(document: Document, scene: Scene, node: int) -> list[_Part]:
    """The meshes of *node*, one for each set of vertices."""
    mesh = document.items("meshes")[scene.mesh(node)]
    groups: dict[str, list[dict[str, Any]]] = {}
    for primitive in mesh["primitives"]:
        if primitive.get("mode", 4) == 4:
            groups.setdefault(repr((primitive["attributes"], primitive.get("targets"))), []).append(primitive)
    return [_part(document, scene, node, mesh, group) for group in groups.values()]


def _part(document: Document, scene: Scene, node: int, mesh: dict[str, Any], group: list[dict[str, Any]]) -> _Part:
    attributes = group[0]["attributes"]
    points = document.accessor(attributes["POSITION"]).astype(np.float32)
    count = len(points)
    uv = document.accessor(attributes["TEXCOORD_0"]) if "TEXCOORD_0" in attributes else np.zeros((count, 2))
    labels = mesh.get("extras", {}).get("targetNames") or group[0].get("extras", {}).get("targetNames") or []
    targets: dict[str, Floats] = {}
    for i, target in enumerate(group[0].get("targets", ())):
        label = str(labels[i]) if i < len(labels) else f"morph_{i}"
        name = naming.shape(label) or label
        if scene.ours and name.startswith("viseme_"):
            continue  # they are made again on writing
        name = name if name not in targets else label
        if "POSITION" in target:
            targets[name] = document.accessor(target["POSITION"]).astype(np.float32)
        else:
            targets[name] = np.zeros_like(points)
        if targets[name].shape != points.shape:
            raise VultusError(f"Its target {label} does not fit the mesh")
    joints, weights = _weights(document, scene, node, attributes, count)
    change = _bind_change(document, scene, node, joints, weights)
    if change is not None:
        points = (_apply(change[..., :3, :3], points) + change[..., :3, 3]).astype(np.float32)
        targets = {name: _apply(change[..., :3, :3], target).astype(np.float32) for name, target in targets.items()}
    triangles = [(_triangles(document, item, count), _look(document, item)) for item in group]
    return _Part(points, uv.astype(np.float32), targets, joints, weights, triangles)


def _apply(matrices: NDArray[np.float64], points: Floats) -> NDArray[np.float64]:
    """One matrix [3, 3], or one a point [V, 3, 3], on points [V, 3]."""
    moved: NDArray[np.float64] = (matrices @ points[..., None].astype(np.float64))[..., 0]
    return moved


def _triangles(document: Document, primitive: dict[str, Any], count: int) -> NDArray[np.int64]:
    rows = document.accessor(primitive["indices"]).astype(np.int64) if "indices" in primitive else np.arange(count)
    if rows.ndim != 1 or rows.size % 3 or rows.size == 0 or rows.max() >= count:
        raise VultusError("Its triangles do not fit the vertices")
    return rows.reshape(-1, 3)


def _weights(
    document: Document, scene: Scene, node: int, attributes: dict[str, Any], count: int
) -> tuple[NDArray[np.uint16], Floats]:
    """Skin joints [V, 4] as rows of ``scene.joints`` and weights [V, 4] that sum to 1."""
    joints, weights = np.zeros((count, 4), np.uint16), np.zeros((count, 4), np.float32)
    weights[:, 0] = 1
    skin = scene.skin(node)
    if skin is not None and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes:
        order = np.array([scene.joints.index(joint) for joint in skin["joints"]], np.uint16)
        local, given = document.accessor(attributes["JOINTS_0"]), document.accessor(attributes["WEIGHTS_0"])
        if local.shape != joints.shape or given.shape != weights.shape or local.max() >= len(order):
            raise VultusError("Its skin does not fit the mesh")
        given = np.maximum(given.astype(np.float32), 0)
        total = given.sum(axis=1, keepdims=True)
        weights = np.where(total > 0, given / np.where(total > 0, total, 1), weights).astype(np.float32)
        joints = np.where(weights > 0, order[local.astype(np.int64)], 0).astype(np.uint16)
    elif scene.joints:
        above = node
        while above >= 0 and above not in scene.joints:
            above = scene.parents[above]
        joints[:, 0] = scene.joints.index(above) if above >= 0 else 0
    return joints, weights


def _bind_change(
    document: Document, scene: Scene, node: int, joints: NDArray[np.uint16], weights: Floats
) -> NDArray[np.float64] | None:
    """What takes the mesh's vertices to the pose of rest: one matrix, one a vertex [V, 4, 4], or None for none."""
    skin = scene.skin(node)
    if skin is None:
        return None if np.allclose(scene.world[node], np.eye(4), atol=1e-6) else scene.world[node]
    places = np.stack([scene.world[joint] for joint in scene.joints])
    if "inverseBindMatrices" in skin:
        inverse = document.accessor(skin["inverseBindMatrices"]).astype(np.float64)
        for joint, matrix in zip(skin["joints"], inverse, strict=True):
            row = scene.joints.index(joint)
            places[row] = scene.world[joint] @ matrix
    if np.allclose(places[np.unique(joints)], np.eye(4), atol=1e-5):
        return None
    blended: NDArray[np.float64] = np.einsum("vk,vkij->vij", weights, places[joints])
    return blended


def _look(document: Document, primitive: dict[str, Any]) -> Primitive:
    """The material of *primitive*; its rows are filled in later."""
    if "material" not in primitive:
        return Primitive(0, 1, textured=False)
    material = pick(document.items("materials"), primitive["material"])
    surface = material.get("pbrMetallicRoughness", {})
    colour = [min(max(float(c), 0.0), 1.0) for c in surface.get("baseColorFactor", (1, 1, 1, 1))]
    modes: dict[str, Any] = {"MASK": "mask", "BLEND": "blend"}
    return Primitive(
        0,
        1,
        name=str(material.get("name", "skin")),
        alpha=modes.get(material.get("alphaMode", "OPAQUE"), "opaque"),
        double_sided=bool(material.get("doubleSided", False)),
        colour=(colour[0], colour[1], colour[2], colour[3]),
        roughness=min(max(float(surface.get("roughnessFactor", 1)), 0.0), 1.0),
        textured="baseColorTexture" in surface,
    )


def _texture(document: Document) -> NDArray[np.uint8] | None:
    """The first base colour texture as sRGB [H, W, 3], or [H, W, 4] where it has opacity."""
    from PIL import Image

    for material in document.items("materials"):
        reference = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
        if reference is None:
            continue
        source = pick(document.items("textures"), reference["index"]).get("source")
        if source is None:
            continue
        image = pick(document.items("images"), source)
        if "bufferView" in image:
            data = bytes(document.view(natural(image["bufferView"]))[0])
        else:
            data = data_uri(image.get("uri"))
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
                return np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"), np.uint8)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise VultusError("Its texture cannot be read", "Embed it as PNG or JPEG") from error
    return None
