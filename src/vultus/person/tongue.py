"""The tongue: rings of skin along a midline that bends, lifts and comes out, in the coordinates of the bite.

Metres; the origin lies between the biting edges of the upper front teeth (see ``dentition``). Where the tongue goes for
which sound follows P. Ladefoged and K. Johnson, "A Course in Phonetics", chapter 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.dentition import quads, smooth

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

RINGS, AROUND = 22, 26
_ALONG: Final = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 1.0])
# The midline by _ALONG, from the root to the tip: to the front and up, then half of the width and of the height, in mm.
# The tip of "up" meets the ridge behind the upper teeth while the jaw is a little open; "out" passes over the lower
# lip when the jaw is open by 0.3 and then hangs down.
_POSES: Final[dict[str, list[list[float]]]] = {
    "rest": [[-75, -55, -38, -22, -12.5, -8.5], [-18, -4, 0.5, -2.6, -5.2, -6.2], [17, 17.5, 17, 14.5, 11, 8],
             [10, 10, 8, 5.6, 3.8, 2.6]],
    "tongueTipUp": [[-75, -55, -37.5, -20, -8.2, -1.6], [-18, -4, 1.5, 2.6, 6.2, 10.0], [17, 17.5, 16.5, 13.5, 9.5, 6],
                    [10, 10, 8, 5.2, 3.2, 2.0]],
    "tongueBackUp": [[-75, -57, -41, -25, -15.5, -11.5], [-16, 5, 10, -0.5, -5.6, -7.0], [17, 17.5, 17.5, 14.5, 11, 8],
                     [10, 10, 8.5, 6.0, 3.8, 2.6]],
    "tongueOut": [[-72, -45, -16, 6, 17.5, 24], [-18, -5, 1.6, 3.6, -0.8, -8.0], [16, 16, 15, 14, 13, 10],
                  [10, 9, 5.0, 3.2, 3.0, 2.4]],
}  # fmt: skip
_FURROW: Final = 1.5  # mm that the midline lies lower


@dataclass(frozen=True, eq=False)
class Tongue:
    """The tongue at rest and what moves it: ``points`` float32 [N, 3]; ``triangles`` int32 [F, 3]; ``uv`` float32
    [N, 2] in its tile, across and by the square of the place along; ``shapes`` by name, float32
    [N, 3] in metres; ``follow`` float32 [N] in [0, 1] is how much of the jaw's motion each point takes part in."""

    points: F32
    triangles: I32
    uv: F32
    shapes: dict[str, F32]
    follow: F32


def _posed(pose: str, f: F64, turn: F64) -> F64:
    """Points [R, A, 3] in metres at places *f* [R] along and angles *turn* [A] around, 0 at the person's left."""
    z, y, wide, high = (smooth(f, _ALONG, np.array(row, float)) for row in _POSES[pose])
    # The end is round.
    close = np.sqrt(np.clip(1 - (np.clip(f - 0.86, 0, None) / 0.14) ** 2.4, 0, 1))
    wide, high = wide * close, high * close
    dz, dy = np.gradient(z, f), np.gradient(y, f)
    length = np.hypot(dz, dy)
    across, up = np.cos(turn), np.sin(turn)
    flat = np.sign(up) * np.abs(up) ** 0.85
    x = wide[:, None] * (np.sign(across) * np.abs(across) ** 0.8)[None]
    rise = high[:, None] * flat[None]
    furrow = _FURROW * smooth(f, np.array([0.1, 0.35, 0.85, 0.97]), np.array([0.0, 1.0, 0.75, 0.0]))
    rise -= np.where(up > 0, 1.0, 0.0)[None] * furrow[:, None] * np.exp(-((x / 3.6) ** 2))
    return np.stack(
        [x, y[:, None] + rise * (dz / length)[:, None], z[:, None] - rise * (dy / length)[:, None]], -1
    ) * 1e-3  # fmt: skip


@lru_cache(maxsize=1)
def build() -> Tongue:
    """The tongue that all people share."""
    f = np.concatenate(
        [np.linspace(0, 0.86, RINGS - 8, endpoint=False), 0.86 + 0.14 * np.sin(np.linspace(0, np.pi / 2, 8))]
    )
    turn = np.linspace(0, 2 * np.pi, AROUND + 1)
    rest = _posed("rest", f, turn[:-1])
    count = RINGS * AROUND
    ring = np.arange(count).reshape(RINGS, AROUND)
    triangles = quads(np.concatenate([ring, ring[:, :1]], 1))
    # Back and underside share the texture, so that it has no seam; the front gets most of it.
    u = 1 - np.abs(turn[:-1] / np.pi - np.where(turn[:-1] > np.pi, 2, 0))
    uv = np.stack(np.broadcast_arrays(u, (f * f)[:, None]), -1).reshape(-1, 2)
    shapes = {
        name: (_posed(name, f, turn[:-1]) - rest).reshape(-1, 3).astype(np.float32) for name in _POSES if name != "rest"
    }
    follow = np.repeat(0.45 + 0.55 * smooth(f, np.array([0.0, 0.4, 0.8, 1.0]), np.array([0.0, 0.6, 1.0, 1.0])), AROUND)
    return Tongue(
        rest.reshape(-1, 3).astype(np.float32), np.ascontiguousarray(triangles), uv.astype(np.float32), shapes,
        follow.astype(np.float32),
    )  # fmt: skip
