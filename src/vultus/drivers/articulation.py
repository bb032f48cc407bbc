"""Phones with times -> mouth, jaw and tongue curves: coarticulation by dominance, contacts on top.

Every phone pulls each control towards its target T with a dominance D that fades in time::

    value(t) = sum(D k(t) T) / sum(D k(t))

    k = 1 in the middle half of the phone, exp(-distance / tau) outside it

with one tau per control for anticipation and one for carry-over, so that lips round before a ``w`` and stay wide after
an ``i``. Lip seals (P, B, M) and lip bites (F, V) are hard envelopes on top, because averaging would leave them open.
How one person does it otherwise than another, or another time, is a :class:`vultus.drivers.manner.Manner`.

Sources: M. Cohen and D. Massaro, "Modeling coarticulation in synthetic visual speech" (1993); B. Lindblom,
"Spectrographic study of vowel reduction" (1963) for the undershoot of short vowels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.channels import CHANNELS, INDEX
from vultus.drivers.manner import PLAIN, Manner, lean, strays
from vultus.drivers.targets import CONTROLS, PHONETIC, Targets, targets_of
from vultus.errors import VultusError
from vultus.motion import clamp
from vultus.signals.phones import SILENCE, Phone, fill

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

REACH: Final = 0.3
"""Seconds over which a phone acts on its neighbourhood; beyond it, what comes next changes nothing."""

TINY: Final = 1e-4
"""What is added to the sum of all weights, so that where nothing acts the mouth rests."""
_FADE: Final = 0.1  # the last part of REACH, in which k goes to 0 without a step
_SILENCE_EDGE: Final = 0.04  # a silence is a rest, not a held sound: only its edges are transitional
_CONTACT_EASE: Final = 0.06  # seconds that lips take to meet and to part
_CONTACT_HOLD: Final = 0.046  # shortest contact, just above one frame at 24 fps: no seal falls between two frames
_BLOCK: Final = 1024  # frames handled at once, which bounds memory

_SEAL, _BITE = CONTROLS.index("seal"), CONTROLS.index("bite")
_SHAPED = slice(0, _SEAL)
_OPENING = [CONTROLS.index(c) for c in ("jawOpen", "mouthLowerDown", "mouthUpperUp")]
_JAW, _LOWER, _UPPER = _OPENING
_ROUND = [CONTROLS.index(c) for c in ("mouthFunnel", "mouthPucker")]
_SIDED: Final = ("mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthSmile")
_WIDE, _WIDEST = 0.55, 0.675  # jawOpen from which a speaker's own manner is held back, and to where; vowels ask for .45
_STRAY: Final = 0.24  # of the shorter neighbour: no border strays further, so that targets keep their order
_FORMING = [CONTROLS.index(c) for c in ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile")]


def columns_of(control: str) -> tuple[int, ...]:
    """Columns of ``channels.CHANNELS`` that a name stands for: its own, or those of its Left and Right."""
    if control in INDEX:
        return (INDEX[control],)
    return (INDEX[control + "Left"], INDEX[control + "Right"])


_COLUMNS: Final = {
    c: columns_of(c)
    for c in (*CONTROLS[:_SEAL], "mouthClose", "noseSneer", "mouthShrugUpper", "mouthShrugLower", "mouthFrown")
}


@dataclass(frozen=True, eq=False)
class Articulation:
    """Mouth curves: ``data`` float32 [T, 69] (all other channels 0), contacts ``seal`` and ``bite`` float32 [T].

    1 in ``seal`` means lips pressed together, 1 in ``bite`` the lower lip on the upper teeth; pass both to
    :func:`hold` after any change of the mouth.
    """

    data: Floats
    seal: Floats
    bite: Floats


@dataclass(frozen=True, eq=False)
class Segments:
    """Targets in time: start, end, core and pace are [N], value and dominance [N, 15].

    ``rows`` are the names of the targets, and ``reached`` [N] is how much of them short vowels reach, which ``value``
    counts in.
    """

    start: Array
    end: Array
    core_start: Array
    core_end: Array
    pace: Array
    value: Array
    dominance: Array
    rows: tuple[str, ...]
    reached: Array


@dataclass(frozen=True, eq=False)
class Around:
    """The M segments around each of T times, [T, M] each: their ``index``, the seconds ``before`` the core of each and
    ``after`` it, the ``pace`` of its speech, how much of it is in reach (``window``), and its ``contact``, all [0, 1].
    """

    index: NDArray[np.intp]
    before: Array
    after: Array
    pace: Array
    window: Array
    contact: Array


def articulate(
    phones: Sequence[Phone],
    times: ArrayLike,
    *,
    gain: float = 1.0,
    loudness: ArrayLike | None = None,
    pitch: ArrayLike | None = None,
    manner: Manner = PLAIN,
    seed: int = 0,
    targets: Targets = PHONETIC,
    seal: ArrayLike | None = None,
) -> Articulation:
    """Mouth curves of *phones* at *times* (seconds, [T], ascending).

    *gain* in [0, 3] scales how far the mouth moves; *loudness* (dB above the speaker's usual level, [T] or a number)
    opens jaw and lips more or less. *manner* is how this speaker does it, with *pitch* (semitones above the usual, [T]
    or a number) where the manner heeds it and a *seed* for what strays. None of them touches the contacts. *targets* is
    where sounds want the mouth; *seal* ([T] in [0, 1]) presses lips together where more is known than the phones tell.
    Phones may overlap or leave gaps (:func:`vultus.signals.phones.fill`); outside them the
    mouth rests, closed. Cost is linear in phones and times.
    """
    at = _checked(times)
    if not 0 <= gain <= 3:
        raise VultusError(f"The articulation gain {gain} is out of range", "Give a number from 0 to 3")
    controls = blended(phones, at, manner, seed, targets)
    if seal is not None:
        controls[:, _SEAL] = np.maximum(controls[:, _SEAL], np.clip(np.nan_to_num(np.asarray(seal, np.float64)), 0, 1))
        controls[:, _BITE] *= 1 - controls[:, _SEAL]
    return compose(controls, gain=gain, loudness=loudness, pitch=pitch, manner=manner)


def _checked(times: ArrayLike) -> Array:
    at = np.asarray(times, np.float64)
    if at.ndim != 1 or not np.isfinite(at).all() or (np.diff(at) < 0).any():
        raise VultusError("Articulation needs finite, ascending times", "Give seconds of shape [T]")
    return at


def blended(
    phones: Sequence[Phone], times: ArrayLike, manner: Manner = PLAIN, seed: int = 0, targets: Targets = PHONETIC
) -> Array:
    """What *phones* ask of the mouth at *times* (seconds, [T], ascending): ``targets.CONTROLS`` float64 [T, 15].

    The last two are the contacts; see :func:`compose` for what becomes of them, and :func:`articulate`.
    """
    at = _checked(times)
    if not at.size:
        return np.zeros((0, len(CONTROLS)))
    segments = segments_of(phones, at[0], at[-1], manner, seed, targets)
    return np.concatenate([_controls(segments, at[i : i + _BLOCK], targets) for i in range(0, len(at), _BLOCK)])


def hold(data: ArrayLike, seal: ArrayLike, bite: ArrayLike) -> Floats:
    """Keep the contacts of a mouth after other layers changed it: [T, 69], [T], [T] -> a repaired copy [T, 69].

    Where ``seal`` is 1 the jaw's opening is fully closed by ``mouthClose`` and nothing parts the lips; where ``bite``
    is 1 the lower lip rolls over the teeth and the upper lip stays up. Both fade in between.
    """
    out = np.array(data, np.float64)
    s, b = np.clip(np.asarray(seal, np.float64), 0, 1), np.clip(np.asarray(bite, np.float64), 0, 1)
    b = b * (1 - s)

    def scale(name: str, factor: Array) -> None:
        for column in _COLUMNS[name]:
            out[:, column] *= factor

    def at_least(name: str, low: Array) -> None:
        for column in _COLUMNS[name]:
            out[:, column] = np.maximum(out[:, column], low)

    for name in ("mouthLowerDown", "tongueOut", "mouthShrugUpper"):
        scale(name, (1 - s) * (1 - b))
    scale("mouthUpperUp", 1 - s)
    scale("noseSneer", 1 - 0.8 * s)
    scale("mouthFunnel", (1 - 0.8 * s) * (1 - 0.6 * b))
    scale("mouthPucker", 1 - 0.4 * b)
    scale("mouthStretch", 1 - 0.5 * s)
    scale("mouthFrown", 1 - 0.5 * np.maximum(s, b))
    for name in ("mouthPress", "mouthShrugLower"):
        scale(name, 1 - b)
    at_least("mouthUpperUp", 0.3 * b)
    at_least("mouthRollLower", 0.55 * b)
    jaw, close = INDEX["jawOpen"], INDEX["mouthClose"]
    # A wide jaw cannot be sealed by the lips, whatever the emotion says.
    out[:, jaw] = np.minimum(out[:, jaw], 1 - 0.75 * np.maximum(s, b))
    out[:, close] = np.maximum(out[:, close] * (1 - b), s * out[:, jaw])
    out[:, close] = np.minimum(out[:, close], out[:, jaw])
    return clamp(out)


def recent(phones: Sequence[Phone], time: float) -> Sequence[Phone]:
    """The phones, in order of time, that still matter at *time* and later, with the ones that set their pace."""
    acting = next((i for i, p in enumerate(phones) if p.end > time - REACH), len(phones))
    since = min(phones[acting].start if acting < len(phones) else time, time) - REACH
    while acting and phones[acting - 1].end > since:
        acting -= 1
    return phones[acting:]


def _covering(phones: Sequence[Phone], first: float, last: float) -> list[Phone]:
    ordered = sorted((p for p in phones if p.start < last + REACH), key=lambda p: (p.start, p.end))
    near = recent(ordered, first)
    low = min([first, *(p.start for p in near[:1])]) - 1
    return fill(near, low, max([last, *(p.end for p in near[-1:])]) + 1)


def _paces(phones: Sequence[Phone]) -> list[float]:
    """How slow speech is against usual at each phone: fast speech blends over shorter times.

    From the mean duration of the sounds up to and with this one, back to REACH before its start; 1 for a silence.
    """
    out, first = [], 0
    for i, phone in enumerate(phones):
        while phones[first].end <= phone.start - REACH:
            first += 1
        sounds = [] if phone.ipa == SILENCE else [p.duration for p in phones[first : i + 1] if p.ipa != SILENCE]
        out.append(min(max((sum(sounds) / len(sounds) / 0.085) ** 0.4, 0.8), 1.1) if sounds else 1.0)
    return out


def _reduction(phone: Phone, vowel: bool) -> float:
    """How much of its target a vowel reaches: short ones undershoot, stressed ones do not."""
    if not vowel:
        return 1.0
    reached = 1 - 0.3 * np.exp(-max(phone.duration - 0.03, 0.0) / 0.04)
    return float(reached * {1: 1.1, 2: 1.05}.get(phone.stress, 1.0))


def segments_of(
    phones: Sequence[Phone], first: float, last: float, manner: Manner = PLAIN, seed: int = 0,
    targets: Targets = PHONETIC,
) -> Segments:  # fmt: skip
    """The targets of *phones* that act from *first* to *last* seconds, sorted and without gaps; else as
    :func:`articulate`."""
    phones = _covering(phones, first, last)
    spans: list[tuple[float, float, float, float]] = []
    rows: list[str] = []
    values, dominances, reached = [], [], []
    for phone, pace in zip(phones, _paces(phones), strict=True):
        silent = phone.ipa == SILENCE
        for a, b, target in targets_of(phone.ipa, targets):
            rows.append(target.row)
            reached.append(_reduction(phone, target.vowel))
            spans.append((phone.start + a * phone.duration, phone.start + b * phone.duration, pace, silent))
            values.append(target.value * reached[-1])
            dominances.append(target.dominance)
    start, end, pace, silences = np.array(spans).T
    edge = np.where(silences > 0, np.minimum(0.25 * (end - start), _SILENCE_EDGE), 0.25 * (end - start))
    early, late, value = start + edge, end - edge, np.array(values)
    if manner.jitter:
        # Only the targets stray: the times that contacts and reach go by stay what they are.
        shortest = _STRAY * np.minimum(end - start, np.append(np.inf, (end - start)[:-1]))
        stray = np.clip(manner.jitter * strays(start, seed)[:, 0], -shortest, shortest)
        early, late = early + stray, late + np.append(stray[1:], 0.0)
    if manner.unevenness:
        reach = strays(start, seed + 1, _SEAL + 1)  # one number for the sound as a whole, one for each control
        value[:, _SHAPED] *= np.exp(manner.unevenness * (0.8 * reach[:, -1:] + 0.6 * reach[:, :-1]))
    return Segments(
        start, end, early, late, pace * manner.spread, value, np.array(dominances), tuple(rows), np.array(reached)
    )


def around(segments: Segments, at: Array) -> Around:
    """The segments around each of the times *at* (seconds, [T], ascending)."""
    # Segments are sorted and touch, so those within reach of a time are one run of neighbours.
    first = np.searchsorted(segments.end, at - REACH, "left")
    stop = np.searchsorted(segments.start, at + REACH, "right")
    offsets = np.arange(max(int((stop - first).max()), 1))
    index = np.minimum(first[:, None] + offsets, len(segments.start) - 1)
    inside = first[:, None] + offsets < stop[:, None]

    t = at[:, None]
    before = np.maximum(segments.core_start[index] - t, 0)
    after = np.maximum(t - segments.core_end[index], 0)
    away = np.maximum(segments.start[index] - t, 0) + np.maximum(t - segments.end[index], 0)
    window = np.where(inside, np.clip((REACH - away) / _FADE, 0, 1), 0)
    contact = np.where(inside, _contact(segments, index, t), 0)
    return Around(index, before, after, segments.pace[index], window, contact)


def _controls(segments: Segments, at: Array, targets: Targets) -> Array:
    """Blended controls [T, 15] at the times of one block; the last two are the contacts."""
    near = around(segments, at)
    out = np.zeros((len(at), len(CONTROLS)))
    for c in range(_SEAL):
        k = near.window * np.exp(
            -near.before / (targets.anticipation[c] * near.pace) - near.after / (targets.carry_over[c] * near.pace)
        )
        k *= segments.dominance[near.index, c]
        out[:, c] = (k * segments.value[near.index, c]).sum(1) / (k.sum(1) + TINY)
    out[:, _SEAL] = (near.contact * segments.value[near.index, _SEAL]).max(1)
    out[:, _BITE] = (near.contact * segments.value[near.index, _BITE]).max(1) * (1 - out[:, _SEAL])
    return out


def _contact(segments: Segments, index: NDArray[np.intp], t: Array) -> Array:
    """1 while a phone lasts, eased to 0 around it: [T, M]."""
    start, end = segments.start[index], segments.end[index]
    longer = np.maximum(_CONTACT_HOLD - (end - start), 0) / 2
    away = np.maximum(start - longer - t, 0) + np.maximum(t - end - longer, 0)
    ease = np.clip(1 - away / _CONTACT_EASE, 0, 1)
    return ease * ease * (3 - 2 * ease)


def compose(
    controls: ArrayLike,
    *,
    gain: float = 1.0,
    loudness: ArrayLike | None = None,
    pitch: ArrayLike | None = None,
    manner: Manner = PLAIN,
) -> Articulation:
    """Mouth curves of *controls* [T, 15] as :func:`blended` gives them; the rest as in :func:`articulate`."""
    controls = np.array(controls, np.float64)
    level, tone = (
        np.broadcast_to(np.nan_to_num(np.asarray(0.0 if heard is None else heard, np.float64)), len(controls))
        for heard in (loudness, pitch)
    )
    seal, bite = controls[:, _SEAL], controls[:, _BITE]
    # 6 dB louder opens jaw and lips by a fifth, as in raised speech.
    tie = manner.loud_jaw
    controls[:, _OPENING] *= (gain * np.clip(1 + tie * level / 30, 1 - 0.25 * tie, 1 + 0.3 * tie))[:, None]
    controls[:, _JAW] *= (1 + manner.jaw) * (1 + manner.pitch_jaw * np.clip(tone / 12, -0.5, 1))
    controls[:, _LOWER] *= (1 - manner.jaw) * (1 - manner.upper_lip)
    controls[:, _UPPER] *= (1 - manner.jaw) * (1 + manner.upper_lip)
    controls[:, _ROUND] *= manner.rounding
    if manner != PLAIN:
        # Factors that meet must not make a shout a yawn.
        over, room = np.maximum(controls[:, _JAW] - _WIDE, 0), _WIDEST - _WIDE
        controls[:, _JAW] += room * np.tanh(over / room) - over
    controls[:, _FORMING] *= gain
    controls[:, CONTROLS.index("jawOpen")] *= 1 - 0.55 * np.maximum(seal, bite)
    data = np.zeros((len(controls), len(CHANNELS)))
    for c in range(_SEAL):
        data[:, _COLUMNS[CONTROLS[c]]] = controls[:, c : c + 1]
    for control in _SIDED:
        lean(data, control, manner.mouth_side)
    held = hold(np.clip(data, 0, 1), seal, bite)
    return Articulation(held, seal.astype(np.float32), bite.astype(np.float32))
