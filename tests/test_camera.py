"""The pinhole camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.camera import Camera
from vultus.errors import VultusError

unit = st.floats(-1, 1)
points = st.tuples(unit, unit, unit)
cameras = st.builds(
    lambda eye, target, size, fov: Camera.look_at(np.add(eye, (0, 0, 4)), target, size=size, fov=fov),
    points, points, st.tuples(st.integers(1, 2000), st.integers(1, 2000)), st.floats(5, 100),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(cameras, st.lists(points, min_size=1, max_size=4))
def test_unproject_undoes_project(camera: Camera, world: list[tuple[float, float, float]]) -> None:
    pixels, depth = camera.project(world)
    assert (depth > 0).all()
    np.testing.assert_allclose(camera.unproject(pixels, depth), world, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cameras)
def test_gltf_round_trip(camera: Camera) -> None:
    pose, yfov = camera.to_gltf()
    back = Camera.from_gltf(pose, size=(camera.width, camera.height), yfov=yfov)
    np.testing.assert_allclose(back.world_to_camera, camera.world_to_camera, atol=1e-9)
    np.testing.assert_allclose(back.focal, camera.focal, rtol=1e-9)
    np.testing.assert_allclose(pose[:3, 3], camera.position, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cameras, points)
def test_project_is_intrinsics_times_extrinsics(camera: Camera, point: tuple[float, float, float]) -> None:
    homogeneous = camera.intrinsics @ (camera.world_to_camera @ [*point, 1])[:3]
    pixel, depth = camera.project(point)
    np.testing.assert_allclose(pixel, homogeneous[:2] / homogeneous[2], rtol=1e-9, atol=1e-6)
    assert depth == pytest.approx(homogeneous[2])


@settings(max_examples=30, deadline=None)
@given(cameras, points)
def test_resized_keeps_the_view(camera: Camera, point: tuple[float, float, float]) -> None:
    double = camera.resized(camera.width * 2, camera.height * 3)
    np.testing.assert_allclose(double.project(point)[0], camera.project(point)[0] * [2, 3], atol=1e-6)


def test_look_at_puts_the_target_in_the_middle_and_up_up() -> None:
    camera = Camera.look_at([1, 2, 3], [0, 1.5, 0], size=(640, 480))
    pixel, depth = camera.project([0, 1.5, 0])
    np.testing.assert_allclose(pixel, [320, 240])
    assert depth == pytest.approx(np.sqrt(10.25))
    np.testing.assert_allclose(camera.position, [1, 2, 3])
    assert camera.project([0, 1.6, 0])[0][1] < 240


def test_fov_is_vertical_and_reaches_the_edges() -> None:
    camera = Camera.look_at([0, 0, 2], [0, 0, 0], size=(300, 100), fov=60)
    top = camera.project([0, 2 * np.tan(np.radians(30)), 0])[0]
    np.testing.assert_allclose(top, [150, 0], atol=1e-9)


@pytest.mark.parametrize("height", [3, -3])
def test_can_look_straight_down_and_up(height: float) -> None:
    pixel, depth = Camera.look_at([0, height, 0], [0, 0, 0]).project([0, 0, 0])
    np.testing.assert_allclose(pixel, [256, 256])
    assert depth == pytest.approx(3)


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    pixels, depth = Camera.look_at([0, 0, 2], [0, 0, 0]).project([[0, 0, 3], [0, 0, 2], [0, 0, 1]])
    assert np.isnan(pixels[:2]).all()
    assert np.isfinite(pixels[2]).all()
    assert depth.tolist() == [-1, 0, 1]


def test_is_frozen() -> None:
    camera = Camera.look_at([0, 0, 2], [0, 0, 0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        camera.width = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        camera.world_to_camera[0, 0] = 2


def _matrix(row: int, column: int, value: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 0}, "size"),
        ({"focal": (1.0, 0.0)}, "focal"),
        ({"focal": (np.nan, 1.0)}, "focal"),
        ({"focal": (np.inf, 1.0)}, "focal"),
        ({"centre": (0.0, np.nan)}, "centre"),
        ({"world_to_camera": np.eye(3)}, "rigid"),
        ({"world_to_camera": _matrix(0, 0, 2)}, "rigid"),
        ({"world_to_camera": _matrix(0, 0, -1)}, "rigid"),  # a reflection
        ({"world_to_camera": _matrix(3, 0, 1)}, "rigid"),
        ({"world_to_camera": _matrix(0, 3, np.nan)}, "rigid"),
    ],
)
def test_rejects_what_is_no_camera(changes: dict[str, object], says: str) -> None:
    with pytest.raises(VultusError, match=says):
        dataclasses.replace(Camera.look_at([0, 0, 2], [0, 0, 0]), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("fov", [0, 180, -5])
def test_look_at_rejects_impossible_views(fov: float) -> None:
    with pytest.raises(VultusError):
        Camera.look_at([0, 0, 2], [0, 0, 0], fov=fov)
    with pytest.raises(VultusError):
        Camera.look_at([0, 0, 2], [0, 0, 2])
