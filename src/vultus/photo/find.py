"""Every face of a still picture, small and off-centre ones too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.observers.crowd import Crowd
from vultus.observers.fit import SMALLEST_EYES
from vultus.observers.tracker import SMALLEST, Face, Tracker
from vultus.person.landmarks import CONTOUR

U8 = NDArray[np.uint8]
TURNED = 55.0
"""Degrees of yaw from which a face is a profile: what it hides cannot be made up."""
_SURE = 0.9  # presence of a face that is alone in its picture: drawn dogs have 0.7, people and paintings nearly 1
_OUTSIDE = 0.3  # of the outline that may lie outside the picture


def faces(picture: U8, tracker: Tracker | None = None) -> list[Face]:
    """The faces of *picture* uint8 [H, W, 3], from left to right; an empty list when there is none.

    Raises VultusError for a picture below 16 pixels.
    """
    tracker = tracker or Tracker()
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        mend = f"Give one of at least {SMALLEST} pixels along each side"
        raise VultusError(f"A picture of {width}x{height} pixels is too small for a face", mend)
    found = [sighting.face for sighting in Crowd(tracker).step(picture, 0.0)]
    if not found and (face := tracker.track(picture, fresh=True)) is not None and face.presence > _SURE:
        # Of a single face less has to be sure than where each of many parts of a picture could hold one.
        found = [face]
    return sorted(found, key=lambda face: face.box[0] + face.box[2])


def complaint(face: Face, size: tuple[int, int]) -> tuple[str, str] | None:
    """What is wrong with a face for being moved, and how to mend it; None when nothing is."""
    marks = face.landmarks[:, :2]
    eyes = float(np.linalg.norm(marks[263] - marks[33]))
    turned = float(np.degrees(np.arctan2(face.rotation[0, 2], face.rotation[2, 2])))
    if abs(turned) > TURNED:
        return (
            f"The face is turned away by {abs(turned):.0f} degrees",
            f"Give a picture in which it is turned by at most {TURNED:.0f}",
        )
    if eyes < SMALLEST_EYES:
        return (
            f"The face is too small: {eyes:.0f} pixels between the eyes",
            f"Give a picture in which they are at least {SMALLEST_EYES:.0f} pixels apart",
        )
    outline = marks[list(CONTOUR)]
    gone = ((outline < 0) | (outline > np.array(size))).any(1).mean()
    if gone > _OUTSIDE:
        return (f"{100 * gone:.0f} % of the face's outline lies outside the picture", "Give one that shows all of it")
    return None


def chosen(found: list[Face], which: str, size: tuple[int, int]) -> list[int]:
    """Numbers in *found* of the faces to move: *which* is "" (the largest), a number from the left, from 1, or "all".

    Raises VultusError for no face, a number that is not there, and a face that cannot be moved.
    """
    if not found:
        mend = "Give a picture in which a human face looks towards the camera"
        raise VultusError("No face was found in the picture", mend)
    if which == "all":
        good = [i for i, face in enumerate(found) if complaint(face, size) is None]
        if good:
            return good
        which = ""
    if which == "":
        number = int(np.argmax([(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in found]))
    elif which.isascii() and which.isdigit() and 1 <= int(which) <= len(found):
        number = int(which) - 1
    else:
        count = "is one face" if len(found) == 1 else f"are {len(found)} faces"
        raise VultusError(f"There {count} in the picture, but not {which!r}", "Give a number from the left, or all")
    if wrong := complaint(found[number], size):
        raise VultusError(*wrong)
    return [number]
