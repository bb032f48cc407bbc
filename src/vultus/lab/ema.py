"""The running mean of a network's weights, which is what a run gives out when a stage asks for it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vultus.lab import sharded


class Ema:
    """An exponential moving mean of all floating-point tensors of a network's state; the others are copied.

    After an update with decay d the mean is ``d * mean + (1 - d) * weights``; with decay 0 it is the weights.
    """

    def __init__(self, model: nn.Module) -> None:
        """Start from the weights that *model* has."""
        self.tensors: dict[str, Tensor] = {name: t.detach().clone() for name, t in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, decay: float, step: int) -> None:
        """Take in the weights of *model* after the *step*-th step (1 is the first) of a stage with that *decay*."""
        now = min(decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            mean, value = sharded.local(self.tensors[name]), sharded.local(value)
            if mean.is_floating_point() and now > 0:
                mean.lerp_(value, 1 - now)
            else:
                mean.copy_(value)

    @torch.no_grad()
    def follow(self, model: nn.Module, rows: Mapping[str, Tensor]) -> None:
        """Follow a *model* that has grown: *rows* says where those of parameters come from, -1 for new ones, whose mean
        begins as they do, as that of buffers with another number of rows does."""
        for name, value in model.state_dict().items():
            mean, fresh = self.tensors[name], value.detach().clone()
            if name in rows:
                kept = rows[name] >= 0
                fresh[kept] = mean[rows[name][kept]]
                self.tensors[name] = fresh
            elif mean.shape != value.shape:
                self.tensors[name] = fresh

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a mean that was saved."""
        for name, mean in self.tensors.items():
            self.tensors[name] = tensors[name].to(mean.device, copy=True)
