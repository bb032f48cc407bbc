"""Sound from any file as blocks of float32 samples, and sound to WAV or FLAC.

Decoding and resampling are FFmpeg's, through PyAV. Nothing here grows with the length of the sound except `read`.

Time: sample 0 lies at the start of the container (its earliest stream), so that the sound of a video and the times of
`vultus.io.video.read_video` share one clock. Encoder delay and padding that the container states (LAME header, Opus
pre-skip, MP4 edit list and duration) are cut off. A stream that starts late, and gaps of 0.1 to 60 seconds inside it,
are filled with silence; larger jumps of the time stamps are taken for broken ones and ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from vultus.errors import VultusError, unknown
from vultus.io import files

Float = npt.NDArray[np.float32]

# Demuxers of plain media files. Playlists and other formats that point to further files or addresses stay out.
_FORMATS = (
    "mov,mp4,m4a,3gp,matroska,webm,avi,asf,flv,mpegts,mpeg,mpegvideo,mxf,gif,"
    "wav,w64,aiff,caf,au,flac,mp3,aac,ac3,eac3,ogg,amr,amrnb,amrwb,wv,tta,ape,voc"
)
_DAMAGED = "The file may be damaged or not a media file; play it to check, or convert it to WAV or MP4."
_GAP, _LARGEST_GAP = Fraction(1, 10), 60  # seconds
_LONGEST_READ = 4 * 3600.0
_INTEGER_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}


@dataclass(frozen=True)
class AudioInfo:
    """What a file says about its sound: *rate* in Hz, number of *channels*, name of the *codec*.

    *duration* in seconds is the container's statement (an estimate in MP3 and AAC files without a header), None when
    it makes none.
    """

    rate: int
    channels: int
    duration: float | None
    codec: str


def open_container(path: str | Path, kind: str) -> InputContainer:
    """Open a media file for decoding; close it after use. *kind* is the noun for messages, such as "video".

    Only files on this computer and only formats that point to no other files are opened. Raises VultusError when the
    file is missing, empty, or not media.
    """
    file = files.check_readable(path, kind)
    try:
        # "file:" keeps FFmpeg from reading a protocol into a name such as "a:b.wav".
        return av.open(f"file:{file}", "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VultusError(f"Cannot read {file} as a {kind}", _DAMAGED) from error


def probe(path: str | Path) -> AudioInfo:
    """What the file says about its sound. Raises VultusError when it has none or cannot be read."""
    with open_container(path, "sound file") as container:
        return describe(container, path)


def describe(container: InputContainer, path: str | Path) -> AudioInfo:
    """`probe` for a container that is open already."""
    stream = _sound_of(container, path)
    context = stream.codec_context
    duration: float | None = None
    if stream.duration is not None and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration = container.duration / 1e6
    return AudioInfo(int(context.sample_rate), int(context.channels), duration, str(context.name))


def stream(
    path: str | Path,
    *,
    rate: int = 16000,
    block: int = 16000,
    mono: bool = True,
    max_seconds: float | None = None,
) -> Iterator[Float]:
    """Decode the sound of any media file lazily: float32 blocks in [-1, 1], memory independent of the length.

    Every block has *block* samples (the last one fewer), [n] when *mono*, else [n, channels]. The blocks joined are
    the same for every *block*: ceil(n_in · rate / rate_in) samples. Channels are mixed by their plain mean, which
    cannot clip; the bass channel of surround sound (LFE) is left out, as in ITU-R BS.775. NaN and infinite samples
    become 0, values beyond ±1 are limited. *max_seconds* ends the sound there.

    Damaged packets are skipped: what can be decoded of a broken or truncated file is given. Raises VultusError (at
    the call) for a missing, empty or soundless file and bad arguments, and (at the end) when nothing was decodable.
    """
    if not 1000 <= rate <= 768000:
        raise VultusError(f"A sample rate of {rate} Hz is out of range", "Use 1000 to 768000, such as 16000.")
    if block < 1 or (max_seconds is not None and not max_seconds >= 0):
        raise VultusError("block must be at least 1 and max_seconds at least 0", "Check the arguments.")
    container = open_container(path, "sound file")
    try:
        _sound_of(container, path)
    except BaseException:
        container.close()
        raise
    limit = None if max_seconds is None or math.isinf(max_seconds) else round(max_seconds * rate)
    return _blocks(_converted(container, path, rate, mono), block, limit)


def read(path: str | Path, rate: int = 16000, *, mono: bool = True, max_seconds: float | None = _LONGEST_READ) -> Float:
    """The whole sound of any media file: float32 [N] in [-1, 1] (or [N, channels]); see `stream`, which it joins.

    Raises VultusError as `stream` does, and for sound longer than *max_seconds* (default 4 hours; None allows any).
    """
    info = probe(path)
    blocks: list[Float] = [np.zeros(0 if mono else (0, info.channels), np.float32)]
    longest = math.inf if max_seconds is None else max_seconds
    too_long = (info.duration or 0.0) > longest
    samples = 0
    for part in () if too_long else stream(path, rate=rate, block=rate, mono=mono):
        blocks.append(part)
        samples += len(part)
        if too_long := samples > longest * rate:
            break
    if too_long:
        raise VultusError(
            f"The sound of {path} is longer than {longest:g} s",
            "Cut it, read it in blocks with stream(), or raise max_seconds.",
        )
    return np.concatenate(blocks)


def resample(samples: npt.ArrayLike, from_rate: int, to_rate: int) -> Float:
    """Resample [N] or [N, channels] to float32 with ceil(N · to_rate / from_rate) samples, limited to [-1, 1].

    Band-limited (FFmpeg's swresample), without delay. Raises VultusError for rates outside 1000 to 768000 Hz.
    """
    if not (1000 <= from_rate <= 768000 and 1000 <= to_rate <= 768000):
        raise VultusError(f"Cannot resample from {from_rate} to {to_rate} Hz", "Use rates of 1000 to 768000 Hz.")
    array = np.asarray(samples, np.float32)
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise VultusError(f"Sound of shape {array.shape} cannot be resampled", "Give [N] or [N, channels].")
    resampler = _Resampler(from_rate, to_rate, 1 if array.ndim == 1 else array.shape[1])
    parts = [resampler.push(clean(array[:, None] if array.ndim == 1 else array)), resampler.finish()]
    joined = np.concatenate(parts)
    return joined[:, 0] if array.ndim == 1 else joined


def write(
    path: str | Path,
    samples: npt.NDArray[Any] | Iterable[npt.NDArray[Any]],
    rate: int,
    *,
    sample_format: Literal["int16", "float32"] = "int16",
) -> None:
    """Write sound as .wav or .flac: *samples* is [N] or [N, channels] in [-1, 1], or an iterable of such blocks.

    Values are rounded to 16 bits, value · 32768, which `read` undoes exactly; *sample_format* "float32" (WAV only)
    keeps them as they are. NaN and infinity become 0, values beyond ±1 are limited. The file appears whole or not at
    all, and holds no time stamp. Raises VultusError for another extension, bad shapes or rates, or when the place
    cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".wav", ".flac"):
        raise unknown("sound file format to write", suffix or Path(path).name, (".wav", ".flac"))
    if suffix == ".flac" and sample_format == "float32":
        raise VultusError("FLAC cannot hold float32 samples", "Write a .wav file, or use int16.")
    if isinstance(samples, np.ndarray) and samples.ndim not in (1, 2):
        raise VultusError(f"Sound of shape {samples.shape} cannot be written", "Give [N] or [N, channels].")
    if not 1000 <= rate <= 655350:
        raise VultusError(f"A sample rate of {rate} Hz is out of range", "Use 1000 to 655350, such as 16000.")
    blocks = _slices(samples) if isinstance(samples, np.ndarray) else samples
    codec = "flac" if suffix == ".flac" else {"int16": "pcm_s16le", "float32": "pcm_f32le"}[sample_format]
    options = {"fflags": "+bitexact"} | ({"rf64": "auto"} if suffix == ".wav" else {})
    with files.atomic(path) as temporary, av.open(f"file:{temporary}", "w", options=options) as container:
        _encode(container, codec, blocks, rate)


def _encode(container: Any, codec: str, blocks: Iterable[npt.NDArray[Any]], rate: int) -> None:
    """Encode and mux all blocks; the first one decides the number of channels (mono when there is none)."""
    track, channels, position = None, 1, 0
    for block in blocks:
        array = np.asarray(block)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or not 1 <= array.shape[1] <= 8 or (track is not None and array.shape[1] != channels):
            raise VultusError(
                f"Sound of shape {np.shape(block)} cannot be written", "Give [N] or [N, channels], 1 to 8 channels."
            )
        if track is None:
            channels = array.shape[1]
            track = _add_track(container, codec, rate, channels)
        if len(array) == 0:
            continue
        frame = _frame(clean(array.astype(np.float32)), codec, rate, track.codec_context.layout.name)
        frame.pts, frame.time_base = position, Fraction(1, rate)
        container.mux(track.encode(frame))
        position += len(array)
    track = track or _add_track(container, codec, rate, channels)
    if position:
        container.mux(track.encode(None))
    elif codec == "flac":
        raise VultusError("A FLAC file cannot hold a sound without samples", "Write a .wav file, or check the sound.")


def _add_track(container: Any, codec: str, rate: int, channels: int) -> Any:
    layouts = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    track = container.add_stream(codec, rate=int(rate), layout=layouts[channels])
    track.codec_context.format = "flt" if codec == "pcm_f32le" else "s16"
    container.start_encoding()
    return track


def _frame(samples: Float, codec: str, rate: int, layout: str) -> av.AudioFrame:
    """Packed frame of float32 or 16-bit samples from [n, channels]."""
    packed: npt.NDArray[Any] = samples
    if codec != "pcm_f32le":
        packed = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    kind = "flt" if codec == "pcm_f32le" else "s16"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed).reshape(1, -1), format=kind, layout=layout)
    frame.sample_rate = int(rate)
    return frame


def _slices(samples: npt.NDArray[Any], size: int = 1 << 16) -> Iterator[npt.NDArray[Any]]:
    """An array in blocks of *size* samples."""
    for start in range(0, max(1, len(samples)), size):
        yield samples[start : start + size]


def _sound_of(container: Any, path: str | Path) -> Any:
    """The sound stream that players choose; VultusError when there is none that can be decoded."""
    track = container.streams.best("audio")
    if track is None:
        raise VultusError(f"{path} has no sound", "Give a file with speech in it, such as WAV, MP3 or MP4.")
    if track.codec_context is None or not track.codec_context.sample_rate:
        raise VultusError(f"The sound of {path} is in an unknown format", _DAMAGED)
    return track


def _blocks(parts: Iterator[Float], block: int, limit: int | None) -> Iterator[Float]:
    """*parts* of any length as blocks of *block* samples, at most *limit* samples in all."""
    held: list[Float] = []
    count, left = 0, math.inf if limit is None else limit
    try:
        while left > 0 and (part := next(parts, None)) is not None:
            part = part[: int(min(left, len(part)))]
            left -= len(part)
            held.append(part)
            count += len(part)
            if count >= block:
                joined = np.concatenate(held)
                whole = count - count % block
                for start in range(0, whole, block):
                    yield joined[start : start + block]
                held, count = [joined[whole:]], count - whole
        if count:
            yield np.concatenate(held)
    finally:
        parts.close()  # type: ignore[attr-defined]  # always a generator: closes the file


def _converted(container: InputContainer, path: str | Path, rate: int, mono: bool) -> Iterator[Float]:
    """Decoded sound at *rate*, mixed to mono or with the channel count of the first frame; closes *container*."""
    resampler: _Resampler | None = None
    channels = 1
    with container:
        for samples, from_rate in _timeline(container, path, mono):
            if resampler is None:
                channels = samples.shape[1]
            elif samples.shape[1] != channels:
                samples = np.repeat(samples.mean(axis=1, dtype=np.float32, keepdims=True), channels, axis=1)
            if resampler is None or resampler.from_rate != from_rate:
                if resampler is not None:
                    yield resampler.finish()[:, 0] if mono else resampler.finish()
                resampler = _Resampler(from_rate, rate, channels)
            out = resampler.push(samples)
            yield out[:, 0] if mono else out
        if resampler is not None:
            out = resampler.finish()
            yield out[:, 0] if mono else out


def _timeline(container: InputContainer, path: str | Path, mono: bool) -> Iterator[tuple[Float, int]]:
    """(samples [n, channels], rate) from the start of the container on, with gaps filled and the stated end kept."""
    track = _sound_of(container, path)
    origin = origin_of(container, track)
    end = _stated_end(container, track, origin)
    position, shift, first = Fraction(0), Fraction(0), True
    held: tuple[Float, int] | None = None
    for frame in decoded(container, track, path, "sound of"):
        if not frame.samples or not frame.sample_rate:
            continue
        rate, samples = frame.sample_rate, _samples(frame, mono)
        if frame.pts is not None and frame.time_base:
            gap = frame.pts * frame.time_base - origin + shift - position
            if abs(gap) > _LARGEST_GAP or gap < -_GAP:
                shift -= gap
            elif gap > (0 if first else _GAP):
                if held:
                    yield held
                held = None
                for start in range(0, missing := round(gap * rate), rate):
                    yield np.zeros((min(rate, missing - start), samples.shape[1]), np.float32), rate
                position += gap
        if held:
            yield held
        held, first = (samples, rate), False
        position += Fraction(len(samples), rate)
    if held:
        samples, rate = held
        excess = 0 if end is None else round((position - end) * rate)
        yield (samples[:-excess] if 0 < excess < len(samples) else samples), rate


def _stated_end(container: InputContainer, track: Any, origin: Fraction) -> Fraction | None:
    """Where MP4's edit list ends the sound, in seconds from *origin*; FFmpeg cuts the padding of other formats."""
    if "mp4" not in container.format.name or not track.duration:
        return None
    return ((track.start_time or 0) + track.duration) * track.time_base - origin


def origin_of(container: InputContainer, track: Any) -> Fraction:
    """The time stamp in seconds that counts as 0: the start of the container, its earliest stream."""
    origin = Fraction(container.start_time or 0, 1_000_000)
    own = Fraction(track.start_time or 0) * (track.time_base or 0)
    return own if abs(own - origin) <= Fraction(1, 1_000_000) else origin  # the container's is rounded to µs


def decoded(container: InputContainer, track: Any, path: str | Path, kind: str) -> Iterator[Any]:
    """Every frame of *track* that can be decoded, damaged packets skipped; *kind* is the noun for messages.

    Raises VultusError when something is damaged and not one frame came out.
    """
    damaged, found, running = False, False, True
    packets = container.demux(track)
    while running:
        try:
            packet = next(packets, None)
            running = packet is not None
            frames = track.decode(packet) if running else []
        except (av.error.FFmpegError, OSError, ValueError):
            damaged = True
            continue  # a demuxer that failed is exhausted: the next round ends the loop
        for frame in frames:
            found = True
            yield frame
    if damaged and not found:
        raise VultusError(f"The {kind} {path} cannot be decoded", _DAMAGED)


def _samples(frame: av.AudioFrame, mono: bool) -> Float:
    """float32 [n, channels] (one when *mono*), finite and in [-1, 1], of a frame in any sample format."""
    array: npt.NDArray[Any] = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, len(frame.layout.channels))
    scale = _INTEGER_SCALE.get(frame.format.name.removesuffix("p"))
    if scale is None:
        samples = clean(array.astype(np.float32))
    else:
        middle = 128 if frame.format.name.startswith("u8") else 0
        samples = (np.subtract(array, middle, dtype=np.float64) / scale).astype(np.float32)
    if not mono or samples.shape[1] == 1:
        return samples
    heard = [i for i, channel in enumerate(frame.layout.channels) if channel.name != "LFE"] or [0]
    return samples[:, heard].mean(axis=1, dtype=np.float32, keepdims=True)


def clean(samples: Float) -> Float:
    """NaN and infinity become 0, values beyond ±1 are limited."""
    return np.clip(np.where(np.isfinite(samples), samples, np.float32(0)), -1, 1).astype(np.float32)


class _Resampler:
    """swresample over blocks [n, channels], with exactly ceil(n_in · to / from) samples out in all."""

    def __init__(self, from_rate: int, to_rate: int, channels: int) -> None:
        self.from_rate, self.to_rate, self.channels = from_rate, to_rate, channels
        self._taken, self._given = 0, 0
        # One mono converter for each channel: no channel layout can then be misread or mixed.
        self._converters = [av.AudioResampler("fltp", "mono", to_rate) for _ in range(channels)]

    def push(self, samples: Float) -> Float:
        """Take [n, channels]; give what is ready, in [-1, 1]."""
        if self.from_rate == self.to_rate:
            return samples
        out = self._convert(samples)
        self._given += len(out)
        return out

    def finish(self) -> Float:
        """The rest: zeros are fed behind the end, as swresample keeps back the last half filter (or a short input)."""
        missing = -(-self._taken * self.to_rate // self.from_rate) - self._given
        if self.from_rate == self.to_rate or missing <= 0:
            return np.zeros((0, self.channels), np.float32)
        tail = self._convert(np.zeros((256 * (1 + self.from_rate // self.to_rate), self.channels), np.float32))[
            :missing
        ]
        return np.concatenate([tail, np.zeros((missing - len(tail), self.channels), np.float32)])

    def _convert(self, samples: Float) -> Float:
        if len(samples) == 0:
            return np.zeros((0, self.channels), np.float32)
        columns = []
        for converter, column in zip(self._converters, samples.T, strict=True):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(column)[None], format="fltp", layout="mono")
            frame.sample_rate = self.from_rate
            frame.pts, frame.time_base = self._taken, Fraction(1, self.from_rate)
            parts = [np.asarray(out.to_ndarray()[0], np.float32) for out in converter.resample(frame)]
            columns.append(np.concatenate(parts) if parts else np.zeros(0, np.float32))
        self._taken += len(samples)
        return np.clip(np.stack(columns, axis=1), -1, 1)
