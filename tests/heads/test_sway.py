"""Inertia of free hair."""

from __future__ import annotations

import numpy as np

from vultus import channels as ch
from vultus.heads.sway import FURTHEST, MOST, Sway


def rows(count: int) -> np.ndarray:
    return np.zeros((count, len(ch.CHANNELS)), np.float32)


def test_a_still_head_gives_zero_in_any_pose() -> None:
    data = rows(20)
    data[:, ch.HEAD] = [0.2, 0.4, -0.1]
    sway = Sway()
    assert not any(sway.step(row, 30).any() for row in data)


def test_hair_lags_swings_over_and_comes_to_rest() -> None:
    data = rows(150)
    data[5:, ch.HEAD.start + 1] = 0.1
    sway = Sway()
    turn = np.array([sway.step(row, 30)[1, 1] for row in data])
    assert not turn[:5].any()
    assert turn[5] < -0.05  # it stays behind
    assert turn.max() > 0.01  # and swings past
    assert np.abs(turn[-10:]).max() < 0.001
    assert not turn[-1:].any()


def test_the_same_time_passes_at_any_frame_rate() -> None:
    def after_a_third(fps: int) -> np.ndarray:
        data = rows(fps // 3 + 2)
        data[1:, ch.TRANSLATION.start] = 0.02
        sway = Sway()
        return [sway.step(row, fps) for row in data][fps // 3]

    assert np.abs(after_a_third(30) - after_a_third(120)).max() < 1e-4


def test_hair_never_flies() -> None:
    data = np.random.default_rng(1).normal(0, 3, (200, len(ch.CHANNELS))).astype(np.float32)
    data[50] = np.nan
    data[60] = np.inf
    sway = Sway()
    lags = np.array([sway.step(row, 5) for row in data])
    assert np.isfinite(lags).all()
    assert np.linalg.norm(lags[:, 0], axis=1).max() <= FURTHEST + 1e-6
    assert np.linalg.norm(lags[:, 1], axis=1).max() <= MOST + 1e-6
