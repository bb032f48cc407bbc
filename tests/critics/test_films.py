"""How a video becomes numbers: rates, stretches, words, and the rows."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.critics import films


def look(value: float, chip: bool = False) -> films._Look:
    def full(*shape: int) -> np.ndarray:
        return np.full(shape, value, np.float32)

    return films._Look(
        full(68, 2), full(52), full(3), full(48, 48), full(48, 48, 3), full(88, 88),
        full(150, 150, 3) if chip else None, None,
    )  # fmt: skip


def at_rate(values: list[float | None], fps: float) -> list[float | None]:
    shown = [(i / fps, None if v is None else look(v)) for i, v in enumerate(values)]
    return [None if some is None else float(some.turn[0]) for _, some in films._at_rate(iter(shown))]


def test_pictures_of_any_rate_come_25_times_a_second() -> None:
    assert at_rate([0, 1, 2, 3], 25) == pytest.approx([0, 1, 2, 3])
    np.testing.assert_allclose(at_rate([0, 1, 2, 3], 12.5), [0, 0.5, 1, 1.5, 2, 2.5, 3], atol=1e-5)
    np.testing.assert_allclose(at_rate(list(range(6)), 30), [0, 1.2, 2.4, 3.6, 4.8], atol=1e-5)
    assert len(at_rate([1.0] * 60, 60)) == 25


def test_where_no_face_is_found_nothing_is_seen() -> None:
    assert at_rate([None, 1, None, 3], 25) == [None, 1, None, 3]
    assert at_rate([None, 1, None], 12.5) == [None, None, 1, 1, None]


def smooth(crops: np.ndarray) -> np.ndarray:
    """A network that sees 10 frames to either side, and which way time runs."""
    level = np.asarray(crops, np.float64).reshape(len(crops), -1).mean(axis=1)
    held = np.pad(level, 10, "edge")
    weights = np.arange(21) / 210
    return np.convolve(held, weights, "valid")[:, None]


@pytest.mark.parametrize("count", [3, 100, 113, 350])
def test_stretches_read_what_the_whole_reads(count: int) -> None:
    crops = np.random.default_rng(0).uniform(0, 255, (count, 2, 2))
    some = films.Stretches(smooth)
    for crop in crops:
        some.push(crop)
    forward, backward, still = some.finish()
    np.testing.assert_allclose(forward, smooth(crops), atol=1e-9)
    np.testing.assert_allclose(backward, smooth(crops[::-1]), atol=1e-9)
    np.testing.assert_allclose(still, smooth(np.repeat(crops.mean(axis=0)[None], 25, 0))[:1])
    assert len(some._held) <= 100 + 2 * 12


def test_words_are_read_in_the_middle_of_29_frames() -> None:
    def scores(clips: np.ndarray) -> np.ndarray:
        return clips[:, :, 0, 0].astype(np.float32)

    reader = films._WordReader([("b", 3.9, 4.1), ("a", 1.0, 1.4), ("late", 9.0, 9.2)], scores)
    for i in range(110):
        reader.push(np.full((88, 88), i, np.float32))
    words = reader.finish()
    assert words is not None
    assert words.said == ("a", "b")
    np.testing.assert_array_equal(words.forward[0], np.arange(30 - 14, 30 + 15))
    np.testing.assert_array_equal(words.backward[0], words.forward[0][::-1])
    # The last word's window reaches beyond the end, where the last picture is held.
    np.testing.assert_array_equal(words.forward[1], np.minimum(np.arange(100 - 14, 100 + 15), 109))
    np.testing.assert_allclose(words.still, 54.5)
    np.testing.assert_array_equal(words.swapped()[0], words.forward[1])
    assert films._WordReader([("late", 9.0, 9.2)], scores).finish() is None


def a_film(count: int) -> films.Film:
    g = np.random.default_rng(1)
    gatherer = films._Gatherer({"lips": films.Reader("mouths", smooth)}, (), None, False)
    levels = g.uniform(0, 255, count)
    for i, level in enumerate(levels):
        gatherer.push(i != 2, look(level) if i != 2 else None)
    return gatherer.finish("x.mp4", (64, 64), 25.0)


def test_rows_of_a_film() -> None:
    film = a_film(40)
    assert not film.seen[2]
    np.testing.assert_array_equal(film.marks[2], film.marks[1])  # held
    back = film.reversed()
    np.testing.assert_array_equal(back.turn, film.turn[::-1])
    level = film.turn[:, 0]
    np.testing.assert_allclose(back.readings["lips"], smooth(level[::-1, None]), rtol=1e-4)
    still = film.held()
    assert np.ptp(still.marks, axis=0).max() == 0
    assert still.readings["lips"].shape == film.readings["lips"].shape
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(film.arranged(order).scores, film.scores[order])
    assert len(film.cut(7)) == 7
    assert film.cut(99) is film
