"""Where strands stand on the skin: even samples of a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vultus.person.atlas import Kind, kinds
from vultus.person.drawn import spatial_order
from vultus.person.groom.body import Body
from vultus.person.mesh import PersonMesh
from vultus.render.triangles import sample

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Density = Callable[[F64, F64], F64]
"""From painter coordinates [N, 3] and how much of the lips is there [N] to densities [N] in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Roots:
    """N places on the skin in an order of which every prefix is an even sample.

    ``triangle`` int32 [N] and ``bary`` float32 [N, 2] as in ``strands.Groom``; ``place`` float64 [N, 3] in painter
    coordinates, ``point`` float64 [N, 3] in the world, ``normal`` float64 [N, 3] of the skin there; ``dense`` [N] in
    (0, 1] is how dense hair grows there: low near the edges.
    """

    triangle: I32
    bary: F32
    place: F64
    point: F64
    normal: F64
    dense: F64

    def __len__(self) -> int:
        """The number of roots."""
        return len(self.triangle)

    def subset(self, rows: NDArray[np.int64]) -> Roots:
        """The roots of these numbers."""
        return Roots(
            self.triangle[rows], self.bary[rows], self.place[rows], self.point[rows], self.normal[rows],
            self.dense[rows],
        )  # fmt: skip


def _even_order(points: F64) -> NDArray[np.int64]:
    """An order of points [N, 3] whose every prefix is spread over all of them: the Morton curve, bits reversed."""
    along = spatial_order(points, bits=8)
    bits = max(int(len(points) - 1).bit_length(), 1)
    number = np.arange(1 << bits)
    reversed_ = np.zeros_like(number)
    for bit in range(bits):
        reversed_ |= ((number >> bit) & 1) << (bits - 1 - bit)
    return along[reversed_[reversed_ < len(points)]]


def _lips(mesh: PersonMesh, rows: I32, bary: F64) -> F64:
    """How much of the lips is at points of triangles, [N] in [0, 1]."""
    uv = np.einsum("nc,ncx->nx", bary, mesh.uv[mesh.uv_triangles[rows]].astype(np.float64))
    image = np.maximum(mesh.masks["lips"], mesh.masks["insideMouth"])[..., None].astype(np.float32)
    return sample(image, uv[None].astype(np.float32))[0, :, 0].astype(np.float64) / 255


def roots(mesh: PersonMesh, body: Body, density: Density, count: int, rng: np.random.Generator) -> Roots:
    """About *count* roots where *density* is above 0, in proportion to it; none where it is 0 everywhere."""
    skin = np.flatnonzero(kinds(mesh) == Kind.SKIN)
    skin = skin[(body.places[mesh.triangles[skin], 1].max(1) > 0.55) & (body.ear[mesh.triangles[skin]].max(1) < 0.3)]
    corners = mesh.neutral[mesh.triangles[skin]].astype(np.float64)
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    # A large triangle may reach over the edge of the hair while its middle lies outside: look at the corners too.
    places = body.places[mesh.triangles[skin]].astype(np.float64)
    probes = np.concatenate([places.mean(1)[:, None], 0.7 * places + 0.3 * places.mean(1)[:, None]], 1)
    there = density(probes.reshape(-1, 3), np.zeros(4 * len(skin))).reshape(-1, 4)
    weight = area * np.where(there.max(1) > 0, 1.0, 0.0)
    expected = float((area * there.mean(1)).sum())
    if expected <= 0:
        empty = np.zeros((0, 3))
        return Roots(np.zeros(0, np.int32), np.zeros((0, 2), np.float32), empty, empty, empty, np.zeros(0))
    tries = int(count * weight.sum() / expected)
    edges = np.cumsum(weight)
    at = (np.arange(tries) + rng.uniform(size=tries)) / tries * edges[-1]
    pick = np.minimum(np.searchsorted(edges, at, side="right"), len(skin) - 1)
    a, b = rng.uniform(size=(2, tries))
    fold = a + b > 1
    a, b = np.where(fold, 1 - a, a), np.where(fold, 1 - b, b)
    bary = np.stack([a, b, 1 - a - b], 1)
    rows = skin[pick].astype(np.int32)
    place = np.einsum("nc,ncx->nx", bary, body.places[mesh.triangles[rows]].astype(np.float64))
    dense = density(place, _lips(mesh, rows, bary))
    keep = np.flatnonzero(rng.uniform(size=tries) < dense)
    keep = keep[_even_order(place[keep])] if len(keep) else keep
    rows, bary = rows[keep], bary[keep]
    corner = mesh.triangles[rows]
    normal = np.einsum("nc,ncx->nx", bary, body.normals[corner].astype(np.float64))
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    point = np.einsum("nc,ncx->nx", bary, mesh.neutral[corner].astype(np.float64))
    return Roots(rows, bary[:, :2].astype(np.float32), place[keep], point, normal, dense[keep])
