"""Binary glTF: an exact inverse, valid by our own strict checks, by Khronos' validator and for other readers."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.io import glb, gltf, names
from vultus.mesh import Model, Primitive, Skeleton, normals, split_seams
from vultus.motion import BodyPose, Motion

SHAPES = (*ch.ARKIT, *ch.TONGUE)


def sphere(rings: int = 9, sides: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head-sized ball with a UV seam, standing 1.6 m high: vertices, triangles, uv."""
    v, u = (grid.ravel() for grid in np.mgrid[0 : 1 : rings * 1j, 0 : 1 : (sides + 1) * 1j])
    around, down = 2 * np.pi * u, np.pi * (0.02 + 0.96 * v)
    points = 0.1 * np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], axis=1)
    points[:: sides + 1] = points[sides :: sides + 1]  # the seam's two sides lie at the same place
    i, j = (grid.ravel() for grid in np.mgrid[0 : rings - 1, 0:sides])
    a = i * (sides + 1) + j
    b, c, d = a + 1, a + sides + 1, a + sides + 2
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return (
        (points + np.array([0, 1.6, 0])).astype(np.float32),
        faces.astype(np.int32),
        np.stack([u, v], 1).astype(np.float32),
    )


def make_model(seed: int = 0, *, skeleton: bool = True, texture: bool = True, rings: int = 9, sides: int = 12) -> Model:
    rng = np.random.default_rng(seed)
    vertices, triangles, uv = sphere(rings, sides)
    targets = {}
    for k, name in enumerate(SHAPES):
        displacement = rng.normal(0, 0.01, vertices.shape).astype(np.float32)
        displacement[rng.uniform(size=len(vertices)) > (0.1 if k % 3 else 0.95)] = 0
        targets[name] = displacement if k != 5 else np.zeros_like(displacement)
    bones: dict[str, Any] = {}
    if skeleton:
        places = np.array([[0, 1, 0], [0, 1.5, -0.01], [0, 1.6, 0], [0.03, 1.63, 0.08], [-0.03, 1.63, 0.08]])
        weights = rng.uniform(0.1, 1, (len(vertices), 4)).astype(np.float32)
        weights[::2, 2:] = 0
        bones = {
            "skeleton": Skeleton(("chest", "neck", "head", "leftEye", "rightEye"), (-1, 0, 1, 2, 2), places),
            "skin_joints": np.stack([rng.permutation(5)[:4] for _ in vertices]),
            "skin_weights": weights / weights.sum(1, keepdims=True),
        }
    half = len(triangles) // 2
    return Model(
        "person", vertices, triangles, uv, targets,
        texture=rng.integers(0, 256, (8, 16, 3)).astype(np.uint8) if texture else None,
        primitives=(
            Primitive(0, half, "skin", textured=texture),
            Primitive(half, len(triangles) - half, "hair", "mask", True, (0.5, 0.25, 1, 0.5), 0.75, False),
        ),
        **bones,
    )  # fmt: skip


def make_motion(frames: int = 20, seed: int = 1, fps: Fraction | int = 30) -> Motion:
    rng = np.random.default_rng(seed)
    data = rng.uniform(ch.LOW, ch.HIGH, (frames, len(ch.CHANNELS))).astype(np.float32)
    valid = np.ones(data.shape, bool)
    valid[:, [ch.INDEX["tongueOut"], ch.INDEX["translationY"]]] = False
    return Motion(data, Fraction(fps), Fraction(1, 3), valid)


def assert_same_model(a: Model, b: Model) -> None:
    for key in ("vertices", "triangles", "uv", "texture"):
        first, second = getattr(a, key), getattr(b, key)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_array_equal(first, second, err_msg=key)
    assert list(a.targets) == list(b.targets)
    for name, target in a.targets.items():
        np.testing.assert_array_equal(target, b.targets[name], err_msg=name)
    assert (a.name, a.primitives) == (b.name, b.primitives)
    assert (a.skeleton is None) == (b.skeleton is None)
    if a.skeleton and b.skeleton and a.skin_weights is not None and b.skin_weights is not None:
        assert (a.skeleton.names, a.skeleton.parents) == (b.skeleton.names, b.skeleton.parents)
        np.testing.assert_array_equal(a.skeleton.positions, b.skeleton.positions)
        np.testing.assert_allclose(a.skin_weights, b.skin_weights, atol=1e-6)
        used = a.skin_weights > 0
        np.testing.assert_array_equal(np.asarray(a.skin_joints)[used], np.asarray(b.skin_joints)[used])


def assert_same_motion(a: Motion, b: Motion) -> None:
    assert (a.fps, a.start, len(a)) == (b.fps, b.start, len(b))
    np.testing.assert_allclose(a.data, b.data, atol=2e-6)
    np.testing.assert_array_equal(a.expression[:, 14:], b.expression[:, 14:])
    np.testing.assert_array_equal(a.valid.any(axis=0), b.valid.any(axis=0))


@pytest.mark.parametrize("style", ["vultus", "vrm", "mixamo"])
@pytest.mark.parametrize("visemes", [False, True])
def test_inverse(tmp_path: Path, style: Any, visemes: bool) -> None:
    model, motion = make_model(), make_motion()
    gltf.write(tmp_path / "a.glb", model, motion, visemes=visemes, names=style)
    read, moved = gltf.read(tmp_path / "a.glb")
    assert_same_model(model, read)
    assert moved is not None
    assert read.animation is moved
    assert_same_motion(motion, moved)
    strict(tmp_path / "a.glb")


def test_plain_models_and_still_ones(tmp_path: Path) -> None:
    model = make_model(skeleton=False, texture=False)
    gltf.write(tmp_path / "a.glb", model)
    read, moved = gltf.read(tmp_path / "a.glb")
    assert_same_model(model, read)
    assert moved is None
    strict(tmp_path / "a.glb")
    gltf.write(tmp_path / "b.glb", replace(model, targets={}), Motion.neutral(3, 25))
    read, moved = gltf.read(tmp_path / "b.glb")
    assert not read.targets
    assert moved is not None
    assert (len(moved), moved.fps) == (3, 25)
    strict(tmp_path / "b.glb")


def test_face_without_skeleton_turns_as_a_whole(tmp_path: Path) -> None:
    motion = Motion.of(30, neck=[[0.1, 0.2, 0.0]] * 4, head=[[0.0, 0.1, 0.3]] * 4, translation=[[0.1, 0, 0]] * 4)
    gltf.write(tmp_path / "a.glb", make_model(skeleton=False), motion)
    moved = gltf.read(tmp_path / "a.glb")[1]
    assert moved is not None
    np.testing.assert_allclose(moved.head, rotations.compose(motion.neck, motion.head), atol=1e-6)
    np.testing.assert_allclose(moved.translation, motion.translation, atol=1e-7)


def test_skeleton_without_neck_or_head(tmp_path: Path) -> None:
    model, motion = make_model(), make_motion(4)
    assert model.skeleton is not None
    bones = replace(model.skeleton, names=("chest", "spine", "head", "eyeLeft", "eyeRight"))
    motion = motion.replace(data=motion.data * np.float32(0.4))
    gltf.write(tmp_path / "a.glb", replace(model, skeleton=bones), motion)
    moved = gltf.read(tmp_path / "a.glb")[1]
    assert moved is not None
    np.testing.assert_allclose(moved.head, rotations.compose(motion.neck, motion.head), atol=1e-5)
    headless = replace(model.skeleton, names=("a", "b", "c", "d", "e"))
    with pytest.raises(VultusError, match="head"):
        gltf.write(tmp_path / "b.glb", replace(model, skeleton=headless), motion)
    assert not (tmp_path / "b.glb").exists()


def test_several_neck_joints_share_the_rotation(tmp_path: Path) -> None:
    model, motion = make_model(), make_motion()
    assert model.skeleton is not None
    bones = replace(model.skeleton, names=("neck", "neck2", "neck3", "head", "eyeLeft"), parents=(-1, 0, 1, 2, 3))
    gltf.write(tmp_path / "a.glb", replace(model, skeleton=bones), motion, names="vrm")
    document = glb.load(tmp_path / "a.glb")
    assert [n["name"] for n in document.json["nodes"][1:6]] == ["neck", "neck2", "neck3", "head", "leftEye"]
    turned = {c["target"]["node"] for c in document.json["animations"][0]["channels"]}
    assert turned >= {1, 2, 3, 4, 5}
    moved = gltf.read(tmp_path / "a.glb")[1]
    assert moved is not None
    np.testing.assert_allclose(moved.neck, motion.neck, atol=2e-6)
    np.testing.assert_allclose(moved.head, motion.head, atol=2e-6)
    np.testing.assert_allclose(moved.eye_left, motion.eye_left, atol=2e-6)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mixamorig:LeftEye", "leftEye"), ("mixamorig1:Head", "head"), ("LeftEye", "leftEye"), ("Head", "head"),
        ("eyeLeft", "leftEye"), ("eye.R", "rightEye"), ("mixamorig:LeftHandPinky2", "leftLittleIntermediate"),
        ("J_Bip_C_Neck", "neck"), ("Spine1", "chest"), ("tail", "tail"),
    ],
)  # fmt: skip
def test_joint_names(text: str, name: str) -> None:
    assert names.joint(text) == name


def test_body_pose_of_known_joints_is_kept(tmp_path: Path) -> None:
    turn = np.random.default_rng(3).uniform(-0.5, 0.5, (20, 1, 3)).astype(np.float32)
    motion = make_motion().replace(body=BodyPose(("chest",), turn))
    gltf.write(tmp_path / "a.glb", make_model(), motion)
    moved = gltf.read(tmp_path / "a.glb")[1]
    assert moved is not None
    assert moved.body is not None
    assert moved.body.joints == ("chest",)
    np.testing.assert_allclose(moved.body.rotations, turn, atol=1e-6)


def test_chunks_the_model_s_animation_and_fixed_bytes(tmp_path: Path) -> None:
    model, motion = make_model(), make_motion()
    gltf.write(tmp_path / "a.glb", model, motion)
    gltf.write(tmp_path / "b.glb", model, (motion[i : i + 6] for i in range(0, 20, 6)))
    gltf.write(tmp_path / "c.glb", replace(model, animation=motion))
    first = (tmp_path / "a.glb").read_bytes()
    assert first == (tmp_path / "b.glb").read_bytes() == (tmp_path / "c.glb").read_bytes()


@pytest.mark.parametrize(("style", "head", "eye"), [
    ("vultus", "head", "leftEye"), ("vrm", "head", "leftEye"), ("mixamo", "mixamorig:Head", "mixamorig:LeftEye"),
])  # fmt: skip
def test_names_in_the_file(tmp_path: Path, style: Any, head: str, eye: str) -> None:
    gltf.write(tmp_path / "a.glb", make_model(), visemes=True, names=style)
    document = glb.load(tmp_path / "a.glb").json
    assert {head, eye} <= {node["name"] for node in document["nodes"]}
    labels = document["meshes"][0]["extras"]["targetNames"]
    assert labels[:54] == list(SHAPES)
    assert labels[54:] == [f"viseme_{v}" for v in ch.VISEMES]
    assert document["asset"]["extras"]["format"] == "vultus.gltf"


def test_visemes_are_sums_of_shapes(tmp_path: Path) -> None:
    assert set(names.VISEMES) == set(ch.VISEMES)
    for mix in names.VISEMES.values():
        assert set(mix) <= set(SHAPES)
        assert all(0 < weight <= 1 for weight in mix.values())
        mirrored = {ch.CHANNELS[ch.MIRROR_SOURCE[ch.INDEX[name]]]: weight for name, weight in mix.items()}
        assert mirrored == mix
    model = make_model()
    gltf.write(tmp_path / "a.glb", model, visemes=True)
    document = glb.load(tmp_path / "a.glb")
    labels = document.json["meshes"][0]["extras"]["targetNames"]
    target = document.json["meshes"][0]["primitives"][0]["targets"][labels.index("viseme_ou")]
    wanted = sum(np.float32(w) * model.targets[n] for n, w in names.VISEMES["ou"].items())
    np.testing.assert_allclose(document.accessor(target["POSITION"]), wanted, atol=1e-7)


def test_quaternions_stay_on_the_short_arc(tmp_path: Path) -> None:
    swing = np.linspace(-1.2, 1.2, 50)
    gltf.write(tmp_path / "a.glb", make_model(), Motion.of(30, head=np.stack([swing, swing[::-1] * 0.1, 0 * swing], 1)))
    document = glb.load(tmp_path / "a.glb")
    for channel in document.json["animations"][0]["channels"]:
        if channel["target"]["path"] == "rotation":
            sampler = document.json["animations"][0]["samplers"][channel["sampler"]]
            q = document.accessor(sampler["output"])
            assert (np.sum(q[1:] * q[:-1], axis=1) > 0.9).all()
            np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1, atol=1e-6)


def test_sparse_targets_are_smaller(tmp_path: Path) -> None:
    model = make_model(rings=30, sides=40)
    gltf.write(tmp_path / "a.glb", model)
    dense = {name: np.full_like(target, 1e-3) for name, target in model.targets.items()}
    gltf.write(tmp_path / "b.glb", replace(model, targets=dense))
    assert (tmp_path / "a.glb").stat().st_size < 0.6 * (tmp_path / "b.glb").stat().st_size


def test_a_joint_named_twice_is_merged(tmp_path: Path) -> None:
    model = make_model()
    joints, weights = np.zeros((117, 4), int), np.tile(np.float32([0.25, 0.5, 0, 0.25]), (117, 1))
    joints[:, 1], joints[:, 3] = 2, 2
    gltf.write(tmp_path / "a.glb", replace(model, skin_joints=joints, skin_weights=weights))
    read = gltf.read(tmp_path / "a.glb")[0]
    np.testing.assert_array_equal(read.skin_weights, [[0.25, 0.75, 0, 0]] * 117)
    np.testing.assert_array_equal(read.skin_joints, [[0, 2, 0, 0]] * 117)
    strict(tmp_path / "a.glb")


def test_jpeg_texture(tmp_path: Path) -> None:
    model = replace(make_model(), texture=np.full((16, 16, 3), 120, np.uint8))
    gltf.write(tmp_path / "a.glb", model, image="jpeg")
    texture = gltf.read(tmp_path / "a.glb")[0].texture
    assert texture is not None
    assert np.abs(texture.astype(int) - 120).max() <= 3
    strict(tmp_path / "a.glb")


def strict(path: Path) -> None:
    """A second reading of the standard: layout, bounds, limits, references."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<III", data)
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack_from("<II", data, 12)
    assert kind == 0x4E4F534A
    assert size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    binary_size, kind = struct.unpack_from("<II", data, 20 + size)
    assert kind == 0x004E4942
    binary = data[28 + size :]
    assert len(binary) == binary_size == document["buffers"][0]["byteLength"]
    assert len(document["buffers"]) == 1
    assert "uri" not in json.dumps(document)
    arrays = [elements(document, binary, accessor) for accessor in document["accessors"]]
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(binary)
    for accessor, array in zip(document["accessors"], arrays, strict=True):
        assert np.isfinite(array.astype(np.float64)).all()
        if "min" in accessor:
            np.testing.assert_array_equal(np.float32(accessor["min"]), array.reshape(len(array), -1).min(0))
            np.testing.assert_array_equal(np.float32(accessor["max"]), array.reshape(len(array), -1).max(0))
    check_mesh(document, arrays)
    check_animation(document, arrays)
    children = [child for node in document["nodes"] for child in node.get("children", ())]
    roots = document["scenes"][document["scene"]]["nodes"]
    assert sorted(children + roots) == list(range(len(document["nodes"])))


def elements(document: dict[str, Any], binary: bytes, accessor: dict[str, Any]) -> np.ndarray:
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
    kind = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}

    def take(view: int, code: int, count: int, width: int) -> np.ndarray:
        start, length = (document["bufferViews"][view][key] for key in ("byteOffset", "byteLength"))
        array = np.frombuffer(binary[start : start + length], kind[code])
        assert array.size == count * width  # views of ours hold one thing each
        return array.reshape(count, width)

    count, code = accessor["count"], accessor["componentType"]
    if "bufferView" in accessor:
        return take(accessor["bufferView"], code, count, width)
    array = np.zeros((count, width), kind[code])
    if sparse := accessor.get("sparse"):
        rows = take(sparse["indices"]["bufferView"], sparse["indices"]["componentType"], sparse["count"], 1)[:, 0]
        assert (np.diff(rows.astype(int)) > 0).all()
        assert rows.max() < count
        array[rows] = take(sparse["values"]["bufferView"], code, sparse["count"], width)
    return array


def check_mesh(document: dict[str, Any], arrays: list[np.ndarray]) -> None:
    (mesh,) = document["meshes"]
    for primitive in mesh["primitives"]:
        attributes = {name: arrays[i] for name, i in primitive["attributes"].items()}
        (count,) = {len(array) for array in attributes.values()}
        assert arrays[primitive["indices"]].max() < min(count, 65535)
        np.testing.assert_allclose(np.linalg.norm(attributes["NORMAL"], axis=1), 1, atol=1e-5)
        assert {"min", "max"} <= set(document["accessors"][primitive["attributes"]["POSITION"]])
        assert len(primitive.get("targets", ())) == len(mesh.get("weights", ()))
        for target in primitive.get("targets", ()):
            assert len(arrays[target["POSITION"]]) == count
            assert {"min", "max"} <= set(document["accessors"][target["POSITION"]])
        if "WEIGHTS_0" in attributes:
            np.testing.assert_allclose(attributes["WEIGHTS_0"].sum(1), 1, atol=1e-6)
            assert attributes["JOINTS_0"].max() < len(document["skins"][0]["joints"])
            assert not attributes["JOINTS_0"][attributes["WEIGHTS_0"] == 0].any()
    assert len(mesh.get("extras", {}).get("targetNames", ())) == len(mesh.get("weights", ()))
    for skin in document.get("skins", ()):
        matrices = arrays[skin["inverseBindMatrices"]].reshape(-1, 4, 4)
        assert len(matrices) == len(skin["joints"])
        np.testing.assert_array_equal(matrices[:, :, 3], [[0, 0, 0, 1]] * len(matrices))  # column-major


def check_animation(document: dict[str, Any], arrays: list[np.ndarray]) -> None:
    for animation in document.get("animations", ()):
        seen = [(c["target"]["node"], c["target"]["path"]) for c in animation["channels"]]
        assert len(set(seen)) == len(seen) > 0
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            times, output = arrays[sampler["input"]], arrays[sampler["output"]]
            assert times[0] >= 0
            assert (np.diff(times[:, 0]) > 0).all()
            assert "max" in document["accessors"][sampler["input"]]
            targets = len(document["meshes"][0].get("weights", ()))
            each = targets if channel["target"]["path"] == "weights" else 1
            assert len(output) == len(times) * each


def test_trimesh_reads_it(tmp_path: Path) -> None:
    model = make_model(skeleton=False)
    gltf.write(tmp_path / "a.glb", model, make_motion(4))
    scene = trimesh.load(tmp_path / "a.glb")
    meshes = list(scene.geometry.values())
    assert sum(len(mesh.faces) for mesh in meshes) == len(model.triangles)
    np.testing.assert_allclose(scene.bounds, [model.vertices.min(0), model.vertices.max(0)], atol=1e-5)
    assert meshes[0].visual.material.baseColorTexture.size == (16, 8)
    np.testing.assert_allclose(meshes[0].visual.uv[:, 1], 1 - model.uv[:, 1], atol=1e-6)
    assert meshes[0].volume + meshes[1].volume > 0  # triangles face outwards


def test_pygltflib_reads_it(tmp_path: Path) -> None:
    gltf.write(tmp_path / "a.glb", make_model(), make_motion(), visemes=True)
    loaded = pygltflib.GLTF2().load(str(tmp_path / "a.glb"))
    assert loaded is not None
    assert loaded.meshes[0].extras["targetNames"][0] == "eyeBlinkLeft"
    assert len(loaded.meshes[0].primitives[0].targets) == 54 + 15
    assert len(loaded.skins[0].joints) == 5
    assert {channel.target.path for channel in loaded.animations[0].channels} == {"weights", "rotation", "translation"}


@pytest.mark.parametrize("skeleton", [True, False])
@pytest.mark.parametrize("visemes", [True, False])
def test_khronos_validator_finds_nothing(
    tmp_path: Path, khronos: Callable[[Path], dict[str, Any]], skeleton: bool, visemes: bool
) -> None:
    gltf.write(tmp_path / "a.glb", make_model(skeleton=skeleton), make_motion(), visemes=visemes, names="vrm")
    issues = khronos(tmp_path / "a.glb")["issues"]
    print(json.dumps(issues["messages"][:5]))
    assert issues["numErrors"] == 0
    assert issues["numWarnings"] == 0


def test_khronos_validator_can_fail(tmp_path: Path, khronos: Callable[[Path], dict[str, Any]]) -> None:
    gltf.write(tmp_path / "a.glb", make_model(), make_motion())
    data = (tmp_path / "a.glb").read_bytes().replace(b'"componentType":5123', b'"componentType":5121', 1)
    (tmp_path / "b.glb").write_bytes(data)
    assert khronos(tmp_path / "b.glb")["issues"]["numErrors"] > 0


def foreign(path: Path, *, change: Callable[[dict[str, Any]], None] | None = None) -> None:
    """A file as another tool might write it: data URI, strides, bytes, a scaled and turned parent, cubic keys."""
    vertex = np.zeros(4, [("p", "<f4", 3), ("uv", "<u2", 2), ("j", "u1", 4), ("w", "u1", 4)])
    vertex["p"] = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
    vertex["uv"] = [[0, 0], [65535, 0], [0, 65535], [65535, 65535]]
    vertex["j"][:, 0], vertex["w"][:, 0] = 1, 255
    times = np.array([1, 1.5, 2], "<f4")
    weights = np.zeros((3, 3, 2), "<f4")
    weights[:, 1] = [[0, 0.25], [0.5, 0.5], [1, 0.75]]
    quarter = np.float32(np.sqrt(0.5))
    turns = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, np.sin(0.1), 0, np.cos(0.1)]], "<f4")
    pieces = {
        "vertices": vertex.tobytes(),
        "indices": np.array([0, 1, 2, 1, 3, 2], "u1").tobytes(),
        "target": np.array([[[0, 0, 2]], [[0, 3, 0]]], "<f4").repeat(4, axis=1).tobytes(),
        "times": times.tobytes(),
        "weights": weights.tobytes(),
        "turns": turns.tobytes(),
    }
    views, blob = [], b""
    for name, piece in pieces.items():
        blob += bytes(-len(blob) % 4)
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(piece)})
        if name == "vertices":
            views[0]["byteStride"] = vertex.itemsize
        blob += piece

    def accessor(view: int, offset: int, code: int, count: int, kind: str, **more: Any) -> dict[str, Any]:
        place = {"bufferView": view, "byteOffset": offset}
        return place | {"componentType": code, "count": count, "type": kind} | more

    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(blob), "uri": "data:a/b;base64," + base64.b64encode(blob).decode()}],
        "bufferViews": views,
        "accessors": [
            accessor(0, 0, 5126, 4, "VEC3"),
            accessor(0, 12, 5123, 4, "VEC2", normalized=True),
            accessor(0, 16, 5121, 4, "VEC4"),
            accessor(0, 20, 5121, 4, "VEC4", normalized=True),
            accessor(1, 0, 5121, 6, "SCALAR"),
            accessor(2, 0, 5126, 4, "VEC3"),
            accessor(2, 48, 5126, 4, "VEC3"),
            accessor(3, 0, 5126, 3, "SCALAR"),
            accessor(4, 0, 5126, 18, "SCALAR"),
            accessor(5, 0, 5126, 3, "VEC4"),
        ],
        "meshes": [
            {
                "name": "Wolf3D_Head",
                "extras": {"targetNames": ["JawOpen", "somethingElse"]},
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "TEXCOORD_0": 1, "JOINTS_0": 2, "WEIGHTS_0": 3},
                        "indices": 4,
                        "targets": [{"POSITION": 5}, {"POSITION": 6}],
                    }
                ],
            }
        ],
        "nodes": [
            {"name": "Armature", "scale": [0.01, 0.01, 0.01], "rotation": [quarter, 0, 0, quarter], "children": [1, 3]},
            {"name": "mixamorig:Neck", "translation": [0, 150, 0], "children": [2]},
            {"name": "mixamorig:Head", "translation": [0, 10, 0]},
            {"name": "Wolf3D", "mesh": 0, "skin": 0},
        ],
        "skins": [{"joints": [2, 1]}],
        "animations": [
            {
                "samplers": [{"input": 7, "output": 8, "interpolation": "CUBICSPLINE"}, {"input": 7, "output": 9}],
                "channels": [
                    {"sampler": 0, "target": {"node": 3, "path": "weights"}},
                    {"sampler": 1, "target": {"node": 2, "path": "rotation"}},
                ],
            }
        ],
    }  # fmt: skip
    document = json.loads(json.dumps(document, default=float))
    if change:
        change(document)
    path.write_text(json.dumps(document))


def test_files_of_other_tools(tmp_path: Path) -> None:
    foreign(tmp_path / "a.gltf")
    model, moved = gltf.read(tmp_path / "a.gltf")
    assert list(model.targets) == ["jawOpen", "somethingElse"]
    assert model.skeleton is not None
    assert model.skeleton.names == ("neck", "head")
    # A quarter turn about x takes y to z; the scale makes centimetres metres.
    np.testing.assert_allclose(model.skeleton.positions, [[0, 0, 1.5], [0, 0, 1.6]], atol=1e-6)
    # Without inverse bind matrices, vertices stand in the space of the joint that holds them: the first, the neck.
    np.testing.assert_allclose(model.vertices[3], [0.01, 0, 1.51], atol=1e-6)
    np.testing.assert_allclose(model.targets["jawOpen"][0], [0, -0.02, 0], atol=1e-6)
    np.testing.assert_allclose(model.uv[3], [1, 1])
    assert moved is not None
    assert (moved.fps, moved.start, len(moved)) == (2, 1, 3)
    np.testing.assert_allclose(moved["jawOpen"], [0, 0.5, 1], atol=1e-6)
    np.testing.assert_allclose(moved.head[2], [0, 0, 0.2], atol=1e-6)
    assert moved.valid[:, ch.INDEX["jawOpen"]].all()
    assert not moved.valid[:, ch.INDEX["jawLeft"]].any()


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["buffers"][0].update(uri="face.bin"),
        lambda d: d["buffers"][0].update(uri="file:///etc/passwd"),
        lambda d: d["buffers"][0].update(byteLength=10**9),
        lambda d: d["accessors"][0].update(count=10**9),
        lambda d: d["accessors"][0].update(count=-1),
        lambda d: d["accessors"][0].update(byteOffset=10**6),
        lambda d: d["accessors"][4].update(bufferView=99),
        lambda d: d["accessors"][4].update(componentType=1),
        lambda d: d["bufferViews"][0].update(byteStride=1),
        lambda d: d["bufferViews"][0].update(byteLength=10**9),
        lambda d: d["nodes"][1].update(children=[0]),
        lambda d: d["nodes"][2].update(children=[2]),
        lambda d: d["nodes"][3].update(mesh=7),
        lambda d: d["nodes"][0].update(rotation=[1, 2]),
        lambda d: d["skins"][0].update(joints=[77]),
        lambda d: d["meshes"][0]["primitives"][0].update(attributes={}),
        lambda d: d["meshes"][0]["primitives"][0].update(mode=1),
        lambda d: d["animations"][0]["samplers"][0].update(input=0),
        lambda d: d["animations"][0]["channels"][0].update(sampler=5),
        lambda d: d["animations"][0]["channels"][0]["target"].update(node=0),
        lambda d: d.update(extensionsRequired=["KHR_draco_mesh_compression"]),
        lambda d: d["asset"].update(version="1.0"),
        lambda d: d.update(meshes=[]),
        lambda d: d.update(nodes=3),
    ],
)
def test_damage_is_told(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    foreign(tmp_path / "a.gltf", change=change)
    with pytest.raises(VultusError):
        gltf.read(tmp_path / "a.gltf")


def test_random_damage_never_ends_in_a_traceback(tmp_path: Path) -> None:
    gltf.write(tmp_path / "a.glb", make_model(rings=4, sides=4), make_motion(3))
    good = (tmp_path / "a.glb").read_bytes()
    rng = np.random.default_rng(0)
    told = 0
    for i in range(150):
        bad = bytearray(good)
        for place in rng.integers(0, 20000 if i % 2 else len(bad), 3):
            bad[place % len(bad)] = rng.integers(256)
        (tmp_path / "b.glb").write_bytes(bad if i % 5 else bad[: rng.integers(1, len(bad))])
        try:
            model, _ = gltf.read(tmp_path / "b.glb")
        except VultusError:
            told += 1
        else:
            assert np.isfinite(model.vertices).all()
    assert told > 50


def test_wrong_names_are_told(tmp_path: Path) -> None:
    wrong: Any = "mixmo"
    with pytest.raises(VultusError, match="mixamo"):
        gltf.write(tmp_path / "a.glb", make_model(), names=wrong)
    with pytest.raises(VultusError, match="jpeg"):
        gltf.write(tmp_path / "a.glb", make_model(), image=wrong)


def test_seams_are_split() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [9, 9, 9]], np.float32)
    triangles, uv_triangles = np.array([[0, 1, 2], [1, 3, 2]]), np.array([[0, 1, 2], [3, 4, 2]])
    uv = np.array([[0, 0], [0.5, 0], [0, 1], [0.6, 0], [1, 1]], np.float32)
    points, faces, corner, source = split_seams(vertices, triangles, uv, uv_triangles)
    assert len(points) == 5
    assert sorted(source.tolist()) == [0, 1, 1, 2, 3]
    np.testing.assert_array_equal(points[faces], vertices[triangles])
    np.testing.assert_array_equal(corner[faces], uv[uv_triangles])
    np.testing.assert_array_equal(points, vertices[source])


def test_normals_are_smooth_across_seams_and_point_outwards() -> None:
    vertices, triangles, _ = sphere(20, 24)
    found = normals(vertices, triangles)
    outward = vertices - [0, 1.6, 0]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert (np.sum(found * outward, axis=1) > 0.97).all()
    np.testing.assert_array_equal(found[::25], found[24::25])
    alone = normals(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(alone, [[0, 0, 1]] * 3)


@pytest.mark.parametrize(
    "change",
    [
        {"uv": np.zeros((3, 2))},
        {"triangles": np.array([[0, 1, 999]])},
        {"vertices": np.full((117, 3), np.nan)},
        {"targets": {"jawOpen": np.zeros((2, 3))}},
        {"skin_weights": np.ones((117, 4))},
        {"skin_joints": np.full((117, 4), 9)},
        {"skeleton": None},
        {"primitives": (Primitive(0, 3),)},
        {"primitives": (Primitive(1, 191),)},
    ],
)
def test_models_are_checked(change: dict[str, Any]) -> None:
    model = make_model()
    assert (len(model.vertices), len(model.triangles)) == (117, 192)
    with pytest.raises(VultusError):
        replace(model, **change)
