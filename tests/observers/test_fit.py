"""Fitting the person to pictures of drawn people, whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.observers.basis import basis, personal, read_basis, template
from vultus.observers.fit import at_marks, fit, fit_faces


def test_a_drawn_person_is_found_again(tracker, drawn) -> None:
    picture = drawn()
    found = fit(picture, tracker.track(picture, fresh=True))
    assert found.error < 1.5  # % of the distance between the eyes
    assert found.error_fine < 0.6
    assert np.abs(found.angles).max() < 4
    assert np.abs(found.identity).max() < 4
    assert found.expression[ch.INDEX["jawOpen"]] < 0.15


def test_pose_and_expression_are_told_apart(tracker, drawn) -> None:
    for values, angle, axis in (({"headRotationY": 0.35}, 20.0, 0), ({"headRotationX": 0.15}, 8.6, 1)):
        picture = drawn(**values, jawOpen=0.5)
        found = fit(picture, tracker.track(picture, fresh=True))
        assert abs(found.angles[axis] - angle) < 5
        assert found.expression[ch.INDEX["jawOpen"]] > 0.2


def test_the_camera_sees_the_landmarks_where_they_are(tracker, drawn) -> None:
    picture = drawn(mouthSmileLeft=0.6, mouthSmileRight=0.6)
    found = fit(picture, tracker.track(picture, fresh=True))
    points = at_marks(personal(found.rows, 0).evaluate(found.row[None])[0])
    pixels, depth = found.camera.project(points)
    assert np.linalg.norm(pixels - found.landmarks, axis=1)[:468].mean() < 0.006 * found.eyes
    assert depth.min() > 0.3
    # A part of the picture, twice as large, is seen by the same camera.
    part = found.cut(40.0, 20.0, 2.0, (300, 280))
    moved, _ = part.camera.project(points)
    np.testing.assert_allclose(moved, (pixels - [40, 20]) * 2, atol=1e-6)


def test_views_of_one_person_share_the_identity(tracker, drawn) -> None:
    pictures = [drawn(), drawn(headRotationY=0.3), drawn(headRotationY=-0.3, jawOpen=0.3)]
    found = fit_faces([tracker.track(p, fresh=True) for p in pictures], (256, 256))
    assert len(found) == 3
    assert all(np.array_equal(one.identity, found[0].identity) for one in found)
    assert max(one.error for one in found) < 2.5
    assert found[1].angles[0] - found[2].angles[0] > 25


def test_the_same_picture_gives_the_same_fit(tracker, drawn) -> None:
    picture = drawn()
    face = tracker.track(picture, fresh=True)
    one, two = fit(picture, face), fit(picture, face)
    assert np.array_equal(one.rows, two.rows)
    assert np.array_equal(one.row, two.row)


def test_the_gaze_is_read(tracker, drawn) -> None:
    turned = np.radians(15)
    picture = drawn(eyeLeftRotationY=turned, eyeRightRotationY=turned)
    found, still = (fit(p, tracker.track(p, fresh=True)) for p in (picture, drawn()))
    for eye in (ch.EYE_LEFT, ch.EYE_RIGHT):
        assert found.row[eye][1] - still.row[eye][1] > 0.08


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(VultusError, match="no face to fit"):
        fit_faces([], (10, 10))
    with pytest.raises(VultusError, match="not a basis of faces"):
        read_basis(b"something else")


def test_the_mean_face_is_like_a_person() -> None:
    mesh = personal(basis().mean, 0)
    assert mesh.neutral.shape == template(0).neutral.shape
    assert float(mesh.lip_gap(mesh.neutral)) < 0.002
    blink = np.zeros(len(ch.CHANNELS), np.float32)
    blink[[ch.INDEX["eyeBlinkLeft"], ch.INDEX["eyeBlinkRight"]]] = 1
    shut = mesh.evaluate(blink[None])[0]
    for side in ("Left", "Right"):
        upper, lower = (mesh.landmark(f"lid{lid}{side}") for lid in ("Upper", "Lower"))
        assert shut[upper, 1] - shut[lower, 1] < 0.25 * (mesh.neutral[upper, 1] - mesh.neutral[lower, 1])


@pytest.mark.parametrize("subdivisions", [0, 1])
def test_the_template_is_the_usual_person(subdivisions: int) -> None:
    from vultus.person.identity import Identity
    from vultus.person.mesh import build_mesh

    one, other = template(subdivisions), build_mesh(Identity(), subdivisions=subdivisions)
    for name in ("neutral", "coarse", "triangles", "uv", "part", "all_gains", "expression"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for a, b in zip(one.sliding, other.sliding, strict=True):
        np.testing.assert_array_equal(a, b)
