"""Pitch goes where it is told, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.signals.features import features
from vultus.voices import formant
from vultus.voices.intonation import intone

RATE = 16000


def semitones(sound: np.ndarray) -> np.ndarray:
    tone = features(sound, RATE).pitch
    return 12 * np.log2(tone[tone > 0].astype(np.float64))


@pytest.fixture(scope="module", params=["man", "woman"])
def said(request: pytest.FixtureRequest) -> np.ndarray:
    return formant.speak("We saw nine men who were never alone in the long lane.", voice=request.param, rate=RATE)[0]


@pytest.mark.parametrize("pitch", [0.8, 1.0, 1.5])
@pytest.mark.parametrize("spread", [0.6, 1.6])
def test_pitch_and_its_range_change_as_told(said: np.ndarray, pitch: float, spread: float) -> None:
    old, new = semitones(said), semitones(intone(said, RATE, pitch=pitch, spread=spread))
    assert np.median(new) - np.median(old) == pytest.approx(12 * np.log2(pitch), abs=1.0)
    wide = [np.subtract(*np.percentile(tone, (80, 20))) for tone in (old, new)]
    assert wide[1] / wide[0] == pytest.approx(spread, rel=0.3)


def test_length_and_loudness_stay(said: np.ndarray) -> None:
    new = intone(said, RATE, pitch=1.5, spread=1.5)
    assert new.dtype == np.float32
    assert new.shape == said.shape
    loud = [features(sound, RATE).loudness for sound in (said, new)]
    assert np.abs(loud[0] - loud[1])[loud[0] > -35].mean() < 2


def test_what_has_no_pitch_stays_as_it_is() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    np.testing.assert_array_equal(intone(noise, RATE, pitch=1.5), noise)
    assert len(intone(np.zeros(0, np.float32), RATE, pitch=1.5)) == 0


@pytest.mark.parametrize("wrong", [{"pitch": 0.1}, {"spread": 9.0}, {"pitch": float("nan")}])
def test_bad_factors_are_told(wrong: dict[str, float]) -> None:
    with pytest.raises(VultusError, match="Choose from"):
        intone(np.zeros(100, np.float32), RATE, **wrong)
