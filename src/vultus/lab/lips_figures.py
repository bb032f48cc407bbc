"""What a reader of real lips reads off ours: ``vultus bench --lips``.

Words, voices, people and lights are those of the test half (:mod:`vultus.lab.read_words`), on which nothing was tuned.
Each row makes the same moments of the same sentences move on the same face; the reader says which of 500 words it sees.
The phonetic targets were never tuned on it, the tuned ones were, on the other half. What another judge says of both
sets, which learned from drawn people and from no reader, stands below.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.channels import CHANNELS
from vultus.drivers import learned
from vultus.drivers import speech as rules
from vultus.drivers.articulation import articulate
from vultus.drivers.style import Style
from vultus.drivers.target_sets import SETS, targets_named
from vultus.errors import VultusError
from vultus.io.files import atomic
from vultus.lab import other_lips, photo_lips, read_words, seen_lips
from vultus.lab.bench import Figure
from vultus.lab.photo_real import CLIP
from vultus.lab.read_words import FPS, FRAMES, Spoken
from vultus.lab.speech_figures import drawn, drivers_table, figure_lines, heard
from vultus.lab.wrong_lips import loud_jaw
from vultus.motion import Motion, concatenate

F32 = NDArray[np.float32]
Progress = Callable[[float, float | None], None]
FORMAT: Final = "vultus.lips-figures"
VERSION: Final = 1
SEEDS: Final = (11, 22, 33)
"""Each draws films of its own."""
PEOPLE: Final = ("person:14", "person:21", "person:74")
"""Who says what the real clip says."""
_HOP: Final = read_words.RATE // 25
_TUNED: Final = Style(targets="tuned")
SHOWN: Final = ("median rank", "top 1 %", "top 10 %")
"""What is measured of each row: the median of the ranks of the right words among 500, and how many are among the
first."""
SHUFFLED: Final = "phonetic, the words shuffled"


def bench(quick: bool = False, json_path: str | Path | None = None, progress: Progress | None = None) -> str:
    """Measure; returns Markdown and writes the numbers to *json_path* if given. *quick* takes fewer films.

    VultusError where the reader cannot be had.
    """
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(float(done), None)

    number = 12 if quick else 24
    values = {seed: measured(seed, number, step) for seed in SEEDS}
    real = dict(real_ranks(PEOPLE[: 1 if quick else len(PEOPLE)], step))
    seen = confidences(1 if quick else 4, step)
    aims = list(figures(values))
    if json_path is not None:
        record = {
            "format": FORMAT, "version": VERSION, "quick": quick,
            "films": {str(seed): rows for seed, rows in values.items()},
            "real clip": {name: found.tolist() for name, found in real.items()}, "LSE-C": seen,
            "figures": [{"name": f.name, "value": f.value, "unit": f.unit, "target": f.target} for f in aims],
        }  # fmt: skip
        with atomic(json_path) as path:
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shown = drivers_table(values, SHOWN, "lips", 1)
    return "\n".join([shown, *skipped(), "", *figure_lines(aims), "", *_real(real), "", *_seen(seen)])


def skipped() -> Iterator[str]:
    """Who spoke, and what the table would show if it could, one line each."""
    yield f"\nvoices: {', '.join(read_words.voices_of('test'))}"
    if why := other_lips.missing():
        yield f"\nopenfacefx, true phone times: {why}"
    if why := seen_lips.missing():
        yield f"\nsync: not asked, {why}."


def figures(values: Mapping[int, Mapping[str, Mapping[str, float]]]) -> Iterator[Figure]:
    """What was aimed at before anything was measured: means over the seeds."""

    def mean(row: str, name: str) -> float:
        return statistics.fmean(rows[row][name] for rows in values.values())

    yield Figure("phonetic: median rank", "of 500", mean("phonetic", "median rank"), target="<= 8")
    yield Figure("tuned: median rank", "of 500", mean("tuned", "median rank"), target="<= 2")
    yield Figure("tuned: top 1", "%", mean("tuned", "top 1 %"), target=">= 55")
    ahead = mean("rules, sound alone", "median rank") - mean("learned", "median rank")
    yield Figure("learned ahead of the rules without text", "ranks", ahead, target=">= 0")
    whole = mean("rules, with text", "top 10 %")
    share = mean("learned", "top 10 %") / whole if whole else float("nan")
    yield Figure("learned: top 10 against the rules with text", "times", share, target=">= 0.8")


# --- drawn words ----------------------------------------------------------------------------------------------------


def measured(seed: int, number: int, step: Callable[[], None]) -> dict[str, dict[str, float]]:
    """Every row's figures over *number* films that *seed* draws."""
    draws = read_words.one_light_each(read_words.draws("test", number, seed), "test", seed)
    # Spoken one by one: sound is large.
    spoken: list[Spoken] = []

    def each() -> Iterator[Spoken]:
        for draw in draws:
            some = read_words.said(draw)
            if some is not None:
                spoken.append(some)
                yield some

    tables = read_words.read(each(), rows, step)
    words = [some.draw.word for some in spoken]
    found = {}
    for row, scores in tables.items():
        ranks, chance = read_words.ranks(scores, words)
        found[row] = summary(ranks)
        if row == "phonetic":
            shuffled = {SHUFFLED: summary(chance)}
    return {**found, **shuffled}


def summary(ranks: NDArray[np.floating] | NDArray[np.integer]) -> dict[str, float]:
    """The figures of ``SHOWN``."""
    shares = (100 * float((ranks <= most).mean()) for most in (1, 10))
    return dict(zip(SHOWN, (float(np.median(ranks)), *shares), strict=True))


def rows(some: Spoken) -> dict[str, F32]:
    """The motion [29, 69] of every row; heads keep still. What is not installed has no row."""
    sound, count = some.samples, int(len(some.samples) / read_words.RATE * FPS) + 1
    pieces = [sound[i : i + _HOP] for i in range(0, len(sound), _HOP)]
    phonetic, tuned = (articulate(some.phones, some.times, targets=targets_named(name)).data for name in SETS)
    others = {} if other_lips.missing() else other_lips.OPENFACEFX
    text = some.draw.text
    made = {
        "rules, with text": rules.drive([sound], text=text, fps=FPS),
        "rules, with text, tuned": rules.drive([sound], text=text, fps=FPS, style=_TUNED),
        "rules, sound alone": rules.drive([sound], fps=FPS),
        "learned": learned.drive([sound], fps=FPS),
        "learned, tuned": learned.drive([sound], fps=FPS, style=_TUNED),
        "learned, live": learned.drive(pieces, fps=FPS, live=True),
    }
    motions = {
        **{name: concatenate(list(motion)) for name, motion in made.items()},
        **{name: other_lips.openfacefx(some.phones, count, int(FPS), on) for name, on in others.items()},
        "loudness jaw": loud_jaw(sound, count),
    }
    return {
        "phonetic": phonetic, "tuned": tuned,
        **{name: some.window(seen_lips.still(motion).data) for name, motion in motions.items()},
        "phonetic, reversed in time": phonetic[::-1],
        "mouths that keep still": np.zeros((FRAMES, len(CHANNELS)), np.float32),
    }  # fmt: skip


# --- the real clip --------------------------------------------------------------------------------------------------


def real_ranks(people: Sequence[str], step: Callable[[], None]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Who says what the real clip says, and the ranks of its words: the clip, and *people* by its sound and text."""
    from vultus.heads.person import PersonHead
    from vultus.io.video import write_video

    try:
        clip = store.path(CLIP)
    except VultusError:
        return
    yield "the clip as it was filmed", photo_lips.ranks(clip)
    motions = {name: photo_lips.spoken(Style(targets=name)) for name in SETS}
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        for person in people:
            head = PersonHead(person, size=(256, 256))
            for name, motion in motions.items():
                write_video(film, head.frames([motion]), fps=FPS)
                yield f"{person}, {name}", photo_lips.ranks(film)
                step()


def _real(found: Mapping[str, NDArray[np.int64]]) -> Iterator[str]:
    yield "| the real clip's words | median rank | ranks |"
    yield "|---|---|---|"
    for name, ranks in found.items():
        middle = f"{np.median(ranks):.1f}" if len(ranks) else "not read"
        yield f"| {name} | {middle} | {', '.join(map(str, ranks))} |"


# --- another judge --------------------------------------------------------------------------------------------------


def confidences(clips: int, step: Callable[[], None]) -> dict[str, list[float]]:
    """LSE-C by the network sync-b of each set of targets over *clips* of the stage's test split, with true phones."""
    found: dict[str, list[float]] = {}
    if seen_lips.missing():
        return found
    for clip in drawn(SEEDS[0], clips, 0.0):
        sound, true = heard(clip)
        times = np.arange(len(true)) / float(FPS)
        motions = {"truth": true}
        for name in SETS:
            motions[name] = Motion(articulate(clip.phones, times, targets=targets_named(name)).data, FPS)
        motions["loudness jaw"] = loud_jaw(sound, len(true))
        for name, value in seen_lips.confidence(clip, motions).items():
            found.setdefault(name, []).append(value)
        step()
    return found


def _seen(found: Mapping[str, Sequence[float]]) -> Iterator[str]:
    if found:
        yield "| sync's confidence | LSE-C | from | to |"
        yield "|---|---|---|---|"
    for name, some in found.items():
        yield f"| {name} | {statistics.fmean(some):.3f} | {min(some):.3f} | {max(some):.3f} |"
