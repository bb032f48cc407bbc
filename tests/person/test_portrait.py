"""What a person looks like: the painted atlas, light and pixels."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from vultus.camera import Camera
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.person import surface, tone
from vultus.person.appearance import paint, palette
from vultus.person.atlas import Kind, atlas_uv, kinds
from vultus.person.identity import Identity
from vultus.person.light import RIGS, Lamp, LightRig, rig
from vultus.person.mesh import build_mesh
from vultus.person.portrait import Portrait
from vultus.render import threads

WHO = Identity.from_seed(15)
SIZE = (144, 144)
SHOW_TEETH = {
    "jawOpen": 0.25, "mouthUpperUpLeft": 0.8, "mouthUpperUpRight": 0.8, "mouthLowerDownLeft": 0.8,
    "mouthLowerDownRight": 0.8,
}  # fmt: skip
INSIDE = (Kind.TONGUE, Kind.UPPER_TEETH, Kind.LOWER_TEETH, Kind.CAVITY)


@cache
def portrait(quality: str = "default") -> Portrait:
    return Portrait(WHO, SIZE, quality)


def face(**channels: float) -> np.ndarray:
    motion = Motion.of(25, frames=1, **{name: np.array([value], np.float32) for name, value in channels.items()})
    return portrait().mesh.evaluate(motion)[0]


def around(name: str, half: int) -> tuple[slice, slice]:
    """The pixels around a landmark of the neutral face."""
    p = portrait()
    (x, y), _ = p.camera.project(p.mesh.neutral[p.mesh.landmark(name)])
    return slice(int(y) - half, int(y) + half), slice(int(x) - half, int(x) + half)


def mouth_close_up(quality: str = "draft") -> Portrait:
    target = portrait().mesh.neutral[portrait().mesh.landmark("lipInnerUpper")].astype(float)
    camera = Camera.look_at(target + np.array([0, 0, 0.8]), target, size=SIZE, fov=5.5)
    return Portrait(WHO, SIZE, quality, camera=camera)


@pytest.mark.parametrize("quality", ["draft", "default", "film"])
def test_every_quality_shows_a_face_before_the_background(quality: str) -> None:
    p = portrait(quality)
    image = p.render(p.mesh.neutral)
    assert image.shape == (144, 144, 3)
    assert image.dtype == np.uint8
    cheeks, corner = image[around("noseTip", 12)].reshape(-1, 3).astype(int), image[:6, :6].reshape(-1, 3).astype(int)
    assert np.median(cheeks[:, 0] - cheeks[:, 2]) > 20  # skin is warm
    assert np.median(corner[:, 0] - corner[:, 2]) < 5  # the backdrop is not
    assert p.kinds()[around("noseTip", 4)].max() == Kind.SKIN
    assert np.all(p.kinds()[:4, :4] == -1)
    assert np.isinf(p.depth()[:4, :4]).all()
    assert np.allclose(p.depth()[around("noseTip", 3)], 1.2, atol=0.1)


def test_same_person_same_bytes_whatever_the_threads() -> None:
    pictures = []
    try:
        for count in (1, 2, 3):
            threads.set_threads(count)
            fresh = Portrait(Identity.from_seed(15), SIZE)
            pictures.append(fresh.render(face(**SHOW_TEETH)))
            again = fresh.render(face(**SHOW_TEETH))
            assert again is not pictures[-1]
            np.testing.assert_array_equal(again, pictures[-1])
    finally:
        threads.set_threads(None)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_the_painter_is_deterministic_and_people_differ() -> None:
    mesh = build_mesh(WHO, subdivisions=1)
    first, second = paint(mesh, WHO, 128), paint(mesh, WHO, 128)
    assert first.texture.tobytes() == second.texture.tobytes()
    other = paint(mesh, WHO.replace(seed=77), 128)
    assert first.texture.tobytes() != other.texture.tobytes()
    assert first.srgb().shape == (128, 128, 3)
    assert np.all((first.uv >= 0) & (first.uv <= 1))
    assert np.all((first.lift >= 0) & (first.lift < 0.03))


def test_blinking_changes_the_eyes_and_hardly_the_chin() -> None:
    p = portrait()
    still, blink = (p.render(face(**c)).astype(int) for c in ({}, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}))
    change = np.abs(still - blink).mean(-1)
    assert change[around("lidUpperLeft", 4)].mean() > 15
    assert change[around("lidUpperRight", 4)].mean() > 15
    assert change[around("chin", 6)].mean() < 1


def test_teeth_show_between_parted_lips() -> None:
    p = mouth_close_up()
    image = p.render(face(**SHOW_TEETH)).astype(int)
    kind = p.kinds()
    for row in (Kind.UPPER_TEETH, Kind.LOWER_TEETH):
        assert (kind == row).sum() > 50
    teeth = image[kind == Kind.LOWER_TEETH]
    bright = (teeth.min(1) > 110) & (np.ptp(teeth, axis=1) < 60)
    assert bright.mean() > 0.3
    # Single teeth: along the row it gets dark and bright again several times.
    assert teeth.mean(1).std() > 10


def test_closed_lips_hide_the_mouth() -> None:
    p = mouth_close_up("draft")  # one sample a pixel: no lip is mixed in
    image = p.render(p.mesh.neutral)
    inside = np.isin(p.kinds(), INSIDE)
    assert inside.mean() < 0.003  # at most a hair's breadth between the lips
    skin = image[p.kinds() == Kind.SKIN].mean()
    # What shows of it, if anything, is dark.
    seen = image[inside].mean(1)
    assert np.all(seen < 0.75 * skin)  # edge pixels are in part lips
    assert len(seen) == 0 or np.median(seen) < 0.45 * skin


def test_the_deep_mouth_is_darker_than_the_lips() -> None:
    p = mouth_close_up("default")
    image = p.render(face(jawOpen=0.6)).astype(int)
    kind = p.kinds()
    assert (kind == Kind.CAVITY).sum() > 50
    assert image[kind == Kind.CAVITY].mean() < 0.5 * image[kind == Kind.SKIN].mean()


def test_bald_heads_and_dark_skin_differ_as_they_should() -> None:
    def crown(identity: Identity) -> np.ndarray:
        p = Portrait(identity, SIZE, "draft")
        image = p.render(p.mesh.neutral)
        rows = np.flatnonzero((p.kinds() >= 0).any(1))
        return image[rows[0] + 8 : rows[0] + 14, 66:78].reshape(-1, 3).mean(0)

    haired, bald = crown(WHO.replace(hair="short", hair_colour="black")), crown(WHO.replace(hair="bald"))
    assert bald.mean() > haired.mean() + 60
    light, dark = (palette(WHO.replace(skin_tone=tone))[0] for tone in (0.0, 1.0))
    assert light.mean() > 4 * dark.mean()


def test_broken_vertices_leave_a_picture() -> None:
    for quality in ("draft", "default"):
        p = portrait(quality)
        vertices = p.mesh.neutral.copy()
        vertices[::7] = np.nan
        vertices[1::11] = np.inf
        vertices[2::13] = 1e30
        assert p.render(vertices).shape == (144, 144, 3)
        assert p.render(np.full_like(vertices, np.nan)).std() < 30  # the backdrop alone
        p.render(p.mesh.neutral)


def test_extreme_light_stays_in_range() -> None:
    for scale in (0.0, 1e4):
        lamp = Lamp((0, 0, 1), (scale, scale, scale))
        lights = LightRig(key=lamp, fill=lamp, rim=lamp, sky=(scale,) * 3, ground=(scale,) * 3, front=(scale,) * 3)
        p = Portrait(WHO, (64, 64), "default", light=lights)
        image = p.render(p.mesh.neutral)
        nose = image[28:40, 28:36]
        assert nose.mean() > 240 if scale else nose.mean() < 5


def test_shadows_fall_only_where_they_are_asked_for() -> None:
    noon = LightRig(key=Lamp((0, 1, 0.35), (2, 2, 2)))
    draft, default = (Portrait(WHO, SIZE, q, light=noon) for q in ("draft", "default"))
    lit, shaded = draft.render(draft.mesh.neutral).astype(int), default.render(default.mesh.neutral).astype(int)
    skin = default.kinds() == Kind.SKIN
    assert (lit - shaded)[skin].mean() > 1
    assert np.percentile((lit - shaded).mean(-1)[skin], 98) > 15


def test_the_atlas_gives_the_face_its_room_and_keeps_every_triangle() -> None:
    mesh = build_mesh(WHO, subdivisions=0)
    uv, kind = atlas_uv(mesh), kinds(mesh)
    assert {Kind.SKIN, Kind.EYE_LEFT, Kind.EYE_RIGHT, Kind.TONGUE, Kind.CAVITY, Kind.SOCKET} <= set(kind)

    def areas(points: np.ndarray) -> np.ndarray:
        a, b, c = np.moveaxis(points[mesh.uv_triangles].astype(float), 1, 0)
        return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]

    seen = kind != Kind.HIDDEN
    assert np.all(np.sign(areas(uv))[seen] == np.sign(areas(mesh.uv))[seen])
    lips = np.linalg.norm(mesh.neutral[mesh.triangles].mean(1) - mesh.neutral[mesh.landmark("lipOuterLower")], axis=1)
    near = (lips < 0.015) & (kind == Kind.SKIN)
    assert np.abs(areas(uv))[near].sum() > 2.5 * np.abs(areas(mesh.uv))[near].sum()


def test_tone_table_rises_from_black_to_white() -> None:
    table = tone.tone_table()
    assert table[0] == 0
    assert table[-1] == 255
    assert np.all(np.diff(table.astype(int)) >= 0)


def test_packed_texels_keep_their_channels() -> None:
    texture = np.random.default_rng(0).integers(0, 256, (3, 3, 8), dtype=np.uint8)
    words = surface.packed(texture)
    np.testing.assert_array_equal((words[..., None] >> (8 * np.arange(8, dtype=np.uint64))) & np.uint64(255), texture)


def test_rigs_and_wrong_requests() -> None:
    for name in RIGS:
        Portrait(WHO, (48, 48), "draft", light=name).render(portrait().mesh.neutral)
    with pytest.raises(VultusError, match="studio"):
        rig("studoi")
    with pytest.raises(VultusError, match="direction"):
        Lamp((0, 0, 0), (1, 1, 1))
    with pytest.raises(VultusError, match="quality"):
        Portrait(WHO, SIZE, "best")
    with pytest.raises(VultusError, match="pixels"):
        Portrait(WHO, (0, 10))
    with pytest.raises(VultusError, match="vertices"):
        portrait().render(np.zeros((5, 3), np.float32))


@pytest.mark.parametrize("quality", ["draft", "default"])
def test_a_twin_draws_the_same_beside_its_model(quality: str) -> None:
    first = portrait(quality)
    second = first.twin()
    smile, still = face(mouthSmileLeft=1.0, eyeBlinkRight=1.0), first.mesh.neutral
    expected, other = first.render(smile), first.render(still)
    np.testing.assert_array_equal(second.render(smile), expected)
    np.testing.assert_array_equal(first.render(still), other)
    # Posed in turns, neither writes into what the other reads.
    first.pose(smile)
    second.pose(still)
    here, there = (np.concatenate([s.reshape(-1) for _, s, _ in p.strands()]) for p in (first, second))
    assert not np.array_equal(here, there)
    assert not np.array_equal(first.points[:, :3], second.points[:, :3])
    assert not np.shares_memory(first.points, second.points)
