"""Kernels that move the vertices of a person: expressions, rotations of the joints, linear blend skinning.

``reference.py`` holds the same in plain numpy; the tests compare them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus import channels as ch

SHAPES = len(ch.ARKIT) + len(ch.TONGUE)
NECK, HEAD, EYE_LEFT, EYE_RIGHT = ch.NECK.start, ch.HEAD.start, ch.EYE_LEFT.start, ch.EYE_RIGHT.start
MOVE, TONGUE = ch.TRANSLATION.start, ch.TONGUES.start
ARKIT = len(ch.ARKIT)
# The joints that a Motion turns, in the order of the kernels' ``driven`` argument.
DRIVEN = ("neck", "neck2", "neck3", "head", "leftEye", "rightEye")

Array = NDArray[Any]


@njit(cache=True, nogil=True, error_model="numpy")
def _clean(value: float, low: float, high: float) -> float:
    """*value* within its limits; NaN becomes 0."""
    if value != value:
        return 0.0
    return min(max(value, low), high)


@njit(cache=True, nogil=True, error_model="numpy")
def rotation(x: float, y: float, z: float, out: Array) -> None:
    """Rotation vector -> matrix in out[:3, :3] (Rodrigues)."""
    angle = math.sqrt(x * x + y * y + z * z)
    half = 0.5 * angle
    sinc = math.sin(half) / angle if angle > 1e-9 else 0.5
    qx, qy, qz, qw = x * sinc, y * sinc, z * sinc, math.cos(half)
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (qy * qy + qz * qz), 2 * (qx * qy - qz * qw), 2 * (qx * qz + qy * qw)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (qx * qy + qz * qw), 1 - 2 * (qx * qx + qz * qz), 2 * (qy * qz - qx * qw)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (qx * qz - qy * qw), 2 * (qy * qz + qx * qw), 1 - 2 * (qx * qx + qy * qy)


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def express(weights: Array, neutral: Array, start: Array, index: Array, delta: Array, out: Array) -> None:
    """out [V, 3] = neutral + sum of weights [S] times shapes; shape s moves the vertices *index* of its entries
    ``start[s]:start[s + 1]`` by *delta* [N, 3]. Shapes at rest cost nothing."""
    # Written out: numba's assignment of slices compiles the text of an error, too.
    for v in range(len(neutral)):
        for a in range(3):
            out[v, a] = neutral[v, a]
    for s in range(len(weights)):
        w = weights[s]
        if w != 0:
            for i in range(start[s], start[s + 1]):
                v = index[i]
                out[v, 0] += w * delta[i, 0]
                out[v, 1] += w * delta[i, 1]
                out[v, 2] += w * delta[i, 2]


@njit(cache=True, nogil=True, error_model="numpy")
def slide(index: Array, eye: Array, place: Array, centres: Array, points: Array) -> None:
    """Keep the lids on the eyeballs: points [V, 3] before skinning, in place.

    Vertex ``index[i]`` goes along the ray from the centre of its eye, ``centres[eye[i]]``, towards the distance
    ``place[i, 1]`` that it has at rest, by the share ``place[i, 0]``, and in any case to ``place[i, 2]``.
    """
    for i in range(len(index)):
        v, c = index[i], centres[eye[i]]
        x, y, z = points[v, 0] - c[0], points[v, 1] - c[1], points[v, 2] - c[2]
        away = math.sqrt(x * x + y * y + z * z)
        if away < 1e-5:
            continue
        scale = np.float32(max(away + place[i, 0] * (place[i, 1] - away), place[i, 2]) / away)
        points[v, 0], points[v, 1], points[v, 2] = c[0] + scale * x, c[1] + scale * y, c[2] + scale * z


@njit(cache=True, nogil=True, error_model="numpy")
def skin_vertices(transforms: Array, rigid: Array, joints: Array, skin: Array, points: Array) -> None:
    """Move points [V, 3] in place by the joints' transforms [J, 3, 4] (linear blend skinning).

    ``rigid[v]`` is the joint that carries vertex v, or -1 when several do: *joints* and their weights *skin* [V, K],
    largest first, 0 after the last.
    """
    for v in range(len(points)):
        x, y, z, j = points[v, 0], points[v, 1], points[v, 2], rigid[v]
        if j >= 0:
            for a in range(3):
                points[v, a] = (
                    transforms[j, a, 0] * x + transforms[j, a, 1] * y + transforms[j, a, 2] * z + transforms[j, a, 3]
                )
            continue
        points[v] = 0
        for k in range(skin.shape[1]):
            w, j = skin[v, k], joints[v, k]
            if w == 0:
                break
            for a in range(3):
                points[v, a] += w * (
                    transforms[j, a, 0] * x + transforms[j, a, 1] * y + transforms[j, a, 2] * z + transforms[j, a, 3]
                )


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def frame(
    row: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, lids: Any, fine: Any, out: Array
) -> None:
    """One frame: row [69] -> out [W, 3]. *rig*, *mesh*, *lids* and *fine* are what the kernels above take."""
    parents, rest, driven = rig
    transforms = np.empty((len(parents), 3, 4), np.float32)
    joint_transforms(row, low, high, parents, rest, driven, body, transforms)
    gains, neutral, pairs, start, index, delta, rigid, joints, skin = mesh
    weights = np.empty(len(gains), np.float32)
    for s in range(SHAPES):
        c = s if s < ARKIT else TONGUE + s - ARKIT
        weights[s] = gains[s] * _clean(row[c], low[c], high[c])
    for s in range(SHAPES, len(gains)):
        a, b = pairs[s - SHAPES]
        weights[s] = gains[s] * _clean(row[a], low[a], high[a]) * _clean(row[b], low[b], high[b])
    rows, column, value = fine
    coarse = np.empty_like(neutral) if len(rows) > 1 else out
    express(weights, neutral, start, index, delta, coarse)
    lid, eye, place, centres = lids
    slide(lid, eye, place, centres, coarse)
    skin_vertices(transforms, rigid, joints, skin, coarse)
    if len(rows) > 1:
        apply_sparse(rows, column, value, coarse, out)


@njit(cache=True, nogil=True, error_model="numpy")
def frames(
    data: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, lids: Any, fine: Any, out: Array
) -> None:
    """Many frames: data [T, 69] and body [T or 1, J, 3] -> out [T, W, 3], one after the other."""
    stride = 1 if len(body) > 1 else 0
    for t in range(len(data)):
        frame(data[t], low, high, rig, body[np.int64(t) * stride], mesh, lids, fine, out[t])
