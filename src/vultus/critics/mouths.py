"""Mouths cut out of pictures as lip readers saw them in training: upright, of one size, grey, 88 pixels a side.

As in LRW's preprocessing (B. Martinez et al., 2020), the outer and inner corners of the eyes and the base of the nose
are laid by a similarity on those of a mean face of 256 pixels, from landmarks averaged over half a second, and the
square around the middle of the mouth is cut out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.observers.tracker import Tracker
from vultus.observers.warp import square
from vultus.person.landmarks import TO_68

SIDE: Final = 88
"""Pixels along each side."""
MOUTH_SIDE, FACE_SIDE = 48, 48
"""The same of the mouths and faces that our own networks see."""
STEADY: Final = (33, 133, 362, 263, 2)
"""The landmarks among the tracker's 478 that a mean face is laid on: corners of the eyes, base of the nose."""
LIPS: Final = TO_68[48:]
"""Those whose mean is the middle of the mouth."""
_MEAN_FACE: Final = np.array([[92.5, 94.4], [112.8, 94.9], [145.5, 94.5], [166.7, 93.6], [128.9, 137.3]])
_FACE_MIDDLE, _FACE_WIDTH = 129 + 130j, 132  # of the mean face
_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as OpenCV turns colours into grey


def placed(points: NDArray[Any]) -> tuple[float, float]:
    """Scale and clockwise angle in radians of a face: mean face = scale × picture, turned back by the angle.

    *points* [5, 2] are those of ``STEADY`` in pixels.
    """
    source, target = points[:, :2] @ [1, 1j], _MEAN_FACE @ [1, 1j]
    source, target = source - source.mean(), target - target.mean()
    a = np.vdot(target, source) / np.vdot(target, target)  # picture = a × mean face
    if not np.isfinite(a) or abs(a) < 1e-6:
        raise VultusError("These points are not those of a face")
    return float(1 / abs(a)), float(np.angle(a))


def cut(picture: NDArray[np.uint8], landmarks: NDArray[Any], side: int = SIDE) -> NDArray[np.float32]:
    """The mouth of *picture* uint8 [H, W, 3], grey float32 [side, side] to 255; *landmarks* [478, 2] are in pixels.

    It is always the same part of the face, whatever its *side* in pixels.
    """
    scale, angle = placed(np.asarray(landmarks, np.float64)[list(STEADY)])
    x, y = np.asarray(landmarks, np.float64)[list(LIPS), :2].mean(axis=0)
    return square(picture, (float(x), float(y)), SIDE / scale, angle, side) @ _GREY


def face(
    picture: NDArray[np.uint8], landmarks: NDArray[Any], side: int = FACE_SIDE, room: float = 1.0
) -> NDArray[np.float32]:
    """The face from brow to chin, upright and of one size, float32 [side, side, 3], 0 to 255; as :func:`cut`.

    *room* widens what is seen.
    """
    points = np.asarray(landmarks, np.float64)[list(STEADY), :2]
    scale, angle = placed(points)
    turn = np.exp(1j * angle) / scale  # picture = turn × mean face
    middle = points.mean(axis=0) @ [1, 1j] + turn * (_FACE_MIDDLE - _MEAN_FACE.mean(axis=0) @ [1, 1j])
    return square(picture, (float(middle.real), float(middle.imag)), room * _FACE_WIDTH / scale, angle, side)


def mouths(
    pictures: Iterable[NDArray[np.uint8]], tracker: Tracker | None = None, steady: int = 12
) -> Iterator[NDArray[np.float32] | None]:
    """The mouth of every picture, float32 [88, 88], or None where no face was found.

    Landmarks are averaged over *steady* frames around each, so that the crop does not tremble.
    """
    tracker = tracker or Tracker()
    found = ((picture, tracker.track(picture)) for picture in pictures)
    return steadied(((picture, None if face is None else face.landmarks) for picture, face in found), steady)


def steadied(
    tracked: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32] | None]], steady: int = 12
) -> Iterator[NDArray[np.float32] | None]:
    """As :func:`mouths`, for pictures whose landmarks are known already."""
    waiting: list[tuple[NDArray[np.uint8], NDArray[np.float32] | None]] = []
    before, after = steady // 2, steady - steady // 2

    def one(i: int) -> NDArray[np.float32] | None:
        picture, own = waiting[i]
        if own is None:
            return None
        near = [marks for _, marks in waiting[max(i - before, 0) : i + after] if marks is not None]
        return cut(picture, np.mean(near, axis=0))

    passed = 0
    for item in tracked:
        waiting.append(item)
        if len(waiting) - passed > after:
            yield one(passed)
            passed += 1
            if passed > before:
                waiting.pop(0)
                passed -= 1
    yield from (one(i) for i in range(passed, len(waiting)))
