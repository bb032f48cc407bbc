"""Names, order, limits and mirror pairs of the 69 channels."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch


def test_there_are_52_arkit_names_and_69_channels_without_doubles() -> None:
    assert len(ch.ARKIT) == 52
    assert len(ch.CHANNELS) == len(set(ch.CHANNELS)) == 69
    assert ch.CHANNELS[:52] == ch.ARKIT
    assert len(set(ch.VISEMES)) == 15


def test_arkit_is_in_the_order_of_live_link_face() -> None:
    # The corners and turning points of the header that the app writes.
    at = {0: "eyeBlinkLeft", 6: "eyeWideLeft", 7: "eyeBlinkRight", 13: "eyeWideRight", 14: "jawForward",
          17: "jawOpen", 18: "mouthClose", 41: "browDownLeft", 46: "cheekPuff", 51: "tongueOut"}  # fmt: skip
    assert {i: ch.ARKIT[i] for i in at} == at


def test_groups_cover_the_channels_in_order_and_do_not_overlap() -> None:
    groups = (ch.EXPRESSION, ch.NECK, ch.HEAD, ch.EYE_LEFT, ch.EYE_RIGHT, ch.TRANSLATION, ch.TONGUES)
    assert np.concatenate([np.arange(69)[g] for g in groups]).tolist() == list(range(69))
    assert [g.stop - g.start for g in groups] == [52, 3, 3, 3, 3, 3, 2]
    assert ch.CHANNELS[ch.HEAD] == ("headRotationX", "headRotationY", "headRotationZ")


def test_limits_hold_zero_and_cannot_be_changed() -> None:
    assert (ch.LOW <= 0).all()
    assert (ch.HIGH > 0).all()
    assert (ch.LOW[ch.EXPRESSION] == 0).all()
    assert (ch.HIGH[ch.EXPRESSION] == 1).all()
    for limit in (ch.LOW, ch.HIGH, ch.MIRROR_SIGN, ch.MIRROR_SOURCE):
        with pytest.raises(ValueError, match="read-only"):
            limit[0] = 5


def test_limits_are_symmetric_under_the_mirror() -> None:
    ends = np.sort(np.stack([ch.LOW, ch.HIGH])[:, ch.MIRROR_SOURCE] * ch.MIRROR_SIGN, axis=0)
    np.testing.assert_array_equal(ends, [ch.LOW, ch.HIGH])


def test_mirror_pairs_left_with_right_and_is_its_own_inverse() -> None:
    np.testing.assert_array_equal(ch.MIRROR_SOURCE[ch.MIRROR_SOURCE], np.arange(69))
    for name, i in ch.INDEX.items():
        other = ch.CHANNELS[ch.MIRROR_SOURCE[i]]
        assert ("Left" in name, "Right" in name) == ("Right" in other, "Left" in other)
    assert ch.CHANNELS[ch.MIRROR_SOURCE[ch.INDEX["jawLeft"]]] == "jawRight"


def test_regions_are_disjoint_and_leave_out_only_what_follows_the_gaze() -> None:
    columns = [i for region in ch.REGIONS.values() for i in region]
    assert len(columns) == len(set(columns))
    left_out = {ch.CHANNELS[i] for i in set(range(69)) - set(columns)}
    assert left_out == {name for name in ch.ARKIT if name.startswith("eyeLook")}


def test_every_region_is_the_same_on_both_sides() -> None:
    for region in ch.REGIONS.values():
        assert set(ch.MIRROR_SOURCE[list(region)]) == set(region)
