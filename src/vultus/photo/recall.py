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
        return {**flat(replace(made, **left_out)), **_shape(made.fit)}

    def unpack(arrays: Arrays) -> Scene:
        own = replace(fit, rows=arrays["rows"])  # it may have got other teeth when it was taken apart
        own.__dict__["mesh"] = _mesh(arrays, own.rows)
        colours = np.asarray(photo, np.float32) / np.float32(255)
        return replace(whole(arrays, *_KINDS), photo=colours, fit=own)

    return kept("photo", of, make, pack, unpack)


def _shape(fit: Fit) -> Arrays:
    """What must be known of the mesh of *fit* that it does not share with others."""
    mesh = fit.mesh
    sliding = {f"sliding{i}": part for i, part in enumerate(mesh.sliding)}
    return {"rows": fit.rows, "neutral": mesh.neutral, "gains": mesh.all_gains, **sliding}


def _mesh(arrays: Arrays, rows: F32) -> PersonMesh:
    """The mesh of a fit, as ``observers.basis.personal`` makes it."""
    mesh = template(1)
    count = len(mesh.coarse)
    s = arrays["sliding0"], arrays["sliding1"], arrays["sliding2"], arrays["sliding3"]
    return replace(
        mesh, coarse=np.ascontiguousarray(rows[:count]), neutral=arrays["neutral"], all_gains=arrays["gains"],
        joints=Joints(mesh.joints.names, mesh.joints.parents, np.ascontiguousarray(rows[count:])), sliding=s,
    )  # fmt: skip
