"""A network that draws mouths as the renderer does, so that gradients flow from pictures to weights of the mouth.

One for each person in one light: pictures are a mean and 160 principal components of what the renderer drew of random
mouths, and a small network tells their shares from the weights. What it is wrong by is measured on mouths that it has
not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus.critics.mouths import SIDE, cut
from vultus.drivers.targets import PHONETIC
from vultus.io.files import atomic
from vultus.lab.articulation_twin import SHAPED, WEIGHTS, Free, Packed, held, mouths, rows_of
from vultus.lab.card import About
from vultus.lab.read_words import Mouth
from vultus.lab.run import seeded
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage

F32 = NDArray[np.float32]
PARTS: Final = 160
"""Principal components, at most."""
_WIDTH: Final = 256
_TESTED: Final = 0.1  # of the mouths, which nothing learns from
_FORMAT, _VERSION = "vultus.mouth-pictures", 1


@dataclass(frozen=True, eq=False)
class Pictures:
    """Mouths of one look: ``weights`` float32 [N, 14] (``articulation_twin.WEIGHTS``), ``grey`` uint8 [N, 88, 88]."""

    weights: F32
    grey: NDArray[np.uint8]


def random_mouths(packed: Packed, count: int, seed: int) -> F32:
    """*count* mouths float32 [N, 14]: two thirds of speech whose targets are shifted at random, a third of any kind."""
    rng = np.random.default_rng([seed, 0x30BE])
    generator = torch.Generator().manual_seed(seed)
    found: list[F32] = []
    spoken = 2 * count // 3
    films = len(packed.seal)
    while sum(map(len, found)) < spoken:
        free = Free.of(PHONETIC)
        value = free.value + 0.15 * torch.randn(free.value.shape, generator=generator)
        dominance = free.dominance + 0.5 * torch.randn(free.dominance.shape, generator=generator)
        some = Packed(*(part[int(rng.integers(films))][None] for part in vars(packed).values()))
        free = Free(value.clamp(0, 1), dominance, free.anticipation, free.carry_over)
        found.append(mouths(free, some)[0, ::4].numpy())
    any_kind = count - spoken
    # Few controls at a time: all at once is a grimace.
    amount = rng.beta(1, 1.6, (any_kind, SHAPED)) * (rng.random((any_kind, SHAPED)) < 0.45)
    amount[:, 0] *= 0.6
    seal = np.where(rng.random(any_kind) < 0.15, rng.random(any_kind), 0)
    bite = np.where(rng.random(any_kind) < 0.15, rng.random(any_kind), 0)
    other = held(*(torch.from_numpy(part).float() for part in (amount, seal, bite))).numpy()
    return np.asarray(np.concatenate([np.concatenate(found)[:spoken], other]), np.float32)


def draw(mouth: Mouth, weights: F32) -> Pictures:
    """The pictures of *weights*; all are cut at one place, the mean of them."""
    some = list(mouth.pictures(rows_of(weights)))
    marks = np.mean([mark for _, mark in some], axis=0)
    grey = np.stack([cut(picture, marks) for picture, _ in some])
    return Pictures(weights, np.clip(np.round(grey), 0, 255).astype(np.uint8))


def drawn(path: Path, person: str, light: str, weights: F32) -> Pictures:
    """The same, kept in the file *path*; made anew where that holds something else."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            same = str(file["format"]) == _FORMAT and int(file["version"]) == _VERSION
            if same and str(file["look"]) == f"{person} {light}" and np.array_equal(file["weights"], weights):
                return Pictures(file["weights"], file["grey"])
    made = draw(Mouth(person, light), weights)
    with atomic(path) as whole, whole.open("wb") as out:
        np.savez_compressed(
            out, format=_FORMAT, version=_VERSION, look=f"{person} {light}", weights=made.weights, grey=made.grey
        )
    return made


class Proxy(nn.Module):
    """Weights of the mouth [..., 14] -> grey mouths [..., 88, 88], 0 to 255."""

    mean: Tensor
    basis: Tensor

    def __init__(self, mean: Tensor, basis: Tensor) -> None:
        """*mean* [7744] and *basis* [K, 7744], whose rows are as long as the pictures spread along them."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.net = nn.Sequential(
            nn.Linear(len(WEIGHTS), _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU(),
            nn.Linear(_WIDTH, len(basis)),
        )  # fmt: skip

    def forward(self, weights: Tensor) -> Tensor:
        """The pictures."""
        flat = self.net(weights) @ self.basis + self.mean
        return flat.reshape(*weights.shape[:-1], SIDE, SIDE).clamp(0, 255)

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squares of grey levels, of the components: what they cannot show is the same for all."""
        size = self.basis.square().sum(dim=1)
        return {"grey": ((self.net(batch["weights"]) - batch["shares"]).square() * size).sum(dim=1).mean() / SIDE**2}


class _Batches:
    """Random mouths out of those that are learned from."""

    def __init__(self, weights: Tensor, shares: Tensor) -> None:
        self._weights, self._shares = weights, shares

    def batch(self, step: int, size: int, seed: int) -> dict[str, Tensor]:
        some = np.random.default_rng([seed, step]).integers(len(self._weights), size=size)
        return {"weights": self._weights[some], "shares": self._shares[some]}


def fit(pictures: Pictures, out: Path, name: str, steps: int, seed: int = 0) -> tuple[Proxy, float]:
    """The proxy of *pictures* and how many grey levels it is wrong by on average where it was not shown the mouth.

    Its weights and card are kept in the folder *out* under *name*.
    """
    order = np.random.default_rng([seed, 0xF17]).permutation(len(pictures.grey))
    tested, learned = np.split(order, [max(int(_TESTED * len(order)), 1)])
    grey = torch.from_numpy(pictures.grey.reshape(len(order), -1)).float()
    weights = torch.from_numpy(pictures.weights)
    mean = grey[learned].mean(dim=0)
    with seeded(seed):
        # The components of a few hundred show all that mouths do.
        some = grey[learned[:800]] - mean
        _, _, axes = torch.linalg.svd(some, full_matrices=False)
        axes = axes[:PARTS]
        along = (grey - mean) @ axes.T
        spread = along[learned].std(dim=0).clamp_min(1e-3)
        model = Proxy(mean, axes * spread[:, None])
    cosine = Schedule("cosine", warm_up=min(20, steps - 1), final=0.02)
    stage = Stage("all", steps, 128, AdamW(lr=3e-3, weight_decay=1e-4), cosine)
    about = About(name, "A mouth as the renderer draws it, from its weights.", f"{len(learned)} random mouths")
    data = _Batches(weights[learned], (along / spread)[learned])
    fit_dataset(model, data, stages=[stage], out=out, seed=seed, about=about, quiet=True)
    with torch.no_grad():
        wrong = float((model(weights[tested]) - grey[tested].view(-1, SIDE, SIDE)).abs().mean())
    return model.eval().requires_grad_(False), wrong


def looks(
    some: Sequence[tuple[str, str]], packed: Packed, out: Path, *, renders: int, steps: int, seed: int = 0
) -> tuple[list[Proxy], list[float]]:
    """The proxy of each person and light, and what each is wrong by in grey levels."""
    out.mkdir(parents=True, exist_ok=True)
    found: list[tuple[Proxy, float]] = []
    for i, (person, light) in enumerate(some):
        weights = random_mouths(packed, renders, seed + i)
        pictures = drawn(out / f"look-{i}.npz", person, light, weights)
        found.append(fit(pictures, out, f"look-{i}", steps, seed))
    return [proxy for proxy, _ in found], [wrong for _, wrong in found]


def shown(proxies: Sequence[Proxy], which: Sequence[int], weights: Tensor) -> Tensor:
    """The films [B, T, 88, 88] of weights [B, T, 14], each by the proxy that *which* names."""
    pictures: list[Any] = [proxies[i](film) for i, film in zip(which, weights, strict=True)]
    return torch.stack(pictures)
