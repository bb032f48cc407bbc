"""The card beside trained weights: what they are, how they were made, and the hash that they must have."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from vultus.errors import VultusError
from vultus.lab.stages import differences

FORMAT: Final = "vultus-card"
VERSION: Final = 1
_LIBRARIES = ("vultus", "torch", "lightning", "numpy", "safetensors")


@dataclass(frozen=True)
class About:
    """What a run's card says beyond its numbers.

    ``name`` names the files; ``what`` says in one sentence what the network does; ``data`` is the version of what it
    learns from; ``command`` makes it again (the command line of this process unless given).
    """

    name: str
    what: str
    data: str
    licence: str = "MIT"
    command: str = field(default_factory=lambda: shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))

    def __post_init__(self) -> None:
        if not self.name or not all(c.isalnum() or c in "._-" for c in self.name) or self.name.startswith("."):
            raise VultusError(f"{self.name!r} is not a name for files", "Use letters, digits, '-' and '_'.")


def libraries() -> dict[str, str]:
    """The versions of Python and of the packages that decide what a run computes."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def finished(folder: Path, name: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The card of weights that lie in *folder* already and were made with *settings*; None when there is none.

    Raises VultusError, saying what differs, when the name is taken by a run with other settings.
    """
    weights, file = folder / f"{name}.safetensors", folder / f"{name}.json"
    if not (weights.is_file() and file.is_file()):
        return None
    card = read(file)
    if hashlib.sha256(weights.read_bytes()).hexdigest() != card["sha256"]:
        raise VultusError(f"{weights} is not what its card says", f"Remove {weights} and {file}, and train again.")
    refuse_other(settings, card["settings"], str(weights))
    return card


def refuse_other(settings: dict[str, Any], there: dict[str, Any], where: str) -> None:
    """VultusError when *settings* are not those of the run that lies at *where*; it names up to three differences."""
    # Through JSON, so that tuples and lists are the same.
    found = list(differences(json.loads(json.dumps(settings)), there))
    if found:
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        raise VultusError(
            f"Another run lies at {where}: {'; '.join(found[:3])}{more}",
            "Give the same settings to go on with it, or choose another folder or name.",
        )


def read(file: Path) -> dict[str, Any]:
    """A card; VultusError when the file is not one that this version knows."""
    try:
        card = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VultusError(f"The card {file} cannot be read", "Copy it again, or train again.") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise VultusError(f"{file} is not a card of trained weights", "Choose another name or folder.")
    if card.get("version", 0) > VERSION:
        raise VultusError(f"The card {file} is of a newer Vultus", "Update Vultus.")
    return card
