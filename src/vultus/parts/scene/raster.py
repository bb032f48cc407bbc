"""Meshes as cameras see them: which triangle lies in a pixel, from the core's z-buffer, and where in it, in torch.

What hides what has no gradient; weights of corners, depth and all that they carry have one, to vertices, cameras and
carried values alike. Cameras as OpenCV's: x right, y down, z away; pixel centres at half of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vultus.errors import VultusError
from vultus.render.triangles import NEAR, STEPS, Cull, Rasteriser


@dataclass(frozen=True, eq=False)
class Seen:
    """What B cameras see of B meshes.

    ``ids`` int64 [B, H, W]: the nearest triangle, -1 where there is none; ``weights`` [B, H, W, 3]: how much each of
    its corners counts there, perspective-correct, in [0, 1], 0 where there is none; ``depth`` [B, H, W]: metres along
    the view axis, 0 where there is none. ``triangles`` int64 [F, 3] are those that were drawn.
    """

    ids: Tensor
    weights: Tensor
    depth: Tensor
    triangles: Tensor

    @property
    def mask(self) -> Tensor:
        """Where there is a mesh, bool [B, H, W]."""
        return self.ids >= 0

    def carry(self, values: Tensor, index: Tensor | None = None) -> Tensor:
        """*values* of corners [N, C], or [B, N, C] of each mesh, at every pixel [B, H, W, C]; 0 where there is none.

        *index* int64 [F, 3] names a row for each corner of each triangle (as texture coordinates have their own);
        otherwise rows are vertices.
        """
        at = self.mask.nonzero(as_tuple=True)
        rows = (self.triangles if index is None else index.long())[self.ids[at]]
        corners = values[rows] if values.ndim == 2 else values[at[0][:, None], rows]
        found = (self.weights[at][..., None] * corners).sum(1)
        return found.new_zeros(*self.ids.shape, found.shape[-1]).index_put(at, found)


class MeshRaster:
    """Draws batches of meshes with the same triangles at one size of picture. Its buffers are reused: one thread."""

    def __init__(self, height: int, width: int, *, cull: Cull = "back") -> None:
        """Pictures of *height* x *width* pixels; *cull* is ``Rasteriser.draw``'s: triangles seen from behind are left
        out unless told otherwise. Raises VultusError for sizes that cannot be drawn."""
        self._raster, self._cull = Rasteriser(height, width), cull

    def __call__(self, vertices: Tensor, triangles: Tensor, intrinsics: Tensor, world_to_camera: Tensor) -> Seen:
        """Vertices [B, L, 3] in metres and *triangles* [F, 3], seen by cameras with *intrinsics* [B, 3, 3] in pixels
        (or [3, 3] for all) and *world_to_camera* [B, 4, 4] (or [4, 4]).

        Corners are placed to 1/256 pixel, as the z-buffer places them, and gradients are those of the exact places.
        Triangles with a corner nearer than 1 cm or not finite are left out whole. The z-buffer runs on the CPU,
        whatever the device. Raises VultusError for other shapes.
        """
        if vertices.ndim != 3 or vertices.shape[2] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
            told = f"{list(vertices.shape)} and {list(triangles.shape)}"
            raise VultusError(f"A mesh is vertices [B, L, 3] and triangles [F, 3], not {told}")
        faces, screen = triangles.long(), project(vertices, intrinsics, world_to_camera)
        ids = self._nearest(screen, triangles).to(vertices.device)
        at = (ids >= 0).nonzero(as_tuple=True)
        corners = screen[at[0][:, None], faces[ids[at]]].double()
        weights, depth = _within(corners, torch.stack([at[2], at[1]], dim=1) + 0.5)
        flat = vertices.new_zeros(ids.shape)
        return Seen(
            ids,
            flat[..., None].repeat(1, 1, 1, 3).index_put(at, weights.to(flat.dtype)),
            flat.index_put(at, depth.to(flat.dtype)),
            faces,
        )

    def _nearest(self, screen: Tensor, triangles: Tensor) -> Tensor:
        """The nearest triangle of every pixel, int64 [B, H, W]."""
        meshes = screen.detach().cpu().float().numpy()
        faces = triangles.detach().cpu().numpy().astype(np.int32)
        out = np.empty((len(meshes), *self._raster.ids.shape), np.int64)
        for mesh, ids in zip(meshes, out, strict=True):
            self._raster.draw(mesh, faces, cull=self._cull)
            ids[:] = self._raster.ids
        return torch.from_numpy(out)


def project(points: Tensor, intrinsics: Tensor, world_to_camera: Tensor) -> Tensor:
    """World points [B, N, 3] in metres -> [B, N, 3]: x and y in pixels and 1/z in 1/m, all 0 where z is below 1 cm.

    *intrinsics* [B, 3, 3] or [3, 3] in pixels, *world_to_camera* [B, 4, 4] or [4, 4]; both get gradients, too.
    """
    local = points @ world_to_camera[..., :3, :3].mT + world_to_camera[..., None, :3, 3]
    front = local[..., 2:] >= NEAR
    plane = torch.where(front, local, 0) / torch.where(front, local[..., 2:], 1)
    flat = plane @ intrinsics[..., :2, :].mT
    return torch.where(front, torch.cat([flat, 1 / torch.where(front, local[..., 2:], 1)], dim=-1), 0)


def _within(corners: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [P, 3] of triangles' *corners* [P, 3, (x, y, 1/z)] at pixels' *centres* [P, 2], and depth [P]."""
    xy, inverse = corners[..., :2], corners[..., 2]
    exact = xy.detach()
    xy = xy + ((exact.float() * STEPS).round().double() / STEPS - exact)  # as the z-buffer has them
    to = xy - centres[:, None]
    after, last = to.roll(-1, dims=1), to.roll(-2, dims=1)
    edges = after[..., 0] * last[..., 1] - after[..., 1] * last[..., 0]
    shares = edges * inverse
    total = shares.sum(1, keepdim=True)
    return shares / total, edges.sum(1) / total[:, 0]
