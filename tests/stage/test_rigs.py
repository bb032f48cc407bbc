"""Every rig gives views that can be read, the same for the same seed; and what each promises of its cameras."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stage.conftest import FACE

from vultus.errors import VultusError
from vultus.person.identity import parse_identity
from vultus.stage import filming, truth
from vultus.stage.buffers import PARTS
from vultus.stage.rigs import closeup, multiview, phone
from vultus.stage.scene import head_of, random_light


@pytest.mark.parametrize("name", filming.rigs())
def test_a_rig_films(name, motion):
    views = filming.find(name).shoot(FACE, motion, size=32, seed=2)
    again = filming.find(name).shoot(FACE, motion, size=32, seed=2)
    other = filming.find(name).shoot(FACE, motion, size=32, seed=3)
    view = views[0]
    assert view.size == (32, 32)
    assert len(view) == len(motion)
    assert view.parts == PARTS
    assert len({v.name for v in views}) == len(views)
    pictures = [next(v[0].each("frames", first=1, stop=2))["frames"] for v in (views, again, other)]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_a_hand_moves_the_camera_smoothly_and_a_stand_does_not(motion):
    (held,) = phone.shoot(FACE, motion, size=32, seed=1, held="hand")
    (still,) = phone.shoot(FACE, motion, size=32, seed=1, held="stand")
    assert len(held.cameras) == len(motion)
    assert len(still.cameras) == 1
    places = np.stack([c.position for c in held.cameras])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert 1e-5 < steps.max() < 0.01
    assert np.linalg.norm(np.diff(places, 2, axis=0), axis=1).max() < 0.003


@pytest.mark.parametrize("seed", range(12))
def test_a_phone_has_the_head_in_its_picture(seed, motion):
    (view,) = phone.shoot(FACE, motion, size=64, seed=seed)
    middle, _ = head_of(parse_identity(FACE))
    for camera in view.cameras:
        (x, y), _ = camera.project(middle)
        assert 12 < x < 52
        assert 12 < y < 52
        fov = 2 * np.degrees(np.arctan(32 / camera.focal[1]))
        assert 28 < fov < 63


def test_sixteen_calibrated_cameras_see_the_head_from_all_sides(motion):
    views = multiview.shoot(FACE, motion, size=32, seed=0)
    assert len(views) == 16
    middle, _ = head_of(parse_identity(FACE))
    ways = []
    for view in views:
        (camera,) = view.cameras
        (x, y), _ = camera.project(middle)
        assert abs(x - 16) < 4
        assert abs(y - 16) < 6
        ways.append((camera.position - middle) / np.linalg.norm(camera.position - middle))
    apart = np.degrees(np.arccos(np.clip(np.array(ways) @ np.array(ways).T, -1, 1)))
    assert (apart[~np.eye(16, dtype=bool)] > 10).all()
    assert apart.max() > 100
    with pytest.raises(VultusError, match="Give 2 to 64"):
        multiview.shoot(FACE, motion, cameras=1)


def test_light_stands_still_in_the_world(motion):
    """A place on the skin is as bright to one camera as to another, but not under another light."""

    def skin(seed, number):
        view = multiview.shoot(FACE, motion, size=64, seed=seed, faults=False, cameras=8, spread=0.5)[number]
        return view.camera(0), next(view.each("frames", "depth", "masks", first=0, stop=1))

    one, first = skin(1, 2)
    depth = np.where(first["masks"] == PARTS.index("skin"), first["depth"], np.nan)
    world = one.unproject(truth.grid(depth.shape), depth)
    apart = {}
    for seed in (1, 2):
        other, second = skin(seed, 4)
        pixels, z = other.project(world)
        there = truth.look_up(np.nan_to_num(second["depth"], posinf=9), np.nan_to_num(pixels))
        same = np.abs(there - z) < 0.002
        assert same.sum() > 200
        light = truth.look_up(second["frames"].astype(float), pixels[same]) - first["frames"][same]
        apart[seed] = np.abs(light).mean()
    assert apart[1] < 12
    assert apart[2] > 2 * apart[1]
    rng = np.random.default_rng
    assert random_light(rng(5)) == random_light(rng(5)) != random_light(rng(6))


def test_a_closeup_keeps_the_mouth_in_its_middle(motion):
    (view,) = closeup.shoot(FACE, motion, size=48, seed=3)
    lips = PARTS.index("lips")
    for frame in view.each("masks"):
        y, x = np.nonzero(frame["masks"] == lips)
        assert abs(x.mean() - 24) < 5
        assert abs(y.mean() - 24) < 6
        assert 12 < np.ptp(x) < 44
    path = np.array([[0.0, 0], [0, 0], [9, 3], [0, 0], [0, 0]])
    assert closeup.smooth(path, 1.0).max() < 4.5
    assert np.array_equal(closeup.smooth(path, 0), path)
