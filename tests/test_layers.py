"""Edits over a generated motion survive a new run."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.layers import Layer, Layered
from vultus.motion import Motion


def layer(name: str = "smile", value: float = 0.3, frames: int = 4, **changes: Any) -> Layer:
    """An edit of both smile channels for some frames."""
    fields: dict[str, Any] = {
        "channels": ("mouthSmileLeft", "mouthSmileRight"), "values": np.full((frames, 2), value), "fps": Fraction(10),
    }  # fmt: skip
    return Layer(name, **{**fields, **changes})


def run(seed: int, frames: int = 10) -> Motion:
    """What a driver would give for a seed."""
    rng = np.random.default_rng(seed)
    return Motion.of(10, jawOpen=rng.random(frames), mouthSmileLeft=rng.random(frames) * 0.2)


def test_nothing_on_top_changes_nothing() -> None:
    motion = run(0)
    assert Layered(motion).flatten() is motion


def test_add_offsets_and_replace_takes_the_place_inside_its_time_only() -> None:
    motion = run(0)
    added = layer(start=Fraction(2, 10)).apply(motion)["mouthSmileLeft"]
    replaced = layer(start=Fraction(2, 10), mode="replace").apply(motion)["mouthSmileLeft"]
    inside = (np.arange(10) >= 2) & (np.arange(10) < 6)
    np.testing.assert_allclose(added, motion["mouthSmileLeft"] + 0.3 * inside, atol=1e-6)
    np.testing.assert_allclose(replaced, np.where(inside, 0.3, motion["mouthSmileLeft"]), atol=1e-6)


def test_channels_that_are_not_named_stay_as_they_are() -> None:
    motion = run(0)
    flat = Layered(motion, (layer(), layer("other", 0.7, mode="replace"))).flatten()
    others = [i for i, name in enumerate(ch.CHANNELS) if "Smile" not in name]
    np.testing.assert_array_equal(flat.data[:, others], motion.data[:, others])


def test_a_new_run_keeps_the_edit() -> None:
    edited = Layered(run(0)).with_edit(layer(mode="replace", frames=10))
    again = edited.regenerate(run(1))
    np.testing.assert_array_equal(again.flatten()["jawOpen"], run(1)["jawOpen"])
    np.testing.assert_allclose(again.flatten()["mouthSmileLeft"], 0.3)
    assert again.edits == edited.edits
    np.testing.assert_array_equal(again.generated.data, run(1).data)  # the edit is kept apart


def test_a_new_run_may_have_another_rate_and_length() -> None:
    edited = Layered(run(0), (layer(mode="replace", frames=6, start=Fraction(1, 5)),))
    flat = edited.regenerate(Motion.neutral(60, 40)).flatten()
    np.testing.assert_allclose(flat["mouthSmileLeft"], np.where((flat.times() >= 0.2) & (flat.times() < 0.8), 0.3, 0))


def test_edits_are_applied_in_order() -> None:
    a, b = layer("a", 0.5, mode="replace", frames=10), layer("b", 0.2, frames=10)
    assert Layered(run(0), (a, b)).flatten()["mouthSmileLeft"][3] == pytest.approx(0.7)
    assert Layered(run(0), (b, a)).flatten()["mouthSmileLeft"][3] == pytest.approx(0.5)


def test_edits_are_changed_and_taken_away_by_name() -> None:
    edited = Layered(run(0), (layer("a"), layer("b"))).with_edit(layer("a", 0.9))
    assert [edit.name for edit in edited.edits] == ["a", "b"]
    assert edited.edits[0].values[0, 0] == pytest.approx(0.9)
    assert [edit.name for edit in edited.without("a").edits] == ["b"]
    with pytest.raises(VultusError, match="no edit"):
        edited.without("c")


def test_weight_and_fade_ease_the_edit() -> None:
    motion = Motion.neutral(100, 100)
    smile = layer(value=1.0, frames=11, weight=0.5, fade=0.25, start=0).apply(motion)["mouthSmileLeft"]
    assert smile.max() == pytest.approx(0.5)
    assert smile[0] == 0
    assert np.abs(np.diff(smile)).max() <= 0.5 / 25 + 1e-6


def test_an_edit_is_an_observation() -> None:
    motion = Motion.neutral(10, 10).replace(valid=np.zeros((10, 69), bool))
    valid = layer().apply(motion).valid
    assert valid[:, ch.INDEX["mouthSmileLeft"]].tolist() == [True] * 4 + [False] * 6
    assert not valid[:, ch.INDEX["jawOpen"]].any()


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(0, 1), st.floats(0, 2), st.sampled_from(["add", "replace"]))
def test_the_result_stays_in_range(value: float, weight: float, fade: float, mode: str) -> None:
    flat = layer(value=value, weight=weight, fade=fade, mode=mode).apply(run(3))
    assert ((flat.data >= ch.LOW) & (flat.data <= ch.HIGH)).all()


def test_eyes_are_edited_by_rotation() -> None:
    turn = layer(channels=("eyeLeftRotationY",), values=np.full((10, 1), ch.EYE_LOOK_FULL), mode="replace")
    np.testing.assert_allclose(turn.apply(run(0))["eyeLookOutLeft"], 1.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"channels": ("mouthSmile", "jawOpen")}, "mouthSmileLeft"),
        ({"channels": ("eyeLookInLeft", "jawOpen")}, "eye rotations"),
        ({"values": np.zeros((3, 1))}, "shape"),
        ({"values": np.zeros((0, 2))}, "shape"),
        ({"values": np.full((3, 2), np.nan)}, "finite"),
        ({"mode": "multiply"}, "mode"),
        ({"weight": 1.5}, "weight"),
        ({"fade": -1.0}, "fade"),
        ({"fps": 0}, "frame rate"),
    ],
)
def test_bad_edits_are_told_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(VultusError, match=says) as caught:
        layer(**changes)
    assert "\n" not in str(caught.value)


def test_an_edit_cannot_be_changed() -> None:
    edit = layer()
    with pytest.raises(dataclasses.FrozenInstanceError):
        edit.weight = 0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        edit.values[0] = 0
