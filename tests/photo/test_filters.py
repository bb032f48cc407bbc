"""The small tools for pictures."""

from __future__ import annotations

import numpy as np

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
