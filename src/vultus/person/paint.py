"""The painter: the colour and surface of every point of a person as a function of its place on the template.

Coordinates are those of the template in metres (x to the person's left, y up, z to the front; the eyes lie at
(+-0.0308, 0.7284, 0.1245)), so that one painter serves every identity. All colours are linear RGB.
Everything here runs inside numba; ``appearance`` calls :func:`paint_rows`.
"""

from __future__ import annotations

import numpy as np

from vultus.person.clothes import NECK, cloth, covered
from vultus.person.complexion import lid_rims, lips, skin, stubble
from vultus.person.hairline import CHIN, LINE, MOUSTACHE, PART, ROOTS, SIDES, scalp_density
from vultus.person.jit import inner
from vultus.person.mouth import cavity, teeth, tongue
from vultus.person.noise import fast, step, value
from vultus.person.organs import eye
from vultus.person.pigment import (
    BROW,
    BROW_WEIGHT,
    CHANNELS,
    GLOSS,
    HAIR,
    OPEN,
    SEED,
    SHINE,
    SOFT,
    STUBBLE,
    bell,
    mix,
)


@inner
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


@inner
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
    ax, lip, inside, seed = abs(x), masks[0], masks[1], int(s[SEED])
    skin(out, surface, x, y, z, masks, colours, s)
    if s[STUBBLE] > 0 or hairs[CHIN] + hairs[MOUSTACHE] > 0:
        stubble(out, x, y, z, lip, colours, s, hairs)
    surface[OPEN] = 1.0
    if y < 0.775 and y > 0.725 and ax < 0.065 and z > 0.085:
        shade = 0.55 * s[BROW_WEIGHT] * _brow(ax, y, line)
        shade *= 0.85 + 0.3 * value(700 * x, 500 * y, 0.0, seed + 91)
        mix(out, colours[BROW, 0], colours[BROW, 1], colours[BROW, 2], shade)
        surface[SHINE] *= 1 - 0.7 * shade
    if lip > 0.01:
        lips(out, surface, x, y, z, lip, colours, s)
    lid_rims(out, surface, x, y, z, masks[2], s)
    if inside > 0.01:
        cavity(out, surface, x, y, z, inside)
    if hairs[LINE] > 0:
        _roots(out, surface, x, y, z, masks[3], colours, s, hairs)


@inner
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
        cover *= 1 - 0.25 * bell(x - hairs[PART] - 0.0012 * value(90 * z, 0.0, 0.0, seed), 0.0016) * step(
            z, 0.02, 0.045
        )
    shade = 0.60 + 0.25 * dots
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
            # Doubles, as the groom has them: what both call is then compiled once.
            x, y, z = (
                np.float64(place[row, column, 0]),
                np.float64(place[row, column, 1]),
                np.float64(place[row, column, 2]),
            )
            for c in range(3):
                out[c] = 0.0
            for c in range(CHANNELS):
                surface[c] = 0.0
            surface[OPEN] = 1.0
            if what == 0 or what == 9:
                for c in range(4):
                    mask[c] = masks[row, column, c] / 255.0
                _head(out, surface, x, y, z, mask, colours, settings, line, hairs)
                if what == 0 and covered(x, y, z, int(dress[NECK])) > -0.014:
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
