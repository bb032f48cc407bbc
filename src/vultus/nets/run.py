"""Runs our own networks with onnxruntime: whole, or as a stream in chunks of any length.

net = load("name")                  # one that Vultus ships, or the path of an .onnx file with its card beside it
curves = net(mel=mel)["curves"]     # whole: state inputs that are not given start at zero
stream = Stream(net)
curves = stream.push(mel=chunk)["curves"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError, unknown
from vultus.nets.card import Card, Port, checked_model, read_card

Arrays = dict[str, NDArray[Any]]
HERE: Final = Path(__file__).parent


def names() -> list[str]:
    """The networks that Vultus ships."""
    return sorted(file.stem for file in HERE.glob("*.onnx"))


@dataclass(frozen=True, eq=False)
class Net:
    """A network that is ready to run. Calls may come from several threads at once."""

    card: Card
    _session: Any = field(repr=False)

    def __call__(self, **arrays: NDArray[Any]) -> Arrays:
        """All outputs by name, state outputs included, for the inputs *arrays*; state that is not given is zeros.

        Raises VultusError when an input is missing, unknown or of a type or shape that the card does not allow.
        """
        for name in arrays:
            if name not in self.card.inputs:
                raise unknown(f"input of {self.card.name}", name, self.card.inputs)
        sizes: dict[str, int] = {}
        given = {name: self._fit(name, array, sizes) for name, array in arrays.items()}
        for name, port in self.card.inputs.items():
            if name not in given:
                if name not in self.card.state:
                    raise VultusError(f"{self.card.name} needs the input {name!r}", f"It is {_said(port)}.")
                given[name] = self.zeros(name, sizes)
        outputs = list(self.card.outputs)
        return dict(zip(outputs, self._session.run(outputs, given), strict=True))

    def zeros(self, name: str, sizes: Mapping[str, int] | None = None) -> NDArray[Any]:
        """The first value of the state input *name*; free axes have the length in *sizes*, otherwise 1."""
        port = self.card.inputs[name]
        shape = [(sizes or {}).get(size, 1) if isinstance(size, str) else size for size in port.shape]
        return np.zeros(shape, port.dtype)

    def _fit(self, name: str, array: NDArray[Any], sizes: dict[str, int]) -> NDArray[Any]:
        """*array* in the type of the input *name*; notes the lengths of free axes in *sizes*."""
        port = self.card.inputs[name]
        value = np.asarray(array)
        if not np.can_cast(value.dtype, port.dtype, "same_kind") or value.ndim != len(port.shape):
            raise self._wrong(name, port, value)
        for size, length in zip(port.shape, value.shape, strict=True):
            if length < 1 or length != (size if isinstance(size, int) else sizes.setdefault(size, length)):
                raise self._wrong(name, port, value)
        return np.ascontiguousarray(value, port.dtype)

    def _wrong(self, name: str, port: Port, value: NDArray[Any]) -> VultusError:
        what = f"{value.dtype}{list(value.shape)}"
        return VultusError(f"The input {name!r} of {self.card.name} is {what}", f"It must be {_said(port)}.")


def _said(port: Port) -> str:
    shape = ", ".join(str(size) for size in port.shape)
    return f"{port.dtype}[{shape}]" + (f": {port.meaning}" if port.meaning else "")


def load(name_or_path: str | Path, *, threads: int = 1) -> Net:
    """The network of that name, or in that .onnx file, with its hash checked.

    *threads* are those of one call; one is the fastest for small networks and gives the same bytes everywhere. Raises
    VultusError when there is no such network, when its card is missing, damaged or of another file, and when
    onnxruntime is not installed.
    """
    path = Path(name_or_path)
    if path.suffix != ".onnx" and len(path.parts) == 1:
        path = HERE / f"{name_or_path}.onnx"
        if not path.is_file():
            raise unknown("network", str(name_or_path), names())
    if not path.is_file():
        raise VultusError(f"There is no network at {path}", "Give the path of an .onnx file.")
    card = read_card(path.with_suffix(".json"))
    session = _session(checked_model(path, card), path, threads)
    for kind, ports, found in (
        ("inputs", card.inputs, session.get_inputs()),
        ("outputs", card.outputs, session.get_outputs()),
    ):
        if {port.name for port in found} != set(ports):
            raise VultusError(f"The {kind} of {path} are not those on its card", "Export the network again.")
    return Net(card, session)


def _session(model: bytes, path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise VultusError("Networks need onnxruntime, which is not installed", "pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class but this one
        reason = str(error).splitlines()[0][:120]
        raise VultusError(f"onnxruntime cannot run {path}: {reason}", "Update onnxruntime.") from error


class Stream:
    """A network that is fed chunk by chunk, with its state kept in between.

    The outputs do not depend on how the input is cut. ``state`` holds the current value of each state input; take a
    copy to go back there later.
    """

    def __init__(self, net: Net) -> None:
        """Raises VultusError when *net* keeps no state."""
        if not net.card.stream:
            raise VultusError(f"The network {net.card.name} does not stream", "Call it with the whole input.")
        self.net = net
        self.state: Arrays = {}

    def push(self, **chunk: NDArray[Any]) -> Arrays:
        """The outputs for the next *chunk*, without those of the state; its length is a multiple of the card's.

        Raises VultusError for a chunk that does not fit, and then the state stays what it was.
        """
        card = self.net.card
        for name, array in chunk.items():
            shape = card.inputs[name].shape if name in card.inputs else ()
            if card.stream in shape and (length := np.shape(array)[shape.index(card.stream)]) % card.multiple:
                raise VultusError(f"A chunk of {length} does not fit {card.name}", f"Use multiples of {card.multiple}.")
        outputs = self.net(**{**self.state, **chunk})
        self.state = {name: outputs.pop(after) for name, after in card.state.items()}
        return outputs

    def reset(self) -> None:
        """Forget what was pushed."""
        self.state = {}
