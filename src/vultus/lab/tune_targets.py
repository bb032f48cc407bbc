"""Tune the articulation's targets on what a reader of real lips reads: ``vultus train targets --out DIR``.

From the phonetic targets on, gradients flow from the reader's surprise through proxies of the renderer
(:mod:`vultus.lab.mouth_proxy`) and the articulation's twin to targets, dominances and time constants, which are pulled
back to where phonetics has them. Only words, voices, people and lights of the tuning half are seen
(:mod:`vultus.lab.read_words`). The set carries the taste of this reader, so it is opt-in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.drivers.articulation import articulate
from vultus.drivers.target_sets import as_json
from vultus.drivers.targets import CONTROLS, PHONETIC, Targets
from vultus.io.files import atomic
from vultus.lab import mouth_proxy, read_words
from vultus.lab.articulation_twin import SHAPED, WEIGHTS, Free, Packed, mouths, pack
from vultus.lab.card import About
from vultus.lab.mouth_proxy import Proxy
from vultus.lab.read_words import LIGHTS, Draw, Spoken
from vultus.lab.run import Machine
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage
from vultus.signals.phones import Phone

READER: Final = "tuned on this reader: lrw.pth of fae; its figures count for held-out words, voices, people and lights"
PULL: Final = 0.02
"""What a square of the way from the phonetic targets weighs beside the reader's surprise in nats."""
JERK: Final = 3.0
"""The same of what the mouth's weights do from frame to frame."""
BETWEEN: Final = "between them"
"""What the mean of all runs is called."""
PHASE: Final = 0.02
"""Seconds by which frames fall earlier or later at most."""
_LEAST, _MOST = {"anticipation": 0.015, "carry_over": 0.015, "dominance": 0.05}, 0.15
_STRONGEST: Final = 20.0
_CEILING: Final = torch.tensor([{"jawOpen": 0.55, "tongueOut": 0.5}.get(name, 1.0) for name in CONTROLS[:SHAPED]])
_FORMAT, _VERSION = "vultus.spoken-words", 1


@dataclass(frozen=True)
class Options:
    """How targets are tuned."""

    seed: int = 0
    """Of the first of the runs."""
    films: int = 720
    """Words that are spoken, each as often as the others."""
    looks: int = 16
    """People in a light, each with a proxy."""
    renders: int = 600
    """Mouths that each proxy learns from."""
    fits: int = 1000
    """Steps of each proxy."""
    steps: int = 400
    """Steps of tuning."""
    batch: int = 8
    """Films a step."""
    runs: int = 3
    """Runs with seeds of their own; the one that is read best on the tuning half is kept, or what lies between all."""
    checked: int = 60
    """Films of the tuning half, drawn by the true renderer, by which that is told."""
    accelerator: str = "auto"
    """auto, cpu or cuda."""
    out: Path = Path("targets")
    """Where everything is kept."""


@dataclass(frozen=True)
class Film:
    """A word that was said: the draw, its phones, and the frames' times in seconds."""

    draw: Draw
    phones: tuple[Phone, ...]
    middle: float

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of the frames, [29]."""
        return Spoken(self.draw, np.zeros(0, np.float32), self.phones, self.middle).times


def films(path: Path, number: int, seed: int) -> list[Film]:
    """*number* words of the tuning half as they are said; phones and times are kept in the file *path*, not sound."""
    draws = read_words.draws("tuning", number, seed)
    if path.is_file():
        record = json.loads(path.read_text("utf-8"))
        if record["format"] == _FORMAT and record["version"] == _VERSION:
            found = [
                Film(Draw(**f["draw"]), tuple(Phone(*phone) for phone in f["phones"]), f["middle"])
                for f in record["films"]
            ]
            if record["draws"] == [asdict(draw) for draw in draws]:
                return found
    spoken = [some for some in map(read_words.said, draws) if some is not None]
    found = [Film(some.draw, some.phones, some.middle) for some in spoken]
    lines = [
        {"draw": asdict(f.draw), "middle": f.middle, "phones": [[p.start, p.end, p.ipa, p.stress] for p in f.phones]}
        for f in found
    ]
    record = {"format": _FORMAT, "version": _VERSION, "draws": [asdict(draw) for draw in draws], "films": lines}
    with atomic(path) as whole:
        whole.write_text(json.dumps(record, ensure_ascii=False) + "\n", "utf-8")
    return found


# --- tuning ---------------------------------------------------------------------------------------------------------


class Tuner(nn.Module):
    """The targets as parameters; its loss is what the reader makes of films of them."""

    def __init__(self, proxies: Sequence[Proxy], reader: nn.Module) -> None:
        """Proxies and *reader* stand still and are no part of the weights."""
        super().__init__()
        start = Free.of(PHONETIC)
        for name, value in vars(start).items():
            self.register_parameter(name, nn.Parameter(value.clone()))
        self._start, self._proxies, self._reader = start, tuple(proxies), (reader,)

    def free(self) -> Free:
        """The parameters within their bounds."""
        low = {name: float(np.log(bound)) for name, bound in _LEAST.items()}
        value = torch.minimum(self.get_parameter("value").clamp_min(0), _CEILING.to(self.get_parameter("value").device))
        dominance = self.get_parameter("dominance").clamp(low["dominance"], float(np.log(_STRONGEST)))
        times = [self.get_parameter(n).clamp(low[n], float(np.log(_MOST))) for n in ("anticipation", "carry_over")]
        return Free(value, dominance, *times)

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reader's surprise, the way from phonetics, and the jerk of the mouth."""
        free = self.free()
        packed = Packed(**{name: batch[name] for name in Packed.__dataclass_fields__})
        weights = mouths(free, packed)
        varied = (weights * (1 + 0.06 * torch.randn(len(weights), 1, len(WEIGHTS), device=weights.device))).clamp(0, 1)
        device = weights.device
        proxies = [proxy.to(device) for proxy in self._proxies]
        pictures = photographed(mouth_proxy.shown(proxies, batch["look"].tolist(), varied))
        scores = self._reader[0].to(device)(pictures)
        start = Free(*(some.to(device) for some in vars(self._start).values()))
        away = ((free.value - start.value) / _CEILING.to(device)).square().sum()
        away = away + 0.1 * (free.dominance - start.dominance).square().sum()
        for name in ("anticipation", "carry_over"):
            away = away + 0.3 * (getattr(free, name) - getattr(start, name)).square().sum()
        return {
            "surprise": nnf.cross_entropy(scores, batch["word"]), "pull": PULL * away,
            "jerk": JERK * weights.diff(n=2, dim=1).square().mean(),
        }  # fmt: skip


def photographed(pictures: Tensor) -> Tensor:
    """Films [B, T, 88, 88] moved, mirrored, brighter or darker, and with the noise of a camera, each in its own way."""
    found = []
    for film in pictures:
        dx, dy = torch.randint(-3, 4, (2,)).tolist()
        moved = torch.roll(film, (dy, dx), dims=(1, 2))
        found.append(moved.flip(2) if torch.rand(1).item() < 0.5 else moved)
    all_ = torch.stack(found)
    gain = 1 + 0.08 * torch.randn(len(all_), 1, 1, 1, device=all_.device)
    lift = 8 * torch.randn(len(all_), 1, 1, 1, device=all_.device)
    return (all_ * gain + lift + 2 * torch.randn_like(all_)).clamp(0, 255)


class Batches:
    """Films in random order, each at a random phase of the frames and in a random look."""

    def __init__(self, some: Sequence[Film], looks: int) -> None:
        """*looks* is how many proxies there are."""
        from vultus.critics.lip_reader import words

        self._films, self._looks = list(some), looks
        place = {word: i for i, word in enumerate(words())}
        self._words = [place[film.draw.word] for film in some]

    def batch(self, step: int, size: int, seed: int) -> dict[str, Tensor]:
        """*size* films, none twice."""
        rng = np.random.default_rng([seed, step])
        some = rng.permutation(len(self._films))[:size]
        phase = rng.uniform(-PHASE, PHASE, len(some))
        packed = pack([(self._films[i].phones, self._films[i].times + p) for i, p in zip(some, phase, strict=True)])
        word = torch.tensor([self._words[i] for i in some])
        return {**vars(packed), "word": word, "look": torch.from_numpy(rng.integers(self._looks, size=len(some)))}


def people_and_lights(number: int) -> list[tuple[str, str]]:
    """*number* looks of the tuning half, of as many people and lights as there are."""
    every = list(product(read_words.people_of("tuning"), LIGHTS["tuning"]))
    step = len(LIGHTS["tuning"]) + 1  # the next person in the next light, and after a round the lights move on
    return [every[(i * step + i * step // len(every)) % len(every)] for i in range(min(number, len(every)))]


def tuned(options: Options, seed: int, some: Sequence[Film], proxies: Sequence[Proxy]) -> Targets:
    """One run; its weights and card are kept."""
    from vultus.critics.lip_reader import lip_reader

    torch.manual_seed(seed)
    model = Tuner(proxies, lip_reader())
    rates = {"dominance": 3.0, "anticipation": 1.5, "carry_over": 1.5}
    schedule = Schedule("cosine", warm_up=min(5, options.steps - 1), final=0.02)
    adam = AdamW(lr=0.025, weight_decay=0.0)
    stage = Stage("all", options.steps, options.batch, adam, schedule, clip=5.0, rates=rates)
    about = About(f"targets-{seed}", "Targets of the articulation, tuned on a reader of lips.", READER)
    fit_dataset(
        model, Batches(some, len(proxies)), stages=[stage], out=options.out, seed=seed, about=about,
        machine=Machine(accelerator=options.accelerator, precision="bf16-mixed"),
    )  # fmt: skip
    return model.free().targets("tuned")


def train(options: Options, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Tune with every seed, keep the targets that are read best on the tuning half; returns the card.

    Writes ``targets_tuned.json`` into ``options.out``. An interrupted run goes on where it was.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    some = films(options.out / "films.json", options.films, options.seed)
    say(f"{len(some)} films")
    packed = pack([(film.phones, film.times) for film in some])
    looks = people_and_lights(options.looks)
    proxies, wrong = mouth_proxy.looks(looks, packed, options.out, renders=options.renders, steps=options.fits)
    say(f"proxies are wrong by {np.mean(wrong):.2f} grey levels (at most {max(wrong):.2f})")
    runs = range(options.seed, options.seed + options.runs)
    sets = {f"seed {seed}": tuned(options, seed, some, proxies) for seed in runs}
    if len(sets) > 1:
        sets[BETWEEN] = between(list(sets.values()))
    found = checked(options, sets)
    for row, figures in found.items():
        say(f"{row}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    best = min(sets, key=lambda row: found[row]["mean of log ranks"])
    card = {
        "what": "where each phone wants the mouth, tuned on a reader of real lips; opt-in", "reader": READER,
        "command": command(options), "kept": best, "films": len(some),
        "words": len({film.draw.word for film in some}), "voices": sorted({film.draw.voice for film in some}),
        "looks": [f"{person} {light}" for person, light in looks],
        "grey levels that proxies are wrong by": [round(w, 2) for w in wrong],
        "tuning half, by the true renderer": found,
    }  # fmt: skip
    with atomic(options.out / "targets_tuned.json") as path:
        path.write_text(as_json(sets[best], card), "utf-8")
    return card


def command(options: Options) -> str:
    """What makes the same again."""
    fields = ("films", "looks", "renders", "fits", "steps", "batch", "runs", "checked")
    told = " ".join(f"--config.{name} {getattr(options, name)}" for name in fields)
    return f"vultus train targets --out DIR --seed {options.seed} {told}"


def between(sets: Sequence[Targets]) -> Targets:
    """The mean of *sets*, of the logarithms of dominances and times: what single runs happened upon evens out."""

    def mean(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.asarray(np.exp(np.log(np.maximum(parts, 1e-9)).mean(axis=0)) * (np.max(parts, axis=0) > 0))

    rows = {}
    for name, row in sets[0].rows.items():
        same = [some.rows[name] for some in sets]
        value = np.mean([one.value for one in same], axis=0)
        rows[name] = replace(row, value=value, dominance=mean([one.dominance for one in same]))
    return Targets(
        sets[0].name, rows, mean([some.anticipation for some in sets]), mean([some.carry_over for some in sets])
    )


def checked(options: Options, sets: Mapping[str, Targets]) -> dict[str, dict[str, float]]:
    """How each set, and the phonetic one, is read in films of the tuning half that the true renderer draws."""
    draws = read_words.draws("tuning", options.checked, options.seed + 1)
    looks = people_and_lights(options.looks)  # few people, so that few are built
    draws = [replace(d, person=looks[i % len(looks)][0], light=looks[i % len(looks)][1]) for i, d in enumerate(draws)]
    draws.sort(key=lambda d: (d.person, d.light))
    spoken = [some for some in map(read_words.said, draws) if some is not None]
    every = {PHONETIC.name: PHONETIC, **sets}

    def rows(some: Spoken) -> dict[str, NDArray[np.float32]]:
        return {k: articulate(some.phones, some.times, targets=t).data for k, t in every.items()}

    tables = read_words.read(spoken, rows)
    said = [some.draw.word for some in spoken]
    found: dict[str, dict[str, float]] = {}
    for key in every:
        ranks, _ = read_words.ranks(tables[key], said)
        found[key] = {
            "median rank": float(np.median(ranks)), "top 1": round(float((ranks == 1).mean()), 3),
            "top 10": round(float((ranks <= 10).mean()), 3), "mean of log ranks": round(float(np.log(ranks).mean()), 3),
        }  # fmt: skip
    return found
