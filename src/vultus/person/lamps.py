"""How light leaves a surface.

Diffuse light is wrapped around the terminator, most in red, which is the cheap look of light that scatters in skin
(d'Eon and Luebke, "Advanced Techniques for Realistic Real-Time Skin Rendering", GPU Gems 3, 2007). Highlights are GGX
(Walter et al., EGSR 2007) with Kelemen's visibility term and Schlick's Fresnel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.person.jit import fast, part
from vultus.person.pigment import GLOSS, OPEN, SHINE, SOFT

F32 = NDArray[np.float32]
Real = float | np.floating


def camera_rows(camera: Camera) -> F32:
    """A camera for the kernel, [4, 4]: its 3x4 matrix, then focal lengths and centre in pixels."""
    rows = np.zeros((4, 4), np.float32)
    rows[:3], rows[3] = camera.world_to_camera[:3], (*camera.focal, *camera.centre)
    return rows


LANES = 128
"""Samples that are lit at a time: as many as fill the vector registers and stay in the first cache."""
PLACE, NORMAL, AMBIENT, SLOPE, TEXEL, KEY = 0, 3, 6, 7, 10, 18
ROWS = 19
"""What a sample brings, each a row of LANES numbers in one flat array: place, normal, share of sky, slopes of the
relief (right, up, steepness of creases), channels of the atlas, share of the key light. Offsets that are constants
let the compiler see that nothing overlaps, and so light several samples at once."""
SPAN = 2 * LANES
"""Length of the three rows of colours that come out; those of samples that are not lit here lie behind the others."""


@part
def _lamp(
    lx: Real, ly: Real, lz: Real, size: Real, s: Real, gleam: Real, back: Real,
    nx: Real, ny: Real, nz: Real, ax: Real, ay: Real, az: Real, vx: Real, vy: Real, vz: Real,
    far_r: Real, far_g: Real, far_b: Real, bleed: Real, thin: Real,
    rough: Real, broad: Real, narrow: Real, f0: Real, shine: Real,
) -> tuple[Real, Real, Real, Real]:  # fmt: skip
    """What a surface gives back of a lamp towards l: diffuse red, green, blue, and the highlight.

    *s* is the lamp's share that arrives, *gleam* that for highlights, *back* how it passes through ears; n is the
    normal for diffuse light, a that for highlights, v points to the eye; far is how far light travels in skin.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    # A large lamp reaches around the terminator, and its mirror image is broader and dimmer.
    wrap = np.float32(0.4) * size
    wrap_r, wrap_g, wrap_b = wrap + far_r, wrap + far_g, wrap + far_b
    nl = nx * lx + ny * ly + nz * lz
    # Ears let light through, red; most of it comes from behind, because the head stands before other lamps.
    through = back * min(zero, nl) * thin
    # The penumbra and the terminator bleed red.
    red = max(zero, (nl + wrap_r) / (one + wrap_r)) * min(one, s * (one + bleed * (one - s))) + through
    green = max(zero, (nl + wrap_g) / (one + wrap_g)) * s + np.float32(0.36) * through
    blue = max(zero, (nl + wrap_b) / (one + wrap_b)) * s + np.float32(0.22) * through
    # Two lobes, as skin has: a broad one and, from the oil on top, a narrow one.
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    r = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
    nh, lh = max(zero, (ax * hx + ay * hy + az * hz) * r), max(zero, (lx * hx + ly * hy + lz * hz) * r)
    nh *= nh
    broad2 = max(np.float32(0.02), rough + np.float32(0.25) * size)
    narrow2 = max(np.float32(0.02), np.float32(0.4) * rough + np.float32(0.25) * size)
    d, e = nh * (broad2 * broad2 - one) + one, nh * (narrow2 * narrow2 - one) + one
    d, e = d * d, e * e
    g = one - lh
    fresnel = f0 + (one - f0) * g * g * g * g * g * shine
    k = np.float32(0.25) * max(zero, ax * lx + ay * ly + az * lz) * gleam * fresnel * (broad * e + narrow * d)
    return red, green, blue, min(k / (d * e * max(lh * lh, np.float32(0.08))), np.float32(6.0))


@fast
def leave(
    count: int | np.int64, light: np.ndarray, up: np.ndarray, eye: np.ndarray, b: np.ndarray, out: np.ndarray
) -> None:
    """The light that leaves the first *count* samples of *b* [ROWS * LANES] for *eye* [3], into *out* [3 * SPAN].

    The relief's slopes along *up* [3] and across tilt the normals: highlights see them in full, diffuse light two
    thirds, because what scatters blurs the relief of skin. Creases of expression are a little darker and redder.
    """
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    up_x, up_y, up_z = up[0], up[1], up[2]
    eye_x, eye_y, eye_z = eye[0], eye[1], eye[2]
    # Loop-invariant loads would stop the compiler, which cannot know that nothing is written there.
    kx, ky, kz, k_r, k_g, k_b, k_size = (
        light[0, 0], light[0, 1], light[0, 2], light[0, 3], light[0, 4], light[0, 5], light[3, 0],
    )  # fmt: skip
    fx, fy, fz, f_r, f_g, f_b, f_size = (
        light[1, 0], light[1, 1], light[1, 2], light[1, 3], light[1, 4], light[1, 5], light[3, 1],
    )  # fmt: skip
    bx, by, bz, b_r, b_g, b_b, b_size = (
        light[2, 0], light[2, 1], light[2, 2], light[2, 3], light[2, 4], light[2, 5], light[3, 2],
    )  # fmt: skip
    sky_r, sky_g, sky_b = light[3, 3], light[3, 4], light[3, 5]
    low_r, low_g, low_b = light[4, 3], light[4, 4], light[4, 5]
    left_r, left_g, left_b = light[5, 3], light[5, 4], light[5, 5]
    front_r, front_g, front_b = light[6, 3], light[6, 4], light[6, 5]
    mean_r, mean_g, mean_b = half * (sky_r + low_r), half * (sky_g + low_g), half * (sky_b + low_b)
    rise_r, rise_g, rise_b = half * (sky_r - low_r), half * (sky_g - low_g), half * (sky_b - low_b)
    for n in range(count):
        vx = eye_x - b[PLACE * LANES + n]
        vy = eye_y - b[(PLACE + 1) * LANES + n]
        vz = eye_z - b[(PLACE + 2) * LANES + n]
        r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
        vx, vy, vz = vx * r, vy * r, vz * r
        nx, ny, nz = b[NORMAL * LANES + n], b[(NORMAL + 1) * LANES + n], b[(NORMAL + 2) * LANES + n]
        ambient, s = b[AMBIENT * LANES + n], b[KEY * LANES + n]
        right, along, steep = b[SLOPE * LANES + n], b[(SLOPE + 1) * LANES + n], b[(SLOPE + 2) * LANES + n]
        red, green, blue = b[TEXEL * LANES + n], b[(TEXEL + 1) * LANES + n], b[(TEXEL + 2) * LANES + n]
        gloss, shine = b[(TEXEL + GLOSS) * LANES + n], b[(TEXEL + SHINE) * LANES + n]
        open_, scatter = b[(TEXEL + OPEN) * LANES + n], b[(TEXEL + SOFT) * LANES + n]
        # Surfaces that turn away shade themselves in the map; the wrapped light must get through there.
        nl = nx * kx + ny * ky + nz * kz
        s += np.float32(0.45) * (one - s) * scatter * min(one, max(zero, np.float32(0.1) - nl) * np.float32(5.0))
        # Carve the relief into the normal.
        rx, ry, rz = up_y * nz - up_z * ny, up_z * nx - up_x * nz, up_x * ny - up_y * nx
        r = one / np.sqrt(rx * rx + ry * ry + rz * rz + np.float32(1e-4))
        rx, ry, rz = rx * r, ry * r, rz * r
        gx = right * rx + along * (ny * rz - nz * ry)
        gy = right * ry + along * (nz * rx - nx * rz)
        gz = right * rz + along * (nx * ry - ny * rx)
        ax, ay, az = nx - gx, ny - gy, nz - gz
        r = one / np.sqrt(ax * ax + ay * ay + az * az)
        ax, ay, az = ax * r, ay * r, az * r
        part_ = np.float32(0.68)
        nx, ny, nz = nx - part_ * gx, ny - part_ * gy, nz - part_ * gz
        r = one / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * r, ny * r, nz * r
        dark = min(np.float32(0.40), np.float32(2.2) * steep)
        red, green, blue = red * (one - np.float32(0.7) * dark), green * (one - dark), blue * (one - dark)

        soft, thin = min(one, scatter * np.float32(1.25)), max(zero, scatter * np.float32(5.0) - np.float32(4.0))
        rough = np.float32(0.80) - np.float32(0.70) * gloss
        rough *= rough
        broad = np.float32(0.74) * max(rough * rough, np.float32(0.0004))
        narrow = np.float32(0.0416) * rough * rough
        f0 = np.float32(0.085) * shine
        # Light travels as far in red as melanin lets it: dark skin bleeds less, and less red.
        clear = min(one, np.float32(1.5) * red)
        far_r = soft * (np.float32(0.11) + np.float32(0.11) * clear)
        far_g, far_b = soft * (np.float32(0.10) + np.float32(0.03) * clear), soft * np.float32(0.09)
        bleed = np.float32(0.14) * soft * clear
        inner = np.float32(0.3) + np.float32(0.7) * ambient  # light of the other lamps that gets into hollows
        least = inner * ambient * np.float32(0.7)
        k_dr, k_dg, k_db, k_s = _lamp(
            kx, ky, kz, k_size, s, s, np.float32(-0.05), nx, ny, nz, ax, ay, az, vx, vy, vz, far_r, far_g, far_b, bleed,
            thin, rough, broad, narrow, f0, shine,
        )  # fmt: skip
        f_dr, f_dg, f_db, f_s = _lamp(
            fx, fy, fz, f_size, inner, least, np.float32(-0.05), nx, ny, nz, ax, ay, az, vx, vy, vz, far_r, far_g,
            far_b, bleed, thin, rough, broad, narrow, f0, shine,
        )  # fmt: skip
        b_dr, b_dg, b_db, b_s = _lamp(
            bx, by, bz, b_size, inner, least, np.float32(-0.20), nx, ny, nz, ax, ay, az, vx, vy, vz, far_r, far_g,
            far_b, bleed, thin, rough, broad, narrow, f0, shine,
        )  # fmt: skip
        diffuse_r, shine_r = k_dr * k_r + f_dr * f_r + b_dr * b_r, k_s * k_r + f_s * f_r + b_s * b_r
        diffuse_g, shine_g = k_dg * k_g + f_dg * f_g + b_dg * b_g, k_s * k_g + f_s * f_g + b_s * b_g
        diffuse_b, shine_b = k_db * k_b + f_db * f_b + b_db * b_b, k_s * k_b + f_s * f_b + b_s * b_b
        bounce = ambient * (one + np.float32(0.08) * soft * clear * (one - ambient))
        edge = one - max(zero, ax * vx + ay * vy + az * vz)
        edge *= edge
        sheen = np.float32(0.50) * shine * (np.float32(0.08) + edge * edge * (np.float32(0.4) + gloss)) * ambient
        around_r = max(zero, mean_r + ny * rise_r + nx * left_r + nz * front_r)
        around_g = max(zero, mean_g + ny * rise_g + nx * left_g + nz * front_g)
        around_b = max(zero, mean_b + ny * rise_b + nx * left_b + nz * front_b)
        out[n] = (red * (diffuse_r + around_r * bounce) + shine_r + sheen * around_r) * open_
        out[SPAN + n] = (green * (diffuse_g + around_g * ambient) + shine_g + sheen * around_g) * open_
        out[2 * SPAN + n] = (blue * (diffuse_b + around_b * ambient) + shine_b + sheen * around_b) * open_
