"""A posable surface: what heads give to file formats and what they read back.

Metres, right-handed, y up, the face looks along +z; left is the person's left (+x).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.errors import VultusError
from vultus.motion import Motion

Floats = NDArray[np.float32]


def _frozen(value: ArrayLike, dtype: Any, shape: tuple[int | None, ...], what: str) -> NDArray[Any]:
    array = np.array(value, dtype)
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        raise VultusError(f"{what} has the shape {array.shape}, not {[n if n is not None else '*' for n in shape]}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise VultusError(f"{what} must be finite")
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints at rest, without rotation: ``parents`` holds -1 for a root and otherwise an earlier joint's index.

    ``positions`` is float32 [J, 3], in metres, in the model's space. Names are those of VRM's humanoid bones; a
    Motion turns "neck" (shared evenly with "neck2" and "neck3" where there are such), "head", "leftEye", "rightEye".
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", _frozen(self.positions, np.float32, (len(self.names), 3), "positions"))
        if len(self.parents) != len(self.names) or any(not -1 <= p < i for i, p in enumerate(self.parents)):
            raise VultusError("Each joint's parent must be -1 or an earlier joint")
        if len(set(self.names)) != len(self.names) or not self.names:
            raise VultusError("A skeleton needs at least one joint, and no two of the same name")


@dataclass(frozen=True)
class Primitive:
    """A run of triangles with one material: rows ``first`` to ``first + count`` of ``Model.triangles``.

    ``colour`` is the linear base colour factor (red, green, blue, opacity), all in [0, 1], as is ``roughness``;
    ``textured`` says whether the model's texture multiplies it.
    """

    first: int
    count: int
    name: str = "skin"
    alpha: Literal["opaque", "mask", "blend"] = "opaque"
    double_sided: bool = False
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    roughness: float = 0.6
    textured: bool = True

    def __post_init__(self) -> None:
        if self.first < 0 or self.count < 1 or self.alpha not in ("opaque", "mask", "blend"):
            raise VultusError(f"The part {self.name!r} needs triangles and an alpha mode opaque, mask or blend")
        if len(self.colour) != 4 or not all(0 <= v <= 1 for v in (*self.colour, self.roughness)):
            raise VultusError(f"The colour and roughness of {self.name!r} must lie between 0 and 1")


@dataclass(frozen=True, eq=False)
class Model:
    """A textured, skinned mesh with morph targets.

    ``vertices`` [V, 3] metres; ``triangles`` [F, 3], counter-clockwise seen from outside; ``uv`` [V, 2] with (0, 0)
    at the texture's upper left corner; ``targets`` maps shape names (``channels.ARKIT``, ``channels.TONGUE``, others)
    to displacements [V, 3] in metres at weight 1; ``skin_joints`` [V, 4] and ``skin_weights`` [V, 4] (sum 1) belong
    to ``skeleton``; ``texture`` is sRGB uint8 [H, W, 3], or
    [H, W, 4] with opacity, which parts with the alpha mode opaque do not use; ``primitives`` cover the triangles in
    order and default to one. Raises VultusError on arrays that do not fit together.
    """

    name: str
    vertices: Floats
    triangles: NDArray[np.int32]
    uv: Floats
    targets: dict[str, Floats] = field(default_factory=dict)
    skeleton: Skeleton | None = None
    skin_joints: NDArray[np.uint16] | None = None
    skin_weights: Floats | None = None
    texture: NDArray[np.uint8] | None = None
    primitives: tuple[Primitive, ...] = ()
    animation: Motion | None = None

    def __post_init__(self) -> None:
        vertices = _frozen(self.vertices, np.float32, (None, 3), "vertices")
        triangles = _frozen(self.triangles, np.int32, (None, 3), "triangles")
        count = len(vertices)
        if not count or not len(triangles) or triangles.min() < 0 or triangles.max() >= count:
            raise VultusError("A model needs vertices, and triangles that index them")
        values: dict[str, Any] = {
            "vertices": vertices,
            "triangles": triangles,
            "uv": _frozen(self.uv, np.float32, (count, 2), "uv"),
            "targets": {n: _frozen(t, np.float32, (count, 3), f"target {n}") for n, t in self.targets.items()},
            "primitives": tuple(self.primitives) or (Primitive(0, len(triangles), textured=self.texture is not None),),
        }
        if self.texture is not None:
            channels = 4 if np.ndim(self.texture) == 3 and np.shape(self.texture)[2] == 4 else 3
            values["texture"] = _frozen(self.texture, np.uint8, (None, None, channels), "texture")
        if self.skeleton is not None:
            values |= self._skin(self.skeleton, count)
        elif self.skin_joints is not None or self.skin_weights is not None:
            raise VultusError("Skin weights need a skeleton")
        rows = 0
        for part in values["primitives"]:
            if part.first != rows:
                raise VultusError("The primitives must cover the triangles in order, without gaps")
            rows += part.count
        if rows != len(triangles):
            raise VultusError(f"The primitives cover {rows} of {len(triangles)} triangles")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _skin(self, skeleton: Skeleton, count: int) -> dict[str, NDArray[Any]]:
        if self.skin_joints is None or self.skin_weights is None:
            raise VultusError("A skeleton needs skin_joints and skin_weights")
        joints = _frozen(self.skin_joints, np.uint16, (count, 4), "skin_joints")
        weights = _frozen(self.skin_weights, np.float32, (count, 4), "skin_weights")
        if joints.max() >= len(skeleton.names) or weights.min() < 0 or np.abs(weights.sum(1) - 1).max() > 1e-3:
            raise VultusError("Skin weights must be at least 0, sum to 1 and name joints of the skeleton")
        return {"skin_joints": joints, "skin_weights": weights}


def split_seams(
    vertices: ArrayLike, triangles: ArrayLike, uv: ArrayLike, uv_triangles: ArrayLike
) -> tuple[Floats, NDArray[np.int32], Floats, NDArray[np.intp]]:
    """Give every vertex one UV, doubling those on texture seams.

    *vertices* [V, 3] with *triangles* [F, 3], and *uv* [U, 2] with *uv_triangles* [F, 3] of the same corners ->
    (vertices [W, 3], triangles [F, 3], uv [W, 2], source [W]); ``source`` is the old vertex of each new one, so
    ``target[source]`` and ``weights[source]`` gather what belongs to it. Vertices without triangles are dropped.
    """
    corners = np.stack([np.asarray(triangles, np.int64).ravel(), np.asarray(uv_triangles, np.int64).ravel()], axis=1)
    pairs, inverse = np.unique(corners, axis=0, return_inverse=True)
    source = pairs[:, 0].astype(np.intp)
    return (
        np.asarray(vertices, np.float32)[source],
        inverse.reshape(-1, 3).astype(np.int32),
        np.asarray(uv, np.float32)[pairs[:, 1]],
        source,
    )


def normals(vertices: ArrayLike, triangles: ArrayLike) -> Floats:
    """Smooth unit normals [V, 3], weighted by area; vertices at the same place (UV seams) share one.

    A vertex without any area gets (0, 0, 1).
    """
    points, faces = np.asarray(vertices, np.float64), np.asarray(triangles)
    place = np.unique(points, axis=0, return_inverse=True)[1].reshape(-1)
    a, b, c = (points[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(place[faces].ravel(), np.repeat(face[:, k], 3), len(points)) for k in range(3)], axis=1
    )[place]
    length = np.linalg.norm(total, axis=1, keepdims=True)
    flat = length[:, 0] < 1e-20
    total[flat], length[flat] = (0, 0, 1), 1
    return (total / length).astype(np.float32)
