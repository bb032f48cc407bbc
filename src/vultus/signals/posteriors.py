"""Phone posteriors from sound alone, streaming: our own acoustic front end.

A causal network (``vultus.lab.phone_net``) reads log-mel at 100 frames a second and says which phone was heard
``DELAY`` frames ago, so that nothing later than that decides a frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.phones import ARPABET

Float = NDArray[np.float32]
DELAY: Final = 14
"""Frames of 10 ms by which the network's answers are late."""


@lru_cache(maxsize=1)
def _net() -> Any:
    from vultus.nets.run import load

    return load("phones")


def _softmax(logits: Float) -> Float:
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)


def posteriors(mel: NDArray[Any]) -> Float:
    """Log-mel [T, 80] as ``signals.features`` gives it -> probabilities [T, 40] of ``phones.ARPABET``."""
    stream = PosteriorStream()
    return np.concatenate([stream.push(mel), stream.finish()])


class PosteriorStream:
    """The same for log-mel that comes in chunks; frames come ``DELAY`` frames late, and none depends on the chunks."""

    def __init__(self) -> None:
        """Start with an empty past. VultusError when onnxruntime is not installed."""
        from vultus.nets.run import Stream

        self._stream = Stream(_net())
        self._skip = DELAY
        self._last: Float | None = None

    def push(self, mel: NDArray[Any]) -> Float:
        """The next frames of log-mel [T, 80] -> the probabilities [N, 40] that are ready, at first none."""
        x = np.asarray(mel, np.float32)
        if not len(x):
            return np.zeros((0, len(ARPABET)), np.float32)
        self._last = x[-1:]
        odds = _softmax(self._stream.push(mel=x[None])["logits"][0])
        skipped = min(self._skip, len(odds))
        self._skip -= skipped
        return odds[skipped:]

    def finish(self) -> Float:
        """The last ``DELAY`` frames, as if the last one were held."""
        if self._last is None:
            return np.zeros((0, len(ARPABET)), np.float32)
        return self.push(np.repeat(self._last, DELAY, axis=0))
