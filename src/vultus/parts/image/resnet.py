"""Residual networks as encoders, alone and with the way back to full size.

K. He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), table 1.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import unknown
from vultus.parts.image.convs import channels_last

DEPTHS: Final[dict[int, tuple[int, ...]]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Layers of the network -> blocks of its four stages; from 50 on blocks have three convolutions, else two."""


class _Block(nn.Module):
    def __init__(self, inside: int, width: int, stride: int, wide: bool) -> None:
        super().__init__()
        outside = 4 * width if wide else width
        if wide:
            layers: list[nn.Module] = [
                nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, outside, 1, bias=False), nn.BatchNorm2d(outside),
            ]  # fmt: skip
        else:
            layers = [
                nn.Conv2d(inside, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
            ]  # fmt: skip
        self.body = nn.Sequential(*layers)
        self.around: nn.Module = nn.Identity()
        if stride > 1 or inside != outside:
            self.around = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        return nnf.relu(self.body(x) + self.around(x))


class ResNet(nn.Module):
    """Pictures -> features at 1/2, 1/4, … of their size; ``widths`` are their channels."""

    def __init__(self, layers: int = 18, *, channels: int = 3, width: int = 64, stages: int = 4) -> None:
        """*layers* of ``DEPTHS``; *width* is 64 in the paper; only the first *stages* of the four are built.

        VultusError for another number of layers.
        """
        super().__init__()
        if layers not in DEPTHS:
            raise unknown("number of layers", str(layers), [str(n) for n in DEPTHS])
        wide = layers >= 50
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.widths = [width]
        parts, inside = [], width
        for stage, count in enumerate(DEPTHS[layers][:stages]):
            blocks = []
            for i in range(count):
                blocks.append(_Block(inside, width * 2**stage, 2 if stage and i == 0 else 1, wide))
                inside = width * 2**stage * (4 if wide else 1)
            parts.append(nn.Sequential(*blocks))
            self.widths.append(inside)
        self.stages = nn.ModuleList(parts)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """[B, channels, H, W] in [0, 1] -> features, the finest first: H / 2, then H / 4 and on."""
        out = [self.stem(channels_last((pictures - 0.45) / 0.225))]
        x = nnf.max_pool2d(out[0], 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
            out.append(x)
        return out


class ResNetU(nn.Module):
    """A :class:`ResNet` and a decoder that takes in its features: pictures -> maps at full size and halved.

    The decoder is that of C. Godard et al., "Digging into Self-Supervised Monocular Depth Estimation" (ICCV 2019).
    """

    def __init__(self, layers: int = 18, *, out: int = 1, maps: int = 4, width: int = 64, stages: int = 4) -> None:
        """*maps* sizes of *out* channels; the others as for ``ResNet``."""
        super().__init__()
        self.encoder = ResNet(layers, width=width, stages=stages)
        inside, skips = self.encoder.widths[-1], [0, *self.encoder.widths[:-1]]
        self.narrow, self.wide, self.heads = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(stages + 1)):
            wide = width // 4 * 2**level
            self.narrow.append(_mirrored(inside, wide))
            self.wide.append(_mirrored(wide + skips[level], wide))
            if level < maps:
                self.heads.append(_mirrored(wide, out))
            inside = wide

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """[B, 3, H, W] in [0, 1] -> [B, out, H, W], [B, out, H / 2, W / 2] and on: as many as there are maps."""
        *kept, x = self.encoder(pictures)
        found: list[Tensor] = []
        for number, (narrow, wide) in enumerate(zip(self.narrow, self.wide, strict=True)):
            x = nnf.interpolate(nnf.elu(narrow(x)), scale_factor=2)
            x = nnf.elu(wide(torch.cat([x, kept.pop()], dim=1) if kept else x))
            head = number - (len(self.narrow) - len(self.heads))
            if head >= 0:
                found.insert(0, self.heads[head](x))
        return found


def _mirrored(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, padding=1, padding_mode="reflect")
