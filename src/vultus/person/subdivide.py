"""One step of Loop subdivision as a sparse matrix (C. Loop, "Smooth subdivision surfaces based on triangles", 1987)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int32]


def _edges(triangles: Ints) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Unique edges [E, 2], the edge of each side [3, F] (01, 12, 20), and in how many triangles each lies [E]."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges, inverse, count = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    return edges, inverse.reshape(3, -1), count


def split(triangles: Ints, vertices: int) -> tuple[Ints, NDArray[Any]]:
    """Each triangle in four: [4F, 3] and the edges [E, 2] on which the new vertices ``vertices + e`` lie.

    The three corner triangles of all come first, in the order of *triangles*, then the middle ones; the winding stays.
    """
    edges, side, _ = _edges(triangles)
    a, b, c = triangles.T
    ab, bc, ca = side + vertices
    parts = ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
    return np.concatenate([np.stack(p, axis=1) for p in parts]).astype(np.int32), edges


def loop_matrix(triangles: Ints, vertices: int) -> sparse.csr_matrix[np.float32]:
    """The matrix [V + E, V] of one Loop step: ``matrix @ positions`` are the vertices of ``split(triangles)``.

    The first V rows are the old vertices. Borders follow the cubic spline of their neighbours along the border;
    vertices where more than two border edges meet, and those of no triangle, stay where they are. Rows sum to 1.
    """
    edges, side, count = _edges(triangles)
    number = np.arange(len(edges))
    inner = count == 2
    opposite = np.stack([triangles[:, 2], triangles[:, 0], triangles[:, 1]])
    on_border = np.zeros(vertices, bool)
    on_border[edges[~inner].ravel()] = True
    border = count == 1
    smooth_border = on_border & (np.bincount(edges[border].ravel(), minlength=vertices) == 2)
    degree = np.bincount(edges.ravel(), minlength=vertices)
    # Warren's weights: as smooth as Loop's own, without the cosine.
    beta = np.where(degree == 3, 3 / 16, 3 / (8 * np.maximum(degree, 1)))
    own = np.where(on_border, np.where(smooth_border, 0.75, 1.0), 1 - degree * beta)
    rows, columns, values = [np.arange(vertices)], [np.arange(vertices)], [own]

    def add(row: NDArray[Any], column: NDArray[Any], value: NDArray[Any]) -> None:
        rows.append(row)
        columns.append(column)
        values.append(np.broadcast_to(value, row.shape))

    for here, there in ((0, 1), (1, 0)):
        add(vertices + number, edges[:, here], np.where(inner, 3 / 8, 1 / 2))
        free = ~on_border[edges[:, here]]
        add(edges[free, here], edges[free, there], beta[edges[free, here]])
        along = border & smooth_border[edges[:, here]]
        add(edges[along, here], edges[along, there], np.array(1 / 8))
    wing = inner[side]
    add(vertices + side[wing], opposite[wing], np.array(1 / 8))
    shape = (vertices + len(edges), vertices)
    matrix = sparse.coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return sparse.csr_matrix(matrix).astype(np.float32)


def subdivide_uv(uv: NDArray[np.float32], triangles: Ints) -> tuple[NDArray[np.float32], Ints]:
    """UVs [VT + E, 2] and their triangles [4F, 3], split at the middles, in the order of :func:`split`."""
    new, edges = split(triangles, len(uv))
    return np.concatenate([uv, uv[edges].mean(axis=1)]).astype(np.float32), new
