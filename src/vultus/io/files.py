"""Files read and written safely: checked before reading, whole or absent after writing."""

from __future__ import annotations

import difflib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vultus.errors import VultusError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than this disk allows",
}
_TEMPORARY_PREFIX = ".vultus-"


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside *path*; move it to *path* when the block succeeds, remove it when it fails.

    The temporary file exists and is empty when the block starts, and its name ends like *path*, so that writers that
    choose a format by extension work. Parent folders are never created. A symbolic link is followed, and its target
    replaced. Whatever leaves the block early, Ctrl-C too, leaves an older file at *path* untouched.

    Raises VultusError when the folder is missing or not writable, when *path* is a folder, a device or anything else
    but a plain file, when its name is too long, and when the disk fills up inside the block (any exception whose
    errno says so, which covers those of PyAV). Every other exception of the block passes through unchanged.
    """
    shown = Path(path)
    target = _writable_target(shown)
    temporary = _create_beside(target, shown)
    try:
        yield temporary
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = _write_failure(error, (temporary, target))
        if reason is None:
            raise
        raise VultusError(f"Cannot write {shown}: {reason[0]}", reason[1]) from error


def check_writable(path: str | Path) -> None:
    """Raise VultusError, as `atomic` does, when no file can be made at *path*; for names that are known early."""
    shown = Path(path)
    _create_beside(_writable_target(shown), shown).unlink()


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a new folder beside *path*; when the block succeeds it becomes *path*, otherwise nothing is left of it.

    What was at *path* before is replaced. All files (folders inside are not allowed) are on the disk before the
    folder gets its name, so that after a power cut it is there whole or not at all; after a killed process a folder
    whose name begins with ``.vultus-`` may be left (see `sweep`). Raises VultusError as `atomic` does.
    """
    target = Path(path)
    temporary = target.parent / f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        _flush(temporary)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        _flush(target.parent)
    except BaseException as error:
        paths = (temporary, target, *(temporary.iterdir() if temporary.is_dir() else ()))
        shutil.rmtree(temporary, ignore_errors=True)
        # `atomic` may have been used inside: the place that the user knows is the one to tell.
        reason = _write_failure((error.__cause__ if isinstance(error, VultusError) else None) or error, paths)
        if reason is None:
            raise
        raise VultusError(f"Cannot write {path}: {reason[0]}", reason[1]) from error


def sweep(folder: str | Path) -> None:
    """Remove what killed processes left in *folder*; no other process may be writing there."""
    for left in Path(folder).glob(f"{_TEMPORARY_PREFIX}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk; where folders cannot be opened, as on Windows, only files are."""
    if path.is_dir() and os.name == "nt":
        return
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _writable_target(path: Path) -> Path:
    """*path* with links followed; VultusError when no plain file can be made there."""
    try:
        target = path.resolve() if path.is_symlink() else path
        mode = target.stat().st_mode if target.exists() else None
        parent = target.parent
        parent_found, parent_is_folder = parent.exists(), parent.is_dir()
        with suppress(FileNotFoundError, NotADirectoryError):
            target.lstat()  # exists() hides a name that is too long
    except (OSError, RuntimeError, ValueError) as error:
        raise VultusError(f"Cannot write {path}: {_short(error)}", "Choose another file name.") from error
    if mode is not None and stat.S_ISDIR(mode):
        raise VultusError(f"Cannot write {path}: it is a folder", "Give a file name inside it.")
    if mode is not None and not stat.S_ISREG(mode):
        raise VultusError(f"Cannot write {path}: it is a device or pipe", "Give the name of a plain file.")
    if not parent_found:
        raise VultusError(f"Cannot write {path}: the folder {parent} does not exist", "Create it first.")
    if not parent_is_folder:
        raise VultusError(f"Cannot write {path}: {parent} is not a folder", "Choose another folder.")
    return target


def _create_beside(target: Path, shown: Path) -> Path:
    """A new empty file in the folder of *target*: proves that the folder can be written before any work is done."""
    temporary = target.parent / f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}{target.suffix}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        problem, mend = _write_failure(error, (temporary,)) or (_short(error), "Choose another folder.")
        raise VultusError(f"Cannot write {shown}: {problem}", mend) from error
    return temporary


def _write_failure(error: BaseException, paths: tuple[Path, ...]) -> tuple[str, str] | None:
    """(problem, mend) when *error* says that the file at *paths* cannot be written; None for any other error."""
    code = getattr(error, "errno", None)
    if code in _FULL:
        return _FULL[code], "Free some space or choose another disk."
    names = {str(path) for path in paths}
    about_ours = str(getattr(error, "filename", "")) in names
    if isinstance(error, OSError) and about_ours:
        if isinstance(error, FileNotFoundError):
            return "nothing was written, or the file was removed meanwhile", "Try again."
        return _short(error).lower(), "Choose a folder that you may write to, and close programs that use the file."
    return None


def _short(error: BaseException) -> str:
    """The reason alone, without errno and path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def check_readable(path: str | Path, kind: str) -> Path:
    """*path* as a Path, when it is a plain, readable file that is not empty.

    *kind* is the noun for what is expected, such as "sound file" or "photo". Raises VultusError when there is no such
    file (naming the nearest file in the same folder), and when it is a folder, not a plain file, empty or not readable.
    """
    file = Path(path)
    try:
        info = file.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VultusError(f"There is no {kind} at {file}", _nearest(file)) from error
    except (OSError, ValueError) as error:
        raise VultusError(f"Cannot read the {kind} {file}: {_short(error)}", "Check its name and rights.") from error
    if stat.S_ISDIR(info.st_mode):
        raise VultusError(f"{file} is a folder, not a {kind}", "Give the name of one file.")
    if not stat.S_ISREG(info.st_mode):
        raise VultusError(f"{file} is not a plain file", f"Save the {kind} to a file and give its name.")
    if info.st_size == 0:
        raise VultusError(f"The {kind} {file} is empty", "Export or download it again.")
    if not os.access(file, os.R_OK):
        raise VultusError(f"The {kind} {file} may not be read", "Change its rights, or copy it to your own folder.")
    return file


def _nearest(file: Path) -> str:
    """How to mend a wrong file name: the nearest name in the same folder."""
    if not file.parent.is_dir():
        return f"The folder {file.parent} does not exist either."
    try:
        names = [entry.name for entry in file.parent.iterdir() if entry.is_file()]
    except OSError:
        names = []
    folded = {name.lower(): name for name in names if not name.startswith(_TEMPORARY_PREFIX)}
    near = difflib.get_close_matches(file.name.lower(), folded, n=1, cutoff=0.6)
    return f"Did you mean {file.parent / folded[near[0]]}?" if near else "Check the name and the folder."
