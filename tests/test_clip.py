"""The record that the stage and data sets share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vultus.camera import Camera
from vultus.clip import Clip, Frame, View
from vultus.errors import VultusError
from vultus.motion import Motion


def view(count: int = 4, fields: tuple[str, ...] = ("frames", "depth"), cameras: int = 1) -> View:
    def read(names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        for i in range(first, stop):
            yield {name: np.full((2, 2), i) for name in names}

    camera = Camera.look_at((0, 0, 1), (0, 0, 0), size=(2, 2))
    return View(fields, count, (2, 2), 25.0, (camera,) * cameras, read, name="front")


def test_a_view_gives_the_frames_that_are_asked_for() -> None:
    frames = list(view().each("depth", first=1, stop=3))
    assert [set(f) for f in frames] == [{"depth"}] * 2
    assert [f["depth"][0, 0] for f in frames] == [1, 2]
    assert view().stack("frames").shape == (4, 2, 2)


@pytest.mark.parametrize(("names", "first", "stop"), [(("flow",), 0, None), (("depth",), 3, 3), (("depth",), 0, 5)])
def test_a_view_refuses_what_it_does_not_have(names: tuple[str, ...], first: int, stop: int | None) -> None:
    with pytest.raises(VultusError):
        view().each(*names, first=first, stop=stop)


def test_a_view_knows_its_cameras() -> None:
    assert view(cameras=4).camera(-1) is not None
    with pytest.raises(VultusError, match="not known"):
        view(cameras=0).camera(0)
    with pytest.raises(VultusError, match="one camera or 4"):
        view(cameras=2)
    with pytest.raises(VultusError, match="field"):
        view(fields=("colour",))


def test_a_clip_finds_its_views_by_number_and_name() -> None:
    clip = Clip("a", np.zeros(16000, np.float32), motion=Motion.neutral(50, 25), views=(view(),))
    assert clip.view(0) is clip.view("front")
    assert clip.duration == 2
    with pytest.raises(VultusError, match="no view"):
        clip.view("side")
    with pytest.raises(VultusError, match="no imu"):
        clip.load("imu")
    with pytest.raises(VultusError, match="mono"):
        Clip("b", np.zeros((2, 3), np.float32))
