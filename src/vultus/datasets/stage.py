"""Clips of the stage, from the folder that ``vultus stage`` wrote or made while they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vultus.clip import Clip
from vultus.datasets.listed import Listed
from vultus.stage import produce, shards


def read(folder: str | Path) -> Listed:
    """The clips in *folder*, in order; each is opened when it is asked for.

    How the set was made stands in its index (``vultus.stage.produce.load_index``). Raises VultusError when there is no
    index there or it is damaged or from a newer Vultus; opening a clip that is broken or gone does so with its name.
    """
    entries = produce.load_index(Path(folder))["clips"]
    names, places = (tuple(entry[key] for entry in entries) for key in ("name", "folder"))
    return Listed(names, places, partial(_opened, Path(folder)))


def _opened(folder: Path, place: str) -> Clip:
    return shards.read(folder / place)


def stream(
    seed: int, count: int | None = None, *, first: int = 0, views: bool = True, **drawing: Any
) -> Iterator[Clip]:
    """Clips made as they are asked for, without a file: `vultus.stage.clips.clips`, whose arguments these are."""
    from vultus.stage.clips import clips

    return clips(seed, count, first=first, views=views, **drawing)


def verify(folder: str | Path, progress: Callable[[float, float | None], None] | None = None) -> list[str]:
    """Read every byte of the clips in *folder*; a line for each that is not as it was written, [] when all of them are.

    Raises VultusError as :func:`read` does.
    """
    wrong, entries = [], produce.load_index(Path(folder))["clips"]
    for number, entry in enumerate(entries):
        place = Path(folder) / entry["folder"]
        said = shards.problem(place, thorough=True)
        if not said and shards.stamp(place / shards.RECORD) != entry["files"].get(shards.RECORD):
            said = f"{shards.RECORD} has other bytes than were written"
        if said:
            wrong.append(str(shards.broken(place, said)))
        if progress is not None:
            progress(number + 1, len(entries))
    return wrong
