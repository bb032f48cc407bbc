"""What a real camera does to a picture: exposure, white balance, defocus, motion blur, noise and compression.

The model is the usual one of a sensor: noise whose variance grows with the light (shot noise) over a floor (read
noise), after the optics and before the encoding (Foi et al., "Practical Poissonian-Gaussian noise modeling", 2008).
Everything is moderate, because studio, phone and webcam pictures of faces are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.errors import VultusError

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

_LEVELS = 4096
_BLURRED = 0.3  # pixels of motion or sigma below which nothing is blurred
_TAPS = 5  # moments of the shutter that are averaged

_fast = njit(cache=True, nogil=True, error_model="numpy")


@dataclass(frozen=True)
class Lens:
    """A camera's faults. ``shot`` and ``read`` are standard deviations of noise at full light and in the dark, as
    shares of full light; ``defocus`` the sigma of the blur in pixels; ``shutter`` the share of a frame's time that it
    is open; ``gain`` the linear exposure; ``balance`` linear gains of red and blue; ``quality`` of JPEG in [1, 95] or
    0 for none. VultusError when a value is out of range."""

    shot: float = 0.0
    read: float = 0.0
    defocus: float = 0.0
    shutter: float = 0.0
    gain: float = 1.0
    balance: tuple[float, float] = (1.0, 1.0)
    quality: int = 0

    def __post_init__(self) -> None:
        sound = 0 <= self.shot <= 1 and 0 <= self.read <= 1 and 0 <= self.defocus <= 16 and 0 <= self.shutter <= 1
        if not (sound and 0.05 <= self.gain <= 20 and min(self.balance) > 0 and 0 <= self.quality <= 95):
            raise VultusError(f"This is not a camera: {self}", "Noise and shutter lie in [0, 1], quality in [0, 95]")


def random_lens(rng: np.random.Generator, size: int) -> Lens:
    """A plausible camera for pictures *size* pixels wide."""
    noisy = float(rng.beta(1.2, 3.0))
    return Lens(
        shot=0.004 + 0.045 * noisy,
        read=0.0015 + 0.012 * noisy,
        defocus=float(rng.uniform(0.15, 0.75)) * size / 256,
        shutter=float(rng.uniform(0.1, 0.7)),
        gain=float(2 ** rng.normal(0, 0.18)),
        balance=(float(2 ** rng.normal(0, 0.05)), float(2 ** rng.normal(0, 0.05))),
        quality=int(rng.integers(72, 96)) if rng.uniform() < 0.5 else 0,
    )


@cache
def _curves() -> tuple[F32, U8]:
    """sRGB bytes -> linear light float32 [256], and light in [0, 1] in steps -> bytes uint8 [_LEVELS]
    (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    # Steps are even in the square root of light, so that the dark has enough of them.
    light = (np.arange(_LEVELS) / (_LEVELS - 1)) ** 2
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return linear.astype(np.float32), np.rint(255 * shown).astype(np.uint8)


@_fast
def _expose(
    picture: np.ndarray, flow: np.ndarray, shutter: float, taps: int, gains: np.ndarray, table: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Linear light *out* float32 [H, W, 3] of *picture* averaged along *flow* (may be empty) while the shutter is
    open."""
    height, width = picture.shape[:2]
    for y in range(height):
        for x in range(width):
            dx = dy = 0.0
            if flow.shape[0]:
                dx, dy = flow[y, x, 0] * shutter, flow[y, x, 1] * shutter
            count = taps if abs(dx) + abs(dy) > 0.3 else 1
            for c in range(3):
                out[y, x, c] = 0.0
            for n in range(count):
                t = (n + 0.5) / count - 0.5
                i = min(max(int(np.floor(x + 0.5 + t * dx)), 0), width - 1)
                j = min(max(int(np.floor(y + 0.5 + t * dy)), 0), height - 1)
                for c in range(3):
                    out[y, x, c] += table[picture[j, i, c]] * gains[c] / np.float32(count)


@_fast
def _blur(light: np.ndarray, taps: np.ndarray, along: np.ndarray) -> None:
    """Blur *light* [H, W, 3] in place with the symmetric *taps* [K], the middle one first; *along* is room."""
    height, width = light.shape[:2]
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total = taps[0] * light[y, x, c]
                for k in range(1, len(taps)):
                    total += taps[k] * (light[y, max(x - k, 0), c] + light[y, min(x + k, width - 1), c])
                along[y, x, c] = total
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total = taps[0] * along[y, x, c]
                for k in range(1, len(taps)):
                    total += taps[k] * (along[max(y - k, 0), x, c] + along[min(y + k, height - 1), x, c])
                light[y, x, c] = total


@_fast
def _encode(light: np.ndarray, noise: np.ndarray, shot: float, read: float, table: np.ndarray, out: np.ndarray) -> None:
    """Add noise, standard normal *noise* [H, W, 3], and encode to bytes."""
    top = np.float32(len(table) - 1)
    one, zero = np.float32(1.0), np.float32(0.0)
    shot2, read2 = np.float32(shot * shot), np.float32(read * read)
    for y in range(light.shape[0]):
        for x in range(light.shape[1]):
            for c in range(3):
                value = light[y, x, c]
                value += noise[y, x, c] * np.sqrt(shot2 * max(value, zero) + read2)
                out[y, x, c] = table[int(np.sqrt(min(max(value, zero), one)) * top + np.float32(0.5))]


def develop(picture: U8, lens: Lens, flow: F32 | None, rng: np.random.Generator) -> U8:
    """*picture* uint8 [H, W, 3] (sRGB) as *lens* takes it; *flow* float32 [H, W, 2] in pixels a frame blurs motion."""
    linear, shown = _curves()
    gains = lens.gain * np.array([lens.balance[0], 1.0, lens.balance[1]], np.float32)
    light = np.empty(picture.shape, np.float32)
    moving = flow is not None and lens.shutter > 0
    path = np.zeros((0, 0, 2), np.float32) if flow is None or not moving else flow
    _expose(picture, path, lens.shutter, _TAPS, gains.astype(np.float32), linear, light)
    if lens.defocus > _BLURRED:
        reach = math.ceil(2.5 * lens.defocus)
        taps = np.exp(-0.5 * (np.arange(reach + 1) / lens.defocus) ** 2)
        _blur(light, (taps / (2 * taps.sum() - taps[0])).astype(np.float32), np.empty_like(light))
    out = np.empty_like(picture)
    _encode(light, rng.standard_normal(picture.shape, np.float32), lens.shot, lens.read, shown, out)
    return _compressed(out, lens.quality) if lens.quality else out


def _compressed(picture: U8, quality: int) -> U8:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer).convert("RGB"))
