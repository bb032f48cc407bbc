"""Which faces the command line knows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vultus import cli
from vultus.errors import VultusError
from vultus.io.image import write_image
from vultus.looks import Look


def test_photos_are_told_from_people() -> None:
    assert Look("me.JPG").photo
    assert Look("somebody.face").photo
    assert Look("phone.heic").photo
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
    # What phones and browsers save is told by its name, and a photo that nobody could hold in memory by its size.
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    for name, told in (("phone.heic", "HEIC"), ("huge.png", "64 million"), ("cut.jpg", "cut.jpg")):
        assert cli.main(["face", str(tmp_path / name), "--out", str(tmp_path / "x.face")]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "x.face").exists()
    out = tmp_path / "x.mp4"
    assert cli.main(["animate", "--text", "Hi", "--face", str(tmp_path / "old.face"), "--out", str(out)]) == 2
    assert not out.exists()
    assert cli.main(["animate", "--text", "Hi", "--face", str(tmp_path / "noise.png"), "--out", "x.glb"]) == 2
