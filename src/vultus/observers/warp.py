"""Cut a turned square out of a picture, without OpenCV."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MOST_SAMPLES = 8
"""Samples per output pixel along each side, at most."""


@njit(cache=True, nogil=True)
def _cut(image: Any, first: Any, right: Any, down: Any, k: int, scale: float, offset: float, out: Any) -> None:
    """Mean of k x k bilinear samples a pixel, times *scale* plus *offset*; pixels outside the picture are black."""
    height, width = image.shape[0], image.shape[1]
    share = scale / (k * k)
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            red, green, blue = np.float32(0), np.float32(0), np.float32(0)
            for i in range(k):
                v = row + (i + 0.5) / k
                for j in range(k):
                    u = column + (j + 0.5) / k
                    x = first[0] + u * right[0] + v * down[0] - 0.5
                    y = first[1] + u * right[1] + v * down[1] - 0.5
                    if x <= -1 or y <= -1 or x >= width or y >= height:
                        continue
                    x0, y0 = math.floor(x), math.floor(y)
                    fx, fy = np.float32(x - x0), np.float32(y - y0)
                    for b in range(2):
                        yy = int(y0) + b
                        wy = fy if b else np.float32(1) - fy
                        if yy < 0 or yy >= height:
                            continue
                        for a in range(2):
                            xx = int(x0) + a
                            if xx < 0 or xx >= width:
                                continue
                            w = wy * (fx if a else np.float32(1) - fx)
                            red += w * np.float32(image[yy, xx, 0])
                            green += w * np.float32(image[yy, xx, 1])
                            blue += w * np.float32(image[yy, xx, 2])
            out[row, column, 0] = red * share + offset
            out[row, column, 1] = green * share + offset
            out[row, column, 2] = blue * share + offset


def square(
    image: NDArray[np.uint8],
    centre: tuple[float, float],
    side: float,
    angle: float,
    size: int,
    scale: float = 1.0,
    offset: float = 0.0,
) -> Floats:
    """A square of *image* uint8 [H, W, 3] as float32 [size, size, 3], its values times *scale* plus *offset*.

    *centre* (x, y) and *side* > 0 are in pixels of the picture, whose pixel (0, 0) has its centre at (0.5, 0.5);
    *angle* in radians turns the square clockwise as the picture is seen. What lies outside the picture counts as
    black. Shrinking averages as many samples as the step is wide, so that nothing flickers.
    """
    step = side / size
    samples = min(max(round(step), 1), MOST_SAMPLES)
    right = np.array([math.cos(angle), math.sin(angle)]) * step
    down = np.array([-math.sin(angle), math.cos(angle)]) * step
    first = np.array(centre, np.float64) - (right + down) * (size / 2)
    out = np.empty((size, size, 3), np.float32)
    # A copy of read-only arrays, for which numba would compile once more.
    pixels = image if image.flags.writeable and image.flags.c_contiguous else image.copy()
    _cut(pixels, first, right, down, samples, scale, offset, out)
    return out
