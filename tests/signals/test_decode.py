"""Alignment, recognition and spans, on the formant voice, whose phone times are exact."""

from __future__ import annotations

import itertools
import threading
import tracemalloc

import numpy as np
import pytest

from vultus.channels import VISEMES
from vultus.signals import decode, sphinx
from vultus.signals.align import align, word_times
from vultus.signals.chunks import phones_of, whole
from vultus.signals.features import RATE, features
from vultus.signals.phones import SILENCE, Phone, check
from vultus.signals.recognise import recognise
from vultus.signals.text import words
from vultus.voices.formant import speak

TEXT = "Please bring three cups of coffee to the table."
OTHER = "He bought a brown leather jacket for forty dollars."


@pytest.fixture(scope="module")
def clip() -> tuple[np.ndarray, list[Phone]]:
    return speak(TEXT)


@pytest.fixture(scope="module")
def long_clip() -> tuple[np.ndarray, list[Phone], str]:
    """Four sentences with pauses."""
    text = f"{TEXT} {OTHER} The old captain watched the lights fade behind the fog. My grandmother used sugar."
    samples, phones = speak(text)
    return samples, phones, text


def shapes(phones: list[Phone], seconds: float) -> np.ndarray:
    out = np.zeros(round(seconds * 100), int)
    for p in phones:
        out[round(p.start * 100) : round(p.end * 100)] = VISEMES.index(p.viseme)
    return out


def agreement(phones: list[Phone], truth: list[Phone]) -> float:
    end = truth[-1].end
    return float((shapes(phones, end) == shapes(truth, end)).mean())


def covers(phones: list[Phone], samples: np.ndarray, rate: int = RATE) -> None:
    check(phones, gapless=True)
    assert phones[0].start == 0
    assert phones[-1].end == pytest.approx(len(samples) / rate)


def test_alignment_is_where_the_sounds_are(clip):
    samples, truth = clip
    phones = align(samples, TEXT)
    covers(phones, samples)
    assert agreement(phones, truth) > 0.75
    starts = {round(p.start, 2) for p in truth}
    said = [p for p in phones if p.ipa]
    late = [min(abs(p.start - s) for s in starts) for p in said]
    assert np.median(late) < 0.015
    assert any(p.stress == 1 for p in said)


def test_alignment_at_another_rate(clip):
    samples, truth = clip
    at_32k = np.repeat(samples, 2)
    phones = align(at_32k, TEXT, 32000)
    covers(phones, at_32k, 32000)
    assert agreement(phones, truth) > 0.7


def test_recognition_beats_chance_by_far(clip):
    samples, truth = clip
    phones = recognise(samples)
    covers(phones, samples)
    assert agreement(phones, truth) > 0.5


def test_a_text_of_something_else_is_not_believed(clip):
    samples, truth = clip
    found = decode.fit(samples, [w.text for w in words(OTHER)])
    if found is not None:
        frames = features(samples)
        assert decode.trusted(found, decode.hear(samples, frames), frames).mean() < 0.5
    phones = align(samples, OTHER)
    covers(phones, samples)
    assert agreement(phones, truth) > 0.45


@pytest.mark.parametrize("text", ["", "🙂 ...", "zzxt bdfg", "你好世界", "word " * 300])
def test_text_that_does_not_fit_gives_something_sensible(clip, text):
    samples, _ = clip
    phones = align(samples[: 2 * RATE], text)
    covers(phones, samples[: 2 * RATE])
    assert sum(p.duration for p in phones if p.ipa) > 0.8


@pytest.mark.parametrize("text", [None, TEXT])
@pytest.mark.parametrize(
    "samples",
    [np.zeros(0, np.float32), np.zeros(1, np.float32), np.ones(1, np.float32), np.zeros(3 * RATE, np.float32),
     np.full(RATE, np.nan, np.float32)],
    ids=["none", "one zero", "one", "silence", "not numbers"],
)  # fmt: skip
def test_sound_without_speech_is_silence(samples, text):
    phones = recognise(samples) if text is None else align(samples, text)
    assert all(p.ipa == SILENCE for p in phones)
    if len(samples):
        covers(phones, samples)
    spans = list(phones_of([samples], text))
    assert bool(spans) == bool(len(samples))


def test_noise_does_not_fail():
    noise = np.random.default_rng(0).normal(0, 0.3, RATE).astype(np.float32)
    covers(recognise(noise), noise)
    covers(align(noise, TEXT), noise)


def test_the_same_input_gives_the_same_output(clip):
    samples, _ = clip
    first = recognise(samples), align(samples, TEXT)
    recognise(np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32))
    assert (recognise(samples), align(samples, TEXT)) == first
    sphinx.forget()
    assert (recognise(samples), align(samples, TEXT)) == first


def test_each_thread_has_its_own_decoder(clip):
    samples, _ = clip
    expected, got = recognise(samples), list[list[Phone]]()
    threads = [threading.Thread(target=lambda: got.append(recognise(samples))) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == [expected, expected]


def test_a_decoder_that_breaks_is_replaced(clip, monkeypatch):
    samples, truth = clip

    def broken(decoder: object, sound: bytes) -> None:
        raise RuntimeError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(sphinx, "_listen", broken)
        covers(align(samples, TEXT), samples)
        spoken = align(samples, TEXT)
    # Nothing can be heard, so the text is spread over what is speech.
    assert [p.arpabet for p in spoken if p.ipa][:4] == ["P", "L", "IY", "Z"]
    assert agreement(align(samples, TEXT), truth) > 0.75


def test_spread_keeps_to_speech():
    samples = np.concatenate([np.zeros(RATE, np.float32), speak("banana")[0], np.zeros(RATE, np.float32)])
    frames = features(samples)
    phones = decode.spread(["banana"], frames)
    check(phones, gapless=True)
    assert [p.arpabet for p in phones if p.ipa] == ["B", "AH", "N", "AE", "N", "AH"]
    assert phones[0].ipa == SILENCE
    assert phones[0].end > 0.8


@pytest.mark.parametrize("with_text", [False, True])
def test_spans_follow_one_another_and_the_sound(long_clip, with_text):
    samples, truth, text = long_clip
    spans = list(phones_of([samples], text if with_text else None, window=4.0))
    assert spans[0].start == 0
    assert spans[0].end <= 2.0
    assert spans[-1].end == pytest.approx(len(samples) / RATE)
    for a, b in itertools.pairwise(spans):
        assert a.end == b.start
        assert b.end - b.start <= 4.01
    for span in spans:
        check(span.phones, gapless=True)
        assert (span.phones[0].start, span.phones[-1].end) == (span.start, span.end)
        assert span.features.start == pytest.approx(span.start)
        assert len(span.features) == int(np.ceil((span.end - span.start) * 100 - 1e-6))
    covers(whole(spans), samples)
    assert agreement(whole(spans), truth) > (0.75 if with_text else 0.5)


@pytest.mark.parametrize("text", [None, TEXT])
def test_spans_do_not_depend_on_chunks(clip, text):
    samples, _ = clip
    whole_at_once = list(phones_of([samples], text))
    for size in (777, 30000):
        chunks = (samples[i : i + size] for i in range(0, len(samples), size))
        spans = list(phones_of(chunks, text))
        assert [s.phones for s in spans] == [s.phones for s in whole_at_once]
        for a, b in zip(spans, whole_at_once, strict=True):
            np.testing.assert_array_equal(a.features.mel, b.features.mel)


def test_spans_have_the_features_of_the_whole(clip):
    samples, _ = clip
    frames = features(samples)
    got = np.concatenate([s.features.pitch for s in phones_of([samples])])
    np.testing.assert_array_equal(got, frames.pitch)


def test_the_first_span_does_not_wait_for_the_rest(clip):
    samples, _ = clip
    read = 0

    def chunks():
        nonlocal read
        for i in range(0, len(samples), 800):
            read += 800
            yield samples[i : i + 800]

    next(phones_of(chunks()))
    assert read < 2.6 * RATE


def test_reading_goes_on_where_sound_and_text_meet_again(long_clip):
    samples, truth, text = long_clip
    spoken = text.split()
    gone = " ".join(spoken[:9] + spoken[18:])
    phones = whole(phones_of([samples], gone, window=4.0))
    half = len(samples) / RATE / 2
    a, b = shapes(phones, 2 * half), shapes(truth, 2 * half)
    size = min(len(a), len(b)) // 2
    assert (a[size : 2 * size] == b[size : 2 * size]).mean() > 0.7


def test_memory_does_not_grow_with_length(clip):
    # Mostly silence, so that the test is quick: what is kept is the same for speech.
    def chunks(count: int):
        for _ in range(count):
            yield np.zeros(RATE, np.float32)

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in phones_of(chunks(count), window=4.0):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(5)
    assert peak(60) < 1.2 * peak(15) + 50_000


def test_words_are_found_at_their_times_as_far_as_the_sound_goes(
    clip: tuple[np.ndarray, list[Phone]], long_clip: tuple[np.ndarray, list[Phone], str]
) -> None:
    samples, phones = clip
    found = word_times(samples, TEXT)
    assert [word for word, _, _ in found] == TEXT.lower().rstrip(".").split()
    # "coffee" begins with the second k of the sentence and ends before the t of "to".
    start = [p.start for p in phones if p.ipa in ("k", "kʰ")][1]
    assert found[5][0] == "coffee"
    assert found[5][1] == pytest.approx(start, abs=0.05)
    assert all(a[2] <= b[1] + 1e-6 for a, b in itertools.pairwise(found))
    # The text goes on behind the end of the sound.
    cut = word_times(samples, f"{TEXT} {OTHER}")
    assert [word for word, _, _ in cut][:9] == [word for word, _, _ in found]
    assert word_times(np.zeros(RATE, np.float32), TEXT) == []
