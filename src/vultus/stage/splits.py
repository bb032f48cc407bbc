"""Training, validation and test apart by sentence, person, voice and engine, never by frame.

What a network has seen of a sentence, a face or a voice helps it with every other frame of them. So whole sentences,
people, voices and engines belong to one split each, by rules that need no list of clips and hold for clips that are
drawn later: sentences and people by a hash of what they are, voices by the engine that speaks them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, cast

from vultus.errors import VultusError, unknown

if TYPE_CHECKING:
    from vultus.stage.plan import Plan

Split = Literal["train", "val", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "val", "test")
KINDS: Final = ("sentence", "identity", "voice", "engine")

_HELD_OUT: Final[dict[str, Split]] = {"hibari": "test", "kokoro": "val", "festival": "val"}
"""Engines that are kept from training; every other one, a new one too, is for training. Those held out sound most
like people, so that a test says what training on simpler voices is worth for real speech."""

_SHARES: Final = (80, 10)  # of 100: training, validation; the rest is for tests

_ACCENTS: Final = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp")
_VARIANTS: Final = (*(f"+f{i}" for i in range(1, 6)), *(f"+m{i}" for i in range(1, 9)))


def split_of(kind: str, key: str) -> Split:
    """The split of a sentence (its text), an identity (``person:…``), a voice (``ENGINE:VOICE``) or an engine.

    Sentences that differ only in case, punctuation and spaces are one sentence; people of one seed are one person,
    whatever else is said of them; a voice goes with its engine. VultusError for an unknown kind.
    """
    if kind not in KINDS:
        raise unknown("kind of split", kind, KINDS)
    if kind in ("voice", "engine"):
        return _HELD_OUT.get(engine_of(key), "train")
    name = normal(key) if kind == "sentence" else str(identity_seed(key))
    place = int.from_bytes(hashlib.blake2b(f"{kind}:{name}".encode(), digest_size=8).digest(), "big") % 100
    return SPLITS[sum(place >= edge for edge in (_SHARES[0], sum(_SHARES)))]


def normal(text: str) -> str:
    """A sentence without what is not said: small letters and digits, single spaces."""
    return " ".join(re.findall(r"[^\W_]+", text.replace("’", "'").replace("'", "").casefold()))


def identity_seed(identity: str) -> int:
    """The seed of a person (``person:11``, ``person:age=60,seed=3``), 0 where none is given; VultusError otherwise."""
    kind, _, body = identity.partition(":")
    found = re.fullmatch(r"\s*(\d+)\s*", body) or re.search(r"(?:^|,)\s*seed\s*=\s*(\d+)\s*(?:,|$)", body)
    if kind.strip() != "person":
        raise VultusError(f"{identity!r} is not a person", "Write person:SEED or person:key=value,…, such as person:11")
    return int(found[1]) if found else 0


def engine_of(voice: str) -> str:
    """The engine of a voice: what stands before the colon."""
    return voice.strip().partition(":")[0]


@lru_cache(maxsize=8)
def voices_of(split: str) -> tuple[str, ...]:
    """The voices for English that are installed here and belong to *split*, as ``ENGINE:VOICE``.

    What is installed differs between machines: name the voices where two of them must make the same clips.
    VultusError for an unknown split, and when no voice of it is installed.
    """
    from vultus.voices.engines import Engine, engines

    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    found: list[str] = []
    for name in engines():
        if split_of("engine", name) != split:
            continue
        engine = cast(Engine, import_module(f"vultus.voices.{name}"))
        if not engine.missing():
            voices = _english(engine.voices()) if name == "espeak" else engine.voices()
            found += (f"{name}:{voice}" for voice in voices)
    if not found:
        held = [name for name in engines() if split_of("engine", name) == split]
        raise VultusError(
            f"No voice of the split {split} is installed: {', '.join(held)}", "Install it: pip install 'vultus[stage]'"
        )
    return tuple(found)


def _english(voices: Sequence[str]) -> list[str]:
    """The voices of espeak-ng that speak English and sound like people, as far as this engine does."""
    variants = ("", *(variant for variant in _VARIANTS if f"{_ACCENTS[0]}{variant}" in voices))
    return [accent + variant for accent in _ACCENTS if accent in voices for variant in variants]


def keys(plan: Plan) -> dict[str, set[str]]:
    """What a plan shows of each kind: its sentences, its person, its voice and its engine."""
    from vultus.voices.sentences import pieces

    voice = plan.voice.strip()
    return {
        "sentence": {normal(piece) for piece in pieces(plan.text)},
        "identity": {f"person:{identity_seed(plan.identity)}"},
        "voice": {voice},
        "engine": {engine_of(voice)},
    }


def leaks(plans_a: Iterable[Plan], plans_b: Iterable[Plan]) -> list[str]:
    """What two sets of plans share, one line each, such as ``"identity person:4"``; [] when nothing leaks."""
    sides: list[dict[str, set[str]]] = []
    for plans in (plans_a, plans_b):
        side: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for plan in plans:
            for kind, names in keys(plan).items():
                side[kind] |= names
        sides.append(side)
    return [f"{kind} {name}" for kind in KINDS for name in sorted(sides[0][kind] & sides[1][kind])]
