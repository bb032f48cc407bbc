"""``vultus demo``: a person speaks a real recording, and what came out is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vultus import pipeline, store
from vultus.errors import VultusError
from vultus.motion import Motion, concatenate

if TYPE_CHECKING:
    from vultus.heads.person import PersonHead
    from vultus.signals.phones import Phone

RECORDING = "obama_speech"
CLOSED = 0.001
"""Lips nearer than this, in metres, count as closed."""


def demo(
    out: str | Path = "demo.mp4",
    *,
    face: str = "person:11",
    seed: int = 0,
    quality: pipeline.Quality = "default",
    offline: bool = False,
    progress: pipeline.Progress | None = None,
) -> pipeline.Report:
    """Write *out* (.mp4) and beside it a .glb and a .csv; the report's notes say what was measured.

    The recording is fetched once (see ``vultus assets``). Without a network, or with *offline*, the built-in voice
    speaks instead, and the notes say so.
    """
    from vultus.drivers.speech import drive
    from vultus.heads.person import PersonHead

    video = Path(out)
    if video.suffix.lower() != ".mp4":
        raise VultusError(f"The demo writes a video, not {video.name!r}", "Give --out a name that ends in .mp4")
    sound, words, heard = _recording(offline, seed)
    outputs = pipeline.checked_outputs([video, video.with_suffix(".glb"), video.with_suffix(".csv")], [])
    seen: list[Motion] = []

    def watched() -> Iterator[Motion]:
        for piece in drive(sound.blocks(pipeline.SPEECH_RATE), text=words, seed=seed):
            seen.append(piece)
            yield piece

    rate = pipeline.checked_fps(30)
    report = pipeline.produce(watched(), rate, outputs, face=face, quality=quality, sound=sound, progress=progress)
    motion = concatenate(seen)
    notes = {"recording": heard, **_measured(motion, _phones(sound, words), PersonHead(face, quality="draft"))}
    notes["first frame"] = f"after {report.first_frame or 0:.2f} s (the first run also compiles)"
    return replace(report, notes={**report.notes, **notes})


def _recording(offline: bool, seed: int) -> tuple[pipeline.Sound, str | None, str]:
    """The sound, its words where known, and a line that says what it is."""
    if not offline:
        try:
            return pipeline.Sound.open(store.path(RECORDING)), None, "a real speech (asset obama_speech, public domain)"
        except VultusError as error:
            reason = f"the real one is not here: {error}"
    else:
        reason = "--offline was asked for"
    from vultus.voices import formant

    text, samples, _ = formant.demo_sentence()
    return pipeline.Sound((samples, pipeline.SPEECH_RATE)), text, f"the built-in voice, because {reason}"


def _phones(sound: pipeline.Sound, words: str | None) -> list[Phone]:
    from vultus.signals.align import align
    from vultus.signals.recognise import recognise

    samples = np.concatenate([*sound.blocks(pipeline.SPEECH_RATE), np.zeros(0, np.float32)])
    return align(samples, words) if words else recognise(samples)


def _measured(motion: Motion, phones: Sequence[Phone], head: PersonHead) -> dict[str, str]:
    gap = head.lip_gap(motion)
    centres = ((0.5 * (p.start + p.end), p) for p in phones if p.viseme == "PP")
    closures = [gap[_near(motion, t, 0.5 * p.duration)].min() for t, p in centres]
    shut = sum(g < CLOSED for g in closures)
    blink = motion["eyeBlinkLeft"] > 0.5
    blinks = int((np.diff(blink.astype(int)) == 1).sum() + blink[0])
    turn = np.degrees(np.linalg.norm(motion.neck + motion.head, axis=1))
    look = np.degrees(np.linalg.norm(motion.eye_left[:, :2], axis=1))
    return {
        "lips closed on p, b, m": f"{shut} of {len(closures)} (widest {max(closures, default=0) * 1e3:.1f} mm)",
        "lips apart at most": f"{gap.max() * 1e3:.1f} mm",
        "blinks": f"{blinks} ({blinks / float(motion.duration) * 60:.0f} a minute)",
        "head turns": f"{turn.mean():.1f} degrees on average, {turn.max():.1f} at most",
        "gaze moves": f"{look.mean():.1f} degrees on average, {look.max():.1f} at most",
    }


def _near(motion: Motion, time: float, reach: float) -> slice:
    """The frames within *reach* seconds of *time*, at least the nearest one."""
    fps = float(motion.fps)
    centre = int(np.clip(round(time * fps), 0, len(motion) - 1))
    width = int(reach * fps)
    return slice(max(centre - width, 0), centre + width + 1)
