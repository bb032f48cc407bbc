import numpy as np
import pytest

from vultus.lab import track_figures
from vultus.motion import Motion


def test_a_late_weak_copy_is_told():
    rng = np.random.default_rng(0)
    truth = np.convolve(rng.standard_normal(230), np.hanning(12), "valid")
    late = 0.7 * np.roll(truth, 2) + 5
    correlation, gain, lag = track_figures.compare(truth[10:-10], late[10:-10])
    assert lag == pytest.approx(2, abs=0.1)
    assert 0.2 < gain < 0.7
    assert correlation < 0.99
    assert track_figures.compare(truth, truth) == pytest.approx((1, 1, 0), abs=0.02)
    assert track_figures.compare(truth, 0 * truth) == (0, 0, 0)


def test_the_exercises_move_every_channel():
    motion = track_figures.exercise(3)
    for channel in track_figures.CHANNELS:
        assert np.std(channel.of(motion)) > 0.02, channel.name
    assert np.array_equal(motion.data, track_figures.exercise(3).data)


def test_figures_have_bounds(monkeypatch):
    def copied(head, motion, tracker):
        return motion

    monkeypatch.setattr(track_figures, "tracked", copied)
    monkeypatch.setattr(track_figures, "speed", lambda quick: iter(()))
    monkeypatch.setattr(track_figures, "Tracker", lambda: None)
    monkeypatch.setattr(track_figures, "speech", lambda seed: Motion.neutral(30, track_figures.FPS))
    found = list(track_figures.figures(quick=True))
    assert len(found) == 3 * len(track_figures.CHANNELS)
    assert all(figure.met in (True, None) for figure in found)
    assert sum(figure.met is True for figure in found) == 3 * sum(c.bound for c in track_figures.CHANNELS)
