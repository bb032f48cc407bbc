"""Glasses: frames of tubes, fitted to eyes, nose and ears of one person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh
from vultus.render.triangles import vertex_normals

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

CLEARANCE: Final = 0.0012
"""Metres at least between the frame and the skin."""
SIDES: Final = 8  # of a tube
_RIM_STEPS = 40
_EAR = np.array([0.0735, 0.7375, 0.0530])  # where a temple lies on the ear's root, in painter coordinates
_BEHIND = np.array([0.0735, 0.7210, 0.0330])  # and where it ends behind it


@dataclass(frozen=True)
class Style:
    """A frame: half width and half height of a rim in metres, how square it is (2 an ellipse), the radii of rims and
    temples, the share of the rim from the top that is there, and what it is made of."""

    half: tuple[float, float]
    power: float
    rim: float
    temple: float
    whole: bool
    metal: bool


STYLES: Final[dict[str, Style]] = {
    "round": Style((0.0222, 0.0205), 2.2, 0.0013, 0.0015, True, False),
    "rectangular": Style((0.0258, 0.0170), 4.2, 0.0015, 0.0018, True, False),
    "half_rim": Style((0.0255, 0.0165), 3.4, 0.0012, 0.0014, False, False),
    "thin_metal": Style((0.0240, 0.0190), 2.7, 0.0007, 0.0008, True, True),
}
PLASTICS: Final = ((0.012, 0.011, 0.012), (0.075, 0.030, 0.014), (0.030, 0.033, 0.045), (0.10, 0.012, 0.014))
METALS: Final = ((0.36, 0.35, 0.34), (0.42, 0.30, 0.14), (0.06, 0.06, 0.065))
"""Linear colours of frames."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Glasses at rest in the world of ``PersonMesh.neutral``: ``vertices`` float32 [M, 3], ``triangles`` int32
    [F, 3], counter-clockwise from outside; linear ``colour``, ``gloss`` and ``shine`` in [0, 1] as the atlas has them.
    """

    vertices: F32
    triangles: I32
    colour: tuple[float, float, float]
    gloss: float
    shine: float


def tube(path: F64, radius: float | F64, *, closed: bool) -> tuple[F64, I32]:
    """A tube of SIDES sides around *path* [N, 3]: vertices and triangles; open ends are closed by caps."""
    n = len(path)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    # One normal carried along the path, so that the tube does not twist.
    side = np.cross(ahead[0], [0.0, 0.3, 1.0])
    sides = np.empty_like(path)
    for i in range(n):
        side = side - (side @ ahead[i]) * ahead[i]
        side /= np.linalg.norm(side)
        sides[i] = side
    up = np.cross(ahead, sides)
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.cos(turn)[:, None] * sides[:, None] + np.sin(turn)[:, None] * up[:, None]
    vertices = (path[:, None] + np.broadcast_to(radius, n)[:, None, None] * ring).reshape(-1, 3)
    row, spoke = np.meshgrid(np.arange(n if closed else n - 1), np.arange(SIDES), indexing="ij")
    a, b = row * SIDES + spoke, row * SIDES + (spoke + 1) % SIDES
    c, d = (row + 1) % n * SIDES + spoke, (row + 1) % n * SIDES + (spoke + 1) % SIDES
    faces = [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    if not closed:
        fan = np.arange(1, SIDES - 1)
        faces.append(np.stack([0 * fan, fan + 1, fan], 1))
        faces.append((n - 1) * SIDES + np.stack([0 * fan, fan, fan + 1], 1))
    return vertices, np.concatenate(faces).astype(np.int32)


class _Skin:
    """How far the skin of a person reaches to the front, and to the side, at a place."""

    def __init__(self, mesh: PersonMesh) -> None:
        kind = kinds(mesh)
        solid = mesh.triangles[np.isin(kind, (Kind.SKIN, Kind.EYE_LEFT, Kind.EYE_RIGHT))]
        used = np.unique(solid)
        points, places = mesh.neutral.astype(np.float64), painter_coordinates(mesh)
        normals = vertex_normals(mesh.neutral, mesh.triangles)
        front = used[(places[used, 2] > 0.07) & (normals[used, 2] > 0.0)]
        x, y, z = places.T
        ear = (np.abs(x) > 0.066) & (y > 0.66) & (y < 0.745) & (z < 0.068)
        side = used[(np.abs(x[used]) > 0.03) & ~ear[used] & (y[used] > 0.68)]
        self._front, self._z = scipy.spatial.cKDTree(points[front, :2]), points[front, 2]
        self._side, self._x = scipy.spatial.cKDTree(points[side, 1:] * [1, 1]), np.abs(points[side, 0])

    def front(self, xy: F64, reach: float) -> F64:
        """The largest z [N] within *reach* metres of *xy* [N, 2]; -inf where there is no skin."""
        return np.array([self._z[near].max() if near else -np.inf for near in self._front.query_ball_point(xy, reach)])

    def side(self, yz: F64, reach: float) -> F64:
        """The largest |x| [N] within *reach* of *yz* [N, 2]; the nearest one's where there is none."""
        found = self._side.query_ball_point(yz, reach)
        nearest = self._x[self._side.query(yz)[1]]
        return np.array([self._x[near].max() if near else nearest[i] for i, near in enumerate(found)])


def _curve(points: F64, steps: int) -> F64:
    """A smooth path [steps, 3] through *points* [N, 3] (Catmull-Rom)."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1, steps)
    i = np.minimum(t.astype(int), len(points) - 2)
    u = (t - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return np.asarray(0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3))


def _rim(style: Style, centre: tuple[float, float], whole: bool) -> F64:
    """The outline [N, 2] of the right of the picture's rim in x and y; the upper half of it only, unless *whole*."""
    turn = np.linspace(0, 2 * np.pi, _RIM_STEPS, endpoint=False) if whole else np.linspace(-0.06, np.pi + 0.06, 24)
    cosine, sine = np.cos(turn), np.sin(turn)
    radius = (np.abs(cosine) ** style.power + np.abs(sine) ** style.power) ** (-1 / style.power)
    return np.stack([centre[0] + style.half[0] * radius * cosine, centre[1] + style.half[1] * radius * sine], 1)


def _back(x: F64 | float) -> F64:
    """How far the front of a frame bends back at |x|, in metres."""
    return np.asarray(0.0065 * (np.abs(x) / 0.06) ** 2)


@lru_cache(maxsize=4)
def glasses(mesh: PersonMesh, identity: Identity) -> Frame | None:
    """The glasses of *identity*, fitted to *mesh* (the bust, subdivided or not); None for those who wear none."""
    if identity.glasses == "none":
        return None
    style, skin = STYLES[identity.glasses], _Skin(mesh)
    rng = np.random.default_rng([identity.seed, 11])
    eyes = 0.5 * (mesh.eye_centres[0] + mesh.eye_centres[1]).astype(np.float64)
    apart = float(mesh.eye_centres[0][0] - mesh.eye_centres[1][0]) / 2
    # A frame is as wide as the face asks for; its rims stay a nose apart.
    inner = max(0.0085, apart + 0.0015 - style.half[0])
    # Eyes lie above the middle of a lens, and brows above its rim even in a frown.
    centre = (inner + style.half[0], float(eyes[1]) - 0.0060)
    outline = _rim(style, centre, whole=True)
    reach = style.rim + 0.0038  # as far as the coarse mesh has its next vertex
    need = np.maximum(skin.front(outline, reach), skin.front(outline * [-1, 1], reach)) + _back(outline[:, 0])
    # Lashes need room before the eye as well.
    eye = max(float(c[2]) for c in mesh.eye_centres) + 0.0135 + 0.0100
    plane = max(float(need.max()) + style.rim + CLEARANCE, eye + float(_back(apart)))

    def at(xy: F64) -> F64:
        return np.column_stack([xy, plane - _back(xy[:, 0])])

    pieces: list[tuple[F64, I32]] = []
    path = at(_rim(style, centre, style.whole))
    bridge_y = centre[1] + 0.35 * style.half[1]
    start = float(outline[np.argmin(np.abs(outline[:, 1] - bridge_y) + 10 * (outline[:, 0] > centre[0])), 0])
    t = np.linspace(-1, 1, 13)
    bridge = np.column_stack([t * start, bridge_y + 0.0035 * (1 - t**2), np.zeros(13)])
    over = skin.front(bridge[:, :2], reach).max() + style.rim + CLEARANCE
    bridge[:, 2] = plane - _back(start) + np.maximum(0.0, over - plane + float(_back(start))) * (1 - t**4)
    bridge[:, 2] += 0.0012 * (1 - t**2)
    pieces.append(tube(bridge, 1.15 * style.rim, closed=False))
    hinge_y = centre[1] + 0.45 * style.half[1]
    for sign in (1.0, -1.0):
        mirrored = path * [sign, 1, 1]
        pieces.append(tube(mirrored if sign > 0 else mirrored[::-1], style.rim, closed=style.whole))
        pieces.append(tube(_temple(mesh, skin, style, centre, plane, hinge_y, sign), style.temple, closed=False))
    vertices, triangles, count = [], [], 0
    for points, faces in pieces:
        vertices.append(points)
        triangles.append(faces + np.int32(count))
        count += len(points)
    colour = (METALS if style.metal else PLASTICS)[int(rng.integers(3 if style.metal else 4))]
    gloss, shine = (0.72, 1.0) if style.metal else (0.66, 0.62)
    return Frame(np.concatenate(vertices).astype(np.float32), np.concatenate(triangles), colour, gloss, shine)


def _temple(
    mesh: PersonMesh, skin: _Skin, style: Style, centre: tuple[float, float], plane: float, hinge_y: float, sign: float
) -> F64:
    """The path [N, 3] of one temple, from the rim over the ear's root and down behind it."""
    places = painter_coordinates(mesh)
    drawn = np.unique(mesh.triangles[kinds(mesh) == Kind.SKIN])
    root, end = (
        mesh.neutral[drawn[np.linalg.norm(places[drawn] - spot * [sign, 1, 1], axis=1).argmin()]].astype(np.float64)
        for spot in (_EAR, _BEHIND)
    )
    x0 = centre[0] + 0.985 * style.half[0]
    hinge = np.array([x0, hinge_y, plane - float(_back(x0))])
    top = np.array([abs(root[0]), root[1] + 0.003 + style.temple, root[2]])
    t = np.linspace(0, 1, 15)[1:, None]
    line = hinge + (top - hinge) * t
    beside = skin.side(line[:, 1:], 0.007) + style.temple + CLEARANCE
    # The temple stands off a little after the hinge, and lies on at the ear.
    straight = x0 + 0.004 + (beside[-1] - x0 - 0.004) * t[:, 0]
    line[:, 0] = np.maximum(np.maximum(beside, straight), np.maximum.accumulate(beside))
    tail = np.array([line[-1, 0] - 0.002, end[1], end[2]])
    middle = np.array([line[-1, 0], root[1] - 0.001, 0.5 * (root[2] + end[2]) - 0.002])
    path = np.concatenate([hinge[None], hinge[None] + [0.003, 0, -0.002], line, middle[None], tail[None]])
    return _curve(path, 40) * [sign, 1, 1]
