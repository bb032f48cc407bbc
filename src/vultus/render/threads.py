"""Spread numba kernels that release the GIL over threads, in pieces whose results do not depend on their number.

Plain threads instead of numba's ``parallel=True``: kernels compile faster, may be called from several
Python threads at once (numba's fallback threading layer aborts the process then), and survive ``fork``.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import numpy as np
from numba import njit

One = TypeVar("One")
Other = TypeVar("Other")

_GAIN = 0.9  # more threads must take at most this fraction of the time of fewer
_ROUNDS = 4000  # makes the test as long as the kernels of a frame: in a shorter one, starting threads is all one sees
_forced: int | None = None
_own = threading.local()


def available() -> int:
    """The number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only; containers and taskset narrow it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@njit(cache=True, nogil=True)
def _spin(values: np.ndarray, rounds: int) -> None:
    for _ in range(rounds):
        for i in range(values.shape[0]):
            values[i] = values[i] * np.float32(0.999) + np.float32(0.5)


@cache
def measured() -> int:
    """The thread count that really helps on this machine now: timed once per process, at most 8.

    A busy machine can be slower with more threads, so each doubling must earn its place.
    """
    values = np.zeros((16, 4096), np.float32)
    _spin(values[0], 1)

    def seconds(threads: int) -> float:
        best = np.inf
        for _ in range(3):
            begin = time.perf_counter()
            spread(lambda i: _spin(values[i], _ROUNDS), len(values), threads)
            best = min(best, time.perf_counter() - begin)
        return best

    count, taken = 1, seconds(1)
    while count * 2 <= min(available(), 8):
        faster = seconds(count * 2)
        if faster > _GAIN * taken:
            break
        count, taken = count * 2, faster
    return count


def set_threads(count: int | None) -> None:
    """Force the number of threads of all kernels (at least 1), or None to measure again which helps."""
    global _forced
    _forced = None if count is None else max(1, int(count))
    if count is None:
        measured.cache_clear()


@contextmanager
def alone() -> Iterator[None]:
    """Inside, this thread does all pieces itself: for work that is spread in larger pieces already, such as frames."""
    before = getattr(_own, "alone", False)
    _own.alone = True
    try:
        yield
    finally:
        _own.alone = before


def threads() -> int:
    """The number of threads that :func:`spread` uses by default; 1 inside :func:`alone`."""
    if getattr(_own, "alone", False):
        return 1
    return _forced if _forced is not None else measured()


def workers() -> int:
    """How many frames to draw side by side, each by one thread: work so coarse that a busy machine does not mind."""
    return _forced if _forced is not None else min(available(), 4)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    # Keyed by the process: after a fork the parent's threads do not exist in the child.
    return ThreadPoolExecutor(max_workers=max(available(), 8), thread_name_prefix="vultus-render")


def spread(task: Callable[[int], object], pieces: int, count: int | None = None) -> None:
    """Call ``task(i)`` for every i in [0, pieces), on *count* threads (default: :func:`threads`).

    The calling thread works too. Exceptions of a task are raised here.
    """
    count = min(threads() if count is None else count, pieces)
    if count <= 1:
        for i in range(pieces):
            task(i)
        return
    # next() on itertools.count is atomic under the GIL, and free of gaps by construction without it.
    numbers = itertools.count()

    def work() -> None:
        while (i := next(numbers)) < pieces:
            task(i)

    futures = [_pool(os.getpid()).submit(work) for _ in range(count - 1)]
    work()
    for future in futures:
        future.result()


def both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What two tasks return that do not need each other, on two threads where there are any."""
    if workers() == 1 or getattr(_own, "alone", False):
        return one(), other()
    future = _pool(os.getpid()).submit(other)
    try:
        first = one()
    finally:
        future.exception()  # nothing goes on behind the back of who catches what the first one raises
    return first, future.result()


def spread_out(task: Callable[[int, int], object], total: int, piece: int, count: int | None = None) -> None:
    """Call ``task(first, stop)`` for pieces that make up [0, total): all at once on one thread, *piece* each on more.

    For kernels that go through a range: every call from Python costs what some hundred steps of them do.
    """
    count = threads() if count is None else count
    if count <= 1:
        task(0, total)
        return
    spread(lambda i: task(i * piece, min(total, (i + 1) * piece)), -(-total // piece), count)
