"""Landmarks on the mesh: symmetric, on the right parts, and where the tracker reads them."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch
from vultus import store
from vultus.errors import VultusError
from vultus.person import landmarks as lm
from vultus.person.atlas import Kind, kinds
from vultus.person.identity import Identity, parse_identity
from vultus.person.mesh import build_mesh


@pytest.fixture(scope="module")
def mesh():
    return build_mesh(parse_identity("person:seed=25,glasses=none"))


def test_the_places_are_sound_and_symmetric(mesh):
    place = lm.places()
    assert place.triangle.shape == (478,)
    assert (place.triangle < len(mesh.triangles)).all()
    np.testing.assert_allclose(place.bary.sum(1), 1, atol=1e-5)
    assert (place.bary >= -1e-6).all()
    assert np.array_equal(place.mirror[place.mirror], np.arange(478))
    rest = np.einsum("pci,pc->pi", mesh.rest[mesh.triangles[place.triangle]], place.bary)
    apart = np.linalg.norm(rest[place.mirror] * (-1, 1, 1) - rest, axis=1)
    assert np.median(apart) < 0.0005
    assert apart.max() < 0.006


def test_irises_lie_on_eyeballs_and_all_else_on_skin(mesh):
    kind = kinds(mesh)[lm.places().triangle]
    assert (kind[list(lm.RIGHT_IRIS)] == Kind.EYE_RIGHT).all()
    assert (kind[list(lm.LEFT_IRIS)] == Kind.EYE_LEFT).all()
    assert (kind[:468] == Kind.SKIN).all()


def test_points_lie_as_faces_have_them(mesh):
    p = lm.landmarks(mesh, mesh.neutral)
    assert p.shape == (478, 3)
    assert p.dtype == np.float32
    assert p[10, 1] > p[9, 1] > p[168, 1] > p[1, 1] > p[13, 1] >= p[14, 1] - 0.002 > p[152, 1]
    assert p[list(lm.LEFT_IRIS), 0].mean() > 0.02 > -0.02 > p[list(lm.RIGHT_IRIS), 0].mean()
    six = p[list(lm.TO_68)]
    assert (np.diff(six[1:16, 0]) > 0).all()  # the jaw from the right ear to the left
    assert (np.diff(six[:9, 1]) < 0).all()
    assert (np.diff(six[8:17, 1]) > 0).all()
    assert abs(six[0, 1] - six[36, 1]) < 0.02  # it begins about as high as the eyes are
    assert six[8, 1] == six[:, 1].min()
    assert len(set(lm.TO_68)) == 68
    for name, points in lm.REGIONS.items():
        assert len(set(points)) == len(points), name
        assert set(lm.places().mirror[list(points)]) == set(points), name


def test_coarse_and_fine_meshes_agree():
    identity = parse_identity("person:11")
    coarse, fine = build_mesh(identity), build_mesh(identity, subdivisions=1)
    row = np.zeros((2, len(ch.CHANNELS)), np.float32)
    row[1, ch.INDEX["jawOpen"]] = 0.5
    a, b = lm.landmarks(coarse, coarse.evaluate(row)), lm.landmarks(fine, fine.evaluate(row))
    assert a.shape == (2, 478, 3)
    apart = np.linalg.norm(a - b, axis=2)
    assert np.median(apart) < 0.0006
    assert apart.max() < 0.004
    triangle, bary = lm.to_fine(lm.places().triangle, lm.places().bary, 100_000)
    assert (bary >= -1e-6).all()
    np.testing.assert_allclose(bary.sum(1), 1, atol=1e-5)
    assert np.array_equal(triangle % 100_000, lm.places().triangle)
    with pytest.raises(VultusError, match="vertices"):
        lm.landmarks(coarse, fine.neutral)


def test_an_opening_mouth_parts_the_inner_lips(mesh):
    row = np.zeros((2, len(ch.CHANNELS)), np.float32)
    row[1, ch.INDEX["jawOpen"]] = 0.5
    closed, opened = lm.landmarks(mesh, mesh.evaluate(row))
    gap = [p[13, 1] - p[14, 1] for p in (closed, opened)]
    assert abs(gap[0]) < 0.003
    assert gap[1] > 0.008


def test_a_broken_file_says_so():
    with pytest.raises(VultusError, match="build_landmarks"):
        lm.read_places(b"nothing")


def test_the_tracker_reads_them_there():
    """On people that the tool has not drawn; the numbers by region are in docs/stage.md."""
    pytest.importorskip("ai_edge_litert")
    from vultus.heads.person import PersonHead
    from vultus.observers.tracker import Tracker

    try:
        tracker = Tracker(store.path("face_landmarker"))
    except VultusError as error:
        pytest.skip(str(error))
    found = []
    for seed in (11, 42):
        head = PersonHead(Identity.from_seed(seed), size=(320, 320), quality="draft")
        for smile in (0.0, 0.5):
            row = np.zeros(len(ch.CHANNELS), np.float32)
            row[ch.INDEX["jawOpen"]] = 0.5 * smile
            row[[ch.INDEX["mouthSmileLeft"], ch.INDEX["mouthSmileRight"]]] = smile
            face = tracker.track(head.frame(row), fresh=True)
            assert face is not None
            pixels, _ = head.camera.project(lm.landmarks(head.mesh_data, head.vertices(row)))
            unit = np.linalg.norm(pixels[468] - pixels[473])
            found.append(np.linalg.norm(pixels - face.landmarks[:, :2], axis=1) / unit)
    error = np.array(found)
    assert np.median(error) < 0.03
    assert np.median(error[:, list(lm.REGIONS["lips"])]) < 0.025
    assert np.median(error[:, list(lm.REGIONS["eyes"])]) < 0.025
    assert np.median(error[:, list(lm.REGIONS["contour"])]) < 0.08
