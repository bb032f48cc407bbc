"""Lids and lips on their way to being closed."""

from __future__ import annotations

import numpy as np

from vultus.lab.sheets import moved
from vultus.photo import kernels, mouth
from vultus.photo.scene import Painter, Scene, to_camera


def test_only_upper_lids_come_down(scene: Scene) -> None:
    comes = scene.base[:, kernels.PLACE + 1]
    index, weight = mouth.corners(scene.fit.mesh)

    def of(landmark: int) -> float:
        return float(comes[index[landmark]] @ weight[landmark])

    for upper, lower in ((159, 145), (386, 374)):
        assert of(upper) > 0.9
        assert of(lower) < 0.5
    assert of(1) == of(152) == 0  # nose and chin


def test_half_closed_eyes_have_one_line_of_lashes(scene: Scene) -> None:
    """The painted lashes lie where the lids meet; a lower lid that has not met the upper one shows none."""
    row = moved({"eyeBlinkLeft": 0.6, "eyeBlinkRight": 0.6})
    painter = Painter(scene)
    half = painter.layers(row, 0.0)[..., :3].mean(2)
    painter._points[:, kernels.PLACE + 1] = 1
    painted = painter.layers(row, 0.0)[..., :3].mean(2)
    for lower in (145, 374):
        x, y = scene.fit.landmarks[lower].astype(int)
        part = slice(y - 1, y + 3), slice(x - 3, x + 4)
        assert half[part].mean() > painted[part].mean() + 0.02


def test_corners_are_blurred_where_they_are(scene: Scene) -> None:
    painter = Painter(scene)
    painter.layers(moved({}), 0.0)
    painter._made[..., :3] = np.random.default_rng(0).random(painter._made[..., :3].shape, np.float32)
    before = painter._made.copy()
    corners = mouth.marks(scene.fit.mesh, scene.home, (78, 308))
    painter._calm_corners(corners, 1.0)
    change = np.abs(painter._made - before)
    assert not change[..., 3].any()
    height, width = change.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    places = to_camera(scene.fit, corners)[1][:, :2]
    away = np.min([np.hypot(x - a, y - b) for a, b in places], axis=0)
    assert change[away < 1.5].mean() > 0.1
    assert change[away > 0.13 * scene.fit.eyes + 2].max() == 0
    painter._calm_corners(corners + np.float32(9), 1.0)  # out of the picture
