"""A plan: everything that decides one clip of the stage, in a record that can be written down.

``draw(seed, index)`` is a pure function: clip *index* of *seed* is the same in any process, whatever was drawn before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from vultus.channels import EMOTIONS
from vultus.errors import VultusError, unknown
from vultus.motion import as_fps
from vultus.stage.hidden import Hidden, draw_hidden
from vultus.stage.splits import SPLITS, identity_seed, split_of, voices_of

FORMAT: Final = "vultus.plan"
VERSION: Final = 1
POSE_LIMIT: Final = 0.25
"""Radians by which a plan may turn the head for the whole of a clip, each axis."""

_LETTERS_A_SECOND: Final = 14.0  # how much text fits into a clip


@dataclass(frozen=True)
class Key:
    """An emotion of *weight* in [0, 1] from *start* to *end*, both shares of the clip in [0, 1]; keys may overlap."""

    name: str
    weight: float
    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        """Check every field."""
        if self.name not in EMOTIONS:
            raise unknown("emotion", str(self.name), EMOTIONS)
        if not 0 <= self.weight <= 1:
            raise VultusError(f"The weight of {self.name} is {self.weight!r}", "Give a number from 0 to 1")
        if not 0 <= self.start < self.end <= 1:
            raise VultusError(f"{self.name} lasts from {self.start!r} to {self.end!r}", "Give shares of the clip")


@dataclass(frozen=True)
class Plan:
    """One clip before it is made.

    What is said: ``text`` in ``voice`` (``ENGINE:VOICE``) with the ``voice_seed`` of its chances, at ``speed`` (0.5 to
    2), after ``lead`` and before ``tail`` seconds of silence; ``augment`` names a chain of changes to the sound as
    ``SEED:STRENGTH`` (:func:`vultus.voices.surroundings.vary`), "" for none. Longer speech ends after ``seconds``.

    How the face moves: ``emotion`` keys, ``gain`` of the articulation that is asked for (0 to 1.5), ``pose``, a
    rotation vector in radians that the head holds, and what is ``hidden``; ``seed`` is for whatever else is drawn.

    How it is seen: ``identity`` (``person:…``), ``rig``, ``size`` in pixels and ``fps``.
    """

    name: str
    seed: int
    text: str
    voice: str = "formant:man"
    voice_seed: int = 0
    speed: float = 1.0
    lead: float = 0.3
    tail: float = 0.3
    augment: str = ""
    identity: str = "person:0"
    emotion: tuple[Key, ...] = ()
    gain: float = 1.0
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    hidden: Hidden = field(default_factory=Hidden)
    rig: str = "phone"
    size: int = 256
    fps: float = 25.0
    seconds: float = 6.0

    def __post_init__(self) -> None:
        """Check the numbers; text, voice, identity and rig are checked by those who use them."""
        _in("speed", self.speed, 0.5, 2)
        _in("gain", self.gain, 0, 1.5)
        _in("lead", self.lead, 0, 5)
        _in("tail", self.tail, 0, 5)
        _in("number of seconds", self.seconds, 0.5, 600)
        _in("size", self.size, 16, 8192)
        as_fps(self.fps)
        if len(self.pose) != 3 or not all(abs(angle) <= POSE_LIMIT for angle in self.pose):
            raise VultusError(
                f"The pose {self.pose!r} is out of range", f"Give three angles up to {POSE_LIMIT} radians"
            )
        augmentation(self.augment)
        identity_seed(self.identity)

    @property
    def mood(self) -> str:
        """The emotion that weighs most over the clip, ``neutral`` where none is."""
        sums: dict[str, float] = {}
        for key in self.emotion:
            sums[key.name] = sums.get(key.name, 0.0) + key.weight * (key.end - key.start)
        return max(sums, key=lambda name: (sums[name], name)) if sums else "neutral"

    def as_json(self) -> str:
        """One line of JSON from which :meth:`from_json` makes an equal plan."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that :meth:`as_json` wrote; VultusError when it is none or a later version's."""
        try:
            record = json.loads(text)
            kind, version = record.pop("format"), record.pop("version")
        except (ValueError, KeyError, AttributeError, TypeError):
            raise VultusError("This is no plan of a clip", "Give JSON with a format and a version") from None
        if kind != FORMAT or version != VERSION:
            raise VultusError(
                f"This is {kind!r} version {version!r}, not a plan of a clip", f"Give {FORMAT} version {VERSION}"
            )
        try:
            return _planned(record)
        except (TypeError, KeyError, AttributeError) as error:
            raise VultusError(f"The plan of a clip is broken: {error}", "Write it anew with vultus stage") from None


def _in(name: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, int | float) or not low <= value <= high:
        raise VultusError(f"The {name} of a clip is {value!r}", f"Give a number from {low} to {high}")


def _planned(record: dict[str, Any]) -> Plan:
    known = {f.name for f in fields(Plan)}
    for name in record:
        if name not in known:
            raise unknown("field of a plan", name, sorted(known))
    parts = {
        "emotion": tuple(Key(**key) for key in record["emotion"]),
        "pose": tuple(record["pose"]),
        "hidden": Hidden.read(record["hidden"]),
    }
    return Plan(**{**record, **parts})


def augmentation(text: str) -> tuple[int, float] | None:
    """``SEED:STRENGTH`` -> the seed and the strength in [0, 1] of a chain of changes; None for ""."""
    if not text:
        return None
    seed, _, strength = text.partition(":")
    try:
        found = int(seed), float(strength)
    except ValueError:
        found = -1, 0.0
    if found[0] < 0 or not 0 <= found[1] <= 1:
        raise VultusError(f"{text!r} is no augmentation", "Write SEED:STRENGTH, such as 7:0.5, with a strength up to 1")
    return found


# --- chance ---------------------------------------------------------------------------------------------------------


def draw(
    seed: int,
    index: int,
    *,
    rig: str = "phone",
    size: int = 256,
    fps: float = 25.0,
    seconds: float = 6.0,
    voices: Sequence[str] = (),
    people: Sequence[str] = (),
    split: str = "train",
    augment: float = 0.7,
) -> Plan:
    """The plan of clip *index* of *seed*: the same in any process.

    *voices* (``ENGINE:VOICE``) and *people* (``person:…``) are what may be drawn, those of *split* among them; without
    them, any installed voice and any person of the split. *augment* is the share of clips whose sound is changed.
    Raises VultusError for an unknown split, and when no voice or person of it is there.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    _in("share of changed sound", augment, 0, 1)
    if not isinstance(seed, int) or not isinstance(index, int) or seed < 0 or index < 0:
        raise VultusError(f"{seed!r} and {index!r} are no seed and index", "Give whole numbers from 0 up")
    rng = np.random.default_rng([seed, index, 0x91A7])
    identity = _person(rng, people, split)
    voice = _voice(rng, voices, split)
    text = _text(rng, seconds, split)
    own = int(rng.integers(2**40))
    return Plan(
        name=f"{split}-{seed}-{index:06d}",
        seed=own,
        text=text,
        voice=voice,
        voice_seed=int(rng.integers(2**31)),
        speed=round(float(np.clip(math.exp(rng.normal(0, 0.13)), 0.75, 1.35)), 3),
        lead=round(float(rng.uniform(0.1, 0.6)), 2),
        tail=round(float(rng.uniform(0.1, 0.6)), 2),
        augment=f"{int(rng.integers(2**31))}:{rng.uniform(0.3, 1):.2f}" if rng.random() < augment else "",
        identity=identity,
        emotion=_emotion(rng),
        gain=round(float(np.clip(math.exp(rng.normal(0, 0.12)), 0.75, 1.3)), 3),
        pose=(
            round(float(np.clip(rng.normal(0, 0.04), -0.1, 0.1)), 4),
            round(float(np.clip(rng.normal(0, 0.07), -0.18, 0.18)), 4),
            round(float(np.clip(rng.normal(0, 0.03), -0.08, 0.08)), 4),
        ),
        hidden=draw_hidden(own, identity_seed(identity)),
        rig=rig,
        size=size,
        fps=fps,
        seconds=seconds,
    )


def _person(rng: Generator, people: Sequence[str], split: str) -> str:
    if people:
        fit = [person for person in people if split_of("identity", person) == split]
        if not fit:
            raise VultusError(f"None of these {len(people)} people is of the split {split}", "Name more of them")
        return fit[int(rng.integers(len(fit)))]
    while True:
        person = f"person:{int(rng.integers(1_000_000))}"
        if split_of("identity", person) == split:
            return person


def _voice(rng: Generator, voices: Sequence[str], split: str) -> str:
    if voices:
        fit = [voice for voice in voices if split_of("voice", voice) == split]
        if not fit:
            raise VultusError(f"None of these voices is of the split {split}: {', '.join(voices)}", "Name another one")
        return fit[int(rng.integers(len(fit)))]
    # An engine first, then one of its voices: the engine with many voices would drown the others.
    engines: dict[str, list[str]] = {}
    for voice in voices_of(split):
        engines.setdefault(voice.partition(":")[0], []).append(voice)
    names = sorted(engines)
    chosen = engines[names[int(rng.integers(len(names)))]]
    return chosen[int(rng.integers(len(chosen)))]


def _text(rng: Generator, seconds: float, split: str) -> str:
    """Sentences of the split that fill most of a clip but seldom more: one or several."""
    from vultus.voices.sentences import pieces, sentences

    room = seconds * _LETTERS_A_SECOND * float(rng.uniform(0.4, 0.95))
    out: list[str] = []
    length, most = 0, 400 + int(room)
    for number, sentence in enumerate(sentences(int(rng.integers(2**40)))):
        fits = length + len(sentence) <= room or (not out and (len(sentence) <= 1.3 * room or number > most))
        if fits and all(split_of("sentence", piece) == split for piece in pieces(sentence)):
            out.append(sentence)
            length += len(sentence) + 1
        if out and (length > 0.6 * room or number > most):
            break
    return " ".join(out)


def _emotion(rng: Generator) -> tuple[Key, ...]:
    """Nothing in a quarter of the clips, one emotion in half, and in the rest one that passes into another."""
    kind = rng.random()
    names = rng.permutation(len(EMOTIONS))[:2]
    if kind < 0.25:
        return ()
    first, second = (str(EMOTIONS[i]) for i in names)
    weights = [round(float(w), 2) for w in rng.uniform(0.25, 0.95, 2)]
    if kind < 0.75:
        return (Key(first, weights[0]),)
    change, overlap = rng.uniform(0.3, 0.7), rng.uniform(0.0, 0.3)
    end, start = round(float(min(change + overlap, 1)), 2), round(float(max(change - overlap, 0)), 2)
    return (Key(first, weights[0], 0.0, end), Key(second, weights[1], start, 1.0))
