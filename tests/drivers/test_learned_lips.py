"""The learned driver: exact frames, nothing that depends on cuts, frames in time, one mouth for all seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from vultus.channels import HEAD, INDEX
from vultus.drivers.gesture import LEAD
from vultus.drivers.style import Mood, Style
from vultus.errors import VultusError
from vultus.motion import Motion, concatenate
from vultus.signals.features import RATE
from vultus.voices import formant

pytest.importorskip("onnxruntime")
from vultus.drivers import learned

HOP = RATE // 25
MOUTH = [INDEX[name] for name in ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower")]


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    samples, _ = formant.speak("My mother bought five blue shoes, and we saw them. Who knows why?", rate=RATE)
    return np.concatenate([np.zeros(3000, np.float32), samples, np.zeros(9000, np.float32)])


def made(chunks: list[np.ndarray], **told: object) -> Motion:
    return concatenate(list(learned.drive(chunks, **told)))  # type: ignore[arg-type]


@pytest.mark.parametrize("live", [False, True])
def test_no_frame_depends_on_the_chunks(sound: np.ndarray, live: bool) -> None:
    whole = made([sound], live=live, seed=4)
    assert len(whole) == math.ceil(Fraction(len(sound), RATE) * 30)
    for sizes in ([HOP], [16000], [137, 9001, 1, 0, 4000]):
        edges = np.cumsum(np.resize(sizes, len(sound) // min(filter(None, sizes))))
        pieces = np.split(sound, edges[edges < len(sound)])
        np.testing.assert_array_equal(made(pieces, live=live, seed=4).data, whole.data)


def test_live_frames_wait_a_quarter_of_a_second_at_most(sound: np.ndarray) -> None:
    sent, late, total = 0, [], len(sound)

    def feed() -> Iterator[np.ndarray]:
        nonlocal sent
        for i in range(0, total, HOP):
            sent += len(sound[i : i + HOP])
            yield sound[i : i + HOP]

    for motion in learned.drive(feed(), fps=50, live=True):
        late += [sent / RATE - float(t) for t in motion.times() if sent < total]
    assert len(late) > 150
    assert max(late) <= 0.25


def test_live_lips_are_near_those_of_the_whole(sound: np.ndarray) -> None:
    whole, live = made([sound], seed=1), made([sound], seed=1, live=True)
    assert np.corrcoef(whole["jawOpen"], live["jawOpen"])[0, 1] > 0.85
    assert np.corrcoef(np.roll(whole["jawOpen"], 6), live["jawOpen"])[0, 1] < 0.7  # and at the same time
    assert not np.allclose(whole.head, live.head)
    assert learned.LATE > LEAD


@pytest.mark.parametrize("live", [False, True])
def test_another_seed_moves_the_head_otherwise_and_the_lips_alike(sound: np.ndarray, live: bool) -> None:
    one, other = (made([sound], seed=seed, live=live) for seed in (1, 2))
    np.testing.assert_array_equal(one.data[:, MOUTH], other.data[:, MOUTH])
    assert np.abs(one.data[:, HEAD] - other.data[:, HEAD]).max() > 0.01
    np.testing.assert_array_equal(made([sound], seed=1, live=live).data, one.data)


def test_lips_move_with_speech_and_rest_in_silence(sound: np.ndarray) -> None:
    motion = made([sound])
    jaw = motion["jawOpen"]
    assert jaw[10:-20].max() > 0.15
    assert jaw[:4].max() < 0.05
    silent = made([np.zeros(2 * RATE, np.float32)])
    assert silent["jawOpen"].max() < 0.05
    assert silent["eyeBlinkLeft"].max() > 0 or np.ptp(silent.head) > 0  # it lives


def test_style_and_moods_are_the_rules(sound: np.ndarray) -> None:
    plain, happy = made([sound]), made([sound], style=Style(happy=0.8))
    assert happy["mouthSmileLeft"].mean() > plain["mouthSmileLeft"].mean() + 0.2
    still = made([sound], style=Style(articulation=0.0))
    assert still["jawOpen"].max() < 0.05
    late = made([sound], moods=[Mood("sad", 0.9, 2.0)])
    frown = late["mouthFrownLeft"] - plain["mouthFrownLeft"]
    assert frown[:30].max() < 0.01 < 0.2 < frown[100:].mean()
    held = made([sound], pose=(0.0, 0.2, 0.0))
    assert (held.head + held.neck)[:, 1].mean() > (plain.head + plain.neck)[:, 1].mean() + 0.1


def test_a_seal_that_is_surely_heard_joins_those_of_the_phones(
    sound: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned._Seals, "at", lambda self, times: np.zeros(len(times)))
    plain = made([sound])
    monkeypatch.setattr(learned._Seals, "at", lambda self, times: np.where((times > 1.0) & (times < 1.2), 1.0, 0.0))
    sealed = made([sound])
    inside = slice(32, 35)
    np.testing.assert_allclose(sealed["mouthClose"][inside], sealed["jawOpen"][inside], atol=1e-6)
    assert sealed["mouthLowerDownLeft"][inside].max() < 1e-6
    assert (plain["mouthLowerDownLeft"] - sealed["mouthLowerDownLeft"]).max() > 0.05
    np.testing.assert_array_equal(sealed.data[50:], plain.data[50:])  # where no seal is heard nothing changes


def test_what_is_hardly_heard_seals_nothing() -> None:
    seals, rows = learned._Seals(), np.zeros((100, 15), np.float32)
    rows[:50, -2], rows[50:, -2] = learned.UNSURE, learned.FIRM
    seals.hear(rows)
    found = seals.at(np.arange(0.1, 0.9, 0.01))
    assert found[:35].max() < 1e-6
    assert found[45:].min() > 1 - 1e-6
    seals.forget(0.5)
    np.testing.assert_allclose(seals.at(np.array([0.6, 0.8])), 1, atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 160, 1000])
def test_short_sound_still_gives_a_frame(samples: int) -> None:
    assert len(made([np.zeros(samples, np.float32)], live=True)) == max(math.ceil(Fraction(samples, RATE) * 30), 1)
    assert len(made([])) == 1


def test_bad_input_is_said_in_a_line(sound: np.ndarray) -> None:
    for told in ({"seed": -1}, {"fps": 0}, {"pose": (1.0, 0.0, 0.0)}):
        with pytest.raises(VultusError):
            learned.drive([sound], **told)  # type: ignore[arg-type]
    with pytest.raises(VultusError, match="shape"):
        made([np.zeros((2, 100), np.float32)])
    loud = made([np.full(4000, np.nan, np.float32), 50 * np.ones(4000, np.float32)])
    assert np.isfinite(loud.data).all()
