"""The look's own arithmetic, and that it can tell good from bad; how people look is for ``vultus bench --look``."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.heads.person import PersonHead
from vultus.lab import bench, look, look_identity
from vultus.lab.bench import Figure
from vultus.person.identity import Identity


def test_read_back_pools_people_and_takes_their_median() -> None:
    commanded = np.array([0, 0.5, 1], np.float32)
    same = look.ReadBack(commanded, np.array([[0, 0.2, 0.4], [0, 0.2, 0.4]], np.float32))
    assert same.pooled == pytest.approx(1)
    apart = look.ReadBack(commanded, np.array([[0, 0.2, 0.4], [0.6, 0.8, 1.0]], np.float32))
    assert apart.median == pytest.approx(1)
    assert apart.pooled < 0.5
    assert look.ReadBack(commanded, np.full((2, 3), 0.1, np.float32)).pooled == 0
    # Each person's own rest taken away, both moved by as much.
    assert apart.calibrated.pooled == pytest.approx(1)
    np.testing.assert_allclose(apart.calibrated.read[:, 0], 0)
    lost = look.ReadBack(commanded, np.array([[0, np.nan, 0.4]], np.float32))
    assert lost.pooled == pytest.approx(1)


def test_commands_command_what_they_read() -> None:
    commands = look.commands()
    assert len(commands) == 9
    for name, (values, rows, weights) in commands.items():
        assert rows.shape == (len(values), len(ch.CHANNELS))
        if name in look.SHAPES:
            np.testing.assert_allclose(rows[:, ch.EXPRESSION] @ weights, values, atol=1e-6)
        else:
            assert np.corrcoef(rows[:, ch.EXPRESSION] @ weights, values)[0, 1] > 0.999


def test_a_person_is_read_and_found() -> None:
    from vultus.observers.tracker import Tracker

    try:
        tracker = Tracker()
    except VultusError as error:
        pytest.skip(str(error))
    (read,) = look.read_back(range(100, 101), ("jawOpen",), 128)
    assert np.corrcoef(read["jawOpen"], look.AMPLITUDES)[0, 1] > 0.9
    head = PersonHead(Identity.from_seed(100), size=(128, 128), quality="draft")
    assert look.found(head, tracker, ((0, 0, 0), (0, 15, 0))) == 1


def test_each_keeps_the_order_of_people() -> None:
    try:
        assert list(look.each(range(5, 9), lambda seed, _: 10 * seed)) == [50, 60, 70, 80]
    except VultusError as error:
        pytest.skip(str(error))


def test_the_bench_shows_the_look_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "figures", lambda quick: iter([Figure("seen", "r", 0.9, None, ">= 0.85")]))
    assert "| seen | 0.9 r |  | >= 0.85 | yes |" in bench.bench(look=True)


def test_strangers_and_likenesses_are_counted() -> None:
    people = np.zeros((3, 128), np.float32)
    people[1, 0], people[2, 1] = 0.6, 0.8
    nearest, median, other, same = look_identity.strangers(people)
    assert (nearest.value, nearest.met) == (pytest.approx(0.6), False)
    assert median.value == pytest.approx(0.8)
    assert (other.value, same.value) == (pytest.approx(100 / 3), 0)
    farthest, _ = look_identity.same([people[:2], people[[0, 2]]])
    assert (farthest.value, farthest.met) == (pytest.approx(0.8), False)
    emptiest, women = look_identity.spread([Identity(age=age, gender=1.0) for age in (20, 35, 50, 60, 75)])
    assert (emptiest.value, women.value) == (1, 100)
    assert look_identity.spread([Identity(age=20.0)] * 8)[0].met is False
