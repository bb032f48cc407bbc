"""Work is shared out completely, once, and without hiding failures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from vultus.render import threads


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_piece_is_done_exactly_once(count: int) -> None:
    done: list[int] = []
    threads.spread(done.append, 100, count)
    assert sorted(done) == list(range(100))


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (3, 4)])
def test_ranges_are_done_exactly_once_and_whole_on_one_thread(count: int, calls: int) -> None:
    done: list[tuple[int, int]] = []
    threads.spread_out(lambda first, stop: done.append((first, stop)), 100, 30, count)
    assert len(done) == calls
    assert sorted(i for first, stop in done for i in range(first, stop)) == list(range(100))


@pytest.mark.parametrize("count", [1, 3])
def test_failures_are_raised(count: int) -> None:
    def task(i: int) -> None:
        if i == 5:
            raise ValueError("broken piece")

    with pytest.raises(ValueError, match="broken piece"):
        threads.spread(task, 20, count)


def test_several_callers_at_once() -> None:
    def caller(_: int) -> int:
        done: list[int] = []
        threads.spread(done.append, 50, 2)
        return len(done)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(caller, range(8))) == [50] * 8


def test_the_number_can_be_forced() -> None:
    threads.set_threads(3)
    assert threads.threads() == 3
    threads.set_threads(0)
    assert threads.threads() == 1
    threads.set_threads(None)
    assert 1 <= threads.threads() <= 8


@pytest.mark.parametrize("count", [1, 3])
def test_two_tasks_at_once(count: int) -> None:
    try:
        threads.set_threads(count)
        assert threads.both(lambda: 1, lambda: "two") == (1, "two")
        done: list[int] = []

        def fails() -> None:
            raise ValueError("one")

        with pytest.raises(ValueError, match="one"):
            threads.both(fails, lambda: done.append(1))
        assert count == 1 or done == [1]  # the other is not left behind
        with pytest.raises(ValueError, match="one"):
            threads.both(lambda: 1, fails)
    finally:
        threads.set_threads(None)
