"""Claims: every arm and seed in a process of one thread, and the verdict by the rule that all recipes share.

An arm that is done is not done again while its recipe and the parts stay as they are; one that was killed goes on from
its checkpoint. Page: docs/recipes.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.io.files import atomic
from vultus.lab import recipes
from vultus.recipe import Arrays, Batches, Claim, Figures, Gain, Stage

if TYPE_CHECKING:
    from torch import nn

FORMAT: Final = "vultus.claim"
VERSION: Final = 1
SHARED: Final = "shared"
"""What is done once for each seed before the arms."""
SEEDS: Final = 3

Verdict = Literal["holds", "does not hold here", "inconclusive (quality gate)"]
Progress = Callable[[float, float | None], None]
_PARAMETERS: Final = 0.05  # share by which compared arms may differ


@dataclass(frozen=True)
class Result:
    """One arm for one seed: its ``figures``, the ``parameters`` of its largest network, the ``examples`` that it has
    seen, what it read (SHA-256 by name), and the processor ``seconds`` of all of it."""

    arm: str
    seed: int
    figures: dict[str, float]
    parameters: int
    examples: int
    data: dict[str, str]
    seconds: float


class Bench:
    """What ``claim(run)`` works with: see :class:`vultus.recipe.Run`."""

    def __init__(self, name: str, folder: Path, arm: str = "", seed: int = 0, scale: float = 1.0) -> None:
        """For the recipe *name*, with everything under *folder*; *arm* is "" in the first process."""
        self.name, self.scale = name, scale
        self._folder, self._arm, self._seed = folder, arm, seed
        self.parameters, self.examples, self.earlier = 0, 0, 0.0
        self.data: dict[str, str] = {}

    def count(self, full: int, least: int = 2) -> int:
        """*full*, or what the scale leaves of it."""
        return max(least, round(full * self.scale))

    def keep(self, name: str, make: Callable[[], Mapping[str, NDArray[Any]]]) -> Arrays:
        """Arrays from the cache, or from *make* and then into it."""
        path = self._folder / "data" / f"{_slug(name)}-{self.scale:g}.npz"
        if not path.is_file():
            if self._arm:
                raise VultusError(
                    f"The data {name!r} of {self.name} is asked for by an arm alone", "Keep it in claim()"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic(path) as temporary, temporary.open("wb") as stream:
                np.savez(stream, format="vultus.claim-data", version=1, **make())  # type: ignore[arg-type]
        self.data[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        with np.load(path, allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files if key not in ("format", "version")}

    def fit(
        self,
        name: str,
        model: nn.Module,
        data: Batches | Mapping[str, Batches],
        stages: Sequence[Stage],
        *,
        seed: int,
        shared: bool = False,
    ) -> None:
        """Train *model* in place or load it; see :meth:`vultus.recipe.Run.fit`."""
        from vultus.lab.card import About
        from vultus.lab.run import Machine
        from vultus.lab.train import fit_dataset

        began = time.process_time()
        where = arm_folder(self._folder / _place(self.name, self.scale), SHARED if shared else self._arm, seed)
        about = About(
            _slug(name), f"{name} of the claim of {self.name}", json.dumps(self.data, sort_keys=True),
            command=f"vultus claims {self.name}",
        )  # fmt: skip
        card = fit_dataset(
            model, cast(Any, data), stages=stages, out=where, seed=seed, about=about,
            machine=Machine(accelerator="cpu", threads=1), save_every=30.0, quiet=True,
        )  # fmt: skip
        self.earlier += max(float(card["cpu_seconds"]) - (time.process_time() - began), 0.0) if not shared else 0.0
        if not shared:
            self.parameters = max(self.parameters, int(card["parameters"]))
            self.examples += sum(stage.steps * stage.batch for stage in stages)

    def seeded(self, *parts: int | str) -> AbstractContextManager[None]:
        """Torch's random numbers from *parts* alone."""
        from vultus.lab.run import seeded

        return seeded(*parts)


@dataclass(frozen=True)
class Arm:
    """One arm and seed, to be done by another process."""

    recipe: str
    arm: str
    seed: int
    folder: Path
    scale: float

    def run(self) -> Result | str:
        """Do it unless it is done; what was measured, or in one line what is wrong."""
        try:
            return self._run()
        except VultusError as error:
            return f"{self.recipe}, {self.arm}, seed {self.seed}: {error}"

    def _run(self) -> Result:
        import torch

        torch.set_num_threads(1)
        arm = arm_folder(self.folder / _place(self.recipe, self.scale), self.arm, self.seed)
        place = arm.with_name(f"{arm.name}.json")
        if place.is_file():
            return Result(**json.loads(place.read_text("utf-8")))
        began = time.process_time()
        bench = Bench(self.recipe, self.folder, self.arm, self.seed, self.scale)
        claim: Claim = recipes.load(self.recipe).claim(bench)
        work = claim.shared if self.arm == SHARED else claim.arms[self.arm]
        found = cast(Figures, work(self.seed) if work else {}) or {}
        figures = {name: float(value) for name, value in found.items()}
        for name, value in figures.items():
            if not math.isfinite(value):
                raise VultusError(f"The figure {name!r} is {value}", "Look at what the arm was trained on")
        seconds = round(time.process_time() - began + bench.earlier, 1)
        result = Result(self.arm, self.seed, figures, bench.parameters, bench.examples, bench.data, seconds)
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic(place) as temporary:
            temporary.write_text(json.dumps(asdict(result)), "utf-8")
        return result


def _place(name: str, scale: float) -> str:
    """The folder of results that stay true while the recipe and its parts stay as they are."""
    return f"{recipes.fingerprint(name)}-{scale:g}"


def arms_folder(name: str) -> Path:
    """Where the claim of the recipe *name*, as it is now, keeps its arms: a folder in the cache."""
    from vultus import store

    return store.cache() / "claims" / name / _place(name, 1)


def arm_folder(arms: Path, arm: str, seed: int) -> Path:
    """Where in the folder of a claim's *arms* the weights of one lie."""
    return arms / f"{_slug(arm)}-{seed}"


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


# --- the verdict ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A gain that was measured: its values by seed, and whether it is as it should be (None where nothing asks)."""

    role: Literal["holds", "control", "quality", "also"]
    gain: Gain
    values: tuple[float, ...]
    met: bool | None

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.values))


def verdict(claim: Claim, results: Mapping[str, Sequence[Result]]) -> tuple[Verdict, list[Row]]:
    """The verdict and its rows, from the results of every arm in the order of their seeds.

    VultusError when compared arms are not alike in examples and parameters and the claim does not say why.
    """
    rows = [
        _row(role, gain, results)
        for role, gains in (("quality", claim.quality), ("holds", claim.holds), ("control", claim.controls),
                            ("also", claim.also))
        for gain in gains
    ]  # fmt: skip
    if not claim.unequal:
        for gain in (*claim.holds, *claim.controls):
            _check_equal(results[gain.of][0], results[gain.over][0])
    if not all(row.met for row in rows if row.role == "quality"):
        return "inconclusive (quality gate)", rows
    return ("holds" if all(row.met for row in rows if row.role != "also") else "does not hold here"), rows


def _row(role: Any, gain: Gain, results: Mapping[str, Sequence[Result]]) -> Row:
    pairs = zip(results[gain.of], results[gain.over], strict=True)
    values = tuple(gain.of_figures(ours.figures, theirs.figures) for ours, theirs in pairs)
    mean = float(np.mean(values))
    met: bool | None = None
    if role == "control":
        met = mean < gain.margin
    elif role != "also":
        met = mean >= gain.margin and all(value > 0 or 0 >= gain.margin <= value for value in values)
    return Row(role, gain, values, met)


def _check_equal(a: Result, b: Result) -> None:
    if a.examples != b.examples:
        raise VultusError(
            f"{a.arm} has seen {a.examples} examples and {b.arm} {b.examples}", "Give both the same, or say unequal"
        )
    if abs(a.parameters - b.parameters) > _PARAMETERS * max(a.parameters, b.parameters):
        raise VultusError(
            f"{a.arm} has {a.parameters} parameters and {b.arm} {b.parameters}", "Make them alike, or say unequal"
        )


# --- running --------------------------------------------------------------------------------------------------------


def _complaint(result: Result | str) -> bool:
    return isinstance(result, str)


def run(
    name: str,
    *,
    seeds: int = SEEDS,
    folder: Path | None = None,
    workers: int = 1,
    ray: bool = False,
    scale: float = 1.0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Put the claim of the recipe *name* to the test; returns the record that ``write`` keeps.

    Data, weights and results of arms lie under *folder* (the cache unless given), which with *ray* every machine must
    share. *workers* are processes side by side; 0 does the work in this one. Raises VultusError when there is no such
    recipe or an arm fails.
    """
    from vultus import store
    from vultus import workers as pool
    from vultus.lab.card import libraries

    if seeds < 1:
        raise VultusError(f"The number of seeds is {seeds}", "Give --seeds 1 or more")
    place = (store.cache() if folder is None else folder) / "claims" / name
    module, made_of = recipes.load(name), recipes.sources(name)
    first = Bench(name, place, scale=scale)
    claim: Claim = module.claim(first)
    waves: list[list[str]] = [[SHARED]] if claim.shared else []
    waves.append(list(claim.arms))
    done: dict[tuple[str, int], Result] = {}
    total = seeds * sum(len(wave) for wave in waves)
    for wave in waves:
        jobs: Iterator[Arm] = (Arm(name, arm, seed, place.absolute(), scale) for arm in wave for seed in range(seeds))
        results = (job.run() for job in jobs) if workers == 0 else pool.each(jobs, workers, ray=ray, last=_complaint)
        for result in results:
            if isinstance(result, str):
                raise VultusError(result)
            done[result.arm, result.seed] = result
            if progress:
                progress(len(done), total)
    arms = {arm: [done[arm, seed] for seed in range(seeds)] for wave in waves for arm in wave}
    found, rows = verdict(claim, arms)
    if recipes.sources(name) != made_of:
        raise VultusError(f"The recipe {name} was changed while its claim ran", "Run vultus claims again")
    return {
        "format": FORMAT,
        "version": VERSION,
        "recipe": name,
        "says": claim.says,
        "margins": claim.margins,
        "unequal": claim.unequal,
        "verdict": found,
        "gains": [{"role": row.role, **asdict(row.gain), "values": row.values, "mean": row.mean, "met": row.met}
                  for row in rows],
        "arms": {
            arm: {
                "parameters": some[0].parameters, "examples": some[0].examples,
                "seconds": [result.seconds for result in some], "figures": [result.figures for result in some],
            }
            for arm, some in arms.items()
        },
        "seeds": seeds,
        "scale": scale,
        "seconds": round(sum(result.seconds for result in done.values()), 1),
        "data": first.data,
        "sources": made_of,
        "libraries": libraries(),
    }  # fmt: skip


def write(record: Mapping[str, Any], folder: Path) -> Path:
    """Keep a *record* as ``claims/NAME.json`` under *folder*; VultusError for one that was run at a small scale."""
    if record["scale"] != 1:
        raise VultusError("A claim that was run at a small scale is no result", "Run it at scale 1")
    path = folder / "claims" / f"{record['recipe']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """A record; VultusError when *path* is none that this version knows."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VultusError(f"The claim {path} cannot be read", "Run vultus claims again") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT or record.get("version") != VERSION:
        raise VultusError(f"{path} is no claim of this version", "Run vultus claims again")
    return record


def changed(record: Mapping[str, Any]) -> list[str]:
    """The modules in which a recipe has changed since its *record* was made; none where the recipe is not here."""
    if record["recipe"] not in recipes.modules():
        return []
    then, now = record.get("sources", {}), recipes.sources(record["recipe"])
    return sorted(module for module in {*then, *now} if then.get(module) != now.get(module))


def table(record: Mapping[str, Any]) -> str:
    """A record as text: the verdict, every gain with its margin, and every arm."""
    lines = [f"{record['recipe']}: {record['verdict']}", f"  {record['says']}"]
    for row in record["gains"]:
        bound = {"control": f"must stay below {row['margin']:+.3f}", "also": "printed only"}.get(
            row["role"], f"must reach {row['margin']:+.3f}"
        )
        mark = {True: "met", False: "NOT met", None: ""}[row["met"]]
        values = " ".join(f"{value:+.3f}" for value in row["values"])
        what = f"{row['figure']}: {row['of']} over {row['over']}"
        lines.append(f"  {row['role']:<8}{what:<58}{row['mean']:+.3f} ({values}); {bound} {mark}".rstrip())
    for arm, some in record["arms"].items():
        means = {key: np.mean([figures[key] for figures in some["figures"]]) for key in (some["figures"] or [{}])[0]}
        figures = ", ".join(f"{key} {value:.4g}" for key, value in means.items())
        lines.append(
            f"  arm {arm:<26}{some['parameters']:>9} parameters, {some['examples']:>7} examples, "
            f"{np.mean(some['seconds']):>6.1f} s: {figures}"
        )
    return "\n".join([*lines, f"  {record['seconds']:.0f} processor seconds in all"])
