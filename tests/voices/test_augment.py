"""Each change does what it says, by measurement, and leaves the rest alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.signals.features import features
from vultus.signals.phones import SILENCE, Phone
from vultus.voices import augment, formant, surroundings

RATE = 16000
TEXT = "We make people speak before the sound is over."
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def speech() -> tuple[Samples, list[Phone]]:
    return formant.speak(TEXT, rate=RATE)


def measured_pitch(samples: Samples) -> float:
    heard = features(samples, RATE)
    return float(np.median(heard.pitch[heard.voicing > 0.6]))


def level(samples: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)))


def power(samples: Samples, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    f = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(spectrum[(f >= low) & (f < high)].sum())


def edges(samples: Samples) -> list[float]:
    """Seconds at which sound begins and ends, each time, by its level."""
    loud = np.sqrt(np.convolve(samples.astype(np.float64) ** 2, np.ones(160) / 160, "same")) > 0.01
    return [float(i) / RATE for i in np.flatnonzero(np.diff(loud.astype(int)))]


@pytest.mark.parametrize("factor", [0.7, 1.3, 1.9])
@pytest.mark.parametrize("name", ["tape", "stretch"])
def test_time_changes_and_phones_follow(speech: tuple[Samples, list[Phone]], name: str, factor: float) -> None:
    samples, phones = speech
    fast, moved = getattr(augment, name)(samples, phones, RATE, factor)
    assert len(fast) == round(len(samples) / factor)
    assert moved[-1].end == len(fast) / RATE
    for old, new in zip(phones[:-1], moved[:-1], strict=True):
        assert new.end == pytest.approx(old.end / factor, abs=1e-6)
    # Sound begins and ends where it is said to: the first and the last phone that is not silent.
    before, after = edges(samples), edges(fast)
    assert after[0] == pytest.approx(before[0] / factor, abs=0.012)
    assert after[-1] == pytest.approx(before[-1] / factor, abs=0.012)
    ratio = measured_pitch(fast) / measured_pitch(samples)
    assert ratio == pytest.approx(factor if name == "tape" else 1.0, rel=0.03)


def test_a_click_stays_where_it_is_said_to_be() -> None:
    samples = np.zeros(RATE, np.float32)
    samples[8000:8040] = np.sin(np.arange(40) * 0.8)
    slow, _ = augment.stretch(samples, [], RATE, 0.5)
    assert int(np.argmax(np.abs(slow))) == pytest.approx(16000, abs=160)


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.3])
def test_pitch_alone(speech: tuple[Samples, list[Phone]], factor: float) -> None:
    samples, _ = speech
    out = augment.pitch(samples, RATE, factor)
    assert len(out) == len(samples)
    assert measured_pitch(out) / measured_pitch(samples) == pytest.approx(factor, rel=0.03)
    assert edges(out)[0] == pytest.approx(edges(samples)[0], abs=0.012)


def vowel_formants(samples: Samples) -> float:
    """The middle of the second and third formant of a vowel, as the centre of power there, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    f = np.fft.rfftfreq(len(samples), 1 / RATE)
    part = (f > 1500) & (f < 3600)
    return float((f * spectrum)[part].sum() / spectrum[part].sum())


@pytest.mark.parametrize("factor", [0.87, 1.15])
def test_formants_alone(factor: float) -> None:
    samples, _ = formant.speak([Phone(0.0, 0.6, "i")], rate=RATE, pitch=100)
    middle = slice(3000, 7000)
    out = augment.formants(samples, RATE, factor)
    assert measured_pitch(out) == pytest.approx(measured_pitch(samples), rel=0.02)
    assert vowel_formants(out[middle]) / vowel_formants(samples[middle]) == pytest.approx(factor, rel=0.06)


def test_an_equaliser_gives_the_gains_that_it_names() -> None:
    noise = surroundings.noise(RATE * 4, RATE, "white", seed=1).astype(np.float32) * 0.1
    frequencies, gains = augment.curve(np.geomspace(60, 8000, 24), 5, depth=9)
    assert np.abs(gains).max() == pytest.approx(9)
    out = augment.equalise(noise, RATE, 5, depth=9)
    assert len(out) == len(noise)
    for at in (6, 12, 18):
        low, high = frequencies[at] * 0.95, frequencies[at] * 1.05
        got = 10 * np.log10(power(out, low, high) / power(noise, low, high))
        assert got == pytest.approx(gains[at], abs=1.5)


def test_a_band_keeps_only_itself(speech: tuple[Samples, list[Phone]]) -> None:
    samples = surroundings.noise(RATE, RATE, "white").astype(np.float32)
    out = augment.band(samples, RATE, 300, 3400)
    assert power(out, 500, 3000) == pytest.approx(power(samples, 500, 3000), rel=0.1)
    assert power(out, 5000, 8000) < 1e-4 * power(samples, 5000, 8000)


def test_gain_and_clipping(speech: tuple[Samples, list[Phone]]) -> None:
    samples, _ = speech
    assert level(augment.gain(samples, -6.0206)) == pytest.approx(level(samples) / 2, rel=1e-4)
    clipped = augment.clip(samples, 0.02)
    top = np.abs(clipped).max()
    assert np.mean(np.abs(clipped) >= top - 1e-9) == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.2])
def test_a_room_fades_as_long_as_it_says(rt60: float) -> None:
    response = surroundings.impulse(RATE, rt60, direct=-20, seed=3)
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    decibels = 10 * np.log10(energy / energy[0])
    first, last = (int(np.flatnonzero(decibels < d)[0]) for d in (-5, -35))  # T30
    assert 2 * (last - first) / RATE == pytest.approx(rt60, rel=0.15)


def test_a_room_moves_nothing(speech: tuple[Samples, list[Phone]]) -> None:
    samples, _ = speech
    response = surroundings.impulse(RATE, 0.4, direct=10, seed=1)
    assert int(np.argmax(np.abs(response))) == 0
    assert 10 * np.log10(response[0] ** 2 / (response[1:] ** 2).sum()) == pytest.approx(10, abs=0.1)
    out = surroundings.room(samples, RATE, 0.4, direct=10, seed=1)
    lags = np.correlate(out[8000:24000], samples[8200:23800], "valid")
    assert int(np.argmax(lags)) == 200


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_noise_has_its_colour(colour: surroundings.Colour, slope: float) -> None:
    x = surroundings.noise(RATE * 8, RATE, colour, seed=2).astype(np.float32)
    assert level(x) == pytest.approx(1.0, rel=1e-3)
    octave = [power(x, f, 2 * f) / f for f in (200, 400, 800, 1600, 3200)]
    assert np.polyfit(np.arange(5), 10 * np.log10(octave), 1)[0] == pytest.approx(slope, abs=0.3)


@pytest.mark.parametrize("snr", [0.0, 15.0])
def test_noise_is_as_loud_as_it_says(speech: tuple[Samples, list[Phone]], snr: float) -> None:
    samples, phones = speech
    out = surroundings.add(samples, surroundings.noise(len(samples), RATE), snr, phones, RATE)
    voice = np.concatenate([samples[round(p.start * RATE) : round(p.end * RATE)] for p in phones if p.ipa != SILENCE])
    below = out.astype(np.float64) - samples
    assert 20 * np.log10(level(voice) / level(below)) == pytest.approx(snr, abs=0.05)


def test_crowds_differ_by_seed_and_go_on_for_ever() -> None:
    one, again, other = (surroundings._crowds(20 * RATE, RATE, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert len(one) == 20 * RATE
    assert np.sqrt(np.mean(one**2)) == pytest.approx(1)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2


def test_babble_is_speech_of_several() -> None:
    x = surroundings.babble(RATE * 3, RATE, people=5, seed=1)
    assert level(x) == pytest.approx(1.0, rel=1e-6)
    assert power(x.astype(np.float32), 100, 4000) > 0.9 * power(x.astype(np.float32), 0, 8000)
    np.testing.assert_array_equal(x, surroundings.babble(RATE * 3, RATE, people=5, seed=1))


@pytest.mark.parametrize("name", surroundings.CODECS)
def test_a_codec_keeps_speech_in_its_place(speech: tuple[Samples, list[Phone]], name: surroundings.Codec) -> None:
    samples, _ = speech
    out = surroundings.codec(samples, RATE, name)
    assert len(out) == len(samples)
    assert not np.array_equal(out, samples)
    assert float(np.corrcoef(out, samples)[0, 1]) > 0.95
    lags = np.correlate(out[8000:24000], samples[8200:23800], "valid")
    assert int(np.argmax(lags)) == 200
    if name == "g711":
        assert power(out, 4300, 8000) < 0.02 * power(samples, 4300, 8000)


def test_a_low_bit_rate_costs_more(speech: tuple[Samples, list[Phone]]) -> None:
    samples, _ = speech
    coarse, fine = (level(surroundings.codec(samples, RATE, "opus", bits=b) - samples) for b in (8000, 64000))
    assert coarse > 1.5 * fine


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_keeps_phones_true(speech: tuple[Samples, list[Phone]], seed: int) -> None:
    samples, phones = speech
    out, moved, done = surroundings.vary(samples, phones, RATE, seed)
    again = surroundings.vary(samples, phones, RATE, seed)
    np.testing.assert_array_equal(out, again[0])
    assert done == again[2]
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 0.9 + 1e-6
    assert [p.ipa for p in moved] == [p.ipa for p in phones]
    assert moved[-1].end == pytest.approx(len(out) / RATE, abs=1e-3)


def test_no_strength_changes_nothing(speech: tuple[Samples, list[Phone]]) -> None:
    samples, phones = speech
    out, moved, done = surroundings.vary(samples, phones, RATE, 5, strength=0)
    np.testing.assert_array_equal(out, samples)
    assert moved == phones
    assert done == []


def test_nothing_stays_nothing_and_nonsense_is_told() -> None:
    empty = np.zeros(0, np.float32)
    for out in (
        augment.pitch(empty, RATE, 1.2), augment.formants(empty, RATE, 1.2), augment.equalise(empty, RATE, 1),
        surroundings.room(empty, RATE, 0.3), surroundings.codec(empty, RATE, "opus"), augment.clip(empty, 0.1),
    ):  # fmt: skip
        assert len(out) == 0
    for wrong in (
        lambda: augment.stretch(empty, [], RATE, 3), lambda: augment.pitch(empty, RATE, 0),
        lambda: augment.gain(empty, 99),
        lambda: surroundings.impulse(RATE, 9), lambda: surroundings.codec(empty, RATE, "flac"),  # type: ignore[arg-type]
        lambda: surroundings.noise(10, RATE, "blue"),  # type: ignore[arg-type]
        lambda: surroundings.add(np.zeros(9, np.float32), empty, 3), lambda: augment.band(empty, RATE, 900, 100),
    ):  # fmt: skip
        with pytest.raises(VultusError):
            wrong()
