"""Batches of pictures of one person: pairs to drive one by the other, and pictures with their neighbours in time.

What is drawn depends on nothing but seed, step and size, and pictures are read when they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.errors import VultusError
from vultus.io.image import planes, square
from vultus.motion import Motion

F32 = NDArray[np.float32]
Extra = Callable[[int, int], F32]
"""Clip and frame -> further channels [C, size, size] of that picture."""


def _frame(clip: Clip, at: int, size: int) -> NDArray[np.uint8]:
    return square(clip.view().stack("frames", at, at + 1)[0], size)


def _checked(clips: Sequence[Clip], least: int) -> list[int]:
    """The numbers of the clips that have *least* frames; VultusError when there is none."""
    fit = [i for i, clip in enumerate(clips) if clip.views and len(clip.view()) >= least]
    if not fit:
        raise VultusError(f"No clip has {least} pictures", "Write the set with --fields frames, or give longer clips")
    return fit


@dataclass(frozen=True, eq=False)
class Pairs:
    """Two pictures of one clip: ``source`` and ``driving``, float32 [B, 3, size, size] in [0, 1].

    Clips are drawn evenly, both frames evenly in them. With *change* half of the pairs are mirrored and each pair gets
    its own brightness and contrast. What *more* gives comes along as ``source_extra`` and ``driving_extra``, mirrored
    with its picture.
    """

    clips: Sequence[Clip]
    size: int
    change: bool = True
    more: Extra | None = None

    def batch(self, step: int, size: int, seed: int) -> dict[str, Any]:
        """Batch *step* of *size* pairs; VultusError when no clip has two pictures."""
        fit = _checked(self.clips, 2)
        rng = np.random.default_rng([seed, step, 0x5A1])
        names = ("source", "driving")
        pictures: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in names}
        added: dict[str, list[F32]] = {f"{name}_extra": [] for name in names if self.more}
        flips, gains = rng.random(size) < 0.5, np.exp(rng.normal(0, 0.08, (size, 1, 1, 1)))
        lifts = rng.normal(0, 0.03, (size, 1, 1, 1))
        for i in range(size):
            number = fit[int(rng.integers(len(fit)))]
            turn = slice(None, None, -1 if self.change and flips[i] else 1)
            for name, at in zip(names, rng.choice(len(self.clips[number].view()), 2, replace=False), strict=True):
                pictures[name].append(_frame(self.clips[number], int(at), self.size)[:, turn])
                if self.more:
                    added[f"{name}_extra"].append(self.more(number, int(at))[..., turn])
        out: dict[str, Any] = {name: planes(some) for name, some in pictures.items()}
        if self.change:
            out = {k: np.clip((v - 0.5) * gains + 0.5 + lifts, 0, 1).astype(np.float32) for k, v in out.items()}
        return out | {name: np.ascontiguousarray(np.stack(some), np.float32) for name, some in added.items()}


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Pictures with those *apart* frames before and after: ``target``, ``before`` and ``after`` [B, 3, size, size].

    Where clips have a Motion, only moments count whose head turns by at least *turn* radians between the two, as long
    as there are any: where nothing but lips move, pictures say nothing about depth. With *strangers* the neighbours are
    those of other pictures of the batch, a control from which nothing can be learned.
    """

    clips: Sequence[Clip]
    size: int
    apart: int = 1
    turn: float = 0.035
    strangers: bool = False

    def batch(self, step: int, size: int, seed: int) -> dict[str, Any]:
        """Batch *step* of *size* pictures; VultusError when no clip is long enough."""
        fit = _checked(self.clips, 2 * self.apart + 1)
        rng = np.random.default_rng([seed, step, 0x7B3])
        names = {"before": -self.apart, "target": 0, "after": self.apart}
        out: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in names}
        for _ in range(size):
            clip = self.clips[fit[int(rng.integers(len(fit)))]]
            places = moving(clip.motion, len(clip.view()), self.apart, self.turn)
            at, turn = int(places[rng.integers(len(places))]), slice(None, None, int(rng.choice((-1, 1))))
            for name, shift in names.items():
                out[name].append(_frame(clip, at + shift, self.size)[:, turn])
        if self.strangers:
            out = {
                name: [*some[shift:], *some[:shift]] for (name, some), shift in zip(out.items(), (1, 0, 2), strict=True)
            }
        return {name: planes(pictures) for name, pictures in out.items()}


def moving(motion: Motion | None, count: int, apart: int, turn: float) -> NDArray[np.intp]:
    """The frames of *count* that have neighbours *apart*, and of them those where the head turns by *turn* radians."""
    from vultus import channels as ch

    places = np.arange(apart, count - apart)
    if motion is None:
        return places
    pose = motion.data[:, ch.HEAD] + motion.data[:, ch.NECK]
    rows = np.minimum(places[:, None] + (-apart, apart), len(motion) - 1)
    far = np.linalg.norm(pose[rows[:, 1]] - pose[rows[:, 0]], axis=1) >= turn
    return places[far] if far.any() else places
