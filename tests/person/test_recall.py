"""A person from the cache is the same person."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from vultus.kept import flat, folder, keeping
from vultus.person import hair, portrait, recall
from vultus.person.identity import parse_identity
from vultus.person.mesh import build_mesh, topology
from vultus.person.portrait import Portrait

WHO = parse_identity("person:seed=12,beard=goatee,glasses=round")


def forget() -> None:
    """What this process knows of people."""
    for known in (portrait._bust, portrait._painted, portrait._ambient, hair.grooms, hair.shades):
        known.cache_clear()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VULTUS_CACHE", str(tmp_path))
    forget()


def smile(p: Portrait) -> np.ndarray:
    row = np.zeros((1, 69), np.float32)
    row[0, 20:30] = 0.4
    return p.render(p.mesh.evaluate(row)[0], row[0])


def test_the_same_bytes_without_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with keeping():
        expected = smile(Portrait(WHO, (96, 96)))
        assert {file.name.partition("-")[0] for file in folder().iterdir()} >= {"mesh", "paint", "sky", "hair"}
        forget()

        def never(*_: object, **__: object) -> None:
            raise AssertionError("made anew")

        for module, name in ((portrait, "build_mesh"), (portrait, "paint"), (portrait, "_sky"), (hair, "groomed")):
            monkeypatch.setattr(module, name, never)
        np.testing.assert_array_equal(smile(Portrait(WHO, (96, 96))), expected)
        # Somebody else is somebody else.
        with pytest.raises(AssertionError, match="made anew"):
            Portrait(parse_identity("person:seed=13,beard=goatee,glasses=round"), (96, 96))


def test_what_all_people_share_comes_back() -> None:
    made = topology("bust", 1, False, True)
    with keeping():
        recall.shared(("of",), lambda: made)
        again = recall.shared(("of",), lambda: pytest.fail("made anew"))
    assert again.kernel is not made.kernel
    one, other = flat(made), flat(again)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
        assert array.dtype == other[name].dtype
        # Kernels are compiled for the order in memory, too.
        assert np.asarray(array).flags.c_contiguous


def test_all_of_a_mesh_comes_back() -> None:
    identity = parse_identity("person:seed=3,age=71")
    with keeping():
        made = recall.mesh(identity, lambda: build_mesh(identity, region="bust", subdivisions=1))
        again = recall.mesh(identity, lambda: pytest.fail("made anew"))
    assert again is not made
    for field in fields(made):
        a, b = getattr(made, field.name), getattr(again, field.name)
        if field.name == "joints":
            a, b = a.positions, b.positions
        elif field.name == "sliding":
            assert len(a) == len(b)
            assert all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(a, b, strict=True))
            continue
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        else:
            assert a is b


def test_other_code_makes_people_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    with keeping():
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        assert len(made) == 1
        monkeypatch.setattr(recall, "origin", lambda: b"another state of the library")
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        assert len(made) == 2


def test_all_modules_that_make_people_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A change of any of them is another origin, and what was changed since it was loaded is not kept."""
    package, copied = Path(recall.__file__).parents[1], tmp_path / "vultus"
    for name in recall.SOURCES:
        (copy := copied / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (package / name).is_dir() else shutil.copy2)(package / name, copy)
    monkeypatch.setattr(recall, "__file__", str(copied / "person" / "recall.py"))

    def origin() -> bytes | None:
        return recall.state.__wrapped__(recall.SOURCES, ("numpy",))

    assert origin() is None  # the copies are younger than this process
    monkeypatch.setattr(recall, "_LOADED", time.time() + 60)
    before = origin()
    assert before == origin()
    for name in ("camera.py", "render/strands.py", "person/groom/body.py"):
        with (copied / name).open("a") as file:
            file.write("# more\n")
        assert origin() not in (None, before)
        before = origin()
    (copied / "camera.py").unlink()
    assert origin() is None


def test_a_person_is_made_of_the_modules_that_are_told_apart() -> None:
    """Whatever the modules of people import of vultus, but for how errors are told and things are kept."""
    package, known = Path(recall.__file__).parents[1], {name.partition(".")[0] for name in recall.SOURCES}
    for name in recall.SOURCES:
        for file in (package / name).rglob("*.py") if (package / name).is_dir() else [package / name]:
            used = set(re.findall(r"^\s*(?:from|import) vultus\.(\w+)", file.read_text("utf-8"), re.MULTILINE))
            for line in re.findall(r"^\s*from vultus import (.*)$", file.read_text("utf-8"), re.MULTILINE):
                used |= {part.split()[0] for part in line.split(",")}
            assert used <= known | {"errors", "kept"}, file


def test_people_made_by_the_thousand_are_not_kept() -> None:
    portrait._ambient(WHO)
    assert not folder().exists()
