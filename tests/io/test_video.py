from __future__ import annotations

import struct
import threading
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.io import audio, video

NTSC = Fraction(30000, 1001)


def _frames(count: int, width: int = 64, height: int = 48) -> Iterator[np.ndarray]:
    """Frame i is a flat grey of its own value with a bright moving bar."""
    for i in range(count):
        frame = np.full((height, width, 3), 20 + i * 3 % 200, np.uint8)
        frame[:, i % width] = 255
        yield frame


def _boxes(path: Path) -> list[str]:
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        names.append(name.decode())
        at += size
    return names


@pytest.mark.parametrize("fps", [Fraction(25), NTSC, Fraction(24000, 1001), 60, Fraction(5, 2)])
@pytest.mark.parametrize("rate", [None, 16000, 44100, 48000])
def test_count_rate_duration_and_layout_are_exact(tmp_path: Path, fps: Fraction, rate: int | None) -> None:
    path = tmp_path / "vidéo 東京.mp4"
    tone = None if rate is None else repeat(np.full(777, 0.1, np.float32))
    count = video.write_video(path, _frames(21), fps=fps, audio=tone, audio_rate=rate or 48000)
    assert count == 21
    info = video.probe_video(path)
    assert (info.width, info.height, info.codec, info.frames) == (64, 48, "h264", 21)
    assert info.fps == fps
    assert info.duration == pytest.approx(float(21 / fps), abs=1e-9)
    times = [time for time, _ in video.read_video(path)]
    assert times == [i / Fraction(fps) for i in range(21)]
    names = _boxes(path)
    assert names.index("moov") < names.index("mdat")
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert len(container.streams) == (1 if rate is None else 2)
    if rate is None:
        assert info.audio is None
        with pytest.raises(VultusError, match="no sound"):
            audio.probe(path)
    else:
        assert info.audio is not None
        assert (info.audio.rate, info.audio.channels, info.audio.codec) == (rate, 1, "aac")
        assert len(audio.read(path, rate)) == round(21 * rate / Fraction(fps))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("fps", [Fraction(25), NTSC])
def test_flash_and_click_stay_together(tmp_path: Path, fps: Fraction, rate: int) -> None:
    path = tmp_path / "a.mp4"
    click = np.zeros(2 * rate, np.float32)
    flash_at = 30 / fps
    click[round(flash_at * rate) :][:20] = 0.9

    def flashes() -> Iterator[np.ndarray]:
        for i in range(50):
            yield np.full((64, 64, 3), 255 if i == 30 else 10, np.uint8)

    video.write_video(path, flashes(), fps=fps, audio=np.array_split(click, 37), audio_rate=rate)
    seen = [time for time, frame in video.read_video(path) if frame.mean() > 128]
    assert seen == [flash_at]
    heard = audio.read(path, rate)
    peak = np.abs(heard)
    first = np.flatnonzero(peak > 0.5 * peak.max())[0] / rate
    assert abs(first - flash_at) < 0.002  # far below half a frame


@pytest.mark.parametrize("seconds", [0, 0.5, 3])
def test_sound_is_cut_or_padded_to_the_picture(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(1)
    noise = rng.uniform(-0.5, 0.5, (int(48000 * seconds), 2)).astype(np.float32)
    video.write_video(path, _frames(25), fps=25, audio=[noise], audio_channels=2)
    back = audio.read(path, 48000, mono=False)
    assert back.shape == (48000, 2)
    heard = min(48000, len(noise))
    assert np.abs(back[heard + 2048 :]).max(initial=0) < 0.01
    if heard:
        assert np.sqrt(np.mean(back[1000 : heard - 1000] ** 2)) > 0.15


def test_sound_is_drawn_no_further_than_the_picture(tmp_path: Path) -> None:
    drawn = 0

    def source() -> Iterator[np.ndarray]:
        nonlocal drawn
        assert threading.current_thread() is threading.main_thread()
        while True:
            drawn += 100
            yield np.full(100, np.nan, np.float32)

    with video.VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25, audio=source(), audio_rate=16000) as writer:
        for i, frame in enumerate(_frames(30), 1):
            writer.write(frame)
            assert 0 <= drawn - i * 640 < 100
    assert np.abs(audio.read(tmp_path / "a.mp4")).max() < 1e-3


@pytest.mark.parametrize(("preset", "width", "height"), [("superfast", 64, 48), ("medium", 64, 48), ("fast", 200, 98)])
def test_same_frames_and_sound_give_the_same_bytes(tmp_path: Path, preset: str, width: int, height: int) -> None:
    files = set()
    for run in range(6):
        tone = [np.sin(np.arange(48000, dtype=np.float32) / 9) / 2]
        path = tmp_path / f"{run}.mp4"
        video.write_video(path, _frames(30, width, height), fps=NTSC, audio=tone, preset=preset)
        files.add(path.read_bytes())
    assert len(files) == 1
    assert b"Lavf" not in files.pop()


def test_flat_colours_come_back(tmp_path: Path) -> None:
    """BT.709, limited range: a colour of each kind survives within 3 of 255, and the tags say so."""
    colours = [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (224, 172, 105), (90, 60, 200)]
    frames = [np.broadcast_to(np.array(colour, np.uint8), (64, 64, 3)) for colour in colours]
    video.write_video(tmp_path / "a.mp4", frames, fps=25)
    for colour, (_, back) in zip(colours, video.read_video(tmp_path / "a.mp4"), strict=True):
        assert np.abs(back.astype(int) - colour).max() <= 3
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
        luma = [int(frame.to_ndarray()[5, 5]) for frame in container.decode(video=0)]
    assert abs(luma[0] - 235) <= 1
    assert abs(luma[1] - 16) <= 1
    assert abs(luma[3] - (16 + 219 * 0.7152)) <= 2


def test_odd_sizes_are_padded(tmp_path: Path) -> None:
    frame = np.full((33, 47, 3), 120, np.uint8)
    frame[:, -5:] = 200
    video.write_video(tmp_path / "a.mp4", [frame] * 3, fps=25)
    _, back = next(video.read_video(tmp_path / "a.mp4"))
    assert back.shape == (34, 48, 3)
    assert np.abs(back[:, -4:].astype(int) - 200).max() <= 4


def test_opacity_and_straight_colours_come_back(tmp_path: Path) -> None:
    frame = np.zeros((48, 64, 4), np.uint8)
    frame[:, :, :3] = (200, 60, 120)
    frame[:24, :, 3] = 255
    frame[24:36, :, 3] = 128
    for name in ("a.mov", "b.mov"):
        tone = iter([np.zeros(24000, np.float32)])
        video.write_video(tmp_path / name, [frame] * 6, fps=25, alpha=True, audio=tone, audio_rate=48000)
    assert (tmp_path / "a.mov").read_bytes() == (tmp_path / "b.mov").read_bytes()
    with av.open(str(tmp_path / "a.mov")) as container:
        assert container.streams.video[0].codec_context.name == "prores"
        assert len(container.streams.audio) == 1
        shown = [picture.to_ndarray(format="rgba") for picture in container.decode(video=0)]
    assert len(shown) == 6
    assert abs(int(shown[3][4, 8, 3]) - 255) <= 1
    assert abs(int(shown[3][30, 8, 3]) - 128) <= 1
    assert shown[3][42, 8, 3] <= 1
    with av.open(str(tmp_path / "a.mov")) as container:
        rgb = next(container.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    np.testing.assert_allclose(rgb[4, 8].astype(int), (200, 60, 120), atol=4)


def test_opacity_needs_a_mov_and_four_channels(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match=r"\.mov"):
        video.VideoWriter(tmp_path / "a.mp4", size=(32, 32), fps=25, alpha=True)
    with pytest.raises(VultusError, match="does not fit"):
        video.write_video(tmp_path / "a.mov", [np.zeros((32, 32, 3), np.uint8)], fps=25, alpha=True)
    assert not list(tmp_path.iterdir())


def test_an_error_inside_the_block_leaves_no_file(tmp_path: Path) -> None:
    def render(count: int) -> None:
        with video.VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25) as writer:
            for frame in _frames(count):
                writer.write(frame)
            raise ZeroDivisionError

    for count in (0, 1, 90):
        with pytest.raises(ZeroDivisionError):
            render(count)
    with pytest.raises(VultusError, match="No frames"), video.VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25):
        pass
    with pytest.raises(VultusError, match="No frames"):
        video.write_video(tmp_path / "a.mp4", [], fps=25)
    assert list(tmp_path.iterdir()) == []
    assert "vultus-encoder" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("count", [1, 60])
def test_errors_of_the_encoder_thread_reach_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video.VideoWriter, "_encode", full)
    with pytest.raises(VultusError, match="disk is full"):
        video.write_video(tmp_path / "a.mp4", _frames(count), fps=25)
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_sound_reach_the_caller(tmp_path: Path) -> None:
    def source() -> Iterator[np.ndarray]:
        yield np.zeros(5000, np.float32)
        raise KeyError("sound")

    with pytest.raises(KeyError):
        video.write_video(tmp_path / "a.mp4", _frames(30), fps=25, audio=source())
    with pytest.raises(VultusError, match="does not fit 1 channels"):
        video.write_video(tmp_path / "a.mp4", _frames(30), fps=25, audio=[np.zeros((9, 2))])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"path": "a.avi"},
        {"path": "a"},
        {"path": "no/a.mp4"},
        {"size": (8, 64)},
        {"size": (64, 9000)},
        {"fps": 0},
        {"fps": Fraction(29.97)},
        {"fps": 1000},
        {"audio": [], "audio_rate": 12345},
        {"audio": [], "audio_channels": 6},
        {"crf": 99},
        {"preset": "fastest"},
        {"threads": 0},
    ],
)
def test_bad_arguments(tmp_path: Path, bad: dict) -> None:
    arguments = {"path": "a.mp4", "size": (64, 48), "fps": 25} | bad
    with pytest.raises(VultusError), video.VideoWriter(tmp_path / arguments.pop("path"), **arguments):
        pytest.fail("the block must not run")
    assert list(tmp_path.iterdir()) == []


def test_bad_frames(tmp_path: Path) -> None:
    good = np.zeros((48, 64, 3), np.uint8)
    for bad in (good[:47], good[..., 0], good.astype(np.float32)):
        with pytest.raises(VultusError, match="does not fit"):
            video.write_video(tmp_path / "a.mp4", iter([good, bad]), fps=25)
    with pytest.raises(VultusError, match="not open"):
        video.VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25).write(good)
    assert list(tmp_path.iterdir()) == []


def test_writing_and_reading_keep_memory_flat(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    frame = np.zeros((240, 320, 3), np.uint8)
    silence = repeat(np.zeros(1000, np.float32))
    tracemalloc.start()
    with video.VideoWriter(path, size=(320, 240), fps=25, audio=silence) as writer:
        for _ in range(300):
            writer.write(frame)
    assert sum(1 for _ in video.read_video(path)) == 300
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * frame.nbytes  # of 300 frames


def test_frames_are_copied_when_written(tmp_path: Path) -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    with video.VideoWriter(tmp_path / "a.mp4", size=(64, 64), fps=25) as writer:
        for i in range(20):
            canvas[:] = 10 * i
            writer.write(canvas)
    for i, (_, frame) in enumerate(video.read_video(tmp_path / "a.mp4")):
        assert abs(frame.mean() - 10 * i) < 3


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, degrees: int) -> None:
    """The display matrix turns the picture counterclockwise by *degrees* (FFmpeg's convention)."""
    path = tmp_path / "a.mp4"
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        track.set_display_rotation(degrees)
        container.mux(track.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(track.encode(None))
    _, back = next(video.read_video(path))
    expected = np.rot90(picture, degrees // 90)
    assert back.shape == expected.shape
    assert np.abs(back.astype(int) - expected).mean() < 10
    info = video.probe_video(path)
    assert (info.height, info.width) == expected.shape[:2]


def test_limits_of_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    video.write_video(path, _frames(30), fps=25)
    assert len(list(video.read_video(path, max_seconds=0.4))) == 10
    assert list(video.read_video(path, max_seconds=0)) == []
    with pytest.raises(VultusError, match="64 x 48 pixels"):
        video.read_video(path, max_side=50)


def test_truncated_video_gives_what_can_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(5)
    video.write_video(path, rng.integers(0, 256, (40, 64, 64, 3), np.uint8), fps=25)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 2 // 3])
    assert 15 < len(list(video.read_video(path))) < 40


def test_bad_files_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video" * 100)
    (tmp_path / "empty.mp4").touch()
    audio.write(tmp_path / "sound.wav", np.zeros(100, np.float32), 16000)
    for name, said in (
        ("text.mp4", "Cannot read"),
        ("empty.mp4", "is empty"),
        ("sound.wav", "no picture"),
        ("gone.mp4", "There is no video"),
    ):
        for use in (video.probe_video, video.read_video):
            with pytest.raises(VultusError, match=said) as caught:
                use(tmp_path / name)
            assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 80 frames at 29.97 fps whose red and green tell their number, with a key frame at 0 and at 60."""
    path = tmp_path_factory.mktemp("counted") / "a.mp4"
    colours = (np.array([20 + 12 * (i % 16), 20 + 12 * (i // 16), 128], np.uint8) for i in range(80))
    video.write_video(path, (np.broadcast_to(c, (48, 64, 3)) for c in colours), fps=NTSC)
    return path


def _number(frame: np.ndarray) -> int:
    red, green = (round((float(np.median(frame[:, :, i])) - 20) / 12) for i in (0, 1))
    return red + 16 * green


@pytest.mark.parametrize("first", [0, 1, 30, 59, 60, 61, 79])
def test_reading_begins_with_the_frame_on_screen(counted: Path, first: int) -> None:
    for start in (first / NTSC, (first + Fraction(9, 10)) / NTSC):
        times, frames = zip(*video.read_video(counted, start=start), strict=True)
        assert [_number(frame) for frame in frames] == list(range(first, 80))
        assert times[0] == pytest.approx(first / NTSC, abs=1e-4)
    (last,) = video.read_video(counted, start=99)
    assert _number(last[1]) == 79


@pytest.mark.parametrize(("first", "stop"), [(0, 80), (0, 1), (58, 63), (79, 80)])
def test_frames_by_number(counted: Path, first: int, stop: int) -> None:
    assert [_number(f) for f in video.read_frames(counted, NTSC, first, stop)] == list(range(first, stop))


def test_frames_at_another_rate(counted: Path) -> None:
    every = [_number(f) for f in video.read_frames(counted, NTSC / 2, 10, 20)]
    twice = [_number(f) for f in video.read_frames(counted, NTSC * 2, 30, 40)]
    assert every == list(range(20, 40, 2))
    assert twice == [n // 2 for n in range(30, 40)]


def test_the_last_frame_is_held_for_half_a_second(counted: Path) -> None:
    assert [_number(f) for f in video.read_frames(counted, NTSC, 78, 94)] == [78] + [79] * 15
    with pytest.raises(VultusError, match=r"a\.mp4 ends before its frame 9\d"):
        list(video.read_frames(counted, NTSC, 78, 200))
