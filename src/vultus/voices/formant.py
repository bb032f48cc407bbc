"""A small formant voice: text or phones to speech, with the exact time of every phone.

A source and a filter, after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980), and
D. H. Klatt and L. C. Klatt, JASA 87 (1990), for the shape of the voice source: glottal pulses and breath go through
resonators in a row (eight formants, a nasal pole and zero, an antiformant), shaped noise is added beside them. It is
no natural voice, but it needs no data, runs far faster than real time and knows to the sample what it says when.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Final

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter, resample_poly

from vultus.errors import VultusError
from vultus.signals.phones import SILENCE, Phone, check, from_arpabet, parse_stressed
from vultus.voices.finish import LEVEL, PEAK, check_range, chosen
from vultus.voices.prosody import between, contour, lay, phrases
from vultus.voices.targets import Target, target

Array = NDArray[np.float64]

VOICES: Final = {"man": (110.0, 1.0), "woman": (200.0, 1.15), "child": (270.0, 1.3), "giant": (80.0, 0.9)}
"""Each voice's mean pitch in Hz and what its formants are multiplied by."""

_RATE: Final = 16000
_STEP: Final = 32  # samples between changes of the filter: 2 ms
_LEAD, _TAIL = 0.02, 0.04  # seconds that a phrase may sound before its first and after its last phone
_ASPIRATION: Final = 0.09  # RMS of the breath after the burst of p, t, k
_REACH: Final = 0.2  # seconds that a phone's formants colour its neighbours

DEMO_TEXT: Final = "Hello. This voice is made up, so you can see both of my lips move from the very first word."
"""What `demo_sentence` says."""

_DEMO: Final = """SIL HH AH0 L OW1 SIL DH IH1 S V OY1 S IH0 Z M EY1 D AH1 P SIL S OW0 Y UW0 K AH0 N S IY1 B OW1 TH AH0 V
M AY0 L IH1 P S M UW1 V F R AH0 M DH AH0 V EH1 R IY0 F ER1 S T W ER1 D SIL"""


def voices() -> tuple[str, ...]:
    """The names of its voices."""
    return tuple(VOICES)


def missing() -> str:
    """Always "": this voice is part of the package."""
    return ""


def demo_sentence(rate: int = _RATE, seed: int = 0) -> tuple[str, NDArray[np.float32], list[Phone]]:
    """`DEMO_TEXT` with its sound and its phones (about 5 s): a recording that the package makes itself.

    The phones were written by hand, so that no dictionary is needed. Its mouth closes (p, b, m), bites its lip (f, v),
    spreads (ee) and rounds (oo).
    """
    phones = lay([from_arpabet(name) for name in _DEMO.split()])
    samples, phones = speak(phones, rate=rate, seed=seed)
    return DEMO_TEXT, samples, phones


def speak(
    spoken: str | Sequence[Phone] | Sequence[str],
    *,
    voice: str = "",
    rate: int = _RATE,
    seed: int = 0,
    pitch: float | None = None,
    speed: float = 1.0,
    tract: float | None = None,
) -> tuple[NDArray[np.float32], list[Phone]]:
    """Say *spoken*; returns mono samples (float32, |x| <= 0.9, RMS of speech 0.1) and gapless phones from 0 s on.

    *spoken* is English text; or IPA symbols, one to an item ("" is a pause, a stress mark may precede a vowel), which
    get durations by rule; or phones with times, which are kept and only divided by *speed* (gaps become silence).

    *voice* is one of `voices()`; it decides *pitch* and *tract* where they are not given. *rate* in Hz (8000 to 96000),
    mean *pitch* in Hz (50 to 500), *speed* (0.25 to 4), *tract* multiplies all formants (0.7 to 1.5; about 1.15 for a
    smaller speaker). *seed* decides the noises, the flutter of the voice and nothing
    else. The sound lasts ``round(phones[-1].end * rate)`` samples. Raises VultusError for values out of range
    and for phones that overlap. What holds no word gives no sound and no phones.
    """
    usual = VOICES[chosen("formant", voice, voices())]
    pitch, tract = (usual[0] if pitch is None else pitch), (usual[1] if tract is None else tract)
    check_range("rate", rate, 8000, 96000)
    check_range("pitch", pitch, 50, 500)
    check_range("speed", speed, 0.25, 4)
    check_range("tract", tract, 0.7, 1.5)
    phones = _phones(spoken, speed)
    if not phones:
        return np.zeros(0, np.float32), []
    rng = np.random.default_rng(seed)
    length = round(phones[-1].end * _RATE)
    sound, loud = np.zeros(length), np.zeros(length, bool)
    for run in phrases(phones):
        at = round((run[0].start - _LEAD) * _RATE)
        part = _phrase(run, at, pitch, tract, rng)
        first, last = max(at, 0), min(at + len(part), length)
        sound[first:last] += part[first - at : last - at]
        loud[max(round(run[0].start * _RATE), 0) : round(run[-1].end * _RATE)] = True
    if rate != _RATE:
        shared = gcd(rate, _RATE)
        sound = resample_poly(sound, rate // shared, _RATE // shared)
    # The level is measured where phones are, the peak on what is given out.
    power = float(np.mean(sound**2)) * len(loud) / max(int(loud.sum()), 1)
    gain = min(LEVEL / max(np.sqrt(power), 1e-9), PEAK / max(float(np.abs(sound).max(initial=0.0)), 1e-9))
    out = np.zeros(round(phones[-1].end * rate), np.float32)
    kept = min(len(out), len(sound))
    out[:kept] = sound[:kept] * gain if loud.any() else 0.0
    return out, phones


def _phones(spoken: str | Sequence[Phone] | Sequence[str], speed: float) -> list[Phone]:
    if isinstance(spoken, str):
        from vultus.signals.text import text_phones

        words = [(phone.ipa, phone.stress) for phone in text_phones(spoken)]
        return lay([(SILENCE, 0), *words, (SILENCE, 0)], speed) if words else []
    timed = [item for item in spoken if isinstance(item, Phone)]
    if timed:
        check(timed)
        if len(timed) < len(spoken) or timed[0].start < 0:
            raise VultusError("Phones and symbols are mixed, or a phone starts before 0 s", "Give phones from 0 s on.")
        return between([Phone(p.start / speed, p.end / speed, p.ipa, p.stress) for p in timed])
    sounds: list[tuple[str, int]] = []
    for item in spoken:
        sounds += (parse_stressed(str(item)) or [(SILENCE, 0)]) if item else [(SILENCE, 0)]
    return lay(sounds, speed)


# --- one phrase ---------------------------------------------------------------------------------------------------


def _phrase(run: list[Phone], at: int, pitch: float, tract: float, rng: Generator) -> Array:
    """The sound of phones without a pause between them, from sample *at* on, at 16 kHz and no particular level."""
    steps = -(-(round((run[-1].end + _TAIL) * _RATE) - at) // _STEP)
    times = (at + (np.arange(steps) + 0.5) * _STEP) / _RATE
    shapes = [target(phone.ipa) for phone in run]
    formants = _formants(run, shapes, times)
    voice, breath, nasal, zero = _levels(run, shapes, times)
    source, opened = _glottis(contour(run, times, pitch), steps * _STEP, rng)
    fine = np.arange(steps * _STEP) / _STEP - 0.5
    coarse = np.arange(steps)
    voiced, aspired = np.interp(fine, coarse, voice), np.interp(fine, coarse, breath)
    excitation = voiced * source + aspired * rng.standard_normal(len(fine))
    sound = _tract(excitation, formants * tract, nasal, zero, breath, tract)
    hiss = _hisses(run, shapes, at, len(fine), rng)
    # Where the voice sounds as well, the hiss comes in puffs, one for each opening of the glottis.
    return sound + hiss * (1.0 - np.minimum(voiced, 1.0) * (0.6 - 1.2 * opened))


def _formants(run: list[Phone], shapes: list[Target], times: Array) -> Array:
    """F1 to F3 in Hz at *times* [T, 3]: targets blended by how near and how dominant each phone is.

    A phone rules its middle and fades beyond (the dominance of A. Löfqvist, 1990), so that vowels and consonants run
    into one another and short sounds undershoot.
    """
    total, weight = np.zeros((len(times), 3)), np.full((len(times), 3), 1e-9)
    middle = np.array([500.0, 1400.0, 2450.0])
    for i, (phone, shape) in enumerate(zip(run, shapes, strict=True)):
        first, last = _anchors(run, shapes, i)
        strength, fade = _DOMINANCE[shape.manner]
        for where, (a, b) in ((first, (0.2, 0.4)), (last, (0.6, 0.8))):
            low, high = phone.start + a * phone.duration, phone.start + b * phone.duration
            near = slice(*np.searchsorted(times, (low - _REACH, high + _REACH)))
            far = np.maximum(np.maximum(low - times[near], times[near] - high), 0.0)
            power = np.exp(-far / fade)[:, None] * strength
            total[near] += power * where
            weight[near] += power
    return (total + 1e-9 * middle) / weight


# Strength for F1, F2, F3 and seconds over which it fades. An h has no posture of its own.
_DOMINANCE: Final = {
    "vowel": (np.array([1.0, 1.0, 1.0]), 0.028),
    "glide": (np.array([1.2, 1.5, 1.5]), 0.028),
    "nasal": (np.array([1.2, 1.2, 1.0]), 0.016),
    "fricative": (np.array([1.2, 1.2, 1.0]), 0.018),
    "stop": (np.array([1.5, 1.3, 1.0]), 0.018),
    "affricate": (np.array([1.2, 1.3, 1.0]), 0.018),
    "breath": (np.array([0.03, 0.03, 0.03]), 0.02),
    "silence": (np.array([0.03, 0.03, 0.03]), 0.02),
}


def _anchors(run: list[Phone], shapes: list[Target], i: int) -> tuple[Array, Array]:
    """First and last target of phone *i*; the tongue of a velar meets the palate where its vowels want it."""
    first, last = np.array(shapes[i].first), np.array(shapes[i].last)
    if run[i].ipa in ("k", "ɡ", "g", "ŋ", "x"):
        beside = [shapes[j] for j in (i - 1, i + 1) if 0 <= j < len(run) and shapes[j].vowel]
        if beside:
            second = float(np.mean([shape.first[1] for shape in beside]))
            first = last = np.array([first[0], 0.35 * first[1] + 0.65 * (second + 200.0), first[2]])
    return first, last


def _release(run: list[Phone], shapes: list[Target], i: int) -> tuple[float, bool]:
    """When the closure of stop or affricate *i* opens (seconds), and whether breath follows up to its end."""
    phone, shape = run[i], shapes[i]
    if shape.manner == "affricate":
        return phone.start + 0.45 * phone.duration, False
    after = shapes[i + 1].manner if i + 1 < len(run) else "silence"
    hissing = i > 0 and shapes[i - 1].manner == "fricative" and shapes[i - 1].voicing == 0.0
    aspirated = shape.voicing == 0.0 and shape.noise > 0.0 and after in ("vowel", "glide") and not hissing
    return phone.start + (0.55 if aspirated else 0.78) * phone.duration, aspirated


def _levels(run: list[Phone], shapes: list[Target], times: Array) -> tuple[Array, Array, Array, Array]:
    """Tracks [T]: amplitude of voice and of breath, nasality in [0, 1] and the antiformant in Hz."""
    voice, breath, nasal = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    zero = np.full(len(times), 1200.0)

    def put(track: Array, start: float, end: float, value: float) -> None:
        track[slice(*np.searchsorted(times, (start, end)))] = value

    for i, (phone, shape) in enumerate(zip(run, shapes, strict=True)):
        stress = (0.8, 1.1, 1.0)[phone.stress if 0 <= phone.stress <= 2 else 0] if shape.vowel else 1.0
        put(voice, phone.start, phone.end, shape.voicing * stress)
        if shape.manner == "breath":
            put(breath, phone.start, phone.end, shape.noise)
        elif shape.manner == "stop":
            opened, aspirated = _release(run, shapes, i)
            if aspirated:
                put(breath, opened + 0.006, phone.end, _ASPIRATION)
            elif shape.voicing and i + 1 < len(run):
                put(voice, opened + 0.004, phone.end, 0.5)
        elif shape.manner == "nasal":
            put(nasal, phone.start - 0.03, phone.end + 0.02, 1.0)
            put(zero, phone.start - 0.06, phone.end + 0.04, shape.zero)
    # The voice dies away over the last tenth of a second of the phrase, and slowly over the whole.
    start, end = run[0].start, run[-1].end
    voice *= np.clip(0.35 + (end - times) / 0.1, 0.35, 1.0) * (1.1 - 0.25 * np.clip((times - start) / 3.0, 0.0, 1.0))
    return _smooth(voice, 7), _smooth(breath, 7), _smooth(nasal, 15), _smooth(zero, 9)


def _smooth(track: Array, width: int) -> Array:
    window = np.hanning(width + 2)[1:-1]
    edges = np.pad(track, width // 2, mode="edge")
    return np.convolve(edges, window / window.sum(), "valid")


# --- source -------------------------------------------------------------------------------------------------------

_OPEN: Final = 0.6  # share of a period in which the glottis is open
_TILT: Final = 2500.0  # Hz; above it the voice falls by 6 dB an octave more


def _glottis(pitch: Array, length: int, rng: Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Derivative of the glottal flow [length] with an RMS near 1, and whether the glottis is open.

    *pitch* in Hz comes every `_STEP` samples. Pulses are made at four times the rate, so that their sharp closure does
    not alias. Flutter and shimmer keep the voice from buzzing.
    """
    steps = np.arange(len(pitch))
    flutter = 0.006 * _slow(len(pitch), 25, rng) + 0.006 * _slow(len(pitch), 4, rng)
    fine = np.arange(4 * length) / (4 * _STEP) - 0.5
    phase = np.cumsum(np.interp(fine, steps, pitch * (1.0 + flutter))) / (4 * _RATE) % 1.0
    t = phase / _OPEN
    shimmer = 1.0 + 0.03 * np.interp(fine, steps, _slow(len(pitch), 8, rng))
    pulses = np.where(t < 1.0, 2.0 * t - 3.0 * t * t, 0.0) * shimmer
    source = resample_poly(pulses, 1, 4)
    # Vocal folds close softly.
    pole = float(np.exp(-2 * np.pi * _TILT / _RATE))
    return lfilter([1 - pole], [1.0, -pole], source), phase[::4] < _OPEN


def _slow(length: int, width: int, rng: Generator) -> Array:
    """Noise [length] with a standard deviation near 1 that changes over *width* steps."""
    return _smooth(rng.standard_normal(length + width), 2 * (width // 2) + 1)[:length] * np.sqrt(width / 1.5)


# --- filter -------------------------------------------------------------------------------------------------------

_UPPER: Final = np.array([3450.0, 4400.0, 5400.0, 6400.0, 7400.0])  # F4 and up, which hardly move
_UPPER_WIDTHS: Final = np.array([220.0, 300.0, 400.0, 500.0, 600.0])


def _tract(excitation: Array, formants: Array, nasal: Array, zero: Array, breath: Array, tract: float) -> Array:
    """Run *excitation* through the cascade; the other arguments come every `_STEP` samples."""
    steps = len(formants)
    # An open glottis damps F1; a coupled nose damps F2 and F3.
    widths = np.stack([60 + 1200 * breath, 90 + 100 * nasal, 140 + 60 * nasal], axis=1)
    high = np.broadcast_to(np.minimum(_UPPER * tract, 7900.0), (steps, 5))
    poles = np.concatenate([formants, high], axis=1)
    widths = np.concatenate([widths, np.broadcast_to(_UPPER_WIDTHS, (steps, 5))], axis=1)
    sections = np.zeros((steps, 10, 6))
    sections[:, :8, 3:] = _resonator(np.minimum(poles, 7900.0), widths)
    sections[:, :8, 0] = sections[:, :8, 3:].sum(axis=2)  # gain 1 at 0 Hz
    # Pole and zero cancel while the nose is shut.
    for i, (pole, pole_width, root, root_width) in enumerate(
        (
            (np.full(steps, 270.0), np.full(steps, 100.0), 270.0 + 180.0 * nasal, np.full(steps, 100.0)),
            (zero, np.full(steps, 500.0), zero, 500.0 - 350.0 * nasal),
        ),
        start=8,
    ):
        sections[:, i, 3:] = _resonator(pole, pole_width)
        roots = _resonator(root, root_width)
        sections[:, i, :3] = roots * (sections[:, i, 3:].sum(axis=1) / roots.sum(axis=1))[:, None]
    return _cascade(excitation, sections, _STEP)


@njit(cache=True, nogil=True)
def _cascade(x: Array, sections: Array, step: int) -> Array:  # pragma: no cover
    """Run *x* through second-order sections [T, S, 6] that change all the time.

    Coefficients are interpolated from sample to sample, which keeps every section stable (the stable ones form a
    triangle), and states are past inputs and outputs, so that a change of coefficients does not click.
    """
    steps, count, _ = sections.shape
    past = np.zeros((count, 4))
    out = np.empty_like(x)
    for n in range(len(x)):
        place = min(max((n + 0.5) / step - 0.5, 0.0), steps - 1.0)
        i = min(int(place), max(steps - 2, 0))
        j = min(i + 1, steps - 1)
        share = place - i
        y = x[n]
        for s in range(count):
            p, q = sections[i, s], sections[j, s]
            new = (p[0] + share * (q[0] - p[0])) * y
            new += (p[1] + share * (q[1] - p[1])) * past[s, 0] + (p[2] + share * (q[2] - p[2])) * past[s, 1]
            new -= (p[4] + share * (q[4] - p[4])) * past[s, 2] + (p[5] + share * (q[5] - p[5])) * past[s, 3]
            past[s, 1], past[s, 0] = past[s, 0], y
            past[s, 3], past[s, 2] = past[s, 2], new
            y = new
        out[n] = y
    return out


def _resonator(frequency: Array, width: Array) -> Array:
    """Polynomial [..., 3] with roots at *frequency* and bandwidth *width*, both in Hz."""
    radius = np.exp(-np.pi * width / _RATE)
    first = -2.0 * radius * np.cos(2 * np.pi * frequency / _RATE)
    return np.stack([np.ones_like(first), first, radius**2], axis=-1)


# --- noise --------------------------------------------------------------------------------------------------------


def _hisses(run: list[Phone], shapes: list[Target], at: int, length: int, rng: Generator) -> Array:
    """Frication and bursts [length] from sample *at* on."""
    out = np.zeros(length)
    for i, (phone, shape) in enumerate(zip(run, shapes, strict=True)):
        if not shape.noise or not shape.bands:
            continue
        if shape.manner == "stop":
            begin, end, rise, fall = _release(run, shapes, i)[0], phone.end, 0.001, 0.012
            end = min(begin + 0.014, max(end, begin + 0.006))
        elif shape.manner == "affricate":
            begin, end, rise, fall = _release(run, shapes, i)[0], phone.end + 0.008, 0.004, 0.016
        else:
            begin, end, rise, fall = phone.start - 0.008, phone.end + 0.008, 0.02, 0.02
        first = max(round(begin * _RATE) - at, 0)
        count = min(round((end - begin) * _RATE), length - first)
        if count > 1:
            out[first : first + count] += shape.noise * _hiss(count, shape, rng) * _envelope(count, rise, fall)
    return out


def _hiss(count: int, shape: Target, rng: Generator) -> Array:
    """White noise [count] through the bands of *shape*, with an expected RMS of 1."""
    frequency = np.fft.rfftfreq(count, 1.0 / _RATE)
    curve = np.full(len(frequency), 0.01)
    for centre, width, gain in shape.bands:
        curve += gain * np.exp(-0.5 * ((frequency - centre) / width) ** 2)
    spectrum = np.fft.rfft(rng.standard_normal(count)) * curve
    return np.fft.irfft(spectrum, count) / float(np.sqrt(np.mean(curve**2)))


def _envelope(count: int, rise: float, fall: float) -> Array:
    """Raised-cosine edges of *rise* and *fall* seconds, shortened when they do not fit."""
    t = np.arange(count) + 0.5
    up, down = (min(edge * _RATE, count / 2) for edge in (rise, fall))
    level = np.minimum(np.minimum(t / up, (count - t) / down), 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * level)
