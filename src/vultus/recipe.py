"""What a recipe is made of: stages of training, the number of its parameters, and the claim with its arms and margins.

A recipe is one file in ``vultus/recipes`` (or a module that another package names in the entry point group
``vultus.recipes``); its name is the file's. What stands in it, and in which order, is on the page docs/recipes.md and
tested for all of them. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, Protocol

from numpy.typing import NDArray

from vultus.errors import VultusError, unknown

Arrays = dict[str, NDArray[Any]]
Figures = Mapping[str, float]
"""What was measured, by name; lower or higher is better as a :class:`Gain` says."""

TAKES: Final[dict[str, str]] = {
    "sound": "float32 [N] in [-1, 1], mono, at 16 kHz",
    "phones": "a sequence of vultus.signals.phones.Phone, in seconds of the sound, gapless",
    "picture": "uint8 [H, W, 3], sRGB: the face that is to move",
    "frames": "uint8 [T, H, W, 3], sRGB: the face that drives",
    "motion": "a vultus.motion.Motion: what the face does",
    "camera": "a vultus.camera.Camera: where it is seen from, and in how many pixels",
}
"""What recipes may take, by the name of the argument."""

GIVES: Final[dict[str, str]] = {
    "motion": "a vultus.motion.Motion",
    "frames": "uint8 [T, H, W, 3], sRGB",
}
"""What recipes may give."""

FAMILIES: Final = ("speech", "portrait", "reenactment", "dubbing", "body", "avatar", "capture", "analysis", "model")
"""The families of the published systems, as ``lab/systems.json`` has them."""


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
    ``(1 + n) / (10 + n)`` at the n-th. ``rates`` gives parameters whose names match a pattern a factor of the rate
    (the first pattern that matches counts, otherwise it is 1), as places and colours of points need other rates.
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
    rates: Mapping[str, float] = field(default_factory=dict)

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
            "rates": all(0 < rate < math.inf for rate in self.rates.values()),
        }
        if wrong := [name for name, right in limits.items() if not right]:
            raise VultusError(f"Stage {self.name!r}: {wrong[0]} is out of range", "See vultus.lab.stages.Stage.")

    def trains(self, parameter: str) -> bool:
        """Whether the parameter of that name is among those that this stage trains."""
        return any(fnmatchcase(parameter, pattern) for pattern in self.train)

    def rate(self, parameter: str) -> float:
        """The peak rate of the parameter of that name."""
        factors = (factor for pattern, factor in self.rates.items() if fnmatchcase(parameter, pattern))
        return self.optimiser.lr * next(factors, 1.0)


@dataclass(frozen=True)
class Params:
    """How many parameters the published system has: ``count`` of the submodules ``of`` (all of the model when empty).

    ``source`` says where the number is from: "code", or "computed" from what.
    """

    count: int
    source: str
    of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check both."""
        if self.count < 1 or not self.source.startswith(("code", "computed")):
            raise VultusError("A number of parameters is above 0 and says its source", "Write code … or computed …")


# --- claims ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gain:
    """How much better the arm ``of`` is than the arm ``over`` in one figure: positive is better.

    By "ratio" it is ``1 - of / over`` where lower is better and ``of / over - 1`` where higher is; by "difference",
    ``over - of`` or ``of - over``. ``margin`` is what its mean over the seeds must reach. ``against`` is the name of
    the figure in the arm ``over`` where it has another one.
    """

    figure: str
    of: str
    over: str
    margin: float
    better: Literal["lower", "higher"] = "lower"
    by: Literal["ratio", "difference"] = "ratio"
    against: str = ""

    def of_figures(self, ours: Figures, theirs: Figures) -> float:
        """The gain for the figures of both arms of one seed; VultusError when one lacks the figure."""
        other = self.against or self.figure
        for figures, name in ((ours, self.figure), (theirs, other)):
            if name not in figures:
                raise unknown("figure", name, figures)
        a, b = ours[self.figure], theirs[other]
        if self.by == "ratio":
            quotient = a / b if b else math.nan
            return quotient - 1 if self.better == "higher" else 1 - quotient
        return a - b if self.better == "higher" else b - a


@dataclass(frozen=True)
class Claim:
    """What a published system says of itself, as it can be tested here: against its own ablation, on the same data.

    ``says`` is the claim in one sentence and ``margins`` says why the margins are what they are. ``arms`` maps names to
    functions that train and measure one arm for one seed, with ``run.fit``; ``shared(seed)`` does before all of them
    what they have in common (fits with ``shared=True``).

    * ``holds``: every one of these gains must be met: its mean at least the margin, and in each seed above 0 (or, where
      the margin is 0 or less, at least the margin).
    * ``controls``: gains that must vanish where the claim's reason is taken away; the mean must stay below the margin.
      If one does not vanish, the claim does not hold, however large the gain.
    * ``quality``: gains that show that the arms work at all. If one is not met, the result says nothing.
    * ``also``: gains that are printed and decide nothing (their margin is not looked at).

    Arms that ``holds`` and ``controls`` compare must have seen the same number of examples, and their parameters must
    be within 5 %; ``unequal`` says why where that cannot be.
    """

    says: str
    margins: str
    arms: Mapping[str, Callable[[int], Figures]]
    holds: Sequence[Gain]
    controls: Sequence[Gain]
    quality: Sequence[Gain] = ()
    also: Sequence[Gain] = ()
    shared: Callable[[int], None] | None = None
    unequal: str = ""

    def __post_init__(self) -> None:
        """Check that it can fail: gains, a control, and no name of an arm that does not exist."""
        if not self.holds or not self.controls:
            raise VultusError("A claim needs a gain and a negative control", "Give holds and controls")
        for gain in (*self.holds, *self.controls, *self.quality, *self.also):
            for name in (gain.of, gain.over):
                if name not in self.arms:
                    raise unknown("arm", name, self.arms)
        if any(gain.margin <= 0 for gain in self.controls):
            raise VultusError("What a control must stay below is above 0", "Give half of the claim's margin")


class Batches(Protocol):
    """What a model learns from (``vultus.lab.batches`` makes such of functions and of data sets)."""

    def batch(self, step: int, size: int, seed: int) -> Mapping[str, Any]:
        """The batch of *size* examples at *step* (from 0): the same for the same arguments."""
        ...


class Run(Protocol):
    """What the lab lends to ``claim(run)``.

    ``claim`` is called once in the first process, where :meth:`keep` makes what is missing, and once more in the
    process of each arm and seed. ``scale`` is 1; tests run claims at a small part of it.
    """

    scale: float

    def count(self, full: int, least: int = 2) -> int:
        """*full* at scale 1, fewer (at least *least*) below: for numbers of clips and of steps."""
        ...

    def keep(self, name: str, make: Callable[[], Mapping[str, NDArray[Any]]]) -> Arrays:
        """Arrays that *make* gives, from the cache where they lie already; all arms read the same bytes.

        *name* must change when what *make* does changes.
        """
        ...

    def fit(
        self,
        name: str,
        model: Any,
        data: Batches | Mapping[str, Batches],
        stages: Sequence[Stage],
        *,
        seed: int,
        shared: bool = False,
    ) -> None:
        """Train *model* in place, or load it where that was done; counts its parameters, examples and seconds.

        *name* is the fit's within its arm. Build *model* under :meth:`seeded`. What is ``shared`` is done once for
        each seed and does not count as the arm's own.
        """
        ...

    def seeded(self, *parts: int | str) -> AbstractContextManager[None]:
        """Let torch's random numbers in the block depend on *parts* alone, such as a model's first weights."""
        ...
