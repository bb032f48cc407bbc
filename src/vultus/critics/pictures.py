"""The measures of pixels over two videos, in one pass over both; the rows beside them from a few short stretches.

All pictures count for the score itself. For the other rows twelve stretches of four pictures, spread over the video,
are kept: shuffled among each other, played backwards, or replaced by their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.critics import pixels
from vultus.critics.rows import Row, shuffled
from vultus.errors import VultusError

Picture = NDArray[np.uint8]
Pair = tuple[Picture, Picture]
Describe = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
STRETCHES, LENGTH = 12, 4
LARGEST: Final = 256
"""Pixels of the larger side at which the other rows are measured; larger pictures are thinned out."""
COLUMNS: Final = 12
"""Directions in which the Fréchet distance is taken: those in which the reference varies most."""


def pairs(made: str | Path, true: str | Path, fps: Fraction) -> Iterator[Pair]:
    """Pictures of two videos that are on screen at the same time, *fps* a second, as far as both go."""
    from vultus.io.video import read_video

    with closing(read_video(made)) as left, closing(read_video(true)) as right:
        yield from zip(_held(left, fps), _held(right, fps), strict=False)


def _held(shown: Iterator[tuple[Fraction, Picture]], fps: Fraction) -> Iterator[Picture]:
    """What is on screen at each frame; looked up a quarter of a frame late, for times that a file rounds."""
    number, held, last = 0, None, Fraction(0)
    for time, picture in shown:
        while held is not None and (number + Fraction(1, 4)) / fps < time:
            yield held
            number += 1
        held, last = picture, time
    while held is not None and (number - Fraction(1, 4)) / fps < last:
        yield held
        number += 1


class _Means:
    """Measures of pairs as they come."""

    def __init__(self) -> None:
        self._mse, self._ssim, self._l1, self._flicker = 0.0, 0.0, 0.0, 0.0
        self._count, self._steps = 0, 0
        self._last: Pair | None = None

    def push(self, made: Picture, true: Picture, follows: bool = True) -> None:
        self._mse += 10 ** (-pixels.psnr(made, true) / 10)
        self._ssim += pixels.ssim(made, true)
        self._l1 += pixels.l1(made, true)
        self._count += 1
        if self._last is not None and follows:
            self._flicker += pixels.flicker(np.stack([self._last[0], made]), np.stack([self._last[1], true]))
            self._steps += 1
        self._last = made, true

    def means(self) -> dict[str, float]:
        n = max(self._count, 1)
        mse = max(self._mse / n, 1e-12)
        return {
            "PSNR": min(-10 * float(np.log10(mse)), pixels.MOST_PSNR), "SSIM": self._ssim / n, "L1": self._l1 / n,
            "flicker": self._flicker / self._steps if self._steps else float("nan"),
        }  # fmt: skip


def measure(
    made: str | Path, true: str | Path, fps: Fraction, count: int, seed: int = 0
) -> dict[Row, dict[str, float]]:
    """PSNR, SSIM, L1 and flicker of two videos of one size, of about *count* frames; VultusError for other sizes."""
    means, kept = _Means(), _Kept(count)
    for i, (a, b) in enumerate(pairs(made, true, fps)):
        if a.shape != b.shape:
            raise VultusError("Pictures of two sizes cannot be compared", "Give a reference of the same size")
        means.push(a, b)
        kept.push(i, a, b)
    return {"this": means.means(), **{row: _measured(some) for row, some in kept.rows(seed).items()}}


def _measured(stretches: list[list[Pair]]) -> dict[str, float]:
    means = _Means()
    for stretch in stretches:
        for i, (a, b) in enumerate(stretch):
            means.push(a, b, follows=i > 0)
    return means.means()


class _Kept:
    """The stretches of which the other rows are made."""

    def __init__(self, count: int) -> None:
        number = max(min(STRETCHES, count // LENGTH), 1)
        starts = np.linspace(0, max(count - LENGTH, 0), number).round().astype(int)
        self._place = {int(s) + i: k for k, s in enumerate(starts) for i in range(LENGTH)}
        self._kept: list[list[Pair]] = [[] for _ in starts]

    def push(self, number: int, made: Picture, true: Picture) -> None:
        if number in self._place:
            thin = -(-max(made.shape[:2]) // LARGEST)
            self._kept[self._place[number]].append((made[::thin, ::thin].copy(), true[::thin, ::thin].copy()))

    def rows(self, seed: int) -> dict[Row, list[list[Pair]]]:
        """Pairs of what each row shows and what it should show."""
        kept = [stretch for stretch in self._kept if stretch]
        whole = [stretch for stretch in kept if len(stretch) == len(kept[0])]
        order = shuffled(len(whole), 1, seed)
        total = sum(np.asarray(a, np.float64) for stretch in kept for a, _ in stretch)
        mean = np.asarray(np.rint(total / sum(map(len, kept))), np.uint8)
        backwards = [[a for a, _ in stretch][::-1] for stretch in whole][::-1]
        return {
            "copy": [[(b, b) for _, b in stretch] for stretch in kept],
            "mean": [[(mean, b) for _, b in stretch] for stretch in kept],
            "shuffled": [
                [(a, b) for (a, _), (_, b) in zip(whole[k], s, strict=True)] for k, s in zip(order, whole, strict=True)
            ],
            "reversed": [
                [(a, b) for a, (_, b) in zip(back, s, strict=True)] for back, s in zip(backwards, whole, strict=True)
            ],
        }


def features(
    made: str | Path, true: str | Path, describe: Describe, count: int, seed: int = 0, most: int = 96
) -> dict[Row, dict[str, float]]:
    """Distances of what a network makes of the pictures, *describe*: pictures [N, H, W, 3] -> [N, D].

    At most *most* frames, evenly spread, of the *count* at 25 a second are looked at.
    """
    step = max(-(-count // most), 1)
    rows = [
        (describe(a[None])[0], describe(b[None])[0])
        for i, (a, b) in enumerate(pairs(made, true, Fraction(25)))
        if i % step == 0
    ]
    a, b = (np.stack([row[i] for row in rows]) for i in (0, 1))
    order = shuffled(len(a), max(len(a) // 8, 1), seed)
    still = np.broadcast_to(a.mean(axis=0), a.shape)
    others: dict[Row, NDArray[Any]] = {"this": a, "copy": b, "mean": still, "shuffled": a[order], "reversed": a[::-1]}
    return {row: distances(x, b) for row, x in others.items()}


def distances(made: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
    """Mean distance of features [T, D] from frame to frame, and the Fréchet distance of both sets."""
    from vultus.critics.curves import frechet

    out = {"feature distance-s": float(np.linalg.norm(made - true, axis=1).mean())}
    # More frames than directions, or the covariance is not known.
    columns = min(COLUMNS, len(true) // 3, true.shape[1])
    if columns >= 2:
        middle = true.mean(axis=0)
        _, _, axes = np.linalg.svd(true - middle, full_matrices=False)
        out["Fréchet-s"] = frechet((made - middle) @ axes[:columns].T, (true - middle) @ axes[:columns].T)
    return out
