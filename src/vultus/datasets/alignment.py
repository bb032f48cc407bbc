"""When phones are said, from the files that aligners write: Praat's TextGrid (Montreal Forced Aligner), or JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from vultus.errors import VultusError
from vultus.io.files import check_readable
from vultus.signals.phones import Phone, check, from_arpabet

TIERS: Final = ("phones", "phonemes", "phone")
"""The names of the tiers of a TextGrid that hold phones."""
_INTERVAL: Final = re.compile(r'xmin\s*=\s*([\d.eE+-]+)\s+xmax\s*=\s*([\d.eE+-]+)\s+text\s*=\s*"((?:[^"]|"")*)"')
_TIER: Final = re.compile(r'name\s*=\s*"([^"]*)"')


def read(path: str | Path) -> list[Phone]:
    """The phones of a ``.TextGrid`` (its tier ``phones``, in ARPABET) or of a ``.json``, in seconds.

    JSON is a list of ``{"phone": "AH0", "start": 0.1, "end": 0.2}``. VultusError, naming the file, for anything else.
    """
    file = check_readable(path, "alignment")
    try:
        text = file.read_text("utf-8-sig")
        found = _json(text) if file.suffix.lower() == ".json" else _textgrid(text)
        phones = [Phone(start, end, *from_arpabet(name)) for start, end, name in found if end > start]
        if not phones:
            raise ValueError("it holds no phone")
        check(phones)
    except (ValueError, KeyError, TypeError, VultusError) as error:
        raise VultusError(f"The alignment {path} cannot be read: {error}", "Align the sound anew") from error
    return phones


def beside(folder: Path, name: str) -> tuple[Phone, ...]:
    """The phones of ``alignment/NAME.TextGrid`` or ``.json`` in *folder*; none when there is no such file."""
    for suffix in (".TextGrid", ".json"):
        if (file := folder / "alignment" / f"{name}{suffix}").is_file():
            return tuple(read(file))
    return ()


def _json(text: str) -> list[tuple[float, float, str]]:
    return [(float(entry["start"]), float(entry["end"]), str(entry["phone"])) for entry in json.loads(text)]


def _textgrid(text: str) -> list[tuple[float, float, str]]:
    """The intervals of the tier of phones in Praat's long text format."""
    for tier in re.split(r"item\s*\[\d+\]\s*:", text)[1:]:
        name = _TIER.search(tier)
        if name and name[1].lower() in TIERS:
            return [(float(start), float(end), said.strip() or "SIL") for start, end, said in _INTERVAL.findall(tier)]
    raise ValueError(f"it has no tier called {TIERS[0]}")
