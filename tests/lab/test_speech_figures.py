"""The table of the speech drivers: what its measures find where the answer is known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vultus.channels import VISEMES
from vultus.commands import train
from vultus.drivers.articulation import articulate
from vultus.errors import VultusError
from vultus.lab import hearing_figures, natural_figures, speech_figures
from vultus.motion import Motion
from vultus.signals import hama
from vultus.signals.features import RATE
from vultus.signals.phones import Phone


def test_the_shape_that_lips_show_is_that_of_their_phone() -> None:
    phones = [Phone(0.3 * i, 0.3 * (i + 1), ipa) for i, ipa in enumerate("muɑfsi")]
    middles = np.array([0.3 * i + 0.15 for i in range(6)])
    motion = Motion(articulate(phones, middles).data, Fraction(25))
    assert speech_figures.shown(motion).tolist() == ["closed", "round", "open", "bitten", "slit", "wide"]


def test_every_viseme_has_one_shape() -> None:
    some = [viseme for shape in speech_figures.SHAPES.values() for viseme in shape]
    assert sorted(some) == sorted(VISEMES)


def test_periods_and_drift_are_found() -> None:
    times = np.arange(0, 200, 1 / natural_figures.FPS)
    noise = np.random.default_rng(0).normal(size=(len(times), 1))
    assert natural_figures.peak(noise) < 0.2
    assert natural_figures.peak(noise + 2 * np.sin(2 * np.pi * times / 7)[:, None]) > 0.6
    assert natural_figures.drift(noise) < 0.2
    assert natural_figures.drift(noise + times[:, None] / 20) == pytest.approx(8, abs=0.3)


def test_what_a_motion_does_is_counted() -> None:
    lids = np.zeros(25 * 60)
    for second in (3, 17, 40):
        lids[25 * second : 25 * second + 5] = 1
    turn = np.zeros((len(lids), 3))
    turn[:, 1] = np.radians(np.arange(len(lids)) / 25)
    found = natural_figures.summary([Motion.of(25, eyeBlinkLeft=lids, eyeBlinkRight=lids, head=turn, clamp=True)])
    assert found["blinks"] == pytest.approx(3)
    assert found["gaze shifts"] == 0
    assert found["head speed"] == pytest.approx(1, rel=0.1)


def test_how_far_a_front_end_listens_ahead_is_found() -> None:
    def hear(sound: np.ndarray) -> np.ndarray:
        loud = np.abs(sound[: len(sound) // 160 * 160]).reshape(-1, 160).max(axis=1)
        return np.concatenate([loud[20:], np.zeros(20)])[:, None]

    sound = np.random.default_rng(1).normal(0, 0.01, 6 * RATE).astype(np.float32)
    assert hearing_figures.ahead(hear, sound) == pytest.approx(0.2, abs=0.011)
    assert hearing_figures.labels([Phone(0.0, 0.02, "p")], 3).tolist() == [1, 1, 0]


def test_phones_that_come_as_instants_last_halfway_to_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Instants:
        blank_id, decoder_tokens = 3, ("m", "i", "<wb>", "<blank>")

        def __call__(self, sound: np.ndarray, rate: int) -> Instants:
            assert rate == RATE
            return self

        frame_token_ids = [3] * 10 + [0, 0] + [3] * 4 + [1, 2] + [3] * 30

    monkeypatch.setattr(hama, "_model", Instants)
    said = [VISEMES[k] for k in hearing_figures.second_ear(np.zeros(RATE, np.float32)).argmax(axis=1)]
    first, last = 10 * 2 + 1 - 3.5, 16 * 2 + 1 - 3.5  # frames of 10 ms at which they are said
    assert len(said) == 100
    assert said.count("PP") == pytest.approx(12 + (last - first) / 2, abs=1)
    assert said[int(first)] == said[int((first + last) / 2) - 1] == "PP"
    assert said[int(last)] == said[int((first + last) / 2) + 1] == "ih"
    assert set(said[: int(first) - 13] + said[int(last) + 14 :]) == {"sil"}


def test_the_nearest_shape_is_the_nearest_to_the_last_digit() -> None:
    rng = np.random.default_rng(4)
    motion = Motion.of(25, clamp=True, expression=rng.beta(0.5, 3, (80, 52)))
    names, lips = speech_figures._visemes()
    mesh, regions = speech_figures.moving.face()
    made = speech_figures.geometry.expressive(mesh, motion)[:, regions.lips].reshape(80, -1).astype(np.float64)
    exact = names[[int(((row - lips) ** 2).sum(axis=1).argmin()) for row in made]]
    np.testing.assert_array_equal(speech_figures.shown(motion), exact)


def test_the_table_has_a_row_for_each_driver() -> None:
    values = {seed: {"rules": dict.fromkeys(speech_figures.SHOWN, float(seed))} for seed in (1, 2, 3)}
    assert "| rules | 2.000 ± 1.000 |" in speech_figures.drivers_table(values)


@pytest.mark.parametrize("changes", [{"layers": "3"}, {"steps": "0"}, {"batch": "many"}])
def test_bad_fields_are_refused_before_any_work(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(VultusError):
        train.speech(tmp_path, 0, changes)
    assert not list(tmp_path.iterdir())
