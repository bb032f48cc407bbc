"""The blend-shape JSON of Audio2Face."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.io import a2f, names
from vultus.motion import Motion


def random_motion(frames: int = 9) -> Motion:
    rng = np.random.default_rng(0)
    return Motion.of(
        Fraction(30000, 1001),
        start=Fraction(1, 7),
        expression=rng.uniform(0, 1, (frames, 52)),
        eye_left=rng.uniform(-0.6, 0.6, (frames, 3)) * [1, 1, 0],
        eye_right=rng.uniform(-0.6, 0.6, (frames, 3)) * [1, 1, 0],
        head=rng.uniform(-0.5, 0.5, (frames, 3)),
    )


def test_inverse(tmp_path: Path) -> None:
    motion = random_motion()
    a2f.write(tmp_path / "a.json", motion)
    read = a2f.read(tmp_path / "a.json")
    assert (read.fps, read.start, len(read)) == (motion.fps, motion.start, len(motion))
    np.testing.assert_allclose(read.expression, motion.expression, atol=2e-6)
    np.testing.assert_allclose(read.eye_left, motion.eye_left, atol=2e-6)
    assert read.valid[:, ch.EXPRESSION].all()
    for part in (ch.NECK, ch.HEAD, ch.TRANSLATION, ch.TONGUES):
        assert not read.valid[:, part].any()
        assert not read.data[:, part].any()


def test_keys_are_those_of_audio2face(tmp_path: Path) -> None:
    motion = random_motion()
    a2f.write(tmp_path / "a.json", iter([motion[:4], motion[4:]]))
    content = json.loads((tmp_path / "a.json").read_text())
    assert {"exportFps", "trackPath", "numPoses", "numFrames", "facsNames", "weightMat"} < set(content)
    assert (content["numPoses"], content["numFrames"]) == (52, 9)
    assert content["facsNames"] == list(ch.ARKIT)
    assert content["vultus"]["format"] == "vultus.a2f"
    assert np.array(content["weightMat"]).shape == (9, 52)
    a2f.write(tmp_path / "b.json", motion)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def save(path: Path, **changes: object) -> Path:
    content = {"exportFps": 60.0, "trackPath": "a.wav", "numPoses": 2, "numFrames": 3}
    path.write_text(json.dumps(content | changes))
    return path


def test_part_of_the_shapes_in_other_spellings(tmp_path: Path) -> None:
    rows = [[0.1, 0.2, 9.0], [0.3, -0.4, 9.0], [1.5, None, 9.0]]
    rows[2][1] = 0.7
    path = save(tmp_path / "a.json", facsNames=["JawOpen", "mouthSmile_L", "unheardOf"], weightMat=rows)
    motion = a2f.read(path)
    assert motion.fps == 60
    np.testing.assert_allclose(motion["jawOpen"], [0.1, 0.3, 1])
    np.testing.assert_allclose(motion["mouthSmileLeft"], [0.2, 0, 0.7])
    assert motion.valid.any(axis=0).sum() == 2


def test_the_46_poses_of_the_default_solver(tmp_path: Path) -> None:
    poses = list(names.AUDIO2FACE)
    assert len(poses) == 46
    weights = np.eye(46).tolist()
    motion = a2f.read(save(tmp_path / "a.json", facsNames=poses, weightMat=weights))
    for i, pose in enumerate(poses):
        for shape in names.AUDIO2FACE[pose]:
            assert motion[shape][i] == pytest.approx(1, abs=1e-5), pose
    unmoved = {n for n in ch.ARKIT if not motion.valid[:, ch.INDEX[n]].any()}
    assert unmoved == {"tongueOut"}
    assert motion["browInnerUp"].sum() == 2  # from the left and the right pose


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"facsNames": ["jawOpen"], "weightMat": []},
        {"facsNames": ["jawOpen"], "weightMat": [[0.1, 0.2]]},
        {"facsNames": ["jawOpen", "jawLeft"], "weightMat": [[0.1, 0.2], [0.1]]},
        {"facsNames": ["jawOpen"], "weightMat": [["x"]]},
        {"facsNames": ["unheardOf"], "weightMat": [[0.5]]},
        {"facsNames": ["jawOpen"], "weightMat": [[0.5]], "exportFps": 0},
        {"facsNames": ["jawOpen"], "weightMat": [[0.5]], "exportFps": "fast"},
        {"facsNames": ["jawOpen"], "weightMat": [[0.5]], "vultus": [1]},
    ],
)
def test_other_files_are_told(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(VultusError):
        a2f.read(save(tmp_path / "a.json", **changes))


@pytest.mark.parametrize("text", ["", "[1]", "{", "\x00", "[" * 5000, '{"facsNames": 3}'])
def test_other_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(VultusError):
        a2f.read(tmp_path / "a.json")


def test_nan_weights_are_repaired(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[NaN], [Infinity]]}')
    assert a2f.read(tmp_path / "a.json")["jawOpen"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EyeBlinkLeft", "eyeBlinkLeft"),
        ("eyeBlink_L", "eyeBlinkLeft"),
        ("eyeBlink.R", "eyeBlinkRight"),
        ("blendShape1.eyeBlink_L", "eyeBlinkLeft"),
        ("Mouth_Smile_Right", "mouthSmileRight"),
        ("tongueOut", "tongueOut"),
        ("cheekPuff", "cheekPuff"),
        ("mouthFunnel", "mouthFunnel"),
        ("viseme_PP", None),
        ("l", None),
    ],
)
def test_spellings(text: str, name: str | None) -> None:
    assert names.shape(text) == name
