"""A reader of real lips: which of 500 English words a mouth says. It judges; nothing that is shipped is trained on it.

The network is that of B. Martinez et al., "Lipreading using temporal convolutional networks" (ICASSP 2020) and of P. Ma
et al. (ICASSP 2021): one 3D convolution, a ShuffleNetV2 a frame, four dilated convolutions and the mean over time. Its
weights, trained on BBC's LRW, come in the package ``fae``. Here it is built anew, so that clips may have
any length and gradients flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus import store
from vultus.critics.mouths import SIDE
from vultus.critics.torchscript import read_tensors
from vultus.errors import VultusError, unknown

_MEAN, _STD = 0.421, 0.165
_STAGES = ((24, 116, 4), (116, 232, 8), (232, 464, 4))  # channels in and out, blocks


class _Shuffle(nn.Module):
    """One block of ShuffleNetV2 (N. Ma et al., 2018): *wide* ones halve the picture."""

    def __init__(self, inside: int, outside: int, wide: bool) -> None:
        super().__init__()
        half, stride = outside // 2, 2 if wide else 1
        first = inside if wide else half
        self.banch1 = nn.Sequential()
        if wide:
            self.banch1 = nn.Sequential(
                nn.Conv2d(inside, inside, 3, 2, 1, groups=inside, bias=False), nn.BatchNorm2d(inside),
                nn.Conv2d(inside, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            )  # fmt: skip
        self.banch2 = nn.Sequential(
            nn.Conv2d(first, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, half, 3, stride, 1, groups=half, bias=False), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        left, right = (x, x) if len(self.banch1) else x.chunk(2, dim=1)
        both = torch.cat([self.banch1(left), self.banch2(right)], dim=1)
        n, c, h, w = both.shape
        return both.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class _Temporal(nn.Module):
    """Two dilated convolutions over time with a way around them."""

    def __init__(self, inside: int, width: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(inside, width, 3, padding=dilation, dilation=dilation)
        self.batchnorm1, self.relu1 = nn.BatchNorm1d(width), nn.PReLU(width)
        self.conv2 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.batchnorm2, self.relu2 = nn.BatchNorm1d(width), nn.PReLU(width)
        self.downsample = nn.Conv1d(inside, width, 1) if inside != width else nn.Identity()
        self.relu = nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.batchnorm1(self.conv1(x)))
        y = self.relu2(self.batchnorm2(self.conv2(y)))
        out: Tensor = self.relu(y + self.downsample(x))
        return out


class LipReader(nn.Module):
    """Grey mouths [B, T, 88, 88] -> word scores; build it with :func:`lip_reader`, which fills in the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, 24, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False), nn.BatchNorm3d(24), nn.PReLU(24),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )  # fmt: skip
        blocks = [
            _Shuffle(outside if i else inside, outside, i == 0) for inside, outside, n in _STAGES for i in range(n)
        ]
        last = nn.Sequential(nn.Conv2d(464, 1024, 1, bias=False), nn.BatchNorm2d(1024), nn.ReLU())
        self.trunk = nn.Sequential(nn.Sequential(*blocks), last, nn.AdaptiveAvgPool2d(1))
        self.tcn = nn.Module()
        self.tcn.tcn_trunk = nn.Module()
        self.tcn.tcn_trunk.network = nn.Sequential(*(_Temporal(512 if i else 1024, 512, 2**i) for i in range(4)))
        self.tcn.tcn_output = nn.Linear(512, 500)

    def features(self, mouths: Tensor) -> Tensor:
        """Grey mouths [B, T, 88, 88], 0 to 255 -> features of every frame [B, T, 512]."""
        b, t = mouths.shape[:2]
        x = self.frontend3D(((mouths / 255 - _MEAN) / _STD)[:, None])
        x = self.trunk(x.transpose(1, 2).flatten(0, 1)).view(b, t, 1024)
        out: Tensor = self.tcn.tcn_trunk.network(x.transpose(1, 2)).transpose(1, 2)
        return out

    def forward(self, mouths: Tensor) -> Tensor:
        """Grey mouths [B, T, 88, 88], 0 to 255, at 25 frames a second -> scores [B, 500], higher for likelier words."""
        out: Tensor = self.tcn.tcn_output(self.features(mouths).mean(dim=1))
        return out


@lru_cache(maxsize=1)
def lip_reader() -> LipReader:
    """The reader with its published weights, frozen and in evaluation mode. VultusError when they cannot be fetched."""
    reader = LipReader()
    wanted = reader.state_dict()
    read = read_tensors(store.path("lip_reader"))
    reader.load_state_dict({name: torch.from_numpy(read[name]) for name in wanted if name in read}, strict=False)
    if lacking := [n for n in wanted if n not in read and not n.endswith("num_batches_tracked")]:
        raise VultusError(f"The lip reader's file lacks {lacking[0]}", "Run: vultus assets fetch lip_reader")
    return reader.eval().requires_grad_(False)


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """The 500 words, in the order of the scores."""
    return tuple(store.path("lip_reader_words").read_text("utf-8").split())


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read: ``ranks`` of the right words among 500 (1 is best), beside the ``shuffled`` ones.

    ``shuffled`` holds, for every clip, the median rank there of the other clips' words: about 250 is chance.
    """

    ranks: NDArray[np.int64]
    shuffled: NDArray[np.float64]

    def summary(self) -> dict[str, float]:
        """Median rank, shares of the first 1, 5 and 10, and the shuffled median."""
        top = {f"top{k}": float(np.mean(self.ranks <= k)) for k in (1, 5, 10)}
        return {"rank": float(np.median(self.ranks)), **top, "shuffled": float(np.median(self.shuffled))}


def scores(mouths: Iterable[NDArray[Any]]) -> NDArray[np.float32]:
    """Scores [N, 500] of *mouths*: clips [T, 88, 88], grey 0 to 255, at 25 frames a second, of any lengths."""
    reader, out = lip_reader(), []
    with torch.no_grad():
        for clip in mouths:
            x = np.asarray(clip, np.float32)
            if x.ndim != 3 or x.shape[1:] != (SIDE, SIDE) or len(x) < 1:
                raise VultusError(f"A mouth is read as [T, {SIDE}, {SIDE}], not {x.shape}")
            out.append(reader(torch.from_numpy(x)[None])[0].numpy())
    return np.array(out, np.float32).reshape(-1, len(words()))


def judge(mouths: Sequence[NDArray[Any]], said: Sequence[str]) -> Reading:
    """How well the reader reads the words *said* off *mouths* (as :func:`scores` takes them)."""
    known = {word: i for i, word in enumerate(words())}
    for word in said:
        if word.upper() not in known:
            raise unknown("word of the lip reader", word, words())
    if len(mouths) != len(said) or not said:
        raise VultusError(f"{len(mouths)} mouths do not fit {len(said)} words")
    right = [known[word.upper()] for word in said]
    table = scores(mouths)
    place = np.empty((len(table), len(known)), np.int64)
    order = np.argsort(-table, axis=1, kind="stable")
    np.put_along_axis(place, order, np.arange(1, len(known) + 1)[None], axis=1)
    others = [[place[i, k] for k in right if k != right[i]] or [len(known) / 2] for i in range(len(right))]
    return Reading(place[np.arange(len(right)), right], np.array([np.median(row) for row in others]))
