"""What the body hears in speech: phrases, accents and how loud it is against the speaker's usual level.

Everything is found frame by frame on the 100 Hz grid of the features, from a bounded past and :data:`AHEAD` seconds of
future, so results do not depend on how the sound was cut.

Sources: accents as joint peaks of pitch and loudness (D. Bolinger 1958; J. Terken 1991); the final rise of questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.features import FEATURE_RATE, Features
from vultus.signals.phones import SILENCE, Phone

Array = NDArray[np.float64]

PAUSE: Final = 0.15
"""The shortest silence, in seconds, that ends a phrase."""

_SMOOTH: Final = np.exp(-0.5 * (np.arange(-8, 9) / 4.0) ** 2)  # Gaussian, sigma 40 ms
_SIDE: Final = len(_SMOOTH) // 2
_PEAK: Final = 16  # frames on each side that an accent must top
AHEAD: Final = (_SIDE + _PEAK + 1) / FEATURE_RATE
"""Seconds of future that an accent needs."""
_MEMORY: Final = 1 - 1 / (4.0 * FEATURE_RATE)  # the usual level is the mean of about the last 4 s of speech


@dataclass(frozen=True, slots=True)
class Accent:
    """A stressed moment at ``time`` seconds with a ``strength`` in [0, 1]."""

    time: float
    strength: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase begins (``speaking``) or ends at ``time`` seconds."""

    time: float
    speaking: bool


class Phrases:
    """Finds where phrases begin and end in phones that arrive piece by piece."""

    def __init__(self) -> None:
        """Start in silence."""
        self._end: float | None = None

    def push(self, phones: Iterable[Phone], known: float, *, last: bool) -> list[Mark]:
        """Marks up to *known* seconds that the next *phones*, in order, complete; with *last* the open phrase ends."""
        marks: list[Mark] = []
        for phone in phones:
            if phone.ipa == SILENCE:
                continue
            if self._end is None or phone.start - self._end >= PAUSE:
                if self._end is not None:
                    marks.append(Mark(self._end, False))
                marks.append(Mark(phone.start, True))
            self._end = phone.end
        if self._end is not None and (last or known - self._end >= PAUSE):
            marks.append(Mark(self._end, False))
            self._end = None
        return marks


class Prosody:
    """Follows loudness and pitch of one speaker; features are pushed in order and without gaps."""

    def __init__(self) -> None:
        """Know nothing yet about the speaker."""
        self._level = np.zeros(2)  # weighted sums of loudness and of pitch
        self._weight = np.zeros(2)
        self._first = 0  # frame index of the first row kept
        self._rows = np.zeros((0, 4))  # loudness in dB and pitch in semitones against usual, voiced, speech
        self._score = np.zeros(0)  # smoothed prominence of the rows that have their neighbours
        self._checked = 0  # frame index up to which accents were looked for
        self._latest = -1.0

    def push(self, features: Features) -> list[Accent]:
        """Take the next features and give the accents that they complete. Gaps count as silence, repeats are cut."""
        missing = round(features.start * FEATURE_RATE) - self._first - len(self._rows)
        self._grow(_quiet(max(missing, 0)), self._relative(features[max(-missing, 0) :]))
        return self._accents()

    def finish(self) -> list[Accent]:
        """The last accents, as if silence followed."""
        self._grow(_quiet(_SIDE + _PEAK + 1))
        return self._accents()

    def forget(self, before: float) -> None:
        """Drop what lies more than a second before a time; only later times may be asked for."""
        surplus = min(int((before - 1) * FEATURE_RATE), self._checked) - self._first
        if surplus > 0:
            self._rows, self._score = self._rows[surplus:], self._score[surplus:]
            self._first += surplus

    def loudness(self, times: Array) -> Array:
        """Loudness at *times* in dB above the speaker's usual level, within [-12, 9]; 0 where nothing was heard."""
        rows = self._around(times)
        level = np.where(self._rows[rows, 3] > 0.5, self._rows[rows, 0], 0.0)
        if len(level) < 2:
            return np.zeros(len(times))
        level = np.convolve(np.pad(level, _SIDE), _SMOOTH / _SMOOTH.sum(), "valid")
        return np.clip(np.interp(times, self._times()[rows], level, left=0, right=0), -12, 9)

    def pitch(self, times: Array) -> Array:
        """Pitch at *times* in semitones above the speaker's usual pitch, within [-9, 9]; towards 0 where unvoiced."""
        rows = self._around(times)
        if rows.stop - rows.start < 2:
            return np.zeros(len(times))
        tone, voiced = (np.convolve(np.pad(self._rows[rows, k], _SIDE), _SMOOTH, "valid") for k in (1, 2))
        usual = tone / np.maximum(voiced, _SMOOTH.sum() / 3)
        return np.clip(np.interp(times, self._times()[rows], usual, left=0, right=0), -9, 9)

    def _around(self, times: Array) -> slice:
        """The rows that *times* are smoothed from."""
        low, high = (int(t * FEATURE_RATE) - self._first for t in (times[0], times[-1]))
        return slice(max(low - 2 * _SIDE, 0), min(max(high + 2 * _SIDE + 2, 0), len(self._rows)))

    def rise(self, time: float) -> float:
        """How far pitch rises before a phrase ends at *time*, in semitones; positive in most yes-no questions."""
        at = self._times()
        voiced = self._rows[:, 2] > 0
        late = voiced & (at > time - 0.2) & (at <= time)
        early = voiced & (at > time - 0.7) & (at <= time - 0.25)
        if late.sum() < 4 or early.sum() < 8:
            return 0.0
        return float(np.median(self._rows[late, 1]) - np.median(self._rows[early, 1]))

    def _grow(self, *rows: Array) -> None:
        self._rows = np.concatenate([self._rows, *rows])
        self._smooth()

    def _times(self) -> Array:
        return (self._first + np.arange(len(self._rows)) + 0.5) / FEATURE_RATE

    def _relative(self, features: Features) -> Array:
        out = np.zeros((len(features), 4))
        semitones = 12 * np.log2(np.maximum(features.pitch, 1.0) / 100.0)
        values = np.stack([features.loudness, semitones], 1).tolist()
        level, weight = self._level.tolist(), self._weight.tolist()
        for i, (value, pitch, speech) in enumerate(
            zip(values, features.pitch.tolist(), features.speech.tolist(), strict=True)
        ):
            heard = (speech > 0.5, pitch > 0)
            for k in range(2):
                if heard[k]:
                    weight[k] = weight[k] * _MEMORY + 1
                    level[k] = level[k] * _MEMORY + value[k]
                if weight[k]:
                    out[i, k] = value[k] - level[k] / weight[k]
            out[i, 2:] = heard[1], speech
        self._level, self._weight = np.array(level), np.array(weight)
        out[:, 0] = np.clip(out[:, 0], -20, 12)
        out[:, 1] = np.clip(out[:, 1], -9, 9) * out[:, 2]
        return out

    def _smooth(self) -> None:
        done = len(self._score)
        ready = len(self._rows) - _SIDE
        if ready <= done:
            return
        before = max(_SIDE - done, 0)  # rows missing before the very first frame count as silence
        rows = self._rows[max(done - _SIDE, 0) : ready + _SIDE]
        rows = np.concatenate([_quiet(before), rows])
        loud, pitch, voiced = (np.convolve(rows[:, k], _SMOOTH, "valid") for k in range(3))
        # A third of a voiced window counts as fully voiced; less lets pitch speak less.
        score = loud / _SMOOTH.sum() / 6 + pitch / np.maximum(voiced, _SMOOTH.sum() / 3) / 4
        self._score = np.concatenate([self._score, score])

    def _accents(self) -> list[Accent]:
        out = []
        for frame in range(self._checked, self._first + len(self._score) - _PEAK):
            i = frame - self._first
            self._checked = frame + 1
            around = self._score[max(i - _PEAK, 0) : i + _PEAK + 1]
            value = self._score[i]
            if value < around.max() or self._rows[i, 3] <= 0.5 or value < 0.2:
                continue
            dip = value - self._score[max(i - 30, 0) : i + 1].min()
            time = (frame + 0.5) / FEATURE_RATE
            if dip > 0.5 and time - self._latest > 0.3:
                out.append(Accent(time, float(np.clip(0.25 + 0.3 * value, 0.3, 1))))
                self._latest = time
        return out


def _quiet(rows: int) -> Array:
    return np.tile([-20.0, 0.0, 0.0, 0.0], (rows, 1))
