"""What is written onto pictures, so that nobody takes them for what they are not."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

SYNTHETIC: Final = "SYNTHETIC · made to speak by software"
"""What stands on a real photo that speaks without the person's having said it."""
_LETTERS = 0.036  # height of a line over the picture's shorter side
_SMALLEST = 9.0  # pixels
_INK, _BAND, _OPACITY = 255, 18, 0.62


@lru_cache(maxsize=8)
def _band(text: str, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour and opacity [h, width, 1] of a band with *text* in its middle, for pictures of *width* by *height*; only
    what stands before " · " where there is no room for more."""
    from PIL import Image, ImageDraw, ImageFont

    letters = max(_LETTERS * min(width, height), _SMALLEST)
    fitting = letters
    for words in (text, text.partition(" · ")[0]):
        text, wide = words, ImageFont.load_default(letters).getlength(words)
        fitting = letters * min(0.94 * width / wide, 1.0)
        if fitting >= _SMALLEST:
            break
    font = ImageFont.load_default(max(fitting, 1.0))
    x0, y0, x1, y1 = font.getbbox(text)
    tall = min(round(2.1 * (y1 - y0)), height)
    drawn = Image.new("L", (width, tall))
    pen = ImageDraw.Draw(drawn)
    pen.text(((width - x1 - x0) / 2, (tall - y1 - y0) / 2), text, fill=255, font=font)
    ink = np.asarray(drawn, np.float32)[..., None] / 255
    opacity = np.asarray(_OPACITY + (1 - _OPACITY) * ink, np.float32)
    return np.asarray(_BAND + (_INK - _BAND) * ink, np.float32), opacity


def labelled(picture: U8, text: str) -> U8:
    """A copy of *picture* uint8 [H, W, 3 or 4] with *text* on a dark band along its lower edge."""
    height, width = picture.shape[:2]
    colour, opacity = _band(text, width, height)
    out = picture.copy()
    part = out[height - len(colour) :, :, :3]
    part[:] = np.rint(part * (1 - opacity) + colour * opacity).astype(np.uint8)
    if picture.shape[2] == 4:
        out[height - len(colour) :, :, 3:] = 255
    return out
