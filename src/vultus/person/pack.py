"""The person pack: the CC0 human as arrays, read from ``vultus/data/person.npz``.

Coordinates are metres, y up, the face looks along +z, the person's left is +x; the template keeps MakeHuman's
origin in the middle of the body (its soles lie near y = -0.82, its eyes at y = 0.728).
``tools/build_person.py`` makes the file and ``person.json`` tells where its data come from.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

FORMAT: Final = "vultus.person"
VERSION: Final = 1
PART_NAMES: Final = (
    "skin", "eyeLeft", "eyeRight", "tongue", "teethUpper", "teethLower", "lashesLowerLeft", "lashesUpperLeft",
    "lashesLowerRight", "lashesUpperRight", "hairCap", "shirt",
)  # fmt: skip
"""What the triangles belong to; a triangle's part is an index into these."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ShapeBlock:
    """Many sparse blend shapes: only moved vertices are stored, as int16 multiples of a step per shape.

    ``names`` [S]; ``step`` float32 [S] in metres; shape i owns the rows ``start[i]:start[i + 1]`` of ``gap``
    uint16 [N] (differences of ascending vertex numbers) and ``delta`` int16 [N, 3]; ``joints`` float32 [S, J, 3]
    in metres is what the shape does to the joints.
    """

    names: tuple[str, ...]
    step: Floats
    start: NDArray[np.int64]
    gap: NDArray[np.uint16]
    delta: NDArray[np.int16]
    joints: Floats

    def sparse(self, shape: int) -> tuple[NDArray[np.int64], Floats]:
        """Ascending numbers [n] of the vertices that shape number *shape* moves, and their offsets [n, 3] in metres."""
        rows = slice(self.start[shape], self.start[shape + 1])
        return np.cumsum(self.gap[rows], dtype=np.int64), self.delta[rows] * self.step[shape]

    def dense(self, shape: int, vertices: int) -> Floats:
        """Offsets [vertices, 3] in metres of shape number *shape*; vertices beyond the first *vertices* are dropped."""
        index, delta = self.sparse(shape)
        keep = slice(0, int(np.searchsorted(index, vertices)))
        out = np.zeros((vertices, 3), np.float32)
        out[index[keep]] = delta[keep]
        return out

    def combine(self, weights: NDArray[np.float64], vertices: int) -> tuple[Floats, Floats]:
        """Sum of weight times shape: offsets [vertices, 3] of the first vertices and [J, 3] of the joints."""
        out = np.zeros((vertices, 3), np.float64)
        for shape in np.flatnonzero(weights):
            index, delta = self.sparse(int(shape))
            keep = slice(0, int(np.searchsorted(index, vertices)))
            out[index[keep]] += weights[shape] * delta[keep]
        joints = np.tensordot(weights, self.joints.astype(np.float64), 1)
        return out.astype(np.float32), joints.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Pack:
    """All arrays of the person. Vertices, triangles and UVs of the bust come first in their arrays.

    ``template`` float32 [V, 3]; ``triangles`` int32 [F, 3]; ``uv`` float32 [VT, 2] in [0, 1], v up;
    ``uv_triangles`` int32 [F, 3]; ``part`` int32 [F] into ``PART_NAMES``; ``bust`` (vertices, triangles, UVs);
    ``joint_template`` float32 [J, 3]; ``joint_parents`` int32 [J], -1 for the root; ``skin_joints`` int32 [V, 8]
    and ``skin_weights`` float32 [V, 8], largest first, with rows that sum to 1; ``factors`` names the phenotype
    factors A and ``phenotype_factors`` bool [S, A] says which of them multiply into each phenotype shape;
    ``masks`` uint8 [1024, 1024] images in UV space, row 0 at v = 1; ``landmarks`` vertex numbers; ``source`` int32 [V]
    are the vertex numbers of the MakeHuman base mesh.
    """

    template: Floats
    triangles: NDArray[np.int32]
    uv: Floats
    uv_triangles: NDArray[np.int32]
    part: NDArray[np.int32]
    bust: tuple[int, int, int]
    joint_names: tuple[str, ...]
    joint_parents: NDArray[np.int32]
    joint_template: Floats
    skin_joints: NDArray[np.int32]
    skin_weights: Floats
    factors: tuple[str, ...]
    phenotype_factors: NDArray[np.bool_]
    phenotype: ShapeBlock
    local: ShapeBlock
    expression: ShapeBlock
    masks: Mapping[str, NDArray[np.uint8]]
    landmarks: Mapping[str, int]
    source: NDArray[np.int32]


def _names(array: NDArray[Any]) -> tuple[str, ...]:
    return tuple(str(name) for name in array)


def _block(data: Mapping[str, NDArray[Any]], name: str) -> ShapeBlock:
    return ShapeBlock(
        _names(data[f"{name}_names"]),
        data[f"{name}_step"],
        data[f"{name}_start"].astype(np.int64),
        data[f"{name}_gap"],
        np.ascontiguousarray(np.cumsum(data[f"{name}_delta"], axis=0, dtype=np.int16)),
        data[f"{name}_joints"],
    )


def read_pack(content: bytes) -> Pack:
    """The pack from the bytes of its file; raises VultusError when they are something else."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            data = {name: archive[name] for name in archive.files}
        if str(data["format"]) != FORMAT or int(data["version"]) != VERSION or _names(data["part_names"]) != PART_NAMES:
            raise ValueError
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        mend = "Reinstall vultus, or rebuild the pack with tools/build_person.py"
        raise VultusError(f"This is not a person pack of version {VERSION}", mend) from error
    for array in data.values():
        array.flags.writeable = False
    return Pack(
        template=data["template"],
        triangles=data["triangles"].astype(np.int32),
        uv=data["uv"],
        uv_triangles=data["uv_triangles"].astype(np.int32),
        part=data["part"].astype(np.int32),
        bust=(int(data["bust"][0]), int(data["bust"][1]), int(data["bust"][2])),
        joint_names=_names(data["joint_names"]),
        joint_parents=data["joint_parents"].astype(np.int32),
        joint_template=data["joint_template"],
        skin_joints=data["skin_joints"].astype(np.int32),
        skin_weights=data["skin_weights"],
        factors=_names(data["factors"]),
        phenotype_factors=data["phenotype_factors"].astype(bool),
        phenotype=_block(data, "phenotype"),
        local=_block(data, "local"),
        expression=_block(data, "expression"),
        masks={name: data["masks"][i] for i, name in enumerate(_names(data["mask_names"]))},
        landmarks={name: int(v) for name, v in zip(_names(data["landmark_names"]), data["landmarks"], strict=True)},
        source=data["source"].astype(np.int32),
    )


@lru_cache(maxsize=1)
def load_pack() -> Pack:
    """The pack that ships with the package, read once."""
    return read_pack((files("vultus") / "data" / "person.npz").read_bytes())


def card() -> dict[str, Any]:
    """The pack's card: source, licence, command, sizes and how closely it matches its source."""
    return dict(json.loads((files("vultus") / "data" / "person.json").read_text(encoding="utf-8")))
