import numpy as np
import pytest

from vultus.lab import look
from vultus.person.atlas import Kind
from vultus.person.identity import Identity
from vultus.person.lids import template_lids
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack


@pytest.mark.parametrize("seed", [4, 31])
def test_eyeballs_are_round_and_turn_about_their_middle(seed):
    mesh = build_mesh(Identity.from_seed(seed), subdivisions=1)
    for part, centre in zip(("eyeLeft", "eyeRight"), mesh.eye_centres, strict=True):
        away = np.linalg.norm(mesh.neutral[mesh.part_vertices(part)] - centre, axis=1)
        assert 0.012 < np.median(away) < 0.020
        assert np.ptp(away) < 0.0004


@pytest.mark.parametrize("seed", [4, 31])
def test_lids_do_not_cut_into_the_eyeballs(seed):
    mesh = build_mesh(Identity.from_seed(seed), subdivisions=1)
    assert look.lid_depth(mesh) < 0.0001


@pytest.mark.parametrize("seed", [4, 19])
def test_nothing_shows_between_closed_lips_and_lids(seed):
    mesh = build_mesh(Identity.from_seed(seed), subdivisions=1)
    lips, eyes = look.shut_rows()
    assert look.inside_seen(mesh, lips, (Kind.CAVITY, Kind.UPPER_TEETH, Kind.LOWER_TEETH, Kind.TONGUE)) == 0
    assert look.inside_seen(mesh, eyes, (Kind.EYE_LEFT, Kind.EYE_RIGHT, Kind.SOCKET)) == 0
    # The measure can fail: an open mouth and open eyes are seen.
    assert look.inside_seen(mesh, look.lid_rows()[1:2], (Kind.EYE_LEFT, Kind.EYE_RIGHT)) > 50


def test_lids_follow_the_gaze():
    mesh = build_mesh(Identity.from_seed(4))
    frames = mesh.evaluate(look.lid_rows()[:3])  # 30 degrees down, ahead, 30 degrees up
    upper = frames[:, mesh.landmark("lidUpperLeft"), 1]
    lower = frames[:, mesh.landmark("lidLowerLeft"), 1]
    assert upper[1] - upper[0] > 0.003
    assert upper[2] - upper[1] > 0.003
    assert lower[1] - lower[0] > 0.001
    assert lower[2] > lower[1]
    assert (upper > lower + 0.002).all()


def test_the_template_is_already_seated():
    pack = load_pack()
    lids = template_lids(pack)
    assert set(np.unique(lids.eye)) == {0, 1}
    assert (lids.follow >= 0).all()
    assert (lids.follow <= 1).all()
    assert lids.follow[lids.clearance < 0.002].min() == 1
    assert len(np.unique(lids.index)) == len(lids.index)
