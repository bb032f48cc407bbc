"""How light leaves a surface.

Diffuse light is wrapped around the terminator, most in red, which is the cheap look of light that scatters in skin
(d'Eon and Luebke, "Advanced Techniques for Realistic Real-Time Skin Rendering", GPU Gems 3, 2007). Highlights are GGX
(Walter et al., EGSR 2007) with Kelemen's visibility term and Schlick's Fresnel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.person.jit import part
from vultus.person.light import surroundings
from vultus.person.pigment import GLOSS, OPEN, SHINE, SOFT

F32 = NDArray[np.float32]


def camera_rows(camera: Camera) -> F32:
    """A camera for the kernel, [4, 4]: its 3x4 matrix, then focal lengths and centre in pixels."""
    rows = np.zeros((4, 4), np.float32)
    rows[:3], rows[3] = camera.world_to_camera[:3], (*camera.focal, *camera.centre)
    return rows


@part
def leaving(
    light: np.ndarray,
    t: np.ndarray,
    p: np.ndarray,
    fine: np.ndarray,
    view: np.ndarray,
    shadow: float,
    ambient: float,
    out: np.ndarray,
) -> None:
    """The light *out* [3] that leaves a point *p* with texture channels *t*, seen from direction *view*.

    The normal in *p* serves diffuse light, the normal *fine* [3] highlights: what scatters blurs the relief of skin.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    soft, thin = min(one, t[SOFT] * np.float32(1.25)), max(zero, t[SOFT] * np.float32(5.0) - np.float32(4.0))
    # Two lobes, as skin has: a broad one and, from the oil on top, a narrow one.
    rough = np.float32(0.80) - np.float32(0.70) * t[GLOSS]
    rough *= rough
    broad, narrow = np.float32(0.74) * max(rough * rough, np.float32(0.0004)), np.float32(0.0416) * rough * rough
    f0 = np.float32(0.085) * t[SHINE]
    diffuse_r, diffuse_g, diffuse_b, shine_r, shine_g, shine_b = zero, zero, zero, zero, zero, zero
    # Light travels as far in red as melanin lets it: dark skin bleeds less, and less red.
    clear = min(one, np.float32(1.5) * t[0])
    bleed_r = soft * (np.float32(0.11) + np.float32(0.11) * clear)
    bleed_g, bleed_b = soft * (np.float32(0.10) + np.float32(0.03) * clear), soft * np.float32(0.09)
    for q in range(3):
        # A large lamp reaches around the terminator, and its mirror image is broader and dimmer.
        size = light[3, q]
        wrap = np.float32(0.4) * size
        wrap_r, wrap_g, wrap_b = wrap + bleed_r, wrap + bleed_g, wrap + bleed_b
        lx, ly, lz = light[q, 0], light[q, 1], light[q, 2]
        nl = p[3] * lx + p[4] * ly + p[5] * lz
        s = shadow if q == 0 else np.float32(0.3) + np.float32(0.7) * ambient
        if nl + wrap_r > zero:  # red reaches furthest
            # The penumbra and the terminator bleed red.
            bleed = one + np.float32(0.14) * soft * clear * (one - s)
            diffuse_r += (nl + wrap_r) / (one + wrap_r) * light[q, 3] * min(one, s * bleed)
            diffuse_g += max(zero, (nl + wrap_g) / (one + wrap_g)) * light[q, 4] * s
            diffuse_b += max(zero, (nl + wrap_b) / (one + wrap_b)) * light[q, 5] * s
        if thin > zero and nl < zero:
            # Ears let light through, red; most of it comes from behind, because the head stands before other lamps.
            through = (np.float32(-0.20) if q == 2 else np.float32(-0.05)) * nl * thin
            diffuse_r += through * light[q, 3]
            diffuse_g += np.float32(0.36) * through * light[q, 4]
            diffuse_b += np.float32(0.22) * through * light[q, 5]
        nl = fine[0] * lx + fine[1] * ly + fine[2] * lz
        if nl > zero and f0 > zero:
            broad2 = max(np.float32(0.02), rough + np.float32(0.25) * size)
            narrow2 = max(np.float32(0.02), np.float32(0.4) * rough + np.float32(0.25) * size)
            broad2, narrow2 = broad2 * broad2, narrow2 * narrow2
            hx, hy, hz = lx + view[0], ly + view[1], lz + view[2]
            r = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
            nh = max(zero, (fine[0] * hx + fine[1] * hy + fine[2] * hz) * r)
            lh = max(zero, (lx * hx + ly * hy + lz * hz) * r)
            nh *= nh
            d, e = nh * (broad2 - one) + one, nh * (narrow2 - one) + one
            g = one - lh
            fresnel = f0 + (one - f0) * g * g * g * g * g * t[SHINE]
            s *= one if q == 0 else ambient * np.float32(0.7)
            d, e = d * d, e * e
            k = np.float32(0.25) * nl * s * fresnel * (broad * e + narrow * d)
            k = min(k / (d * e * max(lh * lh, np.float32(0.08))), np.float32(6.0))
            shine_r += k * light[q, 3]
            shine_g += k * light[q, 4]
            shine_b += k * light[q, 5]
    bounce = ambient * (one + np.float32(0.08) * soft * clear * (one - ambient))
    nv = max(zero, fine[0] * view[0] + fine[1] * view[1] + fine[2] * view[2])
    edge = (one - nv) * (one - nv)
    sheen = np.float32(0.50) * t[SHINE] * (np.float32(0.08) + edge * edge * (np.float32(0.4) + t[GLOSS])) * ambient
    sky_r = surroundings(light, 0, p[3], p[4], p[5])
    sky_g = surroundings(light, 1, p[3], p[4], p[5])
    sky_b = surroundings(light, 2, p[3], p[4], p[5])
    out[0] = (t[0] * (diffuse_r + sky_r * bounce) + shine_r + sheen * sky_r) * t[OPEN]
    out[1] = (t[1] * (diffuse_g + sky_g * ambient) + shine_g + sheen * sky_g) * t[OPEN]
    out[2] = (t[2] * (diffuse_b + sky_b * ambient) + shine_b + sheen * sky_b) * t[OPEN]
