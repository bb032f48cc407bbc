"""The parametric human: identity, mesh, motion of the mesh, and how it looks.

``build_mesh(parse_identity("person:11"))`` gives a mesh; ``mesh.evaluate(motion)`` moves it. The names below are
imported when they are first used, because the mesh brings numba with it.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Identity": "vultus.person.identity",
    "parse_identity": "vultus.person.identity",
    "PersonMesh": "vultus.person.mesh",
    "build_mesh": "vultus.person.mesh",
    "PART_NAMES": "vultus.person.pack",
}

__all__ = [*sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vultus.person' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
