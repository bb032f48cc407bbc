"""One training loop for all networks of Vultus, on Lightning Fabric.

What happens in a step depends on the seed, the stage and the step alone: batches are a pure function of them
(:mod:`vultus.lab.batches`), torch's generators are seeded anew before each step, and the rate is a closed formula. A
checkpoint therefore holds weights, their running mean and the optimiser's moments, and no state of any generator; a run
that was killed and started again gives the same bytes on a CPU as one that was not. Page: docs/training.md.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from vultus.errors import VultusError, unknown
from vultus.lab import card, checkpoint, growth, live, sharded
from vultus.lab.batches import Data, Indexed, as_data, as_tensors, describe
from vultus.lab.card import About
from vultus.lab.ema import Ema
from vultus.lab.run import Machine, Run, repeatable, seeded, settings_of
from vultus.lab.stages import checked, derive
from vultus.recipe import Stage

__all__ = ["Hook", "Machine", "Measure", "fit_dataset", "seeded"]

Hook = Callable[[int, dict[str, float]], None]
"""Takes the steps done and that step's figures: losses by name, "total", "norm" (of the gradient) and "lr"."""
Measure = Callable[[nn.Module], Mapping[str, float]]
LOG_LINES: Final = 5000
"""The most lines that a run's log has; of longer runs only every so many steps are logged."""


def fit_dataset(
    model: nn.Module,
    data: Data | Indexed | Mapping[str, Data | Indexed],
    *,
    stages: Sequence[Stage],
    out: str | Path,
    seed: int,
    about: About,
    machine: Machine | None = None,
    save_every: float = 60.0,
    hook: Hook | None = None,
    measure: Measure | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train *model* on *data* stage after stage, or go on where an earlier call was interrupted; returns the card.

    ``model.loss(batch)`` gives the loss terms by name, each a scalar tensor. *data* is one for all stages, or one for
    each by the stage's name. Into the folder *out* go ``NAME.safetensors`` (the running mean of the weights where a
    stage asks for one), its card ``NAME.json``, and ``NAME.run/`` with the log ``log.jsonl`` and, until the end, the
    last two checkpoints, one every *save_every* seconds and one at each stage's end; unless *quiet*, losses and rate
    are plotted there too where TensorBoard is installed. *model* has the final weights
    afterwards and is in evaluation mode; *measure* may then give figures for the card. Where the same run is finished
    already, its weights are loaded and its card is returned. Build the model under ``seeded(seed)``, since its first
    weights decide the result too.

    A model with a method ``grow`` may change the rows of its parameters between steps (:mod:`vultus.lab.growth`).

    Raises VultusError for losses or gradients that are not finite, when nothing trains, when *out* holds a run with
    other settings (it says which), and when the disk is full; the last whole checkpoint stays.
    """
    stages, folder, machine = checked(stages), Path(out), machine or Machine()
    if not callable(getattr(model, "loss", None)):
        raise VultusError(f"{type(model).__name__} has no method loss(batch)", "It gives the loss terms by name.")
    fabric = machine.fabric()
    if growth.grows(model) and fabric.world_size > 1:
        raise VultusError("A model that grows trains in one process", "Give one device and one node")
    fabric.launch()
    settings = settings_of(model, stages, seed, about, fabric, machine.threads)
    run = Run(model, stages, settings, folder / f"{about.name}.run")
    with repeatable(fabric, machine.threads):
        ready = card.finished(folder, about.name, settings)
        if ready is None:
            _make_folder(run.folder)
            fabric.barrier()
            if not machine.shards:
                model.to(fabric.device)
            run.mean = Ema(model) if any(stage.ema for stage in stages) else None
            fresh = not run.resume()
            fabric.barrier()
            if fresh and fabric.is_global_zero:
                run.save()  # shows before any work is done that the disk can be written
            fabric.barrier()
            losses = _spread(run, fabric) if machine.shards else Losses(run.model)
            _train(fabric, run, losses, data, seed, about.name, save_every, hook, quiet)
            final = run.mean.tensors if run.mean else run.model.state_dict()
            if machine.shards:
                final, run.model = sharded.whole(final, fabric), model
            if fabric.is_global_zero:
                _finish(run, final, seed, about, folder, measure)
            fabric.barrier()
            ready = card.read(folder / f"{about.name}.json")
        checkpoint.load_weights(model, folder / f"{about.name}.safetensors")
        model.eval()
    return ready


class Losses(nn.Module):
    """What a step works out: the losses of *model* for a batch, and their weighted sum."""

    def __init__(self, model: nn.Module) -> None:
        """Keep *model*."""
        super().__init__()
        self.model = model
        self.spread = False

    def forward(self, batch: Mapping[str, Any], weights: Mapping[str, float]) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum of the losses with their *weights* (1 for each when empty), and each by name, detached.

        VultusError for losses that are no scalar tensors and for unknown names.
        """
        with sharded.gathered(self.model) if self.spread else contextlib.nullcontext():
            terms: dict[str, Tensor] = self.model.loss(batch)
        for name, value in terms.items():
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise VultusError(f"The loss {name} is not a scalar tensor", "Take its mean.")
        for name in weights:
            if name not in terms:
                raise unknown("loss term", name, terms)
        start = torch.zeros((), device=next(self.model.parameters()).device)
        total = sum((factor * terms[name] for name, factor in (weights or dict.fromkeys(terms, 1.0)).items()), start)
        if self.spread:
            total = total + sharded.used_anywhere(total, list(self.model.parameters()))
        return total, {name: value.detach() for name, value in terms.items()}


def _spread(run: Run, fabric: Fabric) -> Losses:
    """Let *run* go on with a copy of its model whose parameters are spread over the processes."""
    run.model = copy.deepcopy(run.model).to(fabric.device)
    losses = Losses(run.model)
    sharded.shard(losses, fabric)
    losses.spread = True
    if run.mean:
        run.mean.tensors = sharded.as_spread(run.mean.tensors, run.model.state_dict())
    return losses


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VultusError(f"Cannot make the folder {folder}: {error.strerror}", "Choose another --out.") from error


def _train(
    fabric: Fabric,
    run: Run,
    losses: Losses,
    data: Data | Indexed | Mapping[str, Data | Indexed],
    seed: int,
    title: str,
    save_every: float,
    hook: Hook | None,
    quiet: bool,
) -> None:
    """All stages that are not done yet."""
    total, start = sum(stage.steps for stage in run.stages), 0
    trainable = {name for name, parameter in run.model.named_parameters() if parameter.requires_grad}
    log_every = max(1, total // LOG_LINES)
    first = fabric.is_global_zero
    try:
        with (
            live.live(title, run.step, total, quiet=quiet or not first) as show,
            live.log(run.folder / "log.jsonl", run.step) if first else contextlib.nullcontext() as log,
            live.events(run.folder, run.step) if first and not quiet else contextlib.nullcontext() as plot,
        ):

            def tell(stage: Stage, figures: dict[str, float]) -> None:
                show(run.step, stage.name, run.smooth)
                if run.step % log_every == 0 or run.step == total:
                    if log is not None:
                        log({"step": run.step, "stage": stage.name, **figures})
                    if plot is not None:
                        plot({"step": run.step, "stage": stage.name, **figures})
                    if hook is not None and first:
                        hook(run.step, figures)

            for number, stage in enumerate(run.stages):
                if run.step < start + stage.steps:
                    source = as_data(_for_stage(data, stage))
                    _stage(fabric, run, losses, stage, start, source, derive(seed, number), trainable, save_every, tell)
                start += stage.steps
    finally:
        for name, parameter in run.model.named_parameters():
            parameter.requires_grad_(name in trainable)


def _for_stage(data: Data | Indexed | Mapping[str, Data | Indexed], stage: Stage) -> Data | Indexed:
    if not isinstance(data, Mapping):
        return data
    if stage.name not in data:
        raise unknown("data for the stage", stage.name, data)
    return data[stage.name]


def _stage(
    fabric: Fabric,
    run: Run,
    losses: Losses,
    stage: Stage,
    start: int,
    data: Data,
    seed: int,
    trainable: set[str],
    save_every: float,
    tell: Callable[[Stage, dict[str, float]], None],
) -> None:
    """The steps of one stage, from ``run.step`` on; *start* is the number of steps before the stage."""
    optimiser = _optimiser(run, stage, start, trainable)
    if losses.spread:
        module, wrapped = fabric.setup(losses), fabric.setup_optimizers(optimiser)
    else:
        module, wrapped = fabric.setup(losses, optimiser)
    saved = time.monotonic()
    for step in range(run.step - start, stage.steps):
        factor = stage.schedule.factor(step, stage.steps)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        torch.manual_seed(derive(seed, step, fabric.global_rank))
        batch = as_tensors(data.batch(step * fabric.world_size + fabric.global_rank, stage.batch, seed))
        where = f"step {start + step + 1}"
        figures = _step(fabric, module, wrapped, stage, fabric.to_device(batch), where, losses.spread)
        last = step + 1 == stage.steps
        if not last:
            growth.grow(run.model, stage.name, step + 1, optimiser, run.mean)
        if run.mean:
            run.mean.update(run.model, stage.ema, step + 1)
        run.step = start + step + 1
        run.follow({name: value for name, value in figures.items() if name != "norm"}, step == 0)
        tell(stage, {**figures, "lr": stage.optimiser.lr * factor})
        if _due(fabric, losses, last or time.monotonic() - saved >= save_every):
            run.save(None if last else optimiser, fabric if losses.spread else None)
            saved = time.monotonic()


def _due(fabric: Fabric, losses: Losses, here: bool) -> bool:
    """Whether to save now. The first process says it, and writes; where weights are spread, all give their part."""
    return sharded.told_by_first(here, fabric.device) if losses.spread else here and fabric.is_global_zero


def _optimiser(run: Run, stage: Stage, start: int, trainable: set[str]) -> torch.optim.AdamW:
    """The stage's optimiser, with the moments of the checkpoint when the stage goes on; freezes what stands still."""
    chosen = {}
    for name, parameter in run.model.named_parameters():
        parameter.requires_grad_(name in trainable and stage.trains(name))
        if parameter.requires_grad:
            chosen[name] = parameter
    if not chosen:
        raise VultusError(f"Stage {stage.name!r} trains no parameter", f"Patterns: {', '.join(stage.train) or 'none'}.")
    run.model.train()
    for part in run.model.modules():
        parameters = list(part.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            part.eval()
    told, groups = stage.optimiser, dict[float, list[nn.Parameter]]()
    for name, parameter in chosen.items():
        groups.setdefault(stage.rate(name), []).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": some, "peak": rate} for rate, some in groups.items()],
        lr=told.lr, betas=told.betas, eps=told.eps, weight_decay=told.weight_decay,
    )  # fmt: skip
    if run.step > start:
        for full, tensor in sorted(run.moments.items()):  # in all processes in the same order
            name, key = full.rsplit("/", 1)
            kept = tensor if key == "step" else sharded.as_spread({key: tensor}, {key: chosen[name]})[key]
            optimiser.state[chosen[name]][key] = kept
    run.moments = {}
    return optimiser


def _step(
    fabric: Fabric, module: Any, optimiser: Any, stage: Stage, batch: dict[str, Any], where: str, spread: bool
) -> dict[str, float]:
    """One update; returns the loss terms, "total" and the gradient's "norm" before clipping."""
    if spread:
        sharded.same_buffers(module)
    total, terms = module(batch, stage.weights)
    if not total.requires_grad:
        raise VultusError(f"No loss of stage {stage.name!r} depends on what it trains", "See weights and train.")
    optimiser.zero_grad(set_to_none=True)
    fabric.backward(total)
    norm = fabric.clip_gradients(module, optimiser, max_norm=stage.clip or math.inf, error_if_nonfinite=False)
    norm = torch.zeros_like(total) if norm is None else sharded.whole_one(norm)
    found = {**terms, "total": total, "norm": norm}
    values = torch.stack([value.detach().float().reshape(()) for value in found.values()])
    values = cast(Tensor, fabric.all_reduce(values, reduce_op="mean"))
    figures = dict(zip(found, values.tolist(), strict=True))
    for name in (*(stage.weights or terms), "total", "norm"):
        if not math.isfinite(figures[name]):
            what = {"norm": "The gradient"}.get(name, f"The loss {name}")
            raise VultusError(
                f"{what} is {figures[name]} at {where}, stage {stage.name!r} (batch: {describe(batch)})",
                "The last checkpoint is from before it. Look at the data and at the rate.",
            )
    optimiser.step()
    return figures


def _finish(
    run: Run, final: Mapping[str, Tensor], seed: int, about: About, folder: Path, measure: Measure | None
) -> None:
    """Write the *final* weights and their card, and remove the checkpoints."""
    content = checkpoint.as_bytes(final, "vultus-weights")
    run.model.load_state_dict(final)
    run.model.eval()
    measured: dict[str, float] = {}
    if measure is not None:
        with torch.no_grad(), seeded(seed, "measure"):
            measured = {name: float(value) for name, value in measure(run.model).items()}
    made = {
        "format": card.FORMAT,
        "version": card.VERSION,
        **dataclasses.asdict(about),
        "seed": seed,
        "steps": run.step,
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "losses": run.smooth,
        "measured": measured,
        "cpu_seconds": round(run.cpu_seconds, 2),
        "libraries": card.libraries(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "settings": run.settings,
    }
    checkpoint.write_bytes(folder / f"{about.name}.safetensors", content)
    checkpoint.write_bytes(folder / f"{about.name}.json", (json.dumps(made, indent=1) + "\n").encode())
    checkpoint.clear(run.folder)
