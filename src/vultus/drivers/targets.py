"""Where each phone wants the mouth: targets, dominances and time constants, set by hand.

One row per ARPABET phone; other languages add a row under their IPA symbol where the nearest English phone has the
wrong lips (rounded front vowels, bilabial fricatives). Diphthongs are two targets.

What the rows keep to: vowels open the jaw by their height, up to .45; consonants all but close it, and hold it firmly
between vowels; what is spread shows the upper teeth, what is rounded covers both; sibilants show the upper ones, the
lower lip before the lower ones; R and W round by a pucker, SH by a funnel; P, B and M roll the lips in.

Sources: the viseme tables of the field for which shapes matter (rounding, stretch, seal, labiodental contact, jaw) and
P. Ladefoged and K. Johnson, "A Course in Phonetics", for what vowels and consonants do with jaw and lips; M. Cohen and
D. Massaro, "Modeling coarticulation in synthetic visual speech" (1993), for dominances. The numbers were set by hand.
Each of these rules, and by which of two or three factors lips go farther and faster in all, was kept where a reader of
real lips read more of the tuning half of ``lab.read_words`` with it; no number of a single sound was fitted to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.phones import VOWELS, Phone, known

Array = NDArray[np.float64]

CONTROLS: Final = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthRollLower",
    "mouthRollUpper", "mouthPress", "mouthSmile", "tongueTipUp", "tongueBackUp", "tongueOut", "seal", "bite",
)  # fmt: skip
"""What a phone may ask for. Names without Left or Right move both sides; the last two are contacts, not channels:
``seal`` presses the lips together (P, B, M), ``bite`` sets the lower lip on the upper teeth (F, V)."""

# Columns as CONTROLS, shortened. jawOpen .2 to .45 is what clear vowels reach; 1 is a yawn.
_TARGETS: Final = """
      jaw fun puc str low upp rlo rup pre smi tip bac out seal bite
SIL   .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 0 0
AA    .45 .20 .00 .00 .15 .10 .00 .00 .00 .00 .00 .10 .00 0 0
AE    .45 .00 .00 .36 .55 .58 .00 .00 .00 .18 .00 .00 .00 0 0
AH    .29 .05 .00 .00 .41 .28 .00 .00 .00 .00 .00 .00 .00 0 0
AO    .37 .45 .50 .00 .08 .04 .00 .00 .00 .00 .00 .20 .00 0 0
EH    .35 .00 .00 .30 .55 .51 .00 .00 .00 .12 .06 .00 .00 0 0
ER    .17 .46 .28 .00 .41 .23 .00 .00 .00 .00 .20 .20 .00 0 0
IH    .24 .00 .00 .39 .48 .46 .00 .00 .00 .12 .13 .20 .00 0 0
IY    .20 .00 .00 .60 .55 .58 .00 .00 .00 .36 .20 .30 .00 0 0
UH    .19 .46 .41 .00 .08 .03 .00 .00 .00 .00 .00 .30 .00 0 0
UW    .12 .46 1.0 .00 .04 .02 .00 .00 .00 .00 .00 .40 .00 0 0
AY.1  .45 .00 .00 .12 .48 .41 .00 .00 .00 .06 .00 .00 .00 0 0
AY.2  .27 .00 .00 .42 .48 .46 .00 .00 .00 .24 .13 .20 .00 0 0
AW.1  .45 .00 .00 .12 .48 .41 .00 .00 .00 .06 .00 .00 .00 0 0
AW.2  .17 .46 .76 .00 .06 .02 .00 .00 .00 .00 .00 .30 .00 0 0
OW.1  .32 .46 .28 .00 .08 .04 .00 .00 .00 .00 .00 .20 .00 0 0
OW.2  .14 .46 .97 .00 .04 .02 .00 .00 .00 .00 .00 .30 .00 0 0
EY.1  .32 .00 .00 .36 .55 .51 .00 .00 .00 .14 .06 .00 .00 0 0
EY.2  .22 .00 .00 .54 .55 .58 .00 .00 .00 .30 .13 .20 .00 0 0
OY.1  .35 .56 .34 .00 .08 .04 .00 .00 .00 .00 .00 .20 .00 0 0
OY.2  .24 .00 .00 .42 .48 .38 .00 .00 .00 .24 .13 .20 .00 0 0
B     .04 .00 .00 .00 .00 .00 .25 .20 .00 .00 .00 .00 .00 1 0
P     .04 .00 .00 .00 .00 .00 .25 .20 .00 .00 .00 .00 .00 1 0
M     .04 .00 .00 .00 .00 .00 .25 .20 .00 .00 .00 .00 .00 1 0
F     .04 .00 .00 .06 .00 .60 .70 .00 .00 .00 .00 .00 .00 0 1
V     .04 .00 .00 .06 .00 .58 .60 .00 .00 .00 .00 .00 .00 0 1
TH    .09 .00 .00 .06 .29 .38 .00 .00 .00 .00 .32 .00 .32 0 0
DH    .09 .00 .00 .06 .28 .35 .00 .00 .00 .00 .32 .00 .30 0 0
T     .05 .05 .00 .14 .23 .42 .00 .00 .00 .00 .95 .00 .00 0 0
D     .06 .05 .00 .14 .22 .38 .00 .00 .00 .00 .95 .00 .00 0 0
N     .06 .05 .00 .12 .27 .35 .00 .00 .00 .00 1.0 .00 .00 0 0
L     .09 .05 .00 .12 .29 .35 .00 .00 .00 .00 1.0 .00 .00 0 0
S     .03 .08 .00 .24 .29 .60 .00 .00 .00 .12 .20 .00 .00 0 0
Z     .03 .08 .00 .22 .28 .60 .00 .00 .00 .12 .20 .00 .00 0 0
SH    .04 .76 .34 .00 .43 .58 .00 .00 .00 .00 .20 .10 .00 0 0
ZH    .04 .76 .34 .00 .43 .58 .00 .00 .00 .00 .20 .10 .00 0 0
CH    .04 .76 .34 .00 .43 .58 .00 .00 .00 .00 .26 .10 .00 0 0
JH    .04 .71 .34 .00 .43 .54 .00 .00 .00 .00 .26 .10 .00 0 0
K     .12 .00 .00 .10 .35 .27 .00 .00 .00 .00 .00 .90 .00 0 0
G     .12 .00 .00 .10 .35 .27 .00 .00 .00 .00 .00 .90 .00 0 0
NG    .12 .00 .00 .10 .35 .27 .00 .00 .00 .00 .00 .90 .00 0 0
HH    .13 .00 .00 .06 .29 .29 .00 .00 .00 .00 .00 .00 .00 0 0
R     .07 .40 .65 .00 .07 .05 .00 .00 .00 .00 .13 .30 .00 0 0
W     .04 .25 1.0 .00 .01 .01 .00 .00 .00 .00 .00 .40 .00 0 0
Y     .06 .00 .00 .48 .36 .51 .00 .00 .00 .24 .20 .30 .00 0 0
y     .12 .41 1.0 .00 .04 .02 .00 .00 .00 .00 .20 .20 .00 0 0
ʏ     .17 .43 .76 .00 .06 .03 .00 .00 .00 .00 .13 .20 .00 0 0
ø     .23 .51 .69 .00 .06 .03 .00 .00 .00 .00 .06 .00 .00 0 0
œ     .35 .51 .41 .00 .08 .04 .00 .00 .00 .00 .00 .00 .00 0 0
ʉ     .13 .43 .97 .00 .04 .02 .00 .00 .00 .00 .06 .20 .00 0 0
ɥ     .04 .41 1.0 .00 .02 .02 .00 .00 .00 .00 .20 .20 .00 0 0
ɯ     .13 .00 .00 .36 .48 .35 .00 .00 .00 .12 .00 .40 .00 0 0
ɰ     .07 .00 .00 .12 .29 .27 .00 .00 .00 .00 .00 .50 .00 0 0
ɸ     .04 .10 .28 .00 .06 .08 .10 .10 .00 .00 .00 .00 .00 0 0
β     .04 .08 .21 .00 .08 .08 .10 .10 .00 .00 .00 .00 .00 0 0
ɱ     .04 .00 .00 .06 .00 .58 .60 .00 .00 .00 .00 .00 .00 0 1
ʔ     .07 .00 .00 .00 .19 .15 .00 .00 .00 .00 .00 .00 .00 0 0
"""

# Single sounds that ARPABET only knows as diphthongs keep to one target.
_SINGLE: Final = {"e": "EY.1", "ẽ": "EY.1", "o": "OW.1", "õ": "OW.1"}

_VOWEL_DOMINANCE: Final = 1.0
_CONSONANT_DOMINANCE: Final = 1.0
_SILENCE_DOMINANCE: Final = 0.6
_DOMINANCE: Final[tuple[tuple[str, dict[str, float]], ...]] = (
    ("P B M", {"jawOpen": 3, "mouthStretch": 0.5, "mouthPucker": 0.5, "mouthFunnel": 0.5, "mouthRollLower": 6,
               "mouthRollUpper": 6, "mouthPress": 6}),
    ("F V ɱ", {"jawOpen": 4, "mouthRollLower": 8, "mouthUpperUp": 4, "mouthLowerDown": 6}),
    ("ɸ β", {"jawOpen": 4, "mouthLowerDown": 6, "mouthUpperUp": 6, "mouthStretch": 0.5}),
    ("SH ZH CH JH W R ɥ", {"mouthFunnel": 4, "mouthPucker": 4, "mouthStretch": 2, "jawOpen": 2.4}),
    ("S Z", {"jawOpen": 4, "mouthLowerDown": 2}),
    ("T D N L TH DH", {"jawOpen": 2, "tongueTipUp": 6, "tongueOut": 6}),
    ("K G NG", {"tongueBackUp": 6}),
    ("W ɥ", {"mouthPucker": 6}),
    ("UW y ʉ", {"mouthPucker": 3}),
)  # fmt: skip

ANTICIPATION: Final = np.array(
    [.028, .044, .044, .025, .025, .025, .03, .03, .03, .025, .04, .04, .045, 0, 0]
)  # fmt: skip
"""Seconds over which each control begins before its phone (float64 [15]); lips round well ahead."""

CARRY_OVER: Final = np.array(
    [.028, .033, .033, .025, .025, .025, .03, .03, .03, .025, .04, .04, .045, 0, 0]
)  # fmt: skip
"""Seconds over which each control fades after its phone (float64 [15])."""

_VOWEL_ROWS: Final = VOWELS | {"y", "ʏ", "ø", "œ", "ʉ", "ɯ"}
_DIPHTHONGS: Final = ("AY", "AW", "OW", "EY", "OY")
_SPLIT: Final = 0.55  # share of a diphthong that belongs to its first target


@dataclass(frozen=True, eq=False)
class Target:
    """What one phone, or one half of a diphthong, asks for: ``value`` and ``dominance`` are float64 [15].

    ``name`` is the phone, ``row`` what it is called in :data:`TARGETS`.
    """

    name: str
    row: str
    value: Array
    dominance: Array
    vowel: bool


def _read() -> dict[str, Target]:
    out = {}
    for line in _TARGETS.strip().splitlines()[1:]:
        name, *numbers = line.split()
        phone = name.partition(".")[0]
        vowel = phone in _VOWEL_ROWS
        base = _VOWEL_DOMINANCE if vowel else _SILENCE_DOMINANCE if phone == "SIL" else _CONSONANT_DOMINANCE
        dominance = np.full(len(CONTROLS), base)
        for names, changes in _DOMINANCE:
            if phone in names.split():
                for control, value in changes.items():
                    dominance[CONTROLS.index(control)] = value
        out[name] = Target(phone, name, np.array(numbers, float), dominance, vowel)
    return out


TARGETS: Final = _read()
"""Targets by ARPABET phone, ``"AY.1"`` and ``"AY.2"`` for the halves of a diphthong, IPA for the extra rows."""


@dataclass(frozen=True, eq=False)
class Targets:
    """One set of targets: its ``name``, ``rows`` as :data:`TARGETS`, and seconds as :data:`ANTICIPATION` and
    :data:`CARRY_OVER`."""

    name: str
    rows: Mapping[str, Target]
    anticipation: Array
    carry_over: Array


PHONETIC: Final = Targets("phonetic", TARGETS, ANTICIPATION, CARRY_OVER)
"""The set that is used unless another is asked for (:mod:`vultus.drivers.target_sets`)."""


@lru_cache(maxsize=1024)
def targets_of(ipa: str, targets: Targets = PHONETIC) -> tuple[tuple[float, float, Target], ...]:
    """The targets of an IPA symbol with the share of the phone that each covers, ``((0, 1, target),)`` or two halves.

    Never fails: an unknown symbol takes the nearest that is known (:func:`vultus.signals.phones.known`).
    """
    symbol, rows = known(ipa), targets.rows
    if symbol in rows:
        return ((0.0, 1.0, rows[symbol]),)
    if symbol in _SINGLE:
        return ((0.0, 1.0, rows[_SINGLE[symbol]]),)
    name = Phone(0.0, 1.0, symbol).arpabet
    if name in _DIPHTHONGS:
        return ((0.0, _SPLIT, rows[f"{name}.1"]), (_SPLIT, 1.0, rows[f"{name}.2"]))
    return ((0.0, 1.0, rows[name]),)
