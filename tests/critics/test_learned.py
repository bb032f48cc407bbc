"""The learned judges as they are shipped: weights with a card, loaded or refused, and read with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from vultus.critics import learned
from vultus.errors import VultusError

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from vultus.critics import networks  # noqa: E402


def ship(folder: Path, name: str, network: torch.nn.Module, **changes: object) -> None:
    """Write a network and its card as training does."""
    from safetensors.torch import save

    content = save({key: value.contiguous().clone() for key, value in network.state_dict().items()})
    (folder / f"{name}.safetensors").write_bytes(content)
    card = {"format": "vultus-card", "version": 1, "sha256": hashlib.sha256(content).hexdigest(), **changes}
    (folder / f"{name}.json").write_text(json.dumps(card))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All five networks "b" with weights of chance."""
    torch.manual_seed(0)
    kinds = {"sync": networks.Sync, "reader": networks.Reader, "emotions": networks.Emotions, "units": networks.Units}
    for name, kind in kinds.items():
        ship(tmp_path, f"{name}-b", kind("b"))
    ship(tmp_path, "who-b", networks.Who("b", 7))
    monkeypatch.setattr(learned, "FOLDER", tmp_path)
    learned._loaded.cache_clear()
    return tmp_path


def test_a_network_comes_back_with_its_weights_and_without_gradients(shipped: Path) -> None:
    torch.manual_seed(0)
    wanted = networks.Sync("b").eval()
    found = learned.load("sync")
    assert not found.training
    for name, value in wanted.state_dict().items():
        assert torch.equal(value, found.state_dict()[name])
    assert not any(p.requires_grad for p in found.parameters())
    assert learned.load("who").centres.shape == (7, 64)


def test_readings_have_the_shapes_and_ranges_that_they_promise(shipped: Path) -> None:
    g = np.random.default_rng(0)
    mouths, faces = g.uniform(0, 255, (6, 48, 48)), g.uniform(0, 255, (6, 48, 48, 3))
    assert learned.lips(mouths).shape == learned.sound(g.normal(-8, 3, (24, 80))).shape == (6, 96)
    np.testing.assert_allclose(np.linalg.norm(learned.who(faces), axis=1), 1, rtol=1e-5)
    odds = learned.visemes(mouths)
    assert odds.shape == (6, 15)
    np.testing.assert_allclose(odds.sum(axis=1), 1, rtol=1e-5)
    for values, width in ((learned.emotions(faces), 7), (learned.units(faces), 52)):
        assert values.shape == (6, width)
        assert values.min() >= 0
        assert values.max() <= 1
    direct = learned.load("units")(torch.from_numpy(faces.astype(np.float32)).movedim(-1, 1)[None])[0].numpy()
    np.testing.assert_allclose(learned.units(faces), direct, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"format": "other"}, "not a card"), ({"version": 9}, "newer"), ({"sha256": "0" * 64}, "not what its card says")],
)
def test_other_cards_are_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    ship(tmp_path, "reader-b", networks.Reader("b"), **change)
    with pytest.raises(VultusError, match=says):
        learned.load("reader", "b", tmp_path)


def test_other_weights_and_absent_ones_are_refused(tmp_path: Path) -> None:
    ship(tmp_path, "reader-b", networks.Units("b"))
    with pytest.raises(VultusError, match="no network of this kind"):
        learned.load("reader", "b", tmp_path)
    ship(tmp_path, "who-b", networks.Units("b"))
    with pytest.raises(VultusError, match="no network of this kind"):
        learned.load("who", "b", tmp_path)
    with pytest.raises(VultusError, match="ships no network units-b"):
        learned.load("units", "b", tmp_path)
    with pytest.raises(VultusError, match="Did you mean reader"):
        learned.load("readers")


def test_without_torch_it_says_how_to_get_it(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "find_spec", lambda name: None)
    with pytest.raises(VultusError, match=r"torch is not installed. pip install 'vultus\[judge\]'"):
        learned.load("sync")


def test_what_training_ships_is_loaded(tmp_path: Path) -> None:
    from vultus.lab import critics

    torch.manual_seed(1)
    model = networks.Reader("b")
    card = {"name": "reader-b", "format": "vultus-card", "version": 1}
    critics.ship(model, card, lambda trained: {"share": 0.5}, tmp_path)
    found = learned.load("reader", "b", tmp_path)
    assert next(found.parameters()).dtype == torch.float32
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.state_dict()[name])
    assert learned.card("reader", "b", tmp_path)["measured"] == {"share": 0.5}
