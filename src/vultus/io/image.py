"""Pictures: files of the usual kinds to uint8 arrays in sRGB, and PNG, JPEG and WebP from them."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from vultus.errors import VultusError, unknown
from vultus.io import files

Pixels = npt.NDArray[np.uint8]

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_SAVE_OPTIONS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
}
_READ: Final = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
_MEND = "Open it in a picture editor and save it as PNG or JPEG."
# What the first bytes tell of files that are no pictures for us: (place, bytes, kind).
_OTHERS: Final = (
    (4, b"ftyphei", "an HEIC picture, as iPhones take them"),
    (4, b"ftyphev", "an HEIC picture, as iPhones take them"),
    (4, b"ftypmif1", "an HEIF picture, as phones take them"),
    (4, b"ftypavi", "an AVIF picture, which this Pillow cannot read"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"RIFF", "a sound or video file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x00\x00\x00\x0cJXL", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML file"),
)


def read_image(path: str | Path, max_pixels: float = 64e6) -> Pixels:
    """The picture as uint8 [height, width, 3] sRGB, turned as its EXIF orientation says.

    PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF, whatever the extension; of an animation the first frame. Transparent
    pixels are laid over white. Grey, palette, 16-bit (its upper 8 bits) and CMYK pictures become RGB; an embedded
    colour profile is applied.

    Raises VultusError when the file is missing, empty, damaged, truncated or of another format (which it names where
    the first bytes tell), and (before decoding) when it has more than *max_pixels* pixels.
    """
    file = files.check_readable(path, "picture")
    limit = f"Scale it down to at most {int(max_pixels / 1e6)} million pixels."
    try:
        # Our own limit replaces Pillow's, which only warns at first.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=[kind for kind in _READ if kind in _openable()]) as image:
                if image.width * image.height > max_pixels:
                    raise VultusError(f"The picture {file} has {image.width} x {image.height} pixels", limit)
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise VultusError(f"The picture {file} has far too many pixels", limit) from error
    except UnidentifiedImageError as error:
        raise _unreadable(file) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, ArithmeticError) as error:
        raise VultusError(f"The picture {file} is damaged: {error}", _MEND) from error


def _openable() -> set[str]:
    """The formats that this Pillow was built with."""
    Image.init()
    return set(Image.OPEN)


def _unreadable(file: Path) -> VultusError:
    """What a file is that is no picture for us, as far as its first bytes tell."""
    with file.open("rb") as opened:
        head = opened.read(32)
    kind = next((kind for at, mark, kind in _OTHERS if head[at : at + len(mark)] == mark), None)
    if kind is None:
        return VultusError(f"{file} is not a picture that can be read", _MEND)
    return VultusError(f"{file} is {kind}, not a picture that can be read", _MEND)


def _rgb(image: Image.Image) -> Pixels:
    """uint8 [height, width, 3] sRGB, transparency over white."""
    if image.mode.startswith(("I", "F")):  # 16-bit grey, which Pillow would clip to 8 bits
        grey = np.nan_to_num(np.asarray(image), nan=0, posinf=0, neginf=0)
        deep = grey.astype(np.int64) >> 8 if image.mode.startswith("I") else grey
        return np.repeat(np.clip(deep, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile is left out
            own, ours = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, own, ours, outputMode="RGB") or image
    return np.array(image.convert("RGB"), np.uint8)


def write_image(path: str | Path, array: npt.NDArray[np.uint8]) -> None:
    """Write uint8 [height, width, 3] as PNG (exact), JPEG or WebP (quality 95), chosen by the extension.

    The file appears whole or not at all and holds no metadata. Raises VultusError for another extension, a wrong
    shape or type, and places that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise unknown("picture format", suffix or Path(path).name, _FORMATS)
    kind = _FORMATS[suffix]
    largest = {"PNG": 2**31 - 1, "JPEG": 65500, "WEBP": 16383}[kind]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or math.prod(array.shape) == 0:
        raise VultusError(
            f"An array of shape {array.shape} and type {array.dtype} is no picture", "Give uint8 [height, width, 3]."
        )
    if max(array.shape[:2]) > largest:
        raise VultusError(f"{kind} holds at most {largest} pixels a side", "Write a .png file, or scale it down.")
    with files.atomic(path) as temporary:
        Image.fromarray(np.ascontiguousarray(array)).save(temporary, kind, **_SAVE_OPTIONS[kind])


def square(picture: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """The largest square in the middle of a picture uint8 [H, W, 3], at *size* pixels a side.

    VultusError for what is no such picture.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        told = f"{picture.dtype} {picture.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise VultusError(f"A picture is uint8 [H, W, 3], not {told}")
    height, width = picture.shape[:2]
    side = min(height, width)
    if not side:
        raise VultusError("The picture is empty")
    top, left = (height - side) // 2, (width - side) // 2
    cut = picture[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(cut)
    return np.asarray(Image.fromarray(cut).resize((size, size), Image.Resampling.LANCZOS))


def planes(pictures: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pictures uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(pictures), 3, 1), np.float32) / np.float32(255)
