"""From linear light to the screen: the tone curve, its table, and what stands behind the person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.light import LightRig

F32 = NDArray[np.float32]

LEVELS = 4096  # of the table from sqrt(light / BRIGHTEST) to the byte on screen
BRIGHTEST = 16.0


def tone_table() -> NDArray[np.uint8]:
    """Filmic tone curve (Narkowicz' fit of ACES, 2015) and sRGB encoding, by sqrt(light / BRIGHTEST) [LEVELS]."""
    x = (np.arange(LEVELS) / (LEVELS - 1)) ** 2 * BRIGHTEST
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    x = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)
    return np.rint(255 * np.clip(x, 0, 1)).astype(np.uint8)


def background(rig: LightRig, height: int, width: int) -> F32:
    """The backdrop [H, W, 3], linear: bright behind the face, darker to the corners, with grain against banding."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x / width - 0.5) ** 2 + (y / height - 0.42) ** 2) / 0.5
    grain = np.random.default_rng(0).uniform(-0.006, 0.006, (height, width)).astype(np.float32)
    light = (1.15 * (1 - rig.vignette * far) * (1 + grain)).astype(np.float32)
    return np.ascontiguousarray(light[..., None] * np.array(rig.background, np.float32))


def encode(light: F32, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Linear light [...] through the tone table."""
    return table[np.rint(np.sqrt(np.clip(light / BRIGHTEST, 0, 1)) * (LEVELS - 1)).astype(np.int64)]
