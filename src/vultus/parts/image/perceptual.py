"""Frozen networks whose features say how alike two pictures look; they are for losses and never judge the same run.

``efficientnet`` has weights that anyone may use (``vultus.critics.features``). ``vgg19`` is the network of the papers;
its weights come from a file of the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError
from vultus.parts.image.convs import channels_last
from vultus.parts.image.losses import Taps

_BLOCKS: Final = (0, 2, 4)
"""The last block of EfficientNet-Lite0 at 1/2, 1/4 and 1/8 of the picture's size; later ones know things, not looks."""
_VGG: Final = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, as VGG takes them


def efficientnet(device: str | torch.device = "cpu") -> Taps:
    """Features of EfficientNet-Lite0 at 1/2 to 1/8 of the size, and the picture itself, so that colours stay right.

    VultusError when the asset ``efficientnet_lite0`` cannot be had.
    """
    return _efficientnet(str(device))


@lru_cache(maxsize=4)
def _efficientnet(device: str) -> Taps:
    from copy import deepcopy

    from vultus.critics.features import network

    net = deepcopy(network()).to(device)
    scale = [float(block.state_dict()["_bn2.weight"].abs().mean()) for block in (net._blocks[i] for i in _BLOCKS)]

    def taps(pictures: Tensor) -> Sequence[Tensor]:
        out = [pictures]
        x = nnf.relu6(net._bn0(net._conv_stem(channels_last((255 * pictures - 127) / 128))))
        for i, block in enumerate(net._blocks[: _BLOCKS[-1] + 1]):
            x = block(x)
            if i in _BLOCKS:
                out.append(x / scale[_BLOCKS.index(i)])
        return out

    return taps


class Vgg19(nn.Module):
    """VGG-19 (K. Simonyan and A. Zisserman, ICLR 2015) as far as its thirteenth convolution: five layers of features.

    ``body.N.weight`` and ``.bias`` are named by torchvision's numbers of its layers.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for stage, widths in enumerate(_VGG):
            if stage:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                layers += [nn.Conv2d(inside, width, 3, padding=1), nn.ReLU()]
                inside = width
        self.body = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """[B, 3, H, W] in [0, 1] -> the first features after each halving, five layers, the finest first."""
        mean, std = (pictures.new_tensor(v)[:, None, None] for v in (_MEAN, _STD))
        x, out, fresh = (pictures - mean) / std, [], True
        for layer in self.body:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                fresh = True
            elif isinstance(layer, nn.ReLU) and fresh:
                out.append(x)
                fresh = False
        return out


@lru_cache(maxsize=4)
def vgg19(weights: str, device: str = "cpu") -> Taps:
    """VGG-19 with the weights of a safetensors file, its layers named as torchvision's ``features.N``.

    VultusError when the file is missing or is of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    net = Vgg19()
    try:
        found = load_file(Path(weights))
        named = {f"body.{name.removeprefix('features.')}": tensor for name, tensor in found.items()}
        net.load_state_dict({name: named[name] for name in net.state_dict()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise VultusError(
            f"{weights} holds no weights of VGG-19", "Give torchvision's, saved as safetensors with names features.N"
        ) from error
    return net.eval().requires_grad_(False).to(device)
