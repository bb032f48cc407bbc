"""The order of the row that is shuffled."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vultus.critics.rows import shuffled


@given(st.integers(0, 400), st.integers(1, 60), st.integers(0, 5))
def test_every_frame_comes_once(count: int, length: int, seed: int) -> None:
    assert sorted(shuffled(count, length, seed)) == list(range(count))


@pytest.mark.parametrize("count", [8, 100, 217, 1000])
def test_no_stretch_stays_and_stretches_stay_whole(count: int) -> None:
    order = shuffled(count, 25, 3)
    pieces = max(count // 25, 4)
    edges = np.linspace(0, count, pieces + 1).round().astype(int)
    begins = np.flatnonzero(np.diff(order, prepend=-9) != 1)
    assert set(order[begins]) <= set(edges)
    moved = [not np.array_equal(order[a:b], np.arange(a, b)) for a, b in pairwise(edges)]
    assert all(moved)


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(shuffled(200, 25, 1), shuffled(200, 25, 1))
    assert not np.array_equal(shuffled(200, 25, 1), shuffled(200, 25, 2))
