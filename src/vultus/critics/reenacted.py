"""How well a picture was driven to another pose: for systems that move one picture of a person as a film does.

People, moments and depth come from arrays as ``vultus.stage.portraits`` makes them, so that the true picture is known.
Landmarks are found by the face tracker's net in both pictures alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from vultus import channels as ch
from vultus.critics.face_nets import marks
from vultus.critics.pixels import akd, psnr
from vultus.errors import VultusError
from vultus.person.landmarks import TO_68

Arrays = Mapping[str, NDArray[Any]]


def yaw(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far the head is turned to the person's left, for rows of a motion [..., 69]: radians [...]."""
    return np.asarray(rows[..., ch.NECK][..., 1] + rows[..., ch.HEAD][..., 1], np.float64)


def goals(kept: Arrays, *, degrees: float = 15.0, each: int = 10, seed: int = 5) -> dict[str, NDArray[Any]]:
    """Pairs of moments of one clip, *each* per clip at most, whose heads are turned by *degrees* or more from each
    other: ``clip``, ``source`` and ``driving`` int [N]; ``about`` [N, 478, 2], the true landmarks of the driving one,
    and what the judge finds there in its picture, ``found`` [N, 68, 2], and in the source's, ``still``.

    *kept* has ``frames``, ``marks`` and ``motion``. VultusError when no head turns so far.
    """
    rng, rows = np.random.default_rng(seed), []
    for clip, turn in enumerate(yaw(kept["motion"])):
        far = np.argwhere(np.abs(turn[:, None] - turn) >= np.radians(degrees))
        rows += [(clip, *pair) for pair in rng.permutation(far)[:each]]
    if not rows:
        raise VultusError(f"No head turns by {degrees:g} degrees", "Give clips in which heads turn")
    clip, source, driving = np.array(rows, np.int64).T
    about = kept["marks"][clip, driving]
    found, still = (marks(kept["frames"][clip, at], about)[:, list(TO_68)] for at in (driving, source))
    return {"clip": clip, "source": source, "driving": driving, "about": about, "found": found, "still": still}


def chosen(kept: Arrays, goal: Arrays, name: str, which: str) -> NDArray[Any]:
    """The field *which* of *kept* at the ``source`` or ``driving`` moments (*name*) of the pairs of *goal*, [N, …]."""
    return np.asarray(kept[which][goal["clip"], goal[name]])


def distances(made: NDArray[np.uint8], kept: Arrays, goal: Arrays) -> dict[str, float]:
    """Figures of pictures *made* uint8 [N, H, W, 3] for the pairs of *goal*: ``AKD`` of the 68 landmarks and ``PSNR``
    of the face, both against the true picture."""
    found = marks(made, goal["about"])[:, list(TO_68)]
    true, face = chosen(kept, goal, "driving", "frames"), chosen(kept, goal, "driving", "face")
    return {"AKD": akd(found, goal["found"], made.shape[1]), "PSNR": psnr(made, true, face)}


def standing_still(kept: Arrays, goal: Arrays) -> dict[str, float]:
    """The figures of the source itself, as if nothing had been driven."""
    size = kept["frames"].shape[2]
    still, true = (chosen(kept, goal, name, "frames") for name in ("source", "driving"))
    face = chosen(kept, goal, "driving", "face")
    return {"AKD": akd(goal["still"], goal["found"], size), "PSNR": psnr(still, true, face)}


def order(near: NDArray[np.floating], kept: Arrays, goal: Arrays) -> float:
    """How well *near* [N, H, W] puts the places of a face in order of depth: Spearman's rank correlation with the true
    nearness over the face, mean over the driving pictures; 0 where *near* is flat."""
    ranks = []
    depth, face = (chosen(kept, goal, "driving", which) for which in ("depth", "face"))
    for value, far, where in zip(near, depth, face, strict=True):
        flat = where.sum() < 3 or np.ptp(value[where]) == 0
        ranks.append(0.0 if flat else float(spearmanr(value[where], -far[where]).statistic))
    return float(np.mean(ranks))


def bowl(kept: Arrays, goal: Arrays) -> NDArray[np.float64]:
    """A face as everybody has one, for each pair [N, H, W]: a paraboloid, nearest in the middle of the face."""
    out = []
    for where in chosen(kept, goal, "driving", "face"):
        y, x = np.mgrid[: where.shape[0], : where.shape[1]]
        (cy, cx), (sy, sx) = ((y[where].mean(), x[where].mean()), (np.ptp(y[where]) + 1, np.ptp(x[where]) + 1))
        out.append(-(((y - cy) / sy) ** 2) - ((x - cx) / sx) ** 2)
    return np.stack(out)
