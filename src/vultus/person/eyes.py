"""The living eye: pupils that follow the light, a cornea over a sunken iris, lids' shade, wet rims and catchlights.

Shading works in the frame of each eyeball, in the painter's metres, found anew from the vertices of every frame.
"""

from __future__ import annotations

import math
from copy import copy

import numpy as np
from numpy.typing import NDArray

from vultus.person.atlas import EYE_EVEN, EYE_SQUEEZE, Kind, Textured, eye_window, kinds, painter_coordinates
from vultus.person.jit import fast, inner, step
from vultus.person.light import BLUE, GREEN, RED, LightRig, in_the_eye, surroundings
from vultus.person.pigment import EYE_X, EYE_Y, EYE_Z, IRIS_R, OPEN, PUPIL
from vultus.person.surface import texture_at

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_CANDELA = 25.0  # luminance in cd/m2 of white paper under light of 1: a room, not a sunny day
_COLUMNS = 18
_R = np.float32(IRIS_R)
_PUPIL = np.float32(PUPIL)


def pupil_diameter(rig: LightRig, age: float = 30.0) -> float:
    """The pupil's diameter in metres, 2 to 7 mm, in the light of *rig*.

    Moon and Spencer's formula (JOSA 34, 1944); old pupils open less (after Watson and Yellott, J. Vision 12, 2012).
    """
    white = np.array([0.2126, 0.7152, 0.0722])
    light = [white @ np.array(c) for c in (rig.key.colour, rig.fill.colour, rig.sky, rig.ground)]
    brightness = rig.exposure * float(np.dot([0.7, 0.5, 0.5, 0.5], light))
    size = 4.9 - 3 * np.tanh(0.4 * np.log10(max(_CANDELA * brightness, 1e-6)))
    size -= 0.021 * (age - 28) * max(0.0, size - 2.0) / 5
    return float(np.clip(size, 2.0, 7.0)) * 1e-3


@fast
def _means(vertices: np.ndarray, index: np.ndarray, start: np.ndarray, out: np.ndarray) -> None:
    """The means *out* float64 [G, 3] of groups of *vertices* [V, 3]: group g is index[start[g] : start[g + 1]]."""
    for g in range(out.shape[0]):
        x, y, z = 0.0, 0.0, 0.0
        for n in range(start[g], start[g + 1]):
            i = np.uint64(index[n])
            x, y, z = x + vertices[i, 0], y + vertices[i, 1], z + vertices[i, 2]
        count = start[g + 1] - start[g]
        out[g, 0], out[g, 1], out[g, 2] = x / count, y / count, z / count


class EyeFrames:
    """Where both eyeballs are and look, from the vertices of a frame."""

    def __init__(self, mesh: Textured, neutral: F32, uv: F32, diameter: float) -> None:
        """*neutral* [V, 3] at rest, *uv* [VT, 2] the atlas' coordinates, *diameter* of the pupils in metres."""
        kind, places = kinds(mesh), painter_coordinates(mesh)
        self.rows = np.zeros((2, _COLUMNS), np.float32)
        # The vertices of each eye, and those of them on its left, upper and front side, group after group.
        groups: list[NDArray[np.int64]] = []
        centres: list[F64] = []
        for n, which in enumerate((Kind.EYE_LEFT, Kind.EYE_RIGHT)):
            members = np.unique(mesh.triangles[kind == which])
            local = places[members] - [EYE_X if n == 0 else -EYE_X, EYE_Y, EYE_Z]
            groups += [members, *(members[local[:, axis] > 0.006] for axis in (0, 1, 2))]
            rest = neutral[members].astype(np.float64)
            # Scale and centre that carry the template's eye onto this one.
            mean = local.mean(0)
            scale = float(np.sqrt(((rest - rest.mean(0)) ** 2).sum() / ((local - mean) ** 2).sum()))
            centres.append(rest.mean(0) - scale * mean)
            centre_u, centre_v, size_u, size_v = eye_window(which)
            self.rows[n, 12:] = (1 / scale, centre_u, centre_v, 0.5 * diameter / IRIS_R, size_u, size_v)
        self._index = np.concatenate(groups)
        self._start = np.concatenate([[0], np.cumsum([len(g) for g in groups])])
        self._at = np.zeros((8, 3))
        _means(neutral, self._index, self._start, self._at)
        self._home = [(np.zeros((3, 3)), self._at[4 * n].copy(), centres[n]) for n in range(2)]
        for n, (axes, _, _) in enumerate(self._home):
            _axes(self._at[4 * n : 4 * n + 4], axes)

    def twin(self) -> EyeFrames:
        """The same eyes in buffers of their own."""
        other = copy(self)
        other.rows, other._at = self.rows.copy(), self._at.copy()
        return other

    def follow(self, vertices: F32) -> F32:
        """The kernel's rows [2, 18] for *vertices* [V, 3]: centre, axes x, y, z; 1/scale, uv centre, pupil, uv size.

        Vertices that are not finite leave an eye where it was.
        """
        _means(vertices, self._index, self._start, self._at)
        for n, (axes, mean, centre) in enumerate(self._home):
            _turn(self._at[4 * n : 4 * n + 4], axes, mean, centre, self.rows[n])
        return self.rows


@fast
def _axes(at: np.ndarray, out: np.ndarray) -> None:
    """Axes *out* [3, 3] (columns) that turn with an eye, from the means *at* [4, 3] of all of it and of three sides."""
    x, y, z = out[:, 0], out[:, 1], out[:, 2]
    for c in range(3):
        z[c], y[c] = at[3, c] - at[0, c], at[2, c] - at[0, c]
    _unit(z)
    _cross(y, z, x)
    _unit(x)
    _cross(z, x, y)


@inner
def _unit(v: np.ndarray) -> None:
    r = 1.0 / max(math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 1e-9)
    v[0], v[1], v[2] = v[0] * r, v[1] * r, v[2] * r


@inner
def _cross(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    out[0], out[1], out[2] = x, y, z


@fast
def _turn(at: np.ndarray, home: np.ndarray, mean: np.ndarray, centre: np.ndarray, row: np.ndarray) -> None:
    """Centre and axes of an eye into *row*, from where its means *at* [4, 3] are, and its axes *home* [3, 3], mean and
    centre at rest; nothing when they are not finite."""
    if not abs(at[0, 0]) + abs(at[0, 1]) + abs(at[0, 2]) < 1e9:  # not for NaN either
        return
    now = np.empty((3, 3))
    _axes(at, now)
    for i in range(3):
        far = 0.0
        for j in range(3):
            turn = now[i, 0] * home[j, 0] + now[i, 1] * home[j, 1] + now[i, 2] * home[j, 2]
            row[3 + 3 * j + i] = turn
            far += turn * (centre[j] - mean[j])
        row[i] = at[0, i] + far


@step
def eye_light(
    light: np.ndarray,
    e: np.ndarray,
    atlas: np.ndarray,
    t: np.ndarray,
    p: np.ndarray,
    view: np.ndarray,
    up: np.ndarray,
    shadow: float | np.floating,
    above: np.float32,
    below: np.float32,
    out: np.ndarray,
) -> None:
    """The light *out* [3] that leaves a point *p* of the eye with row *e* of :meth:`EyeFrames.follow`.

    *above* and *below*, in [0, 1], say how far the lids are: 1 is 6.5 mm from the upper one, 3 mm from the lower one.
    """
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    ox, oy, oz = p[0] - e[0], p[1] - e[1], p[2] - e[2]
    x = (e[3] * ox + e[4] * oy + e[5] * oz) * e[12]
    y = (e[6] * ox + e[7] * oy + e[8] * oz) * e[12]
    z = (e[9] * ox + e[10] * oy + e[11] * oz) * e[12]
    far = one / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    vx = e[3] * view[0] + e[4] * view[1] + e[5] * view[2]
    vy = e[6] * view[0] + e[7] * view[1] + e[8] * view[2]
    vz = e[9] * view[0] + e[10] * view[1] + e[11] * view[2]
    r = np.sqrt(x * x + y * y) / _R
    if z < zero:
        r = np.float32(9.0)
    # The cornea is rounder than the eyeball; both meet in a shallow groove around the iris.
    bulge = min(one, max(zero, (np.float32(1.16) - r) * np.float32(4.5)))
    nx = x * far * (one + np.float32(0.85) * bulge)
    ny = y * far * (one + np.float32(0.85) * bulge)
    nz = np.sqrt(max(np.float32(0.01), one - nx * nx - ny * ny)) if z > zero else z * far
    lx = e[3] * light[0, 0] + e[4] * light[0, 1] + e[5] * light[0, 2]
    ly = e[6] * light[0, 0] + e[7] * light[0, 1] + e[8] * light[0, 2]
    # Diffuse light: the sclera wraps softly; the iris is a flat disc that the cornea lights on the far side.
    soft = np.float32(0.50)
    dx, dy, dz = x * far, y * far, z * far
    caustic = one
    if z > zero:
        # Refraction at the cornea (Snell, n = 1.336) down to the plane of the iris.
        cosine = max(np.float32(0.05), nx * vx + ny * vy + nz * vz)
        eta = np.float32(0.7485)
        bend = eta * cosine - np.sqrt(one - eta * eta * (one - cosine * cosine))
        ix, iy, iz = bend * nx - eta * vx, bend * ny - eta * vy, bend * nz - eta * vz
        deep = np.float32(0.0021) * max(zero, one - r * r) / max(np.float32(0.3), -iz)
        px, py = x + deep * ix, y + deep * iy
        q = np.sqrt(px * px + py * py) / _R
        # The painted pupil stretches or shrinks to that of the moment; the rim of the iris stays.
        if q < one:
            pupil = e[15]
            new = q * _PUPIL / pupil if q < pupil else _PUPIL + (q - pupil) * (one - _PUPIL) / (one - pupil)
            ratio = new / max(q, np.float32(1e-6))
            px, py = px * ratio, py * ratio
        # The mesh's own texture coordinates bend with the identity: find the atlas from the direction instead.
        sx, sy = px * far, py * far
        sz = np.sqrt(max(zero, one - sx * sx - sy * sy))
        flat = np.sqrt(np.float32(2.0) * (one - sz))
        even = np.float32(EYE_EVEN)
        stretch = np.sqrt(np.float32(2.0) / (one + sz))
        if flat > even:
            stretch *= (even + np.float32(EYE_SQUEEZE) * (flat - even)) / flat
        texture_at(atlas, e[13] + e[16] * stretch * sx, e[14] + e[17] * stretch * sy, t)
        inside = min(one, max(zero, (np.float32(1.06) - q) * np.float32(8.0)))
        caustic = one + inside * np.float32(0.55) * max(-one, min(one, -(px * lx + py * ly) / _R))
        dx, dy, dz = dx * (one - inside), dy * (one - inside), dz + (one - dz) * inside
        soft = soft * (one - inside)
    wx = e[3] * dx + e[6] * dy + e[9] * dz
    wy = e[4] * dx + e[7] * dy + e[10] * dz
    wz = e[5] * dx + e[8] * dy + e[11] * dz
    norm = one / np.sqrt(wx * wx + wy * wy + wz * wz + np.float32(1e-12))
    # Lids shade the eyeball softly, the upper one most, and so do the corners; tears stand against the lower one.
    open_ = above * (np.float32(1.55) - np.float32(0.55) * above)
    near = one - below
    side = max(zero, abs(x) * far - np.float32(0.40))
    ambient = (np.float32(0.26) + np.float32(0.74) * open_) * (one - np.float32(0.30) * near * near)
    ambient *= max(np.float32(0.6), one - np.float32(0.8) * side)
    rim = max(zero, one - np.float32(5.0) * below)
    shade = np.float32(0.58) + np.float32(0.42) * ambient
    s = (np.float32(0.50) + np.float32(0.50) * shadow) * (np.float32(0.42) + np.float32(0.58) * open_)
    red, green, blue = zero, zero, zero
    for k in range(3):
        nl = (wx * light[k, 0] + wy * light[k, 1] + wz * light[k, 2]) * norm
        give = max(zero, (nl + soft) / (one + soft)) * (s * caustic if k == 0 else ambient)
        red += give * light[k, 3]
        green += give * light[k, 4]
        blue += give * light[k, 5]
    wx, wy, wz = wx * norm, wy * norm, wz * norm
    red = (red + ambient * surroundings(light, RED, wx, wy, wz)) * shade
    green = (green + ambient * surroundings(light, GREEN, wx, wy, wz)) * shade
    blue = (blue + ambient * surroundings(light, BLUE, wx, wy, wz)) * shade
    # What is dark between the lids is dark red: light has passed through skin.
    warm = np.float32(0.10) * (one - ambient)
    red, green, blue = t[0] * red * (one + warm), t[1] * green * (one - half * warm), t[2] * blue * (one - warm)
    # Mirror: the tear film reflects the key lamp and the surroundings.
    mx = e[3] * nx + e[6] * ny + e[9] * nz
    my = e[4] * nx + e[7] * ny + e[10] * nz
    mz = e[5] * nx + e[8] * ny + e[11] * nz
    if rim > zero:
        # Tears climb up the lid: the surface turns from the eyeball's to the sky.
        mx, my, mz = mx + rim * half * up[0], my + rim * half * up[1], mz + rim * half * up[2]
        norm = one / np.sqrt(mx * mx + my * my + mz * mz)
        mx, my, mz = mx * norm, my * norm, mz * norm
    nv = max(np.float32(0.02), mx * view[0] + my * view[1] + mz * view[2])
    rx, ry, rz = np.float32(2) * nv * mx - view[0], np.float32(2) * nv * my - view[1], np.float32(2) * nv * mz - view[2]
    graze = one - min(one, nv)
    graze = graze * graze * graze * graze * graze
    fresnel = np.float32(0.026) + np.float32(0.974) * graze
    open_ = np.float32(0.30) + np.float32(0.70) * open_
    gloss = (fresnel + np.float32(0.06) * rim) * open_
    # The key lamp's own shape, and a soft veil of the fill's.
    # It stays bright under a heavy lid: an eye without it looks dead.
    power = np.float32(3.2) * (np.float32(0.55) + np.float32(0.45) * shadow) * in_the_eye(light, rx, ry, rz, 0.10)
    power *= (one + np.float32(12.0) * graze * open_) * (np.float32(0.45) + np.float32(0.55) * open_)
    veil = max(zero, rx * light[1, 0] + ry * light[1, 1] + rz * light[1, 2])
    veil = np.float32(0.10) * veil * veil * veil * veil * veil * veil * veil * veil * ambient
    red += gloss * surroundings(light, RED, rx, ry, rz) + power * light[0, 3] + veil * light[1, 3]
    green += gloss * surroundings(light, GREEN, rx, ry, rz) + power * light[0, 4] + veil * light[1, 4]
    blue += gloss * surroundings(light, BLUE, rx, ry, rz) + power * light[0, 5] + veil * light[1, 5]
    # A wet line along the lid catches light from everywhere above.
    line = np.float32(0.07) * rim * rim * (s + half)
    out[0] = (red + line * light[0, 3]) * t[OPEN]
    out[1] = (green + line * light[0, 4]) * t[OPEN]
    out[2] = (blue + line * light[0, 5]) * t[OPEN]
