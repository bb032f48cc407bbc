"""Plans acted out: sound, phones and motion that belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.style import Mood, Style
from vultus.motion import Motion, concatenate
from vultus.signals.phones import Phone, fill
from vultus.stage.hidden import Hidden, habits_of
from vultus.stage.plan import Key, Plan, augmentation
from vultus.stage.splits import identity_seed

Samples = NDArray[np.float32]

RATE: Final = 16000
"""Hz of the sound of every act: that of all analysis here, so that nothing is resampled."""

_PIECE: Final = 10.0  # seconds of frames at once
_FADE: Final = RATE // 200  # samples over which a clip's sound ends


@dataclass(frozen=True, eq=False)
class Act:
    """``samples`` float32 [N] in [-1, 1] at ``rate`` Hz, gapless ``phones`` from 0 s to their end, and the ``motion``
    that goes with them from 0 s on at the plan's rate of frames."""

    samples: Samples
    rate: int
    phones: tuple[Phone, ...]
    motion: Motion


def act(plan: Plan) -> Act:
    """Act out *plan*; the same plan gives the same bytes. Raises VultusError for what it names and is not there."""
    clean, phones = voiced(plan)
    return Act(_heard(plan, clean, phones), RATE, tuple(phones), moved(plan, clean, phones))


# --- sound ----------------------------------------------------------------------------------------------------------


def voiced(plan: Plan) -> tuple[Samples, list[Phone]]:
    """The speech of *plan* as its speaker makes it, before room, noise and microphone: samples and gapless phones.

    Speech ends where the plan's seconds are over, in the middle of a word if need be.
    """
    from vultus.voices.engines import stream
    from vultus.voices.surroundings import revoice

    parts: list[Samples] = []
    said: list[Phone] = []
    for sentence in stream(plan.text, voice=plan.voice, rate=RATE, seed=plan.voice_seed, speed=plan.speed):
        parts.append(sentence.samples)
        said += sentence.phones
        if sentence.end > 2 * plan.seconds:  # no change of speed brings more of it back into the clip
            break
    x = np.concatenate(parts)
    if changed := augmentation(plan.augment):
        x, said, _ = revoice(x, said, RATE, changed[0], strength=changed[1])
    lead, tail = (round(100 * seconds) * RATE // 100 for seconds in (plan.lead, plan.tail))
    x = np.pad(x, (lead, tail))[: int(plan.seconds * RATE)]
    fade = min(_FADE, len(x))
    x[len(x) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    moved = [replace(p, start=p.start + lead / RATE, end=p.end + lead / RATE) for p in said]
    return x, fill(moved, 0.0, len(x) / RATE)


def sound(plan: Plan) -> tuple[Samples, list[Phone]]:
    """The speech of *plan* as the microphone hears it, and its phones, which nothing in the room moves."""
    x, phones = voiced(plan)
    return _heard(plan, x, phones), phones


def _heard(plan: Plan, x: Samples, phones: list[Phone]) -> Samples:
    from vultus.voices.surroundings import resound

    changed = augmentation(plan.augment)
    return resound(x, phones, RATE, changed[0], strength=changed[1])[0] if changed else x


# --- motion ---------------------------------------------------------------------------------------------------------


def moved(plan: Plan, clean: Samples, phones: list[Phone]) -> Motion:
    """The motion of *plan* that goes with its speech: what is loud and high is heard in the *clean* sound."""
    from vultus.drivers.speech import perform
    from vultus.signals.chunks import SpeechSpan
    from vultus.signals.features import features

    seconds = len(clean) / RATE
    span = SpeechSpan(0.0, seconds, tuple(phones), features(clean, RATE))
    habits = plan.hidden.habits
    held = np.add(plan.pose, (habits.nod, habits.turn, habits.tilt))
    pieces = perform(
        [span], style=style_of(plan), seed=plan.hidden.seed, fps=plan.fps, duration=seconds,
        manner=plan.hidden.manner, moods=moods_of(plan, seconds), pose=held, piece=_PIECE,
    )  # fmt: skip
    return concatenate(list(pieces))


def moods_of(plan: Plan, seconds: float) -> tuple[Mood, ...]:
    """The emotions of *plan* over a clip of that many *seconds*; those of its ends began before and go on after it."""
    return tuple(
        Mood(
            key.name,
            key.weight,
            key.start * seconds if key.start > 0 else -np.inf,
            key.end * seconds if key.end < 1 else np.inf,
        )
        for key in plan.emotion
    )


def style_of(plan: Plan) -> Style:
    """How much everything moves in *plan*; its emotions come and go and are not part of it."""
    habits = plan.hidden.habits
    return Style(
        articulation=min(plan.gain * plan.hidden.articulation, 2.0), blink=habits.blink, gaze=habits.gaze,
        head=habits.head, brows=habits.brows, look=habits.look,
    )  # fmt: skip


# --- counterfactuals ------------------------------------------------------------------------------------------------


def counterfactual(
    plan: Plan,
    *,
    emotion: tuple[Key, ...] | None = None,
    identity: str | None = None,
    pose: tuple[float, float, float] | None = None,
    gain: float | None = None,
    hidden: Hidden | None = None,
    habits: bool = False,
) -> Plan:
    """The same clip, had only what is named been otherwise: its sound is the same bit for bit.

    Another *identity* moves in the same way, unless *habits* asks that it does so as that person would.
    """
    given = {"emotion": emotion, "identity": identity, "pose": pose, "gain": gain, "hidden": hidden}
    other = replace(plan, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    if habits:
        other = replace(other, hidden=replace(other.hidden, habits=habits_of(identity_seed(other.identity))))
    return other
