"""A drawn person as a photo, fitted once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import asset
from tests.observers.conftest import drawn

from vultus.heads.photo import PhotoHead
from vultus.photo.scene import Scene, prepare

__all__ = ["drawn"]


@pytest.fixture(scope="session")
def portrait(drawn: Callable[..., NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The picture of a drawn person at rest, 256 x 256."""
    asset("face_landmarker")
    asset("selfie_segmenter")
    return drawn()


@pytest.fixture(scope="module")
def head(portrait: NDArray[np.uint8]) -> PhotoHead:
    """The portrait as a head, 256 x 256."""
    return PhotoHead(portrait, size=256)


@pytest.fixture(scope="module")
def taken_apart(head: PhotoHead) -> Callable[[NDArray[np.float32]], Scene]:
    """Takes apart a photo [256, 256, 3] of the portrait's person, who is everything in it."""
    return lambda photo: prepare(photo, head.fits[0], lambda: np.ones(photo.shape[:2], np.float32))


@pytest.fixture(scope="module")
def scene(portrait: NDArray[np.uint8], taken_apart: Callable[[NDArray[np.float32]], Scene]) -> Scene:
    """The portrait, taken apart."""
    return taken_apart(np.asarray(portrait, np.float32) / 255)
