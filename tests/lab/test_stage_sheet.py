"""The sheet of clips."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.camera import Camera
from vultus.clip import FIELDS, Clip, View
from vultus.errors import VultusError
from vultus.io.image import read_image
from vultus.lab import stage_sheet as module
from vultus.lab.stage_sheet import flow_wheel, stage_sheet
from vultus.motion import Motion
from vultus.signals.phones import Phone


def clip(fields=tuple(FIELDS)):
    rng = np.random.default_rng(0)
    flat = {
        "frames": rng.integers(0, 255, (16, 16, 3)).astype(np.uint8), "depth": np.full((16, 16), np.inf, np.float32),
        "normals": np.zeros((16, 16, 3), np.float32), "masks": np.full((16, 16), 255, np.uint8),
        "uv": np.full((16, 16, 2), -1, np.float32), "flow": np.zeros((16, 16, 2), np.float32),
        "occlusion": np.zeros((16, 16), bool), "disocclusion": np.ones((16, 16), bool),
    }  # fmt: skip
    points = {f"{kind}_{n}": rng.uniform(0, 16, (n, 3)).astype(np.float32)
              for kind in ("landmarks", "detected") for n in (68, 478)}  # fmt: skip

    def read(names, first, stop):
        for _ in range(first, stop):
            yield {name: (flat | points)[name] for name in names}

    view = View(fields, 5, (16, 16), 25.0, (Camera.look_at((0, 0, 1), (0, 0, 0), size=(16, 16)),), read, ("skin",))
    sound = np.sin(np.arange(3200) / 8).astype(np.float32)
    return Clip("one", sound, 16000, "Hello", (Phone(0.05, 0.1, "h"), Phone(0.1, 0.18, "ɛ")), Motion.neutral(5, 25),
                views=(view,))  # fmt: skip


def test_a_sheet_has_a_row_for_every_clip_and_draws_what_there_is():
    one, two = stage_sheet([clip()], tile=64), stage_sheet([clip(), Clip("empty")], tile=64)
    assert one.dtype == np.uint8
    assert two.shape[1] == one.shape[1]
    assert two.shape[0] > one.shape[0] + 64
    assert np.array_equal(one[:80], two[:80])
    assert len(np.unique(one.reshape(-1, 3), axis=0)) > 200
    bare = stage_sheet([clip(("frames", "depth"))], tile=64)
    assert not np.array_equal(bare, one)


def test_wrong_sheets_are_refused():
    with pytest.raises(VultusError, match="no clip"):
        stage_sheet([])
    with pytest.raises(VultusError, match="Tiles"):
        stage_sheet([Clip("a")], tile=8)


def test_a_sheet_of_the_stage_shows_all_rigs_by_turns(tmp_path, monkeypatch):
    asked = []

    def some(seed, count, *, first, **drawing):
        asked.append((seed, first, drawing["rig"], drawing["size"]))
        yield clip()

    monkeypatch.setattr(module, "clips", some)
    path = module.write(tmp_path / "a.png", 4, seed=7, tile=64)
    assert [a[1] for a in asked] == [0, 1, 2, 3]
    assert {a[2] for a in asked} >= {"phone", "closeup", "multiview"}
    assert {(a[0], a[3]) for a in asked} == {(7, 64)}
    one = stage_sheet([clip()], tile=64)
    assert read_image(path).shape[0] > one.shape[0] + 3 * 64
    with pytest.raises(VultusError, match=r"sheet\.png"):
        module.write(tmp_path / "a.txt")


def test_the_wheel_shows_direction_as_hue_and_speed_as_strength():
    flow = np.array([[[2, 0], [-2, 0], [0, 0], [1, 0]]], np.float32)
    right, left, none, half = flow_wheel(flow, 2.0)[0].astype(int)
    assert tuple(none) == (255, 255, 255)
    assert right[0] == 255
    assert right[1:].max() == 0
    assert left[0] == 0
    assert left[1:].min() == 255
    assert 100 < half[1] < 150
