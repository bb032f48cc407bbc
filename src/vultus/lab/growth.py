"""Parameters that gain and lose rows while they train, as clouds of points are made denser and pruned.

A model grows by a method ``grow(stage, step)``, called between the steps of a stage (*step* of them are done, and the
gradients of the last one are still there). It may replace parameters by others with more, fewer or reordered rows, or
change their values, and says what became of them: for each such parameter, by name, where its rows come from, int64
[rows], -1 for new ones. Moments of rows that stay are carried over, those of new rows begin at 0; the running mean is
treated alike. What ``grow`` must remember lies in buffers, which may change their number of rows, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from vultus.errors import VultusError, unknown
from vultus.lab.ema import Ema


class Growing(Protocol):
    """A model that grows, see this module's page."""

    def grow(self, stage: str, step: int) -> Mapping[str, Tensor]:
        """Change rows after *step* steps of *stage*; where those of each changed parameter come from ({}: none)."""
        ...


def grows(model: nn.Module) -> bool:
    """Whether *model* is :class:`Growing`."""
    return callable(getattr(model, "grow", None))


@torch.no_grad()
def grow(model: nn.Module, stage: str, step: int, optimiser: torch.optim.Optimizer, mean: Ema | None) -> None:
    """Let *model* grow if it does, and *optimiser* and *mean* follow.

    VultusError when parameters appear or vanish, or when what the model says does not fit what it did.
    """
    if not grows(model):
        return
    before = {name: (parameter, tuple(parameter.shape)) for name, parameter in model.named_parameters()}
    rows = dict(cast(Growing, model).grow(stage, step))
    after = dict(model.named_parameters())
    if changed := sorted(before.keys() ^ after.keys()):
        raise VultusError(f"The parameter {changed[0]} came or went as the model grew", "Let only rows come and go")
    for name in rows:
        if name not in after:
            raise unknown("parameter", name, after)
    for name, new in after.items():
        old, shape = before[name]
        if name in rows:
            rows[name] = _checked(name, rows[name].to(new.device), shape, tuple(new.shape))
            new.requires_grad_(old.requires_grad)
            _follow(optimiser, old, new, shape, rows[name])
        elif new is not old or tuple(new.shape) != shape:
            raise VultusError(f"{name} was changed, but where its rows come from was not told", "Give it in grow()")
    if rows and mean is not None:
        mean.follow(model, rows)


def _checked(name: str, rows: Tensor, old: tuple[int, ...], new: tuple[int, ...]) -> Tensor:
    fits = len(old) > 0 and old[1:] == new[1:] and rows.dtype == torch.int64 and tuple(rows.shape) == new[:1]
    if not fits or bool((rows >= old[0]).any()):
        raise VultusError(
            f"{name} grew from {list(old)} to {list(new)}, which its rows, {rows.dtype} {list(rows.shape)}, do not say",
            "Give the old row of each new one, int64, -1 where there is none",
        )
    return rows


def _follow(optimiser: torch.optim.Optimizer, old: Tensor, new: Tensor, shape: tuple[int, ...], rows: Tensor) -> None:
    """Put *new* into the place of *old* in *optimiser*, if it is there, with the moments of the *rows* that stay."""
    for group in optimiser.param_groups:
        group["params"][:] = [new if parameter is old else parameter for parameter in group["params"]]
    state: dict[str, Any] = optimiser.state.pop(old, {})
    if state:
        optimiser.state[new] = {
            key: carried(value, rows, value.new_zeros(new.shape)) if tuple(value.shape) == shape else value
            for key, value in state.items()
        }


def carried(values: Tensor, rows: Tensor, fresh: Tensor) -> Tensor:
    """*fresh* with the rows of *values* that *rows* names where it names one (-1: none)."""
    kept = (rows >= 0).reshape(-1, *[1] * (values.ndim - 1))
    return torch.where(kept, values[rows.clamp(min=0)], fresh) if len(values) else fresh


def take_rows(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give parameters and buffers of a *model* that grows as many rows as *tensors* of the same names have."""
    if not grows(model):
        return
    for name, tensor in tensors.items():
        path, _, key = name.rpartition(".")
        try:
            part = model.get_submodule(path)
        except AttributeError:
            continue
        old = getattr(part, key, None)
        if not isinstance(old, Tensor) or not old.ndim or old.shape == tensor.shape:
            continue
        if old.shape[1:] == tensor.shape[1:]:
            fresh = old.detach().new_zeros(tensor.shape)
            setattr(part, key, nn.Parameter(fresh, old.requires_grad) if isinstance(old, nn.Parameter) else fresh)
