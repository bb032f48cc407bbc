"""Clips of the stage: plans acted out and filmed, one by one and without end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vultus.clip import FIELDS, Clip
from vultus.errors import VultusError, unknown
from vultus.person.identity import parse_identity
from vultus.stage import filming, produce
from vultus.stage.performances import act
from vultus.stage.plan import Plan, draw
from vultus.stage.produce import Report
from vultus.stage.splits import voices_of
from vultus.voices import engines


def make(plan: Plan, *, views: bool = True) -> Clip:
    """The clip of *plan*: sound, phones and motion at once, the fields of its views when they are asked for.

    Its ``labels`` are ``voice``, ``engine``, ``emotion``, ``rig`` and ``plan``, from which ``Plan.from_json`` gives the
    plan back. Without *views* it has none, and no person is built. The same plan gives the same bytes. Raises
    VultusError for a voice, a person or a rig that does not exist.
    """
    rig, identity = filming.find(plan.rig), parse_identity(plan.identity)
    acted = act(plan)
    return Clip(
        name=plan.name,
        audio=acted.samples,
        sample_rate=acted.rate,
        text=acted.text,
        phones=tuple(acted.phones),
        motion=acted.motion,
        identity=plan.identity,
        labels={
            "voice": plan.voice,
            "engine": plan.voice.partition(":")[0],
            "emotion": plan.mood,
            "rig": plan.rig,
            "plan": plan.as_json(),
        },
        views=rig.shoot(identity, acted.motion, size=plan.size, seed=plan.seed) if views else (),
    )


def clips(seed: int, count: int | None = None, *, first: int = 0, views: bool = True, **drawing: Any) -> Iterator[Clip]:
    """The clips *first*, *first* + 1, … of *seed*: *count* of them, or without end.

    *drawing* is what `vultus.stage.plan.draw` takes besides: rig, size, fps, seconds, voices, people, split, augment.
    Clip i is the same whichever others are made. Raises VultusError as `draw` and `make` do.
    """
    for index in itertools.count(first) if count is None else range(first, first + count):
        yield make(draw(seed, index, **drawing), views=views)


def clip(index: int, *, seed: int, found: Sequence[str] = (), views: bool = True, **drawing: Any) -> Clip:
    """Clip *index* of *seed* as `clips` makes it, for another process or machine.

    *found* are the voices from which the first machine drew: VultusError where others are installed, because the same
    plan would get another voice there.
    """
    if found and voices_of(str(drawing.get("split", "train"))) != tuple(found):
        raise VultusError("Other voices are installed here than where this began", "Name them: --voice espeak:en-us")
    return make(draw(seed, index, **drawing), views=views)


def write(
    folder: str | Path,
    count: int,
    *,
    seed: int = 0,
    rig: str = "phone",
    size: int = 256,
    split: str = "train",
    fields: Sequence[str] | None = None,
    voices: Sequence[str] = (),
    people: Sequence[str] = (),
    fps: float = 25.0,
    seconds: float = 6.0,
    augment: float = 0.7,
    lossless: bool = False,
    workers: int | None = None,
    ray: bool = False,
    progress: Callable[[float, float | None], None] | None = None,
) -> Report:
    """Write clips 0 to *count* - 1 of *seed* into *folder*, over *workers* processes or a *ray* cluster.

    *fields* are names of ``vultus.clip.FIELDS`` (None: all that the rig has; (): no pictures, only sound, phones and
    motion); the others are those of `vultus.stage.plan.draw` and `vultus.stage.produce.write`. The same call goes on
    where an earlier one stopped. Raises VultusError for unknown names and numbers out of range before any work.
    """
    drawing: dict[str, Any] = {
        "rig": rig, "size": size, "fps": fps, "seconds": seconds, "voices": list(voices), "people": list(people),
        "split": split, "augment": augment,
    }  # fmt: skip
    for name in fields or ():
        if name not in FIELDS:
            raise unknown("field", name, FIELDS)
    if not filming.SIZES[0] <= size <= filming.SIZES[1]:
        raise VultusError(
            f"A picture of {size} pixels is out of range", f"Give a --size of {filming.SIZES[0]} to {filming.SIZES[1]}"
        )
    if seed < 0:
        raise VultusError(f"The seed is {seed}", "Give --seed 0 or more")
    if count < 1:
        raise VultusError(f"The number of clips is {count}", "Give --clips 1 or more")
    if workers is not None and workers < 1:
        raise VultusError(f"The number of workers is {workers}", "Give --workers 1 or more")
    filming.find(rig)
    for voice in voices:
        engines.find(voice)
    draw(seed, 0, **drawing)
    found = () if voices else voices_of(split)
    return produce.write(
        folder,
        partial(clip, seed=seed, found=found, views=fields is None or len(fields) > 0, **drawing),
        count,
        arguments={"seed": seed, **drawing, "voices_found": list(found)},
        fields=fields,
        lossless=lossless,
        workers=workers,
        ray=ray,
        progress=progress,
    )
