"""The relief of the skin: pores, furrows and wrinkles as slopes of the surface, baked once per identity.

Heights are painted in metres as functions of the place on the template: one image that always shows and three that
expressions fade in (:mod:`vultus.person.creases` says where and when), which is how games blend wrinkle maps (Oat,
"Animated Wrinkle Maps", SIGGRAPH 2007 courses). The texture stores their slopes along two directions that shading
rebuilds from the normal alone, right = up x normal and normal x right, so that no tangents have to be interpolated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.jit import inner
from vultus.person.noise import dots, fast, hashed, octaves, step, value
from vultus.person.pigment import (
    AGE,
    BAGS,
    CREASE,
    CREASE_Y,
    CROWS,
    EYE_X,
    EYE_Y,
    FOLDS,
    FOREHEAD,
    FROWN,
    MOUTH_Y,
    PLEATS,
    SEED,
    STUBBLE,
    bell,
)
from vultus.render.threads import spread

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

SETS = 4  # of slopes: always, then the three sets of expression
STEEPEST = 0.8  # slope (metres up per metre along) of the bytes 1 and 255; 128 is flat


@inner
def groove(d: float, width: float) -> float:
    """A crease -1 deep at distance 0, with low banks on both sides."""
    t = (d / width) * (d / width)
    return -(1 - 0.6 * t) * np.exp(-t)


@inner
def _window(x: float, low: float, high: float, soft: float) -> float:
    """1 inside [low, high], falling to 0 over *soft* beyond both ends."""
    return step(x, low - soft, low) * step(x, high + soft, high)


@inner
def _forehead(x: float, y: float, z: float, width: float, seed: int) -> float:
    """Lines across the forehead, each of a strength and length of its own."""
    zone = _window(y, 0.763, 0.797, 0.008) * step(abs(x), 0.060, 0.030) * step(z, 0.095, 0.115)
    if zone <= 0:
        return 0.0
    wave = y + 0.0022 * value(38 * x, 0.3, 0.7, seed + 61) + 0.0009 * value(110 * x, 40 * y, 0.0, seed + 62)
    wave += 0.05 * abs(x) - 1.6 * x * x  # they follow the brows
    phase = wave / 0.0098 + hashed(seed, 3, 1, 7)
    n = np.floor(phase)
    strength = 0.35 + 0.65 * hashed(int(n), 5, 9, seed)
    strength *= 0.62 + 0.38 * value(45 * x, 1.7 * n, 0.0, seed + 63)
    return zone * strength * groove((phase - n - 0.5) * 0.0098, width)


@inner
def _crow(ax: float, y: float, side: float, width: float, seed: int) -> float:
    """A fan of lines at the outer corner of the eye."""
    # The temple turns away: lengths along x count more.
    dx, dy = 1.5 * (ax - 0.0375), y - EYE_Y + 0.0005
    far = np.sqrt(dx * dx + dy * dy)
    if dx <= 0 or far < 0.008 or far > 0.042:
        return 0.0
    turn = np.arctan2(dy, dx) + 0.07 * value(far * 120, side, 2.0, seed + 65)
    phase = turn / 0.27 + 0.3 * side
    n = np.floor(phase)
    strength = (0.45 + 0.55 * hashed(int(n), int(side), 4, seed + 66)) * _window(turn, -0.75, 0.40, 0.2)
    reach = 0.021 + 0.009 * hashed(int(n), int(side), 5, seed + 66)
    return strength * _window(far, 0.0145, reach, 0.006) * groove((phase - n - 0.5) * 0.27 * far, 0.85 * width)


@inner
def _under_eye(ax: float, y: float, z: float, width: float, seed: int) -> float:
    """Arcs below the lower lid."""
    ex, ey = ax - EYE_X, y - EYE_Y
    if ey > 0.0 or z < 0.09:
        return 0.0
    rho = np.sqrt(ex * ex * 0.55 + ey * ey) + 0.0006 * value(260 * ax, 260 * y, 0.0, seed + 67)
    zone = _window(ex, -0.010, 0.013, 0.005)
    total = groove(rho - 0.0092, 0.7 * width) * 0.7 + groove(rho - 0.0128, width) + 0.6 * groove(rho - 0.0165, width)
    return zone * total * step(ey, 0.0, -0.005)


@inner
def _fold(ax: float, y: float, z: float, width: float) -> float:
    """From the wing of the nose past the corner of the mouth: a crease with the cheek standing over it."""
    if y > 0.700 or y < 0.640 or z < 0.09:
        return 0.0
    d = ax - (0.0212 + 0.40 * (0.689 - y) + 2.2 * (0.689 - y) * (0.689 - y))
    run = _window(y, 0.658, 0.689, 0.009)
    return run * (groove(d, 1.3 * width) + 0.5 * bell(d - 0.006, 0.0055))


@inner
def _sag(ax: float, y: float, z: float, seed: int, folds: float, bags: float) -> float:
    """What years and weight do below the single lines, in metres: folds beside nose and mouth, bags under the eyes."""
    if z < 0.09:
        return 0.0
    height = 0.0
    if 0.630 < y < 0.705:
        d = ax - (0.0212 + 0.40 * (0.689 - y) + 2.2 * (0.689 - y) * (0.689 - y))
        run = _window(y, 0.660, 0.688, 0.012)
        height += folds * run * (2.8e-4 * bell(d - 0.0095, 0.0090) - 5.5e-4 * bell(d + 0.0004, 0.0040))
        d = ax - (0.0292 + 0.16 * (0.655 - y))
        run = _window(y, 0.638, 0.650, 0.010)
        height += folds * run * (1.5e-4 * bell(d - 0.008, 0.007) - 4.0e-4 * bell(d, 0.0036))
    ex, ey = ax - EYE_X, y - EYE_Y
    if -0.030 < ey < -0.004:
        rho = np.sqrt(ex * ex * 0.55 + ey * ey) + 0.0007 * value(140 * ax, 140 * y, 0.0, seed + 234)
        zone = _window(ex, -0.011, 0.012, 0.007) * step(ey, -0.004, -0.008)
        height += bags * zone * (3.5e-4 * bell(rho - 0.0125, 0.0030) - 3.8e-4 * bell(rho - 0.0172, 0.0026))
    return height


@inner
def _lid_crease(ax: float, y: float, z: float, s: np.ndarray) -> float:
    """The crease of the upper lid, in metres; none in a lid without one."""
    ex, ey = ax - EYE_X, y - EYE_Y
    if s[CREASE] <= 0 or ey < 0.004 or z < 0.09:
        return 0.0
    d = ey - s[CREASE_Y] + 16 * (ex + 0.002) * (ex + 0.002)
    return s[CREASE] * bell(ex + 0.001, 0.0145) * (2.0e-4 * bell(d + 0.0022, 0.0018) - 5.0e-4 * bell(d, 0.0013))


@inner
def _neck(x: float, y: float, z: float, seed: int) -> float:
    """Rings around the neck, which bend down at the front, each of a strength of its own."""
    zone = _window(y, 0.520, 0.588, 0.012) * step(z, 0.0, 0.04)
    if zone <= 0:
        return 0.0
    wave = (y + 2.2 * x * x + 0.0026 * value(30 * x, 0.5, 30 * z, seed + 235)) / 0.0165
    n = np.floor(wave)
    strength = (0.3 + 0.7 * hashed(int(n), 2, 6, seed + 236)) * (0.6 + 0.4 * value(55 * x, 2.1 * n, 0.0, seed + 237))
    return zone * strength * groove((wave - n - 0.5) * 0.0165, 0.0021)


@inner
def _marionette(ax: float, y: float, z: float, width: float) -> float:
    """From the corner of the mouth down."""
    d = ax - (0.0292 + 0.16 * (0.655 - y))
    return _window(y, 0.638, 0.650, 0.007) * groove(d, 1.2 * width) * step(z, 0.08, 0.10)


@inner
def _bracket(ax: float, y: float, z: float, width: float) -> float:
    """Round the corner of the mouth, where a smile pushes the cheek."""
    dx, dy = ax - 0.0215, 0.75 * (y - MOUTH_Y - 0.003)
    rho = np.sqrt(dx * dx + dy * dy)
    zone = step(dx, 0.004, 0.010) * _window(dy, -0.008, 0.010, 0.005) * step(z, 0.08, 0.10)
    return zone * (groove(rho - 0.0150, 1.2 * width) + 0.5 * groove(rho - 0.0200, 1.3 * width))


@inner
def _frown(x: float, y: float, z: float, width: float, seed: int) -> float:
    """Upright lines between the brows, seldom quite alike left and right."""
    ax, side = abs(x), 1.0 if x > 0 else -1.0
    lean = 0.0072 + 0.0014 * (hashed(seed, int(side), 2, 71) - 0.5) + 0.16 * (y - 0.745)
    length = 0.748 + 0.005 * hashed(seed, int(side), 3, 72)
    zone = _window(y, 0.743, length, 0.008) * step(z, 0.10, 0.12) * (0.5 + 0.5 * hashed(seed, int(side), 4, 74))
    one = groove(ax - lean - 0.0006 * value(260 * y, side, 0.0, seed + 73), 1.25 * width)
    return zone * (one + 0.4 * groove(ax - lean - 0.0050, 1.1 * width))


@inner
def _bunny(ax: float, y: float, z: float, width: float, seed: int) -> float:
    """Slanting lines on the sides of the nose, and one across its root."""
    zone = _window(ax, 0.004, 0.0135, 0.003) * _window(y, 0.700, 0.716, 0.005) * step(z, 0.11, 0.125)
    wave = (y - 0.55 * ax + 0.0006 * value(200 * ax, 200 * y, 0.0, seed + 75)) / 0.0052
    lines = 0.6 * zone * groove((wave - np.floor(wave) - 0.5) * 0.0052, width)
    lines *= 0.6 + 0.6 * value(150 * ax, 150 * y, 0.0, seed + 76)
    root = _window(ax, 0.0, 0.007, 0.004) * step(z, 0.12, 0.135)
    return lines + root * (groove(y - 0.7235 + 8.0 * ax * ax, 0.9 * width))


@inner
def _pleats(x: float, y: float, z: float, lip: float, width: float, seed: int) -> float:
    """Upright pleats above and below the lips."""
    ax, dy = abs(x), y - MOUTH_Y
    zone = _window(dy, -0.013, 0.0125, 0.004) * step(ax, 0.030, 0.020) * (1 - 0.6 * lip) * step(z, 0.10, 0.12)
    if zone <= 0:
        return 0.0
    wave = x * (1 - 11 * abs(dy)) / 0.0036 + 0.35 * value(120 * x, 90 * y, 0.0, seed + 77)
    n = np.floor(wave)
    strength = 0.4 + 0.6 * hashed(int(n), 1 if dy > 0 else 2, 4, seed + 78)
    return zone * strength * groove((wave - n - 0.5) * 0.0036, 0.7 * width)


@inner
def _furrows(x: float, y: float, z: float, seed: int) -> float:
    """The furrows of the lips, in [-1, 0]: ridges between them are rounded, the bottoms sharp."""
    bent = 1150 * x + 0.7 * value(280 * x, 280 * y, 280 * z, seed)
    coarse = abs(value(bent, 150 * y, 150 * z, seed + 89))
    return -np.exp(-5 * coarse) - 0.35 * np.exp(-6 * abs(value(2.1 * bent, 320 * y, 320 * z, seed + 97)))


@inner
def _grain(x: float, y: float, z: float, lip: float, fine: float, s: np.ndarray) -> float:
    """Pores, the grain of the skin and stubble, in metres; *fine* is the share of what only big textures hold."""
    ax, seed, age = abs(x), int(s[SEED]), s[AGE]
    front = step(z, 0.06, 0.10)
    soft = octaves(330 * x, 330 * y, 330 * z, seed + 203, 2)
    grain = value(720 * x, 720 * y, 720 * z, seed + 211)
    # The net of fine lines between the pores: ridges of a noise.
    net = 1 - 2 * abs(grain)
    height = 4.5e-5 * soft * (1 + 1.2 * age) + 4.5e-5 * net
    if fine > 0:
        height += 2.6e-5 * fine * value(1500 * x, 1500 * y, 1500 * z, seed + 213)
    if front > 0:
        oily = bell(ax - 0.019, 0.016) * bell(y - 0.695, 0.020) + bell(ax, 0.020) * step(z, 0.12, 0.15)
        oily = front * min(1.0, 0.25 + 0.75 * oily + 0.4 * bell(ax, 0.02) * bell(y - 0.63, 0.015))
        height -= 1.5e-4 * oily * dots(560 * x, 560 * y, 560 * z, seed + 217, 0.65, 0.48)
    if s[STUBBLE] > 0:
        zone = step(y, MOUTH_Y + 0.034, MOUTH_Y + 0.016) * step(z, 0.045, 0.085) * (1 - lip)
        height += 6e-5 * s[STUBBLE] * zone * value(1100 * x, 800 * y, 1100 * z, seed + 73)
    return height


@inner
def lines(x: float, y: float, z: float, lip: float, s: np.ndarray, sharp: float, out: np.ndarray) -> None:
    """The heights [3] of the three sets of expression, in units of their depths."""
    ax, side, seed = abs(x), 1.0 if x > 0 else -1.0, int(s[SEED])
    width = 0.0022 - 0.0009 * sharp
    out[0] = 1.3 * s[FOREHEAD] * _forehead(x, y, z, width, seed) + 0.8 * s[CROWS] * _crow(ax, y, side, width, seed)
    out[0] += 0.8 * _bracket(ax, y, z, width)
    chin = bell(ax, 0.016) * bell(y - 0.631, 0.010) * step(z, 0.11, 0.13)
    if chin > 0.01:
        out[0] -= 1.1 * chin * dots(230 * x, 230 * y, 230 * z, seed + 81, 0.8, 0.5)
    out[1] = s[FROWN] * _frown(x, y, z, width, seed)
    out[1] += s[FOLDS] * (_fold(ax, y, z, width) + 0.8 * _marionette(ax, y, z, width))
    out[2] = 0.7 * s[BAGS] * _under_eye(ax, y, z, 0.8 * width, seed) + 0.7 * _bunny(ax, y, z, width, seed)
    out[2] += 0.8 * s[PLEATS] * _pleats(x, y, z, lip, width, seed)


@fast
def height_rows(
    row0: int, row1: int, kind: np.ndarray, place: np.ndarray, masks: np.ndarray, s: np.ndarray, out: np.ndarray
) -> None:
    """Paint the rows [row0, row1) of the heights *out* float32 [S, S, 4] in metres; arguments as ``paint_rows``."""
    age, seed = s[AGE], int(s[SEED])
    old = age * np.sqrt(age)
    fine = 1.0 if kind.shape[0] > 1024 else 0.25
    deep = np.zeros(3)
    for row in range(row0, row1):
        for column in range(kind.shape[1]):
            if kind[row, column] != 0:
                continue
            x, y, z = place[row, column, 0], place[row, column, 1], place[row, column, 2]
            lip = masks[row, column, 0] / 255.0
            height = _grain(x, y, z, lip, fine, s) * (1 - 0.8 * lip)
            if lip > 0.01:
                height += 1.5e-4 * lip * _furrows(x, y, z, seed)
            if z > 0.055:
                # Lines waver, and none is as deep from end to end.
                wave = 0.0006 * value(170 * x, 170 * y, 170 * z, seed + 231)
                other = 0.0006 * value(170 * y, 170 * z, 170 * x, seed + 232)
                lines(x + wave, y + other, z, lip, s, 0.15 + 0.85 * age, deep)
                # A young face folds softly; the lines that an old one always shows are the same, less deep.
                depth = 0.00030 + 0.00042 * age
                for n in range(3):
                    out[row, column, n + 1] = depth * deep[n]
                rough = 0.85 + 0.45 * value(210 * x, 210 * y, 210 * z, seed + 233)
                height += old * rough * (4.2e-4 * deep[0] + 3.3e-4 * deep[1] + 2.6e-4 * deep[2])
                # A fold beside the nose and a hollow under the eye show in young faces too.
                folds, bags = (old + 0.16) * s[FOLDS], (old + 0.14) * s[BAGS]
                height += _sag(abs(x + wave), y + other, z, seed, folds, bags) + _lid_crease(abs(x), y, z, s)
                height += 1.5e-4 * old * octaves(110 * x, 135 * y, 110 * z, seed + 221, 3)
            if old > 0 and y < 0.61:
                height += 5.5e-4 * old * _neck(x, y, z, seed)
            out[row, column, 0] = height


@fast
def slope_rows(row0: int, row1: int, kind: np.ndarray, place: np.ndarray, heights: np.ndarray, out: np.ndarray) -> None:
    """Slopes of the rows [row0, row1): *out* uint8 [S, S, 8] from *heights* [S, S, 4] over *place* [S, S, 3].

    Texels that are no skin, or whose neighbours are not, stay flat.
    """
    size = kind.shape[0]
    for row in range(row0, row1):
        for column in range(size):
            for c in range(8):
                out[row, column, c] = 128
            if kind[row, column] != 0 or row < 1 or column < 1 or row > size - 2 or column > kind.shape[1] - 2:
                continue
            if (
                kind[row - 1, column] != 0 or kind[row + 1, column] != 0
                or kind[row, column - 1] != 0 or kind[row, column + 1] != 0
            ):  # fmt: skip
                continue
            ux = 0.5 * (place[row, column + 1, 0] - place[row, column - 1, 0])
            uy = 0.5 * (place[row, column + 1, 1] - place[row, column - 1, 1])
            uz = 0.5 * (place[row, column + 1, 2] - place[row, column - 1, 2])
            vx = 0.5 * (place[row - 1, column, 0] - place[row + 1, column, 0])
            vy = 0.5 * (place[row - 1, column, 1] - place[row + 1, column, 1])
            vz = 0.5 * (place[row - 1, column, 2] - place[row + 1, column, 2])
            uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
            det = uu * vv - uv * uv
            if det <= 1e-3 * uu * vv or max(uu, vv) > 1e-4:
                continue  # stretched beyond use, or two islands side by side
            nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
            # right = up x normal; a face that looks straight up has no right of its own.
            length, flat = np.sqrt(nx * nx + ny * ny + nz * nz), np.sqrt(nx * nx + nz * nz)
            if flat < 0.05 * length:
                continue
            rx, rz = nz / flat, -nx / flat
            ax, ay, az = ny * rz / length, (nz * rx - nx * rz) / length, -ny * rx / length
            for n in range(4):
                hu = 0.5 * (heights[row, column + 1, n] - heights[row, column - 1, n])
                hv = 0.5 * (heights[row - 1, column, n] - heights[row + 1, column, n])
                a, b = (hu * vv - hv * uv) / det, (hv * uu - hu * uv) / det
                gx, gy, gz = a * ux + b * vx, a * uy + b * vy, a * uz + b * vz
                right, up = gx * rx + gz * rz, gx * ax + gy * ay + gz * az
                out[row, column, 2 * n] = np.uint8(128.5 + 127 * min(max(right / STEEPEST, -1.0), 1.0))
                out[row, column, 2 * n + 1] = np.uint8(128.5 + 127 * min(max(up / STEEPEST, -1.0), 1.0))


def heights(kind: I32, place: F32, masks: U8, settings: F64) -> F32:
    """Heights of the skin in metres, [S, S, 4]: always, then the three sets; arguments as ``paint_rows`` takes them."""
    size = len(kind)
    out = np.zeros((size, size, SETS), np.float32)
    spread(lambda i: height_rows(16 * i, min(size, 16 * i + 16), kind, place, masks, settings, out), -(-size // 16))
    return out


def slopes(kind: I32, place: F32, height: F32) -> U8:
    """The relief texture uint8 [S, S, 8] of *height* [S, S, 4] over *place* [S, S, 3], both in metres.

    Two bytes a set: the slope to the right (of who looks out of the face: towards the person's left) and upwards.
    """
    size = len(kind)
    out = np.empty((size, size, 2 * SETS), np.uint8)
    spread(lambda i: slope_rows(16 * i, min(size, 16 * i + 16), kind, place, height, out), -(-size // 16))
    return out
