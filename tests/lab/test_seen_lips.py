"""Motions are filmed, and sync says how well they go with what is heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.lab import seen_lips, speech_figures
from vultus.lab.wrong_lips import loud_jaw
from vultus.motion import Motion


def test_heads_keep_still_and_faces_do_not() -> None:
    motion = Motion.of(25, jawOpen=np.linspace(0, 1, 5), head=np.full((5, 3), 0.2), translation=np.full((5, 3), 0.1))
    still = seen_lips.still(motion)
    assert not still.head.any()
    assert not still.translation.any()
    np.testing.assert_array_equal(still["jawOpen"], motion["jawOpen"])


def test_true_lips_go_with_the_sound_better_than_somebody_elses() -> None:
    pytest.importorskip("torch")
    if why := seen_lips.missing():
        pytest.fail(f"sync is shipped and validated, but {why}")
    clip, other = speech_figures.drawn(7, 2, 0.0)
    sound, true = speech_figures.heard(clip)
    strange = np.resize(speech_figures.heard(other)[1].data, true.data.shape)
    motions = {"truth": true, "jaw": loud_jaw(sound, len(true)), "shuffled": true.replace(data=strange, body=None)}
    found = seen_lips.confidence(clip, {name: motion[:75] for name, motion in motions.items()})
    assert found["truth"] > found["shuffled"] + 0.02
    with pytest.raises(VultusError, match="no plan"):
        seen_lips.confidence(replace(clip, labels={}), motions)


def test_the_table_leaves_out_what_was_not_measured() -> None:
    full = {1: {"rules": dict.fromkeys(speech_figures.SHOWN, 1.0)}}
    assert "LSE-C" in speech_figures.drivers_table(full)
    without = {1: {"rules": {name: 1.0 for name in speech_figures.SHOWN if name != "LSE-C"}}}
    assert "LSE-C" not in speech_figures.drivers_table(without)
