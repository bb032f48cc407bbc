"""Words for the reader of lips: halves that share nothing, films at the word, crops as the tracker's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import asset

from vultus.channels import INDEX
from vultus.critics.mouths import mouths
from vultus.errors import VultusError
from vultus.heads.person import PersonHead
from vultus.lab import read_words
from vultus.observers.tracker import Tracker
from vultus.person.identity import parse_identity

pytest.importorskip("torch")
from vultus.critics import lip_reader


@pytest.fixture
def listed() -> None:
    """The test needs the list of words."""
    asset("lip_reader_words")


@pytest.mark.usefixtures("listed")
def test_the_halves_share_no_words_voices_people_or_lights() -> None:
    tuning, test = (set(read_words.words_of(half)) for half in read_words.HALVES)
    assert tuning | test == set(lip_reader.words())
    assert not tuning & test
    assert min(len(tuning), len(test)) >= 200
    assert not {word[:5] for word in tuning} & {word[:5] for word in test}
    assert {"TODAY", "AFTER", "UNITED", "STATES", "TOGETHER"} <= test
    for parts in (read_words.VOICES, read_words.LIGHTS):
        assert not set(parts["tuning"]) & set(parts["test"])
    assert not set(read_words.people_of("tuning")) & set(read_words.people_of("test"))
    with pytest.raises(VultusError, match="half"):
        read_words.words_of("both")  # type: ignore[arg-type]


@pytest.mark.usefixtures("listed")
def test_draws_are_the_same_again_and_of_their_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(read_words.VOICES, "test", ("formant:man", "nobody:at_all"))
    read_words.voices_of.cache_clear()
    try:
        some = read_words.draws("test", 300, 4)
        assert some == read_words.draws("test", 300, 4)
        assert some != read_words.draws("test", 300, 5)
        assert {draw.voice for draw in some} == {"formant:man"}
    finally:
        read_words.voices_of.cache_clear()
    words = [draw.word for draw in some]
    assert set(words) == set(read_words.words_of("test"))
    assert max(map(words.count, words)) == 2
    assert {draw.person for draw in some} <= set(read_words.people_of("test"))
    one = read_words.one_light_each(some, "test", 4)
    assert len({(draw.person, draw.light) for draw in one}) == len({draw.person for draw in one})


def test_the_words_middle_is_in_the_middle_of_the_film() -> None:
    draw = read_words.Draw("PARLIAMENT", 0, "formant:man", "person:21", "ring")
    some = read_words.said(draw)
    assert some is not None
    assert draw.text == "Yesterday they said parliament again."
    lips = [p for p in some.phones if p.start <= some.middle and p.ipa in "pm"]
    assert lips, "the middle is after the p of parliament"
    assert abs(some.times[14] - some.middle) < 1e-9
    rows = np.zeros((200, 69), np.float32)
    rows[:, 0] = np.arange(200)
    window = some.window(rows)[:, 0]
    assert window[14] == pytest.approx(25 * some.middle)
    short = some.window(rows[:20])[:, 0]
    assert len(short) == 29
    assert short[-1] == 19


def test_a_word_that_is_not_there_has_no_film(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_words, "word_times", lambda *_: [])
    assert read_words.said(read_words.Draw("PARLIAMENT", 0, "formant:man", "person:21", "ring")) is None


@pytest.fixture
def exercise() -> np.ndarray:
    rows = np.zeros((14, 69), np.float32)
    rows[:, INDEX["jawOpen"]] = np.linspace(0, 0.35, 14)
    rows[:, INDEX["mouthPucker"]] = np.linspace(0.8, 0, 14)
    return rows


def test_the_crop_is_the_one_that_the_tracker_finds(exercise: np.ndarray) -> None:
    tracker = Tracker(asset("face_landmarker"))
    person = "person:28"
    head = PersonHead(parse_identity(person), size=(640, 640), light="ring")
    head.portrait.aim(head.camera)
    found = np.stack([m for m in mouths(map(head.frame, exercise), tracker) if m is not None])
    known = read_words.Mouth(person, "ring").film(exercise)
    assert known.shape == found.shape == (14, 88, 88)
    apart = np.abs(known - found).mean()
    assert apart < 8, apart  # grey levels
    moved = np.abs(np.roll(known, 8, axis=2) - found).mean()
    assert apart < 0.6 * moved


def test_ranks_count_better_words_and_chance_is_that_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lip_reader, "words", lambda: ("A", "B", "C", "D"))
    table = np.array([[4, 3, 2, 1], [4, 3, 2, 1]], np.float32)
    ranks, chance = read_words.ranks(table, ["B", "D"])
    assert ranks.tolist() == [2, 4]
    assert chance.tolist() == [4, 2]
