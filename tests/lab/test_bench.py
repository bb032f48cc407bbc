"""The bench's own arithmetic; how fast things are is for ``vultus bench`` to say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from vultus.lab import bench
from vultus.lab.bench import Figure
from vultus.render.threads import threads


@pytest.mark.parametrize(
    ("value", "target", "met"), [(3.0, "<= 3", True), (3.1, "<= 3", False), (9.0, ">= 10", False), (1.0, "", None)]
)
def test_a_figure_knows_whether_its_target_is_met(value: float, target: str, met: bool | None) -> None:
    assert Figure("x", "ms", value, None, target).met is met


def test_the_median_leaves_the_first_call_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.accumulate([0, 5, 0, 1, 0, 3])  # three calls of 5, 1 and 3 s, after one that is not timed
    monkeypatch.setattr(bench.time, "perf_counter", lambda: float(next(clock)))
    calls: list[int] = []
    assert bench._median(lambda: calls.append(1), 3) == 3
    assert len(calls) == 4


def test_both_measures_one_thread_too() -> None:
    seen: list[int] = []
    bench.both(lambda: seen.append(threads()), 2)
    assert seen[-3:] == [1, 1, 1]


def test_the_table_and_the_json_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [Figure("fast", "ms", 2.0, 4.0, "<= 3"), Figure("slow", "ms", 9.0, None, "<= 3")]
    monkeypatch.setattr(bench, "_measure", lambda quick: iter(figures))
    table = bench.bench(json_path=tmp_path / "b.json")
    assert "| fast | 2 ms | 4 | <= 3 | yes |" in table
    assert "| slow | 9 ms |  | <= 3 | no |" in table
    record = json.loads((tmp_path / "b.json").read_text())
    assert (record["format"], record["version"]) == ("vultus.bench", 1)
    assert [f["value"] for f in record["figures"]] == [2.0, 9.0]
