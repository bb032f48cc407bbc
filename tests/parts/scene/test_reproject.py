"""What one view says of another, against points that are projected one by one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from vultus import rotations  # noqa: E402
from vultus.parts.image.flow import warp  # noqa: E402
from vultus.parts.image.keypoints import grid  # noqa: E402
from vultus.parts.scene.reproject import pinhole, reproject, rigid  # noqa: E402


def test_without_motion_everything_stays() -> None:
    depth = 0.5 + torch.rand(1, 1, 4, 6)
    camera = pinhole(torch.tensor([[1.2, 0.9]]), torch.tensor([[0.52, 0.45]]))
    places = reproject(depth, camera, torch.eye(4)[None])
    torch.testing.assert_close(places[0], grid(4, 6, depth), atol=1e-5, rtol=0)


def test_points_go_where_a_plain_projection_says() -> None:
    rng = np.random.default_rng(0)
    depth, turn, shift = rng.uniform(1, 2, (5, 7)), rng.normal(0, 0.2, 3), rng.normal(0, 0.1, 3)
    focal, centre = np.array([1.3, 1.1]), np.array([0.48, 0.55])
    move = rigid(torch.from_numpy(turn)[None], torch.from_numpy(shift)[None])
    camera = pinhole(torch.from_numpy(focal)[None], torch.from_numpy(centre)[None])
    found = reproject(torch.from_numpy(depth)[None, None], camera, move)[0].numpy()
    matrix = rotations.to_matrix(turn)
    for row, column in ((0, 0), (2, 3), (4, 6)):
        at = (np.array([column, row]) + 0.5) / (7, 5)
        point = matrix @ (np.append((at - centre) / focal, 1) * depth[row, column]) + shift
        there = focal * point[:2] / point[2] + centre
        np.testing.assert_allclose(found[row, column], 2 * there - 1, atol=1e-9)


def test_a_nearer_point_moves_more() -> None:
    depth = torch.tensor([[[[1.0, 2.0]]]])
    camera = pinhole(torch.ones(1, 2), torch.full((1, 2), 0.5))
    moved = reproject(depth, camera, rigid(torch.zeros(1, 3), torch.tensor([[0.1, 0.0, 0.0]])))
    shift = moved[0, 0, :, 0] - grid(1, 2, depth)[0, :, 0]
    assert shift[0].item() == pytest.approx(2 * shift[1].item(), rel=1e-4)


def test_it_stays_finite_and_has_gradients_everywhere() -> None:
    turn = torch.zeros(1, 3, requires_grad=True)
    depth = torch.rand(1, 1, 3, 3, requires_grad=True)
    behind = rigid(turn, torch.tensor([[0.0, 0.0, -5.0]]))
    camera = pinhole(torch.ones(1, 2), torch.full((1, 2), 0.5))
    places = reproject(depth, camera, behind)
    assert places.isfinite().all()
    places.sum().backward()
    reproject(depth, camera, rigid(turn, torch.zeros(1, 3))).sum().backward()
    assert turn.grad is not None
    assert turn.grad.isfinite().all()
    assert turn.grad.abs().max() > 0


def test_no_guess_of_a_lens_leads_beyond_all_numbers() -> None:
    focal = torch.tensor([[0.0, 0.0], [1e-38, 1e-30]])
    camera = pinhole(focal, torch.full((2, 2), 0.5))
    there = reproject(torch.full((2, 1, 4, 4), 100.0), camera, rigid(torch.full((2, 3), 3.0), torch.ones(2, 3)))
    assert there.isfinite().all()


def test_places_that_are_no_numbers_show_as_none() -> None:
    there = torch.zeros(1, 2, 2, 2)
    there[0, 0, 1, 0] = torch.nan
    seen = warp(torch.ones(1, 3, 2, 2), there, "border")
    assert seen.isnan().sum() == 3
    assert seen[0, :, 0, 1].isnan().all()
