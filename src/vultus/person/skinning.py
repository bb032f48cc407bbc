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
from vultus.person.jit import inner

SHAPES = len(ch.ARKIT) + len(ch.TONGUE)
NECK, HEAD, EYE_LEFT, EYE_RIGHT = ch.NECK.start, ch.HEAD.start, ch.EYE_LEFT.start, ch.EYE_RIGHT.start
MOVE, TONGUE = ch.TRANSLATION.start, ch.TONGUES.start
ARKIT = len(ch.ARKIT)
# The joints that a Motion turns, in the order of the kernels' ``driven`` argument.
DRIVEN = ("neck", "neck2", "neck3", "head", "leftEye", "rightEye")

LANES = 64
"""Frames that one thread moves at a time, side by side. So many that LLVM makes loops of them, which it computes eight
or sixteen at once; fewer would be written out one by one."""
_TILE = 16  # vertices that are written at a time

Array = NDArray[Any]


@inner
def _clean(value: float, low: float, high: float) -> float:
    """*value* within its limits; NaN becomes 0."""
    if value != value:
        return 0.0
    return min(max(value, low), high)


@inner
def rotation(x: float, y: float, z: float, out: Array) -> None:
    """Rotation vector -> matrix in out[:3, :3] (Rodrigues)."""
    angle = math.sqrt(x * x + y * y + z * z)
    half = 0.5 * angle
    sinc = math.sin(half) / angle if angle > 1e-9 else 0.5
    qx, qy, qz, qw = x * sinc, y * sinc, z * sinc, math.cos(half)
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (qy * qy + qz * qz), 2 * (qx * qy - qz * qw), 2 * (qx * qz + qy * qw)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (qx * qy + qz * qw), 1 - 2 * (qx * qx + qz * qz), 2 * (qy * qz - qx * qw)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (qx * qz - qy * qw), 2 * (qy * qz + qx * qw), 1 - 2 * (qx * qx + qy * qy)


@inner
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


@inner
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


@inner
def _slid(x: float, y: float, z: float, share: float, rest: float, least: float) -> Any:
    """By how much a vertex of a lid, at x, y, z from the centre of its eye, goes away from it (1: not at all)."""
    away = math.sqrt(x * x + y * y + z * z)
    if away < 1e-5:
        return np.float32(1)
    return np.float32(max(away + share * (rest - away), least) / away)


@inner
def slide(index: Array, eye: Array, place: Array, centres: Array, points: Array) -> None:
    """Keep the lids on the eyeballs: points [V, 3] before skinning, in place.

    Vertex ``index[i]`` goes along the ray from the centre of its eye, ``centres[eye[i]]``, towards the distance
    ``place[i, 1]`` that it has at rest, by the share ``place[i, 0]``, and in any case to ``place[i, 2]``.
    """
    for i in range(len(index)):
        v, c = index[i], centres[eye[i]]
        x, y, z = points[v, 0] - c[0], points[v, 1] - c[1], points[v, 2] - c[2]
        scale = _slid(x, y, z, place[i, 0], place[i, 1], place[i, 2])
        points[v, 0], points[v, 1], points[v, 2] = c[0] + scale * x, c[1] + scale * y, c[2] + scale * z


@inner
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


@inner
def apply_sparse(start: Array, column: Array, value: Array, points: Array, out: Array) -> None:
    """out [W, 3] = sparse matrix [W, V] times points [V, 3].

    The matrix is in rows (CSR); its numbers are unsigned, because signed ones are looked at for counting from the end.
    """
    for r in range(len(start) - 1):
        x, y, z = np.float32(0), np.float32(0), np.float32(0)
        for i in range(start[r], start[r + 1]):
            c, w = column[i], value[i]
            x += w * points[c, 0]
            y += w * points[c, 1]
            z += w * points[c, 2]
        out[r, 0], out[r, 1], out[r, 2] = x, y, z


@inner
def _pose(
    row: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, weights: Array, transforms: Array
) -> None:
    """The weights [S] of all shapes and the transforms [J, 3, 4] of all joints in a frame, row [69]."""
    parents, rest, driven = rig
    joint_transforms(row, low, high, parents, rest, driven, body, transforms)
    gains, pairs = mesh[0], mesh[2]
    for s in range(SHAPES):
        c = s if s < ARKIT else TONGUE + s - ARKIT
        weights[s] = gains[s] * _clean(row[c], low[c], high[c])
    for s in range(SHAPES, len(gains)):
        a, b = pairs[s - SHAPES]
        weights[s] = gains[s] * _clean(row[a], low[a], high[a]) * _clean(row[b], low[b], high[b])


@njit(cache=True, nogil=True, error_model="numpy")
def frame(
    row: Array, low: Array, high: Array, rig: Any, body: Array, mesh: Any, lids: Any, fine: Any, out: Array
) -> None:
    """One frame: row [69] -> out [W, 3]. *rig*, *mesh*, *lids* and *fine* are what the kernels above take."""
    gains, neutral, _, start, index, delta, rigid, joints, skin = mesh
    transforms, weights = np.empty((len(rig[0]), 3, 4), np.float32), np.empty(len(gains), np.float32)
    _pose(row, low, high, rig, body, mesh, weights, transforms)
    rows, column, value = fine
    coarse = np.empty_like(neutral) if len(rows) > 1 else out
    express(weights, neutral, start, index, delta, coarse)
    lid, eye, place, centres = lids
    slide(lid, eye, place, centres, coarse)
    skin_vertices(transforms, rigid, joints, skin, coarse)
    if len(rows) > 1:
        apply_sparse(rows, column, value, coarse, out)


@inner
def _turn(m: Array, p: Array, q: Array) -> None:
    """q [3 * LANES] = the transforms *m* [12 * LANES] of the points *p*."""
    for a in range(3):
        n, to = m[4 * a * LANES : 4 * (a + 1) * LANES], q[a * LANES : (a + 1) * LANES]
        for t in range(LANES):
            to[t] = n[t] * p[t] + n[LANES + t] * p[LANES + t] + n[2 * LANES + t] * p[2 * LANES + t] + n[3 * LANES + t]


@inner
def _lanes(
    weights: Array, turns: Array, neutral: Array, shapes: Any, rigid: Array, joints: Array, skin: Array, lids: Any,
    out: Array,
) -> None:  # fmt: skip
    """What ``express``, ``slide`` and ``skin_vertices`` do, to LANES frames at a time, a vertex after the other.

    weights [S, LANES] and turns [J, 12 * LANES] -> out [T <= LANES, V, 3]. *shapes* are the same as in ``express`` by
    vertex: where the entries of each begin, their shapes [N] and their moves [N, 3].
    """
    begin, shape, move = shapes
    lid, eye, place, centres = lids
    slot = np.full(len(neutral), -1, np.int32)
    for i in range(len(lid)):
        slot[lid[i]] = i
    # x, y and z before and after skinning in one array, so that LLVM sees that they do not overlap.
    p, one = np.empty(3 * LANES, np.float32), np.empty(3 * LANES, np.float32)
    tile = np.empty((_TILE, 3 * LANES), np.float32)
    for v in range(len(neutral)):
        q = tile[v % _TILE]
        x, y, z = neutral[v, 0], neutral[v, 1], neutral[v, 2]
        for t in range(LANES):
            p[t], p[LANES + t], p[2 * LANES + t] = x, y, z
        for i in range(begin[v], begin[v + 1]):
            w, x, y, z = weights[shape[i]], move[i, 0], move[i, 1], move[i, 2]
            for t in range(LANES):
                p[t] += w[t] * x
                p[LANES + t] += w[t] * y
                p[2 * LANES + t] += w[t] * z
        i = slot[v]
        if i >= 0:
            c, share, rest, least = centres[eye[i]], place[i, 0], place[i, 1], place[i, 2]
            for t in range(LANES):
                x, y, z = p[t] - c[0], p[LANES + t] - c[1], p[2 * LANES + t] - c[2]
                scale = _slid(x, y, z, share, rest, least)
                p[t], p[LANES + t], p[2 * LANES + t] = c[0] + scale * x, c[1] + scale * y, c[2] + scale * z
        j = rigid[v]
        if j >= 0:
            _turn(turns[j], p, q)
        else:
            for t in range(3 * LANES):
                q[t] = 0
            for k in range(skin.shape[1]):
                share = skin[v, k]
                if share == 0:
                    break
                _turn(turns[joints[v, k]], p, one)
                for t in range(3 * LANES):
                    q[t] += share * one[t]
        # Some vertices at a time, so that what is written to each frame lies together.
        if v % _TILE == _TILE - 1 or v == len(neutral) - 1:
            first = v - v % _TILE
            for t in range(len(out)):
                some = out[t, first : v + 1]
                for n in range(len(some)):
                    some[n, 0], some[n, 1], some[n, 2] = tile[n, t], tile[n, LANES + t], tile[n, 2 * LANES + t]


@njit(cache=True, nogil=True, error_model="numpy")
def frames(
    data: Array, low: Array, high: Array, rig: Any, body: Array, shapes: Any, mesh: Any, lids: Any, fine: Any,
    out: Array,
) -> None:  # fmt: skip
    """Up to LANES frames: data [T, 69] and body [T or 1, J, 3] -> out [T, W, 3]; the same bits as ``frame``.

    *shapes* is what ``_lanes`` takes.
    """
    count = len(data)
    gains, neutral, _, _, _, _, rigid, joints, skin = mesh
    stride = 1 if len(body) > 1 else 0
    transforms, weights = np.empty((len(rig[0]), 3, 4), np.float32), np.empty(len(gains), np.float32)
    turns, lanes = np.zeros((len(rig[0]), 12 * LANES), np.float32), np.zeros((len(gains), LANES), np.float32)
    for t in range(count):
        _pose(data[t], low, high, rig, body[np.int64(t) * stride], mesh, weights, transforms)
        for s in range(len(weights)):
            lanes[s, t] = weights[s]
        for j in range(len(transforms)):
            for a in range(12):
                turns[j, a * LANES + t] = transforms[j, a // 4, a % 4]
    rows, column, value = fine
    coarse = np.empty((count, len(neutral), 3), np.float32) if len(rows) > 1 else out
    _lanes(lanes, turns, neutral, shapes, rigid, joints, skin, lids, coarse)
    if len(rows) > 1:
        for t in range(count):
            apply_sparse(rows, column, value, coarse[t], out[t])
