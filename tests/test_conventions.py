"""One test for each numbered sentence of ``docs/conventions.md``; its docstring is that sentence."""

from __future__ import annotations

import dataclasses
import json
import re
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from vultus import channels as ch
from vultus import rotations
from vultus.camera import Camera
from vultus.errors import VultusError
from vultus.io import npz
from vultus.motion import LOOK, Motion, clamp, mix
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.person.pack import PART_NAMES, load_pack, read_pack
from vultus.render import reference
from vultus.signals import phones

PAGE = Path(__file__).resolve().parents[1] / "docs/conventions.md"
X, Y, Z = np.eye(3)
QUARTER = np.pi / 2


def joint(name: str) -> np.ndarray:
    """Where a joint of the template person lies, [3]."""
    pack = load_pack()
    return np.asarray(pack.joint_template[pack.joint_names.index(name)], np.float64)


def landmark(name: str) -> np.ndarray:
    """Where a landmark of the template person lies, [3]."""
    pack = load_pack()
    return np.asarray(pack.template[pack.landmarks[name]], np.float64)


def turned(group: str, vector: np.ndarray) -> np.ndarray:
    """The matrix of one group's rotation in a one-frame motion, [3, 3]."""
    motion = Motion.of(25, **{group: [vector]})
    return rotations.to_matrix(getattr(motion, group)[0])


@lru_cache
def person() -> PersonMesh:
    """Somebody to pose."""
    return build_mesh(Identity.from_seed(11))


def posed(name: str, **groups: np.ndarray) -> np.ndarray:
    """Where a landmark of the posed person lies, [3]."""
    motion = Motion.of(25, **{group: [vector] for group, vector in groups.items()})
    return person().evaluate(motion)[0, person().landmark(name)].astype(np.float64)


def sentences() -> dict[int, str]:
    """Number -> sentence of the page."""
    found = re.findall(r"^(\d+)\. (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {int(number): text for number, text in found}


def test_the_page_and_these_tests_say_the_same() -> None:
    """The meta-test: numbers run from 1 without a gap and each sentence is the docstring of its test."""
    tests = {int(name[5:7]): value.__doc__ for name, value in globals().items() if re.match(r"test_\d\d_", name)}
    assert list(sentences()) == list(range(1, len(sentences()) + 1))
    assert {number: " ".join((text or "").split()) for number, text in tests.items()} == sentences()


def test_01_metres() -> None:
    """Lengths are metres."""
    height = np.ptp(load_pack().template[:, 1])
    assert 1.4 < height < 2.1
    assert 0.05 < np.linalg.norm(joint("leftEye") - joint("rightEye")) < 0.075


def test_02_radians() -> None:
    """Angles are radians."""
    np.testing.assert_allclose(turned("head", np.pi / 6 * Y) @ Z, [0.5, 0, np.sqrt(0.75)], atol=1e-6)


def test_03_right_handed() -> None:
    """Space is right-handed: x cross y is z, and a quarter turn about x takes y to z."""
    np.testing.assert_allclose(np.cross(X, Y), Z)
    np.testing.assert_allclose(rotations.to_matrix(QUARTER * X) @ Y, Z, atol=1e-12)
    np.testing.assert_allclose(rotations.to_matrix(QUARTER * Y) @ Z, X, atol=1e-12)
    np.testing.assert_allclose(rotations.to_matrix(QUARTER * Z) @ X, Y, atol=1e-12)
    # The person agrees: left cross up is the way that the face looks.
    side = joint("leftEye") - joint("rightEye")
    assert np.cross(side, joint("head") - joint("hips")) @ (landmark("noseTip") - joint("head")) > 0


def test_04_up() -> None:
    """The y axis points up."""
    assert joint("leftFoot")[1] < joint("hips")[1] < joint("neck")[1] < joint("head")[1] < landmark("nasion")[1]
    pixel, _ = Camera.look_at([0, 0, 2], [0, 0, 0]).project([Y, -Y])
    assert pixel[0, 1] < pixel[1, 1]


def test_05_forward() -> None:
    """The face looks along +z, as in glTF."""
    assert landmark("noseTip")[2] > landmark("mouthCornerLeft")[2] > joint("head")[2]


def test_06_left() -> None:
    """Left is the person's left, which is +x."""
    assert joint("leftEye")[0] > 0 > joint("rightEye")[0]
    # Seen from the front, where the person looks at us, the person's left is on our right.
    pixel, _ = Camera.look_at([0, 1.5, 2], [0, 1.5, 0]).project([joint("leftEye"), joint("rightEye")])
    assert pixel[0, 0] > pixel[1, 0]


def test_07_names() -> None:
    """ "Left" in the name of a channel, a joint or a part means the person's left too."""
    pack = load_pack()
    for name, position in zip(pack.joint_names, pack.joint_template, strict=True):
        assert not name.startswith("left") or position[0] > 0
        assert not name.startswith("right") or position[0] < 0
    ways = {"jawLeft": 1, "mouthLeft": 1, "jawRight": -1, "mouthRight": -1}  # where a shape goes, not where it lies
    for name in ch.ARKIT:
        index, delta = pack.expression.sparse(pack.expression.names.index(name))
        moved = np.linalg.norm(delta, axis=1)
        if name in ways:
            assert np.average(delta[:, 0], weights=moved) * ways[name] > 0, name
        elif name.endswith(("Left", "Right")):
            assert (np.average(pack.template[index, 0], weights=moved) > 0) == name.endswith("Left"), name
    for number, name in enumerate(PART_NAMES):
        if name.endswith(("Left", "Right")):
            middle = pack.template[pack.triangles[pack.part == number]].mean(axis=(0, 1))
            assert (middle[0] > 0) == name.endswith("Left"), name


def test_08_winding() -> None:
    """Triangles are counter-clockwise seen from outside."""
    pack = load_pack()
    for part in ("skin", "eyeLeft", "eyeRight", "teethUpper"):
        corners = pack.template[pack.triangles[pack.part == PART_NAMES.index(part)]].astype(np.float64)
        corners -= corners.mean(axis=(0, 1))
        volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        assert volume > 0, part


def test_09_floor() -> None:
    """A person stands on y = 0 at rest."""
    body = build_mesh(Identity.from_seed(3), region="body")
    assert body.neutral[body.part_vertices("skin"), 1].min() == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(body.evaluate(Motion.neutral(1, 25))[0], body.neutral, atol=1e-5)


def test_10_rotation_vector() -> None:
    """A rotation is a rotation vector: axis times angle."""
    axis = np.array([1, 2, 2]) / 3
    matrix = turned("head", 0.7 * axis)
    np.testing.assert_allclose(matrix @ axis, axis, atol=1e-6)
    assert np.arccos((np.trace(matrix) - 1) / 2) == pytest.approx(0.7, abs=1e-6)


def test_11_column_vectors() -> None:
    """A rotation matrix acts on column vectors."""
    matrix = rotations.to_matrix(0.3 * Z)
    np.testing.assert_allclose(matrix @ X, [np.cos(0.3), np.sin(0.3), 0])
    camera = Camera.look_at([1, 2, 3], [0, 0, 0])
    np.testing.assert_allclose((camera.world_to_camera @ [*camera.position, 1])[:3], 0, atol=1e-12)


def test_12_parents_first() -> None:
    """Joints turn parents first: the head's rotation in the world is R(neck) R(head)."""
    neck, head = np.array([0.2, 0.5, -0.1]), np.array([-0.4, 0.3, 0.6])
    world = rotations.to_matrix(rotations.compose(neck, head))
    np.testing.assert_allclose(world, rotations.to_matrix(neck) @ rotations.to_matrix(head), atol=1e-12)
    rest, moved = (posed("nasion", **g) - posed("noseTip", **g) for g in ({}, {"neck": neck, "head": head}))
    np.testing.assert_allclose(moved, world @ rest, atol=1e-4)
    assert ch.ROTATIONS.index("neck") < ch.ROTATIONS.index("head") < ch.ROTATIONS.index("eyeLeft")


def test_13_eyes_in_the_head() -> None:
    """Eye rotations are local to the head: an eye looks along R(neck) R(head) R(eye) z."""
    neck, head, eye = 0.3 * Y, 0.4 * Y, -0.2 * Y
    world = rotations.to_matrix(rotations.compose(rotations.compose(neck, head), eye))
    np.testing.assert_allclose(world @ Z, [np.sin(0.5), 0, np.cos(0.5)], atol=1e-12)
    gaze = Motion.of(25, neck=[neck], head=[head], eye_left=[eye])
    ball = person().part_vertices("eyeLeft")
    rest, moved = person().neutral[ball], person().evaluate(gaze)[0, ball]
    expected = (rest - rest.mean(axis=0)) @ rotations.to_matrix(0.5 * Y).T
    np.testing.assert_allclose(moved - moved.mean(axis=0), expected, atol=1e-4)
    # Eyes that look ahead in a turned head follow the head, and need no eyeLook shape.
    assert not Motion.of(25, neck=[neck], head=[head]).data[:, LOOK].any()


@pytest.mark.parametrize("group", ["neck", "head"])
def test_14_nod(group: str) -> None:
    """A positive x rotation of neck or head nods down."""
    assert (turned(group, 0.3 * X) @ Z)[1] < -0.2
    assert posed("noseTip", **{group: 0.3 * X})[1] < posed("noseTip")[1] - 0.02


@pytest.mark.parametrize("group", ["neck", "head"])
def test_15_turn(group: str) -> None:
    """A positive y rotation of neck or head turns the face to the person's left."""
    assert (turned(group, 0.3 * Y) @ Z)[0] * np.sign(joint("leftEye")[0]) > 0.2
    assert posed("noseTip", **{group: 0.3 * Y})[0] > 0.02


@pytest.mark.parametrize("group", ["neck", "head"])
def test_16_tilt(group: str) -> None:
    """A positive z rotation of neck or head tilts the crown towards the person's right shoulder."""
    assert (turned(group, 0.3 * Z) @ Y)[0] * np.sign(joint("rightShoulder")[0]) > 0.2
    assert posed("nasion", **{group: 0.3 * Z})[0] < posed("chin", **{group: 0.3 * Z})[0] - 0.02
    assert posed("mouthCornerLeft", **{group: 0.3 * Z})[1] > posed("mouthCornerRight", **{group: 0.3 * Z})[1]


def test_17_quaternions() -> None:
    """Quaternions are ordered x, y, z, w."""
    np.testing.assert_allclose(rotations.to_quaternion(np.zeros(3)), [0, 0, 0, 1])
    np.testing.assert_allclose(rotations.to_quaternion(0.4 * Y), [0, np.sin(0.2), 0, np.cos(0.2)])


def test_18_between_frames() -> None:
    """Between two frames rotations go along the shortest arc, all other channels along a straight line."""
    motion = Motion.of(10, head=[1.2 * X, 1.2 * Y], jawOpen=[0, 1], translation=[[0, 0, 0], [1, 2, 3]]).resample(20)
    np.testing.assert_allclose(motion.head[1], rotations.slerp(1.2 * X, 1.2 * Y, 0.5), atol=1e-6)
    assert motion["jawOpen"][1] == pytest.approx(0.5)
    np.testing.assert_allclose(motion.translation[1], [0.5, 1, 1.5])


def test_19_limits() -> None:
    """Each component of a neck or head rotation lies within 75 degrees, each component of an eye rotation within 35."""
    for group, degrees in (("neck", 75), ("head", 75), ("eye_left", 35), ("eye_right", 35)):
        Motion.of(25, **{group: [np.full(3, np.radians(degrees))]})
        with pytest.raises(VultusError):
            Motion.of(25, **{group: [np.radians(degrees + 1) * Y]})


def test_20_translation() -> None:
    """Translation is the displacement of the whole person from rest, at most 10 metres on each axis."""
    assert not Motion.neutral(1, 25).translation.any()
    move = np.array([0.3, -0.2, 0.1])
    moved = person().evaluate(Motion.of(25, translation=[move]))[0]
    np.testing.assert_allclose(moved - person().neutral, np.broadcast_to(move, moved.shape), atol=1e-4)
    for value in ([10, -10, 10], [-10, 10, -10]):
        Motion.of(25, translation=[value])
    with pytest.raises(VultusError):
        Motion.of(25, translation=[[0, 10.1, 0]])


def test_21_eyes_rule() -> None:
    """Eye rotations rule: the eyeLook shapes are always made from them."""
    lying = Motion.of(25, eye_left=[0.3 * X]).data.copy()
    lying[:, LOOK] = 1
    motion = Motion(lying, Fraction(25))
    assert {n for n in ch.ARKIT if n.startswith("eyeLook") and motion[n][0] > 0} == {"eyeLookDownLeft"}


def test_22_full_look() -> None:
    """An eyeLook shape is the angle divided by 35 degrees."""
    motion = Motion.of(25, eye_left=np.radians([[7, 0, 0], [0, 14, 0], [-35, 0, 0]]))
    np.testing.assert_allclose(motion["eyeLookDownLeft"], [0.2, 0, 0], atol=1e-6)
    np.testing.assert_allclose(motion["eyeLookOutLeft"], [0, 0.4, 0], atol=1e-6)
    np.testing.assert_allclose(motion["eyeLookUpLeft"], [0, 0, 1], atol=1e-6)


def test_23_eye_signs() -> None:
    """An eye with a positive x rotation looks down, one with a positive y rotation to the person's left."""
    for group in ("eye_left", "eye_right"):
        assert (turned(group, 0.3 * X) @ Z)[1] < -0.2
        assert (turned(group, 0.3 * Y) @ Z)[0] > 0.2
    motion = Motion.of(25, eye_left=[0.3 * X], eye_right=[0.3 * X])
    assert motion["eyeLookDownLeft"][0] == motion["eyeLookDownRight"][0] > 0


def test_24_in_and_out() -> None:
    """Looking to the person's left is eyeLookOutLeft and eyeLookInRight."""
    motion = Motion.of(25, eye_left=[0.3 * Y], eye_right=[0.3 * Y])
    moved = {name for name in ch.ARKIT if motion[name][0] > 0}
    assert moved == {"eyeLookOutLeft", "eyeLookInRight"}


def test_25_shapes_turn_eyes() -> None:
    """Where only eyeLook shapes are given, the eyes turn by them."""
    motion = Motion.of(25, eyeLookUpLeft=[0.5], eyeLookOutRight=[1.0])
    np.testing.assert_allclose(motion.eye_left, [-np.radians(17.5) * X], atol=1e-6)
    np.testing.assert_allclose(motion.eye_right, [-np.radians(35) * Y], atol=1e-6)


def test_26_channels() -> None:
    """A frame has 69 channels: 52 ARKit weights, rotations of neck, head, left and right eye, translation, and two
    tongue shapes."""
    motion = Motion.neutral(2, 25)
    parts = (motion.expression, motion.neck, motion.head, motion.eye_left, motion.eye_right)
    parts += (motion.translation, motion.tongue)
    assert [part.shape for part in parts] == [(2, n) for n in (52, 3, 3, 3, 3, 3, 2)]
    assert sum(part.shape[1] for part in parts) == motion.data.shape[1] == len(ch.CHANNELS) == 69


def test_27_weights() -> None:
    """Weights lie in [0, 1] and stand in the order of ARKit's documentation."""
    assert (ch.LOW[ch.EXPRESSION] == 0).all()
    assert (ch.HIGH[ch.EXPRESSION] == 1).all()
    assert (ch.LOW[ch.TONGUES] == 0).all()
    assert (ch.HIGH[ch.TONGUES] == 1).all()
    header = ["EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft"]
    assert [name[0].upper() + name[1:] for name in ch.ARKIT[:6]] == header
    assert ch.ARKIT[14:19] == ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose")
    assert ch.ARKIT[51] == "tongueOut"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.1, -0.1])
def test_28_finite_and_in_range(value: float) -> None:
    """Every value is finite and in its range, or there is a VultusError."""
    data = np.zeros((1, 69))
    data[0, ch.INDEX["jawOpen"]] = value
    with pytest.raises(VultusError):
        Motion(data, Fraction(25))
    assert 0 <= Motion(clamp(data), Fraction(25))["jawOpen"][0] <= 1


def test_29_neutral() -> None:
    """The neutral face is 0 in every channel."""
    assert not Motion.neutral(2, 25).data.any()
    assert ((ch.LOW <= 0) & (ch.HIGH >= 0)).all()
    assert not clamp(np.full((1, 69), np.nan)).any()


def test_30_valid() -> None:
    """A value that is not valid is unknown, and so is what is interpolated from it."""
    assert Motion.neutral(2, 25).valid.all()
    half = Motion.neutral(3, 25).replace(valid=np.array([[True], [False], [True]]))
    assert half.resample(50).valid[:, 0].tolist() == [True, False, False, False, True, True]
    assert not mix(Motion.neutral(3, 25), half, 0.5).valid[1].any()


def test_31_immutable() -> None:
    """A Motion never changes."""
    motion = Motion.neutral(2, 25)
    with pytest.raises(ValueError, match="read-only"):
        motion.data[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        motion.start = Fraction(1)  # type: ignore[misc]


def test_32_mirror() -> None:
    """Mirroring reflects x: left and right names change places, and the y and z rotations and the x translation change
    sign."""
    turn, flip = np.array([0.1, 0.2, 0.3]), np.diag([-1.0, 1, 1])
    motion = Motion.of(25, head=[turn], eye_left=[turn], translation=[[1, 2, 3]], mouthSmileLeft=[0.5]).mirror()
    np.testing.assert_allclose(motion.head, [[0.1, -0.2, -0.3]], atol=1e-7)
    np.testing.assert_allclose(rotations.to_matrix(motion.head[0]), flip @ rotations.to_matrix(turn) @ flip, atol=1e-6)
    np.testing.assert_allclose(motion.eye_right, motion.head)
    np.testing.assert_allclose(motion.translation, [[-1, 2, 3]])
    assert (motion["mouthSmileLeft"][0], motion["mouthSmileRight"][0]) == (0, 0.5)


def test_33_frame_times() -> None:
    """Frame i stands at start + i / fps seconds."""
    np.testing.assert_allclose(Motion.neutral(4, 8, start=2).times(), [2, 2.125, 2.25, 2.375], rtol=0)
    assert Motion.neutral(4, 8, start=2)[3:].start == Fraction(19, 8)


def test_34_fractions() -> None:
    """Start and fps are exact fractions: 29.97 means 30000/1001."""
    motion = Motion.neutral(2, 29.97, start="1/3")
    assert (motion.fps, motion.start) == (Fraction(30000, 1001), Fraction(1, 3))


def test_35_duration() -> None:
    """A motion lasts frames / fps seconds."""
    assert Motion.neutral(50, 25).duration == 2
    assert Motion.neutral(1, 3).duration == Fraction(1, 3)


def test_36_half_open() -> None:
    """A span of time holds its first moment and not its last."""
    part = Motion.neutral(10, 10).slice(0.2, 0.5)
    np.testing.assert_allclose(part.times(), [0.2, 0.3, 0.4])


def test_37_opencv() -> None:
    """Cameras are OpenCV's inside: x right, y down, z into the scene."""
    camera = Camera.look_at([0, 0, 2], [0, 0, 0])
    np.testing.assert_allclose(camera.world_to_camera[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-12)
    np.testing.assert_allclose(camera.project([0, 0, 0.5])[1], 1.5)


def test_38_gltf_camera() -> None:
    """A glTF camera has x right, y up and looks along -z; it is converted at the border."""
    pose = np.eye(4)
    pose[:3, 3] = [0, 0, 2]
    camera = Camera.from_gltf(pose, size=(100, 100), yfov=QUARTER)
    pixels, depth = camera.project([[0, 0, 0], [1, 1, 0]])
    np.testing.assert_allclose(pixels, [[50, 50], [75, 25]])
    np.testing.assert_allclose(depth, 2)
    np.testing.assert_allclose(camera.to_gltf()[0], pose, atol=1e-12)


def test_39_pixel_centres() -> None:
    """The centre of the pixel in column i and row j lies at (i + 0.5, j + 0.5), with row 0 at the top."""
    # A small square around the centre of pixel (2, 1) covers that pixel and no other.
    camera = Camera(5, 4, (1.0, 1.0), (0.0, 0.0), np.eye(4))
    corners = np.array([[2.4, 1.4, 1], [2.6, 1.4, 1], [2.6, 1.6, 1], [2.4, 1.6, 1]], np.float32)
    screen = reference.project(camera, corners)
    ids = reference.rasterise(screen, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 4, 5, cull="none")[0]
    assert np.argwhere(ids >= 0).tolist() == [[1, 2]]


def test_40_resizing() -> None:
    """Resizing a picture multiplies pixel coordinates by the ratio of the sizes."""
    camera = Camera.look_at([0, 0, 2], [0, 0, 0], size=(100, 50))
    point = [0.1, 0.2, 0.3]
    np.testing.assert_allclose(camera.resized(300, 100).project(point)[0], camera.project(point)[0] * [3, 2])


def test_41_ipa() -> None:
    """Phones are IPA inside; ARPABET and visemes are views of them."""
    phone = phones.Phone(0, 0.1, "ʃ")
    assert (phone.ipa, phone.arpabet, phone.viseme) == ("ʃ", "SH", "CH")
    assert {field.name for field in dataclasses.fields(phone)} == {"start", "end", "ipa", "stress"}


def test_42_silence() -> None:
    """Silence is the empty IPA string."""
    silence = phones.Phone(0, 1, phones.SILENCE)
    assert (silence.ipa, silence.arpabet, silence.viseme) == ("", "SIL", "sil")


def test_43_phone_times() -> None:
    """A phone has its start and its end in seconds, and ends where the next one begins."""
    track = phones.fill([phones.Phone(0.25, 0.5, "a"), phones.Phone(0.5, 0.75, "m")], 0.0, 1.0)
    assert [(p.start, p.end, p.ipa) for p in track] == [
        (0, 0.25, ""), (0.25, 0.5, "a"), (0.5, 0.75, "m"), (0.75, 1, ""),
    ]  # fmt: skip
    phones.check(track, gapless=True)


def test_44_formats(tmp_path: Path) -> None:
    """A file format of our own carries its name in `format` and its number in `version`."""
    npz.write(tmp_path / "a.npz", Motion.neutral(2, 25))
    data = files("vultus") / "data"
    for file, name in ((tmp_path / "a.npz", "vultus.motion"), (data / "person.npz", "vultus.person")):
        with np.load(str(file), allow_pickle=False) as archive:
            assert (str(archive["format"]), int(archive["version"])) == (name, 1)
    listed = json.loads((data / "licences.json").read_text("utf-8"))
    assert (listed["format"], listed["version"]) == ("vultus.licences", 1)


def test_45_newer_versions(tmp_path: Path) -> None:
    """A file of a newer version is refused in one line."""
    npz.write(tmp_path / "a.npz", Motion.neutral(2, 25))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        members = {**archive, "version": np.array(99)}
    np.savez(tmp_path / "b.npz", **members)
    np.savez(tmp_path / "person.npz", format=np.array("vultus.person"), version=np.array(99))
    with pytest.raises(VultusError) as motion_error:
        npz.read(tmp_path / "b.npz")
    with pytest.raises(VultusError) as person_error:
        read_pack((tmp_path / "person.npz").read_bytes())
    assert "\n" not in f"{motion_error.value}{person_error.value}"
