"""The demo: what it writes, and what it does without a network."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import asset

from vultus import demo, pipeline, store
from vultus.cli import main
from vultus.errors import VultusError
from vultus.io import formats
from vultus.io.video import probe_video, read_frames
from vultus.mark import SYNTHETIC, labelled
from vultus.motion import Motion


def test_without_a_network_the_demo_says_so_and_speaks_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def offline(name: str, fetch: bool = True) -> Path:
        raise VultusError(f"The asset {name!r} cannot be fetched")

    monkeypatch.setattr(store, "path", offline)
    assert main(["demo", "--out", str(tmp_path / "d.mp4"), "--quality", "draft"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "built-in voice" in out
    assert "cannot be fetched" in out
    # Without the networks that find a face no photo can speak; the report says that too.
    assert "none speaks" in out
    assert {p.name for p in tmp_path.iterdir()} == {"d.mp4", "d.glb", "d.csv"}
    video, motion = probe_video(tmp_path / "d.mp4"), formats.read_motion(tmp_path / "d.csv")
    assert video.audio
    assert (video.width, video.height, video.fps) == (512, 512, 30)
    assert len(motion) == video.frames
    # Every closure that the report counts is one of the sentence's p, b and m, and all of them close.
    (line,) = (line for line in out.splitlines() if line.startswith("lips closed"))
    closed, total = (int(word) for word in line.removeprefix("lips closed on p, b, m").split("(")[0].split(" of "))
    assert closed == total >= 4


def test_the_demo_writes_a_video_or_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "d.gif")]) == 2
    assert ".mp4" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_photo_speaks_and_says_that_it_is_synthetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset("face_landmarker")
    asset("selfie_segmenter")
    real = store.path

    def no_portrait(name: str, fetch: bool = True) -> Path:
        assert not fetch  # nothing may be fetched offline
        if name == demo.PORTRAIT:
            raise VultusError(f"The asset {name!r} is missing")
        return real(name)

    monkeypatch.setattr(store, "path", no_portrait)
    monkeypatch.setattr(demo, "SIZE", 192)
    sound = pipeline.Sound((np.zeros(1600, np.float32), 16000))
    out = tmp_path / "d-photo.mp4"
    # The head takes its networks from the store too, by now without being asked whether to fetch.
    with monkeypatch.context() as patch:
        face, source = demo._portrait(tmp_path, offline=True)
        assert "a drawn person, because the real one is not here" in source
        patch.setattr(store, "path", real)
        written, note = demo._photo(out, face, [Motion.neutral(2, 30)], Fraction(30), sound, True, None)
    assert written == (out,)
    assert "labelled as synthetic" in note
    frames = list(read_frames(out, Fraction(30), 0))
    assert len(frames) == 2
    label = labelled(np.zeros((512, 512, 3), np.uint8), SYNTHETIC)
    ink = label[..., 0] > 200
    assert ink.sum() > 500
    band = np.flatnonzero(ink.any(1))
    assert frames[0][ink].mean() > 150
    assert frames[0][slice(*band[[0, -1]])][~ink[slice(*band[[0, -1]])]].mean() < 120


@pytest.mark.parametrize("size", [(64, 48, 3), (300, 500, 3), (720, 1280, 4)])
def test_labels_fit_on_any_picture(size: tuple[int, int, int]) -> None:
    picture = np.full(size, 128, np.uint8)
    picture[..., 3:] = 0
    out = labelled(picture, SYNTHETIC)
    assert (picture[..., 0] == 128).all()
    changed = (out[..., 0] != 128).any(1)
    assert 0.02 < changed.mean() < 0.35
    assert changed[-1]
    assert not changed[: size[0] // 2].any()
    assert (out[..., 0] > 140).any(0).mean() > 0.25
    if size[2] == 4:
        assert (out[-1, :, 3] == 255).all()


def test_the_demo_refuses_a_photo_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "d.mp4"), "--photo", str(tmp_path / "no.png")]) == 2
    assert "no.png" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
