"""Containers of sound and pictures that are being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av


@contextmanager
def writing(path: Path, kind: str, **options: str) -> Iterator[Any]:
    """A new file of FFmpeg's format *kind*, with the same bytes each time; an error inside is the one that is told."""
    container = av.open(f"file:{path}", "w", format=kind, options={"fflags": "+bitexact", **options})
    try:
        yield container
    except BaseException:
        with suppress(Exception):  # closing an unfinished file fails too: the first error is the one to tell
            container.close()
        raise
    container.close()
