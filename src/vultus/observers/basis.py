"""How faces differ: a mean and principal components over the coarse mesh of the procedural people.

``tools/build_face_basis.py`` makes the file from people that seeds draw, so that a face that is fitted to a picture has
teeth, eyes, lids and a skeleton like any other person.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.kept import keeping
from vultus.person import correctives, lids, recall
from vultus.person.identity import Identity
from vultus.person.mesh import Joints, PersonMesh, build_mesh, resampled
from vultus.person.pack import load_pack

F32 = NDArray[np.float32]
FORMAT: Final = "vultus.face_basis"
VERSION: Final = 1


@dataclass(frozen=True, eq=False)
class FaceBasis:
    """``mean`` float32 [C + J, 3] metres, the coarse vertices and then the joints, from the middle between the eyes;
    ``components`` float32 [K, C + J, 3], each one standard deviation of the people."""

    mean: F32
    components: F32

    def face(self, values: F32) -> F32:
        """Coarse vertices and joints [C + J, 3] of a face, *values* [K] in standard deviations."""
        return (self.mean + np.tensordot(values, self.components, 1)).astype(np.float32)


def read_basis(content: bytes) -> FaceBasis:
    """The basis from the bytes of its file; VultusError when they are something else."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            if str(archive["format"]) != FORMAT or int(archive["version"]) != VERSION:
                raise ValueError
            components = archive["components"].astype(np.float32) * archive["step"][:, None, None]
            return FaceBasis(archive["mean"], components)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        mend = "Reinstall vultus, or rebuild the file with tools/build_face_basis.py"
        raise VultusError(f"This is not a basis of faces of version {VERSION}", mend) from error


@lru_cache(maxsize=1)
def basis() -> FaceBasis:
    """The basis that ships with the package, read once."""
    return read_basis((files("vultus") / "data" / "face_basis.npz").read_bytes())


@lru_cache(maxsize=2)
def template(subdivisions: int = 1) -> PersonMesh:
    """The person whose topology, shapes and skeleton every fitted face uses."""
    if not subdivisions:
        return resampled(template(1), 0)
    with keeping():
        return recall.mesh(Identity(), lambda: resampled(build_mesh(Identity()), 1))


def personal(rows: F32, subdivisions: int = 1) -> PersonMesh:
    """A person from the coarse vertices and joints [C + J, 3] in metres, who blinks and speaks as others do.

    How far lids slide and how much of each shape is needed are found anew, so that blinks close these eyes.
    """
    mesh, pack = template(subdivisions), load_pack()
    top = mesh.topology
    count = len(mesh.coarse)
    coarse, joints = np.ascontiguousarray(rows[:count]), np.ascontiguousarray(rows[count:])
    body = len(top.coarse)
    names = mesh.joints.names
    centres = joints[[names.index("leftEye"), names.index("rightEye")]]
    radii = np.zeros(2, np.float32)
    for e, part in enumerate(("eyeLeft", "eyeRight")):
        ball = template(0).part_vertices(part)
        radii[e] = np.linalg.norm(coarse[ball] - coarse[ball].mean(0), axis=1).mean()
    gains = correctives.gains(pack, coarse[:body], mesh.expression[:, :body], top.coarse)
    return replace(
        mesh,
        coarse=coarse,
        neutral=top.refine(coarse),
        joints=Joints(mesh.joints.names, mesh.joints.parents, joints),
        all_gains=gains,
        sliding=lids.sliding(pack, top.coarse, coarse[:body], centres, radii),
    )
