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

from vultus.person.jit import fast, part, step
from vultus.person.lamps import LANES, Real
from vultus.render.strands import BIAS, FULL

_FADE = 1 / 0.010  # 1/m: how fast the key light fades inside hair
_FREE = 0.0025  # metres behind the first surface that are still fully lit
_BEHIND = 1.003  # hair that is further by this factor than hair that covers a cell is hidden: some 4 mm

_PLACE, _ALONG, _COLOUR, _DEEP, _GLOSS, _INNER, _ENTERED, _ROWS = 0, 3, 6, 9, 12, 13, 14, 15
"""Rows of LANES numbers in one flat array for the points of strands that are lit at a time: place, direction, albedo,
colour of light that went through, gloss, share of light inside the hair, share of the key light."""


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


@part
def _lobes(
    lx: Real, ly: Real, lz: Real, reach: Real, tx: Real, ty: Real, tz: Real, nx: Real, ny: Real, nz: Real,
    mx: Real, my: Real, mz: Real, vx: Real, vy: Real, vz: Real, shift: Real,
) -> tuple[Real, Real, Real]:  # fmt: skip
    """What a strand along t gives back of a lamp towards l, of whose light *reach* arrives: diffuse, as a white
    highlight, and in its own deeper colour. n is outside, m the strand's normal that faces there, v the view."""
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    tl = tx * lx + ty * ly + tz * lz
    across = np.sqrt(max(zero, one - tl * tl))
    facing = nx * lx + ny * ly + nz * lz
    wrapped = half * (mx * lx + my * ly + mz * lz) + half * facing + np.float32(0.35)
    wrapped = max(zero, wrapped) * np.float32(0.74)
    diffuse = wrapped * (np.float32(0.35) + np.float32(0.65) * across) * reach
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    r = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-6))
    th = (tx * hx + ty * hy + tz * hz) * r
    mh = (mx * hx + my * hy + mz * hz) * r
    # Tilted tangents, renormalised to first order.
    t1, t2 = th + (shift - np.float32(0.10)) * mh, th + (shift + np.float32(0.16)) * mh
    c1, c2 = max(zero, one - t1 * t1), max(zero, one - t2 * t2)
    c1 *= c1
    c1 *= c1
    c1 *= c1
    c2 *= c2
    outside = min(one, max(zero, facing * np.float32(1.6) + np.float32(0.45))) * reach
    through = max(zero, -(vx * lx + vy * ly + vz * lz))
    through *= through * across * across
    white = c1 * c1 * c1 * c1 * outside  # 32nd power of the sine squared
    deep = np.float32(0.16) * c2 * c2 * outside
    deep += np.float32(0.35) * through * through * min(one, max(zero, facing + half))
    return diffuse, white, deep


@step
def _leave(axis: np.ndarray, light: np.ndarray, eye: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """The light that leaves the points in *b* [_ROWS * LANES], into *out* [3 * LANES].

    Always of all: those that are left over at the end of a loop are rounded otherwise, and which points these were
    would depend on the number of threads.
    """
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    # Loop-invariant loads would stop the compiler, which cannot know that nothing is written there.
    cx, cy, cz, dx, dy, dz = axis[0, 0], axis[0, 1], axis[0, 2], axis[1, 0], axis[1, 1], axis[1, 2]
    ex, ey, ez = eye[0], eye[1], eye[2]
    kx, ky, kz, k_r, k_g, k_b = light[0, 0], light[0, 1], light[0, 2], light[0, 3], light[0, 4], light[0, 5]
    fx, fy, fz, f_r, f_g, f_b = light[1, 0], light[1, 1], light[1, 2], light[1, 3], light[1, 4], light[1, 5]
    bx, by, bz, b_r, b_g, b_b = light[2, 0], light[2, 1], light[2, 2], light[2, 3], light[2, 4], light[2, 5]
    low_r, low_g, low_b = light[4, 3], light[4, 4], light[4, 5]
    rise_r, rise_g, rise_b = light[3, 3] - low_r, light[3, 4] - low_g, light[3, 5] - low_b
    for n in range(LANES):
        x, y, z = b[_PLACE * LANES + n], b[(_PLACE + 1) * LANES + n], b[(_PLACE + 2) * LANES + n]
        tx, ty, tz = b[_ALONG * LANES + n], b[(_ALONG + 1) * LANES + n], b[(_ALONG + 2) * LANES + n]
        red, green, blue = b[_COLOUR * LANES + n], b[(_COLOUR + 1) * LANES + n], b[(_COLOUR + 2) * LANES + n]
        gloss, inner, entered = b[_GLOSS * LANES + n], b[_INNER * LANES + n], b[_ENTERED * LANES + n]
        shine, shift = np.float32(0.034) * (one + np.float32(0.35) * gloss), np.float32(0.06) * gloss
        r = one / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-20))
        tx, ty, tz = tx * r, ty * r, tz * r
        # Outside: away from the cranium, and below it away from the neck.
        nx, ny, nz = x - cx, y - cy, z - cz
        along = max(zero, nx * dx + ny * dy + nz * dz)
        nx, ny, nz = nx - along * dx, ny - along * dy, nz - along * dz
        r = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
        nx, ny, nz = nx * r, ny * r, nz * r
        # The normal of the strand that faces outside.
        along = nx * tx + ny * ty + nz * tz
        mx, my, mz = nx - along * tx, ny - along * ty, nz - along * tz
        r = one / np.sqrt(mx * mx + my * my + mz * mz + np.float32(0.02))
        mx, my, mz = mx * r, my * r, mz * r
        vx, vy, vz = ex - x, ey - y, ez - z
        r = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-20))
        vx, vy, vz = vx * r, vy * r, vz * r
        k, kw, kd = _lobes(kx, ky, kz, entered, tx, ty, tz, nx, ny, nz, mx, my, mz, vx, vy, vz, shift)
        f, fw, fd = _lobes(fx, fy, fz, one, tx, ty, tz, nx, ny, nz, mx, my, mz, vx, vy, vz, shift)
        q, qw, qd = _lobes(bx, by, bz, one, tx, ty, tz, nx, ny, nz, mx, my, mz, vx, vy, vz, shift)
        up, white, gleam = half + half * ny, np.float32(2.2) * shine, half * shine
        sky_r, sky_g, sky_b = low_r + rise_r * up, low_g + rise_g * up, low_b + rise_b * up
        deep_r, deep_g, deep_b = b[_DEEP * LANES + n], b[(_DEEP + 1) * LANES + n], b[(_DEEP + 2) * LANES + n]
        glow_r, glow_g, glow_b = (
            kd * k_r + fd * f_r + qd * b_r, kd * k_g + fd * f_g + qd * b_g, kd * k_b + fd * f_b + qd * b_b,
        )  # fmt: skip
        out_r = red * (k * k_r + f * f_r + q * b_r + sky_r) + white * (kw * k_r + fw * f_r + qw * b_r)
        out_g = green * (k * k_g + f * f_g + q * b_g + sky_g) + white * (kw * k_g + fw * f_g + qw * b_g)
        out_b = blue * (k * k_b + f * f_b + q * b_b + sky_b) + white * (kw * k_b + fw * f_b + qw * b_b)
        out[n] = inner * (out_r + deep_r * glow_r + gleam * sky_r)
        out[LANES + n] = inner * (out_g + deep_g * glow_g + gleam * sky_g)
        out[2 * LANES + n] = inner * (out_b + deep_b * glow_b + gleam * sky_b)


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
    *light* and the cameras are those of ``shading``. Points that are seen are collected and lit many at a time.
    """
    last_point, lanes = points.shape[1] - 1, np.int64(0)
    b, lit = np.zeros(_ROWS * LANES, np.float32), np.zeros(3 * LANES, np.float32)
    which, deep = np.zeros(LANES, np.int64), np.zeros(3, np.float32)
    for n in range(first, last):
        if not _mark(screen, n, cells, seen):
            continue
        # Light that went through the strand is deeper in colour than what left its surface.
        for c in range(3):
            deep[c] = np.float32(2.0) * np.sqrt(albedo[n, c]) * albedo[n, c]
        for s in range(last_point + 1):
            if seen[n, s] == 0:
                continue
            i, j = max(s - 1, 0), min(s + 1, last_point)
            for c in range(3):
                b[(_PLACE + c) * LANES + lanes] = points[n, s, c]
                b[(_ALONG + c) * LANES + lanes] = points[n, j, c] - points[n, i, c]
                b[(_COLOUR + c) * LANES + lanes] = albedo[n, c]
                b[(_DEEP + c) * LANES + lanes] = deep[c]
            b[_GLOSS * LANES + lanes], b[_INNER * LANES + lanes] = gloss[n], free[n, s]
            b[_ENTERED * LANES + lanes] = _entered(
                shadow, light_camera, points[n, s, 0], points[n, s, 1], points[n, s, 2]
            )
            which[lanes] = n * (last_point + 1) + s
            lanes += 1
            if lanes == LANES:
                _leave(axis, light, eye, b, lit)
                _put(lanes, which, lit, out)
                lanes = np.int64(0)
    _leave(axis, light, eye, b, lit)
    _put(lanes, which, lit, out)


@step
def _put(count: int | np.int64, which: np.ndarray, lit: np.ndarray, out: np.ndarray) -> None:
    """Write the colours *lit* [3 * LANES] of *count* points to their numbers *which* in *out* [N, P, 3]."""
    for n in range(count):
        s, p = which[n] // out.shape[1], which[n] % out.shape[1]
        for c in range(3):
            out[s, p, c] = lit[c * LANES + n]
