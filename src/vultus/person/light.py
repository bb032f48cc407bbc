"""Light rigs: who lights the face, from where, how softly, and what an eye mirrors of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError, unknown
from vultus.person.jit import part

F32 = NDArray[np.float32]
Triple = tuple[float, float, float]
Shape = Literal["round", "screen", "panes", "ring"]

SHAPES: Final = ("round", "screen", "panes", "ring")
"""What a lamp looks like in the mirror of an eye: a softbox, a lit rectangle, a window of six panes, a ring."""


@dataclass(frozen=True)
class Lamp:
    """A distant light: *direction* from the face towards it (any length above 0), linear RGB *colour* and *size*.

    *size* is the lamp's radius over its distance, in [0, 1]: 0 is a point, 0.25 a softbox of one metre at two.
    """

    direction: Triple
    colour: Triple
    size: float = 0.1

    def __post_init__(self) -> None:
        if sum(d * d for d in self.direction) < 1e-12 or min(self.colour) < 0:
            raise VultusError("A lamp needs a direction and a colour that is not negative")
        if not 0 <= self.size <= 1:
            raise VultusError(f"A lamp's size is {self.size}", "Give its radius over its distance, from 0 to 1")


@dataclass(frozen=True)
class Mirrored:
    """How the key lamp looks in the mirror of an eye: a *shape*, its half *width* and *height* over its distance."""

    shape: Shape = "round"
    width: float = 0.25
    height: float = 0.25

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise unknown("shape of a lamp", str(self.shape), SHAPES)
        if not (0 < self.width <= 2 and 0 < self.height <= 2):
            raise VultusError("A mirrored lamp is 0 to 2 wide and high")


@dataclass(frozen=True)
class LightRig:
    """Three lamps and the light of the surroundings, all in linear RGB where 1 is a white sheet of paper.

    Directions are in the world's axes (x to the person's left, y up, z to the front). Only *key* casts shadows.
    Surroundings: *sky* comes from above, *ground* from below; *front* and *left* are added where a surface faces front
    or the person's left, and taken away where it faces the other way. *exposure* multiplies everything but the place
    behind the person; *place* is the one that goes with the rig (:mod:`vultus.person.places`).
    """

    key: Lamp = Lamp((-0.62, 0.52, 0.74), (1.48, 1.41, 1.31), 0.26)
    fill: Lamp = Lamp((0.9, 0.08, 0.6), (0.20, 0.212, 0.23), 0.45)
    rim: Lamp = Lamp((0.62, 0.35, -0.8), (0.80, 0.82, 0.88), 0.15)
    sky: Triple = (0.31, 0.315, 0.335)
    ground: Triple = (0.17, 0.152, 0.138)
    front: Triple = (0.03, 0.03, 0.03)
    left: Triple = (0.0, 0.0, 0.0)
    mirrored: Mirrored = Mirrored("round", 0.26, 0.26)
    exposure: float = 1.0
    place: str = "paper"


RIGS: Final[dict[str, LightRig]] = {
    # A one-metre octagon from above, a white board against its shadow, a strip behind for the hair.
    "studio": LightRig(),
    # Daylight from a tall window at the side; the room gives back a little of it, warmer.
    "window": LightRig(
        key=Lamp((-0.86, 0.28, 0.58), (1.42, 1.50, 1.62), 0.42),
        fill=Lamp((0.9, 0.0, 0.5), (0.17, 0.155, 0.135), 0.6),
        rim=Lamp((0.5, 0.5, -0.75), (0.30, 0.28, 0.25), 0.3),
        sky=(0.26, 0.26, 0.265),
        ground=(0.21, 0.175, 0.14),
        front=(0.05, 0.047, 0.043),
        left=(-0.05, -0.055, -0.065),
        mirrored=Mirrored("panes", 0.34, 0.52),
        exposure=1.04,
        place="room",
    ),
    # Panels in the ceiling, white walls, and daylight from a window behind.
    "office": LightRig(
        key=Lamp((0.25, 0.75, 0.70), (0.92, 0.95, 0.92), 0.5),
        fill=Lamp((-0.35, 0.1, 0.95), (0.34, 0.35, 0.36), 0.6),
        rim=Lamp((-0.8, 0.35, -0.55), (0.55, 0.62, 0.72), 0.3),
        sky=(0.46, 0.47, 0.465),
        ground=(0.30, 0.285, 0.265),
        front=(0.07, 0.07, 0.07),
        mirrored=Mirrored("screen", 0.55, 0.16),
        exposure=1.04,
        place="office",
    ),
    # Under trees on a grey day: light from the whole sky, green from the meadow.
    "overcast": LightRig(
        key=Lamp((-0.2, 0.85, 0.5), (0.74, 0.77, 0.80), 0.7),
        fill=Lamp((0.4, 0.35, 0.85), (0.34, 0.36, 0.37), 0.8),
        rim=Lamp((0.3, 0.55, -0.8), (0.50, 0.54, 0.56), 0.4),
        sky=(0.60, 0.63, 0.66),
        ground=(0.20, 0.22, 0.15),
        front=(0.08, 0.08, 0.08),
        mirrored=Mirrored("round", 0.7, 0.5),
        exposure=1.08,
        place="park",
    ),
    # A low sun through haze from the side, the blue of the other half of the sky against it.
    "sunset": LightRig(
        key=Lamp((0.80, 0.26, 0.58), (1.78, 1.16, 0.66), 0.09),
        fill=Lamp((-0.75, 0.35, 0.6), (0.25, 0.29, 0.36), 0.8),
        rim=Lamp((-0.72, 0.22, -0.72), (0.95, 0.58, 0.30), 0.12),
        sky=(0.24, 0.265, 0.335),
        ground=(0.22, 0.155, 0.105),
        front=(0.03, 0.025, 0.02),
        left=(0.06, 0.03, 0.0),
        mirrored=Mirrored("round", 0.17, 0.17),
        exposure=1.08,
        place="dusk",
    ),
    # A spot from the balcony, coloured light from the wings.
    "stage": LightRig(
        key=Lamp((-0.34, 0.62, 0.84), (1.72, 1.60, 1.42), 0.07),
        fill=Lamp((0.95, 0.05, 0.35), (0.16, 0.25, 0.60), 0.25),
        rim=Lamp((-0.66, 0.35, -0.72), (1.45, 0.34, 0.82), 0.15),
        sky=(0.11, 0.105, 0.135),
        ground=(0.085, 0.07, 0.085),
        front=(0.03, 0.03, 0.035),
        left=(-0.015, 0.0, 0.05),
        mirrored=Mirrored("round", 0.16, 0.16),
        exposure=1.08,
        place="stage",
    ),
    # A screen in front of the face, a warm lamp in the room at night.
    "webcam": LightRig(
        key=Lamp((0.10, 0.06, 1.0), (0.74, 0.80, 0.90), 0.32),
        fill=Lamp((0.72, 0.55, 0.42), (0.56, 0.44, 0.30), 0.25),
        rim=Lamp((-0.7, 0.35, -0.65), (0.62, 0.43, 0.24), 0.2),
        sky=(0.27, 0.245, 0.215),
        ground=(0.16, 0.155, 0.16),
        front=(0.06, 0.065, 0.075),
        left=(0.03, 0.022, 0.01),
        mirrored=Mirrored("screen", 0.36, 0.22),
        exposure=1.08,
        place="books",
    ),
    # A ring around the lens: hardly a shadow, bright rings in the eyes.
    "ring": LightRig(
        key=Lamp((0.0, 0.10, 1.0), (0.98, 0.96, 0.93), 0.30),
        fill=Lamp((0.0, -0.5, 0.85), (0.24, 0.235, 0.23), 0.5),
        rim=Lamp((-0.6, 0.4, -0.75), (0.65, 0.66, 0.72), 0.2),
        sky=(0.34, 0.34, 0.355),
        ground=(0.26, 0.245, 0.235),
        front=(0.06, 0.06, 0.06),
        mirrored=Mirrored("ring", 0.30, 0.30),
        exposure=1.04,
        place="clay",
    ),
}
"""The rigs that can be asked for by name."""

SKY, GROUND, LEFT, FRONT = 3, 4, 5, 6
"""Rows of :func:`light_rows` after the three lamps; their colours are the surroundings."""

_METER: Final = (0.20, 0.28)  # the skin that a rig is set for, and how much of the difference the photographer follows


def rig(name: str) -> LightRig:
    """The rig called *name*; raises VultusError with the nearest name when there is none."""
    if name not in RIGS:
        raise unknown("light rig", name, RIGS)
    return RIGS[name]


def metered(albedo: float) -> float:
    """The factor on the exposure for a skin of mean linear *albedo*, in [0.7, 1.6].

    Who photographs a dark face opens the lens a little, and closes it for a pale one, but not by all of the
    difference: skins keep their order.
    """
    middle, share = _METER
    return float(np.clip((middle / max(albedo, 1e-3)) ** share, 0.7, 1.6))


def light_rows(rig: LightRig, albedo: float = _METER[0]) -> F32:
    """The rig for the kernels, float32 [7, 6], exposed for a skin of mean linear *albedo*.

    Rows 0 to 2, key, fill and rim: unit direction [3] and colour [3]. Rows 3 to 6, sky, ground, left and front: the
    colours in the last three columns. The first three columns of row 3 are the sizes of the lamps, of row 4 the shape
    (index into SHAPES), half width and half height of the mirrored key, of rows 5 and 6 the unit axes of its width
    and its height.
    """
    rows = np.zeros((7, 6), np.float32)
    gain = rig.exposure * metered(albedo)
    for i, lamp in enumerate((rig.key, rig.fill, rig.rim)):
        direction = np.array(lamp.direction)
        rows[i] = [*(direction / np.linalg.norm(direction)), *(gain * np.array(lamp.colour))]
        rows[SKY, i] = lamp.size
    for row, colour in ((SKY, rig.sky), (GROUND, rig.ground), (LEFT, rig.left), (FRONT, rig.front)):
        rows[row, 3:] = gain * np.array(colour)
    rows[GROUND, :3] = SHAPES.index(rig.mirrored.shape), rig.mirrored.width, rig.mirrored.height
    key = rows[0, :3].astype(np.float64)
    across = np.cross([0, 1, 0], key) if abs(key[1]) < 0.99 else np.array([1.0, 0, 0])
    across /= np.linalg.norm(across)
    rows[LEFT, :3], rows[FRONT, :3] = across, np.cross(key, across)
    return rows


RED, GREEN, BLUE = np.int64(0), np.int64(1), np.int64(2)
"""Channels of colour, for kernels."""


@part
def surroundings(light: np.ndarray, c: int, x: float, y: float, z: float) -> np.float32:
    """Light of the surroundings in channel *c* (RED, GREEN or BLUE) on a surface with the unit normal (x, y, z)."""
    c += 3
    half = np.float32(0.5)
    value = half * (light[3, c] + light[4, c]) + half * y * (light[3, c] - light[4, c])
    return max(np.float32(0.0), value + x * light[5, c] + z * light[6, c])


@part
def soft_step(x: float, edge: float) -> np.float32:
    """1 for *x* under 0, 0 over *edge*, smooth between."""
    t = np.float32(min(max(x / edge, 0.0), 1.0))
    return np.float32(1.0) - t * t * (np.float32(3.0) - np.float32(2.0) * t)


@part
def in_the_eye(light: np.ndarray, x: float, y: float, z: float, blur: float) -> np.float32:
    """How much of the key lamp, in [0, 1], a mirror sees that reflects the view into the unit direction (x, y, z).

    *blur* is the width of the edges in the same units as the lamp's half width; window panes are 2 x 3 with bars
    between them.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    towards = x * light[0, 0] + y * light[0, 1] + z * light[0, 2]
    if towards <= np.float32(0.05):
        return zero
    r = one / towards
    u = r * (x * light[5, 0] + y * light[5, 1] + z * light[5, 2])
    v = r * (x * light[6, 0] + y * light[6, 1] + z * light[6, 2])
    shape, w, h = light[4, 0], light[4, 1], light[4, 2]
    if shape == 0 or shape == 3:
        far = np.sqrt((u / w) * (u / w) + (v / h) * (v / h))
        value = soft_step((far - one) * w + np.float32(0.5) * blur, blur)
        if shape == 3:
            value *= one - soft_step((far - np.float32(0.62)) * w + np.float32(0.5) * blur, blur)
        return value
    value = soft_step(abs(u) - w + np.float32(0.5) * blur, blur) * soft_step(abs(v) - h + np.float32(0.5) * blur, blur)
    if shape == 2:
        bar = np.float32(0.07) * w
        third = np.float32(1.0 / 3.0) * h
        value *= one - soft_step(abs(u) - bar, blur)
        value *= one - soft_step(abs(abs(v) - third) - bar, blur)
    return value
