"""The photo as a texture: what it shows of every place of the fitted person, laid out on the person's atlas."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.mesh import split_seams
from vultus.observers.basis import template
from vultus.person.atlas import Kind, atlas_uv, kinds
from vultus.photo import kernels
from vultus.photo.filters import F32, nearest, sample, spread, step
from vultus.photo.scene import Scene, to_camera
from vultus.photo.surface import in_sight, neighbours
from vultus.render.triangles import Rasteriser, vertex_normals

U8 = NDArray[np.uint8]
SIDE: Final = 1024
"""Pixels along each side of the texture."""
_SLACK = 0.004  # metres by which one place may lie behind another and still count as seen
_FAR = 400  # vertices over which colours are carried, to the back of the head


def texture(scene: Scene, side: int = SIDE) -> U8:
    """The atlas of ``person.atlas.atlas_uv`` as sRGB uint8 [*side*, *side*, 3], row 0 at v = 1.

    What the photo does not show takes colours from around it; eyes, teeth and tongue are the head's own.
    """
    mesh = scene.fit.mesh
    base = template(mesh.subdivisions)
    points = _points(scene)
    _, triangles, uv, source = split_seams(mesh.neutral, mesh.triangles, atlas_uv(base), mesh.uv_triangles)
    flat = np.stack([uv[:, 0] * side, (1 - uv[:, 1]) * side, np.ones(len(uv), np.float32)], 1).astype(np.float32)
    raster = Rasteriser(side, side)
    raster.draw(np.ascontiguousarray(flat), triangles, cull="none")
    covered = raster.ids >= 0
    which, bary = raster.ids[covered], raster.bary[covered]
    shares = (bary[:, 0], bary[:, 1], 1 - bary[:, 0] - bary[:, 1])
    rows = np.zeros((len(which), kernels.COLUMNS), np.float32)
    for corner, share in zip(triangles[which].T, shares, strict=True):
        rows += share[:, None] * points[source[corner]]
    out = np.zeros((side, side, 3), np.float32)
    out[covered] = _colours(scene, rows, kinds(base)[which])
    _, row, column = nearest(covered)
    return np.asarray(np.clip(out[row, column], 0, 1) * 255 + 0.5, np.uint8)


def _points(scene: Scene) -> F32:
    """``Surface.points`` [V, COLUMNS] for all of the person: clothes and the back of the head, too."""
    fit = scene.fit
    mesh, kind = fit.mesh, kinds(template(fit.mesh.subdivisions))
    _, screen = to_camera(fit, scene.home)
    outer = np.ascontiguousarray(mesh.triangles[np.isin(kind, (Kind.SKIN, Kind.CLOTH))])
    facing = -(vertex_normals(scene.home, outer) @ fit.rotation[2].astype(np.float32))
    inside = ((screen[:, :2] > 1) & (screen[:, :2] < np.array(fit.size) - 1)).all(1)
    on_skin = np.zeros(len(mesh.neutral), bool)
    on_skin[outer] = True
    person = sample(scene.ground.layer[..., 3], screen[:, :2])
    shown = step(facing, 0.1, 0.4) * in_sight(screen, outer, fit.size, _SLACK) * inside * step(person, 0.5, 0.9)
    points = scene.base.copy()
    rest = on_skin & (scene.surface.alpha <= 0)
    colour = sample(scene.photo, screen[:, :2])
    carried = spread(colour, on_skin & (shown > 0.9), neighbours(outer, len(points)), _FAR)
    points[rest, kernels.FILL : kernels.FILL + 3] = carried[rest]
    # What the face's layer shows at its edge is the same photo; only hidden places fade.
    points[on_skin, kernels.SEEN] = np.where(rest, shown, points[:, kernels.SEEN] * step(facing, 0.02, 0.3))[on_skin]
    return points


def _colours(scene: Scene, rows: F32, kind: NDArray[np.int32]) -> F32:
    """Colours [N, 3] of places whose columns are *rows* [N, COLUMNS], by what they are made of, [N]."""
    pixels = rows[:, kernels.SOURCE : kernels.SOURCE + 2]
    out = rows[:, kernels.FILL : kernels.FILL + 3].copy()
    outer = np.isin(kind, (Kind.SKIN, Kind.CLOTH))
    hidden = np.maximum(*np.moveaxis(sample(scene.areas.stack[..., :2], pixels[outer]), -1, 0))
    share = (rows[outer, kernels.SEEN] * (1 - hidden))[:, None]
    out[outer] = share * sample(scene.photo, pixels[outer]) + (1 - share) * out[outer]
    for number, eye in enumerate((Kind.EYE_LEFT, Kind.EYE_RIGHT)):
        some = kind == eye
        half = 0.5 * scene.eyes.shape[1]
        place = rows[some, kernels.PLACE : kernels.PLACE + 2]
        out[some] = sample(scene.eyes[number], np.stack([(1 + place[:, 0]) * half, (1 - place[:, 1]) * half], -1))
    return out
