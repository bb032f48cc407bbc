"""How strands grow from their roots: combed, pulled, falling, and kept out of the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.body import Body, clearance
from vultus.person.groom.roots import Roots
from vultus.person.jit import inner
from vultus.person.noise import fast

F64 = NDArray[np.float64]

_STEP = 0.006  # metres that a strand grows at once, at most
SPACING = 1.4
"""Points lie at arc lengths in proportion to (their number) ** SPACING: closer at the root, where the head is near."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What N strands want, all in the world's axes and metres.

    ``start`` [N, 3] unit directions at the roots; ``length`` [N]; ``comb`` [N, 3] bends strands, in turns a metre,
    and wears off over ``reach`` [N]; ``target`` [N, 3] draws them with strength ``pull`` [N] until they are there;
    ``gravity`` [N] bends them down; ``volume`` [N] is how far above the skin they lie once ``rise`` metres away from
    the root; ``lay`` [N] bends strands that stand off further back to the skin; ``gather`` [N] draws what hangs
    below the ears towards the neck; ``cut`` [N] the height at which scissors end them; ``parted`` [N] 1
    where strands avoid the face.
    """

    start: F64
    length: F64
    comb: F64
    reach: F64
    target: F64
    pull: F64
    gravity: F64
    volume: F64
    rise: F64
    lay: F64
    gather: F64
    cut: F64
    parted: F64


@inner
def _sideways(slope: np.ndarray) -> None:
    """Turn a direction at the side of the head outwards, so that hair goes over an ear instead of around it."""
    if abs(slope[0]) > 0.5:
        slope[1] *= 0.3
        slope[2] *= 0.3
        slope /= np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)


@fast
def _grow(
    point: np.ndarray,
    start: np.ndarray,
    strand: np.ndarray,
    comb: np.ndarray,
    target: np.ndarray,
    grid: np.ndarray,
    origin: np.ndarray,
    face: np.ndarray,
    radii: np.ndarray,
    neck: np.ndarray,
    steps: int,
    out: np.ndarray,
) -> None:
    """Grow strands [N] into *out* [N, P, 3]; *strand* [N, 10] are the numbers of a plan."""
    slope, path = np.zeros(3), np.zeros((steps + 1, 3))
    for n in range(point.shape[0]):
        length, reach, pull, gravity = strand[n, 0], strand[n, 1], strand[n, 2], strand[n, 3]
        volume, rise, cut, parted = strand[n, 4], strand[n, 5], strand[n, 6], strand[n, 7]
        lay, gather = strand[n, 8], strand[n, 9]
        slope[:] = 0.0
        off = 0.0
        h = length / steps
        x, y, z = point[n, 0], point[n, 1], point[n, 2]
        dx, dy, dz = start[n, 0], start[n, 1], start[n, 2]
        path[0, 0], path[0, 1], path[0, 2] = x, y, z
        end = float(steps)
        for k in range(1, steps + 1):
            s = k * h
            worn = h * np.exp(-s / reach)
            dx += worn * comb[n, 0]
            dy += worn * comb[n, 1] - h * gravity
            dz += worn * comb[n, 2]
            if off > 0:
                dx, dy, dz = dx - h * lay * slope[0], dy - h * lay * slope[1], dz - h * lay * slope[2]
            if gather > 0 and y < neck[1]:
                dx, dz = dx - h * gather * (x - neck[0]) / 0.08, dz - h * gather * (z - neck[2]) / 0.08
            if pull > 0:
                tx, ty, tz = target[n, 0] - x, target[n, 1] - y, target[n, 2] - z
                t = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
                dx, dy, dz = dx + h * pull * tx / t, dy + h * pull * ty / t, dz + h * pull * tz / t
            r = 1 / np.sqrt(dx * dx + dy * dy + dz * dz + 1e-12)
            dx, dy, dz = dx * r, dy * r, dz * r
            x, y, z = x + h * dx, y + h * dy, z + h * dz
            away = clearance(grid, origin, x, y, z, slope)
            want = min(0.0012 + volume * (1 - np.exp(-s / rise)), 0.0004 + 0.6 * s)
            off = away - want
            if away < want:
                shoulder = y < neck[1] - 0.03 and slope[1] > 0.3
                if shoulder:
                    slope[0] *= 0.2
                elif y > neck[1] - 0.03:
                    _sideways(slope)
                push = min(want - away, 0.8 * h + 0.0005)
                x, y, z = x + push * slope[0], y + push * slope[1], z + push * slope[2]
                inward = dx * slope[0] + dy * slope[1] + dz * slope[2]
                if inward < 0:
                    dx, dy, dz = dx - inward * slope[0], dy - inward * slope[1], dz - inward * slope[2]
                if shoulder:
                    # On a shoulder hair slides off to the chest or the back, not along it.
                    off_to = 1.0 if z > neck[2] else -1.0
                    dx, dz = dx * np.exp(-200 * h), dz + 45 * h * off_to
            if parted > 0:
                # An ellipsoid before the face turns hair aside.
                ex, ey, ez = (x - face[0]) / radii[0], (y - face[1]) / radii[1], (z - face[2]) / radii[2]
                e = np.sqrt(ex * ex + ey * ey + ez * ez)
                if e < 1:
                    side = 1.0 if x > face[0] else -1.0
                    width = np.sqrt(max(0.0, 1 - ey * ey - ez * ez)) * radii[0]
                    x += (
                        parted
                        * min(0.35 * h + 0.2 * (width - abs(x - face[0])), max(width - abs(x - face[0]), 0.0))
                        * side
                    )
                    dx += 8 * h * side
                    dz -= 4 * h
            path[k, 0], path[k, 1], path[k, 2] = x, y, z
            if y < cut and end == steps:
                drop = path[k - 1, 1] - y
                end = k - 1 + (min(max((path[k - 1, 1] - cut) / drop, 0.0), 1.0) if drop > 1e-9 else 0.0)
                break
            if pull > 0 and t < 2.5 * h + 0.004:
                end = float(k)
                break
        end = max(end, 0.6)
        for p in range(out.shape[1]):
            a = end * (p / (out.shape[1] - 1)) ** SPACING
            k = min(int(a), int(np.ceil(end)) - 1)
            for c in range(3):
                out[n, p, c] = path[k, c] + (a - k) * (path[k + 1, c] - path[k, c])


@fast
def _keep_out(points: np.ndarray, grid: np.ndarray, origin: np.ndarray, margin: float) -> None:
    """Push points [N, P, 3] out of the body in place, but for the roots."""
    slope = np.zeros(3)
    for n in range(points.shape[0]):
        travelled = 0.0
        for p in range(1, points.shape[1]):
            for c in range(3):
                slope[c] = points[n, p, c] - points[n, p - 1, c]
            travelled += np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)
            for _ in range(2):
                away = clearance(grid, origin, points[n, p, 0], points[n, p, 1], points[n, p, 2], slope)
                want = min(margin, 0.0003 + 0.3 * travelled)
                if away < want:
                    _sideways(slope)
                    push = min(want - away, 0.5 * travelled)
                    for c in range(3):
                        points[n, p, c] += push * slope[c]


def grow(body: Body, roots: Roots, plan: Plan, points: int, over_ears: bool = False) -> F64:
    """Strands [N, *points*, 3] of *roots* after *plan*; they go over the ears or take no notice of them."""
    steps = int(np.clip(np.ceil(plan.length.max() / _STEP), points - 1, 64))
    strand = np.stack(
        [
            plan.length,
            plan.reach,
            plan.pull,
            plan.gravity,
            plan.volume,
            plan.rise,
            plan.cut,
            plan.parted,
            plan.lay,
            plan.gather,
        ],
        1,
    )
    face, radii = face_block(body)
    out = np.empty((len(roots), points, 3))
    grid = body.distance if over_ears else body.bare
    _grow(
        roots.point, plan.start, strand, plan.comb, plan.target, grid, body.origin, face, radii,
        body.world(0.0, 0.690, 0.035), steps, out,
    )  # fmt: skip
    return out


def face_block(body: Body) -> tuple[F64, F64]:
    """Centre and radii [3] of the ellipsoid before the face that parted hair goes around."""
    scale = np.abs(np.diag(body.affine[:3]))
    return body.world(0.0, 0.695, 0.150), scale * [0.058, 0.104, 0.070]


def keep_out(body: Body, points: F64, margin: float = 0.0012, over_ears: bool = False) -> None:
    """Push strands [N, P, 3] at least *margin* metres out of the body, in place; roots stay."""
    _keep_out(points, body.skin if over_ears else body.bare, body.origin, margin)
