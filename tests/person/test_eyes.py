"""Eyes: where they look, how wide their pupils are, and what they mirror."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vultus.camera import Camera
from vultus.motion import Motion
from vultus.person.atlas import Kind, atlas_uv
from vultus.person.eyes import EyeFrames, pupil_diameter
from vultus.person.identity import Identity
from vultus.person.light import LightRig, rig
from vultus.person.mesh import build_mesh
from vultus.person.portrait import Portrait

WHO = Identity.from_seed(4).replace(eye_colour="blue", hair="bald")


def dimmed(share: float) -> LightRig:
    return replace(rig("studio"), exposure=rig("studio").exposure * share)


def test_pupils_shrink_in_light_and_with_age() -> None:
    sizes = [pupil_diameter(dimmed(share)) for share in (0.0, 0.003, 0.1, 1.0, 10.0, 1e5)]
    assert np.all(np.diff(sizes) < 0)
    assert sizes[0] <= 0.007
    assert sizes[-1] >= 0.002
    assert 0.0025 < sizes[3] < 0.0045
    assert pupil_diameter(dimmed(0.01), age=80) < pupil_diameter(dimmed(0.01), age=20) - 0.0005


def close_up(light: LightRig) -> Portrait:
    mesh = build_mesh(WHO, subdivisions=1)
    target = mesh.eye_centres[0].astype(float)
    camera = Camera.look_at(target + np.array([0, 0, 0.6]), target, size=(96, 96), fov=2.6)
    return Portrait(WHO, (96, 96), light=light, camera=camera)


def test_the_drawn_pupil_responds_to_the_rig() -> None:
    def dark(light: LightRig) -> int:
        """Pixels of the eye that are black at the same exposure of the picture."""
        p = close_up(light)
        # The picture itself is taken in the same light.
        p._light = close_up(rig("studio"))._light
        image = p.render(p.mesh.neutral).max(-1)
        return int(((image < 40) & (p.kinds() == Kind.EYE_LEFT)).sum())

    assert dark(dimmed(0.003)) > 1.8 * dark(dimmed(10.0)) > 0


def test_frames_follow_gaze_and_head() -> None:
    mesh = build_mesh(WHO, subdivisions=1)
    frames = EyeFrames(mesh, mesh.neutral, atlas_uv(mesh), 0.004)
    home = frames.follow(mesh.neutral).copy()
    np.testing.assert_allclose(home[0, 9:12], [0, 0, 1], atol=0.02)
    for n in (0, 1):
        axes = home[n, 3:12].reshape(3, 3)
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-5)
        assert np.linalg.norm(home[n, :3] - mesh.eye_centres[n]) < 0.002
    turned = Motion.of(25, frames=1, eyeLeftRotationY=np.array([0.3], np.float32))
    row = frames.follow(mesh.evaluate(turned)[0])
    np.testing.assert_allclose(row[0, 9:12], [np.sin(0.3), 0, np.cos(0.3)], atol=0.03)
    np.testing.assert_allclose(row[1, 9:12], home[1, 9:12], atol=1e-3)
    np.testing.assert_allclose(row[0, :3], home[0, :3], atol=5e-4)
    moved = frames.follow(mesh.neutral + np.array([0, 0.1, 0], np.float32))
    np.testing.assert_allclose(moved[:, :3] - home[:, :3], np.tile([0, 0.1, 0], (2, 1)), atol=1e-4)


def test_vertices_that_are_not_finite_leave_the_frames_alone() -> None:
    mesh = build_mesh(WHO, subdivisions=1)
    frames = EyeFrames(mesh, mesh.neutral, atlas_uv(mesh), 0.004)
    home = frames.follow(mesh.neutral).copy()
    np.testing.assert_array_equal(frames.follow(np.full_like(mesh.neutral, np.nan)), home)


def test_the_iris_shows_its_colour_and_mirrors_the_key() -> None:
    p = close_up(rig("studio"))
    image = p.render(p.mesh.neutral).astype(int)
    eye = image[p.kinds() == Kind.EYE_LEFT]
    blue = (eye[:, 2] - eye[:, 0] > 25).mean()
    assert blue > 0.15
    assert eye.min(1).max() > 215  # the key light mirrored in the cornea
    brown = close_up_of(WHO.replace(eye_colour="brown"))
    assert (brown[:, 2] - brown[:, 0] > 25).mean() < 0.02


def close_up_of(identity: Identity) -> np.ndarray:
    p = Portrait(identity, (96, 96), camera=close_up(rig("studio")).camera)
    return p.render(p.mesh.neutral).astype(int)[p.kinds() == Kind.EYE_LEFT]
