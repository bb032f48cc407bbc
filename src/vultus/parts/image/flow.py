"""Dense motion: from two sets of keypoints to where every place of a picture comes from.

A. Siarohin et al., "First Order Motion Model for Image Animation" (NeurIPS 2019), section 3.2: near a keypoint the
picture moves as its affine map says; a network looks at the source warped by each of them and chooses at every place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.parts.image.convs import Hourglass
from vultus.parts.image.keypoints import VARIANCE, Keypoints, gaussians, inverse, resized
from vultus.parts.image.keypoints import grid as identity


@dataclass(frozen=True, eq=False)
class Flow:
    """``grid`` [B, h, w, 2]: the place in the source, in [-1, 1], that is seen at each place of the driven picture;
    ``occlusion`` [B, 1, h, w] in [0, 1]: 1 where the source shows it; ``masks`` [B, K + 1, h, w]: how much each
    keypoint's motion counts, the background's (which stands still) first."""

    grid: Tensor
    occlusion: Tensor
    masks: Tensor


def warp(features: Tensor, grid: Tensor, outside: str = "zeros") -> Tensor:
    """*features* [B, C, H, W] seen through *grid* [B, h, w, 2], at their own size; *outside* of the picture there are
    "zeros", or what is at its "border"."""
    if features.shape[2:] != grid.shape[1:3]:
        # Not the places but how far they are off, or the outermost pixels would be drawn out over the edge.
        height, width = features.shape[2:]
        off = (grid - identity(grid.shape[1], grid.shape[2], grid)).movedim(3, 1)
        off = nnf.interpolate(off, (height, width), mode="bilinear", align_corners=False)
        grid = off.movedim(1, 3) + identity(height, width, grid)
    # A place that is no number ends torch on a CPU; as a colour that is none it can be told of.
    lost = grid.isnan().any(dim=3)[:, None]
    seen = nnf.grid_sample(features, grid.nan_to_num(), padding_mode=outside, align_corners=False)
    return seen.masked_fill(lost, torch.nan)


def covered(features: Tensor, occlusion: Tensor) -> Tensor:
    """*features* [B, C, H, W] times *occlusion* [B, 1, h, w] at their size: what is not in the source becomes 0."""
    if features.shape[2:] != occlusion.shape[2:]:
        occlusion = nnf.interpolate(occlusion, features.shape[2:], mode="bilinear", align_corners=False)
    return features * occlusion


def sparse_motion(source: Keypoints, driving: Keypoints, height: int, width: int) -> Tensor:
    """Where each place comes from by each motion, [B, K + 1, height, width, 2]: standing still first, then each
    keypoint's own: its shift, and by both Jacobians how its neighbourhood is turned."""
    still = identity(height, width, source.value)
    apart = still - driving.value[:, :, None, None]
    if source.jacobian is not None and driving.jacobian is not None:
        turn = source.jacobian @ inverse(driving.jacobian)
        apart = torch.einsum("bkij,bkhwj->bkhwi", turn, apart)
    moved = apart + source.value[:, :, None, None]
    return torch.cat([still.expand(len(moved), 1, -1, -1, -1), moved], dim=1)


class DenseMotion(nn.Module):
    """Source pictures and keypoints -> flow, at *scale* of the picture's size."""

    def __init__(
        self, keypoints: int, *, channels: int = 3, width: int = 64, most: int = 1024, depth: int = 5,
        scale: float = 0.25, variance: float = VARIANCE,
    ) -> None:  # fmt: skip
        super().__init__()
        self.scale, self.variance = scale, variance
        self.body = Hourglass((keypoints + 1) * (channels + 1), width, most, depth)
        self.masks = nn.Conv2d(self.body.out, keypoints + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(self.body.out, 1, 7, padding=3)

    def forward(self, source: Tensor, source_points: Keypoints, driving_points: Keypoints) -> Flow:
        """Source pictures [B, channels, H, W], their keypoints and those to go to -> flow."""
        small = resized(source, self.scale)
        height, width = small.shape[2:]
        motions = sparse_motion(source_points, driving_points, height, width)
        count = motions.shape[1]
        heat = gaussians(driving_points.value, height, width, self.variance)
        heat = heat - gaussians(source_points.value, height, width, self.variance)
        heat = nnf.pad(heat, (0, 0, 0, 0, 1, 0))  # the background has no keypoint
        repeated = small.repeat_interleave(count, dim=0)
        deformed = warp(repeated, motions.flatten(0, 1)).unflatten(0, (-1, count))
        features = self.body(torch.cat([heat[:, :, None], deformed], dim=2).flatten(1, 2))
        masks = torch.softmax(self.masks(features), dim=1)
        moved = torch.einsum("bkhw,bkhwc->bhwc", masks, motions)
        return Flow(moved, self.occlusion(features).sigmoid(), masks)
