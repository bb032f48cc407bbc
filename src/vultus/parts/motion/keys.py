"""Key frames: those in which phones are realised, and what lies between them.

Source: "KMTalk: Speech-Driven 3D Facial Animation with Key Motion Embedding" (ECCV 2024).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rule = Literal["middle", "onset", "end"]


def key_frames(phones: NDArray[np.floating], frames: int, fps: float, rule: Rule = "middle") -> NDArray[np.bool_]:
    """Which of *frames* are keys: one for each phone [.., P, 3] (start, end, place in ``ARPABET``; NaN for none), and
    the first and the last. Phones that fall on one frame share it; silence (place 0) has none."""
    start, end, name = np.moveaxis(np.asarray(phones, np.float64), -1, 0)
    time = {"middle": (start + end) / 2, "onset": start, "end": end}[rule]
    said = np.isfinite(time) & (name > 0)
    at = np.clip(np.where(said, time * fps, 0).round().astype(int), 0, frames - 1)
    keys = (said[..., None] & (at[..., None] == np.arange(frames))).any(-2)
    keys[..., [0, -1]] = True
    return keys


def between(values: Tensor, keys: Tensor) -> Tensor:
    """*values* [B, T, D] at the frames in *keys* bool [B, T], which hold the first and last; linear between them."""
    time = torch.arange(keys.shape[1], device=keys.device).expand_as(keys)
    before = torch.where(keys, time, 0).cummax(1).values
    after = torch.where(keys, time, keys.shape[1]).flip(1).cummin(1).values.flip(1)
    weight = ((time - before) / (after - before).clamp(min=1))[..., None]
    a, b = (values.gather(1, at[..., None].expand_as(values)) for at in (before, after))
    return a + weight * (b - a)


def gathered(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Keys bool [B, T] -> their frames int64 [B, K], in order, and which of them are keys, bool [B, K]."""
    most = int(keys.sum(1).max())
    at = torch.argsort(keys.int(), dim=1, descending=True, stable=True)[:, :most]
    return at, keys.gather(1, at)
