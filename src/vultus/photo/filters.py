"""Small tools for pictures float32 [H, W] or [H, W, C] whose pixel (0, 0) has its centre at (0.5, 0.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from vultus.photo import kernels

F32 = NDArray[np.float32]
_SMOOTHING = 30  # rounds in which what was carried over a mesh becomes even


def blur(image: NDArray[Any], sigma: float, cut: float = 3.0) -> F32:
    """Gaussian blur by *sigma* pixels over *cut* times as many to each side, each channel alone; edges are repeated."""
    flat = np.ascontiguousarray(image, np.float32)
    reach = int(cut * sigma + 0.5)
    if sigma <= 0 or reach < 1 or not flat.size:
        return flat
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    out = np.empty_like(flat)
    source, between, target = (some.reshape(len(flat), -1) for some in (flat, np.empty_like(flat), out))
    kernels.blurred(source, flat[0, 0].size, (weights / weights.sum()).astype(np.float32), between, target)
    return out


def step(value: ArrayLike, low: float, high: float) -> F32:
    """A smooth step from 0 at *low* to 1 at *high*."""
    t = np.clip((np.asarray(value, np.float32) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def distance(inside: NDArray[np.bool_]) -> F32:
    """How far each pixel inside is from the nearest one outside, in pixels; 0 outside."""
    if inside.all():
        return np.full(inside.shape, float(max(inside.shape)), np.float32)
    box = around(inside, 1)
    out = np.zeros(inside.shape, np.float32)
    out[box] = scipy.ndimage.distance_transform_edt(inside[box])
    return out


def around(mask: NDArray[Any], by: int) -> tuple[slice, slice]:
    """The rows and columns of a picture in which *mask* [H, W] is not 0, and *by* more to each side."""
    box = []
    for axis in (1, 0):
        there = np.flatnonzero(mask.any(axis))
        low, high = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
        box.append(slice(max(low - by, 0), min(high + by, mask.shape[1 - axis])))
    return box[0], box[1]


def grown(mask: F32, by: float) -> F32:
    """A soft mask [H, W] made wider by some pixels."""
    if by < 0.5 or mask.max() <= 0:
        return mask
    wide = 2 * round(by) + 1
    box = around(mask, wide + round(1.2 * by) + 2)
    out = np.zeros_like(mask)
    out[box] = blur(scipy.ndimage.maximum_filter(mask[box], wide), 0.4 * by)
    return out


def light(image: F32) -> F32:
    """The mean [H, W] of the three channels of *image* [H, W, 3]."""
    return np.asarray(image @ np.full(3, 1 / 3, np.float32), np.float32)


def nearest(known: NDArray[np.bool_]) -> tuple[F32, NDArray[np.intp], NDArray[np.intp]]:
    """Distance to the nearest known pixel, and its row and column, each [H, W]."""
    away, (row, column) = scipy.ndimage.distance_transform_edt(~known, return_indices=True)
    return away.astype(np.float32), row, column


def sample(image: F32, points: NDArray[Any]) -> F32:
    """Bilinear lookup of *image* at *points* [..., 2] (x, y) in pixels; edges are repeated."""
    x, y = points[..., 0] - 0.5, points[..., 1] - 0.5
    planes = image[..., None] if image.ndim == 2 else image
    out = np.stack(
        [
            scipy.ndimage.map_coordinates(planes[..., c], [y, x], order=1, mode="nearest")
            for c in range(planes.shape[2])
        ],
        -1,
    )
    return np.asarray(out[..., 0] if image.ndim == 2 else out, np.float32)


def polygon(points: NDArray[Any], size: tuple[int, int]) -> F32:
    """How much of each pixel [H, W] lies in the polygon *points* [N, 2]; *size* is (width, height)."""
    from PIL import Image, ImageDraw

    fine = 4
    width, height = size
    low = np.clip(np.floor(points.min(0)).astype(int) - 1, 0, [width, height])
    high = np.clip(np.ceil(points.max(0)).astype(int) + 1, 0, [width, height])
    out = np.zeros((height, width), np.float32)
    w, h = high - low
    if w <= 0 or h <= 0:
        return out
    drawn = Image.new("L", (int(w) * fine, int(h) * fine))
    corners = [tuple(map(float, p)) for p in (np.asarray(points) - low) * fine - 0.5]
    ImageDraw.Draw(drawn).polygon(corners, fill=255)
    part = np.asarray(drawn, np.float32).reshape(h, fine, w, fine).mean((1, 3)) / 255
    out[low[1] : high[1], low[0] : high[0]] = part
    return out


def sharpness(light: F32, where: F32) -> float:
    """The standard deviation in pixels, 0.4 to 2, of the Gaussian that the sharpest edges of *light* [H, W] look like,
    among the pixels of which *where* [H, W] is more than a half."""
    high, low = scipy.ndimage.maximum_filter(light, 9), scipy.ndimage.minimum_filter(light, 9)
    slope = np.hypot(scipy.ndimage.sobel(light, 0), scipy.ndimage.sobel(light, 1)) / 8
    edges = (where > 0.5) & (high - low > 0.15)
    if edges.sum() < 50:
        return 0.6
    # A step of height c, blurred by s, is as steep as c / (s sqrt(2 pi)); the slope's own filter blurs by 0.8.
    wide = (high - low)[edges] / np.maximum(slope[edges], 1e-6) / np.sqrt(2 * np.pi)
    return float(np.clip(np.sqrt(max(float(np.quantile(wide, 0.02)) ** 2 - 0.64, 0.0)), 0.4, 2.0))


def grain(light: F32, where: F32, soft: float) -> F32:
    """Noise [H, W] as strong as that of *light* [H, W] where *where* [H, W] is more than a half, of the middle half of
    all places, so that edges do not count; *soft* pixels is the standard deviation of its blur. Always the same."""
    fine = light - blur(light, 1.5)
    some = fine[where > 0.5]
    if len(some) < 50:
        return np.zeros_like(light)
    strength = 0.5 * float(np.subtract(*np.percentile(some, [75, 25]))) / 0.6745
    noise = blur(np.random.default_rng(0).standard_normal(light.shape, np.float32), soft)
    noise -= blur(noise, 1.5)
    return np.asarray(noise * (strength / max(float(noise.std()), 1e-6)), np.float32)


def guided(guide: F32, mask: F32, radius: int, smooth: float) -> F32:
    """*mask* with the edges of *guide* [H, W] (K. He et al., "Guided image filtering", 2010)."""

    def mean(a: NDArray[Any]) -> NDArray[Any]:
        return scipy.ndimage.uniform_filter(a, 2 * radius + 1, mode="nearest")

    average, level = mean(guide), mean(mask)
    slope = (mean(guide * mask) - average * level) / (mean(guide * guide) - average * average + smooth)
    return np.asarray(np.clip(mean(slope) * guide + mean(level - slope * average), 0, 1), np.float32)


def resized(image: F32, size: tuple[int, int]) -> F32:
    """*image* [H, W, C] or [H, W] in *size* (width, height); shrinking averages."""
    from PIL import Image

    planes = image[..., None] if image.ndim == 2 else image
    made = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., c])).resize(size, Image.Resampling.BILINEAR))
        for c in range(planes.shape[2])
    ]
    out = np.stack(made, -1)
    return np.asarray(out[..., 0] if image.ndim == 2 else out, np.float32)


def _four(values: F32) -> F32:
    """The sums of each two by two pixels of *values* [H, W, ...]; what is missing at the edges counts as 0."""
    pad = ((0, values.shape[0] % 2), (0, values.shape[1] % 2))
    whole = np.pad(values, (*pad, *((0, 0),) * (values.ndim - 2)))
    rows = whole[::2] + whole[1::2]
    return np.asarray(rows[:, ::2] + rows[:, 1::2], np.float32)


def filled(image: F32, hole: NDArray[np.bool_]) -> F32:
    """*image* [H, W, C] with the hole filled smoothly from around it (pull and push through halved pictures)."""
    weight = (~hole).astype(np.float32)
    levels: list[tuple[F32, F32]] = [(image * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2 and levels[-1][1].min() <= 0:
        colour, known = map(_four, levels[-1])
        share = np.minimum(known, np.float32(1))
        levels.append((np.asarray(colour * (share / np.maximum(known, 1e-6))[..., None], np.float32), share))
    colour, known = levels.pop()
    below: F32 = np.asarray(colour / np.maximum(known, 1e-6)[..., None], np.float32)
    while levels:
        colour, known = levels.pop()
        up = blur(resized(below, (known.shape[1], known.shape[0])), 0.7)
        below = np.asarray(colour + (1 - known)[..., None] * up, np.float32)
    return below


def spread(values: F32, known: NDArray[np.bool_], neighbours: Any, rounds: int) -> F32:
    """Per-vertex *values* [V, C] carried from the known vertices to the others over the mesh, at most *rounds* far.

    *neighbours* is a sparse matrix [V, V] of 0 and 1; what is not reached keeps the mean of the known ones.
    """
    out = np.where(known[:, None], values, values[known].mean(0) if known.any() else 0.5).astype(np.float32)
    degree = np.diff(neighbours.indptr)
    unknown = np.flatnonzero(~known & (degree > 0))
    near = neighbours[unknown]
    # What the known ones give stays the same in every round.
    given, count = near @ (out * known[:, None]), near @ known.astype(np.float32)[:, None]
    near = near[:, unknown]
    made, reached = out[unknown], np.zeros((len(unknown), 1), np.float32)
    for _ in range(rounds):
        # What was reached before goes on changing, so that the first to arrive does not decide alone.
        some = near @ reached + count
        fresh = some > 0
        if reached[fresh].all():
            break
        made = np.where(fresh, (near @ (made * reached) + given) / np.maximum(some, 1), made)
        reached = fresh.astype(np.float32)
    for _ in range(_SMOOTHING):
        made = (near @ made + given) / degree[unknown, None].astype(np.float32)
    out[unknown] = made
    return out


def hull(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The box [2, 2] (low, high) around all points of *parts* [N, 2]."""
    points = np.concatenate(list(parts))
    return np.stack([points.min(0), points.max(0)])
