"""Every face departs from its attributes in a way of its own, smoothly and within bounds."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from vultus.person import individual
from vultus.person.draws import OWN
from vultus.person.identity import Identity, parse_identity
from vultus.person.individual import departure
from vultus.person.pack import load_pack
from vultus.person.shape import rest

PACK = load_pack()
COUNT = len(PACK.template)
CENTRE = 0.5 * sum(PACK.joint_template[PACK.joint_names.index(name)] for name in ("leftEye", "rightEye"))
PLACES = PACK.template - CENTRE


def test_a_seed_departs_always_alike_and_differently_from_others() -> None:
    one, two = departure(PACK, 3, COUNT), departure(PACK, 4, COUNT)
    np.testing.assert_array_equal(one, departure(PACK, 3, COUNT))
    face = np.abs(one).max(1) > 1e-4
    assert abs(np.corrcoef(one[face].ravel(), two[face].ravel())[0, 1]) < 0.3
    size = np.sqrt((one[face] ** 2).sum(1).mean())
    assert 0.001 < size < 0.004
    most = sum(individual.SOFTLY * np.array([across, across, deep]) for _, across, deep in individual.SCALES)
    assert (np.abs(one) <= most + individual.LEVEL + 1e-6).all()


def test_only_the_face_departs() -> None:
    moves = np.abs(departure(PACK, 5, COUNT)).max(1)
    x, y, z = np.abs(PLACES[:, 0]), PLACES[:, 1], PLACES[:, 2]
    assert moves[(x > 0.085) | (y > 0.096) | (y < -0.151) | (z < -0.086)].max() == 0
    assert moves[PACK.landmarks["noseTip"]] > 0


def test_both_sides_depart_nearly_alike_and_neighbours_together() -> None:
    moves = departure(PACK, 6, COUNT)
    face = np.flatnonzero((np.abs(moves).max(1) > 1e-4) & (np.abs(PLACES[:, 0]) > 0.01))
    distance, other = cKDTree(PLACES).query(PLACES[face] * [-1, 1, 1])
    same = distance < 1e-4
    assert same.mean() > 0.5
    mirrored = moves[other[same]] * [-1, 1, 1]
    together = np.corrcoef(moves[face[same]].ravel(), mirrored.ravel())[0, 1]
    assert 0.6 < together < 0.999
    near, next_to = cKDTree(PLACES[face]).query(PLACES[face], k=2)
    close = near[:, 1] < 0.003
    step = np.linalg.norm(moves[face[next_to[:, 1]]] - moves[face], axis=1)[close]
    assert np.median(step / near[close, 1].clip(1e-4)) < 0.5  # metres a metre: nothing folds over


def test_an_identity_has_as_much_of_it_as_it_says() -> None:
    person = Identity.from_seed(7)
    assert person.own_shape == OWN
    plain, half, full = (rest(PACK, person.replace(own_shape=share), COUNT)[0] for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, 0.5 * (plain + full), atol=1e-6)
    np.testing.assert_allclose(full - plain, departure(PACK, 7, COUNT), atol=1e-6)
    assert parse_identity("person:own_shape=0,seed=7") == person.replace(own_shape=0.0)
    assert Identity(seed=7).own_shape == 0


def test_chance_lets_no_mouth_hang() -> None:
    middle = [PACK.landmarks[name] for name in ("lipInnerUpper", "lipInnerLower")]
    ends = [PACK.landmarks[f"mouthCorner{side}"] for side in ("Left", "Right")]
    hang = [moves[middle, 1].mean() - moves[ends, 1].mean() for moves in (departure(PACK, s, COUNT) for s in range(12))]
    assert max(hang) < 0.0012
    assert min(hang) < -0.0003
