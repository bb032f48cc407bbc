"""The person as a head: pictures, vertices and a model for engines."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.heads.person import PersonHead
from vultus.io import gltf
from vultus.mesh import Model
from vultus.motion import Motion
from vultus.render.threads import set_threads


@pytest.fixture(scope="module")
def head() -> PersonHead:
    return PersonHead("person:11", size=(96, 128), quality="draft")


@pytest.fixture(scope="module")
def model(head: PersonHead) -> Model:
    return head.model()


def talking(frames: int = 4) -> Motion:
    t = np.linspace(0, 1, frames)
    return Motion.of(25, jawOpen=0.3 * t, mouthSmileLeft=0.5 * t, head=np.stack([0 * t, 0.3 * t, 0 * t], 1))


def test_frames_are_pictures_that_follow_the_motion(head: PersonHead) -> None:
    frames = list(head.frames([talking(3), talking(1)]))
    assert [f.shape for f in frames] == [(128, 96, 3)] * 4
    assert all(f.dtype == np.uint8 for f in frames)
    assert np.array_equal(frames[0], next(head.frames([talking(1)])))
    # The head jumps back, and hair swings past: nothing else differs.
    moved = np.abs(frames[0].astype(int) - frames[3]).max(2) > 2
    assert moved.mean() < 0.2
    assert not moved[60:75, 40:56].any()  # the face
    assert np.abs(frames[0].astype(int) - frames[2]).mean() > 2


def test_the_same_identity_gives_the_same_bytes(head: PersonHead) -> None:
    again = PersonHead("person:11", size=(96, 128), quality="draft")
    other = PersonHead("person:12", size=(96, 128), quality="draft")
    row = talking().data[-1]
    assert np.array_equal(head.frame(row), again.frame(row))
    assert not np.array_equal(head.frame(row), other.frame(row))


def test_rendering_takes_no_more_memory_for_more_frames(head: PersonHead) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in head.frames(talking(2) for _ in range(count)):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    frame = 128 * 96 * 3
    set_threads(1)  # with several it is chance whether all need most at once
    try:
        peak(4)
        # A few more may be in flight, but 52 more frames must not be kept.
        assert peak(30) < peak(4) + 8 * frame
    finally:
        set_threads(None)


def test_the_mesh_and_the_lip_gap(head: PersonHead) -> None:
    motion = talking(5)
    vertices = head.mesh(motion)
    assert vertices.shape == (5, len(head.coarse.neutral), 3)
    gap = head.lip_gap(motion)
    assert gap[0] < 0.001
    assert gap[-1] > 0.005
    assert (np.diff(gap) >= 0).all()


def test_the_model_has_every_shape_and_the_turning_joints(model: Model, head: PersonHead) -> None:
    assert tuple(model.targets) == (*ch.ARKIT, *ch.TONGUE)
    assert model.skeleton is not None
    assert {"hips", "neck", "head", "leftEye", "rightEye"} <= set(model.skeleton.names)
    assert model.skeleton.parents[0] == -1
    assert model.texture is not None
    assert model.texture.std() > 10
    assert {p.name for p in model.primitives} >= {"skin", "eyes", "mouth"}
    # Hair and lashes are ribbons of one colour each.
    ribbons = [p for p in model.primitives if p.name.startswith(("hair", "lashes"))]
    assert {p.name.rstrip("0123456789") for p in ribbons} == {"hair", "lashes"}
    assert all(not p.textured and p.alpha == "opaque" for p in ribbons)
    rise = model.vertices[:, 1].max() - head.coarse.neutral[:, 1].max()
    assert 0.001 < rise < 0.05  # the hair


def test_the_skin_of_an_eyeball_follows_its_joint_alone(model: Model) -> None:
    assert model.skeleton is not None
    assert model.skin_joints is not None
    assert model.skin_weights is not None
    eyes = next(p for p in model.primitives if p.name == "eyes")
    vertices = np.unique(model.triangles[eyes.first : eyes.first + eyes.count])
    left = model.vertices[vertices, 0] > 0
    joint = np.take_along_axis(model.skin_joints[vertices], model.skin_weights[vertices].argmax(1)[:, None], axis=1)[
        :, 0
    ]
    assert (joint[left] == model.skeleton.names.index("leftEye")).all()
    assert (joint[~left] == model.skeleton.names.index("rightEye")).all()
    assert model.skin_weights[vertices].max(1).min() > 0.99


def test_engines_pose_the_model_as_the_mesh_does(model: Model, head: PersonHead) -> None:
    pose = Motion.of(30, neck=[[0.2, 0.3, 0.1]], head=[[0.2, 0.4, 0.15]], eye_left=[[0.1, 0.2, 0]])
    skeleton = model.skeleton
    assert skeleton is not None
    third = pose.neck[0] / 3
    turns = {"neck": third, "neck2": third, "neck3": third, "head": pose.head[0], "leftEye": pose.eye_left[0]}
    world: list[np.ndarray] = []
    for j, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        local = np.eye(4)
        local[:3, :3] = rotations.to_matrix(turns.get(name, np.zeros(3)))
        local[:3, 3] = skeleton.positions[j] - (skeleton.positions[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    for matrix, rest in zip(world, skeleton.positions, strict=True):
        matrix[:3, 3] -= matrix[:3, :3] @ rest
    # Linear blend skinning, as glTF 2.0 defines it.
    skin = np.einsum("vk,vkij->vij", model.skin_weights, np.stack(world)[model.skin_joints])
    posed = np.einsum("vij,vj->vi", skin, np.pad(model.vertices, ((0, 0), (0, 1)), constant_values=1))[:, :3]
    still = head.mesh(Motion.neutral(1, 30))[0]
    target = head.mesh(pose)[0]
    nearest = cKDTree(still).query(model.vertices)
    close = nearest[0] < 1e-6  # neither hair nor shirt
    hair = sum(p.count for p in model.primitives if p.name.startswith(("hair", "lashes")))
    assert close.sum() > 0.5 * (model.triangles[: len(model.triangles) - hair].max() + 1)
    error = np.linalg.norm(posed[close] - target[nearest[1][close]], axis=1)
    assert np.percentile(error, 99) < 0.001
    assert error.max() < 0.004


def test_the_textured_model_survives_a_glb(model: Model, tmp_path: Path) -> None:
    motion = talking(10)
    gltf.write(tmp_path / "p.glb", model, motion, visemes=True)
    back, moved = gltf.read(tmp_path / "p.glb")
    assert moved is not None
    assert np.abs(moved.data - motion.data).max() < 1e-4
    assert back.texture is not None
    assert model.texture is not None
    assert np.array_equal(back.texture, model.texture)
    assert set(back.targets) == set(model.targets)  # visemes are made from the others, so reading drops them
    written = trimesh.load(tmp_path / "p.glb", process=False)
    assert len(written.geometry) == len(model.primitives)
    assert b"viseme_PP" in (tmp_path / "p.glb").read_bytes()


@pytest.mark.parametrize("names", ["vultus", "vrm", "mixamo"])
def test_khronos_validator_finds_nothing_in_the_person(
    model: Model, tmp_path: Path, khronos: Callable[[Path], dict[str, Any]], names: Literal["vultus", "vrm", "mixamo"]
) -> None:
    gltf.write(tmp_path / "p.glb", model, talking(10), visemes=True, names=names)
    issues = khronos(tmp_path / "p.glb")["issues"]
    assert issues["numErrors"] == 0
    assert issues["numWarnings"] == 0


@pytest.mark.parametrize(
    ("face", "says"),
    [("somebody.jpg", "person:SEED"), ("person:eleven", "seed"), ("person:agee=30", "age"), ("person:age=old", "age")],
)
def test_bad_faces(face: str, says: str) -> None:
    with pytest.raises(VultusError, match=says):
        PersonHead(face)
