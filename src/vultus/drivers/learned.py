"""Speech -> Motion by a network that listens, from sound alone; live sound is followed within a quarter second.

The network (``vultus.signals.posteriors``) hears phones and the lips of a plain speaker. Where what follows is known,
the likeliest phones are articulated as the rules of ``vultus.drivers.speech`` do it; where nothing may wait, the lips
that it hears are taken. Style, loudness, emotion, blinks, gaze, head and brows are the same layers either way. So the
lips are a function of the sound alone, and another seed gives another natural head motion with the same lips.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.drivers.articulation import Articulation, compose
from vultus.drivers.player import PIECE, Counter, Player, checked_pose, checked_seed
from vultus.drivers.speech import perform
from vultus.drivers.style import Mood, Style
from vultus.drivers.target_sets import SETS
from vultus.drivers.timing import ease
from vultus.errors import VultusError
from vultus.motion import Motion, Time, video_fps
from vultus.signals.features import FEATURE_RATE, RATE, Features, FeatureStream, join
from vultus.signals.phones import SILENCE, Phone, fill
from vultus.signals.posteriors import BLOCK, LONG, Heard, Listener

Array = NDArray[np.float64]

LATE: Final = 0.5
"""Seconds by which head, brows and eyes answer to speech when nothing may wait for what follows."""
DOUBTED, SURE = 0.2, 0.5
"""Odds of a contact from which on lips come together, and from which on they meet: a seal that is half closed is none.
Set on the voices of the stage's split "val", where sealed frames are told best (F1) at odds of a third."""
UNSURE, FIRM = 0.3, 0.6
"""The same of seals that join those of spelled phones. Set where voices were left out of training."""
_SMOOTH: Final = 0.1  # seconds of features after a frame that its loudness is smoothed over
_STEADY: Final = 5  # frames over which silence is averaged, so that a click is no phrase


def drive(
    chunks: Iterable[NDArray[np.generic]],
    *,
    style: Style | None = None,
    seed: int = 0,
    fps: Time = 30,
    moods: Sequence[Mood] = (),
    pose: ArrayLike = (0.0, 0.0, 0.0),
    live: bool = False,
) -> Iterator[Motion]:
    """Speech as chunks of mono sound at 16 kHz (float [N] in [-1, 1], any sizes) -> Motion, piece by piece.

    As ``drivers.speech.drive`` and ``perform``, from sound alone. *moods* are emotions that come and go on top of the
    style's, *pose* a rotation vector in radians (each at most 0.5) that the head holds. With *live*, every frame
    comes within 0.25 s of its sound, given in chunks of 40 ms; then the lips are those that the network hears at once,
    a little less sure, and head, brows and eyes answer to accents and pauses :data:`LATE` seconds later than they
    would. No frame depends on the sizes of the chunks. A style whose ``targets`` are not the phonetic ones is refused
    then: the network learned those.
    Raises :class:`VultusError` on bad input, and when onnxruntime is not installed.
    """
    if not live:
        seals = _Seals()
        spans = _spelled(Counter(chunks), seals)
        return perform(spans, style=style, seed=seed, fps=fps, moods=moods, pose=pose, seals=seals)
    rate = video_fps(fps)
    manner = style or Style()
    if manner.targets != SETS[0]:
        raise VultusError(
            f"Live lips know the {SETS[0]} targets only, not {manner.targets}", f"Leave targets:{manner.targets} away"
        )
    lips = _Lips(manner.articulation)
    player = Player(
        manner, checked_seed(seed), rate, moods=moods, pose=checked_pose(pose), piece=PIECE, mouth=lips, late=LATE
    )
    return _live(Counter(chunks), player, _Ear(lips))


def _live(counter: Counter, player: Player, ear: _Ear) -> Iterator[Motion]:
    """Every frame as soon as its lips and its loudness are known."""
    for chunk in counter:
        player.hear(ear.push(chunk))
        yield from player.play(math.ceil(max(min(ear.lips.known, ear.sounded - _SMOOTH), 0.0) * player.fps))
    player.hear(ear.finish())
    player.finish()
    yield from player.play(max(math.ceil(Fraction(counter.samples, RATE) * player.fps), 1))


def _spelled(counter: Counter, seals: _Seals) -> Iterator[_Span]:
    """The phones that are likeliest and the features of the sound, at the same places always; *seals* hear as well."""
    from vultus.signals.spelling import Speller  # with numba, which live lips do without

    stream, listener, speller = FeatureStream(), Listener(LONG), Speller()
    found: list[Features] = []
    at = 0  # frames given out

    def span(phones: Sequence[Phone]) -> _Span:
        nonlocal at, found
        known = join(found)
        first, at = at, round(phones[-1].end * FEATURE_RATE)
        found = [join([known[at - first :]])]  # a copy, so that what is gone can be freed
        start, end = first / FEATURE_RATE, min(at / FEATURE_RATE, counter.samples / RATE)
        return _Span(start, end, tuple(fill(phones, start, end)), known[: at - first])

    def spelled(heard: Heard) -> Iterator[_Span]:
        seals.hear(heard.controls)
        return map(span, speller.push(heard.odds))

    for chunk in counter:
        found.append(stream.push(chunk))
        yield from spelled(listener.push(found[-1].mel))
    found.append(stream.finish())
    yield from spelled(listener.push(found[-1].mel))
    yield from spelled(listener.finish())
    yield from map(span, speller.finish())


class _Lips:
    """The mouth that the network hears at once, at 100 frames a second."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._rows: NDArray[np.float32] = np.zeros((0, 15), np.float32)
        self._first = 0

    @property
    def known(self) -> float:
        """Seconds up to which the mouth is known."""
        return (self._first + len(self._rows) - 0.5) / FEATURE_RATE

    def hear(self, controls: NDArray[np.float32]) -> None:
        """The next rows."""
        self._rows = np.concatenate([self._rows, controls])

    def controls(self, times: Array) -> Array:
        """The rows at *times*, [T, 15]."""
        if not len(self._rows):
            return np.zeros((len(times), 15))
        at = np.clip(times * FEATURE_RATE - 0.5 - self._first, 0, len(self._rows) - 1)
        low = np.minimum(at.astype(np.int64), max(len(self._rows) - 2, 0))
        share = (at - low)[:, None]
        rows = self._rows.astype(np.float64)
        controls: Array = (1 - share) * rows[low] + share * rows[np.minimum(low + 1, len(rows) - 1)]
        return controls

    def at(self, times: Array, loudness: Array, pitch: Array) -> Articulation:
        """As ``player.Mouth`` has it."""
        controls = self.controls(times)
        controls[:, -2:] = ease((controls[:, -2:] - DOUBTED) / (SURE - DOUBTED))
        return compose(controls, gain=self._gain, loudness=loudness, pitch=pitch)

    def forget(self, before: float) -> None:
        """Drop what no later frame is drawn from."""
        over = int(before * FEATURE_RATE) - 1 - self._first
        if over > 0:
            over = min(over, len(self._rows) - 1)
            self._rows, self._first = self._rows[over:].copy(), self._first + over


class _Seals:
    """The seals of the mouth that the network hears at once, where it is sure of them."""

    def __init__(self) -> None:
        self._lips = _Lips(1.0)

    def hear(self, controls: NDArray[np.float32]) -> None:
        """The next rows."""
        self._lips.hear(controls)

    def at(self, times: Array) -> Array:
        """As ``player.Seals`` has it."""
        return ease((self._lips.controls(times)[:, -2] - UNSURE) / (FIRM - UNSURE))

    def forget(self, before: float) -> None:
        """Drop what no later frame is drawn from."""
        self._lips.forget(before)


@dataclass(frozen=True, eq=False)
class _Span:
    """What became known: phones that tell speech from silence, and features, each on its own stretch."""

    start: float
    end: float
    phones: tuple[Phone, ...]
    features: Features


class _Ear:
    """Sound in chunks -> lips, phrases and features, each as early as it is known."""

    def __init__(self, lips: _Lips) -> None:
        self.lips = lips
        self.sounded = 0.0  # seconds up to which loudness and pitch are known
        self._features, self._listener = FeatureStream(), Listener(BLOCK)
        self._given = self._fed = self._said = 0  # frames of features, of log-mel, of answers
        self._silence = np.ones(_STEADY - 1, np.float32)

    def push(self, chunk: NDArray[np.generic]) -> _Span:
        """The next chunk."""
        found = self._features.push(chunk)
        mel = np.concatenate([found.mel, self._features.waiting])[self._fed - self._given :]
        self._fed += len(mel)
        return self._span(found, self._listener.push(mel))

    def finish(self) -> _Span:
        """What comes of the rest."""
        found = self._features.finish()
        last = self._listener.push(found.mel[self._fed - self._given :])
        rest = self._listener.finish()
        both = Heard(np.concatenate([last.odds, rest.odds]), np.concatenate([last.controls, rest.controls]))
        return self._span(found, both)

    def _span(self, found: Features, heard: Heard) -> _Span:
        self.lips.hear(heard.controls)
        self._given += len(found)
        self.sounded = self._given / FEATURE_RATE
        start, self._said = self._said, self._said + len(heard)
        silence = np.concatenate([self._silence, heard.odds[:, 0]])
        self._silence = silence[len(silence) - _STEADY + 1 :]
        quiet = np.convolve(silence, np.full(_STEADY, 1 / _STEADY), "valid")[: len(heard)] > 0.5
        return _Span(start / FEATURE_RATE, self._said / FEATURE_RATE, _phrases(quiet, start), found)


def _phrases(quiet: NDArray[np.bool_], first: int) -> tuple[Phone, ...]:
    """Runs of frames from frame *first* on as phones: silence, or something said."""
    if not len(quiet):
        return ()
    edges = [0, *(np.flatnonzero(np.diff(quiet)) + 1).tolist(), len(quiet)]
    return tuple(
        Phone((first + a) / FEATURE_RATE, (first + b) / FEATURE_RATE, SILENCE if quiet[a] else "ə")
        for a, b in pairwise(edges)
    )
