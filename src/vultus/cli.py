"""The command line: one frozen dataclass a command, turned into options by tyro.

Exit code 0 and a line for what was written; on bad input exit code 2 and one line that says what is
wrong and how to mend it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction

from vultus import __version__
from vultus.commands.assets import Assets
from vultus.commands.judge import Judge
from vultus.commands.stage import Stage
from vultus.commands.track import Track
from vultus.commands.workshop import Claims, Recipes, Train, fields_as_options
from vultus.defaults import FACE, FPS, LIGHT, SIZE, Quality, Sheet
from vultus.errors import VultusError, unknown
from vultus.terminal import one_line, progress

if TYPE_CHECKING:
    from vultus.pipeline import Report


File = Annotated[str | None, tyro.conf.arg(metavar="FILE")]
Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT")]
Outputs = UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True)
class Demo:
    """Make a person speak a real recording, and a photo too: demo.mp4, demo.glb, demo.csv and demo-photo.mp4, with a
    report of what was measured."""

    out: str = "demo.mp4"
    """The video to write; the GLB and the CSV get the same name."""
    face: str = FACE
    """Who speaks: person:SEED or person:key=value,…"""
    photo: File = None
    """The photo that speaks too; a real portrait that is fetched unless given."""
    seed: int = 0
    """Varies blinks, gaze and gestures."""
    quality: Quality = "default"
    """How much work goes into a picture."""
    offline: bool = False
    """Fetch nothing; use a voice that is part of the package."""

    def run(self) -> None:
        """Run the command."""
        from vultus.demo import demo

        with progress("demo") as step:
            report = demo(
                self.out, face=self.face, photo=self.photo, seed=self.seed, quality=self.quality,
                offline=self.offline, progress=step,
            )  # fmt: skip
        for line in report.lines():
            print(line)


@dataclass(frozen=True)
class Shown:
    """How a face is shown."""

    size: int = SIZE
    """Height and width in pixels of the video, or of each tile of a sheet."""
    quality: Quality = "default"
    """How much work goes into a picture."""
    light: str = LIGHT
    """How the face is lit: studio, window, office, overcast, sunset, stage, webcam or ring."""
    place: Annotated[str | None, tyro.conf.arg(metavar="PLACE")] = None
    """What stands behind it: paper, slate, clay, brick, plaster, office, room, books, city, park, dusk or stage; the
    place that goes with the light unless given."""
    speaker: str = ""
    """Which face of a photo speaks: its number from the left, or all (the largest unless given)."""
    full: bool = False
    """Show the whole photo instead of a square around the face; --size is its longer side then."""


@dataclass(frozen=True)
class Animate:
    """Make a face speak or move: a recording, a text alone, or a face in a video becomes video, GLB or curves."""

    speech: Positional[File] = None
    """The recording: any sound or video file. Leave it out to speak --text."""
    text: Text = None
    """What is said, or a .txt file that holds it; makes the lips more exact."""
    voice: str = ""
    """Who speaks a --text without a recording: formant (built in), hibari, kokoro, espeak, espeak:en-gb+f3, flite, …"""
    drive: Annotated[str | None, tyro.conf.arg(metavar="VIDEO")] = None
    """A video of a face that is followed instead: its expression, head and eyes, and its sound."""
    use: str = "expression,pose,gaze"
    """What of the video is followed."""
    absolute: bool = False
    """Follow the video's face as it is, not how it differs from its own rest."""
    which: str = "all"
    """Whose face is followed where the video shows several: 1 is the largest at its beginning; the one that is seen
    most unless given."""
    face: str = FACE
    """Who speaks: person:SEED or person:key=value,…, a photo, a .face file, or avatar:DIR (a trained recipe)"""
    style: str = ""
    """Emotion and manner, such as happy:0.6,head:0.5; heard:0.8 follows what the voice tells of emotion, targets:tuned
    takes the lips tuned on a reader of lips"""
    seed: str = "0"
    """Varies blinks, gaze and gestures; the same seed gives the same result."""
    driver: str = ""
    """What moves the mouth: rules, learned (a network, from sound alone), hama (the rules, with a better ear: extra
    papers) or a recipe of vultus recipes; rules where there is a --text and learned where there is none, unless
    given."""
    weights: File = None
    """The weights of the --driver, as vultus train wrote them."""
    fps: str = FPS
    """Frames per second, such as 25, 29.97 or 30000/1001."""
    shown: OmitArgPrefixes[Shown] = Shown()
    """How the face is shown."""
    out: Outputs = ()
    """What to write: .mp4, .mov (a photo's person alone, ProRes with opacity), .glb, .csv (Live Link Face), .json
    (Audio2Face) or .npz; may be given several times."""

    def run(self) -> None:
        """Run the command."""
        from vultus import pipeline

        if self.drive is not None:
            self._follow(self.drive)
            return
        with progress("animate") as step:
            report = pipeline.animate(
                self.speech,
                text=self.text,
                voice=self.voice,
                face=self.face,
                style=self.style,
                seed=_whole(self.seed, "seed"),
                driver=self.driver,
                weights=self.weights,
                fps=self.fps,
                **asdict(self.shown),
                out=self.out or (pipeline.default_output(self.speech),),
                progress=step,
            )
        _tell(report)

    def _follow(self, video: str) -> None:
        """Follow the face in a *video*."""
        from vultus import pipeline, tracking
        from vultus.looks import Look

        if self.speech or self.text or self.voice or self.style or self.driver:
            raise VultusError("A face cannot follow a video and speak too", "Give --drive alone, or leave it out")
        look = Look(self.face, **asdict(self.shown))
        out = self.out or (pipeline.default_output(video),)
        rate = None if self.fps == FPS else self.fps
        with progress("animate") as step:
            _tell(
                tracking.drive(
                    video, out=out, look=look, which=self.which, use=self.use, absolute=self.absolute, fps=rate,
                    progress=step,
                )
            )  # fmt: skip


@dataclass(frozen=True)
class Render:
    """Turn a motion file into a video of a face, or draw a contact sheet of faces."""

    motion: Positional[File] = None
    """A motion: .csv (Live Link Face), .json (Audio2Face), .npz or an animated .glb"""
    sheet: Annotated[Sheet | None, tyro.conf.arg(metavar="KIND")] = None
    """Draw a contact sheet instead: people, expressions, visemes, lights, places, turntable, styles or photo."""
    face: Annotated[str | None, tyro.conf.arg(metavar="FACE")] = None
    """Whose face: person:SEED or person:key=value,…, a photo or avatar:DIR (person:14 unless given; a sheet of people
    begins at seed 0)"""
    sound: File = None
    """A sound or video file to lay under the video."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="RATE")] = None
    """Frames per second; those of the motion unless given."""
    shown: OmitArgPrefixes[Shown] = Shown()
    """How the face is shown."""
    out: Outputs = ()
    """What to write: .mp4, .mov (a photo's person alone, with opacity) or .glb; may be given several times (default:
    motion.mp4). A sheet is a .png."""

    def run(self) -> None:
        """Run the command."""
        if self.sheet is not None:
            self._draw(self.sheet)
            return
        if self.motion is None:
            raise VultusError("There is nothing to render", "Name a motion file, or a --sheet such as people")
        from vultus import pipeline

        with progress("render") as step:
            report = pipeline.render(
                self.motion,
                face=self.face or FACE,
                sound=self.sound,
                fps=self.fps,
                **asdict(self.shown),
                out=self.out or ("motion.mp4",),
                progress=step,
            )
        _tell(report)

    def _draw(self, kind: Sheet) -> None:
        """Draw a contact sheet."""
        if self.motion or self.sound or self.fps or len(self.out) > 1:
            raise VultusError("A sheet takes no motion, sound or rate and one --out", f"vultus render --sheet {kind}")
        from vultus.lab import sheets

        out = sheets.write(
            kind,
            self.out[0] if self.out else f"{kind}.png",
            face=self.face,
            size=self.shown.size,
            quality=self.shown.quality,
            light=self.shown.light,
            place=self.shown.place,
        )
        print(f"wrote {out}")


@dataclass(frozen=True)
class Face:
    """Fit the faces of a photo once, so that the next run with it starts at once."""

    photo: Positional[str]
    """The picture: .png, .jpg or .webp"""
    out: Annotated[str | None, tyro.conf.arg(metavar="FILE")] = None
    """The .face file to write, or a .glb of the largest face with the photo as its texture; the photo's name with .face
    unless given."""

    def run(self) -> None:
        """Run the command."""
        from pathlib import Path

        from vultus.heads.photo import save

        path, faces = save(self.photo, self.out or str(Path(self.photo).with_suffix(".face")))
        for i, fit in enumerate(faces, 1):
            yaw, pitch, roll = fit.angles
            print(
                f"face {i:<23}{fit.eyes:.0f} pixels between the eyes, fitted to {fit.error_fine:.1f} % of that "
                f"({fit.error:.1f} % by shapes alone); turned {yaw:+.0f}, {pitch:+.0f}, {roll:+.0f} degrees"
            )
        print(f"wrote {path}")


@dataclass(frozen=True)
class Convert:
    """Turn one motion format into another: .csv, .json, .npz and .glb."""

    source: Positional[str]
    """The motion to read."""
    target: Positional[str]
    """The file to write."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="RATE")] = None
    """Resample to this frame rate."""
    mirror: bool = False
    """Swap the person's left and right."""
    face: str = FACE
    """The face that a .glb gets."""
    visemes: bool = False
    """Add the 15 Oculus visemes to a .glb."""
    names: Literal["vultus", "vrm", "mixamo"] = "vultus"
    """How the joints of a .glb are called."""

    def run(self) -> None:
        """Run the command."""
        from vultus import pipeline

        report = pipeline.convert(
            self.source,
            self.target,
            fps=self.fps,
            mirror=self.mirror,
            face=self.face,
            visemes=self.visemes,
            names=self.names,
        )
        _tell(report)


@dataclass(frozen=True)
class Bench:
    """Measure speed, memory and start-up on this machine (medians, and the same on one thread), or the look."""

    look: bool = False
    """Measure what a face tracker reads back from drawn people, and whether lips and lids close, instead of speed."""
    quick: bool = False
    """Fewer repeats, people and no long clips."""
    json: File = None
    """Write the numbers to this file too."""
    track: bool = False
    """Measure the tracker instead: what it reads of people whose motion is known, how late, and how fast."""
    stage: bool = False
    """Measure the stage instead: frames a second with all buffers, whether they are true, and where landmarks lie."""
    judges: bool = False
    """Validate the judges instead: whether they find what is known, and put motions in the order that people would."""
    photo: bool = False
    """Measure photos that move instead: how near drawn people as photos come to the people themselves, and how fast."""
    speech: bool = False
    """Measure the speech drivers instead: what they hear, how near their lips come, how natural the rest is, speed."""
    voices: bool = False
    """Measure the voices instead: their phone times against forced alignment (40 sentences each, 8 with --quick)."""
    lips: bool = False
    """Measure instead what a reader of real lips reads off ours: words, voices, people that nothing was tuned on."""

    def run(self) -> None:
        """Run the command."""
        if self.judges:
            from vultus.lab import judge_figures

            with progress("judges", unit="figures") as step:
                print(judge_figures.bench(self.quick, json_path=self.json, progress=step))
            return
        if self.speech:
            from vultus.lab import speech_figures

            with progress("speech", unit="steps") as step:
                print(speech_figures.bench(self.quick, json_path=self.json, progress=step))
            return
        if self.lips:
            from vultus.lab import lips_figures

            with progress("lips", unit="films") as step:
                print(lips_figures.bench(self.quick, json_path=self.json, progress=step))
            return
        if self.voices:
            from vultus.voices import bias

            with progress("voices") as step:
                print(bias.bench(8 if self.quick else 40, json_path=self.json, progress=step))
            return
        from vultus.lab.bench import bench

        with progress("bench") as step:
            table = bench(
                quick=self.quick, look=self.look, stage=self.stage, track=self.track, photo=self.photo,
                json_path=self.json, progress=step,
            )  # fmt: skip
        print(table)


@dataclass(frozen=True)
class Doctor:
    """Say what this installation has: versions, threads, caches, graphics card."""

    def run(self) -> None:
        """Run the command."""
        from vultus.doctor import examine

        for name, value in examine():
            print(f"{name:<18}{value}")


COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": Demo,
    "animate": Animate,
    "render": Render,
    "track": Track,
    "face": Face,
    "convert": Convert,
    "judge": Judge,
    "stage": Stage,
    "recipes": Recipes,
    "train": Train,
    "claims": Claims,
    "bench": Bench,
    "doctor": Doctor,
    "assets": Assets,
}


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise VultusError(f"The {name} {text!r} is not a whole number", f"Give one such as --{name} 7") from error


def _tell(report: Report) -> None:
    for line in report.lines():
        print(line)


def _parse(arguments: Sequence[str]) -> Any:
    """The command that the arguments name; SystemExit(0) for --help, VultusError in one line for bad arguments."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        raise unknown("command", arguments[0], COMMANDS)
    if arguments and arguments[0] == "train":
        arguments = fields_as_options(arguments)
    caught = io.StringIO()
    try:
        with contextlib.redirect_stderr(caught):
            return tyro.extras.subcommand_cli_from_dict(
                COMMANDS,
                args=list(arguments),
                prog="vultus",
                description="Any signal, one motion, any face.",
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise VultusError(*one_line(caught.getvalue())) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``vultus`` with *arguments* (those of the process unless given); returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        print(f"vultus {__version__}")
        return 0
    try:
        _parse(arguments or ["--help"]).run()
    except VultusError as error:
        print(f"vultus: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vultus: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as in `vultus assets | head -1`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("VULTUS_DEBUG"):
            raise
        print(
            f"vultus: a defect of vultus: {type(error).__name__}: {error}. VULTUS_DEBUG=1 shows where", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
