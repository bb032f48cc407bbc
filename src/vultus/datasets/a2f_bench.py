"""A2F-Bench: sets of speech and facial motion in several formats, as UniTalker's authors publish them together.

X. Fan et al., "UniTalker", ECCV 2024. The sets belong to their own authors and have their own terms; none is part of
Vultus. The layout, one folder for each set (``D0`` BIWI, ``D1`` VOCASET, ``D2`` MeshTalk, ``D3`` and ``D4`` ARKit
weights of HDTF and RAVDESS, ``D5`` FLAME codes of FaceForensics++, ``D6`` and ``D7`` ARKit weights of Chinese speech
and of songs)::

    D1/train.json val.json test.json     a list, or a mapping by name, of {"annotation", "audio", "fps", "id"}
    D1/id_template.npy                   float [identities, 3 · V], in the order of ``id``, for sets of vertices
    D1/…                                 annotations, .npy [T, D]; sounds, .wav; both named relative to the set

The files' own keys ``annot_path`` and ``audio_path`` are read as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.datasets.listed import Listed
from vultus.errors import VultusError
from vultus.io.files import check_readable
from vultus.motion import Motion, clamp

SETS: Final[dict[str, tuple[str, Literal["vertices", "shapes", "codes"], int]]] = {
    "D0": ("biwi", "vertices", 70110), "D1": ("vocaset", "vertices", 15069), "D2": ("meshtalk", "vertices", 18516),
    "D3": ("arkit52", "shapes", 52), "D4": ("arkit52", "shapes", 52), "D5": ("flame413", "codes", 413),
    "D6": ("arkit51", "shapes", 51), "D7": ("songs", "shapes", 51),
}  # fmt: skip
"""The sets: the format that the recipe ``unitalker`` calls each, what it is, and its numbers a frame."""
Split = Literal["train", "val", "test"]


def read(folder: str | Path, split: Split = "train", *, rate: int = 16000) -> Listed:
    """The clips of every set that is in *folder*; VultusError when there is none or a list is broken.

    The label ``set`` is the format, ``subject`` the speaker. Vertices and codes are among ``others`` as ``vertices``
    and ``template`` (of codes: zeros, [K, 1]), in the set's own unit; weights of shapes are the clip's motion.
    """
    place, items = Path(folder), list[Item]()
    for name in SETS:
        if (place / name / f"{split}.json").is_file():
            items += _listed(place / name, split)
    if not items:
        raise VultusError(f"{folder} holds no D0 to D7 with {split}.json", "Name the folder of the unpacked release")
    return Listed(tuple(item.name for item in items), tuple(items), partial(_opened, rate))


@dataclass(frozen=True)
class Item:
    """One sequence: the set's folder, its annotation and sound, frames a second, and the number of who speaks."""

    folder: Path
    annotation: Path
    audio: Path
    fps: float
    speaker: int

    @property
    def name(self) -> str:
        """The clip's name: the set's and the annotation's."""
        return f"{self.folder.name}-{self.annotation.stem}"


def _opened(rate: int, item: Item) -> Clip:
    from vultus.io import audio

    format_, kind, size = SETS[item.folder.name]
    who = f"{item.folder.name}-{item.speaker}"
    return Clip(
        name=item.name,
        audio=audio.read(item.audio, rate),
        sample_rate=rate,
        identity=who,
        labels={"set": format_, "subject": who, "vertices_fps": str(item.fps)},
        motion=_motion(item, size) if kind == "shapes" else None,
        others={} if kind == "shapes" else {
            "vertices": partial(_rows, item.annotation, size, 3 if kind == "vertices" else 1),
            "template": partial(_template, item, size, kind),
        },
    )  # fmt: skip


def _listed(folder: Path, split: str) -> list[Item]:
    path = folder / f"{split}.json"
    try:
        record = json.loads(path.read_text("utf-8"))
        entries = list(record.values()) if isinstance(record, dict) else list(record)
        return [_item(folder, entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VultusError(f"{path} is no list of sequences: {error!r}", "Unpack the release again") from error


def _item(folder: Path, entry: Mapping[str, Any]) -> Item:
    def inside(*names: str) -> Path:
        relative = entry[next((name for name in names if name in entry), names[0])]
        found = (folder / str(relative)).resolve()
        if not found.is_relative_to(folder.resolve()):
            raise ValueError(f"{relative} leads out of the set")
        return found

    fps = float(entry["fps"])
    if not 1 <= fps <= 240:
        raise ValueError(f"{fps} frames a second")
    return Item(folder, inside("annotation", "annot_path"), inside("audio", "audio_path"), fps, int(entry["id"]))


def _rows(path: Path, size: int, axes: int) -> NDArray[np.float32]:
    """An annotation [T, size] as [T, size / axes, axes]."""
    try:
        array = np.load(check_readable(path, "annotation"), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise VultusError(f"{path} cannot be read as an array", "Unpack the release again") from error
    if array.dtype.kind != "f" or not len(array) or array.reshape(len(array), -1).shape[1] != size:
        raise VultusError(f"{path} has the shape {array.shape}, not [T, {size}]", "Unpack the release again")
    return np.asarray(array, np.float32).reshape(len(array), -1, axes)


def _template(item: Item, size: int, kind: str) -> NDArray[np.float32]:
    if kind == "codes":
        return np.zeros((size, 1), np.float32)
    rows = _rows(item.folder / "id_template.npy", size, 3)
    if not 0 <= item.speaker < len(rows):
        raise VultusError(f"There is no template {item.speaker} in {item.folder.name}", "Unpack the release again")
    return rows[item.speaker]


def _motion(item: Item, size: int) -> Motion:
    weights = _rows(item.annotation, size, 1)[..., 0]
    still = Motion.neutral(len(weights), item.fps)
    data = still.data.copy()
    data[:, :size] = weights
    return still.replace(data=clamp(data))
