"""Phones of one window of sound, at most about a minute: heard freely, fitted to words, or spread by rule.

Times are seconds from the window's first sample. Windows of any length are cut by :mod:`vultus.signals.chunks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vultus.channels import VISEMES
from vultus.signals import sphinx
from vultus.signals.features import FEATURE_RATE, HOP, RATE, Features
from vultus.signals.phones import SILENCE, Phone, fill, from_arpabet
from vultus.signals.pronounce import pronunciations, stresses, typical

Float = NDArray[np.float32]

PAD = 0.25
"""Seconds of near silence around a window; without it one alignment in five fails."""
_DITHER = 2e-4
_AROUND = 0.8
"""Seconds on either side of a word in which its fit is judged."""
LEAST, SURE = 0.38, 0.5
"""Shares of agreeing frames from which a word is trusted: one that is due, and one that a lost reader comes upon.

They hold for clean sound, that is 35 dB or more between its 5 % and 95 % levels.
"""


@dataclass(frozen=True)
class Fit:
    """How far a window of sound gets in a list of words.

    ``phones`` end with the last word; ``first`` and ``last`` are the first word heard and one past the last;
    ``starts`` and ``ends`` are the times of those words in seconds.
    """

    phones: tuple[Phone, ...]
    first: int
    last: int
    starts: tuple[float, ...]
    ends: tuple[float, ...]


def _padded(samples: Float, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    pieces = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    # As loud as the background: from digital silence the decoder would learn that there is no noise to remove.
    level = float(np.percentile(np.sqrt((pieces**2).mean(1)), 5)) if len(pieces) else 0.0
    before, after = rng.normal(0, level, (2, int(PAD * RATE)))
    x = np.concatenate([before, samples, after])
    # Digital silence has no spectrum to compare; a little noise, the same each time, has.
    return sphinx.pcm((x + rng.normal(0, _DITHER, len(x))).astype(np.float32))


def hear(samples: Float, features: Features, *, quick: bool = False) -> list[Phone]:
    """Phones that the sound itself suggests, gapless over the window; silence where no one speaks.

    *features* are those of *samples*. Phones of a single frame and silences under 40 ms go to their neighbours.
    """
    length = len(samples) / RATE
    if not (features.speech > 0.5).any():
        return fill([], 0.0, length)
    segments = sphinx.free_phones(_padded(samples), quick=quick)
    found = [Phone(a - PAD, b - PAD, from_arpabet(name)[0]) for a, b, name in segments]
    return cleaned(found, features, length)


def cleaned(phones: Sequence[Phone], features: Features, length: float) -> list[Phone]:
    """*phones* that were heard in a window of *length* seconds, gapless, with silence where no one speaks."""
    return fill(_merged(_gated(fill(phones, 0.0, length), features)), 0.0, length)


def _gated(phones: Sequence[Phone], features: Features) -> list[Phone]:
    """Phones become silence where fewer than half of their frames are speech."""
    out = []
    for p in phones:
        frames = features.speech[int(p.start * FEATURE_RATE) : max(int(p.start * FEATURE_RATE) + 1, round(p.end * 100))]
        spoken = len(frames) > 0 and float((frames > 0.5).mean()) >= 0.5
        out.append(p if spoken else Phone(p.start, p.end, SILENCE))
    return out


def _merged(phones: Sequence[Phone]) -> list[Phone]:
    out: list[Phone] = []
    for p in phones:
        short = p.duration < (0.04 if p.ipa == SILENCE else 0.025)
        if out and (out[-1].ipa == p.ipa or (short and out[-1].ipa != SILENCE)):
            out[-1] = Phone(out[-1].start, p.end, out[-1].ipa)
        else:
            out.append(p)
    return out


def fit(samples: Float, words: Sequence[str], *, whole: bool = True, late: int = 0) -> Fit | None:
    """Align *words* with the sound, or None if they do not fit it.

    With *whole* the sound says all the words; otherwise it stops after some of them, and *late* allows it to begin with
    any of the first *late* + 1. If nothing is found, a second try searches wider, with other dither.
    """
    if not words or len(samples) < RATE // 20:
        return None
    for seed, wide in enumerate((False,) if late else (False, True)):
        sound = _padded(samples, seed)
        first, last, end = (0, len(words), 0.0) if whole else sphinx.forced_words(sound, words, wide=wide, late=late)
        if last <= first:
            continue
        cut = sound
        if last < len(words):
            # The second pass needs the words to fill the sound: cut it a little after the last word.
            cut = _padded(samples[: max(int((end - PAD) * RATE), RATE // 20)], seed)
        found = sphinx.forced_phones(cut, words[first:last], wide=wide)
        if found:
            return _fit(found, words, first, last, len(samples) / RATE)
    return None


def _fit(
    found: list[tuple[int, list[sphinx.Segment]]], words: Sequence[str], first: int, last: int, length: float
) -> Fit:
    phones: list[Phone] = []
    starts, ends = [], []
    for index, segments in found:
        names = tuple(name for _, _, name in segments)
        stress = stresses(words[first + index], names) if index >= 0 else (0,) * len(names)
        for (a, b, name), s in zip(segments, stress, strict=True):
            reduced = name == "AH" and not s and len([n for n in names if n != "AH"]) > 0 and index >= 0
            phones.append(Phone(a - PAD, b - PAD, from_arpabet("AH0" if reduced else name)[0], s))
        if index >= 0:
            starts.append(min(max(segments[0][0] - PAD, 0.0), length))
            ends.append(min(max(segments[-1][1] - PAD, 0.0), length))
    stop = ends[-1] if ends else 0.0
    return Fit(tuple(fill(phones, 0.0, stop)), first, last, tuple(starts), tuple(ends))


def trusted(found: Fit, heard: Sequence[Phone], features: Features, least: float = LEAST) -> NDArray[np.bool_]:
    """Which words of a fit the sound really says, bool [words].

    A transcript of something else is also aligned somehow. What tells is whether the mouth shapes agree with those of
    the phones that are *heard* freely in the same window, within a second around each word: on synthetic voices 55 to
    75 % of the frames agree for the right words and 20 to 30 % for others. Noise spoils free hearing long before it
    spoils a fit; the less the sound stands out of its background, the more the text is taken at its word.
    """
    count = len(features)
    agree = (_shapes(found.phones, count) == _shapes(heard, count)) & (features.speech > 0.5)
    sums = np.cumsum([[0, 0], *zip(agree, features.speech > 0.5, strict=True)], axis=0)
    starts, ends = np.asarray(found.starts), np.asarray(found.ends)
    first = np.clip(((starts - _AROUND) * FEATURE_RATE).astype(int), 0, count)
    last = np.clip(((ends + _AROUND) * FEATURE_RATE).astype(int), 0, min(count, round(ends[-1] * FEATURE_RATE)))
    last = np.maximum(last, first)
    same, spoken = (sums[last] - sums[first]).T
    quiet, loud = np.percentile(features.loudness, (5, 95)) if count else (0.0, 0.0)
    return same >= least * np.clip((loud - quiet - 15) / 20, 0, 1) * np.maximum(spoken, 1)


def _shapes(phones: Sequence[Phone], count: int) -> NDArray[np.int64]:
    out = np.zeros(count, np.int64)
    for p in phones:
        out[max(0, round(p.start * FEATURE_RATE)) : max(0, round(p.end * FEATURE_RATE))] = VISEMES.index(p.viseme)
    return out


def blend(found: Fit, heard: Sequence[Phone], trust: NDArray[np.bool_]) -> list[Phone]:
    """The phones of the trusted words of a fit, and between them those that were *heard*."""
    doubted = [(a, b) for a, b, t in zip(found.starts, found.ends, trust, strict=True) if not t]
    if not doubted:
        return list(found.phones)
    kept = [p for p in found.phones if not any(a <= (p.start + p.end) / 2 < b for a, b in doubted)]
    return kept + [
        replace(p, start=max(p.start, a), end=min(p.end, b))
        for a, b in doubted
        for p in heard
        if p.end > a and p.start < b
    ]


def spread(words: Sequence[str], features: Features) -> list[Phone]:
    """*words* over the frames that are speech, each phone as long as is typical; gapless over the window.

    The last resort, when neither the words fit nor anything else is heard; silence throughout if no frame is speech.
    """
    length = len(features) / FEATURE_RATE
    frames = np.flatnonzero(features.speech > 0.5)
    names: list[tuple[str, int]] = []
    for word in words:
        said = next(iter(pronunciations(word)), ())
        names += zip(said, stresses(word, said), strict=True)
    if not names or not len(frames):
        return fill([], 0.0, length)
    edges = np.cumsum([0.0, *(typical(name) for name, _ in names)])
    edges *= len(frames) / edges[-1]
    out: list[Phone] = []
    for (name, stress), a, b in zip(names, edges[:-1], edges[1:], strict=True):
        ipa = from_arpabet("AH0" if name == "AH" and not stress else name)[0]
        own = frames[int(a) : max(int(b), int(a) + 1)]
        runs = [r for r in np.split(own, np.flatnonzero(np.diff(own) > 1) + 1) if len(r)]
        out += [Phone(r[0] / FEATURE_RATE, (r[-1] + 1) / FEATURE_RATE, ipa, stress) for r in runs]
    return fill(out, 0.0, length)
