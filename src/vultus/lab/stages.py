"""What a training run is told: its stages, and how two runs' settings differ. No torch here."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from vultus.errors import VultusError


@dataclass(frozen=True)
class AdamW:
    """Settings of AdamW (Loshchilov & Hutter 2019): peak rate, decay of both moments, epsilon, decoupled decay."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Schedule:
    """The rate over a stage, as a factor of the peak rate.

    It rises linearly over the first ``warm_up`` steps; then it stays ("constant") or falls along half a cosine to
    ``final`` at the stage's end ("cosine").
    """

    kind: Literal["constant", "cosine"] = "constant"
    warm_up: int = 0
    final: float = 0.0

    def factor(self, step: int, steps: int) -> float:
        """The factor of *step* (0 is the first) in a stage of *steps*; above 0 in warm-up, so that no step is lost."""
        if step < self.warm_up:
            return (step + 1) / (self.warm_up + 1)
        if self.kind == "constant":
            return 1.0
        done = (step - self.warm_up) / max(1, steps - self.warm_up)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Stage:
    """One part of a training run.

    ``batch`` is the number of examples a step in each process. ``train`` lists patterns of parameter names (``*`` and
    ``?`` as in file names): what matches none of them stands still, and a submodule in which nothing trains is in
    evaluation mode. ``weights`` gives the factor of each loss term to minimise; terms that it does not name are logged
    and not minimised; empty means all terms with factor 1. ``clip`` bounds the gradient's norm (None: no bound).
    ``ema`` is the decay of the running mean of the weights, 0 for none; over the first steps it is lower,
    ``(1 + n) / (10 + n)`` at the n-th.
    """

    name: str
    steps: int
    batch: int
    optimiser: AdamW = AdamW()
    schedule: Schedule = Schedule()
    clip: float | None = 1.0
    train: tuple[str, ...] = ("*",)
    ema: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rate, decay = self.optimiser.lr, self.optimiser.weight_decay
        limits = {
            "steps": self.steps >= 1,
            "batch": self.batch >= 1,
            "clip": self.clip is None or 0 < self.clip < math.inf,
            "ema": 0 <= self.ema < 1,
            "optimiser.lr": 0 < rate < math.inf,
            "optimiser.weight_decay": 0 <= decay < math.inf,
            "optimiser.betas": all(0 <= beta < 1 for beta in self.optimiser.betas),
            "optimiser.eps": self.optimiser.eps > 0,
            "schedule.kind": self.schedule.kind in ("constant", "cosine"),
            "schedule.warm_up": 0 <= self.schedule.warm_up < self.steps,
            "schedule.final": 0 <= self.schedule.final <= 1,
            "weights": all(math.isfinite(weight) for weight in self.weights.values()),
        }
        if wrong := [name for name, right in limits.items() if not right]:
            raise VultusError(f"Stage {self.name!r}: {wrong[0]} is out of range", "See vultus.lab.stages.Stage.")

    def trains(self, parameter: str) -> bool:
        """Whether the parameter of that name is among those that this stage trains."""
        return any(fnmatchcase(parameter, pattern) for pattern in self.train)


def checked(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """*stages* as a tuple; VultusError when there is none or when two have the same name."""
    names = [stage.name for stage in stages]
    if not names:
        raise VultusError("There is no stage to train", "Give at least one Stage.")
    if len(set(names)) < len(names):
        raise VultusError("Two stages have the same name", "Give each its own.")
    return tuple(stages)


def derive(*parts: int | str) -> int:
    """A seed in [0, 2^63) made of *parts*: the same for the same parts, unrelated for any others."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def differences(here: Any, there: Any, path: str = "") -> Iterator[str]:
    """What differs between two JSON values, one phrase a difference, as "stages[0].batch is 8 here and 4 there"."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted(here.keys() | there.keys()):
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(here.get(key), there.get(key), inner)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for index, (ours, theirs) in enumerate(zip(here, there, strict=True)):
            yield from differences(ours, theirs, f"{path}[{index}]")
    elif here != there:
        yield f"{path} is {_short(here)} here and {_short(there)} there"


def _short(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
