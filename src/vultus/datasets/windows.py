"""Windows of clips of equal length, for training: what is drawn depends on nothing but seed and number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip, Frame
from vultus.errors import VultusError
from vultus.motion import Motion

_TRIES = 64  # clips that may be too short before one is found that is not


@dataclass(frozen=True, eq=False)
class Window:
    """A piece of a clip: frames [``first``, ``first`` + n) of one view, and the sound and motion that go with them.

    ``fields`` maps the names that were asked for to arrays [n, …] of their types in ``vultus.clip.FIELDS``. ``audio``
    float32 [m] begins with frame ``first``, with zeros where the clip has ended or has no sound; ``motion`` has n
    frames, None where the clip has none.
    """

    clip: Clip
    first: int
    fields: Frame
    audio: NDArray[np.float32]
    motion: Motion | None


def window(
    clips: Sequence[Clip], seconds: float, *, seed: int, number: int, fields: Sequence[str] = (), view: int = 0
) -> Window:
    """Window *number* of *seed*: a clip and a beginning in it, drawn evenly, both functions of *seed* and *number*.

    It has round(*seconds* · fps) frames. Clips that are too short are passed over. With no *fields* it needs no view:
    the rate of frames is then that of the motion. Raises VultusError when there are no clips, when all that were drawn
    are too short, and when a clip lacks a field or has neither view nor motion.
    """
    if not len(clips):
        raise VultusError("There are no clips to draw from", "Check the folder and the split")
    rng = np.random.default_rng([seed, number, 0x317])
    for _ in range(_TRIES):
        clip = clips[int(rng.integers(len(clips)))]
        count, fps = _frames(clip, view, bool(fields))
        wanted = max(1, round(seconds * fps))
        if count >= wanted:
            return cut(clip, int(rng.integers(count - wanted + 1)), wanted, fields=fields, view=view)
    raise VultusError(f"Hardly a clip is as long as {seconds:g} s", "Ask for shorter windows, or make longer clips")


def windows(
    clips: Sequence[Clip],
    seconds: float,
    *,
    seed: int = 0,
    batch: int = 1,
    first: int = 0,
    fields: Sequence[str] = (),
    view: int = 0,
) -> Iterator[tuple[Window, ...]]:
    """Batches of *batch* windows without end; step k holds the windows k · *batch* to (k + 1) · *batch* - 1 of *seed*.

    A training that stopped at a step goes on from there with *first*.
    """
    for step in itertools.count(first):
        numbers = range(step * batch, (step + 1) * batch)
        yield tuple(window(clips, seconds, seed=seed, number=n, fields=fields, view=view) for n in numbers)


def cut(clip: Clip, first: int, count: int, *, fields: Sequence[str] = (), view: int = 0) -> Window:
    """Frames [*first*, *first* + *count*) of *clip* with their sound and motion; VultusError when it has them not."""
    total, fps = _frames(clip, view, bool(fields))
    if not 0 <= first < first + count <= total:
        raise VultusError(f"Frames {first} to {first + count} are outside of the clip {clip.name}", f"It has {total}")
    held: dict[str, list[NDArray[Any]]] = {name: [] for name in fields}
    if fields:
        for frame in clip.view(view).each(*fields, first=first, stop=first + count):
            for name in fields:
                held[name].append(frame[name])
    begin = 0.0 if clip.motion is None else float(clip.motion.start)
    return Window(
        clip=clip,
        first=first,
        fields={name: np.stack(frames) for name, frames in held.items()},
        audio=_sound(clip, begin + first / fps, round(count / fps * clip.sample_rate)),
        motion=_motion(clip, first, count, fps),
    )


def _frames(clip: Clip, view: int, seen: bool) -> tuple[int, float]:
    """Number and rate of the frames of *clip*: those of its view, or of its motion when no picture is wanted."""
    if clip.views and (seen or clip.motion is None):
        chosen = clip.view(view)
        return chosen.count, chosen.fps
    if seen or clip.motion is None:
        raise VultusError(f"The clip {clip.name} has no frames", "Write the set with --fields, or ask for no fields")
    return len(clip.motion), float(clip.motion.fps)


def _sound(clip: Clip, begin: float, length: int) -> NDArray[np.float32]:
    """*length* samples from *begin* seconds on, zeros outside of the sound."""
    out = np.zeros(length, np.float32)
    if clip.audio is not None:
        at = round(begin * clip.sample_rate)
        piece = clip.audio[max(at, 0) : max(at + length, 0)]
        out[max(-at, 0) :][: len(piece)] = piece
    return out


def _motion(clip: Clip, first: int, count: int, fps: float) -> Motion | None:
    if clip.motion is None:
        return None
    motion = clip.motion if abs(float(clip.motion.fps) - fps) < 1e-6 else clip.motion.resample(fps)
    rows = np.minimum(np.arange(first, first + count), len(motion) - 1)  # a picture may outlast the motion by a frame
    return Motion(motion.data[rows], motion.fps, motion.start + first / motion.fps, motion.valid[rows])
