"""A video of a face drives a face: what someone does in it becomes Motion while it is being watched.

The first 20 seconds tell how the person looks at rest (`vultus.observers.calibration`); from then on every frame is
told when it has been seen. Nothing else is kept, whatever the length of the video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.errors import VultusError, unknown
from vultus.motion import LOOK, Motion
from vultus.observers.calibration import Finish
from vultus.observers.reading import Reading
from vultus.observers.tracker import Tracker
from vultus.observers.watch import Take, Watched, watching

Pixels = NDArray[np.uint8]

WINDOW: Final = 20.0
"""Seconds from which the neutral face is taken."""
USES: Final = ("expression", "pose", "gaze")
"""What a video can drive: the shapes, the head with its place, and where the eyes look."""
_PIECE = 15  # frames at once
_FADE = 0.3  # seconds over which a face that appears takes over


def parse_use(text: str) -> frozenset[str]:
    """Parts of a face from "expression,pose,gaze"; VultusError for others and for none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in USES:
            raise unknown("part of a face to use", name, USES)
    if not names:
        raise VultusError("Nothing of the video is used", f"Give --use some of {','.join(USES)}")
    return frozenset(names)


def drive(
    pictures: Iterable[Pixels],
    fps: Fraction,
    *,
    which: int | None = None,
    absolute: bool = False,
    use: frozenset[str] = frozenset(USES),
    tracker: Tracker | None = None,
) -> Iterator[Motion]:
    """Motion of the face number *which* (None: the one that is seen most) in *pictures*, uint8 [H, W, 3] at *fps*.

    Relative to how the person rests, unless *absolute* tells every shape against the usual face and the head as the
    camera sees it; only the parts in *use* move. Where the face is not seen the motion is not valid: the head stays,
    and the face comes to rest. Raises VultusError when there is no such face in the first 20 seconds.
    """
    held: list[list[Watched]] = []
    rest = watching(pictures, fps, tracker)
    for _, watched in rest:
        held.append(watched)
        if len(held) >= WINDOW * fps:
            break
    take = chosen(takes(held, fps), which, "the first 20 seconds" if len(held) >= WINDOW * fps else "the video")
    own = take.calibration()
    finish, ease = Finish(own.usual_face() if absolute else own, fps), _Ease(fps)
    piece: list[Reading | None] = []
    start = Fraction(0)
    for frame, watched in enumerate(_all(held, rest), 1):
        piece.append(next((one.reading for one in watched if one.number == take.number), None))
        if len(piece) == _PIECE:
            yield _used(ease.step(finish.motion(piece, start)), use)
            piece, start = [], frame / fps
    if piece:
        yield _used(ease.step(finish.motion(piece, start)), use)


def _all(held: list[list[Watched]], rest: Iterator[tuple[Pixels, list[Watched]]]) -> Iterator[list[Watched]]:
    held.reverse()
    while held:
        yield held.pop()
    for _, watched in rest:
        yield watched


def takes(frames: list[list[Watched]], fps: Fraction) -> tuple[Take, ...]:
    """Everybody who is watched in *frames*, for long enough to count; see `vultus.observers.watch.observe`."""
    out: dict[int, Take] = {}
    for i, watched in enumerate(frames):
        for one in watched:
            out.setdefault(one.number, Take(one.number)).add(i, one)
    return tuple(take for take in out.values() if take.counts(len(frames), fps))


def chosen(found: tuple[Take, ...], which: int | None, where: str) -> Take:
    """The take number *which*, or the one that is seen longest and largest; VultusError when there is none."""
    if not found:
        raise VultusError(
            f"No face is found in {where}", "Show one from the front, uncovered, and 60 pixels wide or more"
        )
    if which is None:
        return max(found, key=lambda take: len(take.readings) * take.size)
    for take in found:
        if take.number == which:
            return take
    numbers = [str(take.number) for take in found]
    many = f"only face {numbers[0]}" if len(numbers) == 1 else f"the faces {', '.join(numbers)}"
    raise VultusError(f"There is no face {which} in {where}, {many}", f"Give --which {numbers[0]}")


class _Ease:
    """Lets a face that is seen again take over smoothly from the rest that it came to."""

    def __init__(self, fps: Fraction) -> None:
        self._step = 1 / max(_FADE * float(fps), 1.0)
        self._share = 1.0
        self._held = np.zeros(len(ch.CHANNELS), np.float32)

    def step(self, motion: Motion) -> Motion:
        """The next piece of the motion."""
        data = motion.data.copy()
        for row, valid in zip(data, motion.valid, strict=True):
            if not valid.any():
                self._share, self._held = 0.0, row.copy()
                continue
            self._share = min(self._share + self._step, 1.0)
            if self._share < 1:
                weight = self._share * self._share * (3 - 2 * self._share)
                row[:] = self._held + weight * (row - self._held)
        return motion.replace(data=data)


def _used(motion: Motion, use: frozenset[str]) -> Motion:
    """The motion with what is not in *use* at rest."""
    parts = {
        "expression": [i for i in range(len(ch.ARKIT)) if i not in LOOK],
        "pose": [*range(ch.NECK.start, ch.HEAD.stop), *range(ch.TRANSLATION.start, ch.TRANSLATION.stop)],
        "gaze": [*range(ch.EYE_LEFT.start, ch.EYE_RIGHT.stop)],
    }
    data = motion.data.copy()
    for name in USES:
        if name not in use:
            data[:, parts[name]] = 0
    return motion.replace(data=data)
