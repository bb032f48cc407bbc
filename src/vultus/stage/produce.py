"""Many clips into one folder, over the cores of a machine or of a Ray cluster.

``DIR/index.json`` says how the set was made and lists its clips in order, each a folder ``000000``, ``000001``, … of
:mod:`vultus.stage.shards` with size and SHA-256 of every file. Whatever stops the work (kill -9, a full disk, a power
cut), whole clips stay whole, and the same call goes on from there. Every clip is made by one thread of a process that
makes only clips, so that its bytes do not depend on how many of them there are.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vultus import __version__
from vultus.clip import Clip
from vultus.errors import VultusError
from vultus.io import files
from vultus.stage import shards

FORMAT: Final = "vultus-stage"
VERSION: Final = 1
INDEX: Final = "index.json"

_SAVE: Final = 10.0  # seconds between two writings of the index, at least
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_STORE: Final = 80 * 2**20  # bytes of a local Ray's object store, which holds nothing but records here

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
        _package()
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
        work = _on_ray(jobs, workers) if ray else _on_processes(jobs, min(workers or available(), count))
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


# --- the work -------------------------------------------------------------------------------------------------------


def _on_processes(jobs: Iterator[Job], workers: int) -> Generator[Entry | str, None, None]:
    """What the *jobs* give, as each is done; when it is closed early, its processes end at once."""
    others = set(multiprocessing.active_children())
    with _environment(_ONE_THREAD):
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin_worker)
        running: set[Future[Entry | str]] = set()
        try:
            for job in jobs:
                running.add(pool.submit(job.run))
                if len(running) >= 2 * workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from _whole_first(future.result() for future in done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from _whole_first(future.result() for future in done)
            pool.shutdown()
        except BrokenProcessPool:
            raise VultusError(
                "A process that made clips was ended from outside", "If memory is short, use fewer --workers"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
                child.join()


def _whole_first(results: Iterable[Entry | str]) -> list[Entry | str]:
    """Clips before complaints: a complaint ends the run, and what was done with it must be in the index."""
    return sorted(results, key=lambda result: isinstance(result, str))


def _begin_worker() -> None:
    """Leave Ctrl-C to the first process, and end with it, even when it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent := multiprocessing.parent_process():

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that start inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _on_ray(jobs: Iterator[Job], workers: int | None) -> Generator[Entry | str, None, None]:
    """What the *jobs* give, as each is done on the machines of a Ray cluster."""
    ray, ours = _cluster(workers)
    try:
        task = ray.remote(num_cpus=1, runtime_env=None if ours else {"env_vars": _ONE_THREAD})(Job.run)
        most = workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: list[Any] = []
        for job in jobs:
            running.append(task.remote(job))
            if len(running) >= most:
                done, running = ray.wait(running)
                yield from _whole_first(ray.get(done))
        while running:
            done, running = ray.wait(running)
            yield from _whole_first(ray.get(done))
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from None  # a defect of ours, not of Ray
    except ray.exceptions.RayError as error:
        raise VultusError(f"Ray failed: {str(error).strip().splitlines()[-1]}", "See the logs of Ray") from error
    finally:
        if ours:
            ray.shutdown()


def _reach(address: str) -> None:
    """VultusError when nothing answers at HOST:PORT or ray://HOST:PORT: Ray itself would wait for two minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no answer"
        raise VultusError(f"There is no Ray cluster at {address}: {reason}", "Check RAY_ADDRESS, or unset it") from None


def _package() -> Any:
    """The package ray; VultusError when it is not installed."""
    if (os.environ.get("RAY_ADDRESS") or "local") == "local":
        # Under `uv run`, Ray would otherwise build a copy of the environment for its workers on the same machine.
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise VultusError("Ray is not installed", "pip install 'vultus[ray]'") from None


def _cluster(workers: int | None) -> tuple[Any, bool]:
    """Ray, connected, and whether this call started it, so that its processes work with one thread each."""
    ray, address = _package(), os.environ.get("RAY_ADDRESS") or "local"
    if ray.is_initialized():
        return ray, False
    options: dict[str, Any] = {}
    _reach(address)
    if address == "local":
        options = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": _STORE}
    try:
        with _environment(_ONE_THREAD if options else {}):
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise VultusError(f"There is no Ray cluster at {address}: {reason}", "Check RAY_ADDRESS, or unset it") from None
    return ray, bool(options)
