"""The kernels of the buffers against plain versions, and what one camera's record promises."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stage import plain
from tests.stage.conftest import FACE

from vultus.camera import Camera
from vultus.person.identity import parse_identity
from vultus.person.portrait import Portrait
from vultus.render.triangles import project
from vultus.stage import buffers, kernels
from vultus.stage.scene import head_of


def camera(yaw: float, size: int = 28) -> Camera:
    middle, _ = head_of(parse_identity(FACE))
    eye = middle + 0.9 * np.array([np.sin(yaw), 0.05, np.cos(yaw)])
    return Camera.look_at(eye, middle, size=(size, size), fov=22)


@pytest.fixture(scope="module")
def sights(motion):
    """Two moments, each from another camera, and the fixed arrays."""
    portrait = Portrait(parse_identity(FACE), (28, 28), "draft", camera=camera(0.1))
    look = buffers.look_of(portrait)
    eye, out = buffers.Eye(look, (28, 28)), []
    for frame, yaw in ((0, 0.1), (4, 0.16)):
        vertices = np.empty_like(portrait.mesh.neutral)
        portrait.mesh.evaluate_into(motion.data[frame], vertices)
        portrait.aim(camera(yaw))
        portrait.pose(vertices)
        out.append(eye.see(portrait, vertices))
    return *out, look, portrait


def test_strands_are_drawn_as_the_plain_version_draws_them():
    rng = np.random.default_rng(3)
    points = rng.uniform(-0.12, 0.12, (9, 5, 3)).astype(np.float32) + np.array([0, 0, 0], np.float32)
    view = Camera.look_at((0, 0, 0.7), (0, 0, 0), size=(24, 20), fov=20)
    screen = project(view, points.reshape(-1, 3)).reshape(points.shape)
    width = rng.uniform(0.0005, 0.03, 9).astype(np.float32)
    inverse = np.where(rng.uniform(size=(20, 24)) < 0.5, 1 / 0.68, 0).astype(np.float32)
    cover, near = np.zeros((20, 24), np.float32), np.zeros((20, 24), np.float32)
    row, along = np.full((20, 24), -1, np.int32), np.zeros((20, 24), np.float32)
    kernels.draw_strands(screen, width, 100, view.focal[1], inverse, cover, near, row, along)
    want = plain.draw_strands(screen, width, 100, view.focal[1], inverse)
    assert (cover > 0.3).sum() > 40
    np.testing.assert_allclose(cover, want[0], atol=2e-4)
    np.testing.assert_allclose(near, want[1], atol=2e-5)
    same = row == want[2]
    assert same.mean() > 0.99  # ties of two strands that cross in a pixel
    np.testing.assert_allclose(along[same], want[3][same], atol=1e-3)
    # The place between two points of a strand is the one that the pixel shows.
    y, x = np.argwhere(row >= 0)[7]
    flat = points.reshape(-1, 3).astype(float)
    n, t = row[y, x] - 100, float(along[y, x])
    _, depth = view.project((1 - t) * flat[n] + t * flat[n + 1])
    assert depth == pytest.approx(1 / near[y, x], rel=1e-3)


def test_flow_and_what_is_hidden_are_those_of_the_plain_version(sights):
    here, there, look, _ = sights
    flow, hidden = buffers.moved(here, there, look, flow=True)
    want, gone = plain.trace(here, there, look.triangles, buffers.NEARER)
    np.testing.assert_allclose(flow, want, atol=2e-3)
    assert (hidden == gone).mean() > 0.998
    assert 0.01 < hidden.mean() < 0.5
    assert (here.row >= 0).sum() > 20, "no hair was seen"


def test_nothing_moves_and_nothing_is_hidden_without_another_moment(sights):
    here, _, look, _ = sights
    flow, hidden = buffers.moved(here, None, look, flow=True)
    assert not flow.any()
    assert not hidden.any()
    flow, hidden = buffers.moved(here, here, look, flow=True)
    assert np.abs(flow).max() < 0.01
    assert hidden.mean() < 0.002


def test_what_lies_behind_moves_with_the_camera_alone():
    a, b = camera(0.1), camera(0.4)
    far = buffers.far_away(a, b)
    place = a.unproject([[3.5, 20.5]], [1e8])
    (pixel,), _ = b.project(place)
    got = far @ [3.5, 20.5, 1]
    np.testing.assert_allclose(got[:2] / got[2], pixel, atol=1e-3)
    assert np.array_equal(buffers.far_away(a, a), np.eye(3))


def test_parts_are_where_they_belong(sights):
    here, _, look, _portrait = sights
    fields = buffers.surface_fields({"masks", "uv", "normals", "depth"}, here, look)
    masks = fields["masks"]
    seen = {buffers.PARTS[v] for v in np.unique(masks) if v != buffers.NOTHING}
    assert {"skin", "hair", "lips", "cloth"} <= seen
    nothing = masks == buffers.NOTHING
    assert np.array_equal(nothing, np.isinf(fields["depth"]))
    hair = masks == buffers.PARTS.index("hair")
    assert (fields["uv"][nothing | hair] == -1).all()
    assert not fields["normals"][nothing | hair].any()
    solid = ~nothing & (here.row < 0)
    np.testing.assert_allclose(np.linalg.norm(fields["normals"][solid], axis=-1), 1, atol=1e-4)
    assert (fields["uv"][solid] >= 0).all()
    assert (fields["uv"] <= 1).all()
    # Lips lie below the middle of the face and above the cloth.
    rows = [np.argwhere(masks == buffers.PARTS.index(n))[:, 0].mean() for n in ("hair", "lips", "cloth")]
    assert rows == sorted(rows)


def test_landmarks_are_in_sight_where_nothing_is_in_front(sights):
    here, _, _, _ = sights
    points = buffers.landmarks_in(here)
    assert points.shape == (478, 3)
    assert np.isfinite(points).all()
    assert 0.5 < points[:, 2].mean() < 1
    assert set(np.unique(points[:, 2])) <= {0, 1}
    assert points[1, 2] == 1  # the tip of the nose
    # The face in front of another's depth of 10 cm: all is hidden.
    near = buffers.Sight(
        *(getattr(here, f) for f in list(here.__dataclass_fields__)[:-1]), np.full_like(here.depth, 0.1)
    )
    assert not buffers.landmarks_in(near)[:, 2].any()
