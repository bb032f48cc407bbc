"""The recipes that are there: files of ``vultus.recipes``, and modules that other packages name as entry points.

What the list prints is read from the source, so that it needs no torch and runs nobody's code.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from vultus import recipes
from vultus.errors import VultusError, unknown

GROUP: Final = "vultus.recipes"
"""The entry point group in which other packages name modules that are recipes."""
_FACTS: Final = ("family", "takes", "gives")


@dataclass(frozen=True)
class System:
    """One of the published systems: ``name`` as its recipe is called, ``title``, ``family``, and ``what`` it does."""

    name: str
    title: str
    family: str
    what: str


@dataclass(frozen=True)
class Facts:
    """What a recipe's file says of itself without being run: ``takes`` and ``gives`` name what goes in and out."""

    name: str
    module: str
    path: Path
    title: str
    family: str
    takes: tuple[str, ...]
    gives: str


@lru_cache(maxsize=1)
def systems() -> tuple[System, ...]:
    """The 57 published systems that the board lists."""
    record = json.loads(Path(__file__).with_name("systems.json").read_text("utf-8"))
    return tuple(System(**entry) for entry in record["systems"])


def modules() -> dict[str, str]:
    """The module of every recipe by the recipe's name; ours come before those of other packages."""
    found = {path.stem: f"vultus.recipes.{path.stem}" for path in _ours()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        found.setdefault(point.name, point.value)
    return found


def _ours() -> list[Path]:
    folder = Path(str(recipes.__file__)).parent
    return sorted(path for path in folder.glob("*.py") if path.stem != "__init__")


def source(name: str) -> Path:
    """The file of the recipe *name*; VultusError when there is none."""
    known = modules()
    if name not in known:
        raise unknown("recipe", name, known)
    spec = None
    with contextlib.suppress(ImportError):
        spec = importlib.util.find_spec(known[name])
    if spec is None or spec.origin is None:
        raise VultusError(f"The module {known[name]} of the recipe {name} is not there", "Install its package anew")
    return Path(spec.origin)


def sources(name: str) -> dict[str, str]:
    """What the recipe *name* is made of: the SHA-256 of its own source, and of each part that it imports, by module.

    Parts are what lies in ``vultus.parts``, and the contract ``vultus.recipe``; those that parts import count too.
    Whatever else changes in Vultus changes nothing here. VultusError when there is no such recipe.
    """
    own = source(name)
    waiting, found = {modules()[name]: own}, dict[str, str]()
    while waiting:
        module, path = waiting.popitem()
        text = path.read_text("utf-8")  # so that it does not matter how lines end
        found[module] = hashlib.sha256(text.encode()).hexdigest()
        waiting |= {other: file for other, file in _imported(ast.parse(text)) if other not in found}
    return dict(sorted(found.items()))


def _imported(tree: ast.Module) -> Iterator[tuple[str, Path]]:
    """The parts that a module imports, anywhere in it, with their files."""
    root = Path(str(recipes.__file__)).parents[1]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name == "vultus.recipe" or name.startswith("vultus.parts."):
                file = root.joinpath(*name.split(".")[1:]).with_suffix(".py")
                if file.is_file():
                    yield name, file


def fingerprint(name: str) -> str:
    """:func:`sources` in a few letters."""
    return hashlib.sha256(json.dumps(sources(name)).encode()).hexdigest()[:12]


def facts(name: str) -> Facts:
    """What the recipe *name* says of itself; VultusError when its file is not one."""
    path = source(name)
    tree = ast.parse(path.read_text("utf-8"), str(path))
    model = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Model"), None)
    said: dict[str, Any] = {}
    for node in model.body if model else ():
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id in _FACTS and getattr(node, "value", None) is not None:
            said[target.id] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
    if missing := [fact for fact in _FACTS if fact not in said]:
        raise VultusError(f"{path.name} is not a recipe: its Model does not say {missing[0]}", "See docs/recipes.md")
    title = (ast.get_docstring(tree) or name).splitlines()[0]
    return Facts(name, modules()[name], path, title, said["family"], tuple(said["takes"]), said["gives"])


def load(name: str) -> ModuleType:
    """The module of the recipe *name*; VultusError when there is none, and when torch is not installed."""
    known = modules()
    if name not in known:
        raise unknown("recipe", name, known)
    try:
        return importlib.import_module(known[name])
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("torch", "lightning", "safetensors"):
            raise VultusError("Recipes need torch, which is not installed", "pip install 'vultus[train]'") from None
        raise
