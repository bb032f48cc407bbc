"""Skins differ from one another in ways that go with age, sex and tone."""

from __future__ import annotations

import numpy as np

from vultus.person import pigment
from vultus.person.appearance import settings
from vultus.person.identity import Identity
from vultus.person.skin_traits import make_up, skin_traits

PEOPLE = [Identity.from_seed(seed) for seed in range(300)]
TRAITS = np.array([skin_traits(person) for person in PEOPLE])


def column(which: int) -> np.ndarray:
    return TRAITS[:, which - pigment.FOREHEAD]


def test_every_number_has_its_place_and_range() -> None:
    numbers = settings(PEOPLE[5])
    np.testing.assert_array_equal(numbers[pigment.FOREHEAD :], TRAITS[5])
    assert len(numbers) == pigment.MOUTH_TONE + 1
    for which in (pigment.CREASE, pigment.ORBIT, pigment.MARKS, pigment.MELASMA, pigment.LINER, pigment.ROUGE):
        assert column(which).min() == 0 or which == pigment.ORBIT
        assert 0.5 < column(which).max() <= 1
    assert np.all((column(pigment.CREASE_Y) > 0.0065) & (column(pigment.CREASE_Y) < 0.012))
    for which in range(pigment.FOREHEAD, pigment.PLEATS + 1):
        assert column(which).min() > 0.25
        assert column(which).max() < 3.6


def test_traits_go_with_the_person() -> None:
    asian = np.array([person.asian > 0.6 for person in PEOPLE])
    flat = column(pigment.CREASE) == 0
    assert 0.3 < flat[asian].mean() < 0.7
    assert flat[~asian].mean() < 0.15
    woman = np.array([person.gender > 0.75 for person in PEOPLE])
    assert column(pigment.LINER)[~woman].max() < 0.75
    assert 0.2 < (column(pigment.LINER)[woman] > 0).mean() < 0.7
    has = column(pigment.MELASMA) > 0
    assert has[woman].mean() > 3 * has[~woman].mean()
    young = np.array([person.age < 32 for person in PEOPLE])
    assert (column(pigment.MARKS) > 0)[young].mean() > 2 * (column(pigment.MARKS) > 0)[~young].mean()
    assert make_up(Identity(gender=0.0, seed=4)).max() == 0


def test_lines_differ_within_one_face() -> None:
    lines = np.log(TRAITS[:, : pigment.PLEATS - pigment.FOREHEAD + 1])
    together = np.corrcoef(lines.T) - np.eye(lines.shape[1])
    assert np.abs(together).max() < 0.2
    assert lines.std(0).min() > 0.35
