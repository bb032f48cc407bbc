"""The alphabet of the neural voices, and the times that its characters get."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.signals.phones import ARPABET, from_arpabet
from vultus.voices import misaki

ALPHABET = "AIOWYQTbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹʃʊʌʒʤʧˈˌθᵊᵻ .,?!ː"


@pytest.fixture(autouse=True)
def alphabet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misaki, "vocabulary", lambda: {c: i for i, c in enumerate(ALPHABET, 1)})


def test_characters_become_phones_at_their_times() -> None:
    line = "hˈIlO, bˈɜɹd."
    steps = np.array([4, 2, 2, 6, 3, 5, 1, 4, 3, 2, 4, 2, 3, 2, 5], float)  # around and of each character
    phones = misaki.timed(line, steps, float(steps.sum()) / 10)
    assert [(p.ipa, p.stress) for p in phones] == [
        ("", 0), ("h", 0), ("aɪ", 1), ("l", 0), ("oʊ", 0), ("", 0), ("b", 0), ("ɝ", 1), ("d", 0), ("", 0),
    ]  # fmt: skip
    # The stress mark (2 steps) belongs to the vowel after it; comma and space (6) are a silence; ɜ and ɹ are one.
    assert [round(10 * p.start) for p in phones] == [0, 4, 6, 14, 17, 22, 27, 30, 38, 41]
    assert phones[-1].end == pytest.approx(steps.sum() / 10)


def test_a_short_space_goes_to_its_neighbours() -> None:
    phones = misaki.timed("m i", np.array([10, 3, 2, 3, 10.0]), 0.28)
    assert [p.ipa for p in phones] == ["", "m", "i", ""]
    assert phones[1].end == pytest.approx(0.14)


@pytest.mark.parametrize("name", [n for n in ARPABET if n != "SIL"])
def test_every_phone_has_a_character(name: str) -> None:
    ipa, _ = from_arpabet(name)
    (line,) = misaki.from_sounds([("m", 0), (ipa, 1), ("n", 0)])
    phones = misaki.timed(line, np.ones(len(line) + 2), 1.0)
    assert [p.arpabet for p in phones if p.ipa] == ["M", name, "N"]


def test_pauses_and_long_input() -> None:
    assert misaki.from_sounds([]) == []
    assert misaki.from_sounds([("m", 0), ("", 0), ("m", 0)]) == ["m, m."]
    lines = misaki.from_sounds([("m", 0), ("i", 1)] * 900)
    assert len(lines) > 4
    assert all(len(line) <= 400 for line in lines)
    assert sum(line.count("m") for line in lines) == 900


def test_no_line_is_too_long_for_the_networks() -> None:
    lines = misaki._cleaned(["mim " * 300, "i" * 900, "?!", "☃"])
    assert all(len(line) <= 400 for line in lines)
    assert "".join(lines) == "mim " * 300 + "i" * 900


def test_a_network_with_other_bytes_is_refused() -> None:
    with pytest.raises(VultusError, match="another network"):
        misaki.model_bytes("vultus", [("vultus", "py.typed")], "0" * 64)
