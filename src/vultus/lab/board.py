"""The board: all published systems with their family and verdict, those that are missing too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from vultus.io.files import atomic
from vultus.lab import claim, recipes

MISSING = "no recipe yet"
UNTESTED = "recipe, not tested"
OLD = "recipe changed since"


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of claims under *folder* (``claims/NAME.json``) by name."""
    return {path.stem: claim.read(path) for path in sorted((folder / "claims").glob("*.json"))}


def verdict_of(name: str, known: dict[str, dict[str, Any]]) -> str:
    """The verdict of *name*, and whether its recipe has changed since, or what it waits for."""
    if name in known:
        return f"{known[name]['verdict']} ({OLD})" if claim.changed(known[name]) else str(known[name]["verdict"])
    return UNTESTED if name in recipes.modules() else MISSING


def markdown(folder: Path) -> str:
    """The board as a page: a table of all systems, then every claim that was tested with its numbers."""
    known = records(folder)
    systems = recipes.systems()
    verdicts = {system.name: verdict_of(system.name, known) for system in systems}
    counts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts.values()).most_common())
    lines = [
        "# The board", "",
        f"{len(systems)} published systems: {counts}. Made by `vultus claims`; what a verdict means stands on the page "
        "[recipes](recipes.md).", "",
        "| system | family | what it does | verdict |", "|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {system.title} | {system.family} | {system.what} | {verdicts[system.name]} |" for system in systems]
    others = sorted(set(known) - {system.name for system in systems})
    lines += [f"| {name} | | | {verdict_of(name, known)} |" for name in others]
    for record in known.values():
        lines += ["", *_told(record)]
    return "\n".join(lines) + "\n"


def _told(record: dict[str, Any]) -> list[str]:
    """One claim with its numbers."""
    lines = [
        f"## {record['recipe']}: {record['verdict']}", "", record["says"], "", f"Margins: {record['margins']}", "",
        "| | figure | arm | over | gain | by seed | asked | met |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    if since := claim.changed(record):
        lines[4:4] = [f"Its recipe has changed since: {', '.join(since)}.", ""]
    if record["unequal"]:
        lines[4:4] = [f"Compared arms are not alike: {record['unequal']}", ""]
    for row in record["gains"]:
        asked = {"control": f"< {row['margin']:.3g}", "also": ""}.get(row["role"], f"≥ {row['margin']:.3g}")
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        values = " ".join(f"{value:+.3f}" for value in row["values"])
        lines.append(
            f"| {row['role']} | {row['figure']} | {row['of']} | {row['over']} | {row['mean']:+.3f} | {values} "
            f"| {asked} | {met} |"
        )
    lines += ["", "| arm | parameters | examples | processor seconds | figures (mean) |", "|---|---|---|---|---|"]
    for arm, some in record["arms"].items():
        count = len(some["figures"])
        figures = ", ".join(
            f"{key} {sum(one[key] for one in some['figures']) / count:.4g}" for key in some["figures"][0]
        )
        seconds = sum(some["seconds"]) / count
        lines.append(f"| {arm} | {some['parameters']} | {some['examples']} | {seconds:.0f} | {figures} |")
    picture = f"![The gains of {record['recipe']}, by seed](claims/{record['recipe']}.png)"
    return [*lines, "", picture, "", f"{record['seeds']} seeds, {record['seconds']:.0f} processor seconds in all."]


def write(folder: Path) -> Path:
    """Write the board to ``board.md`` under *folder*."""
    path = folder / "board.md"
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_text(markdown(folder), "utf-8")
    return path
