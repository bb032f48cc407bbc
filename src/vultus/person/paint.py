"""The painter: the colour and surface of every point of a person as a function of its place on the template.

Coordinates are those of the template in metres (x to the person's left, y up, z to the front; the eyes lie at
(+-0.0308, 0.7284, 0.1245)), so that one painter serves every identity. All colours are linear RGB.
Everything here runs inside numba; ``appearance`` calls :func:`paint_rows`.
"""

from __future__ import annotations

import numpy as np

from vultus.person.clothes import NECK, cloth, covered
from vultus.person.hairline import (
    CHIN,
    LINE,
    MOUSTACHE,
    PART,
    ROOTS,
    SIDES,
    beard_density,
    scalp_density,
    stubble_density,
)
from vultus.person.mouth import cavity, teeth, tongue
from vultus.person.noise import dots, fast, octaves, step, value
from vultus.person.organs import eye, lash
from vultus.person.pigment import (
    AGE,
    BROW,
    BROW_WEIGHT,
    CHANNELS,
    EYE_R,
    EYE_X,
    EYE_Y,
    EYE_Z,
    FRECKLES,
    GLOSS,
    HAIR,
    LIP,
    MAKEUP,
    MOUTH_Y,
    OPEN,
    REDNESS,
    SEED,
    SHINE,
    SKIN,
    SOFT,
    STUBBLE,
    bell,
    mix,
    tint,
)


@fast
def _skin(
    out: np.ndarray, x: float, y: float, z: float, lid: float, ear: float, colours: np.ndarray, s: np.ndarray
) -> None:
    seed, ax = int(s[SEED]), abs(x)
    front = step(z, 0.085, 0.11)
    out[0], out[1], out[2] = colours[SKIN, 0], colours[SKIN, 1], colours[SKIN, 2]
    broad, middle = octaves(30 * x, 30 * y, 30 * z, seed, 2), octaves(160 * x, 160 * y, 160 * z, seed + 11, 2)
    fine, grain = value(700 * x, 700 * y, 700 * z, seed + 23), value(1700 * x, 1700 * y, 1700 * z, seed + 31)
    light = 1 + 0.05 * broad + 0.055 * middle + 0.05 * fine + 0.03 * grain
    # Pores: small dark pits, most on nose, cheeks and chin.
    pores = front * (0.35 + 0.65 * max(bell(ax - 0.018, 0.016) * bell(y - 0.695, 0.02), bell(ax, 0.02)))
    light *= 1 - 0.16 * pores * step(grain, 0.25, 0.75)
    out[0] *= light
    out[1] *= light
    out[2] *= light
    # Blood under the skin: nose, cheeks, ears, chin, and patches everywhere.
    blood = 0.30 * middle + 0.25 * broad
    blood += 0.8 * bell(ax, 0.017) * bell(y - 0.689, 0.014) * front
    blood += 0.75 * bell(ax - 0.041, 0.019) * bell(y - 0.690, 0.017) * front
    blood += 0.25 * bell(ax, 0.02) * bell(y - 0.622, 0.014) * front + 0.9 * ear
    blood *= 0.6 + s[REDNESS]
    tint(out, 1.03, 0.80, 0.76, min(max(blood, -0.4), 1.0))
    tint(out, 1.02, 1.0, 0.93, 0.5 * front * step(y, 0.745, 0.765))  # a sallow forehead
    tint(out, 1.05, 0.85, 0.82, 0.7 * bell(ax - 0.012, 0.0045) * bell(y - 0.684, 0.004) * front)  # wings of the nose
    # Around the eyes.
    below = bell(ax - EYE_X, 0.017) * bell(y - EYE_Y + 0.015, 0.0075) * front
    tint(out, 0.86, 0.76, 0.80, (0.25 + 0.45 * s[AGE]) * below)
    tint(out, 0.88, 0.76, 0.74, 0.45 * lid)
    crease = bell(y - EYE_Y - 0.0105 + 0.45 * (ax - EYE_X) * (ax - EYE_X) / 0.02, 0.0016) * bell(ax - EYE_X, 0.015)
    tint(out, 0.72, 0.60, 0.56, 0.35 * crease * front)
    # Freckles and moles.
    if s[FRECKLES] > 0:
        zone = front * bell(y - 0.70, 0.030) * step(ax, 0.075, 0.045)
        spot = dots(260 * x, 260 * y, 260 * z, seed + 41, 0.30 * s[FRECKLES], 0.30)
        spot = max(spot, 0.7 * dots(430 * x, 430 * y, 430 * z, seed + 47, 0.30 * s[FRECKLES], 0.35))
        tint(out, 0.72, 0.54, 0.42, 0.9 * zone * spot)
    tint(out, 0.35, 0.24, 0.20, 0.8 * dots(34 * x, 34 * y, 34 * z, seed + 53, 0.05, 0.028))
    # Fine lines of age: forehead, corners of the eyes, from nose to mouth.
    if s[AGE] > 0:
        wave = y + 0.0012 * value(60 * x, 8 * y, 8 * z, seed + 61)
        line = step(np.sin(wave * 2 * np.pi / 0.0105), 0.80, 1.0) * front * step(y, 0.752, 0.765) * step(y, 0.80, 0.785)
        line *= step(ax, 0.06, 0.03) * (0.6 + 0.4 * middle)
        fan = np.arctan2(y - EYE_Y, ax - 0.040)
        line += 0.6 * step(np.sin(fan * 16), 0.7, 1.0) * bell(ax - 0.057, 0.006) * step(abs(fan), 0.9, 0.5)
        fold = ax - (0.0215 + 0.42 * (0.689 - y))
        line += 0.5 * bell(fold, 0.0018) * step(y, 0.655, 0.668) * step(y, 0.694, 0.686) * front
        tint(out, 0.72, 0.62, 0.58, 0.6 * s[AGE] * min(max(line, 0.0), 1.0))


@fast
def _stubble(
    out: np.ndarray,
    x: float,
    y: float,
    z: float,
    lip: float,
    colours: np.ndarray,
    s: np.ndarray,
    hairs: np.ndarray,
) -> None:
    """What was shaved this morning, and the roots of a beard."""
    seed = int(s[SEED])
    shaved = s[STUBBLE] * stubble_density(x, y, z, lip) if s[STUBBLE] > 0 else 0.0
    grown = 0.8 * beard_density(x, y, z, lip, hairs) if hairs[CHIN] + hairs[MOUSTACHE] > 0 else 0.0
    cover = max(shaved * (0.75 + 0.25 * value(120 * x, 120 * y, 120 * z, seed + 71)), grown)
    dots = step(value(2300 * x, 1500 * y, 2300 * z, seed + 73), 0.0, 0.7)
    tint(out, 0.80, 0.82, 0.86, min(1.0, 0.9 * cover))  # roots shine through bluish
    mix(out, colours[HAIR, 0], colours[HAIR, 1], colours[HAIR, 2], min(0.85, (0.25 + 0.75 * dots) * cover))


@fast
def _lips(
    out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, lip: float, colours: np.ndarray, s: np.ndarray
) -> None:
    seed = int(s[SEED])
    edge = step(lip + 0.10 * value(500 * x, 500 * y, 500 * z, seed + 83), 0.12, 0.85)
    # Furrows run across the lips; they are ridges of a noise that is long in y.
    furrow = abs(value(1100 * x + 0.6 * value(300 * x, 300 * y, 300 * z, seed), 170 * y, 170 * z, seed + 89))
    furrow = 0.6 * furrow + 0.4 * abs(value(2000 * x, 330 * y, 330 * z, seed + 97))
    light = (0.80 + 0.36 * step(furrow, 0.0, 0.5)) * (1 + 0.08 * value(200 * x, 200 * y, 200 * z, seed + 103))
    if y > MOUTH_Y + 0.001:
        light *= 0.86  # the upper lip turns to the ground
    light *= 1 - 0.25 * bell(y - MOUTH_Y, 0.0022) * (1 - s[MAKEUP])
    mix(out, colours[LIP, 0] * light, colours[LIP, 1] * light, colours[LIP, 2] * light, edge)
    surface[GLOSS] += edge * (0.55 + 0.25 * s[MAKEUP] - 0.25 * step(furrow, 0.35, 0.0) - surface[GLOSS])
    surface[SHINE] += edge * (0.75 - surface[SHINE])


@fast
def _brow(x: float, y: float, line: np.ndarray) -> float:
    """How much of a brow's shade lies on a point of the front plane, in [0, 1]; *line* [K, 3] as ``brow_line``."""
    last = line.shape[0] - 1
    t = (x - line[0, 0]) / (line[last, 0] - line[0, 0]) * last
    if t < -0.12 * last or t > 1.1 * last:
        return 0.0
    n = min(max(int(t), 0), last - 1)
    u = min(max(t - n, 0.0), 1.0)
    middle, half = line[n, 1] + u * (line[n + 1, 1] - line[n, 1]), line[n, 2] + u * (line[n + 1, 2] - line[n, 2])
    return bell(y - middle, 0.95 * half) * step(t, -0.10 * last, 0.12 * last) * step(t, 1.08 * last, 0.80 * last)


@fast
def _head(
    out: np.ndarray,
    surface: np.ndarray,
    x: float,
    y: float,
    z: float,
    masks: np.ndarray,
    colours: np.ndarray,
    s: np.ndarray,
    line: np.ndarray,
    hairs: np.ndarray,
) -> None:
    """Skin with everything on it. *masks*: lips, inside of the mouth, eyelids, ears, each in [0, 1]."""
    ax, seed = abs(x), int(s[SEED])
    lip, inside = masks[0], masks[1]
    _skin(out, x, y, z, masks[2], masks[3], colours, s)
    if s[STUBBLE] > 0 or hairs[CHIN] + hairs[MOUSTACHE] > 0:
        _stubble(out, x, y, z, lip, colours, s, hairs)
    tzone = step(z, 0.12, 0.15) * step(ax, 0.035, 0.012) * step(y, 0.66, 0.685)
    surface[GLOSS] = 0.33 + 0.08 * tzone + 0.09 * value(480 * x, 480 * y, 480 * z, seed + 107)
    surface[SHINE], surface[OPEN], surface[SOFT] = 0.42, 1.0, 1.0
    if y < 0.775 and y > 0.725 and ax < 0.065 and z > 0.085:
        shade = 0.55 * s[BROW_WEIGHT] * _brow(ax, y, line)
        shade *= 0.85 + 0.3 * value(700 * x, 500 * y, 0.0, seed + 91)
        mix(out, colours[BROW, 0], colours[BROW, 1], colours[BROW, 2], shade)
        surface[SHINE] *= 1 - 0.7 * shade
    if lip > 0.01:
        _lips(out, surface, x, y, z, lip, colours, s)
    # The rim of the lids: pink and moist where it turns in, with a dark root line of lashes before it.
    ex, ey, ez = ax - EYE_X, y - EYE_Y, z - EYE_Z
    gap = np.sqrt(ex * ex + ey * ey + ez * ez) - EYE_R
    if gap < 0.006 and z > EYE_Z - 0.004:
        rim = step(gap, 0.0013, 0.0004)
        root = bell(gap - 0.0020, 0.0009) * (1.0 if ey > 0 else 0.40)
        mix(out, 0.035, 0.02, 0.016, (0.72 + 0.25 * s[MAKEUP]) * root)
        mix(out, 0.42, 0.16, 0.13, 0.75 * rim)
        surface[GLOSS] += 0.4 * rim
        surface[SHINE] += 0.5 * rim
    if inside > 0.01:
        cavity(out, surface, x, y, z, inside)
    if hairs[LINE] > 0:
        _roots(out, surface, x, y, z, masks[3], colours, s, hairs)


@fast
def _roots(
    out: np.ndarray,
    surface: np.ndarray,
    x: float,
    y: float,
    z: float,
    ear: float,
    colours: np.ndarray,
    s: np.ndarray,
    hairs: np.ndarray,
) -> None:
    """The scalp under the strands: hair coloured, so that no skin gleams between them, fading at the hairline."""
    dense = scalp_density(x, y, z, hairs) * (1 - ear)
    if dense <= 0:
        return
    seed = int(s[SEED])
    top = step(y, 0.778, 0.822)
    strength = hairs[SIDES] + (hairs[ROOTS] - hairs[SIDES]) * top
    dots = step(value(1500 * x, 1500 * y, 1500 * z, seed + 113), -0.35, 0.45)
    patch = 0.5 + 0.5 * value(260 * x, 260 * y, 260 * z, seed + 109)
    # Hair lies sparse near its edge, where single roots show; in the parting the scalp shows through.
    cover = strength * dense * dense * (dots + (0.93 + 0.07 * patch - dots) * min(1.0, 1.4 * dense))
    if abs(hairs[PART]) < 1 and z > 0.02:
        cover *= 1 - 0.6 * bell(x - hairs[PART] - 0.0012 * value(90 * z, 0.0, 0.0, seed), 0.0016) * step(z, 0.02, 0.045)
    shade = 0.70 + 0.25 * dots
    mix(out, colours[HAIR, 0] * shade, colours[HAIR, 1] * shade, colours[HAIR, 2] * shade, cover)
    surface[GLOSS] += cover * (0.25 - surface[GLOSS])
    surface[SHINE] += cover * (0.10 - surface[SHINE])
    surface[SOFT] *= 1 - cover


@fast
def paint_rows(
    row0: int,
    row1: int,
    kind: np.ndarray,
    place: np.ndarray,
    masks: np.ndarray,
    colours: np.ndarray,
    settings: np.ndarray,
    line: np.ndarray,
    hairs: np.ndarray,
    dress: np.ndarray,
    tiles: np.ndarray,
    atlas: np.ndarray,
) -> None:
    """Paint the rows [row0, row1) of *atlas* uint8 [S, S, CHANNELS]; colours are stored as 255 sqrt(linear).

    *kind* int32 [S, S] is the material (``atlas.Kind``) or -1, *place* float32 [S, S, 3] the place on the template,
    *masks* uint8 [S, S, 4] lips, inside of the mouth, eyelids and ears; *hairs* is ``hairline.growth``, *dress*
    ``clothes.outfit``, and *tiles* are ``atlas.MOUTH_TILES``.
    """
    out, surface, mask = np.zeros(3), np.zeros(CHANNELS), np.zeros(4)
    for row in range(row0, row1):
        for column in range(kind.shape[1]):
            what = kind[row, column]
            if what < 0:
                continue
            x, y, z = place[row, column, 0], place[row, column, 1], place[row, column, 2]
            out[:] = 0.0
            surface[:] = 0.0
            surface[OPEN] = 1.0
            if what == 0 or what == 9:
                for c in range(4):
                    mask[c] = masks[row, column, c] / 255.0
                _head(out, surface, x, y, z, mask, colours, settings, line, hairs)
                if what == 0 and covered(x, y, z, int(dress[NECK])) > -0.006:
                    cloth(out, surface, x, y, z, colours, dress)
            elif what <= 2:
                eye(out, surface, x, y, z, colours, settings)
            elif what <= 5:
                tile = tiles[what - 3]
                u = ((column + 0.5) / kind.shape[1] - tile[0]) / (tile[2] - tile[0])
                v = (1 - (row + 0.5) / kind.shape[0] - tile[1]) / (tile[3] - tile[1])
                if what == 3:
                    tongue(out, surface, u, v, int(settings[SEED]))
                else:
                    teeth(out, surface, u, v, what - 4, colours, settings)
            elif what == 6:
                lash(out, surface, x, y, z, settings)
            elif what == 7:
                # MakeHuman's own shirt, which engines get, lies below the neckline everywhere.
                cloth(out, surface, x, min(y, 0.5), z, colours, dress)
            else:
                out[0], out[1], out[2] = 0.20, 0.07, 0.06
                surface[GLOSS], surface[SHINE], surface[OPEN], surface[SOFT] = 0.6, 0.5, 0.6, 1.0
            for c in range(3):
                atlas[row, column, c] = np.uint8(255 * np.sqrt(min(max(out[c], 0.0), 1.0)) + 0.5)
            for c in range(3, CHANNELS):
                atlas[row, column, c] = np.uint8(255 * min(max(surface[c], 0.0), 1.0) + 0.5)
