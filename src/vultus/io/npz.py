"""Our own motion file: a plain ``.npz`` that loses nothing, without pickle, the same bytes for the same motion.

Members: ``format`` ("vultus.motion"), ``version`` (1), ``data`` float32 [T, 69], ``valid`` bool [T, 69], ``channels``
(the column names), ``fps`` and ``start`` (int64 numerator and denominator), ``body_joints`` and ``body_rotations``
where there is a body pose, and for each artist's edit k ``edit<k>_values``, ``_channels``, ``_fps``, ``_start``,
``_text`` (name, mode) and ``_numbers`` (weight, fade).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.io import archive
from vultus.io.files import check_readable
from vultus.layers import Layer, Layered
from vultus.motion import BodyPose, Motion, concatenate

FORMAT: Final = "vultus.motion"
VERSION: Final = 1
_LIMIT = 1 << 33  # bytes of one member once unpacked; 8 GiB is a year of motion


def write(path: str | Path, motion: Motion | Layered | Iterable[Motion]) -> None:
    """Save *motion* (chunks are joined; the edits of a Layered stay apart) at *path*. Raises VultusError."""
    if isinstance(motion, Layered):
        layered = motion
    else:
        layered = Layered(motion if isinstance(motion, Motion) else concatenate(list(motion)))
    motion = layered.generated
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "version": np.array(VERSION),
        "channels": np.array(ch.CHANNELS),
        "data": motion.data,
        "valid": motion.valid,
        "fps": _pair(motion.fps),
        "start": _pair(motion.start),
    }
    if motion.body is not None:
        arrays |= {"body_joints": _strings(motion.body.joints), "body_rotations": motion.body.rotations}
    for k, edit in enumerate(layered.edits):
        arrays |= {
            f"edit{k}_values": edit.values,
            f"edit{k}_channels": _strings(edit.channels),
            f"edit{k}_fps": _pair(edit.fps),
            f"edit{k}_start": _pair(edit.start),
            f"edit{k}_text": _strings((edit.name, edit.mode)),
            f"edit{k}_numbers": np.array([edit.weight, edit.fade]),
        }
    archive.write(path, arrays)


def read(path: str | Path) -> Motion:
    """The motion at *path*, bit for bit as written; edits, if any, are applied. Raises VultusError."""
    return read_layered(path).flatten()


def read_layered(path: str | Path) -> Layered:
    """The generated motion at *path* with its edits kept apart. Raises VultusError on anything else than our file."""
    path = check_readable(path, "motion file")
    try:
        mend = "Another kind of .npz cannot be converted"
        arrays = archive.read(path, format=FORMAT, version=VERSION, most=_LIMIT, what="motion", mend=mend)
        return _build(arrays)
    except archive.DAMAGE as error:
        raise VultusError(f"{path} is damaged, or not a motion of Vultus") from error


def _build(arrays: dict[str, NDArray[Any]]) -> Layered:
    columns = [str(name) for name in arrays["channels"]]
    data = np.zeros((len(arrays["data"]), len(ch.CHANNELS)), np.float32)
    valid = np.zeros(data.shape, bool)
    # By name, so that a version with more channels still reads this file.
    order = [ch.INDEX[name] for name in columns]
    data[:, order], valid[:, order] = arrays["data"], arrays["valid"]
    body = None
    if "body_joints" in arrays:
        body = BodyPose(tuple(map(str, arrays["body_joints"])), arrays["body_rotations"])
    motion = Motion(data, _fraction(arrays["fps"]), _fraction(arrays["start"]), valid, body)
    edits: list[Layer] = []
    while f"edit{len(edits)}_values" in arrays:
        part = {key: arrays[f"edit{len(edits)}_{key}"] for key in ("values", "channels", "fps", "start", "text")}
        weight, fade = (float(v) for v in arrays[f"edit{len(edits)}_numbers"])
        name, mode = (str(v) for v in part["text"])
        rates = _fraction(part["fps"]), _fraction(part["start"])
        names = tuple(map(str, part["channels"]))
        edits.append(Layer(name, names, part["values"], *rates, cast("Any", mode), weight, fade))
    return Layered(motion, tuple(edits))


def _strings(values: tuple[str, ...]) -> NDArray[np.str_]:
    return np.array(values, dtype=np.str_) if values else np.zeros(0, "U1")


def _pair(value: Fraction) -> NDArray[np.int64]:
    try:
        return np.array([value.numerator, value.denominator], np.int64)
    except OverflowError as error:
        raise VultusError(f"The time {float(value)} s is too finely divided to be saved") from error


def _fraction(pair: NDArray[np.int64]) -> Fraction:
    return Fraction(int(pair[0]), int(pair[1]))
