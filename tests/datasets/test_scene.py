"""What is drawn from one clip: the same for the same arguments, from the right places, in a bounded room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vultus.camera import Camera
from vultus.clip import Clip, Frame, View
from vultus.datasets.scene import Crops, Film, Pixels
from vultus.errors import VultusError
from vultus.motion import Motion

WIDE, HIGH, COUNT = 12, 8, 6


def clip(reads: list[tuple[int, int]] | None = None, cameras: bool = True) -> Clip:
    """Two views whose pictures say where they are: red is 10 times the column, green 10 times the row, blue view and
    frame; the depth of a pixel is its column plus its row."""
    y, x = np.mgrid[:HIGH, :WIDE]

    def view(number: int) -> View:
        def read(names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
            for frame in range(first, stop):
                if reads is not None:
                    reads.append((number, frame))
                found = {
                    "frames": np.stack([10 * x, 10 * y, np.full_like(x, 20 * number + frame)], -1).astype(np.uint8),
                    "depth": (x + y).astype(np.float32),
                    "masks": np.where(x < 3, 1, 255).astype(np.uint8),
                    "landmarks_68": np.full((68, 3), (5, 4, 1), np.float32),
                }
                yield {name: found[name] for name in names}

        camera = Camera.look_at((number - 0.5, 0.2, 1), (0, 0, 0), size=(WIDE, HIGH))
        names = ("frames", "depth", "masks", "landmarks_68")
        return View(names, COUNT, (WIDE, HIGH), 25.0, (camera,) if cameras else (), read)

    motion = Motion.of(25, expression=np.repeat(np.linspace(0, 1, COUNT, dtype=np.float32)[:, None], 52, 1))
    return Clip("one", motion=motion, views=(view(0), view(1)))


def test_pixels_come_with_their_rays() -> None:
    one = clip()
    data = Pixels(Film(one, ("frames", "depth", "masks")), pictures=3)
    batch, again, other = data.batch(4, 60, 7), data.batch(4, 60, 7), data.batch(5, 60, 7)
    assert all(np.array_equal(batch[name], again[name]) for name in batch)
    assert not np.array_equal(batch["pixels"], other["pixels"])
    assert (np.bincount(batch["picture"]) == 20).all()
    told = np.rint(batch["frames"] * 255)
    assert np.array_equal(told[:, :2], 10 * (batch["pixels"] - 0.5))
    view, frame = batch["view"][batch["picture"]], batch["frame"][batch["picture"]]
    assert np.array_equal(told[:, 2], 20 * view + frame)
    assert np.array_equal(batch["depth"], batch["pixels"].sum(1) - 1)
    assert np.allclose(batch["motion"][:, 0], batch["frame"] / (COUNT - 1))
    for row in range(60):
        camera = one.views[view[row]].camera(0)
        back, depth = camera.project(batch["origins"][row] + 0.7 * batch["directions"][row])
        assert np.allclose(back, batch["pixels"][row], atol=1e-3)
        assert depth > 0
    assert np.allclose(np.linalg.norm(batch["directions"], axis=1), 1, atol=1e-6)


def test_what_is_likely_is_drawn_and_only_among_what_may_be() -> None:
    film = Film(clip(), ("frames", "masks"), views=(1,), among=lambda step: range(step, step + 2))
    batch = Pixels(film, 4, likely=lambda frame: frame["masks"] == 1).batch(2, 80, 0)
    assert (batch["pixels"][:, 0] < 3).all()
    assert (batch["masks"] == 1).all()
    assert set(batch["frame"]) == {2, 3}
    assert (batch["frames"][:, 2] * 255 > 20).all()  # of the second view
    with pytest.raises(VultusError, match="no frame"):
        Pixels(Film(clip(), among=lambda step: [])).batch(0, 4, 0)
    with pytest.raises(VultusError, match="likely"):
        Pixels(film, likely=lambda frame: frame["masks"][:2]).batch(0, 4, 0)


def test_crops_have_the_camera_of_the_crop() -> None:
    one = clip()
    batch = Crops(Film(one, ("frames", "depth", "landmarks_68")), 4).batch(1, 9, 3)
    assert batch["frames"].shape == (9, 3, 4, 4)
    assert batch["depth"].shape == (9, 4, 4)
    left, top = batch["corner"].T
    assert len(set(left)) > 2
    assert np.array_equal(np.rint(batch["frames"][:, 0, 0, 0] * 255), 10 * left)
    assert np.array_equal(np.rint(batch["frames"][:, 1, 0, 0] * 255), 10 * top)
    assert np.array_equal(batch["landmarks_68"][:, 0, 0], 5 - left)
    camera = one.views[0].camera(0)
    assert np.allclose(batch["intrinsics"][:, :2, 2], np.array(camera.centre) - batch["corner"])
    assert Crops(Film(one)).batch(0, 2, 0)["frames"].shape == (2, 3, HIGH, WIDE)
    assert "intrinsics" not in Crops(Film(clip(cameras=False)), 4).batch(0, 2, 0)
    with pytest.raises(VultusError, match="square"):
        Crops(Film(one), 10).batch(0, 1, 0)


def test_the_room_is_bounded_and_nothing_is_read_before_it_is_drawn() -> None:
    reads: list[tuple[int, int]] = []
    one = clip(reads)
    size = WIDE * HIGH * 3
    small, large = Film(one, room=3 * size), Film(one)
    assert reads == []
    batches = [[Pixels(film).batch(step, 8, 1) for step in range(60)] for film in (small, large)]
    assert len(small._kept) == 3
    assert len(reads) - 2 * COUNT > 12  # the small room reads again, the large one never
    assert len(large._kept) == 2 * COUNT
    for a, b in zip(*batches, strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in a)


def test_what_is_missing_is_told() -> None:
    with pytest.raises(VultusError, match="no pictures"):
        Film(Clip("mute"))
    with pytest.raises(VultusError, match="normals"):
        Film(clip(), ("normals",))
    with pytest.raises(VultusError, match="no view"):
        Film(clip(), views=(7,))
    with pytest.raises(VultusError, match="camera"):
        Pixels(Film(clip(cameras=False))).batch(0, 4, 0)
