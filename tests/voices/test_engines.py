"""Voices by name: the same contract for every engine, text of any length, and what is said when something is wrong."""

from __future__ import annotations

import importlib
import shutil
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.signals.phones import SILENCE, Phone, from_arpabet
from vultus.voices import bias, engines, espeak, festival, finish, flite, hibari, misaki
from vultus.voices.talk import Talk

TEXT = "We make people speak, both fast and slow."


def installed(name: str) -> engines.Engine:
    """The engine *name*; the test is skipped when it is not installed."""
    engine: engines.Engine = importlib.import_module(f"vultus.voices.{name}")  # type: ignore[assignment]
    if complaint := engine.missing():
        pytest.skip(complaint)
    return engine


FAST = [name for name in engines.engines() if name != "kokoro"]


def test_engines_are_found_by_their_files() -> None:
    assert engines.engines() == ("espeak", "festival", "flite", "formant", "hibari", "kokoro")
    assert engines.DEFAULT.split(":")[0] in engines.engines()
    rows = {name: (usual, lacks) for name, usual, lacks in engines.table()}
    assert rows["formant"] == ("man and 3 more", "")
    for usual, lacks in rows.values():
        assert bool(usual) != bool(lacks)


@pytest.mark.parametrize("name", FAST)
def test_an_engine_speaks(name: str) -> None:
    engine = installed(name)
    samples, phones = engine.speak(TEXT, rate=16000, seed=3)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= finish.PEAK + 1e-6
    assert phones[0].start == 0.0
    assert phones[-1].end == pytest.approx(len(samples) / 16000, abs=1 / 8000)
    assert all(a.end == b.start for a, b in pairwise(phones))
    assert all(p.end > p.start for p in phones)
    assert 1.2 < phones[-1].end < 6
    said = [p.arpabet for p in phones if p.ipa != SILENCE]
    # Engines read unstressed vowels in their own ways; consonants are the same for all.
    letters = "".join({"P": "p", "M": "m", "K": "k", "S": "s", "F": "f", "TH": "0", "B": "b"}.get(p, "") for p in said)
    assert letters == "mkppspkb0fss"
    spoken = np.concatenate([samples[round(p.start * 16000) : round(p.end * 16000)] for p in phones if p.ipa])
    loud = float(np.sqrt(np.mean(spoken.astype(np.float64) ** 2)))
    assert loud == pytest.approx(finish.LEVEL, rel=0.03) or np.abs(samples).max() == pytest.approx(
        finish.PEAK, rel=0.01
    )
    assert loud <= 1.03 * finish.LEVEL
    if phones[0].ipa == SILENCE:
        quiet = samples[: round(0.6 * phones[0].end * 16000)]
        assert float(np.sqrt(np.mean(quiet**2))) < 0.1 * finish.LEVEL


@pytest.mark.parametrize("name", FAST)
def test_the_same_again_is_the_same(name: str) -> None:
    engine = installed(name)
    first = engine.speak(TEXT, rate=16000, seed=1)
    engine.speak("Another sentence in between!", rate=16000, seed=2)
    again = engine.speak(TEXT, rate=16000, seed=1)
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]


@pytest.mark.parametrize("name", FAST)
def test_speed_shortens(name: str) -> None:
    engine = installed(name)
    usual, fast = (engine.speak(TEXT, rate=16000, speed=speed)[1][-1].end for speed in (1.0, 1.6))
    assert 0.5 < fast / usual < 0.85
    with pytest.raises(VultusError, match="speed"):
        engine.speak(TEXT, rate=16000, speed=9)


@pytest.mark.parametrize("name", [n for n in FAST if n != "festival"])
def test_phones_are_said_as_they_are_given(name: str) -> None:
    engine = installed(name)
    given = ["m", "ˈɑ", "p", "i", "", "b", "ˈoʊ", "f", "ə", "l"]
    said = [p.arpabet for p in engine.speak(given, rate=16000)[1]]
    assert [p for p in said if p in ("M", "P", "B", "F", "L")] == ["M", "P", "B", "F", "L"]
    phones = [Phone(0.1 * i, 0.1 * i + 0.1, ipa) for i, ipa in enumerate(["f", "i", "m"])]
    assert [p.arpabet for p in engine.speak(phones, rate=16000)[1] if p.ipa] == ["F", "IY", "M"]


@pytest.mark.parametrize("name", FAST)
def test_times_agree_with_forced_alignment(name: str) -> None:
    engine = installed(name)
    errors = []
    for text in ("We make people speak before the sound is over.", "Five foxes jump over my lazy brown dog."):
        samples, phones = engine.speak(text, rate=16000)
        found, total = bias.boundaries(phones, samples, text)
        assert len(found) > 0.4 * total
        errors.append(found)
    assert float(np.median(np.abs(np.concatenate(errors)))) <= 0.02


def test_boundaries_measure_a_shift_that_is_put_in() -> None:
    samples, phones = engines.speak("Five foxes jump over my lazy brown dog.", rate=16000)
    late = [Phone(p.start + 0.05, p.end + 0.05, p.ipa, p.stress) for p in phones]
    right, wrong = (
        np.median(bias.boundaries(p, samples, "Five foxes jump over my lazy brown dog.")[0]) for p in (phones, late)
    )
    assert wrong - right == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("name", FAST)
def test_nothing_to_say_gives_nothing(name: str) -> None:
    engine = installed(name)
    for text in ("", " ... !"):
        samples, phones = engine.speak(text, rate=16000)
        assert len(samples) == 0
        assert phones == []


def test_text_cannot_reach_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = 'Hello") (system "touch evil") (print "; touch evil; $(touch evil) `touch evil` -o evil --help'
    for name in ("espeak", "festival", "flite"):
        engine: engines.Engine = importlib.import_module(f"vultus.voices.{name}")  # type: ignore[assignment]
        if not engine.missing():
            assert engine.speak(evil, rate=16000)[1]
    assert list(tmp_path.iterdir()) == []


def test_wrong_names_are_told_with_the_nearest() -> None:
    with pytest.raises(VultusError, match="Did you mean formant"):
        engines.speak("Hello", voice="format")
    with pytest.raises(VultusError, match="Did you mean woman"):
        engines.speak("Hello", voice="formant:womann")
    for voice, match in (("espeak:en-uk", "en-us"), ("espeak:en-us+f33", "f3"), ("flite:sltt", "slt")):
        installed(voice.split(":")[0])
        with pytest.raises(VultusError, match=match):
            engines.stream("Hello", voice=voice)


def test_what_is_absent_is_told_with_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misaki, "find_spec", lambda name: None)
    assert "pip install 'vultus[stage]'" in hibari.missing()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    flite._names.cache_clear()
    festival._names.cache_clear()
    for voice, package in (("hibari", "vultus"), ("flite", "package flite"), ("festival", "festvox")):
        with pytest.raises(VultusError, match=package):
            engines.stream("Hello", voice=voice)
    monkeypatch.setattr(espeak, "find_spec", lambda name: None)
    absent = {"error": "the library is not installed", "absent": True}
    monkeypatch.setattr(espeak, "_exchange", lambda request: (absent, b""))
    espeak.names.cache_clear()
    with pytest.raises(VultusError, match=r"vultus\[espeak\]"):
        engines.stream("Hello", voice="espeak")
    espeak.names.cache_clear()


def test_a_process_that_crashes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "_checked", lambda voice: voice)
    espeak.stop()
    with monkeypatch.context() as patch:
        patch.setattr(espeak, "_COMMAND", [sys.executable, "-c", ""])
        with pytest.raises(VultusError, match="crashed"):
            espeak.speak("Hello")


def test_espeak_says_the_same_in_a_process_that_has_said_much() -> None:
    engine = installed("espeak")
    espeak.stop()
    fresh, phones = engine.speak("Who said so?", voice="en-gb+f3", rate=22050)
    assert espeak._KEPT.process is not None
    kept = espeak._KEPT.process.pid
    before = espeak.elsewhere()
    for voice in ("en-us", "de+m2"):
        engine.speak("Quite another text, with 17 numbers!", voice=voice, rate=22050, speed=1.4)
    again, same = engine.speak("Who said so?", voice="en-gb+f3", rate=22050)
    assert again.tobytes() == fresh.tobytes()
    assert same == phones
    assert espeak._KEPT.process.pid == kept
    assert espeak.elsewhere() >= before > 0
    espeak._KEPT.process.kill()
    espeak._KEPT.process.wait()
    time.sleep(1.1)  # its chances would go by the second in which it was started
    assert engine.speak("Who said so?", voice="en-gb+f3", rate=22050)[0].tobytes() == fresh.tobytes()
    assert espeak._KEPT.process.pid != kept


def test_espeak_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = installed("espeak")
    engine.speak("Ready")
    monkeypatch.setattr(espeak, "TIMEOUT", 1)
    with pytest.raises(VultusError, match="took longer than 1 s"):
        engine.speak("Something long. " * 60_000)
    assert engine.speak("Ready")[1]


def test_espeak_is_never_loaded_into_this_process() -> None:
    installed("espeak").speak("Hello there", rate=16000)
    maps = Path("/proc/self/maps")
    assert not maps.exists() or "espeak" not in maps.read_text()
    assert "espeakng_loader" not in sys.modules


def test_espeak_speaks_other_languages_and_variants() -> None:
    engine = installed("espeak")
    names = espeak.names()
    assert {"en-us", "en-gb", "de", "fr-fr"} <= set(names.languages)
    assert {"f1", "m3"} <= set(names.variants)
    german = engine.speak("Schöne Grüße", voice="de+f2", rate=16000)[1]
    assert "ʃ" in {p.ipa for p in german}
    low, high = (engine.speak("Oh", voice=v, rate=16000)[0] for v in ("en-gb+m3", "en-gb+f2"))
    assert not np.array_equal(low[:5000], high[:5000])


def test_a_voiceless_stop_begins_with_its_closure() -> None:
    events = [(0, "ˈa"), (4000, "p"), (6000, "ˈa"), (9000, "")]
    phones = espeak._phones(events, 1.0, 20000)
    assert phones[1].start == pytest.approx(0.2 - espeak.CLOSURE)
    assert phones[0].end == phones[1].start


def test_a_sound_without_time_shares_that_of_its_neighbour() -> None:
    phones = espeak._phones([(0, "b"), (2000, "ə"), (8000, "l"), (8000, "")], 0.5, 20000)
    assert [p.ipa for p in phones] == ["b", "ə", "l", ""]
    assert phones[2].end == pytest.approx(0.4)
    assert phones[1].duration == pytest.approx(2 * phones[2].duration)


def test_kokoro_speaks_with_times() -> None:
    engine = installed("kokoro")  # as slow as speech itself: one short phrase
    samples, phones = engine.speak("My baby.", rate=16000, voice="jm_kumo")
    assert [p.arpabet for p in phones if p.ipa] == ["M", "AY", "B", "EY", "B", "IY"]
    for p in phones:
        loud = float(np.sqrt(np.mean(samples[round(p.start * 16000) : round(p.end * 16000)] ** 2)))
        assert loud < 0.03 if p.ipa == SILENCE else loud > 0.01


def test_anyone_is_another_for_each_seed() -> None:
    engine = installed("kokoro")
    said = [engine.speak("My baby.", rate=16000, voice="anyone", seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(said[0][0], said[1][0])
    assert len(said[0][0]) != len(said[2][0])
    assert all([p.arpabet for p in phones if p.ipa] == ["M", "AY", "B", "EY", "B", "IY"] for _, phones in said)
    assert "anyone" not in engine.voices()  # nobody's voice is drawn where one of the five is asked for


# --- long texts -----------------------------------------------------------------------------------------------------

LONG = "This is one. Is this two? Yes, three!"


def test_a_text_is_streamed_without_gaps() -> None:
    said = list(engines.stream(LONG, rate=24000, seed=4))
    assert [s.text for s in said] == ["This is one.", "Is this two?", "Yes, three!"]
    at = 0.0
    for sentence in said:
        assert sentence.start == pytest.approx(at)
        assert sentence.phones[0].start == sentence.start
        assert sentence.phones[-1].end == pytest.approx(sentence.end)
        assert round(sentence.end * 100) == pytest.approx(sentence.end * 100)
        at = sentence.end


def test_streaming_asks_for_no_more_text_than_it_says() -> None:
    taken = []

    def endless() -> object:
        while True:
            taken.append(1)
            yield "One more."

    stream = engines.stream(endless())  # type: ignore[arg-type]
    for _ in range(3):
        next(stream)
    assert len(taken) == 3


@pytest.mark.parametrize(
    ("text", "match"), [("", "empty"), ("  \n", "empty"), ("?! …", "no letter"), ("a" * 2_000_001, "Split")]
)
def test_text_that_cannot_be_spoken(text: str, match: str) -> None:
    with pytest.raises(VultusError, match=match):
        engines.stream(text)
    with pytest.raises(VultusError, match=match):
        engines.speak(text)


def test_a_talk_is_the_same_for_every_reader() -> None:
    with Talk(LONG, seed=2) as talk:
        blocks = talk.blocks(48000)
        first = next(blocks)
        spans = list(talk.spans())
        sound = np.concatenate([first, *blocks])
        again = np.concatenate(list(talk.blocks(48000)))
    np.testing.assert_array_equal(sound, again)
    assert len(sound) == round(spans[-1].end * 48000)
    for before, after in pairwise(spans):
        assert before.end == after.start
        assert after.features.start == after.start
    assert all(len(s.features) == round(100 * (s.end - s.start)) for s in spans)
    # What is heard at a time is what the phones of that time say: loud in vowels, silent in silences.
    for span in spans:
        for p in span.phones:
            level = float(np.sqrt(np.mean(sound[round(p.start * 48000) : round(p.end * 48000)] ** 2)))
            assert level < 0.02 if p.ipa == SILENCE else level > 1e-4


def test_stress_comes_from_the_words_where_they_are_read_alike() -> None:
    names = ["SIL", "B", "AH0", "N", "AE", "N", "AH0", "SIL", "T", "EY", "B", "AH0", "L", "Z", "OW"]
    phones = [Phone(0.1 * i, 0.1 * i + 0.1, from_arpabet(name)[0]) for i, name in enumerate(names)]
    out = flite.stressed(phones, "Banana tables")
    assert [p.stress for p in out] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert [(p.start, p.end, p.ipa) for p in out] == [(p.start, p.end, p.ipa) for p in phones]
    assert flite.stressed([], "Banana") == []


@pytest.mark.parametrize("name", ["flite", "festival"])
def test_programs_without_stress_marks_get_them(name: str) -> None:
    phones = installed(name).speak("A banana is on the table.")[1]
    assert 2 <= sum(p.stress == 1 for p in phones) <= 4
