"""Keypoints, and the flow between two sets of them: known maps must come out as they went in."""

from __future__ import annotations

import pytest

from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.parts.image.convs import Hourglass  # noqa: E402
from vultus.parts.image.flow import DenseMotion, covered, sparse_motion, warp  # noqa: E402
from vultus.parts.image.keypoints import (  # noqa: E402
    KeypointDetector,
    Keypoints,
    gaussians,
    grid,
    hull_area,
    inverse,
    resized,
    transfer,
)


def small(channels: int = 3) -> KeypointDetector:
    torch.manual_seed(0)
    return KeypointDetector(4, channels=channels, width=4, most=16, depth=2, scale=0.5).eval()


def test_an_hourglass_keeps_the_size_and_refuses_what_it_cannot_halve() -> None:
    body = Hourglass(3, 8, 16, 2)
    assert body(torch.rand(2, 3, 8, 12)).shape == (2, body.out, 8, 12) == (2, 11, 8, 12)
    with pytest.raises(VultusError, match="multiples of 4"):
        body(torch.rand(2, 3, 8, 10))


def test_published_sizes() -> None:
    def count(network: torch.nn.Module) -> float:
        return sum(p.numel() for p in network.parameters()) / 1e6

    with torch.device("meta"):
        assert count(KeypointDetector(15)) == pytest.approx(14.2, abs=0.1)
        assert count(KeypointDetector(15, channels=4)) == pytest.approx(14.3, abs=0.1)
        assert count(DenseMotion(15)) == pytest.approx(37.8, abs=0.1)


def test_keypoints_lie_in_the_picture_and_begin_without_turning() -> None:
    found = small()(torch.rand(2, 3, 16, 16))
    assert found.value.shape == (2, 4, 2)
    assert found.value.abs().max() < 1
    torch.testing.assert_close(found.heat.sum((2, 3)), torch.ones(2, 4))
    torch.testing.assert_close(found.jacobian, torch.eye(2).expand(2, 4, 2, 2))
    with pytest.raises(VultusError, match=r"\[B, 3, H, W\]"):
        small()(torch.rand(2, 4, 16, 16))
    assert small(4)(torch.rand(1, 4, 16, 16)).value.shape == (1, 4, 2)


def test_a_grid_gives_pixel_centres() -> None:
    at = grid(2, 4, torch.zeros(1))
    assert at[0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert at[:, 0, 1].tolist() == [-0.5, 0.5]


def test_a_gaussian_is_highest_at_its_keypoint() -> None:
    at = grid(8, 8, torch.zeros(1))[2, 5]
    heat = gaussians(at[None, None], 8, 8)
    assert heat[0, 0, 2, 5] == 1
    assert heat.argmax() == 2 * 8 + 5


def test_the_inverse_is_right_and_always_finite() -> None:
    some = torch.tensor([[[2.0, 1.0], [0.5, 3.0]], [[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(inverse(some)[0] @ some[0], torch.eye(2))
    assert inverse(some).isfinite().all()


def test_transfer() -> None:
    torch.manual_seed(1)
    source, driving = Keypoints(torch.rand(1, 5, 2), torch.rand(1, 5, 2, 2)), Keypoints(torch.rand(1, 5, 2))
    assert transfer(source, driving).value is driving.value
    still = transfer(source, source, source, scale=True)
    torch.testing.assert_close(still.value, source.value)
    larger = Keypoints(2 * source.value)
    moved = Keypoints(2 * source.value + torch.tensor([0.2, 0.0]))
    halved = transfer(source, moved, larger, scale=True)  # the driving face is twice as large
    torch.testing.assert_close(halved.value, source.value + torch.tensor([0.1, 0.0]))
    assert hull_area(torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.2, 0.2]]])).item() == pytest.approx(0.5)
    assert hull_area(torch.tensor([[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]])).item() == 0


def test_motion_of_an_affine_map_is_that_map_at_every_keypoint() -> None:
    torch.manual_seed(2)
    turn, shift = torch.tensor([[0.9, -0.2], [0.3, 1.1]]), torch.tensor([0.1, -0.05])
    at = torch.rand(1, 3, 2) - 0.5
    source = Keypoints(at, torch.eye(2).expand(1, 3, 2, 2))
    driving = Keypoints(at @ turn.T + shift, turn.expand(1, 3, 2, 2))
    motions = sparse_motion(source, driving, 6, 5)
    still = grid(6, 5, at)
    torch.testing.assert_close(motions[0, 0], still)
    back = (still - shift) @ torch.linalg.inv(turn).T
    for k in range(1, 4):
        torch.testing.assert_close(motions[0, k], back)


def test_dense_motion_of_equal_keypoints_stands_still() -> None:
    torch.manual_seed(3)
    network = DenseMotion(4, width=4, most=16, depth=2, scale=0.5).eval()
    points = small()(torch.rand(2, 3, 16, 16))
    flow = network(torch.rand(2, 3, 16, 16), points, points)
    torch.testing.assert_close(flow.grid, grid(8, 8, flow.grid).expand(2, 8, 8, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(flow.masks.sum(1), torch.ones(2, 8, 8))
    assert flow.occlusion.shape == (2, 1, 8, 8)


def test_warping() -> None:
    picture = torch.rand(1, 3, 8, 8)
    still = grid(8, 8, picture)[None]
    torch.testing.assert_close(warp(picture, still), picture, atol=1e-5, rtol=0)
    shifted = warp(picture, still + torch.tensor([0.25, 0.0]))  # a pixel to the right, of eight on two units
    torch.testing.assert_close(shifted[..., :-1], picture[..., 1:], atol=1e-5, rtol=0)
    assert shifted[..., -1].abs().max() < 1e-5
    held = warp(picture, still + torch.tensor([0.25, 0.0]), "border")
    torch.testing.assert_close(held[..., -1], picture[..., -1], atol=1e-5, rtol=0)
    assert covered(picture, torch.zeros(1, 1, 4, 4)).abs().max() == 0
    assert resized(picture, 0.5).shape == (1, 3, 4, 4)
    assert resized(picture, 1) is picture
