"""A small cloud of points that learns a clip's pictures, for the tests of scenes and of growth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vultus.datasets.scene import Film, Pixels
from vultus.recipe import AdamW, Schedule, Stage


@dataclass(frozen=True)
class Config:
    """How many points there are at first, and whether they multiply."""

    points: int = 24
    grows: bool = True


class Cloud(nn.Module):
    """Round blots of colour in space; a ray's colour is their mean, weighted by how near it passes them."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config = config
        self.places = nn.Parameter(torch.randn(config.points, 3) * 0.1)
        self.sizes = nn.Parameter(torch.full((config.points,), -2.7))
        self.colours = nn.Parameter(torch.zeros(config.points, 3))
        self.ground = nn.Parameter(torch.zeros(3))
        self.register_buffer("middle", torch.zeros(3))
        self.register_buffer("pull", torch.zeros(config.points))

    def prepare(self, clips):
        count = len(clips[0].view())
        film = Film(clips[0], views=(5, 6, 7, 8), among=lambda step: range(0, count, 2))
        cameras = [film.camera(view, 0) for view in range(4)]
        self.middle.copy_(torch.as_tensor(sum(c.position + 1.2 * c.world_to_camera[2, :3] for c in cameras) / 4))
        return Pixels(film, pictures=4)

    def stages(self):
        rates = {"places": 0.2, "sizes": 2.0}
        cosine = Schedule("cosine", final=0.1)
        return [Stage("cloud", 160, 512, AdamW(0.05, weight_decay=0), cosine, ema=0.9, rates=rates)]

    def colour(self, origins: Tensor, directions: Tensor) -> Tensor:
        """The colours [R, 3] of rays."""
        to = self.middle + self.places - origins[:, None]
        off = to - (to * directions[:, None]).sum(-1, keepdim=True) * directions[:, None]
        weight = torch.exp(-off.square().sum(-1) / (2 * torch.exp(2 * self.sizes))) + 1e-6
        found = (weight[..., None] * self.colours.sigmoid()).sum(1) + 0.1 * self.ground.sigmoid()
        return found / (weight.sum(1, keepdim=True) + 0.1)

    def loss(self, batch):
        error = (self.colour(batch["origins"], batch["directions"]) - batch["frames"]).square().mean()
        return {"error": error}

    def grow(self, stage, step):
        """Every 20 steps the points that are pulled most become two, and two others vanish."""
        if not self.config.grows:
            return {}
        self.pull += self.places.grad.norm(dim=1)
        if step % 20 or step > 100:
            return {}
        order = self.pull.argsort(descending=True, stable=True)
        kept = order[:-2]  # the two that are pulled least vanish
        rows = torch.cat([kept, torch.full((6,), -1)])
        source = torch.cat([kept, order[:6]])
        for name in ("places", "sizes", "colours"):
            value = getattr(self, name).detach()[source]
            if name == "places":
                value[len(kept) :] += 0.03 * torch.randn(6, 3)
            setattr(self, name, nn.Parameter(value))
        self.pull = torch.zeros(len(rows))
        return dict.fromkeys(("places", "sizes", "colours"), rows)
