"""What a run shows while it goes on: a bar on a terminal, a line now and then elsewhere, and a log in any case."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vultus.io.files import atomic

Show = Callable[[int, str, dict[str, float]], None]
"""Takes the number of steps done, the stage and the smoothed losses."""

SILENCE = 30.0
"""Seconds between two lines where there is no terminal."""


@contextlib.contextmanager
def live(title: str, done: int, total: int, *, quiet: bool = False) -> Iterator[Show]:
    """Show how a run of *total* steps goes on, of which *done* are done already, on standard error."""
    if quiet:
        yield lambda step, stage, losses: None
    elif sys.stderr.isatty():
        with _bar(title, done, total) as show:
            yield show
    else:
        yield _lines(title, done, total)


@contextlib.contextmanager
def _bar(title: str, done: int, total: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    words = TextColumn("{task.fields[speed]:.3g} steps/s {task.fields[losses]}")
    began = time.monotonic()
    with Progress(*columns, words, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=total, completed=done, speed=0.0, losses="")

        def show(step: int, stage: str, losses: dict[str, float]) -> None:
            speed = (step - done) / max(time.monotonic() - began, 1e-9)
            bars.update(task, description=f"{title} {stage}", completed=step, speed=speed, losses=_said(losses))

        yield show


def _lines(title: str, done: int, total: int) -> Show:
    began = last = time.monotonic()

    def show(step: int, stage: str, losses: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SILENCE and step < total:
            return
        last = now
        speed = (step - done) / max(now - began, 1e-9)
        left = (total - step) / max(speed, 1e-9)
        print(
            f"{title} {stage}: {step}/{total}, {speed:.3g} steps/s, {left:.0f} s left, {_said(losses)}",
            file=sys.stderr,
            flush=True,
        )

    return show


def _said(losses: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in losses.items())


@contextlib.contextmanager
def log(file: Path, step: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Append JSON lines to *file*; what an interrupted run wrote beyond *step* is dropped first."""
    if file.is_file():
        with (
            atomic(file) as temporary,
            file.open(encoding="utf-8") as old,
            temporary.open("w", encoding="utf-8") as new,
        ):
            for line in old:
                with contextlib.suppress(ValueError, KeyError, TypeError):  # the last line may be cut off
                    if json.loads(line)["step"] <= step:
                        new.write(line)
    with file.open("a", encoding="utf-8") as stream:

        def write(entry: dict[str, Any]) -> None:
            stream.write(json.dumps(entry) + "\n")
            stream.flush()

        yield write


@contextlib.contextmanager
def events(folder: Path, step: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Write what a log takes for TensorBoard as well, into *folder*, where that is installed; a scalar for each figure,
    under the name of its stage. What an interrupted run wrote beyond *step* is not shown."""
    if importlib.util.find_spec("tensorboard") is None:
        yield lambda entry: None
        return
    board = importlib.import_module("torch.utils.tensorboard")
    with board.SummaryWriter(str(folder), purge_step=step + 1 if step else None) as writer:

        def write(entry: dict[str, Any]) -> None:
            for name in entry.keys() - {"step", "stage"}:
                writer.add_scalar(f"{entry['stage']}/{name}", entry[name], entry["step"])

        yield write
