"""Key frames, excerpts and points on faces."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vultus.clip import Clip  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.motion import Motion  # noqa: E402
from vultus.parts.motion import excerpts, keys, spaces, surfaces  # noqa: E402
from vultus.person.identity import parse_identity  # noqa: E402
from vultus.person.mesh import build_mesh  # noqa: E402
from vultus.signals.phones import Phone  # noqa: E402

PHONES = (Phone(0.0, 0.2, ""), Phone(0.2, 0.4, "b"), Phone(0.4, 0.8, "ɑ"), Phone(0.8, 1.0, ""))


def test_each_phone_has_a_frame_and_silence_has_none() -> None:
    rows = excerpts.phone_rows(PHONES, 0.0, 1.0)
    found = keys.key_frames(rows, 26, 25)
    assert np.flatnonzero(found).tolist() == [0, round(0.3 * 25), 15, 25]
    assert np.flatnonzero(keys.key_frames(rows, 26, 25, "onset")).tolist() == [0, 5, 10, 25]
    assert np.flatnonzero(keys.key_frames(rows, 26, 25, "end")).tolist() == [0, 10, 20, 25]
    both = keys.key_frames(np.stack([rows, rows * np.nan]), 26, 25)
    assert both.shape == (2, 26)
    assert np.flatnonzero(both[1]).tolist() == [0, 25]


def test_phones_that_fall_outside_stay_inside() -> None:
    assert keys.key_frames(np.array([[[-3.0, -2.0, 5.0], [90.0, 91.0, 5.0]]]), 4, 25).tolist() == [
        [True, False, False, True]
    ]


def clip(frames: int = 60) -> Clip:
    data = Motion.neutral(frames, 25).data.copy()
    data[:, 17] = np.linspace(0, 0.5, frames)
    sound = np.random.default_rng(0).normal(0, 0.1, frames * 640).astype(np.float32)
    motion = Motion.neutral(frames, 25).replace(data=data)
    return Clip("x", audio=sound, phones=PHONES, motion=motion, identity="person:0")


def test_excerpts_follow_one_another_and_hold_the_end() -> None:
    made = excerpts.excerpts([clip(60), clip(10)], "mel", 25, 25)
    assert made["heard"].shape == (2, 100, 80)
    assert made["data"][:, 0, 17].tolist() == pytest.approx([0, 25 * 0.5 / 59])
    assert made["clip"].tolist() == [0, 0]
    assert np.isfinite(made["phones"][0]).all(1).sum() == 4
    longer = excerpts.excerpts([clip(60)], "mel", 25, 40)
    assert longer["data"][1, 20:, 17].tolist() == pytest.approx([0.5] * 20)
    with pytest.raises(VultusError, match="No clip is as long"):
        excerpts.excerpts([clip(10)], "mel", 25, 25)
    with pytest.raises(VultusError, match="lacks sound"):
        excerpts.excerpts([Clip("y", motion=Motion.neutral(9, 25))], "mel", 25, 5)
    with pytest.raises(VultusError, match="lacks motion"):
        excerpts.excerpts([Clip("y", audio=np.zeros(16000, np.float32))], "mel", 25, 5)


def test_rows_are_a_function_of_seed_and_step() -> None:
    rows = excerpts.Rows({"x": np.arange(10)}, stage="keys")
    a, b = rows.batch(3, 4, 7), rows.batch(3, 4, 7)
    assert (a["x"] == b["x"]).all()
    assert a["stage"] == "keys"
    assert any((rows.batch(step, 4, 7)["x"] != a["x"]).any() for step in range(3))
    with pytest.raises(VultusError, match="rows"):
        excerpts.Rows({"x": np.arange(10), "y": np.arange(9)})


def test_speakers_have_numbers() -> None:
    known = Clip("a", identity="ann", labels={"subject": "bob"})
    people = [known, Clip("b", identity="person:5"), Clip("c", identity="carl")]
    assert excerpts.numbers_of(people, ["ann", "bob"]).tolist() == [1, 1, -1]


@pytest.mark.parametrize("middles", [False, True])
def test_points_of_a_face_are_its_own_and_lips_come_first(middles: bool) -> None:
    mesh = build_mesh(parse_identity("person:0"))
    corners = surfaces.surface(mesh, 90, middles=middles)
    assert corners.shape == (90, 3)
    points = mesh.neutral[corners].mean(1)
    mouth = mesh.neutral[[mesh.landmark("mouthCornerLeft"), mesh.landmark("mouthCornerRight")]].mean(0)
    far = np.linalg.norm(points - mouth, axis=1)
    assert far[:30].max() < 0.05 < far[30:].max() < 0.16
    assert (corners[:, :1] == corners).all() != middles


def test_offsets_are_those_of_the_mesh_or_of_the_clip() -> None:
    moved = surfaces.offsets(clip(), 25, 90)
    assert moved.shape == (60, 90, 3)
    assert np.abs(moved[0]).max() < 1e-3
    assert 2 < np.abs(moved[-1, :30]).max() < 30  # an open jaw, in millimetres
    own = Clip(
        "v", labels={"vertices_fps": "50"},
        others={"vertices": lambda: np.arange(8.0).reshape(8, 1, 1).repeat(3, 2), "template": lambda: np.ones((1, 3))},
    )  # fmt: skip
    assert surfaces.offsets(own, 25, 1, unit=0.1)[:, 0, 0].tolist() == [-100, 100, 300, 500]


def test_errors_of_lips_are_squared_and_the_greatest() -> None:
    true = torch.zeros(1, 2, 9, 3)
    made = true.clone()
    made[0, 0, 1, 0], made[0, 0, 2, 1], made[0, 1, 8, 0] = 2.0, 3.0, 50.0  # the last is no lip
    assert surfaces.lip_error(made, true)[0].tolist() == [9.0, 0.0]
    figures = surfaces.lip_figures(made, true, torch.tensor([[True, False]]))
    assert (figures["lve"], figures["key lve"]) == (4.5, 9.0)
    swing = torch.randn(1, 5, 9, 3)
    half = surfaces.lip_figures(swing / 2, swing, torch.ones(1, 5, dtype=torch.bool))
    assert half["articulation"] == pytest.approx(0.5, rel=1e-4)


def test_a_space_is_fitted_to_targets_of_its_kind() -> None:
    shapes = spaces.ShapeSpace(count=30)
    data = np.stack([clip().motion.data]) if clip().motion else np.zeros((1, 1, 69), np.float32)
    surfaces.fit(shapes, data)
    assert shapes.offsets(torch.from_numpy(data)).shape == (1, 60, 30, 3)
    vertices = spaces.VertexSpace(30, 2)
    offsets = np.random.default_rng(0).normal(size=(1, 60, 30, 3)).astype(np.float32)
    surfaces.fit(vertices, offsets)
    assert vertices.offsets(torch.from_numpy(offsets)).shape == (1, 60, 30, 3)
