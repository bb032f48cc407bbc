"""`vultus recipes`, `vultus train` and `vultus claims`: the published systems, trained and put to the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, UseAppendAction

from vultus.errors import VultusError
from vultus.terminal import progress

_FIELD = "--config."


@dataclass(frozen=True)
class Recipes:
    """List the published systems that are here: family, what goes in and out, and the verdict on their claim."""

    docs: Annotated[str, tyro.conf.arg(metavar="DIR")] = "docs"
    """Where the records of claims lie."""

    def run(self) -> None:
        """Run the command."""
        from vultus.lab import board, recipes

        known = board.records(Path(self.docs))
        print(f"{'recipe':<16}{'family':<14}{'in':<18}{'out':<10}verdict")
        for name in recipes.modules():
            found = recipes.facts(name)
            verdict = board.verdict_of(name, known)
            print(f"{name:<16}{found.family:<14}{', '.join(found.takes):<18}{found.gives:<10}{verdict}")


@dataclass(frozen=True)
class Train:
    """Train a recipe on clips of the stage or on a data set; --config.FIELD sets a field of its configuration.

    speech is no recipe but the network behind the lips, and learns from sound: its fields are count, others, often,
    strangers, teacher, steps, batch and workers, and of the options it heeds --out and --seed. Nor is targets, which
    tunes the articulation on a reader of real lips: its fields are films, looks, renders, fits, steps, batch, runs and
    checked, and it heeds --accelerator too.
    """

    name: Positional[Annotated[str, tyro.conf.arg(metavar="NAME")]]
    """The recipe, as vultus recipes lists it, or speech, or targets."""
    preset: str = "tiny"
    """tiny, which learns on one core in a minute, or paper, the published sizes."""
    data: str = "stage"
    """What it learns from: stage, or a data set and its folder: vocaset:DIR, a2f_bench:DIR, voxceleb:DIR."""
    clips: int = 24
    """How many clips of the stage."""
    encoder: Annotated[str, tyro.conf.arg(metavar="DIR")] = ""
    """The folder of a published encoder of sound, where the configuration names one: config.json and safetensors."""
    out: Annotated[str, tyro.conf.arg(metavar="DIR")] = "runs"
    """The folder for weights, card and log; training goes on where it was stopped."""
    seed: int = 0
    """Of the first weights, the clips and their order."""
    accelerator: str = "auto"
    """auto, cpu, cuda or mps."""
    devices: int = 1
    """How many of them."""
    nodes: int = 1
    """How many machines."""
    strategy: str = "auto"
    """auto; ddp, where each process has the whole network; or fsdp, where each keeps a part of the weights."""
    precision: str = "32-true"
    """32-true or bf16-mixed."""
    set: UseAppendAction[tuple[str, ...]] = ()
    """FIELD=VALUE: another way to write --config.FIELD VALUE."""

    def run(self) -> None:
        """Run the command."""
        changes = dict(_pair(text) for text in self.set)
        if self.name == "speech":
            from vultus.commands import train

            train.speech(Path(self.out), self.seed, changes)
            return
        if self.name == "targets":
            from vultus.commands import train

            train.targets(Path(self.out), self.seed, changes, self.accelerator)
            return
        from vultus.lab import presets, recipes

        recipes.load(self.name)  # says what is missing before anything else does
        from vultus.lab import run

        if self.precision not in ("32-true", "bf16-mixed"):
            raise VultusError(f"The precision {self.precision!r} is not known", "Give 32-true or bf16-mixed")
        machine = run.Machine(self.accelerator, self.devices, self.nodes, self.strategy, self.precision)  # type: ignore[arg-type]
        path = presets.train(
            self.name, preset=self.preset, source=self.data, clips=self.clips, changes=changes,
            encoder=self.encoder, out=self.out, seed=self.seed, machine=machine,
        )  # fmt: skip
        if run.first():
            print(f"wrote {path}")


@dataclass(frozen=True)
class Claims:
    """Put the claims of published systems to the test, and write the board; without a name, only the board."""

    names: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")]] = ()
    """Recipes whose claims are tested."""
    all: bool = False
    """Test the claims of all recipes."""
    seeds: int = 3
    """How many times each arm is trained."""
    workers: int = 1
    """Processes side by side."""
    ray: bool = False
    """Spread the arms over the Ray cluster of RAY_ADDRESS (a local one unless that is set)."""
    out: Annotated[str, tyro.conf.arg(metavar="DIR")] = "docs"
    """Where claims/NAME.json, claims/NAME.png, board.md and parts.md go."""
    sheet: Annotated[str, tyro.conf.arg(metavar="FILE")] = ""
    """Draw what the arms of a reenactment make of unseen people into this picture."""

    def run(self) -> None:
        """Run the command."""
        from vultus.lab import board, claim, claim_picture, parts_table, recipes

        names = tuple(recipes.modules()) if self.all else self.names
        if self.sheet and (len(names) != 1 or recipes.facts(names[0]).family != "reenactment"):
            raise VultusError("--sheet shows one recipe that moves a portrait by a film", "Name one of that family")
        for name in names:
            recipes.source(name)  # an unknown name is told before any work
        for name in names:
            with progress(name, unit="arms") as step:
                record = claim.run(name, seeds=self.seeds, workers=self.workers, ray=self.ray, progress=step)
            print(claim.table(record))
            path = claim.write(record, Path(self.out))
            print(f"wrote {path}, {claim_picture.draw(record, path.with_suffix('.png'))}")
            if self.sheet:
                from vultus.lab import portrait_sheet

                print(f"wrote {portrait_sheet.write(record, self.sheet)}")
        known = board.records(Path(self.out))
        for system in recipes.systems():
            print(f"{system.name:<24}{system.family:<14}{board.verdict_of(system.name, known)}")
        print(f"wrote {board.write(Path(self.out))}, {parts_table.write(Path(self.out))}")


def fields_as_options(arguments: Sequence[str]) -> list[str]:
    """``--config.FIELD VALUE`` and ``--config.FIELD=VALUE`` as ``--set FIELD=VALUE``, which the parser knows."""
    out: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if not word.startswith(_FIELD):
            out.append(word)
            continue
        name, equals, value = word.removeprefix(_FIELD).partition("=")
        given = value if equals else next(rest, None)
        if given is None:
            raise VultusError(f"{word} has no value", f"Write {word} VALUE")
        out += ["--set", f"{name}={given}"]
    return out


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise VultusError(f"{text!r} sets nothing", "Write --config.FIELD VALUE")
    return name, value
