"""A face in pictures: where it is, 478 landmarks, the scores of ARKit's shapes, and how the head is turned.

The three networks are those of Google's ``face_landmarker.task`` (Apache-2.0; the asset ``face_landmarker``): BlazeFace
(V. Bazarevsky et al., arXiv:1907.05047), the face mesh with attention (I. Grishchenko et al., arXiv:2006.10962) and
the blend shapes (I. Grishchenko et al., arXiv:2309.05782). LiteRT runs them; the steps between them are here. The
detector is the short-range one: it sees one face or a few that fill a good part of the square that it looks at;
`vultus.observers.crowd` looks at smaller squares too, and follows several faces.
"""

from __future__ import annotations

import math
import os
import struct
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations, store
from vultus.errors import VultusError, unknown
from vultus.observers.warp import square

__all__ = ["LANDMARKS", "SCORED", "SCORE_COLUMNS", "Box", "Face", "Square", "Tracker", "around", "near"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LANDMARKS: Final = 478
"""Points of a face: 468 of the skin, then five of each iris, the person's right eye first."""
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
SMALLEST: Final = 16
"""Pixels that a picture needs along each side."""

_DETECTOR, _MESH = 128, 256  # pixels along the networks' inputs
_SURE, _SAME = 0.5, 0.3  # score that makes a face; overlap from which two boxes are one face
_ROOM = 1.5  # side of the cut-out square over that of the face
SCORED: Final = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
"""Which landmarks the third network looks at, in its order."""
# The third network's own order: "_neutral" first, then the names as the alphabet has them; it knows no tongueOut.
_OUTPUTS = tuple(sorted(name for name in ch.ARKIT if name != "tongueOut"))
SCORE_COLUMNS: Final = np.array([ch.INDEX[name] for name in _OUTPUTS])
"""Where its outputs, less the first, stand among ``channels.ARKIT``."""


@dataclass(frozen=True)
class Box:
    """A detected face: *centre* (x, y) and *size* (width, height) in pixels, *angle* in radians by which the line
    through the eyes is turned clockwise, and *score* in [0, 1]."""

    centre: tuple[float, float]
    size: tuple[float, float]
    angle: float
    score: float


@dataclass(frozen=True, eq=False)
class Face:
    """What one picture shows of one face.

    ``landmarks`` float32 [478, 3]: x right and y down in pixels, the first pixel's centre at (0.5, 0.5), and z in
    pixels, smaller towards the camera, with an arbitrary zero. ``scores`` float32 [52] in [0, 1], in the order of
    ``channels.ARKIT``; ``observed`` bool [52] says which of them the network gives: tongueOut is 0 and not observed.
    ``box`` (left, top, right, bottom) of the landmarks in pixels; ``presence`` in [0, 1]; ``rotation`` [3, 3] takes
    directions of the head (y up, looking along +z) to the camera's (x right, y up, z towards the viewer). ``middle``
    [3] in pixels (x right, y up, z towards the viewer) is where the rigid part of the face is, ``scale`` how many
    pixels a centimetre of the average face takes.
    """

    landmarks: Floats
    scores: Floats
    observed: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    presence: float
    rotation: Doubles
    middle: Doubles
    scale: float

    def score(self, name: str) -> float:
        """The score of one ARKit shape; VultusError for other names."""
        if name not in ch.ARKIT:
            raise unknown("ARKit shape", name, ch.ARKIT)
        return float(self.scores[ch.ARKIT.index(name)])

    @property
    def rotation_vector(self) -> Doubles:
        """The head's rotation as a vector [3] in radians, as ``Motion.head`` holds it."""
        return rotations.from_matrix(self.rotation)

    @property
    def upright(self) -> Doubles:
        """The landmarks [478, 3] in centimetres of the average face, turned to the front, around the face's middle."""
        return np.asarray((self.landmarks * (1.0, -1.0, -1.0) - self.middle) @ self.rotation / self.scale)


@dataclass(frozen=True)
class Square:
    """A part of a picture: centre (x, y) and side in pixels, angle in radians by which it is turned clockwise."""

    centre: tuple[float, float]
    side: float
    angle: float


class _Net:
    """One network of the bundle: array in, arrays by name out."""

    def __init__(self, content: bytes, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._runner = Interpreter(model_content=content, num_threads=threads)
        self._runner.allocate_tensors()
        self._input = self._runner.get_input_details()[0]["index"]
        self._outputs = {d["name"]: d["index"] for d in self._runner.get_output_details()}

    def __call__(self, values: Floats) -> dict[str, Floats]:
        self._runner.set_tensor(self._input, values[None])
        self._runner.invoke()
        return {name: np.asarray(self._runner.get_tensor(i)) for name, i in self._outputs.items()}


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing of what LiteRT says about itself while it starts, past Python, on the standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stderr.flush()
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Tracker:
    """Follows one face through pictures. Not safe in several threads at once; make one for each."""

    def __init__(self, bundle: str | Path | None = None, *, threads: int = 1) -> None:
        """*bundle* is a ``face_landmarker.task``, fetched unless given; *threads* is how many each network uses.

        Raises VultusError when the asset cannot be had or the file is something else.
        """
        file = Path(bundle) if bundle is not None else store.path("face_landmarker")
        try:
            with zipfile.ZipFile(file) as archive, _silence():
                self._detector = _Net(archive.read("face_detector.tflite"), threads)
                self._landmarker = _Net(archive.read("face_landmarks_detector.tflite"), threads)
                self._scorer = _Net(archive.read("face_blendshapes.tflite"), threads)
                geometry = archive.read("geometry_pipeline_metadata_landmarks.binarypb")
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            mend = "Fetch it again: vultus assets fetch face_landmarker"
            raise VultusError(f"{file} is not a bundle of face networks ({error})", mend) from None
        self.canonical, self.edges = canonical_face(geometry), canonical_edges(geometry)
        self._last: Square | None = None

    def reset(self) -> None:
        """Forget where the face was: the next picture is searched anew."""
        self._last = None

    def detect(self, image: NDArray[np.uint8], *parts: Square) -> list[Box]:
        """The faces in a picture uint8 [H, W, 3] (sRGB), the surest first; an empty list when there is none.

        Looked for in the upright squares *parts*, in the whole picture unless there are some.
        """
        _check(image)
        height, width = image.shape[:2]
        found = [self._found(image, part) for part in parts or (whole(width, height),)]
        centres, sizes, eyes, scores = (np.concatenate(each) for each in zip(*found, strict=True))
        return list(_merge(centres, sizes, eyes, scores))

    def _found(self, image: NDArray[np.uint8], part: Square) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """What the detector sees in one part: centres and sizes [N, 2], eyes [N, 2, 2] in pixels, scores [N]."""
        out = self._detector(square(image, part.centre, part.side, 0.0, _DETECTOR, 1 / 127.5, -1.0))
        scores = 1 / (1 + np.exp(-np.clip(out["classificators"].ravel().astype(np.float64), -80, 80)))
        likely = np.flatnonzero(scores >= _SURE)
        # Offsets from the anchors, in pixels of the network's input, which is centred on the part.
        values = out["regressors"][0, likely].astype(np.float64).reshape(-1, 8, 2) / _DETECTOR
        points = (values + _anchors()[likely, None] - 0.5) * part.side + part.centre
        return points[:, 0], values[:, 1] * part.side, points[:, 2:4], scores[likely]

    def track(self, image: NDArray[np.uint8], *, fresh: bool = False) -> Face | None:
        """The face in a picture uint8 [H, W, 3] (sRGB), or None.

        It is looked for where it was in the picture before, and detected anew when it is not there. *fresh* ignores
        the past and leaves none, for pictures that do not follow one another. Raises VultusError for what is not a
        picture, or one below 16 pixels.
        """
        _check(image)
        face = None
        if self._last is not None and not fresh:
            face = self.look(image, self._last)
        if face is None:
            face = self._first(image)
        if face is None or fresh:
            self._last = None
        else:
            self._last = around(face.landmarks)
        return face

    def _first(self, image: NDArray[np.uint8]) -> Face | None:
        """The face in a picture of which nothing is known; the second look is cut out by the first one's landmarks."""
        boxes = self.detect(image)
        face = self.look(image, near(boxes[0])) if boxes else None
        return self.look(image, around(face.landmarks)) if face else None

    def look(self, image: NDArray[np.uint8], where: Square) -> Face | None:
        """The face that a part of a picture uint8 [H, W, 3] shows in its middle, or None."""
        height, width = image.shape[:2]
        x, y = where.centre
        if not (4 <= where.side <= 8 * max(width, height) and 0 <= x <= width and 0 <= y <= height):
            return None
        out = self._landmarker(square(image, where.centre, where.side, where.angle, _MESH, 1 / 255))
        presence = 1 / (1 + math.exp(-min(max(float(out["Identity_1"].item()), -80), 80)))
        if presence < _SURE:
            return None
        local = out["Identity"].reshape(LANDMARKS, 3).astype(np.float64)
        step = where.side / _MESH
        turn = _turn(where.angle) * step
        points = np.empty((LANDMARKS, 3), np.float32)
        points[:, :2] = (local[:, :2] - _MESH / 2) @ turn.T + where.centre
        points[:, 2] = local[:, 2] * step
        if not np.isfinite(points).all():
            return None
        scores = np.zeros(len(ch.ARKIT), np.float32)
        raw = next(iter(self._scorer(np.ascontiguousarray(points[list(SCORED), :2])).values())).ravel()
        scores[SCORE_COLUMNS] = np.clip(raw[1:], 0, 1)
        (left, top), (right, bottom) = points[:, :2].min(0), points[:, :2].max(0)
        box = float(left), float(top), float(right), float(bottom)
        return Face(points, scores, _observed(), box, presence, *head_pose(points, *self.canonical))


def _check(image: NDArray[np.uint8]) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        told = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise VultusError(f"A picture for the tracker is uint8 [H, W, 3], not {told}")
    if min(image.shape[:2]) < SMALLEST:
        mend = f"Give one of at least {SMALLEST} pixels along each side"
        raise VultusError(f"A picture of {image.shape[1]}x{image.shape[0]} pixels is too small to track", mend)


def _turn(angle: float) -> Doubles:
    """The matrix [2, 2] that turns (x right, y down) clockwise."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])


@lru_cache(maxsize=1)
def _observed() -> NDArray[np.bool_]:
    mask = np.array([name != "tongueOut" for name in ch.ARKIT])
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=1)
def _anchors() -> Doubles:
    """Centres [896, 2] of the detector's anchors in its input, in [0, 1]: two a cell of 16 x 16, six of 8 x 8."""
    return np.array(
        [
            ((x + 0.5) / cells, (y + 0.5) / cells)
            for cells, each in ((16, 2), (8, 6))
            for y in range(cells)
            for x in range(cells)
            for _ in range(each)
        ]
    )


def _merge(centres: Doubles, sizes: Doubles, eyes: Doubles, scores: Doubles) -> Iterator[Box]:
    """One box a face, the surest first: overlapping ones are averaged by their scores (BlazeFace, section 3.4).

    *centres* and *sizes* [N, 2]; *eyes* [N, 2, 2], of which the first is to the left in an upright picture.
    """
    order = np.argsort(-scores, kind="stable")
    while len(order):
        overlap = _overlap(centres[order], sizes[order])
        same, order = order[overlap >= _SAME], order[overlap < _SAME]
        if not len(same):  # a box without area
            order = order[1:]
            continue
        weight = scores[same] / scores[same].sum()
        (x, y), (w, h) = weight @ centres[same], weight @ sizes[same]
        first, second = np.tensordot(weight, eyes[same], 1)
        angle = math.atan2(second[1] - first[1], second[0] - first[0])
        yield Box((float(x), float(y)), (float(w), float(h)), angle, float(scores[same[0]]))


def _overlap(centres: Doubles, sizes: Doubles) -> Doubles:
    """Intersection over union [N] of the first box with all."""
    low, high = centres - sizes / 2, centres + sizes / 2
    both = np.prod(np.clip(np.minimum(high, high[0]) - np.maximum(low, low[0]), 0, None), axis=1)
    area = np.prod(np.clip(sizes, 0, None), axis=1)
    return both / np.maximum(area + area[0] - both, 1e-12)


def whole(width: int, height: int) -> Square:
    """The square around a whole picture."""
    return Square((width / 2, height / 2), float(max(width, height)), 0.0)


def near(box: Box) -> Square:
    """The square in which a detected face is looked at."""
    return Square(box.centre, _ROOM * max(box.size), box.angle)


def around(points: Floats) -> Square:
    """The square in which the next picture is looked at: upright between the eyes' outer corners, with room."""
    eyes = (points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]).astype(np.float64)
    angle = math.atan2(eyes[1], eyes[0])
    turn = _turn(angle)
    upright = points[:, :2] @ turn
    low, high = upright.min(0), upright.max(0)
    x, y = turn @ ((low + high) / 2)
    return Square((float(x), float(y)), _ROOM * float((high - low).max()), angle)


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer message: numbers, four bytes, or the bytes of what lies inside."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(content):
        key = number()
        kind = key & 7
        if kind == 0:
            yield key >> 3, number()
            continue
        length = {1: 8, 5: 4}.get(kind) or number()
        yield key >> 3, content[at : at + length]
        at += length


def canonical_face(content: bytes) -> tuple[Doubles, Doubles]:
    """The bundle's own average face [468, 3] (y up, looking along +z, centimetres) and weights [468] of its points.

    *content* is the bundle's geometry metadata: a mesh of five floats a vertex (place and texture) and the rigid
    points by number with their weights. Raises ValueError when it is something else.
    """
    mesh, weights = b"", np.zeros(468)
    for field, value in _fields(content):
        if field == 1:
            mesh = b"".join(v for f, v in _fields(value) if f == 3)
        elif field == 2:
            point = dict(_fields(value))
            weights[point.get(1, 0)] = struct.unpack("<f", point[2])[0]
    if len(mesh) != 468 * 5 * 4 or weights.sum() <= 0:
        raise ValueError("no geometry of a face")
    return np.frombuffer(mesh, "<f4").reshape(468, 5)[:, :3].astype(np.float64), weights


def canonical_edges(content: bytes) -> NDArray[np.int32]:
    """The edges [N, 2] between the landmarks 0 to 467 in the mesh of the bundle's geometry metadata, each once."""
    corners = [value for field, mesh in _fields(content) if field == 1 for f, value in _fields(mesh) if f == 4]
    if not corners or len(corners) % 3 or not all(isinstance(c, int) and c < 468 for c in corners):
        raise ValueError("no triangles of a face")
    triangles = np.array(corners, np.int32).reshape(-1, 3)
    both = np.sort(np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]]), axis=1)
    return np.asarray(np.unique(both, axis=0))


def head_pose(points: Floats, canonical: Doubles, weights: Doubles) -> tuple[Doubles, Doubles, float]:
    """How the canonical face [468, 3] lies nearest to landmarks [478, 3], under a camera far away.

    Weighted Procrustes (W. Kabsch, 1976): rotation [3, 3] from the face's directions to the camera's (x right, y up,
    z towards the viewer), the place [3] of the canonical face's weighted middle in pixels (x right, y up), and pixels
    for each of the face's centimetres.
    """
    seen = points[: len(canonical)].astype(np.float64) * (1, -1, -1)
    share = weights / weights.sum()
    middle = share @ seen
    rest = canonical - share @ canonical
    covariance = (seen - middle).T @ (rest * share[:, None])
    u, sizes, v = np.linalg.svd(covariance)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
    return np.asarray(u * signs @ v), middle, float(sizes @ signs / (share @ (rest**2).sum(1)))
