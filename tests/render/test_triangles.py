"""The rasteriser against its plain reference, and the promises of its docstrings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vultus.camera import Camera
from vultus.errors import VultusError
from vultus.render import reference
from vultus.render.shadows import ShadowMap, lit
from vultus.render.triangles import Rasteriser, interpolate, project, sample, vertex_normals


def scene(seed: int, *, bad: bool = False, reach: float = 120) -> tuple[np.ndarray, np.ndarray]:
    """Random screen points, some far outside, on a coarse grid so that edges and centres coincide, or broken; *reach*
    is how many pixels they lie apart at most along each axis: kernels take triangles of up to 64 pixels another way."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 60))
    screen = (rng.uniform(-30, 90 - reach) + rng.uniform(0, reach, (count, 3))).astype(np.float32)
    screen[:, 2] = rng.uniform(0.2, 3.0, count)
    if seed % 2:
        screen[:, :2] = np.round(screen[:, :2] * 2) / 2
    if bad:
        for value in (np.nan, np.inf, -np.inf, 1e30, 0.0, -1.0):
            screen[rng.integers(count), rng.integers(3)] = value
    triangles = rng.integers(0, count, (int(rng.integers(1, 80)), 3)).astype(np.int32)
    return screen, triangles


@settings(max_examples=40, deadline=None)
@example(seed=3982, height=36, width=2, cull="none", bad=False, reach=120)  # triangles that are equally near
@example(seed=57, height=23, width=20, cull="back", bad=False, reach=60)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    cull=st.sampled_from(["back", "front", "none"]),
    bad=st.booleans(),
    reach=st.sampled_from([8, 60, 120]),
)
def test_rasteriser_equals_the_reference(
    seed: int, height: int, width: int, cull: str, bad: bool, reach: float
) -> None:
    screen, triangles = scene(seed, bad=bad, reach=reach)
    raster = Rasteriser(height, width)
    raster.draw(screen, triangles, cull=cull)
    ids, bary, depth = reference.rasterise(screen, triangles, height, width, cull)
    # Rounding may decide otherwise only where two triangles are equally near.
    assert np.all((raster.ids == ids) | (np.abs(raster.inverse_depth - depth) <= 1e-5 * depth))
    # Of those, however many, each is hit where its barycentrics say, inside it and as near as that.
    shown = (raster.ids >= 0) & (not bad)  # shares of 1e30 have no digits
    shares = np.concatenate([raster.bary[shown], 1 - raster.bary[shown].sum(axis=1, keepdims=True)], axis=1)
    assert shares.min(initial=0) >= -1e-4
    far = 1 / screen[triangles[raster.ids[shown]], 2]
    np.testing.assert_allclose((shares * far).sum(axis=1) * depth[shown], 1, rtol=1e-3)
    same = raster.ids == ids
    hit = same & (ids >= 0)
    np.testing.assert_allclose(raster.bary[hit], bary[hit], atol=1e-4)
    np.testing.assert_allclose(raster.inverse_depth, depth, rtol=1e-5)
    assert np.all(raster.inverse_depth[raster.ids < 0] == 0)


def test_a_grid_of_triangles_covers_every_pixel_exactly_once() -> None:
    rng = np.random.default_rng(0)
    side = 9
    grid = np.stack(np.meshgrid(np.linspace(0, 40, side), np.linspace(0, 40, side)), -1)
    grid[1:-1, 1:-1] += rng.uniform(-2, 2, (side - 2, side - 2, 2))
    grid[3, 3], grid[4, 4] = (15.5, 15.5), (20.5, 20.5)  # corners on pixel centres
    screen = np.concatenate([grid.reshape(-1, 2), np.ones((side * side, 1))], 1).astype(np.float32)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    triangles = np.concatenate(
        [np.stack([corner, corner + side, corner + 1], 1), np.stack([corner + 1, corner + side, corner + side + 1], 1)]
    ).astype(np.int32)
    total = np.zeros((40, 40), int)
    raster = Rasteriser(40, 40)
    for triangle in triangles:
        raster.draw(screen, triangle[None])
        total += raster.ids >= 0
    assert np.all(total == 1)


def test_thread_count_changes_nothing() -> None:
    screen, triangles = scene(4)
    results = []
    for threads in (1, 2, 5):
        raster = Rasteriser(90, 64)
        raster.draw(screen, triangles, cull="none", threads=threads)
        results.append((raster.ids.copy(), raster.bary.copy(), raster.inverse_depth.copy()))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_buffers_are_cleared_between_frames_and_for_no_triangles() -> None:
    screen, triangles = scene(1)
    raster = Rasteriser(50, 50)
    raster.draw(screen, triangles, cull="none")
    assert (raster.ids >= 0).any()
    raster.draw(screen, triangles[:0])
    assert np.all(raster.ids == -1)
    assert np.all(raster.inverse_depth == 0)


def test_weights_are_those_of_what_was_drawn_last() -> None:
    raster = Rasteriser(60, 60)
    for seed in (3, 6):
        screen, triangles = scene(seed)
        raster.draw(screen, triangles, cull="none")
        screen[:] = np.nan  # a buffer of the caller, who may use it for something else
        ids, bary, _ = reference.rasterise(*scene(seed), 60, 60, "none")
        hit = (raster.ids >= 0) & (raster.ids == ids)
        assert hit.sum() > 500
        np.testing.assert_allclose(raster.bary[hit], bary[hit], atol=1e-4)
        np.testing.assert_array_equal(raster.bary, raster.bary)


def test_several_threads_may_ask_for_the_weights_at_once() -> None:
    screen, triangles = scene(3)
    expected = Rasteriser(300, 300)
    expected.draw(screen, triangles, cull="none")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            raster = Rasteriser(300, 300)
            raster.draw(screen, triangles, cull="none")
            for bary in pool.map(lambda _, r=raster: r.bary, range(8)):  # type: ignore[misc]
                assert bary is raster.bary
                np.testing.assert_array_equal(bary[raster.ids >= 0], expected.bary[raster.ids >= 0])


def test_a_copy_draws_on_its_own() -> None:
    raster = Rasteriser(30, 40)
    other = deepcopy(raster)
    raster.draw(*scene(4), cull="none")
    assert other.ids.shape == (30, 40)
    assert np.all(other.ids == -1)
    other.draw(*scene(4), cull="none")
    np.testing.assert_array_equal(other.ids, raster.ids)


@pytest.mark.parametrize("side", [30, 63, 65, 900])
def test_a_triangle_of_any_size_covers_what_it_should(side: int) -> None:
    screen = np.array([[-side / 3, 0.3, 1], [side / 3, side, 2], [side, -side / 2, 3]], np.float32)
    raster = Rasteriser(40, 50)
    raster.draw(screen, np.array([[0, 1, 2]], np.int32), cull="none")
    ids, _, depth = reference.rasterise(screen, np.array([[0, 1, 2]]), 40, 50, "none")
    np.testing.assert_array_equal(raster.ids, ids)
    np.testing.assert_allclose(raster.inverse_depth, depth, rtol=2e-6)


def test_of_equal_triangles_the_first_wins() -> None:
    screen = np.array([[0, 0, 1], [0, 20, 1], [20, 0, 1]], np.float32)
    raster = Rasteriser(20, 20)
    raster.draw(screen, np.array([[0, 1, 2], [0, 1, 2]], np.int32))
    assert set(np.unique(raster.ids)) == {-1, 0}


def test_projection_follows_the_camera_and_hides_what_is_behind() -> None:
    camera = Camera.look_at([0.1, 0.2, 2.0], [0, 0, 0], size=(80, 60), fov=30)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 3)).astype(np.float32)
    points[0], points[1], points[2] = (0, 0, 5), camera.position, (np.nan, 0, 0)
    screen = project(camera, points)
    expected = reference.project(camera, points.astype(float))
    np.testing.assert_allclose(screen, expected, atol=2e-4)
    assert np.all(screen[:3] == 0)
    raster = Rasteriser(60, 80)
    raster.draw(screen, np.array([[0, 5, 6], [1, 5, 6], [2, 5, 6]], np.int32), cull="none")
    assert np.all(raster.ids == -1)


def test_front_triangles_run_counter_clockwise() -> None:
    camera = Camera.look_at([0, 0, 2], [0, 0, 0], size=(32, 32))
    corners = np.array([[-0.1, -0.1, 0], [0.1, -0.1, 0], [0, 0.1, 0]], np.float32)
    raster = Rasteriser(32, 32)
    for order, visible in (((0, 1, 2), True), ((0, 2, 1), False)):
        raster.draw(project(camera, corners), np.array([order], np.int32))
        assert (raster.ids >= 0).any() == visible


def test_interpolation_is_perspective_correct() -> None:
    camera = Camera.look_at([0.3, 0.4, 1.0], [0, 0, 0], size=(48, 48), fov=40)
    corners = np.array([[-0.2, -0.2, 0.3], [0.3, -0.2, -0.4], [0, 0.3, 0]], np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    raster = Rasteriser(48, 48)
    raster.draw(project(camera, corners), triangles, cull="none")
    world = interpolate(raster, triangles, corners)
    hit = raster.ids >= 0
    rows, columns = np.nonzero(hit)
    pixels = np.stack([columns, rows], 1) + 0.5
    expected = camera.unproject(pixels, 1 / raster.inverse_depth[hit])
    np.testing.assert_allclose(world[hit], expected, atol=2e-3)  # vertices are snapped to 1/256 pixel
    np.testing.assert_allclose(
        world, reference.interpolate(raster.ids, raster.bary.astype(float), triangles, corners), atol=1e-5
    )
    assert np.all(world[~hit] == 0)


def test_texture_sampling_equals_the_reference() -> None:
    rng = np.random.default_rng(0)
    texture, uv = rng.random((7, 5, 3)).astype(np.float32), rng.uniform(-0.3, 1.3, (20, 30, 2)).astype(np.float32)
    np.testing.assert_allclose(sample(texture, uv), reference.sample(texture, uv), atol=2e-6)
    top_left = sample(texture, np.array([[[0.1, 1 - 0.5 / 7]]], np.float32))
    np.testing.assert_allclose(top_left[0, 0], texture[0, 0], atol=1e-6)
    assert np.isfinite(sample(texture, np.full((1, 2, 2), np.nan, np.float32))).all()


def test_vertex_normals_equal_the_reference() -> None:
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(40, 3)).astype(np.float32)
    vertices[7] = np.nan
    triangles = rng.integers(0, 39, (60, 3)).astype(np.int32)
    normals = vertex_normals(vertices, triangles)
    np.testing.assert_allclose(normals, reference.vertex_normals(vertices.astype(float), triangles), atol=1e-4)
    np.testing.assert_array_equal(normals[39], [0, 0, 1])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-2, 14), y=st.floats(-2, 14), z=st.floats(0.5, 3), radius=st.integers(0, 2))
def test_shadow_lookup_equals_the_reference(x: float, y: float, z: float, radius: int) -> None:
    inverse = np.random.default_rng(3).uniform(0.2, 2, (12, 12)).astype(np.float32)
    expected = reference.lit(inverse, x, y, z, 0.01, radius)
    assert lit(inverse, x, y, z, 0.01, radius) == pytest.approx(expected, abs=1e-6)


def test_a_plate_shades_what_lies_behind_it_and_not_itself() -> None:
    light = Camera.look_at([0, 0, 2], [0, 0, 0], size=(64, 64), fov=40)
    plate = np.array([[-0.2, -0.2, 0.5], [0.2, -0.2, 0.5], [0.2, 0.2, 0.5], [-0.2, 0.2, 0.5]], np.float32)
    shadow = ShadowMap(light)
    shadow.draw(plate, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    points = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0, 0.9], [0.6, 0, 0], [0, 0, 5], [9, 0, 0]], np.float32)
    np.testing.assert_allclose(shadow.lookup(points), [0, 1, 1, 1, 1, 1], atol=1e-6)


def test_wrong_input_is_refused() -> None:
    raster = Rasteriser(4, 4)
    screen = np.zeros((3, 3), np.float32)
    with pytest.raises(VultusError, match="does not exist"):
        raster.draw(screen, np.array([[0, 1, 3]], np.int32))
    with pytest.raises(VultusError, match="float32"):
        raster.draw(screen.astype(np.float64), np.array([[0, 1, 2]], np.int32))
    with pytest.raises(VultusError, match="pixels"):
        Rasteriser(0, 4)
