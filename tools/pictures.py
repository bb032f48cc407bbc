"""Make the pictures of the documentation: ``python tools/pictures.py [hero|people|lights|…]``, all unless named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vultus.channels import INDEX
from vultus.drivers.style import express
from vultus.heads.person import PersonHead
from vultus.io.image import write_image
from vultus.lab import sheets
from vultus.motion import Motion
from vultus.observers.watch import Watched

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
BARED = {"mouthUpperUpLeft": 0.3, "mouthUpperUpRight": 0.3, "mouthLowerDownLeft": 0.35, "mouthLowerDownRight": 0.35}
STRETCHED = {"mouthStretchLeft": 0.3, "mouthStretchRight": 0.3}
# Who, in which emotion, in the middle of which mouth shape, turned how far (rad).
CAST: tuple[tuple[str, str, dict[str, float], float], ...] = (
    ("person:14", "happy", {"jawOpen": 0.2, **BARED}, 0.25),
    ("person:13", "neutral", {"jawOpen": 0.12, "mouthFunnel": 0.4, "mouthPucker": 0.3}, -0.12),
    ("person:7", "surprised", {"jawOpen": 0.3}, 0.1),
    ("person:0", "angry", {"jawOpen": 0.08, **STRETCHED, **BARED}, -0.28),
)


def hero() -> None:
    """Four people in four moods, in the middle of a word."""
    tiles = []
    for person, emotion, mouth, turn in CAST:
        eyes = np.array([[0.0, -0.85 * turn, 0.0]], np.float32)
        head = np.array([[0.03, turn, 0.02]], np.float32)
        data = Motion.of(30, head=head, eye_left=eyes, eye_right=eyes).data
        data = np.array(express(data, {} if emotion == "neutral" else {emotion: 0.8}, np.ones(1)))
        for name, value in mouth.items():
            data[:, INDEX[name]] = np.maximum(data[:, INDEX[name]], value)
        motion = Motion.of(30, clamp=True, expression=data[:, :52], head=head, eye_left=eyes, eye_right=eyes)
        tiles.append(next(PersonHead(person, size=(384, 448), quality="film").frames([motion])))
    write_image(FOLDER / "hero.png", np.concatenate(tiles, axis=1))


# Sheets with the sizes of their tiles: small enough that no file is over LARGEST.
SHEETS = {
    "people": 176, "expressions": 176, "visemes": 224, "lights": 176, "places": 176, "turntable": 176, "styles": 120,
    "photo": 176,
}  # fmt: skip
LARGEST = 600_000


def contact_sheet(kind: str) -> None:
    """One contact sheet; raises OSError when its file is too large for the documentation."""
    path = sheets.write(kind, FOLDER / f"{kind}.png", size=SHEETS[kind])
    if path.stat().st_size > LARGEST:
        raise OSError(f"{path} has {path.stat().st_size} bytes; make its tiles smaller")


def tracking() -> None:
    """Someone does exercises, what the tracker sees of it, and somebody else who does what it read."""
    from vultus.lab.track_figures import exercise
    from vultus.observers.overlay import draw
    from vultus.observers.tracker import Tracker
    from vultus.observers.watch import observe

    truth = exercise(3, 6.0)
    turned = np.abs(truth.head[:, 1])
    told = [truth["mouthSmileLeft"] - 0.5 * truth["jawOpen"], truth["jawOpen"], truth["eyeBlinkLeft"], turned]
    told += [truth["browInnerUp"] - 0.5 * truth["eyeBlinkLeft"]]
    shown = sorted(int(np.argmax(values)) for values in told)
    tracker, kept = Tracker(), {}

    def each(number: int, picture: NDArray[np.uint8], watched: list[Watched]) -> None:
        if number in shown:
            kept[number] = draw(picture, watched, tracker.edges)

    size = (256, 256)
    seen = observe(PersonHead("person:7", size=size).frames([truth]), truth.fps, tracker=tracker, each=each)
    motion = seen.takes[0].motion(seen.frames, seen.fps)
    other = PersonHead("person:14", size=size)
    rows = [[kept[i] for i in shown], [next(other.frames([motion[i]])).copy() for i in shown]]
    write_image(FOLDER / "tracking.webp", np.concatenate([np.concatenate(row, axis=1) for row in rows]))


def photos() -> None:
    """Real photos, a painting and drawn people, moved."""
    from vultus.lab.photo_sheet import sheet

    write_image(FOLDER / "photos.webp", sheet(160))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or ["hero", "tracking", "photos", *SHEETS]:
        {"hero": hero, "tracking": tracking, "photos": photos}.get(name, lambda name=name: contact_sheet(name))()
