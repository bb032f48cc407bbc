"""The table of judges, and what each says of cases whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vultus.critics import judges
from vultus.critics.films import Film, Words
from vultus.critics.heard import Heard
from vultus.critics.judges import JUDGES, Case
from vultus.critics.rows import shuffled
from vultus.motion import Motion
from vultus.signals.phones import Phone

COUNT = 150
G = np.random.default_rng(0)


def drift(*shape: int) -> np.ndarray:
    """Numbers that change slowly."""
    steps = np.random.default_rng(sum(shape)).normal(size=(COUNT, *shape))
    return np.cumsum(steps, axis=0).astype(np.float32)


def film(**changes: object) -> Film:
    unit = drift(16)
    odds = np.full((COUNT, 15), 0.01, np.float32)
    odds[np.arange(COUNT), heard().visemes(COUNT)] = 0.86
    readings = {
        "lips": unit / np.linalg.norm(unit, axis=1, keepdims=True), "visemes": odds,
        "units": (np.tanh(drift(52) / 10) + 1) / 2, "emotions": (np.tanh(drift(7) / 10) + 1) / 2,
        "who": np.tile([[1.0, 0.0]], (COUNT, 1)).astype(np.float32), "emonet": drift(10),
    }  # fmt: skip
    made = Film(
        "x", (64, 64), 25.0, np.ones(COUNT, bool), drift(68, 2), (np.tanh(drift(52) / 9) + 1) / 2, drift(3) / 30,
        readings, {n: r[::-1] for n, r in readings.items()},
        {n: r.mean(axis=0, keepdims=True) for n, r in readings.items()},
        np.zeros((3, 128), np.float32),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def heard() -> Heard:
    kinds = ("m", "a", "f", "i", "u")
    drawn = np.random.default_rng(3).integers(5, size=30)
    phones = tuple(Phone(0.2 * i, 0.2 * (i + 1), kinds[k]) for i, k in enumerate(drawn))
    unit = drift(16)
    embeddings = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    return Heard(6.0, -10.0, phones, True, (), np.arange(0.3, 6, 0.7), embeddings)


def by_name(name: str, of: str = "video") -> judges.Judge:
    return next(judge for judge in JUDGES if (judge.name, judge.of) == (name, of))


def test_the_table_is_whole() -> None:
    for of in ("video", "motion"):
        some = [judge for judge in JUDGES if judge.of == of]
        assert len({judge.name for judge in some}) == len(some)
        scores = [score.name for judge in some for score in judge.scores]
        assert len(set(scores)) == len(scores)
    assert {judge.name for judge in JUDGES if judge.asked} == {"emonet"}  # whose terms forbid more
    assert {judge.name for judge in JUDGES if judge.lips} == {"sync", "reader", "words", "vertices", "mouth"}


@pytest.mark.parametrize(
    "judge", [j for j in JUDGES if j.of == "video" and j.name not in ("pixels", "features", "words")]
)
def test_every_judge_of_videos_gives_its_scores_and_likes_the_copy(judge: judges.Judge) -> None:
    case = Case(film(), film(), heard(), window=1.0)
    found = judge.run(case)
    assert set(found) == {score.name for score in judge.scores}
    perfect = {"higher": 1.0, "lower": 0.0}
    for score in judge.scores:
        if ("reference" in judge.needs or "reference" in score.needs) and score.better in perfect:
            assert found[score.name] == pytest.approx(perfect[score.better], abs=1e-6), score


@pytest.mark.parametrize(("name", "score", "sign"), [
    ("sync", "LSE-C", 1), ("sync", "LSE-D", -1), ("reader", "visemes read", 1), ("reader", "viseme surprise", -1),
    ("tracked", "tracked CCC", 1), ("landmarks", "M-LMD", -1), ("units", "units CCC", 1),
    ("emotions", "emotion distance", -1), ("emonet", "EmoNet distance", -1),
])  # fmt: skip
def test_time_counts(name: str, score: str, sign: int) -> None:
    """What is shuffled, runs backwards or stands still is worse."""
    good, run = film(), by_name(name).run
    best = run(Case(good, film(), heard()))[score]
    for worse in (good.arranged(shuffled(COUNT, 25)), good.reversed(), good.held()):
        assert sign * best > sign * run(Case(worse, film(), heard()))[score]


def test_an_offset_says_how_late_lips_are() -> None:
    late = film()
    late = replace(late, readings={**late.readings, "lips": np.roll(late.readings["lips"], 4, axis=0)})
    assert by_name("sync").run(Case(film(), None, heard()))["offset"] == 0
    assert by_name("sync").run(Case(late, None, heard()))["offset"] == 4


def test_words_have_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from vultus.critics import lip_reader

    monkeypatch.setattr(lip_reader, "words", lambda: tuple(f"W{i}" for i in range(500)))
    table = G.permuted(np.tile(np.arange(500.0), (3, 1)), axis=1)
    said = tuple(f"w{int(row.argsort()[-rank])}" for row, rank in zip(table, (1, 4, 90), strict=True))
    case = Case(film(words=Words(said, table, table[:, ::-1], table[:1])))
    assert by_name("words").run(case) == {"word rank": 4, "words in first 10": pytest.approx(2 / 3)}
    ranks = judges.word_ranks(table, said, lip_reader.words())
    assert ranks.tolist() == [1, 4, 90]


def test_curves_of_motions() -> None:
    t = np.arange(100) / 25
    true = Motion.of(25, jawOpen=0.3 + 0.3 * np.sin(5 * t), head=np.stack([0.1 * np.sin(t), 0 * t, 0 * t], 1))
    made = true.replace(data=true.data * np.float32(0.5))
    found = by_name("curves", "motion").run(Case(made, true, window=1.0))
    assert set(found) == {score.name for score in by_name("curves", "motion").scores}
    assert 0.2 < found["jaw CCC"] < 0.9
    again = by_name("curves", "motion").run(Case(true, true))
    assert again["CCC"] == pytest.approx(1)
    assert again["jitter"] == pytest.approx(2 * found["jitter"], rel=1e-4)


def test_another_face_is_another_person() -> None:
    a = film(descriptors=np.zeros((4, 128), np.float32))
    b = film(descriptors=np.full((2, 128), 0.1, np.float32))
    found = by_name("identity").run(Case(a, b))
    assert found == pytest.approx({"identity drift": 0, "identity distance": 0.1 * np.sqrt(128)}, rel=1e-5)


def test_borders_are_where_windows_meet() -> None:
    assert judges.borders(100, 25, 1.5) == [38, 76]
    assert judges.borders(10, 25, 4) == []
