"""Hair styles: how each combs, cuts and curls the hair of a scalp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.growth import Plan
from vultus.person.groom.scalp import Scalp, parting_line, smooth
from vultus.person.hairline import parting

F64 = NDArray[np.float64]

KNOTS: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "ponytail": ((0.0, 0.785, -0.046),), "bun": ((0.0, 0.802, -0.043),),
    "braids": ((0.056, 0.664, -0.004), (-0.056, 0.664, -0.004)),
}  # fmt: skip
"""Where hair is tied, in painter coordinates."""


@dataclass(frozen=True)
class Style:
    """How a style is made.

    ``plan`` says how strands grow; ``count`` strands of ``points`` points, ``width`` metres wide; they gather by
    ``clump`` (1: all but the loosest) around every ``guides``-th part; ``curl`` radius and ``pitch`` in metres (with
    ``flat`` 0 waves, with 1 ringlets; ``loose`` in [0, 1]: how little waves of neighbours have in common);
    ``frizz`` metres of straying at the tips; ``sway`` in [0, 1] how freely they swing; ``over_ears`` whether they cover
    the ears or are cut and combed around them.
    """

    plan: Callable[[Scalp], Plan]
    count: int
    points: int
    width: float
    guides: int = 300
    clump: float = 0.5
    curl: float = 0.0
    pitch: float = 0.03
    flat: float = 1.0
    loose: float = 1.0
    frizz: float = 0.002
    sway: float = 0.5
    over_ears: bool = False


def _plan(s: Scalp, start: F64, length: F64, **others: Any) -> Plan:
    """A plan with usual values where nothing else is said; numbers hold for all strands."""
    n = len(s)
    values: dict[str, Any] = {
        "comb": np.zeros((n, 3)), "reach": 0.05, "target": np.zeros((n, 3)), "pull": 0.0, "gravity": 10.0,
        "volume": 0.004, "rise": 0.03, "lay": 0.0, "gather": 0.0, "cut": -10.0,
        "parted": 0.0,
    } | others  # fmt: skip
    for name, value in values.items():
        if np.ndim(value) == 0:
            values[name] = np.full(n, float(value))
    return Plan(start, length, **values)


def _toward(*parts: tuple[F64 | float, F64 | float, F64 | float], like: F64) -> F64:
    """Vectors [N, 3] from components that are numbers or [N]."""
    return np.stack([np.broadcast_to(sum(part[i] for part in parts), like.shape) for i in range(3)], 1).astype(float)


def _edge(s: Scalp, low: float = 0.35, depth: float = 0.022) -> F64:
    """Shorter towards the hair's edge: [N] in [low, 1]."""
    return low + (1 - low) * smooth(s.inside, -0.002, depth)


def _trimmed(s: Scalp, length: F64) -> F64:
    """*length* [N] with the hair around the ears cut free of them, and a clean neck."""
    beside = smooth(np.abs(s.x), 0.045, 0.058) * smooth(s.z, 0.012, 0.028) * smooth(s.z, 0.090, 0.078)
    limit = 0.003 + 0.85 * np.maximum(s.inside, 0)
    length = length * (0.30 + 0.70 * np.maximum(smooth(s.y, 0.675, 0.755), smooth(s.z, 0.0, 0.04)))
    return np.where(beside > 0.3, np.minimum(length, limit), length)


def _layers(s: Scalp, low: float) -> F64:
    """Shares [N] in [*low*, 1] of a style's volume: half of the hair lies on top, or single hairs would stand out."""
    return low + (1 - low) * np.minimum(1.8 * s.chance[1], 1.0)


def _uneven(s: Scalp, low: float, high: float) -> F64:
    """Even random numbers from *low* to *high*, [N]."""
    return low + (high - low) * s.chance[0]


def _buzz(s: Scalp) -> Plan:
    length = s.rng.uniform(0.0035, 0.0065) * _edge(s, 0.5, 0.012) * _uneven(s, 0.8, 1.1)
    return _plan(s, s.raised(s.fall(), np.full(len(s), 38.0)), length, gravity=0.0, volume=0.0)


def _balding(s: Scalp) -> Plan:
    length = s.rng.uniform(0.009, 0.020) * _edge(s) * _uneven(s, 0.6, 1.1) * (1 + 0.8 * s.top)
    flow = s.fall() + _toward((0.0, -0.3, -0.6), like=s.x) * (1 - s.top)[:, None]
    return _plan(s, s.raised(flow, 14 + 8 * s.top), _trimmed(s, length), gravity=6.0, lay=25.0, volume=0.0015)


def _short(s: Scalp) -> Plan:
    female = s.identity.gender
    kind, sweep = s.rng.uniform(), s.rng.uniform(-0.8, 0.8)
    side = s.rng.uniform(0.008, 0.016) + 0.014 * female
    top = s.rng.uniform(0.026, 0.044) + 0.012 * female
    length = side + (top - side) * s.top**0.8
    length *= _edge(s, 0.4) * _uneven(s, 0.72, 1.12)
    ahead = _toward((sweep, 0.0, 0.9), like=s.x)
    if kind < 0.4:  # brushed up at the forehead
        ahead = _toward((0.8 * sweep, 0.0, 0.5 - 0.9 * s.front), like=s.x)
    flow = s.fall() + 1.3 * (s.top * smooth(s.z, 0.0, 0.05))[:, None] * ahead
    flow += (1 - s.top)[:, None] * _toward((0.0, -0.5, -0.45 + 0.9 * female * smooth(s.z, 0.04, 0.06)), like=s.x)
    flow += s.rng.normal(0, 0.10, flow.shape)
    lift = 12 + 14 * s.top + (30 if kind < 0.4 else 4) * s.front * s.top + 7 * s.rng.normal(size=len(s))
    volume = (0.0015 + 0.007 * s.top) * (0.5 + 0.8 * s.chance[1])
    return _plan(s, s.raised(flow, lift), _trimmed(s, length), gravity=6.0, lay=34.0, volume=volume, rise=0.012)


def _side_part(s: Scalp) -> Plan:
    px = parting(s.identity) or 0.03
    over = np.where(px > 0, -1.0, 1.0)
    away = np.where(s.x * over > px * over, over, -over)
    heavy = away == over
    side, top = s.rng.uniform(0.014, 0.022), s.rng.uniform(0.060, 0.080)
    length = side + (top - side) * s.top * smooth(s.z, -0.05, 0.02) * np.where(heavy, 1.0, 0.55)
    length *= _edge(s, 0.4) * _uneven(s, 0.8, 1.08)
    flow = (1 - s.top)[:, None] * (s.fall() + _toward((0.0, -0.4, -0.7), like=s.x))
    flow += 1.6 * s.top[:, None] * _toward((away, 0.1, -0.15 - 0.5 * s.front), like=s.x)
    flow += s.rng.normal(0, 0.05, flow.shape)
    lift = 10 + s.top * np.where(heavy, 18.0, 10.0) + 10 * s.front * s.top
    volume = (0.002 + 0.009 * s.top * np.where(heavy, 1.0, 0.4)) * 1.1 * _layers(s, 0.40)
    comb = _toward((8 * away * s.top, 0.0, -10.0 * s.top), like=s.x)
    return _plan(
        s,
        s.raised(flow, lift),
        _trimmed(s, length),
        comb=comb,
        gravity=14.0,
        lay=40.0,
        volume=volume,
        rise=0.028,
        reach=0.08,
    )


def _swept_back(s: Scalp) -> Plan:
    side, top = s.rng.uniform(0.030, 0.050), s.rng.uniform(0.085, 0.115)
    length = (side + (top - side) * s.top) * _edge(s, 0.45, 0.014) * _uneven(s, 0.8, 1.08)
    length = np.where(s.back > 0.5, np.minimum(length, 0.010 + 0.030 * smooth(s.y, 0.67, 0.78)), length)
    flow = _toward((0.25 * s.side * (1 - s.top), -0.25 * (1 - s.top), -1.0), like=s.x) + s.rng.normal(
        0, 0.05, (len(s), 3)
    )
    flow = np.where((s.back > 0.4)[:, None], s.fall(0.1), flow)
    lift = 10 + 30 * s.front * s.top + 8 * s.top
    volume = (0.003 + 0.010 * s.top) * 1.1 * _layers(s, 0.35)
    comb = _toward((0.0, 0.0, -28.0 * (1 - s.back)), like=s.x)
    return _plan(
        s, s.raised(flow, lift), length, comb=comb, reach=0.09, gravity=12.0, lay=30.0, volume=volume, rise=0.025
    )


def _crown(s: Scalp) -> F64:
    """Least length of an undercut's long hair [N] in metres: at the back it must not hang over what is shorn."""
    return 0.016 + 0.034 * smooth(s.z, -0.035, 0.02)


def _undercut(s: Scalp) -> Plan:
    plan = _swept_back(s) if s.rng.uniform() < 0.6 else _side_part(s)
    # The line between shorn and long hair.
    long = smooth(s.y - 0.788 - 0.010 * smooth(s.z, 0.05, -0.02), -0.004, 0.004)
    shorn = s.rng.uniform(0.003, 0.005) * _uneven(s, 0.8, 1.1)
    length = np.where(long > s.chance[3], np.maximum(plan.length, _crown(s) * _edge(s, 0.6, 0.01)), shorn)
    start = np.where((long > s.chance[3])[:, None], plan.start, s.raised(s.fall(), np.full(len(s), 35.0)))
    return _plan(
        s,
        start,
        length,
        comb=plan.comb,
        reach=plan.reach,
        gravity=plan.gravity,
        volume=plan.volume,
        lay=plan.lay,
        rise=0.02,
    )


def _fringe(s: Scalp) -> Plan:
    flow = s.fall(0.2) + s.rng.normal(0, 0.05, (len(s), 3))
    slant = s.rng.uniform(-0.3, 0.3)
    # Bangs come from far back and end above the eyes, the sides at the middle of the ear, the back at the neck.
    bangs = smooth(s.z, 0.035, 0.065) * smooth(np.abs(s.x), 0.062, 0.050) * smooth(s.y, 0.770, 0.790)
    flow += bangs[:, None] * _toward((slant - 6 * s.x, 0.0, 1.0), like=s.x)
    ends = np.where(s.back > 0.5, 0.662, s.rng.uniform(0.668, 0.690))
    ends = np.where(bangs > 0.3, 0.7600 - 0.20 * np.abs(s.x), ends)
    cut = np.array([s.height(float(e)) for e in ends]) + 0.0040 * s.rng.normal(size=len(s))
    volume = (0.004 + 0.007 * s.top) * (0.45 + 0.9 * s.chance[1])
    length = 0.17 * _edge(s, 0.8, 0.012)
    return _plan(
        s,
        s.raised(flow, 12 + 16 * s.top),
        length,
        gravity=22.0,
        lay=14.0,
        gather=5.0,
        volume=volume,
        rise=0.03,
        cut=cut,
    )


def _combed(s: Scalp, length: F64, volume: float, **others: Any) -> Plan:
    """Hair that falls to both sides of a parting and around the face."""
    px = parting_line(s.identity, s.z) * smooth(s.z, -0.005, 0.045)
    away = np.where(s.x > px, 1.0, -1.0)
    ahead = smooth(s.z, -0.012, 0.035)
    flow = (1 - ahead)[:, None] * (s.fall(0.1))
    flow += ahead[:, None] * _toward((away, -0.4 * (1 - s.top), -0.15 - 0.35 * s.front), like=s.x)
    flow += s.rng.normal(0, 0.05, flow.shape)
    lift = 9 + 7 * s.top
    comb = _toward((3.0 * away * ahead, 0.0, -8.0 * smooth(s.z, 0.06, 0.10)), like=s.x)
    full = volume * (0.55 + 0.45 * s.top) * 1.15 * _layers(s, 0.30)
    # A few short hairs at the edge of the face.
    baby = (s.inside < 0.006) & (s.chance[2] < 0.4) & (s.y > 0.775)
    length = np.where(baby, 0.005 * _uneven(s, 0.4, 1.1), length)
    values: dict[str, Any] = {
        "comb": comb, "reach": 0.10, "gravity": 24.0, "volume": full, "rise": 0.065, "lay": 9.0, "gather": 3.0,
        "parted": 1.0,
    } | others  # fmt: skip
    return _plan(s, s.raised(flow, lift), length, **values)


def _bob(s: Scalp) -> Plan:
    chin = s.rng.uniform(0.628, 0.655)
    level = s.height(chin) + 0.10 * (s.roots.point[:, 2] - s.body.world(0, 0.7, 0.05)[2]) * s.rng.uniform(-0.6, 0.6)
    cut = level + 0.005 * s.rng.normal(size=len(s)) - 0.016 * (s.chance[2] - 0.5)
    return _combed(s, np.full(len(s), 0.30), 0.014, cut=cut, gather=9.0)


def _long(s: Scalp) -> Plan:
    whole = s.rng.uniform(0.30, 0.40)
    length = whole * (0.80 + 0.20 * s.top) * (1 - 0.16 * s.chance[0] ** 2)
    return _combed(s, length, 0.016)


def _wavy(s: Scalp) -> Plan:
    whole = s.rng.uniform(0.28, 0.36)
    length = whole * (0.78 + 0.22 * s.top) * (1 - 0.22 * s.chance[0] ** 2)
    return _combed(s, length, 0.015, gravity=22.0)


def _curly(s: Scalp) -> Plan:
    whole = s.rng.uniform(0.085, 0.125) - 0.045 * s.male
    length = whole * (0.72 + 0.28 * s.top) * (1 - 0.3 * s.chance[0]) * _edge(s, 0.55, 0.02)
    flow = s.fall(0.2) + s.rng.normal(0, 0.2, (len(s), 3))
    flow[:, 0] += 0.4 * s.side * s.front
    volume = (0.008 + 0.014 * s.top) * (0.2 + 1.0 * s.chance[1])
    lift = 22 + 25 * s.top
    parted = 0.7 * (s.chance[2] < 0.9)
    return _plan(s, s.raised(flow, lift), length, gravity=16.0, lay=8.0, volume=volume, rise=0.022, parted=parted)


def _afro(s: Scalp) -> Plan:
    whole = s.rng.uniform(0.030, 0.058) * (0.75 + 0.25 * s.identity.gender)
    length = whole * (0.62 + 0.38 * smooth(s.y, 0.70, 0.80)) * _edge(s, 0.40, 0.030) * _uneven(s, 0.80, 1.03)
    away = s.roots.place - [0.0, 0.745, 0.050]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    start = away + 0.35 * s.roots.normal + s.rng.normal(0, 0.12, away.shape)
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    return _plan(s, start, length, gravity=0.0, volume=0.0)


def _tied(s: Scalp, knots: tuple[tuple[float, float, float], ...]) -> Plan:
    """Hair drawn tight to one or two knots."""
    places = np.array([s.body.world(*knot) for knot in knots])
    which = np.where(s.x > 0, 0, len(knots) - 1)
    target = places[which] + 0.006 * s.rng.normal(size=(len(s), 3))
    flow = target - s.roots.point
    flow /= np.maximum(np.linalg.norm(flow, axis=1, keepdims=True), 1e-9)
    if len(knots) > 1:
        flow[:, 0] += 1.2 * s.side * s.top * smooth(s.z, -0.02, 0.02)
    else:
        flow[:, 2] -= 0.8 * smooth(s.z, 0.0, 0.05)
    flow += s.rng.normal(0, 0.03, flow.shape)
    # Around the ears hair goes back and up before it turns to the knot.
    temple = smooth(s.z, 0.030, 0.050) * smooth(s.y, 0.775, 0.755)
    flow += temple[:, None] * _toward((0.0, 0.8, -1.0), like=s.x)
    comb = temple[:, None] * _toward((0.0, 45.0, -60.0), like=s.x)
    volume = 0.0018 + (0.0035 + 0.003 * s.top) * s.chance[1]
    loose = (s.inside < 0.007) & (s.chance[2] < 0.35) | (s.z > 0.042) & (s.y < 0.738)
    flow = np.where(loose[:, None] & (s.y < 0.76)[:, None], s.fall(), flow)
    length = np.where(loose, np.where(s.y < 0.745, 0.005, 0.011) * _uneven(s, 0.5, 1.5), 0.36)
    pull = np.where(loose, 4.0, 70.0)
    return _plan(
        s, s.raised(flow, 9 + 5 * s.top), length, comb=comb, reach=0.035, target=target, pull=pull, gravity=0.0,
        lay=30.0, volume=volume, rise=0.025,
    )  # fmt: skip


def _ponytail(s: Scalp) -> Plan:
    return _tied(s, KNOTS["ponytail"])


def _bun(s: Scalp) -> Plan:
    return _tied(s, KNOTS["bun"])


def _braids(s: Scalp) -> Plan:
    return _tied(s, KNOTS["braids"])


STYLES: Final[dict[str, Style]] = {
    "balding": Style(_balding, 4500, 5, 0.00030, clump=0.25, frizz=0.0012, sway=0.05),
    "buzz": Style(_buzz, 7500, 3, 0.00032, clump=0.0, frizz=0.0003, sway=0.0),
    "short": Style(_short, 6500, 6, 0.00042, guides=550, clump=0.50, frizz=0.0022, sway=0.12),
    "side_part": Style(_side_part, 6500, 8, 0.00045, guides=420, clump=0.45, frizz=0.0022, sway=0.15),
    "swept_back": Style(_swept_back, 6500, 9, 0.00045, guides=380, clump=0.50, frizz=0.0025, sway=0.2),
    "undercut": Style(_undercut, 7000, 8, 0.00042, guides=420, clump=0.50, frizz=0.0025, sway=0.2),
    "fringe": Style(_fringe, 6500, 12, 0.00068, guides=320, clump=0.50, frizz=0.0025, sway=0.35, over_ears=True),
    "bob": Style(_bob, 5800, 14, 0.00060, guides=260, clump=0.45, frizz=0.0030, sway=0.5, over_ears=True),
    "long_straight": Style(_long, 5200, 16, 0.00070, guides=240, clump=0.45, frizz=0.0045, sway=0.8, over_ears=True),
    "long_wavy": Style(
        _wavy, 4600, 22, 0.00066, guides=220, clump=0.55, curl=0.0075, pitch=0.080, flat=0.5, loose=0.22, frizz=0.0030,
        sway=0.8, over_ears=True,
    ),
    "curly": Style(
        _curly, 4200, 24, 0.00070, guides=230, clump=1.7, curl=0.0075, pitch=0.034, frizz=0.0008, sway=0.6,
    ),
    "afro": Style(_afro, 7000, 10, 0.00055, guides=1100, clump=0.45, curl=0.0024, pitch=0.0105, frizz=0.006, sway=0.15),
    "ponytail": Style(_ponytail, 5500, 10, 0.00055, guides=300, clump=0.25, frizz=0.0012, sway=0.05),
    "bun": Style(_bun, 5500, 10, 0.00055, guides=300, clump=0.25, frizz=0.0012, sway=0.05),
    "braids": Style(_braids, 5500, 10, 0.00055, guides=300, clump=0.25, frizz=0.0012, sway=0.05, over_ears=True),
}  # fmt: skip
"""Styles by name; people who are bald have none."""
