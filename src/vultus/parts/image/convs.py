"""Convolutional bodies: blocks that halve, double and keep a picture's size, and the hourglass made of them.

Sizes as in A. Siarohin et al., "First Order Motion Model for Image Animation" (NeurIPS 2019), whose keypoints and warps
most systems of reenactment take over.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError


def channels_last(x: Tensor) -> Tensor:
    """*x* [B, C, H, W] in the order of memory in which CPUs and new GPUs convolve faster; layers keep it."""
    return x.contiguous(memory_format=torch.channels_last)


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, ReLU; *scale* 0.5 halves the picture afterwards, 2 doubles it before."""

    def __init__(self, inside: int, outside: int, side: int = 3, scale: float = 1) -> None:
        super().__init__()
        self.scale = scale
        self.conv = nn.Conv2d(inside, outside, side, padding=side // 2)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inside, H, W] -> [B, outside, scale · H, scale · W]."""
        if self.scale > 1:
            x = nnf.interpolate(x, scale_factor=self.scale)
        x = nnf.relu(self.norm(self.conv(x)))
        return nnf.avg_pool2d(x, 2) if self.scale < 1 else x


class Residual(nn.Module):
    """Two convolutions added to what came in, normalised before each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        out: Tensor = x + self.body(x)
        return out


class Hourglass(nn.Module):
    """Features of every size from fine to coarse and back, each joined with those on the way there.

    ``out`` is the number of channels that come out: *width* and those of the input.
    """

    def __init__(self, channels: int, width: int, most: int, depth: int) -> None:
        """*width* doubles with each of *depth* halvings, up to *most*."""
        super().__init__()
        widths = [min(most, width * 2**i) for i in range(depth + 1)]
        self.depth, self.out = depth, width + channels
        self.down = nn.ModuleList(ConvNorm(a, b, scale=0.5) for a, b in pairwise([channels, *widths[1:]]))
        joined = [*(2 * w for w in widths[1:-1]), widths[-1]]
        self.up = nn.ModuleList(ConvNorm(joined[i], widths[i], scale=2) for i in reversed(range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] with H and W multiples of 2^depth -> [B, out, H, W]."""
        if x.shape[2] % 2**self.depth or x.shape[3] % 2**self.depth:
            raise VultusError(
                f"An hourglass of depth {self.depth} cannot halve {x.shape[3]}x{x.shape[2]} pixels so often",
                f"Give pictures whose sides are multiples of {2**self.depth} here",
            )
        kept = [channels_last(x)]
        for block in self.down:
            kept.append(block(kept[-1]))
        x = kept.pop()
        for block in self.up:
            x = torch.cat([block(x), kept.pop()], dim=1)
        return x
