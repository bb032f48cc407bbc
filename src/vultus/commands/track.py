"""`vultus track`: faces in a video or picture become Motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import Positional

from vultus.terminal import progress


@dataclass(frozen=True)
class Track:
    """Read the faces in a video or picture: expression, head and eyes become curves or an animated GLB."""

    source: Positional[Annotated[str, tyro.conf.arg(metavar="VIDEO")]]
    """A video of one face or several; a picture gives one frame."""
    out: str = "motion.csv"
    """What to write: .csv (Live Link Face), .json (Audio2Face), .npz or .glb. Several faces get a file each, such as
    motion.1.csv and motion.2.csv."""
    which: str = "all"
    """Whose face: a number as the preview shows it (1 is the largest at the beginning), or all."""
    preview: Annotated[str | None, tyro.conf.arg(metavar="FILE")] = None
    """An .mp4 to write that shows the faces with what was found."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="RATE")] = None
    """Frames per second; those of the video unless given."""
    max_seconds: Annotated[float | None, tyro.conf.arg(metavar="SECONDS")] = None
    """Stop after this much of the video."""
    absolute: bool = False
    """Tell every shape against the usual face, not against how this person looks at rest."""

    def run(self) -> None:
        """Run the command."""
        from vultus import tracking

        with progress("track") as step:
            report = tracking.track(
                self.source,
                out=self.out,
                which=self.which,
                preview=self.preview,
                fps=self.fps,
                max_seconds=self.max_seconds,
                absolute=self.absolute,
                progress=step,
            )
        for line in report.lines():
            print(line)
