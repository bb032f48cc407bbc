"""Speech that arrives in chunks, cut into spans at pauses: phones and features of each, in one pass.

What was given out never changes, spans follow one another without gap, and neither spans nor memory depend on the
chunk sizes or grow with the length of the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.decode import LEAST, SURE, Fit, blend, fit, hear, trusted
from vultus.signals.features import FEATURE_RATE, HOP, RATE, Features, FeatureStream, Float, Resampler, as_mono, join
from vultus.signals.phones import Phone, fill
from vultus.signals.text import words as words_of

Ear = Callable[[Float, Features], list[Phone]]
"""What hears phones in a window of sound, gapless, such as :func:`vultus.signals.decode.hear`."""
CONTEXT: Final = 30
"""Frames of sound (0.3 s) on either side of a span that its decoder also hears."""
_FASTEST: Final = 7
"""Words a second that no one speaks faster than for long."""
_SEARCH: Final = 40
"""Words that a lost reader looks ahead to find its place again."""


@dataclass(frozen=True, eq=False)
class SpeechSpan:
    """A stretch of sound from ``start`` to ``end`` seconds, both on the grid of 10 ms (but for the end of the sound).

    ``phones`` cover it without gap, in seconds of the whole sound; ``features`` are its frames.
    """

    start: float
    end: float
    phones: tuple[Phone, ...]
    features: Features


def phones_of(
    chunks: Iterable[NDArray[np.generic]],
    text: str | None = None,
    *,
    rate: int = RATE,
    window: float = 20.0,
    first_window: float = 2.0,
    ear: Ear = hear,
) -> Iterator[SpeechSpan]:
    """Spans of the speech in *chunks* (mono, [N] each, *rate* Hz), each as soon as its sound is there.

    The first span is at most *first_window* seconds long, so that it comes soon, and each next one at most twice the
    one before, up to *window* seconds. Spans end in pauses where there are any. With *text* the phones are those of
    its words, aligned; where the sound does not follow the text, and everywhere without it, *ear* recognises them.
    """
    reader = _Reader(text)
    sound = _Sound(rate)
    size = max(round(min(first_window, window) * FEATURE_RATE), 20)
    limit = max(round(window * FEATURE_RATE), 20)
    for chunk in chunks:
        sound.push(chunk)
        while sound.frames >= size + CONTEXT:
            yield _next(sound, reader, ear, size, last=False)
            size = min(2 * size, limit)
    sound.finish()
    while sound.frames:
        last = sound.frames <= size
        yield _next(sound, reader, ear, min(size, sound.frames), last=last)
        size = min(2 * size, limit)


def whole(spans: Iterable[SpeechSpan]) -> list[Phone]:
    """The phones of all *spans*, gapless; a phone that the border of two spans cut is one again."""
    out: list[Phone] = []
    for span in spans:
        for i, phone in enumerate(span.phones):
            if i == 0 and out and out[-1].ipa == phone.ipa:
                out[-1] = replace(out[-1], end=phone.end)
            else:
                out.append(phone)
    return out


class _Sound:
    """The sound and features from shortly before the next span on."""

    def __init__(self, rate: int) -> None:
        self._resampler = None if rate == RATE else Resampler(rate)
        self._stream = FeatureStream()
        self._samples: list[Float] = []
        self._features: list[Features] = []
        self.first = 0  # frame that the next span begins with
        self._kept = 0  # frames before it that are still here
        self.frames = 0  # frames from there on whose features are known
        self.total = 0  # samples received

    def push(self, chunk: NDArray[np.generic]) -> None:
        x = as_mono(chunk)
        self._add(x if self._resampler is None else self._resampler.push(x))

    def finish(self) -> None:
        if self._resampler is not None:
            self._add(self._resampler.finish())
        self._keep(self._stream.finish())

    def _add(self, x: Float) -> None:
        if len(x):
            self._samples.append(x)
            self.total += len(x)
            self._keep(self._stream.push(x))

    def _keep(self, features: Features) -> None:
        if len(features):
            self._features.append(features)
            self.frames += len(features)

    def take(self, before: int, after: int) -> tuple[Float, Features]:
        """Sound and features from *before* frames before the next span to *after* frames after its start."""
        self._samples, self._features = [np.concatenate(self._samples)], [join(self._features)]
        a, b = self._kept - min(before, self._kept), self._kept + after
        return self._samples[0][a * HOP : b * HOP], self._features[0][a:b]

    def advance(self, count: int) -> None:
        """Let the span of *count* frames go, but for the context of the next one."""
        drop = max(0, self._kept + count - CONTEXT)
        self._samples = [self._samples[0][drop * HOP :].copy()]
        self._features = [join([self._features[0][drop:]])]  # a copy, so that what is gone can be freed
        self._kept += count - drop
        self.first += count
        self.frames -= count

    @property
    def context(self) -> int:
        return min(self._kept, CONTEXT)


def _next(sound: _Sound, reader: _Reader, ear: Ear, size: int, *, last: bool) -> SpeechSpan:
    """The next span of at most *size* frames."""
    context = sound.context
    samples, features = sound.take(context, min(size + CONTEXT, sound.frames))
    count = size if last else pause(features[context : context + size])
    phones = reader.read(samples[context * HOP :], features[context:], size, last=last)
    if phones is None:
        phones = _within(ear(samples, features), context, count)
    else:
        count = round(phones[-1].end * FEATURE_RATE) if not last else count
    start = sound.first / FEATURE_RATE
    end = min((sound.first + count) / FEATURE_RATE, sound.total / RATE)
    moved = [replace(p, start=p.start + start, end=p.end + start) for p in phones]
    span = SpeechSpan(start, end, tuple(fill(moved, start, end)), features[context : context + count])
    sound.advance(count)
    return span


def _within(phones: Sequence[Phone], context: int, count: int) -> list[Phone]:
    """*phones* of a window that began *context* frames early, as seconds from where the span begins."""
    shift = context / FEATURE_RATE
    return fill((replace(p, start=p.start - shift, end=p.end - shift) for p in phones), 0.0, count / FEATURE_RATE)


def pause(features: Features) -> int:
    """The frame in a window's second half where a cut hurts least: amid the longest pause, or where it is quietest.

    Between 1 and ``len(features)``.
    """
    size = len(features)
    half = size // 2
    silent = np.flatnonzero(features.speech[half:] <= 0.5)
    if len(silent):
        runs = np.split(silent, np.flatnonzero(np.diff(silent) > 1) + 1)
        longest = max(runs, key=len)
        # A pause that lasts to the end of the window may go on: all of it belongs to this span.
        return size if longest[-1] == size - half - 1 else max(1, half + int(longest[len(longest) // 2]))
    smooth = np.convolve(features.loudness, np.full(9, 1 / 9, np.float32), "same")
    return max(1, half + int(np.argmin(smooth[half : size - 4 or None])))


class _Reader:
    """Follows a text through the sound, and finds its place again where the two part."""

    def __init__(self, text: str | None) -> None:
        self._words = [w.text for w in words_of(text)] if text else []
        self._at = 0
        self._sure = 0  # how far the text was surely followed: a lost reader looks from there
        self._lost = 0.0  # seconds of speech since the text and the sound parted

    def read(self, samples: Float, features: Features, size: int, *, last: bool) -> list[Phone] | None:
        """Phones from the start of the window of *size* frames to where it should be cut, by default its end.

        None where the text does not help.
        """
        spoken = float((features.speech[:size] > 0.5).sum()) / FEATURE_RATE
        if self._lost:
            self._at = self._sure
        if self._at >= len(self._words) or spoken < 0.1:
            return None
        length, features = size / FEATURE_RATE, features[:size]
        samples = samples[: size * HOP]
        late = min(_SEARCH + int(3 * self._lost), 8 * _SEARCH) if self._lost else 0
        ahead = self._words[self._at : self._at + int(length * _FASTEST) + 3 + late]
        whole_rest = last and not self._lost and self._at + len(ahead) == len(self._words)
        heard = hear(samples, features, quick=True)
        for whole in (True, False) if whole_rest else (False,):
            found = fit(samples, ahead, whole=whole, late=late)
            if found is None:
                continue
            trust = trusted(found, heard, features, SURE if late else LEAST)
            if trust.all() or (not whole and trust.mean() > 0.3):
                return self._accept(found, trust, heard, features, last=last)
        self._lost += spoken
        return None

    def _accept(
        self, found: Fit, trust: NDArray[np.bool_], heard: list[Phone], features: Features, *, last: bool
    ) -> list[Phone] | None:
        """Keep the words that are surely over; the cut is in the pause after them or where the next word starts."""
        length = len(features) / FEATURE_RATE
        phones = blend(found, heard, trust)
        count = int(np.flatnonzero(trust)[-1]) + 1
        parted = count < len(trust)
        self._lost = self._lost + length if parted else 0.0
        end = found.ends[count - 1]
        rest = features.speech[round(end * FEATURE_RATE) :] > 0.5
        ends_in_pause = length - end > 0.2 and rest.mean() < 0.5
        if last or (ends_in_pause and not parted):
            self._at += found.first + count
            self._sure = self._at if not parted else self._sure
            phones = [p for p in phones if p.start < end] + [p for p in heard if p.start >= end and parted]
            return fill(phones, 0.0, length)
        cut = end if parted else found.starts[-1]
        if cut < 0.2:
            self._lost += length
            return None
        self._at += found.first + (count if parted else count - 1)
        self._sure = self._at if not parted else self._sure
        return fill(phones, 0.0, cut)
