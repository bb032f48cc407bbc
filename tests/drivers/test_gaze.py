"""Eyes fixate, jump, wander in pauses and keep their aim while the head moves."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.drivers.gaze import EYE_LIMIT, VIEWER, Gaze, eyes_towards, saccade_duration
from vultus.drivers.prosody import Mark
from vultus.rotations import compose, to_matrix


def look(
    seconds: float, seed: int = 0, amount: float = 1.0, way: str = "viewer", marks: tuple[Mark, ...] = ()
) -> tuple:
    gaze = Gaze(amount, way, seed)
    gaze.hear(marks)
    made = gaze.advance(seconds)
    return gaze.at(np.arange(int(seconds * 200)) / 200), made, gaze


def test_eyes_mostly_rest_on_the_viewer_and_never_freeze() -> None:
    aim = np.concatenate([look(120, seed)[0] for seed in range(4)])
    distance = np.hypot(*aim.T)
    assert 0.6 < (distance < 3.5).mean() < 0.97
    assert (distance > 4).mean() > 0.02
    assert distance.max() < 25
    still = np.abs(np.diff(aim, axis=0)).max(1) == 0
    assert 0.8 < still.mean() < 0.995  # fixations
    changes = np.flatnonzero(~still)
    assert np.diff(changes).max() < 200 * 6  # micro-saccades at the least


def test_saccades_follow_the_main_sequence() -> None:
    assert saccade_duration(10) == pytest.approx(0.043)
    assert saccade_duration(20) > saccade_duration(10) > saccade_duration(1) > 0.02
    aim, made, _ = look(120, 3)
    speed = np.hypot(*np.diff(aim, axis=0).T) * 200
    assert speed.max() > 100
    assert speed.max() < 700
    assert 0.2 < len(made) / 120 < 2


@pytest.mark.parametrize("way", ["viewer", "wander", "away"])
def test_amount_and_look_change_where_the_eyes_are(way: str) -> None:
    shares = {}
    for amount in (0.0, 1.0):
        aim = np.concatenate([look(120, seed, amount, way)[0] for seed in range(3)])
        shares[amount] = (np.hypot(*aim.T) > 4).mean()
    if way == "away":
        assert shares[0.0] > 0.9
    else:
        assert shares[0.0] == 0
        assert shares[1.0] > (0.25 if way == "wander" else 0.02)


def test_pauses_turn_the_eyes_away_and_speech_brings_them_back() -> None:
    marks = tuple(Mark(10.0 + 6 * k + (2 if s else 0), bool(s)) for k in range(60) for s in (0, 1))
    aim = np.mean([np.hypot(*look(370, seed, marks=marks)[0].T) > 4 for seed in range(4)], axis=0)
    by_phase = aim[200 * 10 : 200 * 10 + 6 * 200 * 59].reshape(59, 1200).mean(0)
    assert by_phase[120:200].mean() > 2 * by_phase[700:1200].mean()


def test_the_head_takes_a_share() -> None:
    _, _, gaze = look(60, 1, way="away", amount=0.0)
    head = gaze.head(np.array([30.0]))
    assert abs(head[0, 1]) == pytest.approx(np.radians(14 * 0.22), rel=0.3)
    assert head[0, 2] == 0


def test_eyes_turn_against_the_head_to_keep_their_aim() -> None:
    rng = np.random.default_rng(0)
    neck, head = rng.normal(0, 0.08, (2, 50, 3))
    aim = rng.normal(0, 5, (50, 2))
    shift = rng.normal(0, 0.01, (50, 3))
    eyes = eyes_towards(aim, neck, head, shift)
    down, left = np.radians(aim).T
    target = VIEWER * np.stack([np.cos(down) * np.sin(left), -np.sin(down), np.cos(down) * np.cos(left)], 1)
    seen = np.einsum("tij,tjk,k->ti", to_matrix(compose(neck, head)), to_matrix(eyes), [0.0, 0.0, 1.0])
    line = (target - shift) / np.linalg.norm(target - shift, axis=1, keepdims=True)
    inside = np.linalg.norm(eyes, axis=1) < EYE_LIMIT - 1e-6
    assert inside.sum() > 40
    np.testing.assert_allclose(seen[inside], line[inside], atol=1e-9)
    assert np.abs(eyes[:, 2]).max() == 0


def test_signs_and_limits_of_the_eyes() -> None:
    zero = np.zeros((1, 3))
    np.testing.assert_allclose(eyes_towards([[0, 0]], zero, zero, zero), 0)
    assert eyes_towards([[10, 0]], zero, zero, zero)[0, 0] == pytest.approx(np.radians(10))
    assert eyes_towards([[0, 10]], zero, zero, zero)[0, 1] == pytest.approx(np.radians(10))
    turned = eyes_towards([[0, 0]], [[0, 0.1, 0]], [[0, 0.1, 0]], zero)
    assert turned[0, 1] == pytest.approx(-0.2)
    far = eyes_towards([[0, 80], [60, 0]], np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)))
    np.testing.assert_allclose(np.linalg.norm(far, axis=1), EYE_LIMIT)


def test_the_seed_decides_and_the_cuts_do_not() -> None:
    whole = look(30, 5)[0]
    assert not np.array_equal(whole, look(30, 6)[0])
    gaze, parts = Gaze(1.0, "viewer", 5), []
    for first in range(0, 6000, 130):
        times = np.arange(first, min(first + 130, 6000)) / 200
        gaze.advance(times[-1])
        parts.append(gaze.at(times))
        gaze.forget(times[-1])
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-9)
