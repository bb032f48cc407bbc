"""Several faces in a video, each with a number that stays its own.

A face is looked for where it was in the picture before. Meanwhile one part of the picture after another is searched
for further faces, small ones too: a whole sweep takes a few seconds. At the first picture and after a cut the parts are
searched at once, from large to small until faces are found; while nobody is there, several at a time.

Who is lost is known again by the place, and after a cut or elsewhere by the looks: a small picture of the face and
what is around it, which has to agree clearly. Whoever is filmed quite otherwise after a cut counts as somebody new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.observers.tracker import Box, Face, Square, Tracker, around, near, whole
from vultus.observers.warp import square

Pixels = NDArray[np.uint8]

MOST: Final = 32
"""Faces that are followed at once."""
FINEST: Final = 0.3
"""Side of the smallest parts that are searched, over the shorter side of the picture: a face is seen when it is
larger than about a sixth of a part."""
_SMALLEST = 48.0  # pixels along a part: below, a face would be too small to read
_SURE = 0.95  # presence that a new face needs: small parts of a picture look like one by chance
_FRAMED, _TWICE = 2.2, 0.75  # side of a square around it over its size, and the score that it must have there
_MEMORY = 10.0  # seconds for which a lost face is looked for where it was
_LOOKS, _OFTEN, _LIKE = 6, 1.0, 0.8  # pictures of looks that are kept, seconds between them, and what has to agree
_ALIKE = 0.35  # distance of two faces over their size, below which they are one
_CUT = (0.09, 3.5)  # mean change of a small picture in [0, 1] that a cut needs, alone and over the usual change
_GRID = (18, 32)
_ALWAYS = 3  # sizes of parts that are searched in any case when all is searched


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one picture: whose (*number*, from 1 on), what it shows, and whether it is *new* there: seen for the
    first time, again after it was lost, or after a cut."""

    number: int
    face: Face
    new: bool


@dataclass(eq=False)
class _Known:
    """Someone who was seen: the last face, when, in which scene, and the looks [N, 24 * 24 * 3] of some pictures."""

    number: int
    face: Face
    time: float
    scene: int
    looks: list[NDArray[np.float32]] = field(default_factory=list)
    looked: float = -np.inf


class Cuts:
    """Finds the pictures with which a new scene begins."""

    def __init__(self) -> None:
        """Before the first picture."""
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0

    def step(self, image: Pixels) -> bool:
        """Whether a picture uint8 [H, W, 3] belongs to another scene than the one before."""
        rows, columns = (np.linspace(0, n - 1, m).astype(int) for n, m in zip(image.shape, _GRID, strict=False))
        small = np.asarray(image[rows[:, None], columns], np.float32) / np.float32(255)
        last, self._last = self._last, small
        if last is None:
            return False
        change = float(np.abs(small - last).mean())
        least, over = _CUT
        cut = change > max(least, over * self._usual)
        if not cut:  # the new scene may move as the old one did
            self._usual += 0.2 * (change - self._usual)
        return cut


def parts(width: int, height: int) -> list[list[Square]]:
    """The whole picture, and then smaller and smaller squares, each size overlapping by half and covering it."""
    out = [[whole(width, height)]]
    short = float(min(width, height))
    side = short
    while side >= max(FINEST * short, _SMALLEST):
        out.append([Square((x, y), side, 0.0) for y in _centres(height, side) for x in _centres(width, side)])
        side *= 0.55
    return out


def _centres(length: int, side: float) -> list[float]:
    count = max(int(np.ceil((length - side) / (side / 2))), 0) + 1
    if count == 1:
        return [length / 2]
    return [float(v) for v in np.linspace(side / 2, length - side / 2, count)]


class Crowd:
    """Follows all faces of a video. Not safe in several threads at once."""

    def __init__(self, tracker: Tracker | None = None) -> None:
        """*tracker* lends its networks; a new one unless given. Raises VultusError as `Tracker` does."""
        self._tracker = tracker or Tracker()
        self._cuts = Cuts()
        self._here: list[_Known] = []
        self._lost: list[_Known] = []
        self._parts: list[list[Square]] = []
        self._shape: tuple[int, int] = (0, 0)
        self._turn = self._scene = self._count = 0

    def step(self, image: Pixels, time: float) -> list[Sighting]:
        """The faces in the next picture uint8 [H, W, 3], which stands at *time* in seconds, in order of their numbers.

        Raises VultusError for what is no picture, or one below 16 pixels.
        """
        start = self._begin(image)
        seen = [(known, self._tracker.look(image, around(known.face.landmarks))) for known in self._here]
        kept: list[_Known] = []
        for known, face in seen:
            if face is not None and not any(_alike(face, other.face) for other in kept):
                known.face, known.time = face, time
                kept.append(known)
            else:
                self._lost.append(known)
        old = {known.number for known in kept}
        self._lost = self._lost[-4 * MOST :]
        for box in self._search(image, start, bool(kept)):
            face = self._verified(image, box, kept)
            if face is not None and len(kept) < MOST:
                kept.append(self._named(image, face, time))
        for known in kept:
            if time - known.looked >= _OFTEN:
                known.looks = [*known.looks[1 - _LOOKS :], _look(image, known.face)]
                known.looked = time
        self._here = sorted(kept, key=lambda known: known.number)
        return [Sighting(known.number, known.face, known.number not in old) for known in self._here]

    def _begin(self, image: Pixels) -> bool:
        """Whether all has to be searched: at the first picture, one of another size, and after a cut."""
        if image.shape[:2] == self._shape and not self._cuts.step(image):
            return False
        if image.shape[:2] != self._shape:
            self._shape = (image.shape[0], image.shape[1])
            self._cuts = Cuts()
            self._cuts.step(image)
            self._parts = parts(image.shape[1], image.shape[0])
        self._lost += self._here
        self._here = []
        self._scene += 1
        self._turn = 0
        return True

    def _search(self, image: Pixels, start: bool, anybody: bool) -> list[Box]:
        """Faces in what is searched this time, the largest first."""
        found: list[Box] = []
        if start:
            for level in range(min(_ALWAYS, len(self._parts)), len(self._parts) + 1):
                more = self._tracker.detect(image, *(part for some in self._parts[:level] for part in some))
                if found and len(more) <= len(found):
                    break
                found = more
        else:
            every = [part for some in self._parts for part in some]
            count = 1 if anybody else 4
            chosen = [every[(self._turn + i) % len(every)] for i in range(count)]
            self._turn += count
            if not anybody and every[0] not in chosen:
                chosen.append(every[0])
            found = self._tracker.detect(image, *chosen)
        return sorted(found, key=lambda box: -max(box.size))

    def _verified(self, image: Pixels, box: Box, kept: list[_Known]) -> Face | None:
        """The face in a box, unless it is one of those that are followed already."""
        for known in kept:
            left, top, right, bottom = known.face.box
            if left <= box.centre[0] <= right and top <= box.centre[1] <= bottom:
                return None
        face = self._tracker.look(image, near(box))
        face = self._tracker.look(image, around(face.landmarks)) if face else None
        if face is None or face.presence < _SURE or any(_alike(face, known.face) for known in kept):
            return None
        left, top, right, bottom = face.box
        middle, side = ((left + right) / 2, (top + bottom) / 2), _FRAMED * max(right - left, bottom - top)
        again = self._tracker.detect(image, Square(middle, side, 0.0))
        sure = [b for b in again if b.score >= _TWICE and left <= b.centre[0] <= right and top <= b.centre[1] <= bottom]
        return face if sure else None

    def _named(self, image: Pixels, face: Face, time: float) -> _Known:
        """Someone who was lost and comes back, or somebody new."""
        nearby = [
            (_apart(face, known.face) / (1 + 2 * (time - known.time)), i)
            for i, known in enumerate(self._lost)
            if known.scene == self._scene and time - known.time <= _MEMORY
        ]
        best = min(nearby, default=(np.inf, -1))
        if best[0] >= 0.8:
            look = _look(image, face)
            like = [(-max(float(look @ kept) for kept in known.looks), i) for i, known in enumerate(self._lost)]
            best = min(like, default=(0.0, -1))
            if best[0] > -_LIKE:
                self._count += 1
                return _Known(self._count, face, time, self._scene)
        known = self._lost.pop(best[1])
        known.face, known.time, known.scene = face, time, self._scene
        return known


def _look(image: Pixels, face: Face) -> NDArray[np.float32]:
    """A face and what is around it, upright, small and of no brightness or contrast of its own."""
    where = around(face.landmarks)
    small = square(image, where.centre, 1.1 * where.side, where.angle, 24)
    small -= small.mean((0, 1))
    return np.asarray(small.ravel() / max(float(np.linalg.norm(small)), 1e-6))


def _apart(a: Face, b: Face) -> float:
    """Mean distance of the landmarks of two faces over the larger one's size."""
    size = max(max(f.box[2] - f.box[0], f.box[3] - f.box[1]) for f in (a, b))
    away = np.linalg.norm(a.landmarks[:, :2] - b.landmarks[:, :2], axis=1).mean()
    return float(away / max(size, 1.0))


def _alike(a: Face, b: Face) -> bool:
    return _apart(a, b) < _ALIKE
