"""DaGAN: a portrait driven by a video, with a depth of faces that was learned from videos without labels.

Paper: F.-T. Hong, L. Zhang, L. Shen and D. Xu, "Depth-Aware Generative Adversarial Network for Talking Head Video
    Generation" (CVPR 2022), arXiv 2203.06605.
Claim: depth learned by explaining one frame by another is real depth, and keeps the shape of heads that turn far.
Own: training of depth; keypoints found in colours and depth; attention by which depth asks the warped features.
Shared: ResNet and its decoder, reprojection, keypoints, dense motion, warp network, discriminator, and their losses.
Left out: the SPADE decoder (67.5 M) that the authors offer besides; ImageNet's weights; VGG unless a file is named.
    Keypoints too near each other cost their nearness, as their number has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.clip import Clip
from vultus.critics import reenacted
from vultus.datasets.pairs import Neighbours, Pairs
from vultus.io.image import planes
from vultus.parts.image import losses, perceptual
from vultus.parts.image.discriminators import PatchDiscriminator
from vultus.parts.image.flow import DenseMotion, warp
from vultus.parts.image.keypoints import KeypointDetector, Keypoints
from vultus.parts.image.reenact import WEIGHTS, drive, objective
from vultus.parts.image.resnet import ResNet, ResNetU
from vultus.parts.image.warping import Encoder, Hook, WarpNet
from vultus.parts.scene.reproject import pinhole, reproject, rigid
from vultus.recipe import AdamW, Arrays, Claim, Gain, Params, Run, Stage
from vultus.stage import portraits

NEAREST, FARTHEST = 0.1, 100.0  # depths at the network's largest and smallest output, in an unknown unit


@dataclass(frozen=True)
class Depth:
    """The depth network, the one that finds motion and camera (``ego``), and the training of both: ``fine`` steps at a
    tenth of the ``rate`` come last; neighbours in time are ``apart`` frames."""

    layers: int = 50
    ego: int = 18
    width: int = 64
    stages: int = 4
    steps: int = 125_000
    fine: int = 42_000
    batch: int = 12
    rate: float = 1e-4
    apart: int = 1


@dataclass(frozen=True)
class Config:
    """``find``, ``move``: hourglasses at ``scale``; ``judge``: width, blocks; ``vgg``: its file."""

    size: int = 256
    points: int = 15
    find: tuple[int, int, int] = (32, 1024, 5)
    move: tuple[int, int, int] = (64, 1024, 5)
    scale: float = 0.25
    width: int = 64
    downs: int = 2
    blocks: int = 6
    judge: tuple[int, int] = (64, 4)
    depth_points: bool = True
    attention: bool = True
    depth: Depth = field(default_factory=Depth)
    vgg: str = ""
    scales: tuple[float, ...] = (1, 0.5, 0.25, 0.125)
    steps: int = 2_100_000
    batch: int = 12
    rate: float = 2e-4


tiny = Config(
    size=48, points=10, find=(16, 64, 3), move=(16, 64, 3), scale=0.5, width=16, downs=1, blocks=2, judge=(16, 3),
    depth=Depth(18, 18, 16, 2, steps=225, fine=0, batch=8, rate=1e-3), scales=(1,), steps=175, batch=8, rate=1e-3,
)  # fmt: skip
paper = Config()
PAPER_PARAMS = Params(60_400_000, "code: keypoints 14.3 M and generator 46.1 M", of=("keypoints", "generator"))


class EgoMotion(nn.Module):
    """Two pictures -> how the camera moves from one to the other, as far as one motion can explain it, and its lens."""

    def __init__(self, config: Depth) -> None:
        super().__init__()
        self.encoder = ResNet(config.ego, channels=6, width=config.width, stages=config.stages)
        width = 4 * config.width
        sizes = ((self.encoder.widths[-1], width, 1), (width, width, 3), (width, width, 3))
        self.body = nn.Sequential(*(nn.Sequential(nn.Conv2d(a, b, k, padding=k // 2), nn.ReLU()) for a, b, k in sizes))
        self.move, self.lens = nn.Conv2d(width, 6, 1), nn.Conv2d(width, 4, 1)

    def forward(self, here: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 3, H, W] -> moves [B, 4, 4] and cameras [B, 3, 3], as ``reproject`` takes them."""
        x = self.body(self.encoder(torch.cat([here, there], dim=1))[-1])
        move, lens = (head(x).mean(dim=(2, 3)) for head in (self.move, self.lens))
        lens = pinhole(nnf.softplus(lens[:, :2]), 0.01 * lens[:, 2:] + 0.5)  # centred at first
        return rigid(0.01 * move[:, :3], 0.01 * move[:, 3:]), lens


class DepthAttention(nn.Module):
    """At every place depth asks where the warped appearance that belongs there is; what it finds is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Conv2d(width, width // 8, 1), nn.Conv2d(width, width // 8, 1)
        self.value, self.amount = nn.Conv2d(width, width, 1), nn.Parameter(torch.zeros(1))

    def forward(self, depth: Tensor, warped: Tensor, _: Any = None) -> Tensor:
        """Features of depth and of the warped picture [B, C, h, w] -> [B, C, h, w]."""
        ask = nnf.relu(self.query(depth))
        q, k, v = (x.flatten(2).transpose(1, 2).contiguous() for x in (ask, self.key(warped), self.value(warped)))
        found = nnf.scaled_dot_product_attention(q, k, v, scale=1.0)
        return self.amount * found.transpose(1, 2).reshape(warped.shape) + warped


class Generator(nn.Module):
    """Source, its depth and two sets of keypoints -> the driven picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, most, deep = config.move
        self.motion = DenseMotion(config.points, width=width, most=most, depth=deep, scale=config.scale)
        self.warp = WarpNet(width=config.width, downs=config.downs, blocks=config.blocks)
        self.attention: DepthAttention | None = None
        if config.attention:
            self.encoder = Encoder(1, config.width, 512, config.downs)
            self.attention = DepthAttention(self.encoder.widths[-1])

    def forward(self, source: Tensor, depth: Tensor | None, at: Keypoints, to: Keypoints) -> Tensor:
        """Pictures [B, 3, H, W], their depth [B, 1, H, W] where attention needs it, keypoints -> [B, 3, H, W]."""
        hooks: dict[int, Hook] = {}
        if self.attention is not None and depth is not None:
            hooks[0] = partial(self.attention.forward, self.encoder(depth)[-1])
        return cast(Tensor, self.warp(source, self.motion(source, at, to), hooks).frames)


class Model(nn.Module):
    """Depth, keypoints, generator and discriminator."""

    family: ClassVar = "reenactment"
    takes: ClassVar = ("picture", "frames")
    gives: ClassVar = "frames"

    def __init__(self, config: Config = tiny) -> None:
        super().__init__()
        self.config, d, (width, most, depth) = config, config.depth, config.find
        self.depth, self.ego = ResNetU(d.layers, width=d.width, stages=d.stages), EgoMotion(d)
        self.keypoints = KeypointDetector(
            config.points, channels=3 + config.depth_points, width=width, most=most, depth=depth, scale=config.scale
        )
        self.generator = Generator(config)
        self.judge = PatchDiscriminator(keypoints=config.points, width=config.judge[0], blocks=config.judge[1])

    def stages(self) -> list[Stage]:
        """Depth alone, where it is used; then all the rest, with depth standing still."""
        c, depth = self.config, []
        if c.depth_points or c.attention:
            learn = {"depth": (c.depth.steps, c.depth.rate), "depth-fine": (c.depth.fine, c.depth.rate / 10)}
            adam, train = partial(AdamW, weight_decay=0), ("depth.*", "ego.*")
            depth = [Stage(k, n, c.depth.batch, adam(rate), train=train) for k, (n, rate) in learn.items() if n]
        rule, trained = AdamW(c.rate, (0.5, 0.999), weight_decay=0), ("keypoints.*", "generator.*", "judge.*")
        return [*depth, Stage("faces", c.steps, c.batch, rule, train=trained, clip=None, weights=WEIGHTS)]

    def prepare(self, clips: Sequence[Clip]) -> dict[str, Neighbours | Pairs]:
        """Pictures with neighbours for depth, and pairs of pictures of one clip for the rest."""
        near, pairs = Neighbours(clips, self.config.size, self.config.depth.apart), Pairs(clips, self.config.size)
        return {stage.name: near if stage.name.startswith("depth") else pairs for stage in self.stages()}

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The terms for a batch of ``Neighbours`` (depth) or of ``Pairs``, whose extra channel may give the depth."""
        return self._depth_loss(batch) if "target" in batch else self._face_loss(batch)

    def _depth_loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        target, others = batch["target"], (batch["before"], batch["after"])
        ways = [(other, *self.ego(target, other)) for other in others]
        # Where standing still explains a place best, it says nothing.
        still = [losses.photometric(o, target) + 1e-5 * torch.randn_like(target[:, :1]) for o in others]
        likeness, smooth, maps = target.new_zeros(()), target.new_zeros(()), self.depth(target)
        for level, near in enumerate(raw.sigmoid() for raw in maps):
            full = nnf.interpolate(near, target.shape[2:], mode="bilinear", align_corners=False)
            depth = 1 / (1 / FARTHEST + (1 / NEAREST - 1 / FARTHEST) * full)
            seen = [warp(other, reproject(depth, lens, move), "border") for other, move, lens in ways]
            errors = torch.cat([*(losses.photometric(picture, target) for picture in seen), *still], dim=1)
            likeness = likeness + errors.amin(dim=1).mean() / len(maps)
            edges = nnf.interpolate(target, near.shape[2:], mode="area")
            smooth = smooth + losses.smoothness(near, edges) / 2**level / len(maps)
        return {"likeness": likeness, "smooth": 1e-3 * smooth}

    def nearness(self, pictures: Tensor) -> Tensor | None:
        """What the frozen depth network says of pictures [B, 3, H, W]: [B, 1, H, W]; None where none is needed."""
        if not (self.config.depth_points or self.config.attention):
            return None
        with torch.no_grad():
            return self.depth(pictures)[0].sigmoid()

    def find(self, pictures: Tensor, near: Tensor | None) -> Keypoints:
        """Keypoints of pictures [B, 3, H, W] and their nearness."""
        given = [pictures, near] if self.config.depth_points and near is not None else [pictures]
        return cast(Keypoints, self.keypoints(torch.cat(given, dim=1)))

    def _face_loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        c, names, given = self.config, ("source", "driving"), "driving_extra" in batch
        source, driving = (batch[name] for name in names)
        near, far = (batch[f"{name}_extra"] if given else self.nearness(batch[name]) for name in names)
        at, to, bend = self.find(source, near), self.find(driving, far), losses.Bend.draw(driving)
        bent = bend.pictures(far) if given and far is not None else None
        return objective(
            self.generator(source, near, at, to), driving, to, bend=bend, judge=self.judge, scales=c.scales,
            find=lambda pictures: self.find(pictures, self.nearness(pictures) if bent is None else bent),
            taps=perceptual.vgg19(c.vgg, str(driving.device)) if c.vgg else perceptual.efficientnet(driving.device),
        )  # fmt: skip

    def step(self, state: Any, *, picture: Any = None, frames: Any = None, motion: str = "relative") -> Any:
        """``forward`` for frames that come bit by bit: their pictures, and the state for the next call."""
        self.eval()
        return drive(
            state, picture, frames, motion=motion, size=self.config.size, device=self.generator.warp.out.weight.device,
            find=lambda pictures: self.find(pictures, self.nearness(pictures)),
            draw=lambda source, at, to: self.generator(source, self.nearness(source), at, to),
        )  # fmt: skip

    def forward(self, *, picture: Any = None, frames: Any = None, motion: str = "relative") -> NDArray[np.uint8]:
        """The face of *picture* uint8 [H, W, 3] moved as *frames* uint8 [T, H, W, 3] say: uint8 [T, size, size, 3].

        *motion* "relative" adds what changes after the first frame, "matched" after the one most like the picture;
        "absolute" takes over place and shape.
        """
        made: NDArray[np.uint8] = self.step(None, picture=picture, frames=frames, motion=motion)[0]
        return made


def claim(run: Run) -> Claim:
    """Depth against none, at equal size; depth that was learned from strangers as neighbours is the control."""
    make = partial(portraits.arrays, seed=11, size=tiny.size)
    seen = run.keep("seen 1", lambda: make(run.count(24, 1)))
    unseen = run.keep("unseen 1", lambda: make(run.count(8, 1), split="test"))
    goal = run.keep("goals 1", lambda: reenacted.goals(unseen))
    clips, true = portraits.as_clips(seen), portraits.nearness(seen)

    def shared(seed: int) -> None:
        _ = depth("depth", seed), depth("strangers", seed)

    def depth(kind: str, seed: int) -> Model:
        with run.seeded(seed):
            model = Model(replace(tiny, depth=replace(tiny.depth, steps=run.count(tiny.depth.steps))))
        data = Neighbours(clips, tiny.size, strangers=kind == "strangers")
        run.fit(f"depth {kind}", model, data, model.stages()[:1], seed=seed, shared=True)
        return model

    def arm(kind: str, **change: Any) -> Callable[[int], dict[str, float]]:
        def train(seed: int) -> dict[str, float]:
            with run.seeded(seed):
                model = Model(replace(tiny, steps=run.count(tiny.steps), **change))
            if kind in ("depth", "strangers"):
                model.depth.load_state_dict(depth(kind, seed).depth.state_dict())
            data = Pairs(clips, tiny.size, more=(lambda *at: true[at][None]) if kind == "true" else None)
            run.fit("faces", model, data, model.stages()[-1:], seed=seed)
            return _measured(model.eval(), unseen, goal, kind)

        return train

    arms = {kind: arm(kind) for kind in ("depth", "strangers", "true")}
    arms["plain"] = arm("plain", depth_points=False, attention=False)
    order, less = partial(Gain, "order", better="higher", by="difference"), partial(Gain, "AKD")
    return Claim(
        says="Depth learned from videos without labels is real depth, and keeps the shape of heads that turn far.",
        margins="Proposed in the notes on the paper; pilots (seed 100) came at most 35 % of the way in such times.",
        arms=arms | {"still": lambda _: reenacted.standing_still(unseen, goal)},
        holds=[order("depth", "plain", 0.15), less("depth", "plain", 0.05)],
        controls=[order("strangers", "plain", 0.075), less("strangers", "plain", 0.025)],
        quality=[less("plain", "still", 0.5)],
        also=[less("true", "plain", 0.05), Gain("PSNR", "depth", "plain", 0, better="higher", by="difference")],
        shared=shared,
    )


def _measured(model: Model, unseen: Arrays, goal: Arrays, kind: str) -> dict[str, float]:
    """What the judges say of the driven pictures, and of the depth; instead of none it is a face like any other."""
    where = ("source", "driving")
    source, driving = (torch.from_numpy(planes(reenacted.chosen(unseen, goal, name, "frames"))) for name in where)
    near, far = model.nearness(source), model.nearness(driving)
    if kind == "true":
        true = {"near": portraits.nearness(unseen)}
        near, far = (torch.from_numpy(reenacted.chosen(true, goal, name, "near"))[:, None] for name in where)
    with torch.no_grad():
        made = model.generator(source, near, model.find(source, near), model.find(driving, far))
    frames = (255 * made).round().byte().permute(0, 2, 3, 1).numpy()
    says = reenacted.bowl(unseen, goal) if far is None else far[:, 0].numpy()
    amount = sum(abs(p.item()) for name, p in model.named_parameters() if name.endswith("attention.amount"))
    extra = {"order": reenacted.order(says, unseen, goal), "attention": amount}
    return reenacted.distances(frames, unseen, goal) | extra
