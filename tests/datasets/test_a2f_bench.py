"""A2F-Bench and alignments, from files laid out by hand."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from vultus.datasets import a2f_bench, alignment
from vultus.errors import VultusError


def sound(path: Path, seconds: float = 0.4) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((6000 * np.sin(np.arange(round(16000 * seconds)) * 0.1)).astype("<i2").tobytes())


@pytest.fixture
def release(tmp_path: Path) -> Path:
    for name, fps in (("D1", 60), ("D3", 25), ("D5", 25)):
        folder = tmp_path / name
        folder.mkdir()
        size = a2f_bench.SETS[name][2]
        rows = np.linspace(0, 1, 10 * size, dtype=np.float32).reshape(10, size)
        np.save(folder / "a.npy", rows)
        sound(folder / "a.wav")
        entry = {"annot_path": "a.npy", "audio_path": "a.wav", "fps": fps, "id": 1}
        (folder / "train.json").write_text(json.dumps({"a": entry} if name == "D1" else [entry]))
    np.save(tmp_path / "D1" / "id_template.npy", np.full((2, 15069), 0.25, np.float32))
    return tmp_path


def test_every_set_is_clips_of_its_format(release: Path) -> None:
    clips = a2f_bench.read(release)
    assert [clip.labels["set"] for clip in clips] == ["vocaset", "arkit52", "flame413"]
    mesh, shapes, codes = clips
    assert mesh.load("vertices").shape == (10, 5023, 3)
    assert mesh.load("template")[0].tolist() == [0.25] * 3
    assert mesh.labels["subject"] == "D1-1"
    assert (mesh.sample_rate, len(mesh.audio)) == (16000, 6400)
    assert shapes.motion is not None
    assert shapes.motion.fps == 25
    assert shapes.motion.data[9, 51] == pytest.approx(1)
    assert codes.load("vertices").shape == (10, 413, 1)
    assert not codes.load("template").any()
    assert len(clips[1:]) == 2


def test_what_is_broken_is_told(release: Path, tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="D0 to D7"):
        a2f_bench.read(release, "test")
    np.save(release / "D1" / "a.npy", np.zeros((3, 7), np.float32))
    with pytest.raises(VultusError, match=r"not \[T, 15069\]"):
        a2f_bench.read(release)[0].load("vertices")
    for entry in ({"annotation": "../x.npy", "audio": "a.wav", "fps": 25, "id": 0}, {"audio": "a.wav"}):
        (release / "D3" / "train.json").write_text(json.dumps([entry]))
        with pytest.raises(VultusError, match="no list of sequences"):
            a2f_bench.read(release)


GRID = """File type = "ooTextFile"
Object class = "TextGrid"
xmin = 0
xmax = 0.5
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "hi"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = ""
        intervals [2]:
            xmin = 0.1
            xmax = 0.25
            text = "HH"
        intervals [3]:
            xmin = 0.25
            xmax = 0.5
            text = "AY1"
"""


def test_alignments_are_phones(tmp_path: Path) -> None:
    (tmp_path / "alignment").mkdir()
    (tmp_path / "alignment" / "x.TextGrid").write_text(GRID)
    found = alignment.beside(tmp_path, "x")
    assert [(p.arpabet, p.start, p.end) for p in found] == [("SIL", 0, 0.1), ("HH", 0.1, 0.25), ("AY", 0.25, 0.5)]
    assert found[2].stress == 1
    (tmp_path / "alignment" / "y.json").write_text('[{"phone": "B", "start": 0.5, "end": 0.6}]')
    assert alignment.beside(tmp_path, "y")[0].arpabet == "B"
    assert alignment.beside(tmp_path, "z") == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '[{"phone": "B"}]', '[{"phone": "B", "start": 2, "end": 1}]'])
def test_broken_alignments_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(VultusError, match="alignment"):
        alignment.read(tmp_path / "x.json")
    (tmp_path / "x.TextGrid").write_text(text)
    with pytest.raises(VultusError, match="alignment"):
        alignment.read(tmp_path / "x.TextGrid")
