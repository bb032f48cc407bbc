"""Measures of pixels over two videos, and the rows from a few stretches of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vultus.critics import pictures, pixels
from vultus.critics.rows import ROWS
from vultus.errors import VultusError
from vultus.io.video import read_video, write_video


def video(path: Path, seed: int, count: int = 24, side: int = 32, fps: int = 25, late: float = 0.0) -> Path:
    """A bright square that wanders over a dark picture."""
    g = np.random.default_rng(seed)
    frames = np.full((count, side, side, 3), 30, np.uint8)
    for i in range(count):
        x = int(side / 2 + side / 4 * np.sin(0.4 * (i - late)))
        frames[i, 8:20, x - 4 : x + 4] = 220
    write_video(path, (np.clip(f + g.normal(0, 3, f.shape), 0, 255).astype(np.uint8) for f in frames), fps=fps, crf=4)
    return path


def test_all_pictures_count_and_the_copy_is_perfect(tmp_path: Path) -> None:
    made, true = video(tmp_path / "a.mp4", 3, late=0.5), video(tmp_path / "b.mp4", 0)
    found = pictures.measure(made, true, Fraction(25), 24)
    a, b = (np.stack([f for _, f in read_video(p)]) for p in (made, true))
    assert set(found) == set(ROWS)
    assert found["this"]["PSNR"] == pytest.approx(pixels.psnr(a, b), rel=1e-6)
    assert found["this"]["SSIM"] == pytest.approx(pixels.ssim(a, b), rel=1e-6)
    assert found["this"]["flicker"] == pytest.approx(pixels.flicker(a, b), rel=1e-6)
    assert found["copy"] == pytest.approx({"PSNR": 100, "SSIM": 1, "L1": 0, "flicker": 0})
    assert found["this"]["SSIM"] > max(found[row]["SSIM"] for row in ("mean", "shuffled", "reversed"))


def test_another_rate_and_length_are_compared_as_far_as_both_go(tmp_path: Path) -> None:
    made, true = video(tmp_path / "a.mp4", 0, 30, fps=50), video(tmp_path / "b.mp4", 0, 24, fps=25)
    assert len(list(pictures.pairs(made, true, Fraction(25)))) == 15
    assert len(list(pictures.pairs(true, true, Fraction(25)))) == 24


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    made, true = video(tmp_path / "a.mp4", 0, 5), video(tmp_path / "b.mp4", 0, 5, side=48)
    with pytest.raises(VultusError, match="same size"):
        pictures.measure(made, true, Fraction(25), 5)


def test_three_pictures_have_rows_too(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", 0, 3)
    found = pictures.measure(path, path, Fraction(25), 3)
    assert set(found) == set(ROWS)
    assert found["this"]["PSNR"] == 100


def test_distances_of_features_are_zero_for_the_same(tmp_path: Path) -> None:
    def describe(some: np.ndarray) -> np.ndarray:
        small = some.reshape(len(some), 8, 4, 8, 4, 3).mean(axis=(2, 4, 5)) / 255
        return np.asarray(small.reshape(len(some), -1), np.float32)

    made, true = video(tmp_path / "a.mp4", 5, 60, late=0.5), video(tmp_path / "b.mp4", 0, 60)
    found = pictures.features(made, true, describe, 60)
    assert found["copy"]["feature distance-s"] == 0
    assert found["copy"]["Fréchet-s"] == pytest.approx(0, abs=1e-6)
    assert found["this"]["feature distance-s"] < found["shuffled"]["feature distance-s"]
    # The order of pictures says nothing about their distribution.
    assert found["shuffled"]["Fréchet-s"] == pytest.approx(found["this"]["Fréchet-s"], rel=1e-3, abs=1e-6)
    assert found["mean"]["Fréchet-s"] > 2 * found["this"]["Fréchet-s"]
