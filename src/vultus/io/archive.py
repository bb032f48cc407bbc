"""Arrays by name in one file of ours: a plain ``.npz`` without pickle, the same bytes for the same arrays.

Every file has the members ``format`` and ``version``.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.io.files import atomic

DAMAGE: Final = (
    ArithmeticError, EOFError, LookupError, MemoryError, NotImplementedError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile, zlib and numpy raise on damaged files."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # a fixed date keeps the bytes the same from run to run


def write(path: str | Path, arrays: Mapping[str, NDArray[Any]], stored: Collection[str] = ()) -> None:
    """Write *arrays* to *path*, whole or not at all, all but those *stored* compressed. Raises VultusError."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def read(path: Path, *, format: str, version: int, most: int, what: str, mend: str) -> dict[str, NDArray[Any]]:
    """The arrays of the file at *path*. Raises VultusError when a member unpacks to more than *most* bytes, when it is
    of another *format* than *what* (*mend* says what to do) and when its *version* is newer; and any of ``DAMAGE``."""
    with zipfile.ZipFile(path) as archive:
        if any(info.file_size > most for info in archive.infolist()):
            raise VultusError(f"{path} unpacks to an unreasonable size")
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if str(arrays.get("format")) != format:
        raise VultusError(f"{path} is not a {what} of Vultus", mend)
    if int(arrays["version"]) > version:
        raise VultusError(f"{path} comes from a newer Vultus (version {int(arrays['version'])})", "Update Vultus")
    return arrays
