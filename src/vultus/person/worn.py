"""What a person wears as geometry of its own, drawn with the skin and carried by the skull."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vultus.person.appearance import Appearance
from vultus.person.atlas import Kind
from vultus.person.drawn import Surfaces
from vultus.person.glasses import Frame
from vultus.person.mesh import PersonMesh
from vultus.person.pigment import GLOSS, OPEN, SHINE
from vultus.person.strands import anchors, rigid_fit

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Worn:
    """A person's surfaces with a frame behind them: ``surfaces`` with its points and triangles added, whose ``points``
    from ``first`` on and vertices from ``rows`` on are the frame's; ``texture`` the atlas with a swatch of it, whose
    place is ``uv`` [2]."""

    surfaces: Surfaces
    first: int
    rows: int
    frame: Frame
    texture: U8
    uv: tuple[float, float]
    skull: NDArray[np.int32]
    home: NDArray[np.float64]

    def pose(self, vertices: F32, out: F32) -> None:
        """Where the frame [M, 3] is when the mesh's *vertices* [V, 3] are posed, into *out*."""
        turn = rigid_fit(self.home, vertices[self.skull])
        out[:] = self.frame.vertices @ turn[:, :3].T + turn[:, 3]


def wear(frame: Frame, mesh: PersonMesh, s: Surfaces, look: Appearance) -> Worn:
    """Put *frame* on the surfaces *s* of *mesh* that *look* paints."""
    rows, first, count = len(s.vertices), len(s.points), len(frame.vertices)
    added = np.arange(count, dtype=np.int32)
    # The last columns of the atlas belong to no island.
    texture = look.texture.copy()
    swatch = np.zeros(texture.shape[2], np.uint8)
    swatch[:3] = np.rint(255 * np.sqrt(np.array(frame.colour)))
    swatch[GLOSS], swatch[SHINE], swatch[OPEN] = round(255 * frame.gloss), round(255 * frame.shine), 255
    texture[:8, -2:] = swatch
    whole = replace(
        s,
        welded=np.concatenate([s.welded, frame.triangles + np.int32(rows)]),
        points=np.concatenate([s.points, added + np.int32(rows)]),
        triangles=np.concatenate([s.triangles, frame.triangles + np.int32(first)]),
        kind=np.concatenate([s.kind, np.full(len(frame.triangles), Kind.FRAME, np.int32)]),
    )
    skull = anchors(mesh).skull
    home = mesh.neutral[skull].astype(np.float64)
    return Worn(whole, first, rows, frame, texture, (1.0, 1 - 3 / texture.shape[0]), skull, home)
