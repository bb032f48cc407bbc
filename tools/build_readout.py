"""Learn the tracker's readout from drawn people: ``python tools/build_readout.py [--people N] [--out FILE]``.

Each person shows every channel alone at some strengths, every head turn, and random mixtures; the tracker looks at
the pictures, and at the same pictures after a poor camera. One ridge regression from landmarks and scores, less those
of the person's own neutral face, gives the channels; the mirror image of every picture counts too. Brows are read from
landmarks above all: of thick brows and in poor pictures the networks' score says nothing. The quality that is written
is measured by leaving each person out. A channel that the landmarks show too badly (`LEAST`) keeps the networks' own
score.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vultus import channels as ch
from vultus.heads.person import PersonHead
from vultus.io.files import atomic
from vultus.observers.readout import FEATURES, FORMAT, GAZE, READ, VERSION, features
from vultus.observers.tracker import SCORED, Face, Tracker
from vultus.person.landmarks import places

OUT = Path(__file__).resolve().parent.parent / "src" / "vultus" / "data" / "readout.npz"
FIRST = 300  # the first person's seed; tests and tables use others
LIGHTS = ("studio", "window", "office", "overcast", "webcam", "ring")
SIZE = 256
RIDGE = 3.0
LEAST = 0.65  # correlation from which a channel is read from landmarks
GAIN, GAIN_OF_BROWS = 0.9, 1.0  # what is asked of the gain on people left out
MOST = 1.5  # how far weights are raised for it
POOR_COUNT = 0.3  # of a picture after a poor camera against a good one, in the regression
SCORES = {"browInner": 0.1, "browOuter": 0.1, "browDown": 0.3}  # the size that scores have against landmarks, if not 1
TURNS = {
    "X": (-0.35, -0.2, -0.1, 0.1, 0.2, 0.35),
    "Y": (-0.6, -0.4, -0.25, -0.12, 0.12, 0.25, 0.4, 0.6),
    "Z": (-0.4, -0.2, 0.2, 0.4),
}
PAIRS = {
    "mouthSmile": (0.3, 0.6, 1.0), "eyeBlink": (0.25, 0.5, 0.75, 1.0), "browOuterUp": (0.5, 1.0),
    "browDown": (0.5, 1.0),
}  # fmt: skip
ALONE = {
    "jawOpen": (0.1, 0.2, 0.3, 0.5, 0.7), "browInnerUp": (0.3, 0.6, 1.0), "mouthPucker": (0.5, 1.0),
    "mouthFunnel": (0.5, 1.0),
}  # fmt: skip
MIXTURES, TOGETHER = 40, 40
POOR = (88, 150)  # pixels along the side of a picture after a poor camera


def poses(seed: int) -> Iterator[dict[str, float]]:
    """What a person shows, the neutral face first."""
    rng = np.random.default_rng(seed)
    yield {}
    for axis, angles in TURNS.items():
        yield from ({f"headRotation{axis}": angle} for angle in angles)
    for name, values in PAIRS.items():
        yield from ({f"{name}Left": value, f"{name}Right": value} for value in values)
    for name, values in ALONE.items():
        yield from ({name: value} for value in values)
    for value in (0.5, 1.0):
        yield {"browInnerUp": value, "browOuterUpLeft": value, "browOuterUpRight": value}
    for axis, angles in (("Y", (-0.4, -0.2, 0.2, 0.4)), ("X", (-0.3, -0.15, 0.15, 0.3))):
        yield from ({f"eye{side}Rotation{axis}": angle for side in ("Left", "Right")} for angle in angles)
    for name in READ[: -len(GAZE)]:
        if not name.startswith(("eyeBlink", "mouthSmile", *ALONE)):
            yield {name: 0.3, "jawOpen": 0.3} if name == "mouthClose" else {name: 0.6}
    yield from ({name: 1.0} for name in ("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"))
    yield from (_mixture(rng) for _ in range(MIXTURES))
    yield from (_together(rng) for _ in range(TOGETHER))


def _mixture(rng: np.random.Generator) -> dict[str, float]:
    names = rng.choice(READ[: -len(GAZE)], rng.integers(1, 5), replace=False)
    out = {str(name): float(rng.uniform(0.1, 0.8)) for name in names}
    if rng.uniform() < 0.5:
        out["jawOpen"] = float(rng.uniform(0, 0.5))
    for name in ("eyeBlink", "mouthSmile"):
        if rng.uniform() < 0.3:
            out[f"{name}Left"] = out[f"{name}Right"] = float(rng.uniform())
    return out | _turned(rng)


def _together(rng: np.random.Generator) -> dict[str, float]:
    """Both sides alike, and what goes together, as in most of what people do."""
    out: dict[str, float] = {}
    up, down, smile, blink, jaw, pucker = rng.uniform(0.15, 1, 6) * (
        rng.uniform(size=6) < (0.45, 0.5, 0.5, 0.4, 0.6, 0.4)
    )
    for name, value in (
        ("browOuterUp", up),
        ("browDown", 0 if up else down),
        ("mouthSmile", smile),
        ("eyeBlink", blink),
    ):
        out[f"{name}Left"] = out[f"{name}Right"] = float(value)
    out |= {"browInnerUp": float(up), "jawOpen": float(0.7 * jaw), "mouthPucker": 0.0 if smile else float(pucker)}
    return out | _turned(rng)


def _turned(rng: np.random.Generator) -> dict[str, float]:
    out = {f"headRotation{axis}": float(rng.normal(0, w)) for axis, w in zip("XYZ", (0.12, 0.2, 0.12), strict=True)}
    for axis, width in (("Y", 0.15), ("X", 0.1)):
        out[f"eyeLeftRotation{axis}"] = out[f"eyeRightRotation{axis}"] = float(rng.normal(0, width))
    return out


def wanted(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values of READ in a frame [69]."""
    eyes = (row[ch.EYE_LEFT] + row[ch.EYE_RIGHT])[:2] / 2
    return np.append(row[[ch.INDEX[name] for name in READ[: -len(GAZE)]]], eyes)


def mirrored(face: Face) -> NDArray[np.float64]:
    """The features of a face's mirror image."""
    return features(face.upright[places().mirror] * (-1, 1, 1), face.scores[ch.MIRROR_SOURCE[: len(ch.ARKIT)]])


def poor(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """*picture* [S, S, 3] as a poor camera gives it: *side* pixels wide, compressed, and enlarged again."""
    small = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
    packed = BytesIO()
    small.save(packed, "JPEG", quality=60)
    return np.asarray(Image.open(packed).resize(picture.shape[:2], Image.Resampling.BICUBIC))


Learned = tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float64]]


def shown(seed: int, tracker: Tracker) -> tuple[Learned, Learned]:
    """Features less the neutral ones [2 T, F] of a person's pictures and of their mirror images, the truth
    [2 T, len(READ)], and the features of the neutral face [F]; of the pictures as they are, and after a poor camera."""
    head = PersonHead(f"person:{seed}", size=(SIZE, SIZE), light=LIGHTS[seed % len(LIGHTS)])
    side = int(np.random.default_rng(seed).integers(*POOR))
    rows: list[NDArray[np.float32]] = []
    pictures: list[NDArray[np.uint8]] = []
    for pose in poses(seed):
        row = np.zeros(len(ch.CHANNELS), np.float32)
        row[[ch.INDEX[name] for name in pose]] = list(pose.values())
        rows.append(np.clip(row, ch.LOW, ch.HIGH))
        pictures.append(head.frame(rows[-1]).copy())
    worn = [poor(picture, side) for picture in pictures]
    name = f"person:{seed}"
    return _features(name, rows, pictures, tracker), _features(name, rows, worn, tracker)


def _features(
    name: str, rows: list[NDArray[np.float32]], pictures: list[NDArray[np.uint8]], tracker: Tracker
) -> Learned:
    faces = [tracker.track(picture, fresh=True) for picture in pictures]
    if faces[0] is None:
        raise SystemExit(f"{name} is not found with a neutral face")
    seen = [(features(face.upright, face.scores), mirrored(face)) for face in faces if face is not None]
    rows = [row for row, face in zip(rows, faces, strict=True) if face is not None]
    ours, theirs = (np.array([pair[i] for pair in seen]) for i in range(2))
    truth = np.array([wanted(row) for row in rows] + [wanted(row[ch.MIRROR_SOURCE] * ch.MIRROR_SIGN) for row in rows])
    return np.concatenate([ours - ours[0], theirs - theirs[0]]), truth, ours[0]


def ridge(people: list[tuple[Learned, Learned]]) -> NDArray[np.float64]:
    """Weights [FEATURES, len(READ)] of the ridge regression of the truth on the features of *people*."""
    sizes = (1.0, POOR_COUNT)
    x = np.concatenate([size * one[0] for both in people for size, one in zip(sizes, both, strict=True)])
    y = np.concatenate([size * one[1] for both in people for size, one in zip(sizes, both, strict=True)])
    products, given = x.T @ x, x.T @ y
    out = np.zeros((FEATURES, len(READ)))
    size_of = np.array([next((s for start, s in SCORES.items() if name.startswith(start)), 1.0) for name in READ])
    for size in np.unique(size_of):
        scale = np.ones(FEATURES)
        scale[3 * len(SCORED) :] = size
        some = size_of == size
        normal = products * np.outer(scale, scale) + RIDGE * np.eye(FEATURES)
        out[:, some] = scale[:, None] * np.linalg.solve(normal, scale[:, None] * given[:, some])
    return out


def main() -> None:
    """Show, learn, check on those left out, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=18)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    tracker = Tracker()
    people: list[tuple[Learned, Learned]] = []
    for seed in range(FIRST, FIRST + options.people):
        people.append(shown(seed, tracker))
        print(f"person:{seed}", flush=True)
    learn(people, options.out)


def learn(people: list[tuple[Learned, Learned]], out: Path) -> None:
    """The readout of *people* as `shown` gives them, written to *out*, with a line for each channel."""
    guesses = []
    for i, (good, _) in enumerate(people):
        guesses.append(good[0] @ ridge([both for j, both in enumerate(people) if j != i]))
    guess, truth = np.concatenate(guesses), np.concatenate([good[1] for good, _ in people])
    guess[:, : -len(GAZE)] = guess[:, : -len(GAZE)].clip(0, 1)
    weights = ridge(people)
    quality = np.zeros(len(READ))
    for i, name in enumerate(READ):
        quality[i] = np.corrcoef(guess[:, i], truth[:, i])[0, 1]
        kept = quality[i] >= LEAST or name in GAZE
        gain = float(guess[:, i] @ truth[:, i] / (truth[:, i] @ truth[:, i]))
        weights[:, i] *= np.clip((GAIN_OF_BROWS if name.startswith("brow") else GAIN) / max(gain, 1e-3), 1, MOST)
        if not kept:
            score = 3 * len(SCORED) + ch.INDEX[name]
            weights[:, i] = np.arange(FEATURES) == score
            seen = np.concatenate([good[0][:, score] for good, _ in people])
            quality[i] = np.corrcoef(seen, truth[:, i])[0, 1] if np.ptp(seen) > 0 else 0.0
        print(f"{name:<20}{quality[i]:6.2f}{gain:6.2f}{'' if kept else '  the networks score'}")
    neutral = np.array([one[2] for both in people for one in both]) @ weights
    with atomic(out) as path:
        np.savez_compressed(
            path, format=np.array(FORMAT), version=np.array(VERSION), weights=weights.astype(np.float32),
            neutral=neutral.mean(0), spread=neutral.std(0), quality=quality,
        )  # fmt: skip


if __name__ == "__main__":
    main()
