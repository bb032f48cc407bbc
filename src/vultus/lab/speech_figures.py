"""The table of the speech drivers: ``vultus bench --speech``.

Clips of the stage's test split, whose sentences, people, voice and engine no network has met, are driven in several
ways and compared with what their speakers did. Everything that a driver cannot hear, such as how far this speaker opens
the mouth, is in the truth and not in any driver. The bounds of the targets were set before anything was measured.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.critics import geometry, moving
from vultus.drivers import learned
from vultus.drivers import speech as rules
from vultus.drivers.articulation import compose
from vultus.drivers.targets import TARGETS
from vultus.errors import VultusError
from vultus.io.files import atomic
from vultus.judge import VALIDATION
from vultus.lab import hearing_figures, mood_figures, natural_figures, other_lips, seen_lips
from vultus.lab.bench import Figure
from vultus.lab.wrong_lips import loud_jaw
from vultus.motion import Motion, concatenate
from vultus.signals import hama
from vultus.signals.features import RATE
from vultus.signals.phones import from_arpabet, viseme_of

Progress = Callable[[float, float | None], None]
FORMAT: Final = "vultus.speech-figures"
VERSION: Final = 1
FPS: Final = 25
SEEDS: Final = (101, 202, 303)
"""Each draws clips of its own, and is the driver's seed."""
CONDITIONS: Final = {"clean": 0.0, "in rooms and noise": 1.0}
"""The share of clips that is changed as rooms, noise and microphones change sound."""
SECONDS: Final = 6.0
HOP: Final = RATE // 25
"""Samples of live sound that come at once: 40 ms."""
SHAPES: Final = {
    "closed": ("sil", "PP"), "bitten": ("FF",), "slit": ("TH", "DD", "kk", "SS", "nn"), "open": ("aa", "E"),
    "wide": ("ih",), "round": ("CH", "RR", "oh", "ou"),
}  # fmt: skip
"""The visemes that lips alone can tell apart: T, K, S and N differ in the tongue."""
SHOWN: Final = ("lip shapes", "closure F1", "LVE_mm", "key LVE", "articulation", "LSE-C")
"""What is measured of each row: see :func:`shown`, ``critics.moving`` and ``lab.seen_lips``."""


def bench(quick: bool = False, json_path: str | Path | None = None, progress: Progress | None = None) -> str:
    """Measure; returns Markdown and writes the numbers to *json_path* if given. *quick* takes fewer clips."""
    count, done = (2 if quick else 8), 0

    def step(more: int = 1) -> None:
        nonlocal done
        done += more
        if progress:
            progress(float(done), None)

    values = {
        kind: {seed: measured(seed, count, step, changed) for seed in SEEDS} for kind, changed in CONDITIONS.items()
    }
    figures = [*natural_figures.figures(3600.0, step), *_speed(step)]
    heard = hearing_figures.measure(2 * count, step)
    moods = {} if mood_figures.missing() else mood_figures.measure(2 if quick else mood_figures.COUNT, step)
    if json_path is not None:
        record = {
            "format": FORMAT, "version": VERSION, "quick": quick, "hearing": heard, "moods": moods,
            "drivers": {kind: {str(seed): rows for seed, rows in some.items()} for kind, some in values.items()},
            "figures": [{"name": f.name, "value": f.value, "unit": f.unit, "target": f.target} for f in figures],
        }  # fmt: skip
        with atomic(json_path) as path:
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    tables = [f"{kind}:\n\n{drivers_table(some)}\n" for kind, some in values.items()]
    parts = [*tables, *skipped(), "", *figure_lines(figures), "", hearing_figures.table(heard)]
    parts += ["", mood_figures.table(moods) or f"emotion of the voice: not heard, {mood_figures.missing()}"]
    return "\n".join(parts)


def drivers_table(
    values: Mapping[int, Mapping[str, Mapping[str, float]]],
    shown: Sequence[str] = SHOWN,
    what: str = "driver",
    digits: int = 3,
) -> str:
    """Markdown: the mean over seeds of each row, and half the way from the least seed to the greatest."""
    first = next(iter(values.values()))
    names = [name for name in shown if all(name in scores for scores in first.values())]
    lines = [f"| {what} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in first:
        cells = []
        for name in names:
            some = [rows[row][name] for rows in values.values()]
            cells.append(f"{statistics.fmean(some):.{digits}f} ± {(max(some) - min(some)) / 2:.{digits}f}")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def skipped() -> Iterator[str]:
    """What this table would show if it could, one line each."""
    if why := other_lips.missing():
        yield f"\nopenfacefx, true phone times: {why}"
    if why := seen_lips.missing():
        yield f"\nsync: not asked, {why}."
    try:
        judges = json.loads(VALIDATION.read_text("utf-8"))["judges"]
    except (OSError, ValueError, KeyError):
        judges = []
    for judge in judges:
        if judge["judge"] in ("reader", "words") and not judge["used"]:
            yield f"\n{judge['judge']}: not run, its validation failed ({judge['why']})."


def figure_lines(figures: Iterable[Figure]) -> Iterator[str]:
    """Markdown: what each figure is, what it should be, and whether it is."""
    yield "| figure | value | target | met |"
    yield "|---|---|---|---|"
    for figure in figures:
        met = "" if figure.met is None else "yes" if figure.met else "no"
        yield f"| {figure.name} | {figure.value:.3g} {figure.unit} | {figure.target} | {met} |"


# --- lips -----------------------------------------------------------------------------------------------------------


def measured(seed: int, count: int, step: Callable[[], None], changed: float = 0.5) -> dict[str, dict[str, float]]:
    """Every row's mean scores over *count* clips that *seed* draws, a share of them *changed*."""
    sums: dict[str, dict[str, list[float]]] = {}
    clips = drawn(seed, count + 1, changed)
    other = next(clips)
    for clip in clips:
        for row, scores in compared(clip, driven(clip, other, seed)).items():
            lists = sums.setdefault(row, {})
            for name, value in scores.items():
                if np.isfinite(value):
                    lists.setdefault(name, []).append(value)
        other = clip
        step()
    return {row: {name: statistics.fmean(found) for name, found in named.items()} for row, named in sums.items()}


def drawn(seed: int, count: int, changed: float = 0.5) -> Iterator[Clip]:
    """Calm clips of the test split; a share of them *changed* as rooms, noise and microphones change sound."""
    from vultus.stage.clips import make
    from vultus.stage.plan import draw

    for index in range(count):
        plan = draw(seed, index, split="test", fps=FPS, seconds=SECONDS, augment=changed)
        yield make(replace(plan, emotion=()), views=False)


def driven(clip: Clip, other: Clip, seed: int) -> dict[str, Motion]:
    """The motion of every row for *clip*; *other* lends the wrong one. What is not installed has no row."""
    sound, true = heard(clip)
    pieces = [sound[i : i + HOP] for i in range(0, len(sound), HOP)]
    strange = np.resize(heard(other)[1].data, true.data.shape)
    others = {} if other_lips.missing() else other_lips.OPENFACEFX
    return {
        "truth": true,
        "rules, with text": concatenate(list(rules.drive([sound], text=clip.text, seed=seed, fps=FPS))),
        "rules, sound alone": concatenate(list(rules.drive([sound], seed=seed, fps=FPS))),
        **({"rules, hama hears": _by_hama(sound, seed)} if hama.installed() else {}),
        "learned": concatenate(list(learned.drive([sound], seed=seed, fps=FPS))),
        "learned, live": concatenate(list(learned.drive(pieces, seed=seed, fps=FPS, live=True))),
        **{name: other_lips.openfacefx(clip.phones, len(true), FPS, on) for name, on in others.items()},
        "loudness jaw": loud_jaw(sound, len(true)),
        "shuffled": true.replace(data=strange, body=None),
    }


def _by_hama(sound: NDArray[np.float32], seed: int) -> Motion:
    return concatenate(list(rules.drive([sound], seed=seed, fps=FPS, ear=hama.hear)))


def heard(clip: Clip) -> tuple[NDArray[np.float32], Motion]:
    """The sound and the motion of a clip; VultusError when one is missing."""
    if clip.audio is None or clip.motion is None:
        raise VultusError("This clip has no sound or no motion", "Draw one that speaks")
    return clip.audio, clip.motion


def compared(clip: Clip, motions: Mapping[str, Motion]) -> dict[str, dict[str, float]]:
    """The scores of every motion against the row "truth"; of the lip shapes, those in frames of speech."""
    true, out = motions["truth"], {}
    count = min(map(len, motions.values()))
    cut = {row: motion[:count] for row, motion in motions.items()}
    seen = {} if seen_lips.missing() else seen_lips.confidence(clip, cut)
    right, said = shown(true[:count]), _said(clip, count)
    for row, motion in cut.items():
        scores = moving.measure({"this": motion}, true[:count], clip.phones)["this"]
        out[row] = {**scores, "lip shapes": float((shown(motion) == right)[said].mean())}
        if row in seen:
            out[row]["LSE-C"] = seen[row]
    return out


def _said(clip: Clip, count: int) -> NDArray[np.bool_]:
    times, out = (np.arange(count) + 0.5) / FPS, np.zeros(count, bool)
    for phone in clip.phones:
        out[(times >= phone.start) & (times < phone.end)] = bool(phone.ipa)
    return out


def shown(motion: Motion) -> NDArray[np.str_]:
    """The one of ``SHAPES`` [T] whose lips are nearest to those of each frame, in millimetres of the default person.

    The lips of a viseme are those of the phones that show it, as the articulation's targets have them.
    """
    names, lips = _visemes()
    mesh, regions = moving.face()
    # Squares of places less twice their product leave few digits of single floats.
    found = geometry.expressive(mesh, motion)[:, regions.lips].reshape(len(motion), -1).astype(np.float64)
    apart = (found**2).sum(axis=1)[:, None] + (lips**2).sum(axis=1) - 2 * found @ lips.T
    return np.asarray(names[apart.argmin(axis=1)])


@lru_cache(maxsize=1)
def _visemes() -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The viseme and the lips [V, 3 N] of every target of English."""
    rows = [(name, target) for name, target in TARGETS.items() if name.partition(".")[0].isascii()]
    # What a diphthong glides to is another vowel's shape.
    rows = [(name, target) for name, target in rows if name.removesuffix(".1").isupper() and not name.endswith(".2")]
    motion = Motion(compose(np.stack([target.value for _, target in rows])).data, Fraction(FPS))
    mesh, regions = moving.face()
    lips = geometry.expressive(mesh, motion)[:, regions.lips].reshape(len(rows), -1).astype(np.float64)
    visemes = [viseme_of(from_arpabet(name.partition(".")[0])[0]) for name, _ in rows]
    return np.array([next(shape for shape, some in SHAPES.items() if viseme in some) for viseme in visemes]), lips


# --- speed ----------------------------------------------------------------------------------------------------------


def _speed(step: Callable[[], None]) -> Iterator[Figure]:
    """Speed of the learned driver in CPU time, and how long live frames wait for sound; medians of three."""
    (clip,) = drawn(SEEDS[0], 1)
    sound = np.tile(heard(clip)[0], 6)
    seconds = len(sound) / RATE
    hops = [sound[i : i + HOP] for i in range(0, len(sound), HOP)]
    whole, live = [], []
    for _ in range(3):
        whole.append(_spent(lambda: list(learned.drive([sound], fps=FPS))))
        live.append(_spent(lambda: list(learned.drive(hops, fps=FPS, live=True))))
        step()
    yield Figure("sound -> Motion, whole", "x real time (CPU)", seconds / statistics.median(whole), target=">= 50")
    yield Figure(
        "compute for 40 ms of live sound", "ms (CPU)", 1000 * statistics.median(live) / len(hops), target="<= 10"
    )
    first, worst = waits(hops)
    yield Figure("live: the first frame comes after", "s of sound", first, target="<= 0.25")
    yield Figure("live: a frame waits at most", "s of sound", worst, target="<= 0.25")


def _spent(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def waits(hops: list[NDArray[np.float32]]) -> tuple[float, float]:
    """Seconds of sound that live frames wait for, the first and at most, but for those that come as the sound ends."""
    sent = 0

    def feed() -> Iterator[NDArray[np.float32]]:
        nonlocal sent
        for hop in hops:
            sent += len(hop)
            yield hop

    found, total = [], sum(map(len, hops))
    for motion in learned.drive(feed(), fps=FPS, live=True):
        found += [sent / RATE - float(motion.start + i / motion.fps) for i in range(len(motion)) if sent < total]
    return (found[0], max(found)) if found else (float("nan"), float("nan"))
