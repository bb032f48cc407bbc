"""What all sets of clips are: sequences whose clips are opened when they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from vultus.clip import Clip


class Listed(Sequence[Clip]):
    """``len(set)``, ``set[i]``, ``set[i:j]``, ``for clip in set``; nothing is opened before it is asked for."""

    @abstractmethod
    def opened(self, index: int) -> Clip:
        """The clip at *index*, opened now."""

    @abstractmethod
    def some(self, rows: slice) -> Sequence[Clip]:
        """Those in *rows*."""

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Clip]: ...
    def __getitem__(self, index: int | slice) -> Clip | Sequence[Clip]:
        """The clip at *index*, or the set of those in a slice."""
        return self.some(index) if isinstance(index, slice) else self.opened(index)
