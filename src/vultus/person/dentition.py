"""Twenty-eight teeth on their gums, built from measurements: the mesh that stands in for MakeHuman's two strips.

Coordinates are those of the bite, in metres: x to the person's left, y up, z to the front; the origin lies on the
arch, in the middle of the biting edges of the upper front teeth. ``bite`` sets the arches into a jaw.

Source of the crowns' sizes: S. Nelson, "Wheeler's Dental Anatomy, Physiology and Occlusion", tables of measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.identity import Identity

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

UPPER: Final = np.array(
    [[8.5, 7.0, 10.5, 7.0], [6.5, 5.0, 9.0, 6.0], [7.5, 5.5, 10.0, 8.0], [7.0, 5.0, 8.5, 9.0], [7.0, 5.0, 8.5, 9.0],
     [10.0, 8.0, 7.5, 11.0], [9.0, 7.0, 7.0, 11.0]]
)  # fmt: skip
LOWER: Final = np.array(
    [[5.0, 3.5, 9.0, 6.0], [5.5, 4.0, 9.5, 6.5], [7.0, 5.5, 11.0, 7.5], [7.0, 5.0, 8.5, 7.5], [7.0, 5.0, 8.0, 8.0],
     [11.0, 9.0, 7.5, 10.5], [10.5, 8.0, 7.0, 10.0]]
)  # fmt: skip
"""Per tooth from the middle: width of the crown and of its neck, height, and depth from lip to tongue, in mm."""

PER_SIDE: Final = 7
CELLS: Final = np.array([40.0, 32, 30, 15, 13, 10, 8])
"""Shares of the texture's width that the teeth of a side get, from the middle."""
CAP_V, CROWN_V, GUM_V, PALATE_V = 0.14, 0.16, 0.74, 0.88
"""Where the texture's height is divided: chewing surfaces, crowns from edge to root, gums, and gums inside."""
ROOT: Final = 1.25
"""How far a tooth reaches into the gum, in heights of its crown."""

# The line along which the teeth touch, in mm: to the side and to the back, upper then lower.
_LINE: Final = (
    np.array([[0, 7, 13, 17.8, 21.7, 24.9, 27.8, 29.6], [0, 0.9, 4.0, 9.2, 16.4, 24, 33, 46]]),
    np.array([[0, 6, 11, 15.4, 19.4, 22.7, 25.6, 27.6], [3.0, 3.7, 6.0, 10.2, 16.8, 24.2, 33.4, 46]]),
)
# Height of the biting edges over those of the upper front teeth, per tooth, in mm; the lower front teeth stand behind
# the upper ones and higher.
_EDGE: Final = (np.array([0, 0.6, -0.3, 0.5, 0.7, 0.9, 1.3]), np.array([1.6, 1.5, 1.3, -0.5, -1.1, -1.5, -1.3]))
TILT: Final = 0.12
"""How far the biting edges rise to the back, per metre."""

# Half widths over the height t of a crown (0 its edge, 1 its neck) as shares of the greatest, towards the middle of
# the mouth and away from it, for incisors, canines, premolars and molars; the neck follows from the tables.
_T: Final = np.array([0, 0.05, 0.12, 0.25, 0.5, 0.8])
_MESIAL: Final = np.array(
    [[0.95, 0.985, 0.995, 1.0, 0.985, 0.92], [0.14, 0.42, 0.70, 0.98, 0.99, 0.90], [0.25, 0.56, 0.80, 1.0, 0.98, 0.88],
     [0.80, 0.90, 0.97, 1.0, 0.97, 0.90]]
)  # fmt: skip
_DISTAL: Final = np.array(
    [[0.78, 0.89, 0.95, 1.0, 0.985, 0.92], [0.14, 0.34, 0.60, 0.92, 1.0, 0.91], [0.25, 0.52, 0.76, 1.0, 0.99, 0.90],
     [0.76, 0.88, 0.96, 1.0, 0.98, 0.91]]
)  # fmt: skip
# The faces towards the lip and the tongue over the heights of _FACE_T, in mm for a tooth 7, 8, 9 and 11 deep.
_FACE_T: Final = np.array([0, 0.04, 0.12, 0.3, 0.55, 0.8, 1.0, 1.3])
_LABIAL: Final = np.array(
    [[0.12, 0.36, 0.58, 0.86, 1.12, 1.22, 0.85, 0.3], [0.20, 0.55, 0.95, 1.50, 1.85, 1.85, 1.35, 0.6],
     [0.10, 0.45, 0.90, 1.50, 1.85, 1.75, 1.35, 0.8], [0.10, 0.50, 0.95, 1.55, 1.9, 1.95, 1.55, 1.0]]
)  # fmt: skip
_LINGUAL: Final = np.array(
    [[-0.18, -0.60, -1.05, -1.8, -2.9, -4.6, -4.9, -4.4], [-0.25, -0.8, -1.6, -2.9, -4.4, -5.8, -5.9, -5.0],
     [-5.0, -5.6, -6.2, -6.9, -7.2, -7.0, -6.4, -5.6], [-6.8, -7.5, -8.2, -8.9, -9.1, -8.9, -8.3, -7.4]]
)  # fmt: skip
_CLASS: Final = np.array([0, 0, 1, 2, 2, 3, 3])
_DEPTH: Final = np.array([7.0, 8.0, 9.0, 11.0])
_FRONT_RINGS: Final = np.array([ROOT, 1.0, 0.76, 0.5, 0.28, 0.12, 0.045, 0.0])
_BACK_RINGS: Final = np.array([ROOT, 1.0, 0.66, 0.34, 0.10, 0.0])


@dataclass(frozen=True, eq=False)
class Dentition:
    """Both arches as one mesh in the coordinates of the bite.

    ``points`` float32 [D, 3]; ``triangles`` int32 [F, 3]; ``uv`` float32 [D, 2] within the tile of an arch;
    ``lower`` bool [D] and ``lower_triangles`` bool [F] tell the arches apart; ``tooth`` int32 [D] is 1 to 14 from
    the person's right to the left, 0 for gums.
    """

    points: F32
    triangles: I32
    uv: F32
    lower: NDArray[np.bool_]
    lower_triangles: NDArray[np.bool_]
    tooth: I32


@dataclass(frozen=True)
class _Mouth:
    """What is peculiar to a person's teeth, in mm and radians: per arch and tooth arrays [2, 14] from the right.

    ``turn`` about the long axis, ``tip`` sideways, ``torque`` towards the lips, ``out`` to the lips, ``down`` out of
    the gum; ``wear`` of the edges; ``gap`` between the upper front teeth; ``recession`` of the gums; ``size``.
    """

    turn: F64
    tip: F64
    torque: F64
    out: F64
    down: F64
    wear: F64
    gap: float
    recession: float
    size: float


def _even() -> _Mouth:
    zero = np.zeros((2, 2 * PER_SIDE))
    return _Mouth(zero, zero, zero, zero, zero, zero, 0.0, 0.0, 1.0)


def peculiar(identity: Identity) -> _Mouth:
    """How a person's teeth differ from the book's; the same seed has the same teeth for ever."""
    rng = np.random.default_rng([identity.seed, 21])
    shape = (2, 2 * PER_SIDE)
    # Most rows are nearly straight, few are crowded; lower front teeth crowd most.
    crowding = 0.35 + 0.9 * rng.uniform() ** 2 + (0.9 if rng.uniform() < 0.12 else 0.0)
    place = np.abs(np.arange(2 * PER_SIDE) - PER_SIDE + 0.5)
    crowd = crowding * np.stack([np.where(place < 3, 1.0, 0.7), np.where(place < 3, 1.5, 0.8)])
    turn, tip, torque = (rng.normal(0, s, shape) * crowd for s in (0.055, 0.026, 0.030))
    out, down = rng.normal(0, 0.16, shape) * crowd, rng.normal(0, 0.14, shape) * np.minimum(crowd, 1.2)
    canine = (place > 2) & (place < 3)
    out[:, canine] += rng.uniform(0.0, 0.5) * np.array([[1.0], [0.6]])
    years = float(np.clip((identity.age - 20) / 60, 0, 1))
    front = np.where(place < 3, 1.0, 0.5)
    wear = years * rng.uniform(0.4, 1.3) * front * rng.uniform(0.6, 1.2, shape) + rng.uniform(0, 0.12, shape)
    gap = rng.uniform(0.4, 1.1) if rng.uniform() < 0.10 else max(rng.normal(0.0, 0.12), 0.0)
    recession = 1.5 * years * years * rng.uniform(0.3, 1.0)
    size = 1.01 - 0.03 * identity.gender + rng.normal(0, 0.025)
    return _Mouth(turn, tip, torque, np.clip(out, -0.5, 0.8), down, wear, gap, recession, size)


def smooth(x: F64, knots: F64, values: F64) -> F64:
    """Cubic interpolation without overshoot (F. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5, 1984)."""
    step, rise = np.diff(knots), np.diff(values)
    slope = rise / step
    a, b = slope[:-1], slope[1:]
    same = a * b > 0
    inner = np.where(same, 2 * a * b / np.where(same, a + b, 1.0), 0.0)
    d = np.concatenate([slope[:1], inner, slope[-1:]])
    x = np.clip(x, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, x, "right") - 1, 0, len(step) - 1)
    u, h = (x - knots[i]) / step[i], step[i]
    v = 1 - u
    return np.asarray(
        values[i] * v * v * (1 + 2 * u) + values[i + 1] * u * u * (1 + 2 * v) + h * u * v * (d[i] * v - d[i + 1] * u)
    )


@lru_cache(maxsize=2)
def _arch(lower: int) -> tuple[F64, F64]:
    """The line of contacts by arc length: lengths [N] and points [N, 2], x and z, in mm."""
    x, back = _LINE[lower]
    t = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(back)))])
    # Mirrored knots make the middle of the arch round.
    knots = np.concatenate([-t[:0:-1], t])
    fine = np.linspace(0, t[-1], 400)
    points = np.stack([smooth(fine, knots, np.concatenate([-x[:0:-1], x])), -smooth(fine, t, back)], 1)
    kernel = np.hanning(61)
    kernel /= kernel.sum()
    mirrored = np.concatenate([points[60:0:-1] * [-1, 1], points, 2 * points[-1] - points[-2:-62:-1]])
    points = np.stack([np.convolve(mirrored[:, c], kernel, "valid") for c in range(2)], 1)[30:430]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return length, points


@dataclass(frozen=True)
class _Tooth:
    """One tooth: its numbers, and how its own axes (away from the middle, out of the gum, to the lips) lie in the bite.

    ``sizes`` as in UPPER; ``origin`` [3] the middle of its edge; ``axes`` [3, 3] columns in mm; ``wear`` in mm.
    """

    sizes: F64
    kind: int
    origin: F64
    axes: F64
    wear: float

    def put(self, local: F64) -> F64:
        """Points [..., 3] (away, into the gum, to the lips) of the tooth, in mm, in the bite."""
        return np.asarray(local @ self.axes.T + self.origin)


def _teeth(lower: int, mouth: _Mouth) -> list[_Tooth]:
    table = (LOWER if lower else UPPER) * mouth.size
    length, points = _arch(lower)
    gap = 0.0 if lower else 0.5 * mouth.gap
    # Wheeler's widths leave a hair between neighbours, or they would shade into one.
    ends = gap + np.concatenate([[0], np.cumsum(table[:, 0])]) * 0.99
    teeth = []
    for number in range(2 * PER_SIDE):
        left = number >= PER_SIDE
        n = number - PER_SIDE if left else PER_SIDE - 1 - number
        s = 0.5 * (ends[n] + ends[n + 1])
        x, z = (float(np.interp(s, length, points[:, c])) for c in range(2))
        ahead, behind = (np.array([np.interp(s + e, length, points[:, c]) for c in range(2)]) for e in (1.5, -1.5))
        along = (ahead - behind) / np.linalg.norm(ahead - behind)
        away = np.array([along[0], 0, along[1]])
        out = np.array([-along[1], 0, along[0]])
        side = 1.0 if left else -1.0
        away, out = away * [side, 1, 1], out * [side, 1, 1]
        up = np.array([0, -1.0 if lower else 1.0, 0])
        turn, tip, torque = (float(a[lower, number]) for a in (mouth.turn, mouth.tip, mouth.torque))
        # Canines lean to the back a little, lower front teeth to the lips.
        tip += (0.06, 0.09, 0.10, 0.04, 0.02, 0.0, 0.0)[n] * (0.4 if lower else 1.0)
        away, out = away + turn * out, out - turn * away
        up_ = up + tip * away - torque * out
        away, out = away - tip * up, out + torque * up
        wear = float(mouth.wear[lower, number])
        down = float(mouth.down[lower, number])
        edge = np.array([side * x, 0, z]) + float(mouth.out[lower, number]) * out - down * up
        edge[1] += _EDGE[lower][n]
        edge[1] -= TILT * edge[2]
        teeth.append(_Tooth(table[n], int(_CLASS[n]), edge, np.stack([away, up_, out], 1), wear))
    return teeth


def _outline(tooth: _Tooth, t: F64, x: F64) -> tuple[F64, F64, F64]:
    """Of a crown at heights *t* and places *x* in [-1, 1] across: how far away, and its faces to lip and tongue, in mm.

    Between the two faces a section is a superellipse, flat towards the lip in the middle of incisors.
    """
    width, neck, _, depth = tooth.sizes
    c = neck / width
    knots = np.concatenate([_T, [1.0, 1.35]])
    mesial, distal = (
        0.5 * width * smooth(t, knots, np.concatenate([side[tooth.kind], [c, 0.85 * c]])) for side in (_MESIAL, _DISTAL)
    )
    scale = depth / _DEPTH[tooth.kind]
    lip, back = (scale * smooth(t, _FACE_T, face[tooth.kind]) for face in (_LABIAL, _LINGUAL))
    most, share = (1.25, 0.45) if tooth.kind < 2 else (2.2, 0.5)
    middle = lip - np.minimum(most, share * (lip - back))
    far = np.abs(x)
    front = middle + (lip - middle) * np.sqrt(1 - far ** (3.0 if tooth.kind == 0 else 2.3))
    behind = middle + (back - middle) * np.sqrt(1 - far**2.2)
    return x * np.where(x < 0, mesial, distal), front, behind


def quads(grid: NDArray[np.int64]) -> I32:
    """Two triangles for each cell of a grid of vertex numbers [R, C], less those without area."""
    a, b, c, d = (g.ravel() for g in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    keep = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    return faces[keep].astype(np.int32)


def _crown(tooth: _Tooth) -> tuple[F64, I32, F64]:
    """Points [N, 3] in the bite in mm, triangles [F, 3], and texture places [N, 2] across and along, of one tooth."""
    columns, rings = (9, _FRONT_RINGS) if tooth.kind < 2 else (6, _BACK_RINGS)
    height = tooth.sizes[2]
    left = 1 - tooth.wear / height
    t = np.where(rings < 1, 1 - left * (1 - rings), rings)
    cells = np.linspace(-1, 1, columns)
    x = np.sin(0.5 * np.pi * cells)  # closer together where the faces turn away
    away, lip, tongue = _outline(tooth, t[:, None], x[None])
    depth = np.broadcast_to((t * height)[:, None], away.shape)
    # Cusps: those to the tongue are lower, and those of molars stand apart.
    near = np.clip(1 - rings / 0.42, 0, 1)[:, None] ** 2
    valley = near * 0.9 * (1 - np.abs(np.sin(np.pi * x))) if tooth.kind == 3 else 0.0
    outside = np.stack([away, depth + valley, lip], -1)
    inside = np.stack([away, depth + valley + near * (0.0, 0.0, 1.1, 0.4)[tooth.kind], tongue], -1)[:, -2:0:-1]
    wall = np.concatenate([outside, inside], 1)
    rows, n = wall.shape[:2]
    ring = np.arange(rows * n).reshape(rows, n)
    u = np.concatenate([cells, cells[-2:0:-1]])
    v = CROWN_V + (GUM_V - 0.02 - CROWN_V) * rings / ROOT
    points, places = [wall.reshape(-1, 3)], [np.stack(np.broadcast_arrays(u, v[:, None]), -1).reshape(-1, 2)]
    # The chewing surface: rows from the edge at the lip to that at the tongue, both of which are the last ring.
    first, last = (
        ring[-1, :columns],
        np.concatenate([ring[-1, :1], ring[-1, : columns - 1 : -1], ring[-1, [columns - 1]]]),
    )
    grid = [first]
    for b in () if tooth.kind < 2 else (0.3, 0.7):
        row = (1 - b) * wall[-1, :columns] + b * wall[-1, last - ring[-1, 0]]
        row[:, 1] += 4 * b * (1 - b) * 1.4 * (1 + (0.25 * np.cos(3 * np.pi * x) if tooth.kind == 3 else 0.0))
        new = sum(len(p) for p in points) + np.arange(columns - 2)
        grid.append(np.concatenate([first[:1], new, first[-1:]]))
        points.append(row[1:-1])
        places.append(np.stack([cells[1:-1], np.full(columns - 2, CAP_V * (1 - b))], 1))
    triangles = np.concatenate([quads(np.concatenate([ring, ring[:, :1]], 1)), quads(np.stack([*grid, last]))])
    put = tooth.put(np.concatenate(points))
    a, b_, c = (put[triangles[:, k]] - put.mean(0) for k in range(3))
    if np.einsum("ij,ij->", a, np.cross(b_, c)) < 0:
        triangles = triangles[:, ::-1]
    return put, triangles, np.concatenate(places)


_GUM_ROWS: Final = 12


def _gum(tooth: _Tooth, lower: int, recession: float) -> F64:
    """The gum around one tooth at places across it, [C, 12, 3] in the bite in mm: from the fold under the lip over the
    margins on either side of the tooth to the gum inside.

    The margin is highest in the middle of a tooth and reaches between the teeth as a papilla.
    """
    x = np.linspace(-1, 1, 7 if tooth.kind < 2 else 5)
    height = tooth.sizes[2]
    high = height + recession
    margin = high - (0.40, 0.42, 0.32, 0.28)[tooth.kind] * height * np.abs(x) ** 2.4
    away, lip, back = _outline(tooth, np.clip(margin / height, 0, 1.3), x)
    neck = [float(f[0]) for f in _outline(tooth, np.ones(1), np.zeros(1))[1:]]
    bulge, wide = 1 - 0.45 * x * x, 0.5 * tooth.sizes[0] * x
    front, behind = neck[0] - 0.9 * x * x, neck[1] + 0.9 * x * x
    mucosa = np.maximum(margin + 2.0, high + 1.2)
    rows = (
        (1.0, high + (6.5 if lower else 9.0), 0.2 * front - (1.5 if lower else 0.6)),
        (1.0, high + (3.5 if lower else 4.5), 0.5 * front + (0.1 if lower else 0.3)),
        (1.0, mucosa, 0.4 * lip + 0.6 * front + 0.55),
        (0.6, margin + 0.75, lip + 0.25 + 0.17 * bulge),
        (0.3, margin + 0.12, lip + 0.10),
        (0.0, margin - 0.10, lip - 0.45),
        (0.0, margin - 0.10, back + 0.45),
        (0.3, margin + 0.15, back - 0.15),
        (0.6, margin + 0.9, back - 0.5 * bulge),
        (1.0, high + 1.6, behind - 0.9),
        (1.0, high + (4.5 if lower else 3.4), behind - (1.2 if lower else 2.6)),
        (1.0, high + (9.0 if lower else 5.0), behind - (0.8 if lower else 5.2)),
    )
    local = [np.stack(np.broadcast_arrays((1 - lead) * away + lead * wide, deep, out), -1) for lead, deep, out in rows]
    return tooth.put(np.stack(local, 1))


def _cell_ends() -> F64:
    """Where the columns of the 14 teeth begin and end in a tile, from the right [15]."""
    shares = np.concatenate([CELLS[::-1], CELLS])
    return np.concatenate([[0], np.cumsum(shares) / shares.sum()])


def _gums(teeth: list[_Tooth], lower: int, recession: float) -> tuple[F64, I32, F64]:
    """The gums of an arch, the upper one with the palate: points [N, 3] in mm, triangles and texture places [N, 2]."""
    ends = _cell_ends()
    columns: list[F64] = []
    across: list[float] = []
    for number, tooth in enumerate(teeth):
        some = _gum(tooth, lower, recession)
        some = some if number >= PER_SIDE else some[::-1]
        if columns:
            columns[-1] = 0.5 * (columns[-1] + some[0])
            some = some[1:]
        columns += list(some)
        u = np.linspace(ends[number], ends[number + 1], len(some) + (number > 0))
        across += list(u[number > 0 :])
    grid = np.stack(columns, 1)  # [12, C, 3]
    v = np.concatenate([np.linspace(PALATE_V - 0.01, GUM_V + 0.005, 6), np.linspace(GUM_V + 0.005, PALATE_V - 0.01, 6)])
    if not lower:
        # The hard palate: every column runs on to the middle, where it meets its mirror image.
        start = grid[-1]
        behind = np.minimum(start[:, 2] - 1.0, -13.0)
        deep = np.clip((-behind - 10) / 22, 0, 1)
        top = np.stack([0 * behind, 11.5 + 6.0 * deep * deep * (3 - 2 * deep) - TILT * behind, behind], 1)
        more = []
        for b in (0.35, 0.7, 1.0):
            row = start + b * (top - start)
            row[:, 1] = start[:, 1] + np.sin(0.5 * np.pi * b) * (top[:, 1] - start[:, 1])
            more.append(row)
        grid = np.concatenate([grid, np.stack(more)])
        v = np.concatenate([v, np.linspace(PALATE_V + 0.02, 0.99, 3)])
    rows, count = grid.shape[:2]
    triangles = quads(np.arange(rows * count).reshape(rows, count))
    if not lower:
        triangles = triangles[:, ::-1]
    places = np.stack(np.broadcast_arrays(np.array(across), v[:, None]), -1)
    return grid.reshape(-1, 3), np.ascontiguousarray(triangles), places.reshape(-1, 2)


def build(identity: Identity | None = None) -> Dentition:
    """The teeth and gums of a person, or even ones by the book; all people share triangles and texture places."""
    mouth = _even() if identity is None else peculiar(identity)
    points, triangles, uv, tooth, lower, lower_faces = [], [], [], [], [], []
    ends, count = _cell_ends(), 0

    def add(some: F64, faces: I32, places: F64, arch: int, number: int) -> None:
        nonlocal count
        points.append(some * 1e-3)
        triangles.append(faces + count)
        uv.append(places)
        tooth.append(np.full(len(some), number, np.int32))
        lower.append(np.full(len(some), bool(arch)))
        lower_faces.append(np.full(len(faces), bool(arch)))
        count += len(some)

    for arch in (0, 1):
        teeth = _teeth(arch, mouth)
        for number, one in enumerate(teeth):
            some, faces, places = _crown(one)
            # A cell runs from the right to the left like the arch; its rim keeps texels of neighbours apart.
            side = 1 if number >= PER_SIDE else -1
            middle, half = 0.5 * (ends[number] + ends[number + 1]), 0.46 * (ends[number + 1] - ends[number])
            places[:, 0] = middle + side * half * places[:, 0]
            add(some, faces, places, arch, number + 1)
        add(*_gums(teeth, arch, mouth.recession), arch, 0)
    return Dentition(
        np.concatenate(points).astype(np.float32), np.concatenate(triangles).astype(np.int32),
        np.concatenate(uv).astype(np.float32), np.concatenate(lower), np.concatenate(lower_faces),
        np.concatenate(tooth),
    )  # fmt: skip
