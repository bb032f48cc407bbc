"""Portraits of the stage: heads that turn to both sides, and arrays that become clips again."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch
from vultus.motion import Motion
from vultus.stage import portraits


def test_heads_turn_to_both_sides_and_speak_on() -> None:
    rows = np.zeros((5, len(ch.CHANNELS)), np.float32)
    rows[:, ch.INDEX["jawOpen"]] = [0.1, 0.2, 0.3, 0.4, 0.5]
    for seed in range(8):
        made = portraits.turning(Motion(rows, 12.5), 12, np.random.default_rng(seed))
        assert len(made) == 12
        yaw = made.data[:, ch.HEAD.start + 1] + made.data[:, ch.NECK.start + 1]
        assert yaw.max() > np.radians(15)
        assert yaw.min() < -np.radians(15)
        np.testing.assert_allclose(made.data[:, ch.INDEX["jawOpen"]], rows[np.arange(12) % 5, ch.INDEX["jawOpen"]])


@pytest.fixture(scope="module")
def kept() -> dict[str, np.ndarray]:
    return portraits.arrays(1, seed=3, size=32, frames=4)


def test_arrays_of_a_person(kept: dict[str, np.ndarray]) -> None:
    assert kept["frames"].shape == (1, 4, 32, 32, 3)
    assert kept["frames"].dtype == np.uint8
    assert kept["marks"].shape == (1, 4, 478, 2)
    assert kept["motion"].shape == (1, 4, len(ch.CHANNELS))
    face, depth = kept["face"], kept["depth"]
    assert 0.08 < face.mean() < 0.5
    assert np.isfinite(depth[face]).all()
    assert not np.isfinite(depth).all()
    again = portraits.arrays(1, seed=3, size=32, frames=4)
    for name, value in kept.items():
        np.testing.assert_array_equal(value, again[name])


def test_nearness_is_one_at_the_nearest_and_zero_behind(kept: dict[str, np.ndarray]) -> None:
    near = portraits.nearness(kept)
    np.testing.assert_allclose(near.max(axis=(2, 3)), 1)
    assert (near[~np.isfinite(kept["depth"])] == 0).all()
    assert near[kept["face"]].min() > 0.5


def test_arrays_become_clips(kept: dict[str, np.ndarray]) -> None:
    (clip,) = portraits.as_clips(kept)
    np.testing.assert_array_equal(clip.view().stack("frames", 1, 3), kept["frames"][0, 1:3])
    assert clip.motion is not None
    np.testing.assert_array_equal(clip.motion.data, kept["motion"][0])
