"""Clothes: where they end at the neck, how far they stand off the skin, and what their cloth looks like.

Everything is a function of the place on the template (see ``paint``), so that one wardrobe fits every body.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.choices import NECKLINES, PATTERNS
from vultus.person.identity import Identity
from vultus.person.jit import inner
from vultus.person.noise import fast, octaves, step, value
from vultus.person.pigment import EDGE, EDGE_FROM, EDGE_REACH, GLOSS, HEM, OPEN, SHINE, SHIRT, SOFT, bell, mix

CREW, V_NECK, SCOOP, TANK_TOP, TURTLENECK, COLLARED, BLAZER, HOODIE = range(len(NECKLINES))
PLAIN, STRIPES, CHECK = range(len(PATTERNS))
# Entries of the outfit vector.
NECK, PATTERN, PITCH, FOLDS, INNER = range(5)

BLUR: Final = 0.0017  # metres over which the edges inside of cloth blur
BANDS: Final = {CREW: 0.0165, V_NECK: 0.0165, SCOOP: 0.0165, TANK_TOP: 0.008}
"""How wide the band along a neckline is, in metres."""


def outfit(identity: Identity) -> NDArray[np.float64]:
    """The numbers [5] that the kernels here take: neckline, pattern, its pitch in metres, seed of the folds, and how
    light the shirt under a blazer is."""
    rng = np.random.default_rng([identity.seed, 12])
    kind, pattern = NECKLINES.index(identity.neckline), PATTERNS.index(identity.pattern)
    return np.array([kind, pattern, rng.uniform(0.014, 0.026), rng.integers(1, 10_000), rng.choice([0.72, 0.6, 0.05])])


def hem(colours: NDArray[np.float64], dress: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the edge of an outfit looks like: linear colour, 0, gloss, shine, openness and softness in [0, 1], [8]."""
    kind, pale = int(dress[NECK]), dress[INNER]
    dye = np.full(3, pale) if kind == BLAZER else colours[SHIRT]
    light = 0.90 if kind in BANDS else 1.0
    return np.array([*np.clip(dye * light, 0, 1), 0.0, 0.15, 0.06 if kind in (TURTLENECK, HOODIE) else 0.12, 1.0, 0.0])


@fast
def neckline(x: float, z: float, kind: int | np.int64) -> float:
    """Height in painter metres under which the skin at a direction from the neck is covered."""
    ax, front, back = abs(x), step(z, 0.0, 0.06), step(z, 0.02, -0.04)
    crew = 0.604 - 0.022 * step(z, 0.0, 0.10) * step(ax, 0.10, 0.0) + 0.010 * back
    if kind == TURTLENECK:
        return 0.6165 - 0.008 * front * step(ax, 0.06, 0.0) + 0.012 * back
    if kind == V_NECK:
        return crew - 0.004 - front * max(0.0, 0.062 * (1 - ax / 0.062))
    if kind == SCOOP:
        t = min(ax / 0.088, 1.0)
        return crew - 0.012 - front * 0.050 * (1 - t * t * t)
    if kind == TANK_TOP:
        t = min(ax / 0.092, 1.0)
        return crew - 0.016 - front * 0.062 * (1 - t * t * t * t) - 0.02 * back
    if kind in (COLLARED, BLAZER):
        return 0.6145 + 0.008 * back - front * max(0.0, 0.058 * (1 - ax / 0.040))
    if kind == HOODIE:
        return crew + 0.004 + 0.006 * back
    return crew


@fast
def covered(x: float, y: float, z: float, kind: int) -> float:
    """How far inside the cloth a place is, in metres; negative on bare skin."""
    inside = neckline(x, z, kind) - y
    if kind == TANK_TOP:
        inside = min(inside, 0.122 - 0.25 * max(0.0, 0.55 - y) - abs(x))
    return inside


@fast
def depth(x: float, y: float, z: float, kind: int) -> float:
    """As ``covered``, but measured across the edge, however steeply it runs."""
    slope = (neckline(x + 0.001, z, kind) - neckline(x - 0.001, z, kind)) / 0.002
    return covered(x, y, z, kind) / np.sqrt(1 + min(slope * slope, 9.0))


@inner
def leaf(x: float, y: float, z: float) -> float:
    """How far inside the leaf of a shirt's collar a place is, in metres: it falls from the neckline to two points."""
    ax = abs(x)
    edge = neckline(x, z, np.int64(COLLARED))
    length = 0.024 + 0.016 * step(z, 0.03, 0.09) * bell(ax - 0.042, 0.020)
    return min(edge - y, length - (edge - y))


@inner
def lapel(x: float, y: float) -> float:
    """How far inside a blazer a place of the chest is, in metres: left and right of the opening to the waist."""
    return abs(x) - (0.010 + 0.62 * max(0.0, y - 0.455)) if y < 0.605 else abs(x) - 0.103


@fast
def stand_off(x: float, y: float, z: float, kind: int) -> float:
    """How far cloth stands off the skin, in metres; 0 where there is none."""
    inside = covered(x, y, z, kind)
    if inside <= 0:
        return 0.0
    off = 0.0024 * min(inside / 0.006, 1.0)
    if kind == TURTLENECK:
        off += 0.0035 * step(inside, 0.0, 0.006) * step(inside, 0.040, 0.028)
    elif kind in (COLLARED, BLAZER):
        off += 0.0030 * step(leaf(x, y, z), 0.0, 0.004)
        if kind == BLAZER:
            off += 0.0045 * step(lapel(x, y), 0.0, 0.008) * step(inside, 0.014, 0.024)
    elif kind == HOODIE:
        # The hood lies in a roll around the neck, thickest behind.
        roll = step(inside, 0.0, 0.012) * step(inside, 0.062, 0.030)
        off += (0.0045 + 0.0105 * step(z, 0.075, -0.01)) * roll
    return off


@inner
def _figure(x: float, y: float, z: float, kind: int, dress: np.ndarray) -> float:
    """Share in [0, 1] of the second colour by the pattern."""
    pattern, pitch = int(dress[PATTERN]), dress[PITCH]
    if pattern == PLAIN:
        return 0.0
    across, along = np.sin(2 * np.pi * y / pitch), np.sin(2 * np.pi * x / pitch)
    if pattern == STRIPES:
        return step(along if kind == COLLARED else across, 0.0, 0.8)
    return 0.5 * step(along, -0.2, 0.5) + 0.5 * step(across, -0.2, 0.5)


@fast
def cloth(
    out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, colours: np.ndarray, dress: np.ndarray
) -> None:
    """Paint the cloth at a place over the skin there.

    At its edge the skin goes on and EDGE counts the distance, from which shading cuts the cloth as sharp as the screen.
    """
    kind = int(dress[NECK])
    inside = covered(x, y, z, kind)
    across = depth(x, y, z, kind)
    surface[EDGE] = min(max((across - EDGE_FROM) / EDGE_REACH, 0.0), 1.0)
    cover = step(across, HEM - 0.0035, HEM - 0.0005)
    if cover <= 0:
        # A soft shadow on the skin right above the edge.
        dark = 1 - 0.30 * step(across, -0.005, 0.0)
        out[0], out[1], out[2] = out[0] * dark, out[1] * dark, out[2] * dark
        return
    seed, ax = int(dress[FOLDS]), abs(x)
    turn = np.arctan2(x, z)
    dye = np.empty(3)
    dye[0], dye[1], dye[2] = colours[SHIRT, 0], colours[SHIRT, 1], colours[SHIRT, 2]
    band = 0.008 if kind == TANK_TOP else 0.0165
    second = _figure(x, y, z, kind, dress)
    if kind <= TANK_TOP:
        second *= step(inside, band - 0.0008, band + 0.0008)
    if dye.sum() < 0.9:
        mix(dye, 0.80, 0.79, 0.75, 0.35 * second)
    else:
        mix(dye, 0.10, 0.13, 0.22, 0.60 * second)
    light, gloss, shine = 1.0, 0.15, 0.12
    weave = value(turn * 130, y * 700, 0.0, np.int64(173))
    if kind == TURTLENECK:
        # Ribs run up the collar; below it lies a coarse knit.
        ribs = np.sin(turn * 150) if inside < 0.040 else np.sin(turn * 75) * np.sin(2 * np.pi * y / 0.0042)
        light *= 1 + 0.13 * ribs + 0.05 * weave
        light *= 1 - 0.45 * bell(inside - 0.040, 0.0015)
        shine = 0.05
    elif kind == HOODIE:
        light *= 1 + 0.06 * weave + 0.05 * value(900 * x, 900 * y, 900 * z, np.int64(177))
        light *= 1 - 0.40 * bell(inside - 0.060, 0.004) * step(z, 0.10, 0.06) - 0.3 * bell(inside - 0.009, 0.0010)
        # Two cords hang from the hood.
        if z > 0.05 and y < 0.585:
            cord = bell(ax - 0.034 - 0.0025 * np.sin(60 * y), 0.0022)
            mix(dye, 0.75, 0.74, 0.70, 0.7 * cord)
        shine = 0.06
    elif kind in (COLLARED, BLAZER):
        if kind == BLAZER:
            body = step(lapel(x, y), -BLUR, BLUR) * step(inside, 0.015, 0.016)
            pale = dress[INNER]
            mix(dye, pale, pale, pale, 1 - body)
            twill = np.sin(2 * np.pi * (turn * 0.13 + y) / 0.0022)
            light *= 1 + body * (0.06 * twill + 0.05 * weave)
            # The lapel's edge, its notch, and its shadow on the shirt.
            light *= 1 - 0.45 * bell(lapel(x, y) + 0.0015, 0.0025) * (1 - body)
            outer = ax - (0.040 + 0.62 * max(0.0, y - 0.455) + 0.035 * step(y, 0.455, 0.53))
            front = step(z, 0.0, 0.05) * step(y, 0.600, 0.590)
            light *= 1 - body * front * (
                0.45 * bell(outer, 0.0010) + 0.30 * bell(outer - 0.002, 0.003) * step(outer, 0.0, 0.001)
            )
            notch = y - 0.545 + 0.25 * (ax - 0.09)
            light *= 1 - 0.5 * body * front * bell(notch, 0.0009) * step(outer, 0.0, -0.002) * step(
                outer, -0.024, -0.022
            )
            shine = 0.12 - 0.05 * body
        fall = leaf(x, y, z)
        light *= 1 - 0.40 * bell(fall + 0.0012, 0.0016) * step(fall, 0.0005, -0.0005)
        light *= 1 + 0.06 * step(fall, -0.0004, 0.0004) - 0.22 * bell(fall - 0.0035, 0.0004) + 0.04 * weave
        if ax < 0.02 and z > 0.05 and inside > 0.002 and fall < 0:
            light *= 1 - 0.30 * bell(x - 0.013, 0.0007) - 0.12 * bell(x + 0.013, 0.0005)
            up = (y - 0.5405) / 0.062
            near = (up - np.round(up)) * 0.062
            button = np.sqrt(x * x + near * near)
            mix_in = step(button, 0.0052, 0.0048)
            light *= 1 - 0.35 * bell(button - 0.0054, 0.0008)
            mix(dye, 0.50, 0.48, 0.44, 0.7 * mix_in)
            light *= 1 - 0.5 * step(abs(abs(x) - 0.0011), 0.0006, 0.0003) * step(
                abs(abs(near) - 0.0011), 0.0006, 0.0003
            )
    else:
        light *= 1 + 0.05 * weave + 0.04 * value(turn * 35, y * 250, 0.0, np.int64(175))
        # A band runs along the neckline, stitched twice.
        ribs = 0.08 * np.sin(turn * 260) * step(inside, band, band - 0.001)
        light *= 1 + ribs - 0.10 * step(inside, band, band - 0.001) - 0.35 * bell(inside - band, 0.0008)
        light *= 1 - 0.20 * bell(inside - band - 0.0045, 0.0004)
    # Folds fan out from the shoulders to the neck.
    fold = octaves(26 * x + 40 * y, 16 * y - 22 * x, 22 * z, seed, 2) * step(inside, 0.01, 0.05)
    light *= 1 + 0.13 * fold + 0.05 * octaves(40 * x, 40 * y, 40 * z, seed + 7, 2)
    mix(out, dye[0] * light, dye[1] * light, dye[2] * light, cover)
    surface[GLOSS] += (gloss - surface[GLOSS]) * cover
    surface[SHINE] += (shine - surface[SHINE]) * cover
    surface[OPEN] += (1 - surface[OPEN]) * cover
    surface[SOFT] *= 1 - cover
