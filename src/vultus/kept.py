"""What took long to make, kept for the next process: arrays in the user's cache, under a name made of what they are of.

Nothing has to be cleared when the library or its data change: then names do, and what has not been asked for longest
makes room. A file is written whole or not at all, so that several processes may keep the same, and says itself what it
is of; one that is damaged, of another version or under a wrong name is made anew, and where nothing can be written
nothing is kept.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from vultus import store

Arrays = Mapping[str, NDArray[Any]]
Made = TypeVar("Made")

FORMAT: Final = "vultus.kept"
VERSION: Final = 1
MOST: Final = 1 << 28
"""Bytes that are kept in all: about ten people."""
_ABANDONED = 3600  # seconds after which nobody writes a part any more
_on: ContextVar[bool] = ContextVar("vultus_kept", default=False)


@contextmanager
def keeping() -> Iterator[None]:
    """Inside, :func:`kept` keeps: for the few faces that somebody asks for again and again, not for thousands."""
    before = _on.set(True)
    try:
        yield
    finally:
        _on.reset(before)


def folder() -> Path:
    """Where things are kept, beside the assets; it may not exist yet."""
    return store.cache().parent / "kept"


def kept(
    kind: str,
    of: Callable[[], bytes | None],
    make: Callable[[], Made],
    pack: Callable[[Made], Arrays],
    unpack: Callable[[Arrays], Made],
) -> Made:
    """What *make* makes, or the same from the disk.

    *of* says all that it depends on, or None when that cannot be told; *kind* is the first word of the file's name.
    *pack* turns it into arrays without objects, from which *unpack* makes it again. Outside of :func:`keeping` this is
    *make* alone.
    """
    source = of() if _on.get() else None
    if source is None:
        return make()
    mark = sha256(b"%d %b %b" % (VERSION, kind.encode(), source)).hexdigest()
    try:
        path = folder() / f"{kind}-{mark[:32]}.npz"
    except RuntimeError:  # a user without a home
        return make()
    # Whatever is wrong with a file (zipfile, zlib and numpy raise a dozen kinds of errors), it can be made anew.
    with suppress(Exception):
        return unpack(_read(path, mark))
    made = make()
    arrays = pack(made)
    with suppress(OSError):
        _write(path, mark, arrays)
        _make_room()
    return made


def flat(thing: Any) -> Arrays:
    """*thing* as arrays: dataclasses, tuples and mappings of arrays, sparse matrices, strings, numbers and None.

    The array "tree" says how they belong together, for :func:`whole`.
    """
    from scipy import sparse

    arrays: dict[str, NDArray[Any]] = {}

    def put(part: Any) -> dict[str, Any]:
        if isinstance(part, np.ndarray):
            arrays[str(len(arrays))] = part
            return {"array": str(len(arrays) - 1)}
        if isinstance(part, sparse.csr_matrix):
            return {"csr": [put(part.data), put(part.indices), put(part.indptr)], "shape": list(map(int, part.shape))}
        if is_dataclass(part):
            return {"kind": type(part).__name__, "fields": {f.name: put(getattr(part, f.name)) for f in fields(part)}}
        if isinstance(part, tuple):
            return {"tuple": [put(one) for one in part]}
        if isinstance(part, Mapping):
            return {"mapping": {name: put(one) for name, one in part.items()}}
        return {"value": part.item() if isinstance(part, np.generic) else part}

    tree = json.dumps(put(thing))
    return arrays | {"tree": np.array(tree)}


def whole(arrays: Arrays, *kinds: type[Any]) -> Any:
    """What :func:`flat` took apart; *kinds* are its dataclasses. KeyError for others."""
    from scipy import sparse

    by_name = {kind.__name__: kind for kind in kinds}

    def get(part: dict[str, Any]) -> Any:
        if "array" in part:
            return arrays[part["array"]]
        if "csr" in part:
            data, indices, pointers = map(get, part["csr"])
            return sparse.csr_matrix((data, indices, pointers), shape=tuple(part["shape"]))
        if "kind" in part:
            return by_name[part["kind"]](**{name: get(one) for name, one in part["fields"].items()})
        if "tuple" in part:
            return tuple(map(get, part["tuple"]))
        if "mapping" in part:
            return {name: get(one) for name, one in part["mapping"].items()}
        return part["value"]

    return get(json.loads(str(arrays["tree"])))


def clear() -> int:
    """Delete all that is kept; return the bytes freed."""
    return sum(_remove(file) for file in (*folder().glob("*.npz"), *folder().glob("*.part")))


def _read(path: Path, mark: str) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:  # zip files have checksums, which reading to the end checks
        arrays = {name: archive[name] for name in archive.files}
    if (str(arrays.pop("format")), int(arrays.pop("version")), str(arrays.pop("of"))) != (FORMAT, VERSION, mark):
        raise ValueError(f"{path} is something else")
    with suppress(OSError):
        os.utime(path)  # asked for now
    return arrays


def _write(path: Path, mark: str, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"format": np.array(FORMAT), "version": np.array(VERSION), "of": np.array(mark), **arrays}
    part = path.parent / f"{secrets.token_hex(8)}.part"
    try:
        with zipfile.ZipFile(part, "x") as archive:
            for name, array in whole.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
        part.replace(path)
    except BaseException:
        _remove(part)
        raise


def _make_room() -> None:
    """Delete what has not been asked for longest until the rest fits into MOST."""
    files = []
    for file in (*folder().glob("*.npz"), *folder().glob("*.part")):
        with suppress(OSError):  # another process was quicker
            status = file.stat()
            if file.suffix == ".npz":
                files.append((status.st_mtime_ns, status.st_size, file))
            elif time.time() - status.st_mtime > _ABANDONED:
                _remove(file)
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total <= MOST:
            return
        _remove(file)
        total -= size


def _remove(file: Path) -> int:
    with suppress(OSError):
        size = file.stat().st_size
        file.unlink()
        return size
    return 0
