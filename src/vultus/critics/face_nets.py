"""The face tracker's nets as a torch graph, for losses on landmarks and expressions and for judging with gradients.

They are those of ``vultus.observers.tracker``; here pictures are already cut out.
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from typing import Final

import torch
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


@lru_cache(maxsize=1)
def face_nets() -> FaceNets:
    """The nets of the asset ``face_landmarker``, frozen."""
    with zipfile.ZipFile(store.path("face_landmarker")) as bundle:
        nets = FaceNets(bundle.read("face_landmarks_detector.tflite"), bundle.read("face_blendshapes.tflite"))
    return nets.eval().requires_grad_(False)
