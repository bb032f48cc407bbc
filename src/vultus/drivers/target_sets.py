"""The sets of targets that articulation may follow, by name, and their file.

``phonetic`` is made by hand from phonetics (:mod:`vultus.drivers.targets`) and is the default. ``tuned`` was made from
it by asking a reader of real lips which words it reads (``vultus train targets``): it carries that reader's taste, so
it is used only when it is asked for, and what this reader says of it counts for words, voices and people that were
held out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from vultus.drivers.targets import CONTROLS, PHONETIC, Target, Targets
from vultus.errors import VultusError, unknown

FORMAT: Final = "vultus.targets"
VERSION: Final = 1
SETS: Final = ("phonetic", "tuned")
"""The names of the sets; the first is the default."""
CONTACTS: Final = 2
"""How many of the last controls are contacts, which no set changes."""
_LONGEST: Final = 0.3  # seconds over which a sound may colour its neighbours
_STRONGEST: Final = 100.0
_MEND: Final = "Make it again: vultus train targets --out DIR"


@lru_cache(maxsize=len(SETS))
def targets_named(name: str) -> Targets:
    """The set called *name*; VultusError for a name that is not in :data:`SETS`."""
    if name not in SETS:
        raise unknown("set of targets", str(name), SETS)
    return (
        PHONETIC if name == "phonetic" else read_targets((files("vultus") / "data" / "targets_tuned.json").read_bytes())
    )


def read_targets(content: bytes) -> Targets:
    """A set from the bytes of its file; rows that it lacks are the phonetic ones. VultusError when they are something
    else, or have numbers that are not finite or out of range."""
    try:
        record = json.loads(content)
        if record["format"] != FORMAT or record["version"] != VERSION or record["controls"] != list(CONTROLS):
            raise ValueError
        rows = {name: _row(PHONETIC.rows[name], row["value"], row["dominance"]) for name, row in record["rows"].items()}
        times = [_numbers(record[name], 0.0, _LONGEST) for name in ("anticipation", "carry_over")]
        if any((some[:-CONTACTS] <= 0).any() for some in times):
            raise ValueError
        return Targets(str(record["name"]), {**PHONETIC.rows, **rows}, *times)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VultusError(f"These are not targets of version {VERSION}", _MEND) from error


def _row(phonetic: Target, value: Any, dominance: Any) -> Target:
    row = replace(phonetic, value=_numbers(value, 0.0, 1.0), dominance=_numbers(dominance, 0.0, _STRONGEST))
    if (row.value[-CONTACTS:] != phonetic.value[-CONTACTS:]).any():
        raise ValueError("a set must not change the contacts")
    return row


def _numbers(given: Any, low: float, high: float) -> np.ndarray:
    numbers = np.array(given, np.float64)
    if numbers.shape != (len(CONTROLS),) or not ((numbers >= low) & (numbers <= high)).all():
        raise ValueError("numbers are missing or out of range")
    return numbers


def as_json(targets: Targets, card: Mapping[str, Any]) -> str:
    """*targets* as the file that :func:`read_targets` reads, with a *card* of how they were made."""
    head = {"format": FORMAT, "version": VERSION, "name": targets.name, "card": dict(card), "controls": list(CONTROLS)}
    lines = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
    for name, times in (("anticipation", targets.anticipation), ("carry_over", targets.carry_over)):
        lines.append(f' "{name}": {json.dumps(np.round(times, 5).tolist())}')
    rows = [
        f"  {json.dumps(name, ensure_ascii=False)}: "
        + json.dumps({"value": np.round(row.value, 4).tolist(), "dominance": np.round(row.dominance, 4).tolist()})
        for name, row in targets.rows.items()
    ]
    lines.append(' "rows": {\n' + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"
