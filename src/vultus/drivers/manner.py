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

from vultus.errors import VultusError

RANGES: Final[dict[str, tuple[float, float]]] = {
    "mouth_side": (-0.6, 0.6), "smile_side": (-0.6, 0.6), "brow_side": (-0.6, 0.6), "jaw": (-0.6, 0.6),
    "upper_lip": (-0.6, 0.6), "jitter": (0.0, 0.03), "unevenness": (0.0, 0.3), "spread": (0.6, 1.6),
    "loud_jaw": (0.0, 3.0), "pitch_jaw": (0.0, 1.0), "pitch_brows": (0.0, 1.0),
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
