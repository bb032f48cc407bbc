import numpy as np
import pytest

from vultus.observers.warp import square


def ramp(height, width):
    """x in red, y in green, 255 in blue, at pixel centres."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 255)], axis=2).astype(np.uint8)


def test_a_cut_of_whole_pixels_is_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    np.testing.assert_array_equal(square(image, (20, 18), 16, 0.0, 16), image[10:26, 12:28])


@pytest.mark.parametrize(("side", "angle"), [(10.0, 0.0), (24.0, 0.4), (40.0, -0.7), (90.0, 0.2)])
def test_a_cut_reads_the_place_of_its_pixels(side, angle):
    """On a linear picture, bilinear samples and their means are exact."""
    size, centre = 12, np.array([101.3, 98.6])
    out = square(ramp(200, 200), tuple(centre), side, angle, size, scale=2.0, offset=1.0)
    u, v = np.meshgrid(np.arange(size) + 0.5 - size / 2, np.arange(size) + 0.5 - size / 2)
    x = centre[0] + (np.cos(angle) * u - np.sin(angle) * v) * side / size
    y = centre[1] + (np.sin(angle) * u + np.cos(angle) * v) * side / size
    np.testing.assert_allclose(out[..., 0], 2 * (x - 0.5) + 1, atol=2e-3)
    np.testing.assert_allclose(out[..., 1], 2 * (y - 0.5) + 1, atol=2e-3)
    np.testing.assert_allclose(out[..., 2], 511, atol=1e-3)


def test_outside_is_black():
    out = square(np.full((8, 8, 3), 200, np.uint8), (4, 4), 16, 0.0, 16)
    assert (out[4:12, 4:12] == 200).all()
    assert not out[:4].any()
    assert not out[:, 12:].any()


def test_shrinking_averages():
    board = np.indices((64, 64)).sum(0) % 2 * 255
    out = square(np.repeat(board[..., None], 3, 2).astype(np.uint8), (32, 32), 64, 0.0, 16)
    np.testing.assert_allclose(out[1:-1, 1:-1], 127.5, atol=1)


def test_views_and_read_only_pictures_are_taken():
    image = ramp(30, 30)
    wanted = square(np.ascontiguousarray(image[:, ::-1]), (15, 15), 20, 0.1, 10)
    image.flags.writeable = False
    np.testing.assert_array_equal(square(image[:, ::-1], (15, 15), 20, 0.1, 10), wanted)
