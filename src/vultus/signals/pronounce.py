"""From words to phones: the CMU dictionary, then letter rules of our own; stress and typical lengths.

The dictionary is the one that ships with pocketsphinx. Words that it lacks are read by a short set of rules; nothing
here fails.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from vultus.signals.phones import VOWELS

Pronunciation = tuple[str, ...]
"""ARPABET phones without stress digits."""


def model_path(name: str) -> Path:
    """Where pocketsphinx keeps a file of its model."""
    from pocketsphinx import get_model_path

    find: Callable[[str], str] = get_model_path
    return Path(find(name))


@lru_cache(maxsize=1)
def _dictionary() -> mmap.mmap:
    with model_path("en-us/cmudict-en-us.dict").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def in_dictionary(word: str) -> bool:
    """Whether the dictionary has *word* (lower-case)."""
    return bool(_look_up(word))


@lru_cache(maxsize=20000)
def _look_up(word: str) -> tuple[Pronunciation, ...]:
    # The file is mapped and searched as it is: parsing all its 135 000 lines would take longer than most clips.
    found: list[Pronunciation] = []
    pages = _dictionary()
    at = -1 if not re.fullmatch(r"[a-z'.-]+", word) else pages.find(f"\n{word} ".encode())
    while at >= 0:
        end = pages.find(b"\n", at + 1)
        key, *phones = pages[at + 1 : end].decode().split()
        if re.sub(r"\(\d+\)$", "", key) != word:
            break
        found.append(tuple(phones))
        at = end
    return tuple(found)


def pronunciations(word: str) -> tuple[Pronunciation, ...]:
    """The ways to say *word*, the usual one first; at least one unless it holds no letter."""
    word = word.lower()
    known = _look_up(word)
    if known:
        return known
    for ending, phones in (("'s", ("Z",)), ("s'", ("Z",)), ("'ll", ("AH", "L")), ("'d", ("D",)), ("'ve", ("V",)),
                           ("'re", ("ER",)), ("ing", ("IH", "NG")), ("s", ("Z",))):  # fmt: skip
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _look_up(stem):
            return tuple((*p, *phones) for p in _look_up(stem))
    read = spell(word)
    return (read,) if read else ()


# Letters, phones; longest first. "^" before the letters ties them to the start, "$" after them to the end of a word.
_RULES: Final = """
tion$ SH AH N|sion$ ZH AH N|tions$ SH AH N Z|cious$ SH AH S|tious$ SH AH S|ture$ CH ER|ough AO|augh AO|eigh EY|igh AY
^kn N|^wr R|^ps S|^gn N|^x Z|^wh W|^pn N|tch CH|dge JH|sch SH|ssi SH IY|que$ K|gue$ G|ck K|ch CH|sh SH|th TH|ph F
wh W|gh G|ng$ NG|nk NG K|ngs$ NG Z|qu K W|zh ZH|kh K|ts T S|tz T S|dg JH|sc S K|sce S EH|sci S IH|cc K|ce S EH
ce$ S|ces$ S IH Z|ci S IH|cy S IY|ge JH EH|ge$ JH|gi JH IH|gy JH IY|bb B|dd D|ff F|gg G|ll L|mm M|nn N|pp P|rr R|ss S
tt T|zz Z|le$ AH L|les$ AH L Z|ed$ D|ted$ T IH D|ded$ D IH D|es$ Z|er$ ER|ers$ ER Z|or$ ER|ar AA R|er ER|ir ER|or AO R
ur ER|ear IH R|air EH R|are$ EH R|ore$ AO R|ire$ AY ER|ure$ Y UH R|oor AO R|our AW ER|ai EY|ay EY|au AO|aw AO|ea IY
ee IY|ei EY|eu Y UW|ew Y UW|ey$ IY|ey EY|ie IY|oa OW|oe OW|oi OY|oy OY|oo UW|ou AW|ow OW|ue UW|ui UW|uy AY|ia IY AH
io IY OW|iu IY UW|ua W AA|ae EY|ao AW|ii IY|uu UW|aa AA
a$ AH|e$ |i$ IY|o$ OW|u$ UW|y$ IY|^y Y|a AE|b B|c K|d D|e EH|f F|g G|h HH|i IH|j JH|k K|l L|m M|n N|o AA|p P|q K|r R
s S|t T|u AH|v V|w W|x K S|y IH|z Z
"""
_LONG: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}


@lru_cache(maxsize=1)
def _rules() -> dict[str, Pronunciation]:
    rows = (row.partition(" ") for line in _RULES.strip().split("\n") for row in line.split("|"))
    return {letters: tuple(phones.split()) for letters, _, phones in rows}


@lru_cache(maxsize=4096)
def spell(word: str) -> Pronunciation:
    """How our letter rules read *word*: the longest rule first, from left to right.

    A single vowel before one consonant and a final e is long ("blate"); a word without vowels is said by its letters.
    """
    word = re.sub(r"[^a-z]", "", word.lower())
    if word and not re.search(r"[aeiouy]", word):
        return tuple(p for c in word for p in (_look_up(c) or ((),))[0])
    rules, out, i = _rules(), list[str](), 0
    while i < len(word):
        silent_e = re.match(r"[aeiouy][bcdfgklmnpstvz]e(s|d)?$", word[i:])
        if silent_e and (i == 0 or word[i - 1] not in _LONG):
            out.append(_LONG[word[i]])
            i += 1
            continue
        for size in range(min(5, len(word) - i), 0, -1):
            piece = word[i : i + size]
            keys = ["^" + piece] if i == 0 else []
            keys += [piece + "$"] if i + size == len(word) and i > 0 else []
            key = next((k for k in (*keys, piece) if k in rules), None)
            if key is not None:
                out.extend(rules[key])
                i += size
                break
        else:
            i += 1
    if out and not VOWELS.intersection(out):
        out.append("AH")
    return tuple(out)


_WEAK: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "had", "has", "have", "he",
    "her", "him", "his", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "she", "so", "than",
    "that", "the", "their", "them", "then", "there", "they", "this", "to", "us", "was", "we", "were", "will", "with",
    "would", "you", "your",
))  # fmt: skip


def stresses(word: str, phones: Pronunciation) -> tuple[int, ...]:
    """The stress of each phone, 0 or 1, by rule of thumb, because the dictionary carries none.

    Function words have none. Before -tion, -sion, -ic, -ity and the like the syllable before the ending is stressed;
    otherwise the first syllable with a full vowel (not AH, ER or IH) of the first two, or the first.
    """
    vowels = [i for i, p in enumerate(phones) if p in VOWELS]
    out = [0] * len(phones)
    if not vowels or (word in _WEAK):
        return tuple(out)
    at = next((i for i in vowels[:2] if phones[i] not in ("AH", "ER", "IH")), vowels[0])
    if len(vowels) > 2 and re.search(r"[aeiou](ty|fy|cal)$|logy$|graphy$", word):
        at = vowels[-3]
    elif len(vowels) > 1 and re.search(r"[tsc]ion(s|al|ed|ing)?$|ics?$|cian$|ci?ous$|[^aeiou]ial$", word):
        at = vowels[-2 - word.endswith(("ional", "ioning"))] if len(vowels) > 2 else vowels[0]
    out[at] = 1
    return tuple(out)


_LENGTHS: Final = {
    **dict.fromkeys(["AY", "AW", "OY"], 0.16), **dict.fromkeys(["AA", "AE", "AO", "EY", "OW", "IY", "UW", "ER"], 0.12),
    **dict.fromkeys(["EH", "IH", "AH", "UH"], 0.075), **dict.fromkeys(["B", "D", "G", "DH", "HH", "V"], 0.055),
    **dict.fromkeys(["S", "SH", "CH", "JH", "ZH", "F", "TH", "Z"], 0.10),
}  # fmt: skip


def typical(phone: str) -> float:
    """Typical seconds of an ARPABET phone in fluent English (means of flite's and espeak-ng's voices, rounded)."""
    return _LENGTHS.get(phone, 0.075)
