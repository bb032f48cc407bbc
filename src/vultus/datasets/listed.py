"""What all sets of clips are: sequences whose clips are opened when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from vultus.clip import Clip
from vultus.errors import unknown


@dataclass(frozen=True)
class Listed(Sequence[Clip]):
    """``len(set)``, ``set[i]``, ``set[i:j]``, ``for clip in set``; nothing is opened before it is asked for.

    ``names`` are those of the clips, ``items`` what they are made of, and ``open`` makes a clip of an item.
    """

    names: tuple[str, ...]
    items: tuple[Any, ...]
    open: Callable[[Any], Clip]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> Listed: ...
    def __getitem__(self, index: int | slice) -> Clip | Listed:
        """The clip at *index*, opened now, or the set of those in a slice."""
        if isinstance(index, slice):
            return replace(self, names=self.names[index], items=self.items[index])
        return self.open(self.items[index])

    def named(self, name: str) -> Clip:
        """The clip of that name, with or without ``.mp4``; VultusError when there is none."""
        stem = name if name in self.names else name.removesuffix(".mp4")
        if stem not in self.names:
            raise unknown("clip", name, self.names)
        return self[self.names.index(stem)]
