"""VOCASET: 12 people who say 40 sentences each, as registered meshes (FLAME topology) at 60 frames a second.

D. Cudeiro, T. Bolkart, C. Laidlaw, A. Ranjan and M. Black, "Capture, Learning, and Synthesis of 3D Speaking Styles",
CVPR 2019. The authors give the data to those who register, for non-commercial research (voca.is.tue.mpg.de); nothing
of them, nor FLAME's triangles, is part of Vultus.

They are published as ``data_verts.npy`` and three pickles. Vultus reads no pickles, because reading one runs whatever
is in it. It reads the layout into which FaceFormer and CodeTalker convert them (``process_voca_data.py`` of either)::

    vertices_npy/SUBJECT_sentenceNN.npy     float [T, 15069]: x, y, z of 5023 vertices in metres
    wav/SUBJECT_sentenceNN.wav              22 kHz, mono
    templates/SUBJECT.npy                   float [5023, 3]: the face at rest; see :data:`CONVERT`
    alignment/SUBJECT_sentenceNN.TextGrid   the phones (or .json), where they were aligned; see datasets.alignment

The splits are the published ones, by subject: 8 for training with all sentences, 2 for validation and 2 for tests with
sentences 21 to 40, the ones that not all subjects share.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.clip import Clip
from vultus.datasets import alignment
from vultus.datasets.listed import Listed
from vultus.errors import VultusError, unknown

VERTICES: Final = 5023
RATE: Final = 60
"""Frames a second of the registrations; some copies keep every second one."""

SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "train": (
        "FaceTalk_170728_03272_TA", "FaceTalk_170904_00128_TA", "FaceTalk_170725_00137_TA",
        "FaceTalk_170915_00223_TA", "FaceTalk_170811_03274_TA", "FaceTalk_170913_03279_TA",
        "FaceTalk_170904_03276_TA", "FaceTalk_170912_03278_TA",
    ),
    "val": ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    "test": ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
}  # fmt: skip
SENTENCES: Final[dict[str, range]] = {"train": range(1, 41), "val": range(21, 41), "test": range(21, 41)}

CONVERT: Final = (
    "python -c \"import os, pickle, numpy as np; t = pickle.load(open('templates.pkl', 'rb'), encoding='latin1'); "
    "os.makedirs('templates'); [np.save(f'templates/{k}.npy', np.asarray(v, 'f4')) for k, v in t.items()]\""
)
"""The command that makes ``templates/`` of ``templates.pkl``; run it only on the file that the authors gave you."""

_NAME: Final = re.compile(r"(FaceTalk_\d{6}_\d{5}_TA)_sentence(\d\d)")
Split = Literal["train", "val", "test"]


def read(folder: str | Path, split: Split | None = None, *, rate: int = 16000) -> Listed:
    """The clips of VOCASET in *folder* that belong to *split* (all that are there unless given), sorted by name.

    Each has its sound at *rate* Hz, ``identity`` and the labels ``subject``, ``sentence`` ("07"), ``split`` ("" where
    the published splits leave it out) and ``vertices_fps`` (60, or 30 where the copy keeps every second frame).
    ``clip.load("vertices")`` is float32 [T, 5023, 3] in metres, ``clip.load("template")`` the subject's face at rest,
    float32 [5023, 3]. Raises VultusError where nothing of this layout is found.
    """
    place = Path(folder)
    if split is not None and split not in SUBJECTS:
        raise unknown("split of VOCASET", split, SUBJECTS)
    names = [path.stem for path in sorted((place / "vertices_npy").glob("*.npy"))]
    if not names:
        raise _absent(place)
    known = [name for name in names if _NAME.fullmatch(name)]
    if not known:
        raise VultusError(
            f"{place / 'vertices_npy' / names[0]}.npy has no name of VOCASET",
            "It would be called FaceTalk_170725_00137_TA_sentence01.npy",
        )
    if split is not None:
        known = [name for name in known if split_of(name) == split]
    if not known:
        raise VultusError(f"{place} holds nothing of the split {split}", "Convert the sequences of its subjects too")
    return Listed(tuple(known), tuple(known), partial(_opened, place, rate))


def split_of(name: str) -> Split | Literal[""]:
    """The published split of a sequence (``SUBJECT_sentenceNN``); "" when it is in none."""
    found = _NAME.fullmatch(name)
    if found:
        for split, subjects in SUBJECTS.items():
            if found[1] in subjects and int(found[2]) in SENTENCES[split]:
                return split  # type: ignore[return-value]
    return ""


def _opened(folder: Path, rate: int, name: str) -> Clip:
    from vultus.io import audio

    subject, sentence = name.rsplit("_sentence", 1)
    vertices, wav = folder / "vertices_npy" / f"{name}.npy", folder / "wav" / f"{name}.wav"
    heard = audio.read(wav, rate)
    count = len(_mapped(vertices))
    return Clip(
        name=name,
        audio=heard,
        sample_rate=rate,
        phones=alignment.beside(folder, name),
        identity=subject,
        labels={
            "subject": subject,
            "sentence": sentence,
            "split": split_of(name),
            "vertices_fps": str(_fps(name, count, len(heard) / rate)),
        },
        others={
            "vertices": partial(_vertices, vertices),
            "template": partial(_template, folder, subject),
        },
    )


def _fps(name: str, count: int, seconds: float) -> Fraction:
    """60 or 30, whichever fits the length of the sound; VultusError when neither does."""
    fps = min((RATE, RATE // 2), key=lambda rate: abs(np.log(max(count, 1) / (rate * max(seconds, 1e-3)))))
    if abs(count / fps - seconds) > max(0.5, 0.2 * seconds):
        raise VultusError(
            f"{name} has {count} frames and {seconds:.2f} s of sound", "Convert it anew: they do not belong together"
        )
    return Fraction(fps)


def _mapped(path: Path) -> NDArray[Any]:
    """The vertices [T, 15069] or [T, 5023, 3], mapped into memory and not yet read."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise VultusError(f"{path} cannot be read as an array", "Convert it anew from data_verts.npy") from error
    if array.dtype.kind != "f" or array.shape[1:] not in ((3 * VERTICES,), (VERTICES, 3)) or not len(array):
        raise VultusError(f"{path} has the shape {array.shape}, not [T, {3 * VERTICES}]", "Convert it anew")
    return array


def _vertices(path: Path) -> NDArray[np.float32]:
    return np.array(_mapped(path), np.float32).reshape(-1, VERTICES, 3)


def _template(folder: Path, subject: str) -> NDArray[np.float32]:
    path = folder / "templates" / f"{subject}.npy"
    if not path.is_file():
        raise VultusError(f"There is no face at rest at {path}", f"Convert templates.pkl once: {CONVERT}")
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise VultusError(f"{path} cannot be read as an array", f"Convert templates.pkl anew: {CONVERT}") from error
    if array.shape != (VERTICES, 3):
        raise VultusError(f"{path} has the shape {array.shape}, not ({VERTICES}, 3)", "Convert templates.pkl anew")
    return np.asarray(array, np.float32)


def _absent(place: Path) -> VultusError:
    """The error for a folder that is not of this layout; it says what to do with the published files."""
    if (place / "data_verts.npy").is_file():
        return VultusError(
            f"{place} holds VOCASET as published, with pickles, which Vultus does not read",
            "Convert it once with FaceFormer's vocaset/process_voca_data.py, which writes vertices_npy/ and wav/",
        )
    return VultusError(f"{place} holds no vertices_npy/*.npy", "Name the folder that holds vertices_npy/ and wav/")
