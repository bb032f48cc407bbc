"""Networks that tell made pictures from real ones, patch by patch, and what they say as losses.

P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017), with keypoints beside
the colours as A. Siarohin et al. (NeurIPS 2019) give them; least squares after X. Mao et al. (ICCV 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as nnf

from vultus.errors import VultusError
from vultus.parts.image.convs import channels_last
from vultus.parts.image.keypoints import gaussians


@dataclass(frozen=True, eq=False)
class Verdict:
    """``scores`` [B, 1, h, w], high where a patch looks real; ``features`` of every block, the finest first."""

    scores: Tensor
    features: list[Tensor]


class PatchDiscriminator(nn.Module):
    """Pictures and the places of *keypoints* (0: none) -> verdict; each of *blocks* but the last halves the size."""

    def __init__(
        self, *, channels: int = 3, keypoints: int = 0, width: int = 64, most: int = 512, blocks: int = 4
    ) -> None:
        super().__init__()
        self.keypoints = keypoints
        widths = [channels + keypoints, *(min(most, width * 2**i) for i in range(blocks))]
        self.blocks = nn.ModuleList(nn.Conv2d(a, b, 4) for a, b in pairwise(widths))
        # The first block sees colours, which must keep their mean.
        norms = [nn.Identity(), *(nn.InstanceNorm2d(b, affine=True) for b in widths[2:])]
        self.norms = nn.ModuleList(norms)
        self.out = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, pictures: Tensor, points: Tensor | None = None) -> Verdict:
        """[B, channels, H, W] in [0, 1] and keypoints [B, K, 2] in [-1, 1] -> verdict."""
        if (0 if points is None else points.shape[1]) != self.keypoints:
            raise VultusError(f"This discriminator takes {self.keypoints} keypoints", "Give that many")
        x = pictures
        if points is not None:
            x = torch.cat([x, gaussians(points, *x.shape[2:])], dim=1)
        features, x = [], channels_last(x)
        for i, (block, norm) in enumerate(zip(self.blocks, self.norms, strict=True)):
            x = nnf.leaky_relu(norm(block(x)), 0.2)
            if i + 1 < len(self.blocks):
                x = nnf.avg_pool2d(x, 2)
            features.append(x)
        return Verdict(self.out(x), features)


def frozen(network: nn.Module) -> Callable[..., Verdict]:
    """*network* as a function through which gradients pass to its input but not to its weights.

    So one update trains both sides of an adversarial pair: the maker hears the judge, who does not learn from it.
    """
    weights = {name: tensor.detach() for name, tensor in network.state_dict(keep_vars=True).items()}
    return lambda *arguments: functional_call(network, weights, arguments)


def least_squares(real: Verdict, made: Verdict) -> Tensor:
    """The discriminator's loss: 1 for real patches, 0 for made ones."""
    return ((1 - real.scores).square() + made.scores.square()).mean()


def fooling(made: Verdict) -> Tensor:
    """The maker's loss: its patches should be taken for real ones."""
    return (1 - made.scores).square().mean()


def matching(real: Verdict, made: Verdict) -> Tensor:
    """Mean distance of the features of real and made pictures over all blocks (T.-C. Wang et al., CVPR 2018)."""
    return total([(a.detach() - b).abs().mean() for a, b in zip(real.features, made.features, strict=True)])


def total(terms: Sequence[Tensor]) -> Tensor:
    """The sum of some terms."""
    return torch.stack(list(terms)).sum()
