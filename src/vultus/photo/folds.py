"""Skin that folds: the creases of the drawn people, laid over a photo by the light that falls on it.

A photo shows the creases of its own expression only. Those of others are painted as heights (``person.relief``) and
turned into what they do to the skin's light; ``person.creases`` says where and when they show.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.observers.basis import template
from vultus.observers.fit import Fit
from vultus.person import pigment
from vultus.person.atlas import painter_coordinates
from vultus.person.creases import Creases, creases, fold
from vultus.person.jit import fast
from vultus.person.relief import lines
from vultus.photo.filters import F32, blur, hull, resized, step
from vultus.render.triangles import Rasteriser

I32 = NDArray[np.int32]

SETS: Final = 3
_DEPTH: Final = 5.5e-4  # metres: that of a drawn person of about sixty
_DEPTHS: Final = {
    pigment.FOREHEAD: 1.2, pigment.CROWS: 0.8, pigment.FROWN: 1.1, pigment.FOLDS: 0.6, pigment.BAGS: 0.6,
    pigment.PLEATS: 0.35,
}  # fmt: skip
_SOFT: Final = (0.0010, 0.0008, 0.0006)  # metres by which each set is blurred: nobody knows how old skin is
_ROOM: Final = 0.25  # distances between the eyes around the landmarks in which there is skin to crease
_FRONT: Final = 0.055  # metres, in the painter's axes, behind which nothing creases
_CHEEK: Final = 0.70  # metres, in the painter's axes, from which on downwards there is a mouth
_SHARP: Final = 0.2  # of lines in [0, 1], which get narrower with age
_HOLLOW: Final = 0.42  # of the light that does not reach the ground of a crease
_REACH: Final = 0.0022  # metres around a place that its hollows are measured against
_ODD: Final = 0.22  # of its light that a place may differ by from the skin around it and still be skin


@fast
def _heights(
    first: int, stop: int, some: np.ndarray, place: np.ndarray, settings: np.ndarray, sharp: float, out: np.ndarray
) -> None:
    """Rows of the heights *out* [H, W, 3] at the places [H, W, 3] in painter metres that are wanted, *some* [H, W]."""
    deep = np.zeros(3)
    for y in range(first, stop):
        for x in range(some.shape[1]):
            if some[y, x]:
                lines(place[y, x, 0], place[y, x, 1], place[y, x, 2], 0.0, settings, sharp, deep)
                for n in range(3):
                    out[y, x, n] = deep[n]


@lru_cache(maxsize=2)
def _where(subdivisions: int) -> tuple[Creases, F32]:
    """The creases of the template's vertices, and where these lie [V, 3] in painter metres."""
    places = painter_coordinates(template(subdivisions))
    return creases(places), places


@dataclass(frozen=True, eq=False)
class Folds:
    """``rows`` int32 [N] are the vertices that fold at all, by ``creases``; ``own`` [N, 3] how far the photo shows them
    folded."""

    rows: I32
    creases: Creases
    own: F32

    def of(self, shown: F32) -> F32:
        """How much more than in the photo each set shows at ``rows`` [N, 3] in the frame *shown* [69]."""
        return np.maximum(_folded(shown, self.creases) - self.own, 0)


def folds(fit: Fit) -> Folds:
    """Which vertices of *fit* fold."""
    c = _where(fit.mesh.subdivisions)[0]
    return Folds(c.rows, c, _folded(fit.row, c))


def _folded(row: F32, c: Creases) -> F32:
    """How far each set shows at ``c.rows`` [N, 3] in the frame *row* [69]."""
    out = np.zeros((len(c.rows), SETS), np.float32)
    fold(np.array(row, np.float32), np.arange(len(out), dtype=np.int32), c.start, c.channel, c.share, out)
    return out


def painted(photo: F32, fit: Fit, screen: F32, skin: I32, light: F32, lit: F32) -> F32:
    """What each set of creases adds [H, W, 3] to the light of the skin in *photo* [H, W, 3] when it shows fully, as a
    share of it.

    *screen* [V, 3] are the vertices' pixels and 1/z, *skin* int32 [F, 3] its triangles; *light* [4] is the photo's,
    constant and by the normal to the camera, *lit* [V] what each vertex gets of it.
    """
    out = np.zeros((*photo.shape[:2], SETS), np.float32)
    low, high = hull([fit.landmarks])
    room = _ROOM * fit.eyes
    left, top = np.maximum(low - room, 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + room), fit.size).astype(int)
    height, width = bottom - top, right - left
    if min(height, width) < 8:
        return out
    raster = Rasteriser(height, width)
    raster.draw(np.ascontiguousarray(screen - np.array([left, top, 0], np.float32)), skin)
    some = raster.ids >= 0
    corner, share = skin[raster.ids[some]], raster.bary[some]
    share = np.stack([share[:, 0], share[:, 1], 1 - share.sum(1)], 1)
    place = np.zeros((height, width, 3), np.float32)
    place[some] = np.einsum("pci,pc->pi", _where(fit.mesh.subdivisions)[1][corner], share)
    around = np.full((height, width), float(light[0]), np.float32)
    around[some] = (lit[corner] * share).sum(1)
    pixel = float(fit.translation[2]) / fit.focal
    made = _raised(place, some & (place[..., 2] > _FRONT), pixel)
    across, down = (scipy.ndimage.sobel(made, axis=axis) / (8 * pixel) for axis in (1, 0))
    turned = -(light[1] * across + light[2] * down) / np.maximum(around, 0.05)[..., None]
    hollow = np.clip((blur(made, _REACH / pixel) - made) / _DEPTH, 0, 1)
    box = slice(top, bottom), slice(left, right)
    out[box] = (turned - _HOLLOW * hollow) * _bare(photo[box], fit.eyes, some)[..., None]
    return out


def _raised(place: F32, front: NDArray[np.bool_], pixel: float) -> F32:
    """The heights of the sets in metres [H, W, 3] at places [H, W, 3] of the face's *front*, *pixel* metres wide."""
    settings = np.zeros(max(pigment.MOUTH_TONE, pigment.PLEATS) + 1)
    settings[list(_DEPTHS)] = list(_DEPTHS.values())
    made = np.zeros_like(place)
    _heights(0, len(place), front, place, settings, _SHARP, made)
    # Around the mouth skin is pushed together, and lines with it.
    made *= np.where(place[..., 1:2] < _CHEEK, 0.45, 0.75) ** np.array([1, 0, 0.7])
    # Lines that are thinner than a pixel would glitter.
    return np.stack([blur(_DEPTH * made[..., n], max(0.6, _SOFT[n] / pixel)) for n in range(SETS)], -1)


def _bare(photo: F32, eyes: float, face: NDArray[np.bool_]) -> F32:
    """How far each pixel [H, W] is bare skin: as bright and as red as skin is around there, not hair, brow or frame.
    *eyes* is their distance in pixels."""
    size = face.shape[1], face.shape[0]
    # What is as smooth as this is as well seen in a fourth of the pixels along each side.
    small, wide = (max(size[0] // 4, 4), max(size[1] // 4, 4)), 0.16 * eyes * max(size[0] // 4, 4) / size[0]
    both = resized(np.concatenate([photo * face[..., None], face[..., None].astype(np.float32)], -1), small)
    around = resized(blur(both, wide), size)
    usual, fine = around[..., :3] / np.maximum(around[..., 3:], 1e-3), blur(photo, 0.012 * eyes)
    odd = np.abs(np.log((fine + 0.03) / (usual + 0.03))).max(2)
    return blur(1 - step(odd, _ODD, 2 * _ODD), 0.01 * eyes)
