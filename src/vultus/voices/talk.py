"""A text as sound and phones at once, for a face and for a sound track, without keeping either in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final

import numpy as np

from vultus.signals.chunks import SpeechSpan
from vultus.signals.features import features
from vultus.signals.phones import Phone
from vultus.voices.engines import DEFAULT, stream
from vultus.voices.finish import Samples

RATE: Final = 24000
"""Hz at which a text is spoken: the neural voices' own."""


@dataclass(frozen=True)
class _Place:
    """Where a sentence lies in the sound, in seconds, and in the file, in samples."""

    start: float
    end: float
    first: int
    count: int
    phones: tuple[Phone, ...]


class Talk:
    """A spoken text that several readers may read, each at its own pace and each more than once.

    A sentence is made when the first reader comes to it, and its sound waits in a temporary file for the others.
    """

    def __init__(self, text: str, voice: str = "", seed: int = 0) -> None:
        """Begin to say *text* (see `vultus.voices.engines.stream`, also for errors); nothing is said yet."""
        self._sentences = stream(text, voice=voice or DEFAULT, rate=RATE, seed=seed)
        self._places: list[_Place] = []
        self._file = TemporaryFile(prefix="vultus-talk-")  # noqa: SIM115  # closed by __exit__
        self._lock = threading.Lock()

    def __enter__(self) -> Talk:
        """The talk itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the sound."""
        self._file.close()

    def spans(self) -> Iterator[SpeechSpan]:
        """The sentences as a driver takes them."""
        i = 0
        while (found := self._take(i)) is not None:
            place, samples = found
            yield SpeechSpan(place.start, place.end, place.phones, replace(features(samples, RATE), start=place.start))
            i += 1

    def blocks(self, rate: int) -> Iterator[Samples]:
        """The sound in blocks of up to a second at *rate* Hz."""
        from vultus.io.audio import resample

        i = 0
        while (found := self._take(i)) is not None:
            heard = resample(found[1], RATE, rate)
            yield from (heard[at : at + rate] for at in range(0, len(heard), rate))
            i += 1

    def _take(self, i: int) -> tuple[_Place, Samples] | None:
        """Sentence *i* and its samples, or None behind the last one."""
        with self._lock:
            if i == len(self._places):
                sentence = next(self._sentences, None)
                if sentence is None:
                    return None
                first = self._places[-1].first + self._places[-1].count if self._places else 0
                self._file.seek(4 * first)
                self._file.write(sentence.samples.astype("<f4").tobytes())
                place = _Place(sentence.start, sentence.end, first, len(sentence.samples), sentence.phones)
                self._places.append(place)
            place = self._places[i]
            self._file.seek(4 * place.first)
            return place, np.frombuffer(self._file.read(4 * place.count), "<f4").astype(np.float32)
