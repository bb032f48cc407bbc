"""What of a person is drawn: fine, and coarse for drafts."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.person.atlas import Kind
from vultus.person.drawn import corners_of, rows_of, surfaces
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh

MESH = build_mesh(Identity.from_seed(15), subdivisions=1)


def areas(places: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = np.moveaxis(places[triangles].astype(float), 1, 0)
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


@pytest.mark.parametrize("coarse", [False, True])
def test_surfaces_number_their_own_vertices(coarse: bool) -> None:
    s = surfaces(MESH, coarse)
    assert len(np.unique(s.vertices)) == len(s.vertices)
    np.testing.assert_array_equal(s.points[s.triangles], s.welded)
    rows = rows_of(MESH, coarse)
    np.testing.assert_array_equal(rows[s.vertices], np.arange(len(s.vertices)))
    assert np.count_nonzero(rows >= 0) == len(s.vertices)


def test_coarse_surfaces_are_the_same_person_in_a_quarter_of_the_triangles() -> None:
    fine, coarse = surfaces(MESH), surfaces(MESH, True)
    assert set(coarse.vertices) <= set(fine.vertices)
    for kind in (Kind.SKIN, Kind.EYE_LEFT, Kind.CAVITY, Kind.UPPER_TEETH, Kind.TONGUE):
        whole = MESH.neutral[fine.vertices], fine.welded[fine.kind == kind]
        few = MESH.neutral[coarse.vertices], coarse.welded[coarse.kind == kind]
        ratio = len(whole[1]) / len(few[1])
        assert ratio == (1 if kind in (Kind.UPPER_TEETH, Kind.TONGUE) else 4)
        assert areas(*few).sum() == pytest.approx(areas(*whole).sum(), rel=0.06)  # chords lie inside


def test_places_on_the_fine_mesh_are_found_on_the_coarse_one() -> None:
    rng = np.random.default_rng(0)
    triangle = rng.integers(0, len(MESH.triangles), 4000).astype(np.int32)
    bary = rng.dirichlet((1, 1, 1), 4000)[:, :2].astype(np.float32)
    exact, near = (
        (MESH.neutral[corners] * weights[..., None]).sum(1)
        for corners, weights in (corners_of(MESH, triangle, bary), corners_of(MESH, triangle, bary, True))
    )
    apart = np.linalg.norm(exact - near, axis=1)
    assert np.median(apart) < 0.0003  # Loop's step rounds the flat triangles
    assert apart.max() < 0.006
    # Without the change of triangles the places would be elsewhere.
    assert np.median(np.linalg.norm(exact - np.roll(near, 1, axis=0), axis=1)) > 0.02
    corners, weights = corners_of(MESH, triangle, bary, True)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    drawn = rows_of(MESH)[MESH.triangles[triangle]].min(1) >= 0
    assert (rows_of(MESH, True)[corners[drawn]] >= 0).all()
