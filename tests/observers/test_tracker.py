import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.observers.tracker import LANDMARKS, Tracker, canonical_edges, canonical_face


def turned(image, degrees):
    return np.array(Image.fromarray(image).rotate(degrees, resample=Image.Resampling.BICUBIC))


def resized(image, size):
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


def test_a_real_portrait_is_read(tracker, photo):
    face = tracker.track(photo, fresh=True)
    assert face.landmarks.shape == (LANDMARKS, 3)
    assert face.landmarks.dtype == face.scores.dtype == np.float32
    assert face.scores.shape == face.observed.shape == (52,)
    assert np.isfinite(face.landmarks).all()
    assert face.presence > 0.9
    # Measured on the photograph by eye: the pupils, the corners of the mouth, the chin.
    for point, place in (
        (468, (203, 101)),
        (473, (246.5, 103)),
        (61, (203.5, 140)),
        (291, (244, 142)),
        (152, (224, 178)),
    ):
        assert np.hypot(*(face.landmarks[point, :2] - place)) < 4, point
    assert face.score("mouthSmileLeft") > 0.6
    assert face.score("mouthSmileRight") > 0.6
    assert face.score("eyeBlinkLeft") < 0.3
    assert face.score("jawOpen") < 0.2
    assert face.score("tongueOut") == 0
    assert not face.observed[ch.ARKIT.index("tongueOut")]
    assert face.observed.sum() == 51
    with pytest.raises(VultusError, match="jawOpen"):
        face.score("jawOpn")


def test_the_box_holds_the_face(tracker, photo):
    (box, *_), face = tracker.detect(photo), tracker.track(photo, fresh=True)
    left, top, right, bottom = face.box
    assert left < box.centre[0] < right
    assert top < box.centre[1] < bottom
    assert 0.6 < box.size[0] / (right - left) < 1.6
    assert box.score > 0.8
    np.testing.assert_allclose(face.box[:2], face.landmarks[:, :2].min(0))


def test_following_and_looking_afresh_agree(tracker, photo):
    fresh = tracker.track(photo, fresh=True)
    tracker.reset()
    for _ in range(3):
        face = tracker.track(photo)
    assert np.abs(face.landmarks[:, :2] - fresh.landmarks[:, :2]).max() < 1.5
    assert np.abs(face.scores - fresh.scores).max() < 0.1
    moved = np.roll(photo, (12, -9), axis=(0, 1))
    step = tracker.track(moved).landmarks[:, :2] - face.landmarks[:, :2]
    np.testing.assert_allclose(np.median(step, axis=0), (-9, 12), atol=0.5)
    # The face is gone: it is lost, and found when it comes back.
    assert tracker.track(np.zeros_like(photo)) is None
    assert tracker.track(photo) is not None
    tracker.reset()


@pytest.mark.parametrize("degrees", [-30, 20, 45])
def test_a_turned_picture_gives_a_turned_face(tracker, photo, degrees):
    straight, face = tracker.track(photo, fresh=True), tracker.track(turned(photo, degrees), fresh=True)
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wanted = (straight.landmarks[:, :2] - 256) @ matrix + 256
    assert np.abs(face.landmarks[:, :2] - wanted).mean() < 2
    assert np.abs(face.scores - straight.scores).mean() < 0.03
    rolled = np.degrees(face.rotation_vector - straight.rotation_vector)[2]
    assert rolled == pytest.approx(degrees, abs=5)


@pytest.mark.parametrize("size", [192, 1024])
def test_a_resized_picture_gives_a_resized_face(tracker, photo, size):
    straight, face = tracker.track(photo, fresh=True), tracker.track(resized(photo, size), fresh=True)
    error = np.abs(face.landmarks * 512 / size - straight.landmarks)[:, :2]
    assert error.mean() < 1
    assert np.abs(face.scores - straight.scores).mean() < 0.03


def test_the_drawn_person_is_read(tracker, drawn):
    still = tracker.track(drawn(), fresh=True)
    wide = tracker.track(drawn(jawOpen=0.8), fresh=True)
    blink = tracker.track(drawn(eyeBlinkLeft=1, eyeBlinkRight=1), fresh=True)
    assert wide.score("jawOpen") > still.score("jawOpen") + 0.3
    assert blink.score("eyeBlinkLeft") > still.score("eyeBlinkLeft") + 0.2
    assert blink.score("eyeBlinkRight") > still.score("eyeBlinkRight") + 0.2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_heads_rotation_is_read(tracker, drawn, axis):
    name = f"headRotation{'XYZ'[axis]}"
    low, high = (tracker.track(drawn(**{name: v}), fresh=True).rotation_vector for v in (-0.3, 0.3))
    step = high - low
    assert step[axis] == pytest.approx(0.6, abs=0.2)
    assert np.abs(np.delete(step, axis)).max() < 0.15


def test_a_mirrored_picture_mirrors_the_scores(tracker, drawn):
    image = drawn(mouthSmileLeft=1.0, eyeBlinkRight=1.0)
    face = tracker.track(image, fresh=True)
    mirrored = tracker.track(np.ascontiguousarray(image[:, ::-1]), fresh=True)
    back = mirrored.scores[ch.MIRROR_SOURCE[:52]]
    assert np.corrcoef(back, face.scores)[0, 1] > 0.9
    for one, other in (("eyeBlinkRight", "eyeBlinkLeft"), ("mouthSmileLeft", "mouthSmileRight")):
        assert face.score(one) > face.score(other) + 0.1
        assert mirrored.score(other) > mirrored.score(one) + 0.1


def test_nobody_is_found_where_nobody_is(tracker):
    rng = np.random.default_rng(0)
    smooth = resized(rng.integers(0, 256, (16, 16, 3), np.uint8), 200)
    for image in (rng.integers(0, 256, (200, 300, 3), np.uint8), smooth, np.zeros((64, 64, 3), np.uint8)):
        assert tracker.detect(image) == []
        assert tracker.track(image) is None


def test_bad_pictures_are_told(tracker):
    for image in (
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((64, 64, 4), np.uint8),
        [1],
    ):
        with pytest.raises(VultusError, match="uint8"):
            tracker.track(image)
    with pytest.raises(VultusError, match="too small"):
        tracker.detect(np.zeros((8, 64, 3), np.uint8))


def test_other_files_are_told(tmp_path):
    (tmp_path / "a.task").write_bytes(b"not a bundle")
    with zipfile.ZipFile(tmp_path / "b.task", "w") as archive:
        archive.writestr("face_detector.tflite", b"no network")
    for name in ("a.task", "b.task", "c.task"):
        with pytest.raises(VultusError, match=name):
            Tracker(tmp_path / name)


def message(field: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
    return bytes([field << 3 | 2]) + length + content


def test_the_canonical_face_is_read_from_its_message():
    numbers = np.arange(468 * 5, dtype="<f4")
    mesh = b"".join(bytes([3 << 3 | 5]) + struct.pack("<f", v) for v in numbers)
    points = message(2, bytes([1 << 3, 7]) + bytes([2 << 3 | 5]) + struct.pack("<f", 0.5))
    face, weights = canonical_face(message(1, mesh) + points)
    np.testing.assert_array_equal(face, numbers.reshape(-1, 5)[:, :3])
    assert weights[7] == 0.5
    assert weights.sum() == 0.5
    with pytest.raises(ValueError, match="geometry"):
        canonical_face(points)


def test_the_edges_are_read_from_their_message():
    corners = b"".join(bytes([4 << 3, i]) for i in (0, 1, 2, 2, 1, 3))
    edges = canonical_edges(message(1, corners))
    assert edges.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    with pytest.raises(ValueError, match="triangles"):
        canonical_edges(message(1, corners[:-2]))
