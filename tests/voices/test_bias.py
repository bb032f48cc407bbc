"""The measure of voices: figures that follow from what goes in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vultus.signals.phones import Phone
from vultus.voices import bias, formant


def test_sentences_of_words_alone() -> None:
    found = bias.texts(30, 1)
    assert len(set(found)) == 30
    assert all(25 <= len(text) <= 90 and not any(c.isdigit() for c in text) for text in found)
    assert set(found).isdisjoint(bias.texts(30, 100))


def test_a_late_voice_is_measured_as_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right = bias.measure("formant:man", 4, seed=2)
    speak = formant.speak

    def late(*given: object, **named: object) -> tuple[object, list[Phone]]:
        samples, phones = speak(*given, **named)  # type: ignore[arg-type]
        return samples, [Phone(p.start + 0.06, p.end + 0.06, p.ipa, p.stress) for p in phones]

    monkeypatch.setattr(formant, "speak", late)
    wrong = bias.measure("formant:man", 4, seed=2)
    assert wrong.bias - right.bias == pytest.approx(0.06, abs=1e-6)
    assert wrong.after > 0.045 > 0.02 > right.after
    assert wrong.boundaries == right.boundaries > 50
    assert right.matched > 0.8
    assert right.late == 0.0
    monkeypatch.setattr(formant, "LATE", 0.06, raising=False)  # as if the voice had been corrected by 60 ms
    assert bias.measure("formant:man", 4, seed=2).before == pytest.approx(np.abs(wrong.bias) + 0.06, abs=0.02)


def test_a_bench_is_a_table_and_a_file(tmp_path: Path) -> None:
    steps: list[tuple[float, float | None]] = []
    file = tmp_path / "voices.json"
    table = bias.bench(2, ["formant:woman"], json_path=file, progress=lambda *s: steps.append(s))
    assert table.splitlines()[2].startswith("| formant:woman | 2 | ")
    assert steps == [(1.0, 1.0)]
    (row,) = json.loads(file.read_text("utf-8"))["voices"]
    assert row["voice"] == "formant:woman"
    assert 0 < row["after"] < 0.05
