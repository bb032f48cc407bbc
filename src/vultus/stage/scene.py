"""What rigs share: where a head is, random light and surroundings, and cameras around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import rotations
from vultus.camera import Camera
from vultus.motion import Motion
from vultus.person.identity import Identity, parse_identity
from vultus.person.landmarks import landmarks
from vultus.person.light import RIGS, Lamp, LightRig
from vultus.person.mesh import build_mesh
from vultus.person.places import PLACES

F64 = NDArray[np.float64]

_TURNED: Final = 0.6  # radians by which a light rig is turned about the person at most
_BATCH: Final = 64  # frames whose landmarks are found at a time


def person(identity: Identity | str) -> Identity:
    """The identity, from words if need be."""
    return parse_identity(identity) if isinstance(identity, str) else identity


def random_light(rng: np.random.Generator) -> tuple[LightRig, str]:
    """A light rig, turned about the person and of another brightness and warmth, and a place for it."""
    rig = RIGS[sorted(RIGS)[rng.integers(len(RIGS))]]
    turn = rotations.to_matrix(np.array([0.0, rng.uniform(-_TURNED, _TURNED), 0.0]))
    warm = float(rng.normal(0, 0.06))
    tint = np.array([1 + warm, 1.0, 1 - warm])

    def lamp(some: Lamp) -> Lamp:
        x, y, z = turn @ some.direction
        r, g, b = np.maximum(tint * some.colour, 0)
        return replace(some, direction=(float(x), float(y), float(z)), colour=(float(r), float(g), float(b)))

    rig = replace(
        rig, key=lamp(rig.key), fill=lamp(rig.fill), rim=lamp(rig.rim),
        exposure=rig.exposure * float(2 ** rng.uniform(-0.25, 0.15)),
    )  # fmt: skip
    return rig, rig.place if rng.uniform() < 0.6 else PLACES[rng.integers(len(PLACES))]


def points_of(identity: Identity, motion: Motion, points: tuple[int, ...]) -> F64:
    """The mean place of some of the 478 landmarks in every frame, [T, 3] metres."""
    mesh, out = build_mesh(identity), []
    for first in range(0, len(motion), _BATCH):
        some = motion.data[first : first + _BATCH]
        out.append(landmarks(mesh, mesh.evaluate(some))[:, list(points)].mean(1))
    return np.concatenate(out).astype(np.float64)


def head_of(identity: Identity) -> tuple[F64, float]:
    """The middle of the head at rest, [3], and the height from chin to crown, in metres."""
    mesh = build_mesh(identity)
    chin, crown = mesh.neutral[mesh.landmark("chin")], mesh.neutral[mesh.landmark("crown")]
    height = float(crown[1] - chin[1])
    return np.array([0.0, float(chin[1]) + 0.5 * height, float(chin[2]) - 0.35 * height]), height


def around(middle: F64, distance: float, yaw: float, pitch: float) -> F64:
    """A place *distance* metres from *middle*: *yaw* radians to the person's left, *pitch* above."""
    way = [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
    return np.asarray(middle + distance * np.array(way))


def turned(camera: Camera, turn: F64, shift: F64) -> Camera:
    """*camera* moved by *shift* [3] metres along its own axes and turned by the rotation vector *turn* [3] in them."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotations.to_matrix(turn)
    matrix[:3, 3] = -matrix[:3, :3] @ shift
    return replace(camera, world_to_camera=matrix @ camera.world_to_camera)
