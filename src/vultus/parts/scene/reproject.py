"""What one view says of another: depth and the way between two cameras give each place of one its place in the other.

T. Zhou et al., "Unsupervised Learning of Depth and Ego-Motion from Video" (CVPR 2017). Cameras as OpenCV's: x right,
y down, z away; pixel centres at half of a pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vultus.parts.image.keypoints import grid

_NEAR, _SHORT = 1e-3, 0.1


def pinhole(focal: Tensor, centre: Tensor) -> Tensor:
    """Focal lengths [B, 2] and centres [B, 2], in pictures' widths and heights -> matrices [B, 3, 3] from directions
    to places in [0, 1]². No focal length is below a tenth, a view of 157 degrees: a network that guesses it may come
    to any, and directions would be beyond all numbers."""
    out = focal.new_zeros(len(focal), 3, 3)
    out[:, 0, 0], out[:, 1, 1] = focal.clamp(min=_SHORT).unbind(1)
    out[:, 0, 2], out[:, 1, 2] = centre.unbind(1)
    out[:, 2, 2] = 1
    return out


def rigid(turn: Tensor, shift: Tensor) -> Tensor:
    """Rotation vectors [B, 3] in radians and shifts [B, 3] -> matrices [B, 4, 4], differentiable also at no turn."""
    x, y, z = turn.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).unflatten(1, (3, 3))
    out = torch.eye(4, device=turn.device, dtype=turn.dtype).repeat(len(turn), 1, 1)
    out[:, :3, :3] = torch.linalg.matrix_exp(cross)
    out[:, :3, 3] = shift
    return out


def reproject(depth: Tensor, camera: Tensor, move: Tensor) -> Tensor:
    """Where the points seen by one camera lie in the picture of another, [B, H, W, 2] in [-1, 1].

    *depth* [B, 1, H, W] along the view axis; *camera* [B, 3, 3] as ``pinhole`` gives it, of both; *move* [B, 4, 4] from
    the first camera's room to the second's. Points behind the second camera are taken as right in front of it.
    """
    height, width = depth.shape[2:]
    places = (grid(height, width, depth) + 1) / 2
    flat = torch.cat([places, torch.ones_like(places[..., :1])], dim=-1).flatten(0, 1)
    rays = torch.linalg.inv(camera) @ flat.T
    points = move[:, :3, :3] @ (rays * depth.flatten(2)) + move[:, :3, 3:]
    seen = camera @ points
    there = seen[:, :2] / seen[:, 2:].clamp(min=_NEAR)
    return (2 * there - 1).transpose(1, 2).unflatten(1, (height, width))
