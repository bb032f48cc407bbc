"""How one person articulates the same sounds otherwise than another does, and never twice quite alike.

The variation works inside the articulation: on targets, on their times and on how far they reach into their
neighbours. Contacts (lip seals, lip bites) keep their times and their depth whatever the manner.

Sources: B. Lindblom, "Explaining phonetic variation: a sketch of the H&H theory" (1990), for how much speakers reduce;
O. Hughes and J. Abbs, "Labial-mandibular coordination in the production of speech" (1976), for lips and jaw that stand
in for one another; R. Graves, H. Goodglass and T. Landis, "Mouth asymmetry during spontaneous speech" (1982), for
mouths that open more on one side; H. Yehia, P. Rubin and E. Vatikiotis-Bateson, "Quantitative association of
vocal-tract and facial behavior" (1998), for the tie of loudness and pitch to the face.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.channels import INDEX
from vultus.errors import VultusError

Array = NDArray[np.float64]
Bits = NDArray[np.uint64]

RANGES: Final[dict[str, tuple[float, float]]] = {
    "mouth_side": (-0.6, 0.6), "smile_side": (-0.6, 0.6), "brow_side": (-0.6, 0.6), "jaw": (-0.6, 0.6),
    "upper_lip": (-0.6, 0.6), "jitter": (0.0, 0.03), "unevenness": (0.0, 0.3), "spread": (0.6, 1.6),
    "rounding": (0.5, 1.6), "loud_jaw": (0.0, 3.0), "pitch_jaw": (0.0, 1.0), "pitch_brows": (0.0, 1.0),
}  # fmt: skip
"""What each field of a :class:`Manner` may be."""


@dataclass(frozen=True)
class Manner:
    """One way to articulate; the defaults change nothing.

    * ``mouth_side``, ``smile_side``, ``brow_side``: how much stronger the person's left side moves in speech, in
      smiles and with the brows; at 0.2 the left moves by 1.2 and the right by 0.8. Negative for the right.
    * ``jaw``: how much of the opening the jaw takes over from the lips; at 0.3 the jaw opens 1.3 times as far and the
      lips 0.7 times.
    * ``upper_lip``: how much of the lips' opening the upper one takes over from the lower.
    * ``rounding``: factor on how far the lips round and come forward.
    * ``jitter``: standard deviation in seconds by which the borders between targets come early or late.
    * ``unevenness``: standard deviation of the logarithm of how far each single sound is reached.
    * ``spread``: factor on the time over which sounds colour their neighbours.
    * ``loud_jaw``: factor on how loudness opens jaw and lips. ``pitch_jaw``: share by which an octave above the usual
      pitch opens the jaw further. ``pitch_brows``: how far half an octave above the usual raises the brows.

    Raises :class:`VultusError` for values outside of :data:`RANGES`.
    """

    mouth_side: float = 0.0
    smile_side: float = 0.0
    brow_side: float = 0.0
    jaw: float = 0.0
    upper_lip: float = 0.0
    rounding: float = 1.0
    jitter: float = 0.0
    unevenness: float = 0.0
    spread: float = 1.0
    loud_jaw: float = 1.0
    pitch_jaw: float = 0.0
    pitch_brows: float = 0.0

    def __post_init__(self) -> None:
        """Check every field."""
        for field in fields(self):
            low, high = RANGES[field.name]
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or not low <= value <= high:
                raise VultusError(f"The manner {field.name} is {value!r}", f"Give a number from {low} to {high}")


PLAIN: Final = Manner()
"""The manner that changes nothing."""


def lean(data: Array, control: str, side: float) -> None:
    """Let a pair of channels (``mouthSmile``) of [T, 69] move more on one side, in place; *side* as in a manner."""
    if side:
        left, right = INDEX[control + "Left"], INDEX[control + "Right"]
        data[:, left], data[:, right] = np.minimum(data[:, left] * (1 + side), 1), data[:, right] * (1 - side)
        data[:, right] = np.minimum(data[:, right], 1)


def strays(times: ArrayLike, seed: int, count: int = 1) -> Array:
    """Normal numbers within [-2.5, 2.5] that depend on nothing but a time and a seed: [N] seconds -> [N, count].

    So a sound strays alike whatever was heard before it and however its speech was cut. The hash is splitmix64
    (G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    keys = np.round(np.asarray(times, np.float64) * 1e6).astype(np.int64).view(np.uint64)[:, None]
    salt = np.arange(2 * count, dtype=np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) & 0xFFFFFFFFFFFFFFFF)
    chance = ((_mixed(_mixed(keys) + _mixed(salt)) >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    radius, angle = chance[:, :count], chance[:, count:]
    return np.clip(np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle), -2.5, 2.5)


def _mixed(z: Bits) -> Bits:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
