"""Whether the emotion that was put into a voice's prosody is heard in it.

Sentences of voices are said again with other pitch, pace, level and brightness, by the amounts that others published:
rules that people recognised, as M. Schröder's review "Emotional speech synthesis" (2001, table 1) lists them, and the
pitch and pace alone that S. Mozziconacci found best (*Speech variability and emotion*, 1998). The bounds of
``drivers.heard_mood`` were set on other voices and sentences, and its profiles are from another source. This is no
proof on real emotion: no recordings of it are free to use here.

``python -m vultus.lab.mood_figures`` prints it; ``vultus bench --speech`` does so too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.heard_mood import PROFILES, HeardMood
from vultus.errors import VultusError
from vultus.signals.features import RATE, features
from vultus.voices import augment, engines
from vultus.voices.intonation import intone
from vultus.voices.sentences import sentences

Sound = NDArray[np.float32]

VOICES: Final = ("hibari", "kokoro:jf_alpha", "kokoro:jf_tebukuro", "kokoro:jm_kumo")
"""Voices of engines on which nothing of ``drivers.heard_mood`` was set."""
CALM: Final = "calm"
COUNT: Final = 4
"""Sentences of each voice."""
SHOWS: Final = 0.2
"""The weight from which on an emotion counts as heard."""
BEFORE: Final = 3
"""Calm sentences that come first, so that the speaker's usual is known."""
_GAP, _QUIETER = 0.35, -10.0  # seconds between sentences; dB, so that a louder sentence is not clipped
_HIGHEST: Final = 400.0  # Hz: a mean pitch that high is as high as is heard


@dataclass(frozen=True)
class Change:
    """What a sentence is changed by: *pitch* and *pace* are factors, *hertz* joins the pitch, *spread* multiplies its
    distances from its mean and *wider* (semitones) joins its range; *level* and *bright* (above 1 kHz) are in dB."""

    pitch: float = 1.0
    hertz: float = 0.0
    spread: float = 1.0
    wider: float = 0.0
    pace: float = 1.0
    level: float = 0.0
    bright: float = 0.0


CHANGES: Final[dict[str, dict[str, Change]]] = {
    "rules that people recognised": {
        # Burkhardt and Sendlmeier: +50 % pitch, +100 % range, +30 % tempo.
        "happy": Change(pitch=1.5, spread=2.0, pace=1.3),
        # Murray and Arnott: +10 Hz, +9 semitones of range, +30 words a minute (of 170), +6 dB; strained.
        "angry": Change(hertz=10.0, wider=9.0, pace=200 / 170, level=6.0, bright=3.0),
        # Cahn's steps have no unit: less range, slowest tempo, softer, breathy and dull. The range is that of Kitahara
        # and Tohkura (1992), the pace Mozziconacci's, the level anger's turned round.
        "sad": Change(spread=0.6, pace=1 / 1.29, level=-6.0, bright=-6.0),
        # Burkhardt and Sendlmeier: +150 % pitch, +20 % range, +30 % tempo, falsetto, whose overtones are weak.
        "fearful": Change(pitch=2.5, spread=1.2, pace=1.3, bright=-6.0),
    },
    "pitch and pace alone": {
        "happy": Change(pitch=155 / 65, spread=10 / 5, pace=1 / 0.83),
        "angry": Change(pitch=110 / 65, spread=10 / 5, pace=1 / 0.79),
        "sad": Change(pitch=102 / 65, spread=7 / 5, pace=1 / 1.29),
        "fearful": Change(pitch=200 / 65, spread=8 / 5, pace=1 / 0.89),
    },
}  # fmt: skip
"""How each source says an emotion; strain, breath and falsetto are put as 3 or 6 dB above 1 kHz."""


def changed(sound: Sound, change: Change) -> Sound:
    """Speech [N] at 16 kHz as *change* has it."""
    tone = features(sound).pitch
    tone = np.log2(tone[tone > 0].astype(np.float64))
    mean = float(2 ** tone.mean()) if len(tone) else 100.0
    # Two standard deviations to either side are the range.
    spread = change.spread + change.wider / 12 / max(4 * float(tone.std()) if len(tone) else 1.0, 0.1)
    pitch = min(change.pitch * (mean + change.hertz), max(_HIGHEST, mean)) / mean
    out = intone(sound, RATE, pitch=pitch, spread=min(spread, 3.0))
    out, _ = augment.stretch(out, [], RATE, change.pace)
    if change.bright:
        out = augment.filtered(out, RATE, (np.array([700.0, 1400.0]), np.array([0.0, change.bright])))
    return augment.gain(out, change.level)


def told(voice: str, number: int) -> tuple[list[Sound], Sound]:
    """Some calm sentences and one more of *voice*; every *number* has others."""
    kinds = ("statement", "names", "list")
    found = (text for text in sentences(7000 + number, kinds) if 40 <= len(text) <= 90)
    said = [engines.speak(text, voice=voice, rate=RATE)[0] for text in islice(found, BEFORE + 1)]
    quiet = [augment.gain(sound, _QUIETER) for sound in said]
    return quiet[:-1], quiet[-1]


def heard(before: list[Sound], sentence: Sound) -> dict[str, float]:
    """The most that each emotion weighs in *sentence*, after the sentences *before* it."""
    gap = np.zeros(round(_GAP * RATE), np.float32)
    first = sum(len(sound) + len(gap) for sound in before)
    mood = HeardMood()
    mood.push(features(np.concatenate([part for sound in (*before, sentence) for part in (sound, gap)])))
    times = np.arange(first / RATE, (first + len(sentence)) / RATE, 0.02)
    return {name: float(weights.max()) for name, weights in mood.at(times).items()}


def verdict(weights: Mapping[str, float]) -> str:
    """The strongest emotion, or "calm" where none shows."""
    name = max(weights, key=lambda name: weights[name])
    return name if weights[name] >= SHOWS else CALM


def missing() -> str:
    """Why this cannot be measured here; "" when it can."""
    for voice in VOICES:
        try:
            engines.find(voice)
        except VultusError as error:
            return str(error)
    return ""


def measure(
    count: int, step: Callable[[], None] = lambda: None, voices: tuple[str, ...] = VOICES
) -> dict[str, dict[str, dict[str, int]]]:
    """How often what was heard in *count* sentences of each voice: by source, by what was meant, by what was heard."""
    out: dict[str, dict[str, Counter[str]]] = {
        kind: {name: Counter() for name in (CALM, *PROFILES)} for kind in CHANGES
    }
    for number, voice in enumerate(voices):
        for index in range(count):
            before, sentence = told(voice, 100 * number + index)
            calm = verdict(heard(before, sentence))
            for kind, changes in CHANGES.items():
                out[kind][CALM][calm] += 1
                for name, change in changes.items():
                    out[kind][name][verdict(heard(before, changed(sentence, change)))] += 1
            step()
    return {kind: {name: dict(row) for name, row in rows.items()} for kind, rows in out.items()}


def table(values: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """Markdown: shares of the sentences meant so that were heard so, and what chance would have right."""
    return "\n".join(line for kind, rows in values.items() for line in _lines(kind, rows))


def _lines(kind: str, rows: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    names = [CALM, *PROFILES]
    total = sum(sum(row.values()) for row in rows.values())
    yield f"{kind}:\n"
    yield "| meant | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for name in names:
        row = rows[name]
        yield f"| {name} | " + " | ".join(f"{row.get(other, 0) / sum(row.values()):.2f}" for other in names) + " |"
    right = sum(rows[name].get(name, 0) for name in names) / total
    # Shuffled: what was heard in one sentence is held against what was meant in any.
    meant, found = (
        [sum(row.values()) for row in rows.values()],
        [sum(r.get(n, 0) for r in rows.values()) for n in names],
    )
    chance = sum(a * b for a, b in zip(meant, found, strict=True)) / total**2
    aroused = [n for n in names if n not in (CALM, "sad")]
    lively = sum(rows[a].get(b, 0) for a in aroused for b in aroused) / sum(sum(rows[a].values()) for a in aroused)
    yield f"\nright {right:.2f}, shuffled {chance:.2f}; lively emotions that are heard as one of them {lively:.2f}\n"


if __name__ == "__main__":
    print(missing() or table(measure(COUNT)))
