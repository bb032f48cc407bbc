"""How strands of hair are lit.

Diffuse light wraps around the volume of the hair and fades along the light's direction (Kajiya and Kay, SIGGRAPH
1989); two highlights, one white and one in the hair's colour, are shifted along the strand in opposite directions by
the scales of its cuticle, and light passes through to the other side (Marschner et al., "Light Scattering from Human
Hair Fibers", SIGGRAPH 2003, in the cheap form of Scheuermann, "Practical Real-Time Hair Rendering", 2004). The shadow
map is read as the depth at which light entered the hair, and light fades from there on (after deep opacity maps, Yuksel
and Keyser, 2008).
"""

from __future__ import annotations

import numpy as np

from vultus.person.jit import fast, part
from vultus.render.strands import BIAS, FULL

_FADE = 1 / 0.010  # 1/m: how fast the key light fades inside hair
_FREE = 0.0025  # metres behind the first surface that are still fully lit
_BEHIND = 1.003  # hair that is further by this factor than hair that covers a cell is hidden: some 4 mm


@part
def _entered(shadow: np.ndarray, light: np.ndarray, x: float, y: float, z: float) -> np.float32:
    """Key light in [0, 1] at a point inside the hair; a map of one texel means that nothing casts shadows."""
    if shadow.shape[0] < 2:
        return np.float32(1.0)
    one = np.float32(1.0)
    depth = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + light[2, 3]
    r = one / depth
    sx = light[3, 2] + light[3, 0] * r * (light[0, 0] * x + light[0, 1] * y + light[0, 2] * z + light[0, 3])
    sy = light[3, 3] + light[3, 1] * r * (light[1, 0] * x + light[1, 1] * y + light[1, 2] * z + light[1, 3])
    sx, sy = sx - np.float32(0.5), sy - np.float32(0.5)
    size = np.float32(shadow.shape[0] - 2)
    if not (depth > np.float32(0.1) and sx > 0 and sy > 0 and sx < size and sy < size):
        return one
    i, j = np.uint64(sx), np.uint64(sy)
    a, b = sx - np.float32(i), sy - np.float32(j)
    total = np.float32(0.0)
    for n in range(4):
        u, v = np.uint64(n & 1), np.uint64(n >> 1)
        w = (a if u == 1 else one - a) * (b if v == 1 else one - b)
        inverse = shadow[j + v, i + u]
        inside = depth - one / max(inverse, np.float32(1e-3)) - np.float32(_FREE)
        e = max(np.float32(0.0), inside) * np.float32(_FADE)
        # Close to exp(-e), and cheap.
        total += w / (one + e * (one + e * (np.float32(0.5) + np.float32(0.2) * e)))
    return total


@part
def _mark(screen: np.ndarray, n: int, cells: np.ndarray, seen: np.ndarray) -> bool:
    """Mark the points of strand *n* that may be seen, and their neighbours, in *seen* [N, P]; whether there are any.

    Hidden are points outside the picture, behind what is solid, and well behind hair that covers already.
    """
    height, width, count = cells.shape[0], cells.shape[1], screen.shape[1]
    some = False
    for s in range(count):
        seen[n, s] = 0
    for s in range(count):
        x, y, z = screen[n, s, 0], screen[n, s, 1], screen[n, s, 2]
        if z > 0.0 and x >= 0.0 and y >= 0.0 and x < np.float32(width) and y < np.float32(height):
            j, i = np.uint64(y), np.uint64(x)
            behind = cells[j, i, 3] >= np.float32(FULL) and z * np.float32(_BEHIND) < cells[j, i, 4]
            if not behind and z * np.float32(BIAS) > cells[j, i, 5]:
                some = True
                for k in range(max(s - 1, 0), min(s + 2, count)):
                    seen[n, k] = 1
    return some


@fast
def light_strands(
    first: int,
    last: int,
    points: np.ndarray,
    screen: np.ndarray,
    albedo: np.ndarray,
    free: np.ndarray,
    gloss: np.ndarray,
    axis: np.ndarray,
    cells: np.ndarray,
    shadow: np.ndarray,
    light_camera: np.ndarray,
    light: np.ndarray,
    eye: np.ndarray,
    seen: np.ndarray,
    out: np.ndarray,
) -> None:
    """Light the strands [first, last) at each point, *out* [N, P, 3], and mark in *seen* [N, P] what may be visible.

    *points* and *screen* [N, P, 3] are the posed strands, *albedo* [N, 3], *free* [N, P] the share of light inside the
    hair, *gloss* [N] in [-1, 1] varies the highlights from strand to strand, *axis* [2, 3] are the centre of the
    cranium and the unit direction down the neck: away from it is outside. *cells* is the layer to be drawn on,
    *light* and the cameras are those of ``shading``.
    """
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    count = points.shape[1]
    for n in range(first, last):
        if not _mark(screen, n, cells, seen):
            continue
        red, green, blue = albedo[n, 0], albedo[n, 1], albedo[n, 2]
        # Light that went through the strand is deeper in colour than what left its surface.
        deep_r, deep_g, deep_b = np.sqrt(red), np.sqrt(green), np.sqrt(blue)
        shine = np.float32(0.034) * (one + np.float32(0.35) * gloss[n])
        shift = np.float32(0.06) * gloss[n]
        for s in range(count):
            if seen[n, s] == 0:
                continue
            i, j = max(s - 1, 0), min(s + 1, count - 1)
            tx = points[n, j, 0] - points[n, i, 0]
            ty = points[n, j, 1] - points[n, i, 1]
            tz = points[n, j, 2] - points[n, i, 2]
            r = one / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-20))
            tx, ty, tz = tx * r, ty * r, tz * r
            x, y, z = points[n, s, 0], points[n, s, 1], points[n, s, 2]
            # Outside: away from the cranium, and below it away from the neck.
            nx, ny, nz = x - axis[0, 0], y - axis[0, 1], z - axis[0, 2]
            along = max(zero, nx * axis[1, 0] + ny * axis[1, 1] + nz * axis[1, 2])
            nx, ny, nz = nx - along * axis[1, 0], ny - along * axis[1, 1], nz - along * axis[1, 2]
            r = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
            nx, ny, nz = nx * r, ny * r, nz * r
            up = half + half * ny
            # The normal of the strand that faces outside.
            along = nx * tx + ny * ty + nz * tz
            mx, my, mz = nx - along * tx, ny - along * ty, nz - along * tz
            r = one / np.sqrt(mx * mx + my * my + mz * mz + np.float32(0.02))
            mx, my, mz = mx * r, my * r, mz * r
            vx, vy, vz = eye[0] - x, eye[1] - y, eye[2] - z
            r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
            vx, vy, vz = vx * r, vy * r, vz * r
            entered = _entered(shadow, light_camera, x, y, z)
            inner = free[n, s]
            diffuse_r, diffuse_g, diffuse_b = zero, zero, zero
            white_r, white_g, white_b, deep0, deep1, deep2 = zero, zero, zero, zero, zero, zero
            for q in range(3):
                lx, ly, lz = light[q, 0], light[q, 1], light[q, 2]
                reach = entered if q == 0 else one
                tl = tx * lx + ty * ly + tz * lz
                across = np.sqrt(max(zero, one - tl * tl))
                facing = nx * lx + ny * ly + nz * lz
                wrapped = half * (mx * lx + my * ly + mz * lz) + half * facing + np.float32(0.35)
                wrapped = max(zero, wrapped) * np.float32(0.74)
                k = wrapped * (np.float32(0.35) + np.float32(0.65) * across) * reach
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                hr = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-6))
                th = (tx * hx + ty * hy + tz * hz) * hr
                mh = (mx * hx + my * hy + mz * hz) * hr
                # Tilted tangents, renormalised to first order.
                t1, t2 = th + (shift - np.float32(0.10)) * mh, th + (shift + np.float32(0.16)) * mh
                c1, c2 = max(zero, one - t1 * t1), max(zero, one - t2 * t2)
                c1 *= c1
                c1 *= c1
                c1 *= c1
                first_lobe = c1 * c1 * c1 * c1  # 32nd power of the sine squared
                c2 *= c2
                second_lobe = c2 * c2
                outside = min(one, max(zero, facing * np.float32(1.6) + np.float32(0.45))) * reach
                through = max(zero, -(vx * lx + vy * ly + vz * lz))
                through *= through * across * across
                w = shine * first_lobe * outside * np.float32(2.2)
                d = np.float32(0.16) * second_lobe * outside + np.float32(0.35) * through * through * min(
                    one, max(zero, facing + half)
                )
                diffuse_r += k * light[q, 3]
                diffuse_g += k * light[q, 4]
                diffuse_b += k * light[q, 5]
                white_r += w * light[q, 3]
                white_g += w * light[q, 4]
                white_b += w * light[q, 5]
                deep0 += d * light[q, 3]
                deep1 += d * light[q, 4]
                deep2 += d * light[q, 5]
            sky_r = light[4, 3] + (light[3, 3] - light[4, 3]) * up
            sky_g = light[4, 4] + (light[3, 4] - light[4, 4]) * up
            sky_b = light[4, 5] + (light[3, 5] - light[4, 5]) * up
            gleam = half * shine
            deep0, deep1, deep2 = 2 * deep_r * red * deep0, 2 * deep_g * green * deep1, 2 * deep_b * blue * deep2
            out[n, s, 0] = inner * (red * (diffuse_r + sky_r) + white_r + deep0 + gleam * sky_r)
            out[n, s, 1] = inner * (green * (diffuse_g + sky_g) + white_g + deep1 + gleam * sky_g)
            out[n, s, 2] = inner * (blue * (diffuse_b + sky_b) + white_b + deep2 + gleam * sky_b)
