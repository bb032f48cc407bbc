"""Contact sheets: many small pictures of people in one, to judge a look by eye.

Tiles are independent pictures of the person's own renderer; nothing is drawn over them but a small label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vultus.camera import Camera
from vultus.channels import CHANNELS, EXPRESSION, EYE_LEFT, EYE_RIGHT, HEAD
from vultus.defaults import FACE, LIGHT, Quality, Sheet
from vultus.drivers.articulation import articulate, columns_of
from vultus.drivers.style import express
from vultus.errors import VultusError, unknown
from vultus.heads.person import PersonHead
from vultus.io.image import write_image
from vultus.motion import Motion
from vultus.person.choices import CHOICES
from vultus.person.identity import Identity, parse_identity
from vultus.person.light import RIGS
from vultus.person.places import PLACES
from vultus.person.portrait import framed, framing
from vultus.signals.phones import Phone

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Tiles = Iterator[tuple[str, U8]]
Looks = dict[str, Any]

SIZES: Final = (32, 1024)  # of a tile
PEOPLE: Final = 16

# Emotions with their weights, then controls on top ("mouthSmile" moves both sides).
EXPRESSIONS: Final[dict[str, tuple[dict[str, float], dict[str, float]]]] = {
    "neutral": ({}, {}),
    "smile": ({"happy": 0.8}, {}),
    "laugh": ({"happy": 1.0}, {"jawOpen": 0.42, "mouthUpperUp": 0.35, "mouthLowerDown": 0.2, "eyeSquint": 0.6}),
    "sad": ({"sad": 1.0}, {"eyeLookDown": 0.4}),
    "angry": ({"angry": 1.0}, {}),
    "shout": ({"angry": 1.0}, {"jawOpen": 0.65, "mouthUpperUp": 0.45, "mouthLowerDown": 0.5, "mouthStretch": 0.3}),
    "surprised": ({"surprised": 1.0}, {"jawOpen": 0.3}),
    "fearful": ({"fearful": 1.0}, {"jawOpen": 0.12}),
    "disgusted": ({"disgusted": 1.0}, {}),
    "contempt": ({"contempt": 1.0}, {}),
    "wink": ({"happy": 0.4}, {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6}),
    "eyes closed": ({}, {"eyeBlink": 1.0}),
    "kiss": ({}, {"mouthPucker": 1.0, "mouthFunnel": 0.25}),
    "puffed": ({}, {"cheekPuff": 1.0}),
    "tongue out": ({}, {"jawOpen": 0.35, "tongueOut": 1.0}),
    "looking up": (
        {},
        {"eyeLookUp": 0.6, "eyeLookOutLeft": 0.6, "eyeLookInRight": 0.6, "browInnerUp": 0.35, "browOuterUp": 0.3},
    ),
}
"""Named faces for judging; emotions of :mod:`vultus.drivers.style` with single shapes on top."""

VISEMES: Final = {
    "ah": "ɑ", "ee": "i", "oo": "u", "oh": "ɔ", "m": "m", "f": "f", "th": "θ", "sh": "ʃ",
}  # fmt: skip
"""Mouth shapes of speech by label: the sound in IPA, held for long."""


def sheet(
    kind: Sheet,
    *,
    face: str | None = None,
    size: int = 256,
    quality: Quality = "default",
    light: str = LIGHT,
    place: str | None = None,
    labels: bool = True,
) -> U8:
    """A contact sheet uint8 [H, W, 3] of *kind* with tiles of *size* x *size* pixels, in rows of about the same length.

    ``people``: sixteen seeds, from the seed in *face* on and with the properties it names (``person:age=70``).
    ``expressions``, ``visemes`` (the mouth close up), ``turntable``, ``lights``, ``places`` and ``styles`` (every hair
    and beard): one *face*. ``photo``: a photo that moves, or a drawn person as the photo. *light* and *place* are those
    of every tile, but where the sheet is about them. *labels* writes a tile's name in its corner. Raises VultusError
    for an unknown kind or a size out of 32 to 1024.
    """
    if kind not in _KINDS:
        raise unknown("sheet", str(kind), _KINDS)
    if not SIZES[0] <= size <= SIZES[1]:
        raise VultusError(f"A tile cannot be {size} pixels wide", f"Give a --size in {SIZES[0]}–{SIZES[1]}")
    make, columns = _KINDS[kind]
    looks: Looks = {"size": (size, size), "quality": quality, "light": light, "place": place}
    tiles = [labelled(tile, name) if labels else tile for name, tile in make(face, looks)]
    return grid(tiles, columns)


def write(kind: Sheet, out: str | Path, **options: Any) -> Path:
    """Write :func:`sheet` as a picture file (.png, .jpg, .webp); returns its path."""
    path = Path(out)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise VultusError(f"A sheet is a picture, and {path} is not the name of one", "Give --out sheet.png")
    write_image(path, sheet(kind, **options))
    return path


def pose(controls: dict[str, float], emotions: dict[str, float] | None = None) -> F32:
    """One frame [69] of a face: *emotions* by weight, then *controls* where they are larger."""
    data = np.array(express(np.zeros((1, len(CHANNELS))), emotions or {}, 1.0))
    for name, value in controls.items():
        for column in columns_of(name):
            data[:, column] = np.maximum(data[:, column], value)
    return Motion.of(30, clamp=True, expression=data[:, EXPRESSION]).data[0]  # the eyes follow the eyeLook shapes


def viseme(ipa: str) -> F32:
    """The frame [69] of a sound that is held for half a second."""
    return articulate([Phone(0.0, 0.5, ipa)], [0.25]).data[0]


def _people(face: str | None, looks: Looks) -> Tiles:
    kind, _, body = (face or "person:0").partition(":")
    items = [item.strip() for item in body.split(",") if item.strip()]
    first = parse_identity(face or "person:0").seed
    kept = [item for item in items if "=" in item and not item.startswith("seed")]
    for seed in range(first, first + PEOPLE):
        text = f"{kind}:" + ",".join([*kept, f"seed={seed}"])
        yield str(seed), PersonHead(text, **looks).frame(pose({}))


def _frames(identity: Identity, rows: dict[str, F32], looks: Looks) -> Tiles:
    motion = Motion(np.stack(list(rows.values())), Fraction(30))
    yield from zip(rows, PersonHead(identity, **looks).frames([motion]), strict=True)


def _expressions(face: str | None, looks: Looks) -> Tiles:
    identity = parse_identity(face or FACE)
    rows = {name: pose(controls, emotions) for name, (emotions, controls) in EXPRESSIONS.items()}
    yield from _frames(identity, rows, looks | {"camera": _closer(identity, "noseTip", 0.72)})


def _visemes(face: str | None, looks: Looks) -> Tiles:
    identity = parse_identity(face or FACE)
    rows = {name: viseme(ipa) for name, ipa in VISEMES.items()}
    yield from _frames(identity, rows, looks | {"camera": _closer(identity, "lipInnerUpper", 0.3)})


def _closer(identity: Identity, landmark: str, share: float) -> Camera:
    """The default camera turned to a landmark, showing *share* of its height."""
    mesh = PersonHead(identity).coarse
    camera = framing(mesh)
    target = mesh.neutral[mesh.landmark(landmark)].astype(np.float64)
    closer = Camera.look_at([0.0, target[1], camera.position[2]], target * [0, 1, 1], size=(512, 512))
    return replace(closer, focal=(camera.focal[0] / share, camera.focal[1] / share))


def _turntable(face: str | None, looks: Looks) -> Tiles:
    identity = parse_identity(face or FACE)
    front = framed(identity)
    eye, row = front.position, pose({})
    pivot = np.array([0.0, eye[1], 0.02])
    for degrees in range(0, 360, 30):
        turn = np.radians(degrees)
        away = np.linalg.norm(eye - pivot) * np.array([np.sin(turn), 0.0, np.cos(turn)])
        camera = replace(Camera.look_at(pivot + away, pivot, size=(512, 512)), focal=front.focal)
        yield f"{degrees}°", PersonHead(identity, **looks, camera=camera).frame(row)


def _lights(face: str | None, looks: Looks) -> Tiles:
    """Every rig on the face, and on the same face with the skin at the other end of the scale."""
    identity = parse_identity(face or FACE)
    other = identity.replace(skin_tone=0.9 if identity.skin_tone < 0.5 else 0.08)
    for name in RIGS:
        for who in (identity, other):
            yield name, PersonHead(who, **(looks | {"light": name})).frame(pose({}))


def _places(face: str | None, looks: Looks) -> Tiles:
    identity = parse_identity(face or FACE)
    for name in PLACES:
        rig = next((rig for rig in RIGS if RIGS[rig].place == name), looks["light"])
        yield name, PersonHead(identity, **(looks | {"place": name, "light": rig})).frame(pose({}))


_MODEL: Final = "person:seed=4,age=26,hair_colour=dark,beard=none,glasses=none"
"""Who shows the styles: dark hair on a young face shows their shapes best."""


def _styles(face: str | None, looks: Looks) -> Tiles:
    """Every choice of hair, beard and the like that an identity has, one at a time; on a young person by default."""
    identity = parse_identity(face or _MODEL)
    for field in CHOICES:
        if not field.endswith("colour"):
            for name in CHOICES[field]:
                yield f"{field} {name}", PersonHead(identity.replace(**{field: name}), **looks).frame(pose({}))


MOVES: Final[dict[str, dict[str, float]]] = {
    "the photo": {}, "ah": {"jawOpen": 0.45, "mouthLowerDown": 0.2}, "oo": {"mouthPucker": 0.7, "jawOpen": 0.08},
    "oh": {"mouthFunnel": 0.6, "jawOpen": 0.25}, "ee": {"mouthStretch": 0.45, "jawOpen": 0.12},
    "f": {"mouthRollLower": 0.6, "mouthUpperUp": 0.3}, "m": {"mouthPress": 0.4}, "smile": {"mouthSmile": 0.8},
    "blink": {"eyeBlink": 1.0}, "brows up": {"browInnerUp": 0.8, "browOuterUp": 0.7}, "brows down": {"browDown": 0.9},
    "gaze": {"gaze": 17.0}, "yaw 18": {"yaw": 18.0}, "yaw -18": {"yaw": -18.0}, "pitch 10": {"pitch": 10.0},
    "roll -12": {"roll": -12.0, "jawOpen": 0.2},
}  # fmt: skip
"""What the sheet of a photo shows: shapes as in ``EXPRESSIONS``, and degrees."""


def moved(values: dict[str, float]) -> F32:
    """The frame [69] of shapes, and of ``yaw``, ``pitch``, ``roll`` and ``gaze`` (to the person's left) in degrees."""
    turns = ("pitch", "yaw", "roll")
    row = pose({name: value for name, value in values.items() if name not in (*turns, "gaze")}).copy()
    for name, value in values.items():
        if name in turns:
            row[HEAD.start + turns.index(name)] = np.radians(value)
        elif name == "gaze":
            row[[EYE_LEFT.start + 1, EYE_RIGHT.start + 1]] = np.radians(value)
    return row


def _photo(face: str | None, looks: Looks) -> Tiles:
    from vultus.heads.photo import PhotoHead
    from vultus.looks import PHOTOS

    if face is not None and Path(face).suffix.lower() in PHOTOS:
        head = PhotoHead(face, size=looks["size"])
    else:
        head = PhotoHead(PersonHead(face or FACE, **looks).frame(pose({})).copy(), size=looks["size"])
    motion = Motion(np.stack([moved(values) for values in MOVES.values()]), Fraction(30))
    yield from zip(MOVES, head.frames([motion]), strict=True)


_KINDS: Final[dict[str, tuple[Callable[[str | None, Looks], Tiles], int]]] = {
    "people": (_people, 4), "expressions": (_expressions, 4), "visemes": (_visemes, 4), "lights": (_lights, 4),
    "places": (_places, 4), "turntable": (_turntable, 4), "styles": (_styles, 6),
    "photo": (_photo, 4),
}  # fmt: skip


def labelled(tile: U8, text: str) -> U8:
    """*tile* with a small name in its lower left corner."""
    image = Image.fromarray(tile)
    font = ImageFont.load_default(max(9, tile.shape[0] // 20))
    place = (tile.shape[0] // 48 + 2, tile.shape[0] - tile.shape[0] // 15 - 8)
    ImageDraw.Draw(image).text(place, text, (250, 250, 250), font, stroke_width=1, stroke_fill=(40, 40, 40))
    return np.asarray(image)


def grid(tiles: list[U8], columns: int) -> U8:
    """Tiles of one size in rows; what the last row lacks is dark."""
    blank = np.full_like(tiles[0], 24)
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    return np.concatenate([np.concatenate([*row, *[blank] * (columns - len(row))][:columns], 1) for row in rows])
