from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.errors import VultusError
from vultus.signals.features import (
    FEATURE_RATE,
    LOOKAHEAD,
    MEL_FLOOR,
    RATE,
    FeatureStream,
    Resampler,
    features,
    join,
    mel_bank,
)

NAMES = ("mel", "loudness", "pitch", "voicing", "speech")


def sine(hz: float, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def voice(hz: float, seconds: float) -> np.ndarray:
    """Harmonics with a slope, which is what a larynx makes."""
    return sum((sine(hz * k, seconds, 0.3 / k) for k in range(1, 12)), np.zeros(round(seconds * RATE), np.float32))


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.lists(st.integers(0, 4000), min_size=1, max_size=12), st.sampled_from([RATE, 44100, 8000])
)
def test_chunks_change_nothing(seed, sizes, rate):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.1, sum(sizes)).astype(np.float32) * rng.integers(0, 2, sum(sizes)).astype(np.float32)
    stream, at, parts = FeatureStream(rate), 0, []
    for size in sizes:
        parts.append(stream.push(x[at : at + size]))
        at += size
    streamed, whole = join([*parts, stream.finish()]), features(x, rate)
    assert len(whole) == math.ceil(math.ceil(len(x) * RATE / rate) / (RATE // FEATURE_RATE))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(streamed, name), getattr(whole, name), err_msg=name)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, 1e30, float("nan"), float("inf"), -float("inf")]), max_size=700))
def test_any_sound_gives_finite_frames_in_range(values):
    f = features(np.array(values, np.float64))
    assert f.mel.shape == (len(f), 80)
    assert f.mel.min(initial=0) >= np.log(MEL_FLOOR) - 1e-4
    for name in NAMES:
        assert np.isfinite(getattr(f, name)).all(), name
        assert getattr(f, name).dtype == np.float32
    assert ((f.loudness >= -100) & (f.loudness <= 20)).all()
    assert ((f.pitch == 0) | ((f.pitch >= 60) & (f.pitch <= 500))).all()
    assert ((f.voicing >= 0) & (f.voicing <= 1)).all()
    assert ((f.speech >= 0) & (f.speech <= 1)).all()


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161])
def test_the_shortest_sounds(count):
    f = features(np.ones(count, np.float32))
    assert len(f) == -(-count // 160)
    assert f.end == pytest.approx(len(f) / 100)


def test_loudness_is_decibels_below_a_full_scale_sine():
    for amplitude, level in ((1.0, 0.0), (0.1, -20.0), (0.001, -60.0)):
        f = features(sine(1000, 0.5, amplitude))
        np.testing.assert_allclose(f.loudness[10:40], level, atol=0.1)
    assert (features(np.zeros(8000, np.float32)).loudness == -100).all()


def test_loudness_ignores_what_is_below_60_hz():
    assert features(np.full(8000, 0.9, np.float32)).loudness[10:40].max() < -60


@pytest.mark.parametrize("hz", [70, 110, 200, 333, 480])
def test_pitch_of_a_voice(hz):
    f = features(voice(hz, 0.6))
    np.testing.assert_allclose(f.pitch[10:50], hz, rtol=0.01)
    assert f.voicing[10:50].min() > 0.9


def test_pitch_follows_a_glide():
    hz = np.linspace(100, 200, RATE)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    x = sum(np.sin(k * phase) / k for k in range(1, 8)) * 0.2
    f = features(x.astype(np.float32))
    np.testing.assert_allclose(f.pitch[10:90], 100 + f.times()[10:90] * 100, rtol=0.03)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (features(noise).pitch > 0).mean() < 0.1
    assert not features(np.zeros(RATE, np.float32)).pitch.any()


def test_mel_band_of_a_tone():
    centres = np.array([np.argmax(features(sine(hz, 0.2)).mel[10]) for hz in (200, 1000, 4000)])
    bank = mel_bank(80, 512)
    for band, hz in zip(centres, (200, 1000, 4000), strict=True):
        assert abs(np.argmax(bank[:, band]) * RATE / 512 - hz) < 0.06 * hz + 32
    assert (bank.sum(0) > 0).all()


def test_activity_finds_speech_in_noise_and_keeps_its_edges():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.002, 6 * RATE).astype(np.float32)
    x[2 * RATE : 3 * RATE] += voice(150, 1.0)
    speech = features(x).speech > 0.5
    assert speech[200:300].all()
    assert speech[196]
    assert not speech[60:190].any()
    assert not speech[325:].any()


def test_activity_follows_a_noise_that_grows():
    rng = np.random.default_rng(2)
    x = rng.normal(0, 0.001, 14 * RATE)
    x[4 * RATE :] *= 8
    speech = features(x.astype(np.float32)).speech > 0.5
    assert speech[410:430].any()
    assert not speech[1000:].any()


def test_stream_keeps_little_and_looks_ahead_little():
    stream = FeatureStream()
    given_out = sum(len(stream.push(voice(120, 0.25))) for _ in range(80))
    assert given_out >= 2000 - LOOKAHEAD - 5
    assert len(stream._samples) < RATE
    assert all(len(a) < 50 for a in stream._smoother._past)


def test_whole_numbers_are_scaled():
    x = sine(300, 0.2)
    a, b = features(x), features((x * 32767).astype(np.int16))
    np.testing.assert_allclose(a.loudness, b.loudness, atol=0.1)
    assert features(np.full(1600, 128, np.uint8)).loudness.max() == -100


def test_resampler_keeps_tones_and_drops_what_is_too_high():
    t = np.arange(44100) / 44100
    tone, high = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 12000 * t)
    for wave, expected in ((tone, np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)), (high, np.zeros(RATE))):
        r = Resampler(44100)
        y = np.concatenate([r.push(wave.astype(np.float32)), r.finish()])
        assert len(y) == RATE
        np.testing.assert_allclose(y[200:-200], expected[200:-200], atol=2e-3)


@pytest.mark.parametrize("bad", [np.zeros((10, 2)), np.zeros(3, complex), np.array(["a"])])
def test_other_shapes_and_types_are_refused(bad):
    with pytest.raises(VultusError):
        features(bad)


def test_odd_rates_are_refused():
    with pytest.raises(VultusError, match="rate"):
        FeatureStream(100)


def test_slices_and_joins():
    f = features(voice(100, 0.5))
    again = join([f[:20], f[20:]])
    np.testing.assert_array_equal(again.mel, f.mel)
    assert f[20:].start == pytest.approx(0.2)
    with pytest.raises(VultusError):
        f[::2]
