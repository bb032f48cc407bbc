"""Batches of pictures of one person: functions of seed and step, the right neighbours, and extras that go along."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vultus import channels as ch
from vultus.clip import Clip, Frame, View
from vultus.datasets.pairs import Neighbours, Pairs, moving
from vultus.errors import VultusError
from vultus.io.image import planes, square
from vultus.motion import Motion

SIDE = 8


def clip(person: int, frames: int = 6, motion: Motion | None = None) -> Clip:
    """Pictures that say who (red), when (green) and, from left to right, where (blue)."""
    film = np.zeros((frames, SIDE, SIDE, 3), np.uint8)
    film[..., 0], film[..., 1] = 20 * person, 20 * np.arange(frames)[:, None, None]
    film[..., 2] = 30 * np.arange(SIDE)

    def read(names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        return (dict.fromkeys(names, frame) for frame in film[first:stop])

    view = View(("frames",), frames, (SIDE, SIDE), 25.0, (), read)
    return Clip(f"clip {person}", motion=motion, views=(view,))


def test_both_pictures_are_of_one_clip_and_differ() -> None:
    batch = Pairs([clip(i) for i in range(1, 6)], SIDE, change=False).batch(3, 40, 7)
    source, driving = (np.rint(255 * batch[name]).astype(int) for name in ("source", "driving"))
    assert source.shape == (40, 3, SIDE, SIDE)
    np.testing.assert_array_equal(source[:, 0], driving[:, 0])
    assert (source[:, 1, 0, 0] != driving[:, 1, 0, 0]).all()
    assert len(set(source[:, 0, 0, 0])) == 5


def test_batches_depend_on_seed_and_step_alone() -> None:
    data = Pairs([clip(1), clip(2)], SIDE)
    one, again = data.batch(4, 6, 1), Pairs([clip(1), clip(2)], SIDE).batch(4, 6, 1)
    for name, value in one.items():
        np.testing.assert_array_equal(value, again[name])
    assert not np.array_equal(one["source"], data.batch(5, 6, 1)["source"])
    assert not np.array_equal(one["source"], data.batch(4, 6, 2)["source"])


def test_a_pair_is_mirrored_as_a_whole_and_its_extra_channel_with_it() -> None:
    clips = [clip(i) for i in range(1, 5)]

    def more(number: int, at: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return clips[number].view().stack("frames", at, at + 1)[0, :, :, 2][None].astype(np.float32)

    batch = Pairs(clips, SIDE, more=more).batch(0, 60, 0)
    ways = {}
    for name in ("source", "driving"):
        way = np.sign(batch[name][:, 2, 0, -1] - batch[name][:, 2, 0, 0])
        np.testing.assert_array_equal(way, np.sign(np.diff(batch[f"{name}_extra"][:, 0, 0, [0, -1]])[:, 0]))
        ways[name] = way
        assert batch[name].min() >= 0
        assert batch[name].max() <= 1
        assert batch[name].dtype == np.float32
    np.testing.assert_array_equal(ways["source"], ways["driving"])
    assert {-1, 1} == set(ways["source"])


def test_neighbours_lie_before_and_after() -> None:
    batch = Neighbours([clip(i) for i in range(1, 4)], SIDE, apart=2).batch(0, 30, 0)
    when = {name: np.rint(255 * batch[name][:, 1, 0, 0] / 20).astype(int) for name in ("before", "target", "after")}
    np.testing.assert_array_equal(when["target"] - when["before"], 2)
    np.testing.assert_array_equal(when["after"] - when["target"], 2)


def test_strangers_are_the_neighbours_of_others() -> None:
    clips = [clip(i) for i in range(1, 9)]
    own, other = (Neighbours(clips, SIDE, strangers=some).batch(1, 8, 3) for some in (False, True))
    np.testing.assert_array_equal(own["target"], other["target"])
    np.testing.assert_array_equal(other["before"][:-1], own["before"][1:])
    np.testing.assert_array_equal(other["after"][:-2], own["after"][2:])


def test_moments_in_which_the_head_turns_are_preferred() -> None:
    rows = np.zeros((8, len(ch.CHANNELS)), np.float32)
    rows[5:, ch.HEAD.start + 1] = 0.2
    assert moving(Motion(rows, 25), 8, 1, 0.1).tolist() == [4, 5]
    assert moving(Motion(rows, 25), 8, 1, 0.5).tolist() == [1, 2, 3, 4, 5, 6]  # nothing turns so far: all of them
    assert moving(None, 4, 1, 0.1).tolist() == [1, 2]


def test_too_short_clips_are_passed_over_or_refused() -> None:
    one = np.rint(255 * Pairs([clip(1, 1), clip(2)], SIDE, change=False).batch(0, 8, 0)["source"])
    assert (one[:, 0] == 40).all()
    for data in (Pairs([clip(1, 1)], SIDE), Neighbours([clip(1, 2)], SIDE), Pairs([Clip("bare")], SIDE)):
        with pytest.raises(VultusError, match="No clip has"):
            data.batch(0, 2, 0)


def test_squares_and_planes() -> None:
    picture = np.zeros((4, 10, 3), np.uint8)
    picture[:, 3:7] = 200
    assert (square(picture, 4) == 200).all()
    assert square(picture, 2).shape == (2, 2, 3)
    assert planes([picture]).shape == (1, 3, 4, 10)
    assert planes([picture]).max() == np.float32(200 / 255)
    for bad in (picture.astype(float), picture[..., 0], picture[:0]):
        with pytest.raises(VultusError):
            square(bad, 4)
