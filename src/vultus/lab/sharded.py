"""Weights spread over processes, so that each keeps its part of them, of their mean and of their moments (FSDP2).

For the losses of a step every process gathers all weights, and the gradients are averaged and spread again. What is
told to others, checkpoints and finished weights, is whole, as if one process had trained.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import torch
import torch.distributed as group
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from vultus.errors import VultusError


def shard(module: nn.Module, fabric: Fabric) -> None:
    """Spread the parameters of *module* over the processes, in place; VultusError for a parameter without axes."""
    from torch.distributed.fsdp import fully_shard

    if scalars := [name for name, parameter in module.named_parameters() if not parameter.ndim]:
        raise VultusError(f"The parameter {scalars[0]} is one number, which cannot be spread", "Use ddp, or shape [1]")
    fully_shard(module, mesh=fabric.strategy.device_mesh["data_parallel"])


def as_spread(tensors: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """*tensors*, whole in every process, spread as those of the same names in *like*, and on their devices."""
    return {name: _as_spread(tensor, like[name]) for name, tensor in tensors.items()}


def _as_spread(tensor: Tensor, like: Tensor) -> Tensor:
    moved = tensor.to(like.device)
    return distribute_tensor(moved, like.device_mesh, like.placements) if isinstance(like, DTensor) else moved


def whole_one(tensor: Tensor) -> Tensor:
    """*tensor* gathered in every process."""
    return cast(Tensor, tensor.full_tensor()) if isinstance(tensor, DTensor) else tensor


def whole(tensors: Mapping[str, Tensor], fabric: Fabric) -> dict[str, Tensor]:
    """*tensors* gathered: in the first process all of them, in the others none. All processes must call it."""
    found = {}
    for name, tensor in tensors.items():
        full = whole_one(tensor)
        if fabric.is_global_zero:
            found[name] = full.cpu()  # one at a time: all together may be too much for the device
    return found


def local(tensor: Tensor) -> Tensor:
    """The part of *tensor* that this process keeps; the same memory."""
    return cast(Tensor, tensor.to_local()) if isinstance(tensor, DTensor) else tensor


def told_by_first(here: bool, device: torch.device) -> bool:
    """What the first process says, in all of them."""
    flag = torch.tensor([here], dtype=torch.uint8, device=device)
    group.broadcast(flag, 0)
    return bool(flag)


@contextlib.contextmanager
def gathered(module: nn.Module) -> Iterator[None]:
    """In the block, which lies in the forward pass, ``state_dict`` of *module* and its parts gives the weights as they
    are then, gathered; otherwise FSDP would spread them first, and a network that is used frozen would find parts."""
    kept = [(part, dict(part._state_dict_pre_hooks)) for part in module.modules()]
    for part, _ in kept:
        part._state_dict_pre_hooks.clear()
    try:
        yield
    finally:
        for part, hooks in kept:
            part._state_dict_pre_hooks.update(hooks)


def same_buffers(module: nn.Module) -> None:
    """Give all processes the buffers of the first, as DDP does: running statistics go on from one place."""
    for buffer in module.buffers():
        group.broadcast(buffer.detach(), 0)


def used_anywhere(total: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
    """0, by a sum to which every one of *parameters* belongs that *total* reaches in another process only.

    Gradients are averaged together, so that all processes must have them for the same parameters; where batches are
    of different sets, one process may use a head that another leaves alone.
    """
    reached = _leaves(total)
    flags = torch.tensor([id(p) in reached for p in parameters], dtype=torch.uint8, device=total.device)
    mine = flags.clone()
    group.all_reduce(flags, op=group.ReduceOp.MAX)
    missing = [p for p, here, there in zip(parameters, mine.tolist(), flags.tolist(), strict=True) if there > here]
    return sum((p.sum() * 0 for p in missing), torch.zeros_like(total))


def _leaves(total: Tensor) -> set[int]:
    """The identities of the parameters that *total* is computed from."""
    waiting, seen, found = [total.grad_fn], set(), set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if (variable := getattr(node, "variable", None)) is not None:
            found.add(id(variable))
        waiting += [following for following, _ in node.next_functions]
    return found
