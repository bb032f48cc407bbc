"""The judges of videos and motions: what each one needs, what it says, in which unit, and which way is better.

A judge is a plain function of a :class:`Case` and a few facts beside it. :data:`JUDGES` is all there is to know them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.channels import ARKIT
from vultus.critics import curves, pixels, sync
from vultus.critics.films import FPS, STANDARD, Film
from vultus.critics.heard import Heard
from vultus.motion import Motion

Better = Literal["lower", "higher", "near 1", "near 0", ""]
Scores = Mapping[str, float]
_MOVES: Final = 1e-4  # variance from which on a curve moves


@dataclass(frozen=True, eq=False)
class Case:
    """What is judged: ``made`` beside ``true``, both a :class:`Film` or both a Motion, and the sound of what was made.

    ``measured`` holds what was measured in a pass of its own, by name: vertices of motions, pixels of videos.
    ``window`` in seconds: windows of that length were joined; 0 where none were. ``seed`` is for random floors.
    """

    made: Film | Motion
    true: Film | Motion | None = None
    sound: Heard | None = None
    measured: Scores = field(default_factory=dict)
    window: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """One number: its name, unit, which way is better, and what it ``needs`` beyond its judge."""

    name: str
    unit: str
    better: Better
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judge:
    """One judge. ``of`` is what it judges; ``needs`` are names that ``vultus.judge`` knows to be there or not.

    ``lips`` says that it claims to see what lips do, so that its validation covers their order from truth to shuffled.
    ``asked`` ones judge only when they are named.
    """

    name: str
    of: Literal["video", "motion"]
    says: str
    needs: tuple[str, ...]
    scores: tuple[Score, ...]
    run: Callable[[Case], Scores]
    lips: bool = False
    asked: bool = False


# --- videos ---------------------------------------------------------------------------------------------------------


def _film(case: Case) -> Film:
    assert isinstance(case.made, Film)  # noqa: S101
    return case.made


def _pair(case: Case) -> tuple[Film, Film]:
    """What was made and its reference, equally long."""
    made, true = _film(case), case.true
    assert isinstance(true, Film)  # noqa: S101
    count = min(len(made), len(true))
    return made.cut(count), true.cut(count)


def embeddings(case: Case) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Sync's embeddings of lips and of sound, equally many."""
    lips = _film(case).readings["lips"]
    heard = case.sound.embeddings if case.sound is not None else None
    assert heard is not None  # noqa: S101
    count = min(len(lips), len(heard))
    return lips[:count], heard[:count]


def _sync(case: Case) -> Scores:
    found = sync.measure(*embeddings(case))
    return {"LSE-D": found.distance, "LSE-C": found.confidence, "offset": float(found.offset)}


def _reader(case: Case) -> Scores:
    assert case.sound is not None  # noqa: S101
    odds = _film(case).readings["visemes"]
    said = case.sound.visemes(len(odds))
    speech = said > 0
    if not speech.any():
        return {"visemes read": float("nan"), "viseme surprise": float("nan")}
    rows = np.arange(len(odds))[speech]
    right = odds.argmax(axis=1)[speech] == said[speech]
    return {
        "visemes read": float(right.mean()),
        "viseme surprise": float(-np.log(np.maximum(odds[rows, said[speech]], 1e-6)).mean()),
    }


def word_ranks(scores: NDArray[np.floating], said: tuple[str, ...], known: tuple[str, ...]) -> NDArray[np.int64]:
    """The rank of each word *said* among those *known*, by *scores* [N, 500]; 1 is best."""
    place = {word: i for i, word in enumerate(known)}
    right = np.array([place[word.upper()] for word in said])
    own = np.take_along_axis(scores, right[:, None], axis=1)
    return np.asarray(1 + (scores > own).sum(axis=1), np.int64)


def _words(case: Case) -> Scores:
    from vultus.critics.lip_reader import words

    some = _film(case).words
    if some is None:
        return {"word rank": float("nan"), "words in first 10": float("nan")}
    ranks = word_ranks(some.forward, some.said, words())
    return {"word rank": float(np.median(ranks)), "words in first 10": float((ranks <= 10).mean())}


def _pixels(case: Case) -> Scores:
    return {name: case.measured[name] for name in ("PSNR", "SSIM", "L1", "flicker") if name in case.measured}


def _features(case: Case) -> Scores:
    return {name: case.measured[name] for name in ("feature distance-s", "Fréchet-s") if name in case.measured}


def _landmarks(case: Case) -> Scores:
    film = _film(case)
    out = {"landmark jitter": curves.jitter(film.marks - film.marks.mean(axis=1, keepdims=True)) / np.sqrt(68)}
    if case.window:
        out["landmark border ratio"] = curves.border_ratio(film.marks, borders(len(film), FPS, case.window))
    if case.true is not None:
        made, true = _pair(case)
        away = pixels.lmd(made.marks, true.marks, STANDARD)
        out |= {"M-LMD": away["mouth"], "F-LMD": away["face"], "AKD": pixels.akd(made.marks, true.marks, STANDARD)}
    return out


def borders(count: int, fps: float, window: float) -> list[int]:
    """The frames at which windows of *window* seconds meet."""
    step = max(round(window * fps), 1)
    return list(range(step, count, step))


def _agreement(made: NDArray[np.floating], true: NDArray[np.floating]) -> float:
    """Mean concordance of the columns that move in *true*; NaN where none does."""
    moves = np.flatnonzero(true.var(axis=0) > _MOVES)
    return float(np.mean([curves.ccc(made[:, i], true[:, i]) for i in moves])) if len(moves) else float("nan")


def _tracked(case: Case) -> Scores:
    made, true = _pair(case)
    jaw = ARKIT.index("jawOpen")
    return {
        "tracked CCC": _agreement(made.scores, true.scores),
        "tracked jaw CCC": curves.ccc(made.scores[:, jaw], true.scores[:, jaw]),
        "tracked head CCC": _agreement(made.turn, true.turn),
    }


def _units(case: Case) -> Scores:
    made, true = _pair(case)
    return {"units CCC": _agreement(made.readings["units"], true.readings["units"])}


def _emotions(case: Case) -> Scores:
    made, true = _pair(case)
    return {"emotion distance": float(np.abs(made.readings["emotions"] - true.readings["emotions"]).mean())}


def _emonet(case: Case) -> Scores:
    made, true = _pair(case)
    return {"EmoNet distance": float(np.linalg.norm(made.readings["emonet"] - true.readings["emonet"], axis=1).mean())}


def _who(case: Case) -> Scores:
    made, true = _pair(case)
    a, b = (film.readings["who"].mean(axis=0) for film in (made, true))
    return {"who distance": float(np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)))}


def _identity(case: Case) -> Scores:
    some = _film(case).descriptors
    if not len(some):
        return {}
    out = {"identity drift": float(np.linalg.norm(some - np.median(some, axis=0), axis=1).max())}
    if isinstance(case.true, Film) and len(case.true.descriptors):
        away = np.linalg.norm(some[:, None] - case.true.descriptors[None], axis=2)
        out["identity distance"] = float(np.median(away))
    return out


def _head_beats(turn: NDArray[np.floating], fps: float, case: Case) -> Scores:
    assert case.sound is not None  # noqa: S101
    beats = curves.head_beats(turn, fps)
    _, floor = curves.beat_floor(beats, case.sound.accents, len(turn) / fps, case.seed)
    return {"beat alignment": curves.beat_alignment(beats, case.sound.accents), "its chance": floor}


# --- motions --------------------------------------------------------------------------------------------------------


def _motion(case: Case) -> Motion:
    assert isinstance(case.made, Motion)  # noqa: S101
    return case.made


def _geometry(case: Case) -> Scores:
    return case.measured


def _curves(case: Case) -> Scores:
    made = _motion(case)
    fps = float(made.fps)
    turn = made.head + made.neck
    out = {"jitter": curves.jitter(made.expression, fps), "head jitter": curves.jitter(turn, fps)}
    out["head periodicity"] = max(curves.periodicity(turn[:, axis], fps) for axis in range(3))
    if case.window:
        out["border ratio"] = curves.border_ratio(made.expression, borders(len(made), fps, case.window))
    if isinstance(case.true, Motion):
        true = case.true
        jaw = ARKIT.index("jawOpen")
        out["CCC"] = _agreement(made.expression, true.expression)
        out["jaw CCC"] = curves.ccc(made.expression[:, jaw], true.expression[:, jaw])
        out["head CCC"] = _agreement(turn, true.head + true.neck)
    return out


def _turn(case: Case) -> tuple[NDArray[np.floating], float]:
    if isinstance(case.made, Film):
        return case.made.turn, float(FPS)
    return case.made.head + case.made.neck, float(case.made.fps)


def _beats(case: Case) -> Scores:
    return _head_beats(*_turn(case), case)


_REFERENCE: Final = ("reference",)
_HEARD: Final = ("sound", "phones")

JUDGES: Final[tuple[Judge, ...]] = (
    Judge(
        "sync", "video", "whether lips and sound belong together (our SyncNet)",
        ("face", "sound", "long", "sync-b"),
        (
            Score("LSE-D", "distance", "lower"), Score("LSE-C", "distance", "higher"),
            Score("offset", "frames", "near 0"),
        ),
        _sync, lips=True,
    ),
    Judge(
        "reader", "video", "whether our reader sees the visemes that are said",
        ("face", "sound", "phones", "reader-b"),
        (Score("visemes read", "share", "higher"), Score("viseme surprise", "nats", "lower")), _reader, lips=True,
    ),
    Judge(
        "words", "video", "which of 500 words a reader of real lips sees (LRW)",
        ("face", "sound", "text", "words", "torch", "asset lip_reader", "asset lip_reader_words"),
        (Score("word rank", "of 500", "lower"), Score("words in first 10", "share", "higher")), _words, lips=True,
    ),
    Judge(
        "landmarks", "video", "how the 68 points of the face move",
        ("face",),
        (
            Score("M-LMD", "px of 256", "lower", _REFERENCE), Score("F-LMD", "px of 256", "lower", _REFERENCE),
            Score("AKD", "px of 256", "lower", _REFERENCE), Score("landmark jitter", "px/frame²", "lower"),
            Score("landmark border ratio", "times", "near 1", ("window",)),
        ), _landmarks,
    ),
    Judge(
        "tracked", "video", "how the face tracker's curves follow those of the reference",
        ("face", "reference"),
        (
            Score("tracked CCC", "-1 to 1", "higher"), Score("tracked jaw CCC", "-1 to 1", "higher"),
            Score("tracked head CCC", "-1 to 1", "higher"),
        ), _tracked,
    ),
    Judge(
        "pixels", "video", "how near the pictures are to those of the reference",
        ("reference", "size"),
        (
            Score("PSNR", "dB", "higher"), Score("SSIM", "-1 to 1", "higher"), Score("L1", "0 to 1", "lower"),
            Score("flicker", "0 to 1", "lower"),
        ), _pixels,
    ),
    Judge(
        "features", "video", "how near the pictures look to a network that names things (ImageNet)",
        ("reference", "torch", "asset efficientnet_lite0"),
        (Score("feature distance-s", "distance", "lower"), Score("Fréchet-s", "distance²", "lower", ("long",))),
        _features,
    ),
    Judge(
        "identity", "video", "whether it is the same person (dlib's descriptor)",
        ("face", "asset face_descriptor", "asset face_descriptor_table"),
        (Score("identity distance", "distance", "lower", _REFERENCE), Score("identity drift", "distance", "lower")),
        _identity,
    ),
    Judge(
        "who", "video", "whether it is the same person (ours)", ("face", "reference", "who-b"),
        (Score("who distance", "distance", "lower"),), _who,
    ),
    Judge(
        "units", "video", "how ARKit's weights that our network sees follow those of the reference",
        ("face", "reference", "units-b"), (Score("units CCC", "-1 to 1", "higher"),), _units,
    ),
    Judge(
        "emotions", "video", "how far the emotions that our network sees are from those of the reference",
        ("face", "reference", "emotions-b"), (Score("emotion distance", "0 to 1", "lower"),), _emotions,
    ),
    Judge(
        "emonet", "video", "the same by EmoNet, whose terms are non-commercial",
        ("face", "reference", "torch", "asset emotion_net"), (Score("EmoNet distance", "distance", "lower"),),
        _emonet, asked=True,
    ),
    Judge(
        "beats", "video", "whether the head pauses where the sound has accents", ("face", "sound", "long"),
        (Score("beat alignment", "0 to 1", "higher"), Score("its chance", "95th percentile", "")), _beats,
    ),
    Judge(
        "vertices", "motion", "how far the vertices of a face are from those of the reference",
        ("reference",),
        (
            Score("LVE", "m²", "lower"), Score("LVE_mm", "mm", "lower"), Score("MVE", "m²", "lower"),
            Score("MVE_mm", "mm", "lower"), Score("UFVE", "m²", "lower"), Score("FDD", "m²", "near 0"),
            Score("UFD", "mm", "lower"), Score("articulation", "times", "near 1"),
            Score("key LVE", "mm", "lower", _HEARD),
        ), _geometry, lips=True,
    ),
    Judge(
        "mouth", "motion", "whether lips close on P, B and M, and meet the teeth on F and V", _HEARD,
        (
            Score("closure F1", "0 to 1", "higher"), Score("closure precision", "0 to 1", "higher"),
            Score("closure recall", "0 to 1", "higher"), Score("bite", "mm", "lower"),
        ), _geometry, lips=True,
    ),
    Judge(
        "curves", "motion", "how the channels move", (),
        (
            Score("CCC", "-1 to 1", "higher", _REFERENCE), Score("jaw CCC", "-1 to 1", "higher", _REFERENCE),
            Score("head CCC", "-1 to 1", "higher", _REFERENCE), Score("jitter", "1/s²", "lower"),
            Score("head jitter", "rad/s²", "lower"), Score("head periodicity", "0 to 1", "lower"),
            Score("border ratio", "times", "near 1", ("window",)),
        ), _curves,
    ),
    Judge(
        "beats", "motion", "whether the head pauses where the sound has accents", ("sound", "long"),
        (Score("beat alignment", "0 to 1", "higher"), Score("its chance", "95th percentile", "")), _beats,
    ),
)  # fmt: skip
"""Every judge, in the order in which they are printed."""
