"""Keypoints that nobody labelled: found because a picture can be warped into another by them.

A. Siarohin et al., "First Order Motion Model for Image Animation" (NeurIPS 2019): each keypoint is the centre of a heat
map, and a Jacobian says how its neighbourhood is turned and stretched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError
from vultus.parts.image.convs import Hourglass

VARIANCE: Final = 0.01
"""Of the Gaussians by which keypoints are shown to networks, in units of half a picture."""


@dataclass(frozen=True, eq=False)
class Keypoints:
    """``value`` [B, K, 2], places in [-1, 1]; ``jacobian`` [B, K, 2, 2] or None; ``heat`` [B, K, h, w], each map's sum
    being 1, and ``features`` [B, C, h, w], from which they came (None for keypoints that were computed)."""

    value: Tensor
    jacobian: Tensor | None = None
    heat: Tensor | None = None
    features: Tensor | None = None


def grid(height: int, width: int, like: Tensor) -> Tensor:
    """Places (x, y) of the centres of all pixels, [height, width, 2] in (-1, 1), with type and device of *like*."""
    x, y = ((torch.arange(n, device=like.device, dtype=like.dtype) * 2 + 1) / n - 1 for n in (width, height))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def gaussians(value: Tensor, height: int, width: int, variance: float = VARIANCE) -> Tensor:
    """Keypoints [B, K, 2] as pictures [B, K, height, width]: 1 at the keypoint, falling as a Gaussian."""
    apart = grid(height, width, value) - value[:, :, None, None]
    return torch.exp(-0.5 * apart.square().sum(-1) / variance)


def resized(x: Tensor, scale: float) -> Tensor:
    """*x* [B, C, H, W] at *scale* (at most 1) of its size, without the patterns that leaving out pixels makes."""
    if scale == 1:
        return x
    return nnf.interpolate(x, scale_factor=scale, mode="bilinear", antialias=True, align_corners=False)


class KeypointDetector(nn.Module):
    """Pictures -> keypoints. *channels* is 3, or 4 where depth comes with the colours."""

    def __init__(
        self,
        keypoints: int,
        *,
        channels: int = 3,
        width: int = 32,
        most: int = 1024,
        depth: int = 5,
        scale: float = 0.25,
        temperature: float = 0.1,
        jacobian: bool = True,
    ) -> None:
        """The hourglass (*width*, *most*, *depth*) works at *scale* of the picture; heat is the softmax of its maps
        over *temperature*. A Jacobian starts as the identity."""
        super().__init__()
        self.channels, self.scale, self.temperature = channels, scale, temperature
        self.body = Hourglass(channels, width, most, depth)
        self.heat = nn.Conv2d(self.body.out, keypoints, 7, padding=3)
        self.jacobian: nn.Conv2d | None = None
        if jacobian:
            self.jacobian = nn.Conv2d(self.body.out, 4 * keypoints, 7, padding=3)
            nn.init.zeros_(self.jacobian.weight)
            with torch.no_grad():
                assert self.jacobian.bias is not None  # noqa: S101
                self.jacobian.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 1.0]).repeat(keypoints))

    def forward(self, pictures: Tensor) -> Keypoints:
        """[B, channels, H, W] -> keypoints; VultusError for another number of channels."""
        if pictures.ndim != 4 or pictures.shape[1] != self.channels:
            raise VultusError(
                f"Keypoints are sought in pictures [B, {self.channels}, H, W], not {tuple(pictures.shape)}"
            )
        features = self.body(resized(pictures, self.scale))
        raw = self.heat(features)
        heat = torch.softmax(raw.flatten(2) / self.temperature, dim=2).view_as(raw)
        value = torch.einsum("bkhw,hwc->bkc", heat, grid(heat.shape[2], heat.shape[3], heat))
        jacobian = None
        if self.jacobian is not None:
            maps = self.jacobian(features).unflatten(1, (-1, 4))
            jacobian = torch.einsum("bkhw,bkjhw->bkj", heat, maps).unflatten(2, (2, 2))
        return Keypoints(value, jacobian, heat, features)


def hull_area(value: Tensor) -> Tensor:
    """Area of the convex hull of each set of keypoints [B, K, 2] -> [B]."""
    import numpy as np
    from scipy.spatial import ConvexHull, QhullError

    areas = []
    for points in value.detach().double().cpu().numpy():
        try:
            areas.append(float(ConvexHull(np.asarray(points)).volume))  # in the plane, "volume" is the area
        except QhullError:  # all on one line
            areas.append(0.0)
    return value.new_tensor(areas)


def transfer(
    source: Keypoints, driving: Keypoints, first: Keypoints | None = None, *, scale: bool = False
) -> Keypoints:
    """The keypoints that *source* has when it moves as *driving* does.

    Without *first* they are those of *driving*, so that also the shape of the driving face comes along. With *first*,
    the driving face at the moment at which its pose is the source's, only what has changed since then is added; *scale*
    makes it as much larger as the source's hull is than that of *first*.
    """
    if first is None:
        return Keypoints(driving.value, driving.jacobian)
    factor: Tensor = source.value.new_ones(len(source.value))
    if scale:
        ours, theirs = hull_area(source.value), hull_area(first.value)
        # Hulls of next to nothing would throw the keypoints out of the picture.
        known = (ours > 1e-6) & (theirs > 1e-6)
        factor = torch.where(known, (ours / theirs.clamp(min=1e-6)).sqrt().clamp(0.2, 5), 1.0)
    value = source.value + factor[:, None, None] * (driving.value - first.value)
    jacobian = None
    if source.jacobian is not None and driving.jacobian is not None and first.jacobian is not None:
        jacobian = driving.jacobian @ inverse(first.jacobian) @ source.jacobian
    return Keypoints(value, jacobian)


def inverse(jacobian: Tensor) -> Tensor:
    """Inverses of matrices [..., 2, 2], finite for any: a determinant near 0 is taken as 1e-3 of its sign."""
    a, b, c, d = jacobian.flatten(-2).unbind(-1)
    det = a * d - b * c
    det = torch.where(det.abs() < 1e-3, torch.where(det < 0, -1e-3, 1e-3), det)
    return (torch.stack([d, -b, -c, a], dim=-1) / det[..., None]).unflatten(-1, (2, 2))
