"""The emotion that a voice's prosody tells: how loud, high, lively, quick and bright it is against its usual.

Every cue is a mean over about a second of voiced sound, held against the mean of about the last half minute, frame by
frame on the 100 Hz grid of the features; so the first seconds are calm, and nothing depends on how the sound was cut.
Which cues an emotion has is the summary of 104 studies by P. Juslin and P. Laukka, "Communication of emotions in vocal
expression and music performance" (Psychological Bulletin 129, 2003). Prosody tells how aroused somebody is much better
than how pleasant it feels (R. Banse and K. Scherer 1996; K. Scherer 2003), so what is heard is a hint and no more.
Surprise, disgust and contempt have no such profile and are never heard.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.timing import ease
from vultus.signals.features import FEATURE_RATE, MELS, Features, mel_edges

Array = NDArray[np.float64]

CUES: Final = ("level", "pitch", "range", "pace", "brightness")
"""What is heard: mean level in dB, mean pitch in semitones, octaves by which the pitch's mean distance from its mean
and the speed of the spectrum's changes differ, and dB above 1 kHz against those below."""
PROFILES: Final[dict[str, tuple[float, ...]]] = {
    "happy": (0.5, 1, 1, 1, 0),
    "angry": (1, 1, 1, 1, 1),
    "fearful": (-1, 1, -1, 1, -1),
    "sad": (-1, -1, -1, -1, -1),
}
"""Each cue of an emotion: high (1), medium to high (0.5), medium (0) or low (-1), as Juslin and Laukka
sum it up."""
LEAD: Final = 0.5
"""Seconds of voice after a moment that its emotion is heard in: a face does not wait for the end of a word."""

_SPREAD: Final = np.array([2.0, 1.5, 0.4, 0.15, 2.0])
"""How much the cues of calm speech vary from second to second: of made voices, and a little more for people."""
_SHORT: Final = 1 - 1 / (0.7 * FEATURE_RATE)  # the cues are means of about the last 0.7 s of voice
_LONG: Final = 1 - 1 / (30.0 * FEATURE_RATE)  # and the usual of the last 30 s
_FADE: Final = 1 - 1 / (1.5 * FEATURE_RATE)  # what was heard before a pause counts less after it
_FEW: Final = 25.0  # frames of voice from which a cue is half believed; twice as many are believed
_KNOWN: Final = (1.0, 4.0)  # seconds of voice after which the usual begins to be known, and is
_FURTHEST: Final = 3.0  # spreads; so that no cue alone makes an emotion
_EVERY: Final = 5  # frames from one decision to the next
_CALM, _FULL = 1.6, 3.6  # spreads along a profile at which an emotion begins to show, and shows in full
_SHARP: Final = 3.0  # how much the likeliest emotion is preferred
_SWELL, _SINK = 0.25, 1.0  # seconds of each of the two filters in speech, and in pauses
_ALIVE: Final = (0.4, 0.8)  # standard deviation of the log bands below which a sound has no syllables, and has
_DEEP: Final = 6.5  # how far below its loudest a band's logarithm is looked at: 28 dB
_SINKING: Final = 0.002  # and what that loudest loses in a frame
_HZ: Final = (0.0, 300.0, 900.0, 2200.0, 6000.0)  # the bands whose changes are the pace
_PROFILE: Final = np.array([np.array(p) / np.linalg.norm(p) for p in PROFILES.values()])


def _band(low: float, high: float) -> slice:
    first, last = np.searchsorted(mel_edges(MELS)[1:-1], (low, high))
    return slice(int(first), int(last))


_BANDS: Final = [_band(low, high) for low, high in pairwise(_HZ)]
_LOW, _HIGH = _band(0.0, 1000.0), _band(1000.0, 5000.0)


class HeardMood:
    """Follows the voice of one speaker; features are pushed in order."""

    def __init__(self) -> None:
        """Know nothing yet about the speaker."""
        self._bands = np.zeros((3, len(_BANDS)))  # smoothed log bands of this frame and the two before
        self._top = np.full(len(_BANDS), -np.inf)
        self._sums = np.zeros(5)  # of voice: count, level, pitch, distance of pitch, brightness; they fade
        self._moves = np.zeros(1 + 3 * len(_BANDS))  # of voice: count, bands, their squares and squared changes
        self._usual, self._count = np.zeros(len(CUES)), 0.0
        self._fresh = 0  # frames of voice that the usual does not know yet
        self._goal, self._filters = np.zeros(len(PROFILES)), np.zeros((2, len(PROFILES)))
        self._first = 0  # frame index of the first row kept
        self._rows: list[Array] = []

    def push(self, features: Features) -> None:
        """Take the next features. Gaps count as silence, repeats are cut."""
        missing = round(features.start * FEATURE_RATE) - self._first - len(self._rows)
        for _ in range(missing):
            self._settle(None)
        heard = features[max(-missing, 0) :]
        power = np.exp(heard.mel.astype(np.float64))
        bands = np.log(np.stack([power[:, band].sum(axis=1) for band in _BANDS], axis=1))
        bright = 10 * np.log10(power[:, _HIGH].sum(axis=1) / power[:, _LOW].sum(axis=1))
        semitones = 12 * np.log2(np.maximum(heard.pitch.astype(np.float64), 1.0))
        values = np.stack([heard.loudness.astype(np.float64), semitones, bright], axis=1).tolist()
        voiced, speech = (heard.pitch > 0) & (heard.speech > 0.5), heard.speech > 0.5
        for row, value, tone, said in zip(bands, values, voiced.tolist(), speech.tolist(), strict=True):
            self._move(row)
            if tone:
                self._take(*value)
            if said and (self._first + len(self._rows)) % _EVERY == 0:
                self._decide()
            self._settle(self._goal if said else None)

    def at(self, times: Array) -> dict[str, Array]:
        """The weight of each emotion at *times*, [T] in [0, 1] by name; together they are at most 1.

        Times after what was pushed get the last weights, and all are 0 where nothing was.
        """
        if not self._rows or not len(times):
            return {name: np.zeros(len(times)) for name in PROFILES}
        place = np.clip(times * FEATURE_RATE - 0.5 - self._first, 0, len(self._rows) - 1)
        low = place.astype(np.int64)
        share = (place - low)[:, None]
        first, last = int(low.min()), min(int(low.max()) + 1, len(self._rows) - 1)
        rows = np.stack(self._rows[first : last + 1])
        mixed = (1 - share) * rows[low - first] + share * rows[np.minimum(low + 1, last) - first]
        return {name: mixed[:, i] for i, name in enumerate(PROFILES)}

    def forget(self, before: float) -> None:
        """Drop what lies more than a second before a time; only later times may be asked for."""
        surplus = min(int((before - 1) * FEATURE_RATE) - self._first, len(self._rows) - 1)
        if surplus > 0:
            self._rows, self._first = self._rows[surplus:], self._first + surplus

    def _move(self, bands: Array) -> None:
        """Smooth the next log bands; what lies deep below their loudest is silence, whatever the room."""
        fresh = self._top[0] == -np.inf
        self._top = np.maximum(self._top - _SINKING, bands)
        floored = np.maximum(bands, self._top - _DEEP)
        before = floored if fresh else self._bands[2]
        self._bands = np.stack([self._bands[1], self._bands[2], before + 0.5 * (floored - before)])

    def _take(self, level: float, pitch: float, bright: float) -> None:
        """A frame of voice."""
        self._sums *= _SHORT
        self._moves *= _SHORT
        self._sums[[0, 1, 2, 4]] += 1.0, level, pitch, bright
        self._sums[3] += min(abs(pitch - self._sums[2] / self._sums[0]), 7.0)
        change = self._bands[2] - self._bands[0]
        self._moves += np.concatenate([[1.0], self._bands[2], self._bands[2] ** 2, change**2])
        self._fresh += 1

    def _cues(self) -> Array:
        """The cues of the last second of voice, [5]."""
        count, level, pitch, distance, bright = self._sums
        spread, changes = self._alive() ** 2, self._moves[1 + 2 * len(_BANDS) :].mean() / self._moves[0]
        pace = 0.5 * np.log2((changes + 1e-3) / (spread + 1e-2))
        return np.array([level / count, pitch / count, np.log2(distance / count + 0.1), pace, bright / count])

    def _alive(self) -> float:
        """How much the bands differ over time: their standard deviation, of natural logarithms."""
        mean, square = np.split(self._moves[1 : 1 + 2 * len(_BANDS)] / self._moves[0], 2)
        return float(np.sqrt(np.maximum(square - mean**2, 0).mean()))

    def _decide(self) -> None:
        """What the last second of voice asks for, and what it adds to the usual."""
        self._goal = np.zeros(len(PROFILES))
        if self._sums[0] < _FEW:
            return
        cues = self._cues()
        self._count = self._count * _LONG**self._fresh + self._fresh
        self._usual += (cues - self._usual) * (self._fresh / max(self._count, 1.0))
        self._fresh = 0
        sure = ease((self._count / FEATURE_RATE - _KNOWN[0]) / (_KNOWN[1] - _KNOWN[0]))
        sure = sure * ease((self._alive() - _ALIVE[0]) / (_ALIVE[1] - _ALIVE[0]))
        sure = sure * min(self._sums[0] / (2 * _FEW), 1.0)
        along = _PROFILE @ (sure * np.clip((cues - self._usual) / _SPREAD, -_FURTHEST, _FURTHEST))
        share = np.exp(_SHARP * (along - along.max()))
        self._goal = np.clip((along.max() - _CALM) / (_FULL - _CALM), 0, 1) * share / share.sum()

    def _settle(self, goal: Array | None) -> None:
        """Come nearer to a *goal*, or to rest in a pause."""
        if goal is None:
            self._sums *= _FADE
            self._moves *= _FADE
        rate = 1 / ((_SINK if goal is None else _SWELL) * FEATURE_RATE)
        aim = np.zeros(len(PROFILES)) if goal is None else goal
        for filtered in self._filters:
            filtered += rate * (aim - filtered)
            aim = filtered
        self._rows.append(self._filters[1].copy())
