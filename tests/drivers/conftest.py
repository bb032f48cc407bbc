"""Made-up speech: features with known accents, and spans of it cut anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from vultus.signals.features import MELS, Features
from vultus.signals.phones import Phone, fill


@dataclass(frozen=True)
class Span:
    """The least that a driver needs."""

    start: float
    end: float
    phones: tuple[Phone, ...]
    features: Features


def make_speech(seconds: float = 12.0, seed: int = 0) -> tuple[Span, np.ndarray]:
    """Speech with syllables, pauses, random phones and accents at random times: span and accent times."""
    rng = np.random.default_rng(seed)
    phones: list[Phone] = []
    accents: list[float] = []
    at = 0.3
    while at < seconds - 1.5:
        stop = min(at + rng.uniform(1.5, 3.0), seconds - 0.5)
        since = rng.integers(0, 2)
        while at < stop:
            a, b = rng.uniform(0.05, 0.09), rng.uniform(0.07, 0.14)
            stressed = since >= 2 and rng.random() < 0.7
            since = 0 if stressed else since + 1
            phones.append(Phone(at, at + a, str(rng.choice(["p", "t", "m", "s", "f", "w", "k", "n"]))))
            phones.append(
                Phone(at + a, at + a + b, str(rng.choice(["ɑ", "i", "u", "ɛ", "aɪ", "oʊ", "ə"])), int(stressed))
            )
            if stressed:
                accents.append(at + a + b / 2)
            at += a + b
        at += rng.uniform(0.25, 0.7)
    times = (np.arange(round(seconds * 100)) + 0.5) / 100
    speech = np.zeros(len(times), np.float32)
    loudness = np.full(len(times), -70.0)
    for phone in phones:
        inside = (times >= phone.start) & (times < phone.end)
        speech[inside] = 1
        loudness[inside] = -28 if phone.ipa in "ptmsfwkn" else -24
    bumps = np.sum([np.exp(-0.5 * ((times - a) / 0.06) ** 2) for a in accents], axis=0)
    loudness = loudness + speech * (7 * bumps + rng.normal(0, 0.7, len(times)))
    pitch = np.where(speech > 0, 110 * 2 ** ((5 * bumps + 0.5 * np.sin(times)) / 12), 0)
    features = Features(
        0.0,
        np.zeros((len(times), MELS), np.float32),
        loudness.astype(np.float32),
        pitch.astype(np.float32),
        speech,
        speech,
    )
    return Span(0.0, seconds, tuple(fill(phones, 0, seconds)), features), np.array(accents)


def cut_at(span: Span, cuts: Sequence[float]) -> Iterator[Span]:
    """The same speech as several spans; a phone across a cut is in both, as recognisers leave it."""
    edges = [span.start, *(round(c, 2) for c in cuts), span.end]
    for a, b in pairwise(edges):
        inside = [p for p in span.phones if p.end > a and p.start < b]
        yield Span(a, b, tuple(fill(inside, a, b)), span.features[round(a * 100) : round(b * 100)])


@pytest.fixture(scope="session")
def speech() -> Callable[..., tuple[Span, np.ndarray]]:
    """``speech(seconds, seed)`` -> span and the times of its accents."""
    return make_speech


@pytest.fixture(scope="session")
def cut() -> Callable[[Span, Sequence[float]], Iterator[Span]]:
    """``cut(span, times)`` -> the spans between the times."""
    return cut_at


@pytest.fixture(scope="session")
def silence() -> Callable[[float], Span]:
    """``silence(seconds)`` -> a span in which no one speaks."""

    def make(seconds: float) -> Span:
        count = round(seconds * 100)
        zero = np.zeros(count, np.float32)
        features = Features(0.0, np.zeros((count, MELS), np.float32), zero - 80, zero, zero, zero)
        return Span(0.0, seconds, (Phone(0.0, seconds, ""),), features)

    return make
