"""Deferred shading: from visible triangles, a painted atlas and a layer of hair to lit pixels."""

from __future__ import annotations

import numpy as np

from vultus.person.eyes import eye_light
from vultus.person.jit import fast, part
from vultus.person.lamps import leaving
from vultus.person.pigment import EDGE, OPEN, SOFT
from vultus.person.surface import cut_cloth, relief_at, surface_at
from vultus.person.tone import to_screen
from vultus.person.visibility import nearby, open_above, shadowed
from vultus.render.strands import BIAS, FULL


@part
def _alike(ids: np.ndarray, inverse: np.ndarray, kind: np.ndarray, row: int, column: int, k: int) -> bool:
    """Whether the k x k samples of a pixel show one smooth surface, so that one of them stands for all."""
    f = ids[row, column]
    first = kind[f] if f >= 0 else -1
    if first == 1 or first == 2:
        return False  # an eye is a handful of pixels, and where everybody looks
    low, high = inverse[row, column], inverse[row, column]
    for j in range(row, row + k):
        for i in range(column, column + k):
            f = ids[j, i]
            if (kind[f] if f >= 0 else -1) != first:
                return False
            low, high = min(low, inverse[j, i]), max(high, inverse[j, i])
    return high - low <= np.float32(0.0025) * high


@part
def _covered(cells: np.ndarray, inverse: np.ndarray, row: int, column: int, k: int) -> bool:
    """Whether one cell of hair hides all k x k samples of a pixel."""
    if cells[row, column, 3] < np.float32(FULL):
        return False
    near = cells[row, column, 4] * np.float32(BIAS)
    for j in range(row * k, row * k + k):
        for i in range(column * k, column * k + k):
            if inverse[j, i] >= near:
                return False
    return True


@part
def _to_lid(ids: np.ndarray, kind: np.ndarray, row: int, column: int, way: int, reach: float) -> np.float32:
    """How far the lid is from a sample of an eye, up (*way* -1) or down (1) the screen, as a share of *reach* samples.

    At most 1, which also means that there is no lid.
    """
    last = min(int(reach), row if way < 0 else ids.shape[0] - 1 - row)
    stride = max(1, last // 12)
    n = stride
    while n <= last:
        f = ids[row + way * n, column]
        if f >= 0 and kind[f] == 0:
            while n > 1:  # back to the edge that the stride passed
                f = ids[row + way * (n - 1), column]
                if f < 0 or kind[f] != 0:
                    break
                n -= 1
            return np.float32(n) / reach
        n += stride
    return np.float32(1.0)


@part
def _carve(up: np.ndarray, slope: np.ndarray, p: np.ndarray, fine: np.ndarray, t: np.ndarray) -> None:
    """Tilt the normals by the relief's *slope*: highlights see it in full, diffuse light two thirds.

    Creases of expression are a little darker and redder.
    """
    one = np.float32(1.0)
    rx, ry, rz = up[1] * p[5] - up[2] * p[4], up[2] * p[3] - up[0] * p[5], up[0] * p[4] - up[1] * p[3]
    r = one / np.sqrt(rx * rx + ry * ry + rz * rz + np.float32(1e-4))
    rx, ry, rz = rx * r, ry * r, rz * r
    ax, ay, az = p[4] * rz - p[5] * ry, p[5] * rx - p[3] * rz, p[3] * ry - p[4] * rx
    gx, gy, gz = slope[0] * rx + slope[1] * ax, slope[0] * ry + slope[1] * ay, slope[0] * rz + slope[1] * az
    x, y, z = p[3] - gx, p[4] - gy, p[5] - gz
    r = one / np.sqrt(x * x + y * y + z * z)
    fine[0], fine[1], fine[2] = x * r, y * r, z * r
    part_ = np.float32(0.68)
    x, y, z = p[3] - part_ * gx, p[4] - part_ * gy, p[5] - part_ * gz
    r = one / np.sqrt(x * x + y * y + z * z)
    p[3], p[4], p[5] = x * r, y * r, z * r
    dark = min(np.float32(0.40), np.float32(2.2) * slope[2])
    t[0] *= one - np.float32(0.7) * dark
    t[1] *= one - dark
    t[2] *= one - dark


@fast
def shade_rows(
    row0: int,
    row1: int,
    k: int,
    every: bool,
    ids: np.ndarray,
    bary: np.ndarray,
    inverse: np.ndarray,
    cells: np.ndarray,
    triangles: np.ndarray,
    kind: np.ndarray,
    points: np.ndarray,
    atlas: np.ndarray,
    relief: np.ndarray,
    eyes: np.ndarray,
    up: np.ndarray,
    shadow: np.ndarray,
    light_camera: np.ndarray,
    taps: int,
    lit: np.ndarray,
    light: np.ndarray,
    eye: np.ndarray,
    focal: float,
    backdrop: np.ndarray,
    plain: np.ndarray,
    table: np.ndarray,
    image: np.ndarray,
) -> None:
    """Shade the rows [row0, row1) of *image* uint8 [H, W, 3] from k x k samples a pixel.

    Where all samples of a pixel show the same surface only one is shaded, and the key light of the points, *lit*, is
    interpolated, unless *every*. *cells* of a
    ``StrandLayer`` hold hair, one a pixel or one a sample. ``portrait`` explains the other arrays.
    """
    p, t = np.zeros(9, np.float32), np.zeros(8, np.float32)
    colour, view, total = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)
    fine, slope = np.zeros(3, np.float32), np.zeros(3, np.float32)
    cloth = np.zeros(8, np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    apart = cells.shape[0] > image.shape[0]  # a cell for every sample
    for row in range(row0, row1):
        for column in range(image.shape[1]):
            single = k == 1 or (not every and _alike(ids, inverse, kind, row * k, column * k, k))
            hair = apart or cells[row, column, 3] > zero
            if single and not hair and ids[row * k, column * k] < 0:
                for c in range(3):
                    image[row, column, c] = plain[row, column, c]
                continue
            side = 1 if single else k
            total[:] = zero
            free = open_above(inverse, row * k + k // 2, column * k + k // 2, focal) if every else one
            if hair and not apart and _covered(cells, inverse, row, column, k):
                side = 1
                for c in range(3):
                    total[c] = max(zero, min(cells[row, column, c], np.float32(4.0)))
            for n in range(side * side if total[0] == zero else 0):
                j, i = (row * k + n // side, column * k + n % side) if side > 1 else (row * k, column * k)
                f = ids[j, i]
                if f < 0:
                    colour[0], colour[1], colour[2] = (
                        backdrop[row, column, 0], backdrop[row, column, 1], backdrop[row, column, 2],
                    )  # fmt: skip
                else:
                    surface_at(f, bary[j, i, 0], bary[j, i, 1], triangles, points, atlas, p, t)
                    if kind[f] == 0 and zero < t[EDGE] < np.float32(0.99):
                        cut_cloth(atlas, np.float32(k // side) / (np.float32(focal) * inverse[j, i]), cloth, t)
                    vx, vy, vz = eye[0] - p[0], eye[1] - p[1], eye[2] - p[2]
                    r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
                    view[0], view[1], view[2] = vx * r, vy * r, vz * r
                    ambient, what = p[6] * free, kind[f]
                    if 2 < what < 11 or (what == 0 and t[OPEN] < np.float32(0.97)):
                        # Teeth and tongue: what they see of the sky depends on the lips of this frame.
                        z = one / inverse[j, i]
                        ambient = nearby(inverse, j, i, z, np.float32(0.006) * focal / z)
                        if what == 4 or what == 5:
                            # Light wanders inside teeth and gums, so that lips darken them softly and redden them.
                            near = min(one, np.float32(1.5) * ambient)
                            t[OPEN] *= min(one, np.float32(0.40) + np.float32(2.2) * ambient)
                            ambient = np.float32(0.25) + np.float32(0.75) * ambient
                            t[1] *= np.float32(0.86) + np.float32(0.14) * near
                            t[2] *= np.float32(0.80) + np.float32(0.20) * near
                        else:
                            t[OPEN] *= min(one, np.float32(0.28) + np.float32(1.4) * ambient)
                    nl = p[3] * light[0, 0] + p[4] * light[0, 1] + p[5] * light[0, 2]
                    if every:
                        s = shadowed(shadow, light_camera, light[3, 0], taps, n, p)
                    else:
                        a, b = bary[j, i, 0], bary[j, i, 1]
                        s = a * lit[triangles[f, 0]] + b * lit[triangles[f, 1]] + (one - a - b) * lit[triangles[f, 2]]
                    if 1 <= what <= 5 or what == 9:
                        # Lids and lips let light through, and between the lips it comes from all sides.
                        least = np.float32(0.62) if what >= 4 else np.float32(0.4)
                        s = least + (one - least) * s
                    # Surfaces that turn away shade themselves in the map; the wrapped light must get through there.
                    s += (
                        np.float32(0.45)
                        * (one - s)
                        * t[SOFT]
                        * min(one, max(zero, np.float32(0.1) - nl) * np.float32(5.0))
                    )
                    if what == 1 or what == 2:
                        grain = np.float32(focal) * inverse[j, i]  # samples a metre
                        above = _to_lid(ids, kind, j, i, -1, np.float32(0.0065) * grain + one)
                        below = _to_lid(ids, kind, j, i, 1, np.float32(0.0030) * grain + one)
                        eye_light(light, eyes[what - 1], atlas, t, p, view, up, s, above, below, colour)
                    else:
                        fine[0], fine[1], fine[2] = p[3], p[4], p[5]
                        if what == 0 and relief.shape[0] > 1:
                            relief_at(f, bary[j, i, 0], bary[j, i, 1], triangles, points, relief, p, slope)
                            _carve(up, slope, p, fine, t)
                        leaving(light, t, p, fine, view, s, ambient, colour)
                if hair:
                    y, x = (j, i) if apart else (row, column)
                    if cells[y, x, 3] > zero and cells[y, x, 4] * np.float32(BIAS) > inverse[j, i]:
                        for c in range(3):
                            colour[c] = cells[y, x, c] + (one - cells[y, x, 3]) * colour[c]
                for c in range(3):
                    value = colour[c]
                    # Values beyond the screen's range are cut per sample, so that highlights get smooth edges.
                    total[c] += min(value, np.float32(4.0)) if value > zero else zero  # NaN becomes 0
            r = one / np.float32(side * side)
            to_screen(total[0] * r, total[1] * r, total[2] * r, table, image[row, column])
