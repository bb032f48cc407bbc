"""Random curves over time that can be asked for at any moment, in any order, and are always the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def drift(seed: tuple[int, ...], time: float, rate: float, shape: tuple[int, ...]) -> F64:
    """A smooth random value of *shape* at *time* seconds: mean 0, variance 1, knots *rate* times a second.

    Between knots it follows a cubic B-spline of normal numbers, whose variance is evened out.
    """
    place = time * rate
    knot = int(np.floor(place))
    u = place - knot
    weights = np.array([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    values = [np.random.default_rng([*seed, knot + n + 1_000_000]).standard_normal(shape) for n in range(4)]
    return np.asarray(np.tensordot(weights, values, 1) / np.sqrt((weights**2).sum()))
