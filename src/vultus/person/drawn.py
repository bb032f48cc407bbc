"""What of a person is drawn, in an order that caches like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.person.atlas import Kind, kinds
from vultus.person.mesh import PersonMesh

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What is drawn, numbered so that neighbours on the face are neighbours in memory.

    At one or two pixels a triangle every pixel fetches new corners; in this order they lie in the cache.
    ``vertices`` int32 [N] are the mesh's vertices that are drawn and ``welded`` int32 [F, 3]
    the triangles over them, for normals; ``points`` int32 [P] into ``vertices`` and ``uv`` int32 [P] into the
    texture coordinates are the same split along texture seams, and ``triangles`` int32 [F, 3] run over these;
    ``kind`` int32 [F] is the material.
    """

    vertices: I32
    welded: I32
    points: I32
    uv: I32
    triangles: I32
    kind: I32


def spatial_order(places: F32 | F64, bits: int = 10) -> NDArray[np.int64]:
    """An order of points [N, 3] in which neighbours are close: along the Morton curve with *bits* <= 10 an axis."""
    low, high = places.min(0), places.max(0)
    cells = ((places - low) / np.maximum(high - low, 1e-9) * ((1 << bits) - 1)).astype(np.uint32)
    code = np.zeros(len(places), np.uint32)
    for bit in range(bits):
        for axis in range(3):
            code |= ((cells[:, axis] >> np.uint32(bit)) & np.uint32(1)) << np.uint32(3 * bit + axis)
    return np.argsort(code, kind="stable")


def _by_first_use(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], I32]:
    """The distinct *keys* in the order they first appear, and every key's number in that order."""
    distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return distinct[order], number[inverse.reshape(keys.shape)]


@lru_cache(maxsize=4)
def surfaces(mesh: PersonMesh) -> Surfaces:
    """What of *mesh* is drawn, in the order in which it is drawn."""
    kind = kinds(mesh)
    # The shirt is painted on the lifted skin: MakeHuman's own has a jagged collar.
    drawn = np.flatnonzero(~np.isin(kind, (Kind.HIDDEN, Kind.CLOTH)))
    drawn = drawn[spatial_order(mesh.neutral[mesh.triangles[drawn]].mean(1))]
    corners = mesh.triangles[drawn].astype(np.int64)
    vertices, welded = _by_first_use(corners)
    keys, split = _by_first_use(welded.astype(np.int64) * len(mesh.uv) + mesh.uv_triangles[drawn])
    pick = np.ascontiguousarray
    return Surfaces(
        vertices.astype(np.int32), pick(welded), (keys // len(mesh.uv)).astype(np.int32),
        (keys % len(mesh.uv)).astype(np.int32), pick(split), pick(kind[drawn]),
    )  # fmt: skip


def rows_of(mesh: PersonMesh) -> I32:
    """Which of the drawn ``Surfaces.vertices`` each vertex of *mesh* is, [V]; -1 for those that are not drawn."""
    drawn = surfaces(mesh).vertices
    rows = np.full(len(mesh.neutral), -1, np.int32)
    rows[drawn] = np.arange(len(drawn), dtype=np.int32)
    return rows


@njit(cache=True, nogil=True, error_model="numpy")
def gather(vertices: np.ndarray, index: np.ndarray, out: np.ndarray) -> None:
    """Copy the rows *index* [N] of *vertices* [V, 3] into *out* [N, 3]."""
    for n in range(index.shape[0]):
        for c in range(3):
            out[n, c] = vertices[index[n], c]


@njit(cache=True, nogil=True, error_model="numpy")
def lift_off(vertices: np.ndarray, normals: np.ndarray, lift: np.ndarray) -> None:
    """Move *vertices* [N, 3] along their *normals* by *lift* [N] metres, in place."""
    for i in range(vertices.shape[0]):
        for c in range(3):
            vertices[i, c] += lift[i] * normals[i, c]


@njit(cache=True, nogil=True, error_model="numpy")
def split_seams(vertices: np.ndarray, normals: np.ndarray, index: np.ndarray, points: np.ndarray) -> None:
    """Write place and normal of the vertices *index* [P] into the first six columns of *points*."""
    for n in range(index.shape[0]):
        i = index[n]
        for c in range(3):
            points[n, c] = vertices[i, c]
            points[n, 3 + c] = normals[i, c]
