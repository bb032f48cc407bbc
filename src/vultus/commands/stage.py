"""`vultus stage`: clips of people who speak, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import tyro
from tyro.conf import UseAppendAction

from vultus.motion import as_fps
from vultus.terminal import progress


@dataclass(frozen=True)
class Stage:
    """Make clips of people who speak, with exact truth: sound, phones, motion, cameras, pictures and their buffers."""

    out: Annotated[str, tyro.conf.arg(metavar="DIR")]
    """The folder to write; one that the same command began is carried on. With --sheet, the picture."""
    clips: int = 10
    """How many clips."""
    sheet: bool = False
    """Draw clips of all rigs as one picture instead: frames, every buffer, sound with phones, and curves."""
    seed: int = 0
    """Another seed gives other clips."""
    rig: str = "phone"
    """How they are filmed: phone, multiview or closeup."""
    size: int = 256
    """Height and width of the pictures in pixels."""
    split: str = "train"
    """Which sentences, people and voices may be drawn: train, val or test."""
    fields: str = "frames,landmarks_68,landmarks_478"
    """What is kept of each frame, with commas between: frames, depth, normals, masks, uv, flow, occlusion,
    disocclusion, landmarks_68, landmarks_478, detected_68, detected_478; or all, or none (sound and motion only)."""
    fps: str = "25"
    """Frames per second, such as 25, 29.97 or 30000/1001."""
    seconds: float = 6.0
    """The longest a clip may be."""
    voice: UseAppendAction[tuple[str, ...]] = ()
    """A voice that may speak, such as formant:woman; may be given several times (any installed one unless given)."""
    face: UseAppendAction[tuple[str, ...]] = ()
    """A person who may be seen, such as person:11; may be given several times (anyone unless given)."""
    lossless: bool = False
    """Keep every pixel exactly: some ten times as large."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Processes side by side; as many as there are processors unless given."""
    ray: bool = False
    """Spread the work over the Ray cluster of RAY_ADDRESS (a local one unless that is set)."""

    def run(self) -> None:
        """Run the command."""
        drawing: dict[str, Any] = {"seed": self.seed, "split": self.split, "voices": self.voice, "people": self.face}
        drawing |= {"fps": float(as_fps(self.fps)), "seconds": self.seconds}
        if self.sheet:
            from vultus.lab import stage_sheet

            with progress("stage", unit="clips") as step:
                print(f"Wrote {stage_sheet.write(self.out, self.clips, progress=step, **drawing)}")
            return
        from vultus.stage import clips

        names = tuple(filter(None, (name.strip() for name in self.fields.split(","))))
        with progress("stage", unit="clips") as step:
            report = clips.write(
                self.out, self.clips, rig=self.rig, size=self.size,
                fields=None if names == ("all",) else () if names == ("none",) else names, lossless=self.lossless,
                workers=self.workers, ray=self.ray, progress=step, **drawing,
            )  # fmt: skip
        print(report.line())
