"""Film a person: cameras, light and a Motion in, views with a picture and exact buffers out.

What a rig does is choose cameras and looks; drawing is here. Rigs are the modules of ``stage/rigs``, found by the name
of their file: ``find("phone").shoot(identity, motion, size=128, seed=3)``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.clip import FIELDS, Frame, View
from vultus.defaults import Quality
from vultus.errors import VultusError, unknown
from vultus.heads.sway import Sway
from vultus.motion import Motion
from vultus.person.identity import Identity, parse_identity
from vultus.person.landmarks import TO_68
from vultus.person.light import LightRig
from vultus.person.portrait import Portrait
from vultus.render.threads import alone, workers
from vultus.stage.backdrop import backdrop
from vultus.stage.buffers import PARTS, Eye, Look, Sight, look_of, moved, surface_fields
from vultus.stage.detector import Detector, detect
from vultus.stage.lens import Lens, develop

F32 = NDArray[np.float32]
SIZES: Final = (16, 2048)
"""Pixels along a side of a view."""
_PIXELS: Final = 1 << 20  # of neighbouring frames that one thread draws at a time, at most, and never above 16 frames
_POINTS: Final = ("landmarks_68", "landmarks_478", "detected_68", "detected_478")


class Rig(Protocol):
    """What a module of ``stage/rigs`` needs to be a rig."""

    def shoot(self, identity: Identity | str, motion: Motion, *, size: int = 256, seed: int = 0) -> tuple[View, ...]:
        """The views of *motion* performed by *identity*, square pictures of *size* pixels; *seed* decides the rest."""


@lru_cache(maxsize=1)
def rigs() -> tuple[str, ...]:
    """The names of all rigs."""
    folder = importlib.import_module("vultus.stage.rigs").__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder)))


def find(name: str) -> Rig:
    """The rig *name*; VultusError with the nearest name when there is none."""
    if name not in rigs():
        raise unknown("rig", name, rigs())
    return cast(Rig, importlib.import_module(f"vultus.stage.rigs.{name}"))


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera of a rig: its *name*, one camera or one a frame, its *lens* (None: the picture stays as drawn), and
    how landmarks are detected in it."""

    name: str
    cameras: tuple[Camera, ...]
    lens: Lens | None = None
    detector: Detector = field(default_factory=Detector)
    seed: int = 0


def film(
    identity: Identity | str,
    motion: Motion,
    shots: Sequence[Shot],
    *,
    light: LightRig | str = "studio",
    place: str | None = None,
    quality: Quality = "draft",
) -> tuple[View, ...]:
    """A view for each of *shots*, all at the same moments under the same light, drawn when they are read.

    *place*, or else that of the *light*, surrounds all cameras. Frames are drawn side by side on several threads, with
    the same bytes on any number. Raises VultusError when a shot has neither one camera nor one a frame, or when the
    cameras' sizes differ or lie outside of ``SIZES``.
    """
    sizes = {(camera.width, camera.height) for shot in shots for camera in shot.cameras}
    if len(sizes) != 1:
        raise VultusError("All cameras of a rig have one size")
    size = sizes.pop()
    if not (SIZES[0] <= min(size) and max(size) <= SIZES[1]):
        raise VultusError(f"Cannot film {size[0]}x{size[1]} pixels", f"Choose sizes from {SIZES[0]} to {SIZES[1]}")
    who = parse_identity(identity) if isinstance(identity, str) else identity
    studio = _Studio(who, motion, size, light, place, quality, shots[0].cameras[0])
    fps, count = float(motion.fps), len(motion)
    return tuple(
        View(
            tuple(FIELDS), count, size, fps, shot.cameras,
            lambda names, first, stop, shot=shot: studio.read(shot, names, first, stop),  # type: ignore[misc]
            PARTS, shot.name,
        )
        for shot in shots
    )  # fmt: skip


@dataclass(eq=False)
class _Painter:
    """A portrait with its eye and room for vertices, for one thread at a time; and what it is aimed at."""

    portrait: Portrait
    eye: Eye
    vertices: F32
    camera: Camera | None = None


class _Studio:
    """One performance under one light, for all cameras of a rig."""

    def __init__(
        self, identity: Identity, motion: Motion, size: tuple[int, int], light: LightRig | str, place: str | None,
        quality: Quality, first: Camera,
    ) -> None:  # fmt: skip
        self._identity, self._motion, self._size = identity, motion, size
        self._light, self._place, self._quality, self._first = light, place, quality, first
        self._painters: deque[_Painter] = deque()
        self._run = max(2, min(16, _PIXELS // (size[0] * size[1])))

    @cached_property
    def _rows(self) -> F32:
        return np.array(self._motion.data, np.float32)

    @cached_property
    def _lag(self) -> F32:
        """How far hair lags in every frame, [T, 2, 3]."""
        sway, fps = Sway(), float(self._motion.fps)
        return np.stack([sway.step(row, fps) for row in self._rows])

    @cached_property
    def _look(self) -> Look:
        painter = self._painter()
        self._painters.append(painter)
        return painter.eye.look

    def _painter(self) -> _Painter:
        portrait = Portrait(self._identity, self._size, self._quality, self._light, self._first, self._place)
        look = self.__dict__.get("_look") or look_of(portrait)
        return _Painter(portrait, Eye(look, self._size), np.empty_like(portrait.mesh.neutral))

    def read(self, shot: Shot, names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        """The fields *names* of the frames in [first, stop) of one camera, in order."""
        _ = self._look, self._lag  # once, before there are threads
        runs = [(a, min(a + self._run, stop)) for a in range(first, stop, self._run)]
        count = min(workers(), len(runs))
        if count <= 1:
            for a, b in runs:
                yield from self._draw(shot, names, a, b)
            return
        with ThreadPoolExecutor(count) as pool:
            pending: deque[Future[list[Frame]]] = deque()
            for a, b in runs:
                pending.append(pool.submit(self._draw, shot, names, a, b))
                if len(pending) > count:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()

    def _draw(self, shot: Shot, names: tuple[str, ...], first: int, stop: int) -> list[Frame]:
        """The frames of one run, with a painter that no other thread has."""
        try:
            painter = self._painters.popleft()
        except IndexError:
            painter = self._painter()
        try:
            with alone():
                return list(self._frames(painter, shot, names, first, stop))
        finally:
            self._painters.append(painter)

    def _frames(self, painter: _Painter, shot: Shot, names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        """Each frame is finished when the next one has been drawn, so that all is drawn once but for a run's ends."""
        want = _Wanted.of(names, shot)
        before = self._look_at(painter, shot, first - 1) if want.past and first else None
        picture, here = self._render(painter, shot, first, want)
        for frame in range(first, stop):
            more = frame + 1 < len(self._motion)
            after, shown = None, None
            if frame + 1 < stop:
                shown, after = self._render(painter, shot, frame + 1, want)
            elif more and want.future:
                after = self._look_at(painter, shot, frame + 1)
            yield self._finished(shot, names, frame, picture, before, here, after)
            before, here, picture = here, after, shown

    def _render(
        self, painter: _Painter, shot: Shot, frame: int, want: _Wanted
    ) -> tuple[NDArray[np.uint8] | None, Sight | None]:
        """The picture and what else is needed of a frame that is asked for."""
        if not want.picture:
            return None, self._look_at(painter, shot, frame)
        row = self._aimed(painter, shot, frame)
        picture = painter.portrait.render(painter.vertices, row, self._lag[frame])
        return picture, painter.eye.see(painter.portrait, painter.vertices) if want.sight else None

    def _look_at(self, painter: _Painter, shot: Shot, frame: int) -> Sight:
        """What a camera sees of a frame, without a picture."""
        self._aimed(painter, shot, frame)
        painter.portrait.pose(painter.vertices, self._lag[frame])
        return painter.eye.see(painter.portrait, painter.vertices)

    def _aimed(self, painter: _Painter, shot: Shot, frame: int) -> F32:
        camera = shot.cameras[frame if len(shot.cameras) > 1 else 0]
        if painter.camera is not camera:
            portrait = painter.portrait
            portrait.aim(camera, backdrop(self._place or portrait.light.place, camera, self._identity.seed))
            painter.camera = camera
        row: F32 = self._rows[frame]
        painter.portrait.mesh.evaluate_into(row, painter.vertices)
        return row

    def _finished(
        self, shot: Shot, names: tuple[str, ...], frame: int, picture: NDArray[np.uint8] | None, before: Sight | None,
        here: Sight | None, after: Sight | None,
    ) -> Frame:  # fmt: skip
        """The fields *names* of a frame from what was seen of it and of its neighbours."""
        out: dict[str, NDArray[Any]] = {}
        want = _Wanted.of(names, shot)
        flow: F32 | None = None
        if here is not None:
            points = ("landmarks_478",) if any(name in _POINTS for name in names) else ()
            out = surface_fields({*names, *points}, here, self._look)
            if want.future:
                flow, out["occlusion"] = moved(here, after, self._look, flow=True)
                out["flow"] = flow
            if want.past:
                out["disocclusion"] = moved(here, before, self._look, flow=False)[1]
            if points:
                _detections(out, names, frame, float(self._motion.fps), shot.detector)
        if picture is not None:
            rng = np.random.default_rng([shot.seed, frame])
            out["frames"] = picture if shot.lens is None else develop(picture, shot.lens, flow, rng)
        return {name: out[name] for name in names}


def _detections(out: dict[str, NDArray[Any]], names: Sequence[str], frame: int, fps: float, detector: Detector) -> None:
    """Add the other landmarks to *out*, which has the true 478."""
    truth = out["landmarks_478"]
    out["landmarks_68"] = truth[list(TO_68)]
    if "detected_478" in names or "detected_68" in names:
        out["detected_478"] = detect(truth, frame, fps, detector)
        out["detected_68"] = out["detected_478"][list(TO_68)]


@dataclass(frozen=True)
class _Wanted:
    """What must be drawn for some fields: the picture, what is seen, and the frames before and after."""

    picture: bool
    sight: bool
    past: bool
    future: bool

    @classmethod
    def of(cls, names: Sequence[str], shot: Shot) -> _Wanted:
        asked = set(names)
        blurred = "frames" in asked and shot.lens is not None and shot.lens.shutter > 0
        future = blurred or bool(asked & {"flow", "occlusion"})
        past = "disocclusion" in asked
        return cls("frames" in asked, future or past or bool(asked - {"frames"}), past, future)
