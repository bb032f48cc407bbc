"""What the vocal tract does in each phone: formants, levels, noises and durations of the formant voice.

Sources: D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980), tables II and III, for the
formants of English vowels and consonants (one adult male); J. C. Catford, *A Practical Introduction to Phonetics*
(1988), for the other cardinal vowels; D. H. Klatt, "Synthesis by rule of segmental durations" (1979), for durations;
O. Fujimura, "Analysis of nasal consonants", JASA 34 (1962), for the antiformants. Numbers are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vultus.signals.phones import SILENCE, from_arpabet, known
from vultus.signals.phones import arpabet_of as nearest_english

Manner = Literal["silence", "vowel", "glide", "nasal", "fricative", "stop", "affricate", "breath"]
Formants = tuple[float, float, float]
Band = tuple[float, float, float]


@dataclass(frozen=True)
class Target:
    """One phone.

    ``first`` and ``last`` are F1, F2, F3 in Hz (they differ in diphthongs); ``usual`` and ``least`` are seconds;
    ``voicing`` is the amplitude of the voice relative to a vowel, ``noise`` the RMS of the hiss likewise; ``bands``
    are the hiss's bumps (centre Hz, width Hz, gain); ``zero`` is the antiformant of a nasal in Hz (0: none).
    """

    manner: Manner
    first: Formants
    last: Formants
    usual: float
    least: float
    voicing: float = 0.0
    noise: float = 0.0
    bands: tuple[Band, ...] = ()
    zero: float = 0.0

    @property
    def vowel(self) -> bool:
        """Whether it carries stress and pitch accents."""
        return self.manner == "vowel"


# Symbol, F1 F2 F3, usual and least duration in ms; a second F1 F2 F3 ends a diphthong.
_VOWELS: Final = """
i  300 2150 2960  155 55
ɪ  430 1800 2560  135 40
e  390 2100 2650  150 60
ɛ  540 1720 2500  150 70
æ  660 1680 2430  210 80
a  750 1400 2500  200 80
ɑ  700 1150 2550  220 90
ɒ  620  950 2500  200 80
ɔ  590  920 2550  220 90
o  430  800 2450  180 70
ʊ  460 1180 2380  150 60
u  320 1000 2220  180 70
ʌ  620 1220 2550  140 60
ə  540 1430 2480   90 45
ɝ  440 1310 1620  170 80
y  280 1850 2150  150 55
ø  390 1600 2250  150 60
œ  560 1500 2350  150 70
ɯ  320 1350 2350  150 60
ɤ  440 1250 2450  150 60
ɨ  320 1700 2450  130 50
ʉ  320 1450 2250  150 60
ɐ  650 1400 2500  120 50
eɪ 480 1800 2520  180 80  330 2120 2650
aɪ 690 1220 2550  230 110  380 1950 2560
aʊ 730 1300 2550  240 110  480 1000 2400
ɔɪ 560  920 2450  250 120  370 1900 2500
oʊ 540 1050 2300  200 80  400  820 2300
"""

# Symbol, manner, F1 F2 F3, usual and least duration in ms, voicing, noise, antiformant; then the bands of the noise.
_CONSONANTS: Final = """
w  glide     290  700 2150   80 60  .50 0 0
j  glide     270 2150 3000   80 40  .50 0 0
ɹ  glide     330 1100 1450   80 35  .55 0 0
r  glide     420 1300 1700   80 35  .50 0 0
l  glide     340 1050 2850   80 40  .50 0 0
m  nasal     300 1000 2130   75 55  .45 0 1000
n  nasal     300 1650 2600   70 45  .45 0 2050
ɲ  nasal     300 2000 2700   80 50  .45 0 2200
ŋ  nasal     300 2050 2550   90 60  .45 0 3000
f  fricative 340 1100 2080  105 75    0 .050 0  7000 3000 1  1800 1800 .5
v  fricative 240 1100 2080   65 45  .38 .025 0  7000 2400 1  2200 2600 .25
θ  fricative 320 1290 2540  100 65    0 .045 0  6300 1700 1  2800 2500 .20
ð  fricative 270 1500 2600   55 35  .45 .012 0  6000 1800 1  2800 2500 .30
s  fricative 320 1500 2530  115 75    0 .200 0  5400 1000 1  7200 1100 .7
z  fricative 250 1420 2530   80 50  .25 .090 0  5400 1000 1  7200 1100 .7
ʃ  fricative 300 1800 2550  110 80    0 .160 0  2750 450 1  4400 1100 .6
ʒ  fricative 260 1800 2550   75 50  .25 .090 0  2750 450 1  4400 1100 .6
x  fricative 320 1500 2300   95 65    0 .080 0  1500 350 1  3300 700 .3
ç  fricative 280 2100 2900   95 65    0 .090 0  3200 600 1  5000 900 .4
h  breath    500 1400 2450   75 35    0 .075 0
p  stop      300  850 2150   95 65    0 .100 0   600 700 1  2200 1800 .35
b  stop      200  900 2150   80 50  .15 .080 0   500 600 1  2000 1800 .30
t  stop      300 1720 2650   90 60    0 .130 0  4600 1200 1  6600 1400 .9
d  stop      200 1720 2650   70 40  .15 .060 0  4300 1300 1  6400 1400 .8
k  stop      300 1900 2400   95 65    0 .200 0  1850 400 1  3600 700 .15
ɡ  stop      200 1900 2400   75 50  .15 .160 0  1850 400 1  3600 700 .15
ʔ  stop      500 1400 2450   60 40    0 0    0
tʃ affricate 300 1800 2600  130 90    0 .160 0  2900 500 1  4600 1100 .6
dʒ affricate 220 1800 2600  100 70  .15 .110 0  2900 500 1  4600 1100 .6
"""


def _three(numbers: list[float]) -> Formants:
    return numbers[0], numbers[1], numbers[2]


def _read() -> dict[str, Target]:
    table = {SILENCE: Target("silence", (500, 1400, 2450), (500, 1400, 2450), 0.25, 0.05)}
    for line in _VOWELS.strip().splitlines():
        symbol, *rest = line.split()
        n = [float(x) for x in rest]
        first = _three(n)
        table[symbol] = Target("vowel", first, _three(n[5:]) if n[5:] else first, n[3] / 1e3, n[4] / 1e3, 1.0)
    for line in _CONSONANTS.strip().splitlines():
        symbol, manner, *rest = line.split()
        n = [float(x) for x in rest]
        at = _three(n)
        bands = tuple(_three(n[i : i + 3]) for i in range(8, len(n), 3))
        table[symbol] = Target(manner, at, at, n[3] / 1e3, n[4] / 1e3, n[5], n[6], bands, n[7])  # type: ignore[arg-type]
    return table


_TARGETS: Final = _read()


def target(ipa: str) -> Target:
    """The target of an IPA symbol; one without a row sounds like the nearest English phone. Never fails."""
    symbol = known(ipa)
    return _TARGETS.get(symbol) or _TARGETS[from_arpabet(nearest_english(symbol))[0]]
