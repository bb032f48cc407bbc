"""The picture of docs/lips.md: ``python -m vultus.lab.lips_sheet FILE``: words as a reader of lips sees them.

For some words of the real clip, mouths of the clip itself and of a drawn person who says the same at the same time,
with either set of targets; each as grey and as large as the reader gets them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vultus import store
from vultus.critics.mouths import SIDE, mouths
from vultus.drivers.articulation import articulate
from vultus.drivers.target_sets import SETS, targets_named
from vultus.io import audio
from vultus.io.image import write_image
from vultus.lab.judge_figures import SAID
from vultus.lab.photo_real import CLIP, filmed
from vultus.lab.read_words import FPS, FRAMES, RATE, Mouth
from vultus.lab.stage_sheet import font
from vultus.signals.align import align, word_times

U8 = NDArray[np.uint8]
WORDS: Final = ("today", "after", "together")
PERSON: Final = "person:74"
EACH: Final = 3
"""Every third of the 29 frames is shown."""
_TITLE, _LEFT = 16, 70
_BACK, _INK = (250, 250, 248), (30, 32, 36)


def sheet(rows: list[tuple[str, str, NDArray[np.float32]]]) -> U8:
    """The picture uint8 [H, W, 3] of rows: the word, whose mouth it is, and its film [29, 88, 88]."""
    shown = -(-FRAMES // EACH)
    heads = [word for i, (word, _, _) in enumerate(rows) if not i or rows[i - 1][0] != word]
    picture = Image.new("RGB", (_LEFT + shown * SIDE, len(rows) * SIDE + len(heads) * _TITLE), _BACK)
    draw, top, last = ImageDraw.Draw(picture), 0, ""
    for word, who, film in rows:
        if word != last:
            draw.text((4, top + 1), f"“{word}”", _INK, font(12))
            top, last = top + _TITLE, word
        draw.text((4, top + SIDE // 2 - 6), who, _INK, font(11))
        for i, mouth in enumerate(film[::EACH]):
            grey = Image.fromarray(np.clip(np.round(mouth), 0, 255).astype(np.uint8))
            picture.paste(grey, (_LEFT + i * SIDE, top))
        top += SIDE
    return np.asarray(picture)


def films() -> Iterator[tuple[str, str, NDArray[np.float32]]]:
    """What :func:`sheet` takes. VultusError where the clip cannot be had."""
    samples = audio.read(store.path(CLIP), RATE)
    phones, words = align(samples, SAID), word_times(samples, SAID)
    pictures, film = filmed()
    real = [mouth if mouth is not None else np.zeros((SIDE, SIDE), np.float32) for mouth in mouths(pictures)]
    mouth = Mouth(PERSON)
    for wanted in WORDS:
        start, end = next((start, end) for word, start, end in words if word == wanted)
        times = (start + end) / 2 + (np.arange(FRAMES) - FRAMES // 2) / float(FPS)
        at = np.clip(np.round(times * float(film.fps)).astype(int), 0, len(real) - 1)
        yield wanted, "real", np.stack([real[i] for i in at])
        for name in SETS:
            yield wanted, name, mouth.film(articulate(phones, times, targets=targets_named(name)).data)


def write(path: str | Path) -> Path:
    """Draw the sheet and write it."""
    write_image(path, sheet(list(films())))
    return Path(path)


if __name__ == "__main__":
    print(f"Wrote {write(sys.argv[1])}")
