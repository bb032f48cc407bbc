"""Edits that an artist lays over a generated motion, and that survive a new run of the driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from vultus import channels as ch
from vultus.errors import VultusError, unknown
from vultus.motion import Floats, Motion, as_fps, as_time, clamp


@dataclass(frozen=True, eq=False)
class Layer:
    """An artist's edit of some channels over some time, kept apart from what was generated.

    ``values`` is float32 [T, C] for the C ``channels``, standing at ``start + i / fps`` seconds; ``mode`` "add"
    offsets the motion below, "replace" takes its place. ``fade`` seconds ease the edit in and out.
    """

    name: str
    channels: tuple[str, ...]
    values: Floats
    fps: Fraction
    start: Fraction = Fraction(0)
    mode: Literal["add", "replace"] = "add"
    weight: float = 1.0
    fade: float = 0.0

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float32)
        for channel in self.channels:
            if channel not in ch.INDEX:
                raise unknown("channel", channel, ch.CHANNELS)
            if channel.startswith("eyeLook"):  # it would be overwritten by the eye rule
                raise VultusError(f"{channel} cannot be edited", "Edit the eye rotations, which it follows")
        if (
            values.ndim != 2
            or values.shape[1] != len(self.channels)
            or not len(values)
            or not np.isfinite(values).all()
        ):
            raise VultusError(f"The layer {self.name!r} needs finite values of shape [T, {len(self.channels)}]")
        if self.mode not in ("add", "replace"):
            raise unknown("layer mode", self.mode, ("add", "replace"))
        if not 0 <= self.weight <= 1 or not 0 <= self.fade < np.inf:
            raise VultusError(f"The layer {self.name!r} needs a weight from 0 to 1 and a fade from 0 up")
        values.flags.writeable = False
        for key, value in (("values", values), ("fps", as_fps(self.fps)), ("start", as_time(self.start))):
            object.__setattr__(self, key, value)

    def apply(self, motion: Motion) -> Motion:
        """*motion* with this edit on top, within the limits; frames outside the layer's time stay as they are."""
        position = (motion.times() - float(self.start)) * float(self.fps)
        last = len(self.values) - 1
        inside = (position >= -1e-6) & (position < last + 1 - 1e-6)
        ease = np.where(inside, self.weight, 0.0)
        if self.fade > 0:
            edge = np.minimum(position, last + 1 - position) / float(self.fps)
            ease *= np.clip(edge / max(self.fade, 1e-6), 0, 1)
        low = np.clip(position, 0, last).astype(np.int64)
        fraction = (np.clip(position, 0, last) - low)[:, None]
        edit = self.values[low] * (1 - fraction) + self.values[np.minimum(low + 1, last)] * fraction
        data, valid = motion.data.astype(np.float64), motion.valid.copy()
        columns = [ch.INDEX[channel] for channel in self.channels]
        below = data[:, columns] * (0 if self.mode == "replace" else 1)
        data[:, columns] += ease[:, None] * (below + edit - data[:, columns])
        valid[:, columns] |= (ease > 0)[:, None]
        return motion.replace(data=clamp(data), valid=valid)


@dataclass(frozen=True, eq=False)
class Layered:
    """A generated motion and the edits on top of it; a re-run replaces the first and keeps the second."""

    generated: Motion
    edits: tuple[Layer, ...] = ()

    def regenerate(self, motion: Motion) -> Layered:
        """The same edits over a new run of the driver."""
        return replace(self, generated=motion)

    def with_edit(self, layer: Layer) -> Layered:
        """*layer* on top, in the place of an edit of the same name if there is one."""
        names = [edit.name for edit in self.edits]
        if layer.name in names:
            return replace(self, edits=tuple(layer if e.name == layer.name else e for e in self.edits))
        return replace(self, edits=(*self.edits, layer))

    def without(self, name: str) -> Layered:
        """The same without the edit called *name*."""
        if name not in (known := [edit.name for edit in self.edits]):
            raise unknown("edit", name, known)
        return replace(self, edits=tuple(edit for edit in self.edits if edit.name != name))

    def flatten(self) -> Motion:
        """Generated motion with every edit applied in order."""
        motion = self.generated
        for edit in self.edits:
            motion = edit.apply(motion)
        return motion
