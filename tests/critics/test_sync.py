"""LSE-D, LSE-C and the offset."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.critics.sync import distances, measure
from vultus.errors import VultusError

SOUND = np.random.default_rng(3).normal(size=(80, 8))


@pytest.mark.parametrize("late", [-10, -2, 0, 5, 15])
def test_the_offset_says_by_how_many_frames_lips_are_late(late: int) -> None:
    lips = np.roll(SOUND, late, axis=0)
    found = measure(lips, SOUND)
    assert found.offset == late
    assert found.distance == pytest.approx(0, abs=1e-12) if late else found.distance == 0
    assert found.confidence == pytest.approx(np.median(distances(lips, SOUND)))


def test_lips_of_another_clip_have_no_confidence() -> None:
    other = np.random.default_rng(4).normal(size=SOUND.shape)
    assert measure(other, SOUND).confidence < 0.1 * measure(SOUND, SOUND).confidence


def test_clips_that_are_too_short_are_refused() -> None:
    with pytest.raises(VultusError, match="15 frames"):
        measure(SOUND[:15], SOUND[:15])
    with pytest.raises(VultusError, match="fit"):
        measure(SOUND[:20], SOUND)
