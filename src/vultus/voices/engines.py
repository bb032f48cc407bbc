"""All voices by name: ``formant:woman``, ``espeak:en-gb+f3``, ``hibari``, and speech from text of any length.

A voice is named ``ENGINE`` or ``ENGINE:VOICE``. An engine is a module of this folder with three functions; there is no
list of them to keep up to date::

    speak(spoken, *, voice="", rate, seed=0, speed=1.0) -> (samples float32 [N], gapless phones from 0 s on)
    voices() -> names; the first is the usual one        missing() -> "" or one line with how to mend it
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Protocol, cast

import numpy as np

from vultus.errors import VultusError, unknown
from vultus.signals.phones import Phone
from vultus.voices.finish import Said, Samples, Spoken, check_common
from vultus.voices.sentences import MOST, pieces

DEFAULT: Final = "formant:man"
"""The voice that speaks unless another is named: it is part of the package, so that every machine gives the same."""


class Engine(Protocol):
    """What a module needs to be an engine."""

    def speak(self, spoken: Spoken, *, voice: str = "", rate: int = ..., seed: int = 0, speed: float = 1.0) -> Said:
        """Samples and phones of *spoken*."""

    def voices(self) -> tuple[str, ...]:
        """The names of the voices; the first is the usual one."""

    def missing(self) -> str:
        """What is wrong with the installation and how to mend it, or ""."""


@dataclass(frozen=True, eq=False)
class Sentence:
    """A piece of speech: *text* as it is said from *start* seconds on; phones are in seconds of the whole speech."""

    text: str
    start: float
    samples: Samples
    phones: tuple[Phone, ...]
    rate: int

    @property
    def end(self) -> float:
        """Seconds at which it ends."""
        return self.start + len(self.samples) / self.rate


@lru_cache(maxsize=1)
def engines() -> tuple[str, ...]:
    """The names of all engines, whether or not they are installed."""
    folder = importlib.import_module("vultus.voices").__path__
    found = (module.name for module in pkgutil.iter_modules(folder) if not module.name.endswith("_child"))
    return tuple(sorted(name for name in found if _is_engine(name)))


def _is_engine(name: str) -> bool:
    module = importlib.import_module(f"vultus.voices.{name}")
    return all(hasattr(module, part) for part in ("speak", "voices", "missing"))


def find(voice: str) -> tuple[Engine, str]:
    """The engine of *voice* (``ENGINE`` or ``ENGINE:VOICE``) and the name that its voice has there.

    VultusError when there is no such engine or voice, or when the engine is not installed.
    """
    name, _, rest = voice.strip().partition(":")
    if name not in engines():
        raise unknown("voice", name, engines())
    engine = cast(Engine, importlib.import_module(f"vultus.voices.{name}"))
    if complaint := engine.missing():
        raise VultusError(*complaint.split(". ", 1))
    rest = rest or engine.voices()[0]
    engine.speak("", voice=rest)  # says nothing, and objects to a voice that it does not have
    return engine, rest


def speak(
    spoken: Spoken, *, voice: str = DEFAULT, rate: int = 24000, seed: int = 0, speed: float = 1.0
) -> tuple[Samples, list[Phone]]:
    """Say *spoken* (text, IPA symbols or phones) in one piece: mono samples at *rate* Hz and gapless phones.

    *speed* 0.5 to 2. The same arguments give the same samples. VultusError for an unknown voice, one that is not
    installed, values out of range, and when there is nothing to say. Long text is better read by `stream`.
    """
    if isinstance(spoken, str):
        check_speakable(spoken)
    engine, name = find(voice)
    check_common(rate, speed)
    samples, phones = engine.speak(spoken, voice=name, rate=rate, seed=seed, speed=speed)
    if not phones:
        raise VultusError(f"The voice {voice} finds nothing to say", "Give words")
    return samples, phones


def stream(
    text: str | Iterable[str], *, voice: str = DEFAULT, rate: int = 24000, seed: int = 0, speed: float = 1.0
) -> Iterator[Sentence]:
    """Say *text* sentence by sentence; only one sentence is kept at a time, however long the text is.

    *text* is one string or many, in order (such as `vultus.voices.sentences.read` gives). Each sentence starts where
    the one before it ends, at a whole number of 1/100 s. Sentences without a sound are left out. Raises VultusError at
    once as `speak` does, and at the end when nothing at all was said.
    """
    if isinstance(text, str):
        check_speakable(text)
    engine, name = find(voice)
    check_common(rate, speed)
    return _streamed(engine, name, [text] if isinstance(text, str) else text, rate, seed, speed)


def _streamed(
    engine: Engine, name: str, texts: Iterable[str], rate: int, seed: int, speed: float
) -> Iterator[Sentence]:
    at = 0  # hundredths of a second
    for number, piece in enumerate(piece for text in texts for piece in pieces(text)):
        samples, phones = engine.speak(piece, voice=name, rate=rate, seed=seed + number, speed=speed)
        if not phones:
            continue
        ticks = -(-len(samples) * 100 // rate)
        whole = np.zeros(-(-ticks * rate // 100), np.float32)
        whole[: len(samples)] = samples
        moved = [replace(p, start=p.start + at / 100, end=p.end + at / 100) for p in phones]
        moved[-1] = replace(moved[-1], end=(at + ticks) / 100)
        yield Sentence(piece, at / 100, whole, tuple(moved), rate)
        at += ticks
    if not at:
        raise VultusError("The text holds nothing that can be spoken", "Give words")


def check_speakable(text: str) -> None:
    """VultusError unless *text* holds a letter or a digit, and no more characters than a voice takes."""
    if len(text) > MOST:
        raise VultusError(f"The text has {len(text)} characters, more than {MOST}", "Split it")
    if not text.strip():
        raise VultusError("The text is empty", "Give words to speak")
    if not any(c.isalnum() for c in text):
        raise VultusError(f"The text {text.strip()[:20]!r} holds no letter and no digit", "Give words to speak")


def table() -> list[tuple[str, str, str]]:
    """Rows for a person to read: engine, its usual voice and how many there are, and what it lacks ("" if nothing)."""
    rows = []
    for name in engines():
        engine = cast(Engine, importlib.import_module(f"vultus.voices.{name}"))
        lacks = engine.missing()
        names = () if lacks else engine.voices()
        rows.append((name, f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names), lacks))
    return rows
