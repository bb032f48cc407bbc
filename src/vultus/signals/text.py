"""From text to the words that are spoken.

Normalisation spells out what is not a word (numbers, money, units, abbreviations). Letters of other scripts are
transliterated by their Unicode names. Nothing here fails: text without any letter has no words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vultus.signals.phones import SILENCE, Phone, from_arpabet
from vultus.signals.pronounce import in_dictionary, pronunciations, stresses, typical

PAUSES: Final = {",": 0.2, ";": 0.3, ":": 0.3, "–": 0.2, "—": 0.25, ".": 0.45, "!": 0.45, "?": 0.45, "…": 0.5}
"""Seconds of typical silence after a mark of punctuation."""

_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = (
    "_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_MONEY: Final = {
    "$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "¥": ("yen", ""), "₹": ("rupee", ""),
}  # fmt: skip
_UNITS: Final = {
    "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "kg": "kilograms", "mg": "milligrams",
    "ml": "milliliters", "hz": "hertz", "khz": "kilohertz", "mph": "miles per hour", "lb": "pounds", "lbs": "pounds",
    "am": "a m", "pm": "p m", "%": "percent", "°": "degrees", "°c": "degrees celsius", "°f": "degrees fahrenheit",
}  # fmt: skip
_ABBREVIATIONS: Final = {
    "mr": "mister", "mrs": "missis", "ms": "miz", "dr": "doctor", "prof": "professor", "st": "saint", "jr": "junior",
    "sr": "senior", "vs": "versus", "etc": "et cetera", "e.g": "for example", "i.e": "that is", "no": "no",
    "approx": "approximately", "dept": "department", "govt": "government", "mt": "mount", "inc": "incorporated",
    "ltd": "limited", "capt": "captain", "gen": "general", "sen": "senator", "rev": "reverend",
}  # fmt: skip
_SYMBOLS: Final = {"&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "#": " number ", "%": " percent "}


@dataclass(frozen=True, slots=True)
class Word:
    """A word to be spoken, in lower-case ``a-z'``, and the seconds of ``pause`` that its punctuation suggests."""

    text: str
    pause: float = 0.0


def cardinal(number: int) -> str:
    """*number* in words: ``cardinal(-1205)`` is "minus one thousand two hundred five"; digits from 10^15 on."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (" " + _ONES[number % 10] if number % 10 else "")
    if number < 1000:
        return _ONES[number // 100] + " hundred" + (" " + cardinal(number % 100) if number % 100 else "")
    for size, name in _SCALES:
        if size <= number < size * 1000:
            return f"{cardinal(number // size)} {name}" + (" " + cardinal(number % size) if number % size else "")
    return digits(str(number))


def ordinal(number: int) -> str:
    """*number* as a rank: ``ordinal(21)`` is "twenty first"."""
    head, _, last = cardinal(number).rpartition(" ")
    rank = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last.rstrip("t") + "th")
    return f"{head} {rank}".strip()


def digits(text: str) -> str:
    """Each digit of *text* as a word."""
    return " ".join(_ONES[int(c)] for c in text if c in "0123456789")


def year(number: int) -> str:
    """*number* from 1100 to 2099 as a year: "nineteen eighty four", "two thousand six", "twenty ten"."""
    century, rest = divmod(number, 100)
    if century == 20 and rest < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def _number(found: re.Match[str]) -> str:
    sign, whole, fraction, suffix = (
        found["sign"] or "",
        found["whole"],
        found["fraction"],
        (found["suffix"] or "").strip(),
    )
    plain = whole.replace(",", "")
    money = _MONEY.get(found["money"] or "")
    if suffix.lower() in ("st", "nd", "rd", "th") and not fraction:
        return f" {ordinal(int(plain))} "
    if len(plain) > 15 or (len(plain) > 1 and plain[0] == "0"):
        said = digits(plain)
    elif not (money or fraction or suffix or "," in whole) and 1100 <= int(plain) <= 2099:
        said = year(int(plain))
    else:
        said = cardinal(int(plain))
    if money:
        cents = bool(money[1]) and fraction is not None and len(fraction) == 2
        one = plain == "1" and (cents or not fraction)
        unit = money[0] if one or money[0] == "yen" else money[0] + "s"
        if cents:
            small = {"penny": "pence"}.get(money[1], money[1] + "s") if int(fraction) != 1 else money[1]
            return f" {sign and 'minus '}{said} {unit} " + (
                f"{cardinal(int(fraction))} {small} " if int(fraction) else ""
            )
        said = f"{said} point {digits(fraction)} {unit}" if fraction else f"{said} {unit}"
    elif fraction:
        said = f"{said} point {digits(fraction)}"
    return f" {sign and 'minus '}{said} {_UNITS.get(suffix.lower(), suffix)} "


_NUMBER: Final = re.compile(
    r"(?P<sign>(?<![\w)])[-−])?(?P<money>[$€£¥₹])?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<fraction>\d+))?"
    r"(?P<suffix>(?:st|nd|rd|th)\b|\s?(?:km|cm|mm|kg|mg|ml|k?hz|mph|lbs?|[ap]m)\b|\s?°[cf]?|%)?",
    re.IGNORECASE | re.ASCII,
)
_CLOCK: Final = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?!\d)", re.ASCII)


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if minute == 0:
        return f" {cardinal(hour)} " + ("o'clock " if hour <= 12 else "hundred ")
    return f" {cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)} "


def latin(text: str) -> str:
    """*text* with every letter turned into ``a-z``: accents dropped, other scripts read by their Unicode names."""
    return "".join(_latin(c) for c in unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=4096)
def _latin(c: str) -> str:
    if c.isascii():
        return c
    if c in "’‘ʼ`´":
        return "'"
    bare = "".join(b for b in unicodedata.normalize("NFKD", c) if not unicodedata.combining(b))
    if bare.isascii() and bare:
        return bare
    name = unicodedata.name(c, "")
    if not (c.isalpha() or unicodedata.category(c) in ("Mc", "Mn")) or not name:
        return str(unicodedata.digit(c)) if c.isdigit() else c
    if name.startswith("HANGUL SYLLABLE"):
        return name.split()[-1].lower()
    if name.startswith("CJK"):
        return "da"  # no reading is known: one syllable a character keeps the rhythm
    script, _, rest = name.partition(" ")
    sound = (rest.split(" WITH ")[0].split() or [""])[-1].lower()
    if sound in ("sign", "virama", "nukta", "mark"):
        return ""
    if sound in _LETTERS:
        return _LETTERS[sound]
    if script == "GREEK":
        return sound[:1]
    if script not in ("CYRILLIC", "ARABIC", "HEBREW", "ARMENIAN", "GEORGIAN"):
        return sound  # kana and the letters of India are named by their syllables
    # The name of a letter is its sound and a vowel: BE, EL, ZHE, SHA, KAF.
    return re.sub(r"^[aeiou](?=[^aeiou]$)|(?<=[^aeiou])[aeiou].*", "", sound)


_LETTERS: Final = {
    "thorn": "th", "eth": "th", "ash": "ae", "theta": "th", "phi": "f", "psi": "ps", "chi": "k", "ksi": "x", "xi": "x",
    "omega": "o", "eta": "i", "rho": "r", "ghe": "g", "ie": "ye", "io": "yo", "yeru": "y", "alef": "a", "ayin": "a",
    "ain": "a",
}  # fmt: skip


def words(text: str) -> list[Word]:
    """The words of *text* as they are spoken, in order; empty if there are none.

    ``"Dr. Li paid $3.50 in 1984!"`` becomes doctor, li, paid, three, dollars, fifty, cents, in, nineteen, eighty, four.
    """
    plain = latin(text.replace("…", " … "))
    plain = _NUMBER.sub(_number, _CLOCK.sub(_clock, plain))
    for symbol, spoken in _SYMBOLS.items():
        plain = plain.replace(symbol, spoken)
    out: list[Word] = []
    for token in plain.split():
        out.extend(_token(token))
        marks = [c for c in token[::-1] if not c.isalnum()]
        if out and marks:
            pause = max((PAUSES.get(c, 0.0) for c in marks[: len(token) - len(token.rstrip(_MARKS))]), default=0.0)
            out[-1] = Word(out[-1].text, max(out[-1].pause, pause))
    return out


_MARKS: Final = ".,;:!?…–—\"')]}»”"


def _token(token: str) -> Iterator[Word]:
    core = token.strip("\"'()[]{}<>«»“”,;:!?*_~")
    short = core.rstrip(".").lower()
    if core.endswith(".") and short in _ABBREVIATIONS and short != "no":
        yield from map(Word, _ABBREVIATIONS[short].split())
        return
    if short in ("mr", "mrs", "dr", "vs", "etc", "e.g", "i.e"):
        yield from map(Word, _ABBREVIATIONS[short].split())
        return
    for part in re.findall(r"[A-Za-z][A-Za-z'.]*", core):
        letters = part.replace(".", "")
        dotted = re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]?\.?", part)
        capitals = letters.isupper() and 2 <= len(letters) <= 5
        if (dotted and len(letters) > 1) or (capitals and not in_dictionary(letters.lower())):
            yield from (Word(c.lower()) for c in letters)
            continue
        for piece in part.split("."):
            word = piece.lower().strip("'") if piece.lower() not in ("'em", "'til", "'cause") else piece.lower()
            # CamelCase names are said as their parts.
            if re.search(r"[a-z][A-Z]", piece) and not in_dictionary(word):
                yield from (Word(w.lower()) for w in re.findall(r"[A-Z]?[a-z']+|[A-Z]+(?![a-z])", piece))
            elif word:
                yield Word(word)


def text_phones(text: str) -> list[Phone]:
    """*text* as phones of typical duration from 0 s on, with pauses for punctuation; gapless, empty without words."""
    out: list[Phone] = []
    at = 0.0
    for word in words(text):
        phones = next(iter(pronunciations(word.text)), ())
        for name, stress in zip(phones, stresses(word.text, phones), strict=True):
            ipa = from_arpabet(name if name != "AH" or stress else "AH0")[0]
            length = typical(name) * (1.15 if stress else 1.0)
            out.append(Phone(at, at + length, ipa, stress))
            at += length
        if word.pause:
            out.append(Phone(at, at + word.pause, SILENCE))
            at += word.pause
    return out
