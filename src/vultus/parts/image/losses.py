"""Losses of pictures and keypoints: likeness, smoothness, and what unlabelled keypoints must obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as nnf

from vultus.parts.image.keypoints import Keypoints, grid, inverse, resized

_C1, _C2 = 0.01**2, 0.03**2
Taps = Callable[[Tensor], Sequence[Tensor]]
"""Pictures [B, 3, H, W] in [0, 1] -> features [B, C, h, w] of several layers of a frozen network."""


def dissimilarity(a: Tensor, b: Tensor) -> Tensor:
    """(1 - SSIM) / 2 at every pixel, [B, C, H, W] in [0, 1], over windows of 3x3.

    Z. Wang et al. (2004), with the small flat window that learning depth uses (C. Godard et al., ICCV 2019).
    """
    a, b = (nnf.pad(x, (1, 1, 1, 1), mode="reflect") for x in (a, b))

    def mean(x: Tensor) -> Tensor:
        return nnf.avg_pool2d(x, 3, 1)

    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    ssim = (2 * ma * mb + _C1) * (2 * vab + _C2) / ((ma**2 + mb**2 + _C1) * (va + vb + _C2))
    return ((1 - ssim) / 2).clamp(0, 1)


def photometric(made: Tensor, true: Tensor) -> Tensor:
    """How unlike two pictures [B, 3, H, W] are at every pixel, [B, 1, H, W]: 0.85 of structure and 0.15 of colour."""
    return (0.85 * dissimilarity(made, true) + 0.15 * (made - true).abs()).mean(dim=1, keepdim=True)


def smoothness(field: Tensor, pictures: Tensor) -> Tensor:
    """Mean slope of *field* [B, 1, H, W], divided by its mean, where the *pictures* [B, 3, H, W] have no edge."""
    field = field / (field.mean(dim=(2, 3), keepdim=True) + 1e-7)
    loss = field.new_zeros(())
    for axis in (2, 3):
        edge = pictures.diff(dim=axis).abs().mean(dim=1, keepdim=True)
        loss = loss + (field.diff(dim=axis).abs() * torch.exp(-edge)).mean()
    return loss


def pyramid(taps: Taps, made: Tensor, true: Tensor, scales: Sequence[float] = (1, 0.5, 0.25, 0.125)) -> Tensor:
    """Mean distance of features of two pictures [B, 3, H, W], summed over *scales* and layers.

    J. Johnson et al., "Perceptual Losses" (ECCV 2016), at several sizes as A. Siarohin et al. (NeurIPS 2019).
    """
    terms = []
    for scale in scales:
        with torch.no_grad():
            goal = taps(resized(true, scale))
        terms += [(a - b).abs().mean() for a, b in zip(taps(resized(made, scale)), goal, strict=True)]
    return torch.stack(terms).sum()


def spread(points: Keypoints, nearest: float = 0.2) -> Tensor:
    """Mean over pictures of how much nearer than *nearest* pairs of keypoints are.

    The published code counts the pairs instead, which has no gradient.
    """
    value = points.value
    apart = (value[:, :, None] - value[:, None]).square().sum(-1).add(1e-12).sqrt()
    close = nnf.relu(nearest - apart)
    pairs = torch.ones(value.shape[1], value.shape[1], device=value.device).triu(1)
    return (close * pairs).sum(dim=(1, 2)).mean()


@dataclass(frozen=True, eq=False)
class Bend:
    """A random bending of pictures: an affine map and thin plates. ``matrix`` [B, 2, 3], ``weights`` [B, P], and
    ``anchors`` [P, 2] at which the plates are pressed; ``draw`` makes one."""

    matrix: Tensor
    anchors: Tensor
    weights: Tensor

    @classmethod
    def draw(cls, like: Tensor, *, affine: float = 0.05, plates: float = 0.005, side: int = 5) -> Bend:
        """One for each picture of *like* [B, …], from torch's own generator: standard deviations of the affine map's
        entries and of the plates' weights at *side* x *side* places."""
        count = len(like)
        still = torch.eye(2, 3, device=like.device, dtype=like.dtype)
        noise = torch.randn(count, 2, 3, device=like.device, dtype=like.dtype)
        line = torch.linspace(-1, 1, side, device=like.device, dtype=like.dtype)
        anchors = torch.cartesian_prod(line, line)
        weights = plates * torch.randn(count, side * side, device=like.device, dtype=like.dtype)
        return cls(still + affine * noise, anchors, weights)

    def __call__(self, places: Tensor) -> Tensor:
        """Places [B, N, 2] -> where the bent picture takes them from, [B, N, 2]."""
        moved = places @ self.matrix[:, :, :2].transpose(1, 2) + self.matrix[:, None, :, 2]
        # As published, with the distance by absolute values, one shift for both directions.
        apart = (places[:, :, None] - self.anchors).abs().sum(-1)
        plates = apart.square() * torch.log(apart + 1e-6) * self.weights[:, None]
        return moved + plates.sum(-1, keepdim=True)

    def pictures(self, pictures: Tensor) -> Tensor:
        """The bent pictures, [B, C, H, W]; their edges are mirrored."""
        height, width = pictures.shape[2:]
        places = grid(height, width, pictures).flatten(0, 1).expand(len(pictures), -1, -1)
        moved = self(places).unflatten(1, (height, width))
        return nnf.grid_sample(pictures, moved, padding_mode="reflection", align_corners=False)

    def jacobian(self, places: Tensor) -> Tensor:
        """Derivatives [B, N, 2, 2] of the map at places [B, N, 2]."""
        way = places[:, :, None] - self.anchors
        apart = way.abs().sum(-1)
        slope = 2 * apart * torch.log(apart + 1e-6) + apart.square() / (apart + 1e-6)
        plates = (slope * self.weights[:, None])[..., None] * way.sign()
        return self.matrix[:, None, :, :2] + plates.sum(2)[:, :, None]


def equivariance(find: Callable[[Tensor], Keypoints], pictures: Tensor, points: Keypoints, bend: Bend) -> Any:
    """Keypoints must follow a picture that is bent: the mean error of places, and of Jacobians (None without them).

    *points* are those of *pictures* [B, C, H, W]; *find* finds them in the bent ones.
    """
    bent = find(bend.pictures(pictures))
    back = bend(bent.value)
    place = (points.value - back).abs().mean()
    if points.jacobian is None or bent.jacobian is None:
        return place, None
    turned = bend.jacobian(bent.value) @ bent.jacobian
    product = inverse(points.jacobian) @ turned
    return place, (product - torch.eye(2, device=product.device)).abs().mean()
