"""Fit the procedural person to a face in pictures: identity, camera, pose, expression and gaze.

Gauss-Newton on the tracker's landmarks, with its scores and the spread of the people as priors (a Gaussian one for each
unknown); several pictures of one person share the identity. What the model cannot explain becomes a smooth field of
displacements over the mesh (a sum of Gaussians around the landmarks, ridge regression), laid over a rest with the jaw
half open, because closed lips share their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.camera import Camera
from vultus.errors import VultusError
from vultus.motion import clamp
from vultus.observers.basis import basis, personal, template
from vultus.person import landmarks as lm
from vultus.person.mesh import PersonMesh

if TYPE_CHECKING:
    from vultus.observers.tracker import Face

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Picture = NDArray[np.uint8]

SKIN: Final = 468
"""How many of the landmarks lie on the skin; the irises follow."""
FLIP: Final = np.diag([1.0, -1.0, -1.0])
"""From a head that looks along +z with y up to a camera with y down that looks at it."""
SMALLEST_EYES: Final = 12.0
"""Pixels between the eyes' outer corners below which a face is refused."""

_DISTANCE = 6.0  # focal length over the face's height in pixels: a portrait from 1.1 m
_ROUNDS, _POSE_ONLY = 14, 4
_SIGMA = 0.035  # of the landmarks, as a share of the distance between the eyes; large, for their errors go together
_TRUST = 0.16  # standard deviation of the scores
_FLOOR = 0.08  # what the tracker gives a shape that is not there
_UNSEEN = (*(ch.INDEX[n] for n in ch.ARKIT if n.startswith("eyeLook")), ch.INDEX["tongueOut"], ch.INDEX["cheekPuff"])
_NARROW, _WIDE, _RIDGE = 0.010, 0.035, 0.01  # metres of the field's two Gaussians; ridge


@dataclass(frozen=True, eq=False)
class Fit:
    """A person fitted to a face in a picture of *size* (width, height) pixels.

    ``rotation`` [3, 3] and ``translation`` [3] metres take the model (y up, looking along +z, the origin between the
    eyes) to the camera (x right, y down, z forward) of focal length ``focal`` pixels, which looks at the middle of the
    face, ``centre`` in pixels, because a picture does not tell from how far away or as a part of which it was taken;
    ``identity`` float32 [K] standard deviations; ``row`` float32 [69] the frame of a Motion that the picture shows,
    without the pose of the head; ``rows`` float32 [C + J, 3] coarse vertices and joints of the person at rest;
    ``landmarks`` float32 [478, 2] pixels; ``error`` of the model and ``error_fine`` of the result, mean distances to
    the landmarks in percent of the distance between the eyes' outer corners.
    """

    size: tuple[int, int]
    focal: float
    centre: F64
    rotation: F64
    translation: F64
    identity: F32
    row: F32
    rows: F32
    landmarks: F32
    error: float
    error_fine: float

    @property
    def expression(self) -> F32:
        """ARKit's shapes in the picture, [52]."""
        return self.row[ch.EXPRESSION]

    @property
    def eyes(self) -> float:
        """Pixels between the eyes' outer corners."""
        return float(np.linalg.norm(self.landmarks[263] - self.landmarks[33]))

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll of the head in degrees; yaw to the person's left, pitch down, roll to their right."""
        x, y, z = rotations.from_matrix(FLIP @ self.rotation)
        return float(np.degrees(y)), float(np.degrees(x)), float(np.degrees(z))

    @property
    def camera(self) -> Camera:
        """The camera that sees the model as the picture shows it."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation, self.translation
        width, height = self.size
        x, y = map(float, self.centre)
        return Camera(width, height, (self.focal, self.focal), (x, y), matrix)

    @cached_property
    def mesh(self) -> PersonMesh:
        """The person at rest, ready to be moved."""
        return personal(self.rows)

    def cut(self, left: float, top: float, scale: float, size: tuple[int, int]) -> Fit:
        """The same fit for a part of the picture from (*left*, *top*), *scale* times as large, *size* pixels."""
        corner = np.array([left, top])
        marks = ((self.landmarks - corner) * scale).astype(np.float32)
        return replace(
            self, size=size, focal=self.focal * scale, centre=(self.centre - corner) * scale, landmarks=marks
        )  # fmt: skip


@lru_cache(maxsize=1)
def marks() -> tuple[NDArray[np.int32], F32]:
    """Coarse vertices [478, 3] between which the landmarks lie, and their weights [478, 3]."""
    return lm.corners(template(0))


def at_marks(vertices: NDArray[Any]) -> NDArray[Any]:
    """The landmarks [..., 478, 3] of coarse vertices [..., C or more, 3]."""
    index, weight = marks()
    return np.einsum("...pci,pc->...pi", vertices[..., index, :], weight)


@lru_cache(maxsize=1)
def _model() -> tuple[F64, F64, int]:
    """Mean landmarks [478, 3], what unknowns do to them [K + 52, 478, 3], and K."""
    faces, mesh = basis(), template(0)
    shapes = mesh.expression[: len(ch.ARKIT)] * mesh.gains[: len(ch.ARKIT), None, None]
    moves = np.concatenate([at_marks(faces.components), at_marks(shapes)])
    return at_marks(faces.mean).astype(np.float64), moves.astype(np.float64), len(faces.components)


@lru_cache(maxsize=1)
def _weights() -> F64:
    weight = np.ones(lm.COUNT)
    weight[list(lm.CONTOUR)] = 0.35
    weight[list(lm.OUTER_LIPS + lm.INNER_LIPS + lm.LEFT_EYE + lm.RIGHT_EYE)] = 1.6
    weight[SKIN:] = 0
    return weight


class _View:
    """One picture while it is being fitted."""

    def __init__(self, face: Face, model: tuple[F64, F64, int]) -> None:
        self.target = face.landmarks[:, :2].astype(np.float64)
        eyes = np.linalg.norm(self.target[lm.LEFT_EYE[0]] - self.target[lm.RIGHT_EYE[0]])
        tall = np.linalg.norm(self.target[10] - self.target[152])
        if not eyes >= SMALLEST_EYES:
            mend = f"Give one whose eyes are at least {SMALLEST_EYES:.0f} pixels apart"
            raise VultusError(f"The face is too small: {eyes:.0f} pixels between the eyes", mend)
        self.eyes = float(max(eyes, 0.35 * tall))
        self.focal = float(_DISTANCE * max(tall, 1.6 * eyes))
        self.centre: F64 = 0.5 * (self.target.min(0) + self.target.max(0))
        self.rotation: F64 = FLIP @ face.rotation
        wide = np.linalg.norm(model[0][263] - model[0][33])
        self.translation = np.array([0.0, 0.0, self.focal * wide / self.eyes])
        middle = self.target[[33, 263]].mean(0)
        self.translation[:2] = (middle - self.centre) * self.translation[2] / self.focal
        self.prior = np.clip((face.scores.astype(np.float64) - _FLOOR) / (1 - _FLOOR), 0, 1)
        self.prior[list(_UNSEEN)] = 0
        self.expression = self.prior.copy()
        self.weight = _weights()[:, None] / (_SIGMA * self.eyes)

    def project(self, points: F64) -> tuple[F64, F64]:
        """Model points [N, 3] -> pixels [N, 2] and camera points [N, 3]."""
        q = points @ self.rotation.T + self.translation
        return self.focal * q[:, :2] / q[:, 2:] + self.centre, q

    def derivative(self, moves: F64, q: F64) -> F64:
        """Moves of camera points [..., N, 3] -> weighted moves of pixels [..., 2 N]."""
        out = (moves[..., :2] - q[:, :2] * (moves[..., 2:] / q[:, 2:])) * (self.focal / q[:, 2:])
        return (out * self.weight).reshape(*moves.shape[:-2], -1)


def _solve(views: Sequence[_View], identity: F64) -> None:
    """Gauss-Newton: poses first, then everything; *identity* [K] and the views are changed."""
    mean, moves, count = _model()
    own = len(ch.ARKIT) + 6
    spread = np.full(len(ch.ARKIT), _TRUST)
    spread[list(_UNSEEN)] = 1e-3
    for turn in range(_ROUNDS):
        full = turn >= _POSE_ONLY
        total = count + own * len(views)
        normal, right = np.zeros((total, total)), np.zeros(total)
        for i, view in enumerate(views):
            points = mean + np.tensordot(np.concatenate([identity, view.expression]), moves, 1)
            pixels, q = view.project(points)
            missing = ((view.target - pixels) * view.weight).ravel()
            arm = q - view.translation
            turns = np.stack([np.cross(axis, arm) for axis in np.eye(3)])
            shifts = np.broadcast_to(np.eye(3)[:, None], (3, *arm.shape))
            rows = [np.zeros((count, missing.size)), np.zeros((len(ch.ARKIT), missing.size))]
            if full:
                both = view.derivative(moves @ view.rotation.T, q)
                rows = [both[:count], both[count:]]
            rows += [view.derivative(turns, q), view.derivative(shifts, q)]
            jacobian = np.concatenate(rows)
            at = np.concatenate([np.arange(count), count + own * i + np.arange(own)])
            normal[np.ix_(at, at)] += jacobian @ jacobian.T
            right[at] += jacobian @ missing
            some = count + own * i + np.arange(len(ch.ARKIT))
            normal[some, some] += 1 / spread**2
            right[some] -= (view.expression - view.prior) / spread**2
        first = np.arange(count)
        normal[first, first] += 1.0
        right[first] -= identity
        every = np.arange(total)
        normal[every, every] += 1e-6 * normal[every, every] + 1e-9
        step = np.linalg.solve(normal, right)
        identity += step[:count] if full else 0
        for i, view in enumerate(views):
            mine = step[count + own * i : count + own * (i + 1)]
            if full:
                view.expression = np.clip(view.expression + mine[: len(ch.ARKIT)], 0, 1)
            view.rotation = rotations.to_matrix(mine[-6:-3]) @ view.rotation
            view.translation = view.translation + mine[-3:]
            view.translation[2] = max(view.translation[2], 0.2)


def _spread_out(missing: F64) -> F32:
    """A smooth field over the rest [C + J, 3] that takes the landmarks by *missing* [468, 3]; eyeballs, teeth and
    joints move as wholes."""
    mesh = template(0)
    faces = basis()
    half_open = mesh.coarse + 0.6 * mesh.expression[ch.INDEX["jawOpen"]]
    points = at_marks(half_open)[:SKIN].astype(np.float64)

    def kernel(a: NDArray[Any], b: F64) -> F64:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return 0.5 * np.exp(-squares / (2 * _NARROW**2)) + 0.5 * np.exp(-squares / (2 * _WIDE**2))

    spread = np.linalg.solve(kernel(points, points) + _RIDGE * np.eye(SKIN), missing)
    out = np.zeros(faces.mean.shape, np.float32)
    near = np.flatnonzero(half_open[:, 1] > half_open[:, 1].max() - 0.42)
    out[near] = kernel(half_open[near].astype(np.float64), points) @ spread
    names = mesh.joints.names
    for part, joint in (("eyeLeft", "leftEye"), ("eyeRight", "rightEye")):
        ball = mesh.part_vertices(part)
        out[ball] = out[ball].mean(0)
        out[len(mesh.coarse) + names.index(joint)] = out[ball[0]]
    inner = np.concatenate([mesh.part_vertices(part) for part in ("tongue", "teethUpper", "teethLower")])
    out[inner] = out[inner].mean(0)
    return out


def _posed(rows: F32, row: F32) -> tuple[F32, PersonMesh]:
    """Coarse vertices [C, 3] in a frame [69] of the person at rest at *rows*."""
    mesh = personal(rows, 0)
    return mesh.evaluate(clamp(row[None]))[0], mesh


def _gaze(view: _View, rows: F32) -> tuple[F64, F64]:
    """Rotation vectors of the left and right eye that put the irises where the picture has them."""
    mesh = template(0)
    names = mesh.joints.names
    out = []
    for iris, joint, part in ((473, "leftEye", "eyeLeft"), (468, "rightEye", "eyeRight")):
        centre = rows[len(mesh.coarse) + names.index(joint)].astype(np.float64)
        ball = rows[mesh.part_vertices(part)]
        radius = float(np.linalg.norm(ball - ball.mean(0), axis=1).mean())
        ray = np.append((view.target[iris] - view.centre) / view.focal, 1.0)
        ray /= np.linalg.norm(ray)
        seen = view.rotation @ centre + view.translation
        along = float(ray @ seen)
        behind = along**2 - float(seen @ seen) + radius**2
        hit = view.rotation.T @ (ray * (along - np.sqrt(max(behind, 0.0))) - seen)
        hit /= np.linalg.norm(hit)
        home = np.array([0.0, 0.0, 1.0])
        axis = np.cross(home, hit)
        sine = float(np.linalg.norm(axis))
        angle = min(float(np.arctan2(sine, home @ hit)), 0.5)
        out.append(axis / max(sine, 1e-9) * angle)
    return out[0], out[1]


def _finish(view: _View, identity: F64, size: tuple[int, int], refine: bool) -> Fit:
    mean, moves, _ = _model()
    pixels, _ = view.project(mean + np.tensordot(np.concatenate([identity, view.expression]), moves, 1))
    scale = 100 / max(float(np.linalg.norm(view.target[263] - view.target[33])), 1e-6)
    error = float(np.linalg.norm(view.target - pixels, axis=1)[:SKIN].mean()) * scale
    rows = basis().face(identity.astype(np.float32))
    row = np.zeros(len(ch.CHANNELS), np.float32)
    row[ch.EXPRESSION] = view.expression
    fine = error
    for turn in range(3 if refine else 1):
        left, right = _gaze(view, rows)
        row[ch.EYE_LEFT], row[ch.EYE_RIGHT] = left, right
        vertices, _ = _posed(rows, row)
        pixels, q = view.project(at_marks(vertices).astype(np.float64))
        missing = view.target - pixels
        fine = float(np.linalg.norm(missing, axis=1)[:SKIN].mean()) * scale
        if not refine or turn == 2:
            break
        flat = np.zeros((SKIN, 3))
        flat[:, :2] = (missing * q[:, 2:] / view.focal)[:SKIN]
        rows = (rows + _spread_out(flat @ view.rotation)).astype(np.float32)
    row = clamp(row[None])[0]
    return Fit(
        size, view.focal, view.centre, view.rotation, view.translation, identity.astype(np.float32), row, rows,
        view.target.astype(np.float32), error, fine,
    )  # fmt: skip


def fit_faces(faces: Sequence[Face], size: tuple[int, int], *, refine: bool = True) -> list[Fit]:
    """Fit one person to several views, *faces* as the tracker saw them in pictures of *size* (width, height).

    The identity is shared; *refine* adds the field that takes each view to its landmarks. VultusError for no faces, or
    faces whose eyes are fewer than SMALLEST_EYES pixels apart.
    """
    if not faces:
        raise VultusError("There is no face to fit", "Give a picture in which a face can be seen")
    model = _model()
    views = [_View(face, model) for face in faces]
    identity = np.zeros(model[2])
    _solve(views, identity)
    return [_finish(view, identity, size, refine) for view in views]


def fit(picture: Picture, face: Face | None = None) -> Fit:
    """Fit a person to the largest face of *picture* uint8 [H, W, 3] (sRGB), or to *face* that the tracker found there.

    Raises VultusError when there is no face, or one too small.
    """
    if face is None:
        from vultus.observers.tracker import Tracker

        face = Tracker().track(picture, fresh=True)
        if face is None:
            raise VultusError("No face was found in the picture", "Give one in which a face looks towards the camera")
    return fit_faces([face], (picture.shape[1], picture.shape[0]))[0]
