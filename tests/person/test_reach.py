import dataclasses

import numpy as np
import pytest

from vultus import channels as ch
from vultus.person import reach, speech_fixes
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack


@pytest.fixture(scope="module")
def pack():
    return load_pack()


@pytest.fixture(scope="module")
def people():
    return [build_mesh(Identity.from_seed(seed)) for seed in range(200, 212)]


def measured(pack, mesh):
    coarse = mesh.topology.coarse
    return reach.lengths(pack, mesh.coarse[: len(coarse)], coarse)


def test_the_template_reaches_as_far_as_the_table_says(pack):
    everything = np.arange(len(pack.template))
    assert reach.reach(pack, pack.template, everything) == pytest.approx(
        {name: base for name, (base, _) in reach.POWERS.items()}
    )
    twice = {name: 2 * value for name, value in reach.lengths(pack, pack.template, everything).items()}
    assert reach.lengths(pack, 2 * pack.template, everything) == pytest.approx(twice, rel=1e-5)


def test_thin_lips_flare_further_than_full_ones(pack):
    def gain(value):
        shape = {f"{lip}_lip_{what}": value for lip in ("upper", "lower") for what in ("height", "volume")}
        mesh = build_mesh(dataclasses.replace(Identity(), shape=shape))
        return mesh.gains[ch.INDEX["mouthFunnel"]]

    assert gain(-0.5) > gain(0.0) + 0.02 > gain(0.5) + 0.04


def test_a_reach_stays_within_its_limits(people):
    for mesh in people:
        for name in reach.POWERS:
            assert reach.LEAST <= mesh.gains[ch.INDEX[name]] <= reach.MOST


def test_brows_at_the_nose_rise_over_a_strong_ridge_and_sink_in_a_long_face(pack):
    def inner(**shape):
        mesh = build_mesh(dataclasses.replace(Identity(), shape=shape))
        knots = reach.brow_vertices(pack, reach.BROW_INNER)
        knots, lids = np.searchsorted(mesh.topology.coarse, knots), ("lidUpperLeft", "lidLowerLeft")
        eyes = np.mean([mesh.neutral[mesh.landmark(name), 1] for name in lids])
        return mesh.neutral[knots, 1].mean() - eyes, measured(pack, mesh)

    (usual, size), (ridge, ridged), (long, longer) = inner(), inner(brow_forward=0.6), inner(chin_height=0.6)
    assert ridged["ridge"] > size["ridge"] + 0.001
    assert ridge > usual + 0.0003
    assert longer["long"] > size["long"] + 0.001
    assert long / longer["long"] < usual / size["long"] - 0.001


def test_both_sides_reach_alike(people):
    for mesh in people:
        assert mesh.gains[ch.INDEX["browDownLeft"]] == mesh.gains[ch.INDEX["browDownRight"]]


def test_brows_lie_at_one_share_of_the_face_for_each_sex(pack, people):
    """Whatever the length of the face, and much more evenly than the shapes of identity alone would have it."""

    def spread(meshes):
        sizes = [measured(pack, mesh) for mesh in meshes]
        return np.std([size["brow"] / size["long"] for size in sizes])

    for men in (True, False):
        mine = [mesh for mesh in people if (mesh.identity.gender < 0.5) == men]
        plain = [build_mesh(mesh.identity, corrected=False) for mesh in mine]
        assert spread(mine) < 0.5 * spread(plain)


def test_no_mouth_is_pursed_at_rest(pack, people):
    least, thick, *_ = speech_fixes.MOUTH_SPAN
    for mesh in people:
        size = measured(pack, mesh)
        assert size["mouth"] > least * size["face"] + thick * size["lips"] - 0.0035
        assert size["lips"] < 0.026
    plain = speech_fixes.rest_correction(pack, len(pack.template)) + pack.template
    assert abs(speech_fixes.ease_mouth(pack, plain) - plain).max() < 0.001
