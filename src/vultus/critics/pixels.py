"""How near pictures are to those of a reference: PSNR, SSIM, landmark distances, flicker and blur.

Pictures are uint8 or float in [0, 1], [H, W, 3] or [T, H, W, 3]; landmarks [T, K, 2] in pixels.

Sources: Z. Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004); landmark
distances after L. Chen et al. (2019) and A. Siarohin et al. (2019).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from vultus.errors import VultusError

Pictures = NDArray[Any]
Doubles = NDArray[np.float64]

MOUTH: Final = slice(48, 68)
"""iBUG's points of the mouth among the 68."""
STANDARD: Final = 256
"""Pixels that landmark distances are scaled to."""
_RADIUS, _SIGMA = 5, 1.5
_WEIGHTS: Final = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
_C1, _C2 = 0.01**2, 0.03**2
MOST_PSNR: Final = 100.0
"""dB that equal pictures get."""


def _unit(pictures: Pictures) -> Doubles:
    """[T, H, W, 3] in [0, 1]."""
    x = np.asarray(pictures)
    if x.ndim not in (3, 4) or x.shape[-1] != 3 or not x.size:
        raise VultusError(f"Pictures have the shape [H, W, 3] or [T, H, W, 3], not {x.shape}")
    x = x[None] if x.ndim == 3 else x
    return x.astype(np.float64) / 255 if x.dtype == np.uint8 else np.asarray(x, np.float64)


def _both(made: Pictures, true: Pictures) -> tuple[Doubles, Doubles]:
    a, b = _unit(made), _unit(true)
    if a.shape != b.shape:
        raise VultusError(f"Pictures of {a.shape} and {b.shape} cannot be compared", "Give the same size and number")
    return a, b


def _mask(mask: NDArray[Any] | None, shape: tuple[int, ...]) -> Doubles:
    """Weights [T, H, W] in [0, 1]."""
    if mask is None:
        return np.ones(shape[:3])
    some = np.asarray(mask, np.float64)
    if some.shape not in (shape[:3], shape[1:3]):
        raise VultusError(f"A mask of {some.shape} does not fit pictures of {shape}")
    return np.broadcast_to(some, shape[:3])


def psnr(made: Pictures, true: Pictures, mask: NDArray[Any] | None = None) -> float:
    """Peak signal-to-noise ratio in dB over all frames, at most 100; *mask* [H, W] or [T, H, W] weights pixels.

    NaN when nothing is in the mask.
    """
    a, b = _both(made, true)
    w = _mask(mask, a.shape)
    if w.sum() <= 0:
        return float("nan")
    mse = float((((a - b) ** 2).mean(axis=3) * w).sum() / w.sum())
    return min(-10 * float(np.log10(max(mse, 1e-12))), MOST_PSNR)


def _blurred(x: Doubles) -> Doubles:
    weights = _WEIGHTS / _WEIGHTS.sum()
    return np.asarray(correlate1d(correlate1d(x, weights, axis=0), weights, axis=1), np.float64)


def ssim_map(made: Pictures, true: Pictures) -> Doubles:
    """SSIM at every pixel of one picture, [H, W]: Gaussian window of 11 x 11, sigma 1.5, mean over channels."""
    a, b = (x[0] for x in _both(made, true))
    ma, mb = _blurred(a), _blurred(b)
    va, vb, vab = _blurred(a * a) - ma**2, _blurred(b * b) - mb**2, _blurred(a * b) - ma * mb
    value = (2 * ma * mb + _C1) * (2 * vab + _C2) / ((ma**2 + mb**2 + _C1) * (va + vb + _C2))
    return np.asarray(value.mean(axis=2), np.float64)


def ssim(made: Pictures, true: Pictures, mask: NDArray[Any] | None = None) -> float:
    """Structural similarity in [-1, 1], mean over frames and over pixels whose window lies inside the picture.

    With a *mask*, over its pixels (weighted) instead; NaN when nothing is in it.
    """
    a, b = _both(made, true)
    if min(a.shape[1:3]) <= 2 * _RADIUS:
        raise VultusError(f"SSIM needs pictures of at least {2 * _RADIUS + 1} pixels a side, not {a.shape[1:3]}")
    w = np.array(_mask(mask, a.shape))
    inside = np.zeros(a.shape[1:3])
    inside[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = 1
    w *= inside
    if w.sum() <= 0:
        return float("nan")
    return float(sum((ssim_map(x, y) * v).sum() for x, y, v in zip(a, b, w, strict=True)) / w.sum())


def l1(made: Pictures, true: Pictures) -> float:
    """Mean absolute difference in [0, 1]."""
    a, b = _both(made, true)
    return float(np.abs(a - b).mean())


def flicker(made: Pictures, true: Pictures) -> float:
    """Mean difference of the changes from frame to frame, in [0, 1]: 0 when the made film changes as the true one."""
    a, b = _both(made, true)
    if len(a) < 2:
        raise VultusError("Flicker needs at least two frames")
    return float(np.abs(np.diff(a, axis=0) - np.diff(b, axis=0)).mean())


def _points(made: NDArray[Any], true: NDArray[Any]) -> tuple[Doubles, Doubles]:
    a, b = (np.asarray(p, np.float64)[..., :2] for p in (made, true))
    if a.shape != b.shape or a.ndim != 3 or a.shape[1] < 1:
        raise VultusError(f"Landmarks are compared as [T, K, 2], not {a.shape} with {b.shape}")
    return a, b


def akd(made: NDArray[Any], true: NDArray[Any], size: int) -> float:
    """Average keypoint distance: mean |dx| + |dy| in pixels of a picture of 256; *size* is the pictures' side."""
    a, b = _points(made, true)
    return float(np.abs(a - b).sum(axis=2).mean() * STANDARD / size)


def lmd(made: NDArray[Any], true: NDArray[Any], size: int) -> dict[str, float]:
    """Landmark distances of the 68 points, mean Euclidean, in pixels of a picture of 256.

    ``face`` over all after removing each face's mean, ``mouth`` over the mouth after removing each mouth's mean.
    """
    a, b = _points(made, true)
    if a.shape[1] != 68:
        raise VultusError(f"Landmark distances take the 68 points, not {a.shape[1]}")

    def apart(x: Doubles, y: Doubles) -> float:
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
        return float(np.linalg.norm(x - y, axis=2).mean() * STANDARD / size)

    return {"face": apart(a, b), "mouth": apart(a[:, MOUTH], b[:, MOUTH])}


def sharpness(pictures: Pictures) -> float:
    """Mean absolute Laplacian of the luminance, in [0, 4]; higher is sharper. Compare it with the reference's."""
    y = _unit(pictures) @ np.array([0.2126, 0.7152, 0.0722])
    if min(y.shape[1:]) < 3:
        raise VultusError("Sharpness needs pictures of at least 3 pixels a side")
    bend = 4 * y[:, 1:-1, 1:-1] - y[:, :-2, 1:-1] - y[:, 2:, 1:-1] - y[:, 1:-1, :-2] - y[:, 1:-1, 2:]
    return float(np.abs(bend).mean())
