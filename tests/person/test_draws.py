"""Traits step evenly through the seeds, and no two people of a batch have all of them in common."""

from __future__ import annotations

import numpy as np

from vultus.person import draws


def _apart(values: np.ndarray) -> float:
    """The smallest distance of two rows of *values* [N, D] in [0, 1), around the circle in each column."""
    steps = np.abs((values[:, None] - values[None] + 0.5) % 1 - 0.5)
    return float(np.sqrt((steps**2).sum(2))[np.triu_indices(len(values), 1)].min())


def test_no_two_of_64_people_have_their_traits_in_common() -> None:
    rng = np.random.default_rng(0)
    chance = np.mean([_apart(rng.uniform(size=(64, len(draws._STEPS)))) for _ in range(20)])
    for first in (0, 1000, 2**40):
        even = np.array([[draws.uniform(first + i, name) for name in draws._STEPS] for i in range(64)])
        assert _apart(even) > 1.15 * chance


def test_every_trait_takes_all_values_and_none_goes_with_another() -> None:
    values = np.array([[draws.uniform(seed, name) for name in draws._STEPS] for seed in range(256)])
    assert ((values > 0) & (values < 1)).all()
    counts = np.array([np.histogram(column, bins=8, range=(0, 1))[0] for column in values.T])
    assert counts.min() > 20
    assert counts.max() < 46
    together = np.corrcoef(values.T) - np.eye(values.shape[1])
    assert np.abs(together).max() < 0.5  # steps of which one is a multiple of the other are related a little


def test_a_draw_depends_on_seed_and_name_alone() -> None:
    for name in ("nose_length", "ear_lobe"):
        assert draws.uniform(7, name) == draws.uniform(7, name) != draws.uniform(8, name)
    assert draws.uniform(7, "ear_lobe") != draws.uniform(7, "ear_flap")
    assert 0 < draws.uniform(2**64 - 1, "nose_length") < 1
