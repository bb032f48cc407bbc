"""EmoNet: emotions, valence and arousal of a face. It judges, when it is asked for by name, and trains nothing.

A. Toisoul et al., "Estimation of continuous valence and arousal levels from faces in naturalistic conditions" (Nature
Machine Intelligence, 2021): two hourglasses find the landmarks (A. Bulat and G. Tzimiropoulos, 2017), and where these
lie a small net reads the emotion. The weights, of eight emotions, are for non-commercial use only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus import store
from vultus.critics.torchscript import read_tensors
from vultus.errors import VultusError

NAMES: Final = ("neutral", "happy", "sad", "surprised", "afraid", "disgusted", "angry", "contemptuous")
"""The emotions, in the order of the outputs; valence and arousal follow."""
SIDE: Final = 256
"""Pixels along each side of the face."""
_DEPTH: Final = 4  # how often an hourglass halves its picture
_HEATMAPS: Final = 68


class _Block(nn.Module):
    """Three convolutions, each on what the one before made, side by side, and a way around."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        widths = (inside, outside // 2, outside // 4, outside // 4)
        for i in (1, 2, 3):
            setattr(self, f"bn{i}", nn.BatchNorm2d(widths[i - 1]))
            setattr(self, f"conv{i}", nn.Conv2d(widths[i - 1], widths[i], 3, padding=1, bias=False))
        self.downsample = nn.Sequential()
        if inside != outside:
            self.downsample = nn.Sequential(
                nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, outside, 1, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        parts, last = [], x
        for i in (1, 2, 3):
            last = getattr(self, f"conv{i}")(nnf.relu(getattr(self, f"bn{i}")(last)))
            parts.append(last)
        return torch.cat(parts, dim=1) + self.downsample(x)


class _Hourglass(nn.Module):
    """Down to a sixteenth and up again, with a way across at every size (A. Newell et al., 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        names = [f"b{k}_{level}" for level in range(1, _DEPTH + 1) for k in (1, 2, 3)]
        for name in (*names, "b2_plus_1"):
            self.add_module(name, _Block(width, width))

    def forward(self, x: Tensor, level: int = _DEPTH) -> Tensor:
        across = self.get_submodule(f"b1_{level}")(x)
        low = self.get_submodule(f"b2_{level}")(nnf.max_pool2d(x, 2))
        low = self.forward(low, level - 1) if level > 1 else self.get_submodule("b2_plus_1")(low)
        low = self.get_submodule(f"b3_{level}")(low)
        out: Tensor = across + nnf.interpolate(low, scale_factor=2.0, mode="nearest")
        return out


class EmoNet(nn.Module):
    """Faces -> emotions; build it with :func:`emotion_net`, which fills in the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64)
        self.conv2, self.conv3, self.conv4 = _Block(64, 128), _Block(128, 128), _Block(128, 256)
        for i in (0, 1):
            parts = {"m": _Hourglass(256), "top_m_": _Block(256, 256), "conv_last": nn.Conv2d(256, 256, 1)}
            parts |= {"bn_end": nn.BatchNorm2d(256), "l": nn.Conv2d(256, _HEATMAPS, 1)}
            for name, part in parts.items():
                self.add_module(f"{name}{i}", part)
        self.bl0, self.al0 = nn.Conv2d(256, 256, 1), nn.Conv2d(_HEATMAPS, 256, 1)
        self.conv1x1_input_emo_2 = nn.Conv2d(768, 256, 1)
        blocks = [layer for _ in range(4) for layer in (_Block(256, 256), nn.MaxPool2d(2))]
        self.emo_net_2 = nn.Sequential(*blocks)
        self.emo_fc_2 = nn.Sequential(
            nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, len(NAMES) + 2)
        )  # fmt: skip

    def forward(self, faces: Tensor) -> Tensor:
        """[B, 3, 256, 256] in [0, 1] -> [B, 10]: scores of the eight ``NAMES``, then valence and arousal."""
        x = nnf.max_pool2d(self.conv2(nnf.relu(self.bn1(self.conv1(faces)))), 2)
        x = self.conv4(self.conv3(x))
        before, kept = x, []
        for i in (0, 1):
            part = {name: self.get_submodule(f"{name}{i}") for name in ("m", "top_m_", "conv_last", "bn_end", "l")}
            seen = nnf.relu(part["bn_end"](part["conv_last"](part["top_m_"](part["m"](before)))))
            maps = part["l"](seen)
            if i == 0:
                seen = self.bl0(seen)
                before = before + seen + self.al0(maps)
            kept.append(seen)
        looked = torch.cat(kept, dim=1) * maps.sum(dim=1, keepdim=True)
        y = self.emo_net_2(self.conv1x1_input_emo_2(torch.cat([x, looked], dim=1)))
        out: Tensor = self.emo_fc_2(y.mean(dim=(2, 3)))
        return out


@lru_cache(maxsize=1)
def emotion_net() -> EmoNet:
    """EmoNet with its published weights, frozen and in evaluation mode; VultusError when they cannot be had."""
    net = EmoNet()
    read = read_tensors(store.path("emotion_net"))
    wanted = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")}
    if lacking := sorted(wanted - set(read)):
        raise VultusError(f"The file of emotion_net lacks {lacking[0]}", "Run: vultus assets fetch emotion_net")
    net.load_state_dict({name: torch.from_numpy(read[name]) for name in wanted}, strict=False)
    return net.eval().requires_grad_(False)


def read(faces: NDArray[Any]) -> NDArray[np.float32]:
    """Faces [N, 256, 256, 3], 0 to 255 -> [N, 10]: shares of the eight ``NAMES``, then valence and arousal in -1 to 1.

    The face fills the square, from above the brows to the chin. VultusError for other shapes.
    """
    x = np.asarray(faces, np.float32)
    if x.ndim != 4 or x.shape[1:] != (SIDE, SIDE, 3):
        raise VultusError(f"EmoNet reads faces [N, {SIDE}, {SIDE}, 3], not {x.shape}")
    out = [np.zeros((0, len(NAMES) + 2), np.float32)]
    with torch.no_grad():
        for one in x:
            scores = emotion_net()(torch.from_numpy(np.array(one)).movedim(-1, 0)[None] / 255)
            shares = torch.cat([scores[:, : len(NAMES)].softmax(dim=1), scores[:, len(NAMES) :].clamp(-1, 1)], dim=1)
            out.append(shares.numpy())
    return np.concatenate(out)
