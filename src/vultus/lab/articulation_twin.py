"""The articulation once more in torch, through which gradients flow to targets, dominances and times.

It gives what ``drivers.articulation`` gives, for mouths without manner, loudness or pitch, and is tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vultus.drivers.articulation import TINY, around, columns_of, segments_of
from vultus.drivers.targets import CONTROLS, PHONETIC, Target, Targets
from vultus.signals.phones import Phone

SHAPED: Final = len(CONTROLS) - 2
"""Controls that are no contacts."""
WEIGHTS: Final = (*CONTROLS[:SHAPED], "mouthClose")
"""What the mouth is made of; names without Left or Right move both sides."""
ROWS: Final = tuple(PHONETIC.rows)
"""The targets, in the order of the tensors."""
_ROW: Final = {name: i for i, name in enumerate(ROWS)}


@dataclass(frozen=True, eq=False)
class Free:
    """What may be tuned: ``value`` and the logarithm of the ``dominance`` [R, 13], the logarithms of ``anticipation``
    and ``carry_over`` in seconds [13]."""

    value: Tensor
    dominance: Tensor
    anticipation: Tensor
    carry_over: Tensor

    @classmethod
    def of(cls, targets: Targets) -> Free:
        """Those of a set."""
        return cls(
            _tensor([targets.rows[name].value for name in ROWS])[:, :SHAPED],
            _tensor([targets.rows[name].dominance for name in ROWS])[:, :SHAPED].log(),
            _tensor(targets.anticipation)[:SHAPED].log(),
            _tensor(targets.carry_over)[:SHAPED].log(),
        )

    def targets(self, name: str) -> Targets:
        """The set that these are; contacts are the phonetic ones."""
        value, dominance = _array(self.value), np.exp(_array(self.dominance))
        rows: Mapping[str, Target] = {
            row: Target(old.name, row, _joined(value[i], old.value), _joined(dominance[i], old.dominance), old.vowel)
            for i, (row, old) in enumerate(PHONETIC.rows.items())
        }
        return Targets(
            name, rows, _joined(np.exp(_array(self.anticipation)), PHONETIC.anticipation),
            _joined(np.exp(_array(self.carry_over)), PHONETIC.carry_over),
        )  # fmt: skip


def _tensor(numbers: Sequence[NDArray[np.float64]] | NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.array(numbers, np.float64)).float()


def _array(some: Tensor) -> NDArray[np.float64]:
    return np.asarray(some.detach().cpu().numpy(), np.float64)


def _joined(free: NDArray[np.float64], fixed: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([free, fixed[SHAPED:]])


@dataclass(frozen=True, eq=False)
class Packed:
    """What acts on B films of T frames, M targets at most: ``row`` long and the rest of ``articulation.Around`` and of
    how far targets are ``reached`` [B, T, M]; the contacts ``seal`` and ``bite`` [B, T], which nothing tunes."""

    row: Tensor
    before: Tensor
    after: Tensor
    pace: Tensor
    window: Tensor
    reached: Tensor
    seal: Tensor
    bite: Tensor


def pack(films: Sequence[tuple[Sequence[Phone], NDArray[np.float64]]]) -> Packed:
    """Phones and times (seconds, [T] ascending, equally many) of each film."""
    parts: list[list[NDArray[np.float64]]] = []
    for phones, times in films:
        some = segments_of(phones, times[0], times[-1])
        near = around(some, times)
        rows = np.array([_ROW[name] for name in some.rows])
        contact = [(near.contact * some.value[near.index, SHAPED + i]).max(axis=1) for i in (0, 1)]
        seal, bite = contact[0], contact[1] * (1 - contact[0])
        wide = [rows[near.index], near.before, near.after, near.pace, near.window, some.reached[near.index]]
        parts.append([*(np.asarray(part, np.float64) for part in wide), seal, bite])
    most = max(part[0].shape[1] for part in parts)

    def stacked(i: int) -> Tensor:
        some = [part[i] for part in parts]
        if some[0].ndim == 2:  # what is added has no window and so no weight; its pace must not be 0
            some = [np.pad(s, ((0, 0), (0, most - s.shape[1])), constant_values=float(i == 3)) for s in some]
        return torch.from_numpy(np.stack(some)).float()

    row, *rest = (stacked(i) for i in range(8))
    return Packed(row.long(), *rest)


def mouths(free: Free, packed: Packed) -> Tensor:
    """The weights [B, T, 14] of :data:`WEIGHTS`, each in [0, 1]."""
    value = free.value[packed.row] * packed.reached[..., None]
    fades = packed.before[..., None] / free.anticipation.exp() + packed.after[..., None] / free.carry_over.exp()
    k = packed.window[..., None] * torch.exp(-fades / packed.pace[..., None]) * free.dominance[packed.row].exp()
    controls = (k * value).sum(dim=2) / (k.sum(dim=2) + TINY)
    return held(controls, packed.seal, packed.bite)


def held(controls: Tensor, seal: Tensor, bite: Tensor) -> Tensor:
    """Blended controls [..., 13] and contacts [...] -> weights [..., 14], as ``articulation.compose`` and ``hold``."""
    w = dict(zip(CONTROLS, controls.unbind(dim=-1), strict=False))
    w["jawOpen"] = w["jawOpen"] * (1 - 0.55 * torch.maximum(seal, bite))
    w = {name: some.clamp(0, 1) for name, some in w.items()}
    s, b = seal.clamp(0, 1), bite.clamp(0, 1)
    b = b * (1 - s)
    w["mouthLowerDown"] = w["mouthLowerDown"] * (1 - s) * (1 - b)
    w["tongueOut"] = w["tongueOut"] * (1 - s) * (1 - b)
    w["mouthUpperUp"] = torch.maximum(w["mouthUpperUp"] * (1 - s), 0.3 * b)
    w["mouthFunnel"] = w["mouthFunnel"] * (1 - 0.8 * s) * (1 - 0.6 * b)
    w["mouthPucker"] = w["mouthPucker"] * (1 - 0.4 * b)
    w["mouthStretch"] = w["mouthStretch"] * (1 - 0.5 * s)
    w["mouthPress"] = w["mouthPress"] * (1 - b)
    w["mouthRollLower"] = torch.maximum(w["mouthRollLower"], 0.55 * b)
    w["jawOpen"] = torch.minimum(w["jawOpen"], 1 - 0.75 * torch.maximum(s, b))
    w["mouthClose"] = s * w["jawOpen"]
    return torch.stack([w[name] for name in WEIGHTS], dim=-1)


def rows_of(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights [T, 14] -> rows of a Motion [T, 69], all else at rest."""
    from vultus.channels import CHANNELS

    out = np.zeros((len(weights), len(CHANNELS)), np.float32)
    for i, name in enumerate(WEIGHTS):
        out[:, columns_of(name)] = weights[:, i : i + 1]
    return out
