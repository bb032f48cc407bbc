"""What modules may import and call, and that importing stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"
FILES = sorted((SRC / "vultus").rglob("*.py"))
HEAVY = ("torch", "numba", "av", "scipy.signal", "scipy.spatial", "PIL", "pocketsphinx")
WORKSHOP = ("parts", "recipes", "lab", "critics")
"""The folders in which torch is at home; everything else runs without it."""

# Data goes one way: a module may import what stands in an earlier line, and its own folder. A name is a module or a
# folder right under vultus; the single modules of the first three lines may know their neighbours in the line.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "defaults", "channels", "rotations"),
    ("motion", "camera"),
    ("download", "kept", "layers", "mark", "mesh", "spaces", "store", "nets", "workers"),
    ("signals", "io", "person", "render"),
    ("clip",),
    ("voices",),
    ("drivers", "heads", "photo", "observers", "critics"),
    ("recipe", "stage", "datasets", "parts"),
    ("recipes",),
    # These know everything.
    ("pipeline", "looks", "outputs", "tracking", "doctor", "demo", "judge", "lab", "studio", "terminal", "commands"),
    ("cli", "__main__", "__init__"),
)
NEIGHBOURS = {("person", "render"), ("heads", "observers"), ("critics", "observers"), ("datasets", "stage")}
NEIGHBOURS |= {("drivers", "observers"), ("heads", "photo"), ("photo", "observers")}
"""A person is drawn by the rasteriser; the head of a photo is fitted by an observer and drawn by the photo's layers;
judges of faces find them; a video drives through what is observed in it; what the stage makes is a data set."""
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_CALLS = {"os.system", "os.popen", "torch.load", "pickle.load", "pickle.loads", "tempfile.mktemp"}


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def module(path: Path) -> str:
    """Dotted name of a file under src."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute, otherwise ""."""
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def type_checking(node: ast.AST) -> bool:
    """Whether a statement is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it; names for type checkers only are left out."""
    pending: list[ast.AST] = [tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else str(node.module)
        elif not type_checking(node):
            pending += ast.iter_child_nodes(node)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call whose function has a name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def unit(name: str) -> str:
    """The module or folder right under vultus that a dotted name belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


def test_every_module_has_a_layer() -> None:
    assert {unit(name) for name in MODULES} - set(LAYER) == set()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_data_goes_one_way(name: str) -> None:
    ours = unit(name)
    for imported in imports(MODULES[name]):
        if imported.split(".")[0] != "vultus" or imported == "vultus":
            continue
        theirs = unit(imported)
        near = LAYER[ours] == LAYER[theirs] and (LAYER[ours] <= 2 or (ours, theirs) in NEIGHBOURS)
        allowed = LAYER[theirs] < LAYER[ours] or theirs == ours or near or LAYER[ours] >= len(LAYERS) - 2
        assert allowed, f"{name} must not know {imported}"


def test_recipes_do_not_know_each_other() -> None:
    for name in MODULES:
        if unit(name) == "recipes":
            others = [i for i in imports(MODULES[name]) if i.startswith("vultus.recipes.") and i != name]
            assert not others, f"{name} imports {others}"


def top_level(path: Path) -> Iterator[str]:
    """The modules of vultus that a file imports while it is being imported itself."""
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else str(node.module) for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_imports_in_circles() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join((*path, name))}"
        if name in MODULES and name not in done:
            for imported in top_level(MODULES[name]):
                if imported != "vultus":
                    visit(imported, (*path, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())


@pytest.mark.parametrize("name", [n for n in sorted(MODULES) if unit(n) not in WORKSHOP])
def test_the_core_never_imports_torch(name: str) -> None:
    roots = {imported.split(".")[0] for imported in imports(MODULES[name])}
    assert not roots & {"torch", "lightning", "torchvision", "torchaudio", "transformers"}
    assert "safetensors" not in roots or name == "vultus.stage.shards"  # of the extra [stage], and without torch


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_forbidden_calls(name: str) -> None:
    roots = {imported.split(".")[0] for imported in imports(MODULES[name])}
    assert not roots & FORBIDDEN_MODULES
    for function, call in calls(MODULES[name]):
        where = f"{name}:{call.lineno}"
        assert function not in FORBIDDEN_NAMES, where
        assert function not in FORBIDDEN_CALLS, where
        keywords = {k.arg: k.value for k in call.keywords}
        for danger in ("shell", "allow_pickle"):
            value = keywords.get(danger)
            assert value is None or (isinstance(value, ast.Constant) and value.value is False), where
        if function in ("np.load", "numpy.load"):
            assert "allow_pickle" in keywords, f"{where}: say allow_pickle=False"
        if function.startswith("np.random."):
            assert function in ("np.random.default_rng", "np.random.Generator", "np.random.SeedSequence"), (
                f"{where}: random numbers come from a seeded generator"
            )


def undocumented(node: ast.AST, prefix: str) -> Iterator[str]:
    """Public classes, functions and methods below *node* that have no docstring."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) or child.name.startswith("_"):
            continue
        name = f"{prefix}.{child.name}"
        overloaded = any(dotted(d).endswith(("overload", ".setter")) for d in child.decorator_list)
        if not ast.get_docstring(child) and not overloaded:
            yield name
        protocol = isinstance(child, ast.ClassDef) and any(dotted(b).endswith("Protocol") for b in child.bases)
        if isinstance(child, ast.ClassDef) and not protocol:
            yield from undocumented(child, name)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_everything_public_has_a_docstring(name: str) -> None:
    path = MODULES[name]
    empty = path.name == "__init__.py" and not tree(path).body
    assert empty or ast.get_docstring(tree(path)), f"{name} has no docstring"
    assert list(undocumented(tree(path), name)) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_stay_short(name: str) -> None:
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 450


def loaded_after(code: str) -> set[str]:
    """Run *code* in a new interpreter -> the names in ``sys.modules`` afterwards."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit as leave:\n    assert not leave.code, leave.code\n"
    done = subprocess.run(
        [sys.executable, "-c", script + "print('\\n@' + ' '.join(sys.modules))"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(done.stdout.rsplit("\n@", 1)[1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import vultus",
        "from vultus import Motion, Camera, VultusError; Motion.neutral(2, 25)",
        "from vultus.cli import main; sys.argv = ['vultus', '--help']; main()",
        "from vultus.cli import main; sys.argv = ['vultus', 'animate', '--help']; main()",
    ],
)
def test_importing_and_help_stay_light(code: str) -> None:
    assert loaded_after(code) & set(HEAVY) == set()


def test_the_public_names_exist() -> None:
    import vultus

    assert len(vultus.__all__) <= 12
    for name in vultus.__all__:
        assert getattr(vultus, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Morion'"):
        vultus.Morion  # noqa: B018


@pytest.mark.parametrize("name", sorted(MODULES))
def test_kernels_are_kept_between_runs(name: str) -> None:
    """Every njit(…) asks numba to cache what it compiled, and lets other threads work meanwhile."""
    for node in ast.walk(tree(MODULES[name])):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "njit":
            options = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            assert options.get("cache") is True
            assert options.get("nogil") is True
            assert "parallel" not in options  # its threads do not stand being called from several of ours
        assert not (isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "njit" for d in node.decorator_list))


_WITHIN = {"inner", "part", "step"}
"""Decorators of functions that only kernels may call: Python would find no wrapper and crash."""
_KERNELS = {"fast", "pasted", *_WITHIN}


def _decorators(node: ast.AST) -> set[str]:
    return {ast.unparse(d).split("(")[0] for d in getattr(node, "decorator_list", ())}


def _helpers(module: str) -> set[str]:
    return {n.name for n in tree(MODULES[module]).body if isinstance(n, ast.FunctionDef) and _decorators(n) & _WITHIN}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_only_kernels_call_what_has_no_wrapper_for_python(name: str) -> None:
    body, forbidden = tree(MODULES[name]).body, _helpers(name)
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            taken = _helpers(node.module)
            forbidden |= {a.asname or a.name for a in node.names if a.name in taken}
    for node in body:
        if isinstance(node, ast.FunctionDef) and _decorators(node) & {*_KERNELS, "njit"}:
            continue
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        assert not used & forbidden, (name, used & forbidden)


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    code = "from vultus.render import threads as t; t.measured(); print(sum(t._spin.stats.cache_hits.values()))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    hits = [
        int(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout)
        for _ in range(2)
    ]
    assert hits == [0, 1]


def test_names_of_test_files_are_unique() -> None:
    """pytest imports them by their names alone."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
