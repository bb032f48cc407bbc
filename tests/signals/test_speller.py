"""Phones from posteriors: the likeliest path, whole in any chunks, decided in bounded time and memory."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.signals.phones import ARPABET, SILENCE, Phone
from vultus.signals.posteriors import AHEAD, CHANGE, STEP, Speller


def odds_of(labels: list[int], sure: float = 0.9) -> np.ndarray:
    """Odds [N, 40] of phones that are *sure*, the others alike."""
    out = np.full((len(labels), len(ARPABET)), (1 - sure) / (len(ARPABET) - 1), np.float32)
    out[np.arange(len(labels)), labels] = sure
    return out


def spelled(odds: np.ndarray, *sizes: int) -> list[tuple[int, int, str]]:
    """Starts and ends in frames and names of the phones, those that a border cut made one again."""
    speller, parts = Speller(), []
    for piece in np.split(odds, np.cumsum(sizes)):
        parts += speller.push(piece)
    out: list[tuple[int, int, str]] = []
    for phone in [phone for part in [*parts, *speller.finish()] for phone in part]:
        one = (round(100 * phone.start), round(100 * phone.end), phone.arpabet)
        if out and out[-1][2] == one[2]:
            assert out[-1][1] == one[0]
            out[-1] = (out[-1][0], one[1], one[2])
        else:
            out.append(one)
    return out


def test_it_spells_what_was_said() -> None:
    labels = [0] * 20 + [5] * 9 + [12] * 70 + [7] * 6 + [0] * 90
    assert spelled(odds_of(labels)) == [
        (0, 20, "SIL"), (20, 29, ARPABET[5]), (29, 99, ARPABET[12]), (99, 105, ARPABET[7]), (105, 195, "SIL"),
    ]  # fmt: skip


def test_a_frame_alone_is_no_phone_but_a_sure_phone_is() -> None:
    doubt = odds_of([3] * 10 + [4] + [3] * 10, 0.4)
    assert spelled(doubt) == [(0, 21, ARPABET[3])]
    gain = float(np.log(0.9 / (0.1 / (len(ARPABET) - 1))))
    assert gain < 2 * CHANGE + 2 < 2 * gain  # what follows is about the price of a change
    assert len(spelled(odds_of([3] * 10 + [4, 4] + [3] * 10))) == 3


def test_no_phone_depends_on_the_chunks() -> None:
    g = np.random.default_rng(4)
    odds = g.dirichlet(np.full(len(ARPABET), 0.1), 333).astype(np.float32)
    whole = spelled(odds)
    assert len(whole) > 20
    assert whole[0][0] == 0
    assert whole[-1][1] == 333
    for sizes in ((1,) * 332, (80, 80, 80), (3, 0, 200)):
        assert spelled(odds, *sizes) == whole


def test_what_is_decided_stays_and_nothing_grows() -> None:
    speller = Speller()
    parts = [part for _ in range(60) for part in speller.push(odds_of([2] * 10))]
    assert len(parts) == (600 - AHEAD) // STEP
    assert parts[0] == (Phone(0.0, STEP / 100, parts[0][0].ipa),)
    assert len(speller._from) < STEP + AHEAD
    assert np.isfinite(speller._score).all()
    assert sum(round(100 * (p.end - p.start)) for part in [*parts, *speller.finish()] for p in part) == 600


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_sound(count: int) -> None:
    speller = Speller()
    assert speller.push(odds_of([0] * count)) == []
    assert [p.ipa for part in speller.finish() for p in part] == [SILENCE] * count
    assert speller.finish() == []
