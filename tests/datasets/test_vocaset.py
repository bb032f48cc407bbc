"""VOCASET from files laid out by hand as FaceFormer's and CodeTalker's conversion lays them out."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from vultus.datasets import vocaset
from vultus.errors import VultusError

TRAIN, VAL, TEST = "FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA", "FaceTalk_170809_00138_TA"


def sequence(folder: Path, name: str, frames: int = 30, seconds: float = 0.5, dtype: str = "<f4") -> np.ndarray:
    """Write one sequence: vertices [frames, 15069] and 22 kHz sound."""
    for part in ("vertices_npy", "wav"):
        (folder / part).mkdir(exist_ok=True)
    flat = (np.arange(frames * 15069).reshape(frames, 15069) % 977 / 9770).astype(dtype)
    np.save(folder / "vertices_npy" / f"{name}.npy", flat)
    samples = (8000 * np.sin(np.arange(round(22000 * seconds)) * 0.05)).astype("<i2")
    with wave.open(str(folder / "wav" / f"{name}.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(22000)
        sound.writeframes(samples.tobytes())
    return flat


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (f"{TRAIN}_sentence01", f"{TRAIN}_sentence40", f"{VAL}_sentence20", f"{VAL}_sentence21"):
        sequence(tmp_path, name)
    sequence(tmp_path, f"{TEST}_sentence33", frames=15)  # every second frame kept
    (tmp_path / "templates").mkdir()
    np.save(tmp_path / "templates" / f"{TRAIN}.npy", np.full((5023, 3), 0.25))
    return tmp_path


def test_a_sequence_is_a_clip(folder: Path) -> None:
    flat = sequence(folder, f"{TRAIN}_sentence01")
    clip = vocaset.read(folder)[0]
    assert clip.name == f"{TRAIN}_sentence01"
    assert clip.identity == TRAIN
    assert clip.labels == {"subject": TRAIN, "sentence": "01", "split": "train", "vertices_fps": "60"}
    assert clip.audio is not None
    assert (clip.sample_rate, len(clip.audio)) == (16000, 8000)
    assert 0.2 < np.abs(clip.audio).max() < 0.3
    vertices = clip.load("vertices")
    assert vertices.dtype == np.float32
    np.testing.assert_array_equal(vertices, flat.reshape(30, 5023, 3))
    np.testing.assert_array_equal(clip.load("template"), np.full((5023, 3), 0.25, np.float32))


def test_the_published_splits() -> None:
    people = [person for group in vocaset.SUBJECTS.values() for person in group]
    assert len(people) == len(set(people)) == 12
    assert [len(vocaset.SUBJECTS[s]) for s in ("train", "val", "test")] == [8, 2, 2]
    names = [f"{person}_sentence{n:02d}" for person in people for n in range(1, 41)]
    count = {split: sum(vocaset.split_of(name) == split for name in names) for split in ("train", "val", "test", "")}
    assert count == {"train": 320, "val": 40, "test": 40, "": 80}


def test_splits_choose_sequences(folder: Path) -> None:
    assert [len(vocaset.read(folder, split)) for split in ("train", "val", "test")] == [2, 1, 1]
    assert len(vocaset.read(folder)) == 5
    assert vocaset.read(folder, "val").names == (f"{VAL}_sentence21",)
    assert vocaset.read(folder, "test")[0].labels["vertices_fps"] == "30"
    assert vocaset.read(folder)[1:3].names == vocaset.read(folder).names[1:3]


def test_what_is_wrong_is_told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(VultusError, match=rf"no face at rest.*{VAL}.*templates\.pkl.*pickle\.load"):
        vocaset.read(folder, "val")[0].load("template")
    with pytest.raises(VultusError, match="split of VOCASET called 'valid'"):
        vocaset.read(folder, "valid")  # type: ignore[arg-type]
    (folder / "wav" / f"{TRAIN}_sentence01.wav").unlink()
    with pytest.raises(VultusError, match=f"{TRAIN}_sentence01.wav"):
        vocaset.read(folder, "train")[0]
    sequence(folder, f"{TRAIN}_sentence01", seconds=5)
    with pytest.raises(VultusError, match=r"30 frames and 5\.00 s"):
        vocaset.read(folder, "train")[0]
    np.save(folder / "vertices_npy" / f"{TRAIN}_sentence40.npy", np.zeros((9, 300)))
    with pytest.raises(VultusError, match=r"shape \(9, 300\)"):
        vocaset.read(folder, "train")[1]
    (folder / "vertices_npy" / f"{TRAIN}_sentence40.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(VultusError, match="cannot be read as an array"):
        vocaset.read(folder, "train")[1]
    published = tmp_path_factory.mktemp("published")
    (published / "data_verts.npy").touch()
    with pytest.raises(VultusError, match=r"pickles.*process_voca_data"):
        vocaset.read(published)
    (published / "data_verts.npy").unlink()
    with pytest.raises(VultusError, match="vertices_npy"):
        vocaset.read(published)


def test_the_command_that_converts_the_templates_works(tmp_path: Path) -> None:
    """The words of the message are run on a file like the published one."""
    import pickle  # what the authors publish; Vultus itself reads none
    import shlex
    import subprocess
    import sys

    people = {person: np.full((5023, 3), number / 10) for number, person in enumerate((TRAIN, VAL))}
    (tmp_path / "templates.pkl").write_bytes(pickle.dumps(people, protocol=2))
    words = shlex.split(vocaset.CONVERT)
    assert words[0] == "python"
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)
    sequence(tmp_path, f"{VAL}_sentence30")
    np.testing.assert_array_equal(vocaset.read(tmp_path)[0].load("template"), np.full((5023, 3), 0.1, np.float32))


def test_the_page_has_the_command_that_converts_the_templates() -> None:
    page = (Path(__file__).parents[2] / "docs" / "stage.md").read_text("utf-8")
    assert f"```\n{vocaset.CONVERT}\n```" in page
