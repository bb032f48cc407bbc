"""Light on strands: the kernel, many points at a time, against a plain version of the same formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vultus.person.hairlight import light_strands
from vultus.person.light import RIGS, light_rows, rig

EYE = np.array([0.1, 1.6, 1.4], np.float32)
AXIS = np.array([[0.0, 1.6, 0.0], [0.0, -1.0, 0.1]], np.float32)
COUNT, POINTS = 40, 9


def strands(seed: int) -> tuple[np.ndarray, ...]:
    """Random strands around a head: points, places on the screen, albedo, free light, gloss."""
    rng = np.random.default_rng(seed)
    start = AXIS[0] + rng.normal(0, 0.1, (COUNT, 1, 3))
    points = start + np.cumsum(rng.normal(0, 0.01, (COUNT, POINTS, 3)), axis=1)
    screen = np.concatenate([rng.uniform(1, 63, (COUNT, POINTS, 2)), np.full((COUNT, POINTS, 1), 0.8)], 2)
    free, gloss = rng.uniform(0, 1, (COUNT, POINTS)), rng.uniform(-1, 1, COUNT)
    return tuple(a.astype(np.float32) for a in (points, screen, rng.uniform(0, 1, (COUNT, 3)), free, gloss))


def lit(some: tuple[np.ndarray, ...], light: np.ndarray, cells: np.ndarray, pieces: int = 1) -> tuple[np.ndarray, ...]:
    points, screen, albedo, free, gloss = some
    seen, out = np.zeros(points.shape[:2], np.uint8), np.zeros_like(points)
    none, camera = np.zeros((1, 1), np.float32), np.zeros((4, 4), np.float32)
    edges = np.linspace(0, COUNT, pieces + 1).astype(int)
    for first, last in pairwise(edges):
        light_strands(
            int(first), int(last), points, screen, albedo, free, gloss, AXIS, cells, none, camera, light, EYE, seen, out
        )
    return seen, out


def unit(v: np.ndarray, least: float = 0.0) -> np.ndarray:
    return v / np.sqrt(v @ v + least)


def plain(points: np.ndarray, s: int, albedo: np.ndarray, free: float, gloss: float, light: np.ndarray) -> np.ndarray:
    """The light [3] that leaves point *s* of one strand [P, 3], of which the key lamp's reaches all."""
    t = unit(points[min(s + 1, POINTS - 1)] - points[max(s - 1, 0)])
    away = points[s] - AXIS[0]
    out = unit(away - max(0.0, away @ AXIS[1]) * AXIS[1])
    normal = unit(out - (out @ t) * t, 0.02)
    view = unit(EYE - points[s])
    diffuse, white, deep = np.zeros(3), np.zeros(3), np.zeros(3)
    for towards, colour in zip(light[:3, :3], light[:3, 3:], strict=True):
        across = np.sqrt(max(0.0, 1 - (t @ towards) ** 2))
        wrapped = 0.74 * max(0.0, 0.5 * (normal @ towards) + 0.5 * (out @ towards) + 0.35)
        diffuse += wrapped * (0.35 + 0.65 * across) * colour
        half = unit(towards + view, 1e-6)
        first, second = (t @ half + (0.06 * gloss + shift) * (normal @ half) for shift in (-0.10, 0.16))
        outside = np.clip(1.6 * (out @ towards) + 0.45, 0, 1)
        white += max(0.0, 1 - first**2) ** 32 * outside * colour
        through = (max(0.0, -(view @ towards)) ** 2 * across**2) ** 2
        behind = np.clip(out @ towards + 0.5, 0, 1)
        deep += (0.16 * max(0.0, 1 - second**2) ** 4 * outside + 0.35 * through * behind) * colour
    shine = 0.034 * (1 + 0.35 * gloss)
    sky = light[4, 3:] + (light[3, 3:] - light[4, 3:]) * (0.5 + 0.5 * out[1])
    glow = 2 * np.sqrt(albedo) * albedo * deep
    return free * (albedo * (diffuse + sky) + 2.2 * shine * white + glow + 0.5 * shine * sky)


@pytest.mark.parametrize("name", sorted(RIGS))
def test_the_kernel_follows_the_formulas(name: str) -> None:
    some, light = strands(1), light_rows(rig(name))
    seen, found = lit(some, light, np.zeros((64, 64, 6), np.float32))
    assert seen.all()
    points, _, albedo, free, gloss = (a.astype(float) for a in some)
    exact = [
        [plain(points[n], s, albedo[n], free[n, s], gloss[n], light.astype(float)) for s in range(POINTS)]
        for n in range(COUNT)
    ]
    np.testing.assert_allclose(found, exact, rtol=5e-3, atol=5e-4)
    assert np.std(exact) > 0.01


def test_what_is_hidden_is_left_out_and_pieces_change_nothing() -> None:
    some, light = strands(2), light_rows(rig("studio"))
    cells = np.zeros((64, 64, 6), np.float32)
    cells[:, 20:, 5] = 2.0  # a wall nearer than all strands
    seen, found = lit(some, light, cells)
    assert 0 < seen.mean() < 1
    assert not found[seen == 0].any()
    assert (found[seen == 1].max(1) > 0).all()
    for pieces in (3, COUNT):
        for a, b in zip(lit(some, light, cells, pieces), (seen, found), strict=True):
            np.testing.assert_array_equal(a, b)
