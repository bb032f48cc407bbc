"""Plans acted out: sound, phones and motion that belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.style import Mood, Style
from vultus.motion import Motion, concatenate
from vultus.signals.phones import Phone, fill
from vultus.stage.hidden import Hidden, habits_of
from vultus.stage.plan import Key, Plan, augmentation
from vultus.stage.splits import identity_seed

if TYPE_CHECKING:
    from vultus.voices.engines import Sentence

Samples = NDArray[np.float32]

RATE: Final = 16000
"""Hz of the sound of every act: that of all analysis here, so that nothing is resampled."""

_PIECE: Final = 10.0  # seconds of frames at once
_FADE: Final = RATE // 200  # samples over which a clip's sound ends


@dataclass(frozen=True, eq=False)
class Speech:
    """Someone speaks: ``samples`` float32 [N] in [-1, 1] at ``RATE``, gapless ``phones`` from 0 s to their end, and the
    ``text`` of the sentences that are heard; ``whole`` unless the last one is cut off."""

    samples: Samples
    phones: tuple[Phone, ...]
    text: str
    whole: bool


@dataclass(frozen=True, eq=False)
class Act:
    """A plan acted out: ``samples`` float32 [N] in [-1, 1] at ``rate`` Hz as the microphone hears them, ``phones``,
    ``text`` and ``whole`` as in :class:`Speech`, and the ``motion`` that goes with them from 0 s on at the plan's rate
    of frames."""

    samples: Samples
    rate: int
    phones: tuple[Phone, ...]
    text: str
    whole: bool
    motion: Motion


def act(plan: Plan) -> Act:
    """Act out *plan*; the same plan gives the same bytes. Raises VultusError for what it names and is not there."""
    said = voiced(plan)
    return Act(heard(plan, said), RATE, said.phones, said.text, said.whole, moved(plan, said))


# --- sound ----------------------------------------------------------------------------------------------------------


def voiced(plan: Plan) -> Speech:
    """The speech of *plan* as its speaker makes it, before room, noise and microphone.

    As many of its sentences as there is time for; one that is too long alone ends where the time does.
    """
    from vultus.voices.engines import stream
    from vultus.voices.surroundings import revoice

    said: list[Sentence] = []
    for sentence in stream(plan.text, voice=plan.voice, rate=RATE, seed=plan.voice_seed, speed=plan.speed):
        said.append(sentence)
        if sentence.end > 2 * plan.seconds:  # no change of speed brings more of it back into the clip
            break
    x = np.concatenate([sentence.samples for sentence in said])
    phones = [phone for sentence in said for phone in sentence.phones]
    ends = np.array([sentence.end for sentence in said])
    if changed := augmentation(plan.augment):
        before = len(x)
        x, phones, _ = revoice(x, phones, RATE, changed[0], strength=changed[1])
        ends *= len(x) / before
    lead, tail = (round(100 * seconds) * RATE // 100 for seconds in (plan.lead, plan.tail))
    kept = max(int((ends * RATE + lead <= plan.seconds * RATE).sum()), 1)
    x = np.pad(x[: round(ends[kept - 1] * RATE)], (lead, tail))
    limit = int(plan.seconds * RATE)
    whole = len(x) - tail <= limit
    x = x[:limit]
    fade = min(_FADE, len(x))
    x[len(x) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    shifted = [replace(p, start=p.start + lead / RATE, end=p.end + lead / RATE) for p in phones]
    stop = float(ends[kept - 1]) + lead / RATE
    within = [replace(p, end=min(p.end, stop)) for p in shifted if p.start < stop - 1e-4]
    text = " ".join(sentence.text for sentence in said[:kept])
    return Speech(x, tuple(fill(within, 0.0, len(x) / RATE)), text, whole)


def heard(plan: Plan, said: Speech) -> Samples:
    """What the microphone hears of the speech of *plan*: as long, and every phone at its time."""
    from vultus.voices.surroundings import resound

    changed = augmentation(plan.augment)
    return resound(said.samples, said.phones, RATE, changed[0], strength=changed[1])[0] if changed else said.samples


# --- motion ---------------------------------------------------------------------------------------------------------


def moved(plan: Plan, said: Speech) -> Motion:
    """The motion of *plan* that goes with its speech: the speaker does not hear what the room adds."""
    from vultus.drivers.speech import perform
    from vultus.signals.chunks import SpeechSpan
    from vultus.signals.features import features

    seconds = len(said.samples) / RATE
    span = SpeechSpan(0.0, seconds, said.phones, features(said.samples, RATE))
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
