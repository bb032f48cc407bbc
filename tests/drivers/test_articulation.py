"""Phones become a mouth: dominance, contacts, anticipation, ranges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.channels import CHANNELS, EMOTIONS, INDEX, LOW, REGIONS
from vultus.drivers.articulation import REACH, Articulation, articulate, columns_of, hold, recent
from vultus.drivers.style import express
from vultus.drivers.targets import ANTICIPATION, CARRY_OVER, CONTROLS, TARGETS, targets_of
from vultus.errors import VultusError
from vultus.signals.phones import ARPABET, VOWELS, Phone, fill, from_arpabet

FPS = 25
VOWEL_IPA = [from_arpabet(v)[0] for v in sorted(VOWELS)] + ["y", "ø", "œ", "ɯ"]


def say(*sounds: str, each: float = 0.1, start: float = 0.5) -> list[Phone]:
    return [Phone(start + i * each, start + (i + 1) * each, s) for i, s in enumerate(sounds)]


def frames(seconds: float, fps: float = 100) -> np.ndarray:
    return np.arange(round(seconds * fps)) / fps


def channel(mouth: Articulation, name: str) -> np.ndarray:
    return mouth.data[:, columns_of(name)[0]]


def opening(data: np.ndarray) -> np.ndarray:
    """What parts the lips: jaw that is not closed by the lips, and the lips themselves."""
    parts = [INDEX[n] for n in CHANNELS if n.startswith(("mouthLowerDown", "mouthUpperUp"))]
    return data[:, INDEX["jawOpen"]] - data[:, INDEX["mouthClose"]] + data[:, parts].sum(1)


def reference(phones: list[Phone], t: float, control: int, pace: float = 1.0) -> float:
    """The dominance equation in plain loops, for phones long enough to be neither reduced nor stressed."""
    over = under = 0.0
    for phone in phones:
        for a, b, target in targets_of(phone.ipa):
            start, end = phone.start + a * phone.duration, phone.start + b * phone.duration
            quarter = (end - start) / 4
            edge = min(quarter, 0.04) if phone.ipa == "" else quarter
            before, after = max(start + edge - t, 0.0), max(t - (end - edge), 0.0)
            slow = 1.0 if phone.ipa == "" else pace
            k = math.exp(-before / (ANTICIPATION[control] * slow) - after / (CARRY_OVER[control] * slow))
            away = max(start - t, 0.0) + max(t - end, 0.0)
            k *= min(max((REACH - away) / 0.1, 0.0), 1.0) * target.dominance[control]
            reduced = 1 - 0.3 * math.exp(-max(phone.duration - 0.03, 0.0) / 0.04) if target.vowel else 1.0
            over += k * target.value[control] * reduced
            under += k
    return over / (under + 1e-4)


@pytest.mark.parametrize("control", ["mouthPucker", "mouthStretch", "mouthRollLower", "tongueTipUp"])
def test_value_follows_the_dominance_equation(control: str) -> None:
    phones = fill(say("k", "aɪ", "w", "i", "s", "u", "n", "f", each=0.085), -1, 3)
    times = frames(2)
    mouth = articulate(phones, times)
    expected = np.array([reference(phones, t, CONTROLS.index(control)) for t in times])
    free = (mouth.seal == 0) & (mouth.bite == 0)
    assert free.sum() > 100
    np.testing.assert_allclose(channel(mouth, control)[free], expected[free], atol=2e-6)
    assert expected[free].max() > 0.1


@pytest.mark.parametrize("lips", ["p", "b", "m"])
@pytest.mark.parametrize("vowel", VOWEL_IPA)
def test_lips_seal_between_any_vowels(lips: str, vowel: str) -> None:
    phones = say(vowel, lips, vowel)
    mouth = articulate(phones, frames(1.5))
    shut = (frames(1.5) > 0.605) & (frames(1.5) < 0.695)
    np.testing.assert_allclose(channel(mouth, "mouthClose")[shut], channel(mouth, "jawOpen")[shut], atol=0.02)
    np.testing.assert_allclose(opening(mouth.data)[shut], 0, atol=1e-6)
    assert opening(mouth.data)[(frames(1.5) > 0.52) & (frames(1.5) < 0.56)].min() > 0.1


@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("gain", [0.4, 2.0])
def test_seals_and_bites_hold_under_any_emotion_and_gain(emotion: str, gain: float) -> None:
    phones = say("ɑ", "p", "i", "m", "u", "b", "æ", "f", "ɑ", "v", "ɛ")
    mouth = articulate(phones, frames(2), gain=gain, loudness=9.0)
    data = hold(express(mouth.data, {emotion: 1.0, "surprised": 1.0, "happy": 1.0}, 1.0), mouth.seal, mouth.bite)
    shut, bitten = mouth.seal == 1, mouth.bite == 1
    assert shut.sum() >= 27
    assert bitten.sum() >= 18
    np.testing.assert_allclose(opening(data)[shut], 0, atol=1e-6)
    assert data[bitten, INDEX["mouthRollLower"]].min() >= 0.55 - 1e-6
    assert data[bitten, INDEX["mouthUpperUpLeft"]].min() >= 0.3 - 1e-6
    assert data[bitten, INDEX["mouthLowerDownLeft"]].max() == 0
    assert np.ptp(data[:, INDEX["jawOpen"]]) > 0.05


@pytest.mark.parametrize("fps", [24, 25, 30, 29.97])
@pytest.mark.parametrize("length", [0.01, 0.02, 0.05])
def test_no_contact_falls_between_two_frames(fps: float, length: float) -> None:
    for shift in np.linspace(0, 0.05, 11):
        start = 0.5 + shift
        phones = [
            Phone(start - 0.1, start, "ɑ"),
            Phone(start, start + length, "b"),
            Phone(start + length, start + 0.1 + length, "ɑ"),
        ]
        assert articulate(phones, frames(1, fps)).seal.max() == 1
        phones[1] = Phone(start, start + length, "f")
        assert articulate(phones, frames(1, fps)).bite.max() == 1


def test_each_sound_shows_its_shape() -> None:
    def middle(sound: str, name: str) -> float:
        mouth = articulate(say("", sound, "", each=0.2), frames(1.2))
        return float(channel(mouth, name)[80])

    assert middle("u", "mouthPucker") > 0.6
    assert middle("w", "mouthPucker") > 0.8
    assert middle("y", "mouthPucker") > 0.6
    assert middle("i", "mouthPucker") < 0.02
    assert middle("i", "mouthStretch") > 0.4 > 0.1 > middle("u", "mouthStretch")
    assert middle("ʃ", "mouthFunnel") > 0.6
    assert middle("ɑ", "jawOpen") > 0.28 > 0.1 > middle("s", "jawOpen")
    assert middle("θ", "tongueOut") > 0.25
    assert middle("l", "tongueTipUp") > 0.9
    assert middle("k", "tongueBackUp") > 0.8 > 0.1 > middle("t", "tongueBackUp")


def test_lips_round_before_and_after_the_rounded_phone() -> None:
    times = frames(1.2)
    pucker = channel(articulate(say("s", "t", "w", "t", "s"), times), "mouthPucker")
    peak = pucker[(times >= 0.7) & (times <= 0.8)].max()
    assert pucker[64] > 0.2 * peak  # 60 ms before the w
    assert pucker[86] > 0.1 * peak  # 60 ms after it
    alone = channel(articulate(say("s", "t", "s", "t", "s"), times), "mouthPucker")
    assert alone.max() < 0.05


def test_the_mouth_rests_closed_in_silence() -> None:
    assert not articulate([], frames(1)).data.any()
    late = articulate(say("ɑ", start=2.0), frames(1))
    assert not late.data.any()
    after = articulate(say("ɑ", start=0.1), frames(1))
    assert np.abs(after.data[-20:]).max() < 1e-3


def test_loudness_and_gain_open_the_mouth_but_stress_and_length_too() -> None:
    phones, times = say("", "ɑ", "", each=0.2), frames(1.2)

    def jaw(changed: list[Phone], **how: float) -> float:
        return float(channel(articulate(changed, times, **how), "jawOpen").max())

    assert jaw(phones, loudness=6) > 1.1 * jaw(phones) > 1.2 * jaw(phones, loudness=-6)
    assert jaw(phones, gain=1.5) == pytest.approx(1.5 * jaw(phones), rel=1e-3)
    assert jaw(phones, gain=0) == 0
    stressed = [p if not p.ipa else Phone(p.start, p.end, p.ipa, 1) for p in phones]
    assert jaw(stressed) > 1.05 * jaw(phones)
    short = articulate(say("ɑ", "ɑ", "ɑ", "ɑ", each=0.04), times)
    assert channel(short, "jawOpen").max() < 0.9 * channel(articulate(say("ɑ", each=0.16), times), "jawOpen").max()


def test_what_follows_beyond_reach_changes_nothing() -> None:
    times = frames(1.0)
    short, long = say("p", "i", "", "w", start=0.2), say("p", "i", "", "w", "u", "m", "ɑ", start=0.2)
    # The next sound begins at 0.6 s.
    a, b = articulate(short, times), articulate(long, times)
    np.testing.assert_array_equal(a.data[:30], b.data[:30])
    assert np.abs(a.data - b.data).max() > 0.1


def test_recent_keeps_all_that_still_matters() -> None:
    phones = say(*("k", "ɑ", "t", "", "m", "i", "s", "t") * 5)
    times = np.arange(0, 5, 0.04)
    whole = articulate(phones, times).data
    for first in (50, 80, 110):
        kept = recent(phones, times[first])
        assert len(kept) < len(phones)
        np.testing.assert_allclose(articulate(kept, times[first:]).data, whole[first:], atol=1e-7)


def test_blocks_do_not_show() -> None:
    phones = say(*("k", "ɑ", "w", "i", "p") * 60)
    times = np.arange(3000) / 100
    whole = articulate(phones, times).data
    parts = np.concatenate([articulate(phones, times[i : i + 700]).data for i in range(0, 3000, 700)])
    np.testing.assert_allclose(parts, whole, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*ARPABET, "ʙ", "ɮ", "??", "ø̃", "ɧ"]),
            st.floats(-0.5, 2.5),
            st.floats(0.001, 0.7),
            st.integers(0, 2),
        ),
        max_size=25,
    ),
    st.floats(0, 3),
    st.floats(-80, 80),
)
def test_any_phones_stay_in_range(sounds: list[tuple[str, float, float, int]], gain: float, level: float) -> None:
    phones = [
        Phone(start, start + length, from_arpabet(name)[0] if name in ARPABET else name, stress)
        for name, start, length, stress in sounds
    ]
    mouth = articulate(phones, frames(2, 50), gain=gain, loudness=level)
    assert mouth.data.dtype == np.float32
    assert np.isfinite(mouth.data).all()
    assert mouth.data.min() >= 0
    assert mouth.data.max() <= 1
    assert (mouth.data[:, INDEX["mouthClose"]] <= mouth.data[:, INDEX["jawOpen"]] + 1e-6).all()
    moved = {*REGIONS["mouth"], *REGIONS["jaw"], *REGIONS["tongue"]}
    assert not mouth.data[:, [c for c in range(len(CHANNELS)) if c not in moved]].any()


def test_targets_are_complete_and_in_range() -> None:
    for name in ARPABET:
        for _, _, target in targets_of(from_arpabet(name)[0]):
            assert target.value.shape == target.dominance.shape == (len(CONTROLS),)
    for target in TARGETS.values():
        assert (target.value >= 0).all()
        assert (target.value <= 1).all()
        assert (target.dominance > 0).all()
    assert [t.name for _, _, t in targets_of("aɪ")] == ["AY", "AY"]
    assert len(targets_of("e")) == 1
    assert targets_of("??")[0][2].name == "SIL"
    assert LOW[INDEX["jawOpen"]] == 0


@pytest.mark.parametrize("times", [[1.0, 0.5], [float("nan")], [[0.0]]])
def test_bad_times_are_refused(times: list[float]) -> None:
    with pytest.raises(VultusError, match="times"):
        articulate([], times)


def test_bad_gain_is_refused_and_no_times_are_fine() -> None:
    with pytest.raises(VultusError, match="gain"):
        articulate([], [0.0], gain=float("nan"))
    assert articulate(say("ɑ"), []).data.shape == (0, 69)
