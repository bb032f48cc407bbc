"""Soft shadows and hollows, on scenes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from vultus.camera import Camera
from vultus.person import visibility
from vultus.person.lamps import camera_rows
from vultus.render.shadows import ShadowMap

EYE = np.array([0.0, 0.0, 3.0], np.float32)
EVERYWHERE = np.array([-np.inf, -np.inf, np.inf, np.inf], np.float32)
GROUND = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)


@njit(cache=True, nogil=True)
def _hollows(inverse: np.ndarray, focal: float, out: np.ndarray) -> None:
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            out[row, column] = visibility.open_above(inverse, row, column, focal)


def shaded(height: float, size: float, *, taps: int = 16, tilt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """x and the light there on a ground that a half-plane x < 0 *height* metres above it shades, lit from the front."""
    camera = Camera.look_at([0, 0, 2.5], [0, 0, 0], size=(384, 384), fov=12)
    edge = np.array([[-1, -1, height], [0, -1, height], [0, 1, height], [-1, 1, height]], np.float32)
    ground = GROUND + np.float32(tilt) * GROUND[:, :1] * [0, 0, 1]
    vertices = np.concatenate([edge, ground]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    shadow = ShadowMap(camera)
    shadow.draw(vertices, triangles if height > 0 else triangles[2:])
    x = np.linspace(-0.1, 0.1, 401, dtype=np.float32)
    points = np.zeros((len(x), 6), np.float32)
    points[:, 0], points[:, 2] = x, tilt * x
    points[:, 3:] = np.array([-tilt, 0, 1]) / np.hypot(tilt, 1)
    out = np.zeros(len(x), np.float32)
    rows = camera_rows(camera)
    depth, lamp = shadow.inverse_depth, np.float32(size)
    visibility.light_points(0, len(x), points, points[:, :3].copy(), EVERYWHERE, EYE, depth, rows, lamp, taps, out)
    return x, out


def width(x: np.ndarray, light: np.ndarray) -> float:
    """Metres from a tenth to nine tenths of the light."""
    return float(np.interp(0.9, light, x) - np.interp(0.1, light, x))


def test_penumbras_widen_with_the_lamp_and_with_the_distance() -> None:
    hard, near, far = (width(*shaded(h, s)) for h, s in ((0.05, 0.0), (0.02, 0.25), (0.06, 0.25)))
    small = width(*shaded(0.06, 0.08))
    assert hard < 0.006
    assert near < 0.5 * far
    assert small < 0.5 * far
    assert 0.008 < far < 0.04


@pytest.mark.parametrize("taps", [12, 16, 24])
def test_shadows_rise_smoothly_from_dark_to_light(taps: int) -> None:
    x, light = shaded(0.05, 0.25, taps=taps)
    assert light[x < -0.03].max() < 0.02
    assert light[x > 0.04].min() > 0.98
    assert np.abs(np.diff(light)).max() < 0.12  # over half a millimetre: no steps that show
    assert light.min() >= 0
    assert light.max() <= 1


@pytest.mark.parametrize("tilt", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("size", [0.0, 0.1, 0.5])
def test_a_slope_does_not_shade_itself(tilt: float, size: float) -> None:
    _, light = shaded(0.0, size, tilt=tilt)
    assert light.min() > 0.999


def test_what_turns_away_is_left_out_and_broken_points_do_no_harm() -> None:
    camera = Camera.look_at([0, 0, 2.5], [0, 0, 0], size=(64, 64), fov=12)
    points = np.zeros((4, 6), np.float32)
    points[0, 3:] = 0, 0, -1
    points[1] = np.nan
    points[2] = 1e30
    points[3, 2] = 100
    out = np.full(4, 7, np.float32)
    shadow = np.full((64, 64), 1.0, np.float32)
    rows, size = camera_rows(camera), np.float32(0.2)
    visibility.light_points(0, 4, points, points[:, :3].copy(), EVERYWHERE, EYE, shadow, rows, size, 16, out)
    assert out[0] == 1
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 1


def depth(shape: str) -> np.ndarray:
    """1/depth [101, 101] of a surface about a metre away, a millimetre a pixel."""
    y, x = np.mgrid[-50:51, -50:51] * 1e-3
    z = {
        "plane": 1 + 0.8 * x,
        "valley": 1 - 0.8 * np.abs(x),
        "ridge": 1 + 0.8 * np.abs(x),
        "open": np.full_like(y, np.inf),
    }
    return (1 / z[shape]).astype(np.float32)


def test_valleys_are_dark_and_slopes_and_ridges_are_not() -> None:
    seen = {}
    for shape in ("plane", "valley", "ridge", "open"):
        out = np.zeros((101, 101), np.float32)
        _hollows(depth(shape), np.float32(1000.0), out)
        seen[shape] = out[30:71, 30:71]
    assert seen["plane"].min() > 0.97
    assert seen["ridge"].min() > 0.97
    assert seen["open"].min() == 1
    middle, side = seen["valley"][:, 20].mean(), seen["valley"][:, 0].mean()
    assert middle < 0.55
    assert side > middle + 0.3
