"""The picture of what the arms of a reenactment's claim make, from weights as a claim leaves them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from vultus import cli  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.io.image import read_image  # noqa: E402
from vultus.lab import card, checkpoint, claim, portrait_sheet, recipes  # noqa: E402
from vultus.lab.portrait_sheet import CELL, ROWS  # noqa: E402

RECORD = {"recipe": "dagan", "gains": [{"role": "quality"}, {"role": "holds", "of": "with it", "over": "plain"}]}


def keep(arms: Path, arm: str, seed: int, **changes: Any) -> None:
    """The weights and the card of an arm that has learned nothing."""
    module = recipes.load("dagan")
    config = dataclasses.replace(module.tiny, **changes)
    torch.manual_seed(seed)
    folder = claim.arm_folder(arms, arm, seed)
    folder.mkdir(parents=True)
    weights = checkpoint.as_bytes(module.Model(config).state_dict(), "vultus-weights")
    (folder / "faces.safetensors").write_bytes(weights)
    told = {"format": card.FORMAT, "version": card.VERSION, "settings": {"network": {"config": config}}}
    (folder / "faces.json").write_text(json.dumps(told, default=dataclasses.asdict))


def pair(index: int, size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(index)
    pictures = rng.integers(0, 255, (2, size, size, 3), dtype=np.uint8)
    near = np.zeros((size, size), np.float32)
    near[10:30, 10:30] = rng.uniform(0.5, 1, (20, 20))
    return {"source": pictures[0], "driving": pictures[1], "near": near}


def test_every_arm_is_built_and_loaded_as_its_card_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portrait_sheet, "pair", pair)
    for seed in (0, 1):
        keep(tmp_path, "with it", seed)
        keep(tmp_path, "plain", seed, depth_points=False, attention=False, width=8)
    made = [read_image(portrait_sheet.write(RECORD, tmp_path / "x.png", arms=tmp_path, seed=s)) for s in (0, 1)]
    assert made[0].shape == (ROWS * CELL, 6 * CELL, 3)
    tiles = [picture.reshape(ROWS, CELL, 6, CELL, 3).transpose(0, 2, 1, 3, 4) for picture in made]
    differs = (tiles[0] != tiles[1]).any((0, 2, 3, 4))
    assert differs.tolist() == [False, False, True, True, True, False]  # what comes from weights, and only that
    grey = tiles[0][0, 5, : CELL // 2]
    assert (grey == grey[..., :1]).all()
    assert not grey[: CELL // 6].any()  # behind the person


def test_without_weights_or_another_family_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VultusError, match="0 files of weights"):
        portrait_sheet.write(RECORD, tmp_path / "x.png", arms=tmp_path)
    with pytest.raises(VultusError, match="kmtalk"):
        portrait_sheet.write({**RECORD, "recipe": "kmtalk"}, tmp_path / "x.png", arms=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["claims", "kmtalk", "--sheet", "x.png"]) == 2
    assert "--sheet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_person_is_seen_turned_to_both_sides() -> None:
    seen = portrait_sheet.pair(0, 32)
    assert seen["source"].shape == seen["driving"].shape == (32, 32, 3)
    assert np.abs(seen["source"].astype(float) - seen["driving"]).mean() > 3
    assert seen["near"].max() == 1
    assert seen["near"].min() == 0
