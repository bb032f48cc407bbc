"""Containers of sound and pictures that are being written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.io import audio


@contextmanager
def writing(path: Path, kind: str, **options: str) -> Iterator[Any]:
    """A new file of FFmpeg's format *kind*, with the same bytes each time; an error inside is the one that is told."""
    container = av.open(f"file:{path}", "w", format=kind, options={"fflags": "+bitexact", **options})
    try:
        yield container
    except BaseException:
        with suppress(Exception):  # closing an unfinished file fails too: the first error is the one to tell
            container.close()
        raise
    container.close()


@contextmanager
def timed(path: Path, fps: Fraction, source: Source | None, kind: str) -> Iterator[Any]:
    """A file of FFmpeg's format *kind* for writing whose clock can state the length of picture and sound exactly."""
    clock = math.lcm(fps.numerator, source.rate if source else 1)
    clock = clock * -(-1000 // clock) if clock < 2**31 else 90000
    with writing(path, kind, movflags="+faststart", movie_timescale=str(clock)) as container:
        yield container


class Source:
    """The sound to be written: drawn from an iterable as needed, silence after its end."""

    def __init__(self, blocks: Iterable[NDArray[Any]], rate: int, channels: int) -> None:
        self.rate, self.channels = rate, channels
        self._blocks = iter(blocks)
        self._held: list[audio.Float] = []
        self._held_count = 0
        self._position = 0

    def add_track(self, container: Any) -> Any:
        """The AAC track of *container* for this sound."""
        each = min(128_000, 3 * self.rate)
        # With bits enough FFmpeg's fast coder is nearer to the sound than its default, at half the work: speech
        # at 48 kHz comes back with 51 dB against 34.
        coder = {"aac_coder": "fast"} if each >= 64_000 else {}
        return container.add_stream(
            "aac",
            rate=self.rate,
            layout=("mono", "stereo")[self.channels - 1],
            bit_rate=each * self.channels,
            options={"flags": "+bitexact", **coder},
        )

    def until(self, time: Fraction) -> av.AudioFrame | None:
        """The next samples up to *time* in seconds, as a planar float frame; None when there are none to add."""
        count = round(time * self.rate) - self._position
        if count <= 0:
            return None
        samples = self._take(count)
        layout = ("mono", "stereo")[self.channels - 1]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._position, Fraction(1, self.rate)
        self._position += count
        return frame

    def _take(self, count: int) -> audio.Float:
        """Exactly *count* samples [count, channels]."""
        while self._held_count < count:
            block = next(self._blocks, None)
            block = np.zeros((count, self.channels), np.float32) if block is None else np.asarray(block, np.float32)
            block = block[:, None] if block.ndim == 1 else block
            if block.ndim != 2 or block.shape[1] != self.channels:
                raise VultusError(
                    f"A block of sound of shape {block.shape} does not fit {self.channels} channels",
                    "Set audio_channels, or mix the sound to mono.",
                )
            self._held.append(audio.clean(block))
            self._held_count += len(block)
        joined = np.concatenate(self._held)
        self._held, self._held_count = [joined[count:]], len(joined) - count
        return joined[:count]
