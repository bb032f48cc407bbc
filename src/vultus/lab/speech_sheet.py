"""The picture of docs/drivers.md: ``python -m vultus.lab.speech_sheet FILE``: one sentence, several drivers.

Above the sound and its phones; then for each driver the curves of the mouth, and mouths at a few moments.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vultus.clip import Clip
from vultus.heads.person import PersonHead
from vultus.io.image import write_image
from vultus.lab.speech_figures import FPS, drawn, driven
from vultus.lab.stage_sheet import font, phone_boxes, wave
from vultus.motion import Motion

U8 = NDArray[np.uint8]
SEED: Final = 77
SHOWN: Final = {
    "truth": "what the speaker did", "rules, with text": "rules, with the text",
    "rules, sound alone": "rules, from sound alone", "learned": "learned, from sound alone",
}  # fmt: skip
CURVES: Final = (
    ("jaw", "jawOpen", (204, 76, 60), 2.0), ("pucker", "mouthPucker", (70, 120, 200), 1.0),
    ("funnel", "mouthFunnel", (60, 150, 90), 1.0), ("close", "mouthClose", (30, 32, 36), 6.0),
)  # fmt: skip
"""Name, channel, colour and how much it is enlarged."""
KINDS: Final = ("PP", "ou", "aa", "FF", "CH", "oh", "ih", "E")
"""The visemes whose mouths are shown, where there is one in that part of the clip."""
WIDE, HIGH, MOUTH = 860, 96, 96
_BACK, _INK, _MARK = (250, 250, 248), (30, 32, 36), (235, 170, 60)


def sheet(clip: Clip, motions: dict[str, Motion]) -> U8:
    """The picture uint8 [H, W, 3] of *clip* and what every driver of ``SHOWN`` made of it."""
    seconds = clip.duration
    row = HIGH + MOUTH + 22
    picture = Image.new("RGB", (WIDE, 62 + row * len(SHOWN)), _BACK)
    draw = ImageDraw.Draw(picture)
    if clip.audio is not None:
        wave(draw, clip.audio, clip.sample_rate, (0.0, seconds), WIDE, 44)
    phone_boxes(draw, clip.phones, (0.0, seconds), WIDE, (44, 13))
    moments = _moments(clip)
    for number, (name, title) in enumerate(SHOWN.items()):
        top = 62 + number * row
        _curves(draw, motions[name], title, top, seconds)
        for i, mouth in enumerate(_mouths(motions[name], moments)):
            x = round((i + 0.5) * WIDE / len(moments) - MOUTH * 0.5)
            picture.paste(Image.fromarray(mouth), (x, top + HIGH + 18))
            at = moments[i] / seconds * WIDE
            draw.line((at, top + 14, at, top + HIGH + 4, x + MOUTH / 2, top + HIGH + 18), _MARK, 1)
    return np.asarray(picture)


def _moments(clip: Clip) -> list[float]:
    """The middles of phones of different kinds, spread over the clip, in seconds."""
    said = [p for p in clip.phones if p.ipa and p.duration > 0.05]
    parts = [part for part in np.array_split(np.arange(len(said)), len(KINDS)) if len(part)]
    found = []
    for kind, part in zip(KINDS, parts, strict=False):
        phone = next((said[k] for k in part if said[k].viseme == kind), said[part[len(part) // 2]])
        found.append((phone.start + phone.end) / 2)
    return found


def _curves(draw: ImageDraw.ImageDraw, motion: Motion, title: str, top: int, seconds: float) -> None:
    draw.rectangle((0, top + 14, WIDE - 1, top + HIGH), (255, 255, 255), (222, 222, 218))
    draw.text((4, top), title, _INK, font(11))
    x = WIDE - 210.0
    for name, channel, colour, gain in CURVES:
        line = [
            (t / seconds * WIDE, top + HIGH - 2 - (HIGH - 18) * min(gain * v, 1))
            for t, v in zip(np.arange(len(motion)) / FPS, motion[channel].tolist(), strict=True)
        ]
        draw.line(line, colour, 1, joint="curve")
        draw.text((x, top), name, colour, font(11))
        x += draw.textlength(name, font(11)) + 10


def _mouths(motion: Motion, moments: Sequence[float]) -> list[U8]:
    """The lower face at *moments*, each [MOUTH, MOUTH, 3], without the head's own motion."""
    rows = [min(round(t * FPS), len(motion) - 1) for t in moments]
    data = motion.data[rows].copy()
    data[:, 52:] = 0
    head = PersonHead("person:11", size=(3 * MOUTH, 3 * MOUTH), quality="default")
    frames = head.frames([motion[: len(rows)].replace(data=data, valid=motion.valid[: len(rows)], body=None)])
    top, left = round(1.62 * MOUTH), MOUTH
    return [np.ascontiguousarray(frame[top : top + MOUTH, left : left + MOUTH]) for frame in frames]


def write(path: str | Path) -> Path:
    """Draw the sheet of one clip and write it."""
    other, clip = drawn(SEED, 2)
    write_image(path, sheet(clip, driven(clip, other, SEED)))
    return Path(path)


if __name__ == "__main__":
    print(f"Wrote {write(sys.argv[1])}")
