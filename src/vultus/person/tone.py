"""From linear light to the screen.

Each channel goes through a curve with a soft toe and a long shoulder (the hyperbola of Michaelis and Menten raised to a
power, as J. Smith's "OpenDRT" uses it). Curves that bend each channel alone turn bright skin yellow and dark skin red;
so a part of the pixel's luminance is mixed into its channels before the curve, and most of it taken out after it
(the idea of T. Sobotka's "AgX").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import step
from vultus.person.lamps import LANES

F32 = NDArray[np.float32]

LEVELS = 4096  # of the table from sqrt(light / BRIGHTEST) to the value on screen
BRIGHTEST = 6.0

_CONTRAST, _KNEE, _TOE = 1.50, 0.40, 0.014
_INSET, _OUTSET = 0.22, 0.18
_RED, _GREEN, _BLUE = 0.30, 0.60, 0.10  # the weights of the luminance that is mixed in


def curve(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light from 0 up -> linear light on screen in [0, 1]; rises everywhere, 1 at BRIGHTEST."""
    x = np.minimum(np.asarray(light, np.float64), BRIGHTEST)
    y = (x / (x + _KNEE)) ** _CONTRAST
    y = y * y / (y + _TOE)
    top = (BRIGHTEST / (BRIGHTEST + _KNEE)) ** _CONTRAST
    return np.asarray(y * (top + _TOE) / (top * top))


def tone_table() -> F32:
    """:func:`curve` and sRGB encoding times 255, by sqrt(light / BRIGHTEST), float32 [LEVELS]."""
    x = curve((np.arange(LEVELS) / (LEVELS - 1)) ** 2 * BRIGHTEST)
    return (255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)).astype(
        np.float32
    )


@step
def to_screen(count: int | np.int64, light: np.ndarray, level: np.ndarray, table: np.ndarray) -> None:
    """Linear light of *count* pixels -> their values on screen in [0, 255.5], which cut to whole numbers are bytes.

    *light* float32 [3 * LANES] holds all reds, then greens and blues, and is written over; *level* int32 [3 * LANES]
    is room. Negative light counts as none, light over BRIGHTEST as BRIGHTEST. Pass by pass, so that the compiler can
    work on several pixels at once where they do not wait for the *table*.
    """
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    scale, top = np.float32(1.0 / BRIGHTEST), np.float32(LEVELS - 1)
    keep = np.float32(1.0 - _INSET)
    for n in range(count):
        r, g, b = light[n], light[LANES + n], light[2 * LANES + n]
        grey = np.float32(_INSET) * (np.float32(_RED) * r + np.float32(_GREEN) * g + np.float32(_BLUE) * b)
        # max before min, so that NaN becomes 0.
        level[n] = np.int32(np.sqrt(min(max(zero, (keep * r + grey) * scale), one)) * top + half)
        level[LANES + n] = np.int32(np.sqrt(min(max(zero, (keep * g + grey) * scale), one)) * top + half)
        level[2 * LANES + n] = np.int32(np.sqrt(min(max(zero, (keep * b + grey) * scale), one)) * top + half)
    for c in range(3):
        for n in range(count):
            light[c * LANES + n] = table[np.uint64(level[c * LANES + n])]
    more, white = np.float32(1.0 / (1.0 - _OUTSET)), np.float32(255.0)
    for n in range(count):
        r, g, b = light[n], light[LANES + n], light[2 * LANES + n]
        grey = np.float32(_OUTSET) * (np.float32(_RED) * r + np.float32(_GREEN) * g + np.float32(_BLUE) * b)
        light[n] = min(max((r - grey) * more, zero), white) + half
        light[LANES + n] = min(max((g - grey) * more, zero), white) + half
        light[2 * LANES + n] = min(max((b - grey) * more, zero), white) + half


def encode(light: F32, table: F32) -> NDArray[np.float32]:
    """Linear light [..., 3] as :func:`to_screen` shows it, before rounding: float32 in [0, 255]."""
    weights = np.array([_RED, _GREEN, _BLUE], np.float32)
    mixed = (1 - _INSET) * light + _INSET * (light @ weights)[..., None]
    level = np.sqrt(np.clip(mixed / BRIGHTEST, 0, 1)) * (LEVELS - 1)
    below = np.minimum(level.astype(np.int64), LEVELS - 2)
    shown = table[below] + (level - below) * (table[below + 1] - table[below])
    return np.clip((shown - _OUTSET * (shown @ weights)[..., None]) / (1 - _OUTSET), 0, 255).astype(np.float32)
