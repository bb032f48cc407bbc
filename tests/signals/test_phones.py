from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.channels import VISEMES
from vultus.errors import VultusError
from vultus.signals.phones import (
    ARPABET,
    SILENCE,
    VOWELS,
    Phone,
    arpabet_of,
    check,
    fill,
    from_arpabet,
    known,
    parse_ipa,
    parse_stressed,
    viseme_of,
)


def test_every_arpabet_phone_survives_the_way_to_ipa_and_back():
    assert len(ARPABET) == 40
    assert ARPABET[0] == "SIL"
    for name in ARPABET:
        symbol, stress = from_arpabet(name)
        assert arpabet_of(symbol) == name
        assert stress == 0
    assert len({from_arpabet(name)[0] for name in ARPABET}) == 40


def test_stress_digits_and_schwa():
    assert from_arpabet("AH0") == ("ə", 0)
    assert from_arpabet("AH1") == ("ʌ", 1)
    assert from_arpabet("OW2") == ("oʊ", 2)
    assert from_arpabet("+NSN+") == (SILENCE, 0)


@pytest.mark.parametrize(
    ("ipa", "viseme"),
    [("", "sil"), ("p", "PP"), ("m", "PP"), ("v", "FF"), ("ð", "TH"), ("d", "DD"), ("ŋ", "kk"), ("ʃ", "CH"),
     ("z", "SS"), ("l", "nn"), ("ɹ", "RR"), ("ɑ", "aa"), ("eɪ", "E"), ("i", "ih"), ("oʊ", "oh"), ("u", "ou")],
)  # fmt: skip
def test_visemes(ipa, viseme):
    assert viseme_of(ipa) == viseme
    assert Phone(0, 1, ipa).viseme == viseme


@pytest.mark.parametrize(
    ("ipa", "viseme"),
    [("iː", "ih"), ("t͡ʃ", "CH"), ("pʰ", "PP"), ("ɓ", "PP"), ("y", "ou"), ("ã", "aa"), ("ʙ", "PP"), ("ж", "aa"),
     ("!", "sil"), ("🙂", "sil"), ("t̪", "DD")],
)  # fmt: skip
def test_symbols_without_a_row_fall_back(ipa, viseme):
    assert viseme_of(ipa) == viseme


def test_parse_is_greedy_and_drops_marks():
    assert parse_ipa("tʃˈɪkən") == ["tʃ", "ɪ", "k", "ə", "n"]
    assert parse_ipa("ɡˈoʊɪŋ, haɪ!") == ["ɡ", "oʊ", "ɪ", "ŋ", "h", "aɪ"]
    assert parse_ipa("d͡ʒiːn") == ["dʒ", "i", "n"]
    assert parse_ipa("") == []
    assert parse_stressed("ˈstɹɛŋθ ˌwe") == [
        ("s", 0),
        ("t", 0),
        ("ɹ", 0),
        ("ɛ", 1),
        ("ŋ", 0),
        ("θ", 0),
        ("w", 0),
        ("e", 2),
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=12))
def test_any_text_has_a_viseme(text):
    assert viseme_of(text) in VISEMES
    assert arpabet_of(text) in ARPABET
    assert known(known(text)) == known(text)
    assert all(symbol and known(symbol) == symbol for symbol in parse_ipa(text))


TIMES = st.floats(-2, 5, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TIMES, TIMES, st.sampled_from(["", "a", "p", "s"])), max_size=8))
def test_fill_covers_the_span_whatever_comes_in(rows):
    out = fill([Phone(*row) for row in rows], 0.5, 3.0)
    check(out, gapless=True)
    assert out[0].start == 0.5
    assert out[-1].end == 3.0
    assert not any(a.ipa == b.ipa == SILENCE for a, b in itertools.pairwise(out))


def test_fill_keeps_what_fits_and_adds_silence():
    out = fill([Phone(2, 3, "m", 0), Phone(1, 1.5, "æ", 1)], 0, 3)
    assert out == [Phone(0, 1, ""), Phone(1, 1.5, "æ", 1), Phone(1.5, 2, ""), Phone(2, 3, "m")]
    assert fill(out, 0, 3) == out
    assert fill(out, 1, 1) == []
    assert fill([Phone(float("nan"), 2, "a")], 0, 1) == [Phone(0, 1, "")]


@pytest.mark.parametrize(
    "phones",
    [[Phone(1, 1, "a")], [Phone(0, 2, "a"), Phone(1, 3, "b")], [Phone(2, 3, "a"), Phone(0, 1, "b")],
     [Phone(0, float("nan"), "a")], [Phone(0, float("inf"), "a")]],
)  # fmt: skip
def test_check_refuses(phones):
    with pytest.raises(VultusError):
        check(phones)


def test_check_gapless():
    phones = [Phone(0, 1, "a"), Phone(2, 3, "b")]
    check(phones)
    check([])
    with pytest.raises(VultusError, match="gap"):
        check(phones, gapless=True)


def test_vowels_are_arpabet():
    assert set(ARPABET) > VOWELS
    assert len(VOWELS) == 15
