"""Clip: the typed record that the stage, data sets and recipes exchange.

What is cheap (sound, phones, Motion, cameras) lies in the record; what is large (pictures and their buffers) is made
or read frame by frame when it is asked for, so that memory does not grow with the length of a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.errors import VultusError, unknown
from vultus.motion import Motion
from vultus.signals.phones import Phone

Frame = dict[str, NDArray[Any]]
"""Some fields of one frame, by name."""

FIELDS: Final[dict[str, str]] = {
    "frames": "uint8 [H, W, 3], sRGB: the picture as the camera gives it, with its noise and blur",
    "depth": "float32 [H, W], metres along the view axis to what is seen at the pixel's centre; infinite: nothing",
    "normals": "float32 [H, W, 3], unit vectors in the world; 0 where there is no surface or hair hides it",
    "masks": "uint8 [H, W], the part of the person (names in ``View.parts``); 255 where there is none",
    "uv": "float32 [H, W, 2] in [0, 1], the place on the person's texture, v up; -1 where there is none, as in hair",
    "flow": "float32 [H, W, 2], pixels (x, y) by which what is seen here has moved in the next frame, also where it is "
    "hidden there; what is behind the person counts as infinitely far; 0 in the last frame",
    "occlusion": "bool [H, W], what is seen here is hidden or outside in the next frame; false in the last",
    "disocclusion": "bool [H, W], what is seen here was hidden or outside in the frame before; false in the first",
    "landmarks_68": "float32 [68, 3], iBUG's points: x, y in pixels, and 1 where the point is in sight, else 0",
    "landmarks_478": "float32 [478, 3], MediaPipe's points, likewise; those outside of the picture have places, too",
    "detected_68": "float32 [68, 3], as a detector gives them: x, y and confidence; all 0 when it finds no face",
    "detected_478": "float32 [478, 3], likewise",
}
"""The fields that a view may have, each with its type, shape and unit."""


@dataclass(frozen=True, eq=False)
class View:
    """One camera's record of a clip, frame by frame.

    ``fields`` are the names from ``FIELDS`` that it has, ``size`` is (width, height) in pixels, ``cameras`` are the
    camera of all frames (one) or of each (one a frame); no camera means that it is not known. ``read(names, first,
    stop)`` yields the fields *names* of the frames in [first, stop), in order; ``parts`` names the values of ``masks``.
    Frame i stands at ``i / fps`` seconds after the start of the clip's Motion, or of its sound where it has none.
    """

    fields: tuple[str, ...]
    count: int
    size: tuple[int, int]
    fps: float
    cameras: tuple[Camera, ...]
    read: Callable[[tuple[str, ...], int, int], Iterator[Frame]]
    parts: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        for name in self.fields:
            if name not in FIELDS:
                raise unknown("field", name, FIELDS)
        if self.count < 1:
            raise VultusError("A view needs at least one frame")
        if len(self.cameras) not in (0, 1, self.count):
            raise VultusError(f"A view of {self.count} frames has one camera or {self.count}, not {len(self.cameras)}")

    def __len__(self) -> int:
        """The number of frames."""
        return self.count

    def camera(self, frame: int) -> Camera:
        """The camera of *frame*; VultusError when it is not known."""
        if not self.cameras:
            raise VultusError("The camera of this view is not known")
        return self.cameras[0 if len(self.cameras) == 1 else range(self.count)[frame]]

    def each(self, *names: str, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The fields *names* of the frames in [first, stop), made in one pass; all frames unless told otherwise."""
        for name in names:
            if name not in self.fields:
                raise VultusError(f"This view has no {name}", f"It has: {', '.join(self.fields) or 'none'}")
        stop = self.count if stop is None else stop
        if not 0 <= first < stop <= self.count:
            raise VultusError(f"Frames {first} to {stop} are outside of this view", f"It has {self.count}")
        return self.read(names, first, stop)

    def stack(self, name: str, first: int = 0, stop: int | None = None) -> NDArray[Any]:
        """One field of some frames as one array [T, …]; it lies in memory as a whole."""
        return np.stack([frame[name] for frame in self.each(name, first=first, stop=stop)])


@dataclass(frozen=True, eq=False)
class Clip:
    """One performance with all that is known of it; what is unknown is None, empty or absent.

    ``audio`` is float32 [N] mono in [-1, 1] at ``sample_rate`` Hz; ``phones`` are in seconds from its beginning;
    ``identity``, ``voice``, ``emotion`` and whatever else is known by name stand in ``labels``. ``views`` has one entry
    for each camera. ``others`` maps names of further signals (``imu``, ``scans``) to functions that make them.
    """

    name: str
    audio: NDArray[np.float32] | None = None
    sample_rate: int = 16000
    text: str = ""
    phones: tuple[Phone, ...] = ()
    motion: Motion | None = None
    identity: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    views: tuple[View, ...] = ()
    others: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.audio is not None and (self.audio.ndim != 1 or self.sample_rate <= 0):
            raise VultusError("A clip's audio must be mono, [N], with a positive sample rate")

    @property
    def duration(self) -> float:
        """Seconds of the longest of sound and motion; 0 when there is neither."""
        heard = 0.0 if self.audio is None else len(self.audio) / self.sample_rate
        return max(heard, 0.0 if self.motion is None else float(self.motion.duration))

    def view(self, name: str | int = 0) -> View:
        """The view of that number or name; VultusError when there is none."""
        for number, view in enumerate(self.views):
            if name in (number, view.name):
                return view
        raise VultusError(f"The clip {self.name!r} has no view {name!r}", f"It has {len(self.views)}")

    def load(self, name: str) -> Any:
        """Make the further signal *name*; nothing is kept."""
        if name not in self.others:
            raise VultusError(f"The clip {self.name!r} has no {name}", f"It has: {', '.join(self.others) or 'none'}")
        return self.others[name]()
