"""Phones with times: IPA inside, ARPABET and the 15 visemes as views.

Another language needs no new code, only rows in :data:`_TABLE`: an IPA symbol, the nearest ARPABET phone (what the
English acoustic model knows) and the viseme (what the mouth shows).

Sources: the IPA chart (2020), the 39 phones of the CMU Pronouncing Dictionary, and the viseme groups of Oculus
LipSync (``n`` and ``l`` share *nn*, ``ʃ`` shares *CH*). ``h`` has no shape of its own and sits with *kk*.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vultus.channels import VISEMES
from vultus.errors import VultusError

SILENCE: Final = ""
"""The IPA string of a silence."""

# ARPABET, viseme, then IPA symbols; the first symbol of a phone's first row is the one that ARPABET turns into.
_TABLE: Final = """
P  PP  p pʰ ɓ ƥ ʘ
B  PP  b
M  PP  m ɱ
F  FF  f ɸ pf
V  FF  v β ʋ ⱱ
TH TH  θ
DH TH  ð
T  DD  t ʈ ɾ ʔ c ǀ ǃ
D  DD  d ɖ ɗ ɟ ʄ
N  nn  n ɳ ɲ
L  nn  l ɫ ɭ ʎ ɬ ɮ ʟ ɺ
K  kk  k q x χ ç ħ
G  kk  ɡ g ɠ ɢ ɣ ʁ ʛ ʕ
NG kk  ŋ ɴ
HH kk  h ɦ ʜ ɧ
CH CH  tʃ ʧ tɕ ʨ tʂ
JH CH  dʒ ʤ dʑ ʥ dʐ
SH CH  ʃ ɕ ʂ
ZH CH  ʒ ʑ ʐ
S  SS  s ts ʦ
Z  SS  z dz ʣ
R  RR  ɹ r ɻ ʀ ɽ
ER RR  ɝ ɜ ɚ ɜɹ əɹ
W  ou  w ʍ ɰ
Y  ih  j ɥ ʝ
IY ih  i ĩ
IH ih  ɪ ɨ ᵻ ɪə ɪɹ
UW ou  u ʉ y ɯ ũ
UH ou  ʊ ʏ ʊə ʊɹ
EY E   eɪ e ẽ
EH E   ɛ ø œ ɛə eə ɛɹ ɛ̃ œ̃
AH aa  ʌ ɐ
AH E   ə ɘ ᵊ ɵ ɤ
AE aa  æ a ɶ ã
AA aa  ɑ ɒ ɑɹ ɑ̃
AY aa  aɪ
AW aa  aʊ
AO oh  ɔ ɔɹ ɔ̃
OW oh  oʊ əʊ o õ
OY oh  ɔɪ
"""


def _read(table: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    arpabet, viseme, ipa = {SILENCE: "SIL"}, {SILENCE: "sil"}, {"SIL": SILENCE}
    for line in table.split("\n"):
        phone, shape, *symbols = unicodedata.normalize("NFD", line).split() or ("", "")
        for symbol in symbols:
            arpabet[symbol], viseme[symbol] = phone, shape
            ipa.setdefault(phone, symbol)
    return arpabet, viseme, ipa


_ARPABET, _VISEME, _IPA = _read(_TABLE)
_SYMBOLS: Final = frozenset(_ARPABET) - {SILENCE}
_LONGEST: Final = max(map(len, _SYMBOLS))

ARPABET: Final[tuple[str, ...]] = ("SIL", *sorted(set(_IPA) - {"SIL"}))
"""Silence and the 39 phones of American English, in the order of their column in every table of this library."""

VOWELS: Final = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
"""The ARPABET phones that carry stress."""

_STRESS: Final = {"ˈ": 1, "ˌ": 2}


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound from ``start`` to ``end`` seconds; ``ipa`` is "" in silence.

    ``stress`` is 0 (none), 1 (primary) or 2 (secondary) and belongs to vowels.
    """

    start: float
    end: float
    ipa: str
    stress: int = 0

    @property
    def duration(self) -> float:
        """Seconds, ``end - start``."""
        return self.end - self.start

    @property
    def arpabet(self) -> str:
        """The nearest of :data:`ARPABET`, without a stress digit."""
        return arpabet_of(self.ipa)

    @property
    def viseme(self) -> str:
        """The nearest of :data:`vultus.channels.VISEMES`."""
        return viseme_of(self.ipa)


def known(ipa: str) -> str:
    """The symbol of the table that stands for *ipa*: itself where it has a row, otherwise the nearest by class.

    The steps, in order: drop length, stress, tie bars and diacritics; the longest row that the rest starts with; the
    base letter of the character's Unicode name ("LATIN SMALL LETTER B WITH ..." is a kind of ``b``); ``a`` for any
    other letter, because an unknown sound still opens the mouth; silence for what is no letter.
    """
    symbol = unicodedata.normalize("NFD", ipa)
    if symbol in _ARPABET:
        return symbol
    bare = "".join(c for c in symbol if unicodedata.category(c) not in ("Mn", "Lm", "Sk", "Cf") and not c.isspace())
    for size in range(min(len(bare), _LONGEST), 0, -1):
        if bare[:size] in _SYMBOLS:
            return bare[:size]
    for c in bare:
        words = unicodedata.name(c, "").split()
        base = [w.lower() for w in words[1:] if len(w) == 1] if c.isalpha() else []
        if base and base[0] in _SYMBOLS:
            return base[0]
    return "a" if any(c.isalpha() for c in bare) else SILENCE


def arpabet_of(ipa: str) -> str:
    """The ARPABET phone of an IPA symbol, "SIL" for silence; never fails (see :func:`known`)."""
    return _ARPABET.get(ipa) or _ARPABET[known(ipa)]


def viseme_of(ipa: str) -> str:
    """The viseme of an IPA symbol, "sil" for silence; never fails (see :func:`known`)."""
    return _VISEME.get(ipa) or _VISEME[known(ipa)]


def from_arpabet(name: str) -> tuple[str, int]:
    """IPA symbol and stress of an ARPABET phone with or without its stress digit, such as ``"AH0"``.

    Unstressed AH becomes ``ə``. Fillers such as "SIL", "+NSN+" and any unknown name are silence.
    """
    bare = name.rstrip("012").upper()
    stress = int(name[len(bare) :] or 0) if bare in VOWELS else 0
    if bare == "AH" and name.endswith("0"):
        return "ə", 0
    return _IPA.get(bare, SILENCE), stress


def parse_ipa(text: str) -> list[str]:
    """Split an IPA transcription into symbols of the table, the longest first; stress and length marks are dropped.

    ``"tʃɪkən"`` gives ``["tʃ", "ɪ", "k", "ə", "n"]``. Letters without a row become their nearest; the rest is skipped.
    """
    return [symbol for symbol, _ in parse_stressed(text)]


def parse_stressed(text: str) -> list[tuple[str, int]]:
    """As :func:`parse_ipa`, with the stress of each symbol: a mark belongs to the next vowel."""
    text = unicodedata.normalize("NFD", text).replace("\u0361", "").replace("\u035c", "").replace("ː", "")
    out: list[tuple[str, int]] = []
    stress = i = 0
    while i < len(text):
        if text[i] in _STRESS:
            stress = _STRESS[text[i]]
            i += 1
            continue
        size = next((n for n in range(min(_LONGEST, len(text) - i), 0, -1) if text[i : i + n] in _SYMBOLS), 0)
        symbol = text[i : i + size] if size else (known(text[i]) if text[i].isalpha() else SILENCE)
        i += size or 1
        if symbol:
            vowel = _ARPABET[symbol] in VOWELS
            out.append((symbol, stress if vowel else 0))
            stress = 0 if vowel else stress
    return out


def check(phones: Sequence[Phone], *, gapless: bool = False) -> None:
    """Raise :class:`VultusError` unless times are finite, in order, longer than zero and free of overlap.

    With *gapless* each phone must start where the one before it ends.
    """
    before = -math.inf
    for i, phone in enumerate(phones):
        if not (math.isfinite(phone.start) and math.isfinite(phone.end)):
            raise VultusError(f"Phone {i} has a time that is not finite", "Give seconds.")
        if phone.end <= phone.start:
            raise VultusError(f"Phone {i} ends at {phone.end:g} s, not after its start at {phone.start:g} s")
        if phone.start < before or (gapless and i and phone.start != before):
            what = "overlaps" if phone.start < before else "leaves a gap after"
            raise VultusError(f"Phone {i} {what} the phone before it", "Sort them and use vultus.signals.phones.fill.")
        before = phone.end


def fill(phones: Iterable[Phone], start: float, end: float) -> list[Phone]:
    """Phones that cover *start* to *end* seconds without gap or overlap; gaps become silence.

    Input may be unsorted, overlapping (the later start wins) or reach outside (it is cut). Neighbouring silences
    become one. Phones with times that are not finite are dropped. The result is empty if ``end <= start``.
    """
    if end <= start:
        return []
    finite = (p for p in phones if math.isfinite(p.start) and math.isfinite(p.end))
    ordered = sorted(finite, key=lambda p: (p.start, p.end))
    out: list[Phone] = []
    at = start

    def put(phone: Phone) -> None:
        if phone.ipa == SILENCE and out and out[-1].ipa == SILENCE:
            out[-1] = replace(out[-1], end=phone.end)
        else:
            out.append(phone)

    for i, phone in enumerate(ordered):
        limit = ordered[i + 1].start if i + 1 < len(ordered) else end
        first, last = max(phone.start, at), min(phone.end, limit, end)
        if last <= first:
            continue
        if first > at:
            put(Phone(at, first, SILENCE))
        put(replace(phone, start=first, end=last))
        at = last
    if at < end:
        put(Phone(at, end, SILENCE))
    return out


if set(_VISEME.values()) != set(VISEMES):  # a slip in the table would otherwise surface far away
    raise RuntimeError("the phone table and vultus.channels.VISEMES disagree")
