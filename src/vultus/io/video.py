"""Video to MP4 (H.264 and AAC) while it is being rendered, and frames from any video file, one at a time.

Encoding and decoding are FFmpeg's, through PyAV. Memory does not grow with the length of the video.

What is written plays everywhere: yuv420p in limited-range BT.709 (tagged so), the index before the data, a key frame
every two seconds, constant frame rate. The encoder's delay of the sound is stated in the edit list, so sound and
picture start together and end together to the sample. The same frames and sound give the same bytes, because the
number of encoder threads is fixed and no date or encoder name is stored in the container.

Pictures with opacity become ProRes 4444 in a .mov file, which compositing programs read.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from vultus.errors import VultusError, unknown
from vultus.io import audio as sound
from vultus.io import files
from vultus.io.muxing import Source, timed

Frame = npt.NDArray[np.uint8]

_LARGEST = 8192  # pixels a side
_QUEUED = 4  # frames between renderer and encoder
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_PRORES: dict[str, str] = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0", "flags": "+bitexact"}
_ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED


@dataclass(frozen=True)
class VideoInfo:
    """What a file says about its picture and sound.

    *width* and *height* in pixels as shown (after rotation), mean frame rate *fps*, *duration* in seconds and number
    of *frames* (None when not stated), name of the *codec*, and *audio* (None without sound).
    """

    width: int
    height: int
    fps: Fraction
    duration: float | None
    frames: int | None
    codec: str
    audio: sound.AudioInfo | None


class VideoWriter:
    """Write an MP4 frame by frame: `with VideoWriter(path, size=(w, h), fps=25) as video: video.write(frame)`.

    *size* is (width, height) of the frames, 16 to 8192; H.264 needs even sizes, so that an odd one is padded by
    repeating the last column or row (the file is one pixel larger). *fps* is exact, 1 to 240, such as
    Fraction(30000, 1001).

    *audio* is an iterable of float32 blocks of any length, [n] or [n, 2] in [-1, 1] at *audio_rate* (one of the rates
    of AAC, 8000 to 96000 Hz) with *audio_channels* 1 or 2. It is drawn in `write`, in the caller's thread, no further
    than the picture has come; it is cut at the end of the picture, or padded with silence.

    With *alpha*, frames have four channels, straight colours and opacity; the file is a .mov of ProRes 4444, for which
    *crf* and *preset* mean nothing.

    *crf* is x264's quality (0 lossless, 18 visually lossless, 51 worst), *preset* its speed. Encoding runs in a
    thread of its own, at most four frames behind, with *threads* encoder threads. Its errors are raised by the next
    `write` or at the end of the block. The file appears when the block ends well; otherwise nothing is left behind.

    Raises VultusError for bad arguments and frames, a block without frames, and places that cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: tuple[int, int],
        fps: Fraction | int,
        audio: Iterable[npt.NDArray[Any]] | None = None,
        audio_rate: int = 48000,
        audio_channels: int = 1,
        crf: int = 18,
        preset: str = "superfast",
        threads: int = 2,
        alpha: bool = False,
    ) -> None:
        """Check the arguments; nothing is opened before the with-block starts."""
        self.path, self.size, self.fps = Path(path), (int(size[0]), int(size[1])), _checked_rate(fps)
        if self.path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
            raise unknown("video format to write", self.path.suffix or self.path.name, (".mp4", ".m4v", ".mov"))
        if alpha and self.path.suffix.lower() != ".mov":
            raise VultusError(f"A {self.path.suffix} file has no opacity", "Write a .mov.")
        if not all(16 <= side <= _LARGEST for side in self.size):
            raise VultusError(f"A video of {size[0]} x {size[1]} pixels cannot be written", "Use 16 to 8192 a side.")
        if audio is not None and (audio_rate not in _AAC_RATES or audio_channels not in (1, 2)):
            raise VultusError(
                f"AAC has no sound of {audio_rate} Hz with {audio_channels} channels",
                f"Use 1 or 2 channels and one of {', '.join(map(str, _AAC_RATES))} Hz.",
            )
        if not 0 <= crf <= 51 or not 1 <= threads <= 64:
            raise VultusError("crf must be 0 to 51 and threads 1 to 64", "Check the arguments.")
        if preset not in _PRESETS:
            raise unknown("x264 preset", preset, _PRESETS)
        self.frames = 0
        self._source = None if audio is None else Source(audio, audio_rate, audio_channels)
        self._options = {"preset": preset, "crf": str(crf), "flags": "+bitexact", "g": str(round(2 * self.fps))}
        # Macroblock-tree rate control reads memory that x264 never set (seen in build 165 with sides below 200 and
        # with sides that are no multiple of 16): the same frames would then give different files.
        self._options["mbtree"] = "0"
        self._threads, self._alpha = threads, alpha
        self._queue: queue.Queue[tuple[Any, Any] | None] = queue.Queue(_QUEUED)
        self._error: BaseException | None = None
        self._abandoned = False
        self._worker: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Open the temporary file and start the encoder."""
        with ExitStack() as opened:
            temporary = opened.enter_context(files.atomic(self.path))
            self._container = opened.enter_context(
                timed(temporary, self.fps, self._source, "mov" if self._alpha else "mp4")
            )
            self._picture = self._add_picture()
            self._sound = self._source.add_track(self._container) if self._source else None
            self._container.start_encoding()
            self._reformatter = VideoReformatter()
            self._opened = opened.pop_all()
        self._worker = threading.Thread(target=self._work, name="vultus-encoder", daemon=True)
        self._worker.start()
        return self

    def write(self, frame: Frame) -> None:
        """Add *frame*, uint8 [height, width, 3 or 4] sRGB; it is copied. Waits while the encoder is four frames
        behind."""
        if self._worker is None:
            raise VultusError("The video is not open", "Write frames inside the with-block of VideoWriter.")
        width, height = self.size
        channels = 4 if self._alpha else 3
        if frame.dtype != np.uint8 or frame.shape != (height, width, channels):
            raise VultusError(
                f"A frame of shape {frame.shape} and type {frame.dtype} does not fit the video",
                f"Give uint8 of shape ({height}, {width}, {channels}).",
            )
        if self._error is not None:
            raise self._error
        edges = ((0, height % 2), (0, width % 2), (0, 0))
        # Copied once, into memory that the encoder reads.
        own = np.pad(frame, edges, "edge") if width % 2 or height % 2 else np.array(frame, order="C")
        picture = av.VideoFrame.from_numpy_buffer(own, format="rgba" if self._alpha else "rgb24")
        picture.pts, picture.time_base = self.frames, 1 / self.fps
        self.frames += 1
        heard = self._source.until(self.frames / self.fps) if self._source else None
        self._queue.put((picture, heard))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file and move it to its place, or remove it after an error."""
        if self._worker is None:
            return
        self._abandoned = error is not None
        self._queue.put(None)
        self._worker.join()
        self._worker = None
        with self._opened:
            failure = error or self._error
            if failure is None and self.frames == 0:
                failure = VultusError(f"No frames were written to {self.path}", "Check that the motion is not empty.")
            if failure is not None:
                raise failure

    @property
    def _format(self) -> str:
        return "yuva444p10le" if self._alpha else "yuv420p"

    def _add_picture(self) -> Any:
        width, height = (side + side % 2 for side in self.size)
        codec = "prores_ks" if self._alpha else "libx264"
        options = _PRORES if self._alpha else self._options
        try:
            track = self._container.add_stream(
                codec, rate=self.fps, options=options, width=width, height=height, time_base=1 / self.fps
            )
        except (ValueError, av.error.FFmpegError) as error:
            raise VultusError(f"This FFmpeg has no {codec}", "Reinstall the package av from its wheel.") from error
        context = track.codec_context
        context.pix_fmt, context.thread_count, context.thread_type = self._format, self._threads, "FRAME"
        context.color_range, context.colorspace = ColorRange.MPEG.value, Colorspace.ITU709.value
        context.color_primaries, context.color_trc = ColorPrimaries.BT709.value, ColorTrc.BT709.value
        return track

    def _work(self) -> None:
        """The encoder thread: after an error it still empties the queue, so that `write` never waits for ever."""
        while (item := self._queue.get()) is not None:
            if self._error is None and not self._abandoned:
                self._guarded(self._encode, *item)
        if self._error is None and not self._abandoned and self.frames:
            self._guarded(self._flush)

    def _guarded(self, step: Any, *arguments: Any) -> None:
        try:
            step(*arguments)
        except BaseException as error:
            self._error = error

    def _encode(self, picture: av.VideoFrame, heard: av.AudioFrame | None) -> None:
        converted = self._reformatter.reformat(
            picture,
            format=self._format,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_ACCURATE,
            threads=1,
        )
        self._container.mux(self._picture.encode(converted))
        if heard is not None and self._sound is not None:
            self._container.mux(self._sound.encode(heard))

    def _flush(self) -> None:
        for track in (self._picture, self._sound):
            if track is not None:
                self._container.mux(track.encode(None))


def write_video(path: str | Path, frames: Iterable[Frame], *, fps: Fraction | int, **options: Any) -> int:
    """Write all *frames*, uint8 [h, w, 3] of one size, as MP4; return their number.

    *options* are those of `VideoWriter` (audio, audio_rate, …), whose errors it raises too.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise VultusError(f"No frames were written to {path}", "Check that the motion is not empty.")
    with VideoWriter(path, size=(first.shape[1], first.shape[0]), fps=fps, **options) as video:
        video.write(first)
        for frame in rest:
            video.write(frame)
    return video.frames


def _checked_rate(fps: Fraction | int) -> Fraction:
    rate = Fraction(fps)
    if not 1 <= rate <= 240 or rate.numerator > 1_000_000:
        raise VultusError(
            f"A frame rate of {fps} cannot be written", "Use 1 to 240, such as 25 or Fraction(30000, 1001)."
        )
    return rate


def probe_video(path: str | Path) -> VideoInfo:
    """What the file says about its picture and sound. Raises VultusError when it has no picture that can be decoded."""
    with sound.open_container(path, "video") as container:
        track = _picture_of(container, path, _LARGEST)
        rate = track.average_rate or track.guessed_rate or Fraction(25)
        duration: float | None = None
        if track.duration is not None and track.time_base:
            duration = float(track.duration * track.time_base)
        elif container.duration is not None:
            duration = container.duration / 1e6
        heard = sound.describe(container, path) if container.streams.best("audio") else None
        first = next(sound.decoded(container, track, path, "video"), None)
        width, height, frames = track.codec_context.width, track.codec_context.height, track.frames or None
        if first is not None and round(first.rotation / 90) % 2:
            width, height = height, width
        return VideoInfo(width, height, Fraction(rate), duration, frames, track.codec_context.name, heard)


def read_video(
    path: str | Path, *, start: Fraction | int = 0, max_seconds: float | None = None, max_side: int = _LARGEST
) -> Generator[tuple[Fraction, Frame], None, None]:
    """Decode a video lazily: (time in seconds, uint8 [height, width, 3] sRGB) frame by frame, in order of display.

    Times start at the start of the file (see `vultus.io.audio`) and strictly increase; they are those of the file, so
    that frames of variable rate keep theirs. Rotation by quarter turns that the file states is applied. Frames whose
    size changes midway are scaled to that of the first. Colours follow the file's tags; untagged video counts as
    BT.709 from 720 lines on, BT.601 below; high dynamic range is not tone-mapped. *start* in seconds begins with the
    frame on screen then (the last one of a shorter video), found from the key frame before it; *max_seconds* ends the
    video there.

    Damaged packets are skipped. Raises VultusError (at the call) for a missing or empty file, one without picture, and
    sides above *max_side* pixels, and (at the end) when nothing was decodable.
    """
    container = sound.open_container(path, "video")
    try:
        track = _picture_of(container, path, max_side)
    except BaseException:
        container.close()
        raise
    return _shown_frames(container, track, path, Fraction(start), max_seconds, max_side)


def read_frames(
    path: str | Path, fps: Fraction | int, first: int, stop: int | None = None, *, max_side: int = _LARGEST
) -> Iterator[Frame]:
    """The frames [first, stop) of a video seen at a constant rate: frame i is the one on screen at i / fps seconds.

    It is looked up a quarter of a frame later, so that a file's rounded time stamps do no harm. At the file's own
    constant rate these are its frames by number. Without *stop* they end with the video. With it the last frame is
    held for half a second; VultusError when the video ends before that, and all that `read_video` raises.
    """
    fps = Fraction(fps)
    number, held, last = first, None, Fraction(0)
    with closing(read_video(path, start=(first + Fraction(1, 4)) / fps, max_side=max_side)) as shown:
        for time, frame in shown:
            held = frame if held is None else held
            while (stop is None or number < stop) and (number + Fraction(1, 4)) / fps < time:
                yield held
                number += 1
            held, last = frame, time
            if number == stop:
                return
    hold = Fraction(0) if stop is None else max(Fraction(1, 2), 1 / fps)
    while (stop is None or number < stop) and held is not None and number / fps <= last + hold:
        yield held
        number += 1
    if stop is not None and number < stop:
        raise VultusError(f"{path} ends before its frame {number}", "The file may be cut off; copy it again.")


def _shown_frames(
    container: Any, track: Any, path: str | Path, start: Fraction, max_seconds: float | None, max_side: int
) -> Generator[tuple[Fraction, Frame], None, None]:
    reformatter, size = VideoReformatter(), None
    track.thread_type = "AUTO"
    with container:
        for time, frame in _timed(container, track, path, start):
            _check_side(frame.width, frame.height, path, max_side)
            size = size or (frame.width, frame.height)
            if max_seconds is not None and float(time) >= max_seconds:
                return
            rgb = reformatter.reformat(
                frame,
                width=size[0],
                height=size[1],
                format="rgb24",
                src_colorspace=Colorspace.ITU709 if frame.colorspace == _UNTAGGED and frame.height >= 720 else None,
                dst_color_range=ColorRange.JPEG,
                interpolation=_ACCURATE,
                threads=1,
            ).to_ndarray()
            yield time, np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))


def _timed(container: Any, track: Any, path: str | Path, start: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """Decoded frames with strictly increasing times, from the one on screen at *start* on."""
    origin = sound.origin_of(container, track)
    step = 1 / Fraction(track.average_rate or track.guessed_rate or 25)
    frames = sound.decoded(container, track, path, "video")
    if start > 0:
        with suppress(av.error.FFmpegError):  # a format that cannot seek is decoded from its beginning
            container.seek(int((start + origin) / track.time_base), stream=track, backward=True)
            early = next(frames, None)
            if early is None or early.pts is None or early.pts * early.time_base - origin > start:
                container.seek(0)  # the index of the file is not exact
                frames = sound.decoded(container, track, path, "video")
            else:
                frames = itertools.chain((early,), frames)
    last: Fraction | None = None
    held: tuple[Fraction, Any] | None = None
    for frame in frames:
        time = None if frame.pts is None else frame.pts * frame.time_base - origin
        if time is None or (last is not None and time <= last):
            time = Fraction(0) if last is None else last + step
        last = time
        if held is not None and time > start:
            yield held
        held = (time, frame)
    if held is not None:
        yield held


def _picture_of(container: Any, path: str | Path, max_side: int) -> Any:
    """The picture stream; VultusError for none (cover art of a sound file is none) or one that is too large."""
    cover = av.stream.Disposition.attached_pic
    tracks = [track for track in container.streams.video if not track.disposition & cover]
    best = container.streams.best("video")
    track = best if best in tracks else next(iter(tracks), None)
    if track is None or track.codec_context is None:
        raise VultusError(f"{path} has no picture that can be decoded", "Give a video such as MP4 or WebM.")
    _check_side(track.codec_context.width, track.codec_context.height, path, max_side)
    return track


def _check_side(width: int, height: int, path: str | Path, max_side: int) -> None:
    if max(width, height) > max_side:
        raise VultusError(f"{path} has {width} x {height} pixels", f"Scale it to at most {max_side} a side.")
