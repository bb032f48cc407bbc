"""A contact sheet of photos that move: real ones, drawn people from the front and turned, and a painting.

``python tools/pictures.py photos`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.heads.person import PersonHead
from vultus.heads.photo import PhotoHead
from vultus.io.image import read_image
from vultus.lab.photo_real import PHOTO, calmest, filmed
from vultus.lab.sheets import MOVES, moved
from vultus.motion import Motion
from vultus.observers.watch import observe

U8 = NDArray[np.uint8]

SHOWN: Final = ("the photo", "ah", "oo", "ee", "smile", "blink", "brows up", "yaw 18", "yaw -18")
"""The moves of `lab.sheets.MOVES` in a row."""
TURNED: Final = 28.0
"""Degrees by which the people of the three-quarter views are turned."""
_STROKE = 3  # pixels of a brush


def painted(photo: U8) -> U8:
    """*photo* [H, W, 3] as if it were painted with a broad brush: every pixel takes the mean of that quarter of its
    neighbourhood which is the most even (M. Kuwahara et al., 1976)."""
    from scipy import ndimage

    image = np.pad(photo.astype(np.float32), ((_STROKE, _STROKE), (_STROKE, _STROKE), (0, 0)), "edge")
    wide = _STROKE
    mean = ndimage.uniform_filter(image, (wide, wide, 1))
    uneven = (ndimage.uniform_filter(image**2, (wide, wide, 1)) - mean**2).sum(2)
    half = wide // 2
    shifts = [(dy, dx) for dy in (-half, half) for dx in (-half, half)]
    choice = np.argmin([np.roll(uneven, shift, (0, 1)) for shift in shifts], axis=0)
    means = np.stack([np.roll(mean, shift, (0, 1)) for shift in shifts])
    out = np.take_along_axis(means, choice[None, ..., None], 0)[0]
    out = out[_STROKE:-_STROKE, _STROKE:-_STROKE]
    return np.clip(out + 0.25 * (out - out.mean(2, keepdims=True)), 0, 255).astype(np.uint8)


def photos(size: int) -> Iterator[tuple[str, U8]]:
    """The photos by name; the drawn ones have *size* x *size* pixels. VultusError where an asset cannot be had."""
    astronaut = read_image(store.path(PHOTO))
    pictures, film = filmed()
    takes = observe(pictures, film.fps).takes
    clip = max(takes, key=lambda take: len(take.readings)).motion(len(pictures), film.fps)
    yield "the astronaut", astronaut
    yield "a clip's frame", pictures[calmest(clip)]
    yield "a painting", painted(astronaut)
    for person, yaw in (("person:14", 0.0), ("person:3", TURNED), ("person:8", -TURNED)):
        yield f"{person} from {yaw:.0f}°", PersonHead(person, size=(size, size)).frame(moved({"yaw": yaw})).copy()


def sheet(size: int = 160) -> U8:
    """Tiles of *size* x *size* pixels: a row for each photo, and its moves in the columns."""
    motion = Motion(np.stack([moved(MOVES[name]) for name in SHOWN]), Fraction(30))
    rows = [np.concatenate(list(PhotoHead(photo, size=size).frames([motion])), 1) for _, photo in photos(2 * size)]
    return np.concatenate(rows)
