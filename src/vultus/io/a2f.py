"""The JSON that NVIDIA Audio2Face exports: one row of blend-shape weights a frame.

Keys: ``exportFps``, ``trackPath``, ``numPoses``, ``numFrames``, ``facsNames`` and ``weightMat`` [frames][poses].
Poses are the 52 ARKit shapes, a part of them, or the 46 of Audio2Face's default solver (``names.AUDIO2FACE``). Files of
ours also carry ``vultus`` with format, version, and the exact frame rate and start, which Audio2Face does not know.
The format has no rotations, no translation and no tongue: they are dropped, and marked invalid on reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.io import names
from vultus.io.files import atomic, check_readable
from vultus.motion import LOOK, Motion, Time, as_fps, as_time, clamp, eyes_from_look

FORMAT: Final = "vultus.a2f"
VERSION: Final = 1


def write(path: str | Path, motion: Motion | Iterable[Motion]) -> None:
    """Write the 52 ARKit shapes of *motion*, or of chunks as they come, to six decimals. Raises VultusError."""
    chunks = [motion] if isinstance(motion, Motion) else motion
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        first: Motion | None = None
        frames = 0
        for chunk in chunks:
            if first is None:
                first = chunk
                head = {
                    "exportFps": float(first.fps),
                    "trackPath": "",
                    "numPoses": len(ch.ARKIT),
                    "facsNames": ch.ARKIT,
                    "vultus": {
                        "format": FORMAT,
                        "version": VERSION,
                        "fps": first.fps.as_integer_ratio(),
                        "start": first.start.as_integer_ratio(),
                    },
                }
                file.write(json.dumps(head)[:-1] + ', "weightMat": [')
            if chunk.fps != first.fps:
                raise VultusError("The frame rate changes within the motion", "Resample it first")
            for row in np.round(chunk.expression.astype(np.float64), 6).tolist():
                file.write((",\n" if frames else "\n") + json.dumps(row, separators=(",", ":")))
                frames += 1
        if first is None:
            raise VultusError("There is no motion to write")
        file.write(f'\n], "numFrames": {frames}}}\n')  # last, because chunks come without a count


def read(path: str | Path, fps: Time | None = None) -> Motion:
    """The motion in an Audio2Face JSON; *fps* overrides ``exportFps``.

    Poses of other names are ignored; shapes that no pose names are invalid; where several poses mean one shape the
    larger weight counts. Weights out of range are clamped. The eyes follow the eyeLook shapes. Raises VultusError.
    """
    try:
        content = json.loads(check_readable(path, "Audio2Face file").read_bytes())
        poses = [str(name) for name in content["facsNames"]]
        weights = np.array(content["weightMat"], np.float64)
        own = content.get("vultus", {}) if isinstance(content, dict) else {}
        rate = as_fps(fps if fps is not None else _exact(own.get("fps")) or content["exportFps"])
        start = as_time(_exact(own.get("start")) or 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ZeroDivisionError) as error:
        raise VultusError(
            f"{path} is not a blend-shape JSON of Audio2Face", "It needs exportFps, facsNames and weightMat"
        ) from error
    if weights.ndim != 2 or weights.shape[1] != len(poses) or not len(weights):
        raise VultusError(f"{path} has {len(poses)} names, but its weights have the shape {weights.shape}")
    data, valid = np.zeros((len(weights), len(ch.CHANNELS)), np.float32), np.zeros(len(ch.CHANNELS), bool)
    for pose, column in zip(poses, weights.T, strict=True):
        shape = names.shape(pose)
        for target in (shape,) if shape else names.AUDIO2FACE.get(pose, ()):
            data[:, ch.INDEX[target]] = np.fmax(data[:, ch.INDEX[target]], column)
            valid[ch.INDEX[target]] = True
    if not valid.any():
        raise VultusError(f"{path} names no known shape", f"Its first names are {', '.join(poses[:3])}")
    data = clamp(data)
    if valid[list(LOOK)].all():
        data[:, ch.EYE_LEFT], data[:, ch.EYE_RIGHT] = eyes_from_look(data[:, LOOK])
        valid[ch.EYE_LEFT] = valid[ch.EYE_RIGHT] = True
    return Motion(data, rate, start, np.broadcast_to(valid, data.shape))


def _exact(pair: Any) -> Fraction | None:
    return None if pair is None else Fraction(int(pair[0]), int(pair[1]))
