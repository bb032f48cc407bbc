"""A folder of talking videos, made with FFmpeg through PyAV and not by our own writer."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from vultus.datasets import folder as videos
from vultus.errors import VultusError
from vultus.signals.phones import SILENCE


def film(
    path: Path,
    times: list[float],
    *,
    seconds: float,
    codec: str = "libx264",
    sound: str | None = "aac",
    samples: np.ndarray | None = None,
    first: float = 0.0,
) -> None:
    """A video whose frame i is a flat grey of 20 + 4 i from times[i] on, with a tone or *samples* at 16 kHz."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=25, width=64, height=48)
        picture.pix_fmt = "yuv420p"
        picture.codec_context.time_base = Fraction(1, 1000)
        picture.codec_context.gop_size = 12
        picture.bit_rate = 4_000_000
        heard = None if sound is None else container.add_stream(sound, rate=16000, layout="mono")
        for i, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), min(20 + 4 * i, 235), np.uint8), format="rgb24")
            frame.pts, frame.time_base = round((time + first) * 1000), Fraction(1, 1000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if heard is not None:
            tone = 0.3 * np.sin(np.arange(round(seconds * 16000)) * 0.2) if samples is None else samples
            for at in range(0, len(tone), 1024):
                block = av.AudioFrame.from_ndarray(tone[None, at : at + 1024].astype(np.float32), "fltp", "mono")
                block.sample_rate, block.pts, block.time_base = 16000, at, Fraction(1, 16000)
                container.mux(heard.encode(block))
            container.mux(heard.encode(None))


def greys(clip: object, first: int = 0, stop: int | None = None) -> list[int]:
    """The number of the picture that each frame of a clip shows."""
    stack = clip.view().stack("frames", first, stop)  # type: ignore[attr-defined]
    return [round((float(np.median(frame)) - 20) / 4) for frame in stack]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos: one at 25 fps, one of a speaker at a variable rate, one in WebM."""
    folder = tmp_path_factory.mktemp("videos")
    film(folder / "steady.mp4", [i / 25 for i in range(50)], seconds=2)
    (folder / "steady.txt").write_text("\ufeffHello  there,\nworld.\n", "utf-8")
    (folder / "anna").mkdir()
    film(folder / "anna" / "uneven.mp4", [0.0, 0.04, 0.12, 0.16, 0.4, 0.44, 0.48], seconds=0.52)
    film(folder / "anna" / "web.webm", [i / 25 for i in range(25)], seconds=1, codec="libvpx", sound="libopus")
    (folder / "notes.md").write_text("not a video")
    (folder / ".hidden.mp4").write_bytes(b"not a video either")
    return folder


def test_videos_are_clips(place: Path) -> None:
    found = videos.read(place)
    assert [clip.name for clip in found] == ["anna/uneven", "anna/web", "steady"]
    clip = found[2]
    assert clip.text == "Hello there, world."
    assert (clip.phones, clip.motion, clip.identity, clip.labels) == ((), None, "", {})
    assert clip.audio is not None
    assert abs(len(clip.audio) - 32000) <= 1024
    assert 0.2 < np.abs(clip.audio).max() < 0.4
    assert found[0].labels == {"speaker": "anna"}
    view = clip.view("video")
    assert (view.count, view.size, view.fps, view.fields) == (50, (64, 48), 25.0, ("frames",))
    with pytest.raises(VultusError, match="not known"):
        view.camera(0)
    assert [clip.name for clip in found[1:]] == ["anna/web", "steady"]


@pytest.mark.parametrize(("first", "stop"), [(0, None), (7, 8), (11, 14), (36, 50), (49, 50)])
def test_frames_are_exact_from_any_on(place: Path, first: int, stop: int | None) -> None:
    assert greys(videos.read(place)[2], first, stop) == list(range(first, stop or 50))


def test_other_containers_and_rates(place: Path) -> None:
    assert greys(videos.read(place)[1]) == list(range(25))
    assert greys(videos.read(place)[1], 20, 23) == [20, 21, 22]
    half = videos.read(place, fps=12.5)[2]
    assert half.view().count == 25
    assert greys(half) == list(range(0, 50, 2))
    assert greys(videos.read(place, fps=50)[2], 0, 6) == [0, 0, 1, 1, 2, 2]


def test_a_variable_rate_becomes_constant(place: Path) -> None:
    clip = videos.read(place, fps=25)[0]
    assert greys(clip) == [0, 1, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 6]
    assert greys(clip, 5, 8) == [3, 3, 3]


def test_phones_are_aligned_when_asked(tmp_path: Path) -> None:
    from vultus.voices import formant

    samples, said = formant.speak("Hello, this is somebody.", rate=16000)
    seconds = len(samples) / 16000
    film(tmp_path / "talk.mp4", [i / 25 for i in range(int(seconds * 25))], seconds=seconds, samples=samples)
    assert videos.read(tmp_path, align=True)[0].phones == ()  # there is no transcript
    (tmp_path / "talk.txt").write_text("Hello, this is somebody.")
    phones = videos.read(tmp_path, align=True)[0].phones
    assert {p.ipa for p in phones} >= {"h", "ð", "s"}
    assert phones[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(phones))
    th = {name: next(p.start for p in found if p.ipa == "ð") for name, found in (("said", said), ("aligned", phones))}
    assert abs(th["said"] - th["aligned"]) < 0.06
    assert sum(p.ipa != SILENCE for p in phones) > 10


def test_broken_videos_are_named(tmp_path: Path) -> None:
    film(tmp_path / "good.mp4", [0, 0.04, 0.08], seconds=0.12)
    whole = (tmp_path / "good.mp4").read_bytes()
    bad = {
        "empty.mp4": b"",
        "mute.mp4": None,
        "text.mp4": b"hello" * 400,
        "torn.mp4": whole[: len(whole) // 3],
    }
    for name, raw in bad.items():
        if raw is not None:
            (tmp_path / name).write_bytes(raw)
    film(tmp_path / "mute.mp4", [0, 0.04], seconds=0.08, sound=None)
    with av.open(str(tmp_path / "blind.mkv"), "w") as container:
        track = container.add_stream("flac", rate=16000, layout="mono")
        track.format = "s16"
        block = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        block.sample_rate, block.pts, block.time_base = 16000, 0, Fraction(1, 16000)
        container.mux([*track.encode(block), *track.encode(None)])
    said: list[str] = []
    kept = videos.read(tmp_path, broken="skip", tell=said.append)
    assert [clip.name for clip in kept] == ["good"]
    assert len(said) == 5
    for name in (*bad, "blind.mkv"):
        (line,) = [line for line in said if name in line]
        assert "\n" not in line
    assert "has no sound" in next(line for line in said if "mute.mp4" in line)
    with pytest.raises(VultusError, match=r"blind\.mkv"):
        videos.read(tmp_path)


def test_a_video_that_breaks_off_says_where(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", [i / 25 for i in range(50)], seconds=2)
    found = videos.read(tmp_path)
    film(tmp_path / "a.mp4", [i / 25 for i in range(10)], seconds=2)
    with pytest.raises(VultusError, match=r"a\.mp4 ends before its frame \d\d"):
        list(found[0].view().each("frames"))


def test_bad_folders_and_transcripts(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="is not a folder"):
        videos.read(tmp_path / "none")
    with pytest.raises(VultusError, match="no video in"):
        videos.read(tmp_path)
    film(tmp_path / "a.mp4", [0, 0.04], seconds=0.08)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VultusError, match=r"a\.txt is not UTF-8"):
        videos.read(tmp_path)[0]


def test_twins_keep_their_suffix(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov", "b.mp4"):
        film(tmp_path / name, [0, 0.04], seconds=0.08)
    assert [clip.name for clip in videos.read(tmp_path)] == ["a.mov", "a.mp4", "b"]
