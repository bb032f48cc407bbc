"""The face tracker's nets as a torch graph, for losses on landmarks and expressions and for judging with gradients.

They are those of ``vultus.observers.tracker``; here pictures are already cut out.
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus import channels as ch
from vultus import store
from vultus.critics.tflite import LiteRT
from vultus.errors import VultusError
from vultus.observers.tracker import LANDMARKS, SCORE_COLUMNS, SCORED

SIDE: Final = 256
"""Pixels along each side of a cut-out face: 1.5 times the face, its eyes level."""


class FaceNets(nn.Module):
    """Cut-out faces -> landmarks, presence and ARKit's scores, differentiable; build it with :func:`face_nets`."""

    def __init__(self, landmarker: bytes, scorer: bytes) -> None:
        super().__init__()
        self.landmarker, self.scorer = LiteRT(landmarker), LiteRT(scorer)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, 256, 256] in [0, 1] -> landmarks [B, 478, 3] in pixels of the cut-out, presence [B] in [0, 1], scores
        [B, 52] in the order of ``channels.ARKIT`` (0 for tongueOut, which the net does not know)."""
        if faces.ndim != 4 or faces.shape[1:] != (3, SIDE, SIDE):
            raise VultusError(f"Faces have the shape [B, 3, {SIDE}, {SIDE}], not {tuple(faces.shape)}")
        raw, present, _ = self.landmarker(faces.permute(0, 2, 3, 1))
        points = raw.reshape(-1, LANDMARKS, 3)
        return points, present.reshape(-1).sigmoid(), self.scores(points)

    def scores(self, points: Tensor) -> Tensor:
        """Landmarks [B, 478, 2 or 3] in pixels -> ARKit's scores [B, 52] in [0, 1]."""
        one_by_one = [self.scorer(p[list(SCORED), :2][None])[0].reshape(-1)[1:] for p in points]
        out = points.new_zeros(len(points), len(ch.ARKIT))
        columns = torch.from_numpy(SCORE_COLUMNS).to(points.device)
        return out.index_copy(1, columns, torch.stack(one_by_one).clamp(0, 1))


def marks(pictures: NDArray[np.uint8], about: NDArray[np.floating]) -> NDArray[np.float32]:
    """Landmarks float32 [N, 478, 2] in pixels of pictures uint8 [N, H, W, 3], each looked at where *about*
    [N, 478, 2 or more] has its landmarks, also where the net would doubt that there is a face."""
    from vultus.observers.tracker import around
    from vultus.observers.warp import square

    out = []
    for picture, points in zip(pictures, about, strict=True):
        place = around(np.asarray(points, np.float32))
        cut = square(picture, place.centre, place.side, place.angle, SIDE, 1 / 255)
        with torch.no_grad():
            raw = face_nets().landmarker(torch.from_numpy(cut)[None])[0]
        local = (raw.reshape(-1, LANDMARKS, 3)[0, :, :2].numpy() - SIDE / 2) * (place.side / SIDE)
        cos, sin = np.cos(place.angle), np.sin(place.angle)
        out.append(local @ np.array([[cos, sin], [-sin, cos]]) + place.centre)
    return np.asarray(out, np.float32)


@lru_cache(maxsize=1)
def face_nets() -> FaceNets:
    """The nets of the asset ``face_landmarker``, frozen."""
    with zipfile.ZipFile(store.path("face_landmarker")) as bundle:
        nets = FaceNets(bundle.read("face_landmarks_detector.tflite"), bundle.read("face_blendshapes.tflite"))
    return nets.eval().requires_grad_(False)
