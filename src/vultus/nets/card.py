"""The card of an ONNX network: what goes in and out, what it remembers between chunks, and the hash of its file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from vultus.errors import VultusError

FORMAT: Final = "vultus-net"
VERSION: Final = 1

Size = int | str
"""The length of one axis: a number, or a name ("time", "batch") where it is free."""


@dataclass(frozen=True)
class Port:
    """One input or output: the sizes of its axes, numpy's name of its type, and what it means, with its unit."""

    shape: tuple[Size, ...]
    dtype: str
    meaning: str = ""


@dataclass(frozen=True)
class Card:
    """What a network is.

    ``state`` names, for each input that carries state from chunk to chunk, the output that gives its next value; all
    state is zeros at first. ``stream`` is the name of the free axis along which chunks follow one another, "" for a
    network that does not stream; chunks are multiples of ``multiple`` long. ``sha256`` is the ONNX file's.
    ``training`` is the card of its weights, where there is one.
    """

    name: str
    what: str
    licence: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    sha256: str
    state: Mapping[str, str] = field(default_factory=dict)
    stream: str = ""
    multiple: int = 1
    training: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """The text of the card's file."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1) + "\n"


def read_card(file: Path) -> Card:
    """The card in *file*; VultusError when there is none, or none that this version knows."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise VultusError(f"The network's card {file} is missing", "Copy it beside the ONNX file.") from None
    except (OSError, ValueError) as error:
        raise VultusError(f"The network's card {file} cannot be read", "Copy it again.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise VultusError(f"{file} is not a network's card", "It is the JSON file that the export writes.")
    if found.get("version") != VERSION:
        raise VultusError(f"The network's card {file} is of another version of Vultus", "Update Vultus.")
    try:
        plain = ("name", "what", "licence", "sha256", "state", "stream", "multiple", "training")
        return Card(
            inputs={name: _port(port) for name, port in found["inputs"].items()},
            outputs={name: _port(port) for name, port in found["outputs"].items()},
            **{name: found[name] for name in plain},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise VultusError(f"The network's card {file} is incomplete ({error})", "Export the network again.") from error


def _port(found: dict[str, Any]) -> Port:
    return Port(tuple(found["shape"]), found["dtype"], found["meaning"])


def checked_model(file: Path, card: Card) -> bytes:
    """The bytes of the ONNX *file*; VultusError unless they have the hash that its card says."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise VultusError(f"The network {file} cannot be read ({error.strerror})", "Copy it again.") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise VultusError(f"The network {file} is not the one that its card describes", "Copy both files again.")
    return content
