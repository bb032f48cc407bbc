"""Another ear for the rules: hama, where it is installed, and whatever hears windows of sound."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vultus import cli
from vultus.channels import VISEMES
from vultus.drivers.speech import drive
from vultus.errors import VultusError
from vultus.io import audio
from vultus.motion import concatenate
from vultus.signals import hama
from vultus.signals.chunks import phones_of, whole
from vultus.signals.features import RATE, Features, features
from vultus.signals.phones import ARPABET, SILENCE, Phone, check, fill
from vultus.voices.formant import speak

TEXT = "Please bring three cups of coffee to the table. He bought a brown leather jacket for forty dollars."


def hums(samples: np.ndarray, _: Features) -> list[Phone]:
    return fill([Phone(0.0, len(samples) / RATE, "m")], 0.0, len(samples) / RATE)


def test_spans_hold_what_the_ear_hears() -> None:
    samples, _ = speak(TEXT)
    assert [p.ipa for p in whole(phones_of([samples], ear=hums))] == ["m"]
    heard = whole(phones_of([samples], TEXT, ear=hums))
    assert len({p.ipa for p in heard}) > 10  # where the words are known nothing has to be recognised


def test_lips_follow_the_ear_however_the_sound_is_cut() -> None:
    samples, _ = speak(TEXT)
    free, humming = (concatenate(list(drive([samples], fps=25, ear=ear))).data for ear in (None, hums))
    pieces = [samples[i : i + 3000] for i in range(0, len(samples), 3000)]
    np.testing.assert_array_equal(concatenate(list(drive(pieces, fps=25, ear=hums))).data, humming)
    assert np.abs(free - humming).max() > 0.2


class _Model:
    """Says m at 0.1 s, a mark of length, and a at 0.3 s."""

    blank_id, decoder_tokens = 0, ("<blank>", "m", "ː", "<wb>", "ɑ")

    def __call__(self, samples: np.ndarray, rate: int) -> SimpleNamespace:
        assert rate == RATE
        tokens = np.zeros(len(samples) // 320, int)
        tokens[5:7], tokens[7], tokens[9], tokens[15:18] = 1, 2, 3, 4
        return SimpleNamespace(frame_token_ids=tokens.tolist())


def test_instants_become_phones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hama, "_model", _Model)
    first, second = hama.phones(np.zeros(RATE, np.float32))
    assert (first.ipa, second.ipa) == ("m", "ɑ")
    assert first.start == 0
    assert first.end == pytest.approx(second.start) == pytest.approx(0.21 - hama.AFTER)
    assert second.end == pytest.approx(0.31 - hama.AFTER + hama.LONGEST)
    assert hama.phones(np.zeros(100, np.float32)) == []


def test_where_it_is_missing_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hama._model.cache_clear()
    monkeypatch.setitem(sys.modules, "hama", None)
    with pytest.raises(VultusError, match="not installed"):
        hama.phones(np.zeros(RATE, np.float32))
    speech, out = tmp_path / "a.wav", tmp_path / "a.npz"
    audio.write(speech, speak("Hello.")[0], RATE)
    assert cli.main(["animate", str(speech), "--driver", "hama", "--out", str(out)]) == 2
    assert "papers" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(not hama.installed(), reason="hama is not installed")
def test_it_hears_speech(tmp_path: Path) -> None:
    samples, truth = speak(TEXT)
    heard = hama.hear(samples, features(samples))
    check(heard, gapless=True)
    assert heard[-1].end == pytest.approx(len(samples) / RATE)

    def shapes(phones: list[Phone]) -> np.ndarray:
        out = np.zeros(round(truth[-1].end * 100), int)
        for p in phones:
            out[round(p.start * 100) : round(p.end * 100)] = VISEMES.index(p.viseme)
        return out

    true, made = shapes(truth), shapes(heard)
    right = (true == made).mean()
    assert right > 0.4
    assert right > 1.5 * (true == np.roll(made, 77)).mean()
    silent = hama.hear(np.zeros(RATE, np.float32), features(np.zeros(RATE, np.float32)))
    assert [p.ipa for p in silent] == [SILENCE]
    speech, out = tmp_path / "a.wav", tmp_path / "a.npz"
    audio.write(speech, samples, RATE)
    assert cli.main(["animate", str(speech), "--driver", "hama", "--out", str(out)]) == 0
    assert out.stat().st_size > 1000


def test_odds_are_those_of_the_phones_and_leave_room_for_silence() -> None:
    if not hama.installed():
        pytest.skip("hama is not installed")
    samples, phones = speak("Baby, my mother sees you.", voice="man")
    odds = hama.odds(samples)
    assert odds.shape == (len(odds), 40)
    assert abs(len(odds) - len(samples) / RATE * 50) <= 2
    assert (odds >= 0).all()
    assert (odds.sum(axis=1) <= 1.001).all()
    assert not odds[:, 0].any()
    heard = {ARPABET[i] for i in odds.argmax(axis=1)[odds.sum(axis=1) > 0.5]}
    assert len(heard & {p.arpabet for p in phones}) >= 5
    assert hama.odds(samples[:100]).shape == (0, 40)
