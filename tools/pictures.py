"""Make the pictures of the documentation: ``python tools/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vultus.drivers.style import express
from vultus.heads.person import PersonHead
from vultus.io.image import write_image
from vultus.motion import Motion

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PEOPLE = ("person:11", "person:7", "person:3", "person:23")
MOUTHS: dict[str, dict[str, float]] = {
    "happy": {"jawOpen": 0.22, "mouthUpperUpLeft": 0.3, "mouthUpperUpRight": 0.3, "mouthLowerDownLeft": 0.3,
              "mouthLowerDownRight": 0.3},
    "surprised": {"jawOpen": 0.3, "mouthFunnel": 0.3},
    "angry": {"mouthStretchLeft": 0.3, "mouthStretchRight": 0.3, "mouthLowerDownLeft": 0.4,
              "mouthLowerDownRight": 0.4, "jawOpen": 0.08},
    "sad": {},
}  # fmt: skip
TURNS = (0.22, -0.15, 0.1, -0.25)


def hero() -> None:
    """Four people in four emotions, in the middle of a word."""
    tiles = []
    for person, (emotion, mouth), turn in zip(PEOPLE, MOUTHS.items(), TURNS, strict=True):
        still = Motion.of(30, head=[[0.03, turn, 0.02]], eye_left=[[0, -turn * 0.8, 0]], eye_right=[[0, -turn * 0.8, 0]])
        data = express(still.data, {emotion: 0.8}, np.ones(1))
        posed = Motion.of(30, clamp=True, expression=data[:, :52], head=still.head, eye_left=still.eye_left,
                          eye_right=still.eye_right)  # fmt: skip
        posed = Motion.of(30, clamp=True, expression=_with(posed.expression, mouth), head=still.head,
                          eye_left=still.eye_left, eye_right=still.eye_right)  # fmt: skip
        tiles.append(next(PersonHead(person, size=(384, 448), quality="film").frames([posed])))
    write_image(FOLDER / "hero.png", np.concatenate(tiles, axis=1))


def _with(expression: np.ndarray, values: dict[str, float]) -> np.ndarray:
    from vultus.channels import INDEX

    out = expression.copy()
    for name, value in values.items():
        out[:, INDEX[name]] = np.maximum(out[:, INDEX[name]], value)
    return out


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    hero()
