"""A video as the judges see it: one pass over its pictures, of which only small numbers for each frame are kept.

A face tracker looks at every picture once. Mouths and faces are cut out, brought to 25 frames a second (halfway
between two pictures they are halfway between both), read by the networks in stretches, and forgotten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.critics import identity
from vultus.critics.mouths import MOUTH_SIDE, SIDE, cut, face, steadied
from vultus.errors import VultusError
from vultus.observers.tracker import Face, Tracker
from vultus.person.landmarks import TO_68

Array = NDArray[Any]
Floats = NDArray[np.float32]
Read = Callable[[Array], Array]
"""Crops [T, …] of one clip -> what is read off each, [T, D]."""

FPS: Final = 25
"""Frames a second at which everything is judged."""
PORTRAIT: Final = 256
"""Pixels along each side of the faces that EmoNet sees."""
ROOM: Final = 4 / 3
"""The width of those faces over that of the ones that our networks see."""
WORD: Final = 29
"""Frames that the reader of words sees, the middle of the word in their middle."""
STANDARD: Final = 256
"""Pixels of the larger side that landmarks are scaled to."""
_STRETCH, _MARGIN = 100, 12  # frames that are read at once, and those around them that are read too and thrown away
_STEADY = 0.48  # seconds over which the reader's crops are steadied
_EVERY = 50  # frames from one descriptor of the face to the next


@dataclass(frozen=True)
class Reader:
    """A network that reads ``crops``: "mouths" [T, 48, 48], "faces" [T, 48, 48, 3], or "portraits" [N, 256, 256, 3], of
    which there is one every two seconds; all 0 to 255."""

    crops: str
    read: Read


@dataclass(frozen=True, eq=False)
class Film:
    """What was seen in a video, T frames at 25 a second.

    ``seen`` bool [T]: a face was found; where it was not, the numbers are those of the frame before. ``marks`` float32
    [T, 68, 2], iBUG's points in pixels of a picture whose larger side has 256. ``scores`` float32 [T, 52] as the
    tracker gives them, ``turn`` float32 [T, 3] the head's rotation vector in radians. ``readings`` by network: [T, D];
    ``backward`` the same of the video played backwards, ``still`` of its mean crop. ``descriptors`` [N, 128] of the
    face, one every two seconds. ``words`` of the reader of words: see :class:`Words`.
    """

    name: str
    size: tuple[int, int]
    rate: float
    seen: NDArray[np.bool_]
    marks: Floats
    scores: Floats
    turn: Floats
    readings: Mapping[str, Floats] = field(default_factory=dict)
    backward: Mapping[str, Floats] = field(default_factory=dict)
    still: Mapping[str, Floats] = field(default_factory=dict)
    descriptors: Floats = field(default_factory=lambda: np.zeros((0, 128), np.float32))
    words: Words | None = None

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.seen)

    def arranged(self, order: NDArray[np.int64]) -> Film:
        """Its frames in another *order*."""
        parts: dict[str, Any] = {name: getattr(self, name)[order] for name in ("seen", "marks", "scores", "turn")}
        words = self.words and replace(self.words, forward=self.words.swapped())
        return replace(self, **parts, readings={n: r[order] for n, r in self.readings.items()}, words=words)

    def reversed(self) -> Film:
        """Played backwards: what the networks read then, and the rest in the other order."""
        words = self.words and replace(self.words, forward=self.words.backward)
        film = self.arranged(np.arange(len(self))[::-1])
        return replace(film, readings=self.backward, words=words)

    def held(self) -> Film:
        """Standing still: its mean."""
        parts: dict[str, Any] = {
            name: np.broadcast_to(getattr(self, name).mean(axis=0), getattr(self, name).shape)
            for name in ("marks", "scores", "turn")
        }
        readings = {n: np.broadcast_to(r, (len(self), *r.shape[1:])) for n, r in self.still.items()}
        words = self.words and replace(self.words, forward=np.broadcast_to(self.words.still, self.words.forward.shape))
        return replace(self, **parts, readings=readings, words=words, descriptors=self.descriptors[:0])

    def cut(self, count: int) -> Film:
        """Its first *count* frames."""
        return self if count >= len(self) else replace(self.arranged(np.arange(count)), words=self.words)


@dataclass(frozen=True, eq=False)
class Words:
    """Words and their scores [N, 500]: of their moments, of these backwards, and of the mean mouth [1, 500]."""

    said: tuple[str, ...]
    forward: Floats
    backward: Floats
    still: Floats

    def swapped(self) -> Floats:
        """The scores of every word at the moment of another one."""
        return np.roll(self.forward, 1, axis=0)


@dataclass(frozen=True, eq=False)
class _Look:
    """What one picture gives; ``word`` is the crop of the reader of words, and some have a chip and a portrait."""

    marks: Floats
    scores: Floats
    turn: Floats
    mouth: Floats
    face: Floats
    word: Floats
    chip: Floats | None
    portrait: Floats | None


def watch(
    path: str | Path,
    readers: Mapping[str, Reader],
    words: Sequence[tuple[str, float, float]] = (),
    read_words: Read | None = None,
    *,
    describe: bool = True,
    progress: Callable[[float, float | None], None] | None = None,
) -> Film:
    """Watch a video; *readers* by the names that their readings get.

    *words* (word, start, end in seconds) are read by *read_words*: clips [N, 29, 88, 88] -> scores [N, 500]. With
    *describe* the face is described, too. VultusError for what is no video, and when no picture shows a face.
    """
    from vultus.io.video import probe_video

    info = probe_video(path)
    gatherer = _Gatherer(readers, words, read_words, describe)
    large = any(reader.crops == "portraits" for reader in readers.values())
    looks = _looks(path, float(info.fps), read_words is not None, describe, large)
    for i, (seen, look) in enumerate(_at_rate(looks)):
        gatherer.push(seen, look)
        if progress and i % FPS == 0:
            progress(i / FPS, info.duration)
    if gatherer.first is None:
        raise VultusError(f"No face was found in any picture of {path}", "Give a video in which a face is larger")
    return gatherer.finish(str(path), (info.width, info.height), float(info.fps))


def _looks(
    path: str | Path, fps: float, steady: bool, chips: bool, large: bool
) -> Iterator[tuple[float, _Look | None]]:
    """Every picture in order, with its time in seconds; None where no face was found."""
    from vultus.io.video import read_video

    waiting: deque[tuple[float, Array, Face | None]] = deque()
    tracker = Tracker()

    def tracked() -> Iterator[tuple[NDArray[np.uint8], Floats | None]]:
        for time, picture in read_video(path):
            found = tracker.track(picture)
            waiting.append((float(time), picture, found))
            yield picture, None if found is None else found.landmarks

    blank = np.zeros((SIDE, SIDE), np.float32)
    crops: Iterable[Floats | None]
    crops = steadied(tracked(), max(round(_STEADY * fps), 1)) if steady else (blank for _ in tracked())
    due = -1.0
    for word in crops:
        time, picture, found = waiting.popleft()
        if found is None or word is None:
            yield time, None
            continue
        points = found.landmarks[:, :2]
        now = time >= due
        due = time + _EVERY / FPS if now else due
        chip = identity.chip(picture, identity.five_points(found.landmarks)) if chips and now else None
        portrait = face(picture, points, PORTRAIT, ROOM) if large and now else None
        marks = points[list(TO_68)] * np.float32(STANDARD / max(picture.shape[:2]))
        turn = np.asarray(found.rotation_vector, np.float32)
        mouth, head = cut(picture, points, MOUTH_SIDE), face(picture, points)
        yield time, _Look(marks, found.scores, turn, mouth, head, word, chip, portrait)


def _at_rate(looks: Iterable[tuple[float, _Look | None]]) -> Iterator[tuple[bool, _Look | None]]:
    """Frames at 25 a second, between the pictures; the first and the last one are held."""
    number = 0
    before: tuple[float, _Look | None] | None = None
    for after in looks:
        before = before or (min(after[0], 0.0), after[1])
        while number / FPS <= after[0] + 1e-6:
            share = (number / FPS - before[0]) / max(after[0] - before[0], 1e-9)
            near = after[1] if share > 0.5 else before[1]
            yield near is not None, _between(before[1], after[1], share) if near is not None else None
            number += 1
        before = after


def _between(a: _Look | None, b: _Look | None, share: float) -> _Look | None:
    if a is None or b is None or share > 0.98 or share < 0.02:
        return b if a is None or (share > 0.5 and b is not None) else a
    names = ("marks", "scores", "turn", "mouth", "face", "word")
    mixed = {n: (1 - share) * getattr(a, n) + share * getattr(b, n) for n in names}
    near, far = (b, a) if share > 0.5 else (a, b)
    kept: dict[str, Any] = {n: np.asarray(v, np.float32) for n, v in mixed.items()}
    for name in ("chip", "portrait"):
        own = getattr(near, name)
        kept[name] = getattr(far, name) if own is None else own
    return _Look(**kept)


class Stretches:
    """Crops as they come -> what a network reads off each, forwards and backwards, in stretches of bounded length."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._held: list[Array] = []
        self._done = 0  # of those that are held
        self._out: list[Array] = []
        self._back: list[Array] = []
        self._sum: Any = 0.0
        self._count = 0

    def push(self, crop: Array) -> None:
        """The next crop."""
        self._held.append(crop)
        self._sum, self._count = self._sum + crop.astype(np.float64), self._count + 1
        if len(self._held) >= self._done + _STRETCH + _MARGIN:
            self._take(self._done + _STRETCH)

    def _take(self, stop: int) -> None:
        block = np.stack(self._held)
        part = slice(self._done, stop)
        self._out.append(self._read(block)[part])
        self._back.append(self._read(block[::-1])[::-1][part])
        keep = max(stop - _MARGIN, 0)
        self._held, self._done = self._held[keep:], stop - keep

    def finish(self) -> tuple[Array, Array, Array]:
        """Forwards [T, D], backwards [T, D] and of the mean crop [1, D]."""
        if len(self._held) > self._done:
            self._take(len(self._held))
        mean = np.repeat((self._sum / self._count)[None], 2 * _MARGIN + 1, axis=0)
        still = self._read(mean)[_MARGIN : _MARGIN + 1]
        return np.concatenate(self._out), np.concatenate(self._back)[::-1], still


class _Gatherer:
    """Keeps what :class:`Film` holds while frames come."""

    def __init__(
        self,
        readers: Mapping[str, Reader],
        words: Sequence[tuple[str, float, float]],
        read_words: Read | None,
        describe: bool,
    ) -> None:
        self._readers = {name: reader for name, reader in readers.items() if reader.crops != "portraits"}
        self._slow = {name: reader for name, reader in readers.items() if reader.crops == "portraits"}
        self._stretches = {name: Stretches(reader.read) for name, reader in self._readers.items()}
        self._rare: dict[str, list[Array]] = {name: [] for name in self._slow}
        self._rows: list[tuple[Floats, Floats, Floats]] = []
        self._seen: list[bool] = []
        self._descriptors: list[Floats] = []
        self._describe = describe
        self.first: _Look | None = None
        self._last: _Look | None = None
        self._early = 0  # frames before the first face
        self._words = _WordReader(words, read_words) if read_words is not None else None

    def push(self, seen: bool, look: _Look | None) -> None:
        if look is None and self._last is None:
            self._early += 1
            return
        look = look or self._last
        assert look is not None  # noqa: S101
        if self.first is None:
            self.first = self._last = look
            for _ in range(self._early):
                self._add(False, look)
        self._add(seen, look)
        self._last = look

    def _add(self, seen: bool, look: _Look) -> None:
        self._seen.append(seen)
        self._rows.append((look.marks, look.scores, look.turn))
        for name, reader in self._readers.items():
            self._stretches[name].push(look.mouth if reader.crops == "mouths" else look.face)
        if self._words is not None:
            self._words.push(look.word)
        for name, reader in self._slow.items():
            held = self._rare[name]
            picture = look.portrait if look is not self._last else None
            if picture is None and not held:  # the first frame has always one
                picture = look.portrait
            held.append(held[-1] if picture is None else reader.read(picture[None])[0])
        if self._describe and seen and look.chip is not None:
            self._descriptors.append(identity.describe(look.chip[None])[0])

    def finish(self, name: str, size: tuple[int, int], rate: float) -> Film:
        read = {n: stretches.finish() for n, stretches in self._stretches.items()}
        for n, rare in self._rare.items():  # seen one by one, so that backwards is the other order
            some = np.stack(rare)
            read[n] = some, some[::-1], some.mean(axis=0, keepdims=True)
        forward, backward, still = ({n: np.asarray(r[i], np.float32) for n, r in read.items()} for i in range(3))
        marks, scores, turn = (np.stack([row[i] for row in self._rows]) for i in range(3))
        faces = np.stack(self._descriptors) if self._descriptors else np.zeros((0, 128), np.float32)
        words = self._words.finish() if self._words is not None else None
        return Film(
            name, size, rate, np.array(self._seen), marks, scores, turn, forward, backward, still, faces, words
        )  # fmt: skip


class _WordReader:
    """Reads every word as soon as its frames are there."""

    def __init__(self, words: Sequence[tuple[str, float, float]], read: Read) -> None:
        self._read = read
        self._due = deque(sorted((round((start + end) / 2 * FPS), word) for word, start, end in words))
        self._held: deque[Floats] = deque(maxlen=2 * WORD)
        self._count = 0
        self._sum: Any = 0.0
        self._said: list[str] = []
        self._out: list[tuple[Array, Array]] = []

    def push(self, crop: Floats) -> None:
        self._held.append(crop)
        self._count += 1
        self._sum = self._sum + crop.astype(np.float64)
        while self._due and self._count > self._due[0][0] + WORD // 2:
            self._one(*self._due.popleft())

    def _one(self, middle: int, word: str) -> None:
        first = self._count - len(self._held)
        rows = np.clip(np.arange(middle - WORD // 2, middle + WORD // 2 + 1) - first, 0, len(self._held) - 1)
        clip = np.stack([self._held[i] for i in rows])
        self._said.append(word)
        both = self._read(np.stack([clip, clip[::-1]]))
        self._out.append((both[0], both[1]))

    def finish(self) -> Words | None:
        while self._due:
            middle, word = self._due.popleft()
            if middle < self._count:
                self._one(middle, word)
        if not self._said:
            return None
        mean = np.repeat(np.asarray(self._sum / self._count, np.float32)[None], WORD, axis=0)
        forward, backward = (np.stack([pair[i] for pair in self._out]) for i in (0, 1))
        return Words(tuple(self._said), forward, backward, self._read(mean[None]))
