"""Any signal, one motion, any face.

The names below are the public API; each is imported when it is first used, so that importing
the package stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Motion": "vultus.motion",
    "Clip": "vultus.clip",
    "Camera": "vultus.camera",
    "VultusError": "vultus.errors",
    "animate": "vultus.pipeline",
    "render": "vultus.pipeline",
    "convert": "vultus.pipeline",
    "drive": "vultus.drivers.speech",
    "PersonHead": "vultus.heads.person",
    "read_motion": "vultus.io.formats",
    "write_motion": "vultus.io.formats",
}

__all__ = [*sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vultus' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
