"""How well the tracker reads people whose motion is known: correlation, gain and lag of each channel, noise and speed.

People are drawn who were not learned from (`tools/build_readout.py`), doing exercises and speaking; the tracker sees
only the pictures. Its Motion is compared with the true one, neck and head as one rotation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.heads.person import PersonHead
from vultus.lab.bench import Figure
from vultus.motion import Motion, concatenate
from vultus.observers.tracker import Tracker
from vultus.observers.watch import Watch, observe

Doubles = NDArray[np.float64]

PEOPLE: Final = (14, 21, 5, 33)
FPS: Final = Fraction(25)
LIGHTS: Final = ("studio", "window", "office", "webcam")
_LAGS = 6  # frames each way in which the lag is looked for


def _mean(*names: str) -> Callable[[Motion], Doubles]:
    return lambda motion: np.mean([motion[name] for name in names], axis=0).astype(np.float64)


def _turn(axis: int) -> Callable[[Motion], Doubles]:
    return lambda motion: rotations.compose(motion.neck, motion.head)[:, axis]


def _gaze(axis: int) -> Callable[[Motion], Doubles]:
    return lambda motion: (motion.eye_left[:, axis] + motion.eye_right[:, axis]).astype(np.float64) / 2


@dataclass(frozen=True)
class Channel:
    """What is compared: a *name*, how it is taken from a Motion [T], and the amounts it moves by in the exercises."""

    name: str
    of: Callable[[Motion], Doubles]
    bound: bool = True


CHANNELS: Final = (
    Channel("jaw", _mean("jawOpen")),
    Channel("smile", _mean("mouthSmileLeft", "mouthSmileRight")),
    Channel("blink", _mean("eyeBlinkLeft", "eyeBlinkRight")),
    Channel("brows up", _mean("browInnerUp", "browOuterUpLeft", "browOuterUpRight")),
    Channel("brows down", _mean("browDownLeft", "browDownRight")),
    Channel("yaw", _turn(1)),
    Channel("pitch", _turn(0)),
    Channel("roll", _turn(2)),
    Channel("pucker and funnel", _mean("mouthPucker", "mouthFunnel"), False),
    Channel("gaze to the side", _gaze(1), False),
    Channel("gaze up and down", _gaze(0), False),
)


def exercise(seed: int, seconds: float = 8.0, fps: Fraction = FPS) -> Motion:
    """Someone who moves everything: jaw, smile, lids, brows, lips, head and eyes, each on its own and at random."""
    rng = np.random.default_rng([seed, 7])
    count = round(seconds * fps)
    t = np.arange(count) / float(fps)

    def pulses(every: float, width: tuple[float, float], height: tuple[float, float]) -> Doubles:
        out, at = np.zeros(count), 0.4 + rng.uniform(0, every)
        while at < seconds:
            wide, high = rng.uniform(*width), rng.uniform(*height)
            out = np.maximum(out, high * np.clip(1 - np.abs(t - at) / wide, 0, 1) ** 2)
            at += wide + rng.uniform(0.5, 1.5) * every
        return out

    def wave(size: float) -> Doubles:
        shape = sum(np.sin(2 * np.pi * (f * t + rng.uniform())) for f in rng.uniform(0.15, 0.7, 3))
        return np.asarray(size * shape / 2)

    smile, up, down = (pulses(1.5, (0.6, 1.2), (0.3, 0.9)) for _ in range(3))
    blink, jaw = pulses(1.8, (0.12, 0.18), (1.0, 1.0)), pulses(0.5, (0.2, 0.5), (0.1, 0.6))
    down = np.where(up > 0, 0, down)
    side, low = wave(0.2), wave(0.1)
    eyes = np.stack([low, side, 0 * side], axis=1)
    return Motion.of(
        fps, clamp=True, jawOpen=jaw, mouthSmileLeft=smile, mouthSmileRight=smile, eyeBlinkLeft=blink,
        eyeBlinkRight=blink, browInnerUp=up, browOuterUpLeft=up, browOuterUpRight=up, browDownLeft=down,
        browDownRight=down, mouthPucker=np.where(smile > 0.05, 0, pulses(1.5, (0.3, 0.6), (0.3, 0.9))),
        head=np.stack([wave(0.12), wave(0.25), wave(0.12)], axis=1), eye_left=eyes, eye_right=eyes,
    )  # fmt: skip


def speech(seed: int, fps: Fraction = FPS) -> Motion:
    """Someone who speaks with the built-in voice, with blinks, glances and gestures."""
    from vultus.drivers.speech import drive
    from vultus.lab.bench import SENTENCE
    from vultus.voices import formant

    samples, _ = formant.speak(SENTENCE, rate=16000)
    return concatenate(list(drive([samples], text=SENTENCE, seed=seed, fps=fps)))


def tracked(head: PersonHead, motion: Motion, tracker: Tracker) -> Motion:
    """What the tracker makes of pictures of *motion*."""
    seen = observe(head.frames([motion]), motion.fps, tracker=tracker)
    if not seen.takes:
        return Motion.neutral(len(motion), motion.fps)
    return max(seen.takes, key=lambda take: len(take.readings)).motion(len(motion), motion.fps)


def compare(truth: Doubles, read: Doubles) -> tuple[float, float, float]:
    """Correlation of *read* with *truth*, both [T], its gain (slope of the regression on the truth), and by how many
    frames it comes late, to a fraction, from the cross-correlation."""
    a, b = truth - truth.mean(), read - read.mean()
    if a @ a < 1e-9 or b @ b < 1e-12:
        return 0.0, 0.0, 0.0
    inner = a[_LAGS : len(a) - _LAGS]
    moved = [b[_LAGS + lag : len(b) - _LAGS + lag] for lag in range(-_LAGS, _LAGS + 1)]
    scores = np.array([np.corrcoef(inner, other)[0, 1] if np.ptp(other) > 0 else 0.0 for other in moved])
    best = int(np.clip(scores.argmax(), 1, 2 * _LAGS - 1))
    left, top, right = scores[best - 1 : best + 2]
    bend = left - 2 * top + right
    lag = best - _LAGS + (0.5 * (left - right) / bend if abs(bend) > 1e-12 else 0.0)
    return float(a @ b / np.sqrt((a @ a) * (b @ b))), float(a @ b / (a @ a)), float(lag)


def read_back(people: tuple[int, ...], size: int = 256) -> dict[str, list[tuple[float, float, float]]]:
    """Correlation, gain and lag of each channel for each of *people* (seeds), by the channel's name."""
    tracker = Tracker()
    out: dict[str, list[tuple[float, float, float]]] = {channel.name: [] for channel in CHANNELS}
    for i, seed in enumerate(people):
        head = PersonHead(f"person:{seed}", size=(size, size), light=LIGHTS[i % len(LIGHTS)])
        truth = concatenate([exercise(seed), speech(seed)])
        found = tracked(head, truth, tracker)
        for channel in CHANNELS:
            seen = np.ones(len(truth), bool) if channel.bound else found.valid[:, ch.INDEX["eyeLeftRotationX"]]
            a, b = channel.of(truth), channel.of(found)
            a, b = np.where(seen, a, 0), np.where(seen, b, 0)
            out[channel.name].append(compare(a, b))
    return out


def figures(quick: bool) -> Iterator[Figure]:
    """Every figure of the tracker, over people who were not learned from."""
    people = PEOPLE[: 2 if quick else None]
    for name, values in read_back(people).items():
        bound = next(channel.bound for channel in CHANNELS if channel.name == name)
        correlation, gain, lag = np.median(np.array(values), axis=0)
        yield Figure(f"{name}: correlation", "", float(correlation), None, ">= 0.8" if bound else "")
        yield Figure(f"{name}: gain away from 1", "", abs(float(gain) - 1), None, "<= 0.2" if bound else "")
        yield Figure(f"{name}: late by", "frames", float(lag), None, "<= 1" if bound else "")
    yield from speed(quick)


def speed(quick: bool) -> Iterator[Figure]:
    """Milliseconds of processor time of a frame of 640 x 360 pixels with one face."""
    picture = np.full((360, 640, 3), 110, np.uint8)
    picture[52:308, 200:456] = PersonHead(f"person:{PEOPLE[0]}", size=(256, 256)).frame(
        np.zeros(len(ch.CHANNELS), np.float32)
    )
    watch = Watch()
    spent = []
    for i in range(40 if quick else 160):
        began = time.thread_time()
        found = watch.step(picture, i / 25)
        spent.append(1e3 * (time.thread_time() - began))
    if len(found) != 1:
        return
    yield Figure("one face in 640x360", "ms of processor time", float(np.median(spent[5:])), None, "<= 12")
