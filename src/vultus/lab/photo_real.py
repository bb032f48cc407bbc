"""Real pictures that move: a real clip made again from one of its frames, and motions that are read back off photos.

Of the clip ``obama_speech`` the frame nearest to rest is the photo. Frames that it was not fitted to are made again
from what the tracker read of them, and compared with what was filmed. A motion that drives the photo of somebody else
is read back by the tracker: the exercises of ``lab.track_figures``, which are known exactly, and what it read of the
clip.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import store
from vultus.critics import identity
from vultus.heads.photo import PhotoHead
from vultus.io.image import read_image
from vultus.lab.bench import Figure
from vultus.lab.photo_near import Near, near, warped
from vultus.lab.track_figures import CHANNELS, compare, exercise
from vultus.motion import Motion
from vultus.observers.tracker import Tracker
from vultus.observers.watch import Take, observe
from vultus.tracking import Film

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

CLIP: Final = "obama_speech"
PHOTO: Final = "portrait_photo"
_MOVES: Final = (ch.NECK, ch.HEAD, ch.EYE_LEFT, ch.EYE_RIGHT, ch.TRANSLATION)
_NEAR = 4  # frames on both sides of the photo that are no test of it
_SIZE = 256  # pixels of the pictures that are read back


def filmed() -> tuple[list[U8], Take, Film]:
    """The pictures of the clip, what was read of who is seen most, and the film. VultusError where it is not here."""
    film = Film.open(store.path(CLIP))
    pictures = list(film.pictures())
    takes = observe(pictures, film.fps).takes
    return pictures, max(takes, key=lambda take: len(take.readings)), film


def calmest(motion: Motion) -> int:
    """The frame of a clip whose expression is least and whose head is nearest to its usual place."""
    turns = motion.neck + motion.head
    away = np.abs(motion.expression).sum(1) + 3 * np.linalg.norm(turns - np.median(turns, 0), axis=1)
    seen = motion.valid.any(axis=1)
    return int(np.argmin(np.where(seen, away, np.inf)))


def against(motion: Motion, frame: int) -> Motion:
    """*motion* as a photo of its *frame* takes it: shapes less those of the photo, turns and places from there."""
    data = motion.data.copy()
    own = data[frame, ch.EXPRESSION]
    data[:, ch.EXPRESSION] = np.clip((data[:, ch.EXPRESSION] - own) / np.maximum(1 - own, 1e-3), 0, 1)
    for some in _MOVES:
        data[:, some] -= motion.data[frame, some]
    return Motion(data, motion.fps, motion.start, motion.valid.copy())


def reenacted(quick: bool) -> Iterator[tuple[str, Near]]:
    """How near frames that were not fitted come to what was filmed, for every way."""
    pictures, take, film = filmed()
    motion = take.motion(len(pictures), film.fps)
    frame = calmest(motion)
    rows = against(motion, frame).data
    photo, tracker = pictures[frame], Tracker()
    head = PhotoHead(photo, size=max(photo.shape[:2]), full=True)
    seen = tracker.track(photo, fresh=True)
    ways = {name: Near() for name in ("photo head", "photo copied", "warp in the plane")}
    if seen is None:
        return
    code = identity.descriptor(photo, identity.five_points(seen.landmarks))
    for i in range(0, len(pictures), 16 if quick else 4):
        told = tracker.track(pictures[i], fresh=True)
        if abs(i - frame) <= _NEAR or told is None:
            continue
        flat = warped(photo, seen.landmarks[:, :2], told.landmarks[:, :2])
        for (_, sums), made in zip(ways.items(), (head.frame(rows[i]), photo, flat), strict=True):
            near(made, pictures[i], told, code, tracker, sums)
    yield from ways.items()


def read_back(motion: Motion) -> dict[str, tuple[float, float]]:
    """Correlation and gain of each channel of *motion*, read back off the photo of somebody else that it drives."""
    head = PhotoHead(read_image(store.path(PHOTO)), size=_SIZE)
    takes = observe(head.frames([motion]), motion.fps).takes
    found = max(takes, key=lambda take: len(take.readings)).motion(len(motion), motion.fps, facing=False)
    return {c.name: compare(c.of(motion), c.of(found))[:2] for c in CHANNELS if c.bound}


def figures(quick: bool) -> Iterator[Figure]:
    """What ``vultus bench --photo`` prints of real pictures."""
    for way, some in reenacted(quick):
        for what, unit, values in some.rows():
            yield Figure(f"real clip, frames held out: {way}, {what}", unit, statistics.mean(values))
    pictures, take, film = filmed()
    motions = {"exercises on a real photo": exercise(3, 4.0 if quick else 8.0)}
    motions["a real clip on another's photo"] = take.motion(len(pictures), film.fps, facing=False)
    for name, motion in motions.items():
        for channel, (correlation, gain) in read_back(motion).items():
            yield Figure(f"{name}: {channel}, correlation", "", correlation, None, ">= 0.8")
            yield Figure(f"{name}: {channel}, gain away from 1", "", abs(gain - 1), None, "<= 0.2")
