"""Hair that is tied: ponytails, buns and braids, from the knot on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.body import Body
from vultus.person.groom.curls import frames, frizz, lengths
from vultus.person.groom.growth import Plan, grow
from vultus.person.groom.roots import Roots, roots
from vultus.person.groom.styles import KNOTS
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Tied:
    """Strands [N, P, 3] behind a knot, their roots on the skin under it, and how freely they swing."""

    points: F64
    roots: Roots
    width: float
    sway: float


def _around(
    mesh: PersonMesh, body: Body, knot: tuple[float, float, float], radius: float, count: int, rng: np.random.Generator
) -> Roots:
    """Roots on the skin within *radius* metres of the place nearest to *knot*."""
    near = body.places[np.argmin(np.linalg.norm(body.places - np.array(knot, np.float32), axis=1))].astype(np.float64)

    def density(place: F64, lip: F64) -> F64:
        return (np.linalg.norm(place - near, axis=1) < radius).astype(np.float64)

    return roots(mesh, body, density, count, rng)


def _even(roots_: Roots, start: F64, length: F64, comb: F64, gravity: float, volume: F64, reach: float) -> Plan:
    n, zero = len(roots_), np.zeros(len(roots_))
    return Plan(
        start, length, np.broadcast_to(comb, (n, 3)).copy(), np.full(n, reach), np.zeros((n, 3)), zero,
        np.full(n, gravity), volume, np.full(n, 0.012), zero, zero, np.full(n, -10.0),
        zero,
    )  # fmt: skip


def _ponytail(mesh: PersonMesh, body: Body, identity: Identity, rng: np.random.Generator) -> list[Tied]:
    knot = KNOTS["ponytail"][0]
    some = _around(mesh, body, knot, 0.013, 1500, rng)
    whole = rng.uniform(0.20, 0.32)
    # Strands leave through the band in the order in which they stand, then spread.
    offset = some.point - some.point.mean(0)
    start = np.array([0.0, 0.15, -1.0]) + 9 * offset + rng.normal(0, 0.06, offset.shape)
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    length = whole * (1 - 0.22 * rng.uniform(size=len(some)) ** 2)
    plan = _even(some, start, length, np.array([0.0, 0.0, 0.0]), 30.0, 0.004 + 0.014 * rng.uniform(size=len(some)), 0.2)
    points = grow(body, some, plan, 14)
    t = np.linspace(0, 1, 14)
    middle = points.mean(0)
    # Held by the band, full below it, gathered again at the tip.
    girth = np.interp(t, [0, 0.07, 0.13, 0.35, 0.7, 1], [1, 0.6, 0.75, 1.05, 0.9, 0.55])
    points[:, 1:] = middle[1:] + (points - middle)[:, 1:] * girth[None, 1:, None]
    return [Tied(frizz(points, np.full(len(some), 0.008), rng), some, 0.0007, 0.9)]


def _bun(mesh: PersonMesh, body: Body, identity: Identity, rng: np.random.Generator) -> list[Tied]:
    knot = KNOTS["bun"][0]
    some = _around(mesh, body, knot, 0.016, 1700, rng)
    n, p = len(some), 13
    out = some.normal.mean(0)
    out /= np.linalg.norm(out)
    e1 = np.cross(out, [1.0, 0.2, 0.0])
    e1 /= np.linalg.norm(e1)
    e2 = np.cross(out, e1)
    centre = some.point.mean(0) + 0.020 * out
    # Locks are wound around the knot, each on its own ring, and rings lie over one another.
    lock = rng.integers(0, 26, n)
    height = rng.uniform(-0.7, 1.25, 26)[lock] + rng.normal(0, 0.10, n)
    radius = rng.uniform(0.029, 0.039, 26)[lock] + rng.normal(0, 0.0012, n)
    angle = rng.uniform(0, 2 * np.pi, 26)[lock] + rng.normal(0, 0.35, n)
    tilt = rng.normal(0, 0.22, 26)[lock]
    t = np.linspace(0, 1, p)[None, :]
    turn = angle[:, None] + 3.6 * t
    level = height[:, None] + tilt[:, None] * np.sin(turn)
    ring, rise = radius[:, None] * np.cos(level), 0.82 * radius[:, None] * np.sin(level)
    points = centre + ring[..., None] * (np.cos(turn)[..., None] * e1 + np.sin(turn)[..., None] * e2)
    points += rise[..., None] * out
    points = frizz(points, np.full(n, 0.0022), rng)
    points[:, 0] = some.point
    return [Tied(points, some, 0.0006, 0.05)]


def _braid(middle: F64, strands: int, rng: np.random.Generator) -> F64:
    """Strands [N, P, 3] plaited around a line [P, 3]: three locks that follow a lying eight."""
    first, second = frames(middle[None])
    # The flat side of a braid looks outwards: turn the frame with the line towards the front.
    s = lengths(middle[None])[0]
    t = s / s[-1]
    girth = np.interp(t, [0, 0.06, 0.5, 0.9, 0.93, 1.0], [0.5, 1.0, 0.9, 0.62, 0.35, 0.7])
    lock = rng.integers(0, 3, strands)
    phase = 2 * np.pi * (s[None, :] / 0.036) + 2 * np.pi / 3 * lock[:, None]
    inside = rng.uniform(0, 2 * np.pi, strands)
    out = np.sqrt(rng.uniform(size=strands)) * 0.0048
    across = 0.0078 * np.sin(phase) + (out * np.cos(inside))[:, None]
    deep = 0.0046 * np.sin(2 * phase) + (out * np.sin(inside))[:, None]
    wide = girth[None, :]
    return middle + (across * wide)[..., None] * first[0] + (deep * wide)[..., None] * second[0]


def _braids(mesh: PersonMesh, body: Body, identity: Identity, rng: np.random.Generator) -> list[Tied]:
    tied = []
    whole, points = rng.uniform(0.22, 0.30), 30
    for knot in KNOTS["braids"]:
        some = _around(mesh, body, knot, 0.012, 600, rng)
        side = 1.0 if knot[0] > 0 else -1.0
        start = np.array([[0.55 * side, -0.6, 0.35]]) / 0.87
        guide = some.subset(np.arange(1))
        plan = _even(guide, start, np.array([whole]), np.array([4.0 * side, 0.0, 26.0]), 16.0, np.array([0.015]), 0.09)
        plaited = _braid(grow(body, guide, plan, points)[0], len(some), rng)
        plaited[:, 0] = some.point
        tied.append(Tied(frizz(plaited, np.full(len(some), 0.0012), rng), some, 0.0006, 0.7))
    return tied


TAILS: dict[str, Callable[[PersonMesh, Body, Identity, np.random.Generator], list[Tied]]] = {
    "ponytail": _ponytail, "bun": _bun, "braids": _braids,
}  # fmt: skip
"""What hangs from the knot, by style."""
