"""Several files of one motion, made in step with one another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vultus import pipeline
from vultus.io.video import read_video
from vultus.motion import Motion
from vultus.outputs import in_step


def test_no_sink_gets_ahead_by_more_than_it_takes_at_a_time() -> None:
    past = [0, 0, 0]

    def sink(number: int, step: int) -> Iterator[int]:
        for _ in range(12 // step):
            past[number] += step
            yield step

    told = []
    for frames in in_step([sink(0, 1), sink(1, 4), sink(2, 6)]):
        told.append(frames)
        assert frames == min(past)
        assert max(past) - min(past) <= 6
    assert told == sorted(set(told))
    assert told[-1] == 12
    assert list(in_step([])) == []


def test_two_videos_and_curves_are_as_each_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    motion = Motion.of(25, clamp=True, expression=rng.uniform(0, 0.4, (65, 52)), head=rng.normal(0, 0.1, (65, 3)))
    told: list[float] = []
    names = [tmp_path / name for name in ("a.mp4", "b.csv", "c.mp4")]
    report = pipeline.render(
        motion, out=names, size=32, quality="draft", progress=lambda done, _: told.append(done)
    )  # fmt: skip
    assert report.frames == 65
    assert told == sorted(told)
    assert told[-1] == 2.6
    pipeline.render(motion, out=tmp_path / "alone.mp4", size=32, quality="draft")
    alone = (tmp_path / "alone.mp4").read_bytes()
    assert all((tmp_path / name).read_bytes() == alone for name in ("a.mp4", "c.mp4"))
    assert len(list(read_video(tmp_path / "alone.mp4"))) == 65
    pipeline.convert(tmp_path / "b.csv", tmp_path / "b.npz")
