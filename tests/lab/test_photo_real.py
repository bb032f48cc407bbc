"""What the figures of real pictures are made of."""

from __future__ import annotations

import numpy as np

from vultus.lab import photo_real
from vultus.lab.photo_near import warped
from vultus.motion import Motion


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


def test_a_motion_against_a_photo_adds_up_to_itself() -> None:
    motion = clip()
    moved = photo_real.against(motion, 1)
    own = motion["jawOpen"][1]
    # What a photo shows: its own shape, and of what is left as much as the motion says.
    np.testing.assert_allclose((own + (1 - own) * moved["jawOpen"])[:3], motion["jawOpen"][:3], atol=1e-6)
    assert moved["jawOpen"][3] == 0  # less than in the photo cannot be asked for
    np.testing.assert_allclose(moved.head + motion.head[1], motion.head, atol=1e-6)
    np.testing.assert_allclose(moved.translation[1], 0)


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
