"""How near a photo that moves is to the person who was photographed, drawn or real, and how fast it is.

A drawn person at rest is the photo; for every frame the person is drawn anew as the truth. Beside the photo's head
stand the photo itself, unmoved, and the photo warped in the plane so that its 478 landmarks come to those that the
tracker finds in the truth (which the head does not get to see).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.critics import identity
from vultus.defaults import SIZE
from vultus.heads.person import PersonHead
from vultus.heads.photo import PhotoHead
from vultus.io.video import write_video
from vultus.lab import photo_real
from vultus.lab.bench import Figure, both
from vultus.lab.photo_near import Near, near, warped
from vultus.lab.sheets import moved
from vultus.motion import Motion
from vultus.observers.fit import fit
from vultus.observers.tracker import Tracker
from vultus.photo import file

U8 = NDArray[np.uint8]

PEOPLE: Final = ("person:14", "person:3", "person:8")
ACTS: Final[dict[str, tuple[dict[str, float], ...]]] = {
    "speech": (
        {"jawOpen": 0.3}, {"jawOpen": 0.5, "mouthLowerDown": 0.2}, {"mouthFunnel": 0.6, "jawOpen": 0.2},
        {"mouthPucker": 0.7, "jawOpen": 0.05}, {"mouthStretch": 0.5, "jawOpen": 0.15},
        {"mouthRollLower": 0.6, "mouthUpperUp": 0.3, "jawOpen": 0.1},
    ),
    "expressions": (
        {"mouthSmile": 0.8}, {"eyeBlink": 1.0}, {"browInnerUp": 0.8, "browOuterUp": 0.6}, {"browDown": 0.8},
        {"gaze": 15.0},
    ),
    "turns within yaw 15, pitch 8, roll 10": (
        {"yaw": 15.0}, {"yaw": -8.0}, {"pitch": 8.0}, {"pitch": -6.0}, {"roll": 10.0, "jawOpen": 0.2},
    ),
    "turns at the limits": ({"yaw": 20.0}, {"yaw": -20.0}, {"pitch": 12.0}, {"pitch": -12.0}, {"roll": 15.0}),
}  # fmt: skip
"""What the people do, by name: shapes of ARKit (of both sides where there are two), and degrees."""


_FRESH: Final = """import sys
import numpy as np
from vultus.heads.photo import PhotoHead
PhotoHead(sys.argv[1]).frame(np.zeros(69, np.float32))
import time
print(time.time())
"""


def truth(people: tuple[str, ...], size: int) -> Iterator[tuple[str, str, Near]]:
    """For every group of ACTS and every way: its name, the way, and what was measured over the people."""
    tracker = Tracker()
    sums = {(act, way): Near() for act in ACTS for way in ("photo head", "photo copied", "warp in the plane")}
    for person in people:
        truthful = PersonHead(person, size=(size, size))
        photo = truthful.frame(moved({})).copy()
        seen = tracker.track(photo, fresh=True)
        if seen is None:
            continue
        head = PhotoHead(photo, size=size)
        code = identity.descriptor(photo, identity.five_points(seen.landmarks))
        for act, frames in ACTS.items():
            for values in frames:
                row = moved(values)
                true = truthful.frame(row).copy()
                told = tracker.track(true, fresh=True)
                if told is None:
                    continue
                flat = warped(photo, seen.landmarks[:, :2], told.landmarks[:, :2])
                for way, made in (
                    ("photo head", head.frame(row)),
                    ("photo copied", photo),
                    ("warp in the plane", flat),
                ):
                    near(made, true, told, code, tracker, sums[act, way])
    for (act, way), some in sums.items():
        yield act, way, some


def figures(quick: bool) -> Iterator[Figure]:
    """Everything that ``vultus bench --photo`` prints; fewer people and smaller pictures with *quick*."""
    people, size = (PEOPLE[:1], 256) if quick else (PEOPLE, SIZE)
    for act, way, some in truth(people, size):
        name = f"{act}: {way}"
        ours = way == "photo head"
        for what, unit, values in some.rows():
            bound = ("<= 0.40" if "limits" in act else "<= 0.30") if ours and what == "identity distance" else ""
            yield Figure(f"{name}, {what}", unit, statistics.mean(values), None, bound)
    yield from photo_real.figures(quick)
    yield from _speed(3 if quick else 9)


def _speed(repeats: int) -> Iterator[Figure]:
    photo = PersonHead(PEOPLE[0], size=(SIZE, SIZE)).frame(moved({})).copy()
    face = Tracker().track(photo, fresh=True)
    many, one = both(lambda: fit(photo, face), repeats)
    yield Figure("fit a face that was found", "s", many, one, "<= 2")
    head = PhotoHead(photo, size=SIZE)
    began = time.perf_counter()
    head.bake()
    yield Figure("take a photo apart, 512x512", "s", time.perf_counter() - began)
    values = np.linspace(0, 1, 24)
    data = np.stack([moved({"jawOpen": 0.5 * v, "yaw": 12 * v, "eyeBlink": v}) for v in values])
    clip = Motion(data, Fraction(30))
    for size, bound in ((512, "<= 25"), (1080, "<= 100")):
        large = head if size == 512 else PhotoHead(_doubled(photo), size=size)
        many, one = both(lambda h=large: list(h.frames([clip])), max(repeats // 3, 1))  # type: ignore[misc]
        yield Figure(f"frame, {size}x{size}", "ms", many * 1e3 / len(data), one * 1e3 / len(data), bound)
    yield from _filmed(head, clip, repeats)
    yield from _begun(head, data[3], repeats)


def _filmed(head: PhotoHead, clip: Motion, repeats: int) -> Iterator[Figure]:
    """How long a frame takes until it lies in a file."""
    whole = [clip] * 4
    count = sum(map(len, whole))
    with TemporaryDirectory() as folder:

        def film() -> None:
            write_video(Path(folder) / "film.mp4", head.frames(whole), fps=clip.fps)

        many, one = both(film, max(repeats // 3, 1))
    yield Figure("frame, 512x512, with encoding", "ms", many * 1e3 / count, one * 1e3 / count, "<= 25")


def _begun(head: PhotoHead, row: NDArray[np.float32], repeats: int) -> Iterator[Figure]:
    """How long somebody waits for the first picture, here and in a new process."""
    fitted, repeats = head.fitted, max(repeats // 3, 1)
    first, one = both(lambda: PhotoHead(fitted, size=SIZE).frame(row), repeats)
    yield Figure("first frame of a fitted photo, in a running process", "s", first, one, "<= 0.3")
    with TemporaryDirectory() as folder:
        name = Path(folder) / "one.face"
        file.write(name, fitted)
        PhotoHead(name, size=SIZE).bake()
        first, one = both(lambda: PhotoHead(name, size=SIZE).frame(row), repeats)
        fresh = statistics.median(_waited(name) for _ in range(repeats))
    yield Figure("first frame of a .face file, in a running process", "s", first, one, "<= 0.3")
    yield Figure("first frame of a .face file, in a new process from its start on", "s", fresh, None, "<= 1")


def _waited(name: Path) -> float:
    """Seconds from the start of a new process to its first picture of the .face file *name*."""
    began = time.time()
    done = subprocess.run([sys.executable, "-c", _FRESH, name], check=True, capture_output=True, text=True)
    return float(done.stdout) - began


def _doubled(photo: U8) -> U8:
    from PIL import Image

    return np.array(Image.fromarray(photo).resize((1080, 1080), Image.Resampling.BICUBIC))
