"""What commands say on the terminal: progress, and other tools' complaints in one line."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Progress = Callable[[float, float | None], None]


@contextlib.contextmanager
def progress(title: str, unit: str = "s") -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere; yields a function of (done, total or None) in the *unit*."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    counted = TextColumn("{task.completed:.1f} s" if unit == "s" else "{task.completed:g} {task.fields[said]}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), counted)
    begin = time.perf_counter()
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(f"{title}: getting ready (longer the first time, which compiles)", total=None, said=unit)

        def step(done: float, total: float | None) -> None:
            speed = done / max(time.perf_counter() - begin, 1e-9)
            bars.update(task, description=title, completed=done, total=total, said=f"{unit}, {speed:.2f} a second")

        yield step


def one_line(box: str) -> tuple[str, str]:
    """tyro's boxed message -> (problem, mend)."""
    lines = [line.strip("│ ").strip() for line in box.splitlines() if line and line[0] not in "╭╰"]
    rules = [i for i, line in enumerate(lines) if line.startswith("─")]
    problem = " ".join(lines[: rules[0]] if rules else lines)
    # The first two lines after the rule: "Perhaps you meant:" and the nearest option.
    hint = " ".join(lines[rules[0] + 1 : rules[1]][:2]) if len(rules) > 1 else ""
    return problem or "The arguments are not understood", hint or "See vultus --help"
