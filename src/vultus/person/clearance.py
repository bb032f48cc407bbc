"""Teeth stay behind the skin: how far the arches of a person draw back so that no expression lets them through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.camera import Camera
from vultus.person.pack import Floats
from vultus.render.triangles import Rasteriser, project

Ints = NDArray[np.int32]

_TIGHT: Final[tuple[dict[str, float], ...]] = (
    {}, {"jawOpen": 1.0}, {"mouthSmile": 1.0}, {"mouthSmile": 1.0, "jawOpen": 0.5},
    {"jawLeft": 1.0, "jawOpen": 0.5}, {"jawForward": 1.0, "jawOpen": 0.4},
)  # fmt: skip
"""Expressions in which skin comes closest to teeth."""
_BOX: Final = (np.array([-0.07, 0.585, 0.06]), np.array([0.07, 0.715, 0.19]))  # of the template, in metres
_SIDES: Final = (0.0, 40.0, -40.0)  # degrees from which it is looked for teeth in front of skin
_COVER: Final = 0.0015  # metres of skin that teeth stay behind
_FURTHEST: Final = 0.007  # metres that teeth draw back at most
_MAP: Final = 96  # pixels for 0.14 m
_AWAY, _FIELD = 2.0, 4.0  # metres to the camera, degrees that it sees


@dataclass(frozen=True, eq=False)
class Face:
    """What can hide teeth: ``triangles`` int32 [F, 3] over the coarse ``vertices`` int [N]; the first ``outside`` of
    them are skin around the lips, the rest are lips and the lining of the mouth."""

    vertices: NDArray[np.int64]
    triangles: Ints
    outside: int


def face_of(rest: Floats, triangles: Ints, inner: NDArray[np.bool_]) -> Face:
    """The face of a template, *rest* [V, 3], from its triangles [F, 3] and which of them are lips or lining [F]."""
    low, high = _BOX
    near = ((rest[triangles] > low) & (rest[triangles] < high)).all(axis=(1, 2))
    order = np.concatenate([triangles[near & ~inner], triangles[near & inner]])
    vertices, number = np.unique(order, return_inverse=True)
    return Face(vertices.astype(np.int64), number.reshape(-1, 3).astype(np.int32), int((near & ~inner).sum()))


def retreat(face: Face, skin: Floats, shapes: Floats, mouth: Floats, follow: Floats) -> float:
    """How far a person's teeth must draw back, in metres, so that they stay behind the skin in any expression.

    *skin* [V, 3] is the person at rest, which *shapes* [54, V, 3] move; *mouth* [D, 3] are points of teeth and gums,
    and *follow* [54, D, 3] what moves them.
    """
    raster = Rasteriser(_MAP, _MAP)
    skin, shapes = skin[face.vertices], shapes[:, face.vertices]
    screen, points = np.empty((len(skin), 3), np.float32), np.empty((len(mouth), 3), np.float32)
    centre = mouth.mean(0).astype(float)
    short = 0.0
    for expression in _TIGHT:
        moved, teeth = skin.copy(), mouth.copy()
        for name, weight in expression.items():
            for column in (name,) if name in ch.INDEX else (f"{name}Left", f"{name}Right"):
                moved += weight * shapes[ch.INDEX[column]]
                teeth += weight * follow[ch.INDEX[column]]
        for side in _SIDES:
            turn = np.radians(side)
            toward = np.array([np.sin(turn), 0, np.cos(turn)])
            camera = Camera.look_at(centre + _AWAY * toward, centre, size=(_MAP, _MAP), fov=_FIELD)
            raster.draw(project(camera, moved, screen), face.triangles)
            project(camera, teeth, points)
            i, j = (np.clip(points[:, c], 0, _MAP - 1).astype(np.int64) for c in (0, 1))
            # Only the half of the arch that faces the camera; the other one is behind the tongue.
            covered = (raster.ids[j, i] >= 0) & (raster.ids[j, i] < face.outside) & ((teeth - centre) @ toward > 0)
            behind = _AWAY - (teeth - centre) @ toward - 1 / np.maximum(raster.inverse_depth[j, i], 1e-6)
            short = max(short, float(((_COVER - behind) * covered).max()) / np.cos(turn))
    return float(min(short, _FURTHEST))
