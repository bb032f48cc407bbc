"""Closed eyes, painted once into the photo: lids take colour, shading and grain from the skin around the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.observers.fit import Fit
from vultus.person import landmarks as lm
from vultus.photo.filters import F32, blur, distance, filled, light, polygon, sample, step

_LEFT: Final = (
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
)
_RIGHT: Final = (
    (133, 173, 157, 158, 159, 160, 161, 246, 33),
    (133, 155, 154, 153, 145, 144, 163, 7, 33),
)
EYES: Final = ((lm.LEFT_EYE, *_LEFT), (lm.RIGHT_EYE, *_RIGHT))
"""For the left and the right eye: the ring around it, and the margins of its upper and lower lid from the inner corner
to the outer."""
_LASHES = 0.16  # widths of the eye around it that lashes and their shadow take
_AROUND = 0.55  # widths of the eye from which a lid takes its colours
_DARK = 0.80  # of the light of the skin around the eye: what is darker is a brow, a lash or a frame of glasses
_LINE = 0.55  # of the skin's light, at most, that closed lashes have
_BEHIND = 0.22  # distances between the eyes by which the cheek that gives its grain lies below


@dataclass(frozen=True, eq=False)
class Closed:
    """``picture`` [H, W, 3] is the photo with closed eyes, ``near`` [H, W] in [0, 1] where that can be seen, ``lashes``
    [2, 3] the colours of the left and the right line of lashes."""

    picture: F32
    near: F32
    lashes: F32


def closed(photo: F32, fit: Fit, margins: F32) -> Closed:
    """Paint closed eyes into *photo* [H, W, 3]; *margins* [478, 2] are the landmarks' pixels when lids are closed."""
    picture = photo.copy()
    near = np.zeros(photo.shape[:2], np.float32)
    lashes = np.zeros((2, 3), np.float32)
    for side in (0, 1):
        lashes[side] = _paint(photo, fit, margins, side, picture, near)
    return Closed(np.ascontiguousarray(picture), near, lashes)


def _paint(photo: F32, fit: Fit, margins: F32, side: int, picture: F32, near: F32) -> F32:
    """Close one eye in *picture* and *near*; returns the colour [3] of its lashes."""
    ring, upper, lower = (list(some) for some in EYES[side])
    inner, outer = fit.landmarks[upper[0]], fit.landmarks[upper[-1]]
    width = max(float(np.linalg.norm(outer - inner)), 4.0)
    middle = 0.5 * (inner + outer)
    box = _box(middle, 1.5 * width, photo.shape)
    corner = np.array([box[1].start, box[0].start], np.float32)
    part = photo[box]
    size = (part.shape[1], part.shape[0])
    local = _Local(inner - corner, outer - corner, size)
    outside = distance(polygon(fit.landmarks[ring] - corner, size) < 0.5)
    hole = outside < _LASHES * width
    base = _skin(part, hole, outside, width)
    line = local.line(0.5 * (margins[upper] + margins[lower]) - corner)
    open_line = local.line(fit.landmarks[upper] - corner)
    lash = _lash_colour(part, fit.landmarks[upper] - corner, width, base)
    base = _shaded(base, local, line, open_line) + _grain(photo, fit, box, hole)
    made = _lashed(base, local, line, lash, width)
    share = 1 - step(outside, 0.75 * _LASHES * width, 1.5 * _LASHES * width)
    # Below the lashes nothing was hidden: what the photo shows there stays.
    share = np.maximum(share, (1 - step(np.abs(local.v - line), 0.02, 0.07)) * local.taper(0.56))
    share = blur(share, max(0.02 * width, 0.5))[..., None]
    picture[box] += share * (made - picture[box])
    near[box] = np.maximum(near[box], 1 - step(outside, 0.28 * width, 0.5 * width))
    return lash


def _box(middle: NDArray[np.float32], half: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    low = np.clip(np.floor(middle - half).astype(int), 0, [shape[1] - 8, shape[0] - 8])
    high = np.clip(np.ceil(middle + half).astype(int), low + 8, [shape[1], shape[0]])
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


class _Local:
    """Coordinates of an eye: ``u`` [H, W] from the inner corner, -0.5, to the outer, 0.5, and ``v`` [H, W] down."""

    def __init__(self, inner: F32, outer: F32, size: tuple[int, int]) -> None:
        self.middle = 0.5 * (inner + outer)
        across = outer - inner
        self.width = max(float(np.linalg.norm(across)), 1e-3)
        self.along = across / self.width
        down = np.array([-self.along[1], self.along[0]], np.float32)
        self.down = down if down[1] > 0 else -down
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32) + 0.5
        self.u, self.v = self._place(np.stack([x, y], -1))

    def _place(self, points: F32) -> tuple[F32, F32]:
        arm = (points - self.middle) / self.width
        return np.asarray(arm @ self.along, np.float32), np.asarray(arm @ self.down, np.float32)

    def line(self, points: F32) -> F32:
        """How far down [H, W] a smooth line through *points* [N, 2] lies at each ``u``; flat beyond the corners."""
        u, v = self._place(points)
        curve = np.polyfit(u, v, 3 if len(points) > 6 else 2)
        return np.asarray(np.polyval(curve, np.clip(self.u, u.min(), u.max())), np.float32)

    def taper(self, reach: float) -> F32:
        """1 in the middle of the eye, 0 from *reach* widths to the side on, [H, W]."""
        return 1 - step(np.abs(self.u), 0.62 * reach, reach)


def _skin(part: F32, hole: NDArray[np.bool_], outside: F32, width: float) -> F32:
    """The colours [H, W, 3] of skin where there is an eye: from around it, without brows, lashes and glasses."""
    around = ~hole & (outside < _AROUND * width)
    bright = light(part)
    usual = float(np.median(bright[around])) if around.any() else float(bright.mean())
    low = blur(part, 0.02 * width)
    good = around & (light(low) > _DARK * usual) & (light(low) < 1.35 * usual)
    if good.sum() < 20:
        good = around if around.any() else ~hole
    made = filled(low, ~good)
    return blur(made, 0.05 * width)


def _shaded(base: F32, local: _Local, line: F32, crease: F32) -> F32:
    """*base* [H, W, 3] with a lid's roundness, the crease above it and the shadow below it."""
    taper = local.taper(0.62)
    high = np.clip((local.v - (crease - 0.10)) / np.maximum(line - crease + 0.10, 0.05), 0, 1)
    round_ = 0.05 * np.sin(np.pi * np.clip(high, 0, 1)) - 0.07 * step(high, 0.75, 1.0)
    # What is a few pixels wide has no creases.
    fold = -0.06 * step(local.width, 12, 30) * np.exp(-(((local.v - (crease - 0.10)) / 0.045) ** 2))
    below = local.v - line
    shadow = -0.07 * np.exp(-below / 0.09) * (below > 0)
    tint = np.array([1.0, 1.12, 1.15], np.float32)  # shadows on lids are warm
    change = (taper * (np.where(below > 0, shadow, round_) + fold))[..., None] * tint
    return np.asarray(base * (1 + change), np.float32)


def _lash_colour(part: F32, margin: F32, width: float, base: F32) -> F32:
    """The colour [3] of the upper lashes: the darkest that is seen along the *margin* [N, 2]."""
    points = np.concatenate([margin[1:-1] * (1 - t) + margin[2:] * t for t in (0.0, 0.33, 0.67)])
    heights = np.linspace(-0.06, 0.03, 5) * width
    seen = np.stack([sample(part, points + np.array([0, h])) for h in heights])
    darkest = np.take_along_axis(seen, seen.mean(2).argmin(0)[None, :, None], 0)[0]
    skin = sample(base, points).mean(0)
    return np.asarray(np.minimum(np.quantile(darkest, 0.3, axis=0), _LINE * skin), np.float32)


def _lashed(base: F32, local: _Local, line: F32, lash: F32, width: float) -> F32:
    """*base* [H, W, 3] with a line of lashes, sharp above and soft below, that ends in points."""
    below = local.v - line
    thin = max(0.02, 0.8 / width)
    away = np.where(below < 0, -below / thin, below / (2.2 * thin))
    # Thin and pale at the inner corner, thickest two thirds out.
    along = step(local.u, -0.52, -0.1) * (1 - step(local.u, 0.42, 0.58))
    share = (0.88 * along * np.exp(-(away**2)))[..., None]
    return np.asarray(base + share * (lash - base), np.float32)


def _grain(photo: F32, fit: Fit, box: tuple[slice, slice], hole: NDArray[np.bool_]) -> F32:
    """What the cheek below has of fine texture, [H, W, 3] for the pixels of *box*, without its edges."""
    down = fit.landmarks[152] - fit.landmarks[10]
    shift = down / max(float(np.linalg.norm(down)), 1e-3) * _BEHIND * fit.eyes
    rows = np.clip(np.arange(box[0].start, box[0].stop) + round(float(shift[1])), 0, photo.shape[0] - 1)
    columns = np.clip(np.arange(box[1].start, box[1].stop) + round(float(shift[0])), 0, photo.shape[1] - 1)
    patch = photo[rows][:, columns]
    fine = patch - blur(patch, max(0.018 * fit.eyes, 1.0))
    usual = 1.48 * float(np.median(np.abs(fine[hole]))) if hole.any() else 0.0
    return np.asarray(np.clip(fine, -2.5 * usual, 2.5 * usual), np.float32)
