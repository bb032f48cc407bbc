"""A training run between its steps: where it runs, what decides its result, and what it keeps on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import ModelParallelStrategy
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor, nn

from vultus.errors import VultusError
from vultus.lab import card, checkpoint, sharded
from vultus.lab.card import About
from vultus.lab.ema import Ema
from vultus.lab.stages import derive, differences
from vultus.recipe import Stage

_SMOOTH: Final = 0.98
_WEIGHTS, _MEAN, _MOMENTS = "weights/", "mean/", "adamw/"


@dataclass(frozen=True)
class Machine:
    """Where a run runs; the fields are Fabric's own. "auto" is CUDA where there is one, otherwise the CPU.

    With "ddp" every process keeps the whole network; with "fsdp" each keeps a part of the weights, their mean and
    their moments (:mod:`vultus.lab.sharded`), on CPUs too. With both a step need not use every parameter, as where
    batches are of different sets, and checkpoints are the same. Other strategies that shard the weights are refused.

    ``threads`` is torch's on a CPU: one is the fastest for small networks, and the bytes depend on it.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    threads: int = 1

    @property
    def shards(self) -> bool:
        """Whether each process keeps only a part of the weights."""
        return self.strategy == "fsdp" and self.devices * self.nodes > 1

    def fabric(self) -> Fabric:
        """Fabric, set up for this machine; VultusError for a strategy that shards the weights in another way."""
        if self.strategy.startswith(("fsdp_", "deepspeed", "model_parallel")):
            raise VultusError(f"Checkpoints of the strategy {self.strategy} are not whole", "Use fsdp or ddp")
        kind = ("cuda" if torch.cuda.is_available() else "cpu") if self.accelerator == "auto" else self.accelerator
        strategy: Any = {"ddp": "ddp_find_unused_parameters_true", "fsdp": "auto"}.get(self.strategy, self.strategy)
        if self.shards:
            # The losses spread themselves, before there is an optimiser.
            strategy = ModelParallelStrategy(lambda module, mesh: module, self.devices * self.nodes, 1)
        return Fabric(
            accelerator=kind,
            devices=self.devices,
            num_nodes=self.nodes,
            strategy=strategy,
            precision=self.precision,
        )


def first() -> bool:
    """Whether this process is the first, or the only one, of its run: it alone writes and tells."""
    return int(rank_zero_only.rank or 0) == 0


@contextlib.contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Let torch's random numbers in the block depend on *parts* alone; the generators are put back afterwards."""
    with _own_generators():
        torch.manual_seed(derive(*parts))
        yield


@contextlib.contextmanager
def _own_generators() -> Iterator[None]:
    # Where CUDA is not in use it stays asleep.
    awake = torch.cuda.is_initialized()
    with torch.random.fork_rng(devices=None if awake else []):
        yield


@dataclass
class Run:
    """What changes as a run goes on, and where it is kept; ``step`` counts the steps done of all stages."""

    model: nn.Module
    stages: tuple[Stage, ...]
    settings: dict[str, Any]
    folder: Path
    mean: Ema | None = None
    step: int = 0
    smooth: dict[str, float] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    spent: float = 0.0
    began: float = field(default_factory=time.process_time)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of this process for the run, that of earlier calls included."""
        return self.spent + time.process_time() - self.began

    def save(self, optimiser: torch.optim.Optimizer | None = None, gather: Fabric | None = None) -> None:
        """Write a checkpoint; without *optimiser* (at a stage's end) it holds no moments.

        Where tensors are spread over the processes, all call it and give *gather*; the first one writes.
        """
        tensors = {_WEIGHTS + name: tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {_MEAN + name: tensor for name, tensor in (self.mean.tensors if self.mean else {}).items()}
        for name, parameter in self.model.named_parameters():
            state = optimiser.state.get(parameter, {}) if optimiser else {}
            tensors |= {f"{_MOMENTS}{name}/{key}": value for key, value in state.items()}
        if gather is not None:
            tensors = sharded.whole(tensors, gather)
            if not gather.is_global_zero:
                return
        facts = {"settings": self.settings, "smooth": self.smooth, "cpu_seconds": self.cpu_seconds}
        checkpoint.save(self.folder, self.step, tensors, {**facts, "libraries": card.libraries()})

    def resume(self) -> bool:
        """Take up the newest checkpoint; False when there is none. VultusError when it is of other settings."""
        if (found := checkpoint.latest(self.folder)) is None:
            return False
        tensors, facts = found
        card.refuse_other(self.settings, facts["settings"], str(self.folder))
        if changed := list(differences(card.libraries(), facts["libraries"])):
            warnings.warn(f"{self.folder}: {changed[0]}; the bytes may differ from an unbroken run's", stacklevel=2)
        parts = {
            prefix: {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            for prefix in (_WEIGHTS, _MEAN, _MOMENTS)
        }
        checkpoint.put(self.model, parts[_WEIGHTS], str(self.folder))
        if self.mean:
            self.mean.load(parts[_MEAN])
        self.moments, self.step = parts[_MOMENTS], facts["step"]
        self.smooth, self.spent = facts["smooth"], facts["cpu_seconds"]
        return True

    def follow(self, losses: Mapping[str, float], first: bool) -> None:
        """Take one step's losses into their smoothed values, which start anew with each stage."""
        old = {} if first else self.smooth
        self.smooth = {n: _SMOOTH * old.get(n, value) + (1 - _SMOOTH) * value for n, value in losses.items()}


def settings_of(
    model: nn.Module, stages: Sequence[Stage], seed: int, about: About, fabric: Fabric, threads: int
) -> dict[str, Any]:
    """All that decides the result, as JSON: two runs with the same settings may go on for one another."""
    state = model.state_dict()
    if odd := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise VultusError(f"The state of the network holds {odd[0]}, which is no tensor", "Keep it as a buffer.")
    shapes = json.dumps({name: [str(value.dtype), *value.shape] for name, value in state.items()})
    config = getattr(model, "config", None)
    known = dataclasses.is_dataclass(config) and not isinstance(config, type)
    network = {
        "class": type(model).__qualname__,
        "config": dataclasses.asdict(config) if known else None,  # type: ignore[arg-type]
        "shapes": hashlib.sha256(shapes.encode()).hexdigest()[:16],
    }
    settings: dict[str, Any] = {
        "network": network,
        "stages": [dataclasses.asdict(stage) for stage in stages],
        "seed": seed,
        "data": about.data,
        "machine": {
            "device": fabric.device.type,
            "processes": fabric.world_size,
            "precision": fabric._precision.precision,
            "threads": threads,
        },
    }
    if isinstance(fabric.strategy, ModelParallelStrategy):
        settings["machine"]["strategy"] = "fsdp"  # gradients are summed in another order
    try:
        return dict(json.loads(json.dumps(settings)))
    except (TypeError, ValueError) as error:
        raise VultusError(f"The network's configuration cannot be kept as JSON: {error}", "Use plain values.") from None


@contextlib.contextmanager
def repeatable(fabric: Fabric, threads: int) -> Iterator[None]:
    """Torch set up to give the same bytes again on a CPU, and put back afterwards, its generators included."""
    if fabric.device.type != "cpu":
        with _own_generators():
            yield
        return
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        with _own_generators():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
