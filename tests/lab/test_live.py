"""What a run shows: events for TensorBoard where it is installed, and nothing of them where it is not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from tiny_net import STAGES, Causal, Waves  # noqa: E402

from vultus.lab import live  # noqa: E402
from vultus.lab.card import About  # noqa: E402
from vultus.lab.train import fit_dataset, seeded  # noqa: E402


def fit(out: Path, quiet: bool = False) -> bytes:
    with seeded(5):
        model = Causal()
    fit_dataset(model, Waves(), stages=STAGES, out=out, seed=5, about=About("tiny", "one", "two"), quiet=quiet)
    return (out / "tiny.safetensors").read_bytes()


def test_tensorboard_is_told_what_the_log_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(tmp_path)
    shown = EventAccumulator(str(tmp_path / "tiny.run")).Reload()
    lines = [json.loads(line) for line in (tmp_path / "tiny.run" / "log.jsonl").read_text().splitlines()]
    for stage in STAGES:
        logged = [line for line in lines if line["stage"] == stage.name]
        for name in logged[0].keys() - {"step", "stage"}:
            drawn = shown.Scalars(f"{stage.name}/{name}")
            assert [event.step for event in drawn] == [line["step"] for line in logged]
            assert [event.value for event in drawn] == pytest.approx([line[name] for line in logged], rel=1e-6)


def test_what_an_interrupted_run_drew_too_much_is_gone(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begin, value in ((0, 1.0), (3, 2.0)):
        with live.events(tmp_path, begin) as draw:
            for step in range(begin + 1, 6):
                draw({"step": step, "stage": "all", "total": value})
    drawn = EventAccumulator(str(tmp_path)).Reload().Scalars("all/total")
    assert [(event.step, event.value) for event in drawn] == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0), (5, 2.0)]


def test_without_tensorboard_there_are_the_same_weights_and_no_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = fit(tmp_path / "with")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert fit(tmp_path / "without") == with_it == fit(tmp_path / "quiet", quiet=True)
    for folder in ("without", "quiet"):
        assert [path.name for path in (tmp_path / folder / "tiny.run").iterdir()] == ["log.jsonl"]
