"""A clip on disk: one folder that is there whole or not at all, read back lazily.

In it lie ``clip.json`` (names, text, what the numbers mean, and size and SHA-256 of every file), ``clip.safetensors``
(motion, times of the phones, cameras), ``sound.flac`` (16 bits), and for view k ``viewK.mp4`` (or, without loss,
``viewK.mkv``) with its frames and ``viewK.NNNN.safetensors`` with its other fields, 32 frames a file, in the compact
types of :mod:`vultus.stage.fields`. ``OTHER.other.safetensors`` holds a further signal. Safetensors is the format of
https://github.com/huggingface/safetensors: nothing in it is run when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.clip import FIELDS, Clip, Frame, View
from vultus.errors import VultusError
from vultus.io import files
from vultus.motion import BodyPose, Motion, as_fps
from vultus.signals.phones import Phone
from vultus.stage import fields as compact

FORMAT: Final = "vultus-clip"
VERSION: Final = 1
RECORD: Final = "clip.json"
PART: Final = 32
"""Frames in one file of fields: what a writer holds in memory."""

_READ: Final = 8  # frames unpacked at a time
_MEND: Final = "Run the command that wrote it once more: it keeps what is whole and makes the rest anew"

Array = NDArray[Any]


def tensors() -> Any:
    """The package safetensors; VultusError when it is not installed."""
    try:
        import safetensors.numpy
    except ImportError:
        raise VultusError("The package safetensors is not installed", "pip install 'vultus[stage]'") from None
    return safetensors


# --- writing --------------------------------------------------------------------------------------------------------


def write(folder: str | Path, clip: Clip, names: Sequence[str] | None = None, *, lossless: bool = False) -> None:
    """Write *clip* as *folder*, with the fields *names* of its views (all of them unless given).

    The same clip gives the same bytes. Frames become H.264 (yuv420p, quality 18) unless *lossless*. Raises VultusError
    for a field that a view does not have and when the folder cannot be written; then nothing of it is left behind.
    """
    data: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": clip.name,
        "text": clip.text,
        "identity": clip.identity,
        "labels": dict(clip.labels),
        "seconds": clip.duration,
        "phones": [[phone.ipa, phone.stress] for phone in clip.phones],
        "sound": None if clip.audio is None else clip.sample_rate,
        "motion": None,
        "views": [],
        "others": sorted(clip.others),
    }
    numbers: dict[str, Array] = {"phones.times": np.array([(p.start, p.end) for p in clip.phones]).reshape(-1, 2)}
    with files.atomic_folder(folder) as place:
        if clip.audio is not None:
            from vultus.io import audio

            audio.write(place / "sound.flac", clip.audio, clip.sample_rate)
        if clip.motion is not None:
            data["motion"] = _pack_motion(clip.motion, numbers)
        for number, view in enumerate(clip.views):
            if wanted := [name for name in FIELDS if name in (view.fields if names is None else names)]:
                data["views"].append(_write_view(place, number, view, wanted, numbers, lossless))
        for name in data["others"]:
            _save(place / f"{name}.other.safetensors", _arrays(name, clip.load(name)))
        _save(place / "clip.safetensors", numbers)
        data["files"] = {file.name: stamp(file) for file in sorted(place.iterdir())}
        (place / RECORD).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _pack_motion(motion: Motion, numbers: dict[str, Array]) -> dict[str, Any]:
    numbers["motion.data"] = motion.data
    numbers["motion.valid"] = np.packbits(motion.valid, axis=-1)
    if motion.body is not None:
        numbers["motion.body"] = motion.body.rotations
    return {
        "fps": [motion.fps.numerator, motion.fps.denominator],
        "start": [motion.start.numerator, motion.start.denominator],
        "joints": None if motion.body is None else list(motion.body.joints),
    }


def _write_view(
    place: Path, number: int, view: View, names: list[str], numbers: dict[str, Array], lossless: bool
) -> dict[str, Any]:
    """Write the fields of one view in one pass over its frames; the entry for the record."""
    pictures = f"view{number}.{'mkv' if lossless else 'mp4'}" if "frames" in names else None
    fps = as_fps(view.fps)
    if view.cameras:
        numbers[f"view{number}.cameras"] = np.array([_camera_numbers(camera) for camera in view.cameras])
    with ExitStack() as stack:
        add = None if pictures is None else stack.enter_context(_pictures(place / pictures, view.size, fps))
        held: list[Frame] = []
        for i, frame in enumerate(view.each(*names)):
            if add is not None:
                add(frame["frames"])
            held.append({name: frame[name] for name in names if name != "frames"})
            if len(held) == PART or i + 1 == view.count:
                _write_part(place / f"view{number}.{i // PART:04d}.safetensors", held)
                held = []
    return {
        "number": number,
        "name": view.name,
        "fields": names,
        "count": view.count,
        "size": list(view.size),
        "fps": [fps.numerator, fps.denominator],
        "parts": list(view.parts),
        "frames": pictures,
    }


@contextmanager
def _pictures(path: Path, size: tuple[int, int], fps: Fraction) -> Iterator[Callable[[Array], None]]:
    """Yield a function that adds a frame to the video at *path*."""
    if path.suffix == ".mkv":
        from vultus.io import lossless

        with lossless.writer(path, size=size, fps=fps) as add:
            yield add
    else:
        from vultus.io.video import VideoWriter

        # One encoder thread: the bytes must not depend on the machine.
        with VideoWriter(path, size=size, fps=fps, threads=1) as video:
            yield video.write


def _write_part(path: Path, frames: list[Frame]) -> None:
    if frames[0]:
        packed = [compact.pack(name, np.stack([frame[name] for frame in frames])) for name in frames[0]]
        _save(path, {key: array for arrays in packed for key, array in arrays.items()})


def _camera_numbers(camera: Camera) -> list[float]:
    return [camera.width, camera.height, *camera.focal, *camera.centre, *camera.world_to_camera.ravel()]


def _arrays(name: str, value: Any) -> dict[str, Array]:
    """A further signal as arrays by name: one array, or a mapping to arrays."""
    arrays = dict(value) if isinstance(value, Mapping) else {"": value}
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise VultusError(f"The signal {name} {key} cannot be written", "It must be an array of numbers")
    return {f"{name}.{key}" if key else name: np.ascontiguousarray(array) for key, array in arrays.items()}


def _save(path: Path, arrays: Mapping[str, Array]) -> None:
    # The bytes are written here, so that a full disk is an error with a number.
    whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    # One entry of metadata only: safetensors writes several in an order that changes from run to run.
    path.write_bytes(tensors().numpy.save(whole, metadata={"format": f"{FORMAT} {VERSION}"}))


def stamp(file: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file."""
    with file.open("rb") as stream:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


# --- reading --------------------------------------------------------------------------------------------------------


def problem(folder: str | Path, *, thorough: bool = False) -> str:
    """What is wrong with a clip's folder, "" when nothing is: a file missing or of another size.

    *thorough* reads every byte and compares its SHA-256 too.
    """
    place = Path(folder)
    try:
        data = json.loads((place / RECORD).read_text("utf-8"))
        for name, expected in data["files"].items():
            if (size := (place / name).stat().st_size) != expected["bytes"]:
                return f"{name} has {size} bytes instead of {expected['bytes']}"
            if thorough and stamp(place / name) != expected:
                return f"{name} has other bytes than were written"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{RECORD} is damaged"
    return ""


def record(folder: str | Path) -> dict[str, Any]:
    """The record ``clip.json`` of a clip's folder; VultusError when the clip is not whole or from a newer Vultus."""
    place = Path(folder)
    if wrong := problem(place):
        raise broken(place, wrong)
    data: dict[str, Any] = json.loads((place / RECORD).read_text("utf-8"))
    if data.get("format") != FORMAT:
        raise broken(place, f"{RECORD} is damaged")
    if not isinstance(data.get("version"), int) or data["version"] > VERSION:
        raise VultusError(f"The clip {place} comes from a newer Vultus (version {data.get('version')})", "Update it")
    return data


def broken(folder: Path, wrong: str) -> VultusError:
    """The error for a clip that is not whole."""
    return VultusError(f"The clip {folder.name} in {folder.parent} is broken: {wrong}", _MEND)


def read(folder: str | Path) -> Clip:
    """The clip that `write` wrote: sound, phones and motion at once, fields of frames and other signals when asked for.

    Raises VultusError when it is not whole (at once, by the sizes of its files) or from a newer Vultus.
    """
    place = Path(folder)
    data = record(place)
    try:
        numbers = tensors().numpy.load_file(place / "clip.safetensors")
        phones = zip(numbers["phones.times"].tolist(), data["phones"], strict=True)
        return Clip(
            name=data["name"],
            audio=_sound(place / "sound.flac", data["sound"]),
            sample_rate=data["sound"] or 16000,
            text=data["text"],
            phones=tuple(Phone(start, end, ipa, stress) for (start, end), (ipa, stress) in phones),
            motion=_motion(data["motion"], numbers),
            identity=data["identity"],
            labels=data["labels"],
            views=tuple(_view(place, entry, numbers) for entry in data["views"]),
            others={name: partial(_other, place, name) for name in data["others"]},
        )
    except (KeyError, ValueError, TypeError, tensors().SafetensorError) as error:
        raise broken(place, f"its numbers do not fit together ({error})") from error


def _sound(path: Path, rate: int | None) -> NDArray[np.float32] | None:
    if rate is None:
        return None
    from vultus.io import audio

    return audio.read(path, rate)


def _motion(entry: dict[str, Any] | None, numbers: Mapping[str, Array]) -> Motion | None:
    if entry is None:
        return None
    data = numbers["motion.data"]
    valid = np.unpackbits(numbers["motion.valid"], axis=-1, count=data.shape[1]).astype(bool)
    body = None if entry["joints"] is None else BodyPose(tuple(entry["joints"]), numbers["motion.body"])
    return Motion(data, Fraction(*entry["fps"]), Fraction(*entry["start"]), valid, body)


def _view(place: Path, entry: dict[str, Any], numbers: Mapping[str, Array]) -> View:
    rows = numbers.get(f"view{entry['number']}.cameras", np.zeros((0, 22)))
    cameras = tuple(Camera(int(r[0]), int(r[1]), (r[2], r[3]), (r[4], r[5]), r[6:].reshape(4, 4)) for r in rows)
    width, height = entry["size"]
    fps = Fraction(*entry["fps"])
    return View(
        fields=tuple(entry["fields"]),
        count=entry["count"],
        size=(width, height),
        fps=float(fps),
        cameras=cameras,
        read=partial(_frames, place, entry["number"], entry["frames"], fps, (width, height)),
        parts=tuple(entry["parts"]),
        name=entry["name"],
    )


def _frames(
    place: Path, number: int, pictures: str | None, fps: Fraction, size: tuple[int, int],
    names: tuple[str, ...], first: int, stop: int,
) -> Iterator[Frame]:  # fmt: skip
    """The fields *names* of the frames [first, stop) of one view."""
    shown: Iterator[Array] | None = None
    if "frames" in names and pictures is not None:
        from vultus.io import video

        shown = video.read_frames(place / pictures, fps, first, stop)
    numeric = [name for name in names if name != "frames"]
    at = first
    while at < stop:
        until = min(stop, at + _READ, (at // PART + 1) * PART)
        stacks = _part(place / f"view{number}.{at // PART:04d}.safetensors", numeric, at % PART, until - at)
        for i in range(until - at):
            frame = {name: stacks[name][i] for name in numeric}
            if shown is not None:
                frame["frames"] = next(shown)[: size[1], : size[0]]
            yield {name: frame[name] for name in names}
        at = until


def _part(path: Path, names: list[str], first: int, count: int) -> dict[str, Array]:
    """The fields *names* of *count* frames of one file, from its frame *first* on."""
    if not names:
        return {}
    package = tensors()
    try:
        with package.safe_open(path, framework="numpy") as held:
            return {
                name: compact.unpack(name, held.get_slice(name)[first : first + count], held.get_tensor)
                for name in names
            }
    except (OSError, package.SafetensorError) as error:
        raise broken(path.parent, f"{path.name} cannot be read ({error})") from error


def _other(place: Path, name: str) -> Any:
    """A further signal: one array, or several by name."""
    arrays = tensors().numpy.load_file(place / f"{name}.other.safetensors")
    return arrays[name] if name in arrays else {key.removeprefix(f"{name}."): array for key, array in arrays.items()}
