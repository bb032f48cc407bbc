"""Clips of the stage: plans acted out and filmed, one by one and without end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from vultus.clip import Clip
from vultus.errors import VultusError
from vultus.stage.performances import act
from vultus.stage.plan import Plan, draw
from vultus.stage.splits import voices_of


def make(plan: Plan, *, views: bool = True) -> Clip:
    """The clip of *plan*: sound, phones and motion at once, the fields of its views when they are asked for.

    Its ``labels`` are ``voice``, ``engine``, ``emotion``, ``rig`` and ``plan``, from which ``Plan.from_json`` gives the
    plan back. Without *views* it has none, and no person is built. The same plan gives the same bytes. Raises
    VultusError for a voice, a person or a rig that does not exist.
    """
    from vultus.person.identity import parse_identity
    from vultus.stage import filming

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
