"""The main job from end to end: speech -> Motion -> video, GLB or curves, streamed.

Sound is read twice, once for the driver and once for the video, so that nothing but the curves
that a file asks for grows with the length of the recording.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vultus.defaults import FACE, FPS, LIGHT, SIZE, Quality
from vultus.errors import VultusError
from vultus.looks import Look
from vultus.motion import Motion, Time, video_fps
from vultus.outputs import in_step, sink, write_curves, write_glb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vultus.voices.talk import Talk

    Samples = NDArray[np.float32]


Progress = Callable[[float, float | None], None]

SPEECH_RATE = 16000
CURVES = (".csv", ".json", ".npz")
OUTPUTS = (".mp4", ".mov", ".glb", *CURVES)
RULES = "rules"
"""The driver that moves lips by rules: by the text, or by phones that pocketsphinx hears."""
HAMA = "hama"
"""The same with phones that hama hears."""
LEARNED = "learned"
"""The driver whose lips a network hears in sound alone."""


@dataclass(frozen=True)
class Report:
    """What a run wrote and how long it took; times in seconds."""

    written: tuple[Path, ...]
    duration: float = 0.0
    frames: int = 0
    wall: float = 0.0
    first_frame: float | None = None
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """Seconds of motion for each second of work after the first picture: 1 is real time."""
        return self.duration / max(self.wall - (self.first_frame or 0.0), 1e-9)

    def lines(self) -> Iterator[str]:
        """One line for each file, with the speed after the first, then the notes."""
        begin = "" if self.first_frame is None else f"first picture after {self.first_frame:.1f} s, then "
        timing = f" ({self.duration:.1f} s, {self.frames} frames; {begin}{self.speed:.1f}x real time)"
        for i, path in enumerate(self.written):
            yield f"wrote {path}{timing if i == 0 and self.frames else ''}"
        for name, note in self.notes.items():
            yield f"{name:<28}{note}"


@dataclass(frozen=True)
class Sound:
    """Something to hear: a file, samples with their rate in Hz, or a text that is spoken."""

    source: Path | tuple[Samples, int] | Talk

    @classmethod
    def open(cls, path: str | Path) -> Sound:
        """A file with sound in it; VultusError when there is none."""
        from vultus.io import audio

        audio.probe(path)
        return cls(Path(path))

    def duration(self) -> float | None:
        """Seconds, or None where the file does not say."""
        if isinstance(self.source, Path):
            from vultus.io import audio

            return audio.probe(self.source).duration
        if not isinstance(self.source, tuple):
            return None
        samples, rate = self.source
        return len(samples) / rate

    def blocks(self, rate: int) -> Iterator[Samples]:
        """Mono float32 blocks of up to a second at *rate* Hz."""
        from vultus.io import audio

        if isinstance(self.source, Path):
            yield from audio.stream(self.source, rate=rate, block=rate)
            return
        if not isinstance(self.source, tuple):
            yield from self.source.blocks(rate)
            return
        samples, own = self.source
        heard = audio.resample(samples, own, rate)
        yield from (heard[i : i + rate] for i in range(0, len(heard), rate))


def default_output(speech: str | None) -> str:
    """The video that ``animate`` writes when none is named: never the recording itself."""
    return f"{Path(speech).stem}-vultus.mp4" if speech else "speech-vultus.mp4"


def animate(
    speech: str | Path | None,
    *,
    out: str | Path | Sequence[str | Path],
    text: str | None = None,
    voice: str = "",
    face: str = FACE,
    style: str = "",
    seed: int = 0,
    driver: str = "",
    weights: str | Path | None = None,
    fps: Time = FPS,
    size: int = SIZE,
    quality: Quality = "default",
    light: str = LIGHT,
    place: str | None = None,
    speaker: str = "",
    full: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Speech (a sound or video file) -> every file in *out*, by its extension (see ``OUTPUTS``).

    Without *speech*, *text* is spoken by *voice*, such as "espeak:en-gb+f3", or by the built-in one. *text* may be the
    name of a .txt file. The frame rate lies in (0, 240], *size* is the height and width of the video in pixels; *light*
    and *place* are names of ``person.light.RIGS`` and ``person.places.PLACES``, without *place* the one that goes with
    the light. *face* may be a photo; which of its faces is the *speaker*, and whether it is shown in *full*, see
    ``looks.Look``. The *driver* of a recording's mouth is "rules" where the text is known and "learned", a network that
    listens, where it is not; either may be asked for, or a recipe with its trained *weights*, or "hama", with which the
    rules hear better, where that package is installed. Raises VultusError on bad input.
    """
    from vultus.drivers import learned
    from vultus.drivers.speech import drive, perform
    from vultus.drivers.style import parse_style

    rate = video_fps(fps)
    manner = parse_style(style)
    outputs = checked_outputs(out, [speech])
    words = read_text(text)
    if speech and voice:
        raise VultusError("A recording has a voice already", "Leave out the recording or the --voice")
    if driver == LEARNED and (words or weights):
        raise VultusError("The learned driver listens to sound alone", "Leave out --text and --weights, or --driver")
    if driver not in (RULES, HAMA, LEARNED) and bool(driver) != bool(weights):
        raise VultusError("A driver needs its weights, and weights their driver", "Give --driver NAME --weights FILE")
    if driver in (RULES, HAMA) and weights:
        raise VultusError(f"The driver {driver!r} has no weights", "Leave out --weights")
    if driver not in ("", RULES) and not speech:
        raise VultusError("A driver listens to a recording", "Give one, or leave out --driver")
    ear = None
    if driver == HAMA:
        from vultus.signals import hama

        ear = hama.checked()
    with ExitStack() as stack:
        if speech:
            sound = Sound.open(speech)
            told = words or driver in (RULES, HAMA)
            listen = partial(drive, text=words, ear=ear) if told else learned.drive
            motions = listen(sound.blocks(SPEECH_RATE), style=manner, seed=seed, fps=rate)
            if driver and weights:
                motions = _driven(motions, sound, words, driver, weights, rate)
        else:
            from vultus.voices.talk import Talk

            if not words:
                raise VultusError("There is nothing to speak", "Give a recording, or words with --text")
            talk = stack.enter_context(Talk(words, voice, seed))
            sound = Sound(talk)
            motions = perform(talk.spans(), style=manner, seed=seed, fps=rate)
        look = Look(face, size, quality, light, place, speaker, full)
        return produce(motions, rate, outputs, look=look, sound=sound, progress=progress)


def _driven(
    motions: Iterator[Motion], sound: Sound, text: str | None, driver: str, weights: str | Path, fps: Fraction
) -> Iterator[Motion]:
    """*motions* with the mouth of a trained driver."""
    import numpy as np

    from vultus.lab import presets

    heard = np.concatenate(list(sound.blocks(SPEECH_RATE)))
    return presets.laid(motions, presets.drive(driver, weights, heard, text, fps))


def render(
    motion: str | Path | Motion,
    *,
    out: str | Path | Sequence[str | Path],
    face: str = FACE,
    sound: str | Path | None = None,
    fps: Time | None = None,
    size: int = SIZE,
    quality: Quality = "default",
    light: str = LIGHT,
    place: str | None = None,
    speaker: str = "",
    full: bool = False,
    progress: Progress | None = None,
) -> Report:
    """A motion, or a file of one -> every file in *out*, with *sound* under a video; see :func:`animate`."""
    moving = motion if isinstance(motion, Motion) else read_motion(motion, fps)
    if fps is not None:
        moving = moving.resample(video_fps(fps))
    outputs = checked_outputs(out, [motion if not isinstance(motion, Motion) else None, sound])
    heard = Sound.open(sound) if sound else None
    pieces = (moving[i : i + 30] for i in range(0, len(moving), 30))
    look = Look(face, size, quality, light, place, speaker, full)
    return produce(pieces, moving.fps, outputs, look=look, sound=heard, progress=progress)


def convert(
    source: str | Path,
    target: str | Path,
    *,
    fps: Time | None = None,
    mirror: bool = False,
    face: str = FACE,
    visemes: bool = False,
    names: Literal["vultus", "vrm", "mixamo"] = "vultus",
) -> Report:
    """One motion file -> another (.csv, .json, .npz, .glb)."""
    began = time.perf_counter()
    (path,) = checked_outputs(target, [source], known=(*CURVES, ".glb"))
    motion = read_motion(source, fps)
    motion = motion.resample(video_fps(fps)) if fps is not None else motion
    motion = motion.mirror() if mirror else motion
    if path.suffix.lower() == ".glb":
        look = Look(face)
        look.check()
        write_glb(path, motion, look, visemes=visemes, names=names)
    else:
        write_curves(path, motion)
    return Report((path,), float(motion.duration), len(motion), time.perf_counter() - began)


def produce(
    motions: Iterable[Motion],
    fps: Fraction,
    outputs: Sequence[Path],
    *,
    look: Look,
    sound: Sound | None = None,
    progress: Progress | None = None,
) -> Report:
    """Send pieces of motion to every output; nothing is left behind when something fails."""
    began = time.perf_counter()
    look.check()
    frames = 0
    pictures: list[float] = []  # when the first picture was there
    total = sound.duration() if sound else None
    with ExitStack() as stack:
        # The driver listens while the person is painted.
        pieces = tee(stack.enter_context(_ahead(motions)), len(outputs))
        sinks = [
            stack.enter_context(sink(path, fps, look, sound.blocks if sound else None, given, pictures))
            for path, given in zip(outputs, pieces, strict=True)
        ]
        for frames in in_step(sinks):
            if progress:
                progress(float(frames / fps), total)
    first = pictures[0] - began if pictures else None
    return Report(tuple(outputs), float(frames / fps), frames, time.perf_counter() - began, first)


@contextmanager
def _ahead(items: Iterable[Motion], depth: int = 2) -> Iterator[Iterator[Motion]]:
    """*items* in order, made in a thread of their own that starts at once and is at most *depth* of them ahead."""
    ready: queue.Queue[Motion | BaseException | None] = queue.Queue()
    room = threading.Semaphore(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                ready.put(item)
                room.acquire()
                if stopped.is_set():
                    return
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    def given() -> Iterator[Motion]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            room.release()

    thread = threading.Thread(target=work, name="vultus-motion", daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        stopped.set()
        room.release()
        thread.join()


def checked_outputs(
    out: str | Path | Sequence[str | Path], inputs: Sequence[str | Path | None], known: Sequence[str] = OUTPUTS
) -> list[Path]:
    """The files to write; VultusError for an unknown extension, a name given twice, or one of the inputs."""
    paths = [Path(p) for p in ([out] if isinstance(out, str | Path) else out)]
    if not paths:
        raise VultusError("There is nothing to write", "Name a file with --out")
    for path in paths:
        if path.suffix.lower() not in known:
            extension = f"the extension {path.suffix!r}" if path.suffix else "no extension"
            raise VultusError(f"{path} has {extension}, which cannot be written", f"Known: {', '.join(known)}")
    taken = [p.resolve() for p in paths]
    sources = [Path(p).resolve() for p in inputs if p]
    for i, path in enumerate(taken):
        if path in sources:
            raise VultusError(f"{paths[i]} is the input", "Choose another name for the output")
        if path in taken[:i]:
            raise VultusError(f"{paths[i]} is named twice", "Give each output a name of its own")
    return paths


def read_text(text: str | None) -> str | None:
    """*text* itself, or what the .txt file of that name holds; None when there is nothing to say."""
    if text is not None and text.lower().endswith(".txt") and "\n" not in text:
        from vultus.io.files import check_readable

        try:
            return check_readable(text, "text").read_text("utf-8-sig").strip() or None
        except UnicodeDecodeError as error:
            raise VultusError(f"{text} is not UTF-8 text", "Save it as UTF-8") from error
    return text.strip() or None if text else None


def read_motion(path: str | Path, fps: Time | None = None) -> Motion:
    """A motion from any file that holds one: curves, or the animation of a .glb.

    *fps* is the rate of a Live Link Face CSV that is too short for its timecodes to tell it; other files know theirs.
    """
    if Path(path).suffix.lower() == ".glb":
        from vultus.io import gltf

        _, motion = gltf.read(path)
        if motion is None:
            raise VultusError(f"{path} holds no animation", "Give a .glb with one, or a .csv")
        return motion
    from vultus.io import formats, livelink

    try:
        return formats.read_motion(path)
    except VultusError:
        if fps is None or Path(path).suffix.lower() != ".csv":
            raise
        return livelink.read(path, video_fps(fps))


def write_motion(path: Path, motion: Motion, face: str = FACE) -> None:
    """Write curves, or a .glb of *face* that moves, by the extension of *path*."""
    if path.suffix.lower() == ".glb":
        write_glb(path, motion, Look(face))
    else:
        write_curves(path, motion)
