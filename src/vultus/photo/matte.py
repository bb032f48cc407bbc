"""Which pixels of a photo are the person: MediaPipe's selfie segmenter, with edges drawn after the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.photo.filters import F32, guided, light, resized

_SIDE = 256


@lru_cache(maxsize=1)
def _net() -> Any:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=store.path("selfie_segmenter").read_bytes(), num_threads=1)
    runner.allocate_tensors()
    return runner


def person(photo: F32) -> F32:
    """How much each pixel of *photo* float32 [H, W, 3] in [0, 1] belongs to people, [H, W] in [0, 1].

    Raises VultusError when the network cannot be had.
    """
    net = _net()
    height, width = photo.shape[:2]
    side = max(height, width)
    # Padded to a square with its own edge, so that faces keep their shape.
    top, left = (side - height) // 2, (side - width) // 2
    rows = np.clip(np.arange(side) - top, 0, height - 1)
    columns = np.clip(np.arange(side) - left, 0, width - 1)
    small = resized(photo[rows][:, columns], (_SIDE, _SIDE))
    net.set_tensor(net.get_input_details()[0]["index"], small[None])
    net.invoke()
    out: NDArray[Any] = np.asarray(net.get_tensor(net.get_output_details()[0]["index"]))
    mask = out.reshape(_SIDE, _SIDE, -1)[..., -1].astype(np.float32)
    if mask.min() < 0 or mask.max() > 1.01:
        mask = np.asarray(1 / (1 + np.exp(-mask)), np.float32)
    whole = resized(mask, (side, side))[top : top + height, left : left + width]
    return guided(light(photo), np.ascontiguousarray(whole), max(round(side * 9 / 512), 2), 1e-3)
