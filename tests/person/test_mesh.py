import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.motion import BodyPose, Motion
from vultus.person import bite, reference
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import PART_NAMES

SYMMETRIC = Identity(gender=0.2, age=35)


@pytest.fixture(scope="module")
def mesh():
    return build_mesh(Identity.from_seed(11))


def row(**values: float) -> np.ndarray:
    out = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in values.items():
        for channel in (name,) if name in ch.INDEX else (name + "Left", name + "Right"):
            out[ch.INDEX[channel]] = value
    return out


def random_rows(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    data = rng.uniform(ch.LOW, ch.HIGH, (count, len(ch.CHANNELS))).astype(np.float32)
    data[:, ch.TRANSLATION] *= 0.02
    return data


def test_arrays_have_the_promised_shapes(mesh):
    vertices, triangles = len(mesh.neutral), len(mesh.triangles)
    assert 10_000 < vertices < 13_000
    assert mesh.neutral.dtype == mesh.basis.dtype == mesh.rest.dtype == mesh.uv.dtype == np.float32
    assert mesh.basis.shape == (54, vertices, 3)
    assert mesh.rest.shape == mesh.neutral.shape
    assert mesh.uv_triangles.shape == mesh.triangles.shape == (triangles, 3)
    assert mesh.part.shape == (triangles,)
    assert mesh.triangles.max() == vertices - 1
    assert mesh.skin_joints.shape == mesh.skin_weights.shape == (vertices, 4)
    np.testing.assert_allclose(mesh.skin_weights.sum(axis=1), 1, atol=1e-5)
    fine = build_mesh(mesh.identity, subdivisions=1)
    mouth = len(bite.inside().triangles)  # dense enough from the start
    assert len(fine.triangles) == 4 * (triangles - mouth) + mouth
    assert fine.basis.shape == (54, len(fine.neutral), 3)
    assert fine.skin_joints.shape == (len(fine.neutral), 4)
    assert fine.uv_triangles.max() == len(fine.uv) - 1


def test_the_face_looks_along_z_and_left_is_x(mesh):
    point = {name: mesh.neutral[mesh.landmark(name)] for name in mesh.landmarks}
    assert point["noseTip"][2] > point["earLeft"][2] + 0.08
    assert point["mouthCornerLeft"][0] > 0.02 > -0.02 > point["mouthCornerRight"][0]
    assert point["crown"][1] > point["nasion"][1] > point["noseTip"][1] > point["chin"][1]
    left, right = mesh.eye_centres
    assert left[0] > 0.025
    assert right[0] < -0.025
    centre = mesh.neutral[mesh.part_vertices("skin")].mean(axis=0)
    skull = mesh.part == PART_NAMES.index("skin")
    corner = mesh.neutral[mesh.triangles[skull]]
    outward = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert ((outward * (corner.mean(axis=1) - centre)).sum(axis=1) > 0).mean() > 0.7


def test_a_body_stands_on_the_floor():
    body = build_mesh(SYMMETRIC, region="body")
    assert body.neutral[body.part_vertices("skin"), 1].min() == pytest.approx(0, abs=1e-5)
    assert 1.5 < np.ptp(body.neutral[:, 1]) < 2.0
    bust = build_mesh(SYMMETRIC)
    np.testing.assert_allclose(bust.neutral[bust.landmark("noseTip")], body.neutral[body.landmark("noseTip")])


@pytest.mark.parametrize(("region", "subdivisions"), [("bust", 0), ("bust", 1), ("body", 0)])
def test_kernels_equal_the_plain_reference(region, subdivisions):
    mesh = build_mesh(Identity.from_seed(3), region=region, subdivisions=subdivisions)
    data = random_rows(3)
    out = np.full((3, *mesh.neutral.shape), np.nan, np.float32)
    assert mesh.evaluate(data, out=out) is out
    single = np.empty_like(mesh.neutral)
    for t, values in enumerate(data):
        wanted = reference.evaluate(mesh, values)
        np.testing.assert_allclose(out[t], wanted, atol=3e-6)
        mesh.evaluate_into(values, single)
        np.testing.assert_array_equal(single, out[t])


@pytest.mark.parametrize("frames", [7, 8, 64, 65])
def test_frames_side_by_side_are_the_same_bits_as_one_by_one(mesh, frames):
    data = random_rows(frames, 6)
    data[::3, ch.EXPRESSION] = 0
    out, single = mesh.evaluate(data), np.empty_like(mesh.neutral)
    for t, values in enumerate(data):
        mesh.evaluate_into(values, single)
        assert single.tobytes() == out[t].tobytes()


def test_a_body_pose_turns_the_body_like_the_reference():
    mesh = build_mesh(SYMMETRIC, region="body")
    turns = np.array([[[0, 0, -0.8], [0.3, 0, 0]], [[0.1, 0, 0.5], [0, 0, 0]]], np.float32)
    pose = BodyPose(("leftUpperArm", "spine"), turns)
    data = random_rows(2, 1)
    out = mesh.evaluate(data, pose)
    for t in range(2):
        body = np.zeros((len(mesh.joints.names), 3))
        for name, turn in zip(pose.joints, turns[t], strict=True):
            body[mesh.joints.names.index(name)] = turn
        np.testing.assert_allclose(out[t], reference.evaluate(mesh, data[t], body), atol=3e-6)
    moved = Motion(np.zeros((2, len(ch.CHANNELS)), np.float32), 25, body=pose)
    assert np.abs(mesh.evaluate(moved) - mesh.neutral).max() > 0.1
    with pytest.raises(VultusError, match="leftUpperArm"):
        mesh.evaluate(data, BodyPose(("leftUperArm",), np.zeros((2, 1, 3), np.float32)))


def test_rest_is_neutral_and_a_motion_equals_its_data(mesh):
    np.testing.assert_allclose(mesh.evaluate(Motion.neutral(1, 25))[0], mesh.neutral, atol=1e-6)
    motion = Motion(random_rows(2), 25)
    np.testing.assert_array_equal(mesh.evaluate(motion), mesh.evaluate(motion.data))


def test_basis_and_neutral_tell_the_same_as_evaluate(mesh):
    """Away from the eyes, and for shapes that no pair joins: pairs and lids are what a file of shapes cannot hold."""
    fine = build_mesh(mesh.identity, subdivisions=1)
    values = random_rows(1, 4)[0]
    values[ch.NECK.start : ch.TRANSLATION.stop] = 0
    for name in ch.ARKIT:
        if name.startswith("eye") or name == "jawOpen":
            values[ch.INDEX[name]] = 0
    weights = np.concatenate([values[ch.EXPRESSION], values[ch.TONGUES]])
    wanted = fine.neutral + np.tensordot(weights, fine.basis, 1)
    away = np.min([np.linalg.norm(fine.neutral - centre, axis=1) for centre in fine.eye_centres], axis=0) > 0.035
    np.testing.assert_allclose(fine.evaluate(values[None])[0][away], wanted[away], atol=5e-6)


@given(st.lists(st.floats(width=32), min_size=69, max_size=69), st.integers(0, 2**40))
@settings(max_examples=15, deadline=None)
def test_any_numbers_and_any_seed_give_finite_vertices(values, seed):
    mesh = build_mesh(Identity.from_seed(seed))
    out = mesh.evaluate(np.array([values], np.float32))
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 25


def test_the_same_seed_gives_the_same_bytes():
    first, second = (build_mesh(Identity.from_seed(7), subdivisions=1) for _ in range(2))
    assert first.neutral.tobytes() == second.neutral.tobytes()
    assert first.evaluate(random_rows(3)).tobytes() == second.evaluate(random_rows(3)).tobytes()


def test_sixty_four_people_are_plausible():
    for seed in range(64):
        mesh = build_mesh(Identity.from_seed(seed))
        point = {name: mesh.neutral[mesh.landmark(name)] for name in mesh.landmarks}
        left, right = mesh.eye_centres
        # Menton to vertex, eye distance and mouth width of adults (Farkas), with room for the tails.
        assert 0.18 < point["crown"][1] - point["chin"][1] < 0.27, seed
        assert 0.052 < left[0] - right[0] < 0.075, seed
        assert 0.042 < np.linalg.norm(point["mouthCornerLeft"] - point["mouthCornerRight"]) < 0.070, seed
        assert 1.4 < point["crown"][1] < 2.12, seed
        asymmetry = abs((point["mouthCornerLeft"] + point["mouthCornerRight"])[0])
        assert asymmetry < 0.012, seed


def test_a_blink_closes_the_lids():
    for seed in range(12):
        mesh = build_mesh(Identity.from_seed(seed))
        opened, closed = mesh.evaluate(np.stack([row(), row(eyeBlink=1.0)]))
        for side in ("Left", "Right"):
            upper, lower = mesh.landmark(f"lidUpper{side}"), mesh.landmark(f"lidLower{side}")
            assert opened[upper, 1] - opened[lower, 1] > 0.003
            assert -0.004 < closed[upper, 1] - closed[lower, 1] < 0


def test_the_jaw_opens_and_mouth_close_seals():
    for seed in range(12):
        mesh = build_mesh(Identity.from_seed(seed))
        rest, wide, part, sealed = mesh.lip_gap(
            mesh.evaluate(np.stack([row(), row(jawOpen=1), row(jawOpen=0.3), row(jawOpen=0.3, mouthClose=0.3)]))
        )
        assert rest <= 0.001
        assert sealed <= 0.001
        assert wide >= 0.025
        assert part >= 0.008


def test_the_lip_gap_does_not_see_the_heads_pose(mesh):
    turned = row(jawOpen=0.4, headRotationX=0.7, headRotationY=0.5, neckRotationZ=0.4, translationX=0.3)
    straight, posed = mesh.lip_gap(mesh.evaluate(np.stack([row(jawOpen=0.4), turned])))
    assert posed == pytest.approx(straight, abs=3e-5)


def test_eyes_turn_rigidly_and_eye_look_moves_only_skin(mesh):
    ball = mesh.part_vertices("eyeLeft")
    centre = mesh.eye_centres[0]
    look = row(eyeLeftRotationY=0.5, eyeLeftRotationX=-0.2)
    turned = mesh.evaluate(look[None])[0]
    before, after = (np.linalg.norm(v[ball] - centre, axis=1) for v in (mesh.neutral, turned))
    np.testing.assert_allclose(after, before, atol=1e-6)
    wanted = (mesh.neutral[ball] - centre) @ rotations.to_matrix(look[ch.EYE_LEFT]).T + centre
    np.testing.assert_allclose(turned[ball], wanted, atol=1e-6)
    front = ball[np.argmax(mesh.neutral[ball, 2])]
    assert turned[front, 0] > mesh.neutral[front, 0] + 0.004  # to the person's left
    assert turned[front, 1] > mesh.neutral[front, 1]  # and up
    assert not mesh.basis[: len(ch.ARKIT), ball].any()
    assert np.abs(mesh.basis[ch.INDEX["eyeLookDownLeft"]]).max() > 0.001


def test_head_and_neck_compose_and_the_shoulders_stay(mesh):
    pose = row(neckRotationY=0.4, headRotationX=0.3, translationZ=0.1)
    turned = mesh.evaluate(pose[None])[0]
    wanted = rotations.to_matrix(rotations.compose(pose[ch.NECK], pose[ch.HEAD]))
    skull = [mesh.landmark(name) for name in ("crown", "earLeft", "earRight", "nasion")]
    before, after = mesh.neutral[skull].astype(float), turned[skull].astype(float)
    np.testing.assert_allclose(after[1:] - after[0], (before[1:] - before[0]) @ wanted.T, atol=2e-5)
    shoulders = mesh.neutral[:, 1] < mesh.joints.position("neck")[1] - 0.12
    assert shoulders.sum() > 100
    np.testing.assert_allclose(turned[shoulders] - mesh.neutral[shoulders], [[0, 0, 0.1]] * shoulders.sum(), atol=1e-6)
    nose = mesh.landmark("noseTip")
    assert turned[nose, 0] > mesh.neutral[nose, 0]  # a positive y turns to the person's left


def test_the_mirrored_motion_moves_a_symmetric_person_like_a_mirror():
    mesh = build_mesh(SYMMETRIC, corrected=False)  # nobody's teeth are symmetric
    flip = np.array([-1, 1, 1], np.float32)
    partner = np.array([np.argmin(((mesh.neutral - p * flip) ** 2).sum(axis=1)) for p in mesh.neutral[::7]])
    symmetric = np.linalg.norm(mesh.neutral[partner] - mesh.neutral[::7] * flip, axis=1) < 2e-4
    assert symmetric.mean() > 0.9
    motion = Motion.of(25, mouthSmileLeft=[0.7], jawOpen=[0.3], eyeBlinkRight=[0.8], head=[[0.1, 0.3, -0.2]])
    straight, mirrored = mesh.evaluate(motion)[0], mesh.evaluate(motion.mirror())[0]
    error = np.linalg.norm(mirrored[partner] - straight[::7] * flip, axis=1)[symmetric]
    assert np.percentile(error, 95) < 0.001
    assert error.max() < 0.006


def test_a_subdivided_mesh_is_the_loop_step_of_the_coarse_one(mesh):
    fine = build_mesh(mesh.identity, subdivisions=1)
    data = random_rows(2, 5)
    coarse = mesh.evaluate(data)
    np.testing.assert_allclose(fine.evaluate(data)[1], fine.topology.matrix @ coarse[1], atol=1e-6)
    nose = mesh.landmark("noseTip")
    assert np.linalg.norm(fine.neutral[fine.landmark("noseTip")] - mesh.neutral[nose]) < 0.002


def test_bad_arguments_are_told(mesh):
    for arguments in ({"region": "head"}, {"subdivisions": 2}):
        with pytest.raises(VultusError):
            build_mesh(SYMMETRIC, **arguments)
    with pytest.raises(VultusError, match="69"):
        mesh.evaluate(np.zeros((2, 52), np.float32))
    with pytest.raises(VultusError, match="float32"):
        mesh.evaluate(np.zeros((2, 69), np.float32), out=np.zeros((2, *mesh.neutral.shape)))
    for call in (mesh.landmark, mesh.part_vertices, mesh.joints.position):
        with pytest.raises(VultusError, match="There is no"):
            call("elbow")
