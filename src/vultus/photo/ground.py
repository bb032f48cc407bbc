"""The layer of the whole person: a grid over the photo that follows the head, and what stands behind it.

Hair, ears and neck have no mesh: each node of the grid goes with the nearest place of the fitted head, less the further
it is away; how far it turns with the head fades from the jaw to the shoulders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import sparse

from vultus.observers.fit import Fit
from vultus.photo.backdrop import structured
from vultus.photo.filters import F32, blur, filled, nearest, resized, step
from vultus.render.triangles import Rasteriser

I32 = NDArray[np.int32]
_JAW = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454,
)  # fmt: skip
_CELLS = 128  # along the longer side
_SHARED = 2.0  # cells over which nodes share their moves
_FADE = 0.7  # heights of the face below the jaw at which nothing turns any more
_FLAT = 0.03  # metres behind the face's outline from which depth counts less: hair is not where the skull is
_SLOPE = 0.55
_UNCOVERED = 0.4  # heights of the face that a head that turns uncovers, at most


@dataclass(frozen=True, eq=False)
class Ground:
    """``shape`` rows and columns of the grid; ``points`` float32 [N, 3] nodes in the camera's metres, ``source`` [N, 2]
    in the photo's pixels, ``follow``
    sparse [N, V] what they take of the mesh's moves, ``rigid`` [N] in [0, 1] how far they turn with the head,
    ``triangles`` int32 [F, 3]; ``layer`` [H, W, 4] the person's colours and opacity; ``plate`` [H, W, 3]."""

    shape: tuple[int, int]
    points: F32
    source: F32
    follow: sparse.csr_matrix[np.float32]
    rigid: F32
    triangles: I32
    layer: F32
    plate: F32

    def moved(self, moves: F32) -> F32:
        """The nodes [N, 3] when the mesh has moved by *moves* [V, 3]. They share their moves with their neighbours, so
        that a chin that drops pushes the neck before it instead of covering it at once."""
        shared = np.asarray(self.follow @ moves, np.float32).reshape(*self.shape, 3)
        return self.points + blur(shared, _SHARED, 2.5).reshape(-1, 3)


def rigidity(points: F32, fit: Fit) -> F32:
    """How far places [N, 2] of the photo turn with the head: 1 above the jaw, 0 on the shoulders."""
    marks = fit.landmarks.astype(np.float64)
    axis = marks[152] - marks[10]
    tall = float(np.linalg.norm(axis))
    down = axis / tall
    across = np.array([down[1], -down[0]])
    local = (points - marks[152]) @ np.stack([across, down], 1)
    jaw = (marks[list(_JAW)] - marks[152]) @ np.stack([across, down], 1)
    order = np.argsort(jaw[:, 0])
    line = np.interp(local[:, 0], jaw[order, 0], jaw[order, 1])
    wide = float(np.ptp(jaw[:, 0]))
    side = np.clip((np.abs(local[:, 0] - jaw[:, 0].mean()) - 0.5 * wide) / (0.5 * wide), 0, 1)
    line = line * (1 - side) + side * np.maximum(line, -0.25 * tall)
    below = local[:, 1] - line
    rigid = 1 - step(below, -0.05 * tall, _FADE * tall)
    width, height = fit.size
    border = np.minimum(np.minimum(points[:, 0], width - points[:, 0]), height - points[:, 1])
    size = min(width, height)
    # What is far away is no head, whatever it is: an ellipse around the skull with room for hair.
    away = np.hypot(local[:, 0] / (0.45 * tall), (local[:, 1] + 0.55 * tall) / (0.75 * tall))
    rigid = rigid * (1 - step(away, 1.6, 2.3))
    # Below the jaw only the neck goes along, and what hangs close to it.
    rigid = rigid * (1 - step(below, 0, 0.3 * tall) * step(np.abs(local[:, 0]) / tall, 0.42, 0.85))
    return np.asarray(
        rigid * (1 - step(below, 0, 0.25 * tall) * (1 - step(border, 0.01 * size, 0.14 * size))), np.float32
    )


@dataclass(frozen=True, eq=False)
class Place:
    """What is known without the mesh: ``shape`` rows and columns of the grid, its nodes ``points`` float32 [N, 2] in
    pixels, ``rigid`` float32 [N], ``mask`` and ``opaque`` [H, W] the person, ``plate`` [H, W, 3] what stands behind and
    ``colours`` [H, W, 3] the person without it."""

    shape: tuple[int, int]
    points: F32
    rigid: F32
    mask: F32
    opaque: F32
    plate: F32
    colours: F32


def place(photo: F32, mask: F32, fit: Fit) -> Place:
    """Tell the person of *photo* [H, W, 3], who is *mask* [H, W], from what stands behind."""
    height, width = mask.shape
    tall = float(np.linalg.norm(fit.landmarks[152] - fit.landmarks[10]))
    cell = _cell(mask)
    columns, rows = round(width / cell) + 1, round(height / cell) + 1
    x, y = np.linspace(0, width, columns, dtype=np.float32), np.linspace(0, height, rows, dtype=np.float32)
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    rigid = blur(rigidity(points, fit).reshape(rows, columns), 2.0)
    opaque = step(mask, 0.15, 0.85)
    plate, colours = behind(photo, mask, opaque, resized(rigid, (width, height)), _UNCOVERED * tall)
    return Place((rows, columns), points, np.ascontiguousarray(rigid.ravel()), mask, opaque, plate, colours)


def _cell(mask: F32) -> float:
    return max(max(mask.shape) / _CELLS, 2.0)


def ground(
    place: Place, fit: Fit, seen: F32, screen: F32, outline: float, face: F32, skin: I32, loose: F32
) -> Ground:  # fmt: skip
    """The layer of the person at a *place*.

    *seen* [V, 3] are the mesh's camera points, *screen* [V, 3] their pixels and 1/z, *outline* how far the face's
    outline is away in metres, *face* [H, W] how much of each pixel the face's own layer draws, *skin* [F, 3] the
    triangles to follow, *loose* [H, W] how much of each pixel does not: hair over the forehead.
    """
    height, width = place.mask.shape
    rows, columns = place.shape
    tall = float(np.linalg.norm(fit.landmarks[152] - fit.landmarks[10]))
    points, rigid = place.points, place.rigid
    px, py = np.clip(points.astype(int), 0, [width - 1, height - 1]).T

    raster = Rasteriser(height, width)
    raster.draw(screen, skin)
    covered = scipy.ndimage.binary_erosion(raster.ids >= 0, np.ones((3, 3), np.bool_))
    away, near_y, near_x = nearest(covered)
    z: F32 = np.where(covered, 1 / np.maximum(raster.inverse_depth, 1e-6), 0)[near_y, near_x].astype(np.float32)
    unit = max(height, width) / 512
    far = np.clip(away / (8 * unit), 0, 1)
    z = z * (1 - far) + blur(z, 6 * unit) * far
    outline += _FLAT
    z = np.minimum(z, outline) + _SLOPE * np.maximum(z - outline, 0)
    beside = blur(1 - step(face, 0, 0.6), 4 * unit)
    z = z * (1 - beside) + blur(z, 0.05 * tall) * beside
    zs = z[py, px]
    nodes = np.concatenate([(points - fit.centre) / fit.focal * zs[:, None], zs[:, None]], 1)

    yy, xx = near_y[py, px], near_x[py, px]
    u, v = raster.bary[yy, xx, 0], raster.bary[yy, xx, 1]
    fade = np.exp(-((away[py, px] / (0.12 * tall)) ** 2)) * (1 - loose[py, px])
    share = np.stack([u, v, 1 - u - v], 1) * fade[:, None]
    some = fade > 1e-3
    where = np.repeat(np.flatnonzero(some), 3)
    follow = sparse.csr_matrix(
        (share[some].ravel(), (where, skin[raster.ids[yy, xx][some]].ravel())), shape=(len(points), len(seen))
    ).astype(np.float32)

    number = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1).reshape(-1, 4)
    around = scipy.ndimage.maximum_filter((place.mask > 0.05).astype(np.uint8), 2 * int(np.ceil(_cell(place.mask))) + 1)
    moves = (rigid > 1e-3) | (fade > 1e-3)
    quads = quads[((around[py, px] > 0) & moves)[quads].any(1)]
    triangles = np.ascontiguousarray(np.concatenate([quads[:, [0, 2, 1]], quads[:, [0, 3, 2]]]), np.int32)
    layer = np.ascontiguousarray(np.concatenate([place.colours, place.opaque[..., None]], -1), np.float32)
    return Ground(place.shape, nodes.astype(np.float32), points, follow, rigid, triangles, layer, place.plate)


def behind(photo: F32, mask: F32, opaque: F32, rigid: F32, reach: float) -> tuple[F32, F32]:
    """What stands behind the person where it can come to light [H, W, 3], up to *reach* pixels inside the outline, and
    the person's colours without it."""
    height, width = mask.shape
    unit = max(height, width) / 512
    hole = scipy.ndimage.maximum_filter((mask > 0.06).astype(np.uint8), 2 * round(5 * unit) + 1) > 0
    made = structured(photo, hole, filled(photo, hole), reach)
    soft = np.maximum(blur(hole.astype(np.float32), 1.5 * unit), hole) * step(rigid, 0.01, 0.12)
    plate = photo * (1 - soft[..., None]) + made * soft[..., None]
    _, row, column = nearest(opaque > 0.95) if (opaque > 0.95).any() else nearest(opaque > 0)
    inner = blur(blur(photo, 1.0 * unit)[row, column], 2.0 * unit)
    share = (1 - opaque)[..., None]
    return np.ascontiguousarray(plate, np.float32), photo * (1 - share) + inner * share
