"""The licence list is complete, known and true for what is installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import types
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from packaging.licenses import canonicalize_license_expression

from vultus import store

ROOT = Path(__file__).resolve().parents[1]
LIST: dict[str, Any] = json.loads((files("vultus") / "data/licences.json").read_text("utf-8"))
PARTS = ("python", "bundled", "data", "models", "assets")
COPYLEFT = re.compile(r"(?<!L)GPL")


def generator() -> types.ModuleType:
    """``tools/licences.py`` as a module."""
    spec = importlib.util.spec_from_file_location("licences", ROOT / "tools/licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def core() -> list[dict[str, Any]]:
    """The packages that every user gets."""
    return [entry for entry in LIST["python"] if "core" in entry["used"]]


def test_the_list_is_right_about_everything_that_is_installed() -> None:
    assert generator().problems() == []


def test_the_check_finds_a_missing_and_a_wrong_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.loads(json.dumps(LIST))
    content["python"] = [entry for entry in content["python"] if entry["name"] != "numpy"]
    next(entry for entry in content["python"] if entry["name"] == "rich")["licence"] = "GPL-3.0-only"
    module = generator()
    (tmp_path / "list.json").write_text(module.as_text(content), "utf-8")
    monkeypatch.setattr(module, "LIST", tmp_path / "list.json")
    found = module.problems()
    assert "numpy is used by core and not listed there" in found
    assert "rich is MIT and listed as GPL-3.0-only" in found


def test_writing_the_list_again_keeps_what_is_not_installed() -> None:
    module = generator()
    assert json.loads(module.as_text(LIST)) == LIST
    renewed = {entry["name"]: entry for entry in module.python_part((), LIST["python"])}
    assert set(renewed) == {entry["name"] for entry in LIST["python"]}
    assert all(renewed[entry["name"]]["licence"] == entry["licence"] for entry in LIST["python"])


def test_every_entry_of_the_project_file_is_listed_as_direct() -> None:
    direct = {(name, group) for entry in LIST["python"] for name in [entry["name"]] for group in entry["direct"]}
    for group, requirements in generator().groups().items():
        for requirement in requirements:
            name = re.match(r"[\w.-]+", requirement)
            assert name is not None
            assert (name[0].lower().replace("_", "-"), group) in direct


@pytest.mark.parametrize("part", PARTS)
def test_every_licence_is_an_spdx_expression(part: str) -> None:
    for entry in LIST[part]:
        assert canonicalize_license_expression(entry["licence"]) == entry["licence"], entry


def test_no_python_package_of_the_core_is_under_the_gpl_or_proprietary() -> None:
    assert core()
    for entry in core():
        assert not COPYLEFT.search(entry["licence"]), entry
        assert "LicenseRef" not in entry["licence"], entry


def test_gpl_inside_wheels_is_named_and_explained() -> None:
    strict = [e for e in LIST["bundled"] if COPYLEFT.search(e["licence"].replace("LGPL-3.0-or-later OR GPL-2.0", ""))]
    without_exception = {e["library"] for e in strict if " WITH GCC-exception" not in e["licence"]}
    assert without_exception == {"x264", "x265"}
    for entry in strict:
        if entry["library"] in without_exception:
            assert (entry["inside"], entry["note"]) == ("av", "gpl")
    assert "x264 and x265" in LIST["notes"]["gpl"]


@pytest.mark.parametrize("package", sorted({entry["inside"] for entry in LIST["bundled"]}))
def test_the_shared_libraries_of_a_wheel_are_all_listed(package: str) -> None:
    dist = importlib.metadata.distribution(package)
    listed = [entry for entry in LIST["bundled"] if entry["inside"] == package]
    folder = Path(str(dist.locate_file(f"{package}.libs")))
    if {entry["version"] for entry in listed} != {dist.version} or not folder.is_dir():
        assert package in {entry["name"] for entry in core()}  # another system or version: only the package is certain
        return
    found = {re.split(r"-[0-9a-f]{8}|\.so", path.name)[0] for path in folder.iterdir()}
    assert found == {name for entry in listed for name in entry["files"]}


def test_every_shipped_data_file_is_listed_and_exists() -> None:
    package = ROOT / "src/vultus"
    shipped = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc") and path.name != "py.typed"
    }
    listed = {entry["path"] for entry in LIST["data"]}
    assert shipped - listed == set(), "list these in src/vultus/data/licences.json"
    assert listed - shipped == set(), "these are gone"


def test_models_of_other_packages_lie_where_the_list_says() -> None:
    for entry in LIST["models"]:
        if importlib.util.find_spec(entry["path"].split("/")[0]) is None:
            assert "extra" in entry["from"]  # not installed here
            continue
        assert (Path(str(files(entry["path"].split("/")[0]))).parent / entry["path"]).exists(), entry["path"]


def test_every_asset_is_listed_with_its_carrier() -> None:
    listed = {entry["name"]: entry for entry in LIST["assets"]}
    assert set(listed) == {asset.name for asset in store.assets()}
    for asset in store.assets():
        assert f"{asset.source.package} {asset.source.version}" in listed[asset.name]["from"]


def test_the_projects_own_licence_is_mit() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 The Vultus authors\n")
    assert importlib.metadata.metadata("vultus")["License-Expression"] == "MIT"
