"""Measures of geometry over whole motions: equal to those of one piece, and in the right order for the rows."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.critics import geometry, moving
from vultus.motion import Motion
from vultus.signals.phones import Phone

PHONES = (Phone(0, 0.2, ""), Phone(0.2, 0.4, "m"), Phone(0.4, 1.0, "a"), Phone(1.0, 1.2, "f"), Phone(1.2, 2.0, "a"))


def talk(count: int, shift: float = 0.0) -> Motion:
    t = np.arange(count) / 25 + shift
    opening = 0.25 + 0.25 * np.sin(7 * t) * np.sin(1.3 * t + 1)
    return Motion.of(25, clamp=True, jawOpen=opening, browInnerUp=0.3 + 0.3 * np.sin(3 * t), mouthClose=0 * t)


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    made, true = talk(50, 0.1), talk(50)
    mesh, regions = moving.face()
    a, b = geometry.expressive(mesh, made), geometry.expressive(mesh, true)
    monkeypatch.setattr(moving, "PIECE", 0.5)
    found = moving.measure({"this": made}, true, PHONES)
    assert found["this"]["LVE_mm"] == pytest.approx(geometry.lve_mm(a, b, regions.lips), rel=1e-5)
    assert found["this"]["MVE"] == pytest.approx(geometry.mve(a, b), rel=1e-5)
    closure = geometry.closure_f1(np.asarray(mesh.lip_gap(a)), PHONES, 25)
    assert found["this"]["closure F1"] == closure["f1"]
    # Phones lie where they were, whatever the piece: one of each of 50 / 12 pieces at least is counted.
    assert found["this"]["key LVE"] == pytest.approx(geometry.key_lve_mm(a, b, regions.lips, PHONES, 25), rel=0.5)


def test_rows_fall_in_the_right_order() -> None:
    true = talk(100)
    rows = moving.arranged(talk(100, 0.02), 1)
    found = moving.measure(rows, true, ())
    assert set(found) == {"this", "copy", "mean", "shuffled", "reversed"}
    assert found["copy"]["LVE_mm"] == 0
    assert found["copy"]["articulation"] == 1
    assert found["mean"]["articulation"] == pytest.approx(0, abs=1e-6)
    assert 0 < found["this"]["LVE_mm"] < min(found[row]["LVE_mm"] for row in ("mean", "shuffled", "reversed"))
    assert "closure F1" not in found["this"]
    np.testing.assert_array_equal(rows["reversed"].data, rows["this"].data[::-1])


def test_short_last_pieces_go_with_the_one_before() -> None:
    assert list(moving._pieces(250, 250)) == [(0, 250)]
    assert list(moving._pieces(260, 250)) == [(0, 260)]
    assert list(moving._pieces(400, 250)) == [(0, 250), (250, 400)]
    assert list(moving._pieces(7, 250)) == [(0, 7)]
