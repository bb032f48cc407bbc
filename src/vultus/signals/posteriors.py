"""What is heard, from sound alone and streaming: phone posteriors and what they ask of a mouth.

A causal network (``vultus.lab.speech_driver``) reads log-mel at 100 frames a second and says which phone was heard
``DELAY`` frames ago, and what the mouth did that spoke it. Nothing later than one frame after that decides an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.phones import ARPABET

Float = NDArray[np.float32]
DELAY: Final = 14
"""Frames of 10 ms by which the network's answers are late."""
BLOCK, LONG = 4, 16
"""Frames that are heard at once where answers are wanted soon, and where they are not, which is faster. They begin at
the same places always, so that no bit of an answer depends on the chunks."""


@lru_cache(maxsize=1)
def _net() -> Any:
    from vultus.nets.run import load

    return load("speech")


@dataclass(frozen=True, eq=False)
class Heard:
    """Frames at 100 Hz: ``odds`` float32 [N, 40] of ``phones.ARPABET``, which sum to 1, and ``controls`` float32
    [N, 15] in [0, 1] of ``drivers.targets.CONTROLS``."""

    odds: Float
    controls: Float

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.odds)


def _softmax(logits: Float) -> Float:
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)


def join(parts: list[Heard]) -> Heard:
    """Frames that follow one another as one; at least one part."""
    return Heard(np.concatenate([p.odds for p in parts]), np.concatenate([p.controls for p in parts]))


def listen(mel: NDArray[Any]) -> Heard:
    """Log-mel [T, 80] as ``signals.features`` gives it -> what is heard in these T frames."""
    stream = Listener()
    return join([stream.push(mel), stream.finish()])


class Listener:
    """The same for log-mel that comes in chunks; frames come late, and none depends on the chunks."""

    def __init__(self, block: int = BLOCK) -> None:
        """Start with an empty past; *block* frames are heard at once. VultusError when onnxruntime is not installed."""
        from vultus.nets.run import Stream

        self._block = block
        self._stream = Stream(_net())
        self._skip = DELAY
        self._rest: Float = np.zeros((0, 80), np.float32)
        self._taken = 0
        self._last: Float | None = None

    def push(self, mel: NDArray[Any]) -> Heard:
        """The next frames of log-mel [T, 80] -> the frames that are ready, at first none."""
        x = np.asarray(mel, np.float32)
        if len(x):
            self._last = x[-1:]
            self._taken += len(x)
        return self._push(x)

    def finish(self) -> Heard:
        """The frames that are missing, as if the last one were held."""
        if self._last is None:
            return Heard(np.zeros((0, len(ARPABET)), np.float32), np.zeros((0, 15), np.float32))
        missing = DELAY - self._skip + len(self._rest)
        out = self._push(np.repeat(self._last, DELAY + (-self._taken - DELAY) % self._block, axis=0))
        return Heard(out.odds[:missing], out.controls[:missing])

    def _push(self, x: Float) -> Heard:
        x = np.concatenate([self._rest, x])
        whole = len(x) // self._block * self._block
        self._rest = x[whole:].copy()
        made = [self._stream.push(mel=x[None, i : i + self._block]) for i in range(0, whole, self._block)]
        odds = [_softmax(one["logits"][0]) for one in made] or [np.zeros((0, len(ARPABET)), np.float32)]
        controls = [one["controls"][0] for one in made] or [np.zeros((0, 15), np.float32)]
        out = Heard(np.concatenate(odds), np.concatenate(controls))
        skipped = min(self._skip, len(out))
        self._skip -= skipped
        return Heard(out.odds[skipped:], out.controls[skipped:])
