"""Key frames: those in which phones are realised.

Source: "KMTalk: Speech-Driven 3D Facial Animation with Key Motion Embedding" (ECCV 2024).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

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
