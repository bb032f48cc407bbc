"""When the text is known: which of its sounds is heard when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.signals.chunks import phones_of, whole
from vultus.signals.decode import blend, fit, hear, spread, trusted
from vultus.signals.features import RATE, Resampler, as_mono, features
from vultus.signals.phones import SILENCE, Phone, fill
from vultus.signals.text import words

LONGEST = 30.0
"""Seconds up to which sound is first tried in one piece; longer sound is read in windows, at the same cost a second."""
_SHORTEST = 0.03  # seconds of a word that was heard
_ENOUGH = 0.7
"""The share of trusted words from which one alignment of everything is kept; below, the text is searched in windows."""


def align(samples: NDArray[np.generic], text: str, rate: int = RATE) -> list[Phone]:
    """The phones of *text* at their times in *samples* ([N], mono), gapless from 0 to the end of the sound.

    Never fails. Where the sound does not follow the text (another text, words left out) its phones are recognised
    instead; if neither gives anything, those of the text are spread over the frames that are speech. English
    pronunciations; other scripts are transliterated. Alignment is by hidden Markov models (pocketsphinx).
    """
    x = as_mono(samples)
    if rate != RATE:
        resampler = Resampler(rate)
        x = np.concatenate([resampler.push(x), resampler.finish()])
    length = len(x) / RATE
    spoken = [w.text for w in words(text)]
    if not spoken:
        return fill(whole(phones_of([x], first_window=20.0)), 0.0, length)
    if length <= LONGEST:
        features_ = features(x)
        found = fit(x, spoken)
        if found is not None:
            heard = hear(x, features_, quick=True)
            trust = trusted(found, heard, features_)
            if trust.mean() >= _ENOUGH:
                return fill(blend(found, heard, trust), 0.0, length)
    phones = whole(phones_of([x], text, first_window=10.0))
    if length <= LONGEST and all(p.ipa == SILENCE for p in phones):
        phones = spread(spoken, features_)
    return fill(phones, 0.0, length)


def word_times(samples: NDArray[np.generic], text: str, rate: int = RATE) -> list[tuple[str, float, float]]:
    """The words of *text* in their order with start and end in seconds of the sound ([N], mono; its first 30 s count).

    Words that come after the end of the sound are left out; empty when the sound does not follow the text.
    """
    x = as_mono(samples)
    if rate != RATE:
        resampler = Resampler(rate)
        x = np.concatenate([resampler.push(x), resampler.finish()])
    spoken = [w.text for w in words(text)]
    heard = x[: int(LONGEST * RATE)]
    found = fit(heard, spoken) or fit(heard, spoken, whole=False)
    if found is None:
        return []
    timed = zip(spoken[found.first : found.last], found.starts, found.ends, strict=True)
    return [(word, start, end) for word, start, end in timed if end - start >= _SHORTEST]
