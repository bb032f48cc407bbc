"""The face network tells people apart, whatever the picture's size and side."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vultus import store
from vultus.critics import identity as critic
from vultus.errors import VultusError

# Corners of the eyes and base of the nose of the portrait photo, read off with the tracker, in pixels.
COLLINS = np.array([[255.9, 103.6], [237.0, 104.8], [195.5, 100.5], [213.9, 103.7], [223.5, 133.8]])
needs_net = pytest.mark.skipif(
    any(store.state(name) != "present" for name in ("face_descriptor", "face_descriptor_table", "portrait_photo")),
    reason="the face network is not in the cache",
)


def photo() -> np.ndarray:
    return np.asarray(Image.open(store.path("portrait_photo")).convert("RGB"))


def test_a_chip_puts_the_five_points_where_dlib_wants_them() -> None:
    rng = np.random.default_rng(0)
    smooth = np.asarray(Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).resize((400, 300), Image.BICUBIC))
    moved = (critic._PADDING + critic._FACE) / (1 + 2 * critic._PADDING) * critic.SIZE + np.array([70, 40])
    shifted = critic.chip(smooth, moved)
    np.testing.assert_allclose(shifted, smooth[40:190, 70:220], atol=1e-3)
    # Turned by a right angle the same pixels come out turned back.
    turned = np.ascontiguousarray(np.rot90(smooth))
    points = np.stack([moved[:, 1], 400 - moved[:, 0]], 1)
    np.testing.assert_allclose(critic.chip(turned, points), shifted, atol=1e-3)
    # Twice as fine, every pixel is the mean of four.
    np.testing.assert_allclose(critic.chip(smooth.repeat(2, 0).repeat(2, 1), 2 * moved), shifted, atol=20)


def test_wrong_faces_are_refused() -> None:
    black = np.zeros((20, 20, 3), np.uint8)
    for points in (np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))):
        with pytest.raises(VultusError, match="points"):
            critic.chip(black, points)
    with pytest.raises(VultusError, match="150"):
        critic.describe(np.zeros((1, 20, 20, 3), np.float32))
    assert critic.describe(np.zeros((0, 150, 150, 3), np.float32)).shape == (0, 128)


def test_distances_are_euclidean() -> None:
    d = np.random.default_rng(1).normal(size=(5, 128)).astype(np.float32)
    want = np.linalg.norm(d[:, None] - d, axis=2)
    np.testing.assert_allclose(critic.distances(d), want, atol=1e-5)


@needs_net
def test_one_photo_stays_one_person_mirrored_shrunk_and_darkened() -> None:
    plain, width = photo(), 512
    mirrored = np.stack([width - COLLINS[:, 0], COLLINS[:, 1]], 1)[[2, 3, 0, 1, 4]]
    small = np.asarray(Image.fromarray(plain).resize((256, 256), Image.BOX))
    pictures = [
        (plain, COLLINS), (np.ascontiguousarray(plain[:, ::-1]), mirrored), (small, COLLINS / 2),
        ((0.6 * plain).astype(np.uint8), COLLINS), (plain, COLLINS + np.array([[1, -1]])),
    ]  # fmt: skip
    apart = critic.distances(np.stack([critic.descriptor(*picture) for picture in pictures]))
    assert apart.max() < 0.4
    assert (apart[np.triu_indices(5, 1)] > 0.01).all()
    # No face at all is nobody in particular, and not this one.
    noise = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    assert (
        critic.distances(np.stack([critic.descriptor(plain, COLLINS), critic.descriptor(noise, COLLINS)]))[0, 1] > 0.7
    )
