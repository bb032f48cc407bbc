"""How the fields of frames lie in files: compact types, and back to those of ``vultus.clip.FIELDS``.

A field without an entry here is kept as it is. Directions are kept as octahedral maps: Z. Cigolle et al., "A Survey of
Efficient Representations for Independent Unit Vectors", JCGT 3(2), 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_STEPS: Final = 65534  # of uint16: 0 says that there is nothing
_NOWHERE: Final = -32768
_LARGEST: Final = 65504.0  # of float16


def pack(name: str, stack: Array) -> dict[str, Array]:
    """The field *name* of n frames, [n, …] as in ``FIELDS``, as compact arrays by key.

    Depth: uint16, within 1/131068 of the deepest point of these frames. Normals: two int16, within 0.01 degrees.
    Places on the skin: uint16, within 1/131068. Flow: float16, within 1/2048 of its value. Bool: one bit. All else
    exactly.
    """
    if name == "depth":
        there = np.isfinite(stack)
        deepest = float(stack[there].max()) if there.any() else 0.0
        scale = max(deepest, 1e-6) / _STEPS
        codes = np.rint(np.where(there, stack, 0) / np.float32(scale)).clip(0, _STEPS) + 1
        return {name: np.where(there, codes, 0).astype(np.uint16), f"{name}.scale": np.array([scale])}
    if name == "normals":
        return {name: _octahedral(stack)}
    if name == "uv":
        nowhere = ((stack[..., 0] < 0) | (stack[..., 1] < 0))[..., None]
        codes = np.rint(stack.clip(0, 1) * np.float32(_STEPS)) + 1
        return {name: np.where(nowhere, 0, codes).astype(np.uint16)}
    if name == "flow":
        return {name: np.nan_to_num(stack).clip(-_LARGEST, _LARGEST).astype(np.float16)}
    if stack.dtype == np.bool_:
        return {name: np.packbits(stack, axis=-1), f"{name}.width": np.array([stack.shape[-1]])}
    return {name: np.ascontiguousarray(stack)}


def unpack(name: str, codes: Array, extra: Callable[[str], Array]) -> Array:
    """The inverse of :func:`pack`: some frames of the array *name*; ``extra(key)`` gives an array that goes with it."""
    if name == "depth":
        metres = (codes.astype(np.float32) - 1) * np.float32(extra("depth.scale")[0])
        return np.where(codes > 0, metres, np.float32(np.inf))
    if name == "normals":
        return _direction(codes)
    if name == "uv":
        return np.where(codes > 0, (codes.astype(np.float32) - 1) / np.float32(_STEPS), np.float32(-1))
    if name == "flow":
        return codes.astype(np.float32)
    if name in ("occlusion", "disocclusion"):
        return np.unpackbits(codes, axis=-1, count=int(extra(f"{name}.width")[0])).astype(bool)
    return codes


def _octahedral(vectors: Array) -> NDArray[np.int16]:
    """Unit vectors [..., 3] -> two numbers each; vectors of length 0 -> ``_NOWHERE``."""
    # One component after another: sums along an axis of three are slow.
    x, y, z = np.moveaxis(vectors, -1, 0)
    length = np.abs(x) + np.abs(y) + np.abs(z)
    x, y, z = (component / np.maximum(length, 1e-12) for component in (x, y, z))
    below = z < 0
    folded_x = np.where(below, (1 - np.abs(y)) * np.where(x < 0, -1, 1), x)
    folded_y = np.where(below, (1 - np.abs(x)) * np.where(y < 0, -1, 1), y)
    codes = np.rint(np.stack([folded_x, folded_y], axis=-1) * 32767)
    return np.where(length[..., None] > 1e-6, codes, _NOWHERE).astype(np.int16)


def _direction(codes: Array) -> NDArray[np.float32]:
    """The inverse of :func:`_octahedral`."""
    x, y = np.moveaxis(codes.astype(np.float32) / np.float32(32767), -1, 0)
    z = 1 - np.abs(x) - np.abs(y)
    fold = np.maximum(-z, 0)
    x, y = x - np.copysign(fold, x), y - np.copysign(fold, y)
    there = codes[..., 0] != _NOWHERE
    scale = there / np.maximum(np.sqrt(x * x + y * y + z * z), np.float32(1e-12))
    return np.stack([x * scale, y * scale, z * scale], axis=-1).astype(np.float32)
