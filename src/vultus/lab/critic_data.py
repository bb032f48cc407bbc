"""What the learned judges learn from: clips of the stage, seen once and kept as small crops.

Networks "a" and "b" see other people and other voices of the training split, so that what they share is faces and
speech, not these faces and these voices.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.channels import EMOTIONS
from vultus.clip import Clip, View
from vultus.errors import VultusError
from vultus.person.identity import parse_identity
from vultus.stage.splits import Split, split_of, voices_of

if TYPE_CHECKING:
    from vultus.motion import Motion
    from vultus.stage.plan import Plan

FORMAT: Final = "vultus.critic-clip"
VERSION: Final = 3
FPS: Final = 25
_WANDER: Final = 1.2  # pixels of a 128-pixel picture by which crops stray
_PLAIN: Final = ("formant", "flite")


@dataclass(frozen=True)
class Recipe:
    """Which clips: *count* of *seed*, of one *half* ("a" or "b") of a *split*, filmed at *size* pixels.

    ``people`` is how many different people there are. They speak; with ``moments``, each clip shows its person in that
    many moments of chance instead, so that no face goes with an expression. Without ``wrong``, they are not filmed
    again with lips that do not say what is heard, which takes half of the time.
    """

    half: str = "a"
    split: Split = "train"
    count: int = 300
    people: int = 120
    seconds: float = 4.0
    size: int = 128
    seed: int = 1
    moments: int = 0
    wrong: bool = True

    def __post_init__(self) -> None:
        if self.half not in ("a", "b") or self.count < 1 or self.people < 2 or self.moments < 0:
            raise VultusError(f"{self!r} describes no clips", 'Give half "a" or "b", a clip and two people or more')


@dataclass(frozen=True, eq=False)
class Seen:
    """One clip as the judges see it, T frames at 25 a second.

    ``mouths`` uint8 [T, 48, 48], ``faces`` uint8 [T, 48, 48, 3], ``mel`` float16 [4 T, 80], ``speech`` bool [T],
    ``visemes`` uint8 [T], ``emotions`` float16 [T, 7], ``units`` float16 [T, 52], ``person`` its number in the set;
    ``wrong`` uint8 [T, 48, 48] are the same person's mouths in the same shot when the lips do not say what is heard,
    or 0 where nobody asked for them.
    """

    mouths: NDArray[np.uint8]
    faces: NDArray[np.uint8]
    mel: NDArray[np.float16]
    speech: NDArray[np.bool_]
    visemes: NDArray[np.uint8]
    emotions: NDArray[np.float16]
    units: NDArray[np.float16]
    person: NDArray[np.int64]
    wrong: NDArray[np.uint8]

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.mouths)


def people_of(recipe: Recipe) -> tuple[str, ...]:
    """The first people of the half: even seeds are "a", odd ones "b"; those of the split only."""
    names = (f"person:{seed}" for seed in itertools.count(ord(recipe.half) - ord("a"), 2))
    return tuple(itertools.islice((n for n in names if split_of("identity", n) == recipe.split), recipe.people))


def voices_for(recipe: Recipe) -> tuple[str, ...]:
    """Voices of the split: of training, "a" has the plain engines and "b" the others, where there are others."""
    voices = voices_of(recipe.split)
    if recipe.split != "train":
        return voices
    plain = tuple(v for v in voices if v.partition(":")[0] in _PLAIN)
    other = tuple(v for v in voices if v not in plain)
    return (plain if recipe.half == "a" else other) or voices


def crops(view: View, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Mouths [T, 48, 48] and faces [T, 48, 48, 3] of *view*."""
    from vultus.critics.mouths import MOUTH_SIDE, cut, face

    rng = np.random.default_rng([seed, 0xC417])
    drift = np.cumsum(rng.normal(0, 0.25, (len(view), 1, 2)), axis=0)
    drift -= drift.mean(axis=0)
    mouths, faces = [], []
    for i, frame in enumerate(view.each("frames", "landmarks_478")):
        points = frame["landmarks_478"][:, :2] + np.clip(drift[i], -2, 2) * _WANDER * view.size[0] / 128
        mouths.append(cut(frame["frames"], points, MOUTH_SIDE))
        faces.append(face(frame["frames"], points))
    return tuple(np.clip(np.rint(some), 0, 255).astype(np.uint8) for some in (mouths, faces))  # type: ignore[return-value]


def by_chance(count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """*count* moments of a face: channels [T, 69], a few of them moved, and the weights of emotions [T, 7] in them."""
    from vultus.drivers.articulation import columns_of
    from vultus.drivers.manner import Manner
    from vultus.drivers.style import express

    pairs = sorted({name.removesuffix("Left").removesuffix("Right") for name in ch.ARKIT if "eyeLook" not in name})
    data, weights = np.zeros((count, len(ch.CHANNELS))), np.zeros((count, len(EMOTIONS)))
    for row, emotions in zip(data, weights, strict=True):
        for name in rng.choice(pairs, 1 + rng.poisson(3), replace=False):
            columns, side = columns_of(str(name)), rng.random()
            for i, column in enumerate(columns):
                both = len(columns) == 1 or side > 0.2 or (side > 0.1) == i
                row[column] = rng.beta(1.3, 1.6) * (1.0 if both else 0.2)
        row[ch.INDEX["jawOpen"]] *= 0.7
        row[ch.EYE_LEFT] = row[ch.EYE_RIGHT] = rng.normal(0, (0.12, 0.2, 0.0))
        row[ch.HEAD] = rng.normal(0, (0.1, 0.16, 0.07))
        for i in rng.choice(len(EMOTIONS), rng.choice(3, p=(0.3, 0.5, 0.2)), replace=False):
            emotions[i] = rng.uniform(0.3, 1.0)
    manner = Manner(smile_side=float(np.clip(rng.normal(0, 0.12), -0.35, 0.35)))
    return express(data, dict(zip(EMOTIONS, weights.T, strict=True)), 1.0, manner), weights


def glimpse(recipe: Recipe, index: int) -> Seen:
    """The clip *index* of *recipe* whose person is seen in moments of chance; nothing is heard."""
    from vultus.motion import Motion, clamp
    from vultus.stage.rigs.phone import shoot

    rng = np.random.default_rng([recipe.seed, index, ord(recipe.half), 0x9E17])
    people, count = people_of(recipe), recipe.moments
    data, weights = by_chance(count, rng)
    motion = Motion(clamp(data), Fraction(FPS))
    # Two clips in a row show one person, who is built once.
    person, own = index // 2 % len(people), int(rng.integers(2**31))
    # Between moments nothing moves, so that no shutter may blur it.
    who = parse_identity(people[person])
    (view,) = shoot(who, motion, size=recipe.size, seed=own, held="stand", faults=False)
    mouths, faces = crops(view, own)
    silence = np.full((4 * count, 80), -16, np.float16)
    return Seen(
        mouths, faces, silence, np.zeros(count, bool), np.zeros(count, np.uint8), weights.astype(np.float16),
        motion.expression.astype(np.float16), np.array(person), np.zeros_like(mouths),
    )  # fmt: skip


def see(clip: Clip, person: int, seed: int, again: bool = True) -> Seen:
    """The crops and labels of *clip*, with wrong lips if *again*; landmarks stray a little, as a detector's do."""
    from vultus.signals.features import features
    from vultus.stage.performances import moods_of
    from vultus.stage.plan import Plan

    if clip.motion is None or clip.audio is None:
        raise VultusError(f"The clip {clip.name} has no sound or no motion", "Give a clip of the stage")
    motion, plan = clip.motion, Plan.from_json(clip.labels["plan"])
    mouths, faces = crops(clip.view(0), seed)
    count, times = len(mouths), (np.arange(len(mouths)) + 0.5) / FPS
    heard = features(clip.audio, clip.sample_rate)
    rows = np.minimum(np.arange(4 * count), len(heard) - 1)
    visemes = np.zeros(count, np.uint8)
    for phone in clip.phones:
        visemes[(times >= phone.start) & (times < phone.end)] = ch.VISEMES.index(phone.viseme)
    weights = np.zeros((count, len(EMOTIONS)), np.float16)
    for mood in moods_of(plan, float(motion.duration)):
        weights[(times >= mood.start) & (times < mood.end), EMOTIONS.index(mood.name)] = mood.weight
    return Seen(
        mouths, faces,
        heard.mel[rows].astype(np.float16), heard.speech[rows].reshape(count, 4).mean(axis=1) > 0.5, visemes, weights,
        motion.expression[:count].astype(np.float16), np.array(person),
        _wrong_mouths(clip, motion, clip.audio, plan, seed) if again else np.zeros_like(mouths),
    )  # fmt: skip


def _wrong_mouths(clip: Clip, motion: Motion, audio: NDArray[np.float32], plan: Plan, seed: int) -> NDArray[np.uint8]:
    """The mouths [T, 48, 48] of *clip*, filmed once more while the lips do not say what is heard."""
    from vultus.lab.wrong_lips import wrong
    from vultus.stage.rigs.phone import shoot

    other = wrong(motion, audio, np.random.default_rng([seed, 0x3A15E]))
    (view,) = shoot(parse_identity(clip.identity), other, size=plan.size, seed=plan.seed)
    return crops(view, seed)[0]


def _make(job: tuple[Recipe, int, str]) -> str:
    from vultus.stage.clips import make
    from vultus.stage.plan import draw

    recipe, index, path = job
    if recipe.moments:
        return _keep(glimpse(recipe, index), recipe, path)
    people = people_of(recipe)
    plan = draw(
        recipe.seed, index, rig="phone", size=recipe.size, fps=FPS, seconds=recipe.seconds, voices=voices_for(recipe),
        people=people, split=recipe.split,
    )  # fmt: skip
    return _keep(see(make(plan), people.index(plan.identity), plan.seed, recipe.wrong), recipe, path)


def _keep(seen: Seen, recipe: Recipe, path: str) -> str:
    part = Path(f"{path}.part")
    with part.open("wb") as file:
        np.savez(file, format=FORMAT, version=VERSION, recipe=json.dumps(kind(recipe)), **vars(seen))
    part.replace(path)
    return path


def kind(recipe: Recipe) -> dict[str, Any]:
    """What decides what a clip is: all but how many there are, and what goes without saying."""
    left_out = ("count", *(("moments",) * (not recipe.moments)), *(("wrong",) * recipe.wrong))
    return {name: value for name, value in asdict(recipe).items() if name not in left_out}


def _begin() -> None:
    """A worker keeps to one thread: the others have theirs."""
    from vultus.render.threads import set_threads

    set_threads(1)


def read(path: Path, recipe: Recipe) -> Seen | None:
    """A kept clip, or None where it is missing, broken or of another recipe."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if (str(kept["format"]), int(kept["version"]), json.loads(str(kept["recipe"]))) == (
                FORMAT, VERSION, kind(recipe),
            ):  # fmt: skip
                return Seen(**{name: kept[name] for name in Seen.__dataclass_fields__})
    except (OSError, ValueError, KeyError, EOFError):
        pass
    return None


def gather(recipe: Recipe, folder: Path, workers: int = 1) -> list[Seen]:
    """The clips of *recipe*, made where they are not kept in *folder* yet; the same whatever the *workers*."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{recipe.split}-{recipe.half}-{recipe.seed}" + f"-{recipe.moments}" * bool(recipe.moments)
    name += "-once" * (not recipe.wrong)
    paths = [folder / f"{name}-{i:05d}.npz" for i in range(recipe.count)]
    missing = [(recipe, i, str(path)) for i, path in enumerate(paths) if read(path, recipe) is None]
    for done, _ in enumerate(_made(missing, workers), 1):
        if done % 20 == 0:
            print(f"{done} of {len(missing)} clips", flush=True)
    kept = [read(path, recipe) for path in paths]
    if None in kept:
        raise VultusError(f"Clips in {folder} cannot be read back", "Empty the folder, or choose another")
    return [clip for clip in kept if clip is not None]


def _made(jobs: Sequence[tuple[Recipe, int, str]], workers: int) -> Iterator[str]:
    if workers <= 1 or len(jobs) < 2:
        yield from map(_make, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin) as pool:
        yield from pool.map(_make, jobs)


# --- batches --------------------------------------------------------------------------------------------------------


class Windows:
    """Batches of windows of *length* frames as ``lab.train`` takes them, with pictures changed as cameras change them.

    *fields* are those of :class:`Seen` that the network reads. With *still*, nothing is changed: for measuring.
    """

    def __init__(self, clips: Sequence[Seen], fields: Sequence[str], length: int, still: bool = False) -> None:
        self._clips = [clip for clip in clips if len(clip) >= length]
        if not self._clips:
            raise VultusError(f"No clip has {length} frames", "Make longer clips")
        self._fields, self._length, self._still = tuple(fields), length, still

    def batch(self, step: int, size: int, seed: int) -> dict[str, NDArray[Any]]:
        """*size* windows: a function of *seed* and *step* alone."""
        rng = np.random.default_rng([seed, step, 0xBA7C])
        rows: dict[str, list[NDArray[Any]]] = {name: [] for name in self._fields}
        for _ in range(size):
            clip = self._clips[int(rng.integers(len(self._clips)))]
            first = int(rng.integers(len(clip) - self._length + 1))
            mirrored, change = bool(rng.integers(2)) and not self._still, rng.normal(size=4)
            for name in self._fields:
                rows[name].append(self._window(clip, name, first, mirrored, change, rng))
        return {name: np.stack(some) for name, some in rows.items()}

    def _window(
        self, clip: Seen, name: str, first: int, mirrored: bool, change: NDArray[Any], rng: np.random.Generator
    ) -> NDArray[Any]:
        value, n = getattr(clip, name), self._length
        if name == "person":
            return np.asarray(value)
        if name == "mel":
            x = value[4 * first : 4 * (first + n)].astype(np.float32)
            return x if self._still else x + np.float32(0.5 * change[0])
        x = value[first : first + n]
        if name == "units" and mirrored:
            x = x[:, ch.MIRROR_SOURCE[ch.EXPRESSION]]
        if name not in ("mouths", "faces", "wrong"):
            return np.asarray(x, np.float32)
        x = x[:, :, ::-1] if mirrored else x
        pictures = x.astype(np.float32) if self._still else _camera(x.astype(np.float32), change, rng)
        return pictures if name != "faces" else np.ascontiguousarray(np.moveaxis(pictures, 3, 1))


def _camera(pictures: NDArray[np.float32], change: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Pictures [T, S, S, …] of one clip shifted, blurred, with other contrast and light, and with noise."""
    dx, dy = np.clip(np.rint(1.5 * change[:2]), -3, 3).astype(int)
    out: NDArray[Any] = np.roll(pictures, (dy, dx), axis=(1, 2))
    if change[2] > 0.3:  # soft, as small faces in small videos are
        out = (out + np.roll(out, 1, 1) + np.roll(out, 1, 2) + np.roll(out, (1, 1), (1, 2))) / 4
    bent = 255 * (np.clip(out, 0, 255) / 255) ** float(np.exp(0.3 * change[3]))
    noise = rng.normal(0, 2 + 2 * abs(float(change[0])), out.shape)
    return np.asarray(np.clip(bent + noise, 0, 255), np.float32)
