"""Clips of the stage from end to end, and the command that writes them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from vultus import cli
from vultus.clip import FIELDS
from vultus.commands import stage as stage_command
from vultus.datasets import stage
from vultus.errors import VultusError
from vultus.stage import clips, filming, plan, produce

VOICES = ("formant:man", "formant:woman")


def test_a_plan_becomes_a_clip() -> None:
    drawn = plan.draw(5, 2, voices=VOICES, seconds=1.5, size=32)
    clip = clips.make(drawn)
    assert (clip.name, clip.text, clip.identity) == (drawn.name, drawn.text, drawn.identity)
    assert plan.Plan.from_json(clip.labels["plan"]) == drawn
    assert clip.labels["voice"] in VOICES
    assert (clip.labels["engine"], clip.labels["rig"]) == ("formant", "phone")
    assert clip.audio is not None
    assert clip.motion is not None
    seconds = len(clip.audio) / clip.sample_rate
    assert clip.phones[0].start == 0
    assert clip.phones[-1].end == pytest.approx(seconds)
    assert abs(float(clip.motion.duration) - seconds) <= 1 / 25
    (view,) = clip.views
    assert (view.count, view.size) == (len(clip.motion), (32, 32))
    assert set(view.fields) == set(FIELDS)
    assert clips.make(drawn, views=False).views == ()


def test_clips_do_not_depend_on_each_other() -> None:
    drawing = {"voices": VOICES, "seconds": 1.0, "views": False}
    three = list(clips.clips(9, 3, **drawing))
    (alone,) = clips.clips(9, 1, first=2, **drawing)
    endless = list(islice(stage.stream(9, first=1, **drawing), 2))
    for a, b in ((three[2], alone), (three[2], endless[1]), (three[1], endless[0])):
        assert (a.name, a.phones) == (b.name, b.phones)
        assert a.audio is not None
        assert b.audio is not None
        np.testing.assert_array_equal(a.audio, b.audio)
    assert len({clip.name for clip in three}) == 3


def test_other_installed_voices_are_noticed() -> None:
    with pytest.raises(VultusError, match="Other voices are installed"):
        clips.clip(0, seed=0, found=("formant:man",), views=False, seconds=1.0)


def test_the_command_writes_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("safetensors")
    out = tmp_path / "set"
    command = ["stage", "--clips", "2", "--seed", "3", "--size", "32", "--seconds", "1", "--workers", "1"]
    command += ["--voice", "formant:man", "--face", "person:1", "--rig", "closeup"]
    command += ["--fields", "frames, masks,landmarks_68", "--lossless", "--out", str(out)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out.strip()
    assert said.startswith(f"wrote {out} (2 clips, 2 s, ")
    assert "clips/s" in said
    assert "\n" not in said
    found = stage.read(out)
    arguments = produce.load_index(out)["arguments"]
    assert (arguments["rig"], arguments["voices"]) == ("closeup", ["formant:man"])
    made = clips.make(plan.Plan.from_json(found[1].labels["plan"]))
    (view,) = found[1].views
    assert view.fields == ("frames", "masks", "landmarks_68")
    for name in view.fields:
        np.testing.assert_array_equal(view.stack(name, 3, 6), made.view().stack(name, 3, 6))
    assert view.parts == made.view().parts
    assert cli.main(command) == 0
    assert "2 were there" in capsys.readouterr().out
    assert cli.main([*command, "--seed", "4"]) == 2
    assert "written with seed 3, not 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rig", "phon"), "no rig called 'phon'. Did you mean phone"),
        (("--voice", "formnt"), "no voice called 'formnt'"),
        (("--voice", "formant:men"), "men"),
        (("--voice", "formant:man", "--split", "test"), "of the split test"),
        (("--split", "trian"), "no split called 'trian'"),
        (("--fields", "frames,dept"), "no field called 'dept'. Did you mean depth"),
        (("--size", "8"), "8 pixels"),
        (("--size", "99999"), "99999 pixels"),
        (("--clips", "0"), "number of clips is 0"),
        (("--clips", "-4"), "number of clips is -4"),
        (("--clips", "many"), "--clips"),
        (("--seed", "-1"), "seed is -1"),
        (("--workers", "0"), "number of workers is 0"),
        (("--seconds", "0.1"), "0.1"),
        (("--fps", "0"), "frame rate 0"),
        (("--face", "anna"), "anna"),
    ],
)
def test_bad_input_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert cli.main(["stage", "--out", str(tmp_path / "set"), *arguments]) == 2
    line = capsys.readouterr().err.strip()
    assert said in line
    assert "\n" not in line
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("out", ["", "no/such/folder", "file"])
def test_bad_folders_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert cli.main(["stage", "--voice", "formant:man", "--out", out]) == 2
    assert "\n" not in capsys.readouterr().err.strip()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_help_names_every_rig_and_field() -> None:
    source = Path(stage_command.__file__).read_text("utf-8").split("class Stage:", 1)[1]
    told = {option: source.split(f"    {option}: str", 1)[1].split('"""')[1] for option in ("rig", "fields")}
    for option, names in (("rig", filming.rigs()), ("fields", FIELDS)):
        for name in names:
            assert name in told[option], name
    page = (Path(__file__).parents[2] / "docs" / "stage.md").read_text("utf-8")
    assert all(name.split("_")[0].replace("detected", "landmarks") in page for name in FIELDS)
