"""The learned judges that Vultus ships: their weights, and plain functions that read pictures and sound with them.

Each of the five networks of :mod:`vultus.critics.networks` exists twice: "a" is for losses, "b" judges. Weights lie in
the package as safetensors beside a card that says how they were made and which hash they have. Torch and safetensors
are imported when a network is loaded, and not before.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vultus.critics.networks import Which

Floats = NDArray[np.float32]
Name = Literal["sync", "reader", "emotions", "units", "who"]

NAMES: Final[tuple[Name, ...]] = ("sync", "reader", "emotions", "units", "who")
FOLDER: Final = Path(__file__).parents[1] / "data" / "critics"
MEND: Final = "pip install 'vultus[judge]'"
_FORMAT, _VERSION = "vultus-card", 1  # of the cards that training writes


def lacking() -> str:
    """Why no network can be loaded here, or ""."""
    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            return f"The package {package} is not installed. {MEND}"
    return ""


def places(name: str, which: str = "b", folder: Path | None = None) -> tuple[Path, Path]:
    """The files of a network's weights and of its card; VultusError for a name that does not exist."""
    if name not in NAMES:
        raise unknown("learned judge", name, NAMES)
    if which not in ("a", "b"):
        raise unknown("architecture", which, ("a", "b"))
    stem = (folder or FOLDER) / f"{name}-{which}"
    return stem.with_suffix(".safetensors"), stem.with_suffix(".json")


def card(name: str, which: str = "b", folder: Path | None = None) -> dict[str, Any]:
    """The card of a network: what it learned from, how it was made and what was measured.

    VultusError when the network is not shipped, or the card is of another kind or a newer version.
    """
    weights, file = places(name, which, folder)
    if not (weights.is_file() and file.is_file()):
        raise VultusError(f"Vultus ships no network {weights.stem}", "See docs/judges.md for those that it does")
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VultusError(f"The card {file} cannot be read", "Install Vultus anew") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise VultusError(f"{file} is not a card of trained weights", "Install Vultus anew")
    if not isinstance(found.get("version"), int) or found["version"] > _VERSION:
        raise VultusError(f"The card {file} is of a newer Vultus", "Update Vultus")
    return found


def load(name: str, which: str = "b", folder: Path | None = None) -> nn.Module:
    """A network with its weights, frozen and in evaluation mode; those of the package unless *folder* holds others.

    VultusError, with how to mend it, when torch or safetensors is missing, or the files are not what they should be.
    """
    return _loaded(*places(name, which, folder), name, which)


@lru_cache(maxsize=len(NAMES) * 2)
def _loaded(weights: Path, file: Path, name: str, which: Which) -> nn.Module:
    about = card(name, which, weights.parent)
    if problem := lacking():
        raise VultusError(*problem.split(". ", 1))
    from safetensors import SafetensorError
    from safetensors.torch import load as parse

    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != about.get("sha256"):
        raise VultusError(f"{weights} is not what its card says", "Install Vultus anew")
    try:
        tensors = parse(content)
        network = _built(name, which, tensors)
        network.load_state_dict(tensors)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise VultusError(f"{weights} holds no network of this kind", "Update Vultus, or install it anew") from error
    return network.eval().requires_grad_(False)


def _built(name: str, which: Which, tensors: dict[str, Tensor]) -> nn.Module:
    from vultus.critics import networks

    if name == "who":
        return networks.Who(which, len(tensors["centres"]))
    kinds = {"sync": networks.Sync, "reader": networks.Reader, "emotions": networks.Emotions, "units": networks.Units}
    network: nn.Module = kinds[name](which)
    return network


# --- reading --------------------------------------------------------------------------------------------------------


def output(function: Any, pictures: NDArray[Any]) -> Floats:
    """What *function*, a network or one of its methods, makes of one clip [T, …]; colours go where torch has them."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(pictures, np.float32))
    x = x.movedim(-1, 1) if x.ndim == 4 else x
    with torch.no_grad():
        return np.asarray(function(x[None])[0].numpy(), np.float32)


def lips(mouths: NDArray[Any], which: str = "b") -> Floats:
    """Mouths [T, 48, 48], 0 to 255, at 25 frames a second -> sync's embeddings [T, 96] of length 1."""
    return output(_sync(which).lips, mouths)


def sound(mel: NDArray[Any], which: str = "b") -> Floats:
    """Log-mel [4 T, 80] as ``signals.features`` gives it -> sync's embeddings [T, 96] of length 1."""
    return output(_sync(which).sound, mel)


def _sync(which: str) -> Any:
    return load("sync", which)


def visemes(mouths: NDArray[Any], which: str = "b") -> Floats:
    """Mouths [T, 48, 48] -> probabilities [T, 15] of ``channels.VISEMES``."""
    logits = output(load("reader", which), mouths).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


def emotions(faces: NDArray[Any], which: str = "b") -> Floats:
    """Faces [T, 48, 48, 3], 0 to 255 -> how much [T, 7] of each of ``channels.EMOTIONS`` they show, in [0, 1]."""
    return np.asarray(1 / (1 + np.exp(-output(load("emotions", which), faces).astype(np.float64))), np.float32)


def units(faces: NDArray[Any], which: str = "b") -> Floats:
    """Faces [T, 48, 48, 3] -> weights [T, 52] of ``channels.ARKIT``, in [0, 1]."""
    return output(load("units", which), faces)


def who(faces: NDArray[Any], which: str = "b") -> Floats:
    """Faces [T, 48, 48, 3] -> embeddings [T, 64] of length 1, near each other where they show one person."""
    return output(load("who", which), faces)
