"""Targets are tuned: on films of the tuning half, through proxies that draw, within bounds, the same way again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vultus.drivers.target_sets import read_targets
from vultus.drivers.targets import CONTROLS, PHONETIC
from vultus.signals.phones import Phone

torch = pytest.importorskip("torch")
from vultus.commands import train  # noqa: E402
from vultus.critics import lip_reader  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.lab import mouth_proxy, read_words, tune_targets  # noqa: E402
from vultus.lab.articulation_twin import WEIGHTS, pack  # noqa: E402
from vultus.lab.mouth_proxy import Pictures, Proxy  # noqa: E402
from vultus.lab.read_words import Draw  # noqa: E402
from vultus.lab.tune_targets import Film, Options  # noqa: E402

PHONES = tuple(Phone(0.1 * i, 0.1 * (i + 1), sound) for i, sound in enumerate("wimubɑfiʃu"))
JAW = WEIGHTS.index("jawOpen")


class Eye(torch.nn.Module):
    """Reads the second word where pictures are bright."""

    def forward(self, mouths: torch.Tensor) -> torch.Tensor:
        bright = mouths.mean(dim=(1, 2, 3)) / 30
        return torch.stack([torch.zeros_like(bright), bright], dim=1)


class Jaw(torch.nn.Module):
    """Draws a grey that grows with the jaw."""

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        return 300 * weights[..., JAW, None, None].expand(*weights.shape[:-1], 88, 88)


@pytest.fixture
def two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lip_reader, "words", lambda: ("FIRST", "SECOND"))
    monkeypatch.setattr(lip_reader, "lip_reader", Eye)


@pytest.mark.usefixtures("two_words")
def test_tuning_gives_the_reader_what_it_wants_within_bounds(tmp_path: Path) -> None:
    films = [Film(Draw("SECOND", 0, "formant:man", "person:1", "studio"), PHONES, 0.5)] * 4
    options = Options(steps=12, batch=2, out=tmp_path)
    found = tune_targets.tuned(options, 5, films, [Jaw()])  # type: ignore[list-item]
    jaw = CONTROLS.index("jawOpen")
    for name in ("AA", "IY", "UW"):
        assert found.rows[name].value[jaw] > PHONETIC.rows[name].value[jaw] + 0.02
    for name, row in found.rows.items():
        assert row.value.min() >= 0
        assert row.value[jaw] <= 0.55 + 1e-6
        np.testing.assert_array_equal(row.value[-2:], PHONETIC.rows[name].value[-2:])
    np.testing.assert_allclose(found.rows["ZH"].value, PHONETIC.rows["ZH"].value, atol=1e-6)  # never said
    again = tune_targets.tuned(Options(steps=12, batch=2, out=tmp_path / "again"), 5, films, [Jaw()])  # type: ignore[list-item]
    np.testing.assert_array_equal(again.rows["AA"].value, found.rows["AA"].value)


def test_between_runs_lie_their_means() -> None:
    half = {name: replace(row, value=row.value / 2, dominance=row.dominance * 4) for name, row in PHONETIC.rows.items()}
    other = replace(PHONETIC, rows=half, carry_over=PHONETIC.carry_over * 4)
    found = tune_targets.between([PHONETIC, other])
    for name, row in PHONETIC.rows.items():
        np.testing.assert_allclose(found.rows[name].value, 0.75 * row.value)
        np.testing.assert_allclose(found.rows[name].dominance, 2 * row.dominance)
    np.testing.assert_allclose(found.carry_over, 2 * PHONETIC.carry_over)
    np.testing.assert_allclose(found.anticipation, PHONETIC.anticipation)


def test_a_proxy_draws_what_it_has_seen(tmp_path: Path) -> None:
    films = pack([(PHONES, np.linspace(0, 1.1, 29))])
    weights = mouth_proxy.random_mouths(films, 300, 0)
    assert weights.shape == (300, len(WEIGHTS))
    assert weights.min() >= 0
    assert weights.max() <= 1
    np.testing.assert_array_equal(weights, mouth_proxy.random_mouths(films, 300, 0))
    ramp = np.linspace(0, 1, 88)[:, None] * np.ones(88)
    grey = np.uint8(80 + 150 * weights[:, JAW, None, None] * ramp)
    proxy, wrong = mouth_proxy.fit(Pictures(weights, grey), tmp_path, "look-0", 300)
    assert wrong < 2
    assert np.abs(grey - grey.mean(axis=0)).mean() > 5 * wrong
    assert isinstance(proxy, Proxy)
    assert not any(p.requires_grad for p in proxy.parameters())


def test_pictures_are_kept_and_made_anew_for_other_mouths(tmp_path: Path) -> None:
    weights = np.zeros((3, len(WEIGHTS)), np.float32)
    weights[:, JAW] = (0, 0.2, 0.4)
    first = mouth_proxy.drawn(tmp_path / "look.npz", "person:21", "ring", weights)
    assert first.grey.shape == (3, 88, 88)
    assert np.abs(first.grey[2].astype(int) - first.grey[0]).mean() > 1
    written = (tmp_path / "look.npz").stat().st_mtime_ns
    again = mouth_proxy.drawn(tmp_path / "look.npz", "person:21", "ring", weights)
    np.testing.assert_array_equal(again.grey, first.grey)
    assert (tmp_path / "look.npz").stat().st_mtime_ns == written
    weights[:, JAW] = 0
    other = mouth_proxy.drawn(tmp_path / "look.npz", "person:21", "ring", weights)
    np.testing.assert_array_equal(other.grey[2], other.grey[0])


def test_films_keep_phones_and_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = [
        Draw("PEOPLE", 0, "formant:man", "person:1", "studio"),
        Draw("AFTER", 1, "formant:man", "person:1", "ring"),
    ]
    monkeypatch.setattr(read_words, "draws", lambda half, number, seed: draws[:number])
    made = tune_targets.films(tmp_path / "films.json", 2, 0)
    assert [film.draw for film in made] == draws
    monkeypatch.setattr(read_words, "said", lambda draw: pytest.fail("it was kept"))
    assert tune_targets.films(tmp_path / "films.json", 2, 0) == made
    assert abs(made[0].times[14] - made[0].middle) < 1e-9


def test_pictures_vary_as_cameras_do() -> None:
    torch.manual_seed(0)
    film = torch.zeros(6, 4, 88, 88)
    film[:, :, 40:48, 30:38] = 200.0
    varied = tune_targets.photographed(film)
    assert varied.shape == film.shape
    assert varied.min() >= 0
    assert varied.max() <= 255
    places = {int(some[0].argmax()) // 88 for some in varied}
    assert len(places) > 1


def test_looks_are_of_many_people_and_lights() -> None:
    looks = tune_targets.people_and_lights(Options.looks)
    assert len(set(looks)) == len(looks)
    assert len({person for person, _ in looks}) >= 8
    assert len(set(tune_targets.people_and_lights(15))) == 15
    assert {light for _, light in looks} == set(read_words.LIGHTS["tuning"])


@pytest.mark.parametrize("changes", [{"layers": "3"}, {"steps": "0"}, {"batch": "many"}])
def test_bad_fields_are_refused_before_any_work(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(VultusError):
        train.targets(tmp_path, 0, changes, "cpu")
    assert not list(tmp_path.iterdir())


def test_what_ships_says_how_it_was_made() -> None:
    import json
    from importlib.resources import files

    content = (files("vultus") / "data" / "targets_tuned.json").read_bytes()
    card = json.loads(content)["card"]
    assert read_targets(content).name == "tuned"
    assert card["reader"] == tune_targets.READER
    assert card["command"].startswith("vultus train targets")
    assert card["words"] >= 200
    assert len(card["voices"]) >= 4
    assert len(card["looks"]) >= 8
