"""What a photo takes of a Motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vultus import channels as ch
from vultus import rotations
from vultus.observers.basis import template
from vultus.photo import acting


def row(**values: float) -> np.ndarray:
    out = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in values.items():
        out[ch.INDEX[name]] = value
    return out


@given(st.floats(-5, 5), st.floats(0.1, 2))
def test_soft_limits(value: float, limit: float) -> None:
    out = acting.soft(value, limit)
    assert abs(out) <= 1.25 * limit + 1e-9
    assert abs(out) <= abs(value) + 1e-9
    if abs(value) <= limit:
        assert out == value
    assert acting.soft(value + 0.01, limit) >= out


def test_at_rest_the_photo_keeps_its_own_expression() -> None:
    own = row(mouthSmileLeft=0.6, jawOpen=0.3, eyeBlinkLeft=0.2, eyeLeftRotationY=0.1)
    np.testing.assert_allclose(acting.shown(row(), own, 0.0), own, atol=1e-6)


def test_speech_closes_a_smiling_mouth() -> None:
    own = row(mouthSmileLeft=0.6, mouthUpperUpLeft=0.5, jawOpen=0.3, eyeBlinkLeft=0.2)
    pressed = row(mouthPressLeft=0.5, mouthPressRight=0.5)
    given_way = acting.acted(pressed)
    assert given_way == 1
    out = acting.shown(pressed, own, given_way)
    assert out[ch.INDEX["jawOpen"]] == 0
    assert out[ch.INDEX["mouthUpperUpLeft"]] == 0
    assert 0.1 < out[ch.INDEX["mouthSmileLeft"]] < 0.3
    assert out[ch.INDEX["eyeBlinkLeft"]] == np.float32(0.2)


def test_the_smile_comes_back_slowly() -> None:
    rest = acting.Rest()
    assert rest.step(row(jawOpen=0.5), 30) == 1
    after = [rest.step(row(), 30) for _ in range(90)]
    # Not between words: for most of a second nothing comes back.
    assert after[20] == 1
    assert after[-1] < 0.05
    assert np.all(np.diff(after) <= 0)
    assert rest.step(row(jawOpen=0.5), 30) == 1
    assert rest.step(row(), 30) == 1


def test_turns_follow_the_skeleton_within_limits() -> None:
    mesh = template(0)
    rotation, shift = acting.turn(row(headRotationY=0.2, neckRotationX=0.05, translationX=0.01), mesh, 0.0)
    np.testing.assert_allclose(rotations.from_matrix(rotation), [0.05, 0.2, 0], atol=6e-3)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.abs(shift).max() < 0.5
    far, _ = acting.turn(row(headRotationY=1.2), mesh, 0.0)
    assert np.degrees(rotations.from_matrix(far))[1] < 1.26 * acting.YAW
    # A face that is half hidden turns to the front less far.
    less, _ = acting.turn(row(headRotationY=-0.3), mesh, 30.0)
    more, _ = acting.turn(row(headRotationY=-0.3), mesh, 0.0)
    assert rotations.from_matrix(less)[1] > rotations.from_matrix(more)[1]


def test_numbers_that_are_none_count_as_rest() -> None:
    broken = np.full(len(ch.CHANNELS), np.nan, np.float32)
    assert np.isfinite(acting.shown(broken, row(), acting.acted(broken))).all()
    assert np.isfinite(acting.turn(broken, template(0), 0.0)[0]).all()


def test_lips_that_smile_in_the_photo_round_less_and_never_less_for_more() -> None:
    calm, smiling = row(), row(mouthSmileLeft=0.8, mouthSmileRight=0.8)
    names = ("mouthPucker", "mouthFunnel")

    def rounded(own: np.ndarray, amount: float) -> float:
        out = acting.shown(row(mouthPucker=amount, mouthFunnel=0.5 * amount), own, 1.0)
        return float(sum(out[ch.INDEX[name]] for name in names))

    assert rounded(calm, 0.5) == pytest.approx(0.75)
    assert rounded(smiling, 0.2) == pytest.approx(0.3)
    assert rounded(smiling, 0.9) < 0.75 < rounded(calm, 0.9)
    amounts = [rounded(smiling, amount) for amount in np.linspace(0, 1, 21)]
    assert (np.diff(amounts) > 0).all()
