"""A small network and its data, for the tests of training and of export. Run as a script it trains, to be killed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vultus.recipe import AdamW, Schedule, Stage

CONTEXT = 4


@dataclass(frozen=True)
class Config:
    """Sizes of the tiny network."""

    bins: int = 5
    width: int = 8
    out: int = 2


class Causal(nn.Module):
    """A causal dilated convolution with dropout: [B, T, bins] and the last CONTEXT frames -> [B, T, out]."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config = config
        self.convolution = nn.Conv1d(config.bins, config.width, 3, dilation=2)
        self.norm = nn.BatchNorm1d(config.width)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(config.width, config.out)

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        joined = torch.cat([state, mel], 1)
        hidden = torch.relu(self.norm(self.convolution(joined.transpose(1, 2))))
        curves = self.head(self.dropout(hidden.transpose(1, 2)))
        return {"curves": curves, "state_out": joined[:, -CONTEXT:]}

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mel = batch["mel"]
        found = self(mel, mel.new_zeros(len(mel), CONTEXT, mel.shape[2]))["curves"]
        error = found - batch["curves"]
        return {"error": error.square().mean(), "speed": error.diff(dim=1).abs().mean()}


class Waves:
    """Random log-mels and curves that follow from them."""

    def batch(self, step: int, size: int, seed: int) -> dict[str, np.ndarray]:
        mel = np.random.default_rng([seed, step]).standard_normal((size, 12, 5)).astype(np.float32)
        return {"mel": mel, "curves": np.tanh(mel[..., :2] - np.roll(mel[..., 2:4], 2, 1))}


STAGES = (
    Stage("all", 12, 4, AdamW(3e-3), Schedule("cosine", warm_up=3), ema=0.9),
    Stage("head", 8, 6, AdamW(1e-3), train=("head.*",), weights={"error": 1.0, "speed": 0.5}, ema=0.8),
)

if __name__ == "__main__":
    from vultus.lab.card import About
    from vultus.lab.train import fit_dataset, seeded

    with seeded(5):
        model = Causal()

    def slowly(step: int, figures: dict[str, float]) -> None:
        print(step, flush=True)
        sys.stdin.readline()  # one line from the test lets the run go one step further

    about = About("tiny", "follows a wave", "waves 1", command="tiny")
    fit_dataset(
        model, Waves(), stages=STAGES, out=Path(sys.argv[1]), seed=5, about=about, save_every=0, hook=slowly, quiet=True
    )
