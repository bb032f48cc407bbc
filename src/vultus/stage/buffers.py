"""What a camera sees besides the picture: depth, normals, parts, texture places, motion and what it hides.

One sample a pixel, at its centre, from a rasterisation of the posed surfaces; strands of hair are drawn over it one
by one and count where together they cover half of a pixel. Slow plain versions of the kernels stand in the tests.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.clip import Frame
from vultus.person.atlas import Kind, kinds, painter_coordinates
from vultus.person.clothes import depth as inside_cloth
from vultus.person.clothes import outfit
from vultus.person.identity import Identity
from vultus.person.landmarks import corners
from vultus.person.mesh import PersonMesh
from vultus.person.portrait import Portrait
from vultus.render.triangles import Rasteriser, project, sample
from vultus.stage import kernels

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

PARTS: Final = (
    "skin", "lips", "eye_left", "eye_right", "mouth", "tongue", "teeth_upper", "teeth_lower", "cloth", "glasses",
    "hair", "beard", "brows", "lashes",
)  # fmt: skip
"""The values of ``masks``; "mouth" is what lines the inside of it."""
NOTHING: Final = 255
COVERED: Final = 0.5  # of a pixel that strands must cover together to be what is seen there
NEARER: Final = 0.002
"""Metres by which something must be nearer than a point to hide it."""
POINT_NEARER: Final = 0.004
"""The same for a landmark, which lies on the mesh under what lifts off it."""

_LIPS, _CLOTH = PARTS.index("lips"), PARTS.index("cloth")
_PART_OF: Final[dict[Kind, str]] = {
    Kind.SKIN: "skin", Kind.EYE_LEFT: "eye_left", Kind.EYE_RIGHT: "eye_right", Kind.TONGUE: "tongue",
    Kind.UPPER_TEETH: "teeth_upper", Kind.LOWER_TEETH: "teeth_lower", Kind.CLOTH: "cloth", Kind.CAVITY: "mouth",
    Kind.SOCKET: "skin", Kind.FRAME: "glasses", Kind.HIDDEN: "skin",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Look:
    """What does not move: ``triangles`` int32 [F, 3] and ``part`` uint8 [F]; ``marks`` float32 [P, 4], for each point
    how much it belongs to the lips (0.5 is their edge), metres inside the cloth, and u and v (negative: none).
    ``start`` int32 [G + 1] and ``length`` int32 [G] say which rows of the strands' points each kind of hair has, and
    how many a strand; ``hair`` uint8 [G] its part. ``index`` int32 [478, 3] and ``weight`` float32 [478, 3] are where
    landmarks lie on the mesh."""

    triangles: I32
    part: U8
    marks: F32
    start: I32
    length: I32
    hair: U8
    index: I32
    weight: F32


def look_of(portrait: Portrait) -> Look:
    """The fixed arrays of a portrait that has been posed once."""
    mesh, s = portrait.mesh, portrait.surfaces
    numbers = np.zeros(max(Kind) + 1, np.uint8)
    for kind, name in _PART_OF.items():
        numbers[kind] = PARTS.index(name)
    strands = list(portrait.strands())
    count = [points.shape[0] * points.shape[1] for _, points, _ in strands]
    index, weight = corners(mesh)
    return Look(
        s.triangles, numbers[s.kind], _marks(portrait), np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        np.array([points.shape[1] for _, points, _ in strands], np.int32),
        np.array([PARTS.index(name) for name, _, _ in strands], np.uint8), index, weight,
    )  # fmt: skip


def _marks(portrait: Portrait) -> F32:
    """The ``marks`` of :class:`Look`."""
    mesh, s = portrait.mesh, portrait.surfaces
    marks = np.zeros((len(portrait.points), 4), np.float32)
    marks[:, 1], marks[:, 2:] = -1.0, -1.0
    painted = len(s.uv)
    marks[:painted, 2:] = portrait.points[:painted, 7:9]
    vertex = s.vertices[s.points[:painted]]
    marks[:painted, 0] = _lips(mesh)[vertex]
    marks[:painted, 1] = _cloth(mesh, portrait.identity)[vertex]
    return marks


def _lips(mesh: PersonMesh) -> F32:
    """How much each vertex belongs to the lips, [V] in [0, 1]."""
    image = np.maximum(mesh.masks["lips"], mesh.masks["insideMouth"]).astype(np.float32)[..., None] * np.float32(
        1 / 255
    )
    value = np.zeros(len(mesh.neutral), np.float32)
    skin = kinds(mesh) == Kind.SKIN
    at = sample(image, mesh.uv[None])[0, :, 0]
    np.maximum.at(value, mesh.triangles[skin].ravel(), at[mesh.uv_triangles[skin].ravel()])
    return value


def _cloth(mesh: PersonMesh, identity: Identity) -> F32:
    """How far inside the cloth each vertex is, [V] in metres; negative on bare skin."""
    value = np.full(len(mesh.neutral), -1.0, np.float32)
    places, kind = painter_coordinates(mesh), int(outfit(identity)[0])
    for v in np.unique(mesh.triangles[kinds(mesh) == Kind.SKIN]):
        x, y, z = (float(c) for c in places[v])
        if y < 0.64:
            value[v] = inside_cloth(x, y, z, kind)
    return value


@dataclass(frozen=True, eq=False)
class Sight:
    """One moment as one camera sees it, with all that the moments beside it need.

    ``points`` float32 [P, 6] are places and normals of the surfaces, ``strands`` float32 [M, 3] the points of all
    strands, ``landmarks`` float32 [478, 3], all in the world; ``ids`` [H, W] and ``bary`` [H, W, 2] as in
    ``Rasteriser``; ``row`` int32 [H, W] the point of the strand that is seen, -1 where none is, and ``along`` [H, W]
    how far towards its next; ``depth`` float32 [H, W] in metres.
    """

    camera: Camera
    points: F32
    strands: F32
    landmarks: F32
    ids: I32
    bary: F32
    row: I32
    along: F32
    depth: F32


class Eye:
    """Looks at posed portraits; keeps buffers, so use one a thread."""

    def __init__(self, look: Look, size: tuple[int, int]) -> None:
        """*size* (width, height) in pixels."""
        self.look, self._raster = look, Rasteriser(size[1], size[0])

    def see(self, portrait: Portrait, vertices: F32) -> Sight:
        """What *portrait*, posed or rendered just now with *vertices* [V, 3], shows its camera."""
        look, camera = self.look, portrait.camera
        points = portrait.points[:, :6].copy()
        ids, bary, inverse = portrait.centres() or self._drawn(camera, points)
        ids, bary, inverse = ids.copy(), bary.copy(), np.ascontiguousarray(inverse)
        height, width = ids.shape
        cover, near = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        row, along = np.full((height, width), -1, np.int32), np.zeros((height, width), np.float32)
        strands = np.empty((int(look.start[-1]), 3), np.float32)
        for g, (_, some, wide) in enumerate(portrait.strands()):
            first, stop = int(look.start[g]), int(look.start[g + 1])
            strands[first:stop] = some.reshape(-1, 3)
            screen = project(camera, strands[first:stop]).reshape(some.shape)
            kernels.draw_strands(
                screen, wide, first, camera.focal[1], inverse, cover, near, row, along
            )  # fmt: skip
        depth = np.empty((height, width), np.float32)
        kernels.settle(COVERED, inverse, cover, near, row, depth)
        marks = np.einsum("pci,pc->pi", vertices[look.index], look.weight).astype(np.float32)
        return Sight(camera, points, strands, marks, ids, bary, row, along, depth)

    def _drawn(self, camera: Camera, points: F32) -> tuple[I32, F32, F32]:
        """As ``Portrait.centres``, by a rasteriser of its own."""
        raster = self._raster
        raster.draw(project(camera, points), self.look.triangles)
        return raster.ids, raster.bary, raster.inverse_depth


def surface_fields(names: Collection[str], sight: Sight, look: Look) -> Frame:
    """Those of depth, normals, masks, uv and landmarks_478 that *names* asks for."""
    shape, out = sight.depth.shape, dict[str, NDArray[Any]]()
    if "depth" in names:
        out["depth"] = sight.depth
    room: dict[str, NDArray[Any]] = {
        "normals": np.empty((*shape, 3) if "normals" in names else (0, 0, 0), np.float32),
        "masks": np.empty(shape if "masks" in names else (0, 0), np.uint8),
        "uv": np.empty((*shape, 2) if "uv" in names else (0, 0, 0), np.float32),
    }
    if any(len(array) for array in room.values()):
        kernels.resolve(
            sight.ids, sight.bary, sight.row, look.triangles, sight.points, look.part, look.marks, look.start,
            look.hair, _LIPS, _CLOTH, *room.values(),
        )  # fmt: skip
        out |= {name: array for name, array in room.items() if len(array)}
    if "landmarks_478" in names:
        out["landmarks_478"] = landmarks_in(sight)
    return out


def landmarks_in(sight: Sight) -> F32:
    """The 478 landmarks float32 [478, 3]: x, y in pixels and 1 where the point is in sight, else 0."""
    pixels, depth = sight.camera.project(sight.landmarks)
    out = np.empty((len(sight.landmarks), 3), np.float32)
    kernels.in_sight(pixels, depth, sight.depth, POINT_NEARER, out)
    return out


def moved(here: Sight, there: Sight | None, look: Look, *, flow: bool) -> tuple[F32, Bool]:
    """Pixels float32 [H, W, 2] by which what *here* shows is elsewhere in *there* (empty without *flow*), and what is
    hidden or outside there, bool [H, W]; nothing moves and nothing is hidden when *there* is None."""
    shape = here.depth.shape
    motion = np.zeros((*shape, 2) if flow else (0, 0, 2), np.float32)
    hidden = np.zeros(shape, np.bool_)
    if there is not None:
        kernels.trace(
            here.ids, here.bary, here.row, here.along, here.strands, _rows(here.camera), look.triangles, there.points,
            there.strands, _rows(there.camera), far_away(here.camera, there.camera), there.depth, NEARER, motion,
            hidden,
        )  # fmt: skip
    return motion, hidden


def _rows(camera: Camera) -> NDArray[np.float64]:
    """A camera for the kernel [4, 4]: where the world is, and focal lengths and centre below."""
    rows = camera.world_to_camera.copy()
    rows[3] = (*camera.focal, *camera.centre)
    return rows


def far_away(here: Camera, there: Camera) -> NDArray[np.float64]:
    """The matrix [3, 3] that takes pixels of what is infinitely far from one picture to the other."""
    turn = there.world_to_camera[:3, :3] @ here.world_to_camera[:3, :3].T
    if np.array_equal(here.world_to_camera, there.world_to_camera) and here.focal == there.focal:
        turn = np.eye(3)
        if here.centre == there.centre:
            return turn
    return np.asarray(there.intrinsics @ turn @ np.linalg.inv(here.intrinsics))
