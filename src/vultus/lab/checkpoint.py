"""Weights and the state of a run on disk: safetensors and JSON, whole or absent, whatever happens in between."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor

from vultus.errors import VultusError
from vultus.io.files import atomic, check_readable
from vultus.lab import growth

FORMAT: Final = "vultus-checkpoint"
VERSION: Final = 1
KEEP: Final = 2
"""Checkpoints that stay: the newest, and the one before it in case the disk damages the newest."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write *content* so that after a crash or a power cut *path* holds all of it or what it held before."""
    with atomic(path) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def as_bytes(tensors: Mapping[str, Tensor], kind: str) -> bytes:
    """*tensors* as a safetensors file of the format *kind*; the same bytes for the same tensors.

    The metadata is one entry, because safetensors writes several in an order that changes from run to run.
    """
    # Clones, since tensors that share memory (tied weights) may not stand in one file.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return bytes(serialise(plain, metadata={"vultus": json.dumps({"format": kind, "version": VERSION})}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of a safetensors file, and the SHA-256 of its bytes; VultusError when it is damaged."""
    content = check_readable(path, "weights file").read_bytes()
    try:
        return parse(content), hashlib.sha256(content).hexdigest()
    except (SafetensorError, ValueError, KeyError) as error:
        raise VultusError(f"The weights file {path} is damaged", "Train or copy it again.") from error


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write the checkpoint of *step* into *folder* and remove all but the last two.

    The JSON is written last and holds the hash of the tensors, so that a checkpoint without it, or with another hash,
    does not count. Raises VultusError when it cannot be written, and then the older checkpoints are untouched.
    """
    stem = folder / f"step-{step:09d}"
    content = as_bytes(tensors, FORMAT)
    write_bytes(stem.with_suffix(".safetensors"), content)
    head = {"format": FORMAT, "version": VERSION, "step": step, "sha256": hashlib.sha256(content).hexdigest()}
    write_bytes(stem.with_suffix(".json"), (json.dumps({**head, **facts}, indent=1) + "\n").encode())
    for old in _steps(folder)[:-KEEP]:
        remove(folder, old)


def latest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts of the newest whole checkpoint in *folder*; None when there is none.

    Leftovers are removed, and damaged checkpoints too, with a warning: the run comes by their steps again.
    """
    for leftover in folder.glob(".vultus-*"):
        leftover.unlink(missing_ok=True)
    for step in reversed(_steps(folder)):
        facts: dict[str, Any] = {}
        tensors: dict[str, Tensor] = {}
        digest = ""
        with suppress(VultusError, OSError, ValueError):
            facts = json.loads((folder / f"step-{step:09d}.json").read_text("utf-8"))
            tensors, digest = read_tensors(folder / f"step-{step:09d}.safetensors")
        if facts.get("version", 0) > VERSION:
            raise VultusError(f"The checkpoint in {folder} is of a newer Vultus", "Update Vultus.")
        if (facts.get("format"), facts.get("sha256"), facts.get("step")) == (FORMAT, digest, step):
            return tensors, facts
        warnings.warn(f"The checkpoint of step {step} in {folder} is damaged and was removed", stacklevel=2)
        remove(folder, step)
    return None


def remove(folder: Path, step: int) -> None:
    """Remove the checkpoint of *step*; its JSON first, so that no half of it counts."""
    for suffix in (".json", ".safetensors"):
        (folder / f"step-{step:09d}{suffix}").unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove all checkpoints in *folder*, and tensors that were written without their JSON."""
    steps = {*_steps(folder), *_steps(folder, ".safetensors")}
    for step in sorted(steps):
        remove(folder, step)


def _steps(folder: Path, suffix: str = ".json") -> list[int]:
    """The steps that *folder* has a checkpoint of, in order."""
    names: Iterable[str] = (file.stem.removeprefix("step-") for file in folder.glob(f"step-*{suffix}"))
    return sorted(int(name) for name in names if name.isdigit())


def load_weights(model: torch.nn.Module, path: str | Path) -> None:
    """Put the weights of a safetensors file into *model*; VultusError when a name or a shape is another one."""
    put(model, read_tensors(Path(path))[0], str(path))


def put(model: torch.nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Put *tensors* into *model*; VultusError, naming the first that differs, unless names and shapes are the same.

    A model that grows takes as many rows as the tensors have.
    """
    growth.take_rows(model, tensors)
    own = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(own.keys() | given.keys()):
        if own.get(name) != given.get(name):
            mine, theirs = (str(list(s[name])) if name in s else "absent" for s in (own, given))
            raise VultusError(
                f"The weights of {source} are of another network: {name} is {theirs} there and {mine} here",
                "Build the network with the configuration that it was trained with.",
            )
    model.load_state_dict(dict(tensors))
