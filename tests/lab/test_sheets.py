"""Contact sheets: what stands in the tiles, and what a user may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from vultus import cli
from vultus.channels import INDEX
from vultus.defaults import Sheet
from vultus.errors import VultusError
from vultus.io.image import read_image
from vultus.lab import sheets


def tiles(picture: np.ndarray, size: int) -> list[np.ndarray]:
    """The tiles of a sheet, row by row, without the empty ones at its end."""
    rows, columns = picture.shape[0] // size, picture.shape[1] // size
    cut = picture.reshape(rows, size, columns, size, 3).swapaxes(1, 2).reshape(-1, size, size, 3)
    return [tile for tile in cut if tile.std() > 1]


@pytest.mark.parametrize(("kind", "count"), [("expressions", 16), ("visemes", 8), ("turntable", 12)])
def test_one_face_in_many_tiles_that_all_differ(kind: Sheet, count: int) -> None:
    shown = tiles(sheets.sheet(kind, face="person:4", size=48, quality="draft", labels=False), 48)
    assert len(shown) == count
    assert len({tile.tobytes() for tile in shown}) == count


def test_people_begin_at_the_seed_and_keep_the_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Seen:
        def __init__(self, face: str, **_: object) -> None:
            asked.append(face)

        def frame(self, row: np.ndarray) -> np.ndarray:
            return np.full((32, 32, 3), len(asked), np.uint8)

    monkeypatch.setattr(sheets, "PersonHead", Seen)
    sheets.sheet("people", face="person:age=70,seed=3", size=32)
    assert asked == [f"person:age=70,seed={n}" for n in range(3, 19)]
    asked.clear()
    sheets.sheet("people", size=32)
    assert asked[0] == "person:seed=0"
    asked.clear()
    sheets.sheet("people", face="person:32", size=32)
    assert asked[0] == "person:seed=32"


def test_every_kind_that_the_command_line_knows_is_drawn() -> None:
    assert set(get_args(Sheet)) == set(sheets._KINDS)


def test_labels_touch_a_corner_only() -> None:
    plain = np.full((96, 96, 3), 90, np.uint8)
    changed = (sheets.labelled(plain, "expression") != plain).any(-1)
    assert 20 < changed.sum() < 0.1 * changed.size
    assert not changed[:80].any()


def test_poses_and_visemes_move_what_they_name() -> None:
    assert sheets.pose({"eyeBlink": 1.0})[[INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]].tolist() == [1, 1]
    looking = sheets.pose({"eyeLookUp": 0.5})
    assert looking[INDEX["eyeLeftRotationX"]] < -0.1
    assert sheets.viseme("u")[INDEX["mouthPucker"]] > 0.5
    closed = sheets.viseme("m")
    assert closed[INDEX["mouthClose"]] == pytest.approx(closed[INDEX["jawOpen"]])


def test_the_command_writes_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "v.png"
    arguments = ["render", "--sheet", "visemes", "--size", "32", "--quality", "draft", "--out", str(out)]
    assert cli.main(arguments) == 0
    assert str(out) in capsys.readouterr().out
    assert read_image(out).shape == (64, 128, 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--sheet"),
        (["--sheet", "peopel"], "people"),
        (["--sheet", "people", "--size", "5"], "5 pixels"),
        (["--sheet", "people", "--out", "x.mp4"], "picture"),
        (["--sheet", "people", "--face", "person:x"], "whole number"),
        (["a.csv", "--sheet", "people"], "no motion"),
    ],
)
def test_bad_requests_end_in_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["render", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(VultusError, match="people"):
        sheets.sheet("peple")  # type: ignore[arg-type]
