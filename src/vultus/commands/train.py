"""`vultus train speech` and `vultus train targets`: what is behind the lips, made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from vultus.errors import VultusError, unknown

FIELDS: Final = ("count", "others", "often", "strangers", "teacher", "steps", "batch", "workers")
"""What may be set: clips of the training voices, of those for validation and how often these count, of voices that
nobody has, hundredths that the teacher weighs, steps and windows a step, processes."""


TUNED: Final = ("films", "looks", "renders", "fits", "steps", "batch", "runs", "checked")
"""What may be set of tuning: words that are spoken, people in a light, mouths and steps of each proxy, steps and films
a step of tuning, runs with other seeds, and the films by which the best of them is found."""


def speech(out: Path, seed: int, changes: Mapping[str, str]) -> None:
    """Train into the folder *out*, where the clips are kept as well; *changes* are texts by field.

    An interrupted run goes on where it was. VultusError for fields that are unknown or not numbers from 1 up, and when
    torch is not installed.
    """
    told = _whole_numbers("speech", FIELDS, changes)
    try:
        from vultus.lab.heard_clips import Clips
        from vultus.lab.speech_driver import Options, train
    except ImportError as error:
        raise VultusError(f"Training needs {error.name}", "pip install 'vultus[train]'") from error
    data = Clips(count=told.pop("count", Clips.count))
    card = train(Options(seed=seed, data=data, clips=out / "speech-clips", out=out, **told))
    for figure, value in card["measured"].items():
        print(f"{figure:<20}{value:.3f}")
    print(f"wrote {out / 'speech.onnx'}")


def targets(out: Path, seed: int, changes: Mapping[str, str], accelerator: str) -> None:
    """Tune the articulation's targets on a reader of real lips, into the folder *out*; otherwise as :func:`speech`."""
    told = _whole_numbers("targets", TUNED, changes)
    try:
        from vultus.lab.tune_targets import Options, train
    except ImportError as error:
        raise VultusError(f"Training needs {error.name}", "pip install 'vultus[train]'") from error
    train(Options(seed=seed, accelerator=accelerator, out=out, **told), say=print)
    print(f"wrote {out / 'targets_tuned.json'}")


def _whole_numbers(name: str, known: Sequence[str], changes: Mapping[str, str]) -> dict[str, int]:
    told: dict[str, int] = {}
    for field, text in changes.items():
        if field not in known:
            raise unknown(f"field of {name}", field, known)
        if not text.isdecimal() or int(text) < 1:
            raise VultusError(f"--config.{field} is {text!r}", "Give a whole number from 1 up")
        told[field] = int(text)
    return told
