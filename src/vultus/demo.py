"""``vultus demo``: a person speaks a real recording, and what came out is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vultus import pipeline, store
from vultus.defaults import FACE, FPS, Quality
from vultus.errors import VultusError
from vultus.looks import Look
from vultus.motion import Motion, concatenate, video_fps

if TYPE_CHECKING:
    from vultus.heads.person import PersonHead
    from vultus.signals.phones import Phone

RECORDING = "obama_speech"
WORDS = """Today, after two years of negotiations, the United States together with our international partners has
achieved something"""
Item = TypeVar("Item")
CLOSED = 0.001
"""Lips nearer than this, in metres, count as closed."""


def demo(
    out: str | Path = "demo.mp4",
    *,
    face: str = FACE,
    seed: int = 0,
    quality: Quality = "default",
    offline: bool = False,
    progress: pipeline.Progress | None = None,
) -> pipeline.Report:
    """Write *out* (.mp4) and beside it a .glb and a .csv; the report's notes say what was measured.

    The recording is fetched once (see ``vultus assets``). Without a network, or with *offline*, the built-in voice
    speaks instead, and the notes say so.
    """
    from vultus.drivers.speech import perform
    from vultus.heads.person import PersonHead
    from vultus.signals.chunks import SpeechSpan, phones_of, whole

    video = Path(out)
    if video.suffix.lower() != ".mp4":
        raise VultusError(f"The demo writes a video, not {video.name!r}", "Give --out a name that ends in .mp4")
    sound, words, source = _recording(offline, seed)
    outputs = pipeline.checked_outputs([video, video.with_suffix(".glb"), video.with_suffix(".csv")], [])
    heard: list[SpeechSpan] = []
    shown: list[Motion] = []
    spans = _kept(phones_of(sound.blocks(pipeline.SPEECH_RATE), words), heard)
    rate = video_fps(FPS)
    motions = _kept(perform(spans, seed=seed, fps=rate), shown)
    look = Look(face, quality=quality)
    report = pipeline.produce(motions, rate, outputs, look=look, sound=sound, progress=progress)
    measured = _measured(concatenate(shown), whole(heard), PersonHead(face, quality="draft"))
    again = "the first run on a machine compiles before the first picture, later ones do not"
    return replace(report, notes={"recording": source, **measured, "note": again})


def _kept(items: Iterable[Item], kept: list[Item]) -> Iterator[Item]:
    """*items* as they come, each also put into *kept*."""
    for item in items:
        kept.append(item)
        yield item


def _recording(offline: bool, seed: int) -> tuple[pipeline.Sound, str | None, str]:
    """The sound, its words where known, and a line that says what it is."""
    if not offline:
        try:
            sound = pipeline.Sound.open(store.path(RECORDING))
            return sound, WORDS, "a real speech (asset obama_speech, public domain)"
        except VultusError as error:
            reason = f"the real one is not here: {error}"
    else:
        reason = "--offline was asked for"
    from vultus.voices import formant

    text, samples, _ = formant.demo_sentence()
    return pipeline.Sound((samples, pipeline.SPEECH_RATE)), text, f"the built-in voice, because {reason}"


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
