"""`vultus judge`: what every critic says of a video or a motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import Positional

from vultus.terminal import progress

File = Annotated[str | None, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True)
class Judge:
    """Score a video or a motion by every critic that applies, beside rows that are known to be right or wrong."""

    file: Positional[str]
    """A video, or a motion: .csv (Live Link Face), .json (Audio2Face), .npz or an animated .glb"""
    reference: File = None
    """What it should be: a video for a video, a motion for a motion (of a video, a motion takes the sound)."""
    text: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """What is said, or a .txt file that holds it."""
    sound: File = None
    """The sound of a motion, or another one than the video's own."""
    window: float = 0.0
    """Seconds of the windows that it was made in, to judge where they meet."""
    only: Annotated[str, tyro.conf.arg(metavar="NAMES")] = ""
    """Judges by name, with commas between; one that is off otherwise, such as emonet, judges when it is named."""
    seed: int = 0
    """Varies the order of the row that is shuffled."""
    json: File = None
    """Write the result to this file too."""

    def run(self) -> None:
        """Run the command."""
        from vultus.judge import judge

        names = tuple(filter(None, (name.strip() for name in self.only.split(","))))
        with progress("judge") as step:
            found = judge(
                self.file, reference=self.reference, text=self.text, sound=self.sound, window=self.window, only=names,
                seed=self.seed, json_path=self.json, progress=step,
            )  # fmt: skip
        for line in found.table():
            print(line)
