"""The tracker and pictures for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vultus import store
from vultus.errors import VultusError


def asset(name: str) -> str:
    """The file of an asset; the test is skipped, with the reason, where it cannot be had."""
    try:
        return str(store.path(name))
    except VultusError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def tracker():
    from vultus.observers.tracker import Tracker

    return Tracker(asset("face_landmarker"))


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A real portrait, 512 x 512."""
    return np.array(Image.open(asset("portrait_photo")).convert("RGB"))


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
