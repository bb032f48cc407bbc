"""A LiteRT network as a torch graph: the same numbers, any batch, and gradients.

Only what the nets of MediaPipe's face landmarker need is here; another operator is refused by its name. Tensors keep
LiteRT's order (batch, height, width, channels) between operators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError

_TYPES: Final = {0: "<f4", 1: "<f2", 2: "<i4", 4: "<i8"}  # of the format's TensorType
_SAME: Final = 0  # its Padding
_ACTIVATIONS: Final[dict[int, Callable[[Tensor], Tensor]]] = {
    0: lambda x: x, 1: nnf.relu, 2: lambda x: x.clamp(-1, 1), 3: nnf.relu6, 4: torch.tanh,
}  # fmt: skip


class LiteRT(nn.Module):
    """The network of a .tflite file's bytes; call it with its inputs as torch tensors, get a list of its outputs.

    Weights are buffers and not trained. Raises VultusError for operators that it does not know.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT.InitFromPackedBuf(content, 0)
        graph = model.subgraphs[0]
        names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
        codes = [names[max(c.builtinCode, c.deprecatedBuiltinCode)] for c in model.operatorCodes]
        self._inputs, self._outputs = [int(i) for i in graph.inputs], [int(i) for i in graph.outputs]
        self._steps = [
            (codes[op.opcodeIndex], op.builtinOptions, [int(i) for i in op.inputs], int(op.outputs[0]))
            for op in graph.operators
        ]
        for name in {step[0] for step in self._steps}:
            if name not in _OPERATORS:
                raise VultusError(f"The operator {name} of a LiteRT network is not known here")
        self._constants: dict[int, str] = {}
        for i, tensor in enumerate(graph.tensors):
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data):
                shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
                value = np.frombuffer(bytes(data), np.dtype(_TYPES[tensor.type])).reshape(shape)
                self._constants[i] = f"tensor{i}"
                value = value.astype(np.float32) if value.dtype == np.float16 else value.copy()
                self.register_buffer(f"tensor{i}", torch.from_numpy(value), persistent=False)

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        """Run all operators in their order."""
        values: dict[int, Tensor] = {i: getattr(self, name) for i, name in self._constants.items()}
        values |= dict(zip(self._inputs, inputs, strict=True))
        for name, options, places, out in self._steps:
            values[out] = _OPERATORS[name]([values[i] for i in places if i >= 0], options)
        return [values[i] for i in self._outputs]


def _padded(x: Tensor, kernel: tuple[int, int], options: Any, fill: float = 0.0) -> Tensor:
    """*x* [N, C, H, W] with the padding that LiteRT calls SAME, which puts the odd pixel behind."""
    if options.padding != _SAME:
        return x
    amounts = []
    for size, k, stride in ((x.shape[3], kernel[1], options.strideW), (x.shape[2], kernel[0], options.strideH)):
        total = max((-(-size // stride) - 1) * stride + k - size, 0)
        amounts += [total // 2, total - total // 2]
    return nnf.pad(x, amounts, value=fill)


def _convolve(a: list[Tensor], options: Any, depthwise: bool) -> Tensor:
    x, weight = a[0].permute(0, 3, 1, 2), a[1].permute(3, 0, 1, 2) if depthwise else a[1].permute(0, 3, 1, 2)
    if (options.dilationHFactor, options.dilationWFactor) != (1, 1):
        raise VultusError("Dilated convolutions of a LiteRT network are not known here")
    x = _padded(x, (weight.shape[2], weight.shape[3]), options)
    groups = x.shape[1] if depthwise else 1
    y = nnf.conv2d(x, weight, a[2] if len(a) > 2 else None, (options.strideH, options.strideW), groups=groups)
    return _ACTIVATIONS[options.fusedActivationFunction](y).permute(0, 2, 3, 1)


def _pool(a: list[Tensor], options: Any) -> Tensor:
    kernel = options.filterHeight, options.filterWidth
    x = _padded(a[0].permute(0, 3, 1, 2), kernel, options, -torch.inf)
    return nnf.max_pool2d(x, kernel, (options.strideH, options.strideW)).permute(0, 2, 3, 1)


def _reshape(a: list[Tensor], options: Any) -> Tensor:
    shape = a[1].tolist() if len(a) > 1 else list(options.newShape)
    # The file's batch is 1: another one goes through where it leads.
    return a[0].reshape([-1, *shape[1:]] if shape and shape[0] == 1 and -1 not in shape else shape)


def _slice(a: list[Tensor], options: Any) -> Tensor:
    parts: list[slice | int] = []
    for i, (begin, end, step) in enumerate(zip(*(b.tolist() for b in a[1:4]), strict=True)):
        if options.shrinkAxisMask >> i & 1:
            parts.append(begin)
        elif i == 0 and end == 1 and begin == 0:  # the batch of the file
            parts.append(slice(None))
        else:
            free = options.beginMask >> i & 1, options.endMask >> i & 1
            parts.append(slice(None if free[0] else begin, None if free[1] else end, step))
    return a[0][tuple(parts)]


def _broadcast(a: list[Tensor], options: Any) -> Tensor:
    """Concatenation, where constants of the file may have a batch of 1."""
    batch = max(x.shape[0] for x in a)
    whole = [x.expand(batch, *x.shape[1:]) if x.shape[0] == 1 and options.axis != 0 else x for x in a]
    return torch.cat(whole, options.axis)


def _axes(a: Tensor) -> list[int]:
    return [int(i) for i in a.reshape(-1).tolist()]


def _active(y: Tensor, options: Any) -> Tensor:
    return _ACTIVATIONS[options.fusedActivationFunction](y)


_OPERATORS: Final[dict[str, Callable[[list[Tensor], Any], Tensor]]] = {
    "DEQUANTIZE": lambda a, o: a[0].float(),
    "CONV_2D": lambda a, o: _convolve(a, o, False),
    "DEPTHWISE_CONV_2D": lambda a, o: _convolve(a, o, True),
    "MAX_POOL_2D": _pool,
    "PAD": lambda a, o: nnf.pad(a[0], [n for row in a[1].tolist()[::-1] for n in row]),
    "PRELU": lambda a, o: torch.where(a[0] >= 0, a[0], a[0] * a[1]),
    "RELU": lambda a, o: nnf.relu(a[0]),
    "ADD": lambda a, o: _active(a[0] + a[1], o),
    "SUB": lambda a, o: _active(a[0] - a[1], o),
    "MUL": lambda a, o: _active(a[0] * a[1], o),
    "DIV": lambda a, o: _active(a[0] / a[1], o),
    "NEG": lambda a, o: -a[0],
    "LOGISTIC": lambda a, o: torch.sigmoid(a[0]),
    "RSQRT": lambda a, o: torch.rsqrt(a[0]),
    "SQRT": lambda a, o: torch.sqrt(a[0]),
    "SQUARED_DIFFERENCE": lambda a, o: (a[0] - a[1]) ** 2,
    "MEAN": lambda a, o: a[0].mean(_axes(a[1]), keepdim=bool(o.keepDims)),
    "SUM": lambda a, o: a[0].sum(_axes(a[1]), keepdim=bool(o.keepDims)),
    "RESHAPE": _reshape,
    "TRANSPOSE": lambda a, o: a[0].permute(*_axes(a[1])),
    "CONCATENATION": _broadcast,
    "STRIDED_SLICE": _slice,
}
