"""Deferred shading: from visible triangles and a painted atlas to lit pixels.

Diffuse light is wrapped around the terminator, most in red, which is the cheap look of light that scatters in skin
(d'Eon and Luebke, "Advanced Techniques for Realistic Real-Time Skin Rendering", GPU Gems 3, 2007). Highlights are GGX
(Walter et al., EGSR 2007) with Kelemen's visibility term and Schlick's Fresnel.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.person.light import LightRig
from vultus.person.pigment import GLOSS, HAIRY, OPEN, SHINE, SOFT
from vultus.render.shadows import lit

F32 = NDArray[np.float32]

# Reassociation without "no NaN": values that are not finite must stay visible to the last check.
fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})

# Helpers are merged into the kernel: passing a dozen array descriptors per pixel costs more than the arithmetic.
part = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"}, inline="always"
)

LEVELS = 4096  # of the table from sqrt(light / BRIGHTEST) to the byte on screen
BRIGHTEST = 16.0


def tone_table() -> NDArray[np.uint8]:
    """Filmic tone curve (Narkowicz' fit of ACES, 2015) and sRGB encoding, by sqrt(light / BRIGHTEST) [LEVELS]."""
    x = (np.arange(LEVELS) / (LEVELS - 1)) ** 2 * BRIGHTEST
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    x = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)
    return np.rint(255 * np.clip(x, 0, 1)).astype(np.uint8)


def background(rig: LightRig, height: int, width: int) -> F32:
    """The backdrop [H, W, 3], linear: bright behind the face, darker to the corners, with grain against banding."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x / width - 0.5) ** 2 + (y / height - 0.42) ** 2) / 0.5
    grain = np.random.default_rng(0).uniform(-0.006, 0.006, (height, width)).astype(np.float32)
    light = (1.15 * (1 - rig.vignette * far) * (1 + grain)).astype(np.float32)
    return np.ascontiguousarray(light[..., None] * np.array(rig.background, np.float32))


def encode(light: F32, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Linear light [...] through the tone table."""
    return table[np.rint(np.sqrt(np.clip(light / BRIGHTEST, 0, 1)) * (LEVELS - 1)).astype(np.int64)]


def light_rows(rig: LightRig) -> F32:
    """The rig for the kernel, [5, 6]: unit direction and colour of key, fill, rim; sky and ground in the colours."""
    rows = np.zeros((5, 6), np.float32)
    for i, lamp in enumerate((rig.key, rig.fill, rig.rim)):
        direction = np.array(lamp.direction)
        rows[i] = [*(direction / np.linalg.norm(direction)), *(rig.exposure * np.array(lamp.colour))]
    rows[3, 3:], rows[4, 3:] = rig.exposure * np.array(rig.sky), rig.exposure * np.array(rig.ground)
    return rows


def camera_rows(camera: Camera) -> F32:
    """A camera for the kernel, [4, 4]: its 3x4 matrix, then focal lengths and centre in pixels."""
    rows = np.zeros((4, 4), np.float32)
    rows[:3], rows[3] = camera.world_to_camera[:3], (*camera.focal, *camera.centre)
    return rows


def _rings() -> F32:
    """Where to look around a pixel, and how much it counts [16, 3]: two rings; light comes from above."""
    ring, n = np.divmod(np.arange(16), 8)
    turn = (n + 0.5 * (ring + 1)) * (np.pi / 4)
    reach = 0.5 * (ring + 1)
    return np.stack([reach * np.cos(turn), reach * np.sin(turn), 1 - 0.6 * np.sin(turn)], 1).astype(np.float32)


RINGS = _rings()


@fast
def _nearby(inverse: np.ndarray, row: int, column: int, z: float, pixels: float) -> np.float32:
    """How free a point in a hollow is, in [0, 1]: what stands in front of it close by on the screen darkens it."""
    height, width = inverse.shape
    limit_near, limit_far = 1.0 / (z - 0.0006), 1.0 / max(z - 0.03, 0.01)
    hidden, total = 0.0, 0.0
    for n in range(16):
        i, j = column + int(np.floor(pixels * RINGS[n, 0] + 0.5)), row + int(np.floor(pixels * RINGS[n, 1] + 0.5))
        total += RINGS[n, 2]
        if 0 <= i < width and 0 <= j < height and limit_near < inverse[j, i] < limit_far:
            hidden += RINGS[n, 2]
    return np.float32(1.0 - hidden / total)


def packed(texture: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A texture uint8 [S, S, 8] with the eight channels of a texel in one word [S, S], the first in the lowest byte."""
    return np.ascontiguousarray(texture).view("<u8")[..., 0].astype(np.uint64, copy=False)


_EVEN = np.uint64(0x00FF00FF00FF00FF)
_8, _16, _32, _48 = np.uint64(8), np.uint64(16), np.uint64(32), np.uint64(48)
_LANE = np.uint64(0xFFFF)


@part
def _texture(atlas: np.ndarray, u: float, v: float, out: np.ndarray) -> None:
    """Bilinear lookup of all channels in [0, 1]; colours become linear.

    Four channels at a time are weighted as 16-bit lanes of one word; the weights are 1/256 steps that sum to 1.
    """
    size, one, half = np.float32(atlas.shape[0]), np.float32(1.0), np.float32(0.5)
    x = min(max(u * size - half, np.float32(0.0)), size - np.float32(1.01))
    y = min(max((one - v) * size - half, np.float32(0.0)), size - np.float32(1.01))
    i, j = np.uint64(x), np.uint64(y)
    a, b = np.uint64((x - np.float32(i)) * np.float32(256.0)), np.uint64((y - np.float32(j)) * np.float32(256.0))
    full = np.uint64(256)
    w3 = (a * b) >> _8
    w1, w2 = a - w3, b - w3
    w0 = full - w1 - w2 - w3
    next_i, next_j = i + np.uint64(1), j + np.uint64(1)
    t0, t1, t2, t3 = atlas[j, i], atlas[j, next_i], atlas[next_j, i], atlas[next_j, next_i]
    even = (t0 & _EVEN) * w0 + (t1 & _EVEN) * w1 + (t2 & _EVEN) * w2 + (t3 & _EVEN) * w3
    odd = ((t0 >> _8) & _EVEN) * w0 + ((t1 >> _8) & _EVEN) * w1 + ((t2 >> _8) & _EVEN) * w2 + ((t3 >> _8) & _EVEN) * w3
    scale = np.float32(1.0 / 65280.0)
    red, green, blue = (
        scale * np.float32(even & _LANE),
        scale * np.float32(odd & _LANE),
        scale * np.float32((even >> _16) & _LANE),
    )
    out[0], out[1], out[2] = red * red, green * green, blue * blue
    out[3] = scale * np.float32((odd >> _16) & _LANE)
    out[4] = scale * np.float32((even >> _32) & _LANE)
    out[5] = scale * np.float32((odd >> _32) & _LANE)
    out[6] = scale * np.float32(even >> _48)
    out[7] = scale * np.float32(odd >> _48)


@part
def _shadow(shadow: np.ndarray, light: np.ndarray, radius: int, x: float, y: float, z: float) -> np.float32:
    """Key light in [0, 1] that reaches a world point; a map of one texel means that nothing casts shadows."""
    if shadow.shape[0] < 2:
        return np.float32(1.0)
    depth = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + light[2, 3]
    r = np.float32(1.0) / depth
    sx = light[3, 2] + light[3, 0] * r * (light[0, 0] * x + light[0, 1] * y + light[0, 2] * z + light[0, 3])
    sy = light[3, 3] + light[3, 1] * r * (light[1, 0] * x + light[1, 1] * y + light[1, 2] * z + light[1, 3])
    return np.float32(lit(shadow, sx, sy, depth, 0.003, radius))


@part
def _lamps(
    light: np.ndarray,
    t: np.ndarray,
    p: np.ndarray,
    view: np.ndarray,
    shadow: float,
    ambient: float,
    is_eye: bool,
    out: np.ndarray,
) -> None:
    """The light *out* [3] that leaves a point *p* with texture channels *t*, seen from direction *view*."""
    one, zero = np.float32(1.0), np.float32(0.0)
    soft = t[SOFT]
    rough = np.float32(0.80) - np.float32(0.70) * t[GLOSS]
    a2 = max(rough * rough * rough * rough, np.float32(0.0004))
    f0 = np.float32(0.07) * t[SHINE]
    diffuse_r, diffuse_g, diffuse_b, shine_r, shine_g, shine_b = zero, zero, zero, zero, zero, zero
    wrap_r, wrap_g, wrap_b = np.float32(0.28) * soft, np.float32(0.13) * soft, np.float32(0.07) * soft
    gain_r, gain_g, gain_b = one / (one + wrap_r), one / (one + wrap_g), one / (one + wrap_b)
    for q in range(3):
        lx, ly, lz = light[q, 0], light[q, 1], light[q, 2]
        nl = p[3] * lx + p[4] * ly + p[5] * lz
        s = shadow if q == 0 else np.float32(0.3) + np.float32(0.7) * ambient
        # The penumbra and the terminator bleed red.
        bleed = one + np.float32(0.25) * soft * (one - s)
        diffuse_r += max(zero, (nl + wrap_r) * gain_r) * light[q, 3] * min(one, s * bleed)
        diffuse_g += max(zero, (nl + wrap_g) * gain_g) * light[q, 4] * s
        diffuse_b += max(zero, (nl + wrap_b) * gain_b) * light[q, 5] * s
        if nl > zero and f0 > zero:
            hx, hy, hz = lx + view[0], ly + view[1], lz + view[2]
            r = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
            nh = max(zero, (p[3] * hx + p[4] * hy + p[5] * hz) * r)
            lh = max(zero, (lx * hx + ly * hy + lz * hz) * r)
            d = nh * nh * (a2 - one) + one
            g = one - lh
            fresnel = f0 + (one - f0) * g * g * g * g * g * t[SHINE]
            s *= one if q == 0 or is_eye else ambient * np.float32(0.7)
            k = np.float32(0.25) * nl * s * fresnel * a2 / (d * d * max(lh * lh, np.float32(0.08)))
            k = min(k, np.float32(6.0))
            shine_r += k * light[q, 3]
            shine_g += k * light[q, 4]
            shine_b += k * light[q, 5]
    up = np.float32(0.5) + np.float32(0.5) * p[4]
    bounce = ambient * (one + np.float32(0.20) * soft * (one - ambient))
    nv = max(zero, p[3] * view[0] + p[4] * view[1] + p[5] * view[2])
    edge = (one - nv) * (one - nv)
    sheen = np.float32(0.55) * t[SHINE] * (np.float32(0.06) + edge * edge * (np.float32(0.4) + t[GLOSS])) * ambient
    if is_eye:
        sheen *= np.float32(0.35)
    sky_r = light[4, 3] + (light[3, 3] - light[4, 3]) * up
    sky_g = light[4, 4] + (light[3, 4] - light[4, 4]) * up
    sky_b = light[4, 5] + (light[3, 5] - light[4, 5]) * up
    out[0] = (t[0] * (diffuse_r + sky_r * bounce) + shine_r + sheen * sky_r) * t[OPEN]
    out[1] = (t[1] * (diffuse_g + sky_g * ambient) + shine_g + sheen * sky_g) * t[OPEN]
    out[2] = (t[2] * (diffuse_b + sky_b * ambient) + shine_b + sheen * sky_b) * t[OPEN]


@part
def _surface(
    f: int,
    a: float,
    b: float,
    triangles: np.ndarray,
    points: np.ndarray,
    atlas: np.ndarray,
    p: np.ndarray,
    t: np.ndarray,
) -> None:
    """Interpolate place, normal, share of sky and uv into *p* [9], and texture channels into *t* [8]."""
    w = np.float32(1.0) - a - b
    # Unsigned numbers, because numba tests signed ones for counting from the end.
    n = np.uint64(f)
    i, j, k = np.uint64(triangles[n, 0]), np.uint64(triangles[n, 1]), np.uint64(triangles[n, 2])
    for c in range(9):
        p[c] = a * points[i, c] + b * points[j, c] + w * points[k, c]
    r = np.float32(1.0) / np.sqrt(p[3] * p[3] + p[4] * p[4] + p[5] * p[5] + np.float32(1e-20))
    p[3] *= r
    p[4] *= r
    p[5] *= r
    _texture(atlas, p[7], p[8], t)


@part
def _alike(ids: np.ndarray, inverse: np.ndarray, kind: np.ndarray, row: int, column: int, k: int) -> bool:
    """Whether the k x k samples of a pixel show one smooth surface, so that one of them stands for all."""
    f = ids[row, column]
    first = kind[f] if f >= 0 else -1
    low, high = inverse[row, column], inverse[row, column]
    for j in range(row, row + k):
        for i in range(column, column + k):
            f = ids[j, i]
            if (kind[f] if f >= 0 else -1) != first:
                return False
            low, high = min(low, inverse[j, i]), max(high, inverse[j, i])
    return high - low <= np.float32(0.0025) * high


@fast
def shade_rows(
    row0: int,
    row1: int,
    k: int,
    every: bool,
    ids: np.ndarray,
    bary: np.ndarray,
    inverse: np.ndarray,
    lash_ids: np.ndarray,
    lash_bary: np.ndarray,
    lash_inverse: np.ndarray,
    triangles: np.ndarray,
    kind: np.ndarray,
    lashes: np.ndarray,
    points: np.ndarray,
    atlas: np.ndarray,
    shadow: np.ndarray,
    light_camera: np.ndarray,
    radius: int,
    light: np.ndarray,
    eye: np.ndarray,
    focal: float,
    backdrop: np.ndarray,
    plain: np.ndarray,
    table: np.ndarray,
    image: np.ndarray,
) -> None:
    """Shade the rows [row0, row1) of *image* uint8 [H, W, 3] from k x k samples a pixel.

    Where all samples of a pixel show the same surface only one is shaded, unless *every*. ``portrait`` explains the
    other arrays.
    """
    p, t, lash = np.zeros(9, np.float32), np.zeros(8, np.float32), np.zeros(8, np.float32)
    colour, view, total = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    scale = np.float32(1.0 / BRIGHTEST)
    for row in range(row0, row1):
        for column in range(image.shape[1]):
            single = k == 1 or (not every and _alike(ids, inverse, kind, row * k, column * k, k))
            if single and ids[row * k, column * k] < 0 and lash_ids[row * k, column * k] < 0:
                for c in range(3):
                    image[row, column, c] = plain[row, column, c]
                continue
            side = 1 if single else k
            total[:] = zero
            for n in range(side * side):
                j, i = (row * k + n // side, column * k + n % side) if side > 1 else (row * k, column * k)
                f = ids[j, i]
                if f < 0:
                    colour[0], colour[1], colour[2] = (
                        backdrop[row, column, 0], backdrop[row, column, 1], backdrop[row, column, 2],
                    )  # fmt: skip
                else:
                    _surface(f, bary[j, i, 0], bary[j, i, 1], triangles, points, atlas, p, t)
                    vx, vy, vz = eye[0] - p[0], eye[1] - p[1], eye[2] - p[2]
                    r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
                    view[0], view[1], view[2] = vx * r, vy * r, vz * r
                    ambient, what = p[6], kind[f]
                    if what != 0 or t[OPEN] < np.float32(0.97):
                        # Eyes, teeth and tongue: what they see of the sky depends on lids and lips of this frame.
                        z = one / inverse[j, i]
                        ambient = _nearby(inverse, j, i, z, np.float32(0.006) * focal / z)
                        if what == 1 or what == 2:
                            t[OPEN] *= np.float32(0.6) + np.float32(0.4) * ambient
                        else:
                            t[OPEN] *= min(one, np.float32(0.05) + np.float32(1.6) * ambient)
                    if what == 1 or what == 2:
                        # The cornea is rounder than the mesh: its highlight sits nearer to the pupil.
                        more, less = np.float32(2.2), np.float32(1.2)
                        nx, ny, nz = (
                            more * p[3] - less * view[0],
                            more * p[4] - less * view[1],
                            more * p[5] - less * view[2],
                        )
                        r = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-20))
                        p[3], p[4], p[5] = nx * r, ny * r, nz * r
                    nl = p[3] * light[0, 0] + p[4] * light[0, 1] + p[5] * light[0, 2]
                    # Looking from a little outside keeps surfaces that the light grazes from shading themselves.
                    out = np.float32(0.0045) * (one - np.float32(0.7) * max(zero, nl))
                    x, y, z = p[0] + out * p[3], p[1] + out * p[4], p[2] + out * p[5]
                    s = _shadow(shadow, light_camera, radius, x, y, z)
                    if 1 <= what <= 5:
                        s = np.float32(0.4) + np.float32(0.6) * s  # lids and lips let light through
                    # Surfaces that turn away shade themselves in the map; the wrapped light must get through there.
                    s += (
                        np.float32(0.45)
                        * (one - s)
                        * t[SOFT]
                        * min(one, max(zero, np.float32(0.1) - nl) * np.float32(5.0))
                    )
                    _lamps(light, t, p, view, s, ambient, what == 1 or what == 2, colour)
                g = lash_ids[j, i]
                if g >= 0 and lash_inverse[j, i] > inverse[j, i] * np.float32(0.9985):
                    _surface(g, lash_bary[j, i, 0], lash_bary[j, i, 1], lashes, points, atlas, p, lash)
                    for c in range(3):
                        colour[c] += (np.float32(1.5) * lash[c] - colour[c]) * lash[HAIRY]
                for c in range(3):
                    value = colour[c]
                    # Values beyond the screen's range are cut per sample, so that highlights get smooth edges.
                    total[c] += min(value, np.float32(2.5)) if value > zero else zero  # NaN becomes 0
            r = one / np.float32(side * side)
            for c in range(3):
                level = np.sqrt(min(total[c] * r * scale, one)) * np.float32(LEVELS - 1)
                image[row, column, c] = table[int(level + np.float32(0.5))]
