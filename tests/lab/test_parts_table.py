"""Every part is needed by several of the published systems, and the page says by which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from vultus.lab import parts_table, recipes

PAGE = Path(__file__).parents[2] / "docs/parts.md"


def test_every_class_and_function_of_the_parts_is_in_the_table_once() -> None:
    listed = Counter((part.module, name) for part in parts_table.parts() for name in part.names)
    assert set(listed) == parts_table.public()
    assert set(listed.values()) == {1}


def test_three_systems_name_every_part() -> None:
    known = {system.name for system in recipes.systems()}
    for part in parts_table.parts():
        assert set(part.systems) <= known
        assert len(set(part.systems)) == len(part.systems)
        assert len(part.systems) >= parts_table.LEAST, f"{part.module}: {part.names} belong to their recipe"


def test_the_page_is_what_the_table_says(tmp_path: Path) -> None:
    assert PAGE.read_text("utf-8") == parts_table.markdown(), "run vultus claims"
    assert parts_table.write(tmp_path).read_text("utf-8") == parts_table.markdown()
