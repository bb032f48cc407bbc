"""Faces watched over time: each is followed, smoothed, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.motion import Motion
from vultus.observers.calibration import Calibration, Finish
from vultus.observers.crowd import Crowd, Sighting
from vultus.observers.reading import Reading, read
from vultus.observers.smooth import OneEuro
from vultus.observers.tracker import Tracker

Pixels = NDArray[np.uint8]
Doubles = NDArray[np.float64]

SHORTEST: Final = 0.25
"""Seconds for which a face has to be seen to count as somebody, unless the clip is shorter."""
_POINTS = (2.0, 12.0)  # cutoff at rest in Hz and its gain with speed, for landmarks in shares of the face's size


def _tuning() -> tuple[Doubles, Doubles]:
    """Cutoffs at rest in Hz and their gains with speed, [69] each: weights, radians and metres move differently."""
    rest, speed = np.full(len(ch.CHANNELS), 2.5), np.full(len(ch.CHANNELS), 6.0)
    for part, (low, gain) in ((ch.HEAD, (2.0, 20.0)), (ch.TRANSLATION, (1.0, 30.0))):
        rest[part], speed[part] = low, gain
    for part in (ch.EYE_LEFT, ch.EYE_RIGHT):
        rest[part], speed[part] = 3.0, 10.0
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        rest[ch.INDEX[name]], speed[ch.INDEX[name]] = 4.0, 12.0
    return rest, speed


@dataclass(frozen=True, eq=False)
class Watched:
    """One face in one picture: the *sighting*, its landmarks [478, 2] in pixels and its *reading*, both smoothed."""

    sighting: Sighting
    landmarks: Doubles
    reading: Reading

    @property
    def number(self) -> int:
        """Whose face it is, from 1 on."""
        return self.sighting.number


@dataclass(eq=False)
class _Smooth:
    row: OneEuro = field(default_factory=lambda: OneEuro(*_tuning()))
    points: OneEuro = field(default_factory=lambda: OneEuro(*_POINTS))
    time: float = 0.0


class Watch:
    """Watches all faces of a video. Not safe in several threads at once."""

    def __init__(self, tracker: Tracker | None = None) -> None:
        """*tracker* lends its networks; a new one unless given. Raises VultusError as `Tracker` does."""
        self._crowd = Crowd(tracker)
        self._people: dict[int, _Smooth] = {}

    def step(self, image: Pixels, time: float) -> list[Watched]:
        """The faces in the next picture uint8 [H, W, 3], which stands at *time* in seconds; VultusError as `Crowd`."""
        height, width = image.shape[:2]
        return [self._one(s, width, height, time) for s in self._crowd.step(image, time)]

    def _one(self, sighting: Sighting, width: int, height: int, time: float) -> Watched:
        smooth = self._people.setdefault(sighting.number, _Smooth())
        passed, smooth.time = max(time - smooth.time, 1e-3), time
        if sighting.new:
            smooth.row.reset()
            smooth.points.reset()
        face = sighting.face
        left, top, right, bottom = face.box
        size = max(right - left, bottom - top, 1.0)
        points = smooth.points.step(face.landmarks[:, :2] / size, passed) * size
        reading = read(face, width, height)
        return Watched(sighting, points, Reading(smooth.row.step(reading.row, passed), reading.seen))


@dataclass(eq=False)
class Take:
    """What was read of one person over a clip: ``readings`` by the number of the frame, and the mean ``size`` of the
    face in pixels."""

    number: int
    readings: dict[int, Reading] = field(default_factory=dict)
    size: float = 0.0

    def add(self, frame: int, one: Watched) -> None:
        """Take in what frame number *frame* shows."""
        box = one.sighting.face.box
        self.size += (max(box[2] - box[0], box[3] - box[1]) - self.size) / (len(self.readings) + 1)
        self.readings[frame] = one.reading

    def counts(self, frames: int, fps: Fraction) -> bool:
        """Whether the face was seen for long enough in a clip of so many *frames*."""
        return len(self.readings) >= min(SHORTEST * float(fps), frames / 2)

    def calibration(self) -> Calibration:
        """The person's neutral face and range."""
        rows = list(self.readings.values())
        return Calibration.of(np.array([r.row for r in rows]), np.array([r.seen for r in rows]))

    def motion(self, frames: int, fps: Fraction, *, absolute: bool = False, facing: bool = True) -> Motion:
        """The person's Motion over *frames* frames; gaps are not valid.

        *absolute* tells every shape against the usual face instead of the person's own; *facing* the head as the
        camera sees it instead of against its own rest.
        """
        own = self.calibration()
        own = own.usual_face() if absolute else own.facing() if facing else own
        return Finish(own, fps).motion([self.readings.get(i) for i in range(frames)])


@dataclass(frozen=True, eq=False)
class Observed:
    """Everybody in a clip: how many *frames* it has at which *fps*, and a *take* of each, by their numbers."""

    frames: int
    fps: Fraction
    takes: tuple[Take, ...]


def observe(
    pictures: Iterable[Pixels],
    fps: Fraction,
    *,
    tracker: Tracker | None = None,
    each: Callable[[int, Pixels, list[Watched]], None] | None = None,
) -> Observed:
    """Everybody in *pictures*, uint8 [H, W, 3] at *fps*; *each* is told of every picture with its number.

    Keeps the readings (0.6 kB for each face and frame) and no picture. Raises VultusError as `Watch` does.
    """
    takes: dict[int, Take] = {}
    count = 0
    for count, (picture, watched) in enumerate(watching(pictures, fps, tracker), 1):
        for one in watched:
            takes.setdefault(one.number, Take(one.number)).add(count - 1, one)
        if each is not None:
            each(count - 1, picture, watched)
    return Observed(count, fps, tuple(take for take in takes.values() if take.counts(count, fps)))


def watching(
    pictures: Iterable[Pixels], fps: Fraction, tracker: Tracker | None = None
) -> Iterator[tuple[Pixels, list[Watched]]]:
    """Each of *pictures* at *fps* with the faces in it; one that is shown again, as itself, is not looked at again."""
    watch = Watch(tracker)
    last: Pixels | None = None
    watched: list[Watched] = []
    for i, picture in enumerate(pictures):
        if picture is not last:
            watched = watch.step(picture, i / float(fps))
        last = picture
        yield picture, watched
