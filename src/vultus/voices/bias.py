"""How far the times that a voice states lie from those that forced alignment hears in its sound.

Every engine has its own idea of where a phone begins: what a network says sounds before the step that it is planned
for, what a filter bank says after it. The constant part is corrected in each engine (its ``LATE``); this module
measures it, and what is left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.io.files import atomic
from vultus.signals.align import align
from vultus.signals.phones import Phone
from vultus.voices.engines import find
from vultus.voices.engines import table as engine_table
from vultus.voices.finish import Samples
from vultus.voices.sentences import sentences

RATE = 16000


@dataclass(frozen=True)
class Timing:
    """How one voice does over some sentences; errors in seconds, stated minus heard.

    ``late`` is the correction in force; ``before`` and ``after`` are median |error| without and with it, ``bias`` the
    median error that is left, ``spread`` the share of boundaries within 20 ms. ``matched`` is the share of phones on
    which voice and aligner agree, out of ``boundaries``. ``speed`` is seconds of speech for each second that one core
    works, with the processes that an engine starts.
    """

    voice: str
    sentences: int
    boundaries: int
    matched: float
    late: float
    before: float
    after: float
    bias: float
    spread: float
    speed: float


def texts(count: int, seed: int) -> list[str]:
    """Sentences of words alone: how numbers are read differs from engine to engine."""
    kinds = ("statement", "question", "names", "list")
    plain = (text for text in sentences(seed, kinds) if 25 <= len(text) <= 90 and "." not in text[:-1])
    return list(islice(plain, count))


def boundaries(stated: list[Phone], samples: Samples, text: str, rate: int = RATE) -> tuple[NDArray[np.float64], int]:
    """Stated minus heard times [N] of the boundaries that voice and aligner share, and how many the voice has.

    A boundary is shared where the phones on both sides of it are the same in both (ARPABET), so that only time differs.
    """
    heard = align(samples, text, rate)
    a, b = ([p.arpabet for p in phones] for phones in (stated, heard))
    errors: list[float] = []
    for block in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        errors += [stated[block.a + i].start - heard[block.b + i].start for i in range(1, block.size)]
    return np.array(errors), max(len(stated) - 1, 1)


def phones_against_alignment(clips: Iterable[Clip]) -> tuple[NDArray[np.float64], float]:
    """Stated minus heard times [N] of boundaries in *clips* of known words, in seconds, and the share of all [0, 1].

    Only clips with sound, phones and text count; cut off or made other than it was said, speech is no less true, but
    the aligner may lose it, which lowers the share. Numbers and names may be read in two ways, which does too.
    """
    errors, total = [np.zeros(0)], 0
    for clip in clips:
        if clip.audio is not None and clip.phones and clip.text:
            found, own = boundaries(list(clip.phones), clip.audio, clip.text, clip.sample_rate)
            errors.append(found)
            total += own
    out = np.concatenate(errors)
    return out, len(out) / max(total, 1)


def measure(voice: str, count: int = 40, seed: int = 1) -> Timing:
    """Let *voice* say *count* sentences and compare its times with forced alignment."""
    errors, total, worked, spoken = [], 0, 0.0, 0.0
    for samples, phones, text, taken in _said(voice, count, seed):
        found, own = boundaries(phones, samples, text)
        errors.append(found)
        total += own
        worked += taken
        spoken += len(samples) / RATE
    left = np.concatenate([*errors, np.zeros(0)])
    engine: Any = find(voice)[0]
    late = float(getattr(engine, "LATE", 0.0))
    if not len(left):
        return Timing(voice, count, 0, 0.0, late, np.nan, np.nan, np.nan, np.nan, spoken / max(worked, 0.01))
    size = np.abs(left)
    return Timing(
        voice, count, len(left), len(left) / total, late, float(np.median(np.abs(left + late))), float(np.median(size)),
        float(np.median(left)), float(np.mean(size <= 0.02)), spoken / max(worked, 0.01),
    )  # fmt: skip


def _said(voice: str, count: int, seed: int) -> Iterator[tuple[Samples, list[Phone], str, float]]:
    engine, name = find(voice)
    engine.speak("Ready", voice=name, rate=RATE)  # loading does not count
    for i, text in enumerate(texts(count, seed)):
        began = worked(engine)
        samples, phones = engine.speak(text, voice=name, rate=RATE, seed=i)
        yield samples, phones, text, worked(engine) - began


def worked(engine: Any) -> float:
    """Processor seconds so far of this process, of its children that ended, and of those that *engine* keeps."""
    return sum(os.times()[:4]) + float(getattr(engine, "elsewhere", lambda: 0.0)())


def bench(
    count: int = 40,
    voices: Sequence[str] = (),
    *,
    json_path: str | Path | None = None,
    progress: Callable[[float, float | None], None] | None = None,
) -> str:
    """Measure *voices*, or the usual voice of every engine that is installed; a Markdown table, and JSON if asked."""
    chosen = list(voices) or [name for name, _, lacks in engine_table() if not lacks]
    timings: list[Timing] = []
    for voice in chosen:
        timings.append(measure(voice, count))
        if progress:
            progress(float(len(timings)), float(len(chosen)))
    if json_path is not None:
        record = {"format": "vultus.voices", "version": 1, "voices": [asdict(timing) for timing in timings]}
        with atomic(json_path) as path:
            path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return table(timings)


def table(timings: list[Timing]) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| voice | sentences | boundaries (shared) | correction | median error before | after | bias left "
        "| within 20 ms | speed on one core |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {t.voice} | {t.sentences} | {t.boundaries} ({t.matched:.0%}) | {1e3 * t.late:.0f} ms "
        f"| {1e3 * t.before:.1f} ms | {1e3 * t.after:.1f} ms | {1e3 * t.bias:+.1f} ms | {t.spread:.0%} "
        f"| {t.speed:.3g}x |"
        for t in timings
    ]
    return "\n".join(rows)
