"""A photo that was taken apart before: its scene as arrays that ``vultus.kept`` keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.kept import Arrays, flat, kept, whole
from vultus.observers.basis import template
from vultus.observers.fit import Fit
from vultus.person import recall
from vultus.person.creases import Creases
from vultus.person.lids import Sliding
from vultus.person.mesh import Joints, PersonMesh
from vultus.photo.folds import Folds
from vultus.photo.ground import Ground
from vultus.photo.lids import Closed
from vultus.photo.scene import Scene
from vultus.photo.surface import Maps, Surface

F32 = NDArray[np.float32]

SOURCES: Final = ("heads/photo.py", "observers", "photo", "store.py")
"""The modules that decide what a photo's scene is, besides those that make people; ``store.py`` names the network that
tells people from places."""
_BELOW: Final = ("numpy", "scipy", "numba", "pillow", "ai-edge-litert")
_MOST: Final = 1 << 20  # pixels: of larger pictures two would fill the cache
_KINDS: Final = (Scene, Closed, Ground, Surface, Maps, Folds, Creases)


def scene(photo: NDArray[np.uint8], fit: Fit, everyone: tuple[Fit, ...], make: Callable[[], Scene]) -> Scene:
    """What *make* takes apart: the face *fit* of *photo* [H, W, 3], in which are the faces of *everyone*."""

    def of() -> bytes | None:
        people, pictures = recall.origin(), recall.state(SOURCES, _BELOW)
        if people is None or pictures is None or photo.shape[0] * photo.shape[1] > _MOST:
            return None
        digest = sha256(people + pictures + repr(photo.shape).encode() + photo.tobytes())
        for one in (fit, *everyone):
            digest.update(b"".join(np.asarray(getattr(one, field.name)).tobytes() for field in fields(one)))
        return digest.digest()

    def pack(made: Scene) -> Arrays:
        left_out: dict[str, Any] = {"photo": None, "fit": None}
        mesh = made.fit.mesh
        return flat((replace(made, **left_out), made.fit.rows, mesh.neutral, mesh.all_gains, mesh.sliding))

    def unpack(arrays: Arrays) -> Scene:
        made, rows, *shape = whole(arrays, *_KINDS)
        own = replace(fit, rows=rows)  # it may have got other teeth when it was taken apart
        own.__dict__["mesh"] = _mesh(rows, *shape)
        colours = np.asarray(photo, np.float32) / np.float32(255)
        return replace(made, photo=colours, fit=own)

    return kept("photo", of, make, pack, unpack)


def _mesh(rows: F32, neutral: F32, gains: F32, sliding: Sliding) -> PersonMesh:
    """The mesh of a fit, as ``observers.basis.personal`` makes it, from what it does not share with others."""
    mesh = template(1)
    count = len(mesh.coarse)
    joints = Joints(mesh.joints.names, mesh.joints.parents, np.ascontiguousarray(rows[count:]))
    coarse = np.ascontiguousarray(rows[:count])
    return replace(mesh, coarse=coarse, neutral=neutral, all_gains=gains, joints=joints, sliding=sliding)
