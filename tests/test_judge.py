"""``vultus judge`` as a user meets it: its table and JSON, and what it says of bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vultus import judge as judging
from vultus import store
from vultus.cli import main
from vultus.critics import learned, scenes
from vultus.io import audio, npz
from vultus.io.video import write_video
from vultus.motion import Motion
from vultus.voices import formant

Run = Callable[..., tuple[int, str, str]]
TEXT = "Five people may see me"


@pytest.fixture(autouse=True)
def no_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here must not hang on which judges passed their last validation; `failed` has its own test."""
    read = judging.failed
    none = Path(__file__).parent / "no such validation.json"
    monkeypatch.setattr(judging, "failed", lambda file=none: read(file))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        return code, *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound, silence, motions, and a video without a face."""
    place = tmp_path_factory.mktemp("judge")
    samples, _ = formant.speak(TEXT, rate=16000)
    audio.write(place / "speech.wav", samples, 16000)
    audio.write(place / "silent.wav", np.zeros(32000, np.float32), 16000)
    t = np.arange(60) / 25
    for name, late in (("true", 0.0), ("made", 0.04)):
        opening = 0.3 + 0.3 * np.sin(9 * (t - late)) * np.sin(2 * (t - late))
        turn = np.stack([0.1 * np.sin(2 * t), 0.05 * np.sin(3 * t), 0 * t], 1)
        npz.write(place / f"{name}.npz", Motion.of(25, clamp=True, jawOpen=opening, head=turn))
    npz.write(place / "short.npz", Motion.neutral(3, 25))
    grey = np.full((64, 64, 3), 90, np.uint8)
    write_video(place / "wall.mp4", [grey] * 10, fps=25)
    (place / "broken.mp4").write_bytes(b"this is no video at all")
    return place


def test_a_motion_beside_its_reference(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "j.json"
    code, said, err = run(
        "judge", folder / "made.npz", "--reference", folder / "true.npz", "--sound", folder / "speech.wav",
        "--text", TEXT, "--window", 1, "--json", out,
    )  # fmt: skip
    assert (code, err) == (0, "")
    record = json.loads(out.read_text("utf-8"))
    assert (record["format"], record["version"], record["frames"], record["fps"]) == ("vultus.judgement", 1, 60, 25)
    scores = {entry["score"]: entry for entry in record["scores"]}
    assert {"LVE", "LVE_mm", "MVE", "UFVE", "FDD", "articulation", "closure F1", "bite", "CCC", "jitter"} <= set(scores)
    assert scores["LVE_mm"]["unit"] == "mm"
    assert scores["LVE_mm"]["better"] == "lower"
    rows = scores["LVE_mm"]["values"]
    assert rows["copy"] == 0
    assert 0 < rows["this"] < min(rows["mean"], rows["shuffled"], rows["reversed"])
    assert scores["border ratio"]["values"]["this"] is not None
    for name in scores:
        assert f"\n{name}  " in said
    assert record["not_run"] == []


def test_a_motion_alone_says_what_could_not_run(run: Run, folder: Path) -> None:
    code, said, err = run("judge", folder / "made.npz")
    assert (code, err) == (0, "")
    assert "jitter" in said
    assert "not run: vertices" in said
    assert "Give --reference" in said
    assert "not run: mouth, beats: It is not known what is heard. Give --sound" in said


def test_another_rate_and_length_are_told(folder: Path, tmp_path: Path) -> None:
    motion = npz.read(folder / "true.npz")
    npz.write(tmp_path / "r.npz", motion[:50].resample(50))
    found = judging.judge(folder / "made.npz", reference=tmp_path / "r.npz", only=["vertices"])
    assert found.frames == 50
    assert any("from 50 to 25" in note for note in found.notes)
    assert any("the first 50 are compared" in note for note in found.notes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["short.npz"], "has 3 frames. Give at least 5"),
        (["none.mp4"], "There is no video at"),
        (["broken.mp4"], "broken.mp4"),
        (["made.npz", "--only", "curvs"], "Did you mean curves"),
        (["made.npz", "--only", "pixels"], "There is no judge of a motion called 'pixels'"),
        (["made.npz", "--only", "vertices"], "There is nothing to compare with. Give --reference"),
        (["made.npz", "--only", "beats", "--sound", "silent.wav"], "is silent"),
        (["wall.mp4", "--reference", "made.npz"], "Give a video as reference"),
        (["made.npz", "--reference", "short.npz"], "The reference has 3 frames. Give at least 5"),
        (["made.npz", "--window", "-1"], "Give its length in seconds"),
        (["made.npz", "--seed", "-1"], "seed"),
        (["made.npz", "--reference", "none.npz"], "There is no reference"),
    ],
)
def test_bad_input_is_told_in_one_line(run: Run, folder: Path, arguments: list[str], says: str) -> None:
    files = (".npz", ".mp4", ".wav")
    code, out, err = run("judge", *(folder / a if a.endswith(files) else a for a in arguments))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.skipif(store.state("face_landmarker") != "present", reason="the asset is not fetched")
def test_a_video_without_a_face_is_refused(run: Run, folder: Path) -> None:
    code, _, err = run("judge", folder / "wall.mp4", "--only", "landmarks")
    assert code == 2
    assert "No face was found in any picture" in err


@pytest.mark.skipif(store.state("face_landmarker") != "present", reason="the asset is not fetched")
def test_a_video_beside_its_reference(folder: Path, tmp_path: Path) -> None:
    from vultus.heads.person import PersonHead

    head = PersonHead("person:11", size=(128, 128), quality="draft")
    sound = [audio.read(folder / "speech.wav", 48000)]
    for name in ("true", "made"):
        frames = [f.copy() for f in head.frames([npz.read(folder / f"{name}.npz")[:40]])]
        write_video(tmp_path / f"{name}.mp4", frames, fps=25, audio=sound)
        write_video(tmp_path / f"mute-{name}.mp4", frames, fps=25)
    only = ["landmarks", "tracked", "pixels", "beats"]
    found = judging.judge(tmp_path / "made.mp4", reference=tmp_path / "true.mp4", text=TEXT, only=only)
    values = {line.score: line.values for line in found.lines}
    assert found.frames == 40
    assert values["PSNR"]["copy"] == 100
    assert values["tracked jaw CCC"]["copy"] == pytest.approx(1)
    assert values["tracked jaw CCC"]["this"] > 0.6
    assert values["tracked jaw CCC"]["this"] > values["tracked jaw CCC"]["shuffled"]
    assert values["M-LMD"]["this"] < values["M-LMD"]["shuffled"]
    assert "beat alignment" in values
    mute = judging.judge(tmp_path / "mute-made.mp4", only=["landmarks", "beats"])
    assert dict(mute.not_run)["beats"].endswith("Give a file with speech in it, such as WAV, MP3 or MP4.")
    # Nothing stays in the dark: every judge has lines or a reason.
    assert {line.judge for line in mute.lines} == {"landmarks"}


def test_a_judge_that_failed_its_validation_is_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"format": "vultus.judges", "version": 1, "judges": [
        {"judge": "curves", "used": False, "why": "it is too kind"}, {"judge": "mouth", "used": True, "why": ""},
    ]}  # fmt: skip
    (tmp_path / "v.json").write_text(json.dumps(record))
    assert judging.failed(tmp_path / "v.json") == {"curves": "it is too kind"}
    assert judging.failed(tmp_path / "none.json") == {}
    (tmp_path / "w.json").write_text(json.dumps({**record, "version": 2}))
    with pytest.raises(judging.VultusError, match="cannot be read"):
        judging.failed(tmp_path / "w.json")
    monkeypatch.setattr(judging, "failed", lambda: {"curves": "it is too kind"})
    found = judging.judge(folder / "made.npz", reference=folder / "true.npz")
    assert dict(found.not_run)["curves"] == "It failed its validation: it is too kind"
    assert {line.judge for line in found.lines} == {"vertices"}


def test_without_torch_its_judges_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(learned, "find_spec", lambda name: None)
    found = scenes._tools({"torch"})
    assert found == {"torch": "The package torch is not installed. pip install 'vultus[judge]'"}
    monkeypatch.setattr(learned, "FOLDER", tmp_path)
    assert "ships no network" in scenes._tools({"sync-b"})["sync-b"]
