"""Judge a video or a motion: every critic that applies, beside rows that are known to be right or wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from vultus.critics.rows import ROWS, Row
from vultus.errors import VultusError, unknown
from vultus.io.files import atomic, check_readable

if TYPE_CHECKING:
    from vultus.critics.judges import Judge
    from vultus.critics.scenes import Asked, Scene

Progress = Callable[[float, float | None], None]
Kind = Literal["video", "motion"]

FORMAT: Final = "vultus.judgement"
VERSION: Final = 1
MOTIONS: Final = (".csv", ".json", ".npz", ".glb")
VALIDATION: Final = Path(__file__).parent / "data" / "judges.json"
"""What ``vultus bench --judges`` found: which judges failed their validation."""


@dataclass(frozen=True)
class Line:
    """One score with its rows; NaN and absent rows were not measured."""

    judge: str
    score: str
    unit: str
    better: str
    values: Mapping[Row, float]


@dataclass(frozen=True)
class Judgement:
    """What the judges say: ``lines``, and why others said nothing (``not_run``: name, reason)."""

    file: str
    reference: str
    frames: int
    fps: float
    seed: int
    lines: tuple[Line, ...]
    not_run: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    def table(self) -> Iterator[str]:
        """Lines for a terminal."""
        head = ("score", "better", *ROWS, "unit")
        rows = [
            (line.score, line.better, *(_number(line.values.get(row)) for row in ROWS), line.unit)
            for line in self.lines
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        yield f"{self.file}: {self.frames} frames, {self.fps:g} a second"
        for cells in (head, *rows):
            padded = [
                c.rjust(w) if 2 <= i < 7 else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
            ]
            yield "  ".join(padded).rstrip()
        yield from (f"note: {note}" for note in self.notes)
        reasons: dict[str, list[str]] = {}
        for name, why in self.not_run:
            reasons.setdefault(why, []).append(name)
        yield from (f"not run: {', '.join(names)}: {why}" for why, names in reasons.items())

    def as_json(self) -> str:
        """The same as JSON; what is not a number is null."""
        scores = [
            {
                "judge": line.judge, "score": line.score, "unit": line.unit, "better": line.better,
                "values": {row: _finite(line.values.get(row)) for row in ROWS},
            }
            for line in self.lines
        ]  # fmt: skip
        record: dict[str, Any] = {"format": FORMAT, "version": VERSION, "file": self.file, "reference": self.reference}
        record |= {"frames": self.frames, "fps": self.fps, "seed": self.seed, "scores": scores}
        record["not_run"] = [{"judge": name, "why": why} for name, why in self.not_run]
        return json.dumps({**record, "notes": list(self.notes)}, indent=1, ensure_ascii=False) + "\n"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _number(value: float | None) -> str:
    return "–" if _finite(value) is None or value is None else f"{value:.4g}"


def judge(
    file: str | Path,
    *,
    reference: str | Path | None = None,
    text: str | None = None,
    sound: str | Path | None = None,
    window: float = 0.0,
    only: Sequence[str] = (),
    seed: int = 0,
    json_path: str | Path | None = None,
    progress: Progress | None = None,
) -> Judgement:
    """Judge a video or a motion file by every critic that applies.

    *reference* is what it should be: a video for a video, a motion for a motion (of a video, a motion takes the sound
    alone). *text* is what is said, or a .txt file of it. *sound* is the sound of a motion, or another one than the
    video's own. *window* in seconds is the length of the windows that a motion was made in. *only* names judges;
    those that are off by default run when they are named. *json_path* is a file for the result.

    Raises VultusError for what cannot be read, for less than five frames, for a video without a face, and when nothing
    that was asked for can run, saying why.
    """
    from vultus.critics.judges import JUDGES
    from vultus.critics.scenes import Asked
    from vultus.pipeline import read_text

    kind = kind_of(file)
    known = {entry.name: None for entry in JUDGES if entry.of == kind}
    for name in only:
        if name not in known:
            raise unknown(f"judge of a {kind}", name, known)
    if not 0 <= window < math.inf:
        raise VultusError(f"A window of {window} s cannot be", "Give its length in seconds, such as 4")
    if seed < 0:
        raise VultusError(f"The seed is {seed}", "Give --seed 0 or more")
    chosen = [e for e in JUDGES if e.of == kind and (e.name in only or (not only and not e.asked))]
    asked = Asked(
        check_readable(file, kind), _checked(reference), read_text(text), _checked(sound), float(window), seed
    )  # fmt: skip
    found = _judged(chosen, _scene(kind, asked, chosen, progress), asked, failed())
    if json_path is not None:
        with atomic(json_path) as path:
            path.write_text(found.as_json(), "utf-8")
    return found


def kind_of(file: str | Path) -> Kind:
    """Motions are told from videos by their extension."""
    return "motion" if Path(file).suffix.lower() in MOTIONS else "video"


def _checked(file: str | Path | None) -> Path | None:
    return None if file is None else check_readable(file, "reference or sound")


def _scene(kind: Kind, asked: Asked, chosen: Sequence[Judge], progress: Progress | None) -> Scene:
    from vultus.critics import scenes
    from vultus.pipeline import read_motion

    other = None if asked.reference is None else kind_of(asked.reference)
    if kind == "video":
        if other == "motion":
            raise VultusError(f"{asked.reference} is a motion and {asked.file} a video", "Give a video as reference")
        return scenes.of_video(asked, chosen, progress)
    true = None
    if asked.reference is not None and other == "motion":
        true = read_motion(asked.reference)
    elif asked.reference is not None and asked.sound is None:
        asked = replace(asked, sound=asked.reference)
    return scenes.of_motion(read_motion(asked.file), true, asked, chosen)


def failed(file: Path = VALIDATION) -> dict[str, str]:
    """The judges that failed their validation, with what failed; none where none was validated."""
    if not file.is_file():
        return {}
    try:
        record = json.loads(file.read_text("utf-8"))
        if record["format"] != "vultus.judges" or record["version"] > 1:
            raise ValueError(record["format"])
        return {str(e["judge"]): str(e["why"]) for e in record["judges"] if not e["used"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VultusError(f"The validation of the judges in {file} cannot be read", "Install Vultus anew") from error


def _judged(chosen: Sequence[Judge], scene: Scene, asked: Asked, refused: Mapping[str, str]) -> Judgement:
    lines: list[Line] = []
    silent: list[tuple[str, str]] = []
    for judge in chosen:
        if judge.name in refused:
            silent.append((judge.name, f"It failed its validation: {refused[judge.name]}"))
            continue
        if reasons := [scene.lacking[need] for need in judge.needs if need in scene.lacking]:
            silent.append((judge.name, reasons[0]))
            continue
        try:
            values = {row: judge.run(case) for row, case in scene.cases.items()}
        except VultusError as error:
            silent.append((judge.name, str(error)))
            continue
        for score in judge.scores:
            if reasons := [scene.lacking[need] for need in score.needs if need in scene.lacking]:
                silent.append((score.name, reasons[0]))
                continue
            some = {row: values[row].get(score.name, math.nan) for row in values}
            lines.append(Line(judge.name, score.name, score.unit, score.better, some))
    if not lines:
        raise VultusError(f"No judge can say anything about {asked.file}", silent[0][1] if silent else "")
    reference = "" if asked.reference is None else str(asked.reference)
    return Judgement(
        str(asked.file), reference, scene.frames, scene.fps, asked.seed, tuple(lines), tuple(silent), scene.notes
    )  # fmt: skip
