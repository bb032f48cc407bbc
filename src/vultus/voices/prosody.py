"""When each phone is said and how high: durations and pitch by rule.

Durations follow the idea of D. H. Klatt, "Synthesis by rule of segmental durations in English sentences" (1979): every
phone has a usual and a least duration, and its place squeezes it towards the least. Pitch falls over a phrase, rises
on stressed vowels and drops at the end, as in H. Fujisaki's phrase and accent components, with plain Gaussian accents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.phones import SILENCE, Phone
from vultus.voices.targets import target

GRID: Final = 200
"""Durations by rule are whole multiples of 1 / GRID seconds (5 ms)."""


def lay(sounds: Sequence[tuple[str, int]], speed: float = 1.0) -> list[Phone]:
    """Give durations to ``(ipa, stress)`` pairs; returns gapless phones from 0 s on. *speed* divides every duration."""
    out: list[Phone] = []
    at = 0
    for i, (ipa, stress) in enumerate(sounds):
        steps = max(2, round(_seconds(sounds, i) / speed * GRID))
        out.append(Phone(at / GRID, (at + steps) / GRID, ipa, stress))
        at += steps
    return out


def _seconds(sounds: Sequence[tuple[str, int]], i: int) -> float:
    ipa, stress = sounds[i]
    shape = target(ipa)
    if shape.manner == "silence":
        return shape.usual
    last = _closes(sounds, i)
    around = [sounds[j][0] for j in (i - 1, i + 1) if 0 <= j < len(sounds)]
    if shape.vowel:
        share = (0.62 if stress == 0 else 0.95) * (1.0 if last else 0.8)
        if i + 1 < len(sounds) and _voiceless(sounds[i + 1][0]):
            share *= 0.85
    else:
        share = 0.9 if last else 0.8
        if any(target(other).manner not in ("vowel", "silence") for other in around):
            share *= 0.8
    return shape.least + (shape.usual - shape.least) * share + (0.03 if last and shape.vowel else 0.0)


def _voiceless(ipa: str) -> bool:
    shape = target(ipa)
    return shape.manner in ("stop", "affricate", "fricative") and shape.voicing == 0.0


def _closes(sounds: Sequence[tuple[str, int]], i: int) -> bool:
    """Whether sound *i* belongs to the last syllable (from its vowel on) before a silence or the end."""
    for ipa, _ in sounds[i + 1 :]:
        shape = target(ipa)
        if shape.manner == "silence":
            return True
        if shape.vowel:
            return False
    return True


def phrases(phones: Sequence[Phone]) -> list[list[Phone]]:
    """The runs of phones between silences."""
    out: list[list[Phone]] = [[]]
    for phone in phones:
        if target(phone.ipa).manner == "silence":
            out.append([])
        else:
            out[-1].append(phone)
    return [run for run in out if run]


def contour(run: Sequence[Phone], times: NDArray[np.float64], pitch: float) -> NDArray[np.float64]:
    """Pitch in Hz at *times* (seconds) of one phrase; its mean over the phrase is *pitch*."""
    start, end = run[0].start, run[-1].end
    place = np.clip((times - start) / max(end - start, 1e-3), 0.0, 1.0)
    height = 0.12 - 0.24 * place
    # The final fall takes the last fifth of a second, or less of a short phrase.
    height -= 0.15 * np.clip(1.0 - (end - times) / min(0.2, end - start), 0.0, 1.0)
    for phone in run:
        if phone.stress and target(phone.ipa).vowel:
            peak, width = phone.start + 0.45 * phone.duration, max(0.05, 0.5 * phone.duration)
            height += (0.2 if phone.stress == 1 else 0.08) * np.exp(-0.5 * ((times - peak) / width) ** 2)
    inside = (times >= start) & (times <= end)
    ratio = np.exp(height)
    return pitch * ratio / float(np.mean(ratio[inside] if inside.any() else ratio))


def between(phones: Sequence[Phone]) -> list[Phone]:
    """The same phones with every gap between them filled with silence."""
    out: list[Phone] = []
    at = 0.0
    for phone in phones:
        if phone.start > at:
            out.append(Phone(at, phone.start, SILENCE))
        out.append(phone)
        at = phone.end
    return out
