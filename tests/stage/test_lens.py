"""A camera's faults do what they say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.stage.lens import Lens, develop, random_lens


def rng():
    return np.random.default_rng(1)


@pytest.fixture
def ramp():
    grey = np.linspace(0, 255, 64).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(grey[None, :, None], (48, 64, 3)))


def test_a_perfect_lens_changes_hardly_anything(ramp):
    assert np.abs(develop(ramp, Lens(), None, rng()).astype(int) - ramp).max() <= 1


def test_noise_grows_with_the_light(ramp):
    def noise(level: int, lens: Lens) -> float:
        flat = np.full((64, 64, 3), level, np.uint8)
        linear = (develop(flat, lens, None, rng()) / 255) ** 2.2
        return float(linear.std())

    lens = Lens(shot=0.05, read=0.002)
    assert noise(200, lens) > 2 * noise(60, lens)
    assert noise(200, lens) == pytest.approx(0.05 * ((200 / 255) ** 2.2) ** 0.5, rel=0.2)
    assert np.array_equal(develop(ramp, lens, None, rng()), develop(ramp, lens, None, rng()))


def test_exposure_and_balance_scale_linear_light():
    flat = np.full((8, 8, 3), 100, np.uint8)
    out = (develop(flat, Lens(gain=2.0, balance=(1.5, 0.5)), None, rng())[0, 0] / 255) ** 2.2
    np.testing.assert_allclose(out / (100 / 255) ** 2.2, [3, 2, 1], rtol=0.06)


def test_blur_spreads_a_point_and_keeps_its_light():
    point = np.zeros((33, 33, 3), np.uint8)
    point[16, 16] = 255
    shown = develop(point, Lens(defocus=1.5), None, rng())[..., 0] / 255.0
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    _, x = np.mgrid[:33, :33]
    assert linear.sum() == pytest.approx(1, abs=0.1)
    spread = np.sqrt((linear * (x - 16) ** 2).sum() / linear.sum())
    assert spread == pytest.approx(1.5, rel=0.25)
    assert (linear * x).sum() / linear.sum() == pytest.approx(16, abs=0.02)


def test_motion_blurs_along_the_flow_while_the_shutter_is_open(ramp):
    edge = np.zeros((32, 32, 3), np.uint8)
    edge[:, 16:] = 255
    flow = np.zeros((32, 32, 2), np.float32)
    flow[..., 0] = 8
    out = develop(edge, Lens(shutter=0.5), flow, rng())
    between = ((out[16, :, 0] > 10) & (out[16, :, 0] < 245)).sum()
    assert 2 <= between <= 6
    flow[..., :] = (0, 8)
    assert np.abs(develop(edge, Lens(shutter=0.5), flow, rng()).astype(int) - edge).max() <= 1


def test_compression_and_bad_values(ramp):
    small = develop(ramp, Lens(quality=30), None, rng())
    assert small.shape == ramp.shape
    assert 0 < np.abs(small.astype(int) - ramp).mean() < 6
    for wrong in ({"shot": -1}, {"gain": 0}, {"quality": 100}, {"balance": (0, 1)}, {"shutter": 2}):
        with pytest.raises(VultusError, match="not a camera"):
            Lens(**wrong)
    for seed in range(20):
        random_lens(np.random.default_rng(seed), 128)
