"""What a list of stages must be, seeds derived from others, and how two runs' settings differ. No torch here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from vultus.errors import VultusError
from vultus.recipe import Stage


def checked(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """*stages* as a tuple; VultusError when there is none or when two have the same name."""
    names = [stage.name for stage in stages]
    if not names:
        raise VultusError("There is no stage to train", "Give at least one Stage.")
    if len(set(names)) < len(names):
        raise VultusError("Two stages have the same name", "Give each its own.")
    return tuple(stages)


def derive(*parts: int | str) -> int:
    """A seed in [0, 2^63) made of *parts*: the same for the same parts, unrelated for any others."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def differences(here: Any, there: Any, path: str = "") -> Iterator[str]:
    """What differs between two JSON values, one phrase a difference, as "stages[0].batch is 8 here and 4 there"."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted(here.keys() | there.keys()):
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(here.get(key), there.get(key), inner)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for index, (ours, theirs) in enumerate(zip(here, there, strict=True)):
            yield from differences(ours, theirs, f"{path}[{index}]")
    elif here != there:
        yield f"{path} is {_short(here)} here and {_short(there)} there"


def _short(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
