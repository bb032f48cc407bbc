"""A photo that moves, against the person who was drawn as the photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import asset
from tests.observers.conftest import drawn

from vultus import channels as ch
from vultus.cli import main
from vultus.errors import VultusError
from vultus.heads.photo import PhotoHead, fitted, save
from vultus.io import gltf
from vultus.io.formats import write_motion
from vultus.motion import Motion
from vultus.observers.basis import template
from vultus.person.atlas import atlas_uv
from vultus.person.landmarks import corners
from vultus.render.threads import set_threads

__all__ = ["drawn"]
Drawn = Callable[..., NDArray[np.uint8]]


def row(**values: float) -> NDArray[np.float32]:
    out = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in values.items():
        out[ch.INDEX[name]] = value
    return out


def squares(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(((a.astype(float) - b) ** 2).mean())


@pytest.fixture(scope="module")
def portrait(drawn: Drawn) -> NDArray[np.uint8]:
    asset("face_landmarker")
    asset("selfie_segmenter")
    return drawn()


@pytest.fixture(scope="module")
def head(portrait: NDArray[np.uint8]) -> PhotoHead:
    return PhotoHead(portrait, size=256)


@pytest.fixture
def one_thread() -> Iterator[None]:
    set_threads(1)
    yield
    set_threads(None)


def test_what_keeps_still_is_the_photo(head: PhotoHead, portrait: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(head.frame(row()), portrait)
    blink = head.frame(row(eyeBlinkLeft=1.0, eyeBlinkRight=1.0))
    changed = np.argwhere((blink != portrait).any(2))
    marks = head.fits[0].landmarks
    eyes = marks[[33, 263]]
    assert len(changed) > 50
    assert changed[:, 0].max() < marks[1, 1]  # above the tip of the nose
    assert changed[:, 1].min() > eyes[0, 0] - 30
    assert changed[:, 1].max() < eyes[1, 0] + 30


@pytest.mark.parametrize(
    "values",
    [
        {"jawOpen": 0.5},
        {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
        {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
        {"headRotationY": 0.2},
        {"headRotationX": 0.12, "translationX": 0.01},
    ],
)
def test_it_moves_as_the_person_does(
    head: PhotoHead, portrait: NDArray[np.uint8], drawn: Drawn, values: dict[str, float], tracker
) -> None:
    told, there, before = (
        tracker.track(p, fresh=True).landmarks[:, :2] for p in (head.frame(row(**values)), drawn(**values), portrait)
    )
    moved = np.linalg.norm(there - before, axis=1)
    missed = np.linalg.norm(told - there, axis=1)
    assert missed[moved > 2].mean() < 0.35 * moved[moved > 2].mean()


@pytest.mark.parametrize("values", [{"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}, {"headRotationY": 0.2}])
def test_its_pictures_are_like_those_of_the_person(
    head: PhotoHead, portrait: NDArray[np.uint8], drawn: Drawn, values: dict[str, float]
) -> None:
    made, true = head.frame(row(**values)), drawn(**values)
    assert squares(made, true) < 0.65 * squares(portrait, true)


def test_a_smiling_photo_closes_its_mouth_to_speak(drawn: Drawn) -> None:
    smile = {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "jawOpen": 0.2, "mouthUpperUpLeft": 0.3,
             "mouthUpperUpRight": 0.3}  # fmt: skip
    photo = drawn(**smile)
    head = PhotoHead(photo, size=256)
    np.testing.assert_array_equal(head.frame(row()), photo)
    pressed = head.frame(row(mouthPressLeft=0.6, mouthPressRight=0.6))
    marks = head.fits[0].landmarks
    middle = 0.5 * (marks[13] + marks[14])
    x, y = int(middle[0]), int(middle[1])
    inside = (slice(y - 1, y + 2), slice(x - 4, x + 5))
    assert abs(pressed[inside].astype(int) - photo[inside]).mean() > 10


def test_frames_do_not_depend_on_threads(head: PhotoHead, one_thread: None) -> None:
    data = np.stack([row(jawOpen=0.1 * k, headRotationY=0.02 * k) for k in range(5)])
    motion = Motion(data, Fraction(25))
    one = list(head.frames([motion[:2], motion[2:]]))
    set_threads(3)
    many = list(head.frames([motion]))
    assert len(one) == 5
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)


def test_opacity_is_that_of_the_person(portrait: NDArray[np.uint8]) -> None:
    picture = PhotoHead(portrait, size=256, alpha=True).frame(row(headRotationY=0.1))
    assert picture.shape == (256, 256, 4)
    assert picture[128, 128, 3] == 255
    assert picture[5, 5, 3] == 0


def test_a_person_alone_lies_over_the_old_place_as_in_the_photo(portrait: NDArray[np.uint8]) -> None:
    """Straight colours: over what stood behind they make the picture with it, and none of it is left in them."""
    turned = row(headRotationY=0.1)
    whole, alone = PhotoHead(portrait, size=256), PhotoHead(portrait, size=256, alpha=True)
    expected, picture = whole.frame(turned).astype(float), alone.frame(turned).astype(float)
    (scene,) = alone._scenes
    opaque = picture[..., 3:] / 255
    back = picture[..., :3] * opaque + 255 * scene.ground.plate * (1 - opaque)
    edge = (opaque[..., 0] > 0.3) & (opaque[..., 0] < 0.9)
    assert edge.sum() > 50
    # What is brighter or darker than any colour can be is cut off.
    assert np.median(np.abs(back - expected)[edge]) < 2
    np.testing.assert_array_equal(picture[..., :3][opaque[..., 0] == 1], expected[opaque[..., 0] == 1])


def test_a_person_alone_from_the_command_line(
    portrait: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import av

    from vultus.io.image import write_image

    write_image(tmp_path / "a.png", portrait)
    write_motion(tmp_path / "m.npz", Motion.of(30, jawOpen=np.linspace(0, 0.5, 4)))
    out = tmp_path / "a.mov"
    command = ["render", str(tmp_path / "m.npz"), "--size", "128", "--out", str(out), "--face"]
    assert main([*command, str(tmp_path / "a.png")]) == 0
    with av.open(str(out)) as container:
        shown = [picture.to_ndarray(format="rgba") for picture in container.decode(video=0)]
    assert len(shown) == 4
    assert shown[3][64, 64, 3] > 250
    assert shown[3][3, 3, 3] < 5
    out.unlink()
    assert main([*command, "person:14"]) == 2
    assert "Name a photo" in capsys.readouterr().err
    assert not out.exists()


def test_sizes_and_parts_of_the_photo(portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    wide = np.full((256, 640, 3), 90, np.uint8)
    wide[:, 300:556] = portrait
    made = fitted(wide)
    assert PhotoHead(made, size=128).frame(row()).shape == (128, 128, 3)
    full = PhotoHead(made, size=320, full=True)
    assert full.size == (320, 128)
    np.testing.assert_array_equal(full.frame(row()), full.photo)
    large = PhotoHead(made, size=(700, 600))
    assert large.frame(row(jawOpen=0.3)).shape == (600, 700, 3)
    from vultus.io.image import write_image

    write_image(tmp_path / "a.png", wide)
    path, fits = save(tmp_path / "a.png", tmp_path / "a.face")
    assert len(fits) == 1
    np.testing.assert_array_equal(
        PhotoHead(path, size=128).frame(row(jawOpen=0.3)), PhotoHead(made, size=128).frame(row(jawOpen=0.3))
    )
    with pytest.raises(VultusError, match=r"\.face"):
        save(tmp_path / "a.png", tmp_path / "b.npz")


def test_a_fit_is_a_model_for_engines_with_the_photo_on_it(
    head: PhotoHead, portrait: NDArray[np.uint8], tmp_path: Path, khronos: Callable[[Path], dict[str, Any]]
) -> None:
    model = head.model()
    assert [part.name for part in model.primitives] == ["skin", "eyes", "mouth", "shirt"]
    assert set(model.targets) == {*ch.ARKIT, *ch.TONGUE}
    assert model.texture is not None
    # Seen as the photo was taken, the face has the photo's colours where landmarks lie.
    fit, mesh = head.fits[0], head.fits[0].mesh
    posed = np.empty_like(mesh.neutral)
    mesh.evaluate_into(fit.row, posed)
    index, weight = corners(template(1))
    nose, cheeks = [4, 5, 195], [50, 280, 205, 425]
    side = len(model.texture)
    uv = atlas_uv(template(1))
    for mark in (*nose, *cheeks):
        triangle = np.flatnonzero((mesh.triangles == index[mark]).all(1))[0]
        place = weight[mark] @ uv[mesh.uv_triangles[triangle]] * side
        x, y = fit.landmarks[mark]
        there = model.texture[int(side - place[1]), int(place[0])].astype(int)
        assert np.abs(there - portrait[int(y), int(x)]).max() < 25, mark
    gltf.write(tmp_path / "f.glb", model, Motion.of(30, expression=np.zeros((3, 52))), visemes=True)
    back, _ = gltf.read(tmp_path / "f.glb")
    np.testing.assert_array_equal(back.texture, model.texture)
    issues = khronos(tmp_path / "f.glb")["issues"]
    assert issues["numErrors"] == issues["numWarnings"] == 0


def test_photos_become_glb_from_the_command_line(portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    from vultus.io.image import write_image

    write_image(tmp_path / "a.png", portrait)
    assert main(["face", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.glb")]) == 0
    still, moved = gltf.read(tmp_path / "a.glb")
    assert still.texture is not None
    assert moved is None
    livelink = tmp_path / "m.npz"
    write_motion(livelink, Motion.of(30, expression=np.full((4, 52), 0.25)))
    assert main(["convert", str(livelink), str(tmp_path / "b.glb"), "--face", str(tmp_path / "a.png")]) == 0
    assert len(gltf.read(tmp_path / "b.glb")[1] or ()) == 4


def test_several_faces_move_alone_or_together(portrait: NDArray[np.uint8]) -> None:
    both = np.concatenate([portrait, portrait[:, ::-1]], 1)
    made = fitted(both)
    assert len(made.faces) == 2
    second = PhotoHead(made, size=256, full=True, which="2")
    still, moved = second.frame(row()), second.frame(row(jawOpen=0.5))
    changed = np.flatnonzero((still != moved).any((0, 2)))
    assert changed.min() > 128
    everyone = PhotoHead(made, size=256, which="all")
    np.testing.assert_array_equal(everyone.frame(row()), everyone.photo)
    changed = np.flatnonzero((everyone.photo != everyone.frame(row(jawOpen=0.5))).any((0, 2)))
    assert changed.min() < 128 < changed.max()
    with pytest.raises(VultusError, match="2 faces"):
        PhotoHead(made, which="3")


def test_any_motion_gives_pictures(head: PhotoHead) -> None:
    wild = np.full(len(ch.CHANNELS), np.inf, np.float32)
    for values in (wild, -wild, np.nan * wild, np.ones_like(wild)):
        assert head.frame(values).shape == (256, 256, 3)
