"""A drawn person as a photo, fitted once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import asset
from tests.observers.conftest import drawn

__all__ = ["drawn"]


@pytest.fixture(scope="session")
def portrait(drawn: Callable[..., NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The picture of a drawn person at rest, 256 x 256."""
    asset("face_landmarker")
    asset("selfie_segmenter")
    return drawn()
