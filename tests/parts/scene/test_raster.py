"""Meshes in torch: as the z-buffer draws them, and with the gradients that differences give."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vultus.camera import Camera  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.parts.scene.raster import MeshRaster, Seen, project  # noqa: E402
from vultus.render import triangles as kernel  # noqa: E402

WIDE, HIGH = 40, 32


def cameras(*eyes: tuple[float, float, float]) -> tuple[list[Camera], torch.Tensor, torch.Tensor]:
    found = [Camera.look_at(eye, (0, 0, 0), size=(WIDE, HIGH), fov=40) for eye in eyes]
    lenses = torch.tensor(np.stack([camera.intrinsics for camera in found]))
    return found, lenses, torch.tensor(np.stack([camera.world_to_camera for camera in found]))


def ball(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A bumpy octahedron, split twice: vertices [L, 3] and triangles [F, 3], counter-clockwise from outside."""
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float64)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    for _ in range(2):
        a, b, c = (points[faces[:, i]] for i in range(3))
        corners = np.stack([a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2], 1)
        split = np.array([[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]])
        points, faces = corners.reshape(-1, 3), (np.arange(len(faces))[:, None, None] * 6 + split).reshape(-1, 3)
    points = 0.1 * points / np.linalg.norm(points, axis=1, keepdims=True)
    place = {tuple(point): i for i, point in enumerate(np.unique(points.round(9), axis=0))}
    faces = np.array([[place[tuple(points[i].round(9))] for i in face] for face in faces])
    points = np.array(list(place))
    return torch.tensor(points * np.random.default_rng(seed).uniform(0.8, 1.2, (len(points), 1))), torch.tensor(faces)


def test_it_draws_what_the_kernel_draws() -> None:
    points, faces = ball()
    found, lenses, poses = cameras((0, 0.1, 0.5), (0.4, -0.1, 0.3))
    meshes = torch.stack([points, 1.1 * points]).float()
    seen = MeshRaster(HIGH, WIDE)(meshes, faces, lenses.float(), poses.float())
    colours = torch.rand(2, len(points), 3, generator=torch.Generator().manual_seed(0))
    painted = seen.carry(colours)
    assert seen.mask.sum() > 200
    for i, camera in enumerate(found):
        raster = kernel.Rasteriser(HIGH, WIDE)
        raster.draw(kernel.project(camera, meshes[i].numpy()), faces.numpy().astype(np.int32))
        same = seen.ids[i].numpy() == raster.ids
        assert same.mean() > 0.995  # both round places to 1/256 pixel, from numbers that differ in the last bit
        at = same & (raster.ids >= 0)
        assert np.abs(seen.weights[i].numpy()[at][:, :2] - raster.bary[at]).max() < 0.02
        assert np.median(np.abs(seen.weights[i].numpy()[at][:, :2] - raster.bary[at])) < 1e-4
        assert np.abs(seen.depth[i].numpy()[at] * raster.inverse_depth[at] - 1).max() < 1e-3
        drawn = kernel.interpolate(raster, faces.numpy().astype(np.int32), colours[i].numpy())
        assert np.median(np.abs(painted[i].numpy() - drawn)[at]) < 1e-4
        assert np.abs(painted[i].numpy() - drawn)[at].max() < 0.02
    assert (seen.weights >= 0).all()
    assert torch.allclose(seen.weights.sum(-1), seen.mask.float(), atol=1e-5)
    assert (painted[~seen.mask] == 0).all()
    assert (seen.depth[~seen.mask] == 0).all()


def differences(value, tensor: torch.Tensor, size: float) -> torch.Tensor:
    """The gradient of *value*() with regard to *tensor*, by differences of *size* to both sides."""
    out = torch.zeros_like(tensor)
    for at in np.ndindex(*tensor.shape):
        kept, both = tensor[at].item(), []
        for sign in (1, -1):
            tensor[at] = kept + sign * size
            both.append(value())
        tensor[at] = kept
        out[at] = (both[0] - both[1]) / (2 * size)
    return out


def test_gradients_are_what_differences_say() -> None:
    """One triangle that fills the picture, so that nothing becomes visible or hidden, moved by whole 1/256 pixels."""
    lens = torch.tensor([[256.0, 0, 8], [0, 256, 8], [0, 0, 1]], dtype=torch.double)
    pose = torch.eye(4, dtype=torch.double)
    place = torch.tensor([[[-0.25, 0.25, 1.0], [0.5, 0.125, 1.0], [-0.125, -0.5, 1.0]]], dtype=torch.double)
    values = torch.rand(3, 2, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    factors = torch.rand(16, 16, 3, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    raster, faces = MeshRaster(16, 16), torch.tensor([[0, 1, 2]])

    def total(place: torch.Tensor, values: torch.Tensor, lens: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        seen = raster(place, faces, lens, pose)
        assert seen.mask.all()
        return (torch.cat([seen.carry(values), seen.depth[..., None]], dim=-1)[0] * factors).sum()

    given = (place, values, lens, pose)
    wanted = [tensor.clone().requires_grad_() for tensor in given]
    total(*wanted).backward()
    # At z = 1 and a focal length of 256, moves in x and y by 2^-12 are steps of 1/16 pixel.
    with torch.no_grad():
        side = differences(lambda: total(*given), place, 2.0**-12)[..., :2]
        assert torch.allclose(wanted[0].grad[..., :2], side, rtol=1e-3, atol=1e-3 * float(side.abs().max()))
        assert float(side.abs().max()) > 10
        carried = differences(lambda: total(*given), values, 0.1)
        assert torch.allclose(wanted[1].grad, carried, rtol=1e-6)
        centre = differences(lambda: total(*given), lens, 1 / 16)[:2, 2]
        assert torch.allclose(wanted[2].grad[:2, 2], centre, rtol=1e-3, atol=1e-3 * float(centre.abs().max()))
        shift = differences(lambda: total(*given), pose, 2.0**-12)[:2, 3]
        assert torch.allclose(wanted[3].grad[:2, 3], shift, rtol=1e-3, atol=1e-3 * float(shift.abs().max()))
        # Moves along the view axis are rounded, so that steps are larger and the bound is wider.
        along = differences(lambda: total(*given), place, 2.0**-6)[..., 2]
        assert torch.allclose(wanted[0].grad[..., 2], along, rtol=0.02, atol=0.02 * float(along.abs().max()))


def test_a_mesh_finds_its_place_by_what_it_carries() -> None:
    points, faces = ball()
    _, lenses, poses = cameras((0, 0.1, 0.5))
    raster, true = MeshRaster(HIGH, WIDE), torch.tensor([0.012, -0.009, 0.0], dtype=torch.double)

    def drawn(shift: torch.Tensor) -> Seen:
        return raster((points + shift)[None], faces, lenses, poses)

    goal = drawn(true).carry(10 * points)
    shift = torch.zeros(3, dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=1e-3)
    for _ in range(40):
        optimiser.zero_grad()
        seen = drawn(shift)
        (seen.carry(10 * points) - goal).square()[seen.mask].mean().backward()
        optimiser.step()
    assert (shift.detach() - true)[:2].norm() < 0.2 * true.norm()


def test_corners_may_have_rows_of_their_own() -> None:
    points, faces = ball()
    _, lenses, poses = cameras((0, 0, 0.5))
    seen = MeshRaster(HIGH, WIDE)(points[None], faces, lenses, poses)
    rows = torch.arange(faces.numel()).reshape(faces.shape)
    assert torch.equal(seen.carry(points[faces].reshape(-1, 3), rows), seen.carry(points))


def test_what_cannot_be_drawn_is_left_out_and_stays_finite() -> None:
    points, faces = ball()
    _, lenses, poses = cameras((0, 0, 0.5))
    broken = points.clone()
    broken[0], broken[1], broken[2] = torch.nan, torch.inf, torch.tensor([0, 0, 0.495])
    broken.requires_grad_()
    seen = MeshRaster(HIGH, WIDE)(broken[None], faces, lenses, poses)
    touched = torch.isin(faces[seen.ids[seen.mask]], torch.tensor([0, 1, 2]))
    assert not touched.any()
    (seen.depth.sum() + seen.carry(points).sum()).backward()
    assert broken.grad.isfinite().all()
    assert all(tensor.isfinite().all() for tensor in (seen.weights, seen.depth))
    empty = MeshRaster(HIGH, WIDE)(points[None] + 100, faces, lenses, poses)
    assert not empty.mask.any()
    assert project(torch.zeros(1, 1, 3), torch.eye(3), torch.eye(4)).abs().sum() == 0


def test_other_shapes_are_told() -> None:
    points, faces = ball()
    with pytest.raises(VultusError, match="vertices"):
        MeshRaster(HIGH, WIDE)(points, faces, torch.eye(3), torch.eye(4))
    with pytest.raises(VultusError, match="pixels"):
        MeshRaster(0, 4)
