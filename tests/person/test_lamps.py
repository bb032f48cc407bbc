"""Light that leaves surfaces: the kernel for many samples against a plain version of the same formulas."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.person.lamps import AMBIENT, KEY, LANES, NORMAL, PLACE, ROWS, SLOPE, SPAN, TEXEL, leave
from vultus.person.light import RIGS, light_rows, rig
from vultus.person.pigment import GLOSS, OPEN, SHINE, SOFT

UP, EYE = np.array([0.1, 0.97, 0.2], np.float32), np.array([0.05, 1.6, 1.4], np.float32)


def samples(seed: int) -> np.ndarray:
    """LANES samples of anything that a surface may be."""
    rng = np.random.default_rng(seed)
    b = rng.uniform(0, 1, (ROWS, LANES))
    b[PLACE : PLACE + 3] = rng.normal(0, 0.1, (3, LANES)) + np.array([[0], [1.55], [0.1]])
    b[NORMAL : NORMAL + 3] = rng.normal(0, 1, (3, LANES))
    b[NORMAL : NORMAL + 3] /= np.linalg.norm(b[NORMAL : NORMAL + 3], axis=0)
    b[SLOPE : SLOPE + 2] = rng.normal(0, 0.2, (2, LANES))
    b[SLOPE + 2] *= 0.3
    b[SLOPE : SLOPE + 3, ::4] = 0  # smooth ones
    b[TEXEL + SHINE, ::5] = 0  # matt ones
    b[TEXEL + SOFT, ::3] = 1  # ears
    return b.astype(np.float32)


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.sqrt(v @ v)


def plain(b: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The light [3] that leaves one sample *b* [ROWS]."""
    n, ambient, s, t = b[NORMAL : NORMAL + 3], b[AMBIENT], b[KEY], b[TEXEL:KEY]
    right, along, steep = b[SLOPE : SLOPE + 3]
    view = unit(EYE - b[PLACE : PLACE + 3])
    key = light[0, :3]
    s = s + 0.45 * (1 - s) * t[SOFT] * np.clip(5 * (0.1 - n @ key), 0, 1)
    across = np.cross(UP, n)
    across = across / np.sqrt(across @ across + 1e-4)
    tilt = right * across + along * np.cross(n, across)
    fine, n = unit(n - tilt), unit(n - 0.68 * tilt)
    albedo = t[:3] * (1 - np.array([0.7, 1, 1]) * min(0.4, 2.2 * steep))
    soft, thin = min(1, 1.25 * t[SOFT]), max(0, 5 * t[SOFT] - 4)
    clear = min(1, 1.5 * albedo[0])
    bleed = soft * np.array([0.11 + 0.11 * clear, 0.10 + 0.03 * clear, 0.09])
    rough = (0.8 - 0.7 * t[GLOSS]) ** 2
    f0 = 0.085 * t[SHINE]
    diffuse, shine = np.zeros(3), np.zeros(3)
    for q in range(3):
        towards, colour, size = light[q, :3], light[q, 3:], light[3, q]
        reach = s if q == 0 else 0.3 + 0.7 * ambient
        wrap = 0.4 * size + bleed
        share = np.array([min(1, reach * (1 + 0.14 * soft * clear * (1 - reach))), reach, reach])
        diffuse += np.maximum(0, (n @ towards + wrap) / (1 + wrap)) * share * colour
        diffuse += (0.2 if q == 2 else 0.05) * max(0, -(n @ towards)) * thin * np.array([1, 0.36, 0.22]) * colour
        facing = fine @ towards
        if facing > 0:
            half = unit(towards + view)
            nh, lh = max(0, fine @ half) ** 2, max(0, towards @ half)
            fresnel = f0 + (1 - f0) * (1 - lh) ** 5 * t[SHINE]
            lobes = 0.0
            for weight, width in ((0.74 * max(rough * rough, 4e-4), rough), (0.0416 * rough * rough, 0.4 * rough)):
                square = max(0.02, width + 0.25 * size) ** 2
                lobes += weight / (nh * (square - 1) + 1) ** 2
            gleam = reach if q == 0 else reach * 0.7 * ambient
            shine += min(6, 0.25 * facing * gleam * fresnel * lobes / max(lh * lh, 0.08)) * colour
    sky, ground, left, front = light[3:, 3:]
    around = np.maximum(0, 0.5 * (sky + ground) + 0.5 * n[1] * (sky - ground) + n[0] * left + n[2] * front)
    bounce = ambient * np.array([1 + 0.08 * soft * clear * (1 - ambient), 1, 1])
    edge = (1 - max(0, fine @ view)) ** 2
    sheen = 0.5 * t[SHINE] * (0.08 + edge * edge * (0.4 + t[GLOSS])) * ambient
    return (albedo * (diffuse + around * bounce) + shine + sheen * around) * t[OPEN]


@pytest.mark.parametrize("name", sorted(RIGS))
def test_the_kernel_follows_the_formulas(name: str) -> None:
    light, b, out = light_rows(rig(name)), samples(3), np.zeros(3 * SPAN, np.float32)
    leave(LANES, light, UP, EYE, b.reshape(-1), out)
    found = out.reshape(3, SPAN)[:, :LANES].T
    exact = np.array([plain(b[:, i].astype(float), light.astype(float)) for i in range(LANES)])
    np.testing.assert_allclose(found, exact, rtol=2e-3, atol=2e-4)
    assert exact.std() > 0.01


def test_only_the_samples_asked_for_are_lit() -> None:
    light, out = light_rows(rig("studio")), np.full(3 * SPAN, -7, np.float32)
    whole = np.zeros(3 * SPAN, np.float32)
    leave(LANES, light, UP, EYE, samples(4).reshape(-1), whole)
    leave(5, light, UP, EYE, samples(4).reshape(-1), out)
    lit, rest = np.split(out.reshape(3, SPAN), [5], axis=1)
    np.testing.assert_allclose(lit, whole.reshape(3, SPAN)[:, :5], rtol=1e-4, atol=1e-5)
    assert np.all(rest == -7)
