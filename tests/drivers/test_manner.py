"""The manner of a speaker: it works inside the articulation, and leaves contacts and the usual output alone."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus.channels import INDEX
from vultus.drivers.articulation import Articulation, articulate, segments_of
from vultus.drivers.manner import PLAIN, RANGES, Manner, strays
from vultus.drivers.style import Mood, express, moods_at
from vultus.errors import VultusError
from vultus.signals.phones import Phone, from_arpabet

# "a map of five big boats": seals, bites, wide and round vowels, a pause.
_WORDS = ["AH", "M", "AE", "P", "AH", "V", "SIL", "F", "AY", "V", "B", "IH", "G", "B", "OW", "T", "S", "SIL", "W", "IY"]
_EDGES = np.cumsum([0.2, *(0.14 if name in ("SIL", "AE", "AY", "OW", "IY") else 0.07 for name in _WORDS)])
PHONES = [
    Phone(float(a), float(b), from_arpabet(name)[0], int(name in ("AE", "AY", "OW")))
    for name, a, b in zip(_WORDS, _EDGES[:-1], _EDGES[1:], strict=True)
]
TIMES = np.arange(0, _EDGES[-1] + 0.3, 0.01)
WILD = Manner(0.5, -0.5, 0.5, 0.5, 0.5, 1.5, 0.03, 0.3, 1.5, 3.0, 1.0, 1.0)


def spoken(manner: Manner = PLAIN, **more: float) -> Articulation:
    return articulate(PHONES, TIMES, manner=manner, **more)  # type: ignore[arg-type]


def curve(name: str, of: Articulation) -> NDArray[np.float32]:
    return of.data[:, INDEX[name]]


def test_the_plain_manner_changes_nothing() -> None:
    assert articulate(PHONES, TIMES).data.tobytes() == spoken(PLAIN, pitch=5.0, seed=9).data.tobytes()


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_field_has_a_range(name: str) -> None:
    assert {field.name for field in fields(Manner)} == set(RANGES)
    low, high = RANGES[name]
    for value in (low, high):
        Manner(**{name: value})
    for value in (low - 0.01, high + 0.01, float("nan")):
        with pytest.raises(VultusError, match=f"manner {name} is .* Give a number from"):
            Manner(**{name: value})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gain", [0.5, 1.4])
def test_contacts_keep_their_times_and_their_depth(seed: int, gain: float) -> None:
    plain, wild = spoken(), spoken(WILD, seed=seed, gain=gain, loudness=8.0, pitch=9.0)
    assert np.array_equal(plain.seal, wild.seal)
    assert np.array_equal(plain.bite, wild.bite)
    shut, bitten = wild.seal > 0.999, wild.bite > 0.999
    assert shut.sum() > 20
    assert bitten.sum() > 15
    for name in ("mouthLowerDownLeft", "mouthUpperUpRight", "tongueOut"):
        assert curve(name, wild)[shut].max() < 2e-3
    assert np.abs(curve("mouthClose", wild) - curve("jawOpen", wild))[shut].max() < 1e-3
    for side in ("Left", "Right"):
        assert curve(f"mouthUpperUp{side}", wild)[bitten].min() > 0.29
    assert curve("mouthRollLower", wild)[bitten].min() > 0.54


def test_sides_move_unevenly() -> None:
    out = spoken(Manner(mouth_side=0.3))
    for name in ("mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthSmile"):
        left, right = curve(f"{name}Left", out), curve(f"{name}Right", out)
        free = (left > 0.05) & (left < 0.99) & (out.bite < 0.01)
        assert left[free] / right[free] == pytest.approx(1.3 / 0.7, rel=1e-3)


def test_jaw_and_lips_share_the_opening() -> None:
    plain, jaw, lips = spoken(), spoken(Manner(jaw=0.4)), spoken(Manner(jaw=-0.4))
    assert curve("jawOpen", lips).max() < 0.7 * curve("jawOpen", plain).max() < curve("jawOpen", jaw).max() * 0.6
    assert curve("mouthLowerDownLeft", jaw).max() < 0.65 * curve("mouthLowerDownLeft", plain).max()
    upper = spoken(Manner(upper_lip=0.4))
    assert curve("mouthUpperUpLeft", upper).max() > 1.3 * curve("mouthUpperUpLeft", plain).max()
    assert curve("mouthLowerDownLeft", upper).max() < 0.65 * curve("mouthLowerDownLeft", plain).max()


def test_factors_that_meet_do_not_make_a_yawn() -> None:
    most = spoken(Manner(jaw=0.5, loud_jaw=3.0, pitch_jaw=1.0), gain=1.5, loudness=9.0, pitch=9.0)
    assert 0.5 < curve("jawOpen", most).max() <= 0.68


def test_jitter_moves_targets_in_time_and_not_what_they_are() -> None:
    plain = curve("jawOpen", spoken())
    moved = [curve("jawOpen", spoken(Manner(jitter=0.02), seed=seed)) for seed in range(6)]
    assert all(not np.array_equal(one, plain) for one in moved)
    peaks = [TIMES[int(np.argmax(one[:70]))] for one in moved]
    assert np.ptp(peaks) >= 0.01
    still = segments_of(PHONES, 0.0, TIMES[-1])
    for seed in range(6):
        strayed = segments_of(PHONES, 0.0, TIMES[-1], Manner(jitter=0.02), seed)
        assert strayed.rows == still.rows
        np.testing.assert_array_equal(strayed.value, still.value)
        np.testing.assert_array_equal(strayed.dominance, still.dominance)
        assert 0.005 < np.abs(strayed.core_start - still.core_start).max() < 0.1


def test_spread_blends_neighbours() -> None:
    narrow, wide = (curve("mouthPucker", spoken(Manner(spread=s))) for s in (0.6, 1.6))
    assert np.abs(np.diff(wide)).max() < 0.8 * np.abs(np.diff(narrow)).max()


def test_loudness_and_pitch_open_the_jaw_as_far_as_they_are_tied_to_it() -> None:
    def opened(manner: Manner, **heard: float) -> float:
        return float(curve("jawOpen", spoken(manner, **heard)).max() / curve("jawOpen", spoken(manner)).max())

    assert opened(Manner(loud_jaw=0), loudness=6.0) == pytest.approx(1)
    assert opened(Manner(loud_jaw=1), loudness=6.0) == pytest.approx(1.2, rel=1e-3)
    assert opened(Manner(loud_jaw=2), loudness=6.0) == pytest.approx(1.4, rel=1e-3)
    assert opened(Manner(), pitch=6.0) == pytest.approx(1)
    assert opened(Manner(pitch_jaw=0.4), pitch=6.0) == pytest.approx(1.2, rel=1e-3)


def test_what_strays_depends_on_time_and_seed_alone() -> None:
    times = np.arange(40_000) * 0.013
    all_at_once = strays(times, 5, 2)
    assert np.array_equal(strays(times[7:9], 5, 2), all_at_once[7:9])
    assert not np.array_equal(strays(times, 6, 2), all_at_once)
    assert abs(all_at_once.mean()) < 0.02
    assert 0.95 < all_at_once.std() < 1.01
    assert abs(np.corrcoef(all_at_once.T)[0, 1]) < 0.02
    assert abs(np.corrcoef(all_at_once[1:, 0], all_at_once[:-1, 0])[0, 1]) < 0.02


def test_speech_given_in_parts_strays_alike() -> None:
    """What lies far from a time does not matter to it, so a stream may forget it."""
    manner = Manner(jitter=0.02, unevenness=0.2)
    late = TIMES > 1.4
    near = [phone for phone in PHONES if phone.end > 0.6]
    whole = articulate(PHONES, TIMES, manner=manner, seed=3).data[late]
    assert np.array_equal(articulate(near, TIMES[late], manner=manner, seed=3).data, whole)


def test_moods_swell_overlap_and_lean() -> None:
    times = np.arange(0, 10, 0.1)
    moods = (Mood("happy", 0.8, end=4), Mood("surprised", 0.5, 3, 7), Mood("happy", 0.6, 3.5, 5))
    weights = moods_at(times, moods)
    assert set(weights) == {"happy", "surprised"}
    assert weights["happy"][0] == pytest.approx(0.8)
    assert weights["happy"].max() == 1
    assert weights["happy"][-1] == 0
    both = (weights["happy"] > 0.1) & (weights["surprised"] > 0.1)
    assert 10 < both.sum() < 30
    face = express(np.zeros((len(times), 69)), weights, 1.0, replace(PLAIN, smile_side=0.4))
    left, right = face[:, INDEX["mouthSmileLeft"]], face[:, INDEX["mouthSmileRight"]]
    smiling = right > 0.05
    assert left[smiling] / right[smiling] == pytest.approx(1.4 / 0.6, rel=1e-6)
    with pytest.raises(VultusError):
        Mood("happy", 0.5, 3, 2)
    with pytest.raises(VultusError, match="happy"):
        Mood("hapy", 0.5)
