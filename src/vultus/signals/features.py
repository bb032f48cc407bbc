"""What is heard, 100 times a second: log-mel, loudness, pitch and speech activity.

Frame ``k`` stands for the 10 ms of sound that begin at ``k / 100`` s; its windows are centred on the middle of them.
The stream computes in blocks of fixed size and place, so that its output does not depend on how the sound was cut into
chunks, not even in the last bit: :func:`features` is one push and a finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

Float = NDArray[np.float32]

RATE: Final = 16000
"""Samples a second that every analysis works at."""
FEATURE_RATE: Final = 100
"""Frames a second of :class:`Features`."""
HOP: Final = RATE // FEATURE_RATE
MELS: Final = 80
QUIET: Final = -100.0
"""The lowest loudness, in dB below a full-scale sine."""
MEL_FLOOR: Final = 1e-10
"""The mel power that the logarithm is floored at; log-mel is never below ``log(1e-10)`` = -23.03."""
PITCH_RANGE: Final = (60.0, 500.0)
"""The pitches that are looked for, in Hz."""
LOOKAHEAD: Final = 8
"""Frames of context that activity and pitch smoothing need after a frame: 80 ms before it can be given out."""

_WINDOW, _FFT = 400, 512
_LAG_LOW, _LAG_HIGH = int(RATE / PITCH_RANGE[1]), int(np.ceil(RATE / PITCH_RANGE[0]))
_PITCH_WINDOW, _PITCH_FFT = 400, 720
_PITCH_SPAN: Final = _PITCH_WINDOW + _LAG_HIGH + 1
_BLOCK: Final = 32
_LOWPASS: Final = 24
_BEFORE: Final = (max(_PITCH_SPAN, _WINDOW) - HOP) // 2 + 1 + _LOWPASS
_AFTER: Final = _BEFORE
_HANGOVER: Final = 15
_PAST: Final = _HANGOVER + 1


@dataclass(frozen=True, eq=False)
class Features:
    """Frames at 100 Hz; ``start`` is the time of the first one in seconds. All arrays have one row a frame.

    * ``mel`` float32 [N, 80]: natural logarithm of mel power, at least -23.03. Window 25 ms (Hann), hop 10 ms,
      Slaney's mel scale from 0 to 8000 Hz with bands of unit area (Slaney 1998, *Auditory Toolbox*).
    * ``loudness`` float32 [N] in [-100, 20]: power above 60 Hz of the same windows in dB re a full-scale sine,
      unweighted.
    * ``pitch`` float32 [N]: Hz in [60, 500], 0 where unvoiced.
    * ``voicing`` float32 [N] in [0, 1]: how periodic the sound is (height of the normalised correlation's peak).
    * ``speech`` float32 [N] in [0, 1]: how surely someone speaks; above 0.5 counts as speech. It rises 50 ms before and
      falls 150 ms after the sound, so that weak consonants at the edges are kept.
    """

    start: float
    mel: Float
    loudness: Float
    pitch: Float
    voicing: Float
    speech: Float

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.loudness)

    @property
    def end(self) -> float:
        """Seconds at which the last frame ends."""
        return self.start + len(self) / FEATURE_RATE

    def times(self) -> NDArray[np.float64]:
        """Seconds at the middle of each frame, float64 [N]."""
        return self.start + (np.arange(len(self)) + 0.5) / FEATURE_RATE

    def __getitem__(self, frames: slice) -> Features:
        """Some of the frames (a slice without a step)."""
        first, last, step = frames.indices(len(self))
        if step != 1:
            raise VultusError("Features are sliced without a step")
        cut = (getattr(self, f.name)[first:last] for f in fields(self)[1:])
        return Features(self.start + first / FEATURE_RATE, *cut)


def join(parts: Sequence[Features]) -> Features:
    """Features that follow one another as one; at least one part."""
    arrays = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Features)[1:])
    return Features(parts[0].start, *arrays)


def features(samples: NDArray[np.generic], rate: int = RATE) -> Features:
    """Features of a whole recording: ``ceil(100 * seconds)`` frames. See :class:`FeatureStream` for what it takes."""
    stream = FeatureStream(rate)
    return join([stream.push(samples), stream.finish()])


def as_mono(samples: NDArray[np.generic]) -> Float:
    """One channel of sound as finite float32 in [-4, 4]; whole numbers are scaled by their type's range.

    Raises :class:`VultusError` for any shape but [N].
    """
    x = np.asarray(samples)
    if x.ndim != 1:
        raise VultusError(f"Sound must have the shape [N], not {list(x.shape)}", "Mix the channels to one.")
    if x.dtype.kind in "iu":
        middle = 0 if x.dtype.kind == "i" else 1 << (8 * x.itemsize - 1)
        return ((x.astype(np.float64) - middle) / float(1 << (8 * x.itemsize - 1))).astype(np.float32)
    if x.dtype.kind not in "f":
        raise VultusError(f"Sound cannot be {x.dtype}", "Give float32 in [-1, 1].")
    with np.errstate(over="ignore"):
        finite = np.nan_to_num(x.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(finite, -4.0, 4.0)


class FeatureStream:
    """Features of sound that arrives in chunks of any size; memory does not grow with what was pushed.

    ``rate`` is the rate of the chunks in Hz (8000 to 192000); other rates than 16000 are resampled with a windowed
    sinc. Chunks are float [N] in [-1, 1] or whole numbers; what is not finite counts as silence.
    """

    def __init__(self, rate: int = RATE) -> None:
        """Start at time 0 with an empty past."""
        self._resampler = None if rate == RATE else Resampler(rate)
        self._samples: Float = np.zeros(_BEFORE, np.float32)  # from _BEFORE samples before the current block on
        self._received = 0
        self._block = 0  # index of the block that _samples begins with
        self._done = 0  # frames of that block that the smoother already has
        self._smoother = _Smoother()

    def push(self, samples: NDArray[np.generic]) -> Features:
        """Take the next chunk and give out the frames that it completes, often none."""
        x = as_mono(samples)
        return self._advance(x if self._resampler is None else self._resampler.push(x), last=False)

    def finish(self) -> Features:
        """Give out the frames that waited for what comes after them, as if silence followed."""
        rest = np.zeros(0, np.float32) if self._resampler is None else self._resampler.finish()
        return self._advance(rest, last=True)

    @property
    def waiting(self) -> Float:
        """The log-mel [N, 80] of the next frames, which is known before their activity and pitch are; N is up to 8."""
        return self._smoother.waiting

    def _advance(self, x: Float, *, last: bool) -> Features:
        self._received += len(x)
        self._samples = np.concatenate([self._samples, x])
        ready = -(-self._received // HOP) if last else max(0, (self._received - _AFTER) // HOP)
        raw: list[tuple[Float, ...]] = []
        at = 0
        while self._block * _BLOCK + self._done < ready:
            count = min(_BLOCK, ready - self._block * _BLOCK)
            rows = _analyse(self._samples[at : at + _BEFORE + _BLOCK * HOP + _AFTER])
            raw.append(tuple(r[self._done : count] for r in rows))
            self._done = count
            if count == _BLOCK:
                at += _BLOCK * HOP
                self._block, self._done = self._block + 1, 0
        self._samples = self._samples[at:].copy() if at else self._samples
        return self._smoother.push(raw, last=last)


def _analyse(samples: Float) -> tuple[Float, Float, Float, Float]:
    """Log-mel [B, 80], loudness [B], raw pitch [B] and periodicity [B] of one block.

    *samples* begin ``_BEFORE`` samples before the block; what is missing at the end counts as silence.
    """
    size = _BEFORE + _BLOCK * HOP + _AFTER
    x = samples if len(samples) == size else np.concatenate([samples, np.zeros(size - len(samples), np.float32)])

    def windows(of: Float, length: int) -> Float:
        first = _BEFORE - (length - HOP) // 2
        return np.lib.stride_tricks.sliding_window_view(of, length)[first::HOP][:_BLOCK]

    hann, bank, lowpass = _constants()
    w = windows(x, _WINDOW)
    spectrum = np.fft.rfft((w - w.mean(1, keepdims=True)) * hann, _FFT)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    mel = np.log(np.maximum(power @ bank, MEL_FLOOR))
    # Parseval; a full-scale sine has mean square 1/2, hence 0 dB.
    mean_square = 2 * power[:, 2:].sum(1) / (_FFT * float((hann**2).sum()))
    loudness = np.maximum(10 * np.log10(np.maximum(2 * mean_square, 1e-12)), QUIET).astype(np.float32)
    pitch, peak = _pitch(windows(np.convolve(x, lowpass, "same").astype(np.float32), _PITCH_SPAN))
    return mel, loudness, pitch, peak


@lru_cache(maxsize=1)
def _constants() -> tuple[Float, Float, Float]:
    """Hann window, mel filters, and the 1 kHz low-pass that leaves the pitch but few formants to correlate."""
    hann = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    lowpass = np.hamming(2 * _LOWPASS + 1) * np.sinc(np.arange(-_LOWPASS, _LOWPASS + 1) / 8)
    return hann, mel_bank(MELS, _FFT), (lowpass / lowpass.sum()).astype(np.float32)


def mel_edges(bands: int) -> NDArray[np.float64]:
    """Where bands that are equally wide on Slaney's mel scale meet, in Hz from 0 to 8000: float64 [bands + 2].

    The middle of band i is edge i + 1. The scale is linear up to 1000 Hz (200/3 Hz a mel) and logarithmic above (6.4
    times in 27 mels).
    """
    top = 15 + 27 * np.log(RATE / 2000) / np.log(6.4)
    mels = np.linspace(0, top, bands + 2)
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))


def mel_bank(bands: int, fft: int) -> Float:
    """Triangular filters at the edges of :func:`mel_edges`, each of unit area in Hz: float32 [fft / 2 + 1, bands]."""
    edges = mel_edges(bands)
    hz = np.arange(fft // 2 + 1)[:, None] * RATE / fft
    low, mid, high = edges[:-2], edges[1:-1], edges[2:]
    triangle = np.minimum((hz - low) / (mid - low), (high - hz) / (high - mid))
    # The signal is scaled to unit power gain of the window, so that a band of white noise reads its own power density.
    return (np.maximum(triangle, 0) * 2 / (high - low)).astype(np.float32)


def _pitch(w: Float) -> tuple[Float, Float]:
    """Pitch in Hz and the height of its correlation peak, both float32 [B], from windows [B, span].

    Normalised cross-correlation (Talkin 1995, *RAPT*) by FFT; of the peaks nearly as high as the highest, the one with
    the shortest lag, which avoids the octave below (as the threshold of YIN, de Cheveigné and Kawahara 2002).
    """
    w = w - w.mean(1, keepdims=True)
    head = np.fft.rfft(w[:, :_PITCH_WINDOW], _PITCH_FFT)
    r = np.fft.irfft(np.conj(head) * np.fft.rfft(w, _PITCH_FFT), _PITCH_FFT)[:, : _LAG_HIGH + 1]
    energy = np.cumsum(np.pad(w.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    e = np.maximum(energy[:, _PITCH_WINDOW : _PITCH_WINDOW + _LAG_HIGH + 1] - energy[:, : _LAG_HIGH + 1], 0)
    # The constant keeps what is quieter than about -60 dB from counting as periodic.
    c = (r / np.sqrt(e[:, :1] * e + (1e-6 * _PITCH_WINDOW) ** 2)).astype(np.float32)
    mid = c[:, _LAG_LOW:_LAG_HIGH]
    is_peak = (mid >= c[:, _LAG_LOW - 1 : _LAG_HIGH - 1]) & (mid > c[:, _LAG_LOW + 1 :])
    heights = np.where(is_peak, mid, 0)
    top = heights.max(1, keepdims=True)
    rows = np.arange(len(w))
    best = np.argmax(is_peak & (heights >= 0.9 * top), axis=1)
    lag = best + _LAG_LOW
    a, b, d = c[rows, lag - 1], c[rows, lag], c[rows, lag + 1]
    bend = a - 2 * b + d
    shift = np.where(np.abs(bend) > 1e-6, 0.5 * (a - d) / np.where(np.abs(bend) > 1e-6, bend, 1), 0)
    hz = np.clip(RATE / (lag + np.clip(shift, -0.5, 0.5)), *PITCH_RANGE)
    found = heights[rows, best] > 0
    return np.where(found, hz, 0).astype(np.float32), np.clip(np.where(found, b, 0), 0, 1).astype(np.float32)


class _Smoother:
    """Joins frames over time: the noise floor, speech activity with its margins, and pitch without octave slips."""

    def __init__(self) -> None:
        self._floor = -60.0
        self._frames = 0
        blank = np.zeros(_PAST, np.float32)
        self._past: tuple[Float, ...] = (np.zeros((_PAST, MELS), np.float32), blank, blank, blank, blank)
        # rows: mel, loudness, raw pitch, voicing, raw speech; the last LOOKAHEAD of them have not been given out

    @property
    def waiting(self) -> Float:
        return self._past[0][_PAST:]

    def push(self, raw: Sequence[tuple[Float, ...]], *, last: bool) -> Features:
        new = [np.concatenate([rows[i] for rows in raw]) if raw else self._past[i][:0] for i in range(4)]
        new.append(self._activity(new[1], new[3]))
        arrays = [np.concatenate([a, b]) for a, b in zip(self._past, new, strict=True)]
        total = len(arrays[1]) - _PAST  # frames not yet given out
        count = total if last else max(0, total - LOOKAHEAD)
        if last:
            arrays = [np.concatenate([a, np.zeros((LOOKAHEAD, *a.shape[1:]), np.float32)]) for a in arrays]
        out = self._smooth(arrays, count)
        self._past = tuple(a[count:].copy() for a in arrays)
        start = self._frames / FEATURE_RATE
        self._frames += count
        return Features(start, *out)

    def _activity(self, loudness: Float, peak: Float) -> Float:
        """Probability of speech of each frame alone, from how far it stands above the running noise floor.

        The floor falls fast and rises slowly, and hardly at all through voiced sound, which noise is not.
        """
        floors = np.empty(len(loudness), np.float32)
        for i, (level, periodic) in enumerate(zip(loudness.tolist(), peak.tolist(), strict=True)):
            if level < self._floor:
                self._floor += 0.3 * (level - self._floor)
            else:
                self._floor += min(level - self._floor, 0.01 if periodic > 0.6 else 0.06)
            self._floor = max(self._floor, -72.0)
            floors[i] = self._floor
        above = loudness - floors + 6 * (peak - 0.5)
        return (1 / (1 + np.exp(-np.clip((above - 10) / 2, -30, 30)))).astype(np.float32)

    @staticmethod
    def _smooth(rows: Sequence[Float], count: int) -> tuple[Float, ...]:
        mel, loudness, pitch, peak, raw = rows
        if count == 0:
            return mel[:0], loudness[:0], pitch[:0], peak[:0], raw[:0]
        here = slice(_PAST, _PAST + count)
        view = np.lib.stride_tricks.sliding_window_view
        # One frame of noise is a click; the mean of three asks that it lasts.
        steady = (raw[:-2] + raw[1:-1] + raw[2:]) / np.float32(3)
        speech = view(steady, _HANGOVER + 6)[:count].max(1)
        around = slice(_PAST - 2, _PAST + count + 2)
        near, voiced = view(pitch[around], 5), view((peak[around] > 0.5) & (pitch[around] > 0), 5)
        middle = np.sort(np.where(voiced, near, np.inf), axis=1)
        typical = middle[np.arange(count), (np.maximum(voiced.sum(1), 1) - 1) // 2]
        # Voiced means most of five frames are periodic and the frame is no part of the background.
        is_voiced = (voiced.sum(1) >= 3) & voiced[:, 2] & (speech > 0.5)
        ratio = np.where(is_voiced, near[:, 2], 1) / np.where(is_voiced, typical, 1)
        slip = (ratio < 0.78) | (ratio > 1.28)
        hz = np.where(is_voiced, np.where(slip, typical, near[:, 2]), 0)
        return mel[here], loudness[here], hz.astype(np.float32), peak[here], speech


class Resampler:
    """Brings chunks of any size from *rate* Hz to 16000 Hz: polyphase windowed sinc, 16 zero crossings a side.

    The output does not depend on the chunk sizes. Raises :class:`VultusError` for a rate outside 8000 to 192000.
    """

    def __init__(self, rate: int) -> None:
        """Build the filter of every phase."""
        if not 8000 <= rate <= 192000:
            raise VultusError(f"A rate of {rate} Hz is outside 8000 to 192000", "Convert the sound first.")
        common = int(np.gcd(rate, RATE))
        self._up, self._down = RATE // common, rate // common
        cut = min(1.0, RATE / rate) * 0.95
        self._half = int(np.ceil(16 / cut))
        taps = np.arange(-self._half + 1, self._half + 1)
        at = taps[None] - np.arange(self._up)[:, None] / self._up
        window = np.cos(np.pi / 2 * np.clip(at / self._half, -1, 1)) ** 2
        table = cut * np.sinc(cut * at) * window
        self._table = (table / table.sum(1, keepdims=True)).astype(np.float32)
        self._samples: Float = np.zeros(self._half - 1, np.float32)
        self._first = -(self._half - 1)  # input index of _samples[0]
        self._next = 0  # output index to be made

    def push(self, samples: Float) -> Float:
        """The output samples that *samples* complete."""
        self._samples = np.concatenate([self._samples, samples])
        known = self._first + len(self._samples) - self._half - 1  # the last input index with its whole right side
        return self._make(max(self._next, (known * self._up) // self._down + 1 if known >= 0 else 0))

    def finish(self) -> Float:
        """The rest, as if silence followed; all in all ``ceil(samples * 16000 / rate)`` come out."""
        total = -(-(self._first + len(self._samples)) * self._up // self._down)
        self._samples = np.concatenate([self._samples, np.zeros(self._half, np.float32)])
        return self._make(max(total, self._next))

    def _make(self, stop: int) -> Float:
        index = np.arange(self._next, stop, dtype=np.int64) * self._down
        whole, phase = index // self._up, index % self._up
        starts = whole - self._half + 1 - self._first
        pieces = [
            np.einsum("nk,nk->n", self._samples[s[:, None] + np.arange(2 * self._half)], self._table[p])
            for s, p in zip(np.array_split(starts, -(-len(starts) // 4096) or 1),
                            np.array_split(phase, -(-len(starts) // 4096) or 1), strict=True)
        ]  # fmt: skip
        self._next = stop
        keep = max(0, (stop * self._down) // self._up - self._half + 1 - self._first)
        self._samples, self._first = self._samples[keep:].copy(), self._first + keep
        return np.concatenate(pieces).astype(np.float32)
