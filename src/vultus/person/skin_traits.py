"""How one person's skin differs from another's of the same age and tone, as numbers for the painter.

Wrinkles come early or late and each at its own place; lids fold high, low or not at all; some have shade around the
eyes, some patches, marks or melasma. What is rare is rare here: most of these are none for most people.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person import draws
from vultus.person.identity import Identity

F64 = NDArray[np.float64]

LINES: Final = ("forehead", "crow's feet", "frown", "folds", "bags", "pleats")
"""Lines that deepen each in its own measure, in the order of ``pigment.FOREHEAD`` and those after it."""


def make_up(identity: Identity) -> F64:
    """What a person wears, each in [0, 1]: colour on lips and lids, eyeliner, rouge. Many wear none."""
    seed, female = identity.seed, float(np.clip(identity.gender * 1.2 - 0.2, 0, 1))
    level = draws.uniform(seed, "make-up")
    face = 0.15 * level / 0.35 if level < 0.35 else (0.25 + 0.4 * (level - 0.35) / 0.4 if level < 0.75 else 0.9)
    own = [draws.uniform(seed, f"make-up {part}") for part in ("liner", "rouge")]
    liner = max(0.0, own[0] - 0.45) / 0.55 if level > 0.35 else 0.0
    rouge = 0.9 * own[1] ** 2 if level > 0.35 else 0.0
    return female * np.array([face, liner, rouge])


def _lid_crease(identity: Identity) -> tuple[float, float]:
    """Depth in [0, 1] and height in metres of the upper lid's crease; half of East Asian lids have none."""
    seed, age = identity.seed, float(np.clip((identity.age - 45) / 35, 0, 1))
    flat = draws.uniform(seed, "lid crease") < 0.55 * identity.asian
    depth = 0.0 if flat else draws.between(seed, "lid crease depth", 0.35, 1.0)
    low, high = 0.0085, 0.0118
    height = draws.between(seed, "lid crease height", low - 0.0006 * identity.asian, high - 0.0022 * identity.asian)
    return depth * (1 - 0.3 * age), height - 0.0006 * age


def skin_traits(identity: Identity) -> F64:
    """The painter's numbers from ``pigment.FOREHEAD`` to ``pigment.MOUTH_TONE``, [17]."""
    seed, tone = identity.seed, identity.skin_tone

    def rare(name: str, share: float) -> float:
        """0 for all but *share* of the people, in [0.3, 1] for them."""
        return draws.between(seed, name, 0.3, 1.0) if draws.uniform(seed, f"has {name}") < share else 0.0

    lines = [float(np.exp(draws.gauss(seed, f"{name} lines", 0.5))) for name in LINES]
    # Shade around the eyes is common in the middle of the scale of skins.
    shaded = 0.25 + 0.45 * (1 - abs(tone - 0.55) / 0.55)
    orbit = min(1.0, 0.30 * draws.uniform(seed, "tired") + rare("shade around eyes", shaded) * 0.85)
    mottle = min(2.0, float(np.exp(draws.gauss(seed, "mottle", 0.42))) * (1 + 0.3 * identity.age / 80))
    young = float(np.clip((48 - identity.age) / 22, 0.15, 1))
    marks = rare("marks", 0.42 * young)
    middle = 1 - abs(tone - 0.45) / 0.45
    fertile = float(np.clip(1 - abs(identity.age - 42) / 24, 0, 1)) * identity.gender
    melasma = rare("melasma", 0.55 * fertile * max(0.0, middle)) * 0.75 * max(0.0, middle)
    # Dark skins differ more within one face than pale ones.
    zones = [draws.gauss(seed, f"{part} tone", 0.30 + 0.35 * tone) for part in ("forehead", "cheeks", "mouth")]
    _, liner, rouge = make_up(identity)
    crease, height = _lid_crease(identity)
    return np.array([
        *lines, crease, height, orbit, mottle, marks, melasma, liner, rouge, *np.clip(zones, -1, 1)
    ])  # fmt: skip
