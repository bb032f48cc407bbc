from __future__ import annotations

import tracemalloc
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.errors import VultusError
from vultus.io import audio

RNG = np.random.default_rng(7)


def _tone(n: int, rate: int, hertz: float = 300.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(n) / rate)).astype(np.float32)


def _encode(path: Path, codec: str, rate: int, samples: np.ndarray, layout: str = "mono", delay: float = 0) -> Path:
    """A file of *samples* [n, channels] in any codec; the frames carry times that start at *delay* seconds."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate, layout=layout)
        kind = track.codec_context.format.name
        scale = {"s16": 32767, "s32": 2**31 - 256, "u8": 127}.get(kind.removesuffix("p"), 1)
        data = (samples * scale).astype(av.audio.frame.format_dtypes[kind]) + (128 if kind == "u8" else 0)
        for start in range(0, len(data), 960):
            part = data[start : start + 960]
            part = part.T if kind.endswith("p") else part.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part.astype(data.dtype)), kind, layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start + round(delay * rate), Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (70001,), (5000, 2), (333, 6)])
def test_write_then_read_is_exact_on_the_16_bit_grid(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    if suffix == ".flac" and shape == (0,):
        with pytest.raises(VultusError, match="without samples"):
            audio.write(tmp_path / "a.flac", np.zeros(0), 22050)
        return
    samples = (RNG.integers(-32768, 32768, shape) / 32768).astype(np.float32)
    path = tmp_path / f"tön{suffix}"
    audio.write(path, samples, 22050)
    back = audio.read(path, 22050, mono=len(shape) == 1)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, samples)


def test_float_wav_is_exact_and_repairs_what_is_not_a_sample(tmp_path: Path) -> None:
    samples = np.array([0.1, np.nan, np.inf, -np.inf, 1.5, -7, 1e-9, 1.0], np.float32)
    audio.write(tmp_path / "a.wav", samples, 16000, sample_format="float32")
    expected = np.array([0.1, 0, 0, 0, 1, -1, 1e-9, 1], np.float32)
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav"), expected)


@pytest.mark.parametrize("rate", [16000, 8000])
def test_nan_in_a_float_file_is_silence(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, _tone(4000, 16000), 16000, sample_format="float32")
    raw = bytearray(path.read_bytes())
    raw[-8000:-4000] = np.array([np.nan, np.inf, 1e30, -1e30] * 250, "<f4").tobytes()
    path.write_bytes(raw)
    back = audio.read(path, rate)
    assert len(back) == 4000 * rate // 16000
    assert np.isfinite(back).all()
    assert np.abs(back).max() <= 1
    if rate == 16000:
        assert back[2000:2008].tolist() == [0, 0, 1, -1, 0, 0, 1, -1]


def test_same_samples_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "a.flac", "b.flac"):
        audio.write(tmp_path / name, _tone(3000, 16000), 16000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


def test_our_wav_is_plain_to_other_readers(tmp_path: Path) -> None:
    samples = np.array([0, 0.5, -1, 1], np.float32)
    audio.write(tmp_path / "a.wav", samples, 8000)
    with wave.open(str(tmp_path / "a.wav")) as other:
        assert (other.getframerate(), other.getnchannels(), other.getsampwidth()) == (8000, 1, 2)
        assert np.frombuffer(other.readframes(9), "<i2").tolist() == [0, 16384, -32768, 32767]


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(0, 3000),
    from_rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    to_rate=st.sampled_from([8000, 16000, 48000]),
    cuts=st.integers(1, 7),
)
def test_resampled_length_is_exact_and_blocks_do_not_matter(n: int, from_rate: int, to_rate: int, cuts: int) -> None:
    samples = RNG.uniform(-1, 1, (n, 2)).astype(np.float32)
    whole = audio.resample(samples, from_rate, to_rate)
    assert whole.shape == (-(-n * to_rate // from_rate), 2)
    assert np.isfinite(whole).all()
    assert np.abs(whole).max(initial=0) <= 1
    stepwise = audio._Resampler(from_rate, to_rate, 2)
    parts = [stepwise.push(part) for part in np.array_split(samples, cuts)] + [stepwise.finish()]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(("from_rate", "to_rate"), [(8000, 16000), (44100, 16000), (96000, 16000), (16000, 48000)])
def test_resampling_has_no_delay(from_rate: int, to_rate: int) -> None:
    back = audio.resample(_tone(from_rate, from_rate), from_rate, to_rate)
    np.testing.assert_allclose(back[200:-200], _tone(to_rate, to_rate)[200:-200], atol=1e-4)


CODECS = [
    ("a.wav", "pcm_u8", 8000, "mono"),
    ("a.wav", "pcm_s24le", 96000, "stereo"),
    ("a.wav", "pcm_f64le", 44100, "5.1"),
    ("a.mp3", "libmp3lame", 44100, "stereo"),
    ("a.m4a", "aac", 44100, "stereo"),
    ("a.m4a", "aac", 16000, "mono"),
    ("a.aac", "aac", 48000, "5.1"),
    ("a.flac", "flac", 96000, "5.1"),
    ("a.opus", "libopus", 48000, "stereo"),
    ("a.webm", "libopus", 48000, "mono"),
    ("a.mka", "aac", 8000, "mono"),
    ("a.ts", "aac", 44100, "mono"),
]


@pytest.mark.parametrize(("name", "codec", "rate", "layout"), CODECS)
def test_every_codec_container_rate_and_layout(tmp_path: Path, name: str, codec: str, rate: int, layout: str) -> None:
    """Sound of 0.8 s, silent before 0.3 s: right length, right onset, right loudness after decoding to 16 kHz."""
    channels = len(av.AudioLayout(layout).channels)
    n = rate * 8 // 10 + 1
    samples = np.repeat(_tone(n, rate)[:, None], channels, axis=1)
    samples[: rate * 3 // 10] = 0
    path = _encode(tmp_path / name, codec, rate, samples, layout)
    info = audio.probe(path)
    assert (info.rate, info.channels) == (rate, channels)
    assert info.duration == pytest.approx(0.8, abs=0.15)
    back = audio.read(path)
    assert back.ndim == 1
    assert audio.read(path, mono=False).shape == (len(back), channels)
    onset = np.flatnonzero(np.abs(back) > 0.1)[0] / 16000
    if name in ("a.aac", "a.ts", "a.mka"):  # these containers do not state the padding: a frame early and late
        assert 0.295 < onset < 0.3 + 1100 / rate
        assert 0.8 <= len(back) / 16000 < 0.8 + 3 * 1024 / rate
    else:
        assert 0.295 < onset < 0.305
        assert abs(len(back) - 16000 * n / rate) <= (17 if name == "a.m4a" else 1)  # FFmpeg's MP4 states whole ms
    assert np.sqrt(np.mean(back[6000:12000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.08)


@pytest.mark.parametrize("rate", [16000, 8000])
def test_stream_is_read_for_any_block_size(tmp_path: Path, rate: int) -> None:
    path = _encode(tmp_path / "a.mp3", "libmp3lame", 44100, _tone(30000, 44100)[:, None])
    whole = audio.read(path, rate)
    for block in (1, 7, 160, 4096, 10**6):
        blocks = list(audio.stream(path, rate=rate, block=block))
        assert all(len(b) == block for b in blocks[:-1])
        assert 1 <= len(blocks[-1]) <= block
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
    np.testing.assert_array_equal(
        np.concatenate(list(audio.stream(path, rate=rate, block=99, max_seconds=0.1))), whole[: rate // 10]
    )
    assert list(audio.stream(path, max_seconds=0)) == []


def test_mixing_cannot_clip_and_is_the_mean(tmp_path: Path) -> None:
    samples = np.stack([np.ones(500), np.zeros(500), -np.ones(500), np.full(500, 0.5)], axis=1).astype(np.float32)
    audio.write(tmp_path / "a.wav", samples, 16000, sample_format="float32")
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav"), 0.125, atol=1e-7)


def test_sound_that_starts_late_keeps_its_time(tmp_path: Path) -> None:
    """A video whose sound starts at 0.5 s: the sound is read with 0.5 s of silence before it."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10, width=32, height=32)
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for i in range(10):
            image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
            image.pts, image.time_base = i, Fraction(1, 10)
            container.mux(picture.encode(image))
        container.mux(picture.encode(None))
        for start in (8000, 14400):  # and a gap from 0.7 s to 0.9 s
            frame = av.AudioFrame.from_ndarray(np.full((1, 3200), 16384, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    expected = np.zeros(17600, np.float32)
    expected[8000:11200] = expected[14400:17600] = 0.5
    np.testing.assert_array_equal(audio.read(path), expected)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.wav", "pcm_s16le")])
def test_truncated_and_damaged_files_give_what_can_be_decoded(tmp_path: Path, name: str, codec: str) -> None:
    samples = RNG.uniform(-0.5, 0.5, (44100, 1)).astype(np.float32)
    path = _encode(tmp_path / name, codec, 44100, samples)
    whole = audio.read(path)
    raw = bytearray(path.read_bytes())
    path.write_bytes(raw[: len(raw) * 6 // 10])
    part = audio.read(path)
    assert 0.4 * len(whole) < len(part) < 0.75 * len(whole)
    np.testing.assert_array_equal(part[:4000], whole[:4000])
    raw[len(raw) // 2 : len(raw) // 2 + 2000] = bytes(2000)
    path.write_bytes(raw)
    damaged = audio.read(path)
    assert len(damaged) > 0.65 * len(whole)
    assert np.isfinite(damaged).all()
    assert np.abs(damaged).max() <= 1


def test_bad_files_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no sound " * 50)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    whole = _encode(tmp_path / "a.m4a", "aac", 16000, _tone(16000, 16000)[:, None]).read_bytes()
    (tmp_path / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        track = container.add_stream("mpeg4", rate=10, width=32, height=32)
        container.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(track.encode(None))
    for name, said in (
        ("text.wav", "Cannot read"),
        ("empty.wav", "is empty"),
        ("list.mp4", "Cannot read"),
        ("cut.m4a", "Cannot read"),
        ("silent.mp4", "has no sound"),
        ("missing.wav", "There is no sound file"),
    ):
        for use in (audio.probe, audio.stream, audio.read):
            with pytest.raises(VultusError, match=said) as caught:
                use(tmp_path / name)
            assert "\n" not in str(caught.value)


def test_mp4_whose_sound_is_all_damaged(tmp_path: Path) -> None:
    path = _encode(tmp_path / "a.m4a", "aac", 16000, _tone(16000, 16000)[:, None])
    raw = bytearray(path.read_bytes())
    start = raw.index(b"mdat") + 4
    end = raw.index(b"moov") - 4
    raw[start:end] = b"\xff" * (end - start)
    path.write_bytes(raw)
    with pytest.raises(VultusError, match="cannot be decoded"):
        audio.read(path)


def test_reading_refuses_what_is_too_long(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", np.zeros(1600, np.float32), 1000)
    with pytest.raises(VultusError, match="longer than 1 s"):
        audio.read(tmp_path / "a.wav", max_seconds=1)
    assert len(audio.read(tmp_path / "a.wav", max_seconds=None)) == 25600


def test_bad_arguments(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", np.zeros(9, np.float32), 16000)
    for bad in ({"rate": 0}, {"block": 0}, {"max_seconds": -1.0}, {"max_seconds": float("nan")}):
        with pytest.raises(VultusError):
            audio.stream(tmp_path / "a.wav", **bad)
    for name, samples, rate in (
        ("a.mp3", np.zeros(9), 16000),
        ("a", np.zeros(9), 16000),
        ("b.wav", np.zeros(9), 0),
        ("b.wav", np.zeros((9, 9)), 16000),
        ("b.wav", np.zeros(()), 16000),
        ("b.wav", [np.zeros(3), np.zeros((3, 2))], 16000),
        ("b.wav", np.zeros((2, 3, 4)), 16000),
    ):
        with pytest.raises(VultusError):
            audio.write(tmp_path / name, samples, rate)
    with pytest.raises(VultusError, match="FLAC"):
        audio.write(tmp_path / "b.flac", np.zeros(9), 16000, sample_format="float32")
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_three_hours_start_at_once_with_flat_memory(tmp_path: Path) -> None:
    """3 h of 1 kHz sound: the first block needs no more than a little of the file, and memory stays flat."""
    path = tmp_path / "long.flac"

    def hours() -> Iterator[np.ndarray]:
        yield np.full(1000, 0.25, np.float32)
        for _ in range(3 * 6):
            yield np.zeros(1000 * 600, np.float32)

    audio.write(path, hours(), 1000)
    assert audio.probe(path).duration == pytest.approx(3 * 3600 + 1)
    tracemalloc.start()
    blocks = audio.stream(path, rate=1000, block=1000)
    np.testing.assert_array_equal(next(blocks), 0.25)
    for _ in range(300):
        assert len(next(blocks)) == 1000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    blocks.close()
    assert peak < 3e6
