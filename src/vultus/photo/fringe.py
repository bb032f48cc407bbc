"""Hair over the forehead: which pixels it is, and the skin without it. Brows move under it and do not drag it along.

Hair here is what hangs down from above the forehead and has not the skin's colour: hats and scarves are as good.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.observers.fit import Fit
from vultus.person import landmarks as lm
from vultus.photo.filters import F32, around, blur, filled, polygon, sample, step

_SKIN: Final = (
    50, 101, 118, 117, 205, 36, 280, 330, 347, 346, 425, 266, 6, 197, 195, 5,
)  # fmt: skip
"""Landmarks on cheeks and nose, where there is skin whatever somebody's hair."""
_TOP, _CHIN = 10, 152
_ABOVE: Final = 0.20  # heights of the face above the forehead in which hair begins
_DARK: Final = (0.30, 0.60)  # how much darker than skin, in logarithms, is no skin
_HUE: Final = 2.0  # how much more a departure in hue counts
_ROOM: Final = 0.03  # heights of the face around brows that are never hair
_SHINE: Final = 0.15  # heights of the face that hair shines along a strand, at most
_SOFT: Final = 0.006  # distances between the eyes over which colours are averaged
_GROWN: Final = 0.02  # distances between the eyes that skin is made anew around hair
_KEPT: Final = 0.7  # of what the skin below hair differs from usual skin
_LEAST: Final = 0.03  # added to colours before their logarithms are taken


def hair(photo: F32, fit: Fit) -> F32:
    """How much each pixel of *photo* [H, W, 3] is hair over the forehead, [H, W] in [0, 1]."""
    out = np.zeros(photo.shape[:2], np.float32)
    marks = fit.landmarks.astype(np.float64)
    tall = float(np.linalg.norm(marks[_CHIN] - marks[_TOP]))
    down = (marks[_CHIN] - marks[_TOP]) / tall
    brows = [_convex(marks[list(some)]) for some in (lm.LEFT_BROW, lm.RIGHT_BROW)]
    lowest = float(max(((brow - marks[_TOP]) @ down).max() for brow in brows))
    face = marks[list(lm.CONTOUR)]
    high = face[(face - marks[_TOP]) @ down < lowest]
    outline = np.concatenate([high, high - _ABOVE * tall * down])
    low, far = np.floor(outline.min(0)).astype(int), np.ceil(np.maximum(outline.max(0), marks[_TOP] + lowest * down))
    left, top = np.clip(low, 0, fit.size)
    right, bottom = np.clip(far.astype(int), 0, fit.size)
    if min(right - left, bottom - top) < 8:
        return out
    box = slice(top, bottom), slice(left, right)
    y, x = np.mgrid[box].astype(np.float32) + 0.5
    height = ((x - marks[_TOP, 0]) * down[0] + (y - marks[_TOP, 1]) * down[1]) / tall
    unlike = _unlike_skin(photo, fit, box, x)
    size = (int(right - left), int(bottom - top))
    brow = np.max([polygon(some - [left, top], size) for some in brows], axis=0)
    free = blur(brow, _ROOM * tall / 2) < 0.1
    there = (unlike > 0.4) & free & (height < lowest / tall)
    begins = there & (height < 0.02) & (height > -_ABOVE)
    hangs = scipy.ndimage.binary_propagation(begins, mask=there)
    # Where hair shines it may look like skin, but there is hair below it, too.
    shines = scipy.ndimage.binary_closing(hangs, np.ones((2 * round(_SHINE * tall / 2) + 1, 1), np.bool_)) & ~hangs
    share = unlike * blur(scipy.ndimage.binary_dilation(hangs, iterations=2).astype(np.float32), 1.0)
    share = np.maximum(share, blur(shines.astype(np.float32), 1.0))
    out[box] = share * free * (1 - step(height, lowest / tall - 0.02, lowest / tall))
    return out


def _convex(points: NDArray[Any]) -> NDArray[Any]:
    """The corners of *points* [N, 2] that lie around the others, in order."""
    # Joggled: what lies on a line has corners, too.
    return np.asarray(points[scipy.spatial.ConvexHull(points, qhull_options="QJ").vertices])


def _usual(photo: F32, fit: Fit, x: F32) -> F32:
    """The logarithms [..., 3] of skin's colours (and 0.03) at pixels *x* [...] from the left in the light that falls on
    the face: from one cheek to the other they go along a line."""
    marks = fit.landmarks[list(_SKIN)]
    middle = marks[:, 0].mean()
    across = (marks[:, 0] - middle) / fit.eyes
    corner = np.maximum(marks.min(0) - 0.1 * fit.eyes, 0).astype(int)
    end = np.ceil(marks.max(0) + 0.1 * fit.eyes).astype(int)
    part = photo[corner[1] : max(int(end[1]), corner[1] + 1), corner[0] : max(int(end[0]), corner[0] + 1)]
    colours = np.log(sample(blur(part, 0.02 * fit.eyes), marks - corner) + _LEAST)
    line = np.linalg.lstsq(np.stack([np.ones_like(across), across], 1), colours, rcond=None)[0].astype(np.float32)
    place = np.clip((x - middle) / fit.eyes, across.min(), across.max())[..., None]
    return np.asarray(line[0] + place * line[1], np.float32)


def _unlike_skin(photo: F32, fit: Fit, box: tuple[slice, slice], x: F32) -> F32:
    """How little the pixels of *box* [h, w] look like skin in the light that falls on them, in [0, 1]."""
    odd = np.log(blur(photo[box], _SOFT * fit.eyes) + _LEAST) - _usual(photo, fit, x)
    light = odd.mean(2)
    hue = np.abs(odd - light[..., None]).max(2)
    return step(np.maximum(-light, _HUE * hue), *_DARK)


def without(photo: F32, share: F32, fit: Fit) -> F32:
    """*photo* [H, W, 3] with skin where *share* [H, W] says that there is hair; the same array where there is none."""
    if share.max() <= 0:
        return photo
    reach = round(_GROWN * fit.eyes) + 1
    box = around(share > 0.02, 8 * reach)
    hole = scipy.ndimage.maximum_filter(share[box], 2 * reach + 1)
    brows = [polygon(_convex(fit.landmarks[list(some)]), fit.size)[box] for some in (lm.LEFT_BROW, lm.RIGHT_BROW)]
    outside = polygon(fit.landmarks[list(lm.CONTOUR)], fit.size)[box] < 0.5
    # What skin is usually like, and some of what it differs from that below: there is shade, too.
    x = np.arange(box[1].start, box[1].stop).astype(np.float32) + np.float32(0.5)
    usual = np.asarray(np.exp(_usual(photo, fit, x)) - _LEAST, np.float32)
    rest = filled(np.asarray(photo[box] - usual, np.float32), (hole > 0.05) | (np.max(brows, axis=0) > 0.05) | outside)
    skin = np.clip(usual + _KEPT * rest, 0, 1)
    out = photo.copy()
    soft = np.maximum(blur(hole, 0.5 * reach), share[box])[..., None]
    out[box] = photo[box] * (1 - soft) + skin * soft
    return out
