"""Writes a trained network as ONNX for the core, and refuses to when onnxruntime does not give what torch gives.

The exporter is torch's tracing one: its files are the same on every run and need no further package. A trace keeps only
the path that the example took, so that a size or a branch that was frozen by accident is possible; the parity tests on
other lengths, and in chunks, find it.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus.errors import VultusError, unknown
from vultus.lab.checkpoint import write_bytes
from vultus.lab.run import seeded
from vultus.nets.card import Card, Port
from vultus.nets.run import Net, Stream, load

OPSET: Final = 17
TOLERANCE: Final = 1e-4
"""The largest difference between torch and onnxruntime, relative to the largest value of the output in torch."""
LENGTHS: Final = (1, 2, 5, 16, 37)
"""Lengths of the free axes (in multiples of ``multiple``) that the parity test tries."""
_CHUNKS: Final = (1, 2, 3, 7)
_STREAMED: Final = 41


@dataclass(frozen=True)
class Interface:
    """How a network is called, for its card.

    ``outputs`` are the keys of what the module returns, in the file's order. ``free`` names the free axes of inputs and
    outputs, such as ``{"mel": {1: "time"}, "curves": {1: "time"}}``. ``state`` names, for each state input, the
    output with its next value; ``stream`` is the free axis along which chunks follow one another ("" without state) and
    ``multiple`` what their lengths are multiples of. ``meanings`` says what each input and output is, with its unit.
    ``shortest`` is the smallest whole input that makes sense.
    """

    outputs: Sequence[str]
    free: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    stream: str = ""
    multiple: int = 1
    shortest: int = 1
    meanings: Mapping[str, str] = field(default_factory=dict)


class _InOrder(nn.Module):
    """The module with its inputs by place and its outputs as a tuple, as the exporter wants them."""

    def __init__(self, module: nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__()
        self.module, self.inputs, self.outputs = module, inputs, outputs

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        found = self.module(**dict(zip(self.inputs, values, strict=True)))
        return tuple(found[name] for name in self.outputs)


def export_onnx(
    module: nn.Module,
    example: Mapping[str, Tensor],
    out: str | Path,
    *,
    interface: Interface,
    name: str,
    what: str,
    licence: str = "MIT",
    training: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> Card:
    """Write *module* to the ONNX file *out* with its card beside it; returns the card.

    ``module(**example)`` gives a dict of tensors. *training* is the card of the weights. Before anything is written the
    file is loaded as the core loads it, and run on random inputs of several lengths and, where it has state, in chunks
    of several lengths: every output must be within *tolerance* of what torch gives for the whole.

    Raises VultusError, naming the output and the difference, when it is not; older files at *out* stay.
    """
    target = Path(out)
    if target.suffix != ".onnx":
        raise VultusError(f"{target} does not end in .onnx", "Give the name of an ONNX file.")
    mode = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad(), seeded("export", name), tempfile.TemporaryDirectory() as folder:
            outputs = _check(module, example, interface)
            trial = Path(folder) / "trial.onnx"
            content = _traced(module, example, interface, trial)
            card = Card(
                name=name,
                what=what,
                licence=licence,
                inputs={key: _port(key, value, interface) for key, value in example.items()},
                outputs={key: _port(key, outputs[key], interface) for key in interface.outputs},
                sha256=hashlib.sha256(content).hexdigest(),
                state=dict(interface.state),
                stream=interface.stream,
                multiple=interface.multiple,
                training=dict(training or {}),
            )
            trial.with_suffix(".json").write_text(card.as_json(), "utf-8")
            _compare(module, load(trial), example, interface, tolerance)
    finally:
        for part, training_mode in mode.items():
            part.training = training_mode
    write_bytes(target, content)
    write_bytes(target.with_suffix(".json"), card.as_json().encode())
    return card


def _check(module: nn.Module, example: Mapping[str, Tensor], interface: Interface) -> dict[str, Tensor]:
    """The outputs for the example; VultusError when *interface* does not describe them."""
    outputs: dict[str, Tensor] = module(**example)
    for name in interface.outputs:
        if name not in outputs:
            raise unknown("output", name, outputs)
    for before, after in interface.state.items():
        if before not in example or after not in interface.outputs:
            raise VultusError(f"There is no state input {before!r} with an output {after!r}", "Name both as they are.")
        if before in interface.free and interface.stream in interface.free[before].values():
            raise VultusError(f"The state {before!r} grows with the input", "State has a fixed length.")
        if example[before].shape != outputs[after].shape or example[before].dtype != outputs[after].dtype:
            raise VultusError(
                f"The state {after!r} has another shape or type than {before!r}", "They must be the same."
            )
    if bool(interface.state) != bool(interface.stream):
        raise VultusError("A network streams when it has state, along a named axis", "Give both state and stream.")
    for name in interface.free:
        if name not in example and name not in interface.outputs:
            raise unknown("input or output", name, [*example, *interface.outputs])
    return outputs


def _port(name: str, value: Tensor, interface: Interface) -> Port:
    free = interface.free.get(name, {})
    shape = tuple(free.get(axis, size) for axis, size in enumerate(value.shape))
    return Port(shape, str(value.dtype).removeprefix("torch."), interface.meanings.get(name, ""))


def _traced(module: nn.Module, example: Mapping[str, Tensor], interface: Interface, file: Path) -> bytes:
    """Write the ONNX *file* of *module*; returns its bytes."""
    with warnings.catch_warnings():
        # Of the exporter's age, and of branches: what they could break, the parity tests show.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            torch.onnx.export(
                _InOrder(module, list(example), interface.outputs).eval(),
                tuple(example.values()),
                file,
                input_names=list(example),
                output_names=list(interface.outputs),
                dynamic_axes={name: dict(axes) for name, axes in interface.free.items()},
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise VultusError(
                f"{type(module).__name__} cannot be exported: {reason}", "Use other operations."
            ) from error
    return file.read_bytes()


def _drawn(example: Mapping[str, Tensor], interface: Interface, sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """Random inputs like *example*: normal floats, whole numbers within the example's range; states of both signs."""
    drawn = {}
    for name, like in example.items():
        free = interface.free.get(name, {})
        shape = [sizes[free[axis]] if axis in free else size for axis, size in enumerate(like.shape)]
        if like.is_floating_point():
            drawn[name] = torch.randn(shape, dtype=like.dtype)
        elif like.dtype == torch.bool:
            drawn[name] = torch.rand(shape) < 0.5
        else:
            drawn[name] = torch.randint(int(like.min()), int(like.max()) + 1, shape, dtype=like.dtype)
    return drawn


def _compare(
    module: nn.Module, net: Net, example: Mapping[str, Tensor], interface: Interface, tolerance: float
) -> None:
    """Torch and onnxruntime side by side: whole at several lengths, then whole against chunks."""
    axes = sorted({axis for axes in interface.free.values() for axis in axes.values()})
    for number, length in enumerate(LENGTHS if axes else LENGTHS[:2]):
        steps = max(length, -(-interface.shortest // interface.multiple)) * interface.multiple
        # Each axis has another length, so that mixed-up axes are found.
        sizes = {axis: steps if axis == interface.stream else steps + place for place, axis in enumerate(axes)}
        inputs = _drawn(example, interface, sizes)
        expected = module(**inputs)
        found = net(**{name: value.numpy() for name, value in inputs.items()})
        for name in interface.outputs:
            _same(name, expected[name].numpy(), found[name], tolerance, f"inputs of length {steps}, trial {number}")
    if interface.stream:
        _compare_stream(module, net, example, interface, tolerance)


def _compare_stream(
    module: nn.Module, net: Net, example: Mapping[str, Tensor], interface: Interface, tolerance: float
) -> None:
    """The network in chunks, its state carried on, against torch on the whole at once."""
    axes = {axis for axes in interface.free.values() for axis in axes.values()}
    total = _STREAMED * interface.multiple
    inputs = _drawn(example, interface, {axis: total if axis == interface.stream else 2 for axis in axes})
    whole = {name: torch.zeros_like(v) if name in interface.state else v for name, v in inputs.items()}
    expected = module(**whole)
    kept = [name for name in interface.outputs if name not in interface.state.values()]
    for chunk in _CHUNKS:
        stream = Stream(net)
        fed = {name: value.numpy() for name, value in inputs.items() if name not in interface.state}
        parts = [stream.push(**piece) for piece in _pieces(fed, interface, chunk * interface.multiple, total)]
        for name in kept:
            axis = _axis(name, interface)
            joined = parts[-1][name] if axis is None else np.concatenate([part[name] for part in parts], axis)
            _same(name, expected[name].numpy(), joined, tolerance, f"chunks of {chunk * interface.multiple}")
        for before, after in interface.state.items():
            _same(after, expected[after].numpy(), stream.state[before], tolerance, f"chunks of {chunk}")


def _axis(name: str, interface: Interface) -> int | None:
    """The place of the stream's axis in the input or output *name*; None where it has none."""
    return next((a for a, axis in interface.free.get(name, {}).items() if axis == interface.stream), None)


def _pieces(
    inputs: Mapping[str, NDArray[Any]], interface: Interface, length: int, total: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """*inputs* cut along the stream's axis; what has no such axis goes with every piece."""
    for first in range(0, total, length):
        piece = {}
        for name, array in inputs.items():
            axis = _axis(name, interface)
            cut = range(first, min(first + length, total))
            piece[name] = array if axis is None else array.take(cut, axis)
        yield piece


def _same(name: str, expected: NDArray[Any], found: NDArray[Any], tolerance: float, where: str) -> None:
    """VultusError unless the two are alike within *tolerance* of the largest value, or but for the last digit of 1,
    since a sigmoid's tail has no more."""
    mend = "Look for sizes or branches that the trace froze, and for state that is not carried on."
    if expected.shape != found.shape or expected.dtype != found.dtype:
        shapes = f"{found.dtype}{list(found.shape)} in place of {expected.dtype}{list(expected.shape)}"
        raise VultusError(f"The export's output {name!r} is {shapes} ({where})", mend)
    if expected.size == 0:
        return
    scale = float(np.abs(expected).max()) + 1e-6
    apart = float(np.abs(expected.astype(np.float64) - found).max())
    error = apart / scale
    if not (error <= tolerance or apart <= np.finfo(np.float32).eps):
        raise VultusError(
            f"The export's output {name!r} differs from torch by {error:.2g} of its largest value ({where}); "
            f"allowed are {tolerance:.0e}",
            mend,
        )
