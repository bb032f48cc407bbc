"""Eyeballs as the photo shows them: one small picture of each, with what the lids hide made up from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.person.mesh import PersonMesh
from vultus.photo.filters import F32, blur, distance, sample, step

SIDE: Final = 128
"""Pixels along each side of the picture of an eye; it shows the front half of the ball from straight ahead."""
_BEHIND = 3.0  # where the back half goes: outside of the picture, whose edge is repeated


@dataclass(frozen=True, eq=False)
class Ball:
    """One eye at rest: its vertices, ``centre`` [3] and ``radius`` in metres, ``place`` [N, 2] on its picture."""

    vertices: NDArray[np.int64]
    centre: F32
    radius: float
    place: F32


def balls(mesh: PersonMesh) -> tuple[Ball, Ball]:
    """The left and the right eyeball."""
    out = []
    for part, joint in (("eyeLeft", "leftEye"), ("eyeRight", "rightEye")):
        vertices = mesh.part_vertices(part)
        centre = mesh.joints.position(joint)
        local = mesh.neutral[vertices] - centre
        length = np.linalg.norm(local, axis=1, keepdims=True)
        unit = local / np.maximum(length, 1e-9)
        place = unit[:, :2] * np.where(unit[:, 2:] < 0, _BEHIND, 1.0)
        out.append(Ball(vertices, centre, float(np.median(length)), place.astype(np.float32)))
    return out[0], out[1]


def bake(
    ball: Ball, turn: F32, photo: F32, aperture: F32, iris: float,
    view: tuple[NDArray[np.float64], NDArray[np.float64]], focal: float, centre: NDArray[np.float64], white: F32,
) -> F32:  # fmt: skip
    """The picture [SIDE, SIDE, 3] of an eye that is turned by the rotation vector *turn* in the photo.

    *aperture* [H, W] is what lies between the lids, *iris* its radius in pixels, *view* the rotation and translation to
    the camera, *white* [3] what to take for the sclera where too little of it is seen.
    """
    line = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    x, y = np.meshgrid(line, -line)
    squares = x * x + y * y
    away = np.sqrt(squares)
    direction = np.stack([x, y, np.sqrt(np.clip(1 - squares, 0, 1))], -1)
    points = ball.centre + ball.radius * direction @ rotations.to_matrix(turn).T
    q = points @ view[0].T + view[1]
    pixels = focal * q[..., :2] / q[..., 2:] + centre
    colour = sample(photo, pixels)
    scale = max(photo.shape[0], photo.shape[1]) / 512
    inside = step(distance(aperture > 0.5), 0.6 * scale, 2.2 * scale)
    seen = sample(inside, pixels) * (squares < 0.9)
    radius = float(np.clip(iris / (focal * ball.radius / float((view[0] @ ball.centre + view[1])[2])), 0.3, 0.62))
    sclera_seen = (seen > 0.8) & (away > 1.2 * radius)
    sclera = white.astype(np.float32)
    if sclera_seen.sum() > 30:
        bright = colour[sclera_seen].mean(1)
        sclera = np.median(colour[sclera_seen][bright > np.percentile(bright, 45)], 0).astype(np.float32)
    out, sure = colour * seen[..., None], seen.copy()
    # The iris is round: what a lid hides of it is taken from its other side.
    around = step(away, 1.16 * radius, 1.02 * radius)
    for axes in ((0,), (1,), (0, 1)):
        other = np.flip(seen, axes) * (1 - np.clip(sure, 0, 1)) * around
        out += np.flip(colour, axes) * other[..., None]
        sure += other
    ring = (seen > 0.8) & (away < 0.9 * radius) & (away > 0.45 * radius)
    middle = np.median(colour[ring], 0) if ring.sum() > 8 else np.array([0.12, 0.09, 0.08])
    # Under the upper lid lies its shadow.
    base = sclera * ((1 - 0.38 * step(away, 0.45, 0.95)) * (1 - 0.25 * step(y, 0.15, 0.6)))[..., None]
    edge = step(away, 0.90 * radius, 1.10 * radius)[..., None]
    base = middle * (1 - edge) + base * edge
    sure = np.clip(sure, 0, 1)[..., None]
    soft = blur(sure[..., 0], 1.0)[..., None]
    return (out + base * (1 - sure)).astype(np.float32) * soft + blur(out + base * (1 - sure), 0.8) * (1 - soft)


def turned(row: F32) -> tuple[F32, F32]:
    """The rotation vectors of the left and the right eye in a frame [69]."""
    return row[ch.EYE_LEFT], row[ch.EYE_RIGHT]
