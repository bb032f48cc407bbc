"""Clips of the stage, from the folder that ``vultus stage`` wrote or made while they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vultus.clip import Clip
from vultus.datasets.listed import Listed
from vultus.stage import produce, shards


def read(folder: str | Path) -> Shards:
    """The clips in *folder*, in order; each is opened when it is asked for.

    Raises VultusError when there is no index there or it is damaged or from a newer Vultus.
    """
    return Shards(Path(folder))


def stream(
    seed: int, count: int | None = None, *, first: int = 0, views: bool = True, **drawing: Any
) -> Iterator[Clip]:
    """Clips made as they are asked for, without a file: `vultus.stage.clips.clips`, whose arguments these are."""
    from vultus.stage.clips import clips

    return clips(seed, count, first=first, views=views, **drawing)


class Shards(Listed):
    """A set of clips on disk: ``len(set)``, ``set[i]``, ``for clip in set``.

    ``arguments`` say how the set was made; ``asked`` is how many clips were asked for, of which fewer may be there when
    it was never finished. Opening a clip that is broken, or that is gone, raises VultusError with its name.
    """

    def __init__(self, folder: Path) -> None:
        """Read the index of *folder*."""
        index = produce.load_index(folder)
        self.folder = folder
        self.arguments: Mapping[str, Any] = index["arguments"]
        self.asked: int = index["count"]
        self._entries: tuple[dict[str, Any], ...] = tuple(index["clips"])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the clips, in order."""
        return tuple(entry["name"] for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def some(self, rows: slice) -> Sequence[Clip]:
        """A tuple of open clips."""
        return tuple(self[i] for i in range(len(self))[rows])

    def opened(self, index: int) -> Clip:
        """The clip at *index*, opened now."""
        return shards.read(self.folder / self._entries[index]["folder"])

    def verify(self, progress: Callable[[float, float | None], None] | None = None) -> list[str]:
        """Read every byte; a line for each clip that is not as it was written, [] when all of them are."""
        wrong = []
        for number, entry in enumerate(self._entries):
            place = self.folder / entry["folder"]
            said = shards.problem(place, thorough=True)
            if not said and shards.stamp(place / shards.RECORD) != entry["files"].get(shards.RECORD):
                said = f"{shards.RECORD} has other bytes than were written"
            if said:
                wrong.append(str(shards.broken(place, said)))
            if progress is not None:
                progress(number + 1, len(self))
        return wrong
