"""Work over processes: every result comes, complaints come last, and a killed process is told."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import pytest

from vultus import workers
from vultus.errors import VultusError


@dataclass(frozen=True)
class Square:
    number: int

    def run(self) -> tuple[int, str]:
        return self.number**2, os.environ["OMP_NUM_THREADS"]


@dataclass(frozen=True)
class Killed:
    def run(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_every_result_comes_from_a_process_of_one_thread() -> None:
    made = list(workers.each((Square(number) for number in range(5)), 2))
    assert sorted(made) == [(number**2, "1") for number in range(5)]


def test_a_killed_process_is_told() -> None:
    with pytest.raises(VultusError, match="ended from outside"):
        list(workers.each(iter([Killed()]), 1))


def test_some_results_come_last() -> None:
    assert workers._ordered([3, 1, 2], lambda value: value == 3) == [1, 2, 3]
