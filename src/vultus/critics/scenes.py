"""What is to be judged, made ready: every video watched once, every sound heard once, and the rows beside them.

What a judge needs and is not there gets a reason, in words for the user. Nothing here fails because one judge cannot
run; what cannot be read at all does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from vultus import store
from vultus.critics import learned, moving, pictures
from vultus.critics.films import FPS, Film, Reader, watch
from vultus.critics.heard import Heard, listen
from vultus.critics.judges import Case, Judge
from vultus.critics.rows import Row, shuffled
from vultus.errors import VultusError
from vultus.motion import Motion

Progress = Callable[[float, float | None], None]
LEAST: Final = 5
"""Frames below which nothing is judged."""
LONG: Final = 32
"""Frames that sync and beats need: more than the shifts that they try, both ways."""
_SHARE: Final = 0.5  # of the pictures that must show a face
_CROPS: Final = {"sync": "mouths", "reader": "mouths", "emotions": "faces", "units": "faces", "who": "faces"}
_READINGS: Final = {"sync": "lips", "reader": "visemes"}


@dataclass(frozen=True)
class Asked:
    """What the user gave: files, the text itself, seconds of the windows of a motion, and a seed."""

    file: Path
    reference: Path | None = None
    text: str | None = None
    sound: Path | None = None
    window: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Scene:
    """The ``cases`` by row, ``lacking`` needs with their reasons, and ``notes`` for the user."""

    cases: Mapping[Row, Case]
    frames: int
    fps: float
    lacking: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _needs(judges: Sequence[Judge]) -> set[str]:
    return {need for judge in judges for need in (*judge.needs, *(n for s in judge.scores for n in s.needs))}


def _tools(needs: Collection[str]) -> dict[str, str]:
    """Why networks, assets and packages cannot be used, where they cannot."""
    out: dict[str, str] = {}
    for need in sorted(needs):
        try:
            if need.startswith("asset "):
                store.path(need.removeprefix("asset "))
            elif need.endswith("-b"):
                learned.load(need.removesuffix("-b"), "b")
            elif need == "torch" and (problem := learned.lacking()):
                out[need] = problem
        except VultusError as error:
            out[need] = str(error)
    return out


def _hear(path: Path, text: str | None, needs: Collection[str], lacking: dict[str, str]) -> Heard | None:
    """The sound of *path* where some judge needs it; what is wrong with it goes to *lacking*."""
    if not {"sound", "phones", "words"} & set(needs):
        return None
    embed = learned.sound if "sync-b" in needs and "sync-b" not in lacking else None
    try:
        heard = listen(path, text, embed)
    except VultusError as error:
        lacking |= dict.fromkeys(("sound", "phones", "words"), str(error))
        return None
    if heard.silent:
        lacking |= dict.fromkeys(("sound", "phones", "words"), f"The sound of {path} is silent")
    elif not any(phone.viseme != "sil" for phone in heard.phones):
        lacking |= dict.fromkeys(("phones", "words"), f"No speech was found in {path}")
    return heard


def _rank_words(heard: Heard | None, lacking: dict[str, str]) -> tuple[tuple[str, float, float], ...]:
    """The words of the text that the reader of words knows."""
    if heard is None or "words" in lacking or "asset lip_reader_words" in lacking or "torch" in lacking:
        return ()
    from vultus.critics.lip_reader import words

    known = set(words())
    found = tuple(word for word in heard.words if word[0].upper() in known)
    if not heard.words:
        lacking["words"] = "The sound does not follow the text"
    elif not found:
        lacking["words"] = "None of the reader's 500 words is in the first 30 s of the text"
    return found


def _readers(needs: Collection[str], lacking: Mapping[str, str]) -> dict[str, Reader]:
    """The networks that look at the crops, by the names of their readings."""
    kinds: dict[str, Callable[[Any], Any]] = {
        "sync": learned.lips, "reader": learned.visemes, "emotions": learned.emotions, "units": learned.units,
        "who": learned.who,
    }  # fmt: skip
    out = {
        _READINGS.get(name, name): Reader(_CROPS[name], read)
        for name, read in kinds.items()
        if f"{name}-b" in needs and f"{name}-b" not in lacking
    }
    if "asset emotion_net" in needs and not {"asset emotion_net", "torch"} & set(lacking):
        from vultus.critics import emotion_net

        out["emonet"] = Reader("portraits", emotion_net.read)
    return out


def of_video(asked: Asked, judges: Sequence[Judge], progress: Progress | None = None) -> Scene:
    """Watch and hear a video, and its reference where there is one, for *judges*."""
    needs = _needs(judges)
    lacking = _tools(needs)
    if asked.window <= 0:
        lacking["window"] = "It is not known where windows meet. Give their length with --window"
    if asked.text is None:
        lacking["text"] = "It is not known what is said. Give --text"
    sound = _hear(asked.sound or asked.file, asked.text, needs, lacking)
    readers = _readers(needs, lacking)
    describe = "asset face_descriptor" in needs and not any("face_descriptor" in name for name in lacking)
    notes: list[str] = []

    def seen(path: Path, heard: Heard | None, some: dict[str, str]) -> Film:
        words = _rank_words(heard, some) if "words" in needs and asked.text is not None else ()
        read = None
        if words and not any(f"asset {name}" in lacking for name in ("lip_reader", "lip_reader_words")):
            from vultus.critics.lip_reader import scores

            read = scores
        return watch(path, readers, words, read, describe=describe, progress=progress)

    made = seen(asked.file, sound, lacking)
    if len(made) < LEAST:
        raise VultusError(f"{asked.file} has {len(made)} frames at {FPS} a second", f"Give at least {LEAST}")
    _look(made, lacking, notes, sound)
    true, true_sound = None, sound
    if asked.reference is None:
        lacking["reference"] = "There is nothing to compare with. Give --reference"
    else:
        missing: dict[str, str] = {}
        heard = _hear(asked.reference, asked.text, needs, missing)
        true_sound = sound if missing.get("sound") else heard
        true = seen(asked.reference, true_sound, missing)
        _compare(made, true, lacking, notes)
    cases = _rows(made, true, sound, true_sound, asked)
    measured = _measured(asked, judges, lacking, made, true)
    cases = {row: replace(case, measured=measured.get(row, {})) for row, case in cases.items()}
    return Scene(cases, len(made), float(FPS), lacking, tuple(notes))


def _look(made: Film, lacking: dict[str, str], notes: list[str], sound: Heard | None) -> None:
    share = float(made.seen.mean())
    if share < _SHARE:
        lacking["face"] = f"Only {100 * share:.0f} % of the pictures show a face"
    elif share < 1:
        notes.append(f"{100 * share:.0f} % of the pictures show a face; elsewhere the last one counts")
    if len(made) < LONG or (sound is not None and sound.seconds * FPS < LONG):
        lacking["long"] = f"It is shorter than {LONG / FPS:.1f} s"
    if abs(made.rate - FPS) > 0.01:
        notes.append(f"{made.rate:g} pictures a second were brought to {FPS}")
    if sound is not None and "phones" not in lacking and not sound.aligned:
        notes.append("phones were recognised, which is less sure than --text")


def _compare(made: Film, true: Film, lacking: dict[str, str], notes: list[str]) -> None:
    _common(len(made), len(true), notes)
    if made.size != true.size:
        sizes = [f"{width}x{height}" for width, height in (made.size, true.size)]
        lacking["size"] = f"The pictures have {sizes[0]} pixels and those of the reference {sizes[1]}"
    if true.seen.mean() < _SHARE:
        lacking["face"] = f"Only {100 * true.seen.mean():.0f} % of the reference's pictures show a face"


def _rows(made: Film, true: Film | None, sound: Heard | None, other: Heard | None, asked: Asked) -> dict[Row, Case]:
    def case(film: Film, heard: Heard | None = sound) -> Case:
        return Case(film, true, heard, window=asked.window, seed=asked.seed)

    cases: dict[Row, Case] = {"this": case(made)}
    if true is not None:
        cases["copy"] = case(true, other)
    cases["mean"] = case(made.held())
    cases["shuffled"] = case(made.arranged(shuffled(len(made), FPS, asked.seed)))
    cases["reversed"] = case(made.reversed())
    return cases


def _measured(
    asked: Asked, judges: Sequence[Judge], lacking: dict[str, str], made: Film, true: Film | None
) -> dict[Row, dict[str, float]]:
    """What takes a pass of its own over the pictures."""
    out: dict[Row, dict[str, float]] = {}
    if asked.reference is None or true is None:
        return out
    names = {judge.name for judge in judges}
    count = min(len(made), len(true))
    passes: list[dict[Row, dict[str, float]]] = []
    if "pixels" in names and "size" not in lacking:
        rate = Fraction(made.rate).limit_denominator(1001)
        passes.append(pictures.measure(asked.file, asked.reference, rate, round(count * made.rate / FPS), asked.seed))
    if "features" in names and not {"torch", "asset efficientnet_lite0"} & set(lacking):
        from vultus.critics import features

        passes.append(pictures.features(asked.file, asked.reference, features.describe, count, asked.seed))
    for some in passes:
        for row, values in some.items():
            out[row] = out.get(row, {}) | values
    return out


def of_motion(made: Motion, true: Motion | None, asked: Asked, judges: Sequence[Judge]) -> Scene:
    """Measure a motion beside a reference *true* where there is one, and the sound of *asked*."""
    needs = _needs(judges)
    lacking: dict[str, str] = {}
    notes: list[str] = []
    if len(made) < LEAST:
        raise VultusError(f"{asked.file} has {len(made)} frames", f"Give at least {LEAST}")
    if asked.window <= 0:
        lacking["window"] = "It is not known where windows meet. Give their length with --window"
    if len(made) < LONG:
        lacking["long"] = f"It has fewer than {LONG} frames"
    if true is None:
        lacking["reference"] = "There is nothing to compare with. Give --reference"
    else:
        made, true = _alike(made, true, notes)
    sound = None
    if asked.sound is None:
        lacking |= dict.fromkeys(("sound", "phones"), "It is not known what is heard. Give --sound")
    else:
        sound = _hear(asked.sound, asked.text, needs, lacking)
        if sound is not None and "phones" not in lacking and not sound.aligned:
            notes.append("phones were recognised, which is less sure than --text")
    rows = moving.arranged(made, asked.seed)
    measured: dict[Row, dict[str, float]] = {}
    if any(judge.name in ("vertices", "mouth") for judge in judges):
        phones = sound.phones if sound is not None and "phones" not in lacking else ()
        measured = moving.measure(rows, true, phones)
    given = rows if true is None else {**rows, "copy": true}
    cases: dict[Row, Case] = {
        row: Case(motion, true, sound, measured.get(row, {}), asked.window, asked.seed) for row, motion in given.items()
    }
    return Scene(cases, len(made), float(made.fps), lacking, tuple(notes))


def _alike(made: Motion, true: Motion, notes: list[str]) -> tuple[Motion, Motion]:
    """Both at the rate of what was made, and as long as the shorter one; VultusError when that is too short."""
    if true.fps != made.fps:
        notes.append(f"the reference was brought from {float(true.fps):g} to {float(made.fps):g} frames a second")
        true = true.resample(made.fps)
    count = _common(len(made), len(true), notes)
    return made[:count], true[:count]


def _common(made: int, true: int, notes: list[str]) -> int:
    """The frames that both have; a note when one is longer, VultusError when they are too few."""
    count = min(made, true)
    if count < LEAST:
        raise VultusError(f"The reference has {true} frames", f"Give at least {LEAST}")
    if made != true:
        notes.append(f"the reference has {true} frames and this {made}: the first {count} are compared")
    return count
