"""Faces in files: what `vultus track` writes, and what it says of files that it cannot use."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vultus import channels as ch
from vultus.cli import main
from vultus.io import formats
from vultus.io.video import probe_video, read_video, write_video

Pixels = NDArray[np.uint8]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tracker: Any) -> Run:
    """The command, where the tracker can be had."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        return code, *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def head(photo: Pixels) -> Image.Image:
    """The portrait's head, 200 x 200."""
    return Image.fromarray(photo[20:220, 120:320])


@pytest.fixture(scope="module")
def noise() -> Pixels:
    """A picture without a face, 160 x 120."""
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def shown(head: Image.Image, *places: tuple[int, int, int], size: tuple[int, int] = (160, 120)) -> Pixels:
    out = np.full((size[1], size[0], 3), 70, np.uint8)
    for x, y, width in places:
        tile = np.asarray(head.resize((width, width), Image.Resampling.BICUBIC))
        part = out[y : y + width, x : x + width]
        part[:] = tile[: part.shape[0], : part.shape[1]]
    return out


def film(path: Path, frames: Sequence[Pixels], fps: int = 25) -> Path:
    write_video(path, frames, fps=fps, crf=12)
    return path


def refuses(run: Run, folder: Path, *arguments: object, says: str) -> None:
    """Exit code 2, one line on stderr that holds *says*, nothing on stdout, no new file in *folder*."""
    before = sorted(folder.iterdir())
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("vultus: ")
    assert err.count("\n") == 1
    assert says.lower() in err.lower()
    assert sorted(folder.iterdir()) == before


def test_two_faces_get_a_file_each_and_a_preview(run: Run, head: Image.Image, tmp_path: Path) -> None:
    frames = [shown(head, (4 + i, 20, 100), (170, 30, 80), size=(260, 140)) for i in range(12)]
    source = film(tmp_path / "two.mp4", frames)
    code, out, err = run("track", source, "--out", tmp_path / "m.npz", "--preview", tmp_path / "seen.mp4")
    assert (code, err) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.1.npz", "m.2.npz", "seen.mp4", "two.mp4"]
    assert out.count("seen in 100 %") == 2
    first, second = (formats.read_motion(tmp_path / f"m.{n}.npz") for n in (1, 2))
    assert len(first) == len(second) == 12
    assert first.fps == 25
    assert first.translation[-1, 0] - first.translation[0, 0] > 0.01  # the larger face moves to the right
    assert abs(second.translation[-1, 0] - second.translation[0, 0]) < 0.005
    drawn = [frame for _, frame in read_video(tmp_path / "seen.mp4")]
    assert len(drawn) == 12
    assert np.abs(drawn[3].astype(int) - frames[3]).max() > 100
    code, _, _ = run("track", source, "--which", 2, "--out", tmp_path / "only.csv")
    assert code == 0
    assert (tmp_path / "only.csv").exists()
    refuses(run, tmp_path, "track", source, "--which", 3, "--out", tmp_path / "x.csv", says="the faces 1, 2")
    refuses(run, tmp_path, "track", source, "--which", "me", "--out", tmp_path / "x.csv", says="--which 1, 2")
    for name in ("x.mp3", "none/x.csv"):
        refuses(run, tmp_path, "track", source, "--out", tmp_path / name, says="x.mp3" if "mp3" in name else "folder")
    refuses(run, tmp_path, "track", source, "--out", source.with_suffix(".csv"), "--preview", source, says="input")
    refuses(run, tmp_path, "track", source, "--max-seconds", 0, "--out", tmp_path / "x.csv", says="above 0")


def test_half_a_clip_without_a_face_is_a_gap(run: Run, head: Image.Image, tmp_path: Path) -> None:
    there = shown(head, (30, 10, 100))
    source = film(tmp_path / "gap.mp4", [there] * 8 + [shown(head)] * 10 + [there] * 8)
    assert run("track", source, "--out", tmp_path / "m.npz")[0] == 0
    valid = formats.read_motion(tmp_path / "m.npz").valid
    assert valid[:8, ch.HEAD].all()
    assert not valid[8:18].any()
    assert valid[20:, ch.HEAD].all()
    assert not valid[:, ch.INDEX["tongueOut"]].any()


def test_cuts_to_another_place_go_on(run: Run, head: Image.Image, tmp_path: Path) -> None:
    one, other = shown(head, (5, 5, 90)), 255 - shown(head)
    other[10:100, 60:150] = np.asarray(head.resize((90, 90)))
    source = film(tmp_path / "cut.mp4", [one] * 12 + [other] * 12)
    assert run("track", source, "--out", tmp_path / "m.npz")[0] == 0
    motions = [formats.read_motion(path) for path in tmp_path.glob("m*.npz")]
    seen = np.array([motion.valid[:, ch.HEAD.start] for motion in motions])
    assert (seen.sum(axis=0) == 1).all()  # one face in every frame, whoever it is taken for


@pytest.mark.parametrize("fps", [12, 60, 120])
def test_any_rate_and_odd_sizes(run: Run, head: Image.Image, tmp_path: Path, fps: int) -> None:
    source = film(tmp_path / "a.mp4", [shown(head, (20, 8, 101), size=(151, 119))] * 6, fps)
    assert run("track", source, "--out", tmp_path / "m.csv", "--preview", tmp_path / "p.mp4")[0] == 0
    assert len((tmp_path / "m.csv").read_text().splitlines()) == 7
    assert probe_video(tmp_path / "p.mp4").fps == fps
    run("track", source, "--out", tmp_path / "n.npz", "--fps", 30, "--max-seconds", "0.05")
    assert formats.read_motion(tmp_path / "n.npz").fps == 30


def encoded(
    path: Path, frames: Sequence[Pixels], times: Sequence[int], *, degrees: int = 0, grey: bool = False
) -> Path:
    """Frames at *times* in milliseconds, without loss."""
    with av.open(str(path), "w") as container:
        track: Any = container.add_stream("libx264" if path.suffix == ".mov" else "ffv1", rate=25)
        track.width, track.height = frames[0].shape[1], frames[0].shape[0]
        track.pix_fmt = "yuv420p" if path.suffix == ".mov" else "gray" if grey else "bgr0"
        track.time_base = track.codec_context.time_base = Fraction(1, 1000)
        if degrees:
            track.set_display_rotation(degrees)
        for frame, time in zip(frames, times, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=track.pix_fmt)
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            container.mux(track.encode(picture))
        container.mux(track.encode(None))
    return path


def test_variable_rate_rotation_and_grey(run: Run, head: Image.Image, tmp_path: Path) -> None:
    picture = shown(head, (30, 10, 100))
    times = [0, 40, 80, 200, 240, 400, 440]
    moving = [np.roll(picture, 2 * i, axis=1) for i in range(len(times))]
    uneven = encoded(tmp_path / "uneven.mkv", moving, times)
    assert run("track", uneven, "--fps", 25, "--out", tmp_path / "u.npz")[0] == 0
    motion = formats.read_motion(tmp_path / "u.npz")
    assert len(motion) == 12  # the last frame begins at 440 ms
    side = motion.translation[:, 0]
    assert side[3] == side[2]  # the picture of 80 ms stays
    assert side[5] > side[4]
    turned = encoded(
        tmp_path / "turned.mov", [np.ascontiguousarray(np.rot90(picture))] * 4, range(0, 160, 40), degrees=-90
    )
    assert run("track", turned, "--out", tmp_path / "t.npz")[0] == 0
    assert np.abs(formats.read_motion(tmp_path / "t.npz").head).max() < 0.4
    grey = encoded(tmp_path / "grey.mkv", [picture] * 4, range(0, 160, 40), grey=True)
    assert run("track", grey, "--out", tmp_path / "g.csv")[0] == 0


def test_pictures_of_all_kinds(run: Run, head: Image.Image, tmp_path: Path) -> None:
    picture = Image.fromarray(shown(head, (30, 10, 100)))
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    clear = picture.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(picture.size).point(lambda v: 255 - v // 8))
    kinds: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "grey.png": (picture.convert("L"), {}), "cmyk.jpg": (picture.convert("CMYK"), {}), "deep.png": (deep, {}),
        "clear.png": (clear, {}), "a.webp": (picture, {}), "a.bmp": (picture, {}),
        "turned.jpg": (picture.rotate(90, expand=True), {"exif": exif}),
    }  # fmt: skip
    for name, (image, options) in kinds.items():
        image.save(tmp_path / name, **options)
        code, _, err = run("track", tmp_path / name, "--out", tmp_path / "m.npz")
        assert (code, err) == (0, ""), name
        motion = formats.read_motion(tmp_path / "m.npz")
        assert len(motion) == 1
        assert np.abs(motion.head).max() < 0.4, name
        assert motion["mouthSmileLeft"][0] > 0.25, name  # she smiles in each of them
    picture.save(tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(np.roll(picture, 3, 1))] * 5)
    assert run("track", tmp_path / "a.gif", "--out", tmp_path / "gif.npz")[0] == 0
    assert len(formats.read_motion(tmp_path / "gif.npz")) > 1


def huge_png() -> bytes:
    """A PNG of a hundred bytes that claims 20000 x 20000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


def test_what_cannot_be_used_is_told(run: Run, head: Image.Image, noise: Pixels, tmp_path: Path) -> None:
    film(tmp_path / "nobody.mp4", [noise] * 6)
    film(tmp_path / "tiny.mp4", [shown(head, (70, 50, 14))] * 6)
    film(tmp_path / "covered.mp4", [shown(head, (30, 10, 100)) // 255] * 6)
    Image.fromarray(noise).save(tmp_path / "nobody.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "huge.png").write_bytes(huge_png())
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    whole = film(tmp_path / "whole.mp4", [noise] * 3).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:200])
    encoded(tmp_path / "small.mkv", [noise[:12, :14]] * 2, [0, 40])
    for name, says in {
        "nobody.mp4": "no face is found", "tiny.mp4": "no face is found", "covered.mp4": "no face is found",
        "nobody.png": "no face is found", "dot.png": "16 pixels", "huge.png": "at most 64 million",
        "phone.heic": "HEIC", "cut.jpg": "damaged", "text.mp4": "text.mp4", "empty.mp4": "is empty",
        "cut.mp4": "cut.mp4", "small.mkv": "16 a side", "missing.mp4": "there is no",
    }.items():  # fmt: skip
        more = ("--preview", tmp_path / "p.mp4") if name == "nobody.mp4" else ()
        refuses(run, tmp_path, "track", tmp_path / name, "--out", tmp_path / "m.csv", *more, says=says)
    refuses(run, tmp_path, "animate", "--drive", tmp_path / "nobody.mp4", "--out", tmp_path / "m.npz", says="no face")


def test_a_video_drives_a_face(run: Run, head: Image.Image, tmp_path: Path) -> None:
    frames = [shown(head, (10 + i, 8, 110)) for i in range(40)]
    source = film(tmp_path / "a.mp4", frames)
    assert run("animate", "--drive", source, "--out", tmp_path / "m.npz")[0] == 0
    motion = formats.read_motion(tmp_path / "m.npz")
    assert len(motion) == 40
    assert np.ptp(motion.translation[:, 0]) > 0.05
    run("animate", "--drive", source, "--absolute", "--use", "expression", "--out", tmp_path / "a.npz")
    absolute = formats.read_motion(tmp_path / "a.npz")
    assert absolute["mouthSmileLeft"].min() >= motion["mouthSmileLeft"].max()
    assert not absolute.translation.any()
    assert not absolute.head.any()
    assert not absolute.eye_left.any()
    for more, says in (
        (["--use", "hair"], "hair"),
        (["--use", ","], "--use"),
        (["--text", "hello"], "--drive alone"),
        (["--which", "0"], "--which"),
    ):
        refuses(run, tmp_path, "animate", "--drive", source, *more, "--out", tmp_path / "x.npz", says=says)
