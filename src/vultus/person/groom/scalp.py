"""The scalp as stylists see it: regions, natural fall, and vectors along the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.body import Body
from vultus.person.groom.roots import Roots
from vultus.person.hairline import LINE, hairline, parting
from vultus.person.identity import Identity
from vultus.person.noise import fast

F64 = NDArray[np.float64]

WHORL = np.array([0.008, 0.838, 0.005])
"""The middle of the crown's whorl in painter coordinates."""


@dataclass(frozen=True, eq=False)
class Scalp:
    """The roots of a person's scalp hair, with what styles ask about them.

    ``x``, ``y``, ``z`` [N] are painter coordinates; ``top``, ``front`` and ``back`` [N] in [0, 1] say how far a root
    lies on top of the head, behind the forehead, at the back; ``inside`` [N] metres behind the hair's edge;
    ``chance`` [4, N] are even random numbers in [0, 1]; ``male`` in [0, 1].
    """

    body: Body
    roots: Roots
    identity: Identity
    rng: np.random.Generator
    x: F64
    y: F64
    z: F64
    top: F64
    front: F64
    back: F64
    inside: F64
    chance: F64

    def __len__(self) -> int:
        """The number of roots."""
        return len(self.x)

    @property
    def male(self) -> float:
        """0 for women to 1 for men."""
        return 1 - self.identity.gender

    @property
    def side(self) -> F64:
        """1 on the person's left, -1 on the right, [N]."""
        return np.where(self.x >= 0, 1.0, -1.0)

    def height(self, y: float) -> float:
        """World height of painter height *y* in the middle of the head."""
        return float(self.body.world(0.0, y, 0.05)[1])

    def tangent(self, direction: F64) -> F64:
        """*direction* [N, 3] laid along the skin, unit length."""
        n = self.roots.normal
        flat = direction - (direction * n).sum(1, keepdims=True) * n
        return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)

    def raised(self, direction: F64, degrees: F64) -> F64:
        """*direction* [N, 3] along the skin, raised off it by an angle [N]."""
        angle = np.radians(degrees)[:, None]
        return np.cos(angle) * self.tangent(direction) + np.sin(angle) * self.roots.normal

    def fall(self, twist: float = 0.35) -> F64:
        """How hair falls by itself: away from the whorl, turning around it, down below; [N, 3]."""
        away = self.roots.place - WHORL
        away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        turn = np.cross(self.roots.normal, away) * (twist * np.exp(-((self.distance(WHORL) / 0.05) ** 2)))[:, None]
        down = np.zeros_like(away)
        down[:, 1] = -1.2 * (1 - self.top)
        return self.tangent(away + turn + down)

    def distance(self, place: F64) -> F64:
        """Distance of the roots from a painter place [3], [N] metres."""
        return np.asarray(np.linalg.norm(self.roots.place - place, axis=1))


@fast
def _inside(place: np.ndarray, hairs: np.ndarray, out: np.ndarray) -> None:
    for n in range(place.shape[0]):
        out[n] = hairline(place[n, 0], place[n, 1], place[n, 2], hairs)


def edge_distance(place: F64, hairs: F64) -> F64:
    """How far painter places [N, 3] lie behind the hair's edge, [N] metres; *hairs* is ``hairline.growth``."""
    out = np.zeros(len(place))
    _inside(np.ascontiguousarray(place), hairs, out)
    return out


def parting_line(identity: Identity, z: F64) -> F64:
    """Painter x [N] of a person's parting at painter z [N]: no comb draws it quite straight."""
    turn = np.random.default_rng([identity.seed, 24]).uniform(0, 2 * np.pi, 3)
    waver = np.sin(90 * z + turn[0]) + 0.7 * np.sin(210 * z + turn[1]) + 0.5 * np.sin(480 * z + turn[2])
    return (parting(identity) or 0.0) + 0.0009 * waver


def smooth(x: F64, low: float, high: float) -> F64:
    """0 below *low*, 1 above *high*, smooth between; falls when *low* is the greater."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def scalp(body: Body, roots: Roots, identity: Identity, hairs: F64, rng: np.random.Generator) -> Scalp:
    """What styles need to know about *roots*; *hairs* is ``hairline.growth(identity)``."""
    x, y, z = roots.place.T
    inside = edge_distance(roots.place, hairs) if hairs[LINE] > 0 else np.zeros(len(roots))
    return Scalp(
        body, roots, identity, rng, x, y, z, smooth(y, 0.778, 0.822), smooth(z, 0.075, 0.125), smooth(z, 0.02, -0.02),
        inside, rng.uniform(size=(4, len(roots))),
    )  # fmt: skip
