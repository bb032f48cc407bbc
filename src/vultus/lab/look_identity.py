"""How different the drawn people are, and how much each of them stays one person, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.critics import identity as critic
from vultus.heads.person import PersonHead
from vultus.lab.bench import Figure
from vultus.motion import Motion
from vultus.person.identity import Identity
from vultus.person.light import RIGS
from vultus.person.mesh import PersonMesh

F32 = NDArray[np.float32]

SIZE: Final = 256
"""Pixels along each side of the pictures that are described."""
POSES: Final = ((0, 0, 0), (0, 20, 0), (0, -20, 0), (0, 12, 8), (12, 0, 0), (-12, 0, 0), (0, 0, 12), (-8, -12, -8))
"""Head rotations (pitch, yaw, roll) in degrees in which one person must stay the same."""
EXPRESSIONS: Final[tuple[dict[str, float], ...]] = (
    {},
    {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5},
    {"jawOpen": 0.5},
    {"eyeBlinkLeft": 0.6, "eyeBlinkRight": 0.6, "browDownLeft": 0.6, "browDownRight": 0.6},
    {"browInnerUp": 0.8, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7, "jawOpen": 0.2},
    {"mouthPucker": 0.7},
)
"""Expressions in which one person must stay the same."""
# Where the corners of the eyes and the base of the nose lie on the template, in metres, as dlib's chip wants them.
_CORNERS = np.array(
    [[0.04394, 0.72874, 0.13580], [0.01676, 0.72761, 0.13942], [-0.04394, 0.72874, 0.13580],
     [-0.01676, 0.72761, 0.13942]]
)  # fmt: skip


def _landmarks(mesh: PersonMesh) -> NDArray[np.int64]:
    """The vertices [5] that lie at the points of ``critics.identity.chip``."""
    # The mesh's rest keeps MakeHuman's origin, as the corners do.
    skin = mesh.part_vertices("skin")
    near = np.linalg.norm(mesh.rest[skin] - _CORNERS[:, None], axis=2).argmin(axis=1)
    return np.array([*skin[near], mesh.landmark("subnasal")])


def describe(head: PersonHead, row: F32) -> F32:
    """The descriptor [128] of the picture that *head* draws of one frame [69]."""
    vertices = head.vertices(row)
    points = head.camera.project(vertices[_landmarks(head.mesh_data)])[0]
    return critic.descriptor(head.frame(row), points)


def describe_one(who: Identity, size: int = SIZE) -> F32:
    """Descriptors [N, 128] of one person, plain first, then in all poses, expressions and lights."""
    poses = Motion.of(1, head=np.radians(POSES)).data
    moods = np.zeros((len(EXPRESSIONS), len(ch.CHANNELS)), np.float32)
    for i, mood in enumerate(EXPRESSIONS):
        for name, value in mood.items():
            moods[i, ch.INDEX[name]] = value
    head = PersonHead(who, size=(size, size))
    out = [describe(head, row) for row in (*poses, *moods[1:])]
    out += [describe(PersonHead(who, size=(size, size), light=light), poses[0]) for light in RIGS if light != "studio"]
    return np.stack(out)


def apart(descriptors: F32) -> F32:
    """The distances [N (N - 1) / 2] of all pairs of descriptors [N, 128]."""
    rows, columns = np.triu_indices(len(descriptors), 1)
    return critic.distances(descriptors)[rows, columns]


def strangers(descriptors: F32) -> list[Figure]:
    """How far people are apart, one descriptor [N, 128] each."""
    pairs, people = apart(descriptors), len(descriptors)
    return [
        Figure(f"nearest two of {people} people", "distance", float(pairs.min()), target=f">= {critic.OTHER}"),
        Figure(f"median pair of {people} people", "distance", float(np.median(pairs))),
        Figure(f"pairs below {critic.OTHER}", "%", 100 * float((pairs < critic.OTHER).mean())),
        Figure(f"pairs below {critic.SAME}", "%", 100 * float((pairs < critic.SAME).mean())),
    ]


def same(people: Sequence[F32]) -> list[Figure]:
    """How far people stray from themselves, as :func:`describe_one` describes each."""
    strays = np.concatenate([critic.distances(person)[0, 1:] for person in people])
    return [
        Figure("one person, farthest picture", "distance", float(strays.max()), target="<= 0.45"),
        Figure("one person, 95th percentile", "distance", float(np.percentile(strays, 95))),
    ]


def spread(crowd: Sequence[Identity]) -> list[Figure]:
    """How evenly age and sex are spread over *crowd*."""
    decades = np.histogram([who.age for who in crowd], bins=np.linspace(18, 80, 6))[0]
    least = float(decades.min())
    return [
        Figure("people in the emptiest of five age groups", "people", least, target=f">= {len(crowd) // 8}"),
        Figure("share of women", "%", 100 * float(np.mean([who.gender > 0.5 for who in crowd]))),
    ]
