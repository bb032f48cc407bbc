"""What the tracker sees, drawn over the picture: the mesh thinly, brows, eyes, lips and outline clearly, and a name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.observers.watch import Watched
from vultus.person.landmarks import (
    CONTOUR,
    INNER_LIPS,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
)

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Pixels = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Colour = tuple[int, int, int]

COLOURS: Final[tuple[Colour, ...]] = (
    (64, 224, 208), (255, 176, 64), (190, 150, 255), (255, 120, 130), (150, 225, 90), (100, 180, 255),
)  # fmt: skip
"""Of the first face, the second, …; then again from the first on."""
_FINE: Final = 3  # drawn so many times as large, and scaled down
_RINGS: Final = (CONTOUR, LEFT_EYE, RIGHT_EYE, OUTER_LIPS, INNER_LIPS)
# Each brow's list holds its lower edge and then its upper one, both from the outside in.
_BROWS: Final = tuple((*brow[:5], *brow[:4:-1]) for brow in (LEFT_BROW, RIGHT_BROW))
_MESHED: Final = 170  # pixels of a face from which on the mesh does not hide it
_WHITE: Final = (255, 255, 255)


def draw(picture: Pixels, watched: Sequence[Watched], edges: NDArray[np.int32]) -> Pixels:
    """A copy of *picture* uint8 [H, W, 3] with the faces that are *watched* in it.

    *edges* [N, 2] are those of the tracker's mesh. Where there is one face only, it gets no name.
    """
    out = picture.copy()
    named = len(watched) > 1 or any(one.number > 1 for one in watched)
    for one in watched:
        _one(out, one, edges, f"face {one.number}" if named else "")
    return out


def _one(out: Pixels, one: Watched, edges: NDArray[np.int32], name: str) -> None:
    """Draw one face into the part of *out* that it covers."""
    from PIL import Image, ImageDraw

    height, width = out.shape[:2]
    low, high = one.landmarks.min(0), one.landmarks.max(0)
    size = float((high - low).max())
    letters = float(np.clip(0.11 * size, 11, 0.05 * max(width, height)))
    margin = 2.5 * letters
    left, top = np.clip(np.floor(low - margin), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(high + margin), 1, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return
    colour = COLOURS[(one.number - 1) % len(COLOURS)]
    layer = Image.new("RGBA", (int(right - left) * _FINE, int(bottom - top) * _FINE), (*colour, 0))
    points = (one.landmarks - (left, top)) * _FINE
    pen = ImageDraw.Draw(layer)
    _lines(pen, points, edges, colour, max(size / 260, 0.6) * _FINE)
    if name:
        above = float(low[1] - top) * _FINE
        _label(pen, name, (float(points[:468, 0].mean()), above), letters * _FINE, colour, layer.size)
    seen = np.asarray(layer.reduce(_FINE), np.float32)
    share = seen[..., 3:] / 255
    part = out[top:bottom, left:right]
    part[:] = np.rint(part * (1 - share) + seen[..., :3] * share).astype(np.uint8)


def _lines(pen: ImageDraw, points: Doubles, edges: NDArray[np.int32], colour: Colour, width: float) -> None:
    thin, clear = (*_WHITE, 90), (*colour, 235)
    for a, b in edges if width * 260 > _FINE * _MESHED else ():
        pen.line([*points[a], *points[b]], thin, max(round(0.6 * width), 1))
    for ring in (*_RINGS, *_BROWS):
        path = [tuple(points[i]) for i in (*ring, *ring[:2])]  # overlapping ends make the joint round
        pen.line(path, clear, max(round(1.7 * width), 2), joint="curve")
    for iris, upper, lower in ((LEFT_IRIS, 386, 374), (RIGHT_IRIS, 159, 145)):
        (x, y), *rim = points[list(iris)]
        radius = float(np.linalg.norm(np.array(rim) - (x, y), axis=1).mean())
        if float(np.linalg.norm(points[upper] - points[lower])) < 0.7 * radius:
            continue  # the eye is shut
        pen.ellipse(
            [x - radius, y - radius, x + radius, y + radius], outline=(*_WHITE, 220), width=max(round(width), 2)
        )


def _label(
    pen: ImageDraw, name: str, at: tuple[float, float], letters: float, colour: Colour, size: tuple[int, int]
) -> None:
    """*name* on a pill in the face's colour, centred above the place *at*, within a layer of *size*."""
    font = _font(round(letters))
    x0, y0, x1, y1 = pen.textbbox((0, 0), name, font)
    wide, high, pad = x1 - x0, letters, 0.45 * letters
    left = float(np.clip(at[0] - wide / 2, pad, max(size[0] - wide - pad, pad)))
    top = max(at[1] - high - 2.2 * pad, pad / 2)
    box = [left - pad, top - pad / 2, left + wide + pad, top + high + pad / 2]
    pen.rounded_rectangle(box, radius=(high + pad) / 2, fill=(*colour, 235))
    pen.text((left - x0, top + (high - (y1 - y0)) / 2 - y0), name, (16, 18, 22, 255), font)


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
