"""Measures on curves."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.critics import curves as c
from vultus.errors import VultusError

RNG = np.random.default_rng(1)
WALK = np.cumsum(RNG.normal(0, 0.1, 200))


def test_concordance_sees_offset_and_gain_that_correlation_does_not() -> None:
    assert c.ccc(WALK, WALK) == pytest.approx(1)
    assert 0 < c.ccc(WALK + 1, WALK) < 1
    assert 0 < c.ccc(0.5 * (WALK - WALK.mean()) + WALK.mean(), WALK) < 0.9
    assert c.ccc(-WALK, WALK) < 0
    assert np.isnan(c.ccc(np.zeros(5), np.zeros(5)))
    with pytest.raises(VultusError, match="frames"):
        c.ccc(WALK[:5], WALK)


def test_jitter_is_acceleration() -> None:
    t = np.arange(50) / 25
    assert c.jitter(3 * t**2, 25) == pytest.approx(6)
    assert c.jitter(np.stack([t, 2 * t], 1), 25) == pytest.approx(0, abs=1e-9)
    with pytest.raises(VultusError, match="3 frames"):
        c.jitter([1.0, 2.0])


def test_a_seam_is_seen_at_its_border_only() -> None:
    x = RNG.normal(0, 0.01, 100)
    x[50:] += 1
    assert c.border_ratio(x, [50]) > 20
    assert c.border_ratio(x, [30]) < 5
    assert np.isnan(c.border_ratio(x, []))


def test_samples_that_are_equal_have_no_diversity() -> None:
    same = np.repeat(WALK[None, :, None], 3, axis=0)
    assert c.diversity(same) == 0
    assert c.diversity(same + np.array([0.0, 1.0, 2.0])[:, None, None]) == pytest.approx(4 / 3)


def test_frechet_distance_of_gaussians_is_that_of_the_formula() -> None:
    a = RNG.normal(0, 1, (20_000, 2))
    b = RNG.normal(0, 1, (20_000, 2)) * [2, 1] + [3, 0]
    assert c.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert c.frechet(b, a) == pytest.approx(9 + 1, rel=0.05)  # shift² + (2 - 1)²
    with pytest.raises(VultusError):
        c.frechet(a[:2], a)


def test_beats_that_fall_on_accents_score_above_their_floor() -> None:
    accents = np.cumsum(RNG.uniform(0.5, 1.5, 30))
    duration = float(accents[-1])
    score = c.beat_alignment(accents + RNG.normal(0, 0.02, 30), accents)
    mean, high = c.beat_floor(accents, accents, duration)
    assert score > 0.95
    assert mean < high < 0.8
    assert np.isnan(c.beat_alignment([], accents))


def test_a_head_that_stops_has_its_beat_there() -> None:
    t = np.arange(100) / 25
    head = np.zeros((100, 3))
    head[:, 0] = 0.1 * np.sin(2 * np.pi * 0.5 * t)  # stops at 0.5, 1.5, 2.5, 3.5 s
    assert c.head_beats(head, 25) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.05)


def test_a_machine_is_periodic_and_a_walk_is_not() -> None:
    t = np.arange(1000) / 25
    assert c.periodicity(np.sin(2 * np.pi * t / 2), 25) > 0.98
    noise = np.convolve(RNG.normal(size=1100), np.ones(10) / 10, "valid")[:1000]
    assert c.periodicity(noise, 25) < 0.4
    assert c.periodicity(np.zeros(100), 25) == 0
