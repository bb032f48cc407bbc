"""The procedural person as a head: Motion -> pictures, vertices, or a model for engines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.camera import Camera
from vultus.defaults import FACE, Quality
from vultus.heads.engine import body
from vultus.heads.ordered import in_order
from vultus.heads.sway import Sway
from vultus.mesh import Model, Primitive, Skeleton
from vultus.motion import Motion
from vultus.person.glasses import Frame, glasses
from vultus.person.hair import grooms
from vultus.person.identity import Identity, parse_identity
from vultus.person.light import LightRig
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.person.portrait import Portrait
from vultus.person.ribbons import Ribbons, ribbons
from vultus.render.triangles import vertex_normals

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


class PersonHead:
    """One person, baked once, who follows Motions. Not safe in several threads at once: buffers are reused."""

    def __init__(
        self,
        face: str | Identity = FACE,
        *,
        size: tuple[int, int] = (512, 512),
        quality: Quality = "default",
        camera: Camera | None = None,
        light: LightRig | str = "studio",
        place: str | None = None,
    ) -> None:
        """*face* as ``person.identity.parse_identity`` reads it; *size* (width, height) in pixels.

        Without *camera* head and shoulders are in the picture, and without *place* (``person.places.PLACES``) the
        place that goes with the *light* stands behind them.
        """
        self.identity = face if isinstance(face, Identity) else parse_identity(face)
        self._looks: dict[str, Any] = {
            "size": size, "quality": quality, "camera": camera, "light": light, "place": place,
        }  # fmt: skip
        self._vertices = np.empty((0, 3), np.float32)
        self._making = threading.Lock()
        self._painters: deque[Callable[[Floats, Floats], Pixels]] = deque()

    @cached_property
    def portrait(self) -> Portrait:
        """What draws the person; made when the first picture is asked for."""
        return Portrait(self.identity, **self._looks)

    def bake(self) -> None:
        """Paint the person now instead of with the first picture."""
        self._painters.append(self._painter())

    @property
    def mesh_data(self) -> PersonMesh:
        """The mesh that pictures are drawn from."""
        return self.portrait.mesh

    @property
    def camera(self) -> Camera:
        """Where the pictures are seen from."""
        return self.portrait.camera

    @cached_property
    def coarse(self) -> PersonMesh:
        """The mesh without subdivision: for measuring and for engines."""
        return build_mesh(self.identity)

    def frames(self, motions: Iterable[Motion]) -> Iterator[Pixels]:
        """A picture uint8 [H, W, 3] in sRGB for each frame of each piece, in a memory that does not grow.

        Several frames are drawn side by side, one a thread, and come out in order, the same whatever the number. Hair
        starts at rest.
        """
        sway = Sway()
        # The hair's inertia is followed here, in order, before frames go to threads.
        rows = ((row, sway.step(row, float(motion.fps))) for motion in motions for row in motion.data)
        yield from in_order(rows, lambda some: self._drawn(*some))

    def _drawn(self, row: Floats, lag: Floats) -> Pixels:
        """The picture of one frame whose hair lags by *lag* [2, 3], by a portrait that no other thread has."""
        try:
            painter = self._painters.popleft()
        except IndexError:
            painter = self._painter()
        try:
            return painter(row, lag)
        finally:
            self._painters.append(painter)

    def _painter(self) -> Callable[[Floats, Floats], Pixels]:
        """A function that draws frames into buffers of its own."""
        with self._making:
            portrait = self.portrait.twin()
        vertices = np.empty_like(portrait.mesh.neutral)

        def paint(row: Floats, lag: Floats) -> Pixels:
            portrait.mesh.evaluate_into(row, vertices)
            return portrait.render(vertices, row, lag)

        return paint

    def frame(self, row: Floats) -> Pixels:
        """The picture of one frame [69]."""
        return self.portrait.render(self.vertices(row), row)

    def vertices(self, row: Floats) -> Floats:
        """The fine mesh of one frame [69]: a buffer [V, 3] in metres that the next call overwrites."""
        mesh = self.mesh_data
        if len(self._vertices) != len(mesh.neutral):
            self._vertices = np.empty_like(mesh.neutral)
        mesh.evaluate_into(row, self._vertices)
        return self._vertices

    def mesh(self, motion: Motion) -> Floats:
        """The coarse vertices of every frame, float32 [T, V, 3] in metres."""
        return self.coarse.evaluate(motion)

    def lip_gap(self, motion: Motion) -> Floats:
        """How far the inner lips stand apart in each frame, [T] metres."""
        pieces = [self.coarse.lip_gap(self.mesh(motion[i : i + 256])) for i in range(0, len(motion), 256)]
        return np.concatenate(pieces)

    def model(self) -> Model:
        """The person for engines: textured, with 54 named shapes and a skeleton, as ``io.gltf`` writes it."""
        mesh = self.coarse
        # Subdivision keeps the coarse vertices and texture corners first, so the fine look fits the coarse mesh.
        look = self.portrait.appearance
        lifted = mesh.neutral + look.lift[: len(mesh.neutral), None] * vertex_normals(mesh.neutral, mesh.triangles)
        skin = body(mesh, lifted, look.uv)
        hair: list[Ribbons] = []
        looks: list[Primitive] = []
        for groom in grooms(self.mesh_data, self.identity):
            for some in ribbons(groom, self.mesh_data, _HAIR_TRIANGLES, _TONES):
                looks.append(replace(_HAIR, name=f"{'lashes' if groom.lid else 'hair'}{len(hair)}"))
                hair.append(some)
        if frame := glasses(self.mesh_data, self.identity):
            hair.append(_rigid(frame))
            looks.append(replace(_FRAME, roughness=0.2 if frame.shine > 0.9 else 0.3))
        primitives = list(skin.primitives)
        faces, count = [skin.triangles], len(skin.vertices)
        for look_of, some in zip(looks, hair, strict=True):
            first = primitives[-1].first + primitives[-1].count
            primitives.append(replace(look_of, first=first, count=len(some.triangles), colour=(*some.colour, 1.0)))
            faces.append(some.triangles + np.int32(count))
            count += len(some.vertices)
        loose = [_hanging(some, skin.skeleton) for some in hair]
        names = (*ch.ARKIT, *ch.TONGUE)
        moves = np.concatenate([mesh.basis[:, skin.source], *(some.targets for some in hair)], axis=1)
        corner = np.zeros((count - len(skin.vertices), 2), np.float32)
        return Model(
            f"person:{self.identity.seed}",
            np.concatenate([skin.vertices, *(some.vertices for some in hair)]),
            np.concatenate(faces),
            np.concatenate([skin.uv, corner]),
            dict(zip(names, moves, strict=True)),
            skin.skeleton,
            np.concatenate([skin.joints, *(j for j, _ in loose)]),
            np.concatenate([skin.weights, *(w for _, w in loose)]),
            self.portrait.atlas(),
            tuple(primitives),
        )


_HAIR = Primitive(0, 1, "hair", double_sided=True, roughness=0.5, textured=False)
_FRAME = Primitive(0, 1, "glasses", roughness=0.3, textured=False)
_HAIR_TRIANGLES, _TONES = 6000, 3
"""What one groom may spend in an engine, and into how many materials its strands are parted."""


def _rigid(frame: Frame) -> Ribbons:
    """Glasses as what hangs on the head alone and no expression moves."""
    still = np.zeros((len(ch.ARKIT) + len(ch.TONGUE), *frame.vertices.shape), np.float32)
    return Ribbons(frame.vertices, frame.triangles, frame.colour, np.ones(len(frame.vertices), np.float32), still)


def _hanging(some: Ribbons, skeleton: Skeleton) -> tuple[NDArray[np.uint16], Floats]:
    """Joints and weights [V, 4] of ribbons between head and torso."""
    joints, weights = np.zeros((len(some.follow), 4), np.uint16), np.zeros((len(some.follow), 4), np.float32)
    joints[:, 0] = skeleton.names.index("head")
    joints[:, 1] = skeleton.parents[skeleton.names.index("neck")]
    weights[:, 0], weights[:, 1] = some.follow, 1 - some.follow
    return joints, weights
