"""The hair of one portrait: strands that follow the posed mesh, cast shadows, are lit and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.person import recall
from vultus.person.brows import brows
from vultus.person.drawn import rows_of
from vultus.person.groom import hair as groomed
from vultus.person.groom.beards import LENGTHS
from vultus.person.hairlight import light_strands
from vultus.person.identity import Identity
from vultus.person.lashes import lashes
from vultus.person.mesh import PersonMesh
from vultus.person.strands import Binding, Groom, anchors, bind, chosen, move, rigid_fit, thinned
from vultus.render.shadows import ShadowMap
from vultus.render.strands import StrandLayer, cast
from vultus.render.threads import spread_out
from vultus.render.triangles import project

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_CHUNK = 256  # strands that one thread moves and lights at a time
_BATCH, _STRETCH = 1024, 50_000  # strands, and pixels along them, that are lit before they are drawn and hide others
_JOINED = 4  # strands at most that one stands for because they are thin
_SHADE = 1500  # strands at most that one kind of hair draws into a shadow map
_SHADE_LENGTH = 180.0  # metres that these are long together at most
_SHADE_WIDTH = 0.0014  # metres; less would leave holes between them


@lru_cache(maxsize=4)
def grooms(mesh: PersonMesh, identity: Identity) -> tuple[Groom, ...]:
    """All hair of *identity* on *mesh*, the bust with one subdivision."""
    return recall.hair(
        mesh, identity, lambda: (*groomed(mesh, identity), brows(mesh, identity), *lashes(mesh, identity))
    )


def names(mesh: PersonMesh, identity: Identity) -> tuple[str, ...]:
    """What each of :func:`grooms` is: hair, beard, brows or lashes."""
    every = grooms(mesh, identity)
    lids = sum(groom.lid for groom in every)
    beard = ["beard"] if identity.beard in LENGTHS else []
    hairs = ["hair"] * (len(every) - len(beard) - 1 - lids)
    return (*hairs, *beard, "brows", *["lashes"] * lids)


@lru_cache(maxsize=4)
def shades(mesh: PersonMesh, identity: Identity) -> tuple[Groom, ...]:
    """Few, wide strands in place of all hair of *identity* but the lashes, for shadows."""
    some = (
        thinned(groom, min(_SHADE / len(groom), _SHADE_LENGTH / _metres(groom)))
        for groom in grooms(mesh, identity)
        if len(groom) and not groom.lid
    )
    return tuple(replace(few, width=np.maximum(few.width, _SHADE_WIDTH).astype(np.float32)) for few in some)


def hair_top(mesh: PersonMesh, identity: Identity) -> float:
    """Height in metres that the hair of *identity* reaches at rest, but for a few strands; -inf without hair."""
    tops = [groom.points[..., 1].max(1) for groom in grooms(mesh, identity) if len(groom)]
    return max((float(np.quantile(top, 0.998)) for top in tops), default=-np.inf)


def _metres(groom: Groom) -> float:
    """How long all strands of *groom* are together."""
    return max(float(np.linalg.norm(np.diff(groom.points, axis=1), axis=2).sum()), 1e-3)


def _depth(groom: Groom, camera: Camera) -> float:
    """How far *groom* is from *camera*, in metres, at least 0.1."""
    centre = groom.points.reshape(-1, 3).mean(0)
    return max(float(camera.world_to_camera[2, :3] @ centre + camera.world_to_camera[2, 3]), 0.1)


def _length(groom: Groom, camera: Camera) -> float:
    """About how many pixels long all strands of *groom* are together."""
    return max(1.0, _metres(groom) * camera.focal[1] / _depth(groom, camera))


@dataclass(frozen=True, eq=False)
class _Posed:
    """One groom with its name, binding and buffers."""

    name: str
    groom: Groom
    binding: Binding
    gloss: F32
    points: F32
    screen: F32
    colour: F32
    seen: NDArray[np.uint8]
    batch: int


@dataclass(frozen=True, eq=False)
class _Shade:
    """Wide strands for the shadow map with their binding and buffer."""

    groom: Groom
    binding: Binding
    points: F32


class Hair:
    """The strands of one portrait, in buffers that it keeps."""

    def __init__(
        self,
        mesh: PersonMesh,
        identity: Identity,
        strands: int,
        reach: float,
        grain: float,
        camera: Camera,
        vertices: F32,
        normals: F32,
        coarse: bool = False,
    ) -> None:
        """At most *strands* of each groom are drawn, seen by *camera*, in all *reach* times its height long.

        Strands thinner than *grain* pixels are joined, up to _JOINED of them to one.

        *vertices* and *normals* [D, 3] are those that ``pose`` gets, at rest, and *coarse* says which of the mesh's
        these are (``drawn.rows_of``).
        """
        self._camera, self._anchors = camera, anchors(mesh)
        number = rows_of(mesh, coarse)
        self._skull, self._torso = number[self._anchors.skull], number[self._anchors.torso]
        self._skull, self._torso = self._skull[self._skull >= 0], self._torso[self._torso >= 0]
        self._at_skull, self._at_torso = (vertices[some].astype(np.float64) for some in (self._skull, self._torso))
        self._neck = mesh.joints.position("neck").astype(np.float64)
        self._parts: list[_Posed] = []
        forward = camera.world_to_camera[2, :3]
        called = names(mesh, identity)
        for i, groom in enumerate(grooms(mesh, identity)):
            if not len(groom):
                continue
            share = min(strands / len(groom), reach * camera.height / _length(groom, camera))
            if grain:
                wide = float(groom.width.mean()) * camera.focal[1] / _depth(groom, camera)
                share = min(share, max((wide / grain) ** (4 / 3), 1 / _JOINED))
            some = thinned(groom, share)
            # Those nearest to the camera first: what they hide then costs little.
            some = chosen(some, np.argsort(some.points.mean(1) @ forward, kind="stable"))
            gloss = np.random.default_rng([identity.seed, 60, i]).uniform(-1, 1, len(some)).astype(np.float32)
            points, screen, colour = (np.zeros_like(some.points) for _ in range(3))
            self._parts.append(
                _Posed(
                    called[i], some, bind(some, mesh, number, normals, coarse), gloss, points, screen, colour,
                    np.zeros(some.points.shape[:2], np.uint8),
                    min(_BATCH, 1 + int(len(some) * _STRETCH / _length(some, camera))),
                )
            )  # fmt: skip
        self._shades = [
            _Shade(few, bind(few, mesh, number, normals, coarse), np.zeros_like(few.points))
            for few in shades(mesh, identity)
        ]
        self._frames = np.zeros((2, 3, 4), np.float32)
        self._lag = np.zeros((3, 3), np.float32)

    def twin(self) -> Hair:
        """The same strands in buffers of their own."""
        other = copy(self)
        other._parts = [
            replace(
                part, points=np.empty_like(part.points), screen=np.empty_like(part.screen),
                colour=np.empty_like(part.colour), seen=np.empty_like(part.seen),
            )
            for part in self._parts
        ]  # fmt: skip
        other._shades = [replace(few, points=np.empty_like(few.points)) for few in self._shades]
        other._frames, other._lag = np.zeros_like(self._frames), np.zeros_like(self._lag)
        return other

    def aim(self, camera: Camera) -> None:
        """See the strands from *camera* from now on."""
        self._camera = camera

    def posed(self) -> Iterator[tuple[str, F32, F32]]:
        """What each kind of hair is called, where its strands are [N, P, 3] since ``pose``, and their widths [N]."""
        for part in self._parts:
            yield part.name, part.points, part.groom.width

    def pose(self, vertices: F32, normals: F32, sway: F32 | None) -> None:
        """Move all strands to the drawn *vertices* and *normals* [D, 3]; *sway* [2, 3] is a shift and a turn."""
        self._frames[0] = rigid_fit(self._at_skull, vertices[self._skull])
        self._frames[1] = rigid_fit(self._at_torso, vertices[self._torso])
        self._lag[:2] = 0 if sway is None else np.nan_to_num(sway)
        self._lag[2] = self._frames[0, :, :3] @ self._neck + self._frames[0, :, 3]
        for part in self._parts:
            self._move(part.groom, part.binding, vertices, normals, part.points)

    def _move(self, groom: Groom, binding: Binding, vertices: F32, normals: F32, out: F32) -> None:
        g, b = groom, binding
        spread_out(
            lambda i, j: move(
                i, j, g.points, g.follow, g.sway, b.mode, b.corners, b.weights, b.tangent, b.frame, b.pivot, vertices,
                normals, self._frames[0], self._frames[1], self._lag, out,
            ),
            len(g), _CHUNK,
        )  # fmt: skip

    def cast(self, shadow: ShadowMap, vertices: F32, normals: F32) -> None:
        """Draw thinned, wide strands into *shadow* after the solid surfaces; ``pose`` comes first."""
        for few in self._shades:
            self._move(few.groom, few.binding, vertices, normals, few.points)
            screen = project(shadow.camera, few.points.reshape(-1, 3)).reshape(few.points.shape)
            cast(screen, few.groom.width, shadow.camera.focal[1], shadow.inverse_depth)

    def draw(self, layer: StrandLayer, solid: F32, shadow: F32, light_camera: F32, light: F32, eye: F32) -> None:
        """Light the posed strands and draw them on an empty *layer* over *solid* surfaces, as its ``clear`` takes
        them."""
        centre = self._frames[0, :, :3] @ self._anchors.centre + self._frames[0, :, 3]
        axis = np.stack([centre, -self._frames[0, :, 1]]).astype(np.float32)
        for part in self._parts:
            project(self._camera, part.points.reshape(-1, 3), part.screen.reshape(-1, 3))
        layer.reserve(((part.screen, part.groom.width) for part in self._parts), self._camera.focal[1])
        layer.clear(solid)
        for part in self._parts:
            count = len(part.groom)
            # Batch by batch from the front, so that what lies below is known to be hidden.
            for first in range(0, count, part.batch):
                some = slice(first, min(first + part.batch, count))
                self._light(part, some, layer.cells, shadow, light_camera, light, eye, axis)
                layer.draw(
                    part.screen[some], part.colour[some], part.groom.width[some], part.seen[some],
                    self._camera.focal[1],
                )  # fmt: skip

    def _light(
        self, part: _Posed, some: slice, cells: F32, shadow: F32, light_camera: F32, light: F32, eye: F32, axis: F32
    ) -> None:
        g, start = part.groom, some.start
        spread_out(
            lambda i, j: light_strands(
                start + i, start + j, part.points, part.screen, g.colour, g.open, part.gloss, axis, cells, shadow,
                light_camera, light, eye, part.seen, part.colour,
            ),
            some.stop - start, _CHUNK,
        )  # fmt: skip
