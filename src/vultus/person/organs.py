"""The painter's eyes, in the coordinates of ``paint``."""

from __future__ import annotations

import numpy as np

from vultus.person.jit import inner
from vultus.person.noise import octaves, step, value
from vultus.person.pigment import (
    AGE,
    EYE_X,
    EYE_Y,
    EYE_Z,
    GLOSS,
    IRIS,
    IRIS_R,
    OPEN,
    PUPIL,
    SEED,
    SHINE,
    SOFT,
    bell,
    mix,
    tint,
)


@inner
def eye(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, colours: np.ndarray, s: np.ndarray) -> None:
    """Iris with fibres, collarette and limbal ring, a pupil of ``pigment.PUPIL``, and a veined sclera."""
    side = 1.0 if x > 0 else -1.0
    ex, ey, ez = x - side * EYE_X, y - EYE_Y, z - EYE_Z
    seed = int(s[SEED]) + (0 if x > 0 else 7)
    r = np.sqrt(ex * ex + ey * ey) / IRIS_R
    if ez < 0:
        r = 9.0
    # Sclera: off-white, yellower with age, redder and veined towards the corners, never pure white.
    out[0], out[1], out[2] = 0.625 - 0.03 * s[AGE], 0.58 - 0.045 * s[AGE], 0.54 - 0.09 * s[AGE]
    away = step(r, 1.15, 2.3)
    bend = 2.5 * value(ex * 260, ey * 260, side, seed + 130)
    vein = abs(value(ex * 330, ey * 900 + bend, side * 9.0, seed + 131))
    thin = abs(value(ex * 800, ey * 1500 + bend, side * 9.0, seed + 132))
    tint(out, 0.94, 0.76, 0.70, 0.7 * away)
    tint(out, 0.95, 0.66, 0.62, away * (0.75 * step(vein, 0.12, 0.0) + 0.5 * step(thin, 0.13, 0.0)))
    # The caruncle and the fold beside it, in the inner corner.
    inner = step(-ex * side + 0.2 * abs(ey), 0.0078, 0.0104)
    bump = 1 + 0.15 * value(900 * x, 900 * y, 900 * z, seed + 133)
    mix(out, 0.46 * bump, 0.20 * bump, 0.175 * bump, 0.85 * inner)
    if r < 1.3:
        _iris(out, ex, ey, r, side, seed, colours, s)
    surface[GLOSS], surface[SHINE], surface[OPEN], surface[SOFT] = 0.89, 1.0, 1.0, 0.0


@inner
def _iris(
    out: np.ndarray, ex: float, ey: float, r: float, side: float, seed: int, colours: np.ndarray, s: np.ndarray
) -> None:
    """The iris over the sclera in *out*: two layers of fibres, brown around the pupil, darker to a soft ring."""
    turn = np.arctan2(ey, ex * side)
    cos, sin = np.cos(turn), np.sin(turn)
    # Fibres run outwards and waver; the fine ones are ridges.
    waver = 0.05 * value(5 * cos, 5 * sin, 4 * r, seed + 136)
    c, d = np.cos(turn + waver), np.sin(turn + waver)
    fibre = octaves(8 * c, 8 * d, 1.2 * r, seed + 137, 3)
    thread = 1 - 2 * abs(value(22 * c, 22 * d, 1.5 * r, seed + 139))
    spoke = value(42 * c, 42 * d, 0.8 * r, seed + 140)
    crypt = step(value(4.5 * c, 4.5 * d, 5 * r, seed + 141), 0.45, 0.8) * bell(r - 0.68, 0.14)
    light = 1.0 + 0.38 * fibre + 0.22 * thread + 0.14 * spoke - 0.35 * crypt
    wave = 0.56 + 0.05 * value(3.5 * cos, 3.5 * sin, 0.0, seed + 142)
    collar = step(r, wave + 0.10, wave - 0.03)
    light *= 1 + 0.22 * bell(r - wave, 0.06) - 0.18 * bell(r - PUPIL, 0.05)
    # Light eyes are browner around the pupil; the stroma outside keeps its colour up to the dark ring.
    red, green, blue = colours[IRIS, 0], colours[IRIS, 1], colours[IRIS, 2]
    grey = 0.2 * (red + green + blue) / 3
    red, green, blue = 0.8 * red + grey, 0.8 * green + grey, 0.8 * blue + grey
    brown = collar * (0.30 + 0.25 * fibre) * step(blue + green - red, -0.02, 0.05)
    red, green, blue = red + (0.30 - red) * brown, green + (0.165 - green) * brown, blue + (0.055 - blue) * brown
    light = max(light, 0.25) * (1 - 0.70 * step(r, 0.80, 1.01) * (1 - 0.4 * s[AGE]))
    ring = step(r, 1.10, 0.93)
    # Around the iris the sclera is bluish and darker; in the old, an arc of fat greys the rim.
    tint(out, 0.50, 0.52, 0.56, 0.8 * step(r, 1.24, 1.02))
    mix(out, red * light, green * light, blue * light, ring)
    arc = bell(r - 0.97, 0.07) * step(abs(sin), 0.2, 0.9)
    mix(out, 0.36, 0.37, 0.38, 0.6 * max(0.0, s[AGE] - 0.6) * arc)
    mix(out, 0.0035, 0.003, 0.003, step(r, PUPIL + 0.025, PUPIL - 0.02))
