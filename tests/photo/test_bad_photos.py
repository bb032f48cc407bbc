"""Photos with many faces, with animals, and with nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from tests.conftest import asset

from vultus.cli import main
from vultus.observers.fit import fit_faces
from vultus.photo import file, find

Size = tuple[int, int]
SIZE: Size = (320, 240)


def cat() -> Image.Image:
    picture = Image.new("RGB", SIZE, (120, 150, 110))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((80, 60, 240, 210), fill=(214, 140, 70))
    for x in (95, 185):
        pen.polygon([(x, 95), (x + 15, 25), (x + 45, 75)], fill=(196, 120, 60))
        pen.ellipse((x + 8, 110, x + 40, 136), fill=(180, 210, 80))
        pen.ellipse((x + 21, 108, x + 27, 138), fill=(15, 15, 10))
    pen.polygon([(150, 158), (170, 158), (160, 170)], fill=(200, 110, 110))
    for y in (165, 175, 185):
        pen.line((30, y - 10, 140, y), fill=(250, 250, 240))
        pen.line((290, y - 10, 180, y), fill=(250, 250, 240))
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def dog() -> Image.Image:
    picture = Image.new("RGB", SIZE, (190, 200, 215))
    pen = ImageDraw.Draw(picture)
    for x in (60, 210):
        pen.ellipse((x, 60, x + 50, 190), fill=(70, 45, 30))
    pen.ellipse((85, 40, 235, 190), fill=(150, 105, 65))
    pen.ellipse((115, 115, 205, 225), fill=(225, 205, 175))
    for x in (118, 180):
        pen.ellipse((x, 90, x + 22, 112), fill=(25, 15, 10))
    pen.ellipse((138, 128, 182, 160), fill=(20, 18, 18))
    pen.line((160, 160, 160, 185), fill=(60, 30, 30), width=3)
    pen.chord((140, 175, 180, 222), 0, 180, fill=(220, 100, 110))
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def fish() -> Image.Image:
    picture = Image.new("RGB", SIZE, (40, 110, 150))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((60, 70, 250, 180), fill=(240, 150, 40))
    pen.polygon([(240, 125), (310, 70), (310, 180)], fill=(230, 120, 30))
    pen.ellipse((88, 100, 112, 124), fill=(250, 250, 250))
    pen.ellipse((95, 106, 106, 118), fill=(0, 0, 0))
    return picture


def page() -> Image.Image:
    picture = Image.new("RGB", SIZE, (248, 246, 240))
    pen = ImageDraw.Draw(picture)
    for y in range(16, 230, 14):
        pen.text((14, y), "There is nobody on this page, only letters.", fill=(20, 20, 20))
    return picture


@pytest.mark.parametrize("draw", [cat, dog, fish, page])
def test_animals_and_things_are_no_faces(draw, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asset("face_landmarker")
    draw().save(tmp_path / "a.png")
    assert main(["face", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.face")]) == 2
    told = capfd.readouterr().err.strip().splitlines()[-1]
    assert "No face was found" in told
    assert not (tmp_path / "a.face").exists()


def test_a_covered_face_is_no_face(portrait: NDArray[np.uint8], tmp_path: Path, capfd) -> None:
    covered = portrait.copy()
    (face,) = find.faces(portrait)
    left, top, right, bottom = (int(v) for v in face.box)
    covered[top : bottom - 4, left - 10 : right + 10] = (60, 90, 120)
    Image.fromarray(covered).save(tmp_path / "a.png")
    assert main(["face", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.face")]) == 2
    assert "No face was found" in capfd.readouterr().err
    assert not (tmp_path / "a.face").exists()


def test_twenty_faces_in_one_photo(portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    small = np.array(Image.fromarray(portrait).resize((150, 150)))
    group = np.full((760, 1000, 3), 150, np.uint8)
    for i in range(20):
        y, x = 20 + 185 * (i // 5), 20 + 195 * (i % 5)
        group[y : y + 150, x : x + 150] = small
    size = (1000, 760)
    found = find.faces(group)
    assert len(found) == 20
    assert find.chosen(found, "all", size) == list(range(20))
    columns = [(face.box[0] + face.box[2]) / 2 for face in found]
    assert columns == sorted(columns)
    assert find.chosen(found, "20", size) == [19]
    # One of them alone is fitted where it is, and kept.
    (fit,) = fit_faces([found[19]], size)
    assert fit.landmarks[:, 0].min() > 800
    file.write(tmp_path / "a.face", file.FittedPhoto(group, (fit,), 0))
    assert len(file.read(tmp_path / "a.face").faces) == 1
