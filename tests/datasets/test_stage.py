"""Sets of clips by index, and windows cut out of them."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import pretend
from vultus.clip import Clip
from vultus.datasets import stage, windows
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.stage import produce, shards

pytest.importorskip("safetensors")


def still(number: int, frames: int, fps: int = 25) -> Clip:
    """A clip without pictures whose sound and jaw count up."""
    jaw = np.linspace(0, 1, frames)
    sound = np.arange(frames * 16000 // fps, dtype=np.float32) / 1e6
    return Clip(f"still-{number}", sound, motion=Motion.of(fps, jawOpen=jaw))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips and their index, written without other processes."""
    entries = []
    for i in range(3):
        place = tmp_path / "set" / f"{i:06d}"
        place.parent.mkdir(exist_ok=True)
        shards.write(place, still(i, 20 + 10 * i))
        found = shards.record(place)
        files = {**found["files"], shards.RECORD: shards.stamp(place / shards.RECORD)}
        entries.append({"folder": place.name, "name": found["name"], "seconds": found["seconds"], "files": files})
    index = {"format": "vultus-stage", "version": 1, "vultus": "0", "arguments": {"seed": 4}, "count": 5}
    (tmp_path / "set" / "index.json").write_text(json.dumps({**index, "clips": entries}))
    return tmp_path / "set"


def test_a_set_is_a_sequence(folder: Path) -> None:
    clips = stage.read(folder)
    assert len(clips) == 3
    assert clips.names == ("still-0", "still-1", "still-2")
    assert [clip.name for clip in clips] == list(clips.names)
    assert clips[-1].name == "still-2"
    assert [clip.name for clip in clips[::2]] == ["still-0", "still-2"]
    with pytest.raises(IndexError):
        clips[3]
    assert stage.verify(folder) == []


def test_only_what_is_asked_for_is_opened(folder: Path) -> None:
    clips = stage.read(folder)
    shutil.rmtree(folder / "000001")
    assert clips[0].motion is not None
    with pytest.raises(VultusError, match=r"000001.*broken: clip\.json is missing.*once more"):
        clips[1]


def test_broken_clips_are_named(folder: Path) -> None:
    path = folder / "000002" / "sound.flac"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 4
    path.write_bytes(raw)
    record = folder / "000000" / "clip.json"
    record.write_text(record.read_text().replace("still-0", "still-7"))
    heard: list[float] = []
    wrong = stage.verify(folder, lambda done, total: heard.append(done))
    assert len(wrong) == 2
    assert "000000" in wrong[0]
    assert "clip.json has other bytes" in wrong[0]
    assert "000002" in wrong[1]
    assert "sound.flac" in wrong[1]
    assert heard == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "newer Vultus"),
        ({"format": "other"}, "not an index of clips"),
        ({"clips": [{"folder": "000000"}]}, "damaged"),
        ({"clips": None}, "damaged"),
    ],
)
def test_a_bad_index_is_refused(folder: Path, change: dict[str, object], said: str) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(VultusError, match=said):
        stage.read(folder)


def test_no_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match=r"no index of clips at .*index\.json"):
        stage.read(tmp_path)


def test_an_entry_cannot_lead_out_of_the_folder(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    index["clips"][0]["folder"] = "../../etc"
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(VultusError, match="damaged"):
        produce.load_index(folder)


# --- windows --------------------------------------------------------------------------------------------------------


def same(a: Sequence[windows.Window], b: Sequence[windows.Window]) -> bool:
    return [(w.clip.name, w.first, w.audio.tobytes()) for w in a] == [
        (w.clip.name, w.first, w.audio.tobytes()) for w in b
    ]


def test_windows_depend_on_seed_and_number_alone(folder: Path) -> None:
    clips = stage.read(folder)
    endless = windows.windows(clips, 0.4, seed=3, batch=4)
    steps = [next(endless) for _ in range(3)]
    assert all(len(step) == 4 for step in steps)
    later = next(windows.windows(clips, 0.4, seed=3, batch=4, first=2))
    assert same(later, steps[2])
    assert same([windows.window(clips, 0.4, seed=3, number=9)], [steps[2][1]])
    assert not same(steps[0], next(windows.windows(clips, 0.4, seed=4, batch=4)))
    assert {w.clip.name for step in steps for w in step} == set(clips.names)


def test_sound_and_motion_fit_the_frames(folder: Path) -> None:
    for (piece,) in itertools.islice(windows.windows(stage.read(folder), 0.4, seed=1), 8):
        assert piece.motion is not None
        assert (len(piece.motion), len(piece.audio)) == (10, 6400)
        total = len(piece.clip.motion or ())
        np.testing.assert_allclose(piece.motion["jawOpen"], (piece.first + np.arange(10)) / (total - 1), atol=1e-6)
        np.testing.assert_allclose(piece.audio[0] * 1e6, piece.first * 640, atol=31)  # 16 bits
        assert piece.motion.start == piece.first / piece.motion.fps


def test_pictures_come_with_their_sound() -> None:
    clip = pretend.clip(1, frames=12)  # its motion, and so its picture, begins 1/7 s into the sound
    piece = windows.cut(clip, 3, 5, fields=("frames", "depth"))
    assert piece.fields["frames"].shape == (5, pretend.HEIGHT, pretend.WIDTH, 3)
    np.testing.assert_array_equal(piece.fields["depth"], clip.view().stack("depth", 3, 8))
    assert clip.audio is not None
    at = round((1 / 7 + 3 / 25) * 16000)
    expected = np.zeros(3200, np.float32)
    expected[: len(clip.audio) - at] = clip.audio[at : at + 3200]
    np.testing.assert_array_equal(piece.audio, expected)


def test_impossible_windows_are_refused(folder: Path) -> None:
    clips = stage.read(folder)
    assert len(windows.window(clips, 1.6, seed=0, number=0).motion or ()) == 40  # only the last is long enough
    for arguments, said in (
        ((clips, 9.0), "as long as 9 s"),
        (([], 1.0), "no clips"),
        (([Clip("bare", np.zeros(9, np.float32))], 1.0), "bare has no frames"),
    ):
        with pytest.raises(VultusError, match=said):
            windows.window(*arguments, seed=0, number=0)  # type: ignore[arg-type]
    with pytest.raises(VultusError, match="no frames"):
        windows.window(clips, 0.4, seed=0, number=0, fields=("depth",))
    with pytest.raises(VultusError, match="outside of the clip still-0"):
        windows.cut(clips[0], 15, 10)
