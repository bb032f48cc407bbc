"""Strands of hair: what a hairstyle is made of, and how strands follow the person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.person.atlas import Kind, kinds
from vultus.person.drawn import corners_of
from vultus.person.jit import fast, part
from vultus.person.mesh import PersonMesh

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Groom:
    """Strands of one kind of hair of one person at rest; a person's hair is a tuple of these.

    ``points`` float32 [N, P, 3] metres, world coordinates at rest (``PersonMesh.neutral`` of the bust with one
    subdivision), ``[:, 0]`` being the roots on the skin; ``triangle`` int32 [N] the row of ``mesh.triangles`` that
    each root sits on and ``bary`` float32 [N, 2] the weights of that triangle's first two corners; ``width`` float32
    [N] the diameter in metres as drawn (a strand may stand for a small clump: 0.1 to 1.2 mm), which tapers to the
    tip; ``colour`` float32 [N, 3] the linear RGB albedo.

    Per point, float32 [N, P] in [0, 1]: ``follow`` is how far a point follows its root's frame (1) rather than the
    torso (0), because long hair rests on shoulders; ``sway`` how far inertia carries it, 0 at roots; ``open`` the
    share of light that gets there inside the volume of the hair. ``lid`` marks lashes, which turn about the eyeball
    with the lid that they root on.

    Strands come in shuffled order, so that every prefix is an even sample. Raises VultusError on arrays that do not
    fit together.
    """

    points: F32
    triangle: I32
    bary: F32
    width: F32
    colour: F32
    follow: F32
    sway: F32
    open: F32
    lid: bool = False

    def __post_init__(self) -> None:
        n, p = self.points.shape[:2] if self.points.ndim == 3 else (-1, -1)
        shapes = {
            "points": (n, p, 3), "triangle": (n,), "bary": (n, 2), "width": (n,), "colour": (n, 3),
            "follow": (n, p), "sway": (n, p), "open": (n, p),
        }  # fmt: skip
        for name, shape in shapes.items():
            kind = np.int32 if name == "triangle" else np.float32
            value = getattr(self, name)
            if value.shape != shape or value.dtype != kind:
                raise VultusError(f"{name} of strands must be {kind.__name__} {shape}, not {value.dtype} {value.shape}")
        if p < 2:
            raise VultusError("A strand needs at least two points")

    def __len__(self) -> int:
        """The number of strands."""
        return len(self.points)


def chosen(groom: Groom, which: slice | NDArray[np.int64]) -> Groom:
    """The strands *which* of a groom, in that order."""
    return replace(
        groom, points=groom.points[which], triangle=groom.triangle[which], bary=groom.bary[which],
        width=groom.width[which], colour=groom.colour[which], follow=groom.follow[which], sway=groom.sway[which],
        open=groom.open[which],
    )  # fmt: skip


def thinned(groom: Groom, share: float) -> Groom:
    """The first *share* in (0, 1] of the strands, widened so that they cover as much, and more alike in colour."""
    count = max(1, round(len(groom) * min(share, 1.0))) if len(groom) else 0
    if count == len(groom):
        return groom
    some = chosen(groom, slice(count))
    each = len(groom) / count
    # A strand that stands for several has their mean colour, which varies less: single grey hairs must not grow wide.
    mean = groom.colour.mean(0)
    colour = mean + (some.colour - mean) * np.float32(each**-0.5)
    # Not in full, because wide strands overlap less.
    return replace(some, colour=colour, width=some.width * np.float32(each**0.75))


RIGID, SHIFTED, TURNED, LID = range(4)
"""How a strand follows: the skull; the skull but for its root, which the skin shifts; the skin's frame; the eyelid."""
_STILL, _MOBILE = 0.0003, 0.004  # metres that skin moves at most: below it is bone, above strands turn with it
_SHORT, _CROPPED = 0.016, 0.05  # metres; shorter strands turn with any skin, and with that of the nape


@dataclass(frozen=True, eq=False)
class Anchors:
    """Vertices that move with the skull and with the torso alone.

    ``skull`` and ``torso`` int32 [K] number vertices of the mesh; ``eyes`` float64 [2, 3] are the centres of the left
    and right eyeball at rest, ``centre`` [3] is that of the cranium.
    """

    skull: I32
    torso: I32
    eyes: F64
    centre: F64


@lru_cache(maxsize=4)
def mobility(mesh: PersonMesh) -> F32:
    """How far expressions move each vertex at most, [V] metres."""
    top = mesh.topology
    return top.refine(np.linalg.norm(top.expression, axis=2).max(0))


@lru_cache(maxsize=4)
def headed(mesh: PersonMesh) -> F32:
    """How far each vertex goes with the head rather than with the neck, [V] in [0, 1]."""
    top = mesh.topology
    return top.refine((top.skin_weights * (top.skin_joints == mesh.joints.names.index("head"))).sum(1))


def _some(mask: NDArray[np.bool_]) -> I32:
    """About 48 numbers spread evenly among those that *mask* marks."""
    every = np.flatnonzero(mask)
    return every[:: max(1, len(every) // 48)].astype(np.int32)


@lru_cache(maxsize=4)
def anchors(mesh: PersonMesh) -> Anchors:
    """The vertices of *mesh* whose fit gives the frames of skull and torso."""
    head = headed(mesh)
    drawn = np.zeros(len(mesh.neutral), bool)
    drawn[mesh.triangles[kinds(mesh) == Kind.SKIN]] = True
    bone = drawn & (mobility(mesh) < 0.3 * _STILL)
    skull = _some(bone & (head > 0.999))
    low = mesh.neutral[:, 1] < mesh.joints.position("neck")[1] - 0.01
    torso = _some(bone & low & (head < 1e-4))
    ears = 0.5 * (mesh.neutral[mesh.landmark("earLeft")] + mesh.neutral[mesh.landmark("earRight")])
    centre = ears.astype(np.float64) + np.array([0, 0.03, 0.01])
    return Anchors(skull, torso, np.stack(mesh.eye_centres).astype(np.float64), centre)


def rigid_fit(source: F64, target: F32) -> F32:
    """The rotation and shift [3, 4] that take points *source* [K, 3] nearest to *target* (Kabsch 1976).

    Points of *target* that are not finite do not count; with fewer than 4 others the answer is NaN.
    """
    sums = np.zeros((4, 4))
    _moments(source, np.ascontiguousarray(target, np.float32), sums)
    count = sums[3, 3]
    if count < 4:
        return np.full((3, 4), np.nan, np.float32)
    a, b = sums[:3, 3] / count, sums[3, :3] / count
    u, _, vt = np.linalg.svd(sums[:3, :3] - count * a[:, None] * b)
    turn = u @ vt
    if np.linalg.det(turn) < 0:
        u[:, 2] *= -1
        turn = u @ vt
    out = np.empty((3, 4), np.float32)
    out[:, :3], out[:, 3] = turn.T, b - a @ turn
    return out


@fast
def _moments(a: np.ndarray, b: np.ndarray, sums: np.ndarray) -> None:
    """Add up over the pairs of points *a* and *b* [K, 3] with finite b: a b^T, a, b and 1, as one matrix [4, 4]."""
    for n in range(a.shape[0]):
        x, y, z = np.float64(b[n, 0]), np.float64(b[n, 1]), np.float64(b[n, 2])
        if abs(x) < 1e6 and abs(y) < 1e6 and abs(z) < 1e6:
            for c in range(4):
                w = a[n, c] if c < 3 else 1.0
                sums[c, 0] += w * x
                sums[c, 1] += w * y
                sums[c, 2] += w * z
                sums[c, 3] += w


@dataclass(frozen=True, eq=False)
class Binding:
    """How the strands of a groom hang on the mesh: what the kernel that moves them needs.

    ``mode`` uint8 [N]; ``corners`` int32 [N, 3] vertices and ``weights`` float32 [N, 3] of the roots; ``tangent``
    float32 [N, 4] makes two tangents from the root triangle's edges, which with the normal are the columns of
    ``frame`` float32 [N, 3, 3] at rest; ``pivot`` float32 [N, 3] is the eyeball that a lash turns about.
    """

    mode: NDArray[np.uint8]
    corners: I32
    weights: F32
    tangent: F32
    frame: F32
    pivot: F32


def bind(groom: Groom, mesh: PersonMesh, number: I32, normals: F32, coarse: bool = False) -> Binding:
    """Hang *groom* on *mesh*.

    *number* int32 [V] says which row of the posed vertices each vertex of the mesh is (``drawn.rows_of``, of which
    *coarse* says the same); *normals* float32 [D, 3] are the normals of these rows at rest.
    """
    corners, weights = corners_of(mesh, groom.triangle, groom.bary, coarse)
    moves = (mobility(mesh)[corners] * weights).sum(1)
    length = np.linalg.norm(np.diff(groom.points, axis=1), axis=2).sum(1)
    # The skin of the nape goes with the neck in part.
    neck = ((1 - headed(mesh)[corners]) * weights).sum(1)
    turned = (moves > _MOBILE) | (length < _SHORT) | (neck > 0.05) & (length < _CROPPED)
    mode = np.where((moves < _STILL) & (neck < 0.01), RIGID, np.where(turned, TURNED, SHIFTED))
    if groom.lid:
        mode[:] = LID
    places = mesh.neutral.astype(np.float64)
    normal = (normals[number[corners]] * weights[..., None]).sum(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    e1, e2 = places[corners[:, 1]] - places[corners[:, 0]], places[corners[:, 2]] - places[corners[:, 0]]
    # In the plane of the triangle, the direction nearest to up, and the one across; as sums of the edges.
    flat = np.cross(e1, e2)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-20)
    up = np.where(np.abs(flat[:, 1:2]) > 0.9, [[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]])
    up = up - (up * flat).sum(1, keepdims=True) * flat
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    edges = np.stack([e1, e2], 2)
    tangent = np.linalg.pinv(edges) @ np.stack([up, np.cross(up, flat)], 2)
    eyes = anchors(mesh).eyes
    root = groom.points[:, 0]
    nearest = np.linalg.norm(root[:, None] - eyes[None], axis=2).argmin(1)
    tangent = np.ascontiguousarray(tangent.transpose(0, 2, 1).reshape(-1, 4), np.float32)
    frame = np.empty((len(groom), 3, 3), np.float32)
    _frames(np.ascontiguousarray(places[corners], np.float32), np.ascontiguousarray(normal, np.float32), tangent, frame)
    return Binding(
        mode.astype(np.uint8), np.ascontiguousarray(number[corners], np.int32), weights.astype(np.float32), tangent,
        frame, eyes[nearest].astype(np.float32),
    )  # fmt: skip


@part
def _frame(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, nx: float, ny: float, nz: float,
    t: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Columns up, across and normal of a triangle with edges a and b; the mean of two tangents, so that shear of
    the skin turns nothing (the rotation of the polar decomposition)."""
    ux, uy, uz = t[0] * ax + t[1] * bx, t[0] * ay + t[1] * by, t[0] * az + t[1] * bz
    sx, sy, sz = t[2] * ax + t[3] * bx, t[2] * ay + t[3] * by, t[2] * az + t[3] * bz
    # Across is up x normal, so normal x across is up again.
    ux, uy, uz = ux + ny * sz - nz * sy, uy + nz * sx - nx * sz, uz + nx * sy - ny * sx
    d = ux * nx + uy * ny + uz * nz
    ux, uy, uz = ux - d * nx, uy - d * ny, uz - d * nz
    r = np.float32(1.0) / np.sqrt(ux * ux + uy * uy + uz * uz + np.float32(1e-20))
    ux, uy, uz = ux * r, uy * r, uz * r
    out[0, 0], out[1, 0], out[2, 0] = ux, uy, uz
    out[0, 1], out[1, 1], out[2, 1] = uy * nz - uz * ny, uz * nx - ux * nz, ux * ny - uy * nx
    out[0, 2], out[1, 2], out[2, 2] = nx, ny, nz


@fast
def _frames(corners: np.ndarray, normals: np.ndarray, tangent: np.ndarray, out: np.ndarray) -> None:
    """The frames [N, 3, 3] of triangles [N, 3, 3] with unit normals [N, 3]."""
    for n in range(corners.shape[0]):
        a, b, c = corners[n, 0], corners[n, 1], corners[n, 2]
        _frame(
            b[0] - a[0], b[1] - a[1], b[2] - a[2], c[0] - a[0], c[1] - a[1], c[2] - a[2],
            normals[n, 0], normals[n, 1], normals[n, 2], tangent[n], out[n],
        )  # fmt: skip


@part
def _turn_between(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """The smallest rotation [3, 3] that takes the direction of *a* [3] to that of *b* [3]."""
    one = np.float32(1.0)
    ra = one / np.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2] + np.float32(1e-20))
    rb = one / np.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2] + np.float32(1e-20))
    cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) * ra * rb
    x = (a[1] * b[2] - a[2] * b[1]) * ra * rb
    y = (a[2] * b[0] - a[0] * b[2]) * ra * rb
    z = (a[0] * b[1] - a[1] * b[0]) * ra * rb
    k = one / max(one + cosine, np.float32(0.05))
    out[0, 0], out[0, 1], out[0, 2] = cosine + k * x * x, k * x * y - z, k * x * z + y
    out[1, 0], out[1, 1], out[1, 2] = k * x * y + z, cosine + k * y * y, k * y * z - x
    out[2, 0], out[2, 1], out[2, 2] = k * x * z - y, k * y * z + x, cosine + k * z * z


@fast
def move(
    first: int,
    last: int,
    points: np.ndarray,
    follow: np.ndarray,
    sway: np.ndarray,
    mode: np.ndarray,
    corners: np.ndarray,
    weights: np.ndarray,
    tangent: np.ndarray,
    frame: np.ndarray,
    pivot: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    skull: np.ndarray,
    torso: np.ndarray,
    lag: np.ndarray,
    out: np.ndarray,
) -> None:
    """Pose the strands [first, last) of *points* [N, P, 3] into *out*.

    *vertices* and *normals* [D, 3] are the posed mesh, *skull* and *torso* [3, 4] the rigid frames, and *lag* [3, 3]
    what inertia adds where ``sway`` is 1: a shift in metres, a rotation vector, and the point that it turns about.
    The other arrays are those of :class:`Groom` and :class:`Binding`.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    turn, now, a, b, smallest = (
        np.empty((3, 3), np.float32), np.empty((3, 3), np.float32), np.empty(3, np.float32), np.empty(3, np.float32),
        np.empty((3, 3), np.float32),
    )  # fmt: skip
    swings = lag[0, 0] != 0 or lag[0, 1] != 0 or lag[0, 2] != 0 or lag[1, 0] != 0 or lag[1, 1] != 0 or lag[1, 2] != 0
    for n in range(first, last):
        rx, ry, rz = points[n, 0, 0], points[n, 0, 1], points[n, 0, 2]
        what = mode[n]
        for i in range(3):
            for j in range(3):
                turn[i, j] = skull[i, j]
        if what == RIGID:
            x, y, z = (
                skull[0, 0] * rx + skull[0, 1] * ry + skull[0, 2] * rz + skull[0, 3],
                skull[1, 0] * rx + skull[1, 1] * ry + skull[1, 2] * rz + skull[1, 3],
                skull[2, 0] * rx + skull[2, 1] * ry + skull[2, 2] * rz + skull[2, 3],
            )
        else:
            i, j, k = corners[n, 0], corners[n, 1], corners[n, 2]
            u, v, w = weights[n, 0], weights[n, 1], weights[n, 2]
            x = u * vertices[i, 0] + v * vertices[j, 0] + w * vertices[k, 0]
            y = u * vertices[i, 1] + v * vertices[j, 1] + w * vertices[k, 1]
            z = u * vertices[i, 2] + v * vertices[j, 2] + w * vertices[k, 2]
            if what == TURNED:
                nx = u * normals[i, 0] + v * normals[j, 0] + w * normals[k, 0]
                ny = u * normals[i, 1] + v * normals[j, 1] + w * normals[k, 1]
                nz = u * normals[i, 2] + v * normals[j, 2] + w * normals[k, 2]
                r = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-20))
                _frame(
                    vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2],
                    vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2],
                    nx * r, ny * r, nz * r, tangent[n], now,
                )  # fmt: skip
                for p in range(3):
                    for q in range(3):
                        turn[p, q] = (
                            now[p, 0] * frame[n, q, 0] + now[p, 1] * frame[n, q, 1] + now[p, 2] * frame[n, q, 2]
                        )
            elif what == LID:
                for p in range(3):
                    a[p] = (
                        skull[p, 0] * (rx - pivot[n, 0])
                        + skull[p, 1] * (ry - pivot[n, 1])
                        + skull[p, 2] * (rz - pivot[n, 2])
                    )
                b[0] = a[0] + x - (skull[0, 0] * rx + skull[0, 1] * ry + skull[0, 2] * rz + skull[0, 3])
                b[1] = a[1] + y - (skull[1, 0] * rx + skull[1, 1] * ry + skull[1, 2] * rz + skull[1, 3])
                b[2] = a[2] + z - (skull[2, 0] * rx + skull[2, 1] * ry + skull[2, 2] * rz + skull[2, 3])
                # A lid rolls as it slides, so that lashes turn further than it moves around the eyeball.
                for p in range(3):
                    b[p] += np.float32(0.9) * (b[p] - a[p])
                _turn_between(a, b, smallest)
                for p in range(3):
                    for q in range(3):
                        turn[p, q] = (
                            smallest[p, 0] * skull[0, q] + smallest[p, 1] * skull[1, q] + smallest[p, 2] * skull[2, q]
                        )
        for s in range(points.shape[1]):
            dx, dy, dz = points[n, s, 0] - rx, points[n, s, 1] - ry, points[n, s, 2] - rz
            px = x + turn[0, 0] * dx + turn[0, 1] * dy + turn[0, 2] * dz
            py = y + turn[1, 0] * dx + turn[1, 1] * dy + turn[1, 2] * dz
            pz = z + turn[2, 0] * dx + turn[2, 1] * dy + turn[2, 2] * dz
            if follow[n, s] < one:
                f, ox, oy, oz = follow[n, s], points[n, s, 0], points[n, s, 1], points[n, s, 2]
                e = one - f
                px = f * px + e * (torso[0, 0] * ox + torso[0, 1] * oy + torso[0, 2] * oz + torso[0, 3])
                py = f * py + e * (torso[1, 0] * ox + torso[1, 1] * oy + torso[1, 2] * oz + torso[1, 3])
                pz = f * pz + e * (torso[2, 0] * ox + torso[2, 1] * oy + torso[2, 2] * oz + torso[2, 3])
            if swings and sway[n, s] > zero:
                g = sway[n, s]
                hx, hy, hz = px - lag[2, 0], py - lag[2, 1], pz - lag[2, 2]
                px += g * (lag[0, 0] + lag[1, 1] * hz - lag[1, 2] * hy)
                py += g * (lag[0, 1] + lag[1, 2] * hx - lag[1, 0] * hz)
                pz += g * (lag[0, 2] + lag[1, 0] * hy - lag[1, 1] * hx)
            out[n, s, 0], out[n, s, 1], out[n, s, 2] = px, py, pz
