"""Creases that expressions lay over a photo, and grain for what is made up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.heads.photo import PhotoHead
from vultus.lab.sheets import moved
from vultus.photo import filters, folds, kernels
from vultus.photo.scene import Painter, Scene


def _creases(scene: Scene) -> NDArray[np.float32]:
    return scene.areas.stack[..., 3 : 3 + folds.SETS]


def test_the_photos_own_expression_adds_nothing(scene: Scene) -> None:
    assert not scene.folds.of(scene.fit.row).any()
    frown = scene.fit.row.copy()
    frown[[ch.INDEX["browDownLeft"], ch.INDEX["browDownRight"]]] = 1
    assert scene.folds.of(frown)[:, 1].max() > 0.8


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 9.0])
def test_folds_stay_in_range(scene: Scene, value: float) -> None:
    made = scene.folds.of(np.full(len(ch.CHANNELS), value, np.float32))
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1


def test_creases_are_dark_lines_of_the_face(scene: Scene) -> None:
    made = _creases(scene)
    assert np.isfinite(made).all()
    assert (made.min((0, 1)) < -0.05).all()
    assert (made.max((0, 1)) < -made.min((0, 1))).all()
    assert not made[:20].any()
    assert not made[:, :20].any()
    # The furrows of a frown begin between the brows.
    y, x = np.unravel_index(np.argmin(np.where(np.arange(256)[:, None] < scene.fit.landmarks[1, 1], made[..., 1], 0)),
                            made.shape[:2])  # fmt: skip
    middle = scene.fit.landmarks[[107, 336]].mean(0)
    assert np.hypot(x - middle[0], y - middle[1]) < 0.35 * scene.fit.eyes


def test_a_frown_shades_the_skin_between_the_brows(scene: Scene) -> None:
    smooth = Painter(scene)
    frown = moved({"browDownLeft": 1.0, "browDownRight": 1.0})
    with_creases = smooth.layers(frown, 0.0)[..., :3].copy()
    scene.areas.stack[..., 3 : 3 + folds.SETS] *= 0
    without = smooth.layers(frown, 0.0)[..., :3].copy()
    darker = (without - with_creases).mean(2)
    places = scene.fit.landmarks[[107, 336, 9]].astype(int)
    box = np.zeros(darker.shape, bool)
    box[places[:, 1].min() - 6 : places[:, 1].max() + 12, places[:, 0].min() : places[:, 0].max()] = True
    assert darker[box].max() > 0.03
    assert np.abs(darker[200:]).max() == 0


def test_what_is_no_skin_does_not_crease(
    portrait: NDArray[np.uint8], head: PhotoHead, taken_apart: Callable[[NDArray[np.float32]], Scene]
) -> None:
    photo = np.asarray(portrait, np.float32) / 255
    at = head.fits[0].landmarks[9].astype(int)
    part = slice(at[1] - 12, at[1] + 12), slice(at[0] - 12, at[0] + 12)
    bare = np.abs(_creases(taken_apart(photo))[part]).max()
    photo[part] *= 0.25  # a fringe
    inner = slice(at[1] - 6, at[1] + 6), slice(at[0] - 6, at[0] + 6)
    assert np.abs(_creases(taken_apart(photo))[inner]).max() < 0.2 * bare


def test_grain_is_as_strong_as_the_photos() -> None:
    rng = np.random.default_rng(3)
    whole = np.ones((120, 120), np.float32)
    light = (0.5 + 0.03 * rng.standard_normal((120, 120))).astype(np.float32)
    light[:, 60:] += 0.3  # an edge is no grain
    made = filters.grain(light, whole, 0.4)
    np.testing.assert_array_equal(made, filters.grain(light, whole, 0.4))
    usual = light - filters.blur(light, 1.5)
    assert made.std() == pytest.approx(usual[:, :50].std(), rel=0.15)
    assert abs(made.mean()) < 0.002
    assert not filters.grain(np.full_like(light, 0.4), whole, 0.4).any()
    assert not filters.grain(light, np.zeros_like(light), 0.4).any()


def test_columns_have_room_for_the_folds() -> None:
    assert kernels.FOLD + folds.SETS == kernels.COLUMNS
