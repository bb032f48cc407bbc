"""Plans: drawn alike anywhere, written down, and kept apart by splits."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from vultus.channels import EMOTIONS
from vultus.drivers.manner import RANGES
from vultus.drivers.style import LOOKS
from vultus.errors import VultusError
from vultus.stage.hidden import Habits, Hidden, draw_hidden, habits_of
from vultus.stage.plan import Plan, draw
from vultus.stage.splits import SPLITS, identity_seed, leaks, normal, split_of, voices_of
from vultus.voices import espeak

TRAIN = ("formant:man", "formant:woman", "espeak:en-us", "flite:slt")
VOICES = {"train": TRAIN, "val": ("kokoro:jf_alpha", "festival:x"), "test": ("hibari:heart",)}


def plans(split: str, count: int = 60, seed: int = 3) -> list[Plan]:
    return [draw(seed, index, voices=VOICES[split], split=split) for index in range(count)]


def test_a_clip_is_the_same_in_any_process_and_order() -> None:
    code = "from vultus.stage.plan import draw; print(draw(4, 17, voices=('formant:man', 'flite:slt')).as_json())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    for index in (99, 3):
        draw(4, index, voices=("formant:man", "flite:slt"))
    assert draw(4, 17, voices=("formant:man", "flite:slt")).as_json() == there


def test_clips_differ() -> None:
    drawn = plans("train")
    assert len({plan.text for plan in drawn}) > 55
    assert len({plan.identity for plan in drawn}) == 60
    assert {plan.voice for plan in drawn} == set(TRAIN)
    assert {plan.mood for plan in drawn} == {"neutral", *EMOTIONS}
    assert len({plan.hidden.seed for plan in drawn}) == 60
    assert draw(3, 0, voices=TRAIN) != draw(4, 0, voices=TRAIN)
    assert any(a.end > b.start for plan in drawn for a, b in zip(plan.emotion, plan.emotion[1:], strict=False))
    lengths = [len(plan.text) for plan in drawn]
    assert 20 < np.median(lengths) < 84
    assert 3 <= sum(not plan.augment for plan in drawn) <= 35


def test_a_plan_survives_being_written_down() -> None:
    for plan in plans("train", 20):
        assert Plan.from_json(plan.as_json()) == plan
    record = json.loads(plan.as_json())
    assert (record["format"], record["version"]) == ("vultus.plan", 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "'other' version 1, not a plan"),
        ({"version": 2}, "version 2, not a plan"),
        ({"speed": 9}, "speed of a clip is 9.*from 0.5 to 2"),
        ({"colour": "red"}, "field of a plan"),
        ({"emotion": [{"name": "happy", "weight": 2}]}, "weight of happy is 2"),
        ({"emotion": [{"name": "hapy", "weight": 1}]}, "happy"),
        ({"emotion": [{"name": "happy", "weight": 1, "start": 0.5, "end": 0.5}]}, "Give shares of the clip"),
        ({"emotion": 7}, "plan of a clip is broken"),
        ({"hidden": {}}, "plan of a clip is broken"),
        ({"augment": "loud"}, "no augmentation"),
        ({"identity": "cat:1"}, "not a person"),
        ({"pose": [0, 1, 0]}, "pose .* out of range"),
        ({"seconds": float("inf")}, "number of seconds"),
    ],
)
def test_broken_plans_say_what_is_wrong(change: dict[str, object], said: str) -> None:
    record = json.loads(draw(1, 1, voices=TRAIN).as_json()) | change
    with pytest.raises(VultusError, match=said):
        Plan.from_json(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", '{"format": "vultus.plan"}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(VultusError, match="no plan of a clip"):
        Plan.from_json(text)


def test_nothing_leaks_between_splits() -> None:
    drawn = {split: plans(split, 40) for split in SPLITS}
    for i, a in enumerate(SPLITS):
        for b in SPLITS[i + 1 :]:
            assert leaks(drawn[a], drawn[b]) == []
    for split, members in drawn.items():
        for plan in members:
            assert split_of("identity", plan.identity) == split_of("voice", plan.voice) == split


def test_leaks_are_found() -> None:
    (a,), (b,) = plans("train", 1), plans("test", 1)
    assert leaks([a], [replace(b, identity=a.identity)]) == [f"identity person:{identity_seed(a.identity)}"]
    assert leaks([a], [replace(b, identity=f"person:age=50,seed={identity_seed(a.identity)}")])[0].startswith("ident")
    assert leaks([a], [replace(b, voice=a.voice)]) == [f"voice {a.voice}", f"engine {a.voice.split(':')[0]}"]
    assert leaks([replace(a, voice="flite:awb")], [replace(b, voice="flite:slt")]) == ["engine flite"]
    shared = leaks([replace(a, text="So it goes. The dog ran.")], [replace(b, text="The dog ran!")])
    assert shared == ["sentence the dog ran"]


def test_splits_are_by_what_something_is() -> None:
    assert split_of("sentence", "Don’t go, Bob!") == split_of("sentence", "dont  go bob")
    assert normal("It's 5 o'clock.") == "its 5 oclock"
    assert split_of("identity", "person:12") == split_of("identity", "person:age=40,seed=12")
    assert split_of("voice", "hibari:heart") == split_of("engine", "hibari") == "test"
    assert split_of("voice", "new:voice") == "train"
    shares = [[split_of("identity", f"person:{i}") for i in range(2000)].count(split) / 2000 for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)
    with pytest.raises(VultusError, match="kind of split"):
        split_of("frame", "7")


def test_only_given_voices_and_people_of_the_split_are_drawn() -> None:
    people = [f"person:{i}" for i in range(40)]
    for index in range(20):
        plan = draw(1, index, voices=(*TRAIN, "hibari:heart"), people=people, split="test")
        assert plan.voice == "hibari:heart"
        assert plan.identity in people
        assert split_of("identity", plan.identity) == "test"
    with pytest.raises(VultusError, match="of the split test: formant:man"):
        draw(1, 0, voices=("formant:man",), split="test")
    with pytest.raises(VultusError, match="people is of the split"):
        draw(1, 0, voices=TRAIN, people=[p for p in people if split_of("identity", p) != "train"])
    with pytest.raises(VultusError, match="split"):
        draw(1, 0, split="tests")
    with pytest.raises(VultusError, match="seed and index"):
        draw(-1, 0, voices=TRAIN)


def test_the_voices_that_are_there_are_of_the_split() -> None:
    found = voices_of("train")
    assert "formant:woman" in found
    assert {split_of("voice", voice) for voice in found} == {"train"}
    for voice in found:
        if voice.startswith("espeak:"):
            assert espeak._checked(voice.partition(":")[2])


def test_a_long_clip_gets_long_text_in_every_split() -> None:
    for split in SPLITS:
        plan = draw(1, 1, voices=VOICES[split], split=split, seconds=120.0)
        assert 400 < len(plan.text) < 120 * 14
    assert len(draw(1, 1, voices=TRAIN, seconds=0.5).text) < 120


# --- what is hidden -------------------------------------------------------------------------------------------------


def test_what_is_hidden_fills_its_ranges_and_stays_within_them() -> None:
    drawn = [draw_hidden(seed, seed) for seed in range(400)]
    for name, (low, high) in RANGES.items():
        values = np.array([getattr(hidden.manner, name) for hidden in drawn])
        assert low <= values.min() < values.max() <= high
        assert values.std() > 0.1 * np.ptp(values) > 0, name
    gains = np.array([hidden.articulation for hidden in drawn])
    assert 0.6 <= gains.min() < 0.8
    assert 1.2 < gains.max() <= 1.5


def test_habits_belong_to_the_person() -> None:
    first, again, other = draw_hidden(1, 7), draw_hidden(2, 7), draw_hidden(1, 8)
    assert first.habits == again.habits == habits_of(7) != other.habits
    assert first.manner != again.manner
    many = [habits_of(seed) for seed in range(300)]
    assert {habits.look for habits in many} == set(LOOKS)
    for field in fields(Habits):
        assert len({getattr(habits, field.name) for habits in many}) > 2
    sides = [np.mean([draw_hidden(clip, person).manner.mouth_side for clip in range(20)]) for person in range(40)]
    assert np.std(sides) > 0.05  # people differ in their own side, over all of their clips


def test_hidden_can_be_written_down_and_objects() -> None:
    hidden = draw_hidden(5, 6)
    assert Hidden.read(json.loads(json.dumps(asdict(hidden)))) == hidden
    for bad in ({"articulation": 3.0}, {"seed": -1}, {"seed": 0.5}):
        with pytest.raises(VultusError, match="Give a"):
            Hidden(**bad)  # type: ignore[arg-type]
    for habit in ({"blink": 99.0}, {"gaze": -1.0}, {"look": "up"}, {"turn": 0.5}):
        with pytest.raises(VultusError):
            Habits(**habit)  # type: ignore[arg-type]
