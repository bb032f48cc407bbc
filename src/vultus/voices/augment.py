"""Speech made other than it was: faster, higher, of another mouth, through another microphone; phones keep true.

Plain functions on mono samples ([N] float32 at *rate* Hz) that return new samples; what changes time takes the phones
too and returns them at their new times. Nothing here is a matter of chance except where a *seed* is asked for. Rooms,
noise and codecs are in :mod:`vultus.voices.surroundings`; :func:`vary` puts everything together.

Sources: J. Laroche and M. Dolson, "Improved phase vocoder time-scale modification of audio" (1999), for stretching with
phases locked to the peaks of the spectrum; A. V. Oppenheim and R. W. Schafer, "Homomorphic analysis of speech" (1968),
for the envelope that carries the formants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.signals.phones import Phone
from vultus.voices.finish import Said, Samples, check_range, resampled

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]

_OVERLAP: Final = 8  # frames of the vocoder that lie over each moment
_BATCH: Final = 1024  # frames transformed at once: 4 s, which bounds memory

FACTORS: Final = (0.5, 2.0)
"""What speed, pitch and formants may be multiplied by."""


def _factor(name: str, value: float) -> None:
    if not FACTORS[0] <= value <= FACTORS[1]:
        raise VultusError(f"A {name} cannot be multiplied by {value}", f"Choose from {FACTORS[0]} to {FACTORS[1]}.")


def _timed(phones: Sequence[Phone], factor: float, end: float) -> list[Phone]:
    moved = [replace(p, start=p.start / factor, end=p.end / factor) for p in phones]
    if moved and abs(moved[-1].end - end) < 1e-3 and moved[-1].start < end:
        moved[-1] = replace(moved[-1], end=end)  # the sound ends at a whole sample
    return moved


# --- time -----------------------------------------------------------------------------------------------------------


def tape(samples: Samples, phones: Sequence[Phone], rate: int, factor: float) -> Said:
    """Play *factor* times as fast (0.5 to 2): pitch and formants rise with it, as a tape's do."""
    _factor("speed", factor)
    count = max(round(len(samples) / factor), 1)
    fast = resampled(samples, round(1000 * factor), 1000)
    out = np.zeros(count, np.float32)
    kept = min(count, len(fast))
    out[:kept] = fast[:kept]
    # The resampler knows thousandths; phones follow what it really did.
    return out, _timed(phones, round(1000 * factor) / 1000, count / rate)


def stretch(samples: Samples, phones: Sequence[Phone], rate: int, factor: float) -> Said:
    """Speak *factor* times as fast (0.5 to 2) at the same pitch, in the same voice.

    Every moment t of the old sound is at t / *factor* in the new one, and so are the phones.
    """
    _factor("speed", factor)
    count = max(round(len(samples) / factor), 1)
    if not len(samples) or factor == 1:
        return samples.astype(np.float32), list(phones)
    out = _stretched(np.asarray(samples, np.float64), rate, factor, count)
    return out.astype(np.float32), _timed(phones, factor, count / rate)


def _frame(rate: int) -> int:
    """Samples of a window of about 32 ms, a power of two."""
    return int(2 ** np.round(np.log2(0.032 * rate)))


def _stretched(x: Float, rate: int, factor: float, count: int) -> Float:
    size = _frame(rate)
    hop = size // _OVERLAP
    window = np.hanning(size + 1)[:-1]
    padded = np.pad(x, size, mode="constant")
    centres = np.round(np.arange(-(-count // hop) + 1) * hop * factor).astype(int)  # in the old sound
    begins = centres + size - size // 2
    begins = begins[begins + size <= len(padded)]
    out, weight = np.zeros(count + 3 * size), np.zeros(count + 3 * size)
    phase: Float | None = None
    for first in range(0, len(begins), _BATCH):
        some = begins[first : first + _BATCH]
        now, before = (
            np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, size)[some - ago] * window, axis=1)
            for ago in (0, hop)
        )
        level = np.abs(now)
        phases = _phases(np.angle(now), np.angle(before), level, hop, phase)
        phase = phases[-1]
        at = first * hop + size - size // 2
        _lay(out, np.fft.irfft(level * np.exp(1j * phases), size, axis=1) * window, at)
        _lay(weight, np.broadcast_to(window**2, (len(some), size)), at)
    return out[size : size + count] / np.maximum(weight[size : size + count], 1e-3)


def _lay(out: Float, pieces: Float, at: int) -> None:
    """Add overlapping pieces [T, size], each a hop after the one before, to *out* from *at* on."""
    count, size = pieces.shape
    hop = size // _OVERLAP
    for i in range(min(_OVERLAP, count)):
        row = pieces[i::_OVERLAP]
        begin = at + i * hop
        out[begin : begin + row.size] += row.reshape(-1)


def _phases(heard: Float, before: Float, level: Float, hop: int, phase: Float | None) -> Float:
    """The phases [T, bins] that frames get, from those heard in them and a hop before; *phase* is that of the last one.

    The bins around each peak of the spectrum keep the phases that they have towards it.
    """
    bins = heard.shape[1]
    step = 2 * np.pi * np.arange(bins) / (2 * (bins - 1)) * hop
    turned = heard - before - step
    step = step + turned - 2 * np.pi * np.round(turned / (2 * np.pi))
    nearest = _nearest_peaks(level)
    beside = heard - np.take_along_axis(heard, nearest, 1)
    out = np.empty_like(heard)
    for i in range(len(heard)):
        # Only the sum over time must be done one after the other.
        phase = heard[i] if phase is None else (phase + step[i])[nearest[i]] + beside[i]
        out[i] = phase
    return out


def _nearest_peaks(level: Float) -> NDArray[np.intp]:
    """For each bin of [T, bins] the bin of the nearest peak of its frame; its own where the frame has none."""
    middle = level[:, 2:-2]
    top = (middle >= level[:, 1:-3]) & (middle > level[:, 3:-1]) & (middle >= level[:, :-4]) & (middle > level[:, 4:])
    peak, bins = np.pad(top, ((0, 0), (2, 2))), np.arange(level.shape[1])
    far = 4 * len(bins)
    below = np.maximum.accumulate(np.where(peak, bins, -far), axis=1)
    above = np.minimum.accumulate(np.where(peak, bins, far)[:, ::-1], axis=1)[:, ::-1]
    nearest = np.where(bins - below <= above - bins, below, above)
    return np.where(peak.any(1, keepdims=True), nearest, bins)


# --- voice ----------------------------------------------------------------------------------------------------------


def pitch(samples: Samples, rate: int, factor: float) -> Samples:
    """Multiply the pitch by *factor* (0.5 to 2); duration and formants stay."""
    _factor("pitch", factor)
    if not len(samples) or factor == 1:
        return samples.astype(np.float32)
    count = len(samples)
    longer = _stretched(np.asarray(samples, np.float64), rate, 1 / factor, round(count * factor))
    higher = np.interp(np.arange(count) * factor, np.arange(len(longer)), _held(longer, factor))
    return formants(higher.astype(np.float32), rate, 1 / factor)


def _held(x: Float, factor: float) -> Float:
    """*x* without what reading every *factor*-th sample would fold back."""
    if factor <= 1:
        return x
    spectrum = np.fft.rfft(x)
    spectrum[int(len(spectrum) / factor) :] = 0
    return np.fft.irfft(spectrum, len(x))


def formants(samples: Samples, rate: int, factor: float) -> Samples:
    """Multiply the formants by *factor* (0.5 to 2; above 1 for a smaller speaker); pitch and time stay."""
    _factor("formant", factor)
    if not len(samples) or factor == 1:
        return samples.astype(np.float32)
    size = _frame(rate)
    hop = size // 4
    window = np.hanning(size + 1)[:-1]
    x = np.pad(np.asarray(samples, np.float64), (size, 2 * size))
    starts = np.arange(0, len(x) - size, hop)
    spectrum = np.fft.rfft(x[starts[:, None] + np.arange(size)] * window, axis=1)
    envelope = _envelope(spectrum, rate)
    # What stood at f now stands at f times the factor; above the top the envelope is held.
    bins = np.arange(spectrum.shape[1])
    source = np.clip(bins / factor, 0, bins[-1])
    low = np.floor(source).astype(int)
    share = source - low
    moved = envelope[:, low] * (1 - share) + envelope[:, np.minimum(low + 1, bins[-1])] * share
    shifted = np.fft.irfft(spectrum * np.exp(np.clip(moved - envelope, -4, 4)), size, axis=1) * window
    out, weight = np.zeros(len(x)), np.zeros(len(x))
    for start, piece in zip(starts, shifted, strict=True):
        out[start : start + size] += piece
        weight[start : start + size] += window**2
    kept: Samples = (out / np.maximum(weight, 1e-3))[size : size + len(samples)].astype(np.float32)
    return kept


def _envelope(spectrum: Complex, rate: int) -> Float:
    """Natural logarithm of the spectral envelope [T, bins]: the slow part of the log spectrum."""
    log = np.log(np.abs(spectrum) + 1e-7)
    cepstrum = np.fft.irfft(log, axis=1)
    keep = round(0.0015 * rate)  # quefrencies below 1.5 ms: no harmonics of a voice below 600 Hz
    cepstrum[:, keep + 1 : -keep] = 0
    smooth: Float = np.fft.rfft(cepstrum, axis=1).real
    return smooth


# --- microphone -----------------------------------------------------------------------------------------------------


def equalise(samples: Samples, rate: int, seed: int, *, depth: float = 6.0) -> Samples:
    """Colour the sound with a smooth random curve of about *depth* dB (0 to 30) up and down, without delay."""
    check_range("equaliser", depth, 0, 30)
    return filtered(samples, rate, curve(np.geomspace(60, 8000, 24), seed, depth=depth))


def curve(frequencies: Float, seed: int, *, depth: float = 6.0) -> tuple[Float, Float]:
    """A random equaliser: *frequencies* in Hz and the gains in dB there, with a mean of 0 and a size of *depth*."""
    rng = np.random.default_rng(seed)
    place = np.log2(frequencies / 60) / 7
    waves = sum(rng.normal() * np.cos(np.pi * k * place + rng.uniform(0, 2 * np.pi)) / k**0.5 for k in range(1, 6))
    gains = np.asarray(waves) - np.mean(waves)
    return frequencies, depth * gains / max(float(np.abs(gains).max()), 1e-9)


def band(samples: Samples, rate: int, low: float, high: float) -> Samples:
    """Keep only *low* to *high* Hz, as a telephone (300 to 3400) or a small speaker does; -60 dB beyond."""
    if not 0 < low < high:
        raise VultusError(f"There is no band from {low} to {high} Hz", "Give the lower frequency first")
    frequencies = np.array([low / 1.3, low, high, high * 1.2])
    return filtered(samples, rate, (frequencies, np.array([-60.0, 0.0, 0.0, -60.0])))


def filtered(samples: Samples, rate: int, gains: tuple[Float, Float]) -> Samples:
    """Apply *gains*, (frequencies in Hz, dB), interpolated over the logarithm of frequency, without any delay."""
    if not len(samples):
        return samples.astype(np.float32)
    from scipy.signal import oaconvolve

    size = 2 * _frame(rate)
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1.0)
    gain = 10 ** (np.interp(np.log(frequency), np.log(gains[0]), gains[1]) / 20)
    taps = np.roll(np.fft.irfft(gain, size), size // 2) * np.hanning(size)
    out = oaconvolve(np.asarray(samples, np.float64), taps)
    return out[size // 2 : size // 2 + len(samples)].astype(np.float32)


def gain(samples: Samples, decibels: float) -> Samples:
    """Louder by *decibels* (-60 to 60). Values may go beyond full scale: see `clip`."""
    check_range("gain", decibels, -60, 60)
    return (np.asarray(samples, np.float64) * 10 ** (decibels / 20)).astype(np.float32)


def clip(samples: Samples, share: float) -> Samples:
    """Cut off the loudest samples, *share* of them (0 to 0.5), as an overdriven input does; the level stays."""
    check_range("share of clipped samples", share, 0, 0.5)
    if not len(samples):
        return samples.astype(np.float32)
    limit = float(np.quantile(np.abs(samples), 1 - share))
    return np.clip(samples, -limit, limit).astype(np.float32)
