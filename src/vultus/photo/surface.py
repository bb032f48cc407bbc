"""The face's own layer: which triangles it has, what each vertex shows of the photo, and what replaces the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import sparse

from vultus.observers.basis import template
from vultus.observers.fit import Fit
from vultus.person import landmarks as lm
from vultus.person.atlas import Kind, kinds
from vultus.person.mesh import PersonMesh
from vultus.photo import kernels, mouth
from vultus.photo.filters import F32, around, blur, distance, grown, polygon, sample, spread, step
from vultus.render.triangles import Rasteriser, vertex_normals

I32 = NDArray[np.int32]
Bools = NDArray[np.bool_]

_KINDS: Final = {
    Kind.SKIN: kernels.SKIN, Kind.SOCKET: kernels.SKIN, Kind.EYE_LEFT: kernels.EYE_LEFT,
    Kind.EYE_RIGHT: kernels.EYE_RIGHT, Kind.TONGUE: kernels.TONGUE, Kind.UPPER_TEETH: kernels.UPPER,
    Kind.LOWER_TEETH: kernels.LOWER, Kind.CAVITY: kernels.CAVITY,
}  # fmt: skip
_INNER: Final = (kernels.TONGUE, kernels.UPPER, kernels.LOWER)
_BELOW: Final = 0.19
"""Metres below the eyes down to which the mesh hides what lies behind it."""


@dataclass(frozen=True, eq=False)
class Maps:
    """Soft masks [H, W] of the photo: ``lips`` between the inner margins, ``eyes`` between the lids, ``face`` inside
    the outline, ``inside`` how much of it is the face's own layer; ``stack`` [H, W, 3 or 8] are ``kernels.face``'s, in
    the end with creases, grain and hair."""

    lips: F32
    eyes: F32
    face: F32
    inside: F32
    stack: F32


def maps(fit: Fit, near: F32) -> Maps:
    """The masks of the photo that *fit* belongs to; *near* [H, W] is where closed lids can be seen."""
    marks, size = fit.landmarks, fit.size
    unit = fit.eyes / 100
    shut = float(np.linalg.norm(marks[13] - marks[14]))
    lips = polygon(marks[list(lm.INNER_LIPS)], size)
    lips = lips * step(shut, 0.015 * fit.eyes, 0.035 * fit.eyes)
    left, right = polygon(marks[list(lm.LEFT_EYE)], size), polygon(marks[list(lm.RIGHT_EYE)], size)
    eyes = np.maximum(left, right)
    face = polygon(marks[list(lm.CONTOUR)], size)
    tall = float(np.linalg.norm(marks[152] - marks[10]))
    within = distance(face > 0.5)
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32) + 0.5
    # Towards the chin the face reaches to its outline, so that a jaw that drops covers the neck.
    axis = (marks[152] - marks[10]) / tall
    low = step((x - marks[10, 0]) * axis[0] + (y - marks[10, 1]) * axis[1], 0.62 * tall, 0.85 * tall)
    inside = step(within, 0.01 * tall, 0.09 * tall) * (1 - low) + step(within, 0.0, 0.025 * tall) * low
    stack = np.stack([grown(lips, 1.2 * unit), eyes, near], -1)
    return Maps(lips, eyes, face, inside, np.ascontiguousarray(stack, np.float32))


@dataclass(frozen=True, eq=False)
class Surface:
    """``triangles`` int32 [F, 3] and ``kinds`` int32 [F] as the kernels have them; ``points`` float32 [V,
    kernels.COLUMNS]; ``alpha`` [V]; ``fixed`` bool [V]: opaque whichever way it faces; ``skin`` the triangles of the
    skin alone; ``even`` [V, V] is the mean over a vertex and its neighbours; ``light`` [4] of the photo:
    constant and by the normal to the camera; ``lit`` [V] by it in the photo;
    ``sealed`` [3] the line between closed lips; ``colour`` [3] the skin's."""

    triangles: I32
    kinds: I32
    points: F32
    alpha: F32
    fixed: Bools
    skin: I32
    even: sparse.csr_matrix[np.float32]
    light: F32
    lit: F32
    sealed: F32
    colour: F32


def _of(mesh: PersonMesh, kind: I32, *which: Kind) -> Bools:
    out = np.zeros(len(mesh.neutral), bool)
    out[mesh.triangles[np.isin(kind, which)]] = True
    return out


def in_sight(screen: F32, triangles: I32, size: tuple[int, int], slack: float) -> Bools:
    """Which points [V, 3] (pixels, 1/z) are not hidden by *triangles*, within *slack* metres."""
    width, height = size
    scale = 2 if max(size) <= 1024 else 1
    raster = Rasteriser(height * scale, width * scale)
    fine = screen * np.array([scale, scale, 1], np.float32)
    raster.draw(np.ascontiguousarray(fine, np.float32), triangles)
    column, row = fine[:, 0].astype(int), fine[:, 1].astype(int)
    # The farthest of the nine pixels around: 1/z is least there.
    least = np.full(len(screen), np.inf, np.float32)
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            y, x = np.clip(row + down, 0, height * scale - 1), np.clip(column + right, 0, width * scale - 1)
            np.minimum(least, raster.inverse_depth[y, x], out=least)
    return np.asarray(1 / np.maximum(screen[:, 2], 1e-6) < 1 / np.maximum(least, 1e-6) + slack)


def surface(photo: F32, fit: Fit, areas: Maps, vertices: F32, seen: F32, screen: F32) -> Surface:
    """The face's layer of *photo* [H, W, 3]: *vertices* [V, 3] as the photo shows them, *seen* [V, 3] the same to the
    camera, *screen* [V, 3] their pixels and 1/z."""
    mesh = fit.mesh
    kind = kinds(template(mesh.subdivisions))
    drawn = np.isin(kind, list(_KINDS))
    high = vertices[mesh.triangles][:, :, 1].max(1) > -_BELOW
    triangles = np.ascontiguousarray(mesh.triangles[drawn & high])
    shown = np.ascontiguousarray(_table()[kind[drawn & high]])
    skin = np.ascontiguousarray(mesh.triangles[(kind == Kind.SKIN) | (kind == Kind.CLOTH)])
    on_skin = _of(mesh, kind, Kind.SKIN)
    eyes = _of(mesh, kind, Kind.EYE_LEFT, Kind.EYE_RIGHT)
    within = _of(mesh, kind, Kind.TONGUE, Kind.UPPER_TEETH, Kind.LOWER_TEETH, Kind.CAVITY)
    socket = _of(mesh, kind, Kind.SOCKET) & ~on_skin
    cavity = _of(mesh, kind, Kind.CAVITY) & ~on_skin
    within &= ~on_skin

    normals = vertex_normals(vertices, triangles)
    facing = (normals @ fit.rotation.T).astype(np.float32)
    pixels = screen[:, :2]
    alpha = sample(areas.inside, pixels)
    alpha = np.where(on_skin & (facing[:, 2] > 0.25), 0, alpha)
    fixed = within | eyes | socket | cavity
    alpha = np.where(fixed, 1, alpha).astype(np.float32)

    front = in_sight(screen, triangles, fit.size, 0.0012) & (facing[:, 2] < 0.05)
    between = sample(areas.lips, pixels) > 0.5
    upper = _of(mesh, kind, Kind.UPPER_TEETH) & between & (facing[:, 2] < 0.1)
    # Lower teeth and the tongue are never taken from the photo: under a smile they would get the upper teeth's white.
    visible = np.where(within, upper, front & on_skin).astype(np.float32)

    colour = sample(blur(photo, 0.01 * fit.eyes), pixels)
    room = 0.075 * fit.eyes
    near_eyes = np.full(photo.shape[:2], np.float32(2 * room + 2))
    box = around(areas.eyes >= 0.5, int(2 * room) + 2)
    near_eyes[box] = np.minimum(distance(areas.eyes[box] < 0.5), near_eyes[box])
    sound = on_skin & (visible > 0.5) & (facing[:, 2] < -0.25) & (sample(near_eyes, pixels) > room)
    sound &= (sample(grown(areas.lips, 0.02 * fit.eyes), pixels) < 0.1) & (sample(areas.face, pixels) > 0.5)
    if sound.sum() < 50:
        sound = on_skin & (facing[:, 2] < -0.2)
    tone = np.median(colour[sound], 0)
    # Eyes, teeth and tongue have colours of their own.
    near = neighbours(triangles[~np.isin(shown, [kernels.EYE_LEFT, kernels.EYE_RIGHT, *_INNER])], len(vertices))
    fill = spread(colour, sound, near, 60)
    light = fill.mean(1, keepdims=True)
    fill = fill * np.minimum(1, 0.97 * tone.mean() / np.maximum(light, 1e-3))
    red = on_skin & (visible > 0.5) & (sample(polygon(fit.landmarks[list(lm.OUTER_LIPS)], fit.size), pixels) > 0.7)
    red &= sample(areas.stack[..., 0], pixels) < 0.1
    lip = np.median(colour[red], 0) if red.sum() > 10 else 0.85 * tone
    fill = _lip_colours(mesh, fill, lip, visible, on_skin)
    fill = _mouth_colours(mesh, fill, tone, within, areas, photo)

    rows = np.concatenate([np.ones((int(sound.sum()), 1)), facing[sound]], 1)
    lamp = np.linalg.lstsq(rows, colour[sound].mean(1), rcond=None)[0].astype(np.float32)
    lit = np.maximum(lamp[0] + facing @ lamp[1:], 0.1).astype(np.float32)
    sealed = 0.70 * lip

    points = np.zeros((len(vertices), kernels.COLUMNS), np.float32)
    points[:, :2] = pixels
    points[:, kernels.ALPHA] = alpha
    points[:, kernels.SEEN] = visible
    points[:, kernels.GAIN] = 1
    points[:, kernels.FILL : kernels.FILL + 3] = fill
    points[:, kernels.PLACE] = mesh.rest[:, 0]
    return Surface(
        triangles,
        shown,
        points,
        alpha,
        fixed,
        skin,
        _averaging(near, alpha > 0),
        lamp,
        lit,
        sealed.astype(np.float32),
        tone.astype(np.float32),
    )


def neighbours(triangles: I32, count: int) -> sparse.csr_matrix[np.float32]:
    """Which of *count* vertices have an edge in common, as 0 and 1."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    near = sparse.csr_matrix((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), shape=(count, count))
    near = (near + near.T).tocsr()
    near.data[:] = 1
    return near


def _averaging(near: sparse.csr_matrix[np.float32], some: Bools) -> sparse.csr_matrix[np.float32]:
    """Means over a vertex and its neighbours among *some* [V] of the vertices, and over nothing for the others."""
    rows = sparse.diags(some.astype(np.float32)).tocsr()
    own: Any = rows @ (near + sparse.eye(len(some), dtype=np.float32, format="csr")) @ rows
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(np.asarray(own.sum(1)).ravel(), 1)).astype(np.float32) @ own)


def _table() -> I32:
    out = np.full(max(Kind) + 1, -1, np.int32)
    for kind, number in _KINDS.items():
        out[kind] = number
    return out


def _lip_colours(mesh: PersonMesh, fill: F32, lip: NDArray[np.float32], visible: F32, on_skin: Bools) -> F32:
    """*fill* [V, 3] with what of the lips the photo does not show: redder and darker further in."""
    ring = mouth.marks(mesh, mesh.neutral, list(lm.INNER_LIPS))
    ring = np.concatenate([ring * (1 - t) + np.roll(ring, -1, axis=0) * t for t in np.linspace(0, 0.8, 5)])
    some = np.flatnonzero(on_skin & (np.abs(mesh.neutral - ring.mean(0)) < 0.045).all(1))
    away = np.asarray(scipy.spatial.KDTree(ring).query(mesh.neutral[some])[0], np.float32)
    behind = ring[:, 2].mean() - mesh.neutral[some, 2]
    wet = lip * np.array([0.92, 0.80, 0.82], np.float32)
    colour = wet * (1 - 0.5 * step(behind, 0.001, 0.010))[:, None]
    share = (1 - step(away, 0.006, 0.012))[:, None] * (visible[some, None] < 0.5)
    near = (1 - step(away, 0.002, 0.005))[:, None] * (visible[some, None] >= 0.5)
    out = fill.copy()
    out[some] = fill[some] * (1 - share - near) + colour * share + 0.9 * lip * near
    # Where lips meet there is a line.
    out[some] *= 1 - 0.35 * np.exp(-((away / 0.0015) ** 2))[:, None]
    return out


def _mouth_colours(mesh: PersonMesh, fill: F32, tone: F32, within: Bools, areas: Maps, photo: F32) -> F32:
    """*fill* [V, 3] with the inside of the mouth: its own colours in the photo's light, teeth as white as seen."""
    own, enamel = mouth.albedo(mesh)
    white = np.array([0.86, 0.80, 0.72]) * min(1.12, 1.2 * float(tone.mean()) / 0.62)
    teeth = photo[scipy.ndimage.minimum_filter(areas.lips, 3) > 0.9]
    if len(teeth) > 40:
        bright = teeth.mean(1)
        teeth = teeth[bright > np.percentile(bright, 55)]
        # Only what is brighter and paler than the gums is a tooth.
        if teeth.mean() > 0.45 * tone.mean() and np.ptp(np.median(teeth, 0)) < 0.35:
            white = np.median(teeth, 0)
    deep = mouth.depth_light(mesh)[:, None]
    front = vertex_normals(mesh.neutral, mesh.triangles)[:, 2:]
    deep = deep * (0.55 + 0.45 * np.clip(front, 0, 1))
    # The light of the room tints flesh as it does skin.
    warm = tone / max(float(tone.mean()), 1e-3)
    flesh = own * float(tone.mean()) * 0.95 * (0.65 + 0.35 * warm)
    made = np.where(enamel[:, None], own * white, flesh) * deep**0.5
    return np.where(within[:, None], made, fill).astype(np.float32)
