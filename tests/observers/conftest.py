"""Pictures for the tracker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def drawn() -> Callable[..., NDArray[np.uint8]]:
    """Pictures of the procedural person, 256 x 256, by channel values."""
    from vultus import channels as ch
    from vultus.heads.person import PersonHead

    head = PersonHead("person:11", size=(256, 256), quality="draft")

    def draw(**values: float) -> NDArray[np.uint8]:
        row = np.zeros(len(ch.CHANNELS), np.float32)
        for name, value in values.items():
            row[ch.INDEX[name]] = value
        return head.frame(row).copy()

    return draw
