"""VoxCeleb as it is prepared for reenactment, on folders made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vultus.datasets import voxceleb
from vultus.datasets.pairs import Pairs
from vultus.errors import VultusError
from vultus.io.image import write_image

NAMES = ("id10001#7w0IBEWc9Qw#000993#001143.mp4", "id10002#0_laIeN-Q44#001#002.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        place = tmp_path / "train" / name
        place.mkdir(parents=True)
        for frame in range(3):
            picture = np.full((16, 16, 3), 50 * number + 10 * frame, np.uint8)
            write_image(place / f"{frame:07d}.png", picture)
    (tmp_path / "train" / "empty").mkdir()
    (tmp_path / "train" / ".hidden.mp4").write_bytes(b"")
    return tmp_path


def test_clips_come_by_name_with_their_speaker(folder: Path) -> None:
    clips = voxceleb.read(folder)
    assert [clip.name for clip in clips] == [name.removesuffix(".mp4") for name in NAMES]
    first = clips[0]
    assert (first.identity, first.labels["video"]) == ("id10001", "7w0IBEWc9Qw")
    assert first.view().stack("frames")[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert len(clips[1:]) == 1
    assert clips.named(NAMES[1]).name == clips[1].name
    with pytest.raises(VultusError, match="clip"):
        clips.named("id10003")


def test_pairs_are_drawn_from_them(folder: Path) -> None:
    batch = Pairs(voxceleb.read(folder), 8).batch(0, 2, 0)
    assert batch["source"].shape == (2, 3, 8, 8)


def test_a_clip_may_be_a_film(folder: Path) -> None:
    from vultus.io.video import VideoWriter

    with VideoWriter(folder / "train" / "id3#v#1#2.mp4", size=(32, 32), fps=25) as film:
        for grey in (0, 80, 160):
            film.write(np.full((32, 32, 3), grey, np.uint8))
    clip = voxceleb.read(folder).named("id3#v#1#2.mp4")
    assert len(clip.view()) == 3
    np.testing.assert_allclose(clip.view().stack("frames", 1, 3)[:, 16, 16, 0], [80, 160], atol=8)


def test_what_is_no_such_folder_is_told(folder: Path) -> None:
    with pytest.raises(VultusError, match="no folder test"):
        voxceleb.read(folder, "test")
    (folder / "test").mkdir()
    with pytest.raises(VultusError, match="no clip"):
        voxceleb.read(folder, "test")
    with pytest.raises(VultusError, match="train"):
        voxceleb.read(folder, "trian")  # type: ignore[arg-type]
    write_image(folder / "train" / NAMES[0] / "0000001.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(VultusError, match="another size"):
        voxceleb.read(folder)[0].view().stack("frames")


def test_lists_of_pairs(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("distance,source,driving,best_frame\n0.1,a.mp4,b.mp4,7\n0.2,c.mp4,d.mp4,\n")
    assert voxceleb.pairs(file) == (voxceleb.Pair("a.mp4", "b.mp4", 7), voxceleb.Pair("c.mp4", "d.mp4"))
    for text, says in (
        ("source,driving\n", "no pair"),
        ("a,b\n1,2\n", "Line 2"),
        ("source,driving,best_frame\na,b,x", "Line 2"),
    ):
        file.write_text(text)
        with pytest.raises(VultusError, match=says):
            voxceleb.pairs(file)
    with pytest.raises(VultusError, match="cannot be read"):
        voxceleb.pairs(tmp_path / "none.csv")
