"""Views: the same bytes however they are read, and clear words for what cannot be filmed."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stage.conftest import FACE

from vultus.camera import Camera
from vultus.clip import FIELDS
from vultus.errors import VultusError
from vultus.render.threads import set_threads
from vultus.stage import filming
from vultus.stage.rigs import phone


@pytest.fixture(scope="module")
def view(motion):
    (some,) = phone.shoot(FACE, motion, size=40, seed=4, held="hand")
    return some


def everything(view, names=tuple(FIELDS), first=0, stop=None):
    return list(view.each(*names, first=first, stop=stop))


def test_all_fields_have_the_shapes_and_types_that_are_promised(view):
    frame = everything(view, first=2, stop=3)[0]
    assert set(frame) == set(FIELDS)
    shapes = {"frames": (40, 40, 3), "normals": (40, 40, 3), "uv": (40, 40, 2), "flow": (40, 40, 2)}
    for name, value in frame.items():
        points = (int(name.split("_")[1]), 3) if "_" in name else (40, 40)
        assert value.shape == shapes.get(name, points), name
        assert str(value.dtype) == FIELDS[name].split(" ")[0].rstrip(",") or "likewise" in FIELDS[name], name
        assert np.isfinite(value).all() or name == "depth"


def test_a_frame_is_the_same_whatever_else_is_read(view):
    whole = everything(view)
    for name in ("frames", "flow", "disocclusion", "detected_68"):
        for frame, (alone,) in enumerate([everything(view, (name,), i, i + 1) for i in range(len(view))]):
            assert np.array_equal(alone[name], whole[frame][name]), (name, frame)
    assert not whole[-1]["flow"].any()
    assert not whole[-1]["occlusion"].any()
    assert not whole[0]["disocclusion"].any()
    assert np.abs(whole[0]["flow"]).max() > 0.05


def test_threads_do_not_change_bytes(motion, view, monkeypatch):
    one = everything(view, ("frames", "flow", "masks"))
    monkeypatch.setattr(filming, "_PIXELS", 1)  # runs of two frames
    set_threads(3)
    try:
        (other,) = phone.shoot(FACE, motion, size=40, seed=4, held="hand")
        many = everything(other, ("frames", "flow", "masks"))
    finally:
        set_threads(None)
    for a, b in zip(one, many, strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in a)


def test_occlusion_of_one_frame_is_disocclusion_seen_from_the_next_backwards(view):
    now, after = everything(view, ("occlusion", "disocclusion"), 1, 3)
    assert 0 < now["occlusion"].mean() < 0.3
    assert 0 < after["disocclusion"].mean() < 0.3


def test_wrong_rigs_and_cameras_are_refused(motion):
    with pytest.raises(VultusError, match="phone"):
        filming.find("fone")
    camera = Camera.look_at((0, 1.6, 1), (0, 1.6, 0), size=(32, 32))
    with pytest.raises(VultusError, match="one size"):
        filming.film(FACE, motion, [filming.Shot("a", (camera, camera.resized(20, 20)))])
    with pytest.raises(VultusError, match="Choose sizes"):
        filming.film(FACE, motion, [filming.Shot("a", (camera.resized(8, 8),))])
    with pytest.raises(VultusError, match="one camera or"):
        filming.film(FACE, motion, [filming.Shot("a", (camera,) * 3)])
