"""How well front ends hear visemes in sound alone, how fast, and how far ahead they must listen.

On clips of the stage's test split, whose engine none of them has met, and on the real clip, whose phones come from
aligning its words.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.channels import VISEMES
from vultus.errors import VultusError
from vultus.signals import hama
from vultus.signals.features import FEATURE_RATE, RATE, features
from vultus.signals.phones import ARPABET, Phone, from_arpabet, viseme_of
from vultus.signals.posteriors import listen
from vultus.signals.recognise import recognise

Sound = NDArray[np.float32]
Hear = Callable[[Sound], NDArray[np.float32]]
"""Sound at 16 kHz -> how likely each viseme is, [T, 15] at 100 Hz."""
_CHANGE: Final = 4.0  # seconds after which the sound is changed to see what hears it earlier
_KIND: Final = np.array([VISEMES.index(viseme_of(from_arpabet(name)[0])) for name in ARPABET])


def ours(sound: Sound) -> NDArray[np.float32]:
    """The posteriors that the learned driver hears while the sound comes."""
    odds = listen(features(sound).mel).odds
    return np.stack([odds[:, kind == _KIND].sum(axis=1) for kind in range(len(VISEMES))], axis=1)


def sphinx(sound: Sound) -> NDArray[np.float32]:
    """The free phone loop of pocketsphinx, which the rules hear with."""
    count = -(-len(sound) * FEATURE_RATE // RATE)
    return np.eye(len(VISEMES), dtype=np.float32)[labels(recognise(sound), count)]


def second_ear(sound: Sound) -> NDArray[np.float32]:
    """The phones of ``hama``, which hears a whole recording."""
    count = -(-len(sound) * FEATURE_RATE // RATE)
    return np.eye(len(VISEMES), dtype=np.float32)[labels(hama.phones(sound), count)]


HEARERS: Final[dict[str, Hear]] = {
    "ours, streaming": ours, "pocketsphinx, free loop": sphinx,
    **({"hama, offline": second_ear} if hama.installed() else {}),
}  # fmt: skip


def labels(phones: Sequence[Phone], count: int) -> NDArray[np.int64]:
    """The viseme at the middle of each of *count* frames."""
    times, out = (np.arange(count) + 0.5) / FEATURE_RATE, np.zeros(count, np.int64)
    for phone in phones:
        out[(times >= phone.start) & (times < phone.end)] = VISEMES.index(phone.viseme)
    return out


def measure(count: int, step: Callable[[], None]) -> dict[str, dict[str, float]]:
    """The figures of every front end by name."""
    from vultus.lab import speech_figures

    sets: dict[str, list[tuple[Sound, Sequence[Phone]]]] = {}
    for kind, changed in speech_figures.CONDITIONS.items():
        clips = speech_figures.drawn(88, count, changed)
        sets[kind] = [(speech_figures.heard(clip)[0], clip.phones) for clip in clips]
    if (real := _real()) is not None:
        sets["real clip"] = [real]
    out: dict[str, dict[str, float]] = {}
    for name, hear in HEARERS.items():
        row = {kind: _right(hear, some) for kind, some in sets.items()}
        sound = np.concatenate([sound for sound, _ in sets["clean"]])[: 10 * RATE]
        start = time.process_time()
        hear(sound)
        row["x real time (CPU)"] = len(sound) / RATE / (time.process_time() - start)
        row["listens ahead, s"] = ahead(hear, sound)
        out[name] = row
        step()
    return out


def _right(hear: Hear, some: Sequence[tuple[Sound, Sequence[Phone]]]) -> float:
    """The share of the frames of speech whose viseme is heard."""
    shares = []
    for sound, phones in some:
        made = hear(sound).argmax(axis=1)
        true = labels(phones, len(made))
        shares.append(float((made == true)[true > 0].mean()))
    return statistics.fmean(shares)


def ahead(hear: Hear, sound: Sound, at: float = _CHANGE) -> float:
    """How many seconds before sound that is changed from *at* seconds on the answer begins to change."""
    other = sound.copy()
    other[round(at * RATE) :] = np.random.default_rng(0).normal(0, 0.1, len(sound) - round(at * RATE))
    a, b = hear(sound), hear(other)
    changed = np.flatnonzero(np.abs(a - b).max(axis=1) > 1e-3)
    return at - changed[0] / FEATURE_RATE if len(changed) else 0.0


def _real() -> tuple[Sound, Sequence[Phone]] | None:
    """The real clip and the phones of its words; None where it cannot be had."""
    from vultus.io import audio
    from vultus.lab.judge_figures import SAID
    from vultus.signals.chunks import phones_of, whole

    try:
        sound = np.concatenate(list(audio.stream(store.path("obama_speech"), rate=RATE, block=RATE)))
    except VultusError:
        return None
    return sound, whole(phones_of([sound], SAID, first_window=20.0))


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown; viseme frames right in speech."""
    names = list(next(iter(rows.values())))
    lines = ["| front end | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{row[key]:.3g}" for key in names) + " |" for name, row in rows.items()]
    if "hama, offline" not in rows:
        lines.append("\nhama, offline: not run, it is not installed.")
    return "\n".join(lines)
