"""The small tools for pictures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from vultus.photo import filters


def test_polygons_cover_their_area() -> None:
    square = np.array([[3.5, 2.0], [13.5, 2.0], [13.5, 8.0], [3.5, 8.0]])
    mask = filters.polygon(square, (20, 12))
    assert mask.shape == (12, 20)
    assert abs(float(mask.sum()) - 60) < 0.15 * 32  # a share of a pixel along the outline
    assert mask[5, 8] == 1
    assert mask[10, 18] == 0
    assert not filters.polygon(square + 100, (20, 12)).any()


def test_sampling_at_centres_returns_the_pixels() -> None:
    image = np.random.default_rng(0).random((6, 9, 3)).astype(np.float32)
    y, x = np.mgrid[:6, :9] + 0.5
    np.testing.assert_allclose(filters.sample(image, np.stack([x, y], -1)), image, atol=1e-6)


def test_a_hole_is_filled_from_around_it() -> None:
    image = np.tile(np.linspace(0, 1, 40, dtype=np.float32)[None, :, None], (30, 1, 3))
    hole = np.zeros((30, 40), bool)
    hole[8:22, 12:28] = True
    broken = np.where(hole[..., None], 5, image).astype(np.float32)
    made = filters.filled(broken, hole)
    np.testing.assert_array_equal(made[~hole], image[~hole])
    assert np.abs(made - image)[hole].max() < 0.25
    assert np.isfinite(filters.filled(image, np.ones((30, 40), bool))).all()


def test_values_spread_over_the_mesh() -> None:
    from scipy import sparse

    chain = sparse.diags([np.ones(4), np.ones(4)], [1, -1], shape=(5, 5)).tocsr()
    values = np.array([[1.0], [9], [9], [9], [0]], np.float32)
    known = np.array([True, False, False, False, True])
    out = filters.spread(values, known, chain, 10)[:, 0]
    assert out[0] == 1
    assert out[4] == 0
    assert out[1] > out[2] > out[3]


def test_the_matte_keeps_to_edges() -> None:
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1
    soft = np.clip((np.arange(40, dtype=np.float32)[None] - 14) / 12, 0, 1).repeat(40, 0)
    sharp = filters.guided(guide, soft, 6, 1e-4)
    assert sharp[20, 21] - sharp[20, 18] > 2 * (soft[20, 21] - soft[20, 18])


@pytest.mark.parametrize("shape", [(21, 34), (5, 4), (16, 23, 3), (9, 30, 7), (1, 6)])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 6.5])
def test_the_blur_is_that_of_scipy(shape: tuple[int, ...], sigma: float) -> None:
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    sigmas = (sigma, sigma) + (0,) * (len(shape) - 2)
    expected = ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=3.0)
    np.testing.assert_allclose(filters.blur(image, sigma), expected, atol=2e-6)
    shorter = ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=2.0)
    np.testing.assert_allclose(filters.blur(image, sigma, 2.0), shorter, atol=2e-6)
    np.testing.assert_array_equal(filters.blur(image, 0.0), image)


def test_what_is_done_in_a_part_of_a_picture_is_what_is_done_in_all_of_it() -> None:
    inside = np.zeros((60, 80), bool)
    inside[10:31, 50:80] = True
    inside[14:20, 60:65] = False
    np.testing.assert_allclose(filters.distance(inside), ndimage.distance_transform_edt(inside), atol=1e-5)
    assert not filters.distance(np.zeros((4, 5), bool)).any()
    assert filters.distance(np.ones((4, 5), bool)).min() == 5
    rows, columns = filters.around(inside, 2)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (8, 33, 48, 80)
    soft = inside.astype(np.float32)
    expected = filters.blur(ndimage.maximum_filter(soft, 7), 1.2)
    np.testing.assert_allclose(filters.grown(soft, 3.0), expected, atol=1e-6)
