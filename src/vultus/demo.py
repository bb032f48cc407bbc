"""``vultus demo``: a person speaks a real recording, then a photo speaks it too, and what came out is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vultus import pipeline, store
from vultus.defaults import FACE, FPS, SIZE, Quality
from vultus.errors import VultusError
from vultus.looks import Look
from vultus.mark import SYNTHETIC
from vultus.motion import Motion, concatenate, video_fps

if TYPE_CHECKING:
    from vultus.heads.person import PersonHead
    from vultus.signals.phones import Phone

RECORDING, PORTRAIT = "obama_speech", "portrait_photo"
DRAWN = "person:8"
"""Who is drawn as the photo where the real one cannot be had."""
WORDS = """Today, after two years of negotiations, the United States together with our international partners has
achieved something"""
Item = TypeVar("Item")
CLOSED = 0.001
"""Lips nearer than this, in metres, count as closed."""


def demo(
    out: str | Path = "demo.mp4",
    *,
    face: str = FACE,
    photo: str | Path | None = None,
    seed: int = 0,
    quality: Quality = "default",
    offline: bool = False,
    progress: pipeline.Progress | None = None,
) -> pipeline.Report:
    """Write *out* (.mp4), a .glb and a .csv of the same name, and -photo.mp4, in which a photo says the same; the
    report's notes say what was measured. The person is told the text, the photo hears the sound alone.

    The recording and the photo are fetched once (see ``vultus assets``), unless *photo* names one. Without a network,
    or with *offline*, the built-in voice and a drawn person take their places, and the notes say so. The photo's video
    says of itself that it is synthetic.
    """
    from vultus.drivers import learned
    from vultus.drivers.speech import perform
    from vultus.heads.person import PersonHead
    from vultus.signals.chunks import SpeechSpan, phones_of, whole

    video = Path(out)
    if video.suffix.lower() != ".mp4":
        raise VultusError(f"The demo writes a video, not {video.name!r}", "Give --out a name that ends in .mp4")
    sound, words, source = _recording(offline, seed)
    spoken = video.with_name(f"{video.stem}-photo{video.suffix}")
    *outputs, second = pipeline.checked_outputs(
        [video, video.with_suffix(".glb"), video.with_suffix(".csv"), spoken], [photo]
    )
    if photo is not None:
        Look(str(photo)).check()
    heard: list[SpeechSpan] = []
    shown: list[Motion] = []
    spans = _kept(phones_of(sound.blocks(pipeline.SPEECH_RATE), words), heard)
    rate = video_fps(FPS)
    motions = _kept(perform(spans, seed=seed, fps=rate), shown)
    look = Look(face, quality=quality)
    report = pipeline.produce(motions, rate, outputs, look=look, sound=sound, progress=progress)
    measured = _measured(concatenate(shown), whole(heard), PersonHead(face, quality="draft"))
    notes = {"recording": source, **measured}
    notes |= {"note": "the first run on a machine compiles before the first picture, later ones do not"}
    by_ear = list(learned.drive(sound.blocks(pipeline.SPEECH_RATE), seed=seed, fps=rate))
    written, notes["photo"] = _photo(second, photo, by_ear, rate, sound, offline, progress)
    return replace(report, written=(*report.written, *written), notes=notes)


def _photo(
    out: Path,
    photo: str | Path | None,
    motions: Sequence[Motion],
    rate: Fraction,
    sound: pipeline.Sound,
    offline: bool,
    progress: pipeline.Progress | None,
) -> tuple[tuple[Path, ...], str]:
    """A photo that says the same: the files that were written, and a line that says what it is."""
    try:
        for network in ("face_landmarker", "selfie_segmenter"):
            store.path(network, fetch=not offline)
    except VultusError as error:
        return (), f"none speaks, because a network for it is not here: {error}"
    with tempfile.TemporaryDirectory() as folder:
        face, source = (str(photo), f"{photo}, at your word") if photo else _portrait(Path(folder), offline)
        report = pipeline.produce(
            motions, rate, [out], look=Look(face, label=SYNTHETIC), sound=sound, progress=progress
        )
    return (out,), f"{source}; by ear alone, {report.speed:.1f}x real time, labelled as synthetic"


def _portrait(folder: Path, offline: bool) -> tuple[str, str]:
    """The photo that speaks, and a line that says what it is; a drawn one is put into *folder*."""
    try:
        return str(store.path(PORTRAIT, fetch=not offline)), f"a real one (asset {PORTRAIT}, public domain: NASA)"
    except VultusError as error:
        reason = f"the real one is not here: {error}"
    from vultus.heads.person import PersonHead
    from vultus.io.image import write_image

    drawn = folder / "person.png"
    write_image(drawn, PersonHead(DRAWN, size=(SIZE, SIZE)).frame(Motion.neutral(1, FPS).data[0]))
    return str(drawn), f"a drawn person, because {reason}"


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
