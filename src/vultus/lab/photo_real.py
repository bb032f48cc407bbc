"""Real pictures that move: a real clip made again from one of its frames, and motions that are read back off photos.

Of the clip ``obama_speech`` the frame nearest to rest is the photo. Frames that it was not fitted to are made again
from what the tracker read of them, and compared with what was filmed. A motion that drives the photo of somebody else
is read back by the tracker: exercises and speech of ``lab.track_figures``, which are known exactly, and what it read of
the clip.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations, store
from vultus.critics import identity
from vultus.heads.person import PersonHead
from vultus.heads.photo import PhotoHead
from vultus.io.image import read_image
from vultus.lab import track_figures
from vultus.lab.bench import Figure
from vultus.lab.photo_near import Near, near, warped
from vultus.lab.sheets import moved
from vultus.lab.track_figures import CHANNELS, LIGHTS, PEOPLE, compare, exercise, speech
from vultus.motion import Motion, concatenate
from vultus.observers.calibration import Calibration, Finish
from vultus.observers.reading import Reading, read
from vultus.observers.tracker import Face, Tracker
from vultus.observers.watch import observe
from vultus.tracking import Film

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

CLIP: Final = "obama_speech"
PHOTO: Final = "portrait_photo"
DRAWN: Final = ("person:14", "person:3")
"""Drawn people who speak as photos, too."""
_NEAR = 4  # frames on both sides of the photo that are no test of it
_SIZE = 256  # pixels of the pictures that are read back
_SEEDS = (3, 8)  # of what the real photos do
_MOVES = 0.1  # deviation, of a weight or in radians, from which a channel of the clip moves


def filmed() -> tuple[list[U8], Film]:
    """The pictures of the clip, and the film. VultusError where it cannot be had."""
    film = Film.open(store.path(CLIP))
    return list(film.pictures()), film


def readings_of(faces: Sequence[Face | None], size: tuple[int, int]) -> list[Reading | None]:
    """What *faces* in pictures of *size* (width, height) show, each for itself: smoothing would make it late."""
    readings = [read(face, *size) if face is not None else None for face in faces]
    some = [reading for reading in readings if reading is not None]
    away = float(np.median([reading.row[ch.TRANSLATION][2] for reading in some]))
    for reading in some:
        # A photo's camera looks at the face, the film's beside it: what comes nearer stays on its ray.
        reading.row[ch.TRANSLATION][:2] *= away / reading.row[ch.TRANSLATION][2]
    return readings


def calmest(motion: Motion) -> int:
    """The frame of a clip whose expression is least and whose head is nearest to its usual place."""
    turns = motion.neck + motion.head
    away = np.abs(motion.expression).sum(1) + 3 * np.linalg.norm(turns - np.median(turns, 0), axis=1)
    seen = motion.valid.any(axis=1)
    return int(np.argmin(np.where(seen, away, np.inf)))


def against(readings: Sequence[Reading | None], own: Calibration, frame: int, fps: Fraction) -> Motion:
    """The motion that takes a photo, the frame number *frame*, to the others: shapes less those of the photo, turns and
    places from there, along the axes of the photo's head. *own* tells how the person looks at rest."""
    home = readings[frame]
    if home is None:
        raise ValueError("the photo shows no face")
    neutral = own.neutral.copy()
    for some in (ch.HEAD, ch.EYE_LEFT, ch.EYE_RIGHT, ch.TRANSLATION):
        neutral[some] = home.row[some]
    motion = Finish(Calibration(neutral, own.gain), fps).motion(readings)
    data = motion.data.copy()
    shown = data[frame, ch.EXPRESSION].copy()
    data[:, ch.EXPRESSION] = np.clip((data[:, ch.EXPRESSION] - shown) / np.maximum(1 - shown, 1e-3), 0, 1)
    data[:, ch.TRANSLATION] = data[:, ch.TRANSLATION] @ rotations.to_matrix(home.row[ch.HEAD])
    return Motion(data, motion.fps, motion.start, motion.valid.copy())


def reenacted(quick: bool) -> Iterator[tuple[str, Near]]:
    """How near frames that were not fitted come to what was filmed, for every way."""
    pictures, film = filmed()
    tracker = Tracker()
    faces = [tracker.track(picture, fresh=True) for picture in pictures]
    height, width = pictures[0].shape[:2]
    readings = readings_of(faces, (width, height))
    some = [reading for reading in readings if reading is not None]
    own = Calibration.of(np.array([r.row for r in some]), np.array([r.seen for r in some]))
    frame = calmest(Finish(own, film.fps).motion(readings))
    rows = against(readings, own, frame, film.fps).data
    photo, seen = pictures[frame], faces[frame]
    head = PhotoHead(photo, size=max(photo.shape[:2]), full=True)
    ways = {name: Near() for name in ("photo head", "photo copied", "warp in the plane")}
    if seen is None:
        return
    code = identity.descriptor(photo, identity.five_points(seen.landmarks))
    for i in range(0, len(pictures), 16 if quick else 4):
        told = faces[i]
        if abs(i - frame) <= _NEAR or told is None:
            continue
        flat = warped(photo, seen.landmarks[:, :2], told.landmarks[:, :2])
        for (_, sums), made in zip(ways.items(), (head.frame(rows[i]), photo, flat), strict=True):
            near(made, pictures[i], told, code, tracker, sums)
    yield from ways.items()


def photographed() -> dict[str, U8]:
    """The two real photos: a portrait, and the calmest frame of the clip."""
    pictures, film = filmed()
    takes = observe(pictures, film.fps).takes
    shown = max(takes, key=lambda take: len(take.readings)).motion(len(pictures), film.fps)
    return {"the astronaut": read_image(store.path(PHOTO)), "the clip's calmest frame": pictures[calmest(shown)]}


def sitters() -> dict[str, U8]:
    """Photos to speak: the two real ones, and drawn people photographed with a calm face."""
    out = photographed()
    for person in DRAWN:
        out[person] = PersonHead(person, size=(_SIZE, _SIZE)).frame(moved({})).copy()
    return out


def read_back(photo: U8, motion: Motion) -> dict[str, tuple[float, float]]:
    """Correlation and gain of each channel of *motion*, read back off *photo*, that it drives."""
    return _read_off(PhotoHead(photo, size=_SIZE).frames([motion]), motion)


def _read_off(pictures: Iterator[U8], motion: Motion) -> dict[str, tuple[float, float]]:
    takes = observe(pictures, motion.fps).takes
    found = max(takes, key=lambda take: len(take.readings)).motion(len(motion), motion.fps, facing=False)
    return {c.name: compare(c.of(motion), c.of(found))[:2] for c in CHANNELS if c.bound}


def exercised(quick: bool) -> Iterator[tuple[str, U8, Motion]]:
    """Who is photographed, the photo, and the motion that drives it: the two real photos, and the people of ``vultus
    bench --track`` in its lights, each with exercises and speech of an own seed as there."""
    real = [(name, photo, seed) for (name, photo), seed in zip(photographed().items(), _SEEDS, strict=True)]
    for i, seed in enumerate(PEOPLE[: 1 if quick else None]):
        head = PersonHead(f"person:{seed}", size=(_SIZE, _SIZE), light=LIGHTS[i % len(LIGHTS)])
        real.append((f"person:{seed}", head.frame(moved({})).copy(), seed))
    for name, photo, seed in real:
        yield name, photo, concatenate([exercise(seed), speech(seed)])


def figures(quick: bool) -> Iterator[Figure]:
    """What ``vultus bench --photo`` prints of real pictures."""
    for way, some in reenacted(quick):
        for what, unit, values in some.rows():
            yield Figure(f"real clip, frames held out: {way}, {what}", unit, statistics.mean(values))
    found = {name: read_back(photo, motion) for name, photo, motion in exercised(quick)}
    for name, channels in found.items():
        yield from _read_figures(f"read back, {name}", channels, ())
    names = [channel.name for channel in CHANNELS if channel.bound]
    yield from _read_figures("read back, median", _median(list(found.values())), names)
    # What the tracker loses by itself: the same people drawn, not as photos.
    drawn = track_figures.read_back(PEOPLE[: 1 if quick else None])
    yield from _read_figures("read back, median of drawn people", {n: _middle(drawn[n]) for n in names}, ())
    yield from _by_the_clip(quick)


def _by_the_clip(quick: bool) -> Iterator[Figure]:
    """What comes back when the real clip drives the real portrait, and drawn people."""
    pictures, film = filmed()
    takes = observe(pictures, film.fps).takes
    shown = max(takes, key=lambda take: len(take.readings)).motion(len(pictures), film.fps, facing=False)
    # Of what hardly moves neither correlation nor gain say anything.
    some = [c.name for c in CHANNELS if c.bound and float(c.of(shown).std()) >= _MOVES]
    yield from _read_figures("by the clip, the astronaut", read_back(read_image(store.path(PHOTO)), shown), some)
    people = [PersonHead(f"person:{seed}", size=(_SIZE, _SIZE)) for seed in PEOPLE[: 1 if quick else None]]
    drawn = _median([_read_off(head.frames([shown]), shown) for head in people])
    yield from _read_figures("by the clip, median of drawn people", drawn, ())


def _middle(values: Sequence[tuple[float, ...]]) -> tuple[float, float]:
    correlation, gain = np.median(np.array(values)[:, :2], axis=0)
    return float(correlation), float(gain)


def _median(found: Sequence[dict[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    return {name: _middle([channels[name] for channels in found]) for name in found[0]}


def _read_figures(name: str, channels: dict[str, tuple[float, float]], bound: Collection[str]) -> Iterator[Figure]:
    for channel, (correlation, gain) in channels.items():
        must = channel in bound
        yield Figure(f"{name}: {channel}, correlation", "", correlation, None, ">= 0.8" if must else "")
        yield Figure(f"{name}: {channel}, gain away from 1", "", abs(gain - 1), None, "<= 0.2" if must else "")
