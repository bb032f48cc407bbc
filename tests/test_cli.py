"""The command line as a user meets it: what it writes, and what it says of bad input."""

from __future__ import annotations

import errno
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vultus import pipeline
from vultus.cli import main
from vultus.drivers import learned
from vultus.drivers import speech as rules
from vultus.io import audio, formats
from vultus.motion import concatenate
from vultus.voices import espeak, formant

RATE = 16000
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, _ = formant.speak("Five people may see me", rate=RATE)
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    audio.write(path, samples, RATE)
    return path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        return code, *capfd.readouterr()

    return call


def refuses(run: Run, folder: Path, *arguments: object, says: str) -> None:
    """Exit code 2, one line on stderr that holds *says*, nothing on stdout, no new file in *folder*."""
    before = sorted(folder.iterdir())
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("vultus: ")
    assert err.count("\n") == 1
    assert says.lower() in err.lower()
    assert sorted(folder.iterdir()) == before


def tone(path: Path, *, seconds: float = 1.0, rate: int = RATE, value: float = 0.1) -> Path:
    t = np.arange(int(seconds * rate)) / rate
    audio.write(path, (value * np.sin(2 * np.pi * 200 * t)).astype(np.float32), rate)
    return path


def test_animate_writes_curves_that_cover_the_sound(run: Run, speech: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"m{suffix}" for suffix in (".npz", ".csv", ".json")]
    code, out, err = run("animate", speech, *(x for o in outs for x in ("--out", o)), "--fps", "29.97")
    assert (code, err) == (0, "")
    assert all(str(o) in out for o in outs)
    motion = formats.read_motion(outs[0])
    assert motion.fps == Fraction(30000, 1001)
    length = len(audio.read(speech, RATE)) / RATE
    assert 0 <= float(motion.duration) - length < float(1 / motion.fps)
    assert motion["jawOpen"].max() > 0.1
    for other in outs[1:]:
        # Live Link Face keeps no more than what its columns hold.
        assert np.abs(formats.read_motion(other).expression - motion.expression).max() < 2e-3


def test_a_network_moves_the_lips_where_no_text_is_given_and_rules_do_where_one_is(
    run: Run, speech: Path, tmp_path: Path
) -> None:
    told = ("--text", "Five people may see me")

    def made(name: str, *options: str) -> np.ndarray:
        code, _, err = run("animate", speech, "--out", tmp_path / f"{name}.npz", *options)
        assert (code, err) == (0, "")
        return formats.read_motion(tmp_path / f"{name}.npz").data

    samples = audio.read(speech, rate=RATE)
    alone, text = made("alone"), made("text", *told)
    np.testing.assert_array_equal(alone, made("learned", "--driver", "learned"))
    np.testing.assert_array_equal(alone, concatenate(list(learned.drive([samples]))).data)
    np.testing.assert_array_equal(text, made("rules", *told, "--driver", "rules"))
    np.testing.assert_array_equal(text, concatenate(list(rules.drive([samples], text=told[1]))).data)
    by_rules = made("by_rules", "--driver", "rules")
    np.testing.assert_array_equal(by_rules, concatenate(list(rules.drive([samples]))).data)
    assert (by_rules != alone).any()


def test_drivers_that_cannot_listen_are_refused(run: Run, speech: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "m.npz")
    told = ("--text", "Five people may see me")
    refuses(run, tmp_path, "animate", speech, *told, "--driver", "learned", *out, says="sound alone")
    refuses(run, tmp_path, "animate", *told, "--driver", "hama", *out, says="recording")
    refuses(run, tmp_path, "animate", speech, "--driver", "rules", "--weights", speech, *out, says="no weights")


def test_animate_writes_a_video_with_sound_and_is_repeatable(run: Run, speech: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"]
    for path, seed in zip(outs, (3, 3, 4), strict=True):
        code, _, err = run("animate", speech, "--out", path, "--size", 64, "--quality", "draft", "--seed", seed)
        assert (code, err) == (0, "")
    with av.open(str(outs[0])) as box:
        assert {s.type for s in box.streams} == {"video", "audio"}
        assert box.streams.video[0].average_rate == 30
        assert len(list(box.decode(video=0))) == len(audio.read(speech, RATE)) * 30 // RATE + 1
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert outs[0].read_bytes() != outs[2].read_bytes()


def test_render_and_convert_keep_the_motion(
    run: Run, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npz, glb, csv, mp4 = (tmp_path / f"m.{x}" for x in ("npz", "glb", "csv", "mp4"))
    assert run("animate", speech, "--out", npz)[0] == 0
    assert run("convert", npz, glb)[0] == 0
    assert run("convert", glb, csv)[0] == 0
    motion = formats.read_motion(npz)
    back = pipeline.read_motion(glb)
    assert len(back) == len(motion)
    assert np.abs(back.expression - motion.expression).max() < 1e-5
    assert np.abs(formats.read_motion(csv).expression - motion.expression).max() < 2e-3
    monkeypatch.chdir(tmp_path)
    assert run("render", csv, "--out", mp4, "--size", 64, "--quality", "draft", "--sound", speech)[0] == 0
    with av.open(str(mp4)) as box:
        assert len(list(box.decode(video=0))) == len(motion)
    assert {p.name for p in tmp_path.iterdir()} == {"m.npz", "m.glb", "m.csv", "m.mp4"}


def test_text_alone_is_spoken(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    assert run("animate", "--text", "Hello, my baby.", "--out", path)[0] == 0
    motion = formats.read_motion(path)
    samples, phones = formant.speak("Hello, my baby.", rate=RATE)
    assert abs(float(motion.duration) - len(samples) / RATE) <= 1 / 30
    closures = [round((p.start + p.end) / 2 * 30) for p in phones if p.viseme == "PP"]
    assert len(closures) == 3
    assert np.allclose(motion["mouthClose"][closures], motion["jawOpen"][closures], atol=0.02)


def test_a_voice_is_chosen_by_name(run: Run, tmp_path: Path) -> None:
    lengths = []
    for voice in ("formant:man", "formant:woman", "espeak:en-gb+f3"):
        if voice.startswith("espeak") and espeak.missing():
            continue
        path = tmp_path / f"{len(lengths)}.npz"
        assert run("animate", "--text", "Hello, my baby. Goodbye!", "--voice", voice, "--out", path)[0] == 0
        motion = formats.read_motion(path)
        assert motion["jawOpen"].max() > 0.1
        lengths.append(float(motion.duration))
    assert lengths[0] == lengths[1]  # the same rules of duration
    assert all(1.5 < length < 8 for length in lengths)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--text", "Hello", "--voice", "espeek"), "Did you mean espeak"),
        (("--text", "Hello", "--voice", "formant:old"), "no voice of formant called 'old'"),
        (("--text", "?!"), "no letter and no digit"),
        (("--text", " "), "nothing to speak"),
        (("speech.wav", "--voice", "formant"), "has a voice already"),
    ],
)
def test_what_cannot_be_spoken_leaves_nothing_behind(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, _, error = run("animate", *arguments, "--out", tmp_path / "m.npz")
    assert code == 2
    assert says in error
    assert list(tmp_path.iterdir()) == []


def test_styles_and_faces_change_the_result(run: Run, speech: Path, tmp_path: Path) -> None:
    calm, happy = tmp_path / "calm.npz", tmp_path / "happy.npz"
    assert run("animate", speech, "--out", calm)[0] == 0
    assert run("animate", speech, "--out", happy, "--style", "happy:0.9")[0] == 0
    smile = [formats.read_motion(p)["mouthSmileLeft"].mean() for p in (calm, happy)]
    assert smile[1] > smile[0] + 0.1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.wav", b"", "empty"),
        ("notes.wav", b"this is no sound at all, only words\n" * 40, "sound"),
        ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "sound"),
    ],
)
def test_files_without_sound_are_refused(run: Run, tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refuses(run, tmp_path, "animate", path, "--out", tmp_path / "x.mp4", says=says)


def test_a_missing_file_is_refused_with_the_nearest_name(run: Run, tmp_path: Path) -> None:
    tone(tmp_path / "speech.wav")
    refuses(run, tmp_path, "animate", tmp_path / "speach.wav", "--out", tmp_path / "x.csv", says="speech.wav")


def test_a_folder_is_refused(run: Run, tmp_path: Path) -> None:
    refuses(run, tmp_path, "animate", tmp_path, "--out", tmp_path / "x.csv", says="folder")


def test_a_video_without_sound_is_refused(run: Run, tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as box:
        stream = box.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        for packet in [
            *stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))),
            *stream.encode(None),
        ]:
            box.mux(packet)
    refuses(run, tmp_path, "animate", silent, "--out", tmp_path / "x.csv", says="sound")


@pytest.mark.parametrize("count", [0, 1])
def test_next_to_no_samples_give_one_frame(run: Run, tmp_path: Path, count: int) -> None:
    path = tmp_path / "short.wav"
    audio.write(path, np.zeros(count, np.float32), RATE)
    assert run("animate", path, "--out", tmp_path / "x.npz")[0] == 0
    assert len(formats.read_motion(tmp_path / "x.npz")) == 1


def test_silence_gives_an_idle_living_person(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    audio.write(path, np.zeros(12 * RATE, np.float32), RATE)
    assert run("animate", path, "--out", tmp_path / "x.npz")[0] == 0
    motion = formats.read_motion(tmp_path / "x.npz")
    assert motion["eyeBlinkLeft"].max() > 0.8
    assert motion["jawOpen"].max() < 0.06
    assert np.ptp(motion.translation, axis=0).max() > 1e-4
    assert np.ptp(motion.eye_left, axis=0).max() > 0.01


@pytest.mark.parametrize("kind", ["nan", "clipped"])
def test_broken_samples_still_animate(run: Run, tmp_path: Path, kind: str) -> None:
    samples, _ = formant.speak("My name", rate=RATE)
    samples = samples * 50 if kind == "clipped" else np.where(np.arange(len(samples)) % 97 == 0, np.nan, samples)
    path = tmp_path / "broken.wav"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("pcm_f32le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "flt", "mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            box.mux(packet)
    assert run("animate", path, "--out", tmp_path / "x.npz")[0] == 0
    motion = formats.read_motion(tmp_path / "x.npz")
    assert np.isfinite(motion.data).all()
    assert motion["jawOpen"].max() > 0.05


@pytest.mark.parametrize(("rate", "layout"), [(8000, "mono"), (96000, "stereo"), (48000, "5.1")])
def test_any_rate_and_layout(run: Run, tmp_path: Path, rate: int, layout: str) -> None:
    path = tmp_path / "speech.flac"
    samples, _ = formant.speak("My name", rate=rate)
    with av.open(str(path), "w") as box:
        stream = box.add_stream("flac", rate=rate, layout=layout)
        wide = np.repeat(np.clip(samples, -1, 1)[:, None], av.AudioLayout(layout).nb_channels, 1)
        frame = av.AudioFrame.from_ndarray((wide * 32767).astype(np.int16).reshape(1, -1), "s16", layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            box.mux(packet)
    assert run("animate", path, "--out", tmp_path / "x.npz")[0] == 0
    motion = formats.read_motion(tmp_path / "x.npz")
    assert abs(float(motion.duration) - len(samples) / rate) <= 1 / 30
    assert motion["jawOpen"].max() > 0.05


def test_three_hours_start_at_once(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("flac", rate=8000, layout="mono")
        block = np.zeros((1, 8000 * 60), np.int16)
        for i in range(180):
            frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
            frame.sample_rate, frame.pts = 8000, i * block.size
            for packet in stream.encode(frame):
                box.mux(packet)
        for packet in stream.encode(None):
            box.mux(packet)

    class EnoughError(Exception):
        pass

    def stop(done: float, total: float | None) -> None:
        assert done <= 30
        assert total is not None
        assert abs(total - 3 * 3600) < 1
        raise EnoughError

    with pytest.raises(EnoughError):
        pipeline.animate(path, out=tmp_path / "x.mp4", size=32, quality="draft", progress=stop)
    assert not (tmp_path / "x.mp4").exists()


def test_paths_in_any_script(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "Präsentation 演説 🙂"
    folder.mkdir()
    path = tone(folder / "речь.wav")
    assert run("animate", path, "--out", folder / "θ.csv", "--out", folder / "θ.mp4", "--size", 32)[0] == 0
    assert {p.name for p in folder.iterdir()} == {"речь.wav", "θ.csv", "θ.mp4"}


@pytest.mark.parametrize("suffix", [".mp4", ".csv", ".glb"])
def test_places_that_cannot_be_written_are_found_out_first(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tone(tmp_path / "a.wav")
    refuses(run, tmp_path, "animate", path, "--out", tmp_path / "no" / f"x{suffix}", says="does not exist")
    refuses(run, tmp_path, "animate", path, "--out", path / f"x{suffix}", says="folder")


@pytest.mark.parametrize("suffix", [".mp4", ".npz"])
def test_a_full_disk_leaves_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tone(tmp_path / "a.wav")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        "vultus.io.formats.write_motion" if suffix == ".npz" else "vultus.io.video.VideoWriter.write", full
    )
    refuses(run, tmp_path, "animate", path, "--out", tmp_path / f"x{suffix}", "--size", 32, says="disk is full")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "x.avi"], ".mp4"),
        (["--out", "x"], "extension"),
        (["--style", "hapy:0.5"], "happy"),
        (["--face", "person:gendr=male"], "gender"),
        (["--face", "persom:11"], "person"),
        (["--face", "person:eleven"], "whole number"),
        (["--fps", "0"], "frame rate"),
        (["--fps", "fast"], "frame rate"),
        (["--fps", "1/0"], "frame rate"),
        (["--fps", "500"], "at most 240"),
        (["--seed", "lucky"], "whole number"),
        (["--size", "big"], "size"),
        (["--size", "33", "--out", "x.mp4"], "even"),
        (["--quality", "best"], "draft"),
        (["--fsp", "30"], "--fps"),
        (["--text", "missing.txt"], "missing.txt"),
    ],
)
def test_bad_arguments(
    run: Run, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in arguments else ["--out", "x.glb"]
    refuses(run, tmp_path, "animate", speech, *arguments, *out, says=says)


def test_the_input_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    refuses(run, tmp_path, "convert", path, path, says="input")


def test_unknown_commands_and_assets_name_the_nearest(run: Run, tmp_path: Path) -> None:
    refuses(run, tmp_path, "anmate", says="animate")
    refuses(run, tmp_path, "assets", "fetch", "obama_speach", says="obama_speech")


def test_help_version_and_doctor(run: Run) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert not stop.value.code
    assert "animate" in run("--version")[1]  # what --help printed
    assert run("--version")[1].startswith("vultus 0.")
    code, out, _ = run("doctor")
    assert code == 0
    assert "numba" in out
    assert "\n!" not in out


def test_assets_lists_licences_and_states(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VULTUS_CACHE", str(tmp_path))
    code, out, _ = run("assets")
    assert code == 0
    assert "obama_speech" in out
    assert "missing" in out
