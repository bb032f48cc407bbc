"""The learned judges' networks: sync, phones, emotion, action units and identity, each in two architectures.

"a" is for losses and "b" judges: they share no layer type that decides what they see. "a" is strided convolutions with
batch normalisation over the whole picture; "b" cuts the picture into patches and mixes them by depthwise convolutions
with layer normalisation (Z. Liu et al., "A ConvNet for the 2020s", 2022). All have at most 3 M parameters.

They see mouths [B, T, 48, 48] and faces [B, T, 3, 48, 48], 0 to 255 (``vultus.critics.mouths``), at 25 frames a second,
and log-mel [B, 4 T, 80] (``vultus.signals.features``).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.channels import ARKIT, EMOTIONS, VISEMES
from vultus.critics.mouths import FACE_SIDE, MOUTH_SIDE
from vultus.critics.sync import REACH
from vultus.errors import unknown

Which = Literal["a", "b"]
WINDOW: Final = 5
"""Frames of lips, and four times as many of sound, that one embedding of sync sees."""
MEL_MIDDLE, MEL_WIDTH = -8.0, 5.0
"""What log-mel is shifted and divided by."""
_FAR: Final = 6  # frames from which on a shifted sound counts fully as another one
_MARGIN, _SCALE = 0.2, 30.0  # of the angular margin loss (J. Deng et al., "ArcFace", 2019)


def _channels_last(x: Tensor) -> Tensor:
    """The same pictures in the order of memory in which a CPU convolves about twice as fast."""
    return x.contiguous(memory_format=torch.channels_last)


class _Plain(nn.Module):
    """Pictures [N, C, S, S] -> [N, D]: strided convolutions, then all places at once."""

    def __init__(self, channels: int, side: int, out: int, width: int = 24) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for inside, outside in pairwise(widths):
            layers += [nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1] * (side // 16) ** 2, out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(_channels_last(x)).flatten(1))
        return out


class _Mix(nn.Module):
    """Depthwise convolution over places, then two layers over channels, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.wide, self.narrow = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(nnf.gelu(self.wide(self.norm(self.space(x)))))


class _Patches(nn.Module):
    """Pictures [N, C, S, S] -> [N, D]: patches of 4 pixels, mixed at two sizes, then averaged in each ninth."""

    def __init__(self, channels: int, side: int, out: int, width: int = 48) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 4, 4), nn.GroupNorm(1, width), _Mix(width), _Mix(width),
            nn.Conv2d(width, 2 * width, 2, 2), _Mix(2 * width), _Mix(2 * width), nn.AdaptiveAvgPool2d(3),
        )  # fmt: skip
        self.head = nn.Linear(2 * width * 9, out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(_channels_last(x)).flatten(1))
        return out


def _pictures(which: Which, channels: int, side: int, out: int) -> nn.Module:
    if which not in ("a", "b"):
        raise unknown("architecture", which, ("a", "b"))
    return _Plain(channels, side, out) if which == "a" else _Patches(channels, side, out)


def _centred(pictures: Tensor) -> Tensor:
    """Every clip's pictures [B, T, …], 0 to 255, with mean 0 and deviation 1: light and contrast say nothing."""
    rest = tuple(range(1, pictures.ndim))
    middle, width = pictures.mean(dim=rest, keepdim=True), pictures.std(dim=rest, keepdim=True)
    return (pictures - middle) / (width + 4)


def _over_time(width: int, out: int) -> nn.Sequential:
    """Features [B, D, T] -> [B, out, T] with about 0.4 s to either side."""
    return nn.Sequential(
        nn.Conv1d(width, width, 5, padding=2), nn.ReLU(), nn.Conv1d(width, width, 5, padding=4, dilation=2), nn.ReLU(),
        nn.Conv1d(width, width, 5, padding=4, dilation=2), nn.ReLU(), nn.Conv1d(width, out, 1),
    )  # fmt: skip


class Sync(nn.Module):
    """Lips and sound -> embeddings of length 1 that lie together when they belong together (SyncNet, 2016)."""

    def __init__(self, which: Which, dim: int = 96) -> None:
        super().__init__()
        self.which = which
        if which == "a":  # five pictures as five channels; the sound as a picture
            self.see = _pictures(which, WINDOW, MOUTH_SIDE, dim)
            self.hear: nn.Module = nn.Sequential(
                nn.Conv2d(1, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
                nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
                nn.Conv2d(64, 64, 3, (1, 2), 1), nn.BatchNorm2d(64), nn.ReLU(),
                nn.Flatten(), nn.Linear(64 * 5 * 10, dim),
            )  # fmt: skip
        else:  # one picture at a time, then time; the sound as a line of frames
            self.see = _pictures(which, 1, MOUTH_SIDE, 128)
            self.join = nn.Sequential(nn.GELU(), nn.Conv1d(128, 128, WINDOW), nn.GELU(), nn.Conv1d(128, dim, 1))
            self.hear = nn.Sequential(
                nn.Conv1d(80, 128, 4, 4), nn.GELU(), nn.Conv1d(128, 128, 1), nn.GELU(), nn.Conv1d(128, 128, WINDOW),
                nn.GELU(), nn.Conv1d(128, dim, 1),
            )  # fmt: skip
        self.sharpness = nn.Parameter(torch.tensor(2.3))

    def lips(self, mouths: Tensor) -> Tensor:
        """[B, T, 48, 48] -> [B, T, D]; the first and last frames are held for windows that reach beyond them."""
        b, t = mouths.shape[:2]
        x = _centred(mouths)
        held = torch.cat([x[:, :1]] * 2 + [x] + [x[:, -1:]] * 2, dim=1)
        if self.which == "a":
            stacks = held.unfold(1, WINDOW, 1).movedim(-1, 2)  # [B, T, 5, 48, 48]
            return nnf.normalize(self.see(stacks.flatten(0, 1)).view(b, t, -1), dim=2)
        seen = self.see(held.flatten(0, 1)[:, None]).view(b, t + 4, -1)
        return nnf.normalize(self.join(seen.transpose(1, 2)).transpose(1, 2), dim=2)

    def sound(self, mel: Tensor) -> Tensor:
        """[B, 4 T, 80] -> [B, T, D]: 0.2 s of sound around each frame."""
        b, t = mel.shape[0], mel.shape[1] // 4
        x = (mel[:, : 4 * t] - MEL_MIDDLE) / MEL_WIDTH
        x = nnf.pad(x.transpose(1, 2), (8, 8), mode="replicate")
        if self.which == "a":
            windows = x.unfold(2, 4 * WINDOW, 4).permute(0, 2, 3, 1)  # [B, T, 20, 80]
            heard = self.hear(_channels_last(windows.flatten(0, 1)[:, None]))
            return nnf.normalize(heard.view(b, t, -1), dim=2)
        return nnf.normalize(self.hear(x).transpose(1, 2), dim=2)

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """InfoNCE both ways: the right moment against others up to 15 frames away and against other clips.

        Moments next to the right one are hardly wrong and count less; frames without speech do not count. Where a batch
        has ``wrong`` lips [B, T, 48, 48], which move with the sound and do not say it, the sound must like all of
        their moments less than its own; half of them are enough. (Asking besides that they fit no moment better than
        another made the network blind to jaws.)
        """
        v, a = self.lips(batch["mouths"]), self.sound(batch["mel"])
        w = self.lips(batch["wrong"][: (len(v) + 1) // 2]) if "wrong" in batch else v[:0]
        with torch.autocast(v.device.type, enabled=False):  # similarities need more digits than bfloat16 has
            return self._contrast(v.float(), a.float(), w.float(), batch["speech"])

    def _contrast(self, v: Tensor, a: Tensor, w: Tensor, voiced: Tensor) -> dict[str, Tensor]:
        b, t, _ = v.shape
        scale = self.sharpness.exp().clamp(max=60)
        within = scale * torch.einsum("btd,bsd->bts", v, a)
        apart = (torch.arange(t)[:, None] - torch.arange(t)[None]).abs().to(v.device)
        near = torch.where(apart > REACH, -torch.inf, 0.0)
        weight = ((apart / _FAR).clamp(max=1).log() + near).masked_fill(apart == 0, 0.0)
        across = scale * torch.einsum("btd,ctd->btc", v, a)
        own = torch.eye(b, dtype=torch.bool, device=v.device)[:, None]
        across = across.masked_fill(own, -torch.inf)
        right = within.diagonal(dim1=1, dim2=2)
        wrong = scale * torch.einsum("btd,bsd->bts", w, a[: len(w)]) + near
        # Clips without wrong lips beside them have nothing that the sound could take for the right ones.
        none = torch.full((b - len(w), t, t), -torch.inf, device=v.device)
        there = torch.logsumexp(torch.cat([within + weight, across], dim=2), dim=2) - right
        tempting = torch.cat([wrong, none]).transpose(1, 2)
        back = torch.logsumexp(torch.cat([within.transpose(1, 2) + weight, tempting], dim=2), dim=2) - right
        return {"sync": ((there + back) * voiced).sum() / voiced.sum().clamp(min=1) / 2}


class Reader(nn.Module):
    """Mouths -> which of the 15 visemes every frame shows."""

    def __init__(self, which: Which, dim: int = 128) -> None:
        super().__init__()
        self.see = _pictures(which, 1, MOUTH_SIDE, dim)
        self.time = _over_time(dim, len(VISEMES))

    def forward(self, mouths: Tensor) -> Tensor:
        """[B, T, 48, 48] -> logits [B, T, 15] in the order of ``channels.VISEMES``."""
        b, t = mouths.shape[:2]
        seen = self.see(_centred(mouths).flatten(0, 1)[:, None]).view(b, t, -1)
        out: Tensor = self.time(seen.transpose(1, 2)).transpose(1, 2)
        return out

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cross-entropy of every frame."""
        logits = self(batch["mouths"])
        return {
            "visemes": nnf.cross_entropy(logits.flatten(0, 1), batch["visemes"].flatten().long(), label_smoothing=0.05)
        }


class _Frames(nn.Module):
    """Faces [B, T, 3, 48, 48] -> features [B, T, D] of every frame, with each clip's own light taken out.

    Each frame is seen twice: as it is, and less the mean of its clip, which is mostly who it is. While the network
    learns, half of the clips go without the second: what does not change in a clip must be seen too.
    """

    def __init__(self, which: Which, dim: int) -> None:
        super().__init__()
        self.see = _pictures(which, 6, FACE_SIDE, dim)

    def forward(self, faces: Tensor) -> Tensor:
        b, t = faces.shape[:2]
        x = _centred(faces)
        apart = 2 * (x - x.mean(dim=1, keepdim=True))
        if self.training:
            apart = apart * (torch.rand(b, 1, 1, 1, 1, device=x.device) < 0.5)
        both = torch.cat([x, apart], dim=2)
        seen: Tensor = self.see(both.flatten(0, 1)).view(b, t, -1)
        return seen


def _strangers(faces: Tensor) -> Tensor:
    """Faces [B, T, 3, S, S] as other people's: each clip turned, stretched, moved and tinted in a way of its own."""
    b, t, c, side, _ = faces.shape
    chance = torch.randn(b, 8, device=faces.device)
    turn, (wide, high) = 0.08 * chance[:, 0], (0.08 * chance[:, 1:3]).exp().unbind(dim=1)
    across = torch.stack([wide * turn.cos(), -wide * turn.sin(), 0.04 * chance[:, 3]], dim=1)
    along = torch.stack([high * turn.sin(), high * turn.cos(), 0.04 * chance[:, 4]], dim=1)
    grid = nnf.affine_grid(torch.stack([across, along], dim=1), [b, c, side, side], align_corners=False)
    # All pictures of a clip at once, as channels of one.
    flat = nnf.grid_sample(faces.flatten(1, 2), grid, padding_mode="border", align_corners=False)
    return flat.view(b, t, c, side, side) * (0.15 * chance[:, 5:8]).exp().view(b, 1, 3, 1, 1)


def _weights(made: Tensor, true: Tensor) -> Tensor:
    """Squared error of expression weights [B, T, 52], each divided by what its variance is in this batch."""
    spread = true.flatten(0, 1).var(dim=0).clamp(min=1e-3)
    return ((made - true) ** 2 / spread).mean()


class Emotions(nn.Module):
    """Faces -> how much of each emotion every frame shows.

    It also learns the weights of the expression: a clip has one or two emotions, but every frame has all weights.
    """

    def __init__(self, which: Which, dim: int = 192) -> None:
        super().__init__()
        self.frames = _Frames(which, dim)
        self.read = nn.Sequential(nn.GELU(), nn.Linear(dim, 128), nn.GELU(), nn.Linear(128, len(EMOTIONS)))
        self.units = nn.Sequential(nn.GELU(), nn.Linear(dim, len(ARKIT)))

    def forward(self, faces: Tensor) -> Tensor:
        """[B, T, 3, 48, 48] -> logits [B, T, 7] in the order of ``channels.EMOTIONS``."""
        out: Tensor = self.read(self.frames(faces))
        return out

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cross-entropy with the emotions' weights as soft targets, each on its own, as they may overlap; and units."""
        seen = self.frames(_strangers(batch["faces"]))
        return {
            "emotions": nnf.binary_cross_entropy_with_logits(self.read(seen), batch["emotions"]),
            "units": 0.3 * _weights(self.units(seen).sigmoid(), batch["units"]),
        }


class Units(nn.Module):
    """Faces -> the 52 expression weights of ARKit, frame by frame."""

    def __init__(self, which: Which, dim: int = 192) -> None:
        super().__init__()
        self.frames = _Frames(which, dim)
        self.read = nn.Sequential(nn.GELU(), nn.Linear(dim, 128), nn.GELU(), nn.Linear(128, len(ARKIT)))

    def forward(self, faces: Tensor) -> Tensor:
        """[B, T, 3, 48, 48] -> weights [B, T, 52] in [0, 1]."""
        out: Tensor = self.read(self.frames(faces)).sigmoid()
        return out

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Squared error of every weight, divided by what its variance is in this batch."""
        return {"units": _weights(self(_strangers(batch["faces"])), batch["units"])}


class Who(nn.Module):
    """Faces -> embeddings of length 1 that lie together when they show one person, whatever the person does."""

    def __init__(self, which: Which, people: int, dim: int = 64) -> None:
        super().__init__()
        self.see = _pictures(which, 3, FACE_SIDE, dim)
        self.centres = nn.Parameter(torch.randn(people, dim))

    def forward(self, faces: Tensor) -> Tensor:
        """[B, T, 3, 48, 48] -> [B, T, D]; each picture has its own contrast taken out."""
        b, t = faces.shape[:2]
        flat = _centred(faces.flatten(0, 1)[:, None]).flatten(0, 1)
        return nnf.normalize(self.see(flat).view(b, t, -1), dim=2)

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Additive angular margin (ArcFace) over the people of the training set."""
        t = batch["faces"].shape[1]
        person = batch["person"].long()[:, None].expand(-1, t).flatten()
        seen = self(batch["faces"]).flatten(0, 1).float()
        with torch.autocast(seen.device.type, enabled=False):
            cosine = seen @ nnf.normalize(self.centres, dim=1).T
        cosine = cosine.clamp(-1 + 1e-6, 1 - 1e-6)
        right = nnf.one_hot(person, len(self.centres)).bool()
        logits = torch.where(right, torch.cos(torch.acos(cosine) + _MARGIN), cosine)
        return {"who": nnf.cross_entropy(_SCALE * logits, person)}
