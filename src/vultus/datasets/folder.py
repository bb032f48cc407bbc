"""Your own data: a folder of videos of people who talk, with transcripts where there are any.

``NAME.mp4`` (or .mov, .m4v, .mkv, .webm, .avi, .mpg) may have a ``NAME.txt`` beside it with what is said. Videos in a
folder inside are those of the speaker of that name. Names that begin with a dot are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final, Literal

from vultus.clip import Clip, Frame, View
from vultus.datasets.listed import Listed
from vultus.errors import VultusError
from vultus.motion import Time, as_fps, video_fps
from vultus.signals.phones import Phone

SUFFIXES: Final = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
_LONGEST: Final = 1_000_000  # bytes of a transcript


def read(
    folder: str | Path,
    *,
    fps: Time | None = None,
    rate: int = 16000,
    align: bool = False,
    broken: Literal["refuse", "skip"] = "refuse",
    tell: Callable[[str], None] = print,
) -> Listed:
    """The videos in *folder* and the folders inside, sorted by name; every one is opened once, to see that it is whole.

    Frames are seen at *fps* (each video's own rate unless given), sound is mixed to mono at *rate* Hz. With *align*,
    clips that have a transcript get phones by forced alignment when they are opened, at some 0.1 s a second. What has
    no picture or no sound or cannot be decoded is refused, or with *broken* "skip" passed over and told in one line
    each.

    A clip has its sound, its ``text``, the label ``speaker`` (also its ``identity``) and one view with ``frames``,
    whose cameras are not known; frame i is the one on screen at i / fps seconds, so that frames of variable rate come
    at a constant one. Raises VultusError when a video is refused, and when nothing is left.
    """
    place = Path(folder)
    if not place.is_dir():
        raise VultusError(f"{place} is not a folder", "Name a folder of videos")
    wanted = None if fps is None else video_fps(fps)
    found = sorted(
        path
        for path in place.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(place).parts)
    )
    items: list[Item] = []
    for path in found:
        try:
            items.append(_probed(path, place))
        except VultusError as error:
            if broken == "refuse":
                raise
            tell(f"passed over: {error}")
    if not items:
        raise VultusError(f"There is no video in {place}", f"Vultus reads {', '.join(SUFFIXES)}")
    return Listed(tuple(item.name for item in items), tuple(items), partial(_opened, wanted, rate, align))


@dataclass(frozen=True)
class Item:
    """A video that was found: its ``path``, what its container says, and its ``speaker`` ("" at the top)."""

    path: Path
    name: str
    speaker: str
    size: tuple[int, int]
    fps: Fraction
    seconds: float


def _opened(fps: Fraction | None, rate: int, aligned: bool, item: Item) -> Clip:
    from vultus.io import audio

    heard, text = audio.read(item.path, rate), transcript(item.path)
    phones: tuple[Phone, ...] = ()
    if aligned and text:
        from vultus.signals.align import align

        phones = tuple(align(heard, text, rate))
    fps = fps or item.fps
    view = View(
        fields=("frames",),
        count=max(1, round(item.seconds * fps)),
        size=item.size,
        fps=float(fps),
        cameras=(),
        read=partial(_frames, item.path, fps),
        name="video",
    )
    labels = {"speaker": item.speaker} if item.speaker else {}
    return Clip(item.name, heard, rate, text, phones, identity=item.speaker, labels=labels, views=(view,))


def transcript(video: str | Path) -> str:
    """What the ``.txt`` beside *video* says, as one line; "" where there is none. VultusError when it is no text."""
    path = Path(video).with_suffix(".txt")
    if not path.is_file():
        return ""
    try:
        if path.stat().st_size > _LONGEST:
            raise VultusError(f"The transcript {path} is larger than a megabyte", "Cut the video into clips")
        return " ".join(path.read_text("utf-8-sig").split())
    except UnicodeDecodeError:
        raise VultusError(f"The transcript {path} is not UTF-8 text", "Save it as UTF-8") from None
    except OSError as error:
        raise VultusError(f"The transcript {path} cannot be read ({error.strerror})", "Check its rights") from error


def _probed(path: Path, folder: Path) -> Item:
    """What the container of a video says; VultusError naming the file when it is of no use."""
    from vultus.io.video import probe_video

    info = probe_video(path)
    if info.audio is None:
        raise VultusError(f"{path} has no sound", "Give a video in which somebody is heard, or take it out")
    seconds, inside = _seconds(path), path.relative_to(folder)
    if seconds <= 0:
        raise VultusError(f"{path} has no picture that can be decoded", "Take it out, or convert it to MP4")
    twins = [other for other in SUFFIXES if other != path.suffix.lower() and path.with_suffix(other).is_file()]
    name = inside if twins else inside.with_suffix("")
    return Item(
        path, name.as_posix(), inside.parent.as_posix() if len(inside.parts) > 1 else "",
        (info.width, info.height), as_fps(info.fps), seconds,
    )  # fmt: skip


def _seconds(path: Path) -> float:
    """When the last picture of a video ends, on the clock of its sound: as its track says, or as its packets do."""
    from vultus.io import audio

    with audio.open_container(path, "video") as container:
        track = container.streams.video[0]
        base, origin = track.time_base or Fraction(0), audio.origin_of(container, track)
        if track.duration:
            return float(((track.start_time or 0) + track.duration) * base - origin)
        ends = (packet.pts + (packet.duration or 0) for packet in container.demux(track) if packet.pts is not None)
        return float(max(ends, default=0) * base - origin)


def _frames(path: Path, fps: Fraction, names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
    from vultus.io.video import read_frames

    for frame in read_frames(path, fps, first, stop):
        yield dict.fromkeys(names, frame)
