"""Clip: the typed record that the stage, data sets and recipes exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.errors import VultusError, unknown
from vultus.motion import Motion

LAZY = ("frames", "depth", "normals", "masks", "landmarks", "scans", "imu")
"""The fields that are made when they are asked for, because they are large."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One performance with all that is known of it; what is unknown is None or absent.

    ``audio`` is float32 [N] mono in [-1, 1] at ``sample_rate`` Hz; ``phones`` are (start, end, IPA) in seconds;
    ``cameras`` has one camera for each view. ``sources`` maps names of ``LAZY`` to functions that make the field.
    """

    name: str
    audio: NDArray[np.float32] | None = None
    sample_rate: int = 16000
    text: str = ""
    phones: tuple[tuple[float, float, str], ...] = ()
    motion: Motion | None = None
    identity: str = ""
    cameras: tuple[Camera, ...] = ()
    sources: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.sources:
            if name not in LAZY:
                raise unknown("lazy field", name, LAZY)
        if self.audio is not None and (self.audio.ndim != 1 or self.sample_rate <= 0):
            raise VultusError("A clip's audio must be mono, [N], with a positive sample rate")

    def has(self, name: str) -> bool:
        """Whether the lazy field *name* can be made."""
        return name in self.sources

    def load(self, name: str) -> Any:
        """Make the lazy field *name*; nothing is cached, so that memory does not grow with the clip."""
        if name not in LAZY:
            raise unknown("lazy field", name, LAZY)
        if name not in self.sources:
            raise VultusError(f"The clip {self.name!r} has no {name}", f"It has: {', '.join(self.sources) or 'none'}")
        return self.sources[name]()
