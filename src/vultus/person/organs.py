"""The painter's eyes and lashes, in the coordinates of ``paint``."""

from __future__ import annotations

import numpy as np

from vultus.person.noise import fast, octaves, step, value
from vultus.person.pigment import (
    EYE_R,
    EYE_X,
    EYE_Y,
    EYE_Z,
    GLOSS,
    HAIRY,
    IRIS,
    LASHES,
    OPEN,
    SEED,
    SHINE,
    SOFT,
    bell,
    mix,
    tint,
)


@fast
def eye(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, colours: np.ndarray, s: np.ndarray) -> None:
    """Iris with fibres and limbal ring, pupil and sclera, from the distance to the middle of the eye."""
    side = 1.0 if x > 0 else -1.0
    ex, ey, ez = x - side * EYE_X, y - EYE_Y, z - EYE_Z
    seed = int(s[SEED])
    r = np.sqrt(ex * ex + ey * ey) / 0.0057
    if ez < 0:
        r = 9.0
    turn = np.arctan2(ey, ex * side)
    # Sclera: off-white, redder and veined towards the corners, never pure white.
    out[0], out[1], out[2] = 0.70, 0.655, 0.625
    away = step(r, 1.2, 2.2)
    vein = abs(value(ex * 900, ey * 900 + 3 * value(ex * 400, ey * 400, 0.0, seed), side * 9.0, seed + 131))
    tint(out, 0.93, 0.72, 0.68, 0.35 * away + 0.45 * away * step(vein, 0.12, 0.0))
    inner = step(-ex * side, 0.0082, 0.0115)
    mix(out, 0.42, 0.17, 0.15, 0.75 * inner)
    if r < 1.25:
        fibre = octaves(9 * np.cos(turn), 9 * np.sin(turn), 1.3 * r, seed + 137, 3)
        fine = value(26 * np.cos(turn), 26 * np.sin(turn), 1.1 * r, seed + 139)
        light = 0.85 + 0.55 * fibre + 0.35 * fine
        collar = bell(r - 0.52 - 0.05 * fibre, 0.13)
        light *= (1 + 0.35 * collar) * (1 - 0.72 * step(r, 0.80, 1.0))
        light = max(light, 0.12)
        ring = step(r, 1.06, 0.94)
        mix(out, 0.25 * out[0], 0.25 * out[1], 0.25 * out[2], 0.8 * step(r, 1.16, 1.0))
        warm = 0.5 * collar
        red = colours[IRIS, 0] * (1 + 0.9 * warm)
        mix(out, red * light, colours[IRIS, 1] * light, colours[IRIS, 2] * light * (1 - 0.4 * warm), ring)
        mix(out, 0.004, 0.0035, 0.0035, step(r, 0.43, 0.36))
    surface[GLOSS], surface[SHINE], surface[OPEN], surface[SOFT] = 0.89, 1.0, 1.0, 0.0


@fast
def lash(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, s: np.ndarray) -> None:
    """Lashes: their cover goes into the hair channel."""
    ex, ey, ez = abs(x) - EYE_X, y - EYE_Y, z - EYE_Z
    out_ = min(max((np.sqrt(ex * ex + ey * ey + ez * ez) - EYE_R - 0.0012) / 0.0055, 0.0), 1.0)
    upper = 1.0 if ey > 0 else 0.0
    seed = int(s[SEED])
    # Single lashes fan out from the middle of the lid, in tufts.
    fan = ex * (1 - 0.25 * out_) * (2100 + 500 * upper) + 0.8 * value(ex * 700, out_ * 1.5, upper, seed)
    hair = 0.5 + 0.5 * np.sin(fan * 2) * np.cos(0.37 * fan)
    reach = 0.55 + 0.45 * value(ex * 1500, 3.0, upper, seed + 7)
    cover = step(hair, 0.55 * out_, 0.55 * out_ + 0.35) * step(out_, reach + 0.25, reach - 0.35)
    # At the temples lashes are longer, at the nose there are hardly any.
    cover *= step(ex, -0.0125, -0.006) * s[LASHES] * (0.28 + 0.72 * upper) * (1 - 0.55 * out_)
    out[0], out[1], out[2] = 0.010, 0.008, 0.007
    surface[HAIRY], surface[GLOSS], surface[SHINE] = cover, 0.3, 0.1
