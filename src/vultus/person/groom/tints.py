"""The colours of single strands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.appearance import linear, palette
from vultus.person.choices import HAIR_COLOURS
from vultus.person.groom.roots import Roots
from vultus.person.identity import Identity
from vultus.person.pigment import HAIR

F64 = NDArray[np.float64]

_WHITE = linear((0.63, 0.62, 0.60))
_OLD = ("grey", "white", "iron")


def tints(identity: Identity, roots: Roots, rng: np.random.Generator, leader: NDArray[np.int64] | None = None) -> F64:
    """Linear RGB of each strand [N, 3]: locks and single hairs vary, age greys the temples first.

    *leader* [N] numbers the lock of each strand; locks share a part of their variation.
    """
    n = len(roots)
    base = palette(identity)[HAIR]
    single = rng.normal(0, 0.16, n)
    lock = rng.normal(0, 0.14, n)
    light = np.exp(single + (lock[leader] if leader is not None else 0.0))
    # Light hair varies in hue as well: some strands are redder, some bleached by the sun.
    warm = rng.normal(0, 0.05, n)
    colour = base * light[:, None] * np.stack([1 + warm, np.ones(n), 1 - 1.4 * warm], 1)
    if identity.hair_colour in _OLD:
        dark = np.clip(linear(HAIR_COLOURS["dark"]) * 1.6 + 0.01, 0, 1)
        share = {"iron": 0.45, "grey": 0.22, "white": 0.05}[identity.hair_colour]
        # The nape and the crown stay dark longest.
        some = rng.uniform(size=n) < share * (1 + np.clip((0.07 - roots.place[:, 2]) / 0.10, -0.6, 0.8))
        return np.where(some[:, None], 0.5 * (dark + colour), colour)
    grey = 0.5 * np.clip((identity.age - 38) / 40, 0, 1) ** 1.5
    temple = np.exp(-(((roots.place[:, 2] - 0.085) / 0.035) ** 2)) * np.clip((0.80 - roots.place[:, 1]) / 0.03, 0, 1)
    some = rng.uniform(size=n) < grey * (0.45 + 1.4 * temple)
    # A drawn strand stands for a small clump, and few of a clump are grey.
    return np.where(some[:, None], 0.07 * _WHITE + 0.93 * colour, colour)
