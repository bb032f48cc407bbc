import numpy as np
import pytest

from vultus.observers.smooth import OneEuro


def test_what_rests_is_smoothed_and_what_moves_is_followed():
    rng = np.random.default_rng(0)
    t = np.arange(200) / 25
    step = np.where(t < 4, 0.0, 1.0)
    noisy = np.stack([step, 0 * step], axis=1) + 0.005 * rng.standard_normal((200, 2))
    filtered = OneEuro(2.0, 8.0)
    out = np.array([filtered.step(value, 1 / 25) for value in noisy])
    assert out[:90].std() < 0.65 * noisy[:90].std()
    assert out[102, 0] > 0.9  # two frames after a step it is there
    assert np.abs(out[101:, 1]).max() < 0.06  # and the other element does not move with it


@pytest.mark.parametrize("fps", [12, 30, 120])
def test_the_lag_is_below_a_frame(fps):
    t = np.arange(4 * fps) / fps
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * 2.0 * t)
    filtered = OneEuro(2.5, 6.0)
    out = np.array([float(filtered.step(value, 1 / fps)) for value in wave])
    # The share of the next true frame that is missing: phase by least squares on sine and cosine.
    basis = np.stack([np.sin(2 * np.pi * 2 * t), np.cos(2 * np.pi * 2 * t), np.ones_like(t)], axis=1)
    s, c, _ = np.linalg.lstsq(basis[fps:], out[fps:], rcond=None)[0]
    assert 0 <= -np.arctan2(c, s) / (2 * np.pi * 2.0) * min(fps, 30) < 1
    assert np.hypot(s, c) > 0.85 * 0.4


def test_a_reset_forgets():
    filtered = OneEuro(1.0, 0.0)
    filtered.step([5.0], 0.04)
    assert filtered.step([0.0], 0.04) > 3
    filtered.reset()
    assert filtered.step([0.0], 0.04) == 0
