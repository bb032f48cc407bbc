"""People look as they did: pictures that were judged by eye, and a measure that sees what an eye would see.

``python tools/golden.py`` draws the references anew; look at them before you keep them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from likeness import FOLDER, LIMIT, SCENES, SIDE, difference, drawn

from vultus.channels import INDEX
from vultus.io.image import read_image
from vultus.lab.sheets import pose


@cache
def golden(scene: str) -> np.ndarray:
    return read_image(FOLDER / f"{scene}.png")


@pytest.mark.parametrize("scene", SCENES)
def test_people_look_as_they_did(scene: str) -> None:
    assert difference(drawn(scene), golden(scene)) < LIMIT


def test_the_references_are_small_and_complete() -> None:
    files = sorted(FOLDER.iterdir())
    assert [f.stem for f in files] == sorted(SCENES)
    assert sum(f.stat().st_size for f in files) < 300_000
    assert all(golden(scene).shape == (SIDE, SIDE, 3) for scene in SCENES)


def test_the_last_bits_do_not_count() -> None:
    picture = golden("studio").astype(int)
    noise = np.random.default_rng(0).integers(-2, 3, picture.shape)
    assert difference(np.clip(picture + noise, 0, 255).astype(np.uint8), golden("studio")) < 0.4 * LIMIT
    a_tenth = (
        (0.9 * picture + 0.1 * np.roll(picture, 1, axis=1)).round().astype(np.uint8)
    )  # moved by a tenth of a pixel
    assert difference(a_tenth, golden("studio")) < LIMIT


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("another light", {"light": "ring", "place": "paper"}),
        ("another place", {"place": "slate"}),
        ("another person", {"face": "person:12"}),
        ("no hair", {"face": "person:seed=4,hair=bald"}),
        ("darker skin", {"face": "person:seed=4,skin_tone=0.6"}),
        ("an open mouth", {"row": pose({"jawOpen": 0.12})}),
        ("raised brows", {"row": pose({"browInnerUp": 0.6, "browOuterUp": 0.6})}),
        ("closed eyes", {"row": pose({"eyeBlink": 1.0})}),
        ("a smile", {"row": pose({"mouthSmile": 0.5})}),
    ],
)
def test_a_change_that_shows_is_found(what: str, change: dict[str, object]) -> None:
    assert difference(drawn("studio", **change), golden("studio")) > 1.5 * LIMIT, what


def test_a_head_that_turned_is_found() -> None:
    row = pose({}).copy()
    row[INDEX["headRotationY"]] = 0.05
    assert difference(drawn("studio", row=row), golden("studio")) > 1.5 * LIMIT


def test_a_part_that_went_missing_is_found() -> None:
    picture = golden("studio").copy()
    rows = slice(int(0.44 * SIDE), int(0.52 * SIDE))
    picture[rows, int(0.36 * SIDE) : int(0.46 * SIDE)] = picture[int(0.57 * SIDE), int(0.40 * SIDE)]  # an eye
    assert difference(picture, golden("studio")) > 2 * LIMIT
