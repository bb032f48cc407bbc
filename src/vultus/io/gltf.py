"""Faces and their motion as binary glTF 2.0 (.glb), with the names that engines expect.

Morph targets are named in ``mesh.extras.targetNames`` (the 52 of ARKit, then the two tongue shapes, then others);
joints are nodes with a translation each; the animation "motion" holds the weights, the rotations of the joints that
move, and the translation of the root. ``asset.extras`` carries our format, version, and what glTF has no place for:
frame rate, start, the joints' own names and the channels that were not observed. Reading is in ``gltf_read``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError, unknown
from vultus.io import names as naming
from vultus.io.files import atomic
from vultus.io.glb import INDICES, VERTICES, Builder
from vultus.io.gltf_read import read
from vultus.mesh import Model, Skeleton, normals
from vultus.motion import Motion, concatenate

__all__ = ["FORMAT", "VERSION", "read", "write"]

FORMAT: Final = "vultus.gltf"
VERSION: Final = 1
Floats = NDArray[np.float32]


def write(
    path: str | Path,
    model: Model,
    motion: Motion | Iterable[Motion] | None = None,
    visemes: bool = False,
    names: Literal["vultus", "vrm", "mixamo"] = "vultus",
    image: Literal["png", "jpeg"] = "png",
) -> None:
    """Write *model*, moved by *motion* (or chunks of it, or else by ``model.animation``), to a .glb.

    *visemes* adds the 15 visemes of Oculus LipSync as targets ``viseme_sil``, ``viseme_PP``, … made from the model's
    shapes by ``names.VISEMES``. *names* chooses the joints' names (VRM humanoid bones, Mixamo's rig, or the model's
    own). *image* is how the texture is stored: "png" without loss, "jpeg" smaller. Without a skeleton the face turns
    as a whole about its origin. Raises VultusError on unknown names and when the file cannot be written.
    """
    if names not in naming.JOINT_NAMES:
        raise unknown("set of joint names", names, naming.JOINT_NAMES)
    if image not in ("png", "jpeg"):
        raise unknown("image format", image, ("png", "jpeg"))
    if motion is None:
        motion = model.animation
    elif not isinstance(motion, Motion):
        motion = concatenate(list(motion))
    extras: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    builder = Builder({"asset": {"version": "2.0", "generator": "Vultus", "extras": extras}})
    targets = _targets(model, visemes)
    mesh = _mesh(builder, model, targets, _materials(builder, model, image))
    root = builder.add("nodes", {"name": model.name or "face"})
    if model.skeleton is not None:
        extras["joints"] = list(model.skeleton.names)
        body = {"name": "mesh", "mesh": mesh, "skin": _skin(builder, model.skeleton, root, naming.JOINT_NAMES[names])}
        roots = [root, builder.add("nodes", body)]
    else:
        builder.document["nodes"][root]["children"] = [builder.add("nodes", {"name": "mesh", "mesh": mesh})]
        roots = [root]
    if motion is not None:
        _animate(builder, model, motion, list(targets))
        extras["fps"], extras["start"] = motion.fps.as_integer_ratio(), motion.start.as_integer_ratio()
        extras["unobserved"] = [name for i, name in enumerate(ch.CHANNELS) if not motion.valid[:, i].any()]
    builder.document |= {"scenes": [{"nodes": roots}], "scene": 0}
    with atomic(path) as temporary:
        builder.save(temporary)


def _targets(model: Model, visemes: bool) -> dict[str, Floats]:
    """Targets in the order of the file: ARKit, tongue, the model's others, visemes."""
    known = [name for name in (*ch.ARKIT, *ch.TONGUE) if name in model.targets]
    targets = {name: model.targets[name] for name in (*known, *model.targets)}
    for viseme, mix in naming.VISEMES.items() if visemes else ():
        total = np.zeros(model.vertices.shape, np.float32)
        for name, weight in mix.items():
            if name in model.targets:
                total += np.float32(weight) * model.targets[name]
        targets[f"viseme_{viseme}"] = total
    return targets


def _materials(builder: Builder, model: Model, image: str) -> list[int]:
    """One material a primitive, all with the model's texture; their indices."""
    if model.texture is not None:
        picture = {"mimeType": f"image/{image}", "bufferView": builder.view(_encode(model.texture, image))}
        builder.add("samplers", {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071})
        builder.add("textures", {"sampler": 0, "source": builder.add("images", picture)})
    found = []
    for part in model.primitives:
        surface: dict[str, Any] = {
            "baseColorFactor": list(part.colour), "metallicFactor": 0, "roughnessFactor": part.roughness,
        }  # fmt: skip
        if part.textured and model.texture is not None:
            surface["baseColorTexture"] = {"index": 0}
        material: dict[str, Any] = {"name": part.name, "pbrMetallicRoughness": surface}
        if part.alpha != "opaque":
            material["alphaMode"] = part.alpha.upper()
        if part.double_sided:
            material["doubleSided"] = True
        found.append(builder.add("materials", material))
    return found


def _encode(texture: NDArray[np.uint8], image: str) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    options: dict[str, Any] = {"quality": 92} if image == "jpeg" else {}
    # JPEG has no opacity.
    Image.fromarray(texture if image == "png" else texture[..., :3]).save(stream, image, **options)
    return stream.getvalue()


def _mesh(builder: Builder, model: Model, targets: dict[str, Floats], materials: list[int]) -> int:
    attributes = {
        "POSITION": builder.accessor(model.vertices, VERTICES, limits=True),
        "NORMAL": builder.accessor(normals(model.vertices, model.triangles), VERTICES),
        "TEXCOORD_0": builder.accessor(model.uv, VERTICES),
    }
    if model.skin_joints is not None and model.skin_weights is not None:
        joints, weights = _tidy(model.skin_joints, model.skin_weights)
        attributes["JOINTS_0"] = builder.accessor(joints, VERTICES)
        attributes["WEIGHTS_0"] = builder.accessor(weights, VERTICES)
    displacements = [{"POSITION": builder.displacements(target)} for target in targets.values()]
    kind = np.uint16 if len(model.vertices) < 65536 else np.uint32
    primitives = []
    for part, material in zip(model.primitives, materials, strict=True):
        rows = model.triangles[part.first : part.first + part.count].ravel().astype(kind)
        item = {"attributes": attributes, "indices": builder.accessor(rows, INDICES), "material": material}
        primitives.append(item | ({"targets": displacements} if displacements else {}))
    mesh: dict[str, Any] = {"name": model.name or "face", "primitives": primitives}
    if targets:
        mesh |= {"weights": [0] * len(targets), "extras": {"targetNames": list(targets)}}
    return builder.add("meshes", mesh)


def _tidy(joints: NDArray[np.uint16], weights: Floats) -> tuple[NDArray[np.uint16], Floats]:
    """Skin joints and weights [V, 4] as glTF wants them: no joint twice, joint 0 at weight 0, sums of 1."""
    weights = weights.copy()
    for k in range(1, 4):
        for earlier in range(k):
            twice = (joints[:, k] == joints[:, earlier]) & (weights[:, earlier] > 0)
            weights[twice, earlier] += weights[twice, k]
            weights[twice, k] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > 0, joints, 0).astype(np.uint16), weights


def _skin(builder: Builder, skeleton: Skeleton, root: int, table: dict[str, str]) -> int:
    """Joint nodes below *root*, which stands at the origin; the index of their skin."""
    places = skeleton.positions.astype(np.float64)
    first = len(builder.document["nodes"])
    for i, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        local = places[i] - (places[parent] if parent >= 0 else 0)
        shown = table.get(naming.joint(name), name)
        builder.add("nodes", {"name": shown, "translation": local.tolist()})
        above = builder.document["nodes"][first + parent if parent >= 0 else root]
        above.setdefault("children", []).append(first + i)
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(places), 1, 1))
    inverse[:, :3, 3] = -skeleton.positions
    return builder.add(
        "skins",
        {
            "joints": list(range(first, first + len(places))),
            "inverseBindMatrices": builder.accessor(inverse),
            "skeleton": root,
        },
    )


def _animate(builder: Builder, model: Model, motion: Motion, targets: list[str]) -> None:
    """The animation "motion" of morph weights, joints and root."""
    times = (np.arange(len(motion)) / float(motion.fps)).astype(np.float32)
    clock = builder.accessor(times, limits=True)
    samplers: list[dict[str, Any]] = []
    tracks: list[dict[str, Any]] = []

    def track(node: int, kind: str, values: NDArray[Any]) -> None:
        output = builder.accessor(values.astype(np.float32))
        tracks.append({"sampler": len(samplers), "target": {"node": node, "path": kind}})
        samplers.append({"input": clock, "output": output, "interpolation": "LINEAR"})

    nodes = builder.document["nodes"]
    mesh = next(i for i, node in enumerate(nodes) if "mesh" in node)
    weights = np.zeros((len(motion), len(targets)), np.float32)
    for column, name in enumerate(targets):
        if name in ch.INDEX:
            weights[:, column] = motion[name]
    if targets:
        track(mesh, "weights", weights.ravel())
    for node, turn in _rotations(builder, model.skeleton, motion, mesh).items():
        if turn.any():
            track(node, "rotation", _continuous(rotations.to_quaternion(turn)))
    root = next(i for i, node in enumerate(nodes) if "children" in node)
    if motion.translation.any() or not tracks:
        track(root, "translation", motion.translation)
    builder.add("animations", {"name": "motion", "samplers": samplers, "channels": tracks})


def _rotations(
    builder: Builder, skeleton: Skeleton | None, motion: Motion, mesh: int
) -> dict[int, NDArray[np.floating[Any]]]:
    """Node -> rotation vectors [T, 3]; a missing neck or head hands its rotation to the other."""
    whole = rotations.compose(motion.neck, motion.head)
    if skeleton is None:
        return {mesh: whole}
    first = builder.document["skins"][0]["joints"][0]
    node = {naming.joint(name): first + i for i, name in reversed(list(enumerate(skeleton.names)))}
    necks = [name for name in naming.NECKS if name in node]
    if "head" not in node and not necks:
        raise VultusError("The skeleton has no head joint for the motion to turn", "Name one 'head'")
    turns: dict[str, NDArray[np.floating[Any]]] = {"leftEye": motion.eye_left, "rightEye": motion.eye_right}
    turns["head"] = motion.head if necks else whole
    turns |= dict.fromkeys(necks, (motion.neck if "head" in node else whole) / max(len(necks), 1))
    for j, name in enumerate(motion.body.joints if motion.body else ()):
        if motion.body is not None:
            turns.setdefault(naming.joint(name), motion.body.rotations[:, j])
    return {node[name]: turn for name, turn in turns.items() if name in node}


def _continuous(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternions [T, 4] with signs such that neighbours lie on the short arc, which players interpolate along."""
    flips = np.sum(quaternion[1:] * quaternion[:-1], axis=1) < 0
    return quaternion * np.cumprod(np.concatenate([[1.0], np.where(flips, -1.0, 1.0)]))[:, None]
