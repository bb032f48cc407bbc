"""Points on faces: which of a mesh a format keeps, how far they are from rest in a clip, and how wrong lips are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vultus.clip import Clip
from vultus.critics import geometry
from vultus.motion import Motion
from vultus.parts.motion.excerpts import motion_rows
from vultus.parts.motion.spaces import MILLIMETRES, ShapeSpace, VertexSpace
from vultus.person.identity import parse_identity
from vultus.person.mesh import PersonMesh, build_mesh

LIPS = 3
"""One point in so many of a :func:`surface` is of the lips; they come first."""
_FACE = 0.12  # metres around the lips that count as face


def surface(mesh: PersonMesh, count: int, *, middles: bool = False) -> NDArray[np.int64]:
    """*count* points of the procedural person's face: corners [count, 3], of whose places each point is the mean.

    The first ``count // LIPS`` are of the lips. Points are vertices, so that the three corners are one, or with
    *middles* the middles of triangles, as if the face had been meshed anew. The same for all people.
    """
    lips = geometry.regions(mesh).lips
    skin = mesh.part_vertices("skin")
    near = skin[np.linalg.norm(mesh.rest[skin] - mesh.rest[lips].mean(0), axis=1) < _FACE]
    face = np.setdiff1d(near, lips)
    if middles:
        groups = [mesh.triangles[np.isin(mesh.triangles, some).all(1)] for some in (lips, face)]
    else:
        groups = [np.repeat(some[:, None], 3, 1) for some in (lips, face)]
    shares = (count // LIPS, count - count // LIPS)
    rows = [group[np.linspace(0, len(group) - 1, n).astype(int)] for group, n in zip(groups, shares, strict=True)]
    return np.concatenate(rows).astype(np.int64)


def offsets(clip: Clip, fps: float, count: int, *, middles: bool = False, unit: float = 1.0) -> NDArray[np.float32]:
    """How far points are from rest in the frames of *clip* at *fps*, float32 [T, V, 3] in millimetres.

    Those of a clip that brings vertices (``vertices`` and ``template`` among its ``others``, in *unit* metres) are
    these; otherwise :func:`surface` of its person, moved by its Motion without the head's. VultusError when it has
    neither.
    """
    if "vertices" in clip.others:
        moved = clip.load("vertices") - clip.load("template")
        own = float(clip.labels.get("vertices_fps", fps))
        at = np.arange(max(int(len(moved) * fps / own), 1)) * own / fps
        rows = np.minimum(at.round().astype(int), len(moved) - 1)
        return np.asarray(moved[rows] * (MILLIMETRES * unit), np.float32)
    data = motion_rows(clip, fps)["data"]
    mesh = build_mesh(parse_identity(clip.identity))
    moved = geometry.expressive(mesh, Motion(data, clip.motion.fps if clip.motion else fps)) - mesh.neutral  # type: ignore[arg-type]
    return np.asarray(moved[:, surface(mesh, count, middles=middles)].mean(2) * MILLIMETRES, np.float32)


def fit(space: ShapeSpace | VertexSpace, true: NDArray[np.float32]) -> None:
    """Take the statistics of a *space* from targets [.., 69] or [.., V, 3]; shapes move the surface of person 0."""
    if isinstance(space, VertexSpace):
        space.fit(true.reshape(-1, *true.shape[-2:]))
        return
    mesh = build_mesh(parse_identity("person:0"))
    space.fit(true.reshape(-1, true.shape[-1]), mesh, surface(mesh, space.count)[:, 0])


def lip_figures(made: Tensor, true: Tensor, keys: Tensor) -> dict[str, float]:
    """Of points [B, T, V, 3] in millimetres: ``lve``, mm², the mean of :func:`lip_error`; ``key lve``, that of the
    frames in *keys* bool [B, T]; ``articulation``, how much lips move for each metre that the true ones do."""
    wrong, lips = lip_error(made, true), slice(0, made.shape[2] // LIPS)
    a, b = (some[:, :, lips].std(1).sum((1, 2)) for some in (made, true))
    ratio = float((a / b.clamp(min=1e-6)).mean())
    return {"lve": float(wrong.mean()), "key lve": float(wrong[keys].mean()), "articulation": ratio}


def lip_error(made: Tensor, true: Tensor) -> Tensor:
    """Lip vertex error of points [.., T, V, 3] of a :func:`surface`: each frame's greatest squared distance [.., T]."""
    lips = made.shape[-2] // LIPS
    return (made - true)[..., :lips, :].square().sum(-1).amax(-1)
