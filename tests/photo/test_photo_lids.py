"""Closed eyes that are painted into a photo, and edges as soft as the photo's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vultus.lab.photo_sheet import painted
from vultus.person import landmarks as lm
from vultus.photo import kernels
from vultus.photo.filters import distance, polygon, sharpness
from vultus.photo.scene import Scene


def test_closed_eyes_are_skin_with_a_line(scene: Scene) -> None:
    photo, made, marks = scene.photo, scene.shut.picture, scene.fit.landmarks
    assert np.isfinite(made).all()
    for ring in (lm.LEFT_EYE, lm.RIGHT_EYE):
        eye = polygon(marks[list(ring)], scene.fit.size) > 0.5
        width = np.ptp(marks[list(ring), 0])
        outside = distance(~eye)
        around = (outside > 0.35 * width) & (outside < 0.5 * width)
        skin = np.median(photo[around], axis=0)
        was, now = (np.abs(p[eye] - skin).mean() for p in (photo, made))
        assert now < 0.6 * was
        rows = made[eye].mean(1)
        assert rows.min() < 0.75 * np.median(rows)  # the line of the lashes
        assert made[eye].mean(1).max() < 1.15 * skin.mean()  # and nothing of the white
    far = distance(scene.shut.near < 0.01) > 0
    np.testing.assert_array_equal(made[far], photo[far])


def test_sharpness_tells_blurs_apart() -> None:
    step = np.zeros((80, 80), np.float32)
    step[:, 40:] = 1
    step[40:] *= 0.5
    whole = np.ones_like(step)
    told = [sharpness(ndimage.gaussian_filter(step, sigma), whole) for sigma in (0.6, 1.0, 1.5)]
    np.testing.assert_allclose(told, (0.6, 1.0, 1.5), atol=0.35)
    assert told == sorted(told)
    assert sharpness(np.zeros((40, 40), np.float32), np.ones((40, 40), np.float32)) == 0.6


def test_only_edges_between_different_things_are_softened() -> None:
    rng = np.random.default_rng(0)
    made = rng.uniform(0, 1, (40, 40, 4)).astype(np.float32)
    before = made.copy()
    shown = np.zeros((40, 40), np.uint8)
    shown[10:30, 10:20], shown[10:30, 20:30] = kernels.SKIN + 1, kernels.CAVITY + 1
    kernels.soften(0, 40, 0, 40, 0.8, shown, made, np.empty((40, 40, 3), np.float32))
    changed = (made != before).any(2)
    assert changed[10:30, 19:21].all()
    assert not changed[:, :17].any()  # the face's rim against what is behind it stays
    assert not changed[:, 23:].any()
    np.testing.assert_array_equal(made[..., 3], before[..., 3])


def test_a_painting_has_even_patches(portrait: NDArray[np.uint8]) -> None:
    made = painted(portrait)
    assert made.shape == portrait.shape
    assert made.dtype == np.uint8
    rough = [np.abs(np.diff(p.astype(int), axis=1)).mean() for p in (portrait[60:200, 70:190], made[60:200, 70:190])]
    assert rough[1] < rough[0]
