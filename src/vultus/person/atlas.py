"""Where on the texture everything lies: MakeHuman's layout, redistributed so that a face gets the room.

MakeHuman's UV map gives the lips 30 x 60 of 1024 x 1024 texels. Here every island keeps its triangles (so that
``uv_triangles`` of the mesh stay as they are) but moves to a tile of its own, and the head island is stretched
separately along u and v in proportion to the skin behind each column and row, with the front of the face counting more.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.pack import PART_NAMES
from vultus.person.pigment import EYE_X, EYE_Y, EYE_Z

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Tile = tuple[float, float, float, float]  # left, bottom, right, top in [0, 1]

TEMPLATE_EYES = np.array([0.0, 0.7284, 0.1245])
"""Middle between the eyes in painter coordinates: metres in MakeHuman's own axes, in which the painter is written."""


EYE_EVEN = 0.6  # radius in Lambert's projection up to which the tile of an eye is true to scale; it holds up to 1.5
EYE_SQUEEZE = 0.44  # scale outside of that


class Kind(IntEnum):
    """What a triangle is made of."""

    SKIN = 0
    EYE_LEFT = 1
    EYE_RIGHT = 2
    TONGUE = 3
    UPPER_TEETH = 4
    LOWER_TEETH = 5
    CLOTH = 7
    HIDDEN = 8
    CAVITY = 9  # inside of the mouth
    SOCKET = 10  # behind the eyeballs
    FRAME = 11  # glasses


class Textured(Protocol):
    """What is needed of a mesh: see ``vultus.person.mesh.PersonMesh``."""

    def __hash__(self) -> int: ...
    @property
    def rest(self) -> F32: ...
    @property
    def triangles(self) -> I32: ...
    @property
    def uv(self) -> F32: ...
    @property
    def uv_triangles(self) -> I32: ...
    @property
    def part(self) -> I32: ...


_KINDS: dict[str, Kind] = {
    "skin": Kind.SKIN, "eyeLeft": Kind.EYE_LEFT, "eyeRight": Kind.EYE_RIGHT, "tongue": Kind.TONGUE,
    "teethUpper": Kind.UPPER_TEETH, "teethLower": Kind.LOWER_TEETH, "shirt": Kind.CLOTH,
}  # fmt: skip


@lru_cache(maxsize=4)
def kinds(mesh: Textured) -> I32:
    """The :class:`Kind` of every triangle, [F], shared by all who ask; skin that has a place of its own in MakeHuman's
    UV map gets its own."""
    kind = np.array([_KINDS.get(name, Kind.HIDDEN) for name in PART_NAMES], np.int32)[mesh.part]
    u, v = mesh.uv[mesh.uv_triangles].mean(1).T
    kind[(kind == Kind.SKIN) & (u > 0.7) & (v < 0.14)] = Kind.CAVITY
    kind[(kind == Kind.SKIN) & (u < 0.16) & (v < 0.636)] = Kind.SOCKET
    return kind


@lru_cache(maxsize=4)
def painter_coordinates(mesh: Textured) -> F32:
    """The template's vertices [V, 3] in the painter's axes, whatever the origin of the mesh; shared by all who ask."""
    kind = kinds(mesh)
    eyes = mesh.rest[mesh.triangles[(kind == Kind.EYE_LEFT) | (kind == Kind.EYE_RIGHT)]].reshape(-1, 3)
    centre = 0.5 * (eyes.min(0) + eyes.max(0))
    return (mesh.rest + (TEMPLATE_EYES - centre)).astype(np.float32)


_TILES: dict[str, tuple[Tile, ...]] = {
    "head": ((0.004, 0.004, 0.70, 0.996),),
    "torso": ((0.715, 0.77, 0.995, 0.995),),
    "cavity": ((0.715, 0.672, 0.995, 0.76),),
    "socket": ((0.851, 0.53, 0.857, 0.655),),
    "eye_left": ((0.715, 0.525, 0.848, 0.66), (0.715, 0.445, 0.752, 0.485)),
    "eye_right": ((0.860, 0.525, 0.995, 0.66), (0.757, 0.445, 0.795, 0.485)),
    "tongue": ((0.715, 0.22, 0.848, 0.435),),
    "cloth": ((0.860, 0.22, 0.995, 0.435),),
    "upper_teeth": ((0.715, 0.11, 0.995, 0.21),),
    "lower_teeth": ((0.715, 0.005, 0.995, 0.10),),
}  # fmt: skip

_LAID_OUT = (Kind.TONGUE, Kind.UPPER_TEETH, Kind.LOWER_TEETH)
MOUTH_TILES = np.array([_TILES[row.name.lower()][0] for row in _LAID_OUT])
"""Left, bottom, right and top of the tiles of tongue, upper and lower teeth, over which their texture coordinates are
laid out from the start."""


def _island_tile(kind: Kind, uv: F64, rank: int) -> Tile:
    """The tile of an island of *kind*: the *rank*-th of its kind, front ones first."""
    name = kind.name.lower()
    if kind == Kind.SKIN:
        name = "torso" if uv[:, 0].mean() < 0.64 else "head"
    tiles = _TILES[name]
    return tiles[min(rank, len(tiles) - 1)]


def _density(position: F64, stretch: F64, weight: F64, low: F64, high: F64) -> F64:
    """Weighted mean of *stretch* (metres per uv) in 48 bins of *position*, smoothed; empty bins take the mean."""
    bins = 48
    index = np.clip(((position - low) / (high - low) * bins).astype(int), 0, bins - 1)
    total, count = np.bincount(index, stretch * weight, bins), np.bincount(index, weight, bins)
    mean = np.where(count > 0, total / np.maximum(count, 1e-12), stretch.mean())
    # The power gives eyes and mouth more than their share: a viewer looks there.
    return np.convolve(np.pad(mean, 2, "edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid") ** 1.4


def _spread(uv: F64, corners: I32, points: F64, focus: tuple[float, float, float], width: float) -> F64:
    """Map an island to the unit square so that columns and rows get room in proportion to the skin behind them.

    Skin within about *width* metres of *focus* counts in full, the rest hardly.
    """
    low, high = uv.min(0), uv.max(0)
    e1, e2 = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    t = uv[corners]
    d1, d2 = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    det = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
    good = np.abs(det) > 1e-12
    along_u = (e1 * d2[:, 1:] - e2 * d1[:, 1:])[good] / det[good, None]
    along_v = (e2 * d1[:, :1] - e1 * d2[:, :1])[good] / det[good, None]
    centre, middle = points.mean(1)[good], t.mean(1)[good]
    area = np.linalg.norm(np.cross(e1, e2), axis=1)[good]
    weight = area * (0.03 + np.exp(-((np.linalg.norm(centre - focus, axis=1) / width) ** 2)))
    out = np.empty_like(uv)
    for axis, direction in enumerate((along_u, along_v)):
        stretch = np.linalg.norm(direction, axis=1)
        density = _density(middle[:, axis], stretch, weight, low[axis], high[axis])
        edges = np.concatenate([[0], np.cumsum(density)])
        out[:, axis] = np.interp((uv[:, axis] - low[axis]) / (high[axis] - low[axis]), np.linspace(0, 1, 49), edges)
        out[:, axis] /= edges[-1]
    return out


def _flat_eye(points: F64, which: Kind) -> F64:
    """The front of an eyeball in the unit square by Lambert's equal-area projection, squeezed outside of the iris."""
    away = points - [EYE_X if which == Kind.EYE_LEFT else -EYE_X, EYE_Y, EYE_Z]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    flat = away[:, :2] * np.sqrt(2 / (1 + away[:, 2:]))
    radius = np.linalg.norm(flat, axis=1, keepdims=True)
    squeezed = np.where(radius < EYE_EVEN, radius, EYE_EVEN + EYE_SQUEEZE * (radius - EYE_EVEN))
    return np.asarray(0.5 + 0.5 * flat * squeezed / np.maximum(radius, 1e-9))


def eye_window(which: Kind) -> tuple[float, float, float, float]:
    """Where an eye's axis meets the atlas (u, v), and how far a unit of Lambert's projection reaches there (u, v)."""
    left, bottom, right, top = _TILES[which.name.lower()][0]
    return 0.5 * (left + right), 0.5 * (bottom + top), 0.5 * (right - left), 0.5 * (top - bottom)


def atlas_uv(mesh: Textured) -> F32:
    """Texture coordinates [VT, 2] of the atlas for the corners ``mesh.uv_triangles``, in [0, 1], v up."""
    tri, kind = mesh.uv_triangles, kinds(mesh)
    uv, points = mesh.uv.astype(np.float64), painter_coordinates(mesh).astype(np.float64)
    pairs = np.concatenate([tri[:, [0, 1]], tri[:, [1, 2]]])
    graph = scipy.sparse.coo_matrix((np.ones(len(pairs), bool), pairs.T), shape=(len(uv), len(uv)))
    _, island = scipy.sparse.csgraph.connected_components(graph, directed=False)
    corner_island = island[tri[:, 0]]
    first = {int(n): Kind(int(kind[np.argmax(corner_island == n)])) for n in np.unique(corner_island)}
    out = np.zeros_like(uv)
    for row in _LAID_OUT:
        members, tile = np.unique(tri[kind == row]), _TILES[row.name.lower()][0]
        out[members] = uv[members] * (np.array(tile[2:]) - tile[:2]) + tile[:2]
    names = [n for n, what in first.items() if what not in (Kind.HIDDEN, *_LAID_OUT)]
    # Front islands first: the visible half of each eye gets the big tile.
    names.sort(key=lambda n: -float(points[mesh.triangles[corner_island == n]][..., 2].mean()))
    seen: dict[Kind, int] = {}
    for n in names:
        rows, which = corner_island == n, first[n]
        members = np.flatnonzero(island == n)
        tile = _island_tile(which, uv[members], 0 if which == Kind.SKIN else seen.get(which, 0))
        seen[which] = seen.get(which, 0) + 1
        local = uv[members]
        if which == Kind.SKIN:
            # The middle of the face, or the neckline.
            focus, width = ((0, 0.69, 0.15), 0.055) if tile == _TILES["head"][0] else ((0, 0.57, 0.05), 0.10)
            number = np.full(len(uv), -1, np.int32)
            number[members] = np.arange(len(members))
            local = _spread(local, number[tri[rows]], points[mesh.triangles[rows]], focus, width)
        elif which in (Kind.EYE_LEFT, Kind.EYE_RIGHT) and tile == _TILES[which.name.lower()][0]:
            corners = np.zeros(len(uv), np.int64)
            corners[tri[rows]] = mesh.triangles[rows]
            local = _flat_eye(points[corners[members]], which)
        else:
            local = (local - local.min(0)) / np.maximum(np.ptp(local, axis=0), 1e-9)
        out[members] = local * (np.array(tile[2:]) - tile[:2]) + tile[:2]
    return out.astype(np.float32)
