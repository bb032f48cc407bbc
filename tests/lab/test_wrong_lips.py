"""Lips that fit the loudness and not the words."""

from __future__ import annotations

import numpy as np

from vultus.channels import CHANNELS, INDEX, REGIONS
from vultus.lab.wrong_lips import loud_jaw, wrong
from vultus.motion import Motion

T = np.arange(32000) / 16000
SAMPLES = (0.5 * np.sin(2 * np.pi * 200 * T) * (T > 1)).astype(np.float32)
LIPS = [i for name in ("mouth", "tongue") for i in REGIONS[name]]


def test_a_jaw_follows_the_loudness() -> None:
    motion = loud_jaw(SAMPLES, 50)
    assert motion["jawOpen"][:23].max() == 0
    assert motion["jawOpen"][27:].min() > 0.3
    others = np.delete(motion.data, INDEX["jawOpen"], axis=1)
    assert np.abs(others).max() == 0


def test_wrong_lips_keep_all_that_is_not_lips() -> None:
    data = np.random.default_rng(0).uniform(0, 0.2, (50, len(CHANNELS))).astype(np.float32)
    motion = Motion(data, 25).replace(data=data)
    data = motion.data
    kinds = set()
    for seed in range(12):
        other = wrong(motion, SAMPLES, np.random.default_rng(seed))
        kept = [i for i in range(len(CHANNELS)) if i not in REGIONS["jaw"] + tuple(LIPS)]
        np.testing.assert_array_equal(other.data[:, kept], data[:, kept])
        same_jaw = np.array_equal(other["jawOpen"], motion["jawOpen"])
        still = not other.data[:, LIPS].any()
        if not still:  # the lips of another moment
            away = [k for k in range(50) if np.array_equal(np.roll(data[:, LIPS], k, axis=0), other.data[:, LIPS])]
            assert 15 <= away[0] <= 35
        kinds.add((same_jaw, still))
        assert not np.array_equal(other.data[:, LIPS], data[:, LIPS])
    assert kinds == {(False, True), (True, True), (True, False)}
