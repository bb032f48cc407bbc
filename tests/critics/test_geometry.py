"""Measures on vertices, against slow formulas and against faces of which the answer is known."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from vultus.critics import geometry as g
from vultus.drivers.articulation import articulate
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.signals.phones import Phone

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0, 0.01, (7, 20, 3))
MADE = TRUE + RNG.normal(0, 0.002, TRUE.shape)
LIPS, UPPER = np.arange(5), np.arange(8, 20)
NEUTRAL = RNG.normal(0, 0.01, (20, 3))


@cache
def person() -> PersonMesh:
    return build_mesh(Identity.from_seed(5))


def test_lve_is_the_mean_over_frames_of_the_greatest_squared_distance() -> None:
    slow = 0.0
    for t in range(7):
        slow += max(float(((MADE[t, i] - TRUE[t, i]) ** 2).sum()) for i in LIPS) / 7
    assert g.lve(MADE, TRUE, LIPS) == pytest.approx(slow)
    assert g.lve(TRUE, TRUE, LIPS) == 0
    assert g.lve_mm(MADE, TRUE, LIPS) == pytest.approx(
        1000 * np.mean([max(np.linalg.norm(MADE[t, i] - TRUE[t, i]) for i in LIPS) for t in range(7)])
    )
    assert g.mve(MADE, TRUE) >= max(g.lve(MADE, TRUE, LIPS), g.ufve(MADE, TRUE, UPPER))


def test_fdd_is_signed_and_blind_to_timing() -> None:
    stiff = NEUTRAL + 0.5 * (TRUE - NEUTRAL)
    assert g.fdd(stiff, TRUE, NEUTRAL, UPPER) > 0 > g.fdd(TRUE, stiff, NEUTRAL, UPPER)
    assert g.fdd(TRUE[::-1], TRUE, NEUTRAL, UPPER) == pytest.approx(0, abs=1e-12)
    assert g.ufd_mm(stiff, TRUE, NEUTRAL, UPPER) > 0


def test_half_the_movement_is_half_the_articulation() -> None:
    mumbled = NEUTRAL + 0.5 * (TRUE - NEUTRAL)
    assert g.articulation_ratio(mumbled, TRUE, NEUTRAL, LIPS) == pytest.approx(0.5)


def test_closures_are_counted_as_events() -> None:
    phones = [Phone(0.0, 0.2, "ɑ"), Phone(0.2, 0.28, "p"), Phone(0.28, 0.6, "ɑ"), Phone(0.6, 0.7, "m")]
    gap = np.full(25, 0.01)
    assert g.closure_f1(gap, phones, 25) == {"precision": 1.0, "recall": 0.0, "f1": 0.0}
    gap[5:7] = 0
    assert g.closure_f1(gap, phones, 25)["recall"] == 0.5
    gap[15:17] = 0
    assert g.closure_f1(gap, phones, 25)["f1"] == 1
    gap[11] = 0  # in the middle of a vowel
    scores = g.closure_f1(gap, phones, 25)
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == 1
    gap[:] = 0.01
    gap[20:] = 0  # after the last phone lips may rest
    assert g.closure_f1(gap, phones, 25)["precision"] == 1


def test_the_middles_of_phones_are_what_key_lve_sees() -> None:
    phones = [Phone(0.0, 0.08, "ɑ"), Phone(0.08, 0.16, "p")]
    made = TRUE.copy()
    made[0] += 1  # frame 0 is no middle: those are 1 and 3
    assert g.key_lve_mm(made, TRUE, LIPS, phones, 25) == 0
    made[3, 2] += [0.003, 0, 0]
    assert g.key_lve_mm(made, TRUE, LIPS, phones, 25) == pytest.approx(1.5)
    assert np.isnan(g.key_lve_mm(made, TRUE, LIPS, [], 25))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(VultusError, match="compared"):
        g.lve(MADE[:3], TRUE, LIPS)
    with pytest.raises(VultusError, match="compared"):
        g.mve(MADE[..., :2], TRUE[..., :2])


def test_the_regions_of_a_person_move_with_what_they_are_named_for() -> None:
    mesh, r = person(), g.regions(person())
    motion = Motion.of(25, frames=3, jawOpen=[0, 0.5, 0], browInnerUp=[0, 0, 1], head=[0.1, 0.2, 0])
    vertices = g.expressive(mesh, motion)
    way = np.linalg.norm(vertices - vertices[0], axis=2)
    assert way[1][r.lips].max() > 0.005
    assert way[1][r.upper].max() < 0.004  # cheeks follow the jaw a little
    assert way[2][r.upper].max() > 0.003
    assert way[2][r.lips].max() < 1e-4
    assert not set(r.lips) & set(r.upper)
    # Left and right alike.
    assert abs(np.asarray(mesh.rest)[r.lips, 0].mean()) < 1e-3


def test_a_bite_brings_the_lip_to_the_teeth() -> None:
    phones = [Phone(0.0, 0.3, "ɑ"), Phone(0.3, 0.42, "f"), Phone(0.42, 0.8, "ɑ")]
    motion = Motion(articulate(phones, np.arange(20) / 25).data, Fraction(25))
    distance = g.bite_distance(person(), g.expressive(person(), motion))
    assert 0.3 - 0.04 <= distance.argmin() / 25 <= 0.42 + 0.04
    assert distance.min() < 0.5 * np.median(distance)
    assert g.bite_mm(distance, phones, 25) == pytest.approx(1000 * distance.min())
    assert np.isnan(g.bite_mm(distance, [], 25))
