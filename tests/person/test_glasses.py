"""Glasses fit every face: clear of the skin, on both ears, rigid with the skull."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from vultus.heads.person import PersonHead
from vultus.motion import Motion
from vultus.person.atlas import Kind, kinds
from vultus.person.choices import GLASSES
from vultus.person.glasses import SIDES, glasses, tube
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.portrait import Portrait
from vultus.render.triangles import vertex_normals


def test_a_tube_is_closed_and_turned_outward() -> None:
    path = np.column_stack([np.linspace(0, 1, 7), np.linspace(0, 0.3, 7) ** 2, np.zeros(7)])
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for line, closed in ((path, False), (np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]), True)):
        points, faces = tube(line, 0.05, closed=closed)
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        assert len(np.unique(edges, axis=0)) == len(edges)  # every directed edge once …
        assert {tuple(e) for e in edges} == {tuple(e[::-1]) for e in edges}  # … and once the other way
        a, b, c = (points[faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 > 0
        distance = np.linalg.norm(points.reshape(-1, SIDES, 3) - line[:, None], axis=2)
        np.testing.assert_allclose(distance, 0.05, atol=1e-9)


@pytest.mark.parametrize("kind", GLASSES[1:])
def test_frames_clear_the_face_of_many_people(kind: str) -> None:
    for seed in range(32):
        who = Identity.from_seed(seed).replace(glasses=kind)
        mesh = build_mesh(who)
        frame = glasses(mesh, who)
        assert frame is not None
        skin = np.unique(mesh.triangles[np.isin(kinds(mesh), (Kind.SKIN, Kind.EYE_LEFT, Kind.EYE_RIGHT))])
        normals = vertex_normals(mesh.neutral, mesh.triangles)[skin]
        front = frame.vertices[frame.vertices[:, 2] > mesh.eye_centres[0][2] + 0.005]
        distance, near = cKDTree(mesh.neutral[skin]).query(front)
        outward = ((front - mesh.neutral[skin][near]) * normals[near]).sum(1)
        assert outward[distance < 0.006].min(initial=1.0) > -0.0005, seed
        eyes = np.stack(mesh.eye_centres)
        lens = frame.vertices[np.abs(frame.vertices[:, 2] - frame.vertices[:, 2].max()) < 0.012]
        for centre in eyes:
            side = lens[np.sign(lens[:, 0]) == np.sign(centre[0])]
            assert side[:, 0].min() + 0.004 < centre[0] < side[:, 0].max() - 0.004
            assert side[:, 1].max() > centre[1] + 0.005
        ears = [mesh.neutral[mesh.landmark(name)] for name in ("earLeft", "earRight")]
        for ear in ears:
            assert np.linalg.norm(frame.vertices - ear, axis=1).min() < 0.03


def test_frames_follow_the_skull_and_hide_no_eye() -> None:
    who = Identity.from_seed(9).replace(glasses="round", hair="bald")
    portrait = Portrait(who, (160, 160), "draft")
    bare = Portrait(who.replace(glasses="none"), (160, 160), "draft")
    mesh = portrait.mesh
    talk = mesh.evaluate(Motion.of(1, frames=1, jawOpen=np.array([0.8]), mouthSmileLeft=np.array([0.9])))[0]
    turn = mesh.evaluate(Motion.of(1, head=np.array([[0.1, 0.5, 0.1]])))[0]
    frames = []
    for vertices in (mesh.neutral, talk, turn):
        portrait.render(vertices)
        frames.append(portrait._raised[portrait._worn.rows :].copy())
    np.testing.assert_allclose(frames[0], frames[1], atol=5e-4)
    pairs = np.random.default_rng(0).integers(0, len(frames[0]), (200, 2))
    lengths = [np.linalg.norm(f[pairs[:, 0]] - f[pairs[:, 1]], axis=1) for f in frames]
    np.testing.assert_allclose(lengths[0], lengths[2], atol=1e-5)
    assert np.abs(frames[2] - frames[0]).max() > 0.02
    portrait.render(mesh.neutral)
    bare.render(mesh.neutral)
    worn, eyes = portrait.kinds(), (Kind.EYE_LEFT, Kind.EYE_RIGHT)
    assert (worn == Kind.FRAME).sum() > 100
    assert np.isin(worn, eyes).sum() > 0.9 * np.isin(bare.kinds(), eyes).sum()
    assert not (bare.kinds() == Kind.FRAME).any()


def test_engines_get_the_frame_on_the_head() -> None:
    who = Identity.from_seed(9).replace(glasses="thin_metal", hair="bald")
    model = PersonHead(who, size=(64, 64), quality="draft").model()
    part = next(p for p in model.primitives if p.name == "glasses")
    used = np.unique(model.triangles[part.first : part.first + part.count])
    frame = glasses(PersonHead(who, size=(64, 64), quality="draft").mesh_data, who)
    assert frame is not None
    assert part.count == len(frame.triangles)
    np.testing.assert_allclose(model.vertices[used], frame.vertices, atol=1e-6)
    assert not any(np.abs(shape[used]).any() for shape in model.targets.values())
