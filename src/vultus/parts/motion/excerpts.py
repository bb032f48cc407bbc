"""Clips as arrays of one length: what is heard, how the face moves, and when each phone is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.errors import VultusError
from vultus.parts.motion.audio import listen, rate_of
from vultus.person.identity import parse_identity
from vultus.signals.features import RATE
from vultus.signals.phones import ARPABET, Phone

Arrays = dict[str, NDArray[Any]]
PHONES: Final = 24
"""The most phones that an excerpt keeps for each second."""


Rated = Callable[[Clip, float], Mapping[str, NDArray[Any]]]
"""Gives arrays [N, …] of a clip, one row for each frame at a rate."""


def motion_rows(clip: Clip, fps: float) -> Arrays:
    """``data`` float32 [N, 69], the Motion of *clip* at *fps*; VultusError when it has none."""
    if clip.motion is None:
        raise VultusError(f"The clip {clip.name} lacks motion", "Use another set")
    return {"data": (clip.motion if clip.motion.fps == fps else clip.motion.resample(fps)).data}


def excerpts(clips: Sequence[Clip], kind: str, fps: float, frames: int, rows: Rated = motion_rows) -> Arrays:
    """Pieces of *frames* frames of clips, one after another; what is shorter than half is left out.

    * ``heard`` float32 [n, M, D]: features of the *kind*, or samples of sound for a published encoder;
    * what *rows* gives, [n, T, …], its last row held where the clip ends;
    * ``phones`` float32 [n, P, 3]: start and end in seconds and place in ``ARPABET``, NaN after the last;
    * ``clip`` int64 [n]: the clip's number.

    Raises VultusError when a clip lacks sound or what *rows* needs, and when all are too short.
    """
    pieces = [piece for number, clip in enumerate(clips) for piece in _cut(clip, number, kind, fps, frames, rows)]
    if not pieces:
        raise VultusError(f"No clip is as long as {frames / 2 / fps:g} s", "Give longer clips, or fewer frames")
    return {name: np.stack([piece[name] for piece in pieces]) for name in pieces[0]}


def _cut(
    clip: Clip, number: int, kind: str, fps: float, frames: int, rows: Rated
) -> Iterator[Mapping[str, NDArray[Any]]]:
    if clip.audio is None:
        raise VultusError(f"The clip {clip.name} lacks sound", "Use another set")
    if clip.sample_rate != RATE:
        raise VultusError(f"The sound of {clip.name} is at {clip.sample_rate} Hz", f"Resample it to {RATE}")
    shown = rows(clip, fps)
    total = min(len(array) for array in shown.values())
    heard = listen(clip.audio, kind)
    rate = rate_of(kind)
    length = round(frames * rate / fps)
    for first in range(0, total - frames // 2 + 1, frames):
        at, begin = round(first * rate / fps), first / fps
        places = np.minimum(np.arange(first, first + frames), total - 1)
        here = heard[np.minimum(np.arange(at, at + length), len(heard) - 1)]
        phones = phone_rows(clip.phones, begin, begin + frames / fps)
        yield {"heard": here, "phones": phones, "clip": np.array(number)} | {
            name: array[places] for name, array in shown.items()
        }


def phone_rows(phones: Sequence[Phone], begin: float, end: float) -> NDArray[np.float32]:
    """What is said from *begin* to *end* seconds as rows [P, 3]: start and end after *begin*, place in ``ARPABET``."""
    out = np.full((round(PHONES * max(end - begin, 1)), 3), np.nan, np.float32)
    inside = [phone for phone in phones if phone.start < end and phone.end > begin][: len(out)]
    for i, phone in enumerate(inside):
        out[i] = max(phone.start, begin) - begin, min(phone.end, end) - begin, ARPABET.index(phone.arpabet)
    return out


def _seed(who: str) -> int:
    return parse_identity(who).seed


def numbers_of(clips: Sequence[Clip], speakers: Sequence[str]) -> NDArray[np.int64]:
    """The number of each clip's speaker (its label ``subject``, or its identity) among *speakers*, -1 for others.

    People of the stage who are not named get the number of their seed, so that any of them may be learned from.
    """
    said = [clip.labels.get("subject") or clip.identity for clip in clips]
    return np.array([
        speakers.index(who) if who in speakers
        else _seed(who) % len(speakers) if who.startswith("person") and speakers else -1
        for who in said
    ], np.int64)  # fmt: skip


class Rows:
    """Batches of rows of arrays [n, …], drawn with replacement: a function of *seed* and *step* alone."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], **facts: str) -> None:
        """Every batch says the *facts* too. VultusError when there are no rows or not equally many."""
        self.arrays, self.facts = dict(arrays), facts
        counts = {len(array) for array in self.arrays.values()}
        if len(counts) != 1 or counts == {0}:
            raise VultusError(f"The arrays have {sorted(counts)} rows", "Give one row for each example, at least one")
        self.count = counts.pop()

    def batch(self, step: int, size: int, seed: int) -> dict[str, Any]:
        """*size* rows of every array."""
        rows = np.random.default_rng([seed, step]).integers(self.count, size=size)
        return {name: array[rows] for name, array in self.arrays.items()} | self.facts
