"""A photo that was taken apart before is the same photo."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import kept
from vultus.heads import photo as heads
from vultus.heads.photo import PhotoHead
from vultus.person import recall as people
from vultus.photo import file, recall


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "kept")
    return tmp_path / "kept"


def talking() -> NDArray[np.float32]:
    row = np.zeros(len(ch.CHANNELS), np.float32)
    row[[ch.INDEX["jawOpen"], ch.INDEX["eyeBlinkLeft"], ch.INDEX["browInnerUp"]]] = 0.5
    row[ch.HEAD] = 0.05, 0.15, 0.0
    return row


def photos(folder: Path) -> list[str]:
    return [one.name for one in folder.glob("photo-*.npz")] if folder.exists() else []


def test_a_saved_face_is_taken_apart_once(
    head: PhotoHead, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(tmp_path / "one.face", head.fitted)
    first = PhotoHead(tmp_path / "one.face", size=256)
    made = first.frame(talking())
    assert len(photos(folder)) == 1

    def never(*_: object) -> None:
        raise AssertionError("taken apart again")

    monkeypatch.setattr(heads, "prepare", never)
    monkeypatch.setattr(heads.matte, "person", never)
    again = PhotoHead(tmp_path / "one.face", size=256)
    np.testing.assert_array_equal(again.frame(talking()), made)
    np.testing.assert_array_equal(again.frame(np.zeros(len(ch.CHANNELS), np.float32)), again.photo)
    np.testing.assert_array_equal(again.model().vertices, first.model().vertices)
    with pytest.raises(AssertionError, match="taken apart again"):
        PhotoHead(tmp_path / "one.face", size=128).bake()


def test_a_photo_that_nobody_saved_is_not_kept(head: PhotoHead, folder: Path) -> None:
    PhotoHead(head.fitted, size=256).bake()
    assert not photos(folder)


def test_another_fit_or_another_state_of_the_library_is_taken_apart(
    head: PhotoHead, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = replace(head.fitted, saved=True)
    PhotoHead(saved, size=256).bake()
    (fit,) = saved.faces
    PhotoHead(replace(saved, faces=(replace(fit, row=fit.row + np.float32(1e-3)),)), size=256).bake()
    assert len(photos(folder)) == 2
    monkeypatch.setattr(people, "state", lambda *_: b"another")
    PhotoHead(saved, size=256).bake()
    assert len(photos(folder)) == 3
    monkeypatch.setattr(recall, "_MOST", 255 * 256)
    monkeypatch.setattr(people, "state", lambda *_: b"a third")
    PhotoHead(saved, size=256).bake()
    assert len(photos(folder)) == 3


def test_a_scene_is_made_of_the_modules_that_are_told_apart() -> None:
    """Whatever they import of vultus, but for how errors are told, and files are read and kept."""
    package = Path(recall.__file__).parents[1]
    known = {name.partition(".")[0] for name in (*people.SOURCES, *recall.SOURCES)} | {"heads/photo", "heads"}
    for name in recall.SOURCES:
        for module in (package / name).rglob("*.py") if (package / name).is_dir() else [package / name]:
            text = module.read_text("utf-8")
            used = set(re.findall(r"^(?:from|import) vultus\.(\w+)", text, re.MULTILINE))
            assert used <= known | {"errors", "kept", "io", "mesh", "tracking", "download"}, module
