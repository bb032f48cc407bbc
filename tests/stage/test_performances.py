"""Acts: sound, phones and motion that belong together; what is hidden; and what would have been otherwise."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus.channels import CHANNELS, EXPRESSION, EYE_LEFT, EYE_RIGHT, HEAD, NECK, TONGUES, TRANSLATION
from vultus.clip import Clip
from vultus.drivers.manner import Manner
from vultus.errors import VultusError
from vultus.motion import LOOK, Motion
from vultus.signals.phones import SILENCE, check
from vultus.signals.text import text_phones
from vultus.stage.hidden import Habits, Hidden, draw_hidden, habits_of
from vultus.stage.performances import RATE, Act, act, counterfactual, moved, voiced
from vultus.stage.plan import Key, Plan, draw
from vultus.stage.splits import identity_seed
from vultus.voices.bias import phones_against_alignment

Curve = NDArray[np.float32]
PLAN = Plan(
    "one", 5, "My mother bought a big blue bottle before five. Why not wait for Bob?", voice="formant:woman",
    identity="person:4", emotion=(Key("happy", 0.5, 0.0, 0.6), Key("surprised", 0.6, 0.4, 1.0)),
    hidden=draw_hidden(3, 4),
)  # fmt: skip
SEALED, BITTEN = ("P", "B", "M"), ("F", "V")


@cache
def acted(plan: Plan = PLAN) -> Act:
    return act(plan)


def during(done: Act, names: tuple[str, ...]) -> list[int]:
    """The frames that stand inside one of the phones of these names."""
    times = done.motion.times()
    return [i for i, t in enumerate(times) if any(p.start <= t < p.end and p.arpabet in names for p in done.phones)]


def differing(a: Motion, b: Motion) -> set[str]:
    return {CHANNELS[i] for i in np.flatnonzero((a.data != b.data).any(0))}


def channels(*groups: slice | tuple[int, ...]) -> set[str]:
    return {name for g in groups for name in (CHANNELS[g] if isinstance(g, slice) else [CHANNELS[i] for i in g])}


MOUTH = {name for name in CHANNELS[EXPRESSION] if name.startswith(("mouth", "jaw"))} | channels(TONGUES)

# --- acts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(8))
def test_sound_phones_and_motion_fit(index: int) -> None:
    plan = draw(2, index, voices=("formant:man", "formant:child"), seconds=4)
    done = acted(plan)
    seconds = len(done.samples) / done.rate
    assert done.rate == RATE
    assert done.samples.dtype == np.float32
    assert np.isfinite(done.samples).all()
    assert 0.01 < np.abs(done.samples).max() <= 1
    assert seconds <= plan.seconds
    check(done.phones, gapless=True)
    assert done.phones[0].start == 0
    assert done.phones[-1].end == pytest.approx(seconds)
    assert done.phones[0].ipa == SILENCE
    assert len(done.motion) == int(np.ceil(round(seconds * plan.fps, 6)))
    assert done.motion.fps == plan.fps
    assert done.motion["jawOpen"].max() > 0.08


def test_the_same_plan_gives_the_same_bytes_in_another_process() -> None:
    plan = draw(2, 3, voices=("formant:woman",), seconds=3, augment=1)
    code = (
        "import hashlib, sys; from vultus.stage.plan import Plan; from vultus.stage.performances import act;"
        "done = act(Plan.from_json(sys.argv[1]));"
        "print(hashlib.sha256(done.samples.tobytes() + done.motion.data.tobytes()).hexdigest())"
    )
    import hashlib

    there = subprocess.run([sys.executable, "-c", code, plan.as_json()], capture_output=True, text=True, check=True)
    done = acted(plan)
    here = hashlib.sha256(done.samples.tobytes() + done.motion.data.tobytes()).hexdigest()
    assert there.stdout.strip() == here


def test_a_clip_ends_in_time_and_begins_in_silence() -> None:
    plan = replace(PLAN, seconds=1.5, lead=0.5, text=PLAN.text * 3)
    done = acted(plan)
    assert len(done.samples) == 1.5 * RATE
    assert done.phones[0].ipa == SILENCE
    assert done.phones[0].end >= 0.5
    assert not done.samples[: RATE // 2].any()
    assert abs(done.samples[-1]) < 1e-4
    assert done.phones[-1].ipa != SILENCE  # cut in the middle of what is said
    assert done.text == "My mother bought a big blue bottle before five."
    assert not done.whole


@pytest.mark.parametrize("augment", ["", "4:1.0", "9:1.0"])
def test_sentences_for_which_there_is_no_time_are_left_out(augment: str) -> None:
    texts = ["One big boat.", "Two small birds.", "Three mad cows.", "Four fair farms."]
    done = acted(replace(PLAN, text=" ".join(texts), seconds=4.5, augment=augment))
    assert done.whole
    assert done.text in (" ".join(texts[:count]) for count in (1, 2, 3))
    said = [p.arpabet for p in done.phones if p.ipa != SILENCE]
    assert said == [p.arpabet for p in text_phones(done.text) if p.ipa != SILENCE]
    assert len(done.samples) <= 4.5 * RATE


def test_noise_does_not_move_the_face() -> None:
    """What the microphone adds is not heard by the speaker: only what the voice itself does is."""
    noisy = replace(PLAN, augment="1:1.0")
    done = acted(noisy)
    said = voiced(noisy)
    assert np.abs(done.samples - said.samples).max() > 1e-3
    assert np.array_equal(moved(noisy, said).data, done.motion.data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": ""}, "empty"),
        ({"text": "?!"}, "no letter"),
        ({"voice": "formnt:man"}, "voice"),
        ({"voice": "x"}, "voice"),
    ],
)
def test_what_cannot_be_said_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(VultusError, match=said):
        act(replace(PLAN, **change))


# --- what is hidden -------------------------------------------------------------------------------------------------


@cache
def takes(count: int = 12) -> tuple[Act, ...]:
    """The same words in the same sound by people of different manner."""
    plain = replace(PLAN, emotion=())
    return tuple(acted(counterfactual(plain, hidden=draw_hidden(k, k))) for k in range(count))


def spread(name: str) -> tuple[float, float]:
    """Standard deviation between takes, and of their mean over time."""
    curves = np.stack([take.motion[name] for take in takes()])
    return float(curves.std(0).mean()), float(curves.mean(0).std())


def test_one_sound_has_many_motions() -> None:
    assert len({take.samples.tobytes() for take in takes()}) == 1
    assert len({take.motion.data.tobytes() for take in takes()}) == len(takes())
    for name, least in (
        ("jawOpen", 0.2),
        ("mouthLowerDownLeft", 0.2),
        ("mouthUpperUpRight", 0.2),
        ("mouthPucker", 0.1),
    ):
        between, signal = spread(name)
        assert least * signal < between < 0.6 * signal, name
    between, signal = spread("browInnerUp")
    assert between > 0.7 * signal


@pytest.mark.parametrize("take", range(12))
def test_contacts_are_kept_in_time_by_every_take(take: int) -> None:
    done = takes()[take]
    sealed, bitten = during(done, SEALED), during(done, BITTEN)
    assert len(sealed) > 10
    assert len(bitten) > 4
    motion = done.motion
    assert np.abs(motion["mouthClose"] - motion["jawOpen"])[sealed].max() < 1e-3
    for name in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"):
        assert motion[name][sealed].max() < 1e-3
    assert motion["mouthRollLower"][bitten].min() > 0.54
    assert min(motion[f"mouthUpperUp{side}"][bitten].min() for side in ("Left", "Right")) > 0.29


def test_the_two_sides_differ_as_the_manner_says() -> None:
    sided = replace(PLAN.hidden, manner=Manner(mouth_side=0.3, smile_side=-0.3, brow_side=0.3))
    motion = acted(replace(PLAN, emotion=(Key("happy", 0.8),), hidden=sided)).motion
    assert motion["mouthLowerDownLeft"].mean() > 1.5 * motion["mouthLowerDownRight"].mean()
    assert motion["cheekSquintRight"].mean() > 1.5 * motion["cheekSquintLeft"].mean()
    assert motion["browOuterUpLeft"].mean() > 1.5 * motion["browOuterUpRight"].mean()


def test_jaw_and_brows_follow_the_voice_as_far_as_they_are_tied_to_it() -> None:
    def tied(**manner: float) -> Motion:
        return acted(replace(PLAN, emotion=(), hidden=replace(PLAN.hidden, manner=Manner(**manner)))).motion

    from vultus.signals.features import features

    heard = features(voiced(PLAN).samples, RATE)
    loose = tied(loud_jaw=0.0)
    times = loose.times()
    level = np.interp(times, heard.times(), np.where(heard.speech > 0.5, heard.loudness, np.nan))
    tone = np.interp(times, heard.times(), np.where(heard.pitch > 0, np.log2(np.maximum(heard.pitch, 1)), np.nan))
    more = tied(loud_jaw=2.0)["jawOpen"] / np.maximum(loose["jawOpen"], 1e-6)
    open_ = (loose["jawOpen"] > 0.08) & np.isfinite(level)
    assert np.corrcoef(more[open_], level[open_])[0, 1] > 0.5
    raised = tied(loud_jaw=0.0, pitch_brows=0.8)["browInnerUp"] - loose["browInnerUp"]
    sung = np.isfinite(tone)
    assert raised.max() > 0.1
    assert np.corrcoef(raised[sung], tone[sung])[0, 1] > 0.5


def test_habits_are_those_of_the_person() -> None:
    long = replace(PLAN, text=PLAN.text * 4, seconds=20.0, emotion=())

    def lived(habits: Habits) -> Motion:
        return acted(replace(long, hidden=replace(PLAN.hidden, habits=habits))).motion

    def blinks(motion: Motion) -> int:
        shut = motion["eyeBlinkLeft"] > 0.4
        return int((shut[1:] & ~shut[:-1]).sum())

    busy = lived(Habits(gaze=1.8, blink=40, head=1.8, turn=0.1))
    calm = lived(Habits(gaze=0.4, blink=8, head=0.4))
    assert blinks(busy) > 2 * blinks(calm) > 0
    assert busy.head.std(0).sum() > 1.5 * calm.head.std(0).sum()
    assert (busy.head[:, 1] + busy.neck[:, 1]).mean() > 0.05
    gaze = [motion.eye_left[:, 1] + motion.head[:, 1] + motion.neck[:, 1] for motion in (busy, calm)]
    assert gaze[0].std() > gaze[1].std()


# --- counterfactuals ------------------------------------------------------------------------------------------------


def other(**changes: object) -> Act:
    changed = acted(counterfactual(PLAN, **changes))  # type: ignore[arg-type]
    assert changed.samples.tobytes() == acted().samples.tobytes()
    assert changed.phones == acted().phones
    return changed


def test_another_person_moves_alike_unless_asked_for_habits() -> None:
    assert other(identity="person:900").motion.data.tobytes() == acted().motion.data.tobytes()
    own = counterfactual(PLAN, identity="person:900", habits=True)
    assert own.hidden.habits == habits_of(identity_seed("person:900"))
    assert own.hidden.manner == PLAN.hidden.manner
    changed = differing(acted(own).motion, acted().motion)
    assert changed >= {"eyeBlinkLeft"} | channels(NECK, HEAD)
    assert not changed & MOUTH


def test_another_pose_turns_the_head_alone() -> None:
    """And the eyes, which keep their aim, and what follows them by the eye rule."""
    turned = other(pose=(0.0, 0.15, 0.0)).motion
    assert differing(turned, acted().motion) <= channels(NECK, HEAD, EYE_LEFT, EYE_RIGHT, LOOK)
    yaw = (turned.neck + turned.head - acted().motion.neck - acted().motion.head)[:, 1]
    assert 0.05 < yaw.min() <= yaw.max() < 0.16
    assert (turned.eye_left[:, 1] - acted().motion.eye_left[:, 1]).mean() < -0.05


def test_another_gain_changes_the_articulation_alone() -> None:
    more = other(gain=1.4).motion
    assert differing(more, acted().motion) <= MOUTH
    assert more["jawOpen"].sum() > 1.15 * acted().motion["jawOpen"].sum()


def test_another_emotion_keeps_sound_contacts_blinks_and_gaze() -> None:
    angry = other(emotion=(Key("angry", 0.9),))
    changed = differing(angry.motion, acted().motion)
    assert changed >= {"browDownLeft", "mouthSmileLeft", "noseSneerRight"} | channels(HEAD, NECK)
    assert not changed & {"eyeBlinkLeft", "eyeBlinkRight"}
    for done in (angry, acted()):
        sealed, bitten = during(done, SEALED), during(done, BITTEN)
        assert np.abs(done.motion["mouthClose"] - done.motion["jawOpen"])[sealed].max() < 1e-3
        assert done.motion["mouthLowerDownLeft"][sealed].max() < 1e-3
        assert done.motion["mouthRollLower"][bitten].min() > 0.54


def test_another_hidden_moves_all_of_the_face() -> None:
    changed = differing(other(hidden=Hidden(seed=77)).motion, acted().motion)
    assert changed >= {"jawOpen", "mouthPucker", "browInnerUp", "eyeBlinkLeft"} | channels(HEAD, NECK, TRANSLATION)


def test_emotions_pass_into_one_another() -> None:
    motion, seconds = acted().motion, len(acted().samples) / RATE
    times = motion.times() / seconds
    smile, wide = motion["cheekSquintLeft"], motion["eyeWideLeft"]
    assert smile[times < 0.3].mean() > 4 * smile[times > 0.8].mean()
    assert wide[times > 0.8].mean() > 4 * wide[times < 0.3].mean()
    overlap = (times > 0.45) & (times < 0.55)
    assert ((smile > 0.05) & (wide > 0.05))[overlap].any()


# --- against the ear ------------------------------------------------------------------------------------------------


def test_phones_stand_where_forced_alignment_hears_them() -> None:
    drawn = [draw(7, index, voices=("formant:woman",), augment=0) for index in range(4)]
    made = [acted(plan) for plan in drawn]
    clips = [Clip("", done.samples, done.rate, done.text, done.phones) for done in made]
    errors, share = phones_against_alignment(clips)
    assert len(errors) > 60
    assert share > 0.8
    assert np.median(np.abs(errors)) < 0.02
    late = [
        replace(c, phones=tuple(replace(p, start=p.start + 0.05, end=p.end + 0.05) for p in c.phones)) for c in clips
    ]
    assert np.median(np.abs(phones_against_alignment(late)[0])) > 0.03
