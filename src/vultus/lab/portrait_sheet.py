"""What the arms of a claim about reenactment make of people whom they have not seen, as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.lab import claim, recipes
from vultus.lab.sheets import grid, labelled

U8 = NDArray[np.uint8]
SEED: Final = 29
"""Of the people and what they do; claims use others."""
ROWS: Final = 4
CELL: Final = 144
"""Pixels that a picture is enlarged to: recipes of a claim draw few."""


def write(record: Mapping[str, Any], out: str | Path, *, arms: Path | None = None, seed: int = 0) -> Path:
    """Draw for a claim's *record* into the picture file *out*: a person a row, whose head turns far between the source
    and the driving picture, which is the true one too. Then what the two arms of the claim's first gain make, and where
    the better one has a depth of its own (``nearness``) that, and the true one; brighter is nearer.

    The weights are those that ``vultus claims`` left in the folder *arms* for *seed*. VultusError when the recipe is no
    reenactment, and when they are not there or of another recipe.
    """
    from vultus.io.image import write_image

    name = str(record["recipe"])
    if recipes.facts(name).family != "reenactment":
        raise VultusError(f"{name} does not move a portrait by a film", "Give a recipe of the family reenactment")
    gain = next(row for row in record["gains"] if row["role"] == "holds")
    place = claim.arms_folder(name) if arms is None else arms
    models = {arm: _model(name, place, arm, seed) for arm in (gain["over"], gain["of"])}
    size = models[gain["of"]].config.size
    write_image(out, sheet(models, [pair(index, size) for index in range(ROWS)]))
    return Path(out)


def pair(index: int, size: int) -> dict[str, NDArray[Any]]:
    """The person *index*, unseen: ``source`` and ``driving`` uint8 [size, size, 3] at the two moments whose heads are
    turned most from each other, and the driving one's ``near`` float32 [size, size], 0 behind the person."""
    from vultus.critics.reenacted import yaw
    from vultus.stage import portraits

    clip = portraits.clip(index, seed=SEED, size=size, split="test")
    assert clip.motion is not None  # noqa: S101
    turn = yaw(clip.motion.data)
    source, driving = (next(clip.view().each("frames", "depth", first=at, stop=at + 1))
                       for at in (int(turn.argmin()), int(turn.argmax())))  # fmt: skip
    near = portraits.nearness({"depth": driving["depth"][None, None]})[0, 0]
    return {"source": source["frames"], "driving": driving["frames"], "near": near}


def sheet(models: Mapping[str, Any], pairs: list[dict[str, NDArray[Any]]]) -> U8:
    """The picture [H, W, 3] of some :func:`pair`: every model's frame by its name, and the last one's depth."""
    rows: list[U8] = []
    for seen in pairs:
        film = np.stack([seen["source"], seen["driving"]])  # motion is told by what changes after the first frame
        tiles = {"source": seen["source"], "driving, true": seen["driving"]}
        tiles |= {name: model(picture=seen["source"], frames=film)[-1] for name, model in models.items()}
        if (depth := _nearness(list(models.values())[-1], seen["driving"])) is not None:
            tiles |= {"learned depth": _grey(depth), "true depth": _grey(seen["near"])}
        rows += [labelled(_enlarged(tile), text) for text, tile in tiles.items()]
    return grid(rows, len(rows) // len(pairs))


def _nearness(model: Any, picture: U8) -> NDArray[np.float32] | None:
    """What *model* takes to be near in a *picture* [H, W, 3]: [H, W], or None where it has no depth."""
    import torch

    if not callable(getattr(model, "nearness", None)):
        return None
    found = model.nearness(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255)
    return None if found is None else np.asarray(found[0, 0].numpy(), np.float32)


def _grey(values: NDArray[np.float32]) -> U8:
    """Values [H, W] as a picture; depth is known up to a factor and a shift, so the range above 0 is stretched."""
    shown = values[values > 0]
    low, high = np.percentile(shown, (1, 99)) if len(shown) else (0.0, 1.0)
    level = np.clip((values - low) / max(high - low, 1e-6), 0, 1) * (values > 0)
    return np.repeat((235 * level).round().astype(np.uint8)[..., None], 3, axis=2)


def _enlarged(tile: U8) -> U8:
    from PIL import Image

    return np.asarray(Image.fromarray(tile).resize((CELL, CELL), Image.Resampling.BICUBIC))


def _model(name: str, arms: Path, arm: str, seed: int) -> Any:
    """The model that the *arm* of a claim trained with *seed*, built as its card says."""
    from vultus.lab import card, checkpoint

    folder = claim.arm_folder(arms, arm, seed)
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise VultusError(f"{folder} holds {len(found)} files of weights, not one", f"Run vultus claims {name}")
    module = recipes.load(name)
    told = card.read(found[0].with_suffix(".json"))["settings"]["network"]["config"]
    model = module.Model(_as_told(module.tiny, told))
    checkpoint.load_weights(model, found[0])
    return model.eval()


def _as_told(config: Any, told: Mapping[str, Any]) -> Any:
    """A frozen *config* with the values that a card keeps as JSON."""
    changes = {}
    for field in fields(config):
        if field.name in told:
            old, new = getattr(config, field.name), told[field.name]
            changes[field.name] = (
                _as_told(old, new) if is_dataclass(old) else tuple(new) if isinstance(old, tuple) else new
            )
    return replace(config, **changes)
