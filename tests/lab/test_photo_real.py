"""What the figures of real pictures are made of."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vultus import channels as ch
from vultus import rotations
from vultus.lab import photo_real
from vultus.lab.photo_near import warped
from vultus.lab.track_figures import CHANNELS
from vultus.motion import Motion
from vultus.observers.calibration import Calibration
from vultus.observers.reading import Reading


def clip() -> Motion:
    jaw = np.array([0.5, 0.1, 0.4, 0.0])
    head = np.array([[0, 0.3, 0], [0, 0.1, 0], [0, 0.1, 0], [0, 0.5, 0]])
    return Motion.of(12, jawOpen=jaw, head=head, translation=head * 0.1)


def test_the_photo_is_the_calmest_frame_that_was_seen() -> None:
    motion = clip()
    assert photo_real.calmest(motion) == 1
    valid = motion.valid.copy()
    valid[1] = False
    assert photo_real.calmest(Motion(motion.data, motion.fps, motion.start, valid)) == 2


def test_a_motion_against_a_photo_adds_up_to_what_was_read() -> None:
    rng = np.random.default_rng(1)
    seen = np.ones(len(ch.CHANNELS), bool)
    readings: list[Reading | None] = []
    for jaw in (0.5, 0.1, 0.4, 0.0):
        row = np.zeros(len(ch.CHANNELS))
        row[ch.INDEX["jawOpen"]] = jaw
        row[ch.HEAD], row[ch.TRANSLATION] = rng.normal(0, 0.2, 3), rng.normal(0, 0.1, 3)
        readings.append(Reading(row, seen))
    readings.append(None)
    moved = photo_real.against(readings, Calibration.usual(), 1, Fraction(12))
    # What a photo shows: its own shape, and of what is left as much as the motion says.
    jaws = 0.1 + 0.9 * moved["jawOpen"]
    np.testing.assert_allclose(jaws[:3], [0.5, 0.1, 0.4], atol=1e-5)
    assert moved["jawOpen"][3] == 0  # less than in the photo cannot be asked for
    home, turns = readings[1], rotations.to_matrix(rotations.compose(moved.neck, moved.head))
    assert home is not None
    start = rotations.to_matrix(home.row[ch.HEAD])
    for i, reading in enumerate(readings[:4]):
        assert reading is not None
        np.testing.assert_allclose(start @ turns[i], rotations.to_matrix(reading.row[ch.HEAD]), atol=1e-5)
        there = home.row[ch.TRANSLATION] + start @ moved.translation[i]
        np.testing.assert_allclose(there, reading.row[ch.TRANSLATION], atol=1e-5)
    assert not moved.valid[4].any()


def test_a_warp_in_the_plane_brings_points_where_they_are_told() -> None:
    y, x = np.mgrid[:64, :64]
    photo = np.repeat((((x // 8 + y // 8) % 2) * 255).astype(np.uint8)[..., None], 3, 2)
    rng = np.random.default_rng(0)
    before = rng.uniform(16, 48, (90, 2)).astype(np.float32)
    np.testing.assert_array_equal(warped(photo, before, before), photo)
    moved = warped(photo, before, before + np.float32([4, 0]))
    near = slice(24, 40)
    same = np.abs(moved[near, 28:44].astype(int) - photo[near, 24:40]).mean()
    still = np.abs(moved[near, 24:40].astype(int) - photo[near, 24:40]).mean()
    assert same < 0.4 * still


def test_the_middle_of_what_was_read_decides_and_what_hardly_moves_has_no_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [channel.name for channel in CHANNELS if channel.bound]
    values = iter([(0.9, 1.1), (0.5, 0.4), (0.95, 1.3)])
    monkeypatch.setattr(photo_real, "reenacted", lambda _: iter(()))
    photo = np.zeros((8, 8, 3), np.uint8)
    still = Motion.neutral(30, 12)
    monkeypatch.setattr(photo_real, "exercised", lambda _: ((name, photo, still) for name in "abc"))
    monkeypatch.setattr(photo_real, "read_back", lambda *_: dict.fromkeys(names, next(values)))
    drawn = {name: [(0.8, 0.7, 0.0), (1.0, 1.0, 0.0)] for name in names}
    monkeypatch.setattr(photo_real.track_figures, "read_back", lambda _: drawn)
    monkeypatch.setattr(photo_real, "_by_the_clip", lambda _: iter(()))
    found = {figure.name: figure for figure in photo_real.figures(True)}
    assert found["read back, b: jaw, correlation"].value == 0.5
    assert found["read back, b: jaw, correlation"].target == ""
    middle = found["read back, median: jaw, correlation"]
    assert (middle.value, middle.target) == (0.9, ">= 0.8")
    gain = found["read back, median: jaw, gain away from 1"]
    assert gain.value == pytest.approx(0.1)
    assert gain.target == "<= 0.2"
    assert found["read back, median of drawn people: smile, correlation"].value == pytest.approx(0.9)
