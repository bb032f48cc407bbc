"""Clothes end where they should, and stand off the skin only where they are."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.person.appearance import lift, paint
from vultus.person.atlas import painter_coordinates
from vultus.person.choices import NECKLINES
from vultus.person.clothes import CREW, TANK_TOP, TURTLENECK, V_NECK, covered, depth, neckline, stand_off
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pigment import EDGE, EDGE_FROM, EDGE_REACH, HEM_ROWS
from vultus.person.surface import cut_cloth, packed


def test_necklines_differ_as_their_names_say() -> None:
    front = (0.0, 0.07)
    heights = {name: neckline(*front, kind) for kind, name in enumerate(NECKLINES)}
    assert heights["turtleneck"] > heights["hoodie"] > heights["crew"] > heights["scoop"] > heights["tank_top"]
    assert heights["v_neck"] < heights["crew"] - 0.04
    assert neckline(0.05, 0.05, V_NECK) > neckline(0.0, 0.07, V_NECK) + 0.03
    assert covered(0.16, 0.55, 0.03, CREW) > 0
    assert covered(0.16, 0.55, 0.03, TANK_TOP) < 0  # bare shoulders
    assert covered(0.0, 0.608, 0.06, TURTLENECK) > 0
    for kind in range(len(NECKLINES)):
        for x, z in ((0.03, 0.07), (0.09, 0.02), (0.05, -0.03)):
            assert neckline(x, z, kind) == neckline(-x, z, kind)


@pytest.mark.parametrize("name", NECKLINES)
def test_cloth_stands_off_the_torso_and_leaves_the_face(name: str) -> None:
    who = Identity.from_seed(9).replace(neckline=name)
    mesh = build_mesh(who)
    off, places = lift(mesh, who), painter_coordinates(mesh)
    skin = mesh.part_vertices("skin")
    assert not off[skin[places[skin, 1] > 0.645]].any()
    chest = skin[(places[skin, 1] < 0.50) & (np.abs(places[skin, 0]) < 0.05)]
    assert (off[chest] >= 0.002).all()
    assert off.max() < 0.025
    kind = NECKLINES.index(name)
    assert stand_off(0.0, neckline(0.0, 0.07, kind) + 1e-4, 0.07, kind) == 0


def test_cloth_is_painted_in_its_colour_with_its_pattern() -> None:
    who = Identity.from_seed(9).replace(neckline="crew", shirt_colour="navy", pattern="plain")
    mesh = build_mesh(who)
    plain, striped, red = (
        paint(mesh, look, 256).srgb().astype(int)
        for look in (who, who.replace(pattern="stripes"), who.replace(shirt_colour="red"))
    )
    torso = (slice(2, 57), slice(184, 254))
    blue = plain[torso][..., 2] > plain[torso][..., 0] + 15
    assert blue.mean() > 0.3
    changed = np.abs(striped - plain)[torso].max(-1) > 20
    assert 0.2 < changed[blue].mean() < 0.8
    assert (red[torso][..., 0] > red[torso][..., 2] + 40)[blue].mean() > 0.95
    face = (slice(60, 200), slice(40, 140))
    np.testing.assert_array_equal(plain[face], red[face])


def test_cloth_begins_within_a_pixel() -> None:
    atlas = np.zeros((64, 64, 8), np.uint8)
    atlas[slice(*HEM_ROWS), -2:] = [255, 0, 0, 0, 40, 40, 255, 0]
    words, cloth = packed(atlas), np.zeros(8, np.float32)

    def red(inside: float, wide: float) -> float:
        t = np.full(8, 0.2, np.float32)
        t[EDGE] = (inside - EDGE_FROM) / EDGE_REACH
        cut_cloth(words, wide, cloth, t)
        return float(t[0])

    assert red(-0.0006, 0.001) == pytest.approx(0.2)
    assert red(0.002, 0.001) == pytest.approx(1.0, abs=0.01)
    assert 0.3 < red(0.0, 0.001) < 0.6
    assert red(0.012, 0.001) == pytest.approx(0.2)  # deeper, the atlas shows the cloth itself
    steps = [red(x, 0.0008) for x in np.linspace(-0.001, 0.002, 20)]
    assert (np.diff(steps) > -1e-6).all()


def test_the_atlas_counts_how_deep_in_the_cloth_skin_lies() -> None:
    assert depth(0.0, neckline(0.0, 0.07, CREW), 0.07, CREW) == pytest.approx(0.0, abs=1e-9)
    x, z = 0.03, 0.07
    y = neckline(x, z, V_NECK) - 0.004
    assert 0.5 * covered(x, y, z, V_NECK) < depth(x, y, z, V_NECK) < 0.9 * covered(x, y, z, V_NECK)
