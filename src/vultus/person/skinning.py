"""Kernels that move the vertices of a person: expressions, rotations of the joints, linear blend skinning.

``reference.py`` holds the same in plain numpy; the tests compare them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from vultus import channels as ch

SHAPES = len(ch.ARKIT) + len(ch.TONGUE)
NECK, HEAD, EYE_LEFT, EYE_RIGHT = ch.NECK.start, ch.HEAD.start, ch.EYE_LEFT.start, ch.EYE_RIGHT.start
MOVE, TONGUE = ch.TRANSLATION.start, ch.TONGUES.start
ARKIT = len(ch.ARKIT)
# The joints that a Motion turns, in the order of the kernels' ``driven`` argument.
DRIVEN = ("neck", "neck2", "neck3", "head", "leftEye", "rightEye")

Array = NDArray[Any]


@njit(cache=True, nogil=True)
def _clean(value: float, low: float, high: float) -> float:
    """*value* within its limits; NaN becomes 0."""
    if value != value:
        return 0.0
    return min(max(value, low), high)


@njit(cache=True, nogil=True)
def rotation(x: float, y: float, z: float, out: Array) -> None:
    """Rotation vector -> matrix in out[:3, :3] (Rodrigues)."""
    angle = math.sqrt(x * x + y * y + z * z)
    half = 0.5 * angle
    sinc = math.sin(half) / angle if angle > 1e-9 else 0.5
    qx, qy, qz, qw = x * sinc, y * sinc, z * sinc, math.cos(half)
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (qy * qy + qz * qz), 2 * (qx * qy - qz * qw), 2 * (qx * qz + qy * qw)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (qx * qy + qz * qw), 1 - 2 * (qx * qx + qz * qz), 2 * (qy * qz - qx * qw)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (qx * qz - qy * qw), 2 * (qy * qz + qx * qw), 1 - 2 * (qx * qx + qy * qy)


@njit(cache=True, nogil=True)
def joint_transforms(
    row: Array, low: Array, high: Array, parents: Array, rest: Array, driven: Array, body: Array, out: Array
) -> None:
    """World transforms [J, 3, 4] of the joints, which take rest positions to posed ones.

    *row* [69] a frame of a Motion; *low*, *high* its limits; *rest* [J, 3]; *driven* [6] the joints of DRIVEN;
    *body* [J, 3] rotation vectors of all joints, of which those in *driven* are not used. The neck's rotation is
    shared evenly by three joints, so that it bends smoothly; together they turn the head by the whole of it.
    """
    local = np.zeros((3, 4))
    for j in range(len(parents)):
        x, y, z = body[j, 0], body[j, 1], body[j, 2]
        for d in range(6):
            if driven[d] == j:
                first = NECK if d < 3 else (HEAD if d == 3 else (EYE_LEFT if d == 4 else EYE_RIGHT))
                share = 1 / 3 if d < 3 else 1.0
                x = share * _clean(row[first], low[first], high[first])
                y = share * _clean(row[first + 1], low[first + 1], high[first + 1])
                z = share * _clean(row[first + 2], low[first + 2], high[first + 2])
        rotation(x, y, z, local)
        for a in range(3):
            local[a, 3] = rest[j, a] - (local[a, 0] * rest[j, 0] + local[a, 1] * rest[j, 1] + local[a, 2] * rest[j, 2])
        p = parents[j]
        for a in range(3):
            if p < 0:
                for b in range(4):
                    out[j, a, b] = local[a, b]
                out[j, a, 3] += _clean(row[MOVE + a], low[MOVE + a], high[MOVE + a])
            else:
                for b in range(4):
                    out[j, a, b] = out[p, a, 0] * local[0, b] + out[p, a, 1] * local[1, b] + out[p, a, 2] * local[2, b]
                out[j, a, 3] += out[p, a, 3]


@njit(cache=True, nogil=True)
def pose(
    weights: Array, transforms: Array, neutral: Array, start: Array, shape: Array, delta: Array,
    rigid: Array, joints: Array, skin: Array, out: Array,
) -> None:  # fmt: skip
    """Vertices [V, 3]: neutral + sum of weights [54] times shapes, then skinned.

    Vertex v owns the entries ``start[v]:start[v + 1]`` of *shape* and *delta* [N, 3]; ``rigid[v]`` is its joint, or
    -1 when it follows several: *joints* and their weights *skin* [V, K], largest first, 0 after the last.
    """
    for v in range(len(neutral)):
        x, y, z = neutral[v, 0], neutral[v, 1], neutral[v, 2]
        for i in range(start[v], start[v + 1]):
            w = weights[shape[i]]
            x += w * delta[i, 0]
            y += w * delta[i, 1]
            z += w * delta[i, 2]
        j = rigid[v]
        if j >= 0:
            for a in range(3):
                m = transforms[j, a]
                out[v, a] = m[0] * x + m[1] * y + m[2] * z + m[3]
        else:
            px, py, pz = np.float32(0), np.float32(0), np.float32(0)
            for k in range(skin.shape[1]):
                s = skin[v, k]
                if s == 0:
                    break
                t = transforms[joints[v, k]]
                px += s * (t[0, 0] * x + t[0, 1] * y + t[0, 2] * z + t[0, 3])
                py += s * (t[1, 0] * x + t[1, 1] * y + t[1, 2] * z + t[1, 3])
                pz += s * (t[2, 0] * x + t[2, 1] * y + t[2, 2] * z + t[2, 3])
            out[v, 0], out[v, 1], out[v, 2] = px, py, pz


@njit(cache=True, nogil=True)
def apply_sparse(start: Array, column: Array, value: Array, points: Array, out: Array) -> None:
    """out [W, 3] = sparse matrix [W, V] (CSR) times points [V, 3]."""
    for r in range(len(start) - 1):
        x, y, z = np.float32(0), np.float32(0), np.float32(0)
        for i in range(start[r], start[r + 1]):
            c, w = column[i], value[i]
            x += w * points[c, 0]
            y += w * points[c, 1]
            z += w * points[c, 2]
        out[r, 0], out[r, 1], out[r, 2] = x, y, z


@njit(cache=True, nogil=True)
def frame(row: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, fine: Any, out: Array) -> None:
    """One frame: row [69] -> out [W, 3]. *rig*, *mesh* and *fine* are the argument tuples of the kernels above."""
    parents, rest, driven = rig
    transforms = np.empty((len(parents), 3, 4), np.float32)
    joint_transforms(row, low, high, parents, rest, driven, body, transforms)
    gains, neutral, start, shape, delta, rigid, joints, skin = mesh
    weights = np.empty(SHAPES, np.float32)
    for s in range(SHAPES):
        c = s if s < ARKIT else TONGUE + s - ARKIT
        weights[s] = gains[s] * _clean(row[c], low[c], high[c])
    rows, column, value = fine
    if len(rows) > 1:
        coarse = np.empty_like(neutral)
        pose(weights, transforms, neutral, start, shape, delta, rigid, joints, skin, coarse)
        apply_sparse(rows, column, value, coarse, out)
    else:
        pose(weights, transforms, neutral, start, shape, delta, rigid, joints, skin, out)


@njit(cache=True, nogil=True, parallel=True)
def frames(data: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, fine: Any, out: Array) -> None:
    """Many frames: data [T, 69] and body [T or 1, J, 3] -> out [T, W, 3]; the number of threads changes nothing."""
    stride = 1 if len(body) > 1 else 0
    for t in prange(len(data)):
        frame(data[t], low, high, rig, body[np.int64(t) * stride], mesh, fine, out[t])
