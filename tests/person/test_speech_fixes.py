import numpy as np
import pytest

from vultus.person import speech_fixes
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack


@pytest.fixture(scope="module")
def plain():
    return build_mesh(Identity(gender=0.2), corrected=False)


@pytest.fixture(scope="module")
def fixed():
    return build_mesh(Identity(gender=0.2))


def test_only_the_corrected_mesh_is_corrected(plain, fixed):
    corner = "mouthCornerLeft"
    assert fixed.neutral[fixed.landmark(corner), 0] > plain.neutral[plain.landmark(corner), 0] + 0.0003
    np.testing.assert_array_equal(fixed.rest[fixed.part_vertices("skin")], plain.rest[plain.part_vertices("skin")])
    assert (plain.all_gains == 1).all()


def test_lips_meet_however_they_are_shaped():
    parting = {"lower_lip_middle_up": 1.0, "lower_lip_height": 1.0, "mouth_height": 1.0}
    crossing = {"upper_lip_height": 1.0, "lower_lip_volume": 1.0}
    for shape, side in ((parting, 1), (crossing, -1)):
        for corrected in (False, True):
            mesh = build_mesh(Identity(gender=0.2, shape=shape), corrected=corrected)
            upper, lower = (mesh.neutral[mesh.landmark(name), 1] for name in ("lipInnerUpper", "lipInnerLower"))
            if corrected:
                assert -0.001 < upper - lower < 0.0005
            else:
                assert side * (upper - lower) > 0.002


def test_rounded_lips_part_as_an_ellipse_does():
    pack = load_pack()
    pairs, _ = speech_fixes._lip_field(pack)
    shape = speech_fixes.round_lips(pack, np.zeros_like(pack.template), 0.012, 0.010)
    parted = shape[pairs[:, 0], 1] - shape[pairs[:, 1], 1]
    x = pack.template[pairs, 0].mean(axis=1)
    np.testing.assert_allclose(parted, 0.010 * np.sqrt(np.clip(1 - (x / 0.012) ** 2, 0, None)), atol=1e-6)
    assert parted.max() == pytest.approx(0.010, abs=1e-6)
    assert (parted[np.abs(x) > 0.012] < 1e-6).all()


def test_the_lip_field_is_one_half_at_the_rims():
    pack = load_pack()
    pairs, field = speech_fixes._lip_field(pack)
    for k, (upper, lower) in enumerate(pairs):
        assert field[upper, k] == pytest.approx(-0.5, abs=0.06)
        assert field[lower, k] == pytest.approx(0.5, abs=0.12)
    assert not field[pack.landmarks["noseTip"]].any() or np.abs(field[pack.landmarks["noseTip"]]).max() < 1e-3
