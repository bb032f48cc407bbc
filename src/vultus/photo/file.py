""".face files: a photo and what was fitted to its faces, so that the next run starts at once.

A plain ``.npz`` without pickle: ``format`` ("vultus.face"), ``version`` (1), ``photo`` (the bytes of a PNG), ``faces``
(how many), and for each face k ``face<k>_<field>`` for the fields of :class:`vultus.observers.fit.Fit`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.io import archive
from vultus.io.files import check_readable
from vultus.observers.fit import Fit

U8 = NDArray[np.uint8]
FORMAT: Final = "vultus.face"
VERSION: Final = 1
_ARRAYS: Final = ("centre", "rotation", "translation", "identity", "row", "rows", "landmarks")
_NUMBERS: Final = ("focal", "error", "error_fine")
_MOST = 1 << 29  # bytes of one member once unpacked


@dataclass(frozen=True, eq=False)
class FittedPhoto:
    """A photo uint8 [H, W, 3] and the faces in it, from left to right; ``main`` is the one that speaks by default, and
    ``saved`` that there is a .face file of it: somebody will ask for it again."""

    photo: U8
    faces: tuple[Fit, ...]
    main: int = 0
    saved: bool = False


def write(path: str | Path, fitted: FittedPhoto) -> None:
    """Save *fitted* at *path*: whole or not at all, the same bytes for the same content. Raises VultusError."""
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(fitted.photo).save(picture, "PNG", compress_level=3)
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT), "version": np.array(VERSION), "faces": np.array(len(fitted.faces)),
        "main": np.array(fitted.main), "photo": np.frombuffer(picture.getvalue(), np.uint8),
    }  # fmt: skip
    for k, fit in enumerate(fitted.faces):
        arrays |= {f"face{k}_{name}": getattr(fit, name) for name in _ARRAYS}
        arrays[f"face{k}_numbers"] = np.array([getattr(fit, name) for name in _NUMBERS])
    archive.write(path, arrays, stored=("photo",))


def read(path: str | Path) -> FittedPhoto:
    """What was saved at *path*. Raises VultusError on anything else than our file, and on newer versions of it."""
    from PIL import Image

    file = check_readable(path, "face")
    try:
        mend = "Make one: vultus face PHOTO --out my.face"
        arrays = archive.read(file, format=FORMAT, version=VERSION, most=_MOST, what="face", mend=mend)
        with Image.open(io.BytesIO(arrays["photo"].tobytes()), formats=["PNG"]) as image:
            photo = np.array(image.convert("RGB"), np.uint8)
        size = (photo.shape[1], photo.shape[0])
        faces = []
        for k in range(int(arrays["faces"])):
            values: dict[str, Any] = {name: arrays[f"face{k}_{name}"] for name in _ARRAYS}
            values |= dict(zip(_NUMBERS, map(float, arrays[f"face{k}_numbers"]), strict=True))
            faces.append(_checked(Fit(size=size, **values)))
        return FittedPhoto(photo, tuple(faces), int(np.clip(int(arrays["main"]), 0, len(faces) - 1)), saved=True)
    except archive.DAMAGE as error:
        mend = "Make it anew: vultus face PHOTO --out my.face"
        raise VultusError(f"{file} is damaged, or not a face of Vultus", mend) from error


def _checked(fit: Fit) -> Fit:
    """*fit* when its arrays have the shapes and are numbers; ValueError otherwise."""
    from vultus import channels as ch
    from vultus.observers.basis import basis

    shapes = {
        "centre": (2,), "rotation": (3, 3), "translation": (3,), "identity": (len(basis().components),),
        "row": (len(ch.CHANNELS),), "rows": basis().mean.shape, "landmarks": (478, 2),
    }  # fmt: skip
    for name, shape in shapes.items():
        array = getattr(fit, name)
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(name)
    if not (fit.focal > 0 and fit.translation[2] > 0):
        raise ValueError("camera")
    return fit
