"""What is kept for the next process, and what happens when it cannot be."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from scipy import sparse

from vultus import kept, store
from vultus.commands import assets


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VULTUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    """Makes an array of *size* numbers, and counts how often."""

    def __init__(self, size: int = 4) -> None:
        self.size, self.made = size, 0

    def __call__(self) -> np.ndarray:
        self.made += 1
        return np.arange(self.size, dtype=np.float32) / 3

    def ask(self, of: bytes = b"one") -> np.ndarray:
        return kept.kept("thing", lambda: of, self, lambda made: {"it": made}, lambda arrays: arrays["it"])


def test_only_inside_of_keeping_and_only_the_same(cache: Path) -> None:
    make = Maker()
    make.ask()
    assert not cache.exists()
    with kept.keeping():
        first, second = make.ask(), make.ask()
        assert make.made == 2
        make.ask(b"another")
        assert make.made == 3
    np.testing.assert_array_equal(first, second)
    assert second.dtype == np.float32
    make.ask()
    assert make.made == 4


def inside(file: Path) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "text", "object", "version", "names", "other", "unnamed"])
def test_what_is_damaged_or_of_another_version_is_made_anew(damage: str) -> None:
    make = Maker(4000)
    with kept.keeping():
        expected = make.ask()
        (file,) = kept.folder().iterdir()
        whole = file.read_bytes()
        if damage == "cut":
            file.write_bytes(whole[: len(whole) // 2])
        elif damage == "noise":
            file.write_bytes(whole[:900] + b"\xff" * 64 + whole[964:])
        elif damage == "empty":
            file.write_bytes(b"")
        elif damage == "text":
            file.write_text("no archive at all")
        elif damage == "object":
            np.savez(file, **inside(file) | {"it": np.array([{}], object)})
        elif damage == "version":
            np.savez(file, **inside(file) | {"version": kept.VERSION + 1})
        elif damage == "names":
            arrays = inside(file)
            np.savez(file, that=arrays.pop("it"), **arrays)
        elif damage == "other":  # whole, but under the name of something else
            Maker(3).ask(b"another")
            (other,) = set(kept.folder().iterdir()) - {file}
            other.replace(file)
        else:
            np.savez(file, format=kept.FORMAT, version=kept.VERSION, it=expected)
        np.testing.assert_array_equal(make.ask(), expected)
        assert make.made == 2
        np.testing.assert_array_equal(make.ask(), expected)
        assert make.made == 2


def test_without_a_place_to_write_all_goes_on(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    make = Maker()
    with kept.keeping():
        make.ask()
        make.ask()
    assert make.made == 2
    assert kept.clear() == 0


def test_a_full_disk_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(stream: IO[bytes], *_: object, **__: object) -> None:
        stream.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    make = Maker()
    monkeypatch.setattr(np.lib.format, "write_array", full)
    with kept.keeping():
        make.ask()
        make.ask()
    assert make.made == 2
    assert not list(kept.folder().iterdir())


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    make = Maker()
    monkeypatch.setattr(kept, "folder", homeless)
    with kept.keeping():
        make.ask()
        make.ask()
    assert make.made == 2


def test_what_cannot_be_told_apart_is_not_kept(cache: Path) -> None:
    make = Maker()
    with kept.keeping():
        for _ in range(2):
            kept.kept("thing", lambda: None, make, lambda made: {"it": made}, lambda arrays: arrays["it"])
    assert make.made == 2
    assert not cache.exists()


def test_several_processes_may_keep_the_same() -> None:
    """Each of them gets whole what was made, whoever was first."""
    make = Maker(200_000)
    expected = make()

    def ask(_: int) -> bool:
        with kept.keeping():
            return all(np.array_equal(make.ask(), expected) for _ in range(8))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))
    (file,) = kept.folder().iterdir()
    assert file.suffix == ".npz"


def test_what_was_asked_for_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker(1000)
    with kept.keeping():
        make.ask(b"a")
        (file,) = kept.folder().iterdir()
        monkeypatch.setattr(kept, "MOST", 2 * file.stat().st_size)
        os.utime(file, (1, 1))
        make.ask(b"b")
        (other,) = set(kept.folder().iterdir()) - {file}
        os.utime(other, (2, 2))
        make.ask(b"a")  # now b has waited longest
        make.ask(b"c")
        assert file.exists()
        assert not other.exists()
        assert len(list(kept.folder().iterdir())) == 2


def test_what_a_killed_process_left_is_removed() -> None:
    make = Maker()
    with kept.keeping():
        make.ask()
        old, new = kept.folder() / "0.part", kept.folder() / "1.part"
        old.write_bytes(b"half")
        new.write_bytes(b"half")
        os.utime(old, (1, 1))
        make.ask(b"another")
    assert not old.exists()
    assert new.exists()


def test_clearing_all_assets_clears_it(capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker(100_000)
    with kept.keeping():
        make.ask()
    assert kept.folder().parent == store.cache().parent
    assets.Assets("clear").run()
    assert capsys.readouterr().out == "freed 0.4 MB\n"
    assert not list(kept.folder().iterdir())


@dataclass(frozen=True)
class Leaf:
    size: np.ndarray
    name: str | None


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    heights: dict[str, int]
    near: sparse.csr_matrix
    share: float


def test_nested_things_are_arrays_and_come_back() -> None:
    leaves = Leaf(np.arange(3, dtype=np.uint8), "one"), Leaf(np.zeros((2, 2), np.float32), None)
    tree = Tree(leaves, {"top": int(np.int64(3))}, sparse.csr_matrix(np.eye(3, dtype=np.float32)), 0.1)
    arrays = kept.flat(tree)
    assert all(isinstance(one, np.ndarray) and one.dtype != object for one in arrays.values())
    again = kept.whole(arrays, Tree, Leaf)
    assert isinstance(again, Tree)
    assert (again.heights, again.share, again.leaves[0].name, again.leaves[1].name) == ({"top": 3}, 0.1, "one", None)
    np.testing.assert_array_equal(again.leaves[0].size, [0, 1, 2])
    np.testing.assert_array_equal(again.near.toarray(), np.eye(3))
    with pytest.raises(KeyError, match="Leaf"):
        kept.whole(arrays, Tree)
