"""The whole driver: exact frames, nothing that depends on cuts, an idle that lives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.channels import EMOTIONS, EYE_LEFT, HEAD, INDEX, NECK, TRANSLATION
from vultus.drivers.articulation import columns_of
from vultus.drivers.gaze import EYE_LIMIT
from vultus.drivers.manner import Manner
from vultus.drivers.speech import LOOK_AHEAD, drive, perform
from vultus.drivers.style import Mood, Style
from vultus.errors import VultusError
from vultus.motion import Motion, concatenate


def joined(motions: list[Motion]) -> np.ndarray:
    return np.concatenate([m.data for m in motions])


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), 25, 24, 240, Fraction(1, 3), "29.97"])
def test_frames_stand_at_exact_times(speech: Callable[..., tuple], fps: object) -> None:
    span, _ = speech(5.0)
    motions = list(perform([span], fps=fps, duration=Fraction(79999, 16000)))
    rate = motions[0].fps
    assert rate == (Fraction(30000, 1001) if fps == "29.97" else fps)
    assert motions[0].start == 0
    for a, b in itertools.pairwise(motions):
        assert b.start == a.start + len(a) / rate
    assert sum(map(len, motions)) == max(math.ceil(Fraction(79999, 16000) * rate), 1)
    assert all(m.duration <= 1 or len(m) == 1 for m in motions)
    assert concatenate(motions).fps == rate


@pytest.mark.parametrize("samples", [0, 1, 160, 1000])
def test_short_sound_still_gives_a_frame(samples: int) -> None:
    motions = list(drive([np.zeros(samples, np.float32)], fps=30))
    assert sum(map(len, motions)) == max(math.ceil(Fraction(samples, 16000) * 30), 1)
    assert sum(map(len, drive([], fps=30))) == 1
    assert sum(map(len, perform([]))) == 1


@pytest.mark.parametrize("fps", [0, -1, 241, "many", float("nan")])
def test_bad_frame_rates_are_refused_at_once(fps: object) -> None:
    with pytest.raises(VultusError, match="frame rate"):
        drive([], fps=fps)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**63])
def test_bad_seeds_are_refused_at_once(seed: object) -> None:
    with pytest.raises(VultusError, match="seed"):
        perform([], seed=seed)


def test_motion_does_not_depend_on_the_cuts(speech: Callable[..., tuple], cut: Callable[..., object]) -> None:
    span, _ = speech(12.0, 2)
    style = Style(happy=0.7, sad=0.3)
    whole = joined(list(perform([span], style=style, seed=4)))
    pauses = [p.start + 0.1 for p in span.phones if not p.ipa and p.duration > 0.2]
    np.testing.assert_allclose(joined(list(perform(cut(span, pauses), style=style, seed=4))), whole, atol=1e-6)
    between = [p.end for p in span.phones[5::6]]
    np.testing.assert_allclose(
        joined(list(perform(cut(_rounded(span), between), style=style, seed=4))),
        joined(list(perform([_rounded(span)], style=style, seed=4))),
        atol=1e-6,
    )
    within = list(np.arange(0.77, 12, 0.77))
    np.testing.assert_allclose(
        joined(list(perform(cut(_rounded(span), within), style=style, seed=4))),
        joined(list(perform([_rounded(span)], style=style, seed=4))),
        atol=1e-6,
    )


def _rounded(span: object) -> object:
    """The same span with its phones on the grid of the features, so that cuts can meet their borders."""
    from dataclasses import replace

    phones = tuple(replace(p, start=round(p.start, 2), end=round(p.end, 2)) for p in span.phones)
    return replace(span, phones=phones)


def test_manner_moods_and_pose_do_not_depend_on_the_cuts(
    speech: Callable[..., tuple], cut: Callable[..., object]
) -> None:
    span, _ = speech(12.0)
    span = _rounded(span)
    manner = Manner(jitter=0.02, unevenness=0.2, spread=1.3, pitch_jaw=0.4, pitch_brows=0.6)
    asked = {"manner": manner, "moods": (Mood("happy", 0.7, end=5), Mood("sad", 0.5, 4)), "pose": (0.0, 0.1, 0.0)}
    whole = joined(list(perform([span], seed=4, **asked)))
    within = np.cumsum(np.random.default_rng(3).integers(20, 120, 8)) / 100
    np.testing.assert_allclose(joined(list(perform(cut(span, within), seed=4, piece=3.7, **asked))), whole, atol=1e-6)
    assert np.abs(whole - joined(list(perform([span], seed=4)))).max() > 0.1


@pytest.mark.parametrize("pose", [(0, 0), (0, 0.6, 0), (0, float("nan"), 0), "up"])
def test_bad_poses_are_refused_at_once(speech: Callable[..., tuple], pose: object) -> None:
    with pytest.raises(VultusError, match="no pose of a head"):
        perform([speech(3.0)[0]], pose=pose)  # type: ignore[arg-type]


def test_frames_are_given_out_while_speech_still_comes(
    speech: Callable[..., tuple], cut: Callable[..., object]
) -> None:
    span, _ = speech(12.0, 2)
    heard = 0.0
    lag = []

    def spans() -> object:
        nonlocal heard
        for part in cut(span, np.arange(1, 12)):
            heard = part.end
            yield part

    for motion in perform(spans()):
        if heard < 12:
            lag.append(heard - float(motion.end))
            assert lag[-1] >= LOOK_AHEAD - 0.05  # nothing that could still change
    assert min(lag) < LOOK_AHEAD + 0.1


def test_no_jump_anywhere(speech: Callable[..., tuple], cut: Callable[..., object]) -> None:
    span, _ = speech(12.0, 5)
    data = joined(list(perform(cut(span, np.arange(0.9, 12, 0.9)), fps=100, style=Style(angry=1.0))))
    steps = np.abs(np.diff(data, axis=0))
    assert steps[:, NECK].max() < np.radians(1.2)
    assert steps[:, HEAD].max() < np.radians(1.5)
    assert steps[:, TRANSLATION].max() < 2e-4
    assert steps[:, INDEX["jawOpen"]].max() < 0.1
    assert steps[:, INDEX["browInnerUp"]].max() < 0.1


def test_the_seed_decides(speech: Callable[..., tuple]) -> None:
    span, _ = speech(6.0)
    first, again, other = (joined(list(perform([span], seed=s))) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    for group in (HEAD, EYE_LEFT, slice(INDEX["eyeBlinkLeft"], INDEX["eyeBlinkLeft"] + 1)):
        assert np.abs(first[:, group] - other[:, group]).max() > 0.02
    lips = [c for n in ("mouthPucker", "mouthRollLower") for c in columns_of(n)]
    np.testing.assert_array_equal(first[:, lips], other[:, lips])


@pytest.mark.parametrize("emotion", [*EMOTIONS, "neutral"])
def test_seals_hold_in_the_whole_performance(speech: Callable[..., tuple], emotion: str) -> None:
    span, _ = speech(8.0, 1)
    data = joined(list(perform([span], fps=100, style=Style(**{emotion: 1.0}))))
    times = np.arange(len(data)) / 100
    shut = np.zeros(len(data), bool)
    for phone in span.phones:
        if phone.ipa in ("p", "b", "m"):
            shut |= (times >= phone.start) & (times <= phone.end)
    assert shut.sum() > 20
    gap = data[:, INDEX["jawOpen"]] - data[:, INDEX["mouthClose"]]
    lips = data[:, [*columns_of("mouthLowerDown"), *columns_of("mouthUpperUp")]].max(1)
    assert np.abs(gap[shut]).max() < 0.02
    assert lips[shut].max() < 1e-6
    assert lips[~shut].max() > 0.15


def test_emotions_differ_and_rest_between_phrases(speech: Callable[..., tuple], silence: Callable[..., object]) -> None:
    span, _ = speech(6.0)
    means = {e: joined(list(perform([span], style=Style(**{e: 1.0})))).mean(0)[:52] for e in (*EMOTIONS, "neutral")}
    for a, b in itertools.combinations(means, 2):
        assert np.linalg.norm(means[a] - means[b]) > 0.25, (a, b)
    quiet = joined(list(perform([silence(5.0)], style=Style(happy=1.0))))[:, INDEX["mouthSmileLeft"]]
    spoken = joined(list(perform([span], style=Style(happy=1.0))))[:, INDEX["mouthSmileLeft"]]
    assert 0.3 < quiet.mean() < spoken.max()
    assert 0 < np.ptp(quiet) < 0.15  # alive, but steady


def test_silence_is_idle_but_alive(silence: Callable[..., object]) -> None:
    data = joined(list(perform([silence(60.0)], seed=3)))
    mouth = [i for n, i in INDEX.items() if n.startswith(("mouth", "jaw", "tongue"))]
    assert data[:, mouth].max() < 0.01
    blink = data[:, INDEX["eyeBlinkLeft"]]
    assert 6 <= ((blink[1:] > 0.5) & (blink[:-1] <= 0.5)).sum() <= 30
    for second in range(0, 1800, 60):
        assert np.ptp(data[second : second + 60, TRANSLATION.start + 1]) > 1e-4
        assert np.ptp(data[second : second + 60, HEAD], axis=0).max() > 1e-3
    assert np.ptp(np.degrees(data[:, HEAD]), axis=0).max() > 1
    rise = np.abs(np.fft.rfft(data[:, TRANSLATION.start + 1] - data[:, TRANSLATION.start + 1].mean()))
    breath = np.fft.rfftfreq(len(data), 1 / 30)
    assert rise[(breath > 0.15) & (breath < 0.4)].max() > 3 * rise[breath > 0.6].max()


def test_eyes_keep_to_their_limits_and_lids_close(speech: Callable[..., tuple]) -> None:
    span, _ = speech(30.0, 7)
    data = joined(list(perform([span], style=Style(surprised=1.0, gaze=2.0, look="wander", head=2.0, blink=30))))
    assert np.linalg.norm(data[:, EYE_LEFT], axis=1).max() <= EYE_LIMIT + 1e-5
    shut = data[:, INDEX["eyeBlinkLeft"]] > 0.98
    assert shut.any()
    assert data[shut, INDEX["eyeWideLeft"]].max() < 0.02
    assert data[~shut, INDEX["eyeWideLeft"]].max() > 0.5


@settings(max_examples=8, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            **{e: st.floats(0, 1) for e in EMOTIONS},
            **{n: st.floats(0, 2) for n in ("articulation", "gaze", "head", "brows")},
            "blink": st.floats(0, 60),
            "look": st.sampled_from(["viewer", "wander", "away"]),
        }
    ),
    st.integers(0, 2**63 - 1),
)
def test_any_style_gives_a_valid_motion(speech: Callable[..., tuple], style: dict[str, float], seed: int) -> None:
    for motion in perform([speech(4.0, seed % 10)[0]], style=Style(**style), seed=seed, fps=25):
        assert np.isfinite(motion.data).all()  # Motion itself refuses what is out of range


def test_sound_drives_the_mouth_whatever_the_chunks() -> None:
    from vultus.voices.formant import demo_sentence

    text, sound, phones = demo_sentence(16000)
    motions = list(drive([sound], text=text, fps=25))
    whole = joined(motions)
    assert len(whole) == math.ceil(Fraction(len(sound), 16000) * 25)
    small = joined(list(drive((sound[i : i + 777] for i in range(0, len(sound), 777)), text=text, fps=25)))
    np.testing.assert_allclose(small, whole, atol=1e-6)
    spoken = max(p.end for p in phones if p.ipa)
    times = np.arange(len(whole)) / 25
    jaw = whole[:, INDEX["jawOpen"]]
    assert jaw[times < spoken].mean() > 0.03
    assert jaw.max() > 0.12
