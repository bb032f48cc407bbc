"""Head and brows move like a speaker's: slowly, a few degrees, on the accents, and never the same way twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from vultus.drivers.gesture import HEAD_LIMIT, Activity, Gestures
from vultus.drivers.prosody import Accent, Mark, Phrases, Prosody
from vultus.drivers.speech import perform
from vultus.rotations import compose
from vultus.signals.phones import Phone

FPS = 50


def head_of(span: object, seed: int, **style: float) -> tuple[np.ndarray, np.ndarray]:
    from vultus.drivers.style import Style

    data = np.concatenate([m.data for m in perform([span], seed=seed, fps=FPS, style=Style(**style))])
    return compose(data[:, 52:55], data[:, 55:58]), data


def kinematic_beats(rotation: np.ndarray) -> np.ndarray:
    """Moments at which the head comes to rest between movements: minima of its angular speed, seconds."""
    speed = np.linalg.norm(np.gradient(rotation, 1 / FPS, axis=0), axis=1)
    return find_peaks(-speed, prominence=np.radians(3))[0] / FPS


def beat_alignment(beats: np.ndarray, accents: np.ndarray) -> float:
    """Mean over accents of a Gaussian (sigma 0.1 s) of the distance to the nearest beat, in [0, 1]."""
    nearest = np.abs(accents[:, None] - beats).min(1)
    return float(np.exp(-(nearest**2) / (2 * 0.1**2)).mean())


def test_head_beats_fall_on_accents(speech: Callable[..., tuple]) -> None:
    for seed in range(3):
        span, accents = speech(30.0, seed)
        beats = kinematic_beats(head_of(span, seed)[0])
        score = beat_alignment(beats, accents)
        rng = np.random.default_rng(1)
        shuffled = [beat_alignment(beats, (accents + o) % 30) for o in rng.uniform(1, 29, 200)]
        assert score > np.percentile(shuffled, 99)
        assert score > np.mean(shuffled) + 0.15
        other = speech(30.0, seed + 50)[1]
        assert beat_alignment(beats, other) < score - 0.1


def test_brows_rise_on_accents_and_at_the_end_of_questions(speech: Callable[..., tuple]) -> None:
    span, accents = speech(30.0, 4)
    _, data = head_of(span, 0)
    peaks = find_peaks(data[:, 43], prominence=0.1)[0] / FPS
    assert len(peaks) >= 5
    assert np.median(np.abs(peaks[:, None] - accents).min(1)) < 0.15
    shown = []
    for rise in (6.0, 0.0):
        gestures = Gestures(0, head=1, brows=1)
        gestures.hear([Mark(0.5, True), Mark(3.0, False)], [])
        gestures.advance(4.0, lambda _, rise=rise: rise)
        shown.append(gestures.at(np.linspace(2.6, 3.4, 20), np.zeros(20)).brows.max())
    assert shown[0] > shown[1] + 0.3


def test_head_is_slow_small_and_never_still(speech: Callable[..., tuple]) -> None:
    span, _ = speech(40.0, 1)
    rotation, data = head_of(span, 2)
    degrees = np.degrees(rotation)
    assert np.abs(degrees).max() < 1.1 * np.degrees(HEAD_LIMIT)
    assert (np.ptp(degrees, axis=0) > 3).all()
    assert (degrees.std(0) < 5).all()
    frequency, power = welch(degrees - degrees.mean(0), FPS, nperseg=512, axis=0)
    assert power[frequency < 2].sum() / power.sum() > 0.85
    assert np.linalg.norm(np.diff(degrees, axis=0), axis=1).max() * FPS < 120  # degrees a second
    assert np.abs(data[:, 64:67]).max() < 0.01


def test_limits_hold_for_any_accents() -> None:
    gestures = Gestures(3, head=2, brows=2, posture=np.radians([6, 6, 6]))
    gestures.hear([Mark(0.1, True)], [Accent(0.1 * k, 1.0) for k in range(100)])
    gestures.advance(10)
    out = gestures.at(np.arange(500) / 50, np.ones(500), np.full((500, 3), 0.1))
    assert np.abs(out.neck + out.head).max() <= HEAD_LIMIT + 0.01
    assert 0 <= out.brows.min() <= out.brows.max() <= 1


def test_amounts_scale_and_zero_leaves_only_breath() -> None:
    def move(amount: float) -> np.ndarray:
        gestures = Gestures(3, head=amount, brows=amount)
        gestures.hear([Mark(0.5, True)], [Accent(2.0, 1.0), Accent(4.0, 0.8)])
        gestures.advance(8)
        out = gestures.at(np.arange(400) / 50, np.ones(400))
        return np.concatenate([out.neck + out.head, out.brows[:, None]], axis=1)

    assert np.ptp(move(0.0)[:, :3]) < np.radians(0.5)
    assert not move(0.0)[:, 3].any()
    assert np.ptp(move(0.5)[:, 0]) < 0.7 * np.ptp(move(1.0)[:, 0])


def test_activity_follows_phrases() -> None:
    activity = Activity()
    activity.hear([Mark(2.0, True), Mark(4.0, False), Mark(4.3, True), Mark(6.0, False)])
    level = activity.at(np.array([0.0, 1.6, 2.3, 3.9, 5.9, 8.0]))
    np.testing.assert_allclose(level, [0, 0, 1, 1, 1, 0], atol=1e-9)
    fine = activity.at(np.arange(800) / 100)
    assert np.abs(np.diff(fine)).max() < 0.06


@pytest.mark.parametrize("pieces", [1, 7, 40])
def test_accents_are_found_whatever_the_pieces(speech: Callable[..., tuple], pieces: int) -> None:
    span, accents = speech(20.0, 3)
    prosody, found = Prosody(), []
    edges = np.linspace(0, 2000, pieces + 1).astype(int)
    for a, b in pairwise(edges):
        found += prosody.push(span.features[a:b])
        prosody.forget(b / 100 - 1)
    found += prosody.finish()
    whole = Prosody()
    assert found == [*whole.push(span.features), *whole.finish()]
    times = np.array([a.time for a in found])
    assert (np.abs(accents[:, None] - times).min(1) < 0.1).mean() > 0.8
    assert (np.abs(times[:, None] - accents).min(1) < 0.1).mean() > 0.7
    assert all(0 < a.strength <= 1 for a in found)


def test_loudness_is_relative_and_pitch_rises_are_heard(speech: Callable[..., tuple]) -> None:
    span, accents = speech(20.0, 3)
    prosody = Prosody()
    prosody.push(span.features)
    late = accents[accents > 6]
    assert prosody.loudness(late).mean() > 1.5
    assert np.abs(prosody.loudness(np.arange(600, 1900) / 100).mean()) < 2
    assert np.abs(Prosody().loudness(np.array([0.0, 1.0]))).max() == 0
    voiced = span.features
    pitch = voiced.pitch.copy()
    pitch[:] = np.where(np.arange(len(pitch)) < 980, 110, 160)
    speaking = np.ones_like(voiced.speech)
    asking = type(voiced)(0.0, voiced.mel, voiced.loudness, pitch, voiced.voicing, speaking)
    prosody = Prosody()
    prosody.push(asking)
    assert prosody.rise(10.0) > 4
    assert abs(prosody.rise(8.0)) < 0.1


def test_phrases_begin_and_end_at_pauses() -> None:
    phones = [
        Phone(0.0, 0.5, ""),
        Phone(0.5, 0.7, "ɑ"),
        Phone(0.7, 0.8, ""),
        Phone(0.8, 1.0, "i"),
        Phone(1.0, 1.4, ""),
        Phone(1.4, 1.6, "u"),
    ]
    expected = [Mark(0.5, True), Mark(1.0, False), Mark(1.4, True), Mark(1.6, False)]
    assert Phrases().push(phones, 1.6, last=True) == expected
    bit, found = Phrases(), []
    for phone in phones:
        found += bit.push([phone], phone.end, last=False)
    assert found == expected[:3]
    assert bit.push([], 1.6, last=True) == expected[3:]
