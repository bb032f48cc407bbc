"""Speed, memory and start-up of the main job: medians on this machine, beside the same figures on one thread.

Every figure has a target, so that a table without a "no" means that the library is as fast as its README says.
Speech comes from the built-in voice, so that nothing is fetched.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vultus.defaults import FACE, SIZE, Quality
from vultus.io.files import atomic
from vultus.render.threads import set_threads

Progress = Callable[[float, float | None], None]


_LONG_HAIR = "person:seed=3,hair=long_wavy"
_LOOKS: tuple[tuple[str, str, Quality, str], ...] = (
    ("draft look", FACE, "draft", "<= 12"),
    ("default look", FACE, "default", "<= 40"),
    ("default look, long hair", _LONG_HAIR, "default", "<= 40"),
    ("film look", FACE, "film", ""),
)
SENTENCE = "We make people speak before the sound is over, with five faces and a few simple words."


@dataclass(frozen=True)
class Figure:
    """One measured figure, its value on one thread, and its target ("<=" or ">=" a number in the same unit)."""

    name: str
    unit: str
    value: float
    one_thread: float | None = None
    target: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if not self.target:
            return None
        sign, bound = self.target.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)


def bench(
    *,
    quick: bool = False,
    look: bool = False,
    stage: bool = False,
    track: bool = False,
    photo: bool = False,
    json_path: str | Path | None = None,
    progress: Progress | None = None,
) -> str:
    """Measure everything; returns a Markdown table, and writes the figures as JSON to *json_path* if given.

    *look* measures how believable the drawn people are (:mod:`vultus.lab.look`) instead of how fast all is,
    *stage* how fast the stage films and whether its buffers are true (:mod:`vultus.lab.stage_figures`), *track* what
    the tracker reads of people whose motion is known (:mod:`vultus.lab.track_figures`), *photo* how near a photo that
    moves is to the person who was photographed (:mod:`vultus.lab.photo_figures`).
    """
    figures: list[Figure] = []
    for figure in (_look if look else _truth if stage else _read if track else _photo if photo else _measure)(quick):
        figures.append(figure)
        if progress:
            progress(float(len(figures)), None)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    if json_path is not None:
        record = {"format": "vultus.bench", "version": 1, "machine": machine, "figures": [asdict(f) for f in figures]}
        with atomic(json_path) as path:
            path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return table(figures, machine)


def table(figures: Iterable[Figure], machine: str) -> str:
    """The figures as a Markdown table, with the machine below."""
    rows = ["| figure | median | one thread | target | met |", "|---|---|---|---|---|"]
    for f in figures:
        alone = "" if f.one_thread is None else _number(f.one_thread)
        met = {True: "yes", False: "no", None: ""}[f.met]
        rows.append(f"| {f.name} | {_number(f.value)} {f.unit} | {alone} | {f.target} | {met} |")
    return "\n".join([*rows, "", machine])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _median(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of *work* after one call that is not counted."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def both(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds with the usual threads and with one."""
    set_threads(None)
    many = _median(work, repeats)
    set_threads(1)
    one = _median(work, repeats)
    set_threads(None)
    return many, one


def _look(quick: bool) -> Iterator[Figure]:
    from vultus.lab.look import figures

    return figures(quick)


def _read(quick: bool) -> Iterator[Figure]:
    from vultus.lab.track_figures import figures

    return figures(quick)


def _truth(quick: bool) -> Iterator[Figure]:
    from vultus.lab.stage_figures import figures

    return figures(quick)


def _photo(quick: bool) -> Iterator[Figure]:
    from vultus.lab.photo_figures import figures

    return figures(quick)


def _measure(quick: bool) -> Iterator[Figure]:
    repeats = 5 if quick else 21
    yield from _person(repeats)
    yield _filming(24 if quick else 96, max(repeats // 7, 1))
    with tempfile.TemporaryDirectory() as folder:
        speech = Path(folder) / "speech.wav"
        _write_speech(speech, 10 if quick else 30)
        yield from _main_job(speech, 1 if quick else 3)
        yield _stage(1 if quick else 4)
        yield from _start(speech, 2 if quick else 5)
        if not quick:
            yield from _memory(Path(folder))


def _random_motion(frames: int) -> NDArray[np.float32]:
    from vultus.motion import Motion

    rng = np.random.default_rng(0)

    def turn() -> NDArray[np.float64]:
        return rng.normal(0, 0.1, (frames, 3))

    return Motion.of(
        30, clamp=True, expression=rng.uniform(0, 0.4, (frames, 52)), neck=turn(), head=turn(), eye_left=turn(),
        eye_right=turn(),
    ).data  # fmt: skip


def _person(repeats: int) -> Iterator[Figure]:
    from vultus.heads.person import PersonHead
    from vultus.motion import Motion
    from vultus.person.identity import parse_identity
    from vultus.person.mesh import build_mesh

    data = _random_motion(256)
    coarse = build_mesh(parse_identity(FACE), subdivisions=0)
    room = np.empty((len(data), *coarse.neutral.shape), np.float32)
    many, one = both(lambda: coarse.evaluate(data, out=room), repeats)
    yield Figure("mesh evaluation in batches of 256", "frames/s", 256 / many, 256 / one, ">= 10000")
    yield _rasterise(data[0], repeats)
    for name, face, quality, bound in _LOOKS:
        head = PersonHead(face, quality=quality)
        count = 8 if quality == "film" else 24
        clip = Motion(data[:count], Fraction(30))
        many, one = both(lambda h=head, c=clip: deque(h.frames([c]), 0), max(repeats // 3, 3))  # type: ignore[misc]
        yield Figure(f"{name}, 512x512", "ms/frame", many * 1e3 / count, one * 1e3 / count, bound)


def _filming(frames: int, repeats: int) -> Figure:
    from vultus.lab.stage_figures import speed

    return next(speed(frames, repeats))


def _rasterise(row: NDArray[np.float32], repeats: int) -> Figure:
    from vultus.heads.person import PersonHead
    from vultus.render.triangles import Rasteriser

    head, raster = PersonHead(FACE, quality="draft"), Rasteriser(SIZE, SIZE)
    head.frame(row)
    screen, triangles = head.portrait.drawn()
    many, one = both(lambda: raster.draw(screen, triangles), 5 * repeats)
    return Figure(f"rasterise the bust, {SIZE}x{SIZE}", "ms", many * 1e3, one * 1e3, "<= 3")


def _write_speech(path: Path, seconds: float) -> None:
    from vultus.io import audio
    from vultus.voices import formant

    sentence, _ = formant.speak(SENTENCE, rate=16000)
    audio.write(path, np.resize(np.append(sentence, np.zeros(8000, np.float32)), int(seconds * 16000)), 16000)


def _main_job(speech: Path, repeats: int) -> Iterator[Figure]:
    from vultus import pipeline
    from vultus.drivers.speech import drive

    sound = pipeline.Sound.open(speech)
    length = sound.duration() or 1.0
    many, one = both(lambda: list(drive(sound.blocks(pipeline.SPEECH_RATE))), repeats)
    yield Figure("speech -> Motion", "x real time", length / many, length / one, ">= 10")
    out = speech.with_suffix(".mp4")
    many, one = both(lambda: pipeline.animate(speech, out=out), repeats)
    yield Figure(f"animate {length:.0f} s to mp4, 512x512", "x real time", length / many, length / one, ">= 1")
    first = statistics.median(pipeline.animate(speech, out=out).first_frame or np.inf for _ in range(repeats))
    yield Figure("first frame, in a warm process", "s", first, None, "<= 1")


_ACTS = 8  # clips that a process makes for one timing


def _stage(repeats: int) -> Figure:
    """Sound and motion of the stage's clips, by one process for each core; the processes are started beforehand."""
    cores = os.cpu_count() or 1
    rates = []
    for workers in (cores, 1):
        context = multiprocessing.get_context("spawn")
        ready = context.Barrier(workers + 1)
        with context.Pool(workers, _rehearse, (ready,)) as pool:
            ready.wait()
            began = time.perf_counter()
            seconds = sum(pool.imap_unordered(_act, range(repeats * workers * _ACTS), 2))
            rates.append(seconds / (time.perf_counter() - began))
    return Figure("stage: sound and motion of clips", "s of clips/s", rates[0], rates[1], ">= 60")


def _rehearse(ready: Barrier) -> None:
    """Load what a process needs, once."""
    set_threads(1)
    for index in range(4 * _ACTS):
        _act(index)
    ready.wait()


def _act(index: int) -> float:
    """Make the sound and motion of one clip by the fast voices that are there; its seconds."""
    from vultus.stage.performances import act
    from vultus.stage.plan import draw
    from vultus.stage.splits import voices_of

    fast = [voice for voice in voices_of("train") if voice.startswith(("formant:", "espeak:", "flite:"))]
    return float(act(draw(0, index, voices=fast)).motion.duration)


_FIRST_PICTURE = """
import sys, time
began = time.time()
from vultus import pipeline
class Stop(Exception): pass
def seen(done, total): raise Stop
try: pipeline.animate(sys.argv[1], out=sys.argv[2], progress=seen)
except Stop: print(time.time() - float(sys.argv[3]))
"""
_PEAK = """
import pathlib, re, resource, sys
from vultus import pipeline
pipeline.animate(sys.argv[1], out=sys.argv[2], size=128, quality="draft")
status = pathlib.Path("/proc/self/status")
if status.exists():  # Linux counts the parent's memory into ru_maxrss
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def _run(*arguments: str, cache: str | None = None) -> str:
    """What Python prints with *arguments*, in a process that keeps its bytecode, as a user's does, and whose *cache*
    lies there."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept |= {"VULTUS_CACHE": cache} if cache else {}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=kept).stdout


def _python(code: str, *arguments: str, cache: str | None = None) -> float:
    return float(_run("-c", code, *arguments, cache=cache).split()[-1])


def _start(speech: Path, repeats: int) -> Iterator[Figure]:
    out = str(speech.with_suffix(".mp4"))

    def first(cache: str) -> float:
        return _python(_FIRST_PICTURE, str(speech), out, str(time.time()), cache=cache)

    new = statistics.median(first(str(speech.with_name(f"cache{i}"))) for i in range(repeats))
    yield Figure("first picture, new process, new face", "s", new)
    again = statistics.median(first(str(speech.with_name("cache0"))) for _ in range(repeats))
    yield Figure("first picture, new process", "s", again)
    yield Figure("import vultus", "s", _median(lambda: _run("-c", "import vultus"), repeats), None, "<= 0.5")
    yield Figure("vultus --help", "s", _median(lambda: _run("-m", "vultus.cli", "--help"), repeats), None, "<= 0.5")


def _memory(folder: Path) -> Iterator[Figure]:
    peaks = {}
    for seconds in (30, 600):
        speech = folder / f"{seconds}.wav"
        _write_speech(speech, seconds)
        peaks[seconds] = _python(_PEAK, str(speech), str(speech.with_suffix(".mp4"))) / 1e6
    yield Figure("peak memory, 10 min", "MB", peaks[600], None, "<= 1500")
    yield Figure("peak memory, 10 min / 30 s", "times", peaks[600] / peaks[30], None, "<= 1.1")
