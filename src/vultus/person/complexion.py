"""The painter's skin: pigment and blood, what age and sun leave, stubble, lips and the rims of the lids.

In the coordinates of ``paint``; colours are linear RGB. Relief is painted apart (``relief``).
"""

from __future__ import annotations

import numpy as np

from vultus.person.hairline import CHIN, MOUSTACHE, beard_density, stubble_density
from vultus.person.jit import inner
from vultus.person.noise import dots, octaves, step, value
from vultus.person.pigment import (
    AGE,
    BROW_TONE,
    CHEEK_TONE,
    CREASE,
    CREASE_Y,
    EYE_R,
    EYE_X,
    EYE_Y,
    EYE_Z,
    FRECKLES,
    GLOSS,
    HAIR,
    LASHES,
    LINER,
    LIP,
    MAKEUP,
    MARKS,
    MELASMA,
    MOTTLE,
    MOUTH_TONE,
    MOUTH_Y,
    ORBIT,
    REDNESS,
    ROUGE,
    SEED,
    SHINE,
    SKIN,
    SOFT,
    STUBBLE,
    bell,
    mix,
    tint,
)


@inner
def skin(
    out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, masks: np.ndarray, colours: np.ndarray,
    s: np.ndarray,
) -> None:  # fmt: skip
    """Bare skin. *masks*: lips, inside of the mouth, eyelids, ears, each in [0, 1]."""
    seed, ax, ear = int(s[SEED]), abs(x), masks[3]
    front = step(z, 0.085, 0.11)
    out[0], out[1], out[2] = colours[SKIN, 0], colours[SKIN, 1], colours[SKIN, 2]
    # How pale the skin is decides whether blood or melanin shows.
    pale = step(colours[SKIN, 0], 0.10, 0.60)
    broad, middle = octaves(32 * x, 32 * y, 32 * z, seed, 3), octaves(150 * x, 150 * y, 150 * z, seed + 11, 3)
    fine = value(620 * x, 620 * y, 620 * z, seed + 23)
    # Melanin lies in clouds and specks; it takes blue most.
    brown = s[MOTTLE] * (0.05 * broad + 0.05 * octaves(80 * x, 80 * y, 80 * z, seed + 31, 2) + 0.045 * middle)
    brown += 0.05 * fine + _zones(ax, y, s) * front
    out[0] *= 1 - 0.62 * brown
    out[1] *= 1 - brown
    out[2] *= 1 - 1.3 * brown
    _blood(out, x, y, z, front, ear, broad, middle, pale, s)
    _spots(out, x, y, z, front, pale, s)
    # Oil: forehead, nose, cheekbones and chin shine, cheeks and neck hardly.
    oily = step(z, 0.12, 0.15) * step(ax, 0.038, 0.012) * step(y, 0.60, 0.63)
    oily = max(oily, 0.8 * bell(ax, 0.035) * step(y, 0.755, 0.775) * front)
    oily = max(oily, bell(ax, 0.013) * bell(y - 0.692, 0.022) * front)
    patch = octaves(260 * x, 260 * y, 260 * z, seed + 107, 2)
    oily = max(oily, 0.85 * bell(ax - 0.046, 0.014) * bell(y - 0.708, 0.011) * front)  # cheekbones
    surface[GLOSS] = 0.30 + 0.19 * oily + 0.06 * patch - 0.05 * s[AGE]
    surface[SHINE] = 0.38 + 0.22 * oily + 0.06 * fine
    surface[SOFT] = 0.8 + 0.2 * ear


@inner
def _zones(ax: float, y: float, s: np.ndarray) -> float:
    """How much darker sun, hormones and inheritance make forehead, cheeks and the skin around the mouth."""
    above, beside = bell(y - 0.795, 0.032) * step(ax, 0.085, 0.050), bell(ax - 0.046, 0.020) * bell(y - 0.690, 0.026)
    around = bell(1.1 * ax, 0.032) * bell(y - MOUTH_Y, 0.024)
    return 0.13 * s[BROW_TONE] * above + 0.12 * s[CHEEK_TONE] * beside + 0.13 * s[MOUTH_TONE] * around


@inner
def _blood(
    out: np.ndarray, x: float, y: float, z: float, front: float, ear: float, broad: float, middle: float, pale: float,
    s: np.ndarray,
) -> None:  # fmt: skip
    """Blood under the skin, shade around the eyes, and the colour zones of a face: its middle third is the reddest."""
    ax, seed = abs(x), int(s[SEED])
    blood = s[MOTTLE] * (0.22 * middle + 0.22 * broad)
    blood += 0.75 * bell(ax, 0.016) * bell(y - 0.688, 0.013) * front
    blood += 0.60 * bell(ax - 0.040, 0.021) * bell(y - 0.692, 0.019) * front * (0.8 + 0.4 * middle)
    blood += 0.35 * bell(ax, 0.02) * bell(y - 0.624, 0.013) * front + 0.30 * ear
    blood += 0.45 * bell(ax - 0.0135, 0.0055) * bell(y - 0.684, 0.006) * front  # wings of the nose
    blood += 0.35 * _around_eye(ax, y, z)
    blood *= 0.45 + 0.9 * s[REDNESS]
    # Broken vessels redden old noses and cheeks.
    web = abs(value(420 * x, 420 * y, 420 * z, seed + 17)) + 0.4 * abs(value(900 * x, 900 * y, 900 * z, seed + 18))
    cheek = max(bell(ax - 0.036, 0.020) * bell(y - 0.692, 0.016), bell(ax, 0.018) * bell(y - 0.690, 0.014)) * front
    blood += 1.1 * s[AGE] * s[REDNESS] * pale * cheek * step(web, 0.16, 0.02)
    blood = min(max(blood, -0.45), 1.0)
    tint(out, 1.02 - 0.05 * (1 - pale), 0.74 + 0.08 * (1 - pale), 0.73 + 0.07 * (1 - pale), blood)
    tint(out, 1.01, 0.99, 0.90, 0.5 * front * step(y, 0.745, 0.765))  # a sallow forehead
    shaven = min(1.0, 3 * s[STUBBLE]) * front * step(y, 0.660, 0.635)
    tint(out, 0.90, 0.945, 0.98, 0.7 * shaven)
    # Around the eyes the skin is thin.
    below = bell(ax - EYE_X + 0.003, 0.015) * bell(y - EYE_Y + 0.0155, 0.0070) * front
    tint(out, 0.86, 0.78, 0.84, (0.28 + 0.42 * s[AGE]) * (0.4 + 1.4 * s[ORBIT]) * below)
    ring = bell(ax - EYE_X + 0.001, 0.019) * bell(y - EYE_Y, 0.014) * front
    tint(out, 0.76, 0.70, 0.70, max(0.0, 1.3 * s[ORBIT] - 0.35) * ring)
    tint(out, 0.86, 0.78, 0.80, 0.50 * bell(ax - 0.0165, 0.006) * bell(y - EYE_Y - 0.003, 0.010) * front)
    if s[AGE] > 0.3 and z < 0.12:
        # Veins shine through the temples.
        vein = abs(octaves(55 * x, 55 * y, 55 * z, seed + 29, 2))
        zone = bell(ax - 0.072, 0.014) * bell(y - 0.765, 0.025)
        tint(out, 0.88, 0.95, 1.0, 0.8 * (s[AGE] - 0.3) * pale * zone * step(vein, 0.07, 0.0))


@inner
def _around_eye(ax: float, y: float, z: float) -> float:
    """The skin around an eye that blood reddens, in [0, 1]."""
    ex, ey, ez = ax - EYE_X, y - EYE_Y, z - EYE_Z
    gap = np.sqrt(ex * ex + ey * ey + ez * ez) - EYE_R
    return step(gap, 0.0075, 0.001) * step(z, 0.11, 0.125)


@inner
def _spots(out: np.ndarray, x: float, y: float, z: float, front: float, pale: float, s: np.ndarray) -> None:
    """Freckles, moles and what the sun leaves with age."""
    ax, seed = abs(x), int(s[SEED])
    if s[FRECKLES] > 0:
        zone = front * bell(y - 0.706, 0.038) * step(ax, 0.078, 0.045)
        spot = dots(260 * x, 260 * y, 260 * z, seed + 41, 0.60 * s[FRECKLES], 0.42)
        spot = max(spot, 0.7 * dots(430 * x, 430 * y, 430 * z, seed + 47, 0.55 * s[FRECKLES], 0.46))
        tint(out, 0.66, 0.46, 0.34, min(1.0, 1.25 * zone * spot))
    tint(out, 0.42, 0.30, 0.26, 0.75 * dots(31 * x, 31 * y, 31 * z, seed + 53, 0.045, 0.026))
    tint(out, 0.55, 0.42, 0.36, 0.7 * dots(48 * x, 48 * y, 48 * z, seed + 56, 0.035, 0.026))
    if s[MARKS] > 0:
        # What spots left: on cheeks and chin more than on the forehead.
        zone = front * max(
            bell(ax - 0.044, 0.022) * bell(y - 0.680, 0.030), 0.8 * bell(ax, 0.022) * bell(y - 0.627, 0.014)
        )
        zone = max(zone, 0.5 * front * step(y, 0.765, 0.780) * step(ax, 0.060, 0.030))
        spot = dots(125 * x, 125 * y, 125 * z, seed + 151, 0.5 * s[MARKS], 0.30)
        spot = max(spot, 0.8 * dots(230 * x, 230 * y, 230 * z, seed + 157, 0.4 * s[MARKS], 0.33))
        tint(out, 0.84, 0.64, 0.60, min(1.0, 1.3 * zone * spot))
    if s[MELASMA] > 0:
        cloud = octaves(70 * x, 70 * y, 70 * z, seed + 163, 3)
        zone = max(bell(ax - 0.040, 0.018) * bell(y - 0.702, 0.011), 0.8 * bell(ax, 0.036) * bell(y - 0.783, 0.013))
        zone = front * max(zone, 0.8 * bell(ax, 0.020) * bell(y - 0.6745, 0.004))
        tint(out, 0.74, 0.64, 0.56, s[MELASMA] * step(zone + 0.45 * cloud, 0.25, 0.75) * step(zone, 0.05, 0.4))
    if s[ROUGE] > 0:
        apple = bell(ax - 0.047, 0.020) * bell(y - 0.697 - 0.25 * (ax - 0.047), 0.013) * front
        tint(out, 1.0, 0.72, 0.74, 0.75 * s[ROUGE] * apple)
    if s[AGE] > 0.35:
        bent = 0.25 * value(160 * x, 160 * y, 160 * z, seed + 54)
        sun = dots(62 * x + bent, 62 * y - bent, 62 * z + bent, seed + 55, 0.26 * (s[AGE] - 0.25), 0.17)
        exposed = max(step(y, 0.755, 0.775), step(ax, 0.040, 0.055)) * step(z, 0.0, 0.05)
        tint(out, 0.74, 0.63, 0.53, 0.75 * exposed * step(sun, 0.1, 0.6))


@inner
def stubble(
    out: np.ndarray, x: float, y: float, z: float, lip: float, colours: np.ndarray, s: np.ndarray, hairs: np.ndarray
) -> None:
    """What was shaved this morning, and the roots of a beard."""
    seed = int(s[SEED])
    shaved = s[STUBBLE] * stubble_density(x, y, z, lip) if s[STUBBLE] > 0 else 0.0
    grown = 0.8 * beard_density(x, y, z, lip, hairs) if hairs[CHIN] + hairs[MOUSTACHE] > 0 else 0.0
    cover = max(shaved * (0.75 + 0.25 * value(120 * x, 120 * y, 120 * z, seed + 71)), grown)
    roots = step(value(2300 * x, 1500 * y, 2300 * z, seed + 73), 0.0, 0.7)
    tint(out, 0.80, 0.82, 0.86, min(1.0, 0.8 * cover))  # roots shine through bluish
    mix(out, colours[HAIR, 0], colours[HAIR, 1], colours[HAIR, 2], min(0.85, (0.20 + 0.72 * roots) * cover))


@inner
def lips(
    out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, lip: float, colours: np.ndarray, s: np.ndarray
) -> None:
    """The vermilion: its border is soft without make-up; it is wet where the lips meet."""
    seed, paint = int(s[SEED]), step(s[MAKEUP], 0.35, 0.8)
    ragged = lip + 0.10 * value(420 * x, 420 * y, 420 * z, seed + 83)
    edge = step(ragged, 0.05 + 0.05 * paint, 1.05 - 0.20 * paint)
    light = (
        1 + 0.07 * value(200 * x, 200 * y, 200 * z, seed + 103) + 0.05 * value(900 * x, 200 * y, 200 * z, seed + 104)
    )
    if y > MOUTH_Y + 0.001:
        light *= 0.87  # the upper lip is a shade darker
    inner = bell(y - MOUTH_Y, 0.0030)
    mix(out, colours[LIP, 0] * light, colours[LIP, 1] * light, colours[LIP, 2] * light, edge * (0.88 + 0.12 * paint))
    # Towards the mouth the lip turns red and moist.
    tint(out, 0.92, 0.74, 0.76, 0.75 * edge * inner * (1 - paint))
    # Its rim catches light as a pale line above the upper lip.
    rim = bell(lip - 0.16, 0.13) * step(y, MOUTH_Y + 0.002, MOUTH_Y + 0.006)
    tint(out, 1.05, 1.06, 1.06, rim)
    # The lower lip bulges towards the light: moist along its middle, and pinker in dark skins.
    full = bell(y - MOUTH_Y + 0.0065, 0.0045) * step(abs(x), 0.022, 0.008) if y < MOUTH_Y else 0.0
    tint(out, 1.22, 0.98, 1.02, 0.8 * edge * step(MOUTH_Y - y, 0.001, 0.005) * step(colours[SKIN, 0], 0.36, 0.12))
    surface[GLOSS] += edge * (0.47 + 0.20 * inner + 0.16 * full + 0.12 * paint - surface[GLOSS])
    surface[SHINE] += edge * (0.55 + 0.25 * inner + 0.40 * full + 0.10 * paint - surface[SHINE])


@inner
def lid_rims(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, lid: float, s: np.ndarray) -> None:
    """The margins of the lids: pink and moist where they turn in, shaded where lashes root, and the fold above."""
    ax = abs(x)
    ex, ey, ez = ax - EYE_X, y - EYE_Y, z - EYE_Z
    tint(out, 0.90, 0.82, 0.80, 0.35 * lid)
    crease = bell(ey - s[CREASE_Y] + 16 * (ex + 0.002) * (ex + 0.002), 0.0017) * bell(ex + 0.001, 0.0145)
    tint(out, 0.72, 0.60, 0.56, 0.75 * s[CREASE] * crease * step(z, 0.085, 0.11))
    if s[MAKEUP] > 0.15:
        shadow = step(ey, 0.002, 0.006) * bell(ey - 0.005, 0.008) * bell(ex - 0.002, 0.015) * step(z, 0.10, 0.12)
        tint(out, 0.66, 0.56, 0.55, 0.7 * (s[MAKEUP] - 0.15) * shadow)
    gap = np.sqrt(ex * ex + ey * ey + ez * ez) - EYE_R
    if gap < 0.006 and z > EYE_Z - 0.004:
        rim = step(gap, 0.0016, 0.0005)
        root = bell(gap - 0.0019, 0.0010) * (1.0 if ey > 0 else 0.22) * step(abs(ex), 0.0150, 0.0115)
        tint(out, 0.22, 0.16, 0.14, min(1.0, 0.12 + 0.48 * s[LASHES] + 0.2 * s[MAKEUP] + 0.5 * s[LINER]) * root)
        if s[LINER] > 0:
            thick = bell(gap - 0.0024, 0.0015) * (1.0 if ey > 0 else 0.45) * step(abs(ex), 0.0165, 0.0120)
            tint(out, 0.20, 0.17, 0.17, 0.85 * s[LINER] * thick)
        tint(out, 0.96, 0.66, 0.62, 0.75 * rim)
        surface[GLOSS] += (0.72 - surface[GLOSS]) * rim
        surface[SHINE] += 0.35 * rim
