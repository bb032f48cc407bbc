"""Speech said with another intonation: higher or lower, livelier or flatter, while its words, pace and level stay.

Pitch periods are cut out at their peaks and laid down again at other distances (E. Moulines and F. Charpentier,
"Pitch-synchronous waveform processing techniques for text-to-speech synthesis using diphones", 1990), so formants keep
their places. What is unvoiced stays as it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.features import FEATURE_RATE, PITCH_RANGE, features
from vultus.voices.finish import Samples, check_range

Float = NDArray[np.float64]

FACTORS: Final = (0.3, 3.5)
"""What pitch and its movements may be multiplied by."""
_STEP: Final = 0.005  # seconds between the marks where nothing is voiced


def intone(samples: Samples, rate: int, *, pitch: float = 1.0, spread: float = 1.0) -> Samples:
    """Multiply the mean pitch of mono *samples* [N] by *pitch*, and all distances from it, in semitones, by *spread*.

    Both lie in [0.3, 3.5]. The new pitch stays within ``features.PITCH_RANGE``. Returns float32 [N] with the
    loudness of the old sound at every moment. Raises VultusError for values out of range.
    """
    check_range("pitch factor", pitch, *FACTORS)
    check_range("spread of pitch", spread, *FACTORS)
    x = np.asarray(samples, np.float64)
    heard = features(samples, rate).pitch.astype(np.float64) if len(x) else np.zeros(0)
    if not (heard > 0).any() or pitch == spread == 1:
        return x.astype(np.float32)
    old = np.where(heard > 0, np.log2(np.maximum(heard, 1)), 0.0)
    middle = old[heard > 0].mean()
    new = np.clip(2 ** (middle + np.log2(pitch) + spread * (old - middle)), *PITCH_RANGE)
    marks = _marks(x, heard, rate)
    return _levelled(_laid(x, marks, new, heard > 0, rate), x, rate).astype(np.float32)


def _marks(x: Float, pitch: Float, rate: int) -> NDArray[np.int64]:
    """The samples at which periods peak, and places every few milliseconds where nothing is voiced."""
    frame, at, out = rate / FEATURE_RATE, 0, [0]
    while at < len(x) - 1:
        hz = pitch[min(int(at / frame), len(pitch) - 1)]
        period = round(rate / hz) if hz > 0 else round(_STEP * rate)
        expected = at + period
        if hz > 0:
            # The next period looks most like this one where both are laid on each other.
            around = np.arange(max(expected - period // 5, at + 1), min(expected + period // 5 + 1, len(x)))
            own = x[max(at - period // 2, 0) : at + period // 2]
            begin = around - (at - max(at - period // 2, 0))
            fits = begin[-1] + len(own) <= len(x) if len(around) else False
            if fits and len(own):
                windows = np.lib.stride_tricks.sliding_window_view(x, len(own))[begin]
                score = windows @ own / np.sqrt((windows**2).sum(axis=1) + 1e-9)
                expected = int(around[int(score.argmax())])
        at = min(expected, len(x) - 1)
        out.append(at)
    return np.array(out)


def _laid(x: Float, marks: NDArray[np.int64], pitch: Float, voiced: NDArray[np.bool_], rate: int) -> Float:
    """The periods around *marks*, laid down at the distances of the new *pitch*."""
    frame, at, out = rate / FEATURE_RATE, 0.0, np.zeros(len(x))
    gaps = np.diff(marks, append=marks[-1] + round(_STEP * rate))
    while at < len(x):
        k = int(np.searchsorted(marks, at))
        k = min(k, len(marks) - 1)
        if k and at - marks[k - 1] < marks[k] - at:
            k -= 1
        index = min(int(at / frame), len(voiced) - 1)
        step = rate / pitch[index] if voiced[index] else float(gaps[k])
        side = int(max(gaps[k], gaps[max(k - 1, 0)]))
        low, high = max(side - int(marks[k]), side - int(at), 0), min(len(x) - int(marks[k]), len(x) - int(at), side)
        window = np.hanning(2 * side + 1)[low : side + high]
        out[int(at) - side + low : int(at) + high] += x[marks[k] - side + low : marks[k] + high] * window
        at += max(step, 1.0)
    return out


def _levelled(new: Float, old: Float, rate: int) -> Float:
    """*new* with the loudness of *old* in windows of 40 ms."""
    kernel = np.hanning(round(0.04 * rate) + 2)[1:-1]
    kernel /= kernel.sum()
    want, have = (np.sqrt(np.maximum(np.convolve(y**2, kernel, "same"), 0)) for y in (old, new))
    return new * np.clip((want + 1e-5) / (have + 1e-5), 0, 4)
