"""The painter's eyes, lashes, teeth and tongue, in the coordinates of ``paint``."""

from __future__ import annotations

import numpy as np

from vultus.person.noise import curve, dots, fast, octaves, step, value
from vultus.person.pigment import (
    AGE,
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

# Ends of the teeth along the arch in metres from the middle (Wheeler's Dental Anatomy), upper then lower.
TEETH = np.array([[0.0, 8.6, 15.3, 22.9, 29.9, 36.6, 47.0, 58.0], [0.0, 5.4, 11.4, 18.3, 25.3, 32.4, 43.5, 54.0]]) / 1e3
# Arch length by angle around (0, 0.105) in the horizontal plane, measured on the template.
ARCH_ANGLE = np.array([0.0, 0.085, 0.169, 0.263, 0.369, 0.522, 0.721, 1.060, 1.60])
ARCH_LENGTH = np.array([0.0, 3.9, 7.8, 12.2, 17.2, 24.6, 32.7, 44.7, 62.0]) / 1e3


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
def teeth(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, lower: int, s: np.ndarray) -> None:
    """Single teeth with gaps and gums; *lower* is 1 for the lower row."""
    seed = int(s[SEED])
    angle = abs(np.arctan2(abs(x), z - 0.105))
    along = curve(angle, ARCH_ANGLE, ARCH_LENGTH)
    n = 0
    while n < 6 and along > TEETH[lower, n + 1]:
        n += 1
    width = TEETH[lower, n + 1] - TEETH[lower, n]
    t = (along - TEETH[lower, n]) / width  # across one tooth, 0 to 1
    middle = 2 * t - 1
    number = n if x > 0 else 20 + n
    # Height over the biting edge, which rises a little to the back.
    height = (0.6575 + 0.10 * along - y) if lower else (y - 0.6628 - 0.16 * along)
    crown = (0.0086 if lower else 0.0101) * (1 - 0.10 * (n == 1) + 0.06 * (n == 2))
    gum_line = crown - 0.0019 * middle * middle + 0.0003 * value(900 * x, 0.0, 0.0, seed)
    tone = value(number * 1.7, lower * 3.1, 0.5, seed + 149)
    out[0], out[1], out[2] = 0.74 + 0.03 * tone, 0.685 + 0.03 * tone, 0.575 + 0.045 * tone - 0.03 * s[AGE]
    if n == 2:
        tint(out, 0.97, 0.94, 0.86, 1.0)  # canines are yellower
    tint(out, 0.96, 0.88, 0.74, 0.8 * step(height, 0.55 * crown, crown))  # the neck of the tooth
    tint(out, 0.80, 0.86, 0.93, 0.55 * step(height, 0.0022, 0.0003))  # enamel alone at the edge lets the dark through
    tint(out, 0.70, 0.66, 0.60, step(abs(middle), 0.5, 1.0))  # the faces curve away to the gaps
    near = (1 - abs(middle)) * 0.5 * width
    open_edge = 0.00006 + 0.0006 * step(height, 0.0020, -0.0003) * (0.5 if lower else 1.0)
    dark = step(near, open_edge + 0.00028, open_edge * 0.5)
    light = 1 - 0.05 * value(250 * x, 900 * y, 250 * z, seed + 151)
    out[0] *= light * (1 - 0.72 * dark)
    out[1] *= light * (1 - 0.80 * dark)
    out[2] *= light * (1 - 0.85 * dark)
    gum = step(height, gum_line - 0.0003, gum_line + 0.0004)
    pink = 1 + 0.12 * value(300 * x, 300 * y, 300 * z, seed + 157) - 0.3 * bell(height - gum_line, 0.0007)
    mix(out, 0.40 * pink, 0.135 * pink, 0.125 * pink, gum)
    surface[GLOSS], surface[SHINE] = 0.80 - 0.15 * gum, (0.55 - 0.35 * dark) * (1 - 0.35 * step(abs(middle), 0.4, 0.9))
    # Only the part of the arch behind the lips sees light; the rest sinks into the cheeks.
    surface[OPEN] = max(0.06, 1 - step(along, 0.012, 0.036) * 0.94)
    if z < 0.108 or (0.140 - 2.6 * x * x / 0.1 > z and along < 0.012):
        surface[OPEN] *= 0.35
    surface[SOFT] = 0.35


@fast
def tongue(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float) -> None:
    """The tongue, darker and wetter towards its root."""
    bumps = dots(900 * x, 900 * y, 900 * z, 163, 0.8, 0.5)
    light = 1 + 0.12 * value(140 * x, 140 * y, 140 * z, 167) + 0.16 * bumps - 0.12 * bell(x, 0.0025)
    out[0], out[1], out[2] = 0.42 * light, 0.155 * light, 0.145 * light
    mix(out, 0.50 * light, 0.30 * light, 0.28 * light, 0.25 * step(abs(x), 0.016, 0.004))
    deep = min(max((0.142 - z) / 0.045, 0.0), 1.0)
    surface[GLOSS], surface[SHINE], surface[SOFT] = 0.70 - 0.2 * bumps, 0.55, 0.8
    surface[OPEN] = max(0.06, (1 - deep) * (1 - deep))


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
