"""Light rigs: who lights the face from where, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass

from vultus.errors import VultusError, unknown

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A distant light: *direction* from the face towards it (any length above 0) and linear RGB *colour*."""

    direction: Triple
    colour: Triple

    def __post_init__(self) -> None:
        if sum(d * d for d in self.direction) < 1e-12 or min(self.colour) < 0:
            raise VultusError("A lamp needs a direction and a colour that is not negative")


@dataclass(frozen=True)
class LightRig:
    """Three lamps, a sky and a ground, and the background, all in linear RGB where 1 is a white sheet of paper.

    Directions are in the world's axes (x to the person's left, y up, z to the front). Only *key* casts shadows.
    *exposure* multiplies everything but the background.
    """

    key: Lamp = Lamp((-0.55, 0.55, 0.75), (1.30, 1.23, 1.14))
    fill: Lamp = Lamp((0.9, 0.1, 0.55), (0.30, 0.33, 0.38))
    rim: Lamp = Lamp((0.55, 0.35, -0.8), (0.55, 0.55, 0.58))
    sky: Triple = (0.36, 0.37, 0.40)
    ground: Triple = (0.20, 0.175, 0.155)
    background: Triple = (0.30, 0.33, 0.36)
    vignette: float = 0.5  # how much darker the corners of the background are, in [0, 1]
    exposure: float = 0.74


RIGS: dict[str, LightRig] = {
    "studio": LightRig(),
    "soft": LightRig(
        key=Lamp((-0.25, 0.45, 0.9), (0.80, 0.785, 0.76)),
        fill=Lamp((0.7, 0.2, 0.7), (0.46, 0.47, 0.49)),
        rim=Lamp((0.3, 0.5, -0.8), (0.35, 0.35, 0.36)),
        sky=(0.48, 0.49, 0.51),
        ground=(0.29, 0.265, 0.245),
        background=(0.52, 0.54, 0.56),
        vignette=0.25,
    ),
    "evening": LightRig(
        key=Lamp((0.8, 0.25, 0.5), (1.5, 1.08, 0.68)),
        fill=Lamp((-0.8, 0.2, 0.5), (0.16, 0.21, 0.34)),
        rim=Lamp((-0.6, 0.3, -0.75), (0.4, 0.54, 0.85)),
        sky=(0.14, 0.17, 0.235),
        ground=(0.13, 0.095, 0.07),
        background=(0.05, 0.06, 0.085),
        vignette=0.6,
    ),
}
"""The rigs that can be asked for by name."""


def rig(name: str) -> LightRig:
    """The rig called *name*; raises VultusError with the nearest name when there is none."""
    if name not in RIGS:
        raise unknown("light rig", name, RIGS)
    return RIGS[name]
