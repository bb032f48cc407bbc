"""The network that draws the driven picture: encode the source, warp it, and draw it anew.

Johnson's network as A. Siarohin et al. (NeurIPS 2019) use it, or with skips a U-Net all of whose levels are warped, as
F.-T. Hong and D. Xu (ICCV 2023) do. What systems add to it goes in at a level through a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from vultus.errors import VultusError
from vultus.parts.image.convs import ConvNorm, Residual, channels_last
from vultus.parts.image.flow import Flow, covered, warp

Hook = Callable[[Tensor, Flow], Tensor]
"""Takes the warped features [B, C, h, w] of a level and the flow; gives features of the same shape."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """``frames`` [B, 3, H, W] in [0, 1]; ``warped`` [B, 3, H, W], the source through the flow and nothing else."""

    frames: Tensor
    warped: Tensor


class Encoder(nn.Module):
    """Pictures -> features of every level, the finest first; channels double with each halving."""

    def __init__(self, channels: int, width: int, most: int, downs: int) -> None:
        super().__init__()
        self.widths = [min(most, width * 2**i) for i in range(downs + 1)]
        blocks = [ConvNorm(a, b, scale=0.5) for a, b in pairwise(self.widths)]
        self.blocks = nn.ModuleList([ConvNorm(channels, width, 7), *blocks])

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """[B, channels, H, W] -> [B, width · 2^i, H / 2^i, W / 2^i] for i = 0 … downs."""
        out: list[Tensor] = []
        for block in self.blocks:
            out.append(block(out[-1] if out else channels_last(pictures)))
        return out


class WarpNet(nn.Module):
    """Source picture and flow -> driven picture.

    Level 0 is the coarsest; with *skips* there are levels up to *downs*, the finest.
    """

    def __init__(
        self, *, channels: int = 3, width: int = 64, most: int = 512, downs: int = 2, blocks: int = 6,
        skips: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.skips, self.downs = skips, downs
        self.encoder = Encoder(channels, width, most, downs)
        widths = self.encoder.widths[::-1]
        self.middle = nn.Sequential(*(Residual(widths[0]) for _ in range(blocks)))
        joined = 2 if skips else 1
        self.up = nn.ModuleList(
            ConvNorm(a if i == 0 else joined * a, b, scale=2) for i, (a, b) in enumerate(pairwise(widths))
        )
        self.out = nn.Conv2d(joined * widths[-1], channels, 7, padding=3)

    def forward(self, source: Tensor, flow: Flow, hooks: Mapping[int, Hook] | None = None) -> Drawn:
        """*source* [B, 3, H, W] and its flow -> the picture; *hooks* change features after they were warped, by level.

        VultusError for a hook at a level that is not there.
        """
        hooks = hooks or {}
        last = self.downs if self.skips else 0
        if wrong := [level for level in hooks if not 0 <= level <= last]:
            raise VultusError(f"There is no level {wrong[0]} to hook", f"This network has levels 0 to {last}")
        levels = self.encoder(source)[::-1]

        def brought(level: int) -> Tensor:
            features = covered(warp(levels[level], flow.grid), flow.occlusion)
            return hooks[level](features, flow) if level in hooks else features

        x = self.middle(brought(0))
        for level, block in enumerate(self.up, start=1):
            x = block(x)
            if self.skips:
                x = torch.cat([x, brought(level)], dim=1)
        return Drawn(self.out(x).sigmoid(), warp(source, flow.grid))
