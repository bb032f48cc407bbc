"""What one picture shows of one face, as a frame of channels and what of it could be seen.

Nothing here knows the person: values are not clipped, and the neutral face and the range of the one who is seen are
found later (`vultus.observers.calibration`). Until then the head's rotation stands in the columns of the head alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.observers.readout import GAZE, READ, readout
from vultus.observers.tracker import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, Face
from vultus.person.landmarks import INNER_LIPS, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE

Doubles = NDArray[np.float64]

FOCAL: Final = 1.2
"""The camera's focal length over the longer side of its picture, where nobody states it: a webcam's or a phone's."""
PIVOT: Final = (0.0, -7.0, -9.0)
"""From the middle of the rigid face to where the head turns in the neck, in the average face's centimetres."""
LEAST: Final = 14.0
"""Pixels between the eyes' outer corners below which only the pose is read."""
SIDE: Final = 0.9
"""Radians of yaw from which the far half of the face is not read."""
CLOSED: Final = 0.6
"""Blink from which nothing is known of where the eye looks."""

_SHAPES: Final = np.array([ch.INDEX[name] for name in READ[: -len(GAZE)]])
_DOWN, _LEFT = (len(READ) - len(GAZE) + i for i in range(len(GAZE)))


def _columns(*words: str) -> NDArray[np.intp]:
    named = [i for i, name in enumerate(ch.ARKIT) if any(word in name for word in words) and name != "tongueOut"]
    return np.array(named, np.intp)


# What a landmark region has to be in the picture for.
_NEEDS: Final = (
    ((*OUTER_LIPS, *INNER_LIPS), _columns("jaw", "mouth", "cheekPuff")),
    (LEFT_EYE, np.append(_columns("eyeBlinkLeft", "eyeSquintLeft", "eyeWideLeft"), np.r_[ch.EYE_LEFT])),
    (RIGHT_EYE, np.append(_columns("eyeBlinkRight", "eyeSquintRight", "eyeWideRight"), np.r_[ch.EYE_RIGHT])),
    ((*LEFT_BROW, *RIGHT_BROW), _columns("brow")),
)
_HALVES: Final = {
    side: np.append(np.array([i for i in range(len(ch.ARKIT)) if side in ch.ARKIT[i]]), np.r_[eye])
    for side, eye in (("Left", ch.EYE_LEFT), ("Right", ch.EYE_RIGHT))
}


@dataclass(frozen=True, eq=False)
class Reading:
    """``row`` float64 [69] in the columns of ``channels.CHANNELS``, not clipped; ``seen`` bool [69] says what of it the
    picture shows; the head's whole rotation stands in the head's columns and the neck is 0; the eyeLook shapes are
    left to the eyes' rotations; the translation is where the head turns in the neck, in metres from the camera."""

    row: Doubles
    seen: NDArray[np.bool_]


def read(face: Face, width: int, height: int) -> Reading:
    """The reading of a *face* in a picture of *width* x *height* pixels."""
    row, seen = np.zeros(len(ch.CHANNELS)), np.zeros(len(ch.CHANNELS), bool)
    values = readout()(face)
    row[_SHAPES] = values[: len(_SHAPES)]
    for eye in (ch.EYE_LEFT, ch.EYE_RIGHT):
        row[eye] = values[_DOWN], values[_LEFT], 0.0
    turn = face.rotation_vector
    row[ch.HEAD] = turn
    row[ch.TRANSLATION] = _place(face, width, height)
    seen[ch.HEAD] = seen[ch.NECK] = seen[ch.TRANSLATION] = True
    eyes = face.landmarks[[LEFT_EYE_OUTER, RIGHT_EYE_OUTER], :2]
    if float(np.linalg.norm(eyes[0] - eyes[1])) < LEAST * max(np.cos(turn[1]), 0.3):
        return Reading(row, seen)
    seen[_SHAPES] = True
    seen[ch.EYE_LEFT] = seen[ch.EYE_RIGHT] = True
    _hide(face, width, height, turn, row, seen)
    return Reading(row, seen)


def _hide(face: Face, width: int, height: int, turn: Doubles, row: Doubles, seen: NDArray[np.bool_]) -> None:
    """Take back what lies outside the picture, on the far side of a turned head, or behind a closed lid."""
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    inside = (x >= 0) & (y >= 0) & (x <= width) & (y <= height)
    for points, columns in _NEEDS:
        if inside[list(points)].mean() < 0.8:
            seen[columns] = False
    if abs(turn[1]) > SIDE:  # the face turned to the person's left hides the left half
        seen[_HALVES["Left" if turn[1] > 0 else "Right"]] = False
    for side, eye in (("Left", ch.EYE_LEFT), ("Right", ch.EYE_RIGHT)):
        if row[ch.INDEX[f"eyeBlink{side}"]] > CLOSED:
            seen[eye] = False


def _place(face: Face, width: int, height: int) -> Doubles:
    """Where the head turns in the neck, metres [3] from the camera (x right, y up, z towards the viewer)."""
    metre = 100 * face.scale
    at = face.middle[:2] - (width / 2, -height / 2)
    depth = FOCAL * max(width, height) / metre
    return np.array([at[0] / metre, at[1] / metre, -depth]) + face.rotation @ np.array(PIVOT) / 100
