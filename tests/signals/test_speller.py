"""Phones from posteriors: the likeliest path, whole in any chunks, decided in bounded time and memory."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.signals.phones import ARPABET, SILENCE
from vultus.signals.spelling import AHEAD, BEAM, COMMON, LONGEST, STEP, Speller, advance, shares, trigrams


def odds_of(labels: list[int], sure: float = 0.9) -> np.ndarray:
    """Odds [N, 40] of phones that are *sure*, the others alike."""
    out = np.full((len(labels), len(ARPABET)), (1 - sure) / (len(ARPABET) - 1), np.float32)
    out[np.arange(len(labels)), labels] = sure
    return out


def spelled(odds: np.ndarray, *sizes: int) -> list[tuple[int, int, str]]:
    """Starts and ends in frames and names of the phones, silences that were cut made one again."""
    speller, parts = Speller(), []
    for piece in np.split(odds, np.cumsum(sizes)):
        parts += speller.push(piece)
    out: list[tuple[int, int, str]] = []
    for phone in [phone for part in [*parts, *speller.finish()] for phone in part]:
        one = (round(100 * phone.start), round(100 * phone.end), phone.arpabet)
        assert one[0] == (out[-1][1] if out else 0)
        if out and out[-1][2] == one[2] == "SIL":
            out[-1] = (out[-1][0], one[1], "SIL")
        else:
            out.append(one)
    return out


def likeliest(odds: np.ndarray) -> list[int]:
    """The phone of each frame by trying every pair of phones after every other: slow, and without a beam."""
    count = len(ARPABET)
    score, ways = np.full((count, count), -np.inf), []
    score[0, 0] = 0
    for seen in np.log(np.maximum(odds.astype(np.float64), 1e-5)) - COMMON * shares():
        changed = score[:, :, None] + trigrams()
        changed[:, np.arange(count), np.arange(count)] = -np.inf
        best = changed.max(axis=0)
        ways.append(np.where(best > score, changed.argmax(axis=0), -1))
        score = np.maximum(best, score) + seen
    a, b = np.unravel_index(int(score.argmax()), score.shape)
    path = []
    for way in reversed(ways):
        path.append(int(b))
        if way[a, b] >= 0:
            a, b = way[a, b], a
    return path[::-1]


def test_it_spells_what_was_said() -> None:
    labels = [0] * 20 + [5] * 9 + [12] * 70 + [7] * 6 + [0] * 90
    assert spelled(odds_of(labels)) == [
        (0, 20, "SIL"), (20, 29, ARPABET[5]), (29, 99, ARPABET[12]), (99, 105, ARPABET[7]), (105, 195, "SIL"),
    ]  # fmt: skip


def test_a_doubtful_frame_alone_is_no_phone_but_a_sure_phone_is() -> None:
    said, other = ARPABET.index("AH"), ARPABET.index("ZH")
    assert [name for *_, name in spelled(odds_of([said] * 10 + [other] + [said] * 10, 0.4))] == ["AH"]
    assert [name for *_, name in spelled(odds_of([said] * 10 + [other] * 4 + [said] * 10))] == ["AH", "ZH", "AH"]


def test_english_decides_where_the_sound_does_not() -> None:
    """Between NG and G after a vowel at the end, and between H and NG at the beginning: only one of each is English."""
    vowel, ng, h = (ARPABET.index(name) for name in ("IH", "NG", "HH"))
    odds = odds_of([0] * 20 + [h] * 8 + [vowel] * 12 + [ng] * 10 + [0] * 20)
    odds[20:28, ng] = odds[40:50, h] = 0.9
    assert [name for *_, name in spelled(odds)] == ["SIL", "HH", "IH", "NG", "SIL"]


def test_the_path_is_the_likeliest() -> None:
    odds = np.random.default_rng(8).dirichlet(np.full(len(ARPABET), 0.1), 75).astype(np.float32)
    labels = [name for start, end, name in spelled(odds) for _ in range(start, end)]
    assert labels == [ARPABET[i] for i in likeliest(odds)]
    assert len(set(labels)) > 10


def test_a_beam_changes_nothing_that_is_likely() -> None:
    odds = np.random.default_rng(9).dirichlet(np.full(len(ARPABET), 0.1), 60).astype(np.float32)
    seen, count = np.log(np.maximum(odds, 1e-5)), len(ARPABET)
    ways = []
    for beam in (BEAM, 1e9):
        score = np.full((count, count), -np.inf, np.float32)
        score[0, 0] = 0
        came = np.empty((len(odds), count, count), np.int8)
        advance(seen, score, trigrams(), beam, came)
        ways.append(score)
    near = ways[1] > -BEAM / 2
    assert near.sum() > 5
    np.testing.assert_array_equal(ways[0][near], ways[1][near])


def test_trigrams_are_those_of_english() -> None:
    odds = np.exp(trigrams())
    assert odds.shape == (40, 40, 40)
    assert (odds.sum(axis=2) < 1.001).all()
    dh, ah, ng, sil = (ARPABET.index(name) for name in ("DH", "AH", "NG", "SIL"))
    assert odds[sil, dh, ah] > 0.1  # "the"
    assert odds[sil, dh, ng] < 0.001


def test_no_phone_depends_on_the_chunks() -> None:
    g = np.random.default_rng(4)
    odds = g.dirichlet(np.full(len(ARPABET), 0.1), 333).astype(np.float32)
    whole = spelled(odds)
    assert len(whole) > 20
    assert whole[0][0] == 0
    assert whole[-1][1] == 333
    for sizes in ((1,) * 332, (80, 80, 80), (3, 0, 200)):
        assert spelled(odds, *sizes) == whole


def test_shares_are_those_of_speech_with_pauses() -> None:
    share = np.exp(shares())
    assert share.sum() == pytest.approx(1, abs=1e-5)
    assert share.argmax() == 0
    assert share[ARPABET.index("AH")] > 0.03 > 0.002 > share[ARPABET.index("ZH")] > 0


def test_a_phone_comes_whole_wherever_it_is_decided() -> None:
    labels = [0] * (STEP - 8) + [5] * 16 + [9] * (STEP - 12) + [14] * 9 + [0] * 90
    speller = Speller()
    parts = [*speller.push(odds_of(labels)), *speller.finish()]
    names = [phone.arpabet for part in parts for phone in part]
    assert [name for name in names if name != "SIL"] == [ARPABET[i] for i in (5, 9, 14)]


def test_what_is_decided_stays_and_nothing_grows() -> None:
    speller = Speller()
    parts = [part for _ in range(100) for part in speller.push(odds_of([2] * 10))]
    assert [phone.duration for part in parts for phone in part] == [LONGEST / 100] * len(parts)
    assert len(parts) == (1000 - AHEAD) // LONGEST
    assert len(speller._came) < LONGEST + STEP + AHEAD
    assert np.isfinite(speller._score).any()
    assert speller._score.max() == 0
    assert sum(round(100 * (p.end - p.start)) for part in [*parts, *speller.finish()] for p in part) == 1000


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_sound(count: int) -> None:
    speller = Speller()
    assert speller.push(odds_of([0] * count)) == []
    assert [p.ipa for part in speller.finish() for p in part] == [SILENCE] * count
    assert speller.finish() == []
