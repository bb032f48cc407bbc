import numpy as np
import pytest

from vultus import channels as ch
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
    upper = fixed.part_vertices("teethUpper")
    lowered = (fixed.neutral - plain.neutral)[upper, 1].mean()
    assert lowered == pytest.approx(-0.0045, abs=0.0005)
    corner = fixed.landmark("mouthCornerLeft")
    assert fixed.neutral[corner, 0] > plain.neutral[corner, 0] + 0.0003
    np.testing.assert_array_equal(fixed.rest, plain.rest)
    assert (plain.gains == 1).all()


def test_a_stretched_mouth_shows_the_upper_teeth(plain, fixed):
    """The teeth's lower edge hangs below the upper lip when the lips part for "s", and not at rest."""
    speech = np.zeros((2, len(ch.CHANNELS)), np.float32)
    for name, value in (("jawOpen", 0.1), ("mouthStretch", 0.4), ("mouthUpperUp", 0.25), ("mouthLowerDown", 0.3)):
        for channel in (name,) if name in ch.INDEX else (name + "Left", name + "Right"):
            speech[1, ch.INDEX[channel]] = value
    shown = {}
    for kind, mesh in (("plain", plain), ("fixed", fixed)):
        vertices = mesh.evaluate(speech)
        front = mesh.part_vertices("teethUpper")
        front = front[np.abs(mesh.rest[front, 0]) < 0.006]
        edge = vertices[:, front, 1].min(axis=1)
        shown[kind] = vertices[:, mesh.landmark("lipInnerUpper"), 1] - edge
    assert shown["fixed"][1] > shown["plain"][1] + 0.003
    assert shown["fixed"][1] > 0.004


def test_pucker_and_funnel_push_the_lips_forward(plain, fixed):
    lip = fixed.landmark("lipOuterUpper")
    for name in ("mouthPucker", "mouthFunnel"):
        assert fixed.basis[ch.INDEX[name], lip, 2] > plain.basis[ch.INDEX[name], lip, 2] + 0.001


def test_lips_meet_however_they_are_shaped():
    parting = {"lower_lip_middle_up": 1.0, "lower_lip_height": 1.0, "mouth_height": 1.0}
    crossing = {"upper_lip_height": 1.0, "lower_lip_volume": 1.0}
    for shape, side in ((parting, 1), (crossing, -1)):
        for corrected in (False, True):
            mesh = build_mesh(Identity(gender=0.2, shape=shape), corrected=corrected)
            upper, lower = (mesh.neutral[mesh.landmark(name), 1] for name in ("lipInnerUpper", "lipInnerLower"))
            if corrected:
                assert 0 < upper - lower < 0.001
            else:
                assert side * (upper - lower) > 0.002


def test_tongue_shapes_move_the_tongue_alone(fixed):
    tongue = fixed.part_vertices("tongue")
    others = np.setdiff1d(np.arange(len(fixed.neutral)), tongue)
    tip, back = fixed.basis[len(ch.ARKIT) :]
    assert not tip[others].any()
    assert not back[others].any()
    front = tongue[np.argmax(fixed.rest[tongue, 2])]
    assert tip[front, 1] > 0.01
    assert back[front, 1] < 0.002 < back[tongue, 1].max()


def test_the_lip_field_is_one_half_at_the_rims():
    pack = load_pack()
    pairs, field = speech_fixes._lip_field(pack)
    for k, (upper, lower) in enumerate(pairs):
        assert field[upper, k] == pytest.approx(-0.5, abs=0.06)
        assert field[lower, k] == pytest.approx(0.5, abs=0.12)
    assert not field[pack.landmarks["noseTip"]].any() or np.abs(field[pack.landmarks["noseTip"]]).max() < 1e-3
