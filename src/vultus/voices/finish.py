"""What every voice does last: from an engine's own rate, level and bias to the ones that all voices share.

Also what they do first: read the phones they are given, and check numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.signals.phones import SILENCE, Phone, fill, parse_stressed

Samples = NDArray[np.float32]
Said = tuple[Samples, list[Phone]]
"""Mono samples (float32, [N]) and gapless phones from 0 s to their end."""
Spoken = str | Sequence[Phone] | Sequence[str]
"""Text, IPA symbols ("" is a pause, a stress mark may precede a vowel), or phones."""
Sound = tuple[str, int]
"""An IPA symbol ("" in a pause) and its stress, 0 to 2."""

LEVEL: Final = 0.1
"""RMS of the phones that are not silent: -20 dB below full scale."""
PEAK: Final = 0.9
"""No sample is larger."""
RATES: Final = (8000, 96000)
"""Sampling rates that voices give, in Hz."""
SPEEDS: Final = (0.5, 2.0)
"""Speeds that all voices speak at, relative to their usual one."""


def check_range(name: str, value: float, low: float, high: float) -> None:
    """VultusError unless *value* lies from *low* to *high*; *name* says what of a voice it is."""
    if not low <= value <= high:
        raise VultusError(f"The {name} of a voice cannot be {value}", f"Choose from {low} to {high}.")


def check_common(rate: int, speed: float) -> None:
    """VultusError unless *rate* and *speed* are in the ranges that every voice has."""
    check_range("rate", rate, *RATES)
    check_range("speed", speed, *SPEEDS)


def sounds(spoken: Sequence[Phone] | Sequence[str]) -> list[Sound]:
    """The symbols and stresses of phones or of IPA symbols; pauses at both ends are dropped, others are single."""
    out: list[Sound] = []
    for item in spoken:
        if isinstance(item, Phone):
            found = [(item.ipa, item.stress)]
        else:
            found = (parse_stressed(str(item)) if item else []) or [(SILENCE, 0)]
        for sound in found:
            if sound[0] != SILENCE or (out and out[-1][0] != SILENCE):
                out.append(sound)
    return out[:-1] if out and out[-1][0] == SILENCE else out


def resampled(samples: NDArray[np.floating], own: int, rate: int) -> NDArray[np.float64]:
    """Mono *samples* at *own* Hz -> at *rate* Hz."""
    if own == rate:
        return np.asarray(samples, np.float64)
    from scipy.signal import resample_poly

    shared = gcd(own, rate)
    out: NDArray[np.float64] = resample_poly(np.asarray(samples, np.float64), rate // shared, own // shared)
    return out


def finish(
    samples: NDArray[np.floating],
    phones: Sequence[Phone],
    *,
    own: int,
    rate: int,
    late: float = 0.0,
    hushed: bool = False,
) -> Said:
    """An engine's *samples* ([N] at *own* Hz) and *phones* -> what a voice gives out.

    Phones that an engine states *late* seconds too late are moved back, stretched to the ends with silence and made
    gapless. With *hushed*, silences begin where the sound has died away. Speech gets an RMS of 0.1 and no sample is
    above 0.9. Without any phone there is no sound.
    """
    seconds = len(samples) / own
    moved = fill([replace(p, start=p.start - late, end=p.end - late) for p in phones], 0.0, seconds)
    if all(p.ipa == SILENCE for p in moved):
        return np.zeros(0, np.float32), []
    moved = _hushed(samples, moved, own) if hushed else moved
    heard = resampled(samples, own, rate)
    heard = np.nan_to_num(heard - float(np.mean(heard)))
    parts = [heard[round(p.start * rate) : round(p.end * rate)] for p in moved if p.ipa != SILENCE]
    power = float(np.mean(np.concatenate(parts) ** 2)) if parts else 0.0
    gain = min(LEVEL / max(power**0.5, 1e-9), PEAK / max(float(np.abs(heard).max(initial=0.0)), 1e-9))
    out = (heard * gain).astype(np.float32)
    moved[-1] = replace(moved[-1], end=max(len(out) / rate, moved[-1].start + 0.5 / rate))
    return out, moved


_HUSH: Final = 0.04
"""Share of the loudness of speech (-28 dB) below which a sound has died away."""


def _hushed(samples: NDArray[np.floating], phones: Sequence[Phone], own: int) -> list[Phone]:
    """Let each silence begin as soon as the sound before it has died away, which leaves its phone 40 ms at least."""
    size = own // 100
    count = len(samples) // size
    level = np.sqrt(np.mean(np.asarray(samples[: count * size], np.float64).reshape(count, size) ** 2, axis=1))
    faint = _HUSH * float(np.sqrt(np.mean(level**2))) if count else 0.0
    out = list(phones)
    for i in range(1, len(out)):
        before, silence = out[i - 1], out[i]
        if silence.ipa != SILENCE or before.ipa == SILENCE:
            continue
        loud = np.flatnonzero(level[int(before.start * 100) : int(silence.start * 100)] > faint)
        end = (int(before.start * 100) + int(loud[-1]) + 1) / 100 if len(loud) else before.start
        end = min(max(end, before.start + min(0.04, before.duration)), silence.start)
        out[i - 1], out[i] = replace(before, end=end), replace(silence, start=end)
    return out


def joined(parts: Sequence[tuple[NDArray[np.floating], Sequence[Phone]]], own: int) -> tuple[Samples, list[Phone]]:
    """Pieces of one engine's speech, each with phones from its own 0 s on, one after the other."""
    phones: list[Phone] = []
    at = 0
    for samples, said in parts:
        phones += [replace(p, start=p.start + at / own, end=p.end + at / own) for p in said]
        at += len(samples)
    return np.concatenate([np.asarray(s, np.float32) for s, _ in parts] or [np.zeros(0, np.float32)]), phones


def chosen(name: str, voice: str, voices: Sequence[str]) -> str:
    """*voice*, or the first of *voices* when it is ""; VultusError with the nearest names when there is no such one."""
    if voice and voice not in voices:
        from vultus.errors import unknown

        raise unknown(f"voice of {name}", voice, voices)
    return voice or voices[0]


def split_rhotics(pairs: Sequence[Sound]) -> list[Sound]:
    """A vowel with an r in one symbol (``ɑɹ``) becomes two, as dictionaries and mouths have it; ``ɝ`` stays."""
    out: list[Sound] = []
    for ipa, stress in pairs:
        if len(ipa) == 2 and ipa[1] == "ɹ" and ipa[0] in "ɑɔɛɪʊ":
            out += [(ipa[0], stress), ("ɹ", 0)]
        else:
            out.append((ipa, stress))
    return out
