"""Eyes that are round, and lids that lie on them: at rest, in a blink, and wherever the eyes look.

Identity shapes move eyeballs, joints and lids each on their own: eyeballs come out oval and beside their joints, lids
stand off or sink in. At rest everything is brought back to what the template has: a sphere around its joint, under
lids as thick as the template's. In motion the vertices of the lids keep their distance from the eye's centre, so that
they slide along the eyeball instead of cutting through it. ``skinning.slide`` does that, a frame at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.pack import Floats, Pack
from vultus.person.speech_fixes import part_vertices
from vultus.person.subdivide import loop_matrix

Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]

SIDES: Final = ("Left", "Right")
Sliding = tuple[Ints, Ints, Floats, Floats]
"""Vertices [N], their eyes [N], ``skinning.slide``'s places [N, 3] and the eyes' centres [2, 3]."""
TIGHT, FREE = 0.0035, 0.0065
"""Metres from the eyeball up to which skin follows it wholly, and beyond which it does not."""
MIDDLE: Final = 0.0007
"""Metres by which the middle between the lids lies below that of the eye; the upper lid then covers the iris a bit."""
SEATED: Final = 0.85
"""How much of what a person differs from that is taken away."""
CLEAR: Final = 0.0009
"""Metres that the outside of the lids keeps from the eyeball at least."""


@dataclass(frozen=True, eq=False)
class Lids:
    """The template's lids. ``index`` [N] vertices of the pack, ``eye`` [N] 0 left or 1 right, ``follow`` [N] in [0, 1]
    how much each belongs to the eyeball, ``clearance`` [N] metres above it, ``root`` [N] for a lash the place in these
    arrays of the skin next to it, itself otherwise; ``balls`` the vertices of each eyeball, ``places`` where they lie
    for eyes of radius 1 and centre 0, ``radius`` the template's."""

    index: NDArray[np.int64]
    eye: Ints
    follow: Floats
    clearance: Floats
    root: NDArray[np.int64]
    balls: tuple[NDArray[np.int64], NDArray[np.int64]]
    places: tuple[Doubles, Doubles]
    radius: float


def _round(pack: Pack, ball: NDArray[np.int64], directions: Doubles) -> Doubles:
    """Vertices [B, 3] along *directions* whose Loop subdivision lies on the unit sphere as nearly as it can."""
    number = np.full(len(pack.template), -1)
    number[ball] = np.arange(len(ball))
    triangles = number[pack.triangles]
    matrix = loop_matrix(triangles[(triangles >= 0).all(axis=1)].astype(np.int32), len(ball)).toarray().astype(float)
    places = directions.copy()
    for _ in range(4):
        fine = matrix @ places
        out = fine / np.linalg.norm(fine, axis=1, keepdims=True)
        # How far out each fine vertex goes when a coarse one moves along its direction; damped towards even ones.
        response = matrix * (out @ directions.T)
        missing = 1 - np.linalg.norm(fine, axis=1)
        rows = np.vstack([response, 0.05 * np.eye(len(ball))])
        step = np.linalg.lstsq(rows, np.concatenate([missing, np.zeros(len(ball))]), rcond=None)[0]
        places += step[:, None] * directions
    return places


@lru_cache(maxsize=1)
def template_lids(pack: Pack) -> Lids:
    """The lids of the template, found by their distance from the eyeballs."""
    template = pack.template.astype(np.float64)
    count = len(template)
    skin = part_vertices(pack, "skin", count)
    parts: list[tuple[NDArray[np.int64], Floats, Floats, NDArray[np.int64]]] = []
    balls, places, eyes, radius, before = [], [], [], 0.0, 0
    for e, side in enumerate(SIDES):
        centre = pack.joint_template[pack.joint_names.index(f"{side.lower()}Eye")].astype(np.float64)
        ball = np.flatnonzero(part_vertices(pack, f"eye{side}", count))
        out = template[ball] - centre
        radius = float(np.linalg.norm(out, axis=1).mean())
        balls.append(ball)
        places.append(_round(pack, ball, out / np.linalg.norm(out, axis=1, keepdims=True)))
        above = np.linalg.norm(template - centre, axis=1) - radius
        lid = np.flatnonzero(skin & (above < FREE))
        lashes = part_vertices(pack, f"lashesUpper{side}", count) | part_vertices(pack, f"lashesLower{side}", count)
        lash = np.flatnonzero(lashes)
        fade = np.clip((above[lid] - TIGHT) / (FREE - TIGHT), 0, 1)
        follow = 1 - fade * fade * (3 - 2 * fade)
        near = np.linalg.norm(template[lash][:, None] - template[lid], axis=2).argmin(axis=1)
        index = np.concatenate([lid, lash])
        root = np.concatenate([np.arange(len(lid)), near]) + before
        before += len(index)
        follow = np.concatenate([follow, np.ones(len(lash))])
        parts.append((index, follow.astype(np.float32), above[index].astype(np.float32), root))
        eyes.append(np.full(len(index), e, np.int32))
    index, follow, clearance, root = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Lids(
        index, np.concatenate(eyes), follow, clearance, root, (balls[0], balls[1]), (places[0], places[1]), radius
    )


def seat_eyes(pack: Pack, vertices: Floats, joints: Floats) -> tuple[Floats, Floats, Floats]:
    """A person at rest with round eyeballs between the lids and lids that lie on them.

    *vertices* [V, 3] and *joints* [J, 3] in metres -> both again, and the radii [2] of the left and right eyeball.
    """
    lids, vertices, joints = template_lids(pack), vertices.copy(), joints.copy()
    radii = np.zeros(2, np.float32)
    for e, side in enumerate(SIDES):
        ball = vertices[lids.balls[e]].astype(np.float64)
        radius = float(np.linalg.norm(ball - ball.mean(axis=0), axis=1).mean())
        upper, lower = (vertices[pack.landmarks[f"lid{lid}{side}"]].astype(np.float64) for lid in ("Upper", "Lower"))
        centre = ball.mean(axis=0)
        centre[1] += SEATED * (0.5 * (upper[1] + lower[1]) + MIDDLE - centre[1])
        # Back or forward until the lids have the template's thickness on average.
        tight = (lids.eye == e) & (lids.follow > 0.9) & (lids.clearance > 0) & (lids.root == np.arange(len(lids.root)))
        rim = vertices[lids.index[tight]].astype(np.float64)
        facing = rim[:, 2] - centre[2] > 0.6 * radius
        for _ in range(3):
            away = np.linalg.norm(rim[facing] - centre, axis=1)
            centre[2] += float(np.median(away - radius - lids.clearance[tight][facing]))
        vertices[lids.balls[e]] = centre + radius * lids.places[e]
        joints[pack.joint_names.index(f"{side.lower()}Eye")] = centre
        radii[e] = radius
        mine = np.flatnonzero(lids.eye == e)
        out = vertices[lids.index[mine]] - centre
        away = np.linalg.norm(out, axis=1)
        wanted = radius + lids.clearance[mine].astype(np.float64)
        shift = lids.follow[mine] * (wanted - away)
        low = radius + np.minimum(CLEAR, lids.clearance[mine])
        shift = np.maximum(away + shift, low) - away
        # A lash goes with the skin that it grows from.
        shift = shift[lids.root[mine] - mine[0]]
        vertices[lids.index[mine]] += (out * (shift / away)[:, None]).astype(np.float32)
    return vertices, joints, radii


def sliding(pack: Pack, coarse: NDArray[np.int64], rest: Floats, centres: Floats, radii: Floats) -> Sliding:
    """What ``skinning.slide`` takes, for a mesh of the vertices *coarse* [C] (ascending) of the pack at *rest* [C, 3].

    *centres* [2, 3] and *radii* [2] are the eyeballs'.
    """
    lids = template_lids(pack)
    at = np.minimum(np.searchsorted(coarse, lids.index), len(coarse) - 1)
    here = coarse[at] == lids.index
    index, eye = at[here].astype(np.int32), lids.eye[here]
    away = np.linalg.norm(rest[index] - centres[eye], axis=1)
    # What lies within the eyeball at rest, as the inner fold does, may stay there.
    least = np.where(lids.clearance[here] > 0, np.minimum(away, radii[eye] + CLEAR), 0)
    place = np.stack([lids.follow[here], away, least], axis=1).astype(np.float32)
    return index, eye, place, np.ascontiguousarray(centres, np.float32)


def free() -> Sliding:
    """What ``skinning.slide`` takes where nothing slides."""
    return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros((2, 3), np.float32)
