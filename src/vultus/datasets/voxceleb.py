"""VoxCeleb1 as systems of reenactment prepare it: faces cut out of interviews, 256 x 256 pixels, one folder a clip.

A. Nagrani, J. S. Chung and A. Zisserman, "VoxCeleb: a large-scale speaker identification dataset" (Interspeech 2017);
the cutting is that of A. Siarohin et al. (NeurIPS 2019). The pictures are other people's and no part of Vultus::

    train/ID#VIDEO#FIRST#LAST.mp4/0000000.png     or the same name as a video file
    test/…
    NAME.csv                                      source,driving[,best_frame]: pairs to drive one face by another
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final, Literal

from vultus.clip import Clip, Frame, View
from vultus.datasets.listed import Listed
from vultus.errors import VultusError, unknown

SPLITS: Final = ("train", "test")
_PICTURES: Final = (".png", ".jpg", ".jpeg")
_RATE: Final = 25  # of the interviews as published


@dataclass(frozen=True)
class Pair:
    """A face and a film that drives it: names of clips, and the film's frame whose pose is nearest, 0 if not said."""

    source: str
    driving: str
    best_frame: int = 0


def read(folder: str | Path, split: Literal["train", "test"] = "train") -> Listed:
    """The clips of *split* in *folder*, sorted by name; pictures are read when they are asked for.

    They have one view of ``frames`` and no sound; ``identity`` and the label ``speaker`` are what stands before the
    first # of the name, the label ``video`` what stands after it; ``set.named(name)`` finds one. Raises VultusError for
    another split, when there is no such folder, and when it has no clip.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    place = Path(folder) / split
    if not place.is_dir():
        raise VultusError(f"{folder} has no folder {split}", "Give the folder that holds train and test")
    found = [path for path in sorted(place.iterdir()) if not path.name.startswith(".")]
    items = tuple(path for path in found if (path.is_dir() and _pictures(path)) or path.suffix.lower() == ".mp4")
    if not items:
        raise VultusError(f"{place} has no clip", "It has folders of pictures named like ID#VIDEO#FIRST#LAST.mp4")
    return Listed(tuple(path.stem for path in items), items, _opened)


def _opened(path: Path) -> Clip:
    """VultusError when the first picture cannot be read."""
    who, _, rest = path.name.partition("#")
    labels = {"speaker": who, "video": rest.partition("#")[0]}
    return Clip(path.stem, identity=who, labels=labels, views=(_folder(path) if path.is_dir() else _video(path),))


def pairs(path: str | Path) -> tuple[Pair, ...]:
    """The pairs of a CSV file with the columns ``source``, ``driving`` and perhaps ``best_frame``.

    Raises VultusError, with the line, when it is something else.
    """
    out: list[Pair] = []
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as stream:
            for number, row in enumerate(csv.DictReader(stream), start=2):
                try:
                    out.append(Pair(row["source"].strip(), row["driving"].strip(), int(row.get("best_frame") or 0)))
                except (KeyError, AttributeError, ValueError):
                    raise VultusError(
                        f"Line {number} of {path} is no pair of clips", "Its columns are source,driving,best_frame"
                    ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VultusError(f"The list {path} cannot be read ({error})", "Give a CSV file in UTF-8") from error
    if not out:
        raise VultusError(f"{path} names no pair", "Its columns are source,driving,best_frame")
    return tuple(out)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def _folder(path: Path) -> View:
    from vultus.io.image import read_image

    files = _pictures(path)
    height, width = read_image(files[0]).shape[:2]
    read_them = partial(_read, tuple(files), (width, height))
    return View(("frames",), len(files), (width, height), float(_RATE), (), read_them, name="face")


def _read(
    files: tuple[Path, ...], size: tuple[int, int], names: tuple[str, ...], first: int, stop: int
) -> Iterator[Frame]:
    from vultus.io.image import read_image

    for file in files[first:stop]:
        picture = read_image(file)
        if picture.shape[1::-1] != size:
            raise VultusError(f"{file} has another size than the clip's first picture", "Prepare the clip anew")
        yield dict.fromkeys(names, picture)


def _video(path: Path) -> View:
    from vultus.io.video import probe_video, read_frames

    info = probe_video(path)
    rate = Fraction(info.fps).limit_denominator(100_000)

    def shown(names: tuple[str, ...], first: int, stop: int) -> Iterator[Frame]:
        return (dict.fromkeys(names, frame) for frame in read_frames(path, rate, first, stop))

    count = max(1, info.frames or round((info.duration or 0) * rate))
    return View(("frames",), count, (info.width, info.height), float(rate), (), shown, name="face")
