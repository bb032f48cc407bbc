from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from vultus.errors import VultusError
from vultus.io import image

RNG = np.random.default_rng(3)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:240:48j, 0:200:64j], 90), axis=2).astype(np.uint8)


@pytest.mark.parametrize(("suffix", "error"), [(".png", 0), (".jpg", 3), (".JPEG", 3), (".webp", 6)])
def test_write_then_read(tmp_path: Path, suffix: str, error: int) -> None:
    path = tmp_path / f"写真 é{suffix}"
    image.write_image(path, SMOOTH)
    back = image.read_image(path)
    assert back.dtype == np.uint8
    assert back.shape == SMOOTH.shape
    assert np.abs(back.astype(int) - SMOOTH).max() <= error
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_not_contiguous_arrays_are_written_as_they_look(tmp_path: Path) -> None:
    image.write_image(tmp_path / "a.png", SMOOTH[::-2, ::3])
    np.testing.assert_array_equal(image.read_image(tmp_path / "a.png"), SMOOTH[::-2, ::3])


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [(3, np.rot90(SMOOTH, 2)), (6, np.rot90(SMOOTH, -1)), (8, np.rot90(SMOOTH)), (2, SMOOTH[:, ::-1])],
)
def test_exif_orientation(tmp_path: Path, orientation: int, shown: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", quality=98, subsampling=0, exif=exif)
    back = image.read_image(tmp_path / "a.jpg")
    assert back.shape == shown.shape
    assert np.abs(back.astype(int) - shown).max() <= 4


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = [0, 255, 51]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert image.read_image(tmp_path / "a.png")[0, :, 0].tolist() == [255, 0, 204]
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "g.png", transparency=0)
    assert image.read_image(tmp_path / "g.png").tolist() == [[[255] * 3, [255] * 3]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "p.png", transparency=bytes([0, 255]))
    assert image.read_image(tmp_path / "p.png").tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_grey_16_bit_binary_and_cmyk(tmp_path: Path) -> None:
    deep = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "16.png")
    assert image.read_image(tmp_path / "16.png")[0, :, 1].tolist() == [0, 0, 1, 128, 255]
    Image.fromarray(np.array([[7, 200]], np.uint8)).save(tmp_path / "8.png")
    assert image.read_image(tmp_path / "8.png").tolist() == [[[7] * 3, [200] * 3]]
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "1.png")
    assert image.read_image(tmp_path / "1.png")[0, :, 2].tolist() == [255, 0]
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(tmp_path / "c.jpg")
    assert image.read_image(tmp_path / "c.jpg").min() >= 254


@pytest.mark.parametrize("suffix", ["gif", "bmp", "tif", "avif"])
def test_other_usual_formats_and_first_frames(tmp_path: Path, suffix: str) -> None:
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    first, second = Image.new("RGB", (20, 17), (200, 40, 90)), Image.new("RGB", (20, 17))
    more = {"save_all": True, "append_images": [second]} if suffix == "gif" else {}
    first.save(tmp_path / f"a.{suffix}", **more)
    back = image.read_image(tmp_path / f"a.{suffix}")
    assert back.shape == (17, 20, 3)
    assert np.abs(back.astype(int) - (200, 40, 90)).max() <= 4


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    """A profile whose primaries are exchanged turns red into something else; a broken one is left out."""
    red = Image.new("RGB", (4, 4), (250, 20, 10))
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = same.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    for name, profile, moved in (("same", same, False), ("broken", b"no profile", False), ("other", other, True)):
        red.save(tmp_path / f"{name}.png", icc_profile=profile)
        off = np.abs(image.read_image(tmp_path / f"{name}.png").astype(int) - (250, 20, 10)).max()
        assert (off > 8) == moved, name


def test_one_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "a.png")
    assert image.read_image(tmp_path / "a.png").tolist() == [[[1, 2, 3]]]


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    """A PNG of a hundred bytes that claims 30000 x 30000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(VultusError, match=r"too many pixels.*at most 64 million"):
        image.read_image(tmp_path / "bomb.png")
    image.write_image(tmp_path / "a.png", SMOOTH)
    with pytest.raises(VultusError, match="64 x 48 pixels"):
        image.read_image(tmp_path / "a.png", max_pixels=3000)


def test_bad_files_are_told_in_one_line(tmp_path: Path) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for name, head in (("a.heic", heic), ("a.mp4", b"\0\0\0\x20ftypisom"), ("a.psd", b"8BPS"), ("a.pdf", b"%PDF-1.4")):
        (tmp_path / name).write_bytes(head + bytes(64))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    image.write_image(tmp_path / "whole.png", RNG.integers(0, 256, (64, 64, 3), np.uint8))
    whole = (tmp_path / "whole.png").read_bytes()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / "whole.jpg")
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name, said in (
        ("a.heic", "is an HEIC picture, .* save it as PNG or JPEG"),
        ("a.mp4", "is a video, not a picture"),
        ("a.psd", "is a Photoshop file"),
        ("a.pdf", "is a PDF"),
        ("text.png", "is not a picture that can be read"),
        ("empty.png", "is empty"),
        ("cut.png", "is damaged"),
        ("cut.jpg", "is damaged"),
        ("hole.png", "Did you mean .*whole.png"),
    ):
        with pytest.raises(VultusError, match=said) as caught:
            image.read_image(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_bad_writes_leave_nothing(tmp_path: Path) -> None:
    for name, array, said in (
        ("a.bmp", SMOOTH, "no picture format called '.bmp'.*"),
        ("a", SMOOTH, "Known: .jpeg, .jpg, .png, .webp"),
        ("a.png", SMOOTH.astype(np.float32), "float32"),
        ("a.png", SMOOTH[:0], "is no picture"),
        ("a.png", SMOOTH[..., 0], "is no picture"),
        ("a.webp", np.zeros((1, 20000, 3), np.uint8), "16383"),
    ):
        with pytest.raises(VultusError, match=said):
            image.write_image(tmp_path / name, array)
    assert list(tmp_path.iterdir()) == []
