"""A sound as the judges hear it, in one pass: phones, words, accents, and what sync's network makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.channels import VISEMES
from vultus.critics.films import FPS, Stretches
from vultus.signals.align import LONGEST, word_times
from vultus.signals.chunks import SpeechSpan, phones_of, whole
from vultus.signals.features import FEATURE_RATE, RATE
from vultus.signals.phones import Phone

Array = NDArray[Any]
SILENT: Final = -60.0
"""Loudness in dB that something must reach to be heard at all."""
_PER_FRAME: Final = FEATURE_RATE // FPS
_APART: Final = 0.1  # seconds between accents, at least


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard in T frames at 25 a second.

    ``phones`` in seconds; they were ``aligned`` with a text, or else recognised. ``words`` (word, start, end) of the
    text, of the first 30 s. ``accents`` in seconds. ``embeddings`` [T, D] of sync, where its network was given.
    """

    seconds: float
    loudest: float
    phones: tuple[Phone, ...]
    aligned: bool
    words: tuple[tuple[str, float, float], ...]
    accents: NDArray[np.float64]
    embeddings: NDArray[np.float32] | None = None

    @property
    def silent(self) -> bool:
        """Nothing can be heard."""
        return self.loudest < SILENT

    def visemes(self, count: int) -> NDArray[np.int64]:
        """The viseme of each of *count* frames, by its place in ``channels.VISEMES``."""
        return visemes_of(self.phones, count, FPS)


def visemes_of(phones: tuple[Phone, ...], count: int, fps: float) -> NDArray[np.int64]:
    """The viseme at the middle of each of *count* frames; silence where there is no phone."""
    times, out = (np.arange(count) + 0.5) / fps, np.zeros(count, np.int64)
    for phone in phones:
        out[(times >= phone.start) & (times < phone.end)] = VISEMES.index(phone.viseme)
    return out


def listen(path: str | Path, text: str | None = None, embed: Callable[[Array], Array] | None = None) -> Heard:
    """Listen to any file with sound; *embed* takes log-mel [4 T, 80] to sync's embeddings [T, D].

    VultusError when it has no sound.
    """
    from vultus.io import audio

    kept: list[Array] = []
    spans = _spans(audio.stream(path, rate=RATE, block=RATE), text, kept)
    heard = _Ear(embed)
    phones = whole(heard.passing(spans))
    words = tuple(word_times(np.concatenate(kept), text, RATE)) if text and kept else ()
    return heard.finish(tuple(phones), bool(text), words)


def _spans(blocks: Iterator[Array], text: str | None, kept: list[Array]) -> Iterator[SpeechSpan]:
    def first() -> Iterator[Array]:
        seconds = 0.0
        for block in blocks:
            if text and seconds < LONGEST:
                kept.append(block)
            seconds += len(block) / RATE
            yield block

    return phones_of(first(), text, first_window=20.0)


class _Ear:
    """Keeps what :class:`Heard` holds while spans of sound pass."""

    def __init__(self, embed: Callable[[Array], Array] | None) -> None:
        self._stretches = Stretches(lambda crops: embed(crops.reshape(-1, crops.shape[2]))) if embed else None
        self._rest: Array = np.zeros((0, 80), np.float32)
        self._last: Array | None = None
        self._flux: list[Array] = []
        self._loudest, self._frames = -200.0, 0

    def passing(self, spans: Iterator[SpeechSpan]) -> Iterator[SpeechSpan]:
        for span in spans:
            if len(span.features):
                self._hear(span.features.mel, span.features.loudness)
            yield span

    def _hear(self, mel: Array, loudness: Array) -> None:
        self._loudest = max(self._loudest, float(loudness.max()))
        self._frames += len(mel)
        before = mel[:1] if self._last is None else self._last
        self._flux.append(np.maximum(np.diff(np.concatenate([before, mel]), axis=0), 0).mean(axis=1))
        self._last = mel[-1:]
        if self._stretches is not None:
            x = np.concatenate([self._rest, mel])
            count = len(x) // _PER_FRAME
            for i in range(count):
                self._stretches.push(x[i * _PER_FRAME : (i + 1) * _PER_FRAME])
            self._rest = x[count * _PER_FRAME :]

    def finish(self, phones: tuple[Phone, ...], aligned: bool, words: tuple[tuple[str, float, float], ...]) -> Heard:
        flux = np.concatenate(self._flux) if self._flux else np.zeros(0)
        embeddings = None
        if self._stretches is not None and self._frames >= _PER_FRAME:
            embeddings = np.asarray(self._stretches.finish()[0], np.float32)
        seconds = self._frames / FEATURE_RATE
        return Heard(seconds, self._loudest, phones, aligned, words, _onsets(flux), embeddings)


def _onsets(flux: Array) -> NDArray[np.float64]:
    """Seconds at which the spectrum rises most: peaks of the flux above its mean and half its deviation."""
    if len(flux) < 3:
        return np.zeros(0)
    x = np.convolve(flux, np.hanning(7)[1:-1] / np.hanning(7).sum(), "same")
    floor = x.mean() + 0.5 * x.std()
    peaks = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:]) & (x[1:-1] > floor)) + 1
    out: list[float] = []
    for peak in peaks:
        time = (peak + 0.5) / FEATURE_RATE
        if not out or time - out[-1] >= _APART:
            out.append(time)
    return np.array(out)
