import numpy as np
import pytest

from vultus import channels as ch
from vultus.person import correctives
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack


@pytest.fixture(scope="module")
def plain():
    return build_mesh(Identity(gender=0.2), corrected=False)


@pytest.fixture(scope="module")
def fixed():
    return build_mesh(Identity(gender=0.2))


def moved(mesh, shape, landmark):
    return mesh.basis[ch.INDEX[shape], mesh.landmark(landmark)] * 1000


def row(**values):
    out = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in values.items():
        for channel in (name,) if name in ch.INDEX else (name + "Left", name + "Right"):
            out[ch.INDEX[channel]] = value
    return out


def test_pucker_pushes_the_lips_out_and_the_corners_in(plain, fixed):
    assert 6 < moved(fixed, "mouthPucker", "lipOuterUpper")[2] < 11
    assert moved(fixed, "mouthPucker", "mouthCornerLeft")[0] < moved(plain, "mouthPucker", "mouthCornerLeft")[0] - 3
    np.testing.assert_allclose(
        moved(fixed, "mouthPucker", "mouthCornerLeft")[0], -moved(fixed, "mouthPucker", "mouthCornerRight")[0], atol=0.5
    )


def test_funnel_opens_and_rounds(plain, fixed):
    opened = [
        moved(m, "mouthFunnel", "lipInnerUpper") - moved(m, "mouthFunnel", "lipInnerLower") for m in (plain, fixed)
    ]
    assert opened[1][1] > opened[0][1] + 2
    assert moved(fixed, "mouthFunnel", "mouthCornerLeft")[0] < moved(plain, "mouthFunnel", "mouthCornerLeft")[0] - 3


def brow(mesh, name, x):
    near = np.hypot(mesh.rest[:, 0] - x, mesh.rest[:, 1] - correctives.BROW_LINE) < 0.006
    near &= mesh.rest[:, 2] > 0.11
    return mesh.basis[ch.INDEX[name], near, 1].mean() * 1000


def test_brows_rise_and_fall(fixed):
    assert 6 < brow(fixed, "browInnerUp", 0.012) < 10
    assert brow(fixed, "browInnerUp", 0.048) < 3
    assert -9 < brow(fixed, "browDownLeft", 0.03) < -5
    assert abs(brow(fixed, "browDownLeft", -0.03)) < 1
    assert brow(fixed, "browOuterUpLeft", 0.045) > 5
    lid = [abs(moved(fixed, name, "lidUpperLeft")[1]) for name in ("browInnerUp", "browOuterUpLeft")]
    assert max(lid) < 2


def test_frowning_brows_come_together_and_pull_nothing_over_the_middle(fixed):
    near = np.abs(fixed.rest[:, 1] - correctives.BROW_LINE) < 0.006
    near &= (fixed.rest[:, 2] > 0.11) & (np.abs(fixed.rest[:, 0]) < 0.05)
    x, drawn = fixed.rest[near, 0], fixed.basis[ch.INDEX["browDownLeft"], near, 0] * 1000
    assert -6 < drawn[(x > 0.015) & (x < 0.04)].mean() < -2
    assert np.abs(drawn[x < -0.008]).max() < 1
    order = np.argsort(x)
    both = fixed.basis[[ch.INDEX["browDownLeft"], ch.INDEX["browDownRight"]]][:, near, 0].sum(axis=0)
    assert (np.sign((x + both)[order][x[order] > 0.002]) > 0).all()


def test_closed_lips_stay_closed(fixed):
    pairs = {"mouthSmile": 1.0}, {"mouthPucker": 1.0}, {"jawForward": 1.0}, {"cheekPuff": 1.0}, {"mouthPress": 1.0}
    gaps = fixed.lip_gap(fixed.evaluate(np.stack([row(**p) for p in pairs])))
    assert gaps.max() < 0.0003
    for jaw in (0.2, 0.6, 1.0):
        assert fixed.lip_gap(fixed.evaluate(row(jawOpen=jaw, mouthClose=jaw)[None]))[0] < 0.0003


def test_a_pair_joins_by_the_product(fixed):
    """Far from the lids, what two shapes do at once is their sum and the pair's shape times the product."""
    names = ("mouthPucker", "jawOpen")
    both, pucker, jaw = fixed.evaluate(
        np.stack([row(mouthPucker=0.8, jawOpen=0.5), row(mouthPucker=0.8), row(jawOpen=0.5)])
    )
    shape = fixed.expression[54 + correctives.PAIRS.index(names)]
    wanted = pucker + jaw - fixed.neutral + 0.8 * 0.5 * shape
    far = np.setdiff1d(np.arange(len(wanted)), fixed.sliding[0])
    np.testing.assert_allclose(both[far], wanted[far], atol=1e-5)
    assert np.abs(shape).max() > 0.005


def test_only_corrected_shapes_come_in_pairs(plain):
    assert not plain.expression[54:].any()
    assert len(correctives.DRIVERS) == len(correctives.PAIRS) == len(plain.all_gains) - 54


def test_a_blink_meets_the_lower_lid_where_it_is():
    """Whatever moves the lids with it, a blink closes them by about the same overlap."""
    mesh = build_mesh(Identity.from_seed(4))
    for others in (
        {},
        {"eyeSquint": 1.0},
        {"eyeWide": 1.0},
        {"eyeLookDown": 0.8},
        {"eyeLookUp": 0.8},
        {"cheekSquint": 1.0},
    ):
        closed = mesh.evaluate(row(eyeBlink=1.0, **others)[None])[0]
        gap = closed[mesh.landmark("lidUpperLeft"), 1] - closed[mesh.landmark("lidLowerLeft"), 1]
        assert -0.0035 < gap < -0.0003, others


def test_the_brow_field_keeps_to_the_forehead():
    pack = load_pack()
    field = correctives.brow_field(pack, 0.03, 0.04, 1.0)
    assert field.max() > 0.9
    for name in ("noseTip", "chin", "earLeft", "lidLowerLeft"):
        assert field[pack.landmarks[name]] < 0.01
