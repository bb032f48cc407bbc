"""Films of spoken words for the reader of real lips: words, voices, people and lights in two halves, and their mouths.

What targets are tuned on and what they are judged by share nothing: words go to a half by a hash of how they begin (so
"benefit" and "benefits" stay together), voices and lights by lists, people by the stage's splits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.critics.mouths import LIPS, STEADY, placed, steadied
from vultus.errors import VultusError, unknown
from vultus.heads.person import PersonHead
from vultus.lab.judge_figures import SAID
from vultus.person.landmarks import landmarks
from vultus.person.light import RIGS
from vultus.signals.align import word_times
from vultus.signals.phones import Phone
from vultus.stage.splits import split_of
from vultus.voices.engines import speak

F32 = NDArray[np.float32]
Half = Literal["tuning", "test"]
HALVES: Final[tuple[Half, ...]] = ("tuning", "test")
RATE: Final = 16000
FPS: Final = Fraction(25)
FRAMES: Final = 29
"""Frames of a film: the word's middle is in the middle one, as in LRW."""
CARRIERS: Final = (
    "Yesterday they said {} again.", "We believe that {} is the word.", "Now he wrote {} on the paper.",
)  # fmt: skip
"""What the words are said in."""
VOICES: Final[dict[Half, tuple[str, ...]]] = {
    "tuning": (
        "flite:slt", "flite:awb", "flite:kal", "flite:rms", "espeak:en-us", "espeak:en-us+f3", "espeak:en-gb",
        "kokoro:jf_alpha", "kokoro:jm_kumo",
    ),
    "test": (
        "hibari", "festival:cmu_us_slt_arctic_hts", "festival:kal_diphone", "festival:ked_diphone",
        "kokoro:jf_gongitsune", "kokoro:jf_nezumi", "kokoro:jf_tebukuro",
    ),
}  # fmt: skip
"""Who says them; those that are not installed are left out."""
PEOPLE: Final = 10
"""People of each half."""
LIGHTS: Final[dict[Half, tuple[str, ...]]] = {"tuning": tuple(RIGS)[::2], "test": tuple(RIGS)[1::2]}
_PICTURE: Final = 104  # pixels: a crop of 88 and room for the mouth to move in it
_BEGIN: Final = 5  # letters by which words go to a half


def words_of(half: Half) -> tuple[str, ...]:
    """The words of a half, in capitals, in the order of the alphabet; those of the real clip are in the test half."""
    from vultus.critics.lip_reader import words

    if half not in HALVES:
        raise unknown("half", half, HALVES)
    real = {word.strip(",.").upper()[:_BEGIN] for word in SAID.split()}

    def tuning(word: str) -> bool:
        digest = hashlib.blake2b(f"half:{word[:_BEGIN]}".encode(), digest_size=8).digest()
        return word[:_BEGIN] not in real and digest[0] % 2 == 0

    return tuple(word for word in words() if tuning(word) == (half == "tuning"))


@lru_cache(maxsize=2)
def voices_of(half: Half) -> tuple[str, ...]:
    """The voices of a half that are installed; VultusError where none is."""
    from vultus.voices.engines import find

    found = []
    for voice in VOICES[half]:
        try:
            find(voice)
        except VultusError:
            continue
        found.append(voice)
    if not found:
        raise VultusError(f"No voice of the {half} half is installed", "Install one: pip install 'vultus[stage]'")
    return tuple(found)


@lru_cache(maxsize=2)
def people_of(half: Half) -> tuple[str, ...]:
    """The people of a half: the first of the stage's split "train" or "test"."""
    split = "train" if half == "tuning" else "test"
    found: list[str] = []
    for seed in count(1):
        if split_of("identity", f"person:{seed}") == split:
            found.append(f"person:{seed}")
        if len(found) == PEOPLE:
            break
    return tuple(found)


@dataclass(frozen=True)
class Draw:
    """One film to make: who says which word in which carrier, seen as whom in which light."""

    word: str
    carrier: int
    voice: str
    person: str
    light: str

    @property
    def text(self) -> str:
        """What is said."""
        return CARRIERS[self.carrier].format(self.word.lower())


def draws(half: Half, number: int, seed: int) -> list[Draw]:
    """*number* films of a half, no word twice as long as there are others; people in order, so that few are built."""
    rng = np.random.default_rng([seed, HALVES.index(half), 0x11B5])
    words, voices, people, lights = words_of(half), voices_of(half), people_of(half), LIGHTS[half]
    found = []
    for i in range(number):
        if i % len(words) == 0:
            order = rng.permutation(len(words))
        found.append(
            Draw(
                words[order[i % len(words)]],
                int(rng.integers(len(CARRIERS))),
                str(rng.choice(voices)),
                str(rng.choice(people)),
                str(rng.choice(lights)),
            )
        )
    return sorted(found, key=lambda d: (people.index(d.person), d.light))


def one_light_each(some: Sequence[Draw], half: Half, seed: int) -> list[Draw]:
    """*some* with each person in one light, another for another *seed*, so that few looks are built."""
    people, lights = people_of(half), LIGHTS[half]
    return [replace(draw, light=lights[(people.index(draw.person) + seed) % len(lights)]) for draw in some]


@dataclass(frozen=True, eq=False)
class Spoken:
    """A drawn sentence as it was said: samples at 16 kHz, phones with exact times, and the word's middle in seconds.

    The middle is a whole number of frames, so that films of all drivers show the same moments.
    """

    draw: Draw
    samples: F32
    phones: tuple[Phone, ...]
    middle: float

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of the film's frames, [29]."""
        return self.middle + (np.arange(FRAMES) - FRAMES // 2) / float(FPS)

    def window(self, rows: F32) -> F32:
        """The film's frames of *rows* [T, 69], a motion at 25 frames a second from 0 s on; its ends are held."""
        first = round(self.middle * FPS) - FRAMES // 2
        return rows[np.clip(np.arange(first, first + FRAMES), 0, len(rows) - 1)]


def said(draw: Draw) -> Spoken | None:
    """*draw* spoken; None where the word cannot be found in the sound."""
    samples, phones = speak(draw.text, voice=draw.voice, rate=RATE)
    found = [(start, end) for word, start, end in word_times(samples, draw.text) if word.upper() == draw.word]
    if not found:
        return None
    start, end = found[0]
    return Spoken(draw, samples, tuple(phones), round((start + end) / 2 * FPS) / float(FPS))


class Mouth:
    """One person in one light, of whom only the mouth is drawn, as large as lip readers see it.

    The crop is that of ``critics.mouths``, from landmarks that are known from the mesh.
    """

    def __init__(self, person: str, light: str = "studio", sharp: float = 1.0) -> None:
        """*sharp* is how many pixels of the picture one of the crop takes along each side."""
        side = round(_PICTURE * sharp)
        self._head = PersonHead(person, size=(side, side), light=light)
        portrait, mesh = self._head.portrait, self._head.mesh_data
        marks = landmarks(mesh, mesh.neutral)
        camera = portrait.camera
        pixels, _ = camera.project(marks)
        focal = camera.focal[0] * placed(pixels[list(STEADY)])[0] * sharp
        middle = marks[list(LIPS)].mean(axis=0)
        centred = Camera(side, side, (focal, focal), (0, 0), camera.world_to_camera)
        x, y = centred.project(middle)[0]
        portrait.aim(Camera(side, side, (focal, focal), (side / 2 - x, side / 2 - y), camera.world_to_camera))

    def pictures(self, rows: F32) -> Iterator[tuple[NDArray[np.uint8], F32]]:
        """The picture and the landmarks [478, 2] in pixels of each of *rows* [T, 69]; heads are best still."""
        mesh, camera = self._head.mesh_data, self._head.camera
        picture, marks = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 2), np.float32)
        for i, row in enumerate(rows):
            if not i or (row != rows[i - 1]).any():  # still mouths are drawn once
                picture = self._head.frame(row)
                marks = camera.project(landmarks(mesh, self._head.vertices(row)))[0].astype(np.float32)
            yield picture, marks

    def film(self, rows: F32) -> F32:
        """Grey mouths [T, 88, 88], 0 to 255, of *rows* [T, 69]."""
        return np.stack([mouth for mouth in steadied(self.pictures(rows)) if mouth is not None])


@lru_cache(maxsize=2)
def mouth_of(person: str, light: str) -> Mouth:
    """The :class:`Mouth` of a person; the last two are kept."""
    return Mouth(person, light)


Rows = Callable[[Spoken], dict[str, F32]]


def read(some: Iterable[Spoken], rows: Rows, step: Callable[[], None] = lambda: None) -> dict[str, NDArray[np.float32]]:
    """The reader's scores [N, 500] of every row: *rows* makes the motions [29, 69] by name of what was said."""
    from vultus.critics.lip_reader import scores

    found: dict[str, list[NDArray[np.float32]]] = {}
    for spoken in some:
        mouth = mouth_of(spoken.draw.person, spoken.draw.light)
        for name, motion in rows(spoken).items():
            found.setdefault(name, []).append(scores([mouth.film(motion)])[0])
        step()
    return {name: np.stack(table) for name, table in found.items()}


def ranks(table: NDArray[np.float32], words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ranks [N] of the right *words* by scores [N, 500], 1 is best; and the median rank in each film of the words
    of the other films, which is chance: about 250."""
    from vultus.critics.judges import word_ranks
    from vultus.critics.lip_reader import words as known

    place = {word: i for i, word in enumerate(known())}
    columns = np.array([place[word] for word in words])
    # A rank is one more than how many words score higher.
    every = 1 + (table[:, None, :] > table[:, columns, None]).sum(axis=2)
    other = columns[None] != columns[:, None]
    chance = [float(np.median(row[some])) if some.any() else np.nan for row, some in zip(every, other, strict=True)]
    return word_ranks(table, tuple(words), known()), np.array(chance)
