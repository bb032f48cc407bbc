"""From an identity to all its strands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.beards import LENGTHS, STRANDS, whiskers
from vultus.person.groom.body import Body, body
from vultus.person.groom.clear import off_ears, over_face
from vultus.person.groom.curls import clump, frizz, leaders, lengths, wave
from vultus.person.groom.depth import openness
from vultus.person.groom.growth import grow, keep_out
from vultus.person.groom.roots import Roots, roots
from vultus.person.groom.scalp import WHORL, parting_line, scalp, smooth
from vultus.person.groom.styles import STYLES, Style
from vultus.person.groom.tails import TAILS
from vultus.person.groom.tints import tints
from vultus.person.hairline import LINE, PART, beard_densities, growth, scalp_densities
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh
from vultus.person.strands import Groom

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def hair(mesh: PersonMesh, identity: Identity) -> tuple[Groom, ...]:
    """The strands of scalp hair and beard of *identity* on *mesh*, the bust with one subdivision.

    Nothing for people who are bald and shaved. The same identity gives the same bytes.
    """
    hairs = growth(identity)
    style = STYLES.get(identity.hair) if hairs[LINE] > 0 else None
    bearded = identity.beard in LENGTHS
    if style is None and not bearded:
        return ()
    solid = body(mesh)
    grooms: list[Groom] = []
    if style is not None:
        grooms += _scalp_hair(mesh, solid, identity, style, hairs)
    if bearded:
        grooms.append(_beard(mesh, solid, identity, hairs))
    return tuple(grooms)


def _scalp_hair(mesh: PersonMesh, solid: Body, identity: Identity, style: Style, hairs: F64) -> list[Groom]:
    rng = np.random.default_rng([identity.seed, 22])

    def density(place: F64, lip: F64) -> F64:
        ahead = place[:, 2] > 0.03
        parted = np.abs(hairs[PART]) < 1
        apart = np.abs(place[:, 0] - np.where(ahead, parting_line(identity, place[:, 2]), 0.0) - 9.0 * (not parted))
        # Where strands part, at the whorl and at the edge, no others lie over them: there have to be more.
        bare = 1.4 * np.exp(-((apart / 0.010) ** 2)) + 1.2 * np.exp(
            -((np.linalg.norm(place - WHORL, axis=1) / 0.018) ** 2)
        )
        free = (apart > 0.0005) | ~ahead
        dense = scalp_densities(place, hairs)
        dense = dense**0.7 * smooth(dense, 0.02, 0.25)
        return np.where(free, dense * np.minimum(0.42 + 0.42 * bare, 1.0), 0.0)

    some = roots(mesh, solid, density, style.count, rng)
    if not len(some):
        return []
    head = scalp(solid, some, identity, hairs, rng)
    plan = style.plan(head)
    points = grow(solid, some, plan, style.points, style.over_ears)
    leader = leaders(some.point, plan.start, min(style.guides, len(some)))
    points = _dressed(points, some.point, leader, style, rng)
    keep_out(solid, points, over_ears=style.over_ears)
    if not style.over_ears:
        points = off_ears(solid, points, mesh.neutral)
    # What grows before an ear would bulge over it like a comb.
    under = style.over_ears & (some.place[:, 1] < 0.757) & (some.place[:, 2] > 0.02)
    kept = np.flatnonzero(~under & ~over_face(solid, points, plan, hairs, identity.hair == "fringe"))
    points, leader, some, inside = points[kept], leader[kept], some.subset(kept), head.inside[kept]
    fine = 0.40 + 0.60 * smooth(inside, -0.002, 0.014)
    width = np.maximum(style.width * fine * rng.uniform(0.75, 1.25, len(some)), 1e-4)
    colour = tints(identity, some, rng, leader)
    tails = TAILS[identity.hair](mesh, solid, identity, rng) if identity.hair in TAILS else []
    for tail in tails:
        keep_out(solid, tail.points)
    # All strands shade one another, but each groom is bound and swings by itself.
    centre = solid.world(0.0, 0.745, 0.045)
    grooms = [_groom(solid, points, some, width, colour, style.sway, centre)]
    for tail in tails:
        girth = tail.width * rng.uniform(0.8, 1.2, len(tail.roots))
        middle = tail.points[:, tail.points.shape[1] // 2].mean(0) if identity.hair == "bun" else centre
        grooms.append(
            _groom(solid, tail.points, tail.roots, girth, tints(identity, tail.roots, rng), tail.sway, middle)
        )
    return grooms


def _dressed(points: F64, root: F64, leader: I64, style: Style, rng: np.random.Generator) -> F64:
    """Strands gathered into locks, curled and frayed, as *style* wants it."""
    n = len(points)
    size = lengths(points)[:, -1]
    strength = np.clip(style.clump * rng.uniform(0.4, 1.25, n), 0, 0.97)
    flying = rng.uniform(size=n) < 0.015
    strength[flying] = 0.0
    out = clump(points, leader, strength)
    if style.curl > 0:
        lock = rng.uniform(0.7, 1.3, n)[leader], rng.uniform(0.85, 1.2, n)[leader], rng.uniform(-1, 1, n)[leader]
        radius = style.curl * lock[0] * rng.uniform(0.85, 1.1, n)
        # Waves of neighbouring locks go together, those of ringlets do not.
        slow = np.sin(root @ rng.normal(0, 30.0, (3, 3)) + rng.uniform(0, 2 * np.pi, 3)).sum(1)[leader]
        phase = 1.1 * slow + np.pi * style.loose * lock[2] + rng.normal(0, 0.15, n)
        out = wave(out, leader, radius, style.pitch * lock[1], phase, style.flat, 0.6 * style.pitch)
    stray = style.frizz * np.minimum(size / 0.05, 1.0) * rng.uniform(0.3, 1.2, n)
    return frizz(out, np.where(flying, 1.4 * stray, stray), rng)


def _beard(mesh: PersonMesh, solid: Body, identity: Identity, hairs: F64) -> Groom:
    rng = np.random.default_rng([identity.seed, 23])
    some = roots(mesh, solid, lambda place, lip: beard_densities(place, lip, hairs), STRANDS[identity.beard], rng)
    points = whiskers(solid, some, identity, rng)
    short = identity.beard == "short_beard"
    leader = leaders(some.point, some.normal, max(len(some) // 9, 1))
    points = clump(points, leader, np.clip(rng.uniform(0.1, 0.8, len(some)), 0, 1))
    points = frizz(points, np.full(len(some), 0.0010 if short else 0.0018), rng)
    keep_out(solid, points, 0.0006)
    points = off_ears(solid, points, mesh.neutral)
    width = (0.00030 if short else 0.00038) * rng.uniform(0.75, 1.25, len(some))
    # Beards are coarser and a little redder or darker than the hair of the scalp.
    colour = tints(identity, some, rng, leader) * np.array([1.05, 0.94, 0.90]) * 0.9
    return _groom(solid, points, some, width, colour, 0.05, solid.world(0.0, 0.66, 0.08))


def _groom(solid: Body, points: F64, some: Roots, width: F64, colour: F64, sway: float, centre: F64) -> Groom:
    """Strands with what motion and light need to know of every point."""
    travelled = lengths(points)
    # Below the jaw long hair rests more and more on neck and shoulders.
    low, high = solid.world(0.0, 0.585, 0.05)[1], solid.world(0.0, 0.668, 0.05)[1]
    follow = 1 - (1 - smooth(points[..., 1], low, high)) * smooth(travelled, 0.04, 0.10)
    freedom = np.clip(travelled / 0.22, 0, 1) ** 1.3
    light = openness(points, width, centre)
    single = np.ascontiguousarray
    return Groom(
        single(points, np.float32), some.triangle, some.bary, single(width, np.float32),
        np.clip(colour, 0.0, 1.0).astype(np.float32), single(follow, np.float32),
        single(np.clip(sway * freedom, 0, 1), np.float32), light,
    )  # fmt: skip
