"""Frames drawn side by side, one a thread, that come out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from vultus.render.threads import alone, workers

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(given: Iterable[Given], draw: Callable[[Given], Made]) -> Iterator[Made]:
    """``draw`` of each of *given*, in order and in a memory that does not grow, the same whatever the number of
    threads; *given* is read in the calling thread."""

    def one(item: Given) -> Made:
        with alone():
            return draw(item)

    count = workers()
    if count == 1:
        yield from map(one, given)
        return
    with ThreadPoolExecutor(count) as pool:
        pending: deque[Future[Made]] = deque()
        for item in given:
            pending.append(pool.submit(one, item))
            # One more for each thread waits, so that none is idle while the first of them is not done.
            if len(pending) == 2 * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
