"""Training on one person or scene: the loop for data sets, fed from a single clip that cameras have seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from vultus.clip import Clip
from vultus.datasets.scene import Crops, Film, Pixels
from vultus.errors import VultusError
from vultus.lab.card import About
from vultus.lab.train import fit_dataset
from vultus.recipe import Stage

__all__ = ["Crops", "Film", "Pixels", "fit_scene"]


def fit_scene(
    model: nn.Module, clip: Clip, *, stages: Sequence[Stage], out: str | Path, seed: int, about: About, **options: Any
) -> dict[str, Any]:
    """Train *model* on one *clip*; returns the card. *options* are those of :func:`vultus.lab.train.fit_dataset`.

    ``model.prepare((clip,))`` gives what to learn from (:class:`Pixels` or :class:`Crops` of a :class:`Film`, for all
    stages or by the stage's name); a model without it gets single pixels of all frames and views. A model whose
    parameters come and go has a method ``grow`` (:mod:`vultus.lab.growth`). Raises VultusError as fit_dataset does,
    and when no camera has seen the clip.
    """
    if not clip.views:
        raise VultusError(f"The clip {clip.name!r} has no pictures", "Give one that a camera has seen")
    prepare = getattr(model, "prepare", None)
    data = prepare((clip,)) if callable(prepare) else Pixels(Film(clip))
    return fit_dataset(model, data, stages=stages, out=out, seed=seed, about=about, **options)
