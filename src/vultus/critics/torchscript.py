"""Reads the tensors of a TorchScript archive without running anything that is in it.

Such a file is a zip of raw numbers and a pickle that says which module owns which of them. The pickle is read as a
list of opcodes: names of classes stay names, calls are noted and not made.
"""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

_TYPES: Final = {
    "torch FloatStorage": "<f4", "torch HalfStorage": "<f2", "torch DoubleStorage": "<f8", "torch LongStorage": "<i8",
    "torch IntStorage": "<i4", "torch ByteStorage": "|u1", "torch BoolStorage": "|b1",
}  # fmt: skip
_TENSOR: Final = "torch._utils _rebuild_tensor_v2"
_MARK: Final = object()
_VALUES: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS: Final = (
    "GLOBAL", "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING",
    "SHORT_BINSTRING",
)  # fmt: skip


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Parameters and buffers of the TorchScript archive at *path* by their dotted names, as ``state_dict`` names them.

    VultusError when the file is no such archive, or holds what is not understood.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            root = next(name[: -len("data.pkl")] for name in names if name.endswith("/data.pkl"))
            module = _structure(archive.read(f"{root}data.pkl"))
            found: dict[str, NDArray[Any]] = {}
            _collect(module, "", lambda key: archive.read(f"{root}data/{key}"), found)
            return found
    except (zipfile.BadZipFile, StopIteration, KeyError, IndexError, ValueError, TypeError) as error:
        raise VultusError(f"{path} is not a TorchScript archive that can be read ({error!r})") from None


def _structure(content: bytes) -> Any:
    """The objects of a pickle as plain dicts, lists and tuples: an object is (class name, its attributes)."""
    stack: list[Any] = []
    memo: dict[Any, Any] = {}

    def to_mark() -> list[Any]:
        at = max(i for i, item in enumerate(stack) if item is _MARK)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for opcode, argument, _ in pickletools.genops(content):
        name = opcode.name
        if name in _VALUES:
            stack.append(_VALUES[name])
        elif name in _LITERALS:
            stack.append(argument)
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[name])
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "TUPLE":
            stack.append(tuple(to_mark()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("SETITEMS", "SETITEM"):
            items = to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name in ("APPENDS", "APPEND"):
            stack[-1].extend(to_mark() if name == "APPENDS" else [stack.pop()])
        elif name in ("REDUCE", "NEWOBJ"):  # a call: noted, not made
            arguments = stack.pop()
            stack[-1] = {"call": stack[-1], "arguments": arguments, "state": {}}
        elif name == "BUILD":
            state = stack.pop()
            stack[-1]["state"].update(state)
        elif name == "BINPERSID":
            stack[-1] = {"storage": stack[-1]}
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"opcode {name}")
    raise ValueError("the pickle has no end")


def _collect(item: Any, prefix: str, read: Any, found: dict[str, NDArray[Any]]) -> None:
    if not isinstance(item, dict) or "call" not in item:
        return
    if item["call"] == _TENSOR:
        found[prefix[:-1]] = _tensor(item["arguments"], read)
        return
    for name, value in item["state"].items():
        _collect(value, f"{prefix}{name}.", read, found)


def _tensor(arguments: Any, read: Any) -> NDArray[Any]:
    storage, offset, shape, stride = arguments[:4]
    _, kind, key, _, _ = storage["storage"]
    flat = np.frombuffer(read(key), np.dtype(_TYPES[kind]))
    shape, stride = tuple(int(n) for n in shape), [int(s) * flat.itemsize for s in stride]
    last = int(offset) + sum((n - 1) * s for n, s in zip(shape, arguments[3], strict=True))
    if (
        min(shape, default=1) < 0
        or int(offset) < 0
        or min(stride, default=0) < 0
        or (0 not in shape and last >= len(flat))
    ):
        raise ValueError("a tensor reaches beyond its numbers")
    return np.array(np.lib.stride_tricks.as_strided(flat[int(offset) :], shape, stride))
