"""All layers of one performance played together: mouth, emotion, blinks, gaze, head and brows, with what they remember.

Every layer decides on a fixed grid of time, so the same speech and seed give the same motion however the sound was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.channels import EYE_LEFT, EYE_RIGHT, HEAD, NECK, TRANSLATION
from vultus.drivers.articulation import Articulation, articulate, columns_of, hold, recent
from vultus.drivers.blink import Blinks
from vultus.drivers.gaze import Gaze, eyes_towards
from vultus.drivers.gesture import Activity, Gestures
from vultus.drivers.heard_mood import LEAD, HeardMood
from vultus.drivers.manner import PLAIN, Manner, lean
from vultus.drivers.prosody import Accent, Mark, Phrases, Prosody
from vultus.drivers.style import Mood, Style, express, liveliness_of, moods_at, posture_of
from vultus.drivers.target_sets import targets_named
from vultus.drivers.timing import noise
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.signals.features import Features
from vultus.signals.phones import Phone

Array = NDArray[np.float64]

PIECE: Final = 1.0
"""Seconds of frames in one Motion, so that rendering starts at once."""

_BROW_TIMES: Final = np.linspace(-0.16, 0.16, 9)
_BROW_WEIGHTS: Final = np.hanning(11)[1:-1] / np.hanning(11).sum()
_REST: Final = 0.7  # share of an emotion that stays in the face between phrases


class Span(Protocol):
    """A stretch of speech whose phones are final: see ``vultus.signals``."""

    @property
    def start(self) -> float:
        """Seconds."""
        ...

    @property
    def end(self) -> float:
        """Seconds."""
        ...

    @property
    def phones(self) -> Sequence[Phone]:
        """Phones in order, in seconds of the whole stream."""
        ...

    @property
    def features(self) -> Features:
        """Features from ``start`` to ``end``; may be empty."""
        ...


class Mouth(Protocol):
    """Where the lips come from, when it is not the phones."""

    def at(self, times: Array, loudness: Array, pitch: Array) -> Articulation:
        """The mouth at *times* [T], with the loudness in dB and the pitch in semitones against the speaker's usual."""
        ...

    def forget(self, before: float) -> None:
        """Only later times may be asked for."""
        ...


class Seals(Protocol):
    """Seals of the lips that are known beside the phones."""

    def at(self, times: Array) -> Array:
        """How far the lips are pressed together at *times*, [T] in [0, 1]."""
        ...

    def forget(self, before: float) -> None:
        """Only later times may be asked for."""
        ...


def checked_seed(seed: int) -> int:
    """*seed*; VultusError unless it is a whole number from 0 up."""
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise VultusError(f"{seed!r} is no seed", "Give a whole number from 0 up.")
    return int(seed)


def checked_pose(pose: ArrayLike) -> Array:
    """*pose* as float64 [3]; VultusError unless it is three small angles."""
    try:
        held = np.asarray(pose, np.float64)
    except (TypeError, ValueError):
        held = np.zeros(0)
    if held.shape != (3,) or not (np.abs(held) <= 0.5).all():
        raise VultusError(f"{pose!r} is no pose of a head", "Give three angles up to 0.5 radians")
    return held


class Counter:
    """Counts the samples that pass."""

    def __init__(self, chunks: Iterable[NDArray[np.generic]]) -> None:
        """Count from 0."""
        self._chunks = chunks
        self.samples = 0

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        """The chunks as they come."""
        for chunk in self._chunks:
            self.samples += len(chunk)
            yield chunk


class Player:
    """All layers of one performance with the little that they remember."""

    def __init__(
        self,
        style: Style,
        seed: int,
        fps: Fraction,
        manner: Manner = PLAIN,
        moods: Sequence[Mood] = (),
        pose: ArrayLike = (0.0, 0.0, 0.0),
        piece: float = PIECE,
        mouth: Mouth | None = None,
        late: float = 0.0,
        seals: Seals | None = None,
    ) -> None:
        """As ``drivers.speech.perform``. *mouth* gives the lips in place of the phones; what body and eyes make of
        speech comes *late* seconds after it, where nobody knows yet what follows."""
        self.fps, self._piece = fps, max(int(piece * fps), 1)
        self.known = 0.0  # seconds up to which phones and features are final
        self._style, self._seed, self._emotions = style, seed, style.emotions
        self._targets = targets_named(style.targets)
        self._manner, self._moods, self._mouth, self._late, self._seals = manner, moods, mouth, late, seals
        self._told = style.heard * (1 - style.neutral)  # share of the emotion that the voice tells
        self._voice = HeardMood() if self._told > 0 else None
        self._next = 0  # the next frame
        self._phones: Sequence[Phone] = ()
        self._phrases, self._prosody, self._activity = Phrases(), Prosody(), Activity()
        self._blinks = Blinks(style.blinks_per_minute, seed)
        self._gaze = Gaze(style.gaze, style.look, seed)
        held = style.posture + np.asarray(pose, np.float64)
        self._gestures = Gestures(seed, head=style.liveliness, brows=style.brows, posture=held)

    def hear(self, span: Span) -> None:
        """Take in the next span."""
        heard = span.features
        self.known = max(self.known, min(span.end, heard.end) if len(heard) else span.end)
        if self._mouth is None:
            self._gather(span)
        marks = self._phrases.push(span.phones, self.known, last=False)
        accents = self._prosody.push(heard) if len(heard) else []
        if self._voice is not None and len(heard):
            self._voice.push(heard)
        self._tell(marks, accents)

    def _gather(self, span: Span) -> None:
        phones = list(self._phones)
        for phone in span.phones:
            cut = phones and phones[-1].ipa == phone.ipa and phones[-1].end == span.start == phone.start
            if cut:  # the border of the spans ran through a sound
                phones[-1] = replace(phones[-1], end=phone.end)
            else:
                phones.append(phone)
        self._phones = phones

    def finish(self) -> None:
        """Nothing more follows."""
        self._tell(self._phrases.push((), self.known, last=True), self._prosody.finish())

    def play(self, stop: int) -> Iterator[Motion]:
        """Frames up to *stop*, in pieces."""
        while self._next < stop:
            first, last = self._next, min(self._next + self._piece, stop)
            self._next = last
            times = np.arange(first, last) * self.fps.denominator / self.fps.numerator
            yield Motion(self._frames(times), self.fps, first / self.fps)
            self._forget(float(times[-1]))

    def _tell(self, marks: Sequence[Mark], accents: Sequence[Accent]) -> None:
        if self._late:
            marks = [replace(mark, time=mark.time + self._late) for mark in marks]
            accents = [replace(accent, time=accent.time + self._late) for accent in accents]
        self._activity.hear(marks)
        self._blinks.hear(marks)
        self._gaze.hear(marks)
        self._gestures.hear(marks, accents)

    def _frames(self, times: Array) -> NDArray[np.float32]:
        self._blinks.advance(times[-1], self._gaze.advance(times[-1]))
        self._gestures.advance(times[-1], lambda time: self._prosody.rise(time - self._late))
        style, activity = self._style, self._activity.at(times)
        manner, moods, pitch = self._manner, self._felt(times), self._prosody.pitch(times)
        loudness = self._prosody.loudness(times)
        mouth = self._mouth.at(times, loudness, pitch) if self._mouth else articulate(
            self._phones, times, gain=style.articulation, loudness=loudness, pitch=pitch, manner=manner,
            seed=self._seed, targets=self._targets, seal=self._seals.at(times) if self._seals else None,
        )  # fmt: skip
        # Emotions swell with speech, rest between phrases and are never quite steady.
        swell = (_REST + (1 - _REST) * activity) * (0.95 + 0.05 * np.tanh(noise(times, self._seed, 21, 0.25, 1)[:, 0]))
        data = express(mouth.data, {**self._emotions, **_more(moods, self._emotions)}, swell, manner)
        held = self._gaze.head(times) + posture_of(moods, len(times))
        gesture = self._gestures.at(times, activity, held, liveliness_of(moods, len(times)))
        data[:, NECK], data[:, HEAD], data[:, TRANSLATION] = gesture.neck, gesture.head, gesture.translation
        eyes = eyes_towards(self._gaze.at(times), gesture.neck, gesture.head, gesture.translation)
        data[:, EYE_LEFT] = data[:, EYE_RIGHT] = eyes
        _add(data, {"browInnerUp": 0.8, "browOuterUp": 0.7}, self._raised(times, gesture.brows))
        for control in ("browOuterUp", "browDown"):
            lean(data, control, manner.brow_side)
        lids = self._blinks.at(times)
        _add(data, {"eyeBlink": 1.0}, lids)
        for column in columns_of("eyeWide"):
            data[:, column] *= 1 - lids
        return hold(data, mouth.seal, mouth.bite)

    def _felt(self, times: Array) -> dict[str, Array]:
        """The weight of each emotion that comes and goes, those that the voice tells too."""
        moods = moods_at(times, self._moods)
        if self._voice is not None:
            for name, weight in self._voice.at(times + LEAD - self._late).items():
                moods[name] = np.minimum(moods.get(name, 0.0) + self._told * weight, 1)
        return moods

    def _raised(self, times: Array, brows: Array) -> Array:
        """The brows' own raising joined by what the pitch of the voice adds, [T] in [0, 1]."""
        if not self._manner.pitch_brows:
            return brows
        # Brows are slower than voices: they follow the pitch of a third of a second.
        tone = sum(w * self._prosody.pitch(times + shift) for shift, w in zip(_BROW_TIMES, _BROW_WEIGHTS, strict=True))
        raised: Array = 1 - (1 - brows) * (1 - self._manner.pitch_brows * np.clip(tone / 6, 0, 1))
        return raised

    def _forget(self, time: float) -> None:
        self._phones = recent(self._phones, time)
        self._prosody.forget(time - self._late)
        if self._voice is not None:
            self._voice.forget(time - self._late)
        for lips in (self._mouth, self._seals):
            if lips is not None:
                lips.forget(time)
        for layer in (self._activity, self._blinks, self._gaze, self._gestures):
            layer.forget(time)


def _more(moods: dict[str, Array], emotions: dict[str, float]) -> dict[str, Array]:
    """Moods on top of the emotions that are there all the time."""
    return {name: np.minimum(weight + emotions.get(name, 0.0), 1) for name, weight in moods.items()}


def _add(data: Array, weights: dict[str, float], amount: Array) -> None:
    """Join *amount* [T] to channels so that they never leave [0, 1]."""
    for name, weight in weights.items():
        for column in columns_of(name):
            data[:, column] = 1 - (1 - data[:, column]) * (1 - weight * amount)
