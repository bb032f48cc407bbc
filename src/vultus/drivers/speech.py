"""Speech -> Motion: mouth, emotion, blinks, gaze, head and brows as one stream.

Frames are given out as soon as :data:`LOOK_AHEAD` seconds of what follows are known and never change afterwards. Every
layer decides on a fixed grid of time, so the same speech and seed give the same motion however the sound was cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.drivers.articulation import REACH
from vultus.drivers.gesture import LEAD
from vultus.drivers.manner import PLAIN, Manner
from vultus.drivers.player import PIECE, Counter, Player, Seals, Span, checked_pose, checked_seed
from vultus.drivers.prosody import AHEAD
from vultus.drivers.style import Mood, Style
from vultus.motion import Motion, Time, as_time, video_fps
from vultus.signals.features import RATE

if TYPE_CHECKING:
    from vultus.signals.chunks import Ear

LOOK_AHEAD: Final = max(LEAD + AHEAD, 2 * REACH) + 0.05
"""Seconds of speech after a frame that must be known before it is given out."""


def drive(
    chunks: Iterable[NDArray[np.generic]],
    *,
    text: str | None = None,
    style: Style | None = None,
    seed: int = 0,
    fps: Time = 30,
    ear: Ear | None = None,
) -> Iterator[Motion]:
    """Speech as chunks of mono sound at 16 kHz (float [N] in [-1, 1], any sizes) -> Motion, piece by piece.

    The pieces follow each other without a gap: frame i of the whole stands at i / *fps* seconds, and there are
    ``ceil(seconds * fps)`` frames, at least one. *text* is what is said, where known. *fps* lies in (0, 240].
    The same *seed* gives the same motion. An *ear*, such as :func:`vultus.signals.hama.hear`, recognises phones in
    place of the free phone loop, from long windows at once. Raises :class:`VultusError` on bad input.
    """
    from vultus.signals.chunks import phones_of

    rate = video_fps(fps)
    counter = Counter(chunks)
    player = Player(style or Style(), checked_seed(seed), rate)
    spans = phones_of(counter, text) if ear is None else phones_of(counter, text, first_window=20.0, ear=ear)
    return _perform(spans, player, lambda: Fraction(counter.samples, RATE))


def perform(
    spans: Iterable[Span],
    *,
    style: Style | None = None,
    seed: int = 0,
    fps: Time = 30,
    duration: Time | None = None,
    manner: Manner = PLAIN,
    moods: Sequence[Mood] = (),
    pose: ArrayLike = (0.0, 0.0, 0.0),
    piece: float = PIECE,
    seals: Seals | None = None,
) -> Iterator[Motion]:
    """As :func:`drive`, from spans of phones and features, such as a voice gives out with its sound.

    Without a *duration* in seconds, the motion ends with the last span. *manner* is how this speaker articulates,
    *moods* are emotions that come and go on top of the style's, *pose* is a rotation vector in radians (each at most
    0.5) that the head holds. The motion comes in pieces of *piece* seconds; longer ones take less time in all.
    *seals* press the lips together where more is known than the phones tell.
    """
    rate = video_fps(fps)
    length = None if duration is None else as_time(duration)
    player = Player(style or Style(), checked_seed(seed), rate, manner, moods, checked_pose(pose), piece, seals=seals)
    return _perform(spans, player, lambda: as_time(player.known) if length is None else length)


def _perform(spans: Iterable[Span], player: Player, duration: Callable[[], Fraction]) -> Iterator[Motion]:
    for span in spans:
        player.hear(span)
        yield from player.play(math.ceil((as_time(player.known) - as_time(LOOK_AHEAD)) * player.fps))
    player.finish()
    yield from player.play(max(math.ceil(duration() * player.fps), 1))
