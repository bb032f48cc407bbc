"""From an identity to weights of the pack's shapes, and to the shape at rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.attributes import SIDES
from vultus.person.draws import ANCESTRIES
from vultus.person.identity import Identity
from vultus.person.individual import departure
from vultus.person.pack import Floats, Pack

YOUNG, OLD = 25.0, 90.0  # years that MakeHuman's shapes "young" and "old" stand for


def _around_average(value: float) -> tuple[float, float, float]:
    """Weights of minimum, average and maximum at *value* in [0, 1], linear between them."""
    return max(1 - 2 * value, 0.0), 1 - abs(2 * value - 1), max(2 * value - 1, 0.0)


def phenotype_factors(identity: Identity) -> dict[str, float]:
    """MakeHuman's factors of a person, by the names in ``Pack.factors``.

    Younger than 25 continues the line from old to young a little; height and proportions count from their middle.
    """
    old = (identity.age - YOUNG) / (OLD - YOUNG)
    factors = {"male": 1 - identity.gender, "female": identity.gender, "young": 1 - old, "old": old}
    for name in ("muscle", "weight"):
        low, middle, high = _around_average(getattr(identity, name))
        factors |= {f"min{name}": low, f"average{name}": middle, f"max{name}": high}
    factors |= {name: getattr(identity, name) - 0.5 for name in ("height", "proportions")}
    return factors | {name: getattr(identity, name) for name in ANCESTRIES}


def phenotype_weights(pack: Pack, identity: Identity) -> NDArray[np.float64]:
    """Weights [S] of ``pack.phenotype``: products of the factors of each shape."""
    factors = phenotype_factors(identity)
    values = np.array([factors[name] for name in pack.factors])
    return np.where(pack.phenotype_factors, values, 1.0).prod(axis=1)


def local_weights(pack: Pack, identity: Identity) -> NDArray[np.float64]:
    """Weights [S] >= 0 of ``pack.local``, whose shapes are named ``attribute+`` and ``attribute-``."""
    sums: dict[str, float] = {}
    singles = set(pack.local.names)
    for name, value in identity.shape:
        for single in (name,) if f"{name}+" in singles else tuple(side + name for side in SIDES):
            sums[single] = sums.get(single, 0.0) + value
    return np.array([max(sums.get(name[:-1], 0.0) * (1 if name[-1] == "+" else -1), 0.0) for name in pack.local.names])


def rest(pack: Pack, identity: Identity, vertices: int) -> tuple[Floats, Floats]:
    """The person at rest in the template's frame: the first *vertices* vertices [V, 3] and the joints [J, 3]."""
    body, body_joints = pack.phenotype.combine(phenotype_weights(pack, identity), vertices)
    face, face_joints = pack.local.combine(local_weights(pack, identity), vertices)
    shape = pack.template[:vertices] + body + face
    if identity.own_shape:
        shape = shape + np.float32(identity.own_shape) * departure(pack, identity.seed, vertices)
    return shape, pack.joint_template + body_joints + face_joints
