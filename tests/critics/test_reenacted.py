"""Figures of driven portraits, on pictures and landmarks made by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
from vultus import channels as ch
from vultus.critics import reenacted
from vultus.errors import VultusError


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Two people of four frames; the judge finds all landmarks at a picture's mean, as x."""
    rng = np.random.default_rng(0)
    motion = np.zeros((2, 4, len(ch.CHANNELS)), np.float32)
    motion[0, :, ch.HEAD.start + 1] = [0, 0.2, 0.4, 0.4]
    motion[1, :, ch.NECK.start + 1] = [0, 0.1, 0.2, 0.5]
    face = np.zeros((2, 4, 8, 8), bool)
    face[..., 2:6, 2:6] = True

    def marks(pictures: np.ndarray, about: np.ndarray) -> np.ndarray:
        out = np.zeros((len(pictures), 478, 2), np.float32)
        out[..., 0] = pictures.mean(axis=(1, 2, 3))[:, None]
        return out

    monkeypatch.setattr(reenacted, "marks", marks)
    frames = rng.integers(0, 255, (2, 4, 8, 8, 3)).astype(np.uint8)
    return {
        "motion": motion, "frames": frames, "face": face, "marks": np.zeros((2, 4, 478, 2), np.float32),
        "depth": 1 + rng.random((2, 4, 8, 8)).astype(np.float32),
    }  # fmt: skip


def test_goals_are_pairs_that_turn_far(kept: dict[str, np.ndarray]) -> None:
    goal = reenacted.goals(kept, degrees=15)
    turn = reenacted.yaw(kept["motion"])
    apart = np.abs(turn[goal["clip"], goal["source"]] - turn[goal["clip"], goal["driving"]])
    assert (apart >= np.radians(15)).all()
    assert len(apart) == 4 + 6  # (0, 2), (0, 3) and back; (0, 3), (1, 3), (2, 3) and back
    assert len(reenacted.goals(kept, each=2)["clip"]) == 4
    with pytest.raises(VultusError, match="No head turns"):
        reenacted.goals(kept, degrees=80)


def test_the_true_pictures_have_no_error_and_others_have(kept: dict[str, np.ndarray]) -> None:
    goal = reenacted.goals(kept)
    true = reenacted.chosen(kept, goal, "driving", "frames")
    assert reenacted.distances(true, kept, goal) == {"AKD": 0.0, "PSNR": 100.0}
    brighter = np.clip(true.astype(int) + 20, 0, 255).astype(np.uint8)
    assert reenacted.distances(brighter, kept, goal)["AKD"] > 300  # some 17 pixels of 8, seen at 256
    copied = reenacted.chosen(kept, goal, "source", "frames")
    assert reenacted.standing_still(kept, goal) == pytest.approx(reenacted.distances(copied, kept, goal))


def test_order_of_depth(kept: dict[str, np.ndarray]) -> None:
    goal = reenacted.goals(kept)
    depth = reenacted.chosen(kept, goal, "driving", "depth")
    assert reenacted.order(1 / depth, kept, goal) == pytest.approx(1)
    assert reenacted.order(depth, kept, goal) == pytest.approx(-1)
    assert reenacted.order(np.ones_like(depth), kept, goal) == 0


def test_a_bowl_is_nearest_in_the_middle_of_the_face(kept: dict[str, np.ndarray]) -> None:
    goal = reenacted.goals(kept)
    near = reenacted.bowl(kept, goal)
    assert near.shape == (len(goal["clip"]), 8, 8)
    assert near[0, 3, 3] == near[0].max()
    assert near[0, 2, 2] == near[0, 5, 5] == near[0][kept["face"][0, 0]].min()
