"""From how likely each phone is, frame by frame, to phones with a beginning and an end.

The likeliest path through all frames (A. Viterbi, "Error bounds for convolutional codes", 1967), where a change of
phone costs what English makes of it: how likely the next phone is after the last two, as pocketsphinx' model of phones
has it, which was made from English text. What a network finds likely because it is common counts less, so that it is
not counted twice (H. Bourlard and N. Morgan, "Connectionist speech recognition", 1994).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vultus.signals import sphinx
from vultus.signals.features import FEATURE_RATE
from vultus.signals.phones import ARPABET, SILENCE, Phone, from_arpabet
from vultus.signals.pronounce import typical

Float = NDArray[np.float32]

STEP, AHEAD = 50, 30
"""Frames after which phones are decided, and frames after them that are waited for."""
LONGEST: Final = 200
"""Frames that one phone may last before a part of it is decided."""
BEAM: Final = 20.0
"""Nats by which a path may be less likely than the likeliest and still be followed."""
COMMON: Final = 0.4
"""How much of a phone's share of all speech is taken from its odds, as an exponent. Set where voices were left out of
training, whose frames show most right visemes from 0.4 to 0.6."""
_SILENT: Final = 1 / 3  # of all frames
_LEAST: Final = 1e-5  # odds, so that no frame alone forbids a phone


class Speller:
    """Odds of phones that come in chunks -> the phones. Decided at the same places always, so that no phone depends on
    the chunks; a phone that goes on where they are decided waits, so that none comes in two pieces."""

    def __init__(self) -> None:
        """Nothing was heard: silence after silence."""
        count = len(ARPABET)
        self._score = np.full((count, count), -np.inf, np.float32)
        self._score[0, 0] = 0.0
        self._came = np.zeros((0, count, count), np.int8)  # of the undecided frames
        self._decided = self._due = 0  # frames: decided, and after which the next decision is

    def push(self, odds: Float) -> list[tuple[Phone, ...]]:
        """The next odds [N, 40] -> what they decide: runs of phones without gaps."""
        seen = np.log(np.maximum(np.asarray(odds, np.float32), _LEAST)) - COMMON * shares()
        out = []
        while len(seen):
            due = self._due + STEP + AHEAD - self._decided - len(self._came)
            now, seen = seen[:due], seen[due:]
            came = np.empty((len(now), *self._score.shape), np.int8)
            advance(now, self._score, trigrams(), BEAM, came)
            self._came = np.concatenate([self._came, came])
            if len(now) == due:
                self._due += STEP
                if found := self._decide(self._due - self._decided):
                    out.append(found)
        return out

    def finish(self) -> list[tuple[Phone, ...]]:
        """The phones of the frames that are left."""
        path = self._path()
        found = self._phones(path, len(path))
        return [found] if found else []

    def _path(self) -> NDArray[np.intp]:
        """The phone of each undecided frame."""
        path = np.zeros(len(self._came), np.intp)
        before, at = np.unravel_index(int(self._score.argmax()), self._score.shape)
        for i in reversed(range(len(path))):
            path[i] = at
            came = self._came[i, before, at]
            if came >= 0:
                before, at = came, before
        return path

    def _decide(self, count: int) -> tuple[Phone, ...]:
        """The phones that end within the first *count* undecided frames; silence may be cut."""
        path = self._path()
        changes = np.flatnonzero(np.diff(path[: count + 1])) + 1
        end = int(changes[-1]) if len(changes) else 0
        if not path[end : count + 1].any() or count - end >= LONGEST:
            end = count
        return self._phones(path, end)

    def _phones(self, path: NDArray[np.intp], count: int) -> tuple[Phone, ...]:
        first, self._decided = self._decided, self._decided + count
        self._came = self._came[count:].copy()
        edges = [0, *(np.flatnonzero(np.diff(path[:count])) + 1).tolist(), count] if count else []
        return tuple(
            Phone((first + a) / FEATURE_RATE, (first + b) / FEATURE_RATE, _ipa(int(path[a])))
            for a, b in pairwise(edges)
        )


@njit(cache=True, nogil=True)
def advance(seen: Float, score: Float, cost: Float, beam: float, came: NDArray[np.int8]) -> None:
    """Follow every path by some frames.

    *score* [40, 40] says how likely the likeliest path is that ends with each pair of phones, 0 for the best; it is
    brought from before the frames *seen* [N, 40] to after them. *cost* [40, 40, 40] is the log-probability of a phone
    after two. *came* [N, 40, 40] becomes what lay before a pair where its second phone begins, -1 where it goes on.
    """
    frames, count = seen.shape
    for t in range(frames):
        new = score.copy()
        came[t] = -1
        for a in range(count):
            for b in range(count):
                if score[a, b] < -beam:
                    continue
                for c in range(count):
                    value = score[a, b] + cost[a, b, c]
                    if c != b and value > new[b, c]:
                        new[b, c], came[t, b, c] = value, a
        best = np.float32(-np.inf)
        for b in range(count):
            for c in range(count):
                new[b, c] += seen[t, c]
                best = max(best, new[b, c])
        score[:] = new - best


@lru_cache(maxsize=1)
def trigrams() -> Float:
    """Log-probabilities [40, 40, 40] of a phone (last axis) after two others."""
    return sphinx.phone_grams(ARPABET, 3)


@lru_cache(maxsize=1)
def shares() -> Float:
    """Logarithms of the shares [40] that phones have of the time in which people speak and pause."""
    lasts = np.array([0.0 if name == "SIL" else typical(name) for name in ARPABET])
    share = np.exp(sphinx.phone_grams(ARPABET, 1)) * lasts
    share *= (1 - _SILENT) / share.sum()
    share[0] = _SILENT
    return np.log(share).astype(np.float32)


@lru_cache(maxsize=len(ARPABET))
def _ipa(phone: int) -> str:
    return from_arpabet(ARPABET[phone])[0] if phone else SILENCE
