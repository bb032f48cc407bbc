"""What is kept for the next process, and what happens when it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

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
        return kept.kept("thing", of, self, lambda made: {"it": made}, lambda arrays: arrays["it"])


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


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "version", "names"])
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
        elif damage == "version":
            np.savez(file, format=kept.FORMAT, version=kept.VERSION + 1, it=expected)
        else:
            np.savez(file, format=kept.FORMAT, version=kept.VERSION, that=expected)
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
