"""What systems that drive a portrait by unlabelled keypoints share: the terms they minimise, and how a film drives one.

A. Siarohin et al., "First Order Motion Model for Image Animation" (NeurIPS 2019), with the adversarial terms and the
weights that its followers use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vultus.errors import VultusError, unknown
from vultus.io.image import planes, square
from vultus.parts.image import discriminators as gan
from vultus.parts.image import losses
from vultus.parts.image.keypoints import Keypoints, transfer

WEIGHTS: Final = {
    "perceptual": 10.0, "fooling": 1.0, "matching": 10.0, "places": 10.0, "jacobians": 10.0, "spread": 10.0,
    "judge": 1.0,
}  # fmt: skip
"""The published weights of the terms of :func:`objective`."""
MOTIONS: Final = ("relative", "matched", "absolute")
CHUNK: Final = 16
"""Pictures that are drawn at a time."""

Find = Callable[[Tensor], Keypoints]
"""Pictures [B, 3, H, W] -> their keypoints."""
Draw = Callable[[Tensor, Keypoints, Keypoints], Tensor]
"""Source pictures [B, 3, H, W], their keypoints and those to go to -> pictures [B, 3, H, W]."""


def objective(
    made: Tensor, driving: Tensor, to: Keypoints, *, find: Find, bend: losses.Bend, judge: gan.PatchDiscriminator,
    taps: losses.Taps, scales: Sequence[float],
) -> dict[str, Tensor]:  # fmt: skip
    """The terms, unweighted, for pictures *made* of a source with the keypoints *to* of the *driving* pictures.

    *find* finds keypoints in the driving pictures bent by *bend*. "judge" trains the discriminator, all others the
    rest; both at once, since neither's gradients reach the other's weights.
    """
    places, jacobians = losses.equivariance(find, driving, to, bend)
    marks = to.value.detach()
    real, heard = judge(driving, marks), gan.frozen(judge)(made, marks)
    terms = {
        "perceptual": losses.pyramid(taps, made, driving, scales), "fooling": gan.fooling(heard),
        "matching": gan.matching(real, heard), "places": places, "spread": losses.spread(to),
        "judge": gan.least_squares(real, judge(made.detach(), marks)),
    }  # fmt: skip
    return terms if jacobians is None else terms | {"jacobians": jacobians}


@dataclass(frozen=True, eq=False)
class Driven:
    """A portrait on its way through a film: ``source`` [1, 3, S, S], its keypoints ``at``, and those of the ``first``
    frame that drives it, to which relative motion refers."""

    source: Tensor
    at: Keypoints
    first: Keypoints


def drive(
    state: Driven | None, picture: Any, frames: Any, *, size: int, find: Find, draw: Draw, motion: str = "relative",
    device: torch.device | str = "cpu",
) -> tuple[NDArray[np.uint8], Driven]:  # fmt: skip
    """Move *picture* uint8 [H, W, 3] as *frames* uint8 [T, H, W, 3] do: pictures uint8 [T, size, size, 3], and the
    state for the frames that follow (None at first, and then *picture* is read).

    With "relative" *motion* what has changed since the first frame is added to the picture's pose, scaled to its face;
    with "matched", since that one of the first call's frames in which the driving face lies most as the picture's does;
    with "absolute" the face takes the driving one's place and shape. Both are cut to the square in their middle.
    VultusError for a kind of motion that does not exist, for what is missing and for what is no picture.
    """
    if motion not in MOTIONS:
        raise unknown("kind of motion", motion, MOTIONS)
    for name, given in (("picture", picture), ("frames", frames)):
        if given is None:
            raise VultusError(f"The {name} is missing", "Give the face as picture, and the film as frames")
    film = np.asarray(frames)
    if film.ndim != 4 or not len(film):
        raise VultusError(f"Frames are uint8 [T, H, W, 3], not {film.dtype} {film.shape}")
    out = []
    with torch.no_grad():
        for i in range(0, len(film), CHUNK):
            some = torch.from_numpy(planes([square(one, size) for one in film[i : i + CHUNK]])).to(device)
            found = find(some)
            if state is None:
                source = torch.from_numpy(planes([square(np.asarray(picture), size)])).to(device)
                at = find(source)
                best = nearest(at, film, size, find, device) if motion == "matched" else repeated(found, slice(0, 1), 1)
                state = Driven(source, at, best)
            count = len(some)
            at = repeated(state.at, slice(None), count)
            first = None if motion == "absolute" else repeated(state.first, slice(None), count)
            made = draw(state.source.expand(count, -1, -1, -1), at, transfer(at, found, first, scale=True))
            out.append((255 * made.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    assert state is not None  # noqa: S101
    return np.concatenate(out), state


def repeated(points: Keypoints, rows: slice, count: int) -> Keypoints:
    """The keypoints of one picture, at *rows* of the batch, for *count* pictures."""
    turned = None if points.jacobian is None else points.jacobian[rows].expand(count, -1, -1, -1)
    return Keypoints(points.value[rows].expand(count, -1, -1), turned)


def nearest(at: Keypoints, film: NDArray[np.uint8], size: int, find: Find, device: torch.device | str) -> Keypoints:
    """The keypoints [1, K, 2] of the frame of *film* [T, H, W, 3] that lie most as those of one picture do, whatever
    their place and size: relative motion from another pose would be added to the wrong one."""

    def shape(points: Keypoints) -> Tensor:
        centred = points.value - points.value.mean(dim=1, keepdim=True)
        return centred / centred.square().sum(-1).mean(1).add(1e-12).sqrt()[:, None, None]

    best, least = repeated(at, slice(None), 1), float("inf")
    for i in range(0, len(film), CHUNK):
        found = find(torch.from_numpy(planes([square(one, size) for one in film[i : i + CHUNK]])).to(device))
        apart = (shape(found) - shape(at)).square().sum(dim=(1, 2))
        row = int(apart.argmin())
        if float(apart[row]) < least:
            best, least = repeated(found, slice(row, row + 1), 1), float(apart[row])
    return best
