"""What comes to light behind a head."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus.photo.backdrop import structured
from vultus.photo.filters import filled

F32 = NDArray[np.float32]


def _stripes(height: int, width: int) -> F32:
    x = np.arange(width)[None, :, None]
    light = 0.5 + 0.4 * np.sign(np.sin(2 * np.pi * x / 22)) * np.ones((height, 1, 3))
    return (light * [1.0, 0.9, 0.7]).astype(np.float32)


def _hole(height: int, width: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[:height, :width]
    return np.asarray(np.hypot((y - 0.5 * height) / 0.28, (x - 0.5 * width) / 0.2) < min(height, width))


@pytest.mark.parametrize("size", [(256, 256), (150, 260)])
def test_stripes_go_on(size: tuple[int, int]) -> None:
    true, hole = _stripes(*size), _hole(*size)
    photo = np.where(hole[..., None], np.float32(0.2), true)
    smooth = filled(photo, hole)
    made = structured(photo, hole, smooth, 200)
    np.testing.assert_array_equal(made, structured(photo, hole, smooth, 200))
    np.testing.assert_array_equal(made[~hole], smooth[~hole])
    assert made.min() >= 0
    assert made.max() <= 1
    assert np.abs(made - true)[hole].mean() < 0.5 * np.abs(smooth - true)[hole].mean()


def test_only_what_can_be_uncovered_is_made() -> None:
    true, hole = _stripes(256, 256), _hole(256, 256)
    photo = np.where(hole[..., None], np.float32(0.2), true)
    smooth = filled(photo, hole)
    made = structured(photo, hole, smooth, 20)
    assert np.abs(made - smooth)[128, 128].max() == 0
    y, x = np.nonzero(hole)
    edge = np.argmin(x)
    assert np.abs(made - smooth)[y[edge] - 5 : y[edge] + 5, x[edge] : x[edge] + 12].max() > 0.05


@pytest.mark.parametrize("size", [(8, 8), (64, 9), (256, 200)])
def test_a_plain_background_stays_smooth(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 0.4, np.float32)
    hole = _hole(*size)
    assert structured(photo, hole, photo, 30) is photo
    everywhere = np.ones(size, bool)
    assert structured(photo, everywhere, photo, 30) is photo
    assert structured(photo, ~everywhere, photo, 30) is photo


def test_noise_and_huge_holes_stay_finite() -> None:
    photo = np.random.default_rng(1).random((120, 90, 3), np.float32)
    hole = np.zeros((120, 90), bool)
    hole[10:, 12:80] = True
    made = structured(photo, hole, filled(photo, hole), 500)
    assert np.isfinite(made).all()
