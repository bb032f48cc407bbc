"""Where MediaPipe's 478 landmarks and iBUG's 68 lie on the person: places on the coarse bust that all people share.

The places were found by drawing people and reading landmarks back with the tracker (``tools/build_landmarks.py``);
so they are where that tracker sees a point, not where an anatomist would put it.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.person.mesh import PersonMesh

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

FORMAT: Final = "vultus.landmarks"
VERSION: Final = 1
COUNT: Final = 478

CONTOUR: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The face's outline, from the hairline's middle on clockwise in the picture."""
OUTER_LIPS: Final = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
)  # fmt: skip
INNER_LIPS: Final = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW: Final = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107)
LEFT_BROW: Final = (276, 283, 282, 295, 285, 300, 293, 334, 296, 336)
RIGHT_IRIS: Final = (468, 469, 470, 471, 472)
LEFT_IRIS: Final = (473, 474, 475, 476, 477)
NOSE: Final = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 97, 326, 327, 75, 305, 48, 278, 64, 294, 129, 358)

REGIONS: Final[dict[str, tuple[int, ...]]] = {
    "contour": CONTOUR,
    "brows": RIGHT_BROW + LEFT_BROW,
    "eyes": RIGHT_EYE + LEFT_EYE,
    "irises": RIGHT_IRIS + LEFT_IRIS,
    "nose": NOSE,
    "lips": OUTER_LIPS + INNER_LIPS,
}
"""Some of the 478 points by region (MediaPipe's own lists of connections); right is the person's right."""

TO_68: Final = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,  # jaw, from the right ear
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,  # brows
    168, 197, 5, 4, 75, 97, 2, 326, 305,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
)  # fmt: skip
"""Which of the 478 points stands for each of iBUG's 68 (Sagonas et al., "300 Faces in-the-Wild", 2013), as the
community uses it; jaw points are those of MediaPipe's outline that lie nearest to iBUG's."""
JAW_68: Final = tuple(range(17))
"""The jaw's contour among the 68."""


@dataclass(frozen=True, eq=False)
class Places:
    """``triangle`` int32 [478] of the coarse bust (``build_mesh(…, subdivisions=0).triangles``), ``bary`` float32
    [478, 3] the weights of its corners, ``mirror`` int32 [478] the point on the other side, ``spread`` float32 [478]
    metres by which single people differed from it (median)."""

    triangle: I32
    bary: F32
    mirror: I32
    spread: F32


def read_places(content: bytes) -> Places:
    """The places from the bytes of their file; VultusError when they are something else."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            if str(archive["format"]) != FORMAT or int(archive["version"]) != VERSION:
                raise ValueError
            names = ("triangle", "bary", "mirror", "spread")
            arrays = [np.ascontiguousarray(archive[name]) for name in names]
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        mend = "Reinstall vultus, or rebuild the file with tools/build_landmarks.py"
        raise VultusError(f"These are not places of landmarks of version {VERSION}", mend) from error
    for array in arrays:
        array.flags.writeable = False
    return Places(*arrays)


@lru_cache(maxsize=1)
def places() -> Places:
    """The places that ship with the package, read once."""
    return read_places((files("vultus") / "data" / "landmarks.npz").read_bytes())


def to_fine(triangle: I32, bary: F32, coarse: int) -> tuple[I32, F32]:
    """Places on triangles in terms of the four that ``subdivide.split`` makes of each of the *coarse* many."""
    a, b, c = bary.T
    # The three corner triangles come first and the middle one last.
    which = np.where(a >= 0.5, 0, np.where(b >= 0.5, 1, np.where(c >= 0.5, 2, 3)))
    inside = np.stack(
        [
            np.stack([2 * a - 1, 2 * b, 2 * c], 1),
            np.stack([2 * b - 1, 2 * c, 2 * a], 1),
            np.stack([2 * c - 1, 2 * a, 2 * b], 1),
            np.stack([1 - 2 * c, 1 - 2 * a, 1 - 2 * b], 1),
        ]
    )
    return (which * coarse + triangle).astype(np.int32), inside[which, np.arange(len(bary))].astype(np.float32)


@lru_cache(maxsize=4)
def corners(mesh: PersonMesh) -> tuple[I32, F32]:
    """The vertices int32 [478, 3] of *mesh*, coarse or fine, between which the points lie, and their weights."""
    place = places()
    triangle, bary = place.triangle, place.bary
    if mesh.subdivisions:
        triangle, bary = to_fine(triangle, bary, (len(mesh.triangles) - mesh.topology.whole) // 4)
    return np.ascontiguousarray(mesh.triangles[triangle]), np.ascontiguousarray(bary)


def landmarks(mesh: PersonMesh, vertices: F32) -> F32:
    """MediaPipe's 478 points [..., 478, 3] in metres on *vertices* [..., V, 3] of *mesh*, coarse or fine.

    Raises VultusError when the vertices do not belong to the mesh.
    """
    if vertices.shape[-2:] != mesh.neutral.shape:
        raise VultusError(f"This person's vertices are {mesh.neutral.shape}, not {vertices.shape[-2:]}")
    index, weight = corners(mesh)
    return np.einsum("...pci,pc->...pi", vertices[..., index, :], weight).astype(np.float32)
