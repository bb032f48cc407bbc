"""Lossless video: FFV1 (RFC 9043) in Matroska, every pixel exact and every frame a key frame.

For training on exact pixels; it is some ten times as large as MP4. `vultus.io.video.read_frames` reads it, quickly at
any frame. The same frames give the same bytes: one encoder thread, and no date or encoder name in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from vultus.errors import VultusError, unknown
from vultus.io import files
from vultus.io.muxing import writing

Frame = npt.NDArray[np.uint8]


@contextmanager
def writer(path: str | Path, *, size: tuple[int, int], fps: Fraction | int) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that adds a frame, uint8 [height, width, 3] sRGB, to the .mkv file at *path*.

    *size* is (width, height) in pixels. The file appears when the block ends well; otherwise nothing is left behind.
    Raises VultusError for another extension, a frame of another shape and a place that cannot be written.
    """
    if Path(path).suffix.lower() != ".mkv":
        raise unknown("lossless video format", Path(path).suffix or Path(path).name, (".mkv",))
    width, height = size
    with files.atomic(path) as temporary, writing(temporary, "matroska") as container:
        track = container.add_stream(
            "ffv1", rate=Fraction(fps), width=width, height=height, options={"level": "3", "g": "1", "slices": "4"}
        )
        track.codec_context.pix_fmt, track.codec_context.thread_count = "bgr0", 1
        track.codec_context.flags |= av.codec.context.Flags.bitexact
        count = 0

        def add(frame: Frame) -> None:
            nonlocal count
            if frame.dtype != np.uint8 or frame.shape != (height, width, 3):
                raise VultusError(
                    f"A frame of shape {frame.shape} and type {frame.dtype} does not fit the video",
                    f"Give uint8 of shape ({height}, {width}, 3).",
                )
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(format="bgr0")
            picture.pts, picture.time_base = count, 1 / Fraction(fps)
            count += 1
            container.mux(track.encode(picture))

        yield add
        container.mux(track.encode(None))
