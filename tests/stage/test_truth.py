"""The buffers tell the truth, and the checks can tell when they do not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stage.conftest import FACE, performance

from vultus.person.identity import parse_identity
from vultus.person.landmarks import landmarks
from vultus.person.mesh import build_mesh
from vultus.stage import truth
from vultus.stage.buffers import PARTS
from vultus.stage.rigs import closeup, multiview, phone

NAMES = ("frames", "depth", "normals", "masks", "flow", "occlusion", "disocclusion", "landmarks_478")


@pytest.fixture(scope="module")
def pair():
    """Two frames of a fixed phone in the default look, antialiased, and their camera."""
    (view,) = phone.shoot(FACE, performance(), size=128, seed=5, held="stand", faults=False, quality="default")
    return *view.each(*NAMES, first=2, stop=4), view.camera(2)


def test_flow_warps_the_next_frame_back(pair):
    now, after, _ = pair
    warped, still = truth.flow_error(now, after)
    assert warped < 0.6 * still
    # With the wrong sign there is no gain.
    wrong = {**now, "flow": -now["flow"]}
    assert truth.flow_error(wrong, after)[0] > still


def test_depth_agrees_between_cameras():
    views = multiview.shoot(FACE, performance(), size=96, seed=5, faults=False)
    one, other = (next(views[i].each("depth", "normals", first=3, stop=4)) for i in (8, 9))
    errors = truth.depth_errors(one, views[8].camera(3), other, views[9].camera(3))
    assert len(errors) > 800
    assert np.median(errors) < 0.0002
    assert np.percentile(errors, 95) < 0.001
    moved = {**one, "depth": one["depth"] + 0.004}
    assert np.median(truth.depth_errors(moved, views[8].camera(3), other, views[9].camera(3))) > 0.001


def test_normals_agree_with_the_slope_of_the_depth(pair):
    now, _, camera = pair
    angles = np.degrees(truth.normal_errors(now, camera, PARTS.index("skin")))
    assert len(angles) > 300
    assert np.median(angles) < 2
    turned = {**now, "normals": now["normals"][..., [0, 2, 1]]}
    assert np.median(truth.normal_errors(turned, camera, PARTS.index("skin"))) > np.radians(10)


def test_landmarks_lie_on_the_surface_and_on_their_parts(pair):
    now, _, camera = pair
    mesh = build_mesh(parse_identity(FACE), subdivisions=1)
    points = landmarks(mesh, mesh.evaluate(performance().data[2:3]))[0]
    errors = truth.landmark_errors(now, camera, points)
    assert len(errors) > 300
    assert np.median(errors) < 0.0006
    assert np.percentile(errors, 90) < 0.004
    assert np.median(truth.landmark_errors(now, camera, points + np.array([0, 0, 0.01]))) > 0.005
    on = truth.landmark_parts(now, PARTS)
    assert on["lips"] > 0.9
    assert on["irises"] == 1
    low = {**now, "landmarks_478": now["landmarks_478"] + np.array([0, 12, 0], np.float32)}
    assert truth.landmark_parts(low, PARTS)["lips"] < 0.6


def test_what_was_hidden_is_what_the_flow_does_not_reach():
    (view,) = closeup.shoot(FACE, performance(), size=128, seed=5, faults=False)
    now, after = view.each(*NAMES, first=2, stop=4)
    reached, missed = truth.disocclusion_agreement(now, after)
    assert reached > 0.99
    assert missed > 0.7
    assert after["disocclusion"].any()
    swapped = {**after, "disocclusion": ~after["disocclusion"]}
    assert truth.disocclusion_agreement(now, swapped)[1] < 0.5


def test_one_call_checks_a_view():
    (view,) = phone.shoot(FACE, performance(), size=64, seed=5, held="hand", faults=False)
    found = truth.checks(view, 1)
    assert len(found) == 6
    assert all(np.isfinite(v) for v in found.values())
