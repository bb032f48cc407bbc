import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.observers.reading import Reading, read
from vultus.observers.readout import READ, read_readout, readout
from vultus.observers.tracker import Face, head_pose


def test_the_readout_reads_the_channels_that_matter():
    quality = dict(zip(READ, readout().quality, strict=True))
    for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "browDownLeft"):
        assert quality[name] > 0.8, name
    assert (readout().spread >= 0).all()
    with pytest.raises(VultusError, match="readout"):
        read_readout(b"something else")


def test_left_and_right_are_read_alike():
    weights = dict(zip(READ, readout().weights.T, strict=True))
    for name in ("mouthSmile", "browDown", "eyeBlink"):
        left, right = np.linalg.norm(weights[f"{name}Left"]), np.linalg.norm(weights[f"{name}Right"])
        assert left == pytest.approx(right, rel=0.02)


def test_the_pose_of_the_canonical_face_is_found(tracker):
    canonical, weights = tracker.canonical
    angle = 0.4
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    seen = (canonical @ turn.T * 7 + (100, -50, 3)) * (1, -1, -1)
    rotation, middle, scale = head_pose(seen.astype(np.float32), canonical, weights)
    np.testing.assert_allclose(rotation, turn, atol=1e-5)
    assert scale == pytest.approx(7, rel=1e-5)
    np.testing.assert_allclose(middle, turn @ (weights @ canonical) / weights.sum() * 7 + (100, -50, 3), atol=1e-2)


def changed(face: Face, **changes) -> Face:
    values = {name: getattr(face, name) for name in Face.__dataclass_fields__}
    return Face(**{**values, **changes})


def test_what_cannot_be_seen_is_not_read(tracker, photo):
    face = tracker.track(photo, fresh=True)
    whole = read(face, 512, 512)
    assert isinstance(whole, Reading)
    jaw, blink, brow, tongue = (ch.INDEX[n] for n in ("jawOpen", "eyeBlinkLeft", "browInnerUp", "tongueOut"))
    assert whole.seen[[jaw, blink, brow, ch.HEAD.start, ch.EYE_LEFT.start]].all()
    assert not whole.seen[tongue]
    # The chin and mouth lie below the edge of the picture.
    cut = read(face, 512, int(face.landmarks[13, 1]) - 8)
    assert cut.seen[[blink, brow]].all()
    assert not cut.seen[jaw]
    small = read(changed(face, landmarks=face.landmarks / 12), 512, 512)
    assert small.seen[ch.HEAD].all()
    assert not small.seen[[jaw, blink]].any()
    c, s = np.cos(1.1), np.sin(1.1)
    left = read(changed(face, rotation=np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])), 512, 512)
    assert not left.seen[blink]
    assert left.seen[ch.INDEX["eyeBlinkRight"]]


def test_nearer_faces_are_nearer(tracker, photo):
    far, near = (tracker.track(p, fresh=True) for p in (photo, np.ascontiguousarray(photo[20:240, 110:330])))
    a, b = (read(f, n, n).row[ch.TRANSLATION] for f, n in ((far, 512), (near, 220)))
    assert a[2] < b[2] < 0
    assert 0.3 < -b[2] < 1.5
