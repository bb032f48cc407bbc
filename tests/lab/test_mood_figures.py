"""What is changed in a voice is changed by as much, and the table counts what was heard."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.lab import mood_figures
from vultus.lab.mood_figures import CALM, Change, changed, verdict
from vultus.signals.features import RATE, features
from vultus.voices import formant


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    return 0.3 * formant.speak("We saw nine men who were never alone in the long lane.", rate=RATE)[0]


def measured(sound: np.ndarray) -> tuple[float, float, float]:
    """Seconds of speech, dB, and the pitch's middle in semitones."""
    heard = features(sound)
    voiced = heard.pitch > 0
    tone = 12 * np.log2(heard.pitch[voiced].astype(np.float64))
    return float((heard.speech > 0.5).mean()) * len(sound) / RATE, float(heard.loudness[voiced].mean()), np.median(tone)


def test_a_sentence_changes_as_it_is_told(said: np.ndarray) -> None:
    old, new = measured(said), measured(changed(said, Change(pitch=1.3, pace=1.25, level=6.0)))
    assert old[0] / new[0] == pytest.approx(1.25, rel=0.1)
    assert new[1] - old[1] == pytest.approx(6, abs=1.5)
    assert new[2] - old[2] == pytest.approx(12 * np.log2(1.3), abs=1)
    np.testing.assert_allclose(changed(said, Change()), said, atol=1e-6)


def test_brightness_changes_above_a_kilohertz(said: np.ndarray) -> None:
    dull = changed(said, Change(bright=-6.0))
    power = [np.abs(np.fft.rfft(sound.astype(np.float64))) ** 2 for sound in (said, dull)]
    hertz = np.fft.rfftfreq(len(said), 1 / RATE)
    high, low = (hertz > 1600) & (hertz < 7000), (hertz > 100) & (hertz < 600)
    assert 10 * np.log10(power[1][high].sum() / power[0][high].sum()) == pytest.approx(-6, abs=0.5)
    assert 10 * np.log10(power[1][low].sum() / power[0][low].sum()) == pytest.approx(0, abs=0.3)


def test_the_strongest_emotion_is_the_verdict_unless_none_shows() -> None:
    assert verdict({"happy": 0.5, "sad": 0.3}) == "happy"
    assert verdict({"happy": 0.1, "sad": 0.15}) == CALM


def test_the_table_counts() -> None:
    rows = {name: {name: 4} for name in (CALM, "happy", "angry", "fearful", "sad")}
    right = mood_figures.table({"x": rows})
    assert "right 1.00, shuffled 0.20; lively emotions that are heard as one of them 1.00" in right
    rows["angry"] = {"happy": 2, CALM: 2}
    wrong = mood_figures.table({"x": rows})
    assert "| angry | 0.50 | 0.50 | 0.00 | 0.00 | 0.00 |" in wrong
    assert "right 0.80" in wrong
    assert "one of them 0.83" in wrong


def test_the_built_in_voices_are_told_apart_better_than_by_chance() -> None:
    values = mood_figures.measure(2, voices=("formant:woman", "formant:man"))["rules that people recognised"]
    total = sum(sum(row.values()) for row in values.values())
    right = sum(row.get(name, 0) for name, row in values.items())
    assert total == 20
    assert right / total > 0.5  # chance has a fifth
    assert values[CALM].get(CALM, 0) >= 3
