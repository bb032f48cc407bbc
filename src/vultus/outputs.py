"""The files that a motion becomes while it is being made: videos, models that move, and curves."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vultus.errors import VultusError
from vultus.looks import Look
from vultus.motion import Motion, concatenate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Blocks = Callable[[int], Iterator[NDArray[np.float32]]]

Sink = Iterator[int]
"""Takes the pieces of motion that it was given, and says step by step how many frames it has dealt with."""
VIDEO_RATE = 48000
SIZES = (32, 4096)
"""The height and width of a video in pixels, least and most."""


def in_step(sinks: Sequence[Sink]) -> Iterator[int]:
    """Let the sinks work, always the one that is furthest behind; yields how many frames all of them are past."""
    done = dict.fromkeys(range(len(sinks)), 0)
    while done:
        last = min(done, key=done.__getitem__)
        step = next(sinks[last], None)
        if step is None:
            del done[last]
            continue
        before, done[last] = min(done.values()), done[last] + step
        if (now := min(done.values())) > before:
            yield now


def sink(
    path: Path, fps: Fraction, look: Look, sound: Blocks | None, given: Iterable[Motion], pictures: list[float]
) -> AbstractContextManager[Sink]:
    """What makes the file *path* of the pieces of motion that are *given*, for as long as the block lasts.

    In a video the face has that *look*, and *sound* is heard, blocks at the rate in Hz that it is called with; when the
    first of the *pictures* was there is noted. Raises VultusError for what cannot be written or drawn.
    """
    suffix = path.suffix.lower()
    if suffix == ".mp4":
        return _video(path, fps, look, sound, given, pictures)
    if suffix == ".mov":
        look.check_alpha()
        return _video(path, fps, look, sound, given, pictures, alpha=True)
    if suffix == ".glb":
        look.check_model()  # before the work
        return _collected(path, given, lambda temporary, motion: write_glb(temporary, motion, look))
    return _collected(path, given, write_curves)


@contextmanager
def _video(
    path: Path, fps: Fraction, look: Look, sound: Blocks | None, given: Iterable[Motion], pictures: list[float],
    alpha: bool = False,
) -> Iterator[Sink]:  # fmt: skip
    """Renders pieces of motion into a video, as one stream, with opacity if *alpha*; the encoder works beside the
    renderer."""
    from vultus.io.video import VideoWriter

    size = look.size
    if not SIZES[0] <= size <= SIZES[1] or size % 2:
        raise VultusError(f"A video cannot be {size} pixels wide", f"Give an even --size in {SIZES[0]}–{SIZES[1]}")
    draw, shape = look.head(alpha)
    heard = sound(VIDEO_RATE) if sound else None
    with VideoWriter(path, size=shape, fps=fps, audio=heard, audio_rate=VIDEO_RATE, alpha=alpha) as writer:

        def film() -> Generator[int, None, None]:
            for frame in draw(given):
                if not pictures:
                    pictures.append(time.perf_counter())
                writer.write(frame)
                yield 1

        with closing(film()) as steps:
            yield steps


@contextmanager
def _collected(path: Path, given: Iterable[Motion], save: Callable[[Path, Motion], None]) -> Iterator[Sink]:
    """Gathers the curves (345 bytes a frame) and writes the file when all has gone well."""
    from vultus.io.files import atomic

    pieces: list[Motion] = []

    def gather() -> Iterator[int]:
        for motion in given:
            pieces.append(motion)
            yield len(motion)

    # Opened before the work, so that a file that cannot be written is found out at once.
    with atomic(path) as temporary:
        yield gather()
        save(temporary, concatenate(pieces))


def write_curves(path: Path, motion: Motion) -> None:
    """Write .csv, .json or .npz."""
    from vultus.io import formats

    formats.write_motion(path, motion)


def write_glb(
    path: Path,
    motion: Motion,
    look: Look,
    *,
    visemes: bool = False,
    names: Literal["vultus", "vrm", "mixamo"] = "vultus",
) -> None:
    """Write a .glb of the face of *look* that moves."""
    from vultus.io import gltf

    gltf.write(path, look.model(), motion, visemes=visemes, names=names)
