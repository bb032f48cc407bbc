"""The strand kernel against its plain version, and what makes hair look still and soft."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.render import reference
from vultus.render.strands import BAND, StrandLayer, cast

FOCAL = 600.0


def some(count: int, points: int = 6, size: int = 60, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Random curved strands: screen points, colours and widths."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-5, size + 5, (count, 1, 2))
    steps = rng.normal(0, 6, (count, 1, 2)) + rng.normal(0, 2.5, (count, points - 1, 2))
    flat = np.concatenate([start, start + np.cumsum(steps, axis=1)], axis=1)
    depth = 1 / rng.uniform(1.0, 1.3, (count, points, 1))
    return (
        np.concatenate([flat, depth], 2).astype(np.float32),
        rng.uniform(0, 1, (count, points, 3)).astype(np.float32),
        rng.uniform(0.0005, 0.005, count).astype(np.float32),
    )


def drawn(
    screen: np.ndarray, colour: np.ndarray, width: np.ndarray, size: int = 60, solid: float = 0.0, threads: int = 1
) -> np.ndarray:
    layer = StrandLayer(size, size)
    layer.clear(np.full((size, size), solid, np.float32))
    layer.draw(screen, colour, width, np.ones(screen.shape[:2], np.uint8), FOCAL, threads)
    return layer.cells


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_draws_as_the_plain_version(seed: int) -> None:
    screen, colour, width = some(25, seed=seed)
    cells = drawn(screen, colour, width, solid=0.85)
    plain = np.zeros((60, 60, 6))
    plain[..., 5] = np.float32(0.85)
    reference.strands(screen.astype(float), colour.astype(float), width.astype(float), FOCAL, plain)
    assert plain[..., 3].mean() > 0.05
    wrong = np.abs(cells - plain).max(2) > 2e-3
    assert wrong.mean() < 0.002  # where rounding moves a pixel from one piece to the next


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    scene = some(300, size=200)
    assert np.array_equal(drawn(*scene, size=200), drawn(*scene, size=200, threads=threads))


def test_cover_goes_with_width_and_never_passes_one() -> None:
    line = np.array([[[30.3, 5.2, 1], [32.0, 30.0, 1], [30.6, 54.9, 1]]], np.float32)
    white = np.ones_like(line)
    thin, twice = (drawn(line, white, np.float32([w / FOCAL]))[..., 3] for w in (0.2, 0.4))
    assert np.allclose(twice.sum(), 2 * thin.sum(), rtol=0.03)
    many = drawn(*some(3000))
    assert many[..., 3].max() <= 1 + 1e-5
    assert many[..., :4].min() >= 0


def test_a_shift_of_less_than_a_pixel_changes_little() -> None:
    screen, colour, width = some(200, size=100)
    moved = screen.copy()
    moved[..., 0] += 0.05
    moved[..., 1] -= 0.05
    a, b = (drawn(s, colour, 0.2 * width, size=100)[..., :4] for s in (screen, moved))
    change = np.abs(a - b)[a[..., 3] > 0]
    assert 0 < change.mean() < 0.03
    assert np.percentile(change, 99) < 0.15


def test_the_nearer_strand_covers_whatever_the_order() -> None:
    line = np.array([[[30, 5, 1.0], [30, 55, 1.0]], [[30, 5, 0.8], [30, 55, 0.8]]], np.float32)
    colour = np.zeros_like(line)
    colour[0, :, 0], colour[1, :, 1] = 1, 1
    width = np.float32([0.02, 0.02])
    for order in ([0, 1], [1, 0]):
        cells = drawn(line[order], colour[order], width)
        assert cells[20, 30, 0] > 0.98
        assert cells[20, 30, 1] < 0.02


def test_solid_surfaces_hide_strands_and_empty_places_do_not() -> None:
    screen, colour, width = some(40)
    assert drawn(screen, colour, width, solid=2.0)[..., :5].max() == 0
    layer = StrandLayer(60, 60)
    samples = np.full((120, 120), 2.0, np.float32)
    samples[41, 61] = 0  # one sample of the pixel (20, 30) sees past the solid
    layer.clear(samples)
    assert layer.cells[20, 30, 5] == 0
    assert layer.cells[20, 31, 5] == 2


@pytest.mark.parametrize("seed", range(3))
def test_reserving_room_cuts_nothing_off_and_leaves_no_rest(seed: int) -> None:
    size, layer = 200, StrandLayer(200, 200)
    first, second = some(30, size=size, seed=seed), some(12, size=size, seed=seed + 10)
    second[0][..., :2] = 0.3 * second[0][..., :2] + 70  # in the middle of the picture
    second[0][0] = np.nan
    for screen, colour, width in (first, second):
        layer.reserve([(screen, width)], FOCAL)
        layer.clear(np.full((size, size), 0.85, np.float32))
        layer.draw(screen, colour, width, np.ones(screen.shape[:2], np.uint8), FOCAL)
        held = np.zeros_like(layer.cells)
        for band, (begin, end) in enumerate(layer.spans):
            rows = slice(band * BAND, (band + 1) * BAND)
            held[rows, begin:end] = layer.cells[rows, begin:end]
        np.testing.assert_array_equal(held[..., :5], drawn(screen, colour, width, size, 0.85)[..., :5])
    assert (layer.spans[:, 1] - layer.spans[:, 0]).max() < 0.7 * size
    layer.reserve([], FOCAL)
    assert (layer.spans[:, 0] >= layer.spans[:, 1]).all()


def test_points_that_are_not_finite_or_unseen_draw_nothing() -> None:
    screen, colour, width = some(30)
    screen[::3] = np.nan
    screen[1::3, :, 0] = 1e30
    screen[2::3, :, 2] = 0
    assert drawn(screen, colour, width)[..., :5].max() == 0
    screen, colour, width = some(30)
    layer = StrandLayer(60, 60)
    layer.clear()
    layer.draw(screen, colour, width, np.zeros(screen.shape[:2], np.uint8), FOCAL)
    assert layer.cells[..., :4].max() == 0


def test_strands_cast_shadows_as_wide_as_they_are() -> None:
    depth = np.zeros((60, 60), np.float32)
    cast(np.array([[[10, 30, 1], [50, 30, 1]]], np.float32), np.float32([6 / FOCAL]), FOCAL, depth)
    assert 4 <= (depth[:, 15] > 0).sum() <= 7
    assert (depth[:, 49] > 0).sum() < (depth[:, 15] > 0).sum()


def test_arrays_that_do_not_fit_are_refused() -> None:
    screen, colour, width = some(5)
    layer = StrandLayer(60, 60)
    with pytest.raises(VultusError, match="width for each"):
        layer.draw(screen, colour, width[:-1], np.ones(screen.shape[:2], np.uint8), FOCAL)
    with pytest.raises(VultusError, match="divide evenly"):
        layer.clear(np.zeros((61, 60), np.float32))
