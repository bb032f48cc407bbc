"""A claim as a picture: every gain with its seeds, its mean and what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vultus.io.files import atomic

_SCALE: Final = 2  # drawn larger and halved, so that edges are smooth
_ROW, _WIDTH, _TEXT, _EDGE = 44, 1000, 470, 24
_INK, _SOFT, _PAPER = (32, 34, 38), (150, 152, 156), (252, 251, 248)
_YES, _NO, _OPEN = (38, 122, 84), (190, 62, 48), (90, 100, 130)


def draw(record: Mapping[str, Any], path: Path) -> Path:
    """Write the picture of a claim's *record* (``vultus.lab.claim.run``) to *path*, a .png.

    Each row is a gain: dots are its seeds, the bar is its mean, the line is what it must reach (a control must stay
    left of it). Green is met, red is not, grey is printed only.
    """
    from PIL import Image, ImageDraw, ImageFont

    rows = record["gains"]
    values = [0.0] + [value for row in rows for value in (*row["values"], row["margin"])]
    low, high = min(values), max(values)
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
    height = 2 * _EDGE + 52 + _ROW * len(rows) + 26
    image = Image.new("RGB", (_WIDTH * _SCALE, height * _SCALE), _PAPER)
    pen = ImageDraw.Draw(image)
    large, small = (ImageFont.load_default(size * _SCALE) for size in (19, 14))

    def place(value: float) -> float:
        return _TEXT + (value - low) / max(high - low, 1e-9) * (_WIDTH - _TEXT - _EDGE)

    def line(x: float, top: float, bottom: float, colour: tuple[int, int, int], width: float = 1.0) -> None:
        box = (x - width / 2, top, x + width / 2, bottom)
        pen.rectangle([number * _SCALE for number in box], fill=colour)

    def write(x: float, y: float, text: str, font: Any, colour: tuple[int, int, int] = _INK) -> None:
        pen.text((x * _SCALE, y * _SCALE), text, fill=colour, font=font)

    write(_EDGE, _EDGE - 4, f"{record['recipe']}: {record['verdict']}", large)
    write(_EDGE, _EDGE + 22, f"gain of an arm over another, {record['seeds']} seeds; positive is better", small, _SOFT)
    top = _EDGE + 52
    line(place(0.0), top, top + _ROW * len(rows), _SOFT)
    for number, row in enumerate(rows):
        y = top + _ROW * number + _ROW / 2
        colour = _OPEN if row["met"] is None else _YES if row["met"] else _NO
        asked = {"also": "printed only", "control": f"control: below {row['margin']:g}"}.get(
            row["role"], f"{row['role'].replace('holds', 'asked')}: at least {row['margin']:g}"
        )
        write(_EDGE, y - 17, f"{row['figure']}: {row['of']} over {row['over']}"[:62], small)
        write(_EDGE, y + 1, f"{row['mean']:+.3f}; {asked}", small, colour if row["met"] is not None else _SOFT)
        left, right = sorted((place(0.0), place(row["mean"])))
        pen.rectangle([n * _SCALE for n in (left, y - 7, right, y + 7)], fill=_mixed(colour))
        if row["role"] != "also":
            line(place(row["margin"]), y - 15, y + 15, _INK, 2)
        for value in row["values"]:
            x = place(value)
            pen.ellipse([n * _SCALE for n in (x - 4, y - 4, x + 4, y + 4)], fill=colour)
    write(place(0.0) - 4, top + _ROW * len(rows) + 4, "0", small, _SOFT)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        image.resize((_WIDTH, height), Image.Resampling.LANCZOS).save(temporary, "PNG", optimize=True)
    return path


def _mixed(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """*colour*, thinned with paper."""
    r, g, b = (round(0.35 * one + 0.65 * paper) for one, paper in zip(colour, _PAPER, strict=True))
    return r, g, b
