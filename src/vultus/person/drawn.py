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


def _split(mesh: PersonMesh) -> int:
    """How many triangles of *mesh*'s coarse form were split in four: as ``subdivide.split`` orders them."""
    matrix = mesh.topology.matrix
    return 0 if matrix is None else int(np.count_nonzero(mesh.triangles.max(1) >= matrix.shape[1])) // 4


def _unsplit(triangles: I32, many: int) -> I32:
    """The *many* triangles of which the first ``4 * many`` were made, and those after them."""
    corners = [triangles[i * many : (i + 1) * many, 0] for i in range(3)]
    return np.concatenate([np.stack(corners, 1), triangles[4 * many :]])


# Where the corners of the four parts of a triangle lie on it, [4, 3, 3].
_PARTS = 0.5 * np.array(
    [[[2, 0, 0], [1, 1, 0], [1, 0, 1]], [[0, 2, 0], [0, 1, 1], [1, 1, 0]], [[0, 0, 2], [1, 0, 1], [0, 1, 1]],
     [[1, 1, 0], [0, 1, 1], [1, 0, 1]]]
)  # fmt: skip


def corners_of(mesh: PersonMesh, triangle: I32, bary: F32, coarse: bool = False) -> tuple[I32, F64]:
    """The vertices [N, 3] and their weights [N, 3] of places *bary* [N, 2] on the rows *triangle* [N] of *mesh*.

    With *coarse* those of the triangle that was split: vertices that a coarse drawing has, too.
    """
    weights = np.column_stack([bary, 1 - bary.sum(1)]).astype(np.float64)
    many = _split(mesh)
    if not (coarse and many):
        return mesh.triangles[triangle], weights
    part = np.where(triangle < 4 * many, triangle // many, 0)
    row = np.where(triangle < 4 * many, triangle % many, triangle - 3 * many)
    apart = np.einsum("nk,nkc->nc", weights, _PARTS[part])
    weights = np.where((triangle < 4 * many)[:, None], apart, weights)
    return _unsplit(mesh.triangles, many)[row], weights


@lru_cache(maxsize=6)
def surfaces(mesh: PersonMesh, coarse: bool = False) -> Surfaces:
    """What of *mesh* is drawn, in the order in which it is drawn; *coarse* joins triangles that were split in four."""
    kind, triangles, uv_triangles = kinds(mesh), mesh.triangles, mesh.uv_triangles
    if coarse:
        many = _split(mesh)
        triangles, uv_triangles = _unsplit(triangles, many), _unsplit(uv_triangles, many)
        kind = np.concatenate([kind[:many], kind[4 * many :]])
    # The shirt is painted on the lifted skin: MakeHuman's own has a jagged collar.
    drawn = np.flatnonzero(~np.isin(kind, (Kind.HIDDEN, Kind.CLOTH)))
    drawn = drawn[spatial_order(mesh.neutral[triangles[drawn]].mean(1))]
    corners = triangles[drawn].astype(np.int64)
    vertices, welded = _by_first_use(corners)
    keys, split = _by_first_use(welded.astype(np.int64) * len(mesh.uv) + uv_triangles[drawn])
    pick = np.ascontiguousarray
    return Surfaces(
        vertices.astype(np.int32), pick(welded), (keys // len(mesh.uv)).astype(np.int32),
        (keys % len(mesh.uv)).astype(np.int32), pick(split), pick(kind[drawn]),
    )  # fmt: skip


def rows_of(mesh: PersonMesh, coarse: bool = False) -> I32:
    """Which of the drawn ``Surfaces.vertices`` each vertex of *mesh* is, [V]; -1 for those that are not drawn."""
    drawn = surfaces(mesh, coarse).vertices
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
