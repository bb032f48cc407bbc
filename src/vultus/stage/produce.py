"""Many clips into one folder, over the cores of a machine or of a Ray cluster.

``DIR/index.json`` says how the set was made and lists its clips in order, each a folder ``000000``, ``000001``, … of
:mod:`vultus.stage.shards` with size and SHA-256 of every file. Whatever stops the work (kill -9, a full disk, a power
cut), whole clips stay whole, and the same call goes on from there. Every clip is made by one thread of a process that
makes only clips, so that its bytes do not depend on how many of them there are.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vultus import __version__
from vultus import workers as workers_
from vultus.clip import Clip
from vultus.errors import VultusError
from vultus.io import files
from vultus.stage import shards

FORMAT: Final = "vultus-stage"
VERSION: Final = 1
INDEX: Final = "index.json"

_SAVE: Final = 10.0  # seconds between two writings of the index, at least

Make = Callable[[int], Clip]
Entry = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What a run did: number of ``clips`` in the set, of them ``made`` now, ``seconds`` of them, ``bytes`` on the disk
    and ``wall`` seconds of work."""

    folder: Path
    clips: int
    made: int
    seconds: float
    bytes: int
    wall: float

    def line(self) -> str:
        """All of it in one line."""
        kept = f", {self.clips - self.made} were there" if self.made < self.clips else ""
        speed = f"; {self.made / max(self.wall, 1e-9):.2f} clips/s" if self.made else ""
        size = f"{self.bytes / 1e9:.2f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:.1f} MB"
        clips = "1 clip" if self.clips == 1 else f"{self.clips} clips"
        return f"wrote {self.folder} ({clips}{kept}, {self.seconds:.0f} s, {size}{speed})"


@dataclass(frozen=True)
class Job:
    """One clip to be made: what a worker gets."""

    number: int
    folder: Path
    make: Make
    fields: tuple[str, ...] | None
    lossless: bool

    def run(self) -> Entry | str:
        """Make the clip unless it is there and whole; its entry for the index, or in one line what is wrong."""
        from vultus.render import threads

        threads.set_threads(1)
        made = bool(shards.problem(self.folder, thorough=True))
        try:
            if made:
                shards.write(self.folder, self._made(), self.fields, lossless=self.lossless)
            found = shards.record(self.folder)
        except VultusError as error:
            return str(error)
        listed = {**found["files"], shards.RECORD: shards.stamp(self.folder / shards.RECORD)}
        return {
            "number": self.number,
            "made": made,
            "folder": self.folder.name,
            "name": found["name"],
            "seconds": found["seconds"],
            "files": listed,
        }

    def _made(self) -> Clip:
        try:
            return self.make(self.number)
        except VultusError as error:
            raise VultusError(f"Clip {self.number} cannot be made: {error}") from error


def _complaint(result: Entry | str) -> bool:
    """Clips come before complaints: a complaint ends the run, and what was done with it must be in the index."""
    return isinstance(result, str)


def write(
    folder: str | Path,
    make: Make,
    count: int,
    *,
    arguments: Mapping[str, Any],
    fields: Sequence[str] | None = None,
    lossless: bool = False,
    workers: int | None = None,
    ray: bool = False,
    progress: Callable[[float, float | None], None] | None = None,
) -> Report:
    """Write the clips ``make(0)`` … ``make(count - 1)`` into *folder*, with the *fields* of their views (None: all).

    *make* must be a function that another process can import, or a ``functools.partial`` of one. *arguments* say in
    JSON how the clips are made. Whole clips of an earlier run with the same arguments are kept and not made again;
    *count* may be larger than theirs. *workers* are processes (the processors that may be used unless given), or with
    *ray* tasks at a time on the cluster of ``RAY_ADDRESS`` (a local one unless that is set), whose machines must share
    *folder*. *progress* hears of clips done and all of them.

    Raises VultusError for a folder that cannot be written, holds other things or was written with other arguments, for
    what *make* complains of, and when the disk is full: in each case whole clips stay and the index lists them.
    """
    from vultus.render.threads import available

    if count < 1 or (workers is not None and workers < 1):
        raise VultusError("There is nothing to write", "The numbers of clips and workers begin at 1")
    shards.tensors()
    if ray:
        workers_.package()
    begin, place = time.perf_counter(), Path(folder).absolute()
    index = _prepared(place, folder, {**arguments, "fields": fields and list(fields), "lossless": lossless}, count)
    entries: dict[int, Entry] = {}
    made = 0
    with _sole(place, folder):
        files.sweep(place)
        _save(place, index, entries)
        jobs = (
            Job(i, place / f"{i:06d}", make, None if fields is None else tuple(fields), lossless) for i in range(count)
        )
        work = workers_.each(jobs, min(workers or available(), count) if not ray else workers, ray=ray, last=_complaint)
        saved, pause = time.monotonic(), _SAVE
        try:
            for done in work:
                if isinstance(done, str):
                    raise VultusError(done)
                made += done.pop("made")
                entries[done.pop("number")] = done
                if progress is not None:
                    progress(len(entries), count)
                if (now := time.monotonic()) > saved + pause:
                    _save(place, index, entries)
                    # A long index takes its time: it never takes more than a twentieth of all.
                    saved = time.monotonic()
                    pause = max(_SAVE, 20 * (saved - now))
        finally:
            work.close()
            files.sweep(place)
            with suppress(VultusError) if len(entries) < count else nullcontext():
                _save(place, index, entries)
    size = sum(stamp["bytes"] for entry in entries.values() for stamp in entry["files"].values())
    seconds = sum(entry["seconds"] for entry in entries.values())
    return Report(Path(folder), count, made, seconds, size, time.perf_counter() - begin)


# --- the folder -----------------------------------------------------------------------------------------------------


def load_index(folder: str | Path) -> dict[str, Any]:
    """The index of a set of clips; VultusError when it is missing, damaged or from a newer Vultus."""
    path = files.check_readable(Path(folder) / INDEX, "index of clips")
    try:
        index = json.loads(path.read_text("utf-8"))
        kind, version = index["format"], index["version"]
        sound = kind == FORMAT and isinstance(version, int)
        if sound and version > VERSION:
            raise VultusError(f"{path} comes from a newer Vultus (version {version})", "Update Vultus")
        for entry in index["clips"]:
            # A name that leads elsewhere is no clip of this set.
            sound = sound and Path(entry["folder"]).name == entry["folder"] and isinstance(entry["files"], dict)
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise VultusError(f"{path} is damaged, or not an index of clips", "Remove it, and write the set once more")
    return dict(index)


def _prepared(place: Path, shown: str | Path, arguments: dict[str, Any], count: int) -> dict[str, Any]:
    """The new index of the set, after the check that *place* is new, empty or holds a part of the same set."""
    if not str(shown).strip():
        raise VultusError("There is no folder to write to", "Name one: --out DIR")
    fresh = {"format": FORMAT, "version": VERSION, "vultus": __version__, "arguments": arguments, "count": count}
    fresh = json.loads(json.dumps(fresh))
    try:
        place.mkdir(exist_ok=True)
        held = [path.name for path in place.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise VultusError(f"Cannot write {shown}: {error.strerror}", "Name a folder inside one that exists") from error
    if INDEX not in held:
        if held:
            raise VultusError(f"{shown} holds other files, such as {sorted(held)[0]}", "Name a new or empty folder")
        return fresh
    old = load_index(place)
    before, now = old.get("arguments", {}), fresh["arguments"]
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise VultusError(
                f"{shown} was written with {name} {_short(before.get(name))}, not {_short(now.get(name))}",
                "Name another folder, or the same arguments to go on",
            )
    if old.get("vultus") != __version__:
        raise VultusError(
            f"{shown} was written by Vultus {old.get('vultus')}, not {__version__}", "Name another folder"
        )
    if old["count"] > count:
        raise VultusError(f"{shown} holds {old['count']} clips, more than {count}", "Name another folder")
    return fresh


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _save(place: Path, index: dict[str, Any], entries: Mapping[int, Entry]) -> None:
    listed = {**index, "clips": [entries[number] for number in sorted(entries)]}
    with files.atomic(place / INDEX) as temporary:
        temporary.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", "utf-8")


@contextmanager
def _sole(place: Path, shown: str | Path) -> Iterator[None]:
    """Keep a second run out of the folder, where the system has locks; the lock ends with the process."""
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ImportError:
        yield
        return
    number = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        raise VultusError(f"Another process is writing {shown}", "Wait for it, or name another folder") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(number)
