"""Faces in videos and pictures -> Motion files, a video that shows what was seen, and faces that a video drives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vultus.errors import VultusError
from vultus.looks import PICTURES, Look
from vultus.motion import MAX_VIDEO_FPS, Motion, Time, video_fps
from vultus.pipeline import CURVES, Progress, Report, Sound, checked_outputs, produce, write_motion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vultus.observers.watch import Take, Watched

    Pixels = NDArray[np.uint8]

SMALLEST: Final = 16


def track(
    source: str | Path,
    *,
    out: str | Path,
    which: str = "all",
    preview: str | Path | None = None,
    fps: Time | None = None,
    max_seconds: float | None = None,
    absolute: bool = False,
    progress: Progress | None = None,
) -> Report:
    """The faces in *source*, a video or picture -> Motion in *out* (.csv, .json, .npz or .glb).

    Several faces become ``out.1.csv``, ``out.2.csv``, …; *which* is one of their numbers, or "all". They are numbered
    as they appear, the largest first; *preview* is an .mp4 that shows them with their numbers. The rate is that of the
    video unless *fps* is given. Shapes are told against the person's own rest, unless *absolute* tells them against
    the usual face; the head is told as the camera sees it. Raises VultusError on bad input, and when there is no face.
    """
    began = time.perf_counter()
    wanted = parse_which(which)
    (path,) = checked_outputs(out, [source], known=(*CURVES, ".glb"))
    shown = checked_outputs(preview, [source, path], known=(".mp4",))[0] if preview is not None else None
    from vultus.io import files
    from vultus.observers.tracker import Tracker
    from vultus.observers.watch import observe

    files.check_writable(path)
    film = Film.open(source, fps, max_seconds)
    tracker = Tracker()
    with ExitStack() as stack:
        draw = stack.enter_context(_Preview(shown, film, tracker.edges)) if shown else None

        def each(number: int, picture: Pixels, watched: list[Watched]) -> None:
            if draw is not None:
                draw.add(picture, watched)
            if progress:
                progress(float((number + 1) / film.fps), film.duration)

        seen = observe(film.pictures(), film.fps, tracker=tracker, each=each)
        picked = _picked(seen.takes, wanted, source)
        motions = [take.motion(seen.frames, film.fps, absolute=absolute) for take in picked]
        several = len(motions) > 1
        names = [path.with_suffix(f".{t.number}{path.suffix}") if several else path for t in picked]
        for name, motion in zip(names, motions, strict=True):
            write_motion(stack.enter_context(files.atomic(name)), motion)
    written = (*names, shown) if shown else tuple(names)
    length = float(seen.frames / film.fps)
    return Report(written, length, seen.frames, time.perf_counter() - began, notes=_notes(picked, motions))


def drive(
    source: str | Path,
    *,
    out: str | Path | Sequence[str | Path],
    look: Look,
    which: str = "1",
    use: str = "expression,pose,gaze",
    absolute: bool = False,
    fps: Time | None = None,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """A face moves as the one in the video *source* does -> every file in *out*; the video's sound goes with it.

    *which* is the number of the face as `track` counts, or "all" for the one that is seen most. Motion is relative to
    how the person rests, or *absolute*; only the parts in *use* move. Raises VultusError on bad input.
    """
    from vultus.drivers import video

    wanted, parts = parse_which(which), video.parse_use(use)
    outputs = checked_outputs(out, [source])
    film = Film.open(source, fps, max_seconds)
    motions = video.drive(film.pictures(), film.fps, which=wanted, absolute=absolute, use=parts)
    return produce(motions, film.fps, outputs, look=look, sound=film.sound, progress=progress)


def parse_which(text: str) -> int | None:
    """The number of a face, None for "all"; VultusError for anything else."""
    if text.strip().lower() == "all":
        return None
    if not text.strip().isdecimal() or int(text) < 1:
        raise VultusError(f"{text!r} is not the number of a face", "Give --which 1, 2, … or all")
    return int(text)


def _picked(takes: tuple[Take, ...], which: int | None, source: str | Path) -> list[Take]:
    from vultus.drivers.video import chosen

    if which is not None or not takes:
        return [chosen(takes, which, str(source))]
    return list(takes)


def _notes(takes: list[Take], motions: list[Motion]) -> dict[str, str]:
    out = {}
    for take, motion in zip(takes, motions, strict=True):
        share = motion.valid.any(axis=1).mean()
        out[f"face {take.number}"] = f"seen in {100 * share:.0f} % of the frames, {take.size:.0f} pixels large"
    return out


class Film:
    """The pictures of a video at a constant rate, or the one of a picture's file, as often as they are asked for."""

    def __init__(self, path: Path, fps: Fraction, duration: float | None, limit: float | None, still: bool) -> None:
        """See `Film.open`; *limit* is the most seconds, *duration* what to expect."""
        self.path, self.fps, self.duration, self._limit, self._still = path, fps, duration, limit, still

    @classmethod
    def open(cls, path: str | Path, fps: Time | None = None, max_seconds: float | None = None) -> Film:
        """The file at *path*, at its own mean rate unless *fps* is given; VultusError for one without pictures."""
        if max_seconds is not None and not 0 < max_seconds < float("inf"):
            raise VultusError(f"{max_seconds} is no length of time", "Give --max-seconds a number above 0")
        file = Path(path)
        if file.suffix.lower() in PICTURES:
            return cls(file, video_fps(fps or 1), None, None, True)
        from vultus.io.video import probe_video

        info = probe_video(file)
        if min(info.width, info.height) < SMALLEST:
            raise VultusError(
                f"{file} has {info.width} x {info.height} pixels", f"Give a video of at least {SMALLEST} a side"
            )
        rate = video_fps(fps if fps is not None else min(max(info.fps, Fraction(1)), Fraction(MAX_VIDEO_FPS)))
        lengths = [length for length in (info.duration, max_seconds) if length is not None]
        return cls(file, rate, min(lengths, default=None), max_seconds, False)

    @property
    def sound(self) -> Sound | None:
        """What is heard in the video, if anything."""
        if self._still:
            return None
        from vultus.io.video import probe_video

        return Sound.open(self.path) if probe_video(self.path).audio else None

    def pictures(self) -> Iterator[Pixels]:
        """The pictures, uint8 [H, W, 3]; one that is shown for several frames comes as the same array."""
        if self._still:
            from vultus.io.image import read_image

            yield read_image(self.path)
            return
        from vultus.io.video import read_frames

        stop = None if self._limit is None else max(round(self._limit * self.fps), 1)
        for i, picture in enumerate(read_frames(self.path, self.fps, 0)):
            if i == stop:
                return
            yield picture


class _Preview:
    """An .mp4 of the pictures with the faces drawn over them, opened with the first picture."""

    def __init__(self, path: Path, film: Film, edges: Any) -> None:
        from vultus.io import files

        files.check_writable(path)
        self._path, self._film, self._edges = path, film, edges
        self._stack = ExitStack()
        self._write: Callable[[Pixels], None] | None = None

    def __enter__(self) -> _Preview:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, picture: Pixels, watched: list[Watched]) -> None:
        """Show one picture."""
        from vultus.observers.overlay import draw

        if self._write is None:
            from vultus.io.video import VideoWriter

            size, sound = (picture.shape[1], picture.shape[0]), self._film.sound
            heard = sound.blocks(48000) if sound else None
            writer = self._stack.enter_context(VideoWriter(self._path, size=size, fps=self._film.fps, audio=heard))
            self._write = writer.write
        self._write(draw(picture, watched, self._edges))
