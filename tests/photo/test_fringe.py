"""Hair over the forehead stays where it is while brows move under it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.heads.photo import PhotoHead
from vultus.photo import fringe
from vultus.photo.filters import blur, light
from vultus.photo.scene import Painter, Scene

F32 = NDArray[np.float32]


@pytest.fixture(scope="module")
def fringed(portrait: NDArray[np.uint8], head: PhotoHead) -> tuple[F32, slice, slice]:
    """The portrait with dark hair down to above the brows, and where that is over the forehead."""
    photo = np.asarray(portrait, np.float32) / 255
    marks = head.fits[0].landmarks
    rows = slice(0, int(0.75 * marks[105, 1] + 0.25 * marks[10, 1]))
    columns = slice(int(marks[103, 0]), int(marks[332, 0]))
    locks = 0.10 + 0.08 * blur(np.random.default_rng(0).uniform(-1, 1, photo.shape[:2]), 1.0)[..., None]
    photo[rows, columns] = (locks * np.array([1, 0.7, 0.5], np.float32))[rows, columns]
    return photo, slice(int(marks[10, 1]) + 2, rows.stop - 2), slice(columns.start + 3, columns.stop - 3)


def test_hair_is_told_from_skin_and_brows(fringed: tuple[F32, slice, slice], head: PhotoHead) -> None:
    photo, rows, columns = fringed
    fit = head.fits[0]
    share = fringe.hair(photo, fit)
    assert share.shape == photo.shape[:2]
    assert share.min() >= 0
    assert share.max() <= 1
    assert share[rows, columns].mean() > 0.95
    for place in (105, 334, 4, 50, 280, 159):
        x, y = fit.landmarks[place].astype(int)
        assert share[y, x] < 0.05


def test_without_hair_there_is_skin(fringed: tuple[F32, slice, slice], head: PhotoHead) -> None:
    photo, rows, columns = fringed
    fit = head.fits[0]
    share = fringe.hair(photo, fit)
    skin = fringe.without(photo, share, fit)
    x, y = fit.landmarks[50].astype(int)
    assert abs(float(light(skin)[rows, columns].mean()) / float(light(photo)[y, x]) - 1) < 0.3
    below = int(fit.landmarks[4, 1])
    np.testing.assert_array_equal(skin[below:], photo[below:])
    nothing = np.zeros_like(share)
    assert fringe.without(photo, nothing, fit) is photo


def test_brows_move_under_hair(
    fringed: tuple[F32, slice, slice], taken_apart: Callable[[F32], Scene], head: PhotoHead
) -> None:
    photo, rows, columns = fringed
    painter = Painter(taken_apart(photo))
    row = np.zeros(len(ch.CHANNELS), np.float32)
    rest = painter.draw(row).astype(int)
    np.testing.assert_array_equal(rest, np.rint(photo * 255).astype(int))
    row[[ch.INDEX["browDownLeft"], ch.INDEX["browDownRight"]]] = 1
    moved = painter.draw(row).astype(int)
    # Away from its lower edge hair is what it was; brows are not.
    still = np.abs(moved - rest)[rows.start : rows.stop - 4, columns].mean()
    x, y = head.fits[0].landmarks[105].astype(int)
    brow = np.abs(moved - rest)[y - 6 : y + 10, x - 8 : x + 8].mean()
    assert still < 0.5, still
    assert brow > 8


def test_a_face_without_room_above_it_has_no_fringe(portrait: NDArray[np.uint8], head: PhotoHead) -> None:
    fit = head.fits[0]
    top = float(fit.landmarks[:, 1].max())
    cropped = fit.cut(0.0, top, 1.0, fit.size)
    assert not fringe.hair(np.asarray(portrait, np.float32) / 255, cropped).any()


def test_points_on_a_line_have_corners() -> None:
    line = np.stack([np.arange(6.0), 2 * np.arange(6.0)], 1)
    corners = fringe._convex(line)
    assert {tuple(corner) for corner in corners} >= {(0.0, 0.0), (5.0, 10.0)}
