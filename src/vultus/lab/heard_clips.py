"""What the speech driver learns from: log-mel of voices whose phones are known, and what the phones ask of a mouth.

The sound is that of the stage's clips, changed as rooms, microphones and codecs change it; the phones are those that
the voice spoke, to the sample. The engine that sounds most like people (the stage's split "test") is kept apart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.drivers.articulation import blended
from vultus.errors import VultusError
from vultus.signals.features import FEATURE_RATE, MELS, mel_edges
from vultus.signals.hama import AFTER
from vultus.signals.phones import ARPABET, Phone
from vultus.stage.splits import Split

FORMAT: Final = "vultus.heard-phones"
VERSION: Final = 3
_PACE: Final = (0.85, 1.2)
"""How much faster than it was spoken a window may be heard."""
_THROAT, _LONGEST = 0.09, 0.22
"""The spread of the logarithm of how much longer a throat is made, and the most of it."""
_LATE: Final = round(AFTER * FEATURE_RATE)  # frames by which the teacher names a phone after its middle
_BABBLE: Final = 0.2
"""The share of windows in which someone else speaks behind."""


@dataclass(frozen=True)
class Clips:
    """*count* clips of *seconds* drawn with *seed* from the voices of a *split*, *augment* of them changed.

    *voices* are those of the split that may speak, all of them where none is named. With *teacher*, hama hears them
    too.
    """

    split: Split = "train"
    count: int = 4000
    seconds: float = 6.0
    augment: float = 0.85
    seed: int = 5
    voices: tuple[str, ...] = ()
    teacher: bool = False

    @property
    def name(self) -> str:
        """What tells the file of these clips from others."""
        who = "-".join(voice.replace(":", "_") for voice in self.voices)
        name = f"heard-{self.split}-{self.seed}-{self.count}" + (f"-{who}" if who else "")
        return name + ("-taught" if self.teacher else "")


@dataclass(frozen=True, eq=False)
class Heard:
    """A clip: ``mel`` float16 [T, 80] at 100 Hz, the ``phones`` that were spoken, and where a teacher heard it what
    ``signals.hama.odds`` gives for it, ``taught`` float16 [M, 40] at 50 Hz."""

    mel: NDArray[np.float16]
    phones: tuple[Phone, ...]
    taught: NDArray[np.float16] | None = None

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """Seconds at the middle of each frame, [T]."""
        return (np.arange(len(self.mel)) + 0.5) / FEATURE_RATE

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """The phone [T] at the middle of each frame, by its place in ``ARPABET``; silence where there is none."""
        out = np.zeros(len(self.mel), np.uint8)
        for phone in self.phones:
            out[(self.times >= phone.start) & (self.times < phone.end)] = ARPABET.index(phone.arpabet)
        return out

    @cached_property
    def controls(self) -> NDArray[np.float32]:
        """What the phones ask of a plain speaker's mouth, ``drivers.targets.CONTROLS`` [T, 15]."""
        return blended(self.phones, self.times).astype(np.float32)


def _hear(clips: Clips, index: int) -> Heard:
    from vultus.io.audio import resample
    from vultus.signals import features as of
    from vultus.signals import hama
    from vultus.stage.performances import RATE, heard, voiced
    from vultus.stage.plan import draw

    plan = draw(clips.seed, index, seconds=clips.seconds, split=clips.split, augment=clips.augment, voices=clips.voices)
    said = voiced(plan)
    sound = heard(plan, said)
    taught = hama.odds(resample(sound, RATE, of.RATE)).astype(np.float16) if clips.teacher else None
    return Heard(of.features(sound, RATE).mel.astype(np.float16), said.phones, taught)


def gather(clips: Clips, folder: Path, workers: int = 1) -> list[Heard]:
    """The clips, made where *folder* does not keep them yet; the same whatever the *workers*."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{clips.name}.npz"
    if (kept := _read(path, clips)) is not None:
        return kept
    made: list[Heard] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for one in pool.map(partial(_hear, clips), range(clips.count), chunksize=4):
            made.append(one)
            if len(made) % 100 == 0:
                print(f"{len(made)} of {clips.count} clips", flush=True)
    write(path, clips, made)
    return made


def write(path: Path, clips: Clips, made: Sequence[Heard]) -> None:
    """Keep *made*, which are *clips*, at *path*."""
    said = [phone for one in made for phone in one.phones]
    taught = [one.taught for one in made if one.taught is not None]
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file, format=FORMAT, version=VERSION, clips=json.dumps(asdict(clips)),
            counts=[len(one.mel) for one in made], spoken=[len(one.phones) for one in made],
            mel=np.concatenate([one.mel for one in made]), times=np.array([(p.start, p.end) for p in said]),
            ipa=np.array([p.ipa for p in said], np.str_), stress=np.array([p.stress for p in said], np.int8),
            lessons=[len(one) for one in taught],
            taught=np.concatenate(taught or [np.zeros((0, len(ARPABET)), np.float16)]),
        )  # fmt: skip
    part.replace(path)


def _read(path: Path, clips: Clips) -> list[Heard] | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            if (str(kept["format"]), int(kept["version"]), str(kept["clips"])) != (
                FORMAT, VERSION, json.dumps(asdict(clips)),
            ):  # fmt: skip
                return None
            said = [
                Phone(float(start), float(end), str(ipa), int(stress))
                for (start, end), ipa, stress in zip(kept["times"], kept["ipa"], kept["stress"], strict=True)
            ]
            stops = np.cumsum(kept["spoken"])
            mels = np.split(kept["mel"], np.cumsum(kept["counts"])[:-1])
            taught = np.split(kept["taught"], np.cumsum(kept["lessons"])[:-1]) if clips.teacher else [None] * len(mels)
            return [
                Heard(mel, tuple(said[stop - count : stop]), lesson)
                for mel, stop, count, lesson in zip(mels, stops, kept["spoken"], taught, strict=True)
            ]
    except (OSError, ValueError, KeyError, EOFError):
        return None


class Windows:
    """Batches of windows of *length* frames, spoken faster or slower by throats that are longer or shorter, whose
    loudness, colour and band change, with others who speak behind them and with stretches left out."""

    def __init__(self, clips: Sequence[Heard], length: int = 220) -> None:
        """VultusError when no clip is that long."""
        self._clips, self._length = [clip for clip in clips if len(clip.mel) >= length], length
        if not self._clips:
            raise VultusError(f"No clip has {length} frames", "Make longer clips")

    def batch(self, step: int, size: int, seed: int) -> dict[str, NDArray[Any]]:
        """*size* windows: a function of *seed* and *step* alone."""
        rng = np.random.default_rng([seed, step, 0xEA25])
        mel, phones, controls, taught = [], [], [], []
        for _ in range(size):
            clip, at = self._drawn(rng)
            heard = _throat(_between(clip.mel, at), float(np.clip(rng.normal(0, _THROAT), -_LONGEST, _LONGEST)))
            if rng.random() < _BABBLE:
                other, there = self._drawn(rng)
                heard = np.logaddexp(heard, _between(other.mel, there) - np.float32(rng.uniform(2, 6)))
            nearest = np.rint(at).astype(np.int64)
            mel.append(_changed(heard, rng))
            phones.append(clip.labels[nearest])
            controls.append(clip.controls[nearest])
            if clip.taught is not None:
                taught.append(clip.taught[np.minimum(nearest + _LATE, 2 * len(clip.taught) - 1) // 2])
        batch: dict[str, list[NDArray[Any]]] = {"mel": mel, "phones": phones, "controls": controls}
        if len(taught) == size:
            batch["taught"] = taught
        return {name: np.stack(rows) for name, rows in batch.items()}

    def _drawn(self, rng: np.random.Generator) -> tuple[Heard, NDArray[np.float64]]:
        """A clip and the places in it, in frames, of a window at some pace."""
        clip = self._clips[int(rng.integers(len(self._clips)))]
        room = (len(clip.mel) - 1) / (self._length - 1)
        pace = min(float(rng.uniform(*_PACE)), room)
        first = rng.uniform(0, len(clip.mel) - 1 - pace * (self._length - 1) + 1e-9)
        return clip, np.minimum(first + pace * np.arange(self._length), len(clip.mel) - 1)


def _between(mel: NDArray[np.float16], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-mel at places between its frames."""
    low = np.minimum(at.astype(np.int64), len(mel) - 2)
    share = (at - low).astype(np.float32)[:, None]
    return (1 - share) * mel[low].astype(np.float32) + share * mel[low + 1].astype(np.float32)


def _throat(mel: NDArray[np.float32], longer: float) -> NDArray[np.float32]:
    """What a throat that is exp(*longer*) times as long would make of it: formants lie lower by as much.

    The warp of N. Jaitly and G. Hinton, "Vocal tract length perturbation" (2013), on the bands of mel.
    """
    hertz = mel_edges(MELS)[1:-1]
    at = np.interp(np.exp(longer) * hertz, hertz, np.arange(MELS))
    low = np.minimum(at.astype(np.int64), MELS - 2)
    share = (at - low).astype(np.float32)
    return (1 - share) * mel[:, low] + share * mel[:, low + 1]


def _changed(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    band = np.linspace(-1, 1, MELS, dtype=np.float32)
    out = mel + np.float32(rng.normal(0, 1.0)) + band * np.float32(rng.normal(0, 0.6))
    floor = float(rng.uniform(-16, -9))  # noise that hides what is softer
    if rng.random() < 0.5:
        out = np.logaddexp(out, floor + rng.normal(0, 0.3, out.shape)).astype(np.float32)
    for axis, widest in ((0, 12), (1, 10)):
        if rng.random() < 0.5:
            width = int(rng.integers(1, widest))
            at = int(rng.integers(out.shape[axis] - width))
            gap = (slice(at, at + width), slice(None)) if axis == 0 else (slice(None), slice(at, at + width))
            out[gap] = floor
    return np.asarray(out, np.float32)
