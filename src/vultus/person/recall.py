"""A person from the cache: what is made once from an identity, as arrays that ``vultus.kept`` keeps."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vultus.kept import Arrays, kept
from vultus.person.appearance import Appearance
from vultus.person.identity import Identity
from vultus.person.mesh import Joints, PersonMesh, topology
from vultus.person.pack import load_pack
from vultus.person.strands import Groom

F32 = NDArray[np.float32]

_SOURCES = ("person", "render", "camera.py", "channels.py", "rotations.py", "motion.py")
_GROOM = tuple(field.name for field in fields(Groom) if field.name != "lid")


@lru_cache(maxsize=1)
def _origin() -> bytes:
    """What tells one state of the library from another: its modules and data that make people, and numpy."""
    from importlib.metadata import version

    here, digest = Path(__file__).parents[1], sha256()
    for name in _SOURCES:
        place = here / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.relative_to(here).as_posix().encode() + b"\0" + file.read_bytes())
    digest.update((files("vultus") / "data" / "person.npz").read_bytes())
    digest.update(" ".join([platform.machine(), *map(version, ("numpy", "scipy", "numba"))]).encode())
    return digest.digest()


def _of(identity: Identity, *rest: object) -> bytes:
    return _origin() + repr((identity, *rest)).encode()


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

    return kept("mesh", _of(identity), make, pack, unpack)


def appearance(identity: Identity, size: int, make: Callable[[], Appearance]) -> Appearance:
    """*identity* painted on *size* x *size* texels, which *make* does."""
    return kept(
        "paint", _of(identity, size), make,
        lambda made: {"texture": made.texture, "relief": made.relief, "uv": made.uv, "lift": made.lift},
        lambda arrays: Appearance(arrays["texture"], arrays["relief"], arrays["uv"], arrays["lift"]),
    )  # fmt: skip


def ambient(identity: Identity, make: Callable[[], F32]) -> F32:
    """The share of sky [N] that each drawn vertex of *identity* sees at rest, which *make* finds."""
    return kept("sky", _of(identity), make, lambda made: {"share": made}, lambda arrays: arrays["share"])


def hair(person: PersonMesh, identity: Identity, make: Callable[[], tuple[Groom, ...]]) -> tuple[Groom, ...]:
    """All hair of *identity* on the mesh *person*, which *make* grows."""

    def pack(made: tuple[Groom, ...]) -> Arrays:
        arrays = {f"{name}{i}": getattr(groom, name) for i, groom in enumerate(made) for name in _GROOM}
        return {"lid": np.array([groom.lid for groom in made], np.bool_), **arrays}

    def unpack(arrays: Arrays) -> tuple[Groom, ...]:
        return tuple(
            Groom(**{name: arrays[f"{name}{i}"] for name in _GROOM}, lid=bool(lid))
            for i, lid in enumerate(arrays["lid"])
        )

    rest = person.region, person.subdivisions, sha256(person.neutral.tobytes()).hexdigest()
    return kept("hair", _of(identity, *rest), make, pack, unpack)
