"""A person from the cache: what is made once from an identity, as arrays that ``vultus.kept`` keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.kept import Arrays, flat, kept, whole
from vultus.person.appearance import Appearance
from vultus.person.clearance import Face
from vultus.person.identity import Identity
from vultus.person.mesh import Joints, PersonMesh, Topology, topology
from vultus.person.pack import load_pack
from vultus.person.strands import Groom

F32 = NDArray[np.float32]

SOURCES: Final = ("person", "render", "camera.py", "channels.py", "defaults.py", "motion.py", "rotations.py")
"""The modules that decide what people look like."""
_LOADED = time.time()


@lru_cache(maxsize=2)
def state(sources: tuple[str, ...], below: tuple[str, ...]) -> bytes | None:
    """What tells one state of the library from another: its modules *sources*, the packages *below* and the processor
    that kernels are compiled for, because the last bits differ from one to the next.

    None when that cannot be told, because modules are not there as files or were changed since they were loaded.
    """
    from importlib.metadata import version

    from numba.core.registry import cpu_target

    here, digest = Path(__file__).parents[1], sha256()
    try:
        for name in sources:
            place = here / name
            for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
                status = file.stat()
                if max(status.st_mtime, status.st_ctime) > _LOADED:
                    return None
                digest.update(b"%b\0%d\0" % (file.relative_to(here).as_posix().encode(), status.st_size))
                digest.update(file.read_bytes())
    except OSError:
        return None
    processor = cpu_target.target_context.codegen().magic_tuple()  # by which numba tells its own cached kernels apart
    digest.update(repr((processor, *map(version, below))).encode())
    return digest.digest()


@lru_cache(maxsize=1)
def origin() -> bytes | None:
    """The :func:`state` of all that makes people, their data among it."""
    modules = state(SOURCES, ("numpy", "scipy", "numba"))
    try:
        return modules and sha256(modules + (files("vultus") / "data" / "person.npz").read_bytes()).digest()
    except OSError:
        return None


def _of(identity: Identity, *rest: object) -> bytes | None:
    made_by = origin()
    return None if made_by is None else made_by + repr((identity, *rest)).encode()


def shared(of: tuple[object, ...], make: Callable[[], Topology]) -> Topology:
    """What all people share for the arguments *of* of ``mesh.topology``, which *make* builds."""
    return kept("topology", lambda: _of(Identity(), *of), make, flat, lambda arrays: whole(arrays, Topology, Face))


def mesh(identity: Identity, make: Callable[[], PersonMesh]) -> PersonMesh:
    """The corrected bust of *identity* with one subdivision, which *make* builds."""

    def pack(made: PersonMesh) -> Arrays:
        # Only the inside of the mouth moves in a way of its own.
        inside = made.expression[:, len(made.topology.coarse) :]
        arrays = {
            "neutral": made.neutral, "joints": made.joints.positions, "gains": made.all_gains, "coarse": made.coarse,
            "inside": inside,
        }  # fmt: skip
        return arrays | {f"sliding{i}": part for i, part in enumerate(made.sliding)}

    def unpack(arrays: Arrays) -> PersonMesh:
        data, top = load_pack(), topology("bust", 1, False, True)
        expression = top.expression.copy()
        expression[:, len(top.coarse) :] = arrays["inside"]
        joints = Joints(data.joint_names, data.joint_parents, arrays["joints"])
        s = arrays["sliding0"], arrays["sliding1"], arrays["sliding2"], arrays["sliding3"]
        return PersonMesh(
            identity, "bust", 1, arrays["neutral"], top.triangles, top.uv, top.uv_triangles, top.part, top.rest, joints,
            data.masks, top.landmarks, arrays["gains"], top, arrays["coarse"], expression, s,
        )  # fmt: skip

    return kept("mesh", lambda: _of(identity), make, pack, unpack)


def appearance(identity: Identity, size: int, make: Callable[[], Appearance]) -> Appearance:
    """*identity* painted on *size* x *size* texels, which *make* does."""
    return kept("paint", lambda: _of(identity, size), make, flat, lambda arrays: whole(arrays, Appearance))


def ambient(identity: Identity, make: Callable[[], F32]) -> F32:
    """The share of sky [N] that each drawn vertex of *identity* sees at rest, which *make* finds."""
    return kept("sky", lambda: _of(identity), make, flat, whole)


def hair(person: PersonMesh, identity: Identity, make: Callable[[], tuple[Groom, ...]]) -> tuple[Groom, ...]:
    """All hair of *identity* on the mesh *person*, which *make* grows."""

    def of() -> bytes | None:
        return _of(identity, person.region, person.subdivisions, sha256(person.neutral.tobytes()).hexdigest())

    return kept("hair", of, make, flat, lambda arrays: whole(arrays, Groom))
