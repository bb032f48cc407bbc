from functools import lru_cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.choices import BEARDS, HAIR_STYLES
from vultus.person.groom import hair
from vultus.person.groom.body import body
from vultus.person.groom.clear import shortened
from vultus.person.groom.curls import lengths
from vultus.person.hairline import growth, hairline
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pigment import MOUTH_Y
from vultus.render.triangles import vertex_normals

HEADS = (Identity.from_seed(3), Identity.from_seed(8), Identity.from_seed(13))


@lru_cache(maxsize=4)
def bust(seed: int):
    return build_mesh(Identity.from_seed(seed), subdivisions=1)


def grown(identity: Identity):
    return hair(bust(identity.seed), identity)


def skin_depth(mesh, points: np.ndarray) -> np.ndarray:
    """How far points lie under the tangent plane of the nearest vertex of the skull, [N] metres."""
    places = painter_coordinates(mesh)
    skin = np.unique(mesh.triangles[kinds(mesh) == Kind.SKIN])
    # The skull and the nape, without ears, face and shoulders, is convex enough for this measure.
    skin = skin[(places[skin, 1] > 0.74) & (places[skin, 2] < 0.13)]
    normals = vertex_normals(mesh.neutral, mesh.triangles[kinds(mesh) == Kind.SKIN])
    away, near = cKDTree(mesh.neutral[skin]).query(points)
    depth = -((points - mesh.neutral[skin[near]]) * normals[skin[near]]).sum(1)
    return np.where(away < 0.02, depth, -1.0)


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_every_style_grows_on_every_head(style):
    person = HEADS[1 + HAIR_STYLES.index(style) % 2]
    grooms = grown(person.replace(hair=style, beard="none"))
    assert (len(grooms) == 0) == (style == "bald")
    mesh = bust(person.seed)
    for groom in grooms:
        assert np.isfinite(groom.points).all()
        corners = mesh.neutral[mesh.triangles[groom.triangle]]
        weights = np.column_stack([groom.bary, 1 - groom.bary.sum(1)])
        assert (weights >= -1e-6).all()
        np.testing.assert_allclose(np.einsum("nc,ncx->nx", weights, corners), groom.points[:, 0], atol=2e-5)
        assert (kinds(mesh)[groom.triangle] == Kind.SKIN).all()
        assert groom.width.min() >= 1e-4
        assert groom.width.max() <= 1.2e-3
        for name in ("colour", "follow", "sway", "open"):
            values = getattr(groom, name)
            assert values.min() >= 0
            assert values.max() <= 1
        assert (groom.follow[:, 0] == 1).all()
        assert (groom.sway[:, 0] == 0).all()
        assert lengths(groom.points.astype(float))[:, -1].max() < 0.6


@pytest.mark.parametrize("style", ["short", "bob", "long_wavy", "ponytail", "curly"])
def test_no_strand_enters_the_skull(style):
    person = HEADS[len(style) % 2]
    mesh = bust(person.seed)
    points = grown(person.replace(hair=style, beard="none"))[0].points[::4, 1:].reshape(-1, 3)
    assert (skin_depth(mesh, points) > 0.002).mean() < 0.002


def test_long_hair_covers_the_ears():
    person = HEADS[0].replace(hair="bob", beard="none")
    mesh, points = bust(person.seed), grown(person)[0].points
    solid = body(mesh)
    ear = mesh.neutral[(solid.ear > 0.5) & (solid.places[:, 0] > 0)]
    middle = ear.mean(0)
    # Of the hair that passes the middle of the ear, nearly all passes outside it.
    low, high = points[:, :-1], points[:, 1:]
    crossing = (low[..., 1] > middle[1]) & (high[..., 1] <= middle[1])
    t = ((low[..., 1] - middle[1]) / np.maximum(low[..., 1] - high[..., 1], 1e-9))[..., None]
    at = (low + t * (high - low))[crossing]
    beside = at[(np.abs(at[:, 2] - middle[2]) < 0.008) & (at[:, 0] > 0)]
    assert len(beside) > 40
    assert (beside[:, 0] > ear[:, 0].max() - 0.002).mean() > 0.9


def test_parted_hair_leaves_the_face_free():
    for style in ("bob", "long_straight", "long_wavy"):
        person = HEADS[0].replace(hair=style, beard="none")
        mesh, points = bust(person.seed), grown(person)[0].points
        solid = body(mesh)
        left, right = mesh.eye_centres
        eyes = np.abs(points[..., 0]) < 0.5 * abs(left[0] - right[0]) + 0.008
        eyes &= np.abs(points[..., 1] - left[1]) < 0.02
        assert not (eyes & (points[..., 2] > left[2])).any()
        assert solid.world(0.0, 0.7284, 0.1245) == pytest.approx(0.5 * (left + right), abs=0.012)


@pytest.mark.parametrize("style", ["short", "swept_back", "curly", "ponytail"])
def test_ears_stay_free(style):
    person = HEADS[0].replace(hair=style, beard="none")
    mesh, points = bust(person.seed), grown(person)[0].points
    solid = body(mesh)
    ear = mesh.neutral[(solid.ear > 0.5) & (solid.places[:, 0] > 0)]
    middle, half = 0.5 * (ear.min(0) + ear.max(0)), 0.5 * np.ptp(ear, axis=0)
    over = (((points[..., 1:] - middle[1:]) / half[1:]) ** 2).sum(2) < 0.8
    assert not (over[:, 1:] & (points[:, 1:, 0] > ear[:, 0].min() + 0.006)).any()


@pytest.mark.parametrize("style", ["bob", "long_wavy", "swept_back", "ponytail"])
def test_no_strand_lies_over_the_face(style):
    person = HEADS[0].replace(hair=style, beard="none")
    points = grown(person)[0].points
    brow, chin = (body(bust(person.seed)).world(0.0, y, 0.135) for y in (0.765, 0.620))
    height, ahead = points[..., 1], points[..., 2] - brow[2]
    assert not ((height > chin[1]) & (height < brow[1]) & (ahead > -0.02)).any()


def test_strands_are_cut_at_a_share_of_their_length():
    points = np.zeros((2, 5, 3))
    points[..., 1] = np.linspace(0, 1, 5) ** 1.4
    cut = shortened(points, np.array([0.5, 1.0]))
    assert cut[0, -1, 1] == pytest.approx(0.5**1.4)
    np.testing.assert_allclose(cut[1], points[1])


def test_prefixes_are_even_samples():
    groom = grown(HEADS[0].replace(hair="short"))[0]
    root = groom.points[:, 0]
    count = len(root)
    cells = np.unique(np.floor(root / 0.03).astype(int), axis=0, return_inverse=True)[1].ravel()
    whole = np.bincount(cells)
    part = np.bincount(cells[: count // 4], minlength=len(whole))
    big = whole >= 60
    assert big.sum() > 20
    # Far closer to a quarter each than independent draws would be.
    error = part[big] - whole[big] / 4
    assert (error**2 / (whole[big] * 3 / 16)).mean() < 0.5


def test_the_same_person_has_the_same_hair():
    person = HEADS[1].replace(hair="curly", beard="full_beard")
    for a, b in zip(grown(person), grown(person), strict=True):
        for name in ("points", "triangle", "bary", "width", "colour", "follow", "sway", "open"):
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    other = hair(bust(8), person.replace(seed=9))
    assert other[0].points.shape != grown(person)[0].points.shape


@pytest.mark.parametrize("beard", BEARDS)
def test_beards_leave_the_lips_free(beard):
    person = HEADS[2].replace(hair="bald", beard=beard)
    grooms = grown(person)
    assert (len(grooms) == 0) == (beard in ("none", "stubble"))
    if not grooms:
        return
    mesh = bust(person.seed)
    groom = grooms[0]
    places = painter_coordinates(mesh)
    weights = np.column_stack([groom.bary, 1 - groom.bary.sum(1)])
    root = np.einsum("nc,ncx->nx", weights, places[mesh.triangles[groom.triangle]])
    uv = np.einsum("nc,ncx->nx", weights, mesh.uv[mesh.uv_triangles[groom.triangle]])
    rows, columns = ((1 - uv[:, 1]) * 1023).astype(int), (uv[:, 0] * 1023).astype(int)
    assert (mesh.masks["lips"][rows, columns] > 128).mean() < 0.005
    # No whisker of the upper lip hangs over the opening of the mouth.
    upper = groom.points[(root[:, 1] > MOUTH_Y) & (np.abs(root[:, 0]) < 0.02)]
    opening = 0.5 * (mesh.neutral[mesh.landmark("lipInnerUpper"), 1] + mesh.neutral[mesh.landmark("lipInnerLower"), 1])
    if beard != "short_beard":
        assert len(upper) > 50
    assert (upper[..., 1] < opening).mean() < 0.01


def test_men_lose_hair_at_the_temples_with_age():
    young, old = Identity(age=20, gender=0.0, seed=4), Identity(age=80, gender=0.0, seed=4)
    woman = Identity(age=80, gender=1.0, seed=4)
    at = (0.055, 0.800, 0.125)
    inside = [hairline(*at, growth(person)) for person in (young, old, woman)]
    assert inside[0] > inside[1] + 0.01
    assert inside[2] > inside[1] + 0.01


def test_shoulders_carry_long_hair_only():
    short = grown(HEADS[0].replace(hair="short"))[0]
    long = grown(HEADS[0].replace(hair="long_straight"))[0]
    assert short.follow.min() > 0.9
    tips = long.follow[:, -1]
    assert (tips < 0.1).mean() > 0.7
    assert (long.open[:, 1] < long.open.max() - 0.2).mean() > 0.5
