"""Which faces the command line knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vultus import cli
from vultus.errors import VultusError
from vultus.io.image import write_image
from vultus.looks import Look


def test_photos_are_told_from_people() -> None:
    assert Look("me.JPG").photo
    assert Look("somebody.face").photo
    assert not Look("person:3").photo
    Look("person:3").check()


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (Look("nobody.png"), "nobody.png"), (Look("person:3", speaker="2"), "for photos"),
        (Look("person:3", full=True), "for photos"), (Look("me.txt"), "no picture"), (Look("me"), "not a person"),
    ],
)  # fmt: skip
def test_faces_that_cannot_be_drawn_are_told_before_the_work(look: Look, told: str) -> None:
    with pytest.raises(VultusError, match=told):
        look.check()


def test_bad_photos_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3)).astype(np.uint8)
    write_image(tmp_path / "noise.png", noise)
    write_image(tmp_path / "dot.png", noise[:1, :1])
    (tmp_path / "text.jpg").write_bytes(b"hello")
    (tmp_path / "old.face").write_bytes(b"PK")
    for name in ("noise.png", "dot.png", "text.jpg", "missing.png"):
        assert cli.main(["face", str(tmp_path / name)]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    out = tmp_path / "x.mp4"
    assert cli.main(["animate", "--text", "Hi", "--face", str(tmp_path / "old.face"), "--out", str(out)]) == 2
    assert not out.exists()
    assert cli.main(["animate", "--text", "Hi", "--face", str(tmp_path / "noise.png"), "--out", "x.glb"]) == 2
