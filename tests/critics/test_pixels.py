"""Measures on pictures and landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.critics import pixels as p
from vultus.errors import VultusError

RNG = np.random.default_rng(2)
TRUE = RNG.integers(0, 256, (3, 24, 20, 3), dtype=np.uint8)
MADE = np.clip(TRUE.astype(int) + RNG.integers(-20, 21, TRUE.shape), 0, 255).astype(np.uint8)


def test_psnr_is_that_of_the_formula() -> None:
    mse = np.mean((TRUE / 255.0 - MADE / 255.0) ** 2)
    assert p.psnr(MADE, TRUE) == pytest.approx(-10 * np.log10(mse))
    assert p.psnr(TRUE, TRUE) == p.MOST_PSNR
    assert p.psnr(MADE / 255.0, TRUE / 255.0) == pytest.approx(p.psnr(MADE, TRUE))


def test_a_mask_chooses_the_pixels() -> None:
    made = TRUE.copy()
    made[:, :10] = 0
    mask = np.zeros((24, 20))
    mask[10:] = 1
    assert p.psnr(made, TRUE, mask) == p.MOST_PSNR
    assert p.psnr(made, TRUE, 1 - mask) < 10
    assert np.isnan(p.psnr(made, TRUE, 0 * mask))
    low = np.zeros((24, 20))
    low[:5] = 1  # windows inside the picture begin at row 5
    assert np.isnan(p.ssim(made, TRUE, low))
    assert p.ssim(made, TRUE, 1 - mask) < 0.1


def test_ssim_is_that_of_the_plain_formula() -> None:
    a, b = MADE[0] / 255.0, TRUE[0] / 255.0
    y, x, c = 9, 11, 1
    g = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    w = np.outer(g, g) / g.sum() ** 2
    u, v = (i[y - 5 : y + 6, x - 5 : x + 6] for i in (a, b))
    total = 0.0
    for c in range(3):
        mu, mv = (w * u[..., c]).sum(), (w * v[..., c]).sum()
        vu, vv = (w * (u[..., c] - mu) ** 2).sum(), (w * (v[..., c] - mv) ** 2).sum()
        cov = (w * (u[..., c] - mu) * (v[..., c] - mv)).sum()
        total += (2 * mu * mv + 1e-4) * (2 * cov + 9e-4) / ((mu**2 + mv**2 + 1e-4) * (vu + vv + 9e-4)) / 3
    assert p.ssim_map(a, b)[y, x] == pytest.approx(total)
    assert p.ssim(TRUE, TRUE) == pytest.approx(1)
    assert p.ssim(MADE, TRUE) == pytest.approx(
        np.mean([p.ssim_map(i, j)[5:-5, 5:-5] for i, j in zip(MADE, TRUE, strict=True)])
    )


def test_flicker_is_change_that_the_true_film_does_not_have() -> None:
    still = np.repeat(TRUE[:1], 4, axis=0)
    assert p.flicker(still, still) == 0
    blinking = still.copy()
    blinking[1::2] = 0
    assert p.flicker(blinking, still) > 0.2
    assert p.flicker(still // 2, still) == 0  # a constant error does not flicker
    assert p.l1(still // 2, still) > 0.2


def test_landmark_distances_remove_the_mean_of_what_they_compare() -> None:
    true = RNG.uniform(0, 128, (4, 68, 2))
    moved = true + np.array([3, -4])
    assert p.lmd(moved, true, 128) == {"face": pytest.approx(0, abs=1e-9), "mouth": pytest.approx(0, abs=1e-9)}
    assert p.akd(moved, true, 128) == pytest.approx(14)
    mouth = true.copy()
    mouth[:, 48:58, 0] += 2
    scores = p.lmd(mouth, true, 256)
    assert scores["mouth"] == pytest.approx(1)  # ten of twenty move by 2: each is 1 from the mean's new place
    assert 0 < scores["face"] < scores["mouth"]


def test_blur_lowers_sharpness() -> None:
    soft = (TRUE[:, :-1].astype(float) + TRUE[:, 1:]) / 510
    assert p.sharpness(soft) < p.sharpness(TRUE)


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.zeros((0, 4, 3)), np.zeros((2, 4, 4, 4))])
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(VultusError, match="shape"):
        p.psnr(bad, bad)


def test_pictures_of_other_sizes_are_refused() -> None:
    with pytest.raises(VultusError, match="compared"):
        p.ssim(TRUE[:, :20], TRUE)
    with pytest.raises(VultusError, match="11 pixels"):
        p.ssim(TRUE[:, :8], TRUE[:, :8])
    with pytest.raises(VultusError, match="68"):
        p.lmd(np.zeros((2, 5, 2)), np.zeros((2, 5, 2)), 64)
