"""How much of the sky every vertex sees: shadow maps from many directions, averaged once per identity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.render.shadows import ShadowMap
from vultus.render.strands import cast
from vultus.render.threads import spread
from vultus.render.triangles import project

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


def directions(count: int) -> NDArray[np.float64]:
    """Unit vectors [count, 3] spread evenly over the sphere (the Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    y, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(turn), y, r * np.sin(turn)], 1)


def ambient(
    vertices: F32,
    normals: F32,
    triangles: I32,
    hair: Sequence[tuple[F32, F32]] = (),
    *,
    count: int = 64,
    size: int = 192,
) -> F32:
    """The share [V] in [0, 1] of the cosine-weighted sky that each of *vertices* [V, 3] in metres sees.

    *normals* [V, 3] are unit vectors, *hair* are strands [N, P, 3] and their widths [N] in metres, which shade too;
    *count* are the directions, *size* the texels of each shadow map.
    """
    centre = 0.5 * (vertices.min(0) + vertices.max(0))
    radius = float(np.linalg.norm(vertices - centre, axis=1).max())
    distance = 12 * radius
    fov = 2 * float(np.degrees(np.arcsin(min(radius / distance * 1.02, 0.99))))
    points = np.ascontiguousarray(vertices + 0.001 * normals, np.float32)
    sky = directions(count)
    # Every direction has a place of its own, so that the sum does not depend on who finishes first.
    seen, weight = np.zeros((count, len(vertices)), np.float32), np.maximum(sky @ normals.T, 0).astype(np.float32)

    def look(i: int) -> None:
        shadow = ShadowMap(Camera.look_at(centre + distance * sky[i], centre, size=(size, size), fov=fov))
        shadow.draw(vertices, triangles, threads=1)
        for strands, width in hair:
            screen = project(shadow.camera, strands.reshape(-1, 3)).reshape(strands.shape)
            cast(screen, width, shadow.camera.focal[1], shadow.inverse_depth)
        seen[i] = shadow.lookup(points, bias=0.0035)

    spread(look, count)
    total = weight.sum(0)
    return np.where(total > 1e-6, (seen * weight).sum(0) / np.maximum(total, 1e-6), 1.0).astype(np.float32)
