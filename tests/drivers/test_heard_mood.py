"""The emotion that a voice tells: calm unless it changes, the same however the sound is cut, and no more than asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vultus.channels import INDEX
from vultus.drivers import speech as rules
from vultus.drivers.heard_mood import PROFILES, HeardMood
from vultus.drivers.speech import perform
from vultus.drivers.style import Style, parse_style
from vultus.motion import Motion, concatenate
from vultus.signals.features import RATE, features
from vultus.voices import augment, formant
from vultus.voices.intonation import intone

CALM = (
    "We saw the old boat near the green hill.", "My mother bought five blue shoes for them.",
    "The long road runs along a quiet river.",
)  # fmt: skip
NEXT = "Our little dog found a warm place by the window."
SECONDS = 15.0
TIMES = np.arange(0, SECONDS, 0.05)


@pytest.fixture(scope="module")
def calm() -> list[np.ndarray]:
    """Four sentences that sound alike, at a level that leaves room."""
    gap = np.zeros(RATE // 4, np.float32)
    return [np.concatenate([0.3 * formant.speak(text, rate=RATE)[0], gap]) for text in (*CALM, NEXT)]


@pytest.fixture(scope="module")
def excited(calm: list[np.ndarray]) -> np.ndarray:
    """The last sentence is louder, higher, livelier and faster than those before."""
    last = intone(calm[-1], RATE, pitch=1.4, spread=1.8)
    last, _ = augment.stretch(last, [], RATE, 1.25)
    return np.concatenate([*calm[:-1], augment.gain(last, 6.0), np.zeros(RATE, np.float32)])


def heard(sound: np.ndarray, times: np.ndarray = TIMES) -> dict[str, np.ndarray]:
    mood = HeardMood()
    mood.push(features(sound))
    return mood.at(times)


def test_nothing_is_heard_in_calm_speech_nor_before_a_voice_is_known(
    calm: list[np.ndarray], excited: np.ndarray
) -> None:
    weights = heard(np.concatenate(calm))
    assert max(w.max() for w in weights.values()) < 0.2
    lively = excited[sum(map(len, calm[:-1])) :]
    sound = np.concatenate([lively[: len(lively) // 2], *calm])
    assert (features(sound).pitch[:100] > 0).sum() > 40
    assert max(w.max() for w in heard(sound, np.arange(0, 0.5, 0.05)).values()) == 0


def test_a_change_is_heard_after_it_came_and_sinks_again(calm: list[np.ndarray], excited: np.ndarray) -> None:
    start = sum(map(len, calm[:-1])) / RATE
    weights = heard(np.concatenate([excited, np.zeros(10 * RATE, np.float32)]), np.arange(0, start + 12, 0.05))
    total = weights["happy"] + weights["angry"]
    times = np.arange(0, start + 12, 0.05)
    assert total[times < start].max() < 0.2
    assert total.max() > 0.5
    assert max(weights["sad"].max(), weights["fearful"].max()) < 0.2
    assert total[-1] < 0.01
    assert np.abs(np.diff(total)).max() < 0.1  # in a twentieth of a second


def test_a_softer_flatter_slower_voice_is_sad(calm: list[np.ndarray]) -> None:
    last, _ = augment.stretch(intone(calm[-1], RATE, spread=0.5), [], RATE, 0.75)
    dull = augment.filtered(augment.gain(last, -6.0), RATE, (np.array([700.0, 1400.0]), np.array([0.0, -6.0])))
    weights = heard(np.concatenate([*calm[:-1], dull]), np.arange(0, 20, 0.05))
    assert max(weights, key=lambda name: weights[name].max()) == "sad"
    assert weights["sad"].max() > 0.4


def test_one_cue_alone_is_no_emotion(calm: list[np.ndarray]) -> None:
    louder = heard(np.concatenate([*calm[:-1], augment.gain(calm[-1], 8.0)]))
    assert max(w.max() for w in louder.values()) < 0.3


_T = np.arange(12 * RATE) / RATE
SOUNDS = {
    "silence": np.zeros(len(_T)),
    "noise": np.random.default_rng(0).normal(0, 0.1, len(_T)),
    "clicks": (np.arange(len(_T)) % 4000 == 0) * 0.9,
    "tone": 0.3 * np.sin(2 * np.pi * 200 * _T),
    "trembling tone": 0.15 * np.sin(2 * np.pi * 200 * _T) * (1 + np.sin(2 * np.pi * 5 * _T)),
    "square wave": np.sign(np.sin(2 * np.pi * 120 * _T)),
    "full scale": np.sign(np.random.default_rng(1).normal(size=len(_T))),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_what_is_no_speech_is_calm(kind: str) -> None:
    weights = heard(SOUNDS[kind].astype(np.float32))
    assert max(np.abs(w).max() for w in weights.values()) < 0.05


def test_weights_are_finite_and_share_one(excited: np.ndarray) -> None:
    loud = np.concatenate([excited, 40 * excited, 0.001 * excited, np.random.default_rng(2).normal(0, 1, RATE)])
    weights = heard(loud.astype(np.float32), np.arange(0, len(loud) / RATE, 0.03))
    total = np.sum(list(weights.values()), axis=0)
    assert np.isfinite(total).all()
    assert min(w.min() for w in weights.values()) >= 0
    assert total.max() <= 1 + 1e-9
    assert all((w == 0).all() for w in HeardMood().at(TIMES).values())


@pytest.mark.parametrize("size", [160, 1111, 16000])
def test_it_does_not_depend_on_the_cuts(excited: np.ndarray, size: int) -> None:
    whole, mood, found = features(excited), HeardMood(), []
    step = max(size // 160, 1)
    for first in range(0, len(whole), step):
        mood.push(whole[first : first + step])
        now = np.arange(first, min(first + step, len(whole) - 1)) / 100
        found.append(np.stack(list(mood.at(now - 0.01).values())))
        mood.forget(now[-1] - 0.01 if len(now) else 0)
    times = np.arange(len(whole) - 1) / 100 - 0.01
    np.testing.assert_array_equal(np.concatenate(found, 1), np.stack(list(heard(excited, times).values())))


def made(sound: np.ndarray, style: str, pieces: int = 1) -> Motion:
    return concatenate(
        list(rules.drive(np.array_split(sound, pieces), text=" ".join((*CALM, NEXT)), style=parse_style(style)))
    )


def test_the_face_follows_as_far_as_it_is_asked(calm: list[np.ndarray], excited: np.ndarray) -> None:
    plain, half, whole = (made(excited, style) for style in ("", "heard:0.5", "heard"))
    np.testing.assert_array_equal(made(excited, "heard,neutral").data, plain.data)
    np.testing.assert_array_equal(made(excited, "heard", pieces=37).data, whole.data)
    known = round(sum(map(len, calm[:2])) / RATE * 30)
    assert np.abs(whole.data[:known] - plain.data[:known]).max() < 0.1
    moved = [np.abs(m.data - plain.data)[known:, : INDEX["tongueOut"]].max() for m in (half, whole)]
    assert 0.05 < moved[0] < moved[1]
    assert np.isfinite(whole.data).all()
    # Lips meet where they met.
    sealed = plain["mouthClose"] > 0.9 * plain["mouthClose"].max()
    assert sealed.any()
    gap = (whole["jawOpen"] - whole["mouthClose"])[sealed] - (plain["jawOpen"] - plain["mouthClose"])[sealed]
    assert gap.max() < 0.05


def test_live_speech_is_heard_too(excited: np.ndarray) -> None:
    pytest.importorskip("onnxruntime")
    from vultus.drivers import learned

    def live(size: int, style: Style) -> Motion:
        chunks = [excited[i : i + size] for i in range(0, len(excited), size)]
        return concatenate(list(learned.drive(chunks, style=style, live=True)))

    whole, plain = live(640, Style(heard=1.0)), live(640, Style())
    np.testing.assert_array_equal(live(5000, Style(heard=1.0)).data, whole.data)
    assert np.abs(whole.data - plain.data)[:, : INDEX["tongueOut"]].max() > 0.1


def test_nothing_changes_unless_it_is_asked_for(speech: Callable[..., tuple]) -> None:
    span, _ = speech(8.0)
    np.testing.assert_array_equal(
        concatenate(list(perform([span]))).data, concatenate(list(perform([span], style=Style(heard=0.0)))).data
    )
    assert parse_style("heard").heard == 1.0
    assert set(Style(heard=1.0).emotions) == set()
    assert set(PROFILES) <= {"happy", "sad", "angry", "fearful"}
