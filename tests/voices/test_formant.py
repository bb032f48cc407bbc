"""The formant voice: exact times, the formants and pitch that were asked for, and nothing that is not finite."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import decimate

from vultus.errors import VultusError
from vultus.signals.phones import ARPABET, SILENCE, Phone, from_arpabet
from vultus.voices import formant, prosody
from vultus.voices.targets import target

Samples = NDArray[np.float32]


def cut(samples: Samples, phone: Phone, edge: float = 0.0, rate: int = 16000) -> Samples:
    """The samples of *phone*, without the share *edge* of it at either end."""
    skip = edge * phone.duration
    return samples[round((phone.start + skip) * rate) : round((phone.end - skip) * rate)]


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def centroid(samples: Samples) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return float((np.fft.rfftfreq(len(samples), 1 / 16000) * power).sum() / power.sum())


def measured_formants(samples: Samples) -> list[float]:
    """Resonances in Hz below 3.6 kHz by linear prediction, at 8 kHz."""
    x = decimate(samples.astype(np.float64), 2)
    x = np.append(x[0], x[1:] - 0.95 * x[:-1]) * np.hamming(len(x))
    r = np.correlate(x, x, "full")[len(x) - 1 : len(x) + 12]
    r[0] *= 1.0001
    roots = np.roots(np.concatenate([[1.0], -solve_toeplitz(r[:-1], r[1:])]))
    roots = roots[(roots.imag > 0) & (-np.log(np.abs(roots)) * 8000 / np.pi < 500)]
    return sorted(float(f) for f in np.angle(roots) * 8000 / (2 * np.pi) if 150 < f < 3600)


def measured_pitch(samples: Samples) -> tuple[float, float]:
    """Pitch in Hz by autocorrelation, and how periodic it is (1: perfectly)."""
    x = samples.astype(np.float64) - samples.mean()
    power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    r = np.fft.irfft(power)[: len(x)] / np.arange(len(x), 0, -1)
    low, high = 16000 // 450, 16000 // 50
    # The first peak that is nearly the highest: later ones are multiples of the period.
    good = [i for i in range(low, high) if r[i] >= max(r[i - 1], r[i + 1]) and r[i] > 0.9 * r[low:high].max()]
    return 16000 / good[0], float(r[good[0]] / r[0])


def assert_sound(samples: Samples, phones: list[Phone], rate: int = 16000) -> None:
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert np.isfinite(samples).all()
    assert np.abs(samples).max(initial=0.0) <= formant.PEAK + 1e-6
    assert len(samples) == (round(phones[-1].end * rate) if phones else 0)
    for before, after in pairwise(phones):
        assert before.end == after.start
    assert all(phone.end > phone.start for phone in phones)


def test_the_demo_sentence_shows_what_a_mouth_can_do() -> None:
    text, samples, phones = formant.demo_sentence()
    assert_sound(samples, phones)
    assert phones[0].start == 0.0
    assert 4.0 < phones[-1].end < 7.0
    assert {"PP", "FF", "SS", "TH", "ih", "ou"} <= {phone.viseme for phone in phones}
    assert {"p", "b", "m", "f", "v", "s", "i", "u"} <= {phone.ipa for phone in phones}
    assert text == formant.DEMO_TEXT


def test_its_level_is_20_db_below_full_scale() -> None:
    _, samples, phones = formant.demo_sentence()
    spoken = np.concatenate([cut(samples, phone) for phone in phones if phone.ipa])
    assert 20 * math.log10(rms(spoken)) == pytest.approx(-20.0, abs=0.5)


def test_the_demo_sentence_is_its_text() -> None:
    """What was written by hand is what the dictionary says, apart from reduced vowels."""
    from vultus.signals.text import text_phones

    _, _, phones = formant.demo_sentence()
    mine = [phone.arpabet for phone in phones if phone.ipa]
    theirs = [phone.arpabet for phone in text_phones(formant.DEMO_TEXT) if phone.ipa]
    assert len(mine) == len(theirs)
    assert sum(a != b for a, b in zip(mine, theirs, strict=True)) <= 3


def test_the_aligner_finds_the_phones_where_they_are() -> None:
    """A recogniser that was trained on people follows the sentence, phone by phone."""
    from vultus.signals.align import align

    text, samples, phones = formant.demo_sentence()
    times = np.arange(0.005, phones[-1].end, 0.01)

    def shapes(track: list[Phone]) -> list[str]:
        return [next((p.viseme for p in track if p.start <= t < p.end), "sil") for t in times]

    same = [a == b for a, b in zip(shapes(phones), shapes(align(samples, text)), strict=True)]
    assert np.mean(same) > 0.8


def test_text_becomes_phones_with_pauses() -> None:
    samples, phones = formant.speak("Hello, moon.")
    assert_sound(samples, phones)
    names = [phone.arpabet for phone in phones]
    assert names[0] == names[-1] == "SIL"
    assert "SIL" in names[1:-1]
    assert names[-5:-1] in (["M", "UW", "N", "SIL"], ["SIL", "M", "UW", "N"])


@pytest.mark.parametrize("nothing", ["", "  ", "?!", []])
def test_nothing_to_say(nothing: str | list[str]) -> None:
    samples, phones = formant.speak(nothing)
    assert len(samples) == 0
    assert phones == []


def test_given_times_are_kept_and_gaps_are_silent() -> None:
    given_phones = [Phone(0.1234, 0.3, "ɑ", 1), Phone(0.3, 0.387, "m"), Phone(0.6011, 0.9, "i")]
    samples, phones = formant.speak(given_phones)
    assert_sound(samples, phones)
    assert [p for p in phones if p.ipa] == given_phones
    assert [(p.start, p.end) for p in phones if not p.ipa] == [(0.0, 0.1234), (0.387, 0.6011)]
    assert np.abs(samples[: round(0.09 * 16000)]).max() == 0.0
    assert np.abs(samples[round(0.44 * 16000) : round(0.57 * 16000)]).max() == 0.0
    assert rms(cut(samples, given_phones[0], 0.2)) > 0.05


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_every_rate_says_the_same(rate: int) -> None:
    base, phones = formant.speak(["", "m", "ˈa", "s", "i", ""])
    samples, same = formant.speak(["", "m", "ˈa", "s", "i", ""], rate=rate)
    assert same == phones
    assert_sound(samples, phones, rate)
    for phone in phones:
        if target(phone.ipa).vowel:
            assert rms(cut(samples, phone, 0.1, rate)) == pytest.approx(rms(cut(base, phone, 0.1)), rel=0.1)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_divides_every_duration(speed: float) -> None:
    sounds = [from_arpabet(name) for name in ("SIL", "S", "P", "IY1", "CH", "AH0", "SIL")]
    plain, fast = prosody.lay(sounds), prosody.lay(sounds, speed)
    for a, b in zip(plain, fast, strict=True):
        assert b.duration == pytest.approx(a.duration / speed, abs=0.0051)
    timed, phones = formant.speak(plain, speed=speed)
    assert phones[-1].end == pytest.approx(plain[-1].end / speed)
    assert_sound(timed, phones)


@pytest.mark.parametrize("ipa", ["i", "ɛ", "æ", "ɑ", "ʌ", "u", "ɝ", "y", "o"])
@pytest.mark.parametrize("tract", [1.0, 1.12])
def test_vowels_have_the_formants_of_their_targets(ipa: str, tract: float) -> None:
    samples, phones = formant.speak([Phone(0.0, 0.6, ipa, 1)], pitch=90.0, tract=tract)
    found = measured_formants(cut(samples, phones[0], 0.25))
    for wanted in target(ipa).first[:2]:
        wanted *= tract
        assert min(abs(f - wanted) for f in found) < max(60.0, 0.08 * wanted), (wanted, found)


def test_a_diphthong_moves() -> None:
    samples, _ = formant.speak([Phone(0.0, 0.5, "aɪ", 1)], pitch=90.0)
    early, late = samples[800:2800], samples[5600:7200]
    assert measured_formants(early)[0] > 1.3 * measured_formants(late)[0]
    assert measured_formants(late)[1] > 1.3 * measured_formants(early)[1]


@pytest.mark.parametrize("pitch", [80.0, 110.0, 180.0, 260.0])
def test_voiced_sounds_have_the_pitch(pitch: float) -> None:
    samples, phones = formant.speak([Phone(0.0, 1.2, "ɑ", 0)], pitch=pitch)
    found = [measured_pitch(samples[i : i + 1280]) for i in range(1600, 16000, 640)]
    assert np.mean([f for f, _ in found]) == pytest.approx(pitch, rel=0.06)
    assert min(periodic for _, periodic in found) > 0.7
    # Declination: the end is lower than the beginning.
    assert found[-1][0] < found[0][0]
    assert phones[0].duration == 1.2


def test_stress_raises_the_pitch() -> None:
    times = np.arange(0.0, 0.9, 0.002)
    run = [Phone(0.0, 0.3, "a"), Phone(0.3, 0.6, "a", 1), Phone(0.6, 0.9, "a")]
    flat = prosody.contour([Phone(p.start, p.end, p.ipa) for p in run], times, 100.0)
    accented = prosody.contour(run, times, 100.0)
    assert accented.mean() == pytest.approx(100.0)
    assert times[np.argmax(accented / flat)] == pytest.approx(0.43, abs=0.05)


def test_consonants_sound_like_their_kind() -> None:
    samples, phones = formant.speak(list("asaʃafazamata"))
    by = {phone.ipa: phone for phone in phones}
    vowel = rms(cut(samples, by["a"], 0.2))
    hiss = {ipa: cut(samples, by[ipa], 0.2) for ipa in ("s", "ʃ", "f", "z")}
    assert centroid(hiss["s"]) > 1.3 * centroid(hiss["ʃ"])
    assert measured_pitch(hiss["s"])[1] < 0.5, "no voice"
    assert rms(hiss["f"]) < rms(hiss["s"]) < vowel
    assert centroid(hiss["z"]) < centroid(hiss["s"]), "its voice adds low frequencies"
    nasal = cut(samples, by["m"], 0.2)
    assert rms(nasal) < 0.7 * vowel
    assert centroid(nasal) < 600


@pytest.mark.parametrize("ipa", ["p", "t", "k"])
def test_a_stop_closes_and_bursts(ipa: str) -> None:
    samples, phones = formant.speak(["a", ipa, "a"])
    stop = phones[1]
    length = stop.duration
    silent = samples[round((stop.start + 0.25 * length) * 16000) : round((stop.start + 0.5 * length) * 16000)]
    burst = samples[round((stop.start + 0.52 * length) * 16000) : round((stop.start + 0.85 * length) * 16000)]
    assert rms(burst) > 4 * rms(silent)
    assert rms(silent) < 0.1 * rms(cut(samples, phones[0], 0.2))


def test_a_consonant_colours_the_vowel_beside_it() -> None:
    """F2 of /ɑ/ starts higher after /j/ than after /w/: formants move through the border."""
    after = {}
    for ipa in ("j", "w"):
        samples, phones = formant.speak([Phone(0.0, 0.1, ipa), Phone(0.1, 0.5, "ɑ", 1)], pitch=90.0)
        times = np.arange(0.0, 0.5, 0.002)
        shapes = [target(phone.ipa) for phone in phones]
        tracks = formant._formants(phones, shapes, times)
        after[ipa] = tracks
        assert np.abs(np.diff(tracks, axis=0)).max() < 120, "no jumps"
        assert tracks[175] == pytest.approx(target("ɑ").first, rel=0.02)
        assert np.isfinite(samples).all()
    assert after["j"][52, 1] > after["w"][52, 1] + 300


def test_same_seed_same_sound() -> None:
    one, two, other = (formant.speak(["s", "a", "ʃ"], seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_only_silence() -> None:
    samples, phones = formant.speak(["", ""])
    assert_sound(samples, phones)
    assert np.abs(samples).max() == 0.0
    assert all(phone.ipa == SILENCE for phone in phones)


def test_every_english_phone_is_heard_between_vowels() -> None:
    for name in ARPABET[1:]:
        samples, phones = formant.speak(["ə", from_arpabet(name)[0], "ə"])
        assert_sound(samples, phones)
        assert rms(cut(samples, phones[1])) > 1e-3, name


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=4), max_size=8), st.integers(0, 2**32))
def test_any_symbols_give_finite_sound(symbols: list[str], seed: int) -> None:
    samples, phones = formant.speak(symbols, seed=seed)
    assert_sound(samples, phones)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", *map(chr, range(0x250, 0x2B0)), "p", "s", "m", "tʃ", "aɪ"]), st.floats(1e-4, 0.5)
        )
    ),
    st.floats(0.25, 4),
    st.floats(50, 500),
)
def test_any_times_give_finite_sound(pairs: list[tuple[str, float]], speed: float, pitch: float) -> None:
    ends = np.cumsum([0.0, *(seconds for _, seconds in pairs)]).tolist()
    timed = [Phone(ends[i], ends[i + 1], ipa, i % 3) for i, (ipa, _) in enumerate(pairs)]
    samples, phones = formant.speak(timed, speed=speed, pitch=pitch)
    assert_sound(samples, phones)


@pytest.mark.parametrize(
    "wrong", [{"rate": 100}, {"rate": 10**6}, {"pitch": 0.0}, {"pitch": math.nan}, {"speed": 0.0}, {"tract": 9.0}]
)
def test_values_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(VultusError, match=f"The {next(iter(wrong))} of a voice"):
        formant.speak(["a"], **wrong)  # type: ignore[arg-type]


def test_phones_that_cannot_be_said_are_refused() -> None:
    for wrong in (
        [Phone(0.0, 0.5, "a"), Phone(0.4, 0.6, "i")],
        [Phone(-0.1, 0.5, "a")],
        [Phone(0.0, math.inf, "a")],
        [Phone(0.5, 0.5, "a")],
    ):
        with pytest.raises(VultusError):
            formant.speak(wrong)
    with pytest.raises(VultusError, match="mixed"):
        formant.speak([Phone(0.0, 0.5, "a"), "i"])  # type: ignore[list-item]
