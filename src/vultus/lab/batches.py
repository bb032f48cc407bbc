"""Where a training run gets its batches from: a pure function of seed and step, so that a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import default_collate

from vultus.errors import VultusError

Batch = Mapping[str, Any]
"""Fields by name, tensors or arrays with the examples along the first axis; other values are passed on as they are."""


@runtime_checkable
class Data(Protocol):
    """What a run learns from."""

    def batch(self, step: int, size: int, seed: int) -> Batch:
        """The batch of *size* examples at *step* (from 0): the same for the same arguments, whatever came before."""
        ...


class Indexed(Protocol):
    """A map-style data set, such as torch's ``Dataset``: a length, and one example (a dict) by its index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


class Shuffled:
    """A map-style data set as ``Data``: every example once an epoch, each epoch in an order of its own.

    *collate* makes a batch of a list of examples; torch's default stacks every field. A batch may span two epochs.
    """

    def __init__(self, examples: Indexed, collate: Callable[[list[Any]], Batch] = default_collate) -> None:
        """Raises VultusError when there is no example."""
        if len(examples) < 1:
            raise VultusError("The data set is empty", "Give at least one example.")
        self.examples, self.collate = examples, collate

    def batch(self, step: int, size: int, seed: int) -> Batch:
        """The examples from ``step * size`` on in the endless row of shuffled epochs."""
        count, first = len(self.examples), step * size
        places = [divmod(place, count) for place in range(first, first + size)]
        return self.collate([self.examples[int(_order(seed, epoch, count)[at])] for epoch, at in places])


class Numbered:
    """Examples without end as ``Data``: ``draw(number, seed)`` gives one, a function of its arguments alone.

    The numbers run through the steps, so that no example comes twice; *collate* as in ``Shuffled``.
    """

    def __init__(
        self, draw: Callable[[int, int], Mapping[str, Any]], collate: Callable[[list[Any]], Batch] = default_collate
    ) -> None:
        """Keep both functions."""
        self.draw, self.collate = draw, collate

    def batch(self, step: int, size: int, seed: int) -> Batch:
        """The examples with the numbers ``step * size`` to ``(step + 1) * size - 1``."""
        return self.collate([self.draw(number, seed) for number in range(step * size, (step + 1) * size)])


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def as_tensors(batch: Batch) -> dict[str, Any]:
    """*batch* with numpy arrays as tensors; VultusError when it is not a mapping."""
    if not isinstance(batch, Mapping):
        raise VultusError(f"A batch is a {type(batch).__name__}, not a mapping of names to tensors")
    return {name: _tensor(value) for name, value in batch.items()}


def _tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        # torch warns of arrays that may not be written; those are copied.
        return torch.from_numpy(np.require(value, requirements=["C", "W"]))
    return value


def as_data(data: Data | Indexed) -> Data:
    """*data* itself when it has ``batch``, otherwise as ``Shuffled``."""
    return data if isinstance(data, Data) else Shuffled(data)


def describe(batch: Batch) -> str:
    """Names, types and shapes of a batch in one line, for messages."""
    return ", ".join(
        f"{name} {str(value.dtype).removeprefix('torch.')}{list(value.shape)}" if isinstance(value, Tensor) else name
        for name, value in batch.items()
    )
