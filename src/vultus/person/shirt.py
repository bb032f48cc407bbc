"""Keep the shirt outside the neck, whatever the neck's shape."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.pack import Floats, Pack
from vultus.person.speech_fixes import part_vertices

BELOW, ABOVE = 0.42, 0.50
"""Between these heights of the template, in metres, the shirt's own shape gives way to the skin's."""
NEIGHBOURS: Final = 8
CLEARANCE: Final = 0.005
"""Metres that the collar stands off the neck beyond MakeHuman's own distance."""


@lru_cache(maxsize=1)
def _followers(pack: Pack) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Shirt vertices [S] of the collar, the skin vertices [S, 8] nearest to each on the template, weights [S, 8].

    The weights of a vertex sum to how far it follows the skin: 0 on the chest, 1 at the collar.
    """
    template = pack.template.astype(np.float64)
    collar = np.flatnonzero(part_vertices(pack, "shirt", len(template)) & (template[:, 1] > BELOW))
    skin = np.flatnonzero(part_vertices(pack, "skin", len(template)) & (template[:, 1] > BELOW - 0.1))
    a, b = template[collar], template[skin]
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    near = np.sort(np.argpartition(squares, NEIGHBOURS, axis=1)[:, :NEIGHBOURS], axis=1)
    weights = 1 / (np.sqrt(np.maximum(np.take_along_axis(squares, near, 1), 0)) + 0.004) ** 2
    ramp = np.clip((template[collar, 1] - BELOW) / (ABOVE - BELOW), 0, 1)
    weights *= (ramp * ramp * (3 - 2 * ramp) / weights.sum(axis=1))[:, None]
    return collar, skin[near], weights.astype(np.float32)


def fit_collar(pack: Pack, vertices: Floats) -> Floats:
    """The vertices [V, 3] of a person at rest, with a collar that moved from the template as the skin under it did."""
    collar, skin, weights = _followers(pack)
    moved = vertices - pack.template
    fitted = vertices.copy()
    own = (1 - weights.sum(axis=1))[:, None]
    fitted[collar] = pack.template[collar] + own * moved[collar] + (weights[..., None] * moved[skin]).sum(axis=1)
    outward = pack.template[collar] - pack.joint_template[pack.joint_names.index("neck")]
    outward[:, 1] = 0
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    fitted[collar] += CLEARANCE * (1 - own) * outward
    return fitted
