"""Beards and moustaches as strands."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.body import Body
from vultus.person.groom.clear import shortened
from vultus.person.groom.growth import Plan, grow
from vultus.person.groom.roots import Roots
from vultus.person.groom.scalp import smooth
from vultus.person.identity import Identity
from vultus.person.pigment import MOUTH_Y

F64 = NDArray[np.float64]

LENGTHS: Final[dict[str, tuple[float, float]]] = {
    "moustache": (0.011, 0.0), "goatee": (0.009, 0.016), "short_beard": (0.0065, 0.008), "full_beard": (0.012, 0.030),
}  # fmt: skip
"""Lengths in metres of moustache and beard by the identity's beard."""
STRANDS: Final[dict[str, int]] = {"moustache": 650, "goatee": 1300, "short_beard": 3600, "full_beard": 3600}
POINTS: Final = 6


def whiskers(body: Body, roots: Roots, identity: Identity, rng: np.random.Generator) -> F64:
    """Strands [N, POINTS, 3] of the beard that grows from *roots*."""
    x, y, z = roots.place.T
    n = len(roots)
    upper, lower = LENGTHS[identity.beard]
    lip = (y > MOUTH_Y - 0.004) & (np.abs(x) < 0.036)
    grown = rng.uniform(0.85, 1.2)
    # Long at the chin, shorter up the cheeks and under the jaw.
    chin = smooth(z, 0.085, 0.125) * smooth(y, 0.660, 0.640)
    beard = lower * (0.30 + 0.70 * chin) * smooth(y, 0.715, 0.665) * (0.6 + 0.4 * smooth(z, 0.060, 0.080))
    length = grown * np.where(lip, upper * (0.75 + 0.35 * smooth(np.abs(x), 0.004, 0.02)), np.maximum(beard, 0.004))
    length *= rng.uniform(0.65, 1.1, n) * (0.45 + 0.55 * smooth(roots.dense, 0.1, 0.6))
    side = np.where(x >= 0, 1.0, -1.0)
    flow = np.stack([0.35 * side, np.full(n, -1.0), 0.25 * chin + 0.0 * x], 1)
    # The moustache is combed to the sides; hair of the cheeks lies forward and down, that of the neck forward.
    flow[lip] = np.stack([0.9 * np.tanh(x / 0.006), -0.9 - 10 * np.abs(x), 0.1 + 0 * x], 1)[lip]
    cheek = ~lip & (z < 0.115)
    flow[cheek] += np.stack([0.0 * x, 0.0 * x, 0.25 + 0 * x], 1)[cheek]
    neck = ~lip & (y < 0.628)
    flow[neck] = np.stack([0.1 * side, np.full(n, -0.6), np.full(n, 0.8)], 1)[neck]
    flow += rng.normal(0, 0.16, flow.shape)
    normal = roots.normal
    flow -= (flow * normal).sum(1, keepdims=True) * normal
    flow /= np.maximum(np.linalg.norm(flow, axis=1, keepdims=True), 1e-9)
    lift = np.radians(np.where(lip, 24.0, 30.0) + 10 * rng.normal(size=n))[:, None]
    start = np.cos(lift) * flow + np.sin(lift) * normal
    zero = np.zeros(n)
    comb = np.stack([-14.0 * np.where(lip, 0.0, np.tanh(x / 0.02)) * chin, zero, zero], 1)
    volume = np.where(lip, 0.0012, 0.0015 + 0.006 * chin * lower / 0.03 * rng.uniform(size=n))
    plan = Plan(
        start, length, comb, np.full(n, 0.05), np.zeros((n, 3)), zero, np.full(n, 14.0), volume, np.full(n, 0.008),
        zero, zero, np.full(n, -10.0), zero,
    )  # fmt: skip
    points = grow(body, roots, plan, POINTS)
    return _off_the_lips(body, points, lip)


def _off_the_lips(body: Body, points: F64, moustache: NDArray[np.bool_]) -> F64:
    """Moustache hairs [N, P, 3] cut where they reach the opening of the mouth."""
    floor = body.world(0.0, MOUTH_Y + 0.0045, 0.15)[1]
    across = np.abs(points[..., 0] - body.world(0.0, MOUTH_Y, 0.15)[0])
    over = moustache[:, None] & (points[..., 1] < floor) & (across < 0.024)
    first = np.where(over.any(1), over.argmax(1), points.shape[1])
    return shortened(points, np.clip(first / points.shape[1], 0.2, 1.0))
