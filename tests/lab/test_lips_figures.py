"""The table of ``vultus bench --lips``: its rows, its figures, its lines."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.channels import HEAD, INDEX, NECK
from vultus.lab import other_lips, read_words

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from vultus.lab import lips_figures


def test_every_row_shows_the_same_moments_of_a_head_that_keeps_still() -> None:
    some = read_words.said(read_words.Draw("PEOPLE", 0, "formant:man", "person:21", "ring"))
    assert some is not None
    rows = lips_figures.rows(some)
    assert {"phonetic", "tuned", "rules, with text", "rules, sound alone", "learned", "learned, live"} <= set(rows)
    assert (set(other_lips.OPENFACEFX) <= set(rows)) == (not other_lips.missing())
    for motion in rows.values():
        assert motion.shape == (29, 69)
        assert not motion[:, HEAD].any()
        assert not motion[:, NECK].any()
    closed = rows["phonetic"][:, INDEX["mouthClose"]]
    assert closed.max() > 0.01
    np.testing.assert_array_equal(rows["phonetic, reversed in time"][::-1], rows["phonetic"])
    assert not rows["mouths that keep still"].any()
    text = rows["rules, with text"][:, INDEX["mouthClose"]]
    assert np.corrcoef(closed, text)[0, 1] > 0.5
    only = np.flatnonzero(rows["loudness jaw"].any(axis=0))
    assert only.tolist() == [INDEX["jawOpen"]]


def test_figures_are_of_all_seeds() -> None:
    low = dict(zip(lips_figures.SHOWN, (10.0, 10.0, 40.0), strict=True))
    high = dict(zip(lips_figures.SHOWN, (2.0, 60.0, 90.0), strict=True))
    names = ("phonetic", "tuned", "rules, with text", "rules, sound alone", "learned")
    values = {1: dict.fromkeys(names, low), 2: dict.fromkeys(names, high)}
    table = lips_figures.drivers_table(values, lips_figures.SHOWN, "lips", 1)
    assert "| tuned | 6.0 ± 4.0 | 35.0 ± 25.0 | 65.0 ± 25.0 |" in table
    met = {figure.name: figure.met for figure in lips_figures.figures(values)}
    assert met == {
        "phonetic: median rank": True, "tuned: median rank": False, "tuned: top 1": False,
        "learned ahead of the rules without text": True, "learned: top 10 against the rules with text": True,
    }  # fmt: skip


def test_a_summary_counts_the_first_ones() -> None:
    found = lips_figures.summary(np.array([1, 1, 10, 11]))
    assert found == {"median rank": 5.5, "top 1 %": 50.0, "top 10 %": 75.0}
