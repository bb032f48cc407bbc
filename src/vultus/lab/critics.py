"""Train and validate the learned judges: ``python -m vultus.lab.critics sync --which a --out DIR``.

Every network learns from clips of the stage alone (``vultus.lab.critic_data``), with the loop that trains everything
here, and is measured on clips whose sentences, people, voices and engines it has not met.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import tyro
from numpy.typing import NDArray
from torch import nn

from vultus.channels import ARKIT
from vultus.critics import sync
from vultus.critics.learned import output
from vultus.critics.networks import Emotions, Reader, Sync, Units, Which, Who
from vultus.lab import checkpoint
from vultus.lab.card import About
from vultus.lab.critic_data import VERSION as DATA
from vultus.lab.critic_data import Recipe, Seen, Windows, gather
from vultus.lab.run import Machine, seeded
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage

Name = Literal["sync", "reader", "emotions", "units", "who"]
Doubles = NDArray[np.float64]
SHIFTS: Final = (-10, -5, -2, 0, 2, 5, 10)
"""Frames by which sound is shifted against lips to see whether sync's offset follows."""


@dataclass(frozen=True)
class Judge:
    """One kind of judge: how it is built, which fields it reads, in how many ``steps`` of ``batch`` windows of
    ``length`` frames it learns, and how it is measured.

    What must not depend on speech also learns from clips of ``moments`` of chance by more people: in speech alone a
    face and its mood go together, and are learned by heart.
    """

    build: Callable[[Which, int], nn.Module]
    fields: tuple[str, ...]
    steps: int
    batch: int
    length: int
    moments: int
    measure: Callable[[nn.Module, Sequence[Seen]], dict[str, float]]
    what: str


def _run(model: nn.Module, pictures: NDArray[Any]) -> Doubles:
    """The output for one clip's pictures [T, …]."""
    return np.asarray(output(model, pictures), np.float64)


def embeddings(model: Sync, seen: Seen) -> tuple[Doubles, Doubles]:
    """Embeddings [T, D] of a clip's lips and of its sound."""
    lips, heard = output(model.lips, seen.mouths), output(model.sound, seen.mel)
    return np.asarray(lips, np.float64), np.asarray(heard, np.float64)


def measure_sync(model: nn.Module, clips: Sequence[Seen]) -> dict[str, float]:
    """Offsets of clips whose sound is shifted, LSE-D and LSE-C in time, and with another clip's sound."""
    right = dict.fromkeys(SHIFTS, 0)
    signs, own, other = 0, [], []
    pairs = [embeddings(model, clip) for clip in clips]
    for i, (lips, heard) in enumerate(pairs):
        for k in SHIFTS:
            a, b = (lips[max(k, 0) :], heard[max(-k, 0) :])
            n = min(len(a), len(b))
            # Lips from k frames on beside sound from the start: the lips are early by k, so their offset is -k.
            found = sync.measure(a[:n], b[:n]).offset
            right[k] += abs(found + k) <= 1
            signs += k != 0 and np.sign(found) == -np.sign(k)
        own.append(sync.measure(lips, heard))
        strange = pairs[(i + 1) % len(pairs)][1]
        n = min(len(lips), len(strange))
        other.append(sync.measure(lips[:n], strange[:n]))
    shifted = len(clips) * (len(SHIFTS) - 1)
    return {
        "offset within a frame": right[0] / len(clips),
        "shifted, within a frame": sum(right[k] for k in SHIFTS if k) / shifted,
        "shifted, right sign": signs / shifted,
        "LSE-D": float(np.mean([s.distance for s in own])), "LSE-C": float(np.mean([s.confidence for s in own])),
        "LSE-D of another's sound": float(np.mean([s.distance for s in other])),
        "LSE-C of another's sound": float(np.mean([s.confidence for s in other])),
    }  # fmt: skip


def measure_reader(model: nn.Module, clips: Sequence[Seen]) -> dict[str, float]:
    """Share of frames whose viseme is read, in all and without silence, beside the commonest one's."""
    made = np.concatenate([_run(model, clip.mouths).argmax(axis=1) for clip in clips])
    true = np.concatenate([clip.visemes for clip in clips])
    said = true > 0
    counts = np.bincount(true, minlength=15)
    return {
        "frames right": float((made == true).mean()), "frames right in speech": float((made == true)[said].mean()),
        "commonest viseme": float(counts.max() / counts.sum()),
        "commonest in speech": float(counts[1:].max() / counts[1:].sum()),
    }  # fmt: skip


def _correlation(made: Doubles, true: Doubles) -> Doubles:
    """Pearson's r of each column; NaN where one does not move."""
    a, b = made - made.mean(axis=0), true - true.mean(axis=0)
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray(np.where(norm > 1e-9, (a * b).sum(axis=0) / np.maximum(norm, 1e-9), np.nan), np.float64)


def measure_emotions(model: nn.Module, clips: Sequence[Seen]) -> dict[str, float]:
    """Correlation with the commanded weight, mean over emotions, and how often the strongest of a clip is named."""
    made = [1 / (1 + np.exp(-_run(model, clip.faces))) for clip in clips]
    true = [np.asarray(clip.emotions, np.float64) for clip in clips]
    r = _correlation(np.concatenate(made), np.concatenate(true))
    a, b = np.concatenate(made), np.concatenate(true)
    moved = b.max(axis=1) > 0.2
    named = a[moved].argmax(axis=1) == b[moved].argmax(axis=1)
    return {"correlation": float(np.nanmean(r)), "strongest named": float(named.mean()), "chance": 1 / 7}


def measure_units(model: nn.Module, clips: Sequence[Seen]) -> dict[str, float]:
    """Correlation with the commanded weights: of some, and the median of those that move."""
    made = np.concatenate([_run(model, clip.faces) for clip in clips])
    true = np.concatenate([np.asarray(clip.units, np.float64) for clip in clips])
    r = _correlation(made, true)
    some = {name: float(r[ARKIT.index(name)]) for name in ("jawOpen", "eyeBlinkLeft", "mouthPucker", "mouthSmileLeft")}
    return {"median correlation": float(np.nanmedian(r[true.std(axis=0) > 0.01])), **some}


def measure_who(model: nn.Module, clips: Sequence[Seen]) -> dict[str, float]:
    """Distances of embeddings of one person in two clips and of two people, and the equal error rate."""
    means = []
    for clip in clips:
        e = _run(model, clip.faces).mean(axis=0)
        means.append(e / np.linalg.norm(e))
    people = np.array([int(clip.person) for clip in clips])
    apart = np.linalg.norm(np.array(means)[:, None] - np.array(means)[None], axis=2)
    upper = np.triu(np.ones_like(apart, bool), 1)
    same, other = apart[upper & (people[:, None] == people)], apart[upper & (people[:, None] != people)]
    edges = np.linspace(0, 2, 401)
    misses = np.array([(same > e).mean() for e in edges])
    alarms = np.array([(other <= e).mean() for e in edges])
    best = int(np.abs(misses - alarms).argmin())
    return {
        "same": float(np.median(same)), "other": float(np.median(other)),
        "equal error rate": float((misses[best] + alarms[best]) / 2),
    }  # fmt: skip


JUDGES: Final[dict[Name, Judge]] = {
    "sync": Judge(
        lambda which, _: Sync(which), ("mouths", "mel", "speech", "wrong"), 1600, 16, 24, 0, measure_sync,
        "Tells whether lips and sound belong together: SyncNet.",
    ),
    "reader": Judge(
        lambda which, _: Reader(which), ("mouths", "visemes"), 1600, 16, 24, 0, measure_reader,
        "Reads visemes off a mouth.",
    ),
    "emotions": Judge(
        lambda which, _: Emotions(which), ("faces", "emotions", "units"), 2500, 24, 8, 16, measure_emotions,
        "Reads emotions off a face.",
    ),
    "units": Judge(
        lambda which, _: Units(which), ("faces", "units"), 2500, 24, 8, 16, measure_units,
        "Reads ARKit's weights off a face.",
    ),
    "who": Judge(
        lambda which, people: Who(which, people), ("faces", "person"), 2000, 64, 2, 10, measure_who,
        "Tells whether two pictures show one person.",
    ),
}  # fmt: skip
SEEDS: Final = {"a": 11, "b": 23}
"""Of the first weights and the order of the batches."""


@dataclass(frozen=True)
class Options:
    """Train one judge."""

    name: tyro.conf.Positional[Name]
    """Which judge."""
    which: Which = "a"
    """Its architecture, people, voices and seed: a is for losses, b judges."""
    steps: int | None = None
    """Steps of training; the judge's own number unless given."""
    data: Recipe = field(default_factory=Recipe)
    """The clips; which half and seed follow from --which."""
    clips: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("critic-clips")
    """Where clips are kept between runs."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("critic-weights")
    """Where the weights and their card go."""
    crowd: int | None = None
    """People seen in moments of chance, in two clips each; twice those who speak unless given."""
    workers: int = 1
    """Processes that make clips."""
    ship: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Where the weights also go as half floats with a card of their own: those of the package lie in data/critics."""


def ship(model: nn.Module, card: dict[str, Any], measure: Callable[[nn.Module], dict[str, float]], out: Path) -> None:
    """Write *model* as half floats to *out*, with its card: the hash and the figures are those of the rounded weights.

    *model* has the rounded weights afterwards.
    """
    half = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    model.load_state_dict(half)
    content = checkpoint.as_bytes(half, "vultus-weights")
    own = {**card, "sha256": hashlib.sha256(content).hexdigest(), "dtype": "float16", "measured": measure(model.eval())}
    out.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(out / f"{card['name']}.safetensors", content)
    checkpoint.write_bytes(out / f"{card['name']}.json", (json.dumps(own, indent=1) + "\n").encode())


def train(options: Options) -> dict[str, Any]:
    """Train, measure on the clips of the test split, and write weights and card; returns the card."""
    judge, seed = JUDGES[options.name], SEEDS[options.which]
    recipe = replace(options.data, half=options.which, seed=seed, wrong="wrong" in judge.fields)
    test = replace(recipe, split="test", count=max(recipe.count // 5, 8), people=max(recipe.people // 10, 4))
    recipes = [recipe]
    if judge.moments:
        crowd = options.crowd or 2 * recipe.people
        count = 2 * (options.crowd or recipe.count)
        recipes += [replace(recipe, moments=judge.moments, count=count, people=crowd, wrong=True)]
    learned = [clip for some in recipes for clip in gather(some, options.clips, options.workers)]
    unseen = gather(test, options.clips, options.workers)
    with seeded(seed):
        model = judge.build(options.which, recipes[-1].people)
    steps = options.steps or judge.steps
    schedule = Schedule("cosine", warm_up=min(50, steps // 4), final=0.02)
    stage = Stage("all", steps, judge.batch, AdamW(lr=2e-3, weight_decay=0.02), schedule, ema=0.998)
    about = About(
        name=f"{options.name}-{options.which}", what=judge.what,
        data=f"vultus.critic-clip {DATA} {[asdict(some) for some in recipes]}",
        command=f"python -m vultus.lab.critics {options.name} --which {options.which} --steps {steps}"
        f" --data.count {recipe.count} --data.people {recipe.people}"
        + f" --crowd {options.crowd}" * bool(options.crowd),
    )  # fmt: skip
    data = Windows(learned, judge.fields, judge.length)
    card = fit_dataset(
        model, data, stages=[stage], out=options.out, seed=seed, about=about,
        machine=Machine(precision="bf16-mixed"), measure=lambda trained: judge.measure(trained.eval(), unseen),
    )  # fmt: skip
    if options.ship is not None:
        ship(model, card, lambda trained: judge.measure(trained, unseen), options.ship)
    return card


def main() -> None:
    """The command line."""
    card = train(tyro.cli(Options))
    print({name: value for name, value in card.items() if name in ("parameters", "measured", "figures")})


if __name__ == "__main__":
    main()
