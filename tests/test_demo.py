"""The demo: what it writes, and what it does without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from vultus import store
from vultus.cli import main
from vultus.errors import VultusError
from vultus.io import formats
from vultus.io.video import probe_video


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
