"""Motion files by extension."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from vultus.errors import unknown
from vultus.io import a2f, livelink, npz
from vultus.motion import Motion

READERS: Final[dict[str, Callable[[str | Path], Motion]]] = {
    ".csv": livelink.read,
    ".json": a2f.read,
    ".npz": npz.read,
}
WRITERS: Final[dict[str, Callable[[str | Path, Motion | Iterable[Motion]], None]]] = {
    ".csv": livelink.write,
    ".json": a2f.write,
    ".npz": npz.write,
}


def read_motion(path: str | Path) -> Motion:
    """The motion in a file: ``.npz`` (ours), ``.csv`` (Live Link Face) or ``.json`` (Audio2Face).

    Raises VultusError for another extension and for a file that does not hold what its extension says.
    """
    return READERS[_extension(path)](path)


def write_motion(path: str | Path, motion: Motion | Iterable[Motion]) -> None:
    """Save *motion*, or chunks of it, in the format that the extension of *path* names; see :func:`read_motion`."""
    WRITERS[_extension(path)](path, motion)


def _extension(path: str | Path) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise unknown("motion format", suffix or Path(path).name, READERS)
    return suffix
