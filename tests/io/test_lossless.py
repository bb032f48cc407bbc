"""Lossless video: every pixel and every byte the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.io import lossless, video


def noise(width: int, height: int, count: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def write(path: Path, frames: np.ndarray, fps: Fraction | int = 25) -> None:
    with lossless.writer(path, size=(frames.shape[2], frames.shape[1]), fps=fps) as add:
        for frame in frames:
            add(frame)


@pytest.mark.parametrize("fps", [25, 60, Fraction(30000, 1001), Fraction(24000, 1001)])
@pytest.mark.parametrize("size", [(64, 48), (33, 17)])
def test_every_pixel_comes_back(tmp_path: Path, fps: Fraction | int, size: tuple[int, int]) -> None:
    frames = noise(*size)
    write(tmp_path / "a.mkv", frames, fps)
    for first, stop in ((0, 12), (5, 6), (11, 12)):
        np.testing.assert_array_equal(
            np.stack(list(video.read_frames(tmp_path / "a.mkv", fps, first, stop))), frames[first:stop]
        )
    info = video.probe_video(tmp_path / "a.mkv")
    assert (info.codec, info.width, info.height) == ("ffv1", *size)
    assert abs(info.fps - fps) < 0.02


def test_every_frame_is_a_key_frame_and_bytes_repeat(tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        write(tmp_path / name, noise(40, 40))
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)


def test_bad_frames_and_places_leave_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(VultusError, match="does not fit"),
        lossless.writer(tmp_path / "a.mkv", size=(8, 8), fps=25) as add,
    ):
        add(np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(VultusError, match="mkv"), lossless.writer(tmp_path / "a.mp4", size=(8, 8), fps=25):
        pass
    with (
        pytest.raises(VultusError, match="does not exist"),
        lossless.writer(tmp_path / "b" / "a.mkv", size=(8, 8), fps=25),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
