"""The measures of geometry over whole motions, on the default person's mesh, in pieces of bounded length.

Errors are means over frames. Those that need the spread over time (FDD, UFD, articulation) are computed for each piece
of 10 s, as the papers do for each clip, and averaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.critics import geometry
from vultus.critics.rows import ROWS, Row, shuffled
from vultus.defaults import FACE
from vultus.motion import Motion
from vultus.person.identity import parse_identity
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.signals.phones import Phone

Floats = NDArray[np.floating]
PIECE: Final = 10.0
"""Seconds of vertices that lie in memory at once."""


@lru_cache(maxsize=1)
def face() -> tuple[PersonMesh, geometry.Regions]:
    """The default person's mesh and its regions."""
    mesh = build_mesh(parse_identity(FACE))
    return mesh, geometry.regions(mesh)


def arranged(motion: Motion, seed: int = 0) -> dict[Row, Motion]:
    """The rows of a motion that are made from itself, and itself."""
    order = shuffled(len(motion), round(motion.fps), seed)
    valid = np.broadcast_to(np.all(motion.valid, axis=0), motion.valid.shape)
    mean = np.repeat(motion.data.mean(axis=0, dtype=np.float64)[None], len(motion), axis=0)
    return {
        "this": motion,
        "mean": motion.replace(data=mean, valid=valid, body=None),
        "shuffled": motion.replace(data=motion.data[order], valid=motion.valid[order], body=None),
        "reversed": motion.replace(data=motion.data[::-1], valid=motion.valid[::-1], body=None),
    }


@dataclass(eq=False)
class _Sums:
    """Means over pieces, weighted by their frames; pieces without a value do not count."""

    total: dict[str, float]
    weight: dict[str, float]

    def add(self, values: dict[str, float], frames: int) -> None:
        for name, value in values.items():
            if np.isfinite(value):
                self.total[name] = self.total.get(name, 0.0) + value * frames
                self.weight[name] = self.weight.get(name, 0.0) + frames

    def means(self) -> dict[str, float]:
        return {name: self.total[name] / self.weight[name] for name in self.total}


def measure(rows: dict[Row, Motion], true: Motion | None, phones: tuple[Phone, ...]) -> dict[Row, dict[str, float]]:
    """The scores of every row by name: those that need *true* where it is given, those that need *phones* likewise.

    All motions have the same rate and the length of the shortest; the row "copy" is *true*.
    """
    mesh, regions = face()
    fps = float(rows["this"].fps)
    given = {**rows, "copy": true} if true is not None else dict(rows)
    count = min(len(m) for m in given.values() if m is not None)
    sums = {row: _Sums({}, {}) for row in given}
    gaps: dict[Row, list[Floats]] = {row: [] for row in given}
    bites: dict[Row, list[Floats]] = {row: [] for row in given}
    for first, stop in _pieces(count, max(round(PIECE * fps), 1)):
        goal = geometry.expressive(mesh, true[first:stop]) if true is not None else None
        near = [p for p in phones if first <= (p.start + p.end) / 2 * fps < stop]
        for row, motion in given.items():
            assert motion is not None  # noqa: S101
            made = goal if row == "copy" and goal is not None else geometry.expressive(mesh, motion[first:stop])
            if goal is not None:
                moved = [replace(p, start=p.start - first / fps, end=p.end - first / fps) for p in near]
                sums[row].add(_errors(made, goal, mesh, regions, moved, fps), stop - first)
            if phones:
                gaps[row].append(np.asarray(mesh.lip_gap(made)))
                bites[row].append(geometry.bite_distance(mesh, made))
    out = {row: sums[row].means() for row in ROWS if row in given}
    for row in out:
        if phones:
            closure = geometry.closure_f1(np.concatenate(gaps[row]), phones, fps)
            out[row] |= {
                "closure F1": closure["f1"], "closure precision": closure["precision"],
                "closure recall": closure["recall"], "bite": geometry.bite_mm(np.concatenate(bites[row]), phones, fps),
            }  # fmt: skip
    return out


def _pieces(count: int, length: int) -> Iterator[tuple[int, int]]:
    """Where pieces begin and end; a last one of a few frames goes with the one before."""
    edges = [*range(0, count, length), count]
    if len(edges) > 2 and edges[-1] - edges[-2] < length // 4:
        del edges[-2]
    yield from pairwise(edges)


def _errors(
    made: Floats, true: Floats, mesh: PersonMesh, regions: geometry.Regions, phones: list[Phone], fps: float
) -> dict[str, float]:
    lips, upper, rest = regions.lips, regions.upper, mesh.neutral
    return {
        "LVE": geometry.lve(made, true, lips), "LVE_mm": geometry.lve_mm(made, true, lips),
        "MVE": geometry.mve(made, true), "MVE_mm": geometry.mve_mm(made, true),
        "UFVE": geometry.ufve(made, true, upper), "FDD": geometry.fdd(made, true, rest, upper),
        "UFD": geometry.ufd_mm(made, true, rest, upper),
        "articulation": geometry.articulation_ratio(made, true, rest, lips),
        "key LVE": geometry.key_lve_mm(made, true, lips, phones, fps),
    }  # fmt: skip
