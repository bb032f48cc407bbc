"""How pictures look to a network that tells a thousand things apart: distances of its features.

The network is EfficientNet-Lite0 (M. Tan and Q. Le, "EfficientNet", ICML 2019; the Lite form without squeeze and
excitation and with ReLU6), trained on ImageNet. It is neither VGG nor Inception: its distances are not LPIPS and not
FID, carry the suffix ``-s``, and compare with nothing outside.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus import store
from vultus.critics.torchscript import read_tensors
from vultus.errors import VultusError

SIDE: Final = 224
"""Pixels along each side of what the network sees."""
DIMS: Final = 1280
# Kernel, stride of the first, wider by, channels, how many: table 1 of the paper.
_STAGES: Final = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # fmt: skip
_STEM: Final = 32
_MEAN, _STD = 127.0, 128.0  # as the Lite networks take pictures of 0 to 255


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow pads: the odd pixel comes last."""

    def __init__(self, inside: int, outside: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inside, outside, side, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        amounts = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - size, 0)
            amounts += [total // 2, total - total // 2]
        return super().forward(nnf.pad(x, amounts))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3)


class _Block(nn.Module):
    """An inverted residual (M. Sandler et al., 2018): wider, each channel on its own, narrow again."""

    def __init__(self, inside: int, outside: int, side: int, stride: int, wider: int) -> None:
        super().__init__()
        width = inside * wider
        self._around = stride == 1 and inside == outside
        self._expands = wider > 1
        if self._expands:
            self._expand_conv, self._bn0 = _Convolution(inside, width, 1), _norm(width)
        self._depthwise_conv, self._bn1 = _Convolution(width, width, side, stride, width), _norm(width)
        self._project_conv, self._bn2 = _Convolution(width, outside, 1), _norm(outside)

    def forward(self, x: Tensor) -> Tensor:
        y = nnf.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = self._bn2(self._project_conv(nnf.relu6(self._bn1(self._depthwise_conv(y)))))
        return y + x if self._around else y


class Lite0(nn.Module):
    """Pictures -> features; build it with :func:`network`, which fills in the weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Convolution(3, _STEM, 3, 2), _norm(_STEM)
        blocks, inside = [], _STEM
        for side, stride, wider, outside, count in _STAGES:
            for i in range(count):
                blocks.append(_Block(inside, outside, side, stride if i == 0 else 1, wider))
                inside = outside
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = _Convolution(inside, DIMS, 1), _norm(DIMS)
        self._fc = nn.Linear(DIMS, 1000)

    def features(self, pictures: Tensor) -> Tensor:
        """[B, 3, 224, 224], 0 to 255 -> [B, 1280], the mean over places before the classes."""
        x = nnf.relu6(self._bn0(self._conv_stem((pictures - _MEAN) / _STD)))
        return nnf.relu6(self._bn1(self._conv_head(self._blocks(x)))).mean(dim=(2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 3, 224, 224], 0 to 255 -> scores of ImageNet's 1000 classes [B, 1000]."""
        out: Tensor = self._fc(self.features(pictures))
        return out


@lru_cache(maxsize=1)
def network() -> Lite0:
    """The network with its published weights, frozen and in evaluation mode; VultusError when they cannot be had."""
    made = Lite0()
    read = read_tensors(store.path("efficientnet_lite0"))
    wanted = {name for name in made.state_dict() if not name.endswith("num_batches_tracked")}
    if lacking := sorted(wanted - set(read)):
        raise VultusError(
            f"The file of efficientnet_lite0 lacks {lacking[0]}", "Run: vultus assets fetch efficientnet_lite0"
        )
    made.load_state_dict({name: torch.from_numpy(read[name]) for name in wanted}, strict=False)
    return made.eval().requires_grad_(False)


def shown(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures uint8 [N, H, W, 3] in sRGB as the network takes them, [N, 3, 224, 224], 0 to 255."""
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8 or not pictures.size:
        raise VultusError(f"Features are taken of pictures uint8 [N, H, W, 3], not {pictures.shape}")
    x = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float()
    return nnf.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def describe(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features float32 [N, 1280] of pictures uint8 [N, H, W, 3], each of length 1 so that contrast says little."""
    with torch.no_grad():
        out = [nnf.normalize(network().features(shown(one[None])), dim=1)[0].numpy() for one in pictures]
    return np.array(out, np.float32).reshape(-1, DIMS)
