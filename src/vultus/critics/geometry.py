"""How far moving vertices are from those of a reference: the measures of the speech-driven 3D animation papers.

All take float [T, V, 3] in metres of the same mesh, without head pose (:func:`expressive` removes it), and lists of
vertices. Where papers print squared metres under the name of an error, both are here: the field's squared form, to
compare with tables, and millimetres, to be read.

Sources: LVE after A. Richard et al., "MeshTalk" (2021), as CodeTalker computes it; MVE after X. Fan et al. (UniTalker,
2024); FDD after J. Xing et al., "CodeTalker" (2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.motion import Motion
from vultus.person.mesh import PersonMesh
from vultus.signals.phones import Phone

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

CLOSED_MM: Final = 0.5
"""Lips nearer than this, in millimetres, are closed."""
_FRONT: Final = 0.012  # metres from the middle of the template: the front teeth
_SLACK: Final = 1  # frames by which a closure may be early or late
_POSE = [*range(*ch.NECK.indices(99)), *range(*ch.HEAD.indices(99)), *range(*ch.TRANSLATION.indices(99))]


@dataclass(frozen=True, eq=False)
class Regions:
    """Vertices of a mesh: of the ``lips`` and of the ``upper`` face (from the nose up, without the eyeballs)."""

    lips: Rows
    upper: Rows


def regions(mesh: PersonMesh) -> Regions:
    """Lips and upper face of the procedural person, found in its template: the same vertices for all people."""
    x, y, z = (np.asarray(mesh.rest, np.float64)).T
    skin = np.zeros(len(x), bool)
    skin[mesh.part_vertices("skin")] = True
    marks = {name: mesh.rest[v] for name, v in mesh.landmarks.items()}
    top, bottom = marks["lipOuterUpper"][1], marks["lipOuterLower"][1]
    half = abs(marks["mouthCornerLeft"][0]) + 0.004
    front = z > marks["mouthCornerLeft"][2] - 0.004
    lips = skin & front & (np.abs(x) < half) & (y < top + 0.003) & (y > bottom - 0.003)
    brows = marks["nasion"][1] + 0.05
    upper = skin & (z > marks["earLeft"][2]) & (y > marks["noseTip"][1]) & (y < brows)
    return Regions(np.flatnonzero(lips), np.flatnonzero(upper))


def expressive(mesh: PersonMesh, motion: Motion) -> NDArray[np.float32]:
    """Vertices [T, V, 3] in metres of *mesh* as *motion* moves the face, with head, neck and place at rest."""
    data = motion.data.copy()
    data[:, _POSE] = 0
    return mesh.evaluate(motion.replace(data=data))


def _pair(made: Floats, true: Floats) -> tuple[Doubles, Doubles]:
    a: Doubles = np.asarray(made, np.float64)
    b: Doubles = np.asarray(true, np.float64)
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3 or not a.size:
        raise VultusError(f"Vertices are compared as [T, V, 3], not {a.shape} with {b.shape}")
    return a, b


def _distance(made: Floats, true: Floats, rows: Rows | None) -> Doubles:
    """Distances [T, N] in metres."""
    a, b = (made, true) if rows is None else (made[:, rows], true[:, rows])
    a, b = _pair(a, b)
    return np.asarray(np.linalg.norm(a - b, axis=2), np.float64)


def lve(made: Floats, true: Floats, lips: Rows) -> float:
    """Lip vertex error as the field prints it: mean over frames of the greatest *squared* distance, m²."""
    return float((_distance(made, true, lips) ** 2).max(axis=1).mean())


def lve_mm(made: Floats, true: Floats, lips: Rows) -> float:
    """Lip vertex error without the square: mean over frames of the greatest distance, millimetres."""
    return float(1000 * _distance(made, true, lips).max(axis=1).mean())


def mve(made: Floats, true: Floats) -> float:
    """Mean vertex error as UniTalker prints it: mean over frames of the greatest squared distance of all, m²."""
    return lve(made, true, np.arange(np.shape(made)[1]))


def mve_mm(made: Floats, true: Floats) -> float:
    """The same without the square, millimetres."""
    return lve_mm(made, true, np.arange(np.shape(made)[1]))


def ufve(made: Floats, true: Floats, upper: Rows) -> float:
    """Upper-face vertex error: LVE's formula on the upper face, m²."""
    return lve(made, true, upper)


def _liveliness(moved: Doubles) -> Doubles:
    """Standard deviation over time of each vertex's squared way from rest, [V] in m²."""
    return np.asarray((moved**2).sum(axis=2).std(axis=0), np.float64)


def fdd(made: Floats, true: Floats, neutral: Floats, upper: Rows) -> float:
    """Upper-face dynamics deviation, signed, m²: how much livelier the true upper face is than the made one.

    It ignores timing: an upper face that moves as much at the wrong moments scores 0. *neutral* is [V, 3].
    """
    made, true = _pair(made, true)
    rest = np.asarray(neutral, np.float64)[upper]
    return float(np.mean(_liveliness(true[:, upper] - rest) - _liveliness(made[:, upper] - rest)))


def ufd_mm(made: Floats, true: Floats, neutral: Floats, upper: Rows) -> float:
    """The absolute form, vertex by vertex: mean |std of the true way - std of the made way|, millimetres."""
    made, true = _pair(made, true)
    rest = np.asarray(neutral, np.float64)[upper]
    spread = [np.linalg.norm(some[:, upper] - rest, axis=2).std(axis=0) for some in (true, made)]
    return float(1000 * np.abs(spread[0] - spread[1]).mean())


def articulation_ratio(made: Floats, true: Floats, neutral: Floats, lips: Rows) -> float:
    """How much the made lips move for each metre that the true ones do: 1 is right, less is mumbling."""
    made, true = _pair(made, true)
    rest = np.asarray(neutral, np.float64)[lips]
    a, b = ((some[:, lips] - rest).std(axis=0).sum() for some in (made, true))
    return float(a / max(b, 1e-12))


def closed(gap: Floats, limit_mm: float = CLOSED_MM) -> NDArray[np.bool_]:
    """Frames [T] in which lips that are *gap* [T] metres apart count as closed."""
    return np.asarray(gap, np.float64) * 1000 < limit_mm


def closure_f1(gap: Floats, phones: Sequence[Phone], fps: float, limit_mm: float = CLOSED_MM) -> dict[str, float]:
    """Do lips close on P, B and M and only there? Precision, recall and F1 in [0, 1], by events.

    *gap* [T] in metres between the inner lips at *fps*. A bilabial is found when a frame from one before it to one
    after it is closed. A closure (a run of closed frames) is right when it touches a bilabial or a silence: at rest
    lips may lie together. Without bilabials and closures all three are 1.
    """
    shut = closed(gap, limit_mm)
    spans = [(p.start * fps, p.end * fps) for p in phones if p.viseme == "PP"]
    allowed = spans + [(p.start * fps, p.end * fps) for p in phones if p.viseme == "sil"]
    # What is said before the first phone and after the last one is silence.
    ends = (phones[0].start * fps, phones[-1].end * fps) if phones else (0.0, 0.0)
    allowed += [(-np.inf, ends[0]), (ends[1], np.inf)] if phones else []

    def touches(first: int, last: int, span: tuple[float, float]) -> bool:
        return first <= span[1] + _SLACK and last >= span[0] - _SLACK

    runs = _runs(shut)
    right = [run for run in runs if any(touches(*run, span) for span in allowed)]
    found = [span for span in spans if any(touches(*run, span) for run in runs)]
    precision = len(right) / len(runs) if runs else 1.0
    recall = len(found) / len(spans) if spans else 1.0
    both = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last frame of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def bite_mm(distance: Floats, phones: Sequence[Phone], fps: float) -> float:
    """How near the lower lip comes to the upper teeth on F and V: mean of the least distance of each, millimetres.

    *distance* [T] in metres between both; NaN when there is no F or V in the clip.
    """
    distance = np.asarray(distance, np.float64)
    least = []
    for phone in phones:
        if phone.viseme == "FF":
            first, last = int(np.floor(phone.start * fps)), int(np.ceil(phone.end * fps))
            some = distance[max(first, 0) : last + 1]
            least += [some.min()] if len(some) else []
    return float(1000 * np.mean(least)) if least else float("nan")


def key_lve_mm(made: Floats, true: Floats, lips: Rows, phones: Sequence[Phone], fps: float) -> float:
    """LVE in millimetres at the middles of the phones only (KMTalk, 2024); NaN without phones."""
    middles = [round((p.start + p.end) / 2 * fps) for p in phones if p.viseme != "sil"]
    rows = sorted({m for m in middles if 0 <= m < len(made)})
    return lve_mm(np.asarray(made)[rows], np.asarray(true)[rows], lips) if rows else float("nan")


def bite_distance(mesh: PersonMesh, vertices: Floats) -> Doubles:
    """How far the middle of the lower lip is from the edges of the upper front teeth, [T] metres, for vertices
    [T, V, 3] of the procedural person."""
    rest = np.asarray(mesh.rest, np.float64)
    marks = mesh.landmarks
    teeth = mesh.part_vertices("teethUpper")
    teeth = teeth[np.abs(rest[teeth, 0]) < _FRONT]
    low = np.quantile(rest[teeth, 1], 0.25)
    teeth = teeth[rest[teeth, 1] <= low]
    skin = mesh.part_vertices("skin")
    near = np.abs(rest[skin, 0]) < _FRONT
    height, line, bottom = rest[skin, 1], rest[marks["lipInnerLower"], 1], rest[marks["lipOuterLower"], 1]
    front = rest[skin, 2] > rest[marks["mouthCornerLeft"], 2]
    lip = skin[near & front & (height <= line) & (height >= bottom)]
    points = np.asarray(vertices, np.float64)
    gaps = points[:, lip, None] - points[:, None, teeth]
    return np.asarray(np.linalg.norm(gaps, axis=3).min(axis=(1, 2)), np.float64)
