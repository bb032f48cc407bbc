"""Which of the published systems need which part: what lies in ``vultus.parts`` is there because several do."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from vultus import recipes as own
from vultus.io.files import atomic
from vultus.lab import recipes

LEAST: Final = 3
"""How many systems have to need a part for it to be one; what fewer need belongs to their recipes."""


@dataclass(frozen=True)
class Part:
    """Classes and functions (``names``) of a ``module`` of parts, ``what`` they are, and the systems that need them."""

    module: str
    names: tuple[str, ...]
    what: str
    systems: tuple[str, ...]


@lru_cache(maxsize=1)
def parts() -> tuple[Part, ...]:
    """The parts, by module, with the systems whose descriptions name them."""
    record = json.loads(Path(__file__).with_name("parts.json").read_text("utf-8"))
    return tuple(Part(e["module"], tuple(e["names"]), e["what"], tuple(e["systems"])) for e in record["parts"])


def public() -> set[tuple[str, str]]:
    """Every public class and function of ``vultus.parts``, as (module, name); read from the source, without torch."""
    folder = Path(str(own.__file__)).parents[1] / "parts"
    return {
        (".".join(path.relative_to(folder).with_suffix("").parts), node.name)
        for path in folder.rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }


def markdown() -> str:
    """The table as a page."""
    few = [part for part in parts() if len(part.systems) < LEAST]
    titles = {system.name: system.title for system in recipes.systems()}
    lines = [
        "# The parts, and who needs them", "",
        f"A part is shared when {LEAST} of the {len(titles)} published systems need it. These are all classes and "
        "functions of `vultus.parts`, with the systems whose descriptions name them. Made by `vultus claims`.", "",
        "| part | what it is | systems | |", "|---|---|---|---|",
    ]  # fmt: skip
    for part in parts():
        names, who = ", ".join(part.names), ", ".join(titles[name] for name in part.systems)
        lines.append(f"| `{part.module}`: {names} | {part.what} | {who} | {len(part.systems)} |")
    told = "; ".join(f"`{part.module}`: {', '.join(part.names)} ({len(part.systems)})" for part in few)
    lines += ["", f"Fewer than {LEAST} systems name {told}." if few else f"None is named by fewer than {LEAST}."]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> Path:
    """Write the page ``parts.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / "parts.md") as temporary:
        temporary.write_text(markdown(), "utf-8")
    return folder / "parts.md"
