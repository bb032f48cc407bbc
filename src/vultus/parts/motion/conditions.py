"""Conditions: who speaks, in what mood, under which control, each with a "nobody" that stands in when it is missing.

Sources: J. Ho and T. Salimans, "Classifier-free diffusion guidance" (2022) for dropping; X. Fan et al., "UniTalker"
(2024), whose pivot identity is the same thing; R. Daněček et al., "EMOTE" (2023) for exchange within a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vultus.errors import VultusError, unknown


@dataclass(frozen=True)
class Condition:
    """One condition: one of ``names`` (or, without names, a vector of ``size``), embedded in ``width`` numbers, and
    left out with probability ``drop`` in training."""

    width: int
    names: tuple[str, ...] = ()
    size: int = 0
    drop: float = 0.0

    def __post_init__(self) -> None:
        """Check that it is one of both kinds."""
        if bool(self.names) == bool(self.size) or not 0 <= self.drop < 1 or self.width < 1:
            raise VultusError("A condition has names or a size, and a drop in [0, 1)", "Give one of them")


class Conditions(nn.Module):
    """Named conditions -> vectors [B, width] each.

    Names are given by their numbers, int64 [B] with -1 for nobody, vectors as [B, size] with NaN in the first place
    for nothing. A condition that is not given is nobody's for the whole batch.
    """

    def __init__(self, conditions: Mapping[str, Condition]) -> None:
        super().__init__()
        self.conditions = dict(conditions)
        self.tables, self.nobody = nn.ModuleDict(), nn.ParameterDict()
        for name, one in self.conditions.items():
            table = nn.Embedding(len(one.names), one.width) if one.names else nn.Linear(one.size, one.width)
            self.tables[name] = table
            self.nobody[name] = nn.Parameter(torch.randn(one.width) * (1.0 if one.names else 0.0))

    def forward(self, given: Mapping[str, Tensor], batch: int) -> dict[str, Tensor]:
        """The vectors of all conditions for a *batch*; in training each is left out now and then, per example."""
        for name in given:
            if name not in self.conditions:
                raise unknown("condition", name, self.conditions)
        return {name: self._one(name, given.get(name), batch) for name in self.conditions}

    def _one(self, name: str, value: Tensor | None, batch: int) -> Tensor:
        one, nobody = self.conditions[name], self.nobody[name].expand(batch, -1)
        if value is None:
            return nobody
        absent = value < 0 if one.names else value[:, 0].isnan()
        if self.training and one.drop:
            absent = absent | (torch.rand(len(value), device=value.device) < one.drop)
        shown = self.tables[name](value.clamp(min=0) if one.names else value.nan_to_num())
        return torch.where(absent[:, None], nobody, shown)

    def number(self, name: str, who: str | None) -> int:
        """The number of *who* in the condition *name*, -1 for None; VultusError for a name that it has not."""
        if name not in self.conditions:
            raise unknown("condition", name, self.conditions)
        if who is None:
            return -1
        if who not in self.conditions[name].names:
            raise unknown(name, who, self.conditions[name].names)
        return self.conditions[name].names.index(who)


def swapped(given: Mapping[str, Tensor], names: Sequence[str], order: Tensor) -> dict[str, Tensor]:
    """The conditions of a batch with those in *names* exchanged between its examples: example i gets ``order[i]``'s."""
    return {name: value[order] if name in names else value for name, value in given.items()}


def overridden(given: Mapping[str, Tensor], **values: Tensor) -> dict[str, Tensor]:
    """The conditions of a batch with some set by hand; VultusError for a shape that is another one."""
    for name, value in values.items():
        if name in given and given[name].shape != value.shape:
            raise VultusError(f"{name} is {list(value.shape)}, not {list(given[name].shape)}", "Give the same shape")
    return {**given, **values}
