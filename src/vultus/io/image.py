"""Pictures: PNG, JPEG and WebP to and from uint8 arrays."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from vultus.errors import VultusError, unknown
from vultus.io import files

Pixels = npt.NDArray[np.uint8]

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_SAVE_OPTIONS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
}
_MEND = "Open it in a picture editor and save it as PNG or JPEG."


def read_image(path: str | Path, max_pixels: float = 64e6) -> Pixels:
    """The picture as uint8 [height, width, 3] sRGB, turned as its EXIF orientation says.

    PNG, JPEG and WebP, whatever the extension; of an animation the first frame. Transparent pixels are laid over
    white. Grey, palette, 16-bit (its upper 8 bits) and CMYK pictures become RGB; colour profiles are not applied.

    Raises VultusError when the file is missing, empty, damaged, truncated or of another format, and (before decoding)
    when it has more than *max_pixels* pixels.
    """
    file = files.check_readable(path, "picture")
    try:
        # Our own limit replaces Pillow's, which only warns at first.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=sorted(set(_FORMATS.values()))) as image:
                if image.width * image.height > max_pixels:
                    raise VultusError(
                        f"The picture {file} has {image.width} x {image.height} pixels",
                        f"Scale it down to at most {int(max_pixels / 1e6)} million pixels.",
                    )
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise VultusError(f"The picture {file} has far too many pixels", "Scale it down.") from error
    except UnidentifiedImageError as error:
        raise VultusError(f"{file} is not a PNG, JPEG or WebP picture that can be read", _MEND) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, ArithmeticError) as error:
        raise VultusError(f"The picture {file} is damaged: {error}", _MEND) from error


def _rgb(image: Image.Image) -> Pixels:
    """uint8 [height, width, 3], transparency over white."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 8 bits
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
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
