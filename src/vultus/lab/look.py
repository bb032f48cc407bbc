"""How believable the drawn people are, in numbers: what a face tracker reads back, and what must never be seen.

A tracker that learned from photographs looks at rendered people of whom everything is known. Its scores must follow
the commanded shapes, it must find every face, closed lips must show no teeth and lids must lie on the eyeballs. The
people that judge (seeds from 200 on) are others than those that the shapes were tuned on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.heads.person import PersonHead
from vultus.lab.bench import Figure
from vultus.lab.look_identity import describe, describe_one, same, spread, strangers
from vultus.motion import Motion
from vultus.observers.tracker import Tracker
from vultus.person.atlas import Kind
from vultus.person.drawn import surfaces
from vultus.person.identity import Identity
from vultus.person.mesh import PersonMesh
from vultus.person.portrait import framing
from vultus.render.threads import alone, workers
from vultus.render.triangles import Rasteriser, project

Floats = NDArray[np.float32]
T = TypeVar("T")

SIZE: Final = 256
"""Pixels along each side of the pictures that the tracker sees."""
JUDGES: Final = 200
"""The first seed of the people that are measured."""
AMPLITUDES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
GAZE: Final = (-25.0, -12.5, 0.0, 12.5, 25.0)
"""Degrees to which both eyes turn together."""
SHAPES: Final = {
    "jawOpen": ("jawOpen",),
    "mouthSmile": ("mouthSmileLeft", "mouthSmileRight"),
    "mouthPucker": ("mouthPucker",),
    "mouthFunnel": ("mouthFunnel",),
    "eyeBlink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "browInnerUp": ("browInnerUp",),
    "browDown": ("browDownLeft", "browDownRight"),
}
"""What is commanded, and read back as the mean of these scores."""
PEOPLE, MANY = 16, 64
"""How many people are read back, and how many must be found and keep their lips and lids shut."""
SHUT: Final[tuple[dict[str, float], ...]] = (
    {},
    {"jawOpen": 0.3, "mouthClose": 0.3},
    {"jawOpen": 0.2, "mouthClose": 0.2, "mouthPucker": 0.6},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
)
"""Expressions that show nothing of the inside of the mouth."""
LIDS: Final = tuple((blink, gaze) for blink in (0.0, 0.3, 0.6, 1.0) for gaze in (-30.0, 0.0, 30.0))
"""Blinks, and degrees up, at which no lid may cut into an eyeball."""
POSES: Final = (
    (0, 30, 0), (0, -30, 0), (0, 15, 0), (0, -15, 0), (15, 0, 0), (-15, 0, 0), (0, 0, 15), (0, 0, -15),
)  # fmt: skip
"""Head rotations (pitch, yaw, roll) in degrees at which faces must be found."""
_MOUTH: Final = (Kind.CAVITY, Kind.UPPER_TEETH, Kind.LOWER_TEETH, Kind.TONGUE)
_EYES: Final = (Kind.EYE_LEFT, Kind.EYE_RIGHT, Kind.SOCKET)
_FOLD = 0.001
_LEFT = {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookInLeft": -0.5, "eyeLookOutRight": -0.5}
_UP = {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5, "eyeLookDownLeft": -0.5, "eyeLookDownRight": -0.5}


@dataclass(frozen=True, eq=False)
class ReadBack:
    """Commanded values [A], and what the tracker read [P, A] of each person; NaN where it found no face."""

    commanded: Floats
    read: Floats

    @property
    def pooled(self) -> float:
        """Correlation over all pictures of all people; 0 where nothing varies."""
        return _correlation(np.broadcast_to(self.commanded, self.read.shape), self.read)

    @property
    def calibrated(self) -> ReadBack:
        """The same less what was read of each person where the commanded value is 0."""
        return ReadBack(self.commanded, self.read - self.read[:, [int(np.abs(self.commanded).argmin())]])

    @property
    def median(self) -> float:
        """Median over the people of the correlation within one person."""
        return float(np.median([_correlation(self.commanded, row) for row in self.read]))


_who = Identity.from_seed


def _correlation(a: Floats, b: Floats) -> float:
    seen = np.isfinite(b)
    if seen.sum() < 2 or np.ptp(a[seen]) == 0 or np.ptp(b[seen]) == 0:
        return 0.0
    return float(np.corrcoef(a[seen], b[seen])[0, 1])


def commands() -> dict[str, tuple[Floats, Floats, Floats]]:
    """By name: the commanded values [A], the frames [A, 69] that show them, and weights [52] that read the scores."""
    out = {}
    for name, columns in SHAPES.items():
        weights = np.zeros(len(ch.ARKIT), np.float32)
        weights[[ch.INDEX[c] for c in columns]] = 1 / len(columns)
        rows = np.zeros((len(AMPLITUDES), len(ch.CHANNELS)), np.float32)
        rows[:, [ch.INDEX[c] for c in columns]] = np.array(AMPLITUDES)[:, None]
        out[name] = np.array(AMPLITUDES, np.float32), rows, weights
    for name, axis, sign, mix in (("gaze to the left", 1, 1, _LEFT), ("gaze up", 0, -1, _UP)):
        weights = np.zeros(len(ch.ARKIT), np.float32)
        weights[[ch.INDEX[c] for c in mix]] = list(mix.values())
        turn = np.zeros((len(GAZE), 3))
        turn[:, axis] = sign * np.radians(GAZE)
        out[name] = np.array(GAZE, np.float32), Motion.of(1, eye_left=turn, eye_right=turn).data, weights
    return out


def each(people: range, work: Callable[[int, Tracker], T]) -> Iterator[T]:
    """What *work* makes of each of *people* (seeds), in order; several at once, one a thread, each with a tracker."""
    own = threading.local()

    def one(seed: int) -> T:
        if not hasattr(own, "tracker"):
            own.tracker = Tracker()
        with alone():
            return work(seed, own.tracker)

    with ThreadPoolExecutor(workers()) as pool:
        yield from pool.map(one, people)


def read_back(people: range, picked: tuple[str, ...] | None = None, size: int = SIZE) -> Iterator[dict[str, Floats]]:
    """For each of *people* (seeds): what the tracker reads [A] of each command, all of them or those *picked*."""
    return each(people, lambda seed, tracker: read(PersonHead(_who(seed), size=(size, size)), tracker, picked))


def read(head: PersonHead, tracker: Tracker, picked: tuple[str, ...] | None = None) -> dict[str, Floats]:
    """What the tracker reads [A] of each command in pictures of *head*, all of them or those *picked*."""
    out = {}
    for name, (_, rows, weights) in commands().items():
        if picked is None or name in picked:
            faces = [tracker.track(head.frame(row), fresh=True) for row in rows]
            out[name] = np.array([np.nan if f is None else f.scores @ weights for f in faces], np.float32)
    return out


def found(head: PersonHead, tracker: Tracker, poses: tuple[tuple[float, float, float], ...] = POSES) -> float:
    """The share of *poses* (degrees) in [0, 1] in which the tracker finds the face of *head*."""
    rows = np.zeros((len(poses), len(ch.CHANNELS)), np.float32)
    rows[:, ch.HEAD] = np.radians(poses)
    return float(np.mean([tracker.track(head.frame(row), fresh=True) is not None for row in rows]))


def inside_seen(mesh: PersonMesh, rows: Floats, kinds: tuple[Kind, ...], size: int = 512) -> int:
    """How many pixels show *kinds* at most in any of the frames *rows* [T, 69], seen from the front."""
    drawn, camera, raster = surfaces(mesh), framing(mesh, (size, size)), Rasteriser(size, size)
    screen = np.empty((len(drawn.points), 3), np.float32)
    most = 0
    for vertices in mesh.evaluate(rows):
        project(camera, np.ascontiguousarray(vertices[drawn.vertices][drawn.points]), screen)
        raster.draw(screen, drawn.triangles)
        ids = raster.ids[raster.ids >= 0]
        most = max(most, int(np.isin(drawn.kind[ids], kinds).sum()))
    return most


def shut_rows() -> tuple[Floats, Floats]:
    """Frames with closed lips (SHUT) and with closed eyes that look down, ahead and up, each [T, 69]."""
    lips = np.zeros((len(SHUT), len(ch.CHANNELS)), np.float32)
    for row, values in zip(lips, SHUT, strict=True):
        row[[ch.INDEX[name] for name in values]] = list(values.values())
    return lips, lid_rows()[[blink == 1 for blink, _ in LIDS]]


def lid_rows() -> Floats:
    """Frames [T, 69] of LIDS."""
    turn = np.zeros((len(LIDS), 3))
    turn[:, 0] = [-np.radians(gaze) for _, gaze in LIDS]
    blinks = np.array([blink for blink, _ in LIDS], np.float32)
    return Motion.of(1, eye_left=turn, eye_right=turn, eyeBlinkLeft=blinks, eyeBlinkRight=blinks).data


def lid_depth(mesh: PersonMesh) -> float:
    """How deep, in metres, the outside of the lids cuts into an eyeball at most, in the frames of LIDS; 0 if nowhere.

    Measured at the vertices of the lids that stand off the eyeball by a millimetre or more at rest, on the mesh as it
    is (coarse or fine): what lies nearer is the fold behind the lids, which nobody sees.
    """
    deepest = 0.0
    frames = mesh.evaluate(lid_rows())
    index, eye, place, centres = mesh.sliding
    for e, part in enumerate(("eyeLeft", "eyeRight")):
        radius = float(np.median(np.linalg.norm(mesh.neutral[mesh.part_vertices(part)] - centres[e], axis=1)))
        outside = index[(eye == e) & (place[:, 1] > radius + _FOLD)]
        away = np.linalg.norm(frames[:, outside] - centres[e], axis=2)
        deepest = max(deepest, float(radius - away.min()))
    return deepest


@dataclass(frozen=True, eq=False)
class Judged:
    """What is measured of one person: what the tracker read [A] of each command (nothing where it was not asked), the
    share of POSES in which it found the face, pixels that closed lips and lids let through at most, how deep a lid cuts
    into an eyeball in metres, and the descriptor [128] of the face at rest."""

    read: dict[str, Floats]
    found: float
    lips: int
    lids: int
    depth: float
    descriptor: Floats


def judge(seed: int, tracker: Tracker, commanded: bool = True) -> Judged:
    """All that is measured of the person *seed*, who is painted once for it; commands are the most work."""
    head = PersonHead(_who(seed), size=(SIZE, SIZE))
    mesh, (lips, lids) = head.mesh_data, shut_rows()
    return Judged(
        read(head, tracker) if commanded else {},
        found(head, tracker),
        inside_seen(mesh, lips, _MOUTH),
        inside_seen(mesh, lids, _EYES),
        lid_depth(mesh),
        describe(head, np.zeros(len(ch.CHANNELS), np.float32)),
    )


def figures(quick: bool = False) -> Iterator[Figure]:
    """All figures of the look, each with its target; *quick* measures few people, for a first impression.

    The scores are pooled over people twice: as they are, and less what each person reads at rest, as users of a tracker
    who calibrate it do.
    """
    asked, many = (2, 8) if quick else (PEOPLE, MANY)
    people = range(JUDGES, JUDGES + many)
    judged = list(each(people, lambda seed, tracker: judge(seed, tracker, seed < JUDGES + asked)))
    for name, (commanded, _, _) in commands().items():
        told = ReadBack(commanded, np.stack([person.read[name] for person in judged[:asked]]))
        yield Figure(f"{name} read back, all people", "r", told.pooled, None, ">= 0.85")
        yield Figure(f"{name} read back, all people, less each one's rest", "r", told.calibrated.pooled)
        yield Figure(f"{name} read back, one person", "r", told.median)
    yield from _crowd(judged)
    yield from strangers(np.stack([person.descriptor for person in judged]))
    yield from spread([_who(seed) for seed in people])
    yield from same(list(each(range(JUDGES, JUDGES + (1 if quick else 3)), lambda seed, _: describe_one(_who(seed)))))


def _crowd(judged: Sequence[Judged]) -> Iterator[Figure]:
    count, seen = len(judged), float(np.mean([person.found for person in judged]))
    lips, lids = (sum(getattr(person, name) > 0 for person in judged) for name in ("lips", "lids"))
    depth = max(person.depth for person in judged)
    yield Figure(f"faces found, {count} people x {len(POSES)} poses", "%", 100 * seen, None, ">= 100")
    yield Figure(f"people of {count} whose closed lips show the mouth", "people", float(lips), None, "<= 0")
    yield Figure(f"people of {count} whose closed lids show the eyes", "people", float(lids), None, "<= 0")
    yield Figure("deepest cut of a lid into an eyeball", "mm", 1e3 * depth, None, "<= 0.1")
