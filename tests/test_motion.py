"""Motion: immutable, validated, and exact where it can be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.motion import (
    LOOK,
    BodyPose,
    Motion,
    as_fps,
    as_time,
    clamp,
    concatenate,
    eye_look,
    eyes_from_look,
    mix,
)

COLUMNS = len(ch.CHANNELS)
relaxed = settings(max_examples=25, deadline=None)
fps_values = st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(7, 3), Fraction(100)])


def random_motion(frames: int = 7, fps: object = 25, seed: int = 0, size: float = 0.6, start: object = 0) -> Motion:
    """A motion in which every channel moves; *size* is the share of each range that is used."""
    rng = np.random.default_rng(seed)
    data = ch.LOW + (ch.HIGH - ch.LOW) * (0.5 + size * (rng.random((frames, COLUMNS)) - 0.5))
    valid = rng.random((frames, COLUMNS)) < 0.7
    return Motion(data, as_fps(fps), as_time(start), valid)  # type: ignore[arg-type]


motions = st.builds(
    random_motion,
    frames=st.integers(1, 12),
    fps=fps_values,
    seed=st.integers(0, 9999),
    size=st.floats(0, 1),
    start=st.fractions(-5, 5, max_denominator=50),
)


def same(a: Motion, b: Motion, atol: float = 0.0) -> None:
    """Assert that two motions are equal."""
    np.testing.assert_allclose(a.data, b.data, rtol=0, atol=atol)
    np.testing.assert_array_equal(a.valid, b.valid)
    assert (a.fps, a.start) == (b.fps, b.start)


# Construction


def test_cannot_be_changed() -> None:
    motion = random_motion()
    with pytest.raises(dataclasses.FrozenInstanceError):
        motion.fps = Fraction(3)  # type: ignore[misc]
    for array in (motion.data, motion.valid, motion.head, motion["jawOpen"], motion.expression):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_does_not_share_the_callers_array() -> None:
    data, valid = np.zeros((3, COLUMNS), np.float32), np.ones((3, COLUMNS), bool)
    motion = Motion(data, Fraction(25), valid=valid)
    data[:], valid[:] = 1, False
    assert not motion.data.any()
    assert motion.valid.all()


@relaxed
@given(motions)
def test_is_always_finite_in_range_and_of_its_types(motion: Motion) -> None:
    assert motion.data.dtype == np.float32
    assert motion.valid.dtype == bool
    assert motion.data.shape == motion.valid.shape == (len(motion), COLUMNS)
    assert isinstance(motion.fps, Fraction)
    assert isinstance(motion.start, Fraction)
    assert ((motion.data >= ch.LOW) & (motion.data <= ch.HIGH)).all()


def spoilt(channel: str, value: float) -> np.ndarray:
    data = np.zeros((2, COLUMNS))
    data[1, ch.INDEX[channel]] = value
    return data


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Motion(spoilt("jawOpen", np.nan), Fraction(25)), "finite"),
        (lambda: Motion(spoilt("jawOpen", np.inf), Fraction(25)), "finite"),
        (lambda: Motion(spoilt("jawOpen", 1e300), Fraction(25)), "finite"),
        (lambda: Motion(spoilt("jawOpen", 1.01), Fraction(25)), "jawOpen"),
        (lambda: Motion(spoilt("mouthClose", -0.01), Fraction(25)), "mouthClose"),
        (lambda: Motion(spoilt("headRotationY", 1.4), Fraction(25)), "headRotationY"),
        (lambda: Motion(spoilt("eyeLeftRotationX", -0.7), Fraction(25)), "eyeLeftRotationX"),
        (lambda: Motion(spoilt("translationZ", 11), Fraction(25)), "translationZ"),
        (lambda: Motion(np.zeros((0, COLUMNS)), Fraction(25)), "at least one frame"),
        (lambda: Motion(np.zeros((3, COLUMNS - 1)), Fraction(25)), "channels"),
        (lambda: Motion(np.zeros(COLUMNS), Fraction(25)), "channels"),
        (lambda: Motion([[1], [2, 3]], Fraction(25)), "numbers"),  # type: ignore[arg-type]
        (lambda: Motion(np.zeros((3, COLUMNS)), Fraction(0)), "frame rate"),
        (lambda: Motion(np.zeros((3, COLUMNS)), Fraction(-25)), "frame rate"),
        (lambda: Motion(np.zeros((3, COLUMNS)), Fraction(25), valid=np.ones((2, COLUMNS), bool)), "valid"),
        (lambda: Motion(np.zeros((3, COLUMNS)), Fraction(25), body=BodyPose(("hip",), np.zeros((2, 1, 3)))), "body"),
        (lambda: Motion(np.zeros((3, COLUMNS)), Fraction(25), float("nan")), "time"),  # type: ignore[arg-type]
        (lambda: BodyPose(("hip",), np.zeros((2, 2, 3), np.float32)), "body pose"),
        (lambda: BodyPose(("hip",), np.full((2, 1, 3), np.nan, np.float32)), "body pose"),
        (lambda: Motion.neutral(0, 25), "at least one frame"),
        (lambda: Motion.neutral(-4, 25), "at least one frame"),
        (lambda: Motion.of(25, jawOpn=[0.1]), "jawOpen"),
        (lambda: Motion.of(25, jawOpen=["wide"]), "jawOpen"),
        (lambda: Motion.of(25, jawOpen=[0.1, 0.2], mouthClose=[0.1, 0.1, 0.1]), "jawOpen"),
        (lambda: Motion.of(25, jawOpen=[2.0]), "jawOpen"),
        (lambda: random_motion()["eyeBlink"], "eyeBlink"),
        (lambda: random_motion()[5:5], "slice"),
        (lambda: random_motion()[::2], "slice"),
        (lambda: random_motion().slice(9, 10), "slice"),
        (lambda: random_motion().scale({"ears": 1}), "ears"),
        (lambda: random_motion().scale({"brows": -1}), "gain"),
        (lambda: random_motion().scale({"brows": np.nan}), "gain"),
    ],
)
def test_bad_input_is_told_in_one_line(make: Callable[[], object], says: str) -> None:
    with pytest.raises(VultusError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fps", [0, -1, 1001, 1e-9, np.nan, np.inf, "fast", "1/0", None, [25]])
def test_impossible_frame_rates(fps: object) -> None:
    with pytest.raises(VultusError):
        as_fps(fps)  # type: ignore[arg-type]


def test_frame_rates_are_exact() -> None:
    assert as_fps(29.97) == as_fps("29.97") == as_fps(30 / 1.001) == Fraction(30000, 1001)
    assert as_fps(23.976) == as_fps(23.98) == Fraction(24000, 1001)
    assert as_fps(59.94) == Fraction(60000, 1001)
    assert as_fps(12.5) == Fraction(25, 2)
    assert as_fps(30) == as_fps(np.int64(30)) == as_fps(np.float32(30)) == 30
    assert type(as_fps(np.int64(30)).numerator) is int
    assert as_time(0.1) == as_time(np.float64(0.1)) == Fraction(1, 10)


@relaxed
@given(st.fractions(Fraction(1, 1000), 1000))
def test_a_frame_rate_stays_what_it_has_become(fps: Fraction) -> None:
    assert as_fps(as_fps(fps)) == as_fps(fps)


def test_of_fills_groups_and_channels() -> None:
    motion = Motion.of(30, start=2, jawOpen=[0, 0.5], head=[[0.1, 0, 0], [0.2, 0, 0]], tongueTipUp=0.25)
    assert len(motion) == 2
    assert motion["jawOpen"].tolist() == [0, 0.5]
    np.testing.assert_allclose(motion.head[:, 0], [0.1, 0.2])
    np.testing.assert_allclose(motion.tongue, [[0.25, 0]] * 2)
    assert motion.start == 2
    assert not motion.neck.any()


def test_of_takes_one_pose_for_all_frames() -> None:
    assert len(Motion.of(25, head=[0.1, 0.2, 0.3])) == 1
    motion = Motion.of(25, head=[0.1, 0.2, 0.3], jawOpen=np.zeros(5))
    np.testing.assert_allclose(motion.head, [[0.1, 0.2, 0.3]] * 5)


def test_of_can_repair() -> None:
    motion = Motion.of(25, clamp=True, jawOpen=[np.nan, np.inf, -3, 0.5], eyeLookUpLeft=[np.nan, 9, 0, 0])
    assert motion["jawOpen"].tolist() == [0, 1, 0, 0.5]
    assert motion["eyeLookUpLeft"].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("group", ["expression", "neck", "head", "eye_left", "eye_right", "translation", "tongue"])
def test_views_and_groups_have_the_same_names(group: str) -> None:
    source = random_motion()
    again = Motion.of(25, **{name: getattr(source, name) for name in ("eye_left", "eye_right", group)})
    np.testing.assert_array_equal(getattr(again, group), getattr(source, group))


# The eye rule


@relaxed
@given(motions)
def test_eye_look_always_follows_the_eyes(motion: Motion) -> None:
    np.testing.assert_array_equal(motion.data[:, LOOK], eye_look(motion.eye_left, motion.eye_right))
    lying = motion.data.copy()
    lying[:, LOOK] = 0.77
    same(motion.replace(data=lying), motion)


@relaxed
@given(hnp.arrays(np.float32, (4, 2, 2), elements=st.floats(-0.5, 0.5, width=32)))
def test_eyes_from_look_inverts_eye_look(angles: np.ndarray) -> None:
    eyes = np.concatenate([angles, np.zeros((4, 2, 1), np.float32)], axis=-1)
    left, right = eyes_from_look(eye_look(eyes[:, 0], eyes[:, 1]))
    np.testing.assert_allclose(left, eyes[:, 0], atol=1e-6)
    np.testing.assert_allclose(right, eyes[:, 1], atol=1e-6)


def test_shapes_without_eye_rotations_turn_the_eyes() -> None:
    motion = Motion.of(25, eyeLookInLeft=[0.5], eyeLookOutRight=[0.5], eyeLookDownLeft=[1.0])
    half = ch.EYE_LOOK_FULL / 2
    np.testing.assert_allclose(motion.eye_left, [[2 * half, -half, 0]], atol=1e-6)
    np.testing.assert_allclose(motion.eye_right, [[0, -half, 0]], atol=1e-6)
    assert motion["eyeLookInLeft"][0] == pytest.approx(0.5)
    assert motion["eyeLookDownRight"][0] == 0


def test_eye_rotations_win_over_shapes() -> None:
    motion = Motion.of(25, eye_left=[[0, 0.2, 0]], eyeLookInLeft=[1.0])
    assert motion["eyeLookInLeft"][0] == 0
    assert motion["eyeLookOutLeft"][0] == pytest.approx(0.2 / ch.EYE_LOOK_FULL)


def test_the_valid_mask_of_eye_look_follows_the_eyes() -> None:
    valid = np.ones((1, COLUMNS), bool)
    valid[0, ch.INDEX["eyeLeftRotationX"]] = False
    motion = Motion.neutral(1, 25).replace(valid=valid)
    unknown = {ch.CHANNELS[i] for i in np.flatnonzero(~motion.valid[0])}
    assert unknown == {"eyeLeftRotationX", "eyeLookDownLeft", "eyeLookUpLeft"}


# Time


@relaxed
@given(motions, st.data())
def test_frames_keep_their_time_when_sliced(motion: Motion, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(motion) - 1))
    stop = data.draw(st.integers(first + 1, len(motion)))
    part = motion[first:stop]
    np.testing.assert_array_equal(part.data, motion.data[first:stop])
    np.testing.assert_array_equal(part.valid, motion.valid[first:stop])
    np.testing.assert_allclose(part.times(), motion.times()[first:stop])
    same(motion.slice(part.start, part.end), part)


def test_slice_in_seconds_takes_the_frames_that_stand_inside() -> None:
    motion = random_motion(10, 10, start=1)
    assert [float(t) for t in (motion.slice(1.25, 1.5).start, motion.slice(1.25, 1.5).end)] == [1.3, 1.5]
    assert len(motion.slice(-100, 100)) == 10
    assert len(motion.slice(1.9, 50)) == 1


def test_integers_pick_single_frames_and_end_loops() -> None:
    motion = random_motion(3)
    same(motion[-1], motion[2:3])
    assert [len(frame) for frame in motion] == [1, 1, 1]
    with pytest.raises(IndexError):
        motion[3]


@relaxed
@given(motions)
def test_resampling_to_the_same_rate_changes_nothing(motion: Motion) -> None:
    same(motion.resample(motion.fps), motion)


@relaxed
@given(motions, st.integers(2, 5))
def test_up_and_down_again_is_the_original(motion: Motion, times: int) -> None:
    up = motion.resample(motion.fps * times)
    assert len(up) == len(motion) * times
    same(up.resample(motion.fps), motion)


@relaxed
@given(motions, fps_values)
def test_resampling_is_exact_where_frames_meet_and_keeps_the_span(motion: Motion, fps: Fraction) -> None:
    other = motion.resample(fps)
    assert other.fps == fps
    assert other.start == motion.start
    assert 0 <= other.duration - motion.duration < 1 / fps
    for i in range(len(other)):
        at = i / fps * motion.fps
        if at.denominator == 1:
            np.testing.assert_array_equal(other.data[i], motion.data[min(int(at), len(motion) - 1)])


@relaxed
@given(motions, fps_values)
def test_resampling_calls_valid_only_what_comes_from_valid_frames(motion: Motion, fps: Fraction) -> None:
    other = motion.resample(fps)
    for i in range(len(other)):
        at = i / fps * motion.fps
        sources = [int(at), int(at) + (at.denominator > 1)]
        expected = np.all([motion.valid[min(s, len(motion) - 1)] for s in sources], axis=0)
        np.testing.assert_array_equal(other.valid[i], expected)


def test_weights_go_straight_and_rotations_on_the_sphere() -> None:
    a, b = np.array([1.2, 0.0, 0.0]), np.array([0.0, 1.2, 0.0])
    motion = Motion.of(10, head=[a, b], jawOpen=[0.2, 0.6], translation=[[0, 0, 0], [1, 2, 3]]).resample(20)
    assert motion["jawOpen"][1] == pytest.approx(0.4)
    np.testing.assert_allclose(motion.translation[1], [0.5, 1, 1.5])
    first, middle, last = rotations.to_matrix(motion.head[:3])
    step = rotations.from_matrix(first.T @ middle)
    np.testing.assert_allclose(step, rotations.from_matrix(middle.T @ last), atol=1e-5)
    # The middle of the arc is not the mean of the two vectors: this is what "on the sphere" means.
    assert np.abs(motion.head[1] - (a + b) / 2).max() > 0.01


def test_the_body_is_resampled_and_sliced_with_the_face() -> None:
    turns = np.zeros((2, 1, 3), np.float32)
    turns[1, 0, 1] = 1
    motion = Motion.neutral(2, 10).replace(body=BodyPose(("spine",), turns))
    double = motion.resample(20).body
    assert double is not None
    np.testing.assert_allclose(double.rotations[:, 0, 1], [0, 0.5, 1, 1], atol=1e-6)
    part = motion[1:].body
    assert part is not None
    np.testing.assert_array_equal(part.rotations, turns[1:])


# Mirror


@relaxed
@given(motions)
def test_mirroring_twice_changes_nothing(motion: Motion) -> None:
    same(motion.mirror().mirror(), motion)


def test_the_mirror_leaves_no_negative_zeros() -> None:
    assert not np.signbit(Motion.neutral(2, 25).mirror().data).any()


def test_the_mirror_swaps_sides() -> None:
    mirrored = Motion.of(25, mouthSmileLeft=[0.8], jawRight=[0.3], jawOpen=[0.4], eyeBlinkRight=[1.0]).mirror()
    found = {name: float(mirrored[name][0]) for name in ("mouthSmileRight", "jawLeft", "jawOpen", "eyeBlinkLeft")}
    assert found == pytest.approx({"mouthSmileRight": 0.8, "jawLeft": 0.3, "jawOpen": 0.4, "eyeBlinkLeft": 1.0})
    assert mirrored.expression.sum() == pytest.approx(2.5)


@relaxed
@given(motions)
def test_the_mirror_is_a_reflection_of_space(motion: Motion) -> None:
    mirrored, flip = motion.mirror(), np.diag([-1.0, 1, 1])
    pairs = [("neck", "neck"), ("head", "head"), ("eye_left", "eye_right"), ("eye_right", "eye_left")]
    for ours, theirs in pairs:
        expected = flip @ rotations.to_matrix(getattr(motion, theirs)) @ flip
        np.testing.assert_allclose(rotations.to_matrix(getattr(mirrored, ours)), expected, atol=1e-6)
    np.testing.assert_allclose(mirrored.translation, motion.translation @ flip, atol=0)


@pytest.mark.parametrize(
    ("left", "right", "middle"),
    [
        ("leftUpperArm", "rightUpperArm", "spine"),
        ("LeftArm", "RightArm", "Hips"),
        ("thigh.L", "thigh.R", "head.Root"),
        ("upper_leg_l", "upper_leg_r", "neck_lower"),
        ("shoulder01.L.001", "shoulder01.R.001", "spine.001"),
    ],
)
def test_the_mirror_swaps_the_sides_of_the_body(left: str, right: str, middle: str) -> None:
    turns = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    body = Motion.neutral(1, 25).replace(body=BodyPose((left, right, middle), turns)).mirror().body
    assert body is not None
    np.testing.assert_array_equal(body.rotations, turns[:, [1, 0, 2]] * [1, -1, -1])


# Limits and gains


@relaxed
@given(hnp.arrays(st.sampled_from([np.float32, np.float64]), (3, COLUMNS), elements={"allow_subnormal": False}))
def test_clamp_repairs_anything_and_only_once(data: np.ndarray) -> None:
    once = clamp(data)
    assert once.dtype == np.float32
    assert ((once >= ch.LOW) & (once <= ch.HIGH)).all()
    np.testing.assert_array_equal(clamp(once), once)
    Motion(once, Fraction(25))


def test_clamp_keeps_what_is_in_range() -> None:
    data = random_motion(size=1.0).data
    np.testing.assert_array_equal(clamp(data), data)
    assert clamp(np.full((1, COLUMNS), -np.inf)).tolist() == [ch.LOW.tolist()]


@relaxed
@given(motions, st.sampled_from(sorted(ch.REGIONS)), st.floats(0, 1e30))
def test_scale_touches_one_region_only(motion: Motion, region: str, gain: float) -> None:
    scaled = motion.scale({region: gain})
    inside = list(ch.REGIONS[region])
    expected = clamp(motion.data.astype(np.float64) * gain)[:, inside]
    np.testing.assert_allclose(scaled.data[:, inside], expected, rtol=1e-6)
    followers = list(LOOK) if region == "gaze" else []
    others = sorted(set(range(COLUMNS)) - set(inside) - set(followers))
    np.testing.assert_array_equal(scaled.data[:, others], motion.data[:, others])


def test_scale_by_one_changes_nothing_and_by_zero_stills() -> None:
    motion = random_motion()
    same(motion.scale(dict.fromkeys(ch.REGIONS, 1.0)), motion)
    assert not motion.scale(dict.fromkeys(ch.REGIONS, 0.0)).data.any()


# Joining


@relaxed
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), fps_values)
def test_concatenate_puts_motions_end_to_end(lengths: list[int], fps: Fraction) -> None:
    parts = [random_motion(n, fps, seed=i, start=i) for i, n in enumerate(lengths)]
    whole = concatenate(parts)
    assert len(whole) == sum(lengths)
    assert whole.start == parts[0].start
    np.testing.assert_array_equal(whole.data, np.concatenate([p.data for p in parts]))
    np.testing.assert_array_equal(whole.valid, np.concatenate([p.valid for p in parts]))


@relaxed
@given(st.lists(st.integers(8, 14), min_size=2, max_size=4), st.integers(1, 4))
def test_a_blend_keeps_the_ends_and_takes_its_time(lengths: list[int], overlap: int) -> None:
    parts = [random_motion(n, 25, seed=i) for i, n in enumerate(lengths)]
    whole = concatenate(parts, blend=Fraction(overlap, 25))
    assert len(whole) == sum(lengths) - (len(parts) - 1) * overlap
    first, last = lengths[0] - overlap, lengths[-1] - overlap
    np.testing.assert_array_equal(whole.data[:first], parts[0].data[:first])
    np.testing.assert_array_equal(whole.data[len(whole) - last :], parts[-1].data[overlap:])


def test_a_blend_removes_the_jump() -> None:
    a, b = Motion.of(100, jawOpen=np.zeros(50)), Motion.of(100, jawOpen=np.ones(50))
    hard, soft = (np.abs(np.diff(concatenate([a, b], blend=t)["jawOpen"])).max() for t in (0, 0.2))
    assert hard == 1
    assert soft < 0.08
    assert (np.diff(concatenate([a, b], blend=0.2)["jawOpen"]) >= 0).all()


def test_motions_as_long_as_the_blend_can_be_joined() -> None:
    a, b = random_motion(5, 25, seed=1), random_motion(5, 25, seed=2)
    assert len(concatenate([a, b], blend=0.2)) == 5


def test_concatenate_keeps_the_body() -> None:
    one = Motion.neutral(4, 25).replace(body=BodyPose(("hip",), np.ones((4, 1, 3), np.float32)))
    body = concatenate([one, one, one], blend=0.08).body
    assert body is not None
    np.testing.assert_allclose(body.rotations, np.ones((8, 1, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("parts", "blend"),
    [
        ([], 0),
        ([random_motion(3, 25), random_motion(3, 30)], 0),
        ([random_motion(3, 25), random_motion(3, 25)], 1),
        ([random_motion(3, 25), random_motion(3, 25)], -1),
        ([random_motion(9, 25), random_motion(5, 25), random_motion(9, 25)], Fraction(3, 25)),
        ([random_motion(1), random_motion(1).replace(body=BodyPose(("hip",), np.zeros((1, 1, 3))))], 0),
    ],
)
def test_what_cannot_be_joined(parts: list[Motion], blend: int) -> None:
    with pytest.raises(VultusError):
        concatenate(parts, blend=blend)


@relaxed
@given(st.integers(1, 8), st.sampled_from([0, 0.125, 0.4, 0.5, 0.99, 1]))
def test_mix_has_the_right_ends_and_is_symmetric(frames: int, weight: float) -> None:
    a, b = random_motion(frames, seed=1), random_motion(frames, seed=2)
    same(mix(a, b, 0), a)
    same(mix(a, b, 1), b)
    same(mix(a, b, weight), mix(b, a, 1 - weight), atol=2e-5)
    same(mix(a, a, weight), a, atol=1e-6)


def test_mix_follows_a_weight_for_each_frame() -> None:
    a, b = Motion.neutral(3, 25), Motion.of(25, jawOpen=np.ones(3))
    np.testing.assert_allclose(mix(a, b, [0, 0.25, 1])["jawOpen"], [0, 0.25, 1])


def test_mix_calls_valid_what_it_uses() -> None:
    a, b = Motion.neutral(3, 25), Motion.neutral(3, 25).replace(valid=np.zeros((3, COLUMNS), bool))
    assert mix(a, b, [0, 0.5, 1]).valid[:, 0].tolist() == [True, False, False]


@pytest.mark.parametrize("weight", [np.nan, [0, 1], [0, np.inf, np.nan], "half"])
def test_mix_rejects_odd_weights(weight: object) -> None:
    with pytest.raises((VultusError, ValueError)):
        mix(Motion.neutral(3, 25), Motion.neutral(3, 25), weight)  # type: ignore[arg-type]


def test_mix_needs_equal_lengths_and_rates() -> None:
    for other in (Motion.neutral(4, 25), Motion.neutral(3, 30)):
        with pytest.raises(VultusError):
            mix(Motion.neutral(3, 25), other, 0.5)
