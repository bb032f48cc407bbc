"""What stands behind a person, made up from the pieces around: places that a head uncovers when it turns.

Each place that is needed gets the middle of the piece of the background whose surroundings look most alike, found by
propagation and random search (C. Barnes et al., "PatchMatch", SIGGRAPH 2009) in a small picture; the mean of all pieces
that cover a place is its next estimate (Y. Wexler, E. Shechtman and M. Irani, "Space-time completion of video", 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person.jit import fast
from vultus.photo.filters import F32, blur, distance, filled, nearest, resized, step

Bools = NDArray[np.bool_]

_SIDES: Final = (44, 88, 176)  # pixels along the longer sides of the pictures in which pieces are looked for
_RADIUS: Final = 3  # of a piece: 7 x 7 pixels
_ROUNDS: Final = 4
_TRUST: Final = 0.8  # of an estimate, for each pixel that it is further in
_PLAIN: Final = 0.02  # of contrast around the person, below which a smooth background is as good
_CHANGE: Final = 0.12  # of a piece's light, at most, to fit the edge of the hole
_RIM: Final = 4  # pixels around the hole that tell how much lighter it must be
_LEAST: Final = 60  # pieces that there must be to choose from


@fast
def _search(
    rounds: int, image: np.ndarray, weight: np.ndarray, good: np.ndarray, rows: np.ndarray, columns: np.ndarray,
    number: np.ndarray, field: np.ndarray, cost: np.ndarray, chance: np.ndarray, total: np.ndarray,
) -> None:  # fmt: skip
    """Improve *image* [H, W, 3] at the places (*rows*, *columns*) [N], whose sources are *field* int32 [N, 2].

    *weight* [H, W] is how far each pixel can be trusted, *good* bool [H, W] the middles of whole pieces, *number* int32
    [H, W] the place's own or -1, *chance* uint32 [rounds, N, 12] noise; *cost* [N] and *total* [H, W, 4] are room.
    """
    height, width, count = image.shape[0], image.shape[1], len(rows)
    for k in range(rounds):
        for n in range(count):
            cost[n] = np.float32(1e30)
        ahead = k % 2 == 0
        for m in range(count):
            n = m if ahead else count - 1 - m
            y, x = rows[n], columns[n]
            reach = max(height, width)
            for c in range(9):
                sy, sx = field[n, 0], field[n, 1]
                if c in (1, 2):
                    way = 1 if ahead else -1
                    py, px = (y - way, x) if c == 1 else (y, x - way)
                    if py < 0 or px < 0 or py >= height or px >= width or number[py, px] < 0:
                        continue
                    p = number[py, px]
                    sy, sx = field[p, 0] + y - py, field[p, 1] + x - px
                elif c > 2:
                    a, b = chance[k, n, 2 * (c - 3)], chance[k, n, 2 * (c - 3) + 1]
                    sy = sy + np.int32(a % np.uint32(2 * reach + 1)) - reach
                    sx = sx + np.int32(b % np.uint32(2 * reach + 1)) - reach
                    reach = max(reach // 3, 1)
                if sy < 0 or sx < 0 or sy >= height or sx >= width or not good[sy, sx]:
                    continue
                away, whole = np.float32(0), np.float32(0)
                for i in range(max(-_RADIUS, -y), min(_RADIUS + 1, height - y)):
                    for j in range(max(-_RADIUS, -x), min(_RADIUS + 1, width - x)):
                        w = weight[y + i, x + j]
                        if w > 0:
                            whole += w
                            for d in range(3):
                                e = image[y + i, x + j, d] - image[sy + i, sx + j, d]
                                away += w * e * e
                away /= max(whole, np.float32(1e-6))
                if away < cost[n]:
                    cost[n], field[n, 0], field[n, 1] = away, sy, sx
        total[:] = 0
        for n in range(count):
            y, x, sy, sx = rows[n], columns[n], field[n, 0], field[n, 1]
            for i in range(max(-_RADIUS, -y), min(_RADIUS + 1, height - y)):
                for j in range(max(-_RADIUS, -x), min(_RADIUS + 1, width - x)):
                    if number[y + i, x + j] >= 0:
                        w = weight[y, x] / (np.float32(1e-3) + cost[n])
                        total[y + i, x + j, 3] += w
                        for d in range(3):
                            total[y + i, x + j, d] += w * image[sy + i, sx + j, d]
        for n in range(count):
            y, x = rows[n], columns[n]
            for d in range(3):
                image[y, x, d] = total[y, x, d] / total[y, x, 3]


def structured(photo: F32, hole: Bools, smooth: F32, reach: float) -> F32:
    """*smooth* [H, W, 3], which fills the *hole* [H, W] of *photo* [H, W, 3], with the structure of what is around the
    hole up to *reach* pixels inside; where little is to be seen around it, *smooth* itself. Always the same."""
    height, width = hole.shape
    found: _Match | None = None
    for side in _SIDES:
        scale = min(1.0, side / max(height, width))
        size = max(round(width * scale), 8), max(round(height * scale), 8)
        gone = resized(hole.astype(np.float32), size) > 0.01
        inside = distance(gone)
        good = scipy.ndimage.binary_erosion(~gone, np.ones((2 * _RADIUS + 1,) * 2, np.bool_))
        wanted = gone & (inside <= reach * scale + 1)
        small = resized(photo, size)
        if found is None:
            around = ~gone & (distance(~gone) <= max(reach * scale, 3))
            contrast = np.abs(small - blur(small, 2.0)).mean(2)
            if not wanted.any() or good.sum() < _LEAST or not around.any() or contrast[around].mean() < _PLAIN:
                return smooth
        found = _matched(np.where(gone[..., None], resized(smooth, size), small), inside, good, wanted, found)
    made = smooth if found is None else _copied(photo, hole, found)
    share = hole * (1 - step(distance(hole), 0.75 * reach, reach))
    return np.asarray(smooth + share[..., None] * (made - smooth), np.float32)


@dataclass(frozen=True, eq=False)
class _Match:
    """For the places ``wanted`` bool [H, W] the ``image`` [H, W, 3] and how far away ``moves`` [H, W, 2] its pieces
    are, in rows and columns."""

    image: F32
    wanted: Bools
    moves: NDArray[np.int32]


def _matched(image: F32, inside: F32, good: Bools, wanted: Bools, before: _Match | None) -> _Match:
    """The pieces for an *image* [H, W, 3], begun with what was found in a smaller one."""
    rows, columns = (part.astype(np.int32) for part in np.nonzero(wanted))
    shape, places = wanted.shape, np.stack([rows, columns], 1)
    _, near_row, near_column = nearest(good)
    field = np.stack([near_row[rows, columns], near_column[rows, columns]], 1).astype(np.int32)
    image = np.array(image, np.float32)
    if before is not None:
        ratio = np.array(shape) / before.wanted.shape
        _, old_row, old_column = nearest(before.wanted)
        old = np.minimum((places + 0.5) / ratio, np.array(before.wanted.shape) - 1).astype(int)
        old = old_row[old[:, 0], old[:, 1]], old_column[old[:, 0], old[:, 1]]
        there = places + np.rint(before.moves[old] * ratio).astype(np.int32)
        ok = ((there >= 0) & (there < shape)).all(1)
        ok[ok] = good[there[ok, 0], there[ok, 1]]
        field[ok] = there[ok]
        image[rows, columns] = resized(before.image, (shape[1], shape[0]))[rows, columns]
    weight = np.where(inside > 0, np.where(wanted, _TRUST ** np.minimum(inside, 12), 0), 1).astype(np.float32)
    number = np.full(shape, -1, np.int32)
    number[rows, columns] = np.arange(len(rows))
    chance = np.random.default_rng(0).integers(0, 1 << 32, (_ROUNDS, len(rows), 12), np.uint32)
    _search(
        _ROUNDS, image, weight, good, rows, columns, number, field,
        np.empty(len(rows), np.float32), chance, np.empty((*shape, 4), np.float32),
    )  # fmt: skip
    moves = np.zeros((*shape, 2), np.int32)
    moves[rows, columns] = field - places
    return _Match(image, wanted, moves)


def _copied(photo: F32, hole: Bools, found: _Match) -> F32:
    """The colours of the pieces [H, W, 3] at the *hole* in the photo's own pixels, brought to the light at its edge."""
    height, width = hole.shape
    small = found.wanted.shape
    _, near_row, near_column = nearest(found.wanted)
    moves = found.moves[near_row, near_column] * np.array([height / small[0], width / small[1]])
    rim = scipy.ndimage.binary_dilation(hole, iterations=_RIM)
    y, x = np.nonzero(rim)
    sy, sx = (y + 0.5) * small[0] / height - 0.5, (x + 0.5) * small[1] / width - 0.5
    i = np.clip(np.floor(sy), 0, small[0] - 2).astype(int)
    j = np.clip(np.floor(sx), 0, small[1] - 2).astype(int)
    a, b = np.clip(sy - i, 0, 1), np.clip(sx - j, 0, 1)
    made = np.zeros_like(photo)
    for di, dj, share in ((0, 0, (1 - a) * (1 - b)), (0, 1, (1 - a) * b), (1, 0, a * (1 - b)), (1, 1, a * b)):
        by = np.rint(moves[i + di, j + dj]).astype(int)
        row, column = np.clip(y + by[:, 0], 0, height - 1), np.clip(x + by[:, 1], 0, width - 1)
        made[y, x] += share[:, None].astype(np.float32) * photo[row, column]
    # What differs along the edge is made up for more and more smoothly further in.
    made += filled(np.clip(photo - made, -_CHANGE, _CHANGE), hole | ~rim)
    return np.clip(made, 0, 1)
