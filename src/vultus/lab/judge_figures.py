"""Whether the judges can be trusted: the table of ``vultus bench --judges`` and the file that ``vultus judge`` obeys.

A judge that claims to see lips must put four motions in the order that people would: the truth of the stage, what our
driver makes of the sound alone, a jaw that follows the loudness, and another clip's motion, each drawn with people and
spoken by voices that no judge has met. Networks must besides do on clips of the test split what they were trained for,
and sync must find how far sound was shifted. Bounds were set before anything was measured.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.clip import Clip
from vultus.critics import learned, moving, scenes, sync
from vultus.critics.judges import JUDGES, Judge, embeddings, word_ranks
from vultus.errors import VultusError
from vultus.io.files import atomic
from vultus.lab.wrong_lips import loud_jaw
from vultus.motion import Motion, concatenate

FORMAT: Final = "vultus.judges"
VERSION: Final = 1
FPS: Final = 25
ORDER: Final = ("truth", "driver", "loudness", "shuffled")
"""The motions that a judge of lips must tell apart, the best first."""
DECIDES: Final = {"sync": "LSE-C", "reader": "visemes read", "words": "word rank", "vertices": "LVE_mm"}
"""The score of each judge of lips whose order counts. Closures have none: a jaw that never closes and lips that close
at the wrong time are wrong in two ways, and neither is better."""
BOUNDS: Final = {
    "sync": {"offset within a frame": ">= 0.9", "shifted, within a frame": ">= 0.9", "shifted, right sign": ">= 0.9"},
    "reader": {"frames right in speech": ">= 0.3"}, "emotions": {"strongest named": ">= 0.5"},
    "units": {"median correlation": ">= 0.5"}, "who": {"equal error rate": "<= 0.2"},
}  # fmt: skip
"""What each network must reach on clips of the test split."""
REAL: Final = "<= 2.5"
"""The median rank among 500 of the words of the real clip, as it was found when the reader was first rebuilt."""
SAID: Final = (
    "Today, after two years of negotiations, the United States together with our international partners has achieved"
)
"""What is said in ``obama_speech``."""
SPOKEN: Final = (
    "Everyone believes their children should always know the difference",
    "The police arrested another person this morning after several attacks",
    "Perhaps because of the weather there was nothing happening yesterday",
    "Members of parliament started talking about a billion pounds again",
    "It became possible before the summer, possibly during February",
    "Families across Africa expected support from the government together",
    "Somebody behind the company offered the workers a better benefit",
    "Million people moved from the middle of America to the south",
    "We should have thought about the problem of prices for businesses",
    "British ministers want powerful questions answered this afternoon",
    "Nothing will change what happened between the public and the president",
    "Obviously young women believe in the future of the whole world",
    "The judge allowed everything except information from the victims",
)
"""What is said where motions are put in order: 75 of the words that the reader of words knows."""
_ROUNDS: Final = 1000


@dataclass(frozen=True)
class Figure:
    """One number of the validation, what it must be ("" for nothing), and whose use depends on it."""

    judge: str
    name: str
    value: float
    target: str = ""

    @property
    def met(self) -> bool:
        """Whether it is what it must be; a number that is not there never is."""
        if not self.target:
            return True
        sign, bound = self.target.split()
        return bool(self.value <= float(bound) if sign == "<=" else self.value >= float(bound))


@dataclass(frozen=True)
class Verdict:
    """Whether a judge is used, what it failed, and its figures."""

    judge: str
    figures: tuple[Figure, ...] = field(default_factory=tuple)

    @property
    def why(self) -> str:
        """What it failed, or ""."""
        wrong = [f"{f.name} is {f.value:.3g}, not {f.target}" for f in self.figures if not f.met]
        return "; ".join(wrong)


def bench(
    quick: bool = False,
    json_path: str | Path | None = None,
    progress: Callable[[float, float | None], None] | None = None,
) -> str:
    """Validate the judges; returns a Markdown table and writes the verdicts to *json_path* if given.

    Those whose network or asset is not there are left out. *quick* takes fewer clips: its verdicts are rough.
    """
    figures: list[Figure] = []
    for figure in _figures(4 if quick else 12):
        figures.append(figure)
        if progress:
            progress(float(len(figures)), None)
    names = dict.fromkeys(f.judge for f in figures)
    verdicts = [Verdict(name, tuple(f for f in figures if f.judge == name)) for name in names]
    if json_path is not None:
        with atomic(json_path) as path:
            path.write_text(as_json(verdicts, quick), "utf-8")
    return table(verdicts)


def as_json(verdicts: Iterable[Verdict], quick: bool = False) -> str:
    """The verdicts as the file that ``vultus judge`` reads."""
    judges = [
        {
            "judge": v.judge, "used": not v.why, "why": v.why,
            "figures": [
                {"name": f.name, "value": f.value if np.isfinite(f.value) else None, "target": f.target}
                for f in v.figures
            ],
        }
        for v in verdicts
    ]  # fmt: skip
    record = {"format": FORMAT, "version": VERSION, "quick": quick, "judges": judges}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def table(verdicts: Iterable[Verdict]) -> str:
    """The verdicts as a Markdown table."""
    rows = ["| judge | figure | value | target | met |", "|---|---|---|---|---|"]
    used = []
    for verdict in verdicts:
        used.append(f"{verdict.judge}: {'not used' if verdict.why else 'used'}")
        for f in verdict.figures:
            met = ("yes" if f.met else "no") if f.target else ""
            rows.append(f"| {f.judge} | {f.name} | {f.value:.3g} | {f.target} | {met} |")
    return "\n".join([*rows, "", "; ".join(used)])


def _figures(count: int) -> Iterator[Figure]:
    there = [name for name in learned.NAMES if not _why_not(name)]
    yield from _real(there)
    with tempfile.TemporaryDirectory() as folder:
        yield from _trained(there, Path(folder), count)
        yield from ordered(count, Path(folder))


def _why_not(name: str) -> str:
    try:
        learned.load(name)
    except VultusError as error:
        return str(error)
    return ""


def _chosen(names: Iterable[str], of: str = "video") -> list[Judge]:
    return [judge for judge in JUDGES if judge.of == of and judge.name in names]


# --- the real clip ---------------------------------------------------------------------------------------------------


def _real(there: Sequence[str]) -> Iterator[Figure]:
    """The words that the reader of real lips reads off the real clip, and the offset that sync finds there."""
    try:
        path = store.path("obama_speech")
    except VultusError:
        return
    scene = scenes.of_video(scenes.Asked(path, text=SAID), _chosen(["words", *(n for n in ("sync",) if n in there)]))
    ranks = {row: _ranks(scene, row) for row in ("this", "shuffled")}
    if len(ranks["this"]):
        yield Figure("words", "real clip: median rank of its words", float(np.median(ranks["this"])), REAL)
        for rank, word in zip(ranks["this"], _said(scene), strict=True):
            yield Figure("words", f"- {word}", float(rank))
        yield Figure("words", "real clip: the same at other words' times", float(np.median(ranks["shuffled"])))
    if "sync" in there:
        yield from _real_sync(*embeddings(scene.cases["this"]))


def _said(scene: scenes.Scene) -> tuple[str, ...]:
    words = getattr(scene.cases["this"].made, "words", None)
    return words.said if words is not None else ()


def _ranks(scene: scenes.Scene, row: Any) -> NDArray[np.int64]:
    some = getattr(scene.cases[row].made, "words", None)
    if some is None:
        return np.zeros(0, np.int64)
    from vultus.critics.lip_reader import words

    return word_ranks(some.forward, some.said, words())


def _real_sync(lips: NDArray[np.floating], heard: NDArray[np.floating]) -> Iterator[Figure]:
    found = sync.measure(lips, heard)
    low, high = np.quantile(offsets(lips, heard), (0.05, 0.95))
    yield Figure("sync", "real clip: offset in frames", float(found.offset))
    yield Figure("sync", "real clip: 5 % of resampled offsets", float(low))
    yield Figure("sync", "real clip: 95 % of resampled offsets", float(high))
    yield Figure("sync", "real clip: LSE-C", found.confidence)


def offsets(lips: NDArray[np.floating], heard: NDArray[np.floating], seed: int = 0) -> NDArray[np.int64]:
    """Offsets [1000] of the clip with its seconds drawn anew, with replacement: how sure its offset is."""
    rng, reach = np.random.default_rng([seed, 0xB007]), sync.REACH
    middle = np.arange(reach, len(lips) - reach)
    apart = np.stack([np.linalg.norm(lips[middle] - heard[middle + k], axis=1) for k in range(-reach, reach + 1)], 1)
    blocks = np.array_split(apart, max(len(apart) // FPS, 1))
    sums, sizes = np.stack([b.sum(axis=0) for b in blocks]), np.array([len(b) for b in blocks])
    drawn = rng.integers(len(blocks), size=(_ROUNDS, len(blocks)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)[:, None]
    return np.asarray(reach - means.argmin(axis=1), np.int64)


# --- what networks were trained for ----------------------------------------------------------------------------------


def _trained(there: Sequence[str], folder: Path, count: int) -> Iterator[Figure]:
    if not there:
        return
    from vultus.lab.critic_data import Recipe, gather
    from vultus.lab.critics import JUDGES as NETWORKS

    seen = gather(Recipe("b", "test", count, people=max(count // 2, 2), seed=77), folder)
    for name in there:
        found = NETWORKS[name].measure(learned.load(name), seen)  # type: ignore[index]
        for figure, value in found.items():
            yield Figure(name, f"test clips: {figure}", value, BOUNDS[name].get(figure, ""))


# --- the order -------------------------------------------------------------------------------------------------------


def ordered(count: int, folder: Path, size: int = 320) -> Iterator[Figure]:
    """The scores of the four motions of *count* clips, by every judge of lips that is there, and whether they fall."""
    values: dict[str, dict[str, list[float]]] = {}
    for clip, motions in _clips(count):
        for kind, motion in motions.items():
            for name, value in _scores(clip, motion, folder / "clip.mp4", size).items():
                values.setdefault(name, {k: [] for k in ORDER})[kind].append(value)
    for judge in (entry for entry in JUDGES if entry.lips):
        for score in judge.scores:
            if score.name in values and score.better in ("lower", "higher"):
                sign = 1 if score.better == "higher" else -1
                yield from _order(judge.name, score.name, values[score.name], sign)


def _order(judge: str, score: str, values: Mapping[str, list[float]], sign: int) -> Iterator[Figure]:
    """The mean of each motion, and in which share of clips drawn anew each is better than the next."""
    rows = np.array([values[kind] for kind in ORDER])
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    if not rows.shape[1]:
        return
    means = rows.mean(axis=1)
    for kind, mean in zip(ORDER, means, strict=True):
        yield Figure(judge, f"{score}: {kind}", float(mean))
    falls = float(np.all(np.diff(sign * means) < 0))
    yield Figure(judge, f"{score} falls from truth to shuffled", falls, ">= 1" if DECIDES.get(judge) == score else "")
    rng = np.random.default_rng([0, 0x0BDE])
    drawn = rng.integers(rows.shape[1], size=(_ROUNDS, rows.shape[1]))
    again = sign * rows[:, drawn].mean(axis=2)
    for i, (one, next_) in enumerate(pairwise(ORDER)):
        yield Figure(
            judge, f"{score}: {one} before {next_}, of clips drawn anew", float((again[i] > again[i + 1]).mean())
        )


def _clips(count: int) -> Iterator[tuple[Clip, dict[str, Motion]]]:
    """Clips of the test split, with the four motions of each, equally long."""
    from vultus.stage.clips import make
    from vultus.stage.plan import draw

    def one(index: int) -> Clip:
        plan = draw(78, index, split="test", fps=FPS, seconds=6.0, augment=0.0)
        return make(replace(plan, text=SPOKEN[index % len(SPOKEN)]), views=False)

    clip = one(0)
    for index in range(1, count + 1):
        other = one(index)
        yield clip, _motions(clip, other)
        clip = other


def _motions(clip: Clip, other: Clip) -> dict[str, Motion]:
    from vultus.drivers.speech import drive

    assert clip.motion is not None  # noqa: S101
    assert clip.audio is not None  # noqa: S101
    assert other.motion is not None  # noqa: S101
    count = len(clip.motion)
    made = concatenate(list(drive([clip.audio], fps=FPS)))
    strange = np.resize(other.motion.data, clip.motion.data.shape)
    return {
        "truth": clip.motion, "driver": made[:count], "loudness": loud_jaw(clip.audio, count),
        "shuffled": clip.motion.replace(data=strange, body=None),
    }  # fmt: skip


def _scores(clip: Clip, motion: Motion, path: Path, size: int) -> dict[str, float]:
    """What every judge of lips says of *motion* as the clip's person performs it."""
    scores = dict(moving.measure({"this": motion}, clip.motion, clip.phones)["this"])
    judges = [judge for judge in _chosen(DECIDES) if not _missing(judge)]
    if not judges:
        return scores
    _film(clip, motion, path, size)
    scene = scenes.of_video(scenes.Asked(path, text=clip.text), judges)
    for judge in judges:
        if not any(need in scene.lacking for need in judge.needs):
            scores |= judge.run(scene.cases["this"])
    return scores


def _missing(judge: Judge) -> bool:
    return any(need.endswith("-b") and _why_not(need.removesuffix("-b")) for need in judge.needs)


def _film(clip: Clip, motion: Motion, path: Path, size: int) -> None:
    """The clip's person performs *motion* in front of the same camera and light, with the clip's sound."""
    from vultus.io.video import VideoWriter
    from vultus.stage.plan import Plan
    from vultus.stage.rigs import phone

    assert clip.audio is not None  # noqa: S101
    seed = Plan.from_json(clip.labels["plan"]).seed
    (view,) = phone.shoot(clip.identity, motion, size=size, seed=seed)
    with VideoWriter(path, size=(size, size), fps=FPS, audio=[clip.audio], audio_rate=clip.sample_rate) as video:
        for frame in view.each("frames"):
            video.write(frame["frames"])
