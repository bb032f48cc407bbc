"""Sentences out of nothing, and out of any text."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vultus.errors import VultusError
from vultus.signals.phones import ARPABET
from vultus.voices import sentences as s


def some(count: int, seed: int = 0, kinds: tuple[str, ...] = s.KINDS) -> list[str]:
    return list(islice(s.sentences(seed, kinds), count))


def test_the_same_seed_says_the_same() -> None:
    assert some(50, 3) == some(50, 3)
    assert some(50, 3) != some(50, 4)


def test_sentences_are_varied_and_well_formed() -> None:
    found = some(1000)
    assert len(set(found)) > 930
    for text in found:
        assert text[0].isupper() or text[0].isdigit()
        assert text[-1] in ".?!"
        assert "  " not in text
        assert "_" not in text
        assert len(text) < s.LONGEST
        assert list(s.pieces(text))
    assert sum(t.endswith("?") for t in found) > 120
    assert sum(t.endswith("!") for t in found) > 60
    assert sum(any(c.isdigit() for c in t) for t in found) > 80
    assert sum(any(name in t.split() for name in s.NAMES) for t in found) > 200


def test_a_thousand_sentences_hold_most_pairs_of_phones() -> None:
    pairs = s.diphones(some(1000))
    assert len(pairs) >= 1050
    for phone in ARPABET:
        assert sum(n for pair, n in pairs.items() if pair[0] == phone) >= 60, phone


@pytest.mark.parametrize("kind", s.KINDS)
def test_every_kind_makes_sentences(kind: str) -> None:
    assert len(set(some(60, 1, (kind,)))) > 15


def test_ordinals_have_their_ending() -> None:
    found = " ".join(some(400, 0, ("numbers",)))
    for wrong in ("1th ", "2th ", "3th ", "11st", "12nd", "13rd"):
        assert wrong not in found.replace("11th ", "").replace("12th ", "").replace("13th ", "")


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(VultusError, match="Did you mean question"):
        s.sentences(0, ("questions",))


# --- texts ----------------------------------------------------------------------------------------------------------


def test_a_text_is_cut_where_sentences_end() -> None:
    text = (
        'Dr. Ann met J. Smith. "Really?" he asked. It cost 3.50 dollars… Then nothing!\n\nA title\n\nAnd e.g. this one'
    )
    assert list(s.pieces(text)) == [
        "Dr. Ann met J. Smith.",
        '"Really?"',
        "he asked.",
        "It cost 3.50 dollars…",
        "Then nothing!",
        "A title",
        "And e.g. this one",
    ]


@given(st.text(max_size=2000))
def test_pieces_of_anything(text: str) -> None:
    found = list(s.pieces(text))
    assert all(0 < len(p) <= s.LONGEST for p in found)
    assert all(any(c.isalnum() for c in p) for p in found)
    assert sum(c.isalnum() for p in found for c in p) == sum(c.isalnum() for c in text)


def test_long_sentences_are_cut_at_commas_or_spaces() -> None:
    text = "one two three, " * 100
    found = list(s.pieces(text))
    assert all(p.endswith(("three,", "three")) for p in found)
    assert [len(p) for p in s.pieces("x" * 700)] == [300, 300, 100]


def test_reading_a_file(tmp_path: Path) -> None:
    file = tmp_path / "story.txt"
    file.write_text("\ufeffOne line\nof two lines. And more.\n\nA paragraph.\n" + "Many words here. " * 3000, "utf-8")
    found = list(s.read(file))
    assert found[:3] == ["One line of two lines.", "And more.", "A paragraph."]
    assert found[3:] == ["Many words here."] * 3000


@pytest.mark.parametrize(
    ("content", "match"),
    [(b"", "empty"), (b"\x00\x01", "no text"), (b"caf\xe9 au lait", "not UTF-8"), (b"?! ...\n", "no words")],
)
def test_files_that_cannot_be_read_aloud(tmp_path: Path, content: bytes, match: str) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes(content)
    with pytest.raises(VultusError, match=match):
        list(s.read(file))
    with pytest.raises(VultusError, match="There is no text"):
        s.read(tmp_path / "absent.txt")
