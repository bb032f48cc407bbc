"""Rotation vectors, quaternions (x, y, z, w, as in glTF) and matrices, as plain vectorised functions.

A rotation vector is axis times angle in radians; all functions take and give arrays [..., 3], [..., 4] or [..., 3, 3].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def to_quaternion(rotvec: ArrayLike) -> Array:
    """Rotation vectors [..., 3] -> unit quaternions [..., 4]."""
    v = np.asarray(rotvec, np.float64)
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    # np.sinc keeps the limit 1/2 at angle 0 exact.
    return np.concatenate([v * (0.5 * np.sinc(angle / (2 * np.pi))), np.cos(angle / 2)], axis=-1)


def from_quaternion(quaternion: ArrayLike) -> Array:
    """Quaternions [..., 4] of any length but 0 -> rotation vectors [..., 3] with angles in [0, pi]."""
    q = np.asarray(quaternion, np.float64)
    q = q * np.where(q[..., 3:] < 0, -1.0, 1.0)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., 3:])
    return q[..., :3] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Quaternion product [..., 4]: first *b*, then *a*, as matrices multiply."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    vector = a[..., 3:] * b[..., :3] + b[..., 3:] * a[..., :3] + np.cross(a[..., :3], b[..., :3])
    scalar = a[..., 3:] * b[..., 3:] - np.sum(a[..., :3] * b[..., :3], axis=-1, keepdims=True)
    return np.concatenate([vector, scalar], axis=-1)


def compose(parent: ArrayLike, child: ArrayLike) -> Array:
    """Rotation vectors [..., 3]: R(parent) R(child), for instance the world head from neck and head."""
    return from_quaternion(multiply(to_quaternion(parent), to_quaternion(child)))


def to_matrix(rotvec: ArrayLike) -> Array:
    """Rotation vectors [..., 3] -> matrices [..., 3, 3] that act on column vectors (Rodrigues)."""
    q = to_quaternion(rotvec)
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(matrix: ArrayLike) -> Array:
    """Rotation matrices [..., 3, 3] -> rotation vectors [..., 3]."""
    m = np.asarray(matrix, np.float64)
    # Bar-Itzhack: the quaternion is the largest eigenvector of a symmetric matrix; stable at every angle.
    k = np.empty((*m.shape[:-2], 4, 4))
    k[..., 0, 0] = m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2]
    k[..., 1, 1] = m[..., 1, 1] - m[..., 0, 0] - m[..., 2, 2]
    k[..., 2, 2] = m[..., 2, 2] - m[..., 0, 0] - m[..., 1, 1]
    k[..., 3, 3] = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    k[..., 0, 1] = k[..., 1, 0] = m[..., 0, 1] + m[..., 1, 0]
    k[..., 0, 2] = k[..., 2, 0] = m[..., 0, 2] + m[..., 2, 0]
    k[..., 1, 2] = k[..., 2, 1] = m[..., 1, 2] + m[..., 2, 1]
    k[..., 0, 3] = k[..., 3, 0] = m[..., 2, 1] - m[..., 1, 2]
    k[..., 1, 3] = k[..., 3, 1] = m[..., 0, 2] - m[..., 2, 0]
    k[..., 2, 3] = k[..., 3, 2] = m[..., 1, 0] - m[..., 0, 1]
    return from_quaternion(np.linalg.eigh(k)[1][..., -1])


def slerp(a: ArrayLike, b: ArrayLike, weight: ArrayLike) -> Array:
    """Rotation vectors [..., 3] on the shortest arc from *a* (weight 0) to *b* (weight 1); *weight* is [...]."""
    p, q = to_quaternion(a), to_quaternion(b)
    inverse = p * np.array([-1.0, -1.0, -1.0, 1.0])
    step = from_quaternion(multiply(inverse, q)) * np.asarray(weight, np.float64)[..., None]
    return from_quaternion(multiply(p, to_quaternion(step)))
