"""Whether head, eyes and brows of the learned driver move as people's do, over a long stream of speech.

They are compared with the truth of the stage; blinks come 17 times a minute at rest and 26 times in conversation
(A. Bentivoglio et al., 1997). Motion that repeats itself would show as a peak of its autocorrelation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers import learned
from vultus.lab.bench import Figure
from vultus.motion import Motion
from vultus.signals.features import RATE

Doubles = NDArray[np.float64]
FPS: Final = 25
CLIPS: Final = 10
_SHIFT: Final = 2.0  # degrees between two frames from which on the eyes have shifted
_LAGS: Final = (2.0, 30.0)  # seconds in which a period is looked for
_BROW: Final = 0.1


def figures(seconds: float, step: Callable[[], None]) -> Iterator[Figure]:
    """The driver's motion for *seconds* of speech beside that of the stage's clips."""
    from vultus.lab import speech_figures

    clips = [speech_figures.heard(clip) for clip in speech_figures.drawn(77, CLIPS)]
    step()
    true = summary([motion for _, motion in clips])
    motions = learned.drive(_stream([sound for sound, _ in clips], seconds), fps=FPS, seed=3)
    rows = np.concatenate([_rows(motion) for motion in motions])
    step()
    made = _summary([rows])
    for name, unit in (
        ("blinks", "a minute"), ("gaze shifts", "a minute"), ("head speed", "degrees/s"), ("brow raises", "a minute")
    ):  # fmt: skip
        yield Figure(f"{name}: stage", unit, true[name])
        yield Figure(f"{name}: learned", unit, made[name])
    yield Figure("autocorrelation of head pitch and yaw, highest from 2 to 30 s", "", peak(rows[:, 3:5]))
    yield Figure(f"drift of head and eyes in {seconds / 60:.0f} minutes", "degrees", drift(rows[:, :6]), target="<= 1")


def _stream(sounds: Sequence[NDArray[np.float32]], seconds: float) -> Iterator[NDArray[np.float32]]:
    """The sounds in an order that never repeats, with pauses of other lengths between, for so many *seconds*."""
    rng, left = np.random.default_rng(5), int(seconds * RATE)
    while left > 0:
        piece = np.concatenate([sounds[int(rng.integers(len(sounds)))], np.zeros(int(rng.uniform(0.2, 2) * RATE))])
        yield piece[:left].astype(np.float32)
        left -= len(piece)


def _rows(motion: Motion) -> Doubles:
    """Rotations of eyes, and of neck and head together, in degrees, then brow and lid: [T, 8]."""
    turns = np.degrees(np.concatenate([motion.eye_left, motion.neck + motion.head], axis=1, dtype=np.float64))
    return np.column_stack([turns, motion["browOuterUpLeft"], motion["eyeBlinkLeft"]])


def summary(motions: Sequence[Motion]) -> dict[str, float]:
    """How often lids, eyes and brows move, a minute, and how fast the head does, degrees a second."""
    return _summary([_rows(motion) for motion in motions])


def _summary(clips: Sequence[Doubles]) -> dict[str, float]:
    """The same for rows [T, 8]: eyes, head, brow and lid."""
    minutes = sum(map(len, clips)) / FPS / 60

    def onsets(on: Callable[[Doubles], NDArray[np.bool_]]) -> float:
        return sum(int((np.diff(on(c).astype(np.int8)) == 1).sum()) for c in clips) / minutes

    speed = np.concatenate([np.linalg.norm(np.diff(c[:, 3:6], axis=0), axis=1) for c in clips])
    return {
        "blinks": onsets(lambda c: c[:, 7] > 0.4),
        "gaze shifts": onsets(lambda c: np.linalg.norm(np.diff(c[:, :3], axis=0), axis=1) > _SHIFT),
        "head speed": float(speed.mean() * FPS),
        "brow raises": onsets(lambda c: c[:, 6] > _BROW),
    }


def peak(curves: Doubles) -> float:
    """The highest autocorrelation of any column of [T, C] at lags of 2 to 30 s: 1 is a perfect period."""
    x = curves - curves.mean(axis=0)
    spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
    own = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: len(x)]
    first, last = (min(int(lag * FPS), len(x) // 2) for lag in _LAGS)
    share = own[first:last] / np.maximum(own[:1], 1e-12) * len(x) / (len(x) - np.arange(first, last))[:, None]
    return float(share.max())


def drift(turns: Doubles) -> float:
    """How far the means of the first and the last fifth of [T, C] are apart, the largest of the columns."""
    fifth = max(len(turns) // 5, 1)
    return float(np.abs(turns[:fifth].mean(axis=0) - turns[-fifth:].mean(axis=0)).max())
