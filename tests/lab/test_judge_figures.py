"""The arithmetic of the judges' validation; what they find is for ``vultus bench --judges`` to say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from vultus import judge as judging
from vultus.critics.judges import JUDGES
from vultus.lab import judge_figures as jf
from vultus.lab.critics import JUDGES as NETWORKS


def values(*means: float) -> dict[str, list[float]]:
    g = np.random.default_rng(0)
    return {kind: list(m + g.normal(0, 0.01, 12)) for kind, m in zip(jf.ORDER, means, strict=True)}


@pytest.mark.parametrize(
    ("means", "sign", "falls"),
    [((4, 3, 2, 1), 1, 1), ((1, 2, 3, 4), -1, 1), ((4, 3, 1, 2), 1, 0), ((3, 4, 2, 1), 1, 0), ((2, 2, 2, 2), 1, 0)],
)
def test_an_order_holds_or_not(means: tuple[float, ...], sign: int, falls: int) -> None:
    found = {f.name: f for f in jf._order("sync", "LSE-C", values(*means), sign)}
    order = found["LSE-C falls from truth to shuffled"]
    assert order.met is bool(order.value)
    if falls or len(set(means)) > 1:
        assert order.value == falls
    assert found["LSE-C: truth"].value == pytest.approx(means[0], abs=0.02)
    if falls:
        assert found["LSE-C: loudness before shuffled, of clips drawn anew"].value > 0.99


def test_a_score_that_does_not_decide_has_no_target() -> None:
    assert all(not f.target for f in jf._order("sync", "LSE-D", values(1, 2, 3, 4), 1))
    assert list(jf._order("sync", "LSE-C", {kind: [np.nan] for kind in jf.ORDER}, 1)) == []


def test_verdicts_are_written_as_vultus_judge_reads_them(tmp_path: Path) -> None:
    good = jf.Verdict("sync", (jf.Figure("sync", "share", 0.95, ">= 0.9"), jf.Figure("sync", "offset", 3.0)))
    bad = jf.Verdict(
        "words", (jf.Figure("words", "rank", 9.0, "<= 2.5"), jf.Figure("words", "x", float("nan"), ">= 1"))
    )
    (tmp_path / "judges.json").write_text(jf.as_json([good, bad]), "utf-8")
    assert judging.failed(tmp_path / "judges.json") == {"words": "rank is 9, not <= 2.5; x is nan, not >= 1"}
    assert json.loads(jf.as_json([bad]))["judges"][0]["figures"][1]["value"] is None
    table = jf.table([good, bad])
    assert "| sync | share | 0.95 | >= 0.9 | yes |" in table
    assert table.endswith("sync: used; words: not used")


def test_bounds_and_orders_are_of_scores_that_exist() -> None:
    scores = {judge.name: {s.name for s in judge.scores} for judge in JUDGES if judge.lips}
    assert all(score in scores[judge] for judge, score in jf.DECIDES.items())
    assert set(jf.BOUNDS) == set(NETWORKS)


def test_offsets_of_drawn_seconds_say_how_sure_one_is() -> None:
    g = np.random.default_rng(0)
    lips = g.normal(size=(200, 8))
    sure = jf.offsets(np.roll(lips, 3, axis=0), lips)
    assert set(sure) == {3}
    unsure = jf.offsets(g.normal(size=(200, 8)), lips)
    assert np.quantile(unsure, 0.95) - np.quantile(unsure, 0.05) > 5


def test_the_four_motions_are_equally_long_and_differ() -> None:
    clip, motions = next(iter(jf._clips(1)))
    assert tuple(motions) == jf.ORDER
    assert {len(m) for m in motions.values()} == {len(clip.motion)}  # type: ignore[arg-type]
    jaws = np.stack([m["jawOpen"] for m in motions.values()])
    assert np.corrcoef(jaws)[0, 1] > np.corrcoef(jaws)[0, 3]
