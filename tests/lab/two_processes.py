"""A network with a head for each of two sets, and its data. Run as a script, two processes train it in three ways."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from vultus.lab.card import About
from vultus.lab.run import Machine, seeded
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage

SIZE = 4
ABOUT = About("twins", "follows two sets", "sets 1", command="twins")


class StopError(Exception):
    """Ends a run, in all processes at the same step."""


class Sets:
    """Examples by their number: the first four of eight are of one set, the others of another."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop

    def batch(self, step: int, size: int, seed: int) -> dict[str, np.ndarray]:
        if self.stop is not None and step >= self.stop:
            raise StopError
        numbers = range(step * size, (step + 1) * size)
        x = np.stack([np.random.default_rng([9, number]).standard_normal(5) for number in numbers]).astype(np.float32)
        return {"x": x, "y": np.tanh(x[:, :3] + x[:, 2:]), "set": np.array([n // SIZE % 2 for n in numbers])}


class Twins(nn.Module):
    """[B, 5] -> [B, 3] by the head of the example's set; ``idle`` is of no use, and ``seen`` counts steps."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(5, 7)  # 7 rows, which two processes cannot share evenly
        self.heads = nn.ModuleList(nn.Linear(7, 3) for _ in range(2))
        self.idle = nn.Parameter(torch.ones(3))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.training:
            self.seen += 1
        hidden = torch.tanh(self.body(batch["x"]))
        # As adversarial pairs do: the body's weights as they are, which learn nothing here.
        weights = {name: tensor.detach() for name, tensor in self.body.state_dict(keep_vars=True).items()}
        again = functional_call(self.body, weights, (hidden[:, :5],))
        total = hidden.new_zeros(())
        for number, head in enumerate(self.heads):
            if (chosen := batch["set"] == number).any():
                total = total + (head(hidden[chosen]) - batch["y"][chosen]).square().sum()
        total = total + 0.1 * again.square().sum()
        return {"error": total / len(hidden), "watched": self.idle.sum()}


def stages(size: int) -> tuple[Stage, ...]:
    one = {"error": 1.0}
    return (
        Stage("all", 6, size, AdamW(3e-2), Schedule("cosine", warm_up=2), ema=0.9, weights=one, clip=0.5),
        Stage("heads", 5, size, AdamW(1e-2), train=("heads.*",), ema=0.8, weights=one),
    )


def fit(out: Path, machine: Machine, size: int = SIZE, stop: int | None = None) -> dict[str, Any]:
    with seeded(3):
        model = Twins()
    data = {"all": Sets(), "heads": Sets(stop)}
    card = fit_dataset(
        model, data, stages=stages(size), out=out, seed=3, about=ABOUT, machine=machine, quiet=True,
        save_every=math.inf if stop is None else 0.0,
        measure=lambda trained: {"sum": sum(float(p.sum()) for p in trained.parameters())},
    )  # fmt: skip
    assert not model.training
    assert type(model.body) is nn.Linear  # as it was given, whatever trained a copy of it
    return card


if __name__ == "__main__":
    place = Path(sys.argv[1])
    spread = Machine("cpu", devices=2, strategy="fsdp")
    fit(place / "fsdp", spread)
    try:
        fit(place / "again", spread, stop=6)  # the third step of both
    except StopError:
        fit(place / "again", spread)
    fit(place / "ddp", Machine("cpu", devices=2, strategy="ddp"))
