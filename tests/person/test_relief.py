"""The relief of the skin: slopes from heights, and creases that expressions fold."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from vultus import channels as ch
from vultus.motion import Motion
from vultus.person.creases import creases, fold
from vultus.person.identity import Identity
from vultus.person.portrait import Portrait
from vultus.person.relief import STEEPEST, slopes

OLD = Identity.from_seed(4).replace(age=80.0, hair="bald", stubble=0.0)
SIZE = (160, 160)


def plane(size: int = 32, turned: bool = False) -> np.ndarray:
    """A square of skin 32 mm wide that faces front; *turned* lays it into the texture as the head's island lies."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) * 0.001
    across, up = (-y, -x) if turned else (x, -y)
    return np.stack([across, up, np.full_like(x, 0.15)], -1)


def decoded(texture: np.ndarray) -> np.ndarray:
    return (texture.astype(float) - 128) / 127 * STEEPEST


def test_a_flat_field_has_no_slope() -> None:
    heights = np.full((32, 32, 4), 0.003, np.float32)
    assert np.all(slopes(np.zeros((32, 32), np.int32), plane(), heights) == 128)


@pytest.mark.parametrize("turned", [False, True])
def test_slopes_of_a_known_bump_point_where_it_rises(turned: bool) -> None:
    place = plane(turned=turned)
    kind = np.zeros((32, 32), np.int32)
    centre = place[16, 16]
    off = place[..., :2] - centre[:2]
    heights = np.zeros((32, 32, 4), np.float32)
    heights[..., 2] = 0.002 * np.exp(-(off**2).sum(-1) / 0.005**2)
    got = decoded(slopes(kind, place, heights))
    assert np.all(got[..., [0, 1, 2, 3, 6, 7]] == 0)
    expected = -2 * off / 0.005**2 * heights[..., 2:3]
    inner = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(got[inner][..., 4:6], expected[inner], atol=0.03)
    assert np.abs(expected).max() > 0.3


def test_other_materials_and_edges_stay_flat() -> None:
    kind = np.zeros((32, 32), np.int32)
    kind[:, 16:] = 1
    heights = np.random.default_rng(0).normal(0, 1e-3, (32, 32, 4)).astype(np.float32)
    texture = slopes(kind, plane(), heights)
    assert np.all(texture[:, 15:] == 128)
    assert np.all(texture[0] == 128)
    assert (texture[2:-2, 2:14] != 128).mean() > 0.9


def folded(**weights: float) -> tuple[np.ndarray, np.ndarray]:
    """Places [N, 3] of points on a face, and how far the sets show there for these weights."""
    y, x = np.mgrid[0.61:0.80:60j, -0.08:0.08:60j]
    places = np.stack([x.ravel(), y.ravel(), np.full(x.size, 0.13)], 1).astype(np.float32)
    c = creases(places)
    row = np.zeros(len(ch.CHANNELS), np.float32)
    for name, weight in weights.items():
        row[ch.INDEX[name]] = weight
    out = np.zeros((len(places), 3), np.float32)
    fold(row, c.rows, c.start, c.channel, c.share, out)
    return places, out


def test_a_neutral_face_folds_nowhere_and_nothing_folds_more_than_fully() -> None:
    assert np.all(folded()[1] == 0)
    everything = folded(**dict.fromkeys(ch.ARKIT, 1.0))[1]
    assert everything.max() == 1
    assert np.all(np.isfinite(folded(browInnerUp=np.nan, jawOpen=np.inf, mouthPucker=50.0)[1]))
    assert folded(mouthPucker=50.0)[1].max() == 1


def test_sides_fold_apart_and_brows_fold_the_forehead() -> None:
    places, left = folded(eyeSquintLeft=1.0)
    x, y = places[:, 0], places[:, 1]
    assert left[x > 0.01].max() > 0.5
    assert np.all(left[x < -0.005] == 0)
    places, raised = folded(browInnerUp=1.0)
    assert raised[y > 0.765, 0].max() > 0.9
    assert np.all(raised[y < 0.745] == 0)
    assert np.all(raised[:, 1:] == 0)


@cache
def old_face() -> Portrait:
    return Portrait(OLD, SIZE)


def test_raised_brows_wrinkle_an_old_forehead_and_nothing_else() -> None:
    p = old_face()
    row = Motion.of(25, frames=1, browInnerUp=np.array([1.0], np.float32)).data[0]
    # The same vertices with and without the weights: only the relief differs.
    smooth, wrinkled = (p.render(p.mesh.neutral, r).astype(int) for r in (None, row))
    change = np.abs(smooth - wrinkled).mean(-1)
    (_, brow), _ = p.camera.project(p.mesh.neutral[p.mesh.landmark("nasion")])
    forehead = change[: int(brow) - 12]
    assert forehead.max() > 8
    assert change[int(brow) - 4 :].max() == 0
    young = Portrait(OLD.replace(age=20.0), SIZE)
    mild = np.abs(young.render(young.mesh.neutral).astype(int) - young.render(young.mesh.neutral, row)).mean(-1)
    assert 0 < mild.sum() < 0.7 * change.sum()


def test_drafts_have_no_relief() -> None:
    p = Portrait(OLD, (64, 64), "draft")
    row = np.ones(len(ch.CHANNELS), np.float32)
    np.testing.assert_array_equal(p.render(p.mesh.neutral, row), p.render(p.mesh.neutral))


def test_old_skin_is_rougher_than_young_skin() -> None:
    def rough(identity: Identity) -> float:
        return float(np.abs(decoded(Portrait(identity, SIZE).appearance.relief[..., :2])).mean())

    assert rough(OLD) > 1.3 * rough(OLD.replace(age=20.0))
