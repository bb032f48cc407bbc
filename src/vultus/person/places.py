"""What stands behind the person: procedural places, far out of focus.

A place is painted as simple shapes in linear light, with lamps and windows brighter than the screen can show, and then
blurred with the disc that a wide lens makes of a point; so bright spots become discs, as in a photograph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.errors import unknown

F32 = NDArray[np.float32]
Colour = tuple[float, float, float]

_FINEST: Final = 288  # rows that are painted: more would not be seen through the blur
_MARGIN: Final = 0.16  # painted around the picture, as a share of its height, so that the blur has something to take


class _Canvas:
    """A picture in linear light whose origin is its top middle; 1 is its height, x grows to the right, y down."""

    def __init__(self, aspect: float, rows: int, rng: np.random.Generator) -> None:
        self.rng, self.rows = rng, rows
        self.margin = round(_MARGIN * rows)
        self.height, self.width = rows + 2 * self.margin, round(aspect * rows) + 2 * self.margin
        self.x = ((np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / rows)[None, :]
        self.y = ((np.arange(self.height, dtype=np.float32) + 0.5 - self.margin) / rows)[:, None]
        self.light = np.zeros((self.height, self.width, 3), np.float32)

    def fade(self, stops: list[tuple[float, Colour]]) -> None:
        """Fill from top to bottom through colours at heights."""
        at = [stop for stop, _ in stops]
        for c in range(3):
            self.light[..., c] = np.interp(self.y, at, [colour[c] for _, colour in stops])

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, cover: float = 1.0) -> None:
        """Lay a rectangle of a colour over the picture."""
        i, j = self._column(left), self._row(top)
        part = self.light[j : self._row(bottom), i : self._column(right)]
        part += (np.array(colour, np.float32) - part) * np.float32(cover)

    def _column(self, x: float) -> int:
        return int(np.clip(round(x * self.rows + self.width / 2), 0, self.width))

    def _row(self, y: float) -> int:
        return int(np.clip(round(y * self.rows + self.margin), 0, self.height))

    def glow(self, x: float, y: float, radius: float, colour: Colour, squash: float = 1.0) -> None:
        """Add light that fades from a centre."""
        far = ((self.x - x) / radius) ** 2 + ((self.y - y) / (radius * squash)) ** 2
        self.light += np.exp(-far)[..., None] * np.array(colour, np.float32)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Add a small lamp."""
        i, j, r = self._column(x), self._row(y), max(1, round(radius * self.rows))
        self.light[max(0, j - r) : j + r, max(0, i - r) : i + r] += np.array(colour, np.float32)

    def cover(self, mask: F32, colour: Colour) -> None:
        """Lay a colour over the picture where *mask* [H, W] in [0, 1] says."""
        self.light += (np.array(colour, np.float32) - self.light) * mask[..., None]

    def noise(self, cell: float, squash: float = 1.0) -> F32:
        """Smooth noise in about [-1, 1] with waves of about *cell*, *squash* times as high as wide."""
        rows, columns = (
            max(2, round(n / (self.rows * cell * s)) + 2) for n, s in ((self.height, squash), (self.width, 1))
        )
        coarse = self.rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        return np.asarray(_hats(self.height, rows) @ coarse @ _hats(self.width, columns).T, np.float32)


def _hats(fine: int, coarse: int) -> F32:
    """Weights [fine, coarse] that interpolate *coarse* values smoothly at *fine* places."""
    at = np.clip((np.arange(fine) + 0.5) * coarse / fine - 0.5, 0, coarse - 1)
    far = np.clip(1 - np.abs(at[:, None] - np.arange(coarse)), 0, 1)
    weights = far * far * (3 - 2 * far)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _lines(fine: int, coarse: int) -> F32:
    """Weights [fine, coarse] of linear interpolation, which makes no steps of its own."""
    at = np.clip((np.arange(fine) + 0.5) * coarse / fine - 0.5, 0, coarse - 1)
    return np.clip(1 - np.abs(at[:, None] - np.arange(coarse)), 0, 1).astype(np.float32)


def _paper(tone: Colour) -> Callable[[_Canvas], None]:
    """Studio paper in front of a wall: a pool of light behind the head, darker to the floor and the corners."""

    def paint(c: _Canvas) -> None:
        far = np.exp(-(((c.x + 0.08) / 0.62) ** 2 + ((c.y - 0.42) / 0.60) ** 2))
        shade = (0.50 + 0.62 * far) * (1 - 0.10 * c.y) * (1 + 0.02 * c.noise(0.5))
        c.light[:] = shade[..., None] * np.array(tone, np.float32)

    return paint


def _brick(c: _Canvas) -> None:
    high, wide = 0.052, 0.165
    c.light[:] = (0.20, 0.185, 0.17)
    for row in range(-4, 24):
        for column in range(-8, 8):
            left = (column + 0.5 * (row % 2)) * wide + c.rng.uniform(-0.003, 0.003)
            shade = c.rng.uniform(0.72, 1.2)
            red = c.rng.uniform(0.8, 1.15)
            c.box(left + 0.005, row * high + 0.004, left + wide - 0.005, (row + 1) * high - 0.004,
                  (0.235 * shade * red, 0.108 * shade, 0.078 * shade))  # fmt: skip
    c.light *= (1 + 0.22 * c.noise(0.04) + 0.12 * c.noise(0.2))[..., None]
    c.light *= (0.55 + 0.85 * np.exp(-(((c.x + 0.35) / 0.6) ** 2 + ((c.y - 0.2) / 0.8) ** 2)))[..., None]


def _plaster(c: _Canvas) -> None:
    rough = 0.5 * c.noise(0.03) + 0.7 * c.noise(0.11) + 0.9 * c.noise(0.4)
    shade = 0.6 + 0.5 * np.exp(-(((c.x + 0.5) / 0.8) ** 2 + ((c.y - 0.1) / 0.9) ** 2)) + 0.07 * rough
    c.light[:] = shade[..., None] * np.array((0.36, 0.33, 0.285), np.float32)
    # The bars of a window that the sun throws on the wall.
    slant = c.x + 0.55 * c.y
    lit = ((np.abs(slant - 0.62) < 0.17) & (np.abs(slant - 0.62) > 0.012) & (np.abs(c.y - 0.42) < 0.40)).astype(
        np.float32
    )
    c.light *= (1 + 0.55 * lit)[..., None] * np.where(lit[..., None] > 0, (1.06, 1.0, 0.9), 1).astype(np.float32)


def _office(c: _Canvas) -> None:
    c.fade([(0, (0.40, 0.41, 0.41)), (0.75, (0.33, 0.33, 0.325)), (0.76, (0.13, 0.125, 0.12)), (1.1, (0.10, 0.1, 0.1))])
    c.box(-1.2, 0.02, -0.22, 0.66, (1.35, 1.48, 1.62))  # the window and what is outside
    c.box(-1.2, 0.42, -0.22, 0.66, (0.62, 0.74, 0.72))
    for x in np.arange(-1.12, -0.2, 0.24):
        c.box(x, 0.0, x + 0.022, 0.68, (0.27, 0.275, 0.28))
    c.box(-1.2, 0.30, -0.22, 0.316, (0.27, 0.275, 0.28))
    for x, wide in ((-0.75, 0.5), (0.1, 0.42), (0.75, 0.4)):  # panels in the ceiling
        c.box(x, -0.07, x + wide, -0.035, (5.0, 5.1, 5.0))
    _shelf(c, 0.27, 1.3, 0.14, 0.74, 0.15, 0.55, (0.30, 0.27, 0.23))
    c.box(-1.3, 0.80, -0.1, 0.83, (0.42, 0.36, 0.29))  # a desk with a screen
    c.box(-0.62, 0.60, -0.34, 0.785, (0.05, 0.05, 0.055))
    for _ in range(60):  # a plant
        x, y = c.rng.normal(0.19, 0.055), c.rng.normal(0.60, 0.075)
        c.box(x, y, x + 0.014, y + 0.035, tuple(c.rng.uniform(0.6, 1.4) * np.array((0.07, 0.16, 0.06))))
    c.box(0.15, 0.68, 0.24, 0.80, (0.45, 0.43, 0.40))


def _shelf(
    c: _Canvas, left: float, right: float, top: float, bottom: float, step: float, colours: float, wood: Colour
) -> None:
    """Boards with books; *colours* in [0, 1] is how gaudy they are."""
    c.box(left - 0.02, top - 0.02, right, bottom, (0.07, 0.06, 0.055))
    y = top
    while y < bottom:
        x = left
        while x < right:
            wide, high = c.rng.uniform(0.012, 0.034), step * c.rng.uniform(0.55, 0.86)
            if c.rng.uniform() < 0.9:
                grey = c.rng.uniform(0.06, 0.36)
                hue = np.array([(1.5, 0.55, 0.42), (0.5, 0.8, 1.3), (1.35, 1.05, 0.6), (0.6, 1.0, 0.65), (1, 1, 1)])
                colour = grey * (1 + colours * (hue[c.rng.integers(5)] - 1))
                c.box(x, y + step - 0.012 - high, x + 0.93 * wide, y + step - 0.012, tuple(colour))
            x += wide
        c.box(left - 0.02, y + step - 0.012, right, y + step, wood)
        y += step


def _room(c: _Canvas) -> None:
    c.fade([(0, (0.33, 0.29, 0.24)), (0.72, (0.27, 0.23, 0.185)), (0.95, (0.15, 0.11, 0.08)), (1.1, (0.1, 0.08, 0.06))])
    c.box(-1.2, 0.04, -0.24, 0.66, (1.55, 1.66, 1.80))  # window, garden, curtain
    c.box(-1.2, 0.40, -0.24, 0.66, (0.55, 0.78, 0.36))
    for x in (-0.62, -0.40):
        c.box(x, 0.0, x + 0.02, 0.68, (0.60, 0.58, 0.55))
    for x in np.arange(-0.31, -0.15, 0.026):
        c.box(x, -0.1, x + 0.026, 0.95, tuple(c.rng.uniform(0.75, 1.15) * np.array((0.52, 0.49, 0.43))))
    c.box(0.14, 0.10, 0.30, 0.34, (0.06, 0.055, 0.05))  # a picture on the wall
    c.box(0.155, 0.115, 0.285, 0.325, (0.40, 0.36, 0.31))
    c.box(0.175, 0.21, 0.265, 0.30, (0.12, 0.20, 0.24))
    c.box(-0.25, 0.76, 0.75, 1.3, (0.17, 0.19, 0.205))  # a sofa with cushions
    c.box(0.16, 0.70, 0.36, 0.86, (0.45, 0.19, 0.07))
    c.box(-0.2, 0.72, -0.02, 0.88, (0.34, 0.31, 0.26))
    c.box(0.405, 0.56, 0.415, 0.80, (0.10, 0.08, 0.06))  # a lamp
    c.box(0.345, 0.43, 0.475, 0.56, (2.3, 1.35, 0.55))
    c.glow(0.41, 0.49, 0.30, (0.42, 0.23, 0.09))
    c.light *= (1 - 0.10 * c.noise(0.3))[..., None]


def _city(c: _Canvas) -> None:
    c.fade(
        [(0, (0.012, 0.016, 0.035)), (0.55, (0.040, 0.042, 0.070)), (0.85, (0.075, 0.055, 0.048)),
         (1, (0.03, 0.024, 0.026))]
    )  # fmt: skip
    x = -1.3
    while x < 1.3:  # towers with lit windows
        wide, top = c.rng.uniform(0.10, 0.24), c.rng.uniform(0.05, 0.55)
        c.box(x, top, x + wide, 0.9, tuple(c.rng.uniform(0.6, 1.4) * np.array((0.014, 0.017, 0.028))))
        for y in np.arange(top + 0.02, 0.85, 0.045):
            for u in np.arange(x + 0.015, x + wide - 0.02, 0.032):
                if c.rng.uniform() < 0.30:
                    warm = c.rng.uniform()
                    colour = (0.55 + 0.25 * warm, 0.50, 0.62 - 0.42 * warm)
                    c.dot(u, y, 0.0045, tuple(c.rng.uniform(0.4, 3.0) * np.array(colour)))
        x += wide + c.rng.uniform(0, 0.05)
    hues = np.array(
        [(1, 0.42, 0.08), (1, 0.62, 0.28), (1, 0.90, 0.72), (1, 0.06, 0.02), (0.10, 0.8, 0.36), (0.2, 0.45, 1)]
    )  # fmt: skip
    for _ in range(46):  # the street
        y = 0.62 + 0.30 * c.rng.beta(1.6, 1.3)
        hue = hues[c.rng.choice(6, p=[0.34, 0.24, 0.18, 0.14, 0.05, 0.05])]
        c.dot(c.rng.uniform(-1.1, 1.1), y, 0.0055, tuple(c.rng.uniform(7, 22) * hue))
    c.glow(0, 0.82, 0.8, (0.05, 0.03, 0.012), 0.25)


def _park(c: _Canvas) -> None:
    c.fade(
        [(0, (0.07, 0.12, 0.035)), (0.45, (0.10, 0.17, 0.045)), (0.66, (0.15, 0.23, 0.065)), (0.70, (0.20, 0.29, 0.08)),
         (1.1, (0.12, 0.19, 0.05))]
    )  # fmt: skip
    leaves = 0.55 * c.noise(0.20) + 0.45 * c.noise(0.09) + 0.30 * c.noise(0.04)
    tree = np.clip(1 - (c.y - 0.60) / 0.08, 0, 1)
    c.light *= (1 + tree * 0.95 * np.clip(leaves, -0.85, 1))[..., None]
    c.light[..., 0] *= 1 + 0.25 * c.noise(0.3)
    for _ in range(9):  # trunks
        x, wide = c.rng.uniform(-1.1, 1.1), c.rng.uniform(0.012, 0.04)
        c.box(x, 0.25, x + wide, 0.69, (0.045, 0.040, 0.028), 0.75)
    for _ in range(150):  # the sky between the leaves
        x, y = c.rng.uniform(-1.2, 1.2), 0.45 * c.rng.beta(1.0, 1.9) - 0.1
        c.dot(x, y, 0.004, tuple(c.rng.uniform(3, 17) * np.array((0.82, 0.98, 0.86))))
    for _ in range(60):  # light on leaves
        x, y = c.rng.uniform(-1.2, 1.2), c.rng.uniform(0.0, 0.62)
        c.dot(x, y, 0.006, tuple(c.rng.uniform(0.7, 2.6) * np.array((0.55, 0.95, 0.22))))
    c.glow(-0.35, 0.72, 0.7, (0.10, 0.12, 0.04), 0.16)


def _dusk(c: _Canvas) -> None:
    c.fade(
        [(0, (0.06, 0.12, 0.30)), (0.28, (0.20, 0.18, 0.30)), (0.48, (0.50, 0.24, 0.17)), (0.64, (0.88, 0.36, 0.08)),
         (0.70, (0.85, 0.32, 0.06))]
    )  # fmt: skip
    bands = 0.6 * c.noise(0.5, 0.13) + 0.4 * c.noise(0.22, 0.16)
    cloud = np.clip(bands - 0.05, 0, 1) * np.clip(1.2 - np.abs(c.y - 0.34) / 0.34, 0, 1)
    c.light += (cloud * (0.25 + 0.55 * np.clip(c.y / 0.65, 0, 1)))[..., None] * np.array((0.72, 0.30, 0.17), np.float32)
    c.glow(0.36, 0.60, 0.42, (0.85, 0.36, 0.07), 0.7)
    c.glow(0.36, 0.60, 0.030, (9.0, 5.6, 2.2))
    hills = ((0.690, (0.30, 0.15, 0.10)), (0.735, (0.14, 0.075, 0.065)), (0.80, (0.05, 0.033, 0.036)))
    for depth, (high, colour) in enumerate(hills):
        ridge = high + 0.035 * c.noise(0.45 - 0.1 * depth)[c.height // 2][None, :] + 0.012 * c.noise(0.1)[c.height // 2]
        c.cover((c.y > ridge).astype(np.float32), colour)


def _stage(c: _Canvas) -> None:
    c.fade([(0, (0.018, 0.016, 0.034)), (0.8, (0.016, 0.012, 0.024)), (1.1, (0.035, 0.02, 0.035))])
    c.box(-1.3, 0.045, 1.3, 0.055, (0.02, 0.02, 0.02))
    beams = (
        (-0.75, 0.45, (0.62, 0.10, 0.42)), (-0.42, 0.15, (0.16, 0.20, 0.85)), (-0.10, -0.35, (0.50, 0.10, 0.50)),
        (0.30, -0.10, (0.12, 0.30, 0.85)), (0.62, -0.45, (0.75, 0.20, 0.30)), (0.92, -0.35, (0.15, 0.2, 0.8)),
    )  # fmt: skip
    haze = 1 + 0.35 * c.noise(0.25) + 0.15 * c.noise(0.08)
    for x, lean, colour in beams:
        along = np.maximum(c.y - 0.05, 0)
        wide = 0.012 + 0.16 * along
        beam = np.exp(-(((c.x - x - lean * along) / wide) ** 2)) * (c.y > 0.05) / (1 + 2.2 * along)
        c.light += (0.62 * beam * haze)[..., None] * np.array(colour, np.float32)
        c.dot(x, 0.05, 0.010, tuple(26 * (0.35 + 0.65 * np.array(colour))))
    for x in np.arange(-1.15, 1.2, 0.115):  # a row of small lamps on the far wall
        c.dot(x + c.rng.uniform(-0.01, 0.01), 0.70, 0.0045, (11.0, 6.2, 2.4))
    c.glow(0, 0.95, 0.8, (0.10, 0.045, 0.12), 0.3)


def _books(c: _Canvas) -> None:
    _shelf(c, -1.4, 1.4, -0.16, 1.2, 0.175, 0.75, (0.19, 0.115, 0.062))
    for x in (-0.62, 0.24, 1.02):
        c.box(x, -0.2, x + 0.026, 1.3, (0.17, 0.10, 0.055))
    c.light *= (0.30 + 0.75 * np.exp(-(((c.x - 0.38) / 0.75) ** 2 + ((c.y - 0.25) / 0.6) ** 2)))[..., None]
    c.light *= np.array((1.10, 0.95, 0.76), np.float32)
    c.box(0.33, 0.27, 0.45, 0.36, (3.6, 2.0, 0.8))  # a lamp on the shelf
    c.glow(0.39, 0.32, 0.26, (0.30, 0.17, 0.07))
    for x, y in ((-0.42, 0.12), (-0.30, 0.47), (-0.45, 0.83)):
        c.dot(x, y, 0.005, (9.0, 5.4, 2.4))


@dataclass(frozen=True)
class _Place:
    """How a place is painted, and the radius of the disc that the lens makes of a point, as a share of the height."""

    paint: Callable[[_Canvas], None]
    blur: float


_PLACES: Final[dict[str, _Place]] = {
    "paper": _Place(_paper((0.30, 0.325, 0.355)), 0.0),
    "slate": _Place(_paper((0.075, 0.085, 0.10)), 0.0),
    "clay": _Place(_paper((0.40, 0.285, 0.225)), 0.0),
    "brick": _Place(_brick, 0.011),
    "plaster": _Place(_plaster, 0.018),
    "office": _Place(_office, 0.026),
    "room": _Place(_room, 0.026),
    "books": _Place(_books, 0.017),
    "city": _Place(_city, 0.036),
    "park": _Place(_park, 0.038),
    "dusk": _Place(_dusk, 0.020),
    "stage": _Place(_stage, 0.028),
}
PLACES: Final = tuple(_PLACES)
"""The places that can be asked for by name."""


def check(name: str) -> None:
    """Raise VultusError with the nearest name when there is no place *name*."""
    if name not in _PLACES:
        raise unknown("place", name, _PLACES)


def _defocused(light: F32, radius: float) -> F32:
    """Every point becomes a disc of *radius* pixels, its rim a little brighter than its middle, as lenses do."""
    height, width = light.shape[:2]
    size = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-size : size + 1, -size : size + 1]
    far = np.hypot(x, y)
    disc = np.clip(radius + 0.5 - far, 0, 1) * (0.75 + 0.25 * (far / radius) ** 2)
    kernel = np.zeros((height, width), np.float32)
    kernel[: 2 * size + 1, : 2 * size + 1] = disc / disc.sum()
    kernel = np.roll(kernel, (-size, -size), (0, 1))
    spectrum = scipy.fft.rfft2(light, axes=(0, 1)) * scipy.fft.rfft2(kernel)[..., None]
    return np.maximum(scipy.fft.irfft2(spectrum, (height, width), axes=(0, 1)), 0).astype(np.float32)


@lru_cache(maxsize=8)
def place(name: str, width: int, height: int, seed: int = 0) -> F32:
    """The place *name* in linear light, float32 [height, width, 3], read-only; the same arguments, the same bytes.

    *seed* moves its books, leaves and lamps. Raises VultusError with the nearest name when there is none.
    """
    check(name)
    rows = min(height, _FINEST)
    canvas = _Canvas(width / height, rows, np.random.default_rng([seed, PLACES.index(name)]))
    chosen = _PLACES[name]
    chosen.paint(canvas)
    light = np.maximum(canvas.light, 0)
    if chosen.blur > 0:
        light = _defocused(light, max(chosen.blur * rows, 0.6))
    inside = light[canvas.margin : -canvas.margin, canvas.margin : -canvas.margin]
    if inside.shape[:2] != (height, width):
        down, across = _lines(height, inside.shape[0]), _lines(width, inside.shape[1])
        inside = np.stack([down @ inside[..., c] @ across.T for c in range(3)], -1)
    out = np.ascontiguousarray(inside, np.float32)
    out.flags.writeable = False
    return out


def dithered(shown: F32) -> NDArray[np.uint8]:
    """Values in [0, 255] [H, W, 3] rounded to bytes with still noise of one step, so that gradients show no bands."""
    rng = np.random.default_rng(0)
    grain = rng.uniform(0, 1, shown.shape[:2]) + rng.uniform(0, 1, shown.shape[:2]) - 0.5
    return np.clip(np.floor(shown + grain[..., None].astype(np.float32)), 0, 255).astype(np.uint8)
