"""Blinks come as often, as fast and as irregularly as people blink."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.drivers.blink import Blinks
from vultus.drivers.prosody import Mark


def lids(per_minute: float, seed: int, seconds: float, fps: float = 100, marks: tuple[Mark, ...] = ()) -> np.ndarray:
    blinks = Blinks(per_minute, seed)
    blinks.hear(marks)
    blinks.advance(seconds)
    return blinks.at(np.arange(int(seconds * fps)) / fps)


def starts(closed: np.ndarray, fps: float = 100) -> np.ndarray:
    return np.flatnonzero((closed[1:] > 0.2) & (closed[:-1] <= 0.2)) / fps


def test_rate_and_intervals_are_natural() -> None:
    closed = np.concatenate([lids(17, seed, 300) for seed in range(6)])
    assert 0 <= closed.min() <= closed.max() <= 1
    assert 10 < len(starts(closed)) / 30 < 20
    gaps = np.diff(starts(lids(17, 3, 1800)))
    assert gaps.min() > 0.25
    assert 0.35 < np.log(gaps[gaps > 0.5]).std() < 0.9  # log-normal, far from a metronome
    assert np.median(gaps) < gaps.mean()


def test_lids_close_faster_than_they_open() -> None:
    closed = lids(17, 1, 600, fps=1000)
    edges = np.flatnonzero((closed[1:] > 0) != (closed[:-1] > 0))
    if closed[0] > 0:
        edges = edges[1:]
    closing, opening = [], []
    for a, b in zip(edges[::2], edges[1::2], strict=False):
        blink = closed[a : b + 1]
        if blink.max() == 1 and b - a < 450:
            full = np.flatnonzero(blink == 1)
            closing.append(full[0] / 1000)
            opening.append((len(blink) - full[-1]) / 1000)
    assert len(closing) > 80
    assert 0.06 < np.mean(closing) < 0.12
    assert 0.14 < np.mean(opening) < 0.25
    assert np.mean(opening) > 1.5 * np.mean(closing)


def test_full_half_and_double_blinks_occur_and_none_falls_between_frames() -> None:
    blinks = Blinks(20, 5)
    blinks.advance(1800)
    events = np.array(blinks._events)
    assert 0.03 < (events[:, 4] < 1).mean() < 0.25
    assert ((np.diff(events[:, 0]) < 0.4).mean()) > 0.01
    closed = blinks.at(np.arange(1800 * 25) / 25)
    peaks = [closed[int(s * 25) : int((s + c + h) * 25) + 2].max() for s, c, h, _, d in events if d == 1]
    assert min(peaks) > 0.99


def test_phrase_ends_and_gaze_shifts_invite_blinks() -> None:
    ends = tuple(Mark(5.0 + 5 * k, False) for k in range(100))
    times = np.concatenate([starts(lids(17, seed, 505, marks=ends)) for seed in range(2)])
    near = ((times % 5) < 0.3).mean()
    assert near > 2 * 0.3 / 5
    blinks = Blinks(17, 4)
    shifts = [(3.0 + 4 * k, 15.0) for k in range(100)]
    blinks.advance(405, shifts)
    times = np.array([e[0] for e in blinks._events])
    assert (((times - 3) % 4) < 0.1).mean() > 3 * 0.1 / 4


def test_zero_never_blinks_and_more_is_more() -> None:
    assert not lids(0, 1, 60).any()
    assert len(starts(lids(40, 1, 300))) > 1.5 * len(starts(lids(15, 1, 300)))


def test_the_seed_decides_and_the_cuts_do_not() -> None:
    np.testing.assert_array_equal(lids(17, 2, 60), lids(17, 2, 60))
    assert not np.array_equal(lids(17, 2, 60), lids(17, 3, 60))
    cut, parts = Blinks(17, 2), []
    for first in np.arange(0, 60, 0.7):
        cut.advance(first + 0.7)
        times = np.arange(round(first * 100), round((first + 0.7) * 100)) / 100
        parts.append(cut.at(times))
        cut.forget(times[-1])
    np.testing.assert_allclose(np.concatenate(parts)[:6000], lids(17, 2, 60), atol=1e-12)
    assert len(cut._events) < 5


@pytest.mark.parametrize("rate", [5, 60])
def test_extreme_rates_stay_in_range(rate: float) -> None:
    closed = lids(rate, 0, 120)
    assert closed.min() >= 0
    assert closed.max() <= 1
