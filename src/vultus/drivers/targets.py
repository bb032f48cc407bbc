"""Where each phone wants the mouth: targets, dominances and time constants, set by hand.

One row per ARPABET phone; other languages add a row under their IPA symbol where the nearest English phone has the
wrong lips (rounded front vowels, bilabial fricatives). Diphthongs are two targets.

Sources: the viseme tables of the field for which shapes matter (rounding, stretch, seal, labiodental contact, jaw) and
M. Cohen and D. Massaro, "Modeling coarticulation in synthetic visual speech" (1993), for dominances. The numbers were
set by hand, never tuned against a lip reader.
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

# Columns as CONTROLS, shortened. jawOpen .2 to .35 in vowels is what speech reaches; 1 is a yawn.
_TARGETS: Final = """
      jaw fun puc str low upp rlo rup pre smi tip bac out seal bite
SIL   .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 .00 0 0
AA    .34 .05 .00 .00 .30 .15 .00 .00 .00 .00 .00 .10 .00 0 0
AE    .30 .00 .00 .30 .40 .25 .00 .00 .00 .15 .00 .00 .00 0 0
AH    .20 .05 .00 .00 .30 .12 .00 .00 .00 .00 .00 .00 .00 0 0
AO    .26 .55 .15 .00 .20 .10 .00 .00 .00 .00 .00 .20 .00 0 0
EH    .22 .00 .00 .25 .40 .22 .00 .00 .00 .10 .10 .00 .00 0 0
ER    .12 .45 .20 .00 .30 .12 .00 .00 .00 .00 .30 .20 .00 0 0
IH    .13 .00 .00 .25 .35 .20 .00 .00 .00 .10 .20 .20 .00 0 0
IY    .08 .00 .00 .50 .40 .25 .00 .00 .00 .30 .30 .30 .00 0 0
UH    .13 .45 .30 .00 .20 .08 .00 .00 .00 .00 .00 .30 .00 0 0
UW    .08 .45 .80 .00 .10 .05 .00 .00 .00 .00 .00 .40 .00 0 0
AY.1  .32 .00 .00 .10 .35 .18 .00 .00 .00 .05 .00 .00 .00 0 0
AY.2  .11 .00 .00 .35 .35 .20 .00 .00 .00 .20 .20 .20 .00 0 0
AW.1  .32 .00 .00 .10 .35 .18 .00 .00 .00 .05 .00 .00 .00 0 0
AW.2  .12 .45 .55 .00 .15 .05 .00 .00 .00 .00 .00 .30 .00 0 0
OW.1  .22 .45 .20 .00 .20 .10 .00 .00 .00 .00 .00 .20 .00 0 0
OW.2  .10 .45 .70 .00 .10 .05 .00 .00 .00 .00 .00 .30 .00 0 0
EY.1  .20 .00 .00 .30 .40 .22 .00 .00 .00 .12 .10 .00 .00 0 0
EY.2  .09 .00 .00 .45 .40 .25 .00 .00 .00 .25 .20 .20 .00 0 0
OY.1  .24 .55 .25 .00 .20 .10 .00 .00 .00 .00 .00 .20 .00 0 0
OY.2  .10 .00 .00 .35 .35 .20 .00 .00 .00 .20 .20 .20 .00 0 0
B     .05 .00 .00 .00 .00 .00 .12 .12 .20 .00 .00 .00 .00 1 0
P     .05 .00 .00 .00 .00 .00 .15 .15 .30 .00 .00 .00 .00 1 0
M     .05 .00 .00 .00 .00 .00 .10 .10 .20 .00 .00 .00 .00 1 0
F     .05 .00 .00 .05 .00 .35 .70 .00 .00 .00 .00 .00 .00 0 1
V     .05 .00 .00 .05 .00 .30 .60 .00 .00 .00 .00 .00 .00 0 1
TH    .13 .00 .00 .05 .38 .20 .00 .00 .00 .00 .50 .00 .32 0 0
DH    .12 .00 .00 .05 .37 .18 .00 .00 .00 .00 .50 .00 .30 0 0
T     .07 .05 .00 .12 .40 .22 .00 .00 .00 .00 .95 .00 .00 0 0
D     .08 .05 .00 .12 .38 .20 .00 .00 .00 .00 .95 .00 .00 0 0
N     .09 .05 .00 .10 .35 .18 .00 .00 .00 .00 1.0 .00 .00 0 0
L     .13 .05 .00 .10 .38 .18 .00 .00 .00 .00 1.0 .00 .00 0 0
S     .04 .08 .00 .20 .50 .30 .00 .00 .00 .10 .30 .00 .00 0 0
Z     .04 .08 .00 .18 .48 .28 .00 .00 .00 .10 .30 .00 .00 0 0
SH    .06 .75 .25 .00 .45 .30 .00 .00 .00 .00 .30 .10 .00 0 0
ZH    .06 .75 .25 .00 .45 .30 .00 .00 .00 .00 .30 .10 .00 0 0
CH    .06 .75 .25 .00 .45 .30 .00 .00 .00 .00 .40 .10 .00 0 0
JH    .06 .70 .25 .00 .45 .28 .00 .00 .00 .00 .40 .10 .00 0 0
K     .12 .00 .00 .08 .30 .14 .00 .00 .00 .00 .00 .90 .00 0 0
G     .12 .00 .00 .08 .30 .14 .00 .00 .00 .00 .00 .90 .00 0 0
NG    .12 .00 .00 .08 .30 .14 .00 .00 .00 .00 .00 .90 .00 0 0
HH    .18 .00 .00 .05 .30 .15 .00 .00 .00 .00 .00 .00 .00 0 0
R     .10 .50 .35 .00 .25 .12 .00 .00 .00 .00 .20 .30 .00 0 0
W     .05 .40 .95 .00 .05 .02 .00 .00 .00 .00 .00 .40 .00 0 0
Y     .08 .00 .00 .40 .38 .22 .00 .00 .00 .20 .30 .30 .00 0 0
y     .08 .40 .85 .00 .10 .05 .00 .00 .00 .00 .30 .20 .00 0 0
ʏ     .12 .42 .55 .00 .15 .08 .00 .00 .00 .00 .20 .20 .00 0 0
ø     .16 .50 .50 .00 .15 .08 .00 .00 .00 .00 .10 .00 .00 0 0
œ     .24 .50 .30 .00 .20 .10 .00 .00 .00 .00 .00 .00 .00 0 0
ʉ     .09 .42 .70 .00 .10 .05 .00 .00 .00 .00 .10 .20 .00 0 0
ɥ     .06 .40 .90 .00 .08 .04 .00 .00 .00 .00 .30 .20 .00 0 0
ɯ     .09 .00 .00 .30 .35 .18 .00 .00 .00 .10 .00 .40 .00 0 0
ɰ     .10 .00 .00 .10 .30 .14 .00 .00 .00 .00 .00 .50 .00 0 0
ɸ     .05 .10 .20 .00 .06 .04 .10 .10 .00 .00 .00 .00 .00 0 0
β     .05 .08 .15 .00 .08 .04 .10 .10 .00 .00 .00 .00 .00 0 0
ɱ     .05 .00 .00 .05 .00 .30 .60 .00 .00 .00 .00 .00 .00 0 1
ʔ     .10 .00 .00 .00 .20 .08 .00 .00 .00 .00 .00 .00 .00 0 0
"""

# Single sounds that ARPABET only knows as diphthongs keep to one target.
_SINGLE: Final = {"e": "EY.1", "ẽ": "EY.1", "o": "OW.1", "õ": "OW.1"}

_VOWEL_DOMINANCE: Final = 1.0
_CONSONANT_DOMINANCE: Final = 0.5  # weak consonants follow the vowels around them
_SILENCE_DOMINANCE: Final = 0.6
_DOMINANCE: Final[tuple[tuple[str, dict[str, float]], ...]] = (
    ("P B M", {"jawOpen": 1.5, "mouthStretch": 0.25, "mouthPucker": 0.25, "mouthFunnel": 0.25, "mouthRollLower": 3,
               "mouthRollUpper": 3, "mouthPress": 3}),
    ("F V ɱ", {"jawOpen": 2, "mouthRollLower": 4, "mouthUpperUp": 2, "mouthLowerDown": 3}),
    ("ɸ β", {"jawOpen": 2, "mouthLowerDown": 3, "mouthUpperUp": 3, "mouthStretch": 0.25}),
    ("SH ZH CH JH W R ɥ", {"mouthFunnel": 2, "mouthPucker": 2, "mouthStretch": 1, "jawOpen": 1.2}),
    ("S Z", {"jawOpen": 2, "mouthLowerDown": 1}),
    ("T D N L TH DH", {"jawOpen": 1, "tongueTipUp": 3, "tongueOut": 3}),
    ("K G NG", {"tongueBackUp": 3}),
    ("W UW y ɥ ʉ", {"mouthPucker": 3}),
)  # fmt: skip

ANTICIPATION: Final = np.array(
    [.05, .08, .08, .045, .045, .045, .03, .03, .03, .045, .04, .04, .045, 0, 0]
)  # fmt: skip
"""Seconds over which each control begins before its phone (float64 [15]); lips round well ahead."""

CARRY_OVER: Final = np.array([.05, .06, .06, .045, .045, .045, .03, .03, .03, .045, .04, .04, .045, 0, 0])  # fmt: skip
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
