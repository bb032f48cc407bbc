"""Losses of pictures and keypoints against what they must be by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from vultus.parts.image import losses  # noqa: E402
from vultus.parts.image.keypoints import Keypoints  # noqa: E402


def test_dissimilarity_is_that_of_its_formula() -> None:
    torch.manual_seed(0)
    a, b = torch.rand(1, 1, 6, 7).double(), torch.rand(1, 1, 6, 7).double()
    x, y = a[0, 0, 1:4, 2:5], b[0, 0, 1:4, 2:5]
    ma, mb = x.mean(), y.mean()
    va, vb, vab = (x * x).mean() - ma**2, (y * y).mean() - mb**2, (x * y).mean() - ma * mb
    ssim = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    assert losses.dissimilarity(a, b)[0, 0, 2, 3].item() == pytest.approx(((1 - ssim) / 2).clamp(0, 1).item())
    assert losses.dissimilarity(a, a).abs().max() < 1e-9


def test_photometric_is_zero_for_the_same_and_grows_with_the_difference() -> None:
    a = torch.rand(2, 3, 8, 8)
    assert losses.photometric(a, a).shape == (2, 1, 8, 8)
    assert losses.photometric(a, a).abs().max() < 1e-6
    near, far = (losses.photometric(a, (a + d).clamp(0, 1)).mean() for d in (0.05, 0.3))
    assert 0 < near < far


def test_a_step_costs_less_where_the_picture_has_an_edge() -> None:
    step = torch.zeros(1, 1, 4, 8)
    step[..., 4:] = 1
    flat, edge = torch.zeros(1, 3, 4, 8), step.expand(1, 3, 4, 8)
    assert losses.smoothness(step, edge) < losses.smoothness(step, flat)
    assert losses.smoothness(torch.ones(1, 1, 4, 8), flat) == 0


def test_spread_counts_how_much_too_near_each_pair_is() -> None:
    points = torch.tensor([[[0.0, 0.0], [0.05, 0.0], [0.9, 0.9]]], requires_grad=True)
    loss = losses.spread(Keypoints(points))
    assert loss.item() == pytest.approx(0.15, abs=1e-5)
    loss.backward()
    assert points.grad is not None
    assert points.grad[0, 0, 0] > 0 > points.grad[0, 1, 0]  # downhill they part
    same = torch.zeros(1, 2, 2, requires_grad=True)
    losses.spread(Keypoints(same)).backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()


def test_a_pyramid_compares_features_at_every_size() -> None:
    sides: list[int] = []

    def taps(pictures: torch.Tensor) -> list[torch.Tensor]:
        sides.append(pictures.shape[2])
        return [pictures, 2 * pictures]

    a = torch.rand(1, 3, 16, 16)
    assert losses.pyramid(taps, a, a, (1, 0.5)).item() == 0
    assert sides == [16, 16, 8, 8]
    made = a.clone().requires_grad_()
    loss = losses.pyramid(taps, made, a + 0.1, (1, 0.5))
    assert loss.item() == pytest.approx(0.6, abs=1e-4)
    loss.backward()
    assert made.grad is not None


def test_the_derivatives_of_a_bend_are_right() -> None:
    torch.manual_seed(0)
    bend = losses.Bend.draw(torch.zeros(2, 1).double(), affine=0.2, plates=0.05)
    at = 0.8 * torch.rand(2, 3, 2).double() - 0.4
    found, h = bend.jacobian(at), 1e-6
    for axis in range(2):
        step = torch.zeros(2).double()
        step[axis] = h
        slope = (bend(at + step) - bend(at - step)) / (2 * h)
        torch.testing.assert_close(found[..., axis], slope, atol=1e-5, rtol=1e-4)


def test_keypoints_that_follow_the_bend_cost_nothing() -> None:
    torch.manual_seed(1)
    pictures = torch.rand(2, 3, 8, 8)
    bend = losses.Bend.draw(pictures, affine=0.1, plates=0.01)
    assert bend.pictures(pictures).shape == pictures.shape
    bent = torch.rand(2, 4, 2) - 0.5
    turned = torch.eye(2) + 0.1 * torch.randn(2, 4, 2, 2)
    points = Keypoints(bend(bent), bend.jacobian(bent) @ turned)
    place, turn = losses.equivariance(lambda _: Keypoints(bent, turned), pictures, points, bend)
    assert place.item() < 1e-6
    assert turn.item() < 1e-5
    place, turn = losses.equivariance(lambda _: Keypoints(bent + 0.1, turned), pictures, points, bend)
    assert place.item() > 0.05
    assert losses.equivariance(lambda _: Keypoints(bent), pictures, Keypoints(bend(bent)), bend)[1] is None


def test_no_bend_leaves_the_picture() -> None:
    pictures = torch.rand(1, 3, 6, 6)
    bend = losses.Bend.draw(pictures, affine=0, plates=0)
    torch.testing.assert_close(bend.pictures(pictures), pictures, atol=1e-5, rtol=0)
