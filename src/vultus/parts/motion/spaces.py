"""Motion spaces that networks work in: the shapes of a Motion, and bases of vertices, with differentiable vertices.

Both hold their statistics as buffers, fitted once to training data and stored with the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.motion import Motion, Time, clamp
from vultus.person.mesh import PersonMesh

Floats = NDArray[np.float32]
SHAPES: Final = (*range(*ch.EXPRESSION.indices(99)), *range(*ch.TONGUES.indices(99)))
"""The columns of a Motion that are shapes: ARKit's 52 and the tongue's."""
MILLIMETRES: Final = 1000.0


class ShapeSpace(nn.Module):
    """Columns of a Motion, each less its mean and divided by its deviation over the training data, [.., D].

    ``vertices`` gives how far *count* vertices of a mesh are from rest, in millimetres: linear in the shapes, so that
    gradients pass; the mesh itself adds corrections that are not.
    """

    mean: Tensor
    deviation: Tensor
    basis: Tensor

    def __init__(self, columns: Sequence[int] = SHAPES, count: int = 0) -> None:
        super().__init__()
        self.columns, self.count = list(columns), count
        self.register_buffer("mean", torch.zeros(len(self.columns)))
        self.register_buffer("deviation", torch.ones(len(self.columns)))
        self.register_buffer("basis", torch.zeros(len(self.columns), count * 3))

    @property
    def size(self) -> int:
        """D."""
        return len(self.columns)

    def fit(self, data: Floats, mesh: PersonMesh | None = None, rows: NDArray[np.integer] | None = None) -> None:
        """Take the statistics of Motion data [N, 69], and the basis of the vertices *rows* of *mesh*.

        Channels that hardly move are divided by a deviation of 0.01, so that noise in them stays small.
        """
        chosen = np.asarray(data, np.float64)[:, self.columns]
        self.mean.copy_(torch.from_numpy(chosen.mean(0)))
        self.deviation.copy_(torch.from_numpy(np.maximum(chosen.std(0), 0.01)))
        if mesh is None or rows is None:
            return
        if self.basis.shape[1] != 3 * len(rows):
            raise VultusError(f"The space was made for {self.basis.shape[1] // 3} vertices, not {len(rows)}")
        places = [SHAPES.index(column) for column in self.columns]
        basis = mesh.basis[places][:, rows].reshape(len(places), -1) * MILLIMETRES
        self.basis.copy_(torch.from_numpy(basis))

    def encode(self, data: Tensor) -> Tensor:
        """Motion data [.., 69] -> [.., D]."""
        return (data[..., self.columns] - self.mean) / self.deviation

    def offsets(self, data: Tensor) -> Tensor:
        """Motion data [.., 69] -> how far vertices are from rest, as :meth:`vertices`."""
        return self.vertices(self.encode(data))

    def vertices(self, x: Tensor) -> Tensor:
        """[.., D] -> offsets from rest [.., V, 3] in millimetres."""
        return ((x * self.deviation + self.mean) @ self.basis).unflatten(-1, (-1, 3))

    def motion(self, x: Floats, fps: Time, start: Time = 0) -> Motion:
        """[T, D] -> a Motion; all other channels rest and count as not observed."""
        data = np.zeros((len(x), len(ch.CHANNELS)), np.float32)
        data[:, self.columns] = x * self.deviation.numpy() + self.mean.numpy()
        valid = np.zeros(len(ch.CHANNELS), bool)
        valid[self.columns] = True
        neutral = Motion.neutral(len(x), fps, start)
        return neutral.replace(data=clamp(data), valid=np.broadcast_to(valid, data.shape))


class VertexSpace(nn.Module):
    """Offsets of V vertices from rest -> D principal components, each divided by the deviation of the first.

    One factor for all keeps errors in components errors of vertices. Without ``components`` it is no basis: the offsets
    themselves are the coefficients, divided by their deviation. With ``axes`` 1 in the place of 3 these are any
    numbers, such as the codes of another face model.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, count: int, components: int | None, axes: int = 3) -> None:
        super().__init__()
        self.axes, self.size = axes, axes * count if components is None else components
        self.reduced = components is not None
        self.register_buffer("mean", torch.zeros(axes * count))
        self.register_buffer("basis", torch.zeros(self.size, axes * count) if self.reduced else torch.zeros(0))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, offsets: Floats) -> None:
        """Take mean and components of offsets [N, V, 3] of training data; the same for the same data."""
        flat = np.asarray(offsets, np.float64).reshape(len(offsets), -1)
        mean = flat.mean(0)
        self.mean.copy_(torch.from_numpy(mean))
        if not self.reduced:
            self.scale.copy_(torch.tensor(max(float((flat - mean).std()), 1e-6)))
            return
        if min(len(flat), flat.shape[1]) < self.size:
            raise VultusError(f"{len(flat)} frames do not give {self.size} components", "Give more, or ask for fewer")
        _, values, rows = np.linalg.svd(flat - mean, full_matrices=False)
        rows = rows[: self.size]
        signs = np.sign(rows[np.arange(self.size), np.abs(rows).argmax(1)])  # the sign of a component is free
        self.basis.copy_(torch.from_numpy(rows * signs[:, None]))
        self.scale.copy_(torch.tensor(max(float(values[0]) / np.sqrt(len(flat)), 1e-6)))

    def encode(self, offsets: Tensor) -> Tensor:
        """[.., V, 3] -> [.., D]."""
        flat = offsets.flatten(-2) - self.mean
        return (flat @ self.basis.T if self.reduced else flat) / self.scale

    def offsets(self, offsets: Tensor) -> Tensor:
        """*offsets* themselves, so that both kinds of space are used alike."""
        return offsets

    def vertices(self, x: Tensor) -> Tensor:
        """[.., D] -> [.., V, 3], in the unit that was fitted."""
        flat = x * self.scale
        return ((flat @ self.basis if self.reduced else flat) + self.mean).unflatten(-1, (-1, self.axes))
