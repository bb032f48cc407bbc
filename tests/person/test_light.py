"""Light rigs, the tone curve, and the places behind the person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vultus.errors import VultusError
from vultus.person import light, tone
from vultus.person.appearance import linear
from vultus.person.lamps import LANES
from vultus.person.light import RIGS, Lamp, LightRig, Mirrored, light_rows, metered, rig
from vultus.person.places import PLACES, dithered, place

TABLE = tone.tone_table()


@njit(cache=True, nogil=True)
def _mirror(rows: np.ndarray, directions: np.ndarray, blur: float, out: np.ndarray) -> None:
    for n in range(len(directions)):
        out[n] = light.in_the_eye(rows, directions[n, 0], directions[n, 1], directions[n, 2], blur)


@njit(cache=True, nogil=True)
def _around(rows: np.ndarray, normals: np.ndarray, out: np.ndarray) -> None:
    for n in range(len(normals)):
        for c in range(3):
            out[n, c] = light.surroundings(rows, c, normals[n, 0], normals[n, 1], normals[n, 2])


@njit(cache=True, nogil=True)
def _shown(light: np.ndarray, count: int, table: np.ndarray) -> None:
    tone.to_screen(count, light, np.zeros(3 * LANES, np.int32), table)


def shown(colours: np.ndarray) -> np.ndarray:
    """Linear colours [N, 3] -> bytes."""
    pieces = [np.zeros((0, 3), np.uint8)]
    for some in np.array_split(colours, -(-len(colours) // LANES)):
        light = np.zeros((3, LANES), np.float32)
        light[:, : len(some)] = some.T
        _shown(light.reshape(-1), len(some), TABLE)
        pieces.append(light[:, : len(some)].T.astype(np.uint8))
    return np.concatenate(pieces)


def mirrored(shape: str, width: float, height: float, blur: float = 0.01) -> np.ndarray:
    """What an eye sees of a lamp straight ahead, over u and v in [-0.5, 0.5]: [101, 101], v up."""
    rows = light_rows(LightRig(key=Lamp((0, 0, 1), (1, 1, 1)), mirrored=Mirrored(shape, width, height)))  # type: ignore[arg-type]
    v, u = np.mgrid[0.5:-0.5:101j, -0.5:0.5:101j]
    directions = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    out = np.zeros(len(directions), np.float32)
    _mirror(rows, directions.astype(np.float32), np.float32(blur), out)
    return out.reshape(101, 101)


def hue(rgb: np.ndarray) -> np.ndarray:
    """Hue angles in degrees of linear RGB [N, 3] in Oklab (B. Ottosson, 2020)."""
    lms = rgb @ np.array([[0.4122215, 0.2119035, 0.0883025], [0.5363325, 0.6806995, 0.2817188],
                          [0.0514460, 0.1073970, 0.6299787]])  # fmt: skip
    lab = np.cbrt(lms) @ np.array([[0.2104543, 1.9779985, 0.0259040], [0.7936178, -2.4285922, 0.7827718],
                                   [-0.0040720, 0.4505937, -0.8086758]])  # fmt: skip
    return np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))


def test_each_shape_is_mirrored_as_it_is() -> None:
    round_, screen, panes, ring = (mirrored(s, 0.3, 0.3) for s in light.SHAPES)
    assert round_[50, 50] == screen[50, 50] == 1
    assert round_.mean() == pytest.approx(np.pi * 0.09, rel=0.05)
    assert screen.mean() == pytest.approx(0.36, rel=0.05)
    assert ring[50, 50] == 0
    assert ring[50, 75] == 1
    assert 0.3 * screen.mean() < panes.mean() < 0.95 * screen.mean()
    assert panes[40:61, 50].max() < 0.1  # the bar in the middle
    wide = mirrored("screen", 0.4, 0.1)
    assert wide[50, 85] == 1
    assert wide[65, 50] == 0


def test_softer_edges_keep_the_size_of_a_mirrored_lamp() -> None:
    sharp, soft = mirrored("round", 0.25, 0.25, 0.005), mirrored("round", 0.25, 0.25, 0.1)
    assert soft.mean() == pytest.approx(sharp.mean(), rel=0.05)
    assert np.abs(np.diff(soft, axis=1)).max() < 0.3 < np.abs(np.diff(sharp, axis=1)).max()


def test_a_lamp_behind_is_not_mirrored() -> None:
    out = np.ones(1, np.float32)
    _mirror(light_rows(LightRig(key=Lamp((0, 0, 1), (1, 1, 1)))), np.array([[0, 0, -1]], np.float32), 0.1, out)
    assert out[0] == 0


@pytest.mark.parametrize("name", RIGS)
def test_rows_hold_what_the_rig_says(name: str) -> None:
    chosen = RIGS[name]
    rows = light_rows(chosen)
    assert np.isfinite(rows).all()
    assert np.allclose(np.linalg.norm(rows[:3, :3], axis=1), 1)
    axes = np.stack([rows[5, :3], rows[6, :3], rows[0, :3]])
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-5)  # width, height and direction of the mirrored lamp
    normals = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    around = np.zeros((6, 3), np.float32)
    _around(rows, normals, around)
    assert (around > 0).all()
    assert around[1].mean() > around[4].mean()  # more from above than from below
    assert around[2].mean() > around[5].mean()  # more from the front than from behind
    assert np.allclose(around[1], rows[light.SKY, 3:], atol=1e-6)
    place(chosen.place, 16, 16)


def test_dark_faces_are_exposed_more_but_stay_darker() -> None:
    albedos = np.linspace(0.02, 0.7, 30)
    gains = np.array([metered(a) for a in albedos])
    assert (np.diff(gains) <= 0).all()
    assert (np.diff(albedos * gains) > 0).all()
    assert 0.7 <= gains.min() < 1 < gains.max() <= 1.6


def test_wrong_lamps_say_so() -> None:
    with pytest.raises(VultusError, match="size"):
        Lamp((0, 0, 1), (1, 1, 1), 2.0)
    with pytest.raises(VultusError, match="round"):
        Mirrored("rond")  # type: ignore[arg-type]
    with pytest.raises(VultusError, match="wide"):
        Mirrored("round", 0.0)
    with pytest.raises(VultusError, match="window"):
        rig("windwo")
    with pytest.raises(VultusError, match="park"):
        place("prak", 64, 64)


@given(st.lists(st.floats(width=32), min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_screen_takes_any_light(values: list[float]) -> None:
    light = np.zeros((3, LANES), np.float32)
    light[:, :20] = np.array(values, np.float32)[:, None]
    _shown(light.reshape(-1), 20, TABLE)  # no crash, no index out of range
    assert ((light[:, :20] >= 0) & (light[:, :20] < 256)).all()
    assert not light[:, 20:].any()


def test_greys_rise_and_stay_grey() -> None:
    greys = np.repeat(np.linspace(0, 6, 4000)[:, None] ** 2 / 6, 3, 1)
    out = shown(greys).astype(int)
    assert (np.diff(out[:, 0]) >= 0).all()
    assert (out.max(1) - out.min(1)).max() <= 1
    assert out[0].max() == 0
    assert out[-1].min() == 255
    assert 95 < shown(np.full((1, 3), 0.18))[0, 0] < 125
    assert shown(np.full((1, 3), 1.5))[0, 0] < 245  # room above white paper


def test_skin_keeps_its_hue_from_shadow_to_highlight() -> None:
    for skin in ((0.80, 0.63, 0.53), (0.585, 0.43, 0.34), (0.29, 0.21, 0.17)):
        lit = linear(skin)[None] * np.geomspace(0.25, 3.0, 24)[:, None]
        seen = linear(tone.encode(lit.astype(np.float32), TABLE).astype(np.float64) / 255)
        turned = np.abs(hue(seen) - hue(lit))
        assert turned.max() < 12
        if skin[0] > 0.5:  # bright skin is where the same curve on each channel alone would turn it yellow
            assert turned.max() < 0.75 * np.abs(hue(tone.curve(lit)) - hue(lit)).max()


def test_encode_agrees_with_the_kernel() -> None:
    colours = np.random.default_rng(0).uniform(0, 2, (500, 3)).astype(np.float32)
    assert np.abs(tone.encode(colours, TABLE) - shown(colours)).max() < 1.6


@pytest.mark.parametrize("name", PLACES)
def test_places_are_still_bounded_and_out_of_focus(name: str) -> None:
    first = place(name, 96, 64)
    assert first.shape == (64, 96, 3)
    assert np.isfinite(first).all()
    assert first.min() >= 0
    place.cache_clear()
    assert place(name, 96, 64).tobytes() == first.tobytes()
    fine = tone.encode(place(name, 256, 256), TABLE)
    assert 25 < fine.mean() < 190  # a face stands out before it
    assert np.abs(np.diff(fine, axis=1)).mean() < 4


def test_places_differ_by_seed_and_name() -> None:
    assert not np.array_equal(place("books", 64, 64), place("books", 64, 64, seed=1))
    looks = [place(name, 32, 32).mean((0, 1)) for name in PLACES]
    gaps = [np.abs(a - b).max() for i, a in enumerate(looks) for b in looks[:i]]
    assert min(gaps) > 0.003


def test_dither_keeps_the_mean_and_breaks_bands() -> None:
    ramp = np.repeat(np.linspace(100.2, 101.2, 256, dtype=np.float32)[None, :, None], 64, 0).repeat(3, 2)
    out = dithered(ramp)
    assert out.mean() == pytest.approx(ramp.mean(), abs=0.05)
    assert np.abs(out.astype(float).mean(0)[:, 0] - ramp[0, :, 0]).mean() < 0.12
    assert np.array_equal(out, dithered(ramp))
