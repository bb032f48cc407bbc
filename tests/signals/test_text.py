from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.signals.phones import ARPABET, VOWELS, check
from vultus.signals.pronounce import in_dictionary, pronunciations, spell, stresses
from vultus.signals.text import cardinal, latin, ordinal, text_phones, words, year


def said(text: str) -> str:
    return " ".join(w.text for w in words(text))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Li paid $3.50 in 1984!", "doctor li paid three dollars fifty cents in nineteen eighty four"),
        ("It's 10:30, or 9:05.", "it's ten thirty or nine oh five"),
        ("the 21st and 2nd", "the twenty first and second"),
        ("-5°C & 50% off", "minus five degrees celsius and fifty percent off"),
        (
            "1,234,567 and 007",
            "one million two hundred thirty four thousand five hundred sixty seven and zero zero seven",
        ),
        ("$1, £2.01, €1.5", "one dollar two pounds one penny one point five euros"),
        ("U.S. e.g. iPhone's", "u s for example i phone's"),
        ("well-known/other—things", "well known other things"),
        ("“Quoted,” she said…", "quoted she said"),
        ("naïve café", "naive cafe"),
        ("3.14 kg", "three point one four kilograms"),
        ("No. 5", "no five"),
        ("🙂 ... !?", ""),
        ("", ""),
    ],
)
def test_normalisation(text, spoken):
    assert said(text) == spoken


def test_numbers():
    assert cardinal(0) == "zero"
    assert cardinal(-1205) == "minus one thousand two hundred five"
    assert cardinal(10**15) == "one" + " zero" * 15
    assert [ordinal(n) for n in (1, 8, 12, 20, 33, 100)] == [
        "first", "eighth", "twelfth", "twentieth", "thirty third", "one hundredth",
    ]  # fmt: skip
    assert [year(n) for n in (1900, 1906, 2006, 2010)] == [
        "nineteen hundred", "nineteen oh six", "two thousand six", "twenty ten",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [("Привет", "privyet"), ("こんにちは", "konnitiha"), ("안녕", "annyeong"), ("Ελλάδα", "ellada"),
     ("Straße", "strase"), ("Þór", "thor"), ("你好", "dada")],
)  # fmt: skip
def test_other_scripts_are_transliterated(text, ascii_text):
    assert latin(text).lower() == ascii_text


def test_pauses_come_from_punctuation():
    pauses = [w.pause for w in words("Yes, no. Maybe")]
    assert pauses[0] < pauses[1]
    assert pauses[2] == 0


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_any_text_becomes_words_that_can_be_said(text):
    for word in words(text):
        assert re.fullmatch(r"[a-z']+", word.text)
        for said in pronunciations(word.text):
            assert said
            assert set(said) <= set(ARPABET)
            assert len(stresses(word.text, said)) == len(said)
    check(text_phones(text), gapless=True)


def test_dictionary_first_and_its_variants():
    assert in_dictionary("tomato")
    assert not in_dictionary("blorptastic")
    assert pronunciations("the")[:2] == (("DH", "AH"), ("DH", "IY"))
    assert pronunciations("giraffes")[0][-1] == "S"
    assert pronunciations("obama's")[0][-2:] == ("AH", "Z")


@pytest.mark.parametrize(
    ("word", "phones"),
    [("blate", "B L EY T"), ("snazzle", "S N AE Z AH L"), ("knoosh", "N UW SH"), ("thrype", "TH R AY P"),
     ("vultus", "V AH L T AH S"), ("quonk", "K W AA NG K"), ("phation", "F AE SH AH N")],
)  # fmt: skip
def test_letter_rules(word, phones):
    assert " ".join(spell(word)) == phones


def test_words_without_vowels_are_spelled_out():
    assert VOWELS & set(spell("bdfg"))


def test_stress_by_rule():
    def stressed(word: str) -> str:
        phones = pronunciations(word)[0]
        return "".join(p for p, s in zip(phones, stresses(word, phones), strict=True) if s)

    assert stressed("negotiation") == "EY"
    assert stressed("water") == "AO"
    assert stressed("specific") == "IH"
    assert stressed("the") == ""
    assert sum(stresses("together", pronunciations("together")[0])) == 1


def test_text_phones_have_pauses_and_stress():
    phones = text_phones("Hello, world.")
    assert [p.arpabet for p in phones] == ["HH", "AH", "L", "OW", "SIL", "W", "ER", "L", "D", "SIL"]
    assert 0.6 < phones[-1].end < 2.0
    assert text_phones("!") == []
