"""What a reader of real lips reads off people who say what a real clip says: its words' ranks among 500.

``python -m vultus.lab.photo_lips`` prints the table: the clip as it was filmed, a drawn person and photos that are
driven by its sound and text, and mouths that keep still.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import store
from vultus.critics import scenes
from vultus.critics.judges import JUDGES, word_ranks
from vultus.drivers.speech import drive
from vultus.drivers.style import Style
from vultus.heads.person import PersonHead
from vultus.heads.photo import PhotoHead
from vultus.io import audio
from vultus.io.video import write_video
from vultus.lab.judge_figures import SAID
from vultus.lab.photo_real import CLIP, DRAWN, sitters
from vultus.motion import Motion, concatenate

FPS: Final = Fraction(25)
_SIZE = 256
_RATE = 16000


def ranks(film: Path) -> NDArray[np.int64]:
    """The ranks among 500 of the words of the clip that the reader knows, as *film* shows them; its sound and text are
    the clip's. VultusError where a network cannot be had."""
    from vultus.critics.lip_reader import words

    asked = scenes.Asked(film, text=SAID, sound=store.path(CLIP))
    scene = scenes.of_video(asked, [judge for judge in JUDGES if judge.name == "words"])
    some = getattr(scene.cases["this"].made, "words", None)
    return np.zeros(0, np.int64) if some is None else word_ranks(some.forward, some.said, words())


def spoken(style: Style | None = None) -> Motion:
    """What the default driver makes of the clip's sound and text."""
    samples = audio.read(store.path(CLIP), _RATE)
    return concatenate(list(drive([samples], text=SAID, style=style, seed=0, fps=FPS)))


def rows() -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Who speaks, and the ranks of the words."""
    yield "the clip as it was filmed", ranks(store.path(CLIP))
    motion = spoken()
    still = Motion.neutral(len(motion), motion.fps)
    photos = sitters()
    heads: list[tuple[str, PersonHead | PhotoHead, Motion]] = [
        (f"{DRAWN[0]}, drawn", PersonHead(DRAWN[0], size=(_SIZE, _SIZE)), motion)
    ]
    heads += [(f"{name}, as a photo", PhotoHead(photo, size=_SIZE), motion) for name, photo in photos.items()]
    heads.append((f"{DRAWN[0]}, as a photo that keeps still", PhotoHead(photos[DRAWN[0]], size=_SIZE), still))
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        for name, head, moves in heads:
            write_video(film, head.frames([moves]), fps=FPS)
            yield name, ranks(film)


def main() -> None:
    """Print the table."""
    print("| who speaks | median rank of 500 | words |\n|---|---|---|")
    for name, values in rows():
        middle = f"{np.median(values):.1f}" if len(values) else "not read"
        print(f"| {name} | {middle} | {', '.join(map(str, values))} |", flush=True)


if __name__ == "__main__":
    main()
