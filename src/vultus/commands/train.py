"""`vultus train speech`: the network behind the lips, made again from the stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vultus.errors import VultusError, unknown

FIELDS: Final = ("count", "others", "often", "strangers", "teacher", "steps", "batch", "workers")
"""What may be set: clips of the training voices, of those for validation and how often these count, of voices that
nobody has, hundredths that the teacher weighs, steps and windows a step, processes."""


def speech(out: Path, seed: int, changes: Mapping[str, str]) -> None:
    """Train into the folder *out*, where the clips are kept as well; *changes* are texts by field.

    An interrupted run goes on where it was. VultusError for fields that are unknown or not numbers from 1 up, and when
    torch is not installed.
    """
    told: dict[str, int] = {}
    for name, text in changes.items():
        if name not in FIELDS:
            raise unknown("field of speech", name, FIELDS)
        if not text.isdecimal() or int(text) < 1:
            raise VultusError(f"--config.{name} is {text!r}", "Give a whole number from 1 up")
        told[name] = int(text)
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
