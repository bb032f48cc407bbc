"""The CSV of Apple's and Epic's Live Link Face, read and written as the app does.

Checked against recordings of the app in public repositories:

- 63 columns: ``Timecode``, ``BlendShapeCount`` (always 61), 52 shapes in PascalCase, and yaw, pitch and roll of head,
  left and right eye. ``JawRight`` stands before ``JawLeft``, and ``MouthRight`` before ``MouthLeft``.
- Values carry ten decimals; angles are radians; timecodes are explained in ``vultus.io.timecode``.
- The angle columns show the mirror image of what the shapes show: ``LeftEye*`` holds the person's right eye, positive
  yaw turns to the person's right, positive roll tilts to the person's left shoulder; positive pitch looks down.
  Measured on the eyes of three recordings (looking to the person's left gives EyeLookOutLeft 0.50, EyeLookInRight
  0.60, LeftEyeYaw -0.36, RightEyeYaw -0.30). Their head columns are zero, so the head is taken to follow the eyes, as
  it does in the ARKit source of Unreal Engine.

An angle triple is the rotation R = Ry(yaw) Rx(pitch) Rz(roll), after undoing the mirror. The head triple is neck and
head in one. The format has no translation and no tongue shapes: they are dropped, and marked invalid on reading.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.io import names, timecode
from vultus.io.files import atomic, check_readable
from vultus.motion import LOOK, Motion, Time, as_fps, clamp, eye_look, eyes_from_look

_SWAPS = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
SHAPES: Final = tuple(_SWAPS.get(name, name) for name in ch.ARKIT)
"""The 52 shapes in the app's column order."""
TURNS: Final = ("Yaw", "Pitch", "Roll")
ANGLES: Final = tuple(f"{part}{turn}" for part in ("Head", "LeftEye", "RightEye") for turn in TURNS)
HEADER: Final = ("Timecode", "BlendShapeCount", *(n[0].upper() + n[1:] for n in SHAPES), *ANGLES)
_COLUMNS = [ch.INDEX[name] for name in SHAPES]
_MIRROR = np.array([-1.0, 1.0, -1.0])  # of yaw, pitch, roll
_MAX_FRAMES = 1 << 24
Array = NDArray[np.float64]


def _to_angles(rotvec: NDArray[np.float32]) -> Array:
    """Rotation vectors [T, 3] -> mirrored yaw, pitch, roll [T, 3]."""
    m = rotations.to_matrix(rotvec)
    yaw, roll = np.arctan2(m[:, 0, 2], m[:, 2, 2]), np.arctan2(m[:, 1, 0], m[:, 1, 1])
    return np.stack([yaw, np.arcsin(np.clip(-m[:, 1, 2], -1, 1)), roll], axis=1) * _MIRROR


def _from_angles(angles: Array) -> Array:
    """The inverse of :func:`_to_angles`."""
    parts = np.zeros((3, len(angles), 3))
    for part, axis, column in zip(parts, (1, 0, 2), (angles * _MIRROR).T, strict=True):
        part[:, axis] = column
    return rotations.compose(rotations.compose(parts[0], parts[1]), parts[2])


def write(path: str | Path, motion: Motion | Iterable[Motion]) -> None:
    """Write *motion*, or chunks of it as they come, to a CSV that Live Link Face could have recorded.

    Frames of which nothing is valid are left out, as the app leaves out those in which it sees no face. Times are kept
    to a thousandth of a frame, modulo one day. Raises VultusError when the chunks change their frame rate, when no
    frame is valid, and when the file cannot be written.
    """
    chunks = [motion] if isinstance(motion, Motion) else motion
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(HEADER) + "\n")
        first: Motion | None = None
        row = 0
        seen = False
        for chunk in chunks:
            first = first or chunk
            if chunk.fps != first.fps:
                raise VultusError("The frame rate changes within the motion", "Resample it first")
            file.writelines(_rows(chunk, first.start, row))
            row += len(chunk)
            seen = seen or bool(chunk.valid.any())
        if not seen:
            raise VultusError("There is no motion to write" if first is None else "No frame of the motion is valid")


def _rows(motion: Motion, start: Fraction, row: int) -> Iterator[str]:
    head = rotations.compose(motion.neck, motion.head).astype(np.float32)
    angles = [_to_angles(v) for v in (head, motion.eye_right, motion.eye_left)]
    values = np.concatenate([motion.data[:, _COLUMNS], *angles], axis=1) + 0.0  # turns -0 into 0
    rate = timecode.nominal(motion.fps)
    for i, frame in enumerate(values.tolist(), row):
        if not motion.valid[i - row].any():
            continue
        numbers = ",".join(f"{value:.10f}" for value in frame)
        yield f"{timecode.write(start + i / motion.fps, rate)},61,{numbers}\n"


def read(path: str | Path, fps: Time | None = None) -> Motion:
    """The motion in a Live Link Face CSV; *fps* overrides the rate that the timecodes tell.

    Columns are found by name (any case, in any order). What a file lacks is invalid. Frames that the recording
    dropped repeat the one before and are invalid. Values out of range are clamped. The eyes follow the angle columns
    where these agree with the eyeLook shapes, otherwise the shapes (many tools leave the angles 0). All of the head's
    rotation lands in ``head``. Raises VultusError on anything that is not such a file.
    """
    codes, values, header = _parse(check_readable(path, "Live Link Face file"))
    rate, start, index = timecode.grid(codes, None if fps is None else as_fps(fps))
    if index[-1] >= _MAX_FRAMES:
        raise VultusError(f"The timecodes of {path} span {index[-1]} frames", "Check them, or cut the file")
    data, valid = _channels(values, header)
    # The last row of several in one frame wins; a frame without any repeats the one before.
    frames = np.arange(index[-1] + 1)
    row = np.searchsorted(index, frames, side="right") - 1
    valid = valid[row] & (index[row] == frames)[:, None]
    return Motion(clamp(data[row]), rate, start, valid)


def _parse(path: Path) -> tuple[list[tuple[int, Fraction]], Array, dict[str, int]]:
    """Parsed timecodes, values [N, C] with NaN where a cell is empty, and the column of each name of ours."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            titles = [title.strip() for title in next(lines, [])]
            if "timecode" not in (known := [title.lower() for title in titles]):
                raise VultusError(f"{path} has no Timecode column", "Is it a CSV of Live Link Face?")
            where = known.index("timecode")
            header = _header(titles)
            if not header:
                raise VultusError(f"{path} names no ARKit shape in its first line", "Is it a CSV of Live Link Face?")
            codes, values = [], []
            for cells in lines:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(titles):
                    raise VultusError(f"Line {lines.line_num} of {path} has {len(cells)} cells, not {len(titles)}")
                try:
                    codes.append(timecode.parse(cells[where]))
                    values.append(np.array([float(cells[i] or "nan") for i in header.values()], np.float32))
                except ValueError as error:
                    raise VultusError(f"Line {lines.line_num} of {path} holds something else than numbers") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise VultusError(f"{path} is not a text file of comma-separated values") from error
    if not codes:
        raise VultusError(f"{path} holds no frames")
    return codes, np.stack(values).astype(np.float64), dict(zip(header, range(len(header)), strict=True))


def _header(titles: list[str]) -> dict[str, int]:
    """Our shape names and the lower-case angle names -> column of the file."""
    angles = {angle.lower() for angle in ANGLES}
    found: dict[str, int] = {}
    for i, title in enumerate(titles):
        name = title.lower() if title.lower() in angles else names.shape(title)
        if name and name not in ch.TONGUE:
            found.setdefault(name, i)
    return found


def _channels(values: Array, header: dict[str, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values [N, C] -> channels [N, 69] and which of them the file has [N, 69]."""
    data = np.zeros((len(values), len(ch.CHANNELS)), np.float32)
    valid = np.zeros(data.shape, bool)
    for name, column in header.items():
        if name in ch.INDEX:
            data[:, ch.INDEX[name]] = values[:, column]
            valid[:, ch.INDEX[name]] = np.isfinite(values[:, column])
    data = clamp(data)
    triples = {part: _triple(values, header, part) for part in ("head", "lefteye", "righteye")}
    if (head := triples["head"]) is not None:
        data[:, ch.HEAD], valid[:, ch.HEAD] = _limited(head[0]), head[1]
    left, right = triples["righteye"], triples["lefteye"]  # the columns are mirrored
    look = data[:, LOOK] if valid[:, LOOK].any(axis=0).all() else None
    if left is not None and right is not None and _agree(left[0], right[0], look):
        data[:, ch.EYE_LEFT], valid[:, ch.EYE_LEFT] = left
        data[:, ch.EYE_RIGHT], valid[:, ch.EYE_RIGHT] = right
    elif look is not None:
        data[:, ch.EYE_LEFT], data[:, ch.EYE_RIGHT] = eyes_from_look(look)
        valid[:, ch.EYE_LEFT] = valid[:, ch.EYE_RIGHT] = valid[:, LOOK].all(axis=1, keepdims=True)
    return data, valid


def _triple(values: Array, header: dict[str, int], part: str) -> tuple[Array, NDArray[np.bool_]] | None:
    """Rotation vectors [N, 3] of the angle columns of *part* and where they are numbers [N, 1]; None without them."""
    columns = [header[f"{part}{turn.lower()}"] for turn in TURNS if f"{part}{turn.lower()}" in header]
    if len(columns) < len(TURNS):
        return None
    finite: NDArray[np.bool_] = np.all(np.isfinite(values[:, columns]), axis=1)[:, None]
    return _from_angles(np.where(finite, values[:, columns], 0)), finite


def _limited(rotvec: Array) -> Array:
    """Rotation vectors [T, 3] -> the same axes with angles up to ``channels.MAX_ROTATION``."""
    angle = np.linalg.norm(rotvec, axis=1, keepdims=True)
    return rotvec * np.minimum(1, ch.MAX_ROTATION / np.maximum(angle, 1e-9))


def _agree(left: Array, right: Array, look: NDArray[np.float32] | None) -> bool:
    """Whether eye angles explain at least half of the eyeLook shapes [T, 8] beside them."""
    if look is None or not np.abs(look).mean() > 1e-4:
        return True
    return bool(np.abs(eye_look(left, right) - look).mean() < 0.5 * np.abs(look).mean())
