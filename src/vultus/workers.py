"""Work spread over the processes of this machine or over a Ray cluster: one thread for each piece of it.

One thread each, so that results do not depend on how many pieces run side by side.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

from vultus.errors import VultusError

Result = TypeVar("Result")
Made = TypeVar("Made", covariant=True)

_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_STORE: Final = 80 * 2**20  # bytes of a local Ray's object store, which holds nothing but records here


class Job(Protocol[Made]):
    """A piece of work that another process can be sent: its class must be importable there."""

    def run(self) -> Made:
        """Do it."""
        ...


def each(
    jobs: Iterator[Job[Result]],
    workers: int | None,
    *,
    ray: bool = False,
    last: Callable[[Result], bool] = lambda result: False,
) -> Generator[Result, None, None]:
    """What the *jobs* give, as each is done; when it is closed early, its processes end at once.

    *workers* are processes (one unless given), or with *ray* tasks at a time on the cluster of ``RAY_ADDRESS`` (a local
    one unless that is set). Of results that are there together, those for which *last* is true come last. Raises
    VultusError when a process is ended from outside and when there is no cluster.
    """
    return _on_ray(jobs, workers, last) if ray else _on_processes(jobs, workers or 1, last)


def _run(job: Job[Result]) -> Result:
    return job.run()


def _on_processes(
    jobs: Iterator[Job[Result]], workers: int, last: Callable[[Result], bool]
) -> Generator[Result, None, None]:
    others = set(multiprocessing.active_children())
    with _environment(_ONE_THREAD):
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin_worker)
        running: set[Future[Result]] = set()
        try:
            for job in jobs:
                running.add(pool.submit(_run, job))
                if len(running) >= 2 * workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from _ordered((future.result() for future in done), last)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from _ordered((future.result() for future in done), last)
            pool.shutdown()
        except BrokenProcessPool:
            raise VultusError(
                "A process that worked for this one was ended from outside", "If memory is short, use fewer --workers"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
                child.join()


def _ordered(results: Iterable[Result], last: Callable[[Result], bool]) -> list[Result]:
    return sorted(results, key=last)


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


def _on_ray(
    jobs: Iterator[Job[Result]], workers: int | None, last: Callable[[Result], bool]
) -> Generator[Result, None, None]:
    ray, ours = _cluster(workers)
    try:
        task = ray.remote(num_cpus=1, runtime_env=None if ours else {"env_vars": _ONE_THREAD})(_run)
        most = workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: list[Any] = []
        for job in jobs:
            running.append(task.remote(job))
            if len(running) >= most:
                done, running = ray.wait(running)
                yield from _ordered(ray.get(done), last)
        while running:
            done, running = ray.wait(running)
            yield from _ordered(ray.get(done), last)
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


def package() -> Any:
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
    ray, address = package(), os.environ.get("RAY_ADDRESS") or "local"
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
