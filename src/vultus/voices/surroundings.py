"""Where speech is heard: rooms, noise, other people talking, and what a codec leaves of it.

Plain functions on mono samples ([N] float32 at *rate* Hz); none of them moves speech in time. :func:`vary` draws a
random chain of these and of :mod:`vultus.voices.augment`.

Sources: M. R. Schroeder, "New method of measuring reverberation time" (1965), for what RT60 means; J. B. Allen and
D. A. Berkley, "Image method for efficiently simulating small-room acoustics" (1979), for early reflections; ITU-T G.711
for the telephone's codec.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError, unknown
from vultus.signals.phones import SILENCE, Phone
from vultus.voices import augment
from vultus.voices.finish import PEAK, Samples, check_range, resampled

Float = NDArray[np.float64]
Colour = Literal["white", "pink", "brown"]
Codec = Literal["opus", "mp3", "aac", "g711"]

COLOURS: Final[dict[str, float]] = {"white": 0.0, "pink": 1.0, "brown": 2.0}
"""Noises by name: their power falls with this power of the frequency."""
CODECS: Final[dict[str, tuple[str, str, int, int]]] = {
    "opus": ("ogg", "libopus", 48000, 24_000),
    "mp3": ("mp3", "libmp3lame", 0, 48_000),
    "aac": ("adts", "aac", 0, 48_000),
    "g711": ("wav", "pcm_mulaw", 8000, 0),
}
"""Codecs by name: container, encoder, the rate in Hz that it needs (0: that of the sound) and usual bits a second."""


# --- room -----------------------------------------------------------------------------------------------------------


def impulse(rate: int, rt60: float, *, direct: float = 0.0, seed: int = 0) -> Float:
    """The impulse response of a made-up room, as long as its reverberation; the direct sound is sample 0.

    *rt60* is the seconds in which sound fades by 60 dB (0.05 to 5); *direct* is how far the direct sound stands above
    all the rest, in dB (-20 to 40; less is farther away). A few early reflections, then noise that fades: highs twice
    as fast as lows. Its energy is 1.
    """
    check_range("reverberation", rt60, 0.05, 5)
    check_range("direct sound", direct, -20, 40)
    rng = np.random.default_rng(seed)
    count = round(1.2 * rt60 * rate)
    t = np.arange(count) / rate
    high = rng.standard_normal(count)
    kernel = np.exp(-np.arange(round(0.001 * rate)) / (0.0002 * rate))
    low = np.convolve(high, kernel / np.sqrt((kernel**2).sum()))[:count]
    begin = min(0.015, 0.2 * rt60)  # the mixing time, before which reflections come singly
    tail = (low + 0.5 * high * 10 ** (-3 * t / rt60)) * 10 ** (-3 * t / rt60) * np.clip(t / begin, 0, 1) ** 2
    for delay in rng.uniform(0.002, 2 * begin, 6):
        tail[min(round(delay * rate), count - 1)] += rng.choice((-1, 1)) * 4 * 10 ** (-3 * delay / rt60)
    tail[0] = 0.0
    tail /= np.sqrt((tail**2).sum())
    out = tail * 10 ** (-direct / 20)
    out[0] = 1.0
    return out / np.sqrt((out**2).sum())


def room(samples: Samples, rate: int, rt60: float, *, direct: float = 0.0, seed: int = 0) -> Samples:
    """*samples* as heard in the room of `impulse`; as long as before, speech where it was."""
    if not len(samples):
        return samples.astype(np.float32)
    from scipy.signal import oaconvolve

    response = impulse(rate, rt60, direct=direct, seed=seed)
    return oaconvolve(np.asarray(samples, np.float64), response)[: len(samples)].astype(np.float32)


# --- noise ----------------------------------------------------------------------------------------------------------


def noise(count: int, rate: int, colour: Colour = "pink", *, seed: int = 0) -> Float:
    """*count* samples of white, pink or brown noise with an RMS of 1; no power below 20 Hz."""
    if colour not in COLOURS:
        raise unknown("noise", colour, COLOURS)
    if count <= 0:
        return np.zeros(0)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / rate)
    spectrum *= np.where(frequency < 20, 0.0, np.maximum(frequency, 1.0) ** (-COLOURS[colour] / 2))
    return _unit(np.fft.irfft(spectrum, count))


def babble(count: int, rate: int, *, people: int = 6, seed: int = 0) -> Float:
    """*count* samples of *people* (1 to 20) who all talk at once in the built-in voice, with an RMS of 1."""
    from vultus.voices import formant
    from vultus.voices.sentences import sentences

    check_range("number of people", people, 1, 20)
    rng = np.random.default_rng(seed)
    out = np.zeros(count)
    for person in range(people):
        said = sentences(seed + 1000 * person)
        tract = float(rng.uniform(0.9, 1.3))
        pitch = 110 * tract**3 * float(rng.uniform(0.85, 1.2))
        at, loud = -round(rng.uniform(0, 1.5) * rate), rng.uniform(0.5, 1.0)
        while at < count:
            x, _ = formant.speak(
                next(said), rate=rate, seed=seed, pitch=pitch, tract=tract, speed=rng.uniform(0.9, 1.3)
            )
            first, last = max(at, 0), min(at + len(x), count)
            if last > first:
                out[first:last] += loud * x[first - at : last - at]
            at += max(len(x), rate // 10)
    return _unit(out)


_CROWDS: Final = 6
_CROWD_SECONDS: Final = 8


def _crowds(count: int, rate: int, seed: int) -> Float:
    """As `babble` of six people, but out of a few crowds that are made once in a process: much faster, less various.

    Two crowds talk at once, each from its own place of its loop on.
    """
    rng = np.random.default_rng([seed, 0xC0])
    out = np.zeros(count)
    for number in rng.permutation(_CROWDS)[:2]:
        crowd = _crowd(int(number), rate)
        out += np.take(crowd, np.arange(count) + int(rng.integers(len(crowd))), mode="wrap")
    return _unit(out)


@lru_cache(maxsize=_CROWDS)
def _crowd(number: int, rate: int) -> Float:
    return babble(_CROWD_SECONDS * rate, rate, people=3, seed=number)


def _unit(x: Float) -> Float:
    return x / max(float(np.sqrt(np.mean(x**2))) if len(x) else 1.0, 1e-12)


def add(
    samples: Samples, other: NDArray[np.floating], snr: float, phones: Sequence[Phone] = (), rate: int = 0
) -> Samples:
    """*samples* with *other* ([N] or longer) below, *snr* dB (-20 to 80) quieter than the speech.

    Speech is where *phones* are not silent (*rate* in Hz is needed then), everything without them.
    """
    check_range("signal-to-noise ratio", snr, -20, 80)
    if len(other) < len(samples):
        raise VultusError(f"The noise has {len(other)} samples and the speech {len(samples)}", "Make it as long")
    x = np.asarray(samples, np.float64)
    below = np.asarray(other[: len(x)], np.float64)
    power = float(np.mean(_spoken(x, phones, rate) ** 2)) if len(x) else 0.0
    level = float(np.mean(below**2)) if len(x) else 0.0
    return (x + below * np.sqrt(power / max(level, 1e-20)) * 10 ** (-snr / 20)).astype(np.float32)


def _spoken(x: Float, phones: Sequence[Phone], rate: int) -> Float:
    if not phones or not rate:
        return x
    parts = [x[round(p.start * rate) : round(p.end * rate)] for p in phones if p.ipa != SILENCE]
    return np.concatenate(parts) if parts else x


# --- codec ----------------------------------------------------------------------------------------------------------


def codec(samples: Samples, rate: int, name: Codec, *, bits: int | None = None) -> Samples:
    """What is left of *samples* after a codec (opus, mp3, aac or g711) of *bits* a second; length and times stay.

    *rate* from 8000 to 48000 Hz; 6000 to 256 000 bits a second. The delay of the codec is taken out. g711 also narrows
    the sound to 4 kHz, as a telephone does, and has a fixed rate.
    """
    if name not in CODECS:
        raise unknown("codec", name, CODECS)
    check_range("rate", rate, 8000, 48000)
    container, encoder, own, usual = CODECS[name]
    if bits is not None:
        check_range("bit rate", bits, 6000, 256_000)
    if not len(samples):
        return samples.astype(np.float32)
    own = own or (rate if rate in (16000, 24000, 32000, 44100, 48000) else 16000)
    x = resampled(samples, rate, own)
    heard = _through(x, own, container, encoder, bits or usual)
    back = resampled(heard, own, rate)
    return _in_place(np.asarray(samples, np.float64), back, round(0.12 * rate)).astype(np.float32)


def _through(x: Float, rate: int, container: str, encoder: str, bits: int) -> Float:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        track: Any = out.add_stream(encoder, rate=rate)
        track.layout = "mono"
        if bits:
            track.bit_rate = bits
        track.codec_context.thread_count = 1
        pcm = (np.clip(x, -1, 1) * 32767).astype("<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = rate
        frame.pts = 0
        convert = av.AudioResampler(track.format.name, "mono", rate, frame_size=track.codec_context.frame_size or 0)
        for piece in (*convert.resample(frame), *convert.resample(None)):
            out.mux(track.encode(piece))
        out.mux(track.encode(None))
    file.seek(0)
    parts = []
    with av.open(file, "r") as source:
        plain = av.AudioResampler("flt", "mono", rate)
        for decoded in source.decode(audio=0):
            parts += [piece.to_ndarray().ravel() for piece in plain.resample(decoded)]
        parts += [piece.to_ndarray().ravel() for piece in plain.resample(None)]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(1)


def _in_place(wanted: Float, heard: Float, most: int) -> Float:
    """*heard*, moved by up to *most* samples to where it fits *wanted* best, and as long."""
    from scipy.signal import correlate

    x = np.pad(heard, (most, most + max(0, len(wanted) - len(heard))))
    fits = correlate(x, wanted, mode="valid", method="fft")[: 2 * most + 1]
    at = int(np.argmax(fits))
    return x[at : at + len(wanted)]


# --- all together ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One step of a chain: what was done and how much."""

    name: str
    value: float | str


def vary(
    samples: Samples, phones: Sequence[Phone], rate: int, seed: int, *, strength: float = 1.0
) -> tuple[Samples, list[Phone], list[Change]]:
    """A random chain of changes: samples, phones at their new times, and what was done.

    Each kind of change happens by chance, more of them and stronger ones with *strength* (0: none, to 1). No sample of
    the result is above 0.9. It is `revoice` and then `resound`.
    """
    x, said, done = revoice(samples, phones, rate, seed, strength=strength)
    x, more = resound(x, said, rate, seed, strength=strength)
    return x, said, done + more


class _Chance:
    """What happens and how much, by a seed and a strength."""

    def __init__(self, seed: int, salt: int, strength: float) -> None:
        check_range("strength", strength, 0, 1)
        self.rng = np.random.default_rng([seed, salt])
        self._strength = strength

    def turn(self, share: float) -> bool:
        return bool(self.rng.random() < share * self._strength)

    def span(self, low: float, high: float) -> float:
        return round(float(1 + (self.rng.uniform(low, high) - 1) * self._strength), 3)

    def between(self, low: float, high: float, digits: int = 1) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    def seed(self) -> int:
        return int(self.rng.integers(1 << 30))


def revoice(
    samples: Samples, phones: Sequence[Phone], rate: int, seed: int, *, strength: float = 1.0
) -> tuple[Samples, list[Phone], list[Change]]:
    """By chance another speed, pitch and size of mouth: what the speaker does. Phones are at their new times."""
    chance, done = _Chance(seed, 0xA06, strength), list[Change]()
    x, said = samples.astype(np.float32), list(phones)
    if chance.turn(0.5):
        factor = chance.span(0.8, 1.25)
        x, said = (augment.stretch if chance.rng.random() < 0.5 else augment.tape)(x, said, rate, factor)
        done.append(Change("speed", factor))
    for name, change, low, high in (("pitch", augment.pitch, 0.8, 1.25), ("formants", augment.formants, 0.87, 1.15)):
        if chance.turn(0.4):
            factor = chance.span(low, high)
            x = change(x, rate, factor)
            done.append(Change(name, factor))
    return x, said, done


def resound(
    samples: Samples, phones: Sequence[Phone], rate: int, seed: int, *, strength: float = 1.0
) -> tuple[Samples, list[Change]]:
    """By chance a room, noise, a microphone, a codec and a level: nothing that moves the *phones* or the length."""
    chance, done = _Chance(seed, 0xA07, strength), list[Change]()
    x = samples.astype(np.float32)
    if chance.turn(0.5):
        depth = chance.between(2, 10)
        x = augment.equalise(x, rate, chance.seed(), depth=depth)
        done.append(Change("equaliser", depth))
    if chance.turn(0.5):
        rt60 = chance.between(0.1, 0.8, 2)
        x = room(x, rate, rt60, direct=chance.between(-3, 15), seed=chance.seed())
        done.append(Change("room", rt60))
    if chance.turn(0.6):
        kind, own, snr = (
            str(chance.rng.choice(("white", "pink", "brown", "babble"))),
            chance.seed(),
            chance.between(5, 35),
        )
        other = _crowds(len(x), rate, own) if kind == "babble" else noise(len(x), rate, kind, seed=own)  # type: ignore[arg-type]
        x = add(x, other, snr, phones, rate)
        done.append(Change(kind, snr))
    if chance.turn(0.3) and rate <= 48000:
        name = str(chance.rng.choice(tuple(CODECS)))
        x = codec(x, rate, name)  # type: ignore[arg-type]
        done.append(Change("codec", name))
    if chance.turn(0.15):
        share = chance.between(0.0005, 0.01, 4)
        x = augment.clip(x, share)
        done.append(Change("clipping", share))
    if chance.turn(0.7):
        level = chance.between(-18, 6)
        x = augment.gain(x, level)
        done.append(Change("gain", level))
    top = float(np.abs(x).max(initial=0.0))
    return (x * (PEAK / top) if top > PEAK else x).astype(np.float32), done
