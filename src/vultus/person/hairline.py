"""Where hair grows: the edge of the scalp hair and of the beard, for the painter and for strands alike.

Coordinates are the painter's: metres on the template, x to the person's left, y up, z to the front.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.identity import Identity
from vultus.person.jit import inner
from vultus.person.noise import curve, fast, step, value
from vultus.person.pigment import MOUTH_Y, bell

F64 = NDArray[np.float64]

# Entries of the vector that `growth` makes.
LINE, RECEDE, CROWN, ROOTS, SIDES, MOUSTACHE, CHIN, JAW, SPRINKLE, PART, BURNS = range(11)

# The edge of the hair above or below the hairline at the forehead, by the angle from there to the nape.
_TURN = np.radians(np.array([0.0, 18, 32, 46, 57, 66, 76, 100, 112, 122, 142, 180]))
_EDGE = np.array([0.0, 0.0, -0.005, -0.022, -0.046, -0.061, -0.066, -0.068, -0.106, -0.127, -0.140, -0.144])
_BURN, _BURN_HALF, _BURN_END = np.radians(74.0), 0.0100, -0.107  # sideburns: angle, half width, lower end

# Painted strength of the roots on top and at the sides. Long hair covers them anyway; cropped sides are mostly paint.
_PAINTED: Final[dict[str, tuple[float, float]]] = {
    "bald": (0.0, 0.0), "balding": (0.85, 0.95), "buzz": (0.985, 0.985), "undercut": (0.95, 0.85),
}  # fmt: skip
_BEARDS: Final[dict[str, tuple[float, float, float]]] = {
    "moustache": (1.0, 0.0, 0.0), "goatee": (0.9, 1.0, 0.0), "short_beard": (0.85, 1.0, 1.0),
    "full_beard": (1.0, 1.0, 1.0),
}  # fmt: skip


def growth(identity: Identity) -> F64:
    """Where and how densely hair grows on a person, [11].

    Height of the hairline at the forehead in metres (0: no hair), how far the temples recede in metres, how thin the
    crown is in [0, 1], painted strength of roots on top and at the sides, density of moustache, chin and jaw hair,
    each in [0, 1], a seed for the irregular edge, the painter x of the parting (9 without one),
    and how much higher than a man's the sideburns end, in metres.
    """
    rng = np.random.default_rng([identity.seed, 20])
    height, retreat, thin = rng.normal(), rng.uniform(), rng.uniform()
    male = 1 - identity.gender
    age = float(np.clip((identity.age - 25) / 50, 0, 1))
    line = 0.800 + 0.0048 * float(np.clip(height, -1.6, 1.6)) + 0.006 * age * male
    recede = -0.003 + male * (0.007 + 0.026 * age * (0.3 + 0.7 * retreat))
    crown = male * max(0.0, age - 0.35) * 0.55 * thin
    if identity.hair == "balding":
        line, recede, crown = line + 0.012, max(recede, 0.030), 0.90 + 0.08 * thin
    top, sides = _PAINTED.get(identity.hair, (0.98, 0.98))
    if identity.hair == "bald":
        line = 0.0
    beard = _BEARDS.get(identity.beard, (0.0, 0.0, 0.0))
    part = parting(identity)
    burns = (0.0 if beard[2] > 0 else 0.018) * male + 0.034 * identity.gender
    edge = [identity.seed % 100_000, 9.0 if part is None else part, burns]
    return np.array([line, recede, crown, top, sides, *beard, *edge])


def parting(identity: Identity) -> float | None:
    """Where hair is parted, painter x in metres; None for styles without a parting."""
    draw = np.random.default_rng([identity.seed, 21])
    side, where = (1.0 if draw.uniform() < 0.6 else -1.0), draw.uniform()
    if identity.hair in ("side_part",):
        return side * (0.028 + 0.008 * where)
    if identity.hair in ("bob", "long_straight", "long_wavy"):
        return 0.0 if where < 0.4 else side * (0.012 + 0.022 * (where - 0.4))
    return 0.0 if identity.hair == "braids" else None


@fast
def hairline(x: float, y: float, z: float, hairs: np.ndarray) -> float:
    """How far inside the hair's edge a point lies, in metres; negative outside."""
    ax = abs(x)
    turn = np.arctan2(ax, z - 0.05)
    slope = (curve(turn + 0.02, _TURN, _EDGE) - curve(turn - 0.02, _TURN, _EDGE)) / (0.04 * 0.085)
    edge = hairs[LINE] + curve(turn, _TURN, _EDGE)
    edge += hairs[RECEDE] * (bell(turn - 0.60, 0.30) + 0.30 * bell(turn, 0.35))
    seed = int(hairs[SPRINKLE])
    edge += 0.0020 * value(28 * x, 0.0, 28 * z, seed + 3) + 0.0008 * value(85 * x, 0.0, 85 * z, seed + 5)
    above = (y - edge) / np.sqrt(1 + slope * slope)
    burn = min(_BURN_HALF - 0.085 * abs(turn - _BURN), y - hairs[LINE] - _BURN_END - hairs[BURNS])
    above = max(above, min(burn, hairs[LINE] - 0.045 - y))
    if ax > 0.05:
        # The root of the ear stays free.
        above = min(above, 0.022 * (np.sqrt(((z - 0.050) / 0.0145) ** 2 + ((y - 0.706) / 0.032) ** 2) - 1))
    return above


@inner
def scalp_density(x: float, y: float, z: float, hairs: np.ndarray) -> float:
    """Density of scalp hair in [0, 1]: fades in over a centimetre behind the edge, thin where the crown is."""
    if hairs[LINE] <= 0:
        return 0.0
    above = hairline(x, y, z, hairs)
    if above < -0.008:
        return 0.0
    ragged = 0.0022 * value(210 * x, 210 * y, 210 * z, int(hairs[SPRINKLE]) + 7)
    dense = step(above + ragged, -0.004, 0.010)
    seed = int(hairs[SPRINKLE])
    edge = y - 0.010 * step(z, 0.03, -0.03) + 0.007 * value(45 * x, 45 * y, 45 * z, seed + 13)
    top = step(edge, 0.764, 0.812) * step(z, -0.045, -0.010)
    return dense * max(0.0, 1 - hairs[CROWN] * top)


@inner
def _whiskers(x: float, y: float, z: float, lip: float) -> tuple[float, float, float]:
    """Densities of moustache, chin and jaw hair at a point, whoever the person is; *lip* in [0, 1] is free."""
    ax = abs(x)
    free = step(lip, 0.25, 0.03)
    above = y - MOUTH_Y
    moustache = step(z, 0.125, 0.135) * step(ax, 0.037, 0.030) * step(y, 0.6815 - 0.16 * ax, 0.6775 - 0.20 * ax)
    moustache *= step(above, -0.010, -0.002) * (1 - 0.35 * bell(ax, 0.0035))
    # From the corners of the mouth it runs down to the chin.
    corner = bell(ax - 0.031, 0.008) * step(above, 0.012, 0.002) * step(y, 0.628, 0.645) * step(z, 0.105, 0.118)
    under = step(above, -0.003, -0.008)
    gap = 0.55 * bell(ax - 0.017, 0.007) * bell(y - 0.648, 0.006)  # beside the tuft under the lip
    chin = under * step(ax, 0.031, 0.021) * step(z, 0.098, 0.112) * (1 - gap)
    chin = max(chin, corner)
    edge = 0.664
    if z < 0.125:
        edge = 0.664 + 0.030 * step(z, 0.122, 0.080) ** 1.3 + 0.030 * step(z, 0.083, 0.072)
    jaw = step(y, edge + 0.006, edge - 0.004) * step(z, 0.057, 0.066) * step(y, 0.598, 0.612)
    jaw *= step(z, 0.052 + 0.9 * max(0.0, 0.640 - y), 0.062 + 0.9 * max(0.0, 0.640 - y))
    if ax < 0.034 and z > 0.10:
        jaw *= under
    return moustache * free, chin * free, jaw * free


@inner
def beard_density(x: float, y: float, z: float, lip: float, hairs: np.ndarray) -> float:
    """Density of the beard's hair in [0, 1]; 0 for people without a beard."""
    moustache, chin, jaw = _whiskers(x, y, z, lip)
    dense = max(max(hairs[MOUSTACHE] * moustache, hairs[CHIN] * chin), hairs[JAW] * jaw)
    return dense * (1 + 0.25 * value(140 * x, 140 * y, 140 * z, int(hairs[SPRINKLE]) + 11)) / 1.25


@inner
def stubble_density(x: float, y: float, z: float, lip: float) -> float:
    """Where stubble grows, in [0, 1]: as a full beard, softer."""
    moustache, chin, jaw = _whiskers(x, y, z, lip)
    return max(max(0.95 * moustache, chin), 0.85 * jaw)


@fast
def scalp_densities(places: np.ndarray, hairs: np.ndarray) -> np.ndarray:
    """:func:`scalp_density` at painter coordinates [N, 3] -> [N]."""
    out = np.empty(places.shape[0])
    for n in range(places.shape[0]):
        out[n] = scalp_density(places[n, 0], places[n, 1], places[n, 2], hairs)
    return out


@fast
def beard_densities(places: np.ndarray, lips: np.ndarray, hairs: np.ndarray) -> np.ndarray:
    """:func:`beard_density` at painter coordinates [N, 3] where *lips* [N] is the share of lip -> [N]."""
    out = np.empty(places.shape[0])
    for n in range(places.shape[0]):
        out[n] = beard_density(places[n, 0], places[n, 1], places[n, 2], lips[n], hairs)
    return out
