"""Reads the tensors of a file that torch wrote, without running anything that is in it.

A TorchScript archive is a zip of raw numbers and a pickle that says which module owns which of them. A file of before
2020 is a row of pickles with the numbers behind. Pickles are read as lists of opcodes: names of classes stay names,
calls are noted and not made.
"""

from __future__ import annotations

import pickletools
import zipfile
from io import BytesIO
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
_MAGIC: Final = 0x1950A86A20F9469CFC6C  # that old files begin with
_MARK: Final = object()
_VALUES: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS: Final = (
    "GLOBAL", "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING",
    "SHORT_BINSTRING",
)  # fmt: skip


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Parameters and buffers of the TorchScript archive at *path* by their dotted names, as ``state_dict`` names them;
    or those of a plain ``state_dict`` in the form of before 2020.

    VultusError when the file is neither, or holds what is not understood.
    """
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            return _old(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            root = next(name[: -len("data.pkl")] for name in names if name.endswith("/data.pkl"))
            module = _structure(archive.read(f"{root}data.pkl"))
            found: dict[str, NDArray[Any]] = {}
            _collect(module, "", lambda key: archive.read(f"{root}data/{key}"), found)
            return found
    except (zipfile.BadZipFile, StopIteration, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise VultusError(
            f"{path} is not a TorchScript archive or file of tensors that can be read ({error!r})"
        ) from None


def _structure(content: bytes | BytesIO) -> Any:
    """The objects of one pickle as plain dicts, lists and tuples: an object is (class name, its attributes)."""
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
            items = to_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(items)
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


def _old(content: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of the form of before 2020: four pickles, the names of the numbers, and these, each with a count."""
    stream = BytesIO(content)
    magic, protocol, system, owners, keys = (_structure(stream) for _ in range(5))
    if (magic, protocol) != (_MAGIC, 1001) or not system.get("little_endian"):
        raise ValueError("this is no file of torch")
    items = {name: item for name, item in owners.items() if isinstance(item, dict) and item.get("call") == _TENSOR}
    sizes: dict[str, int] = {}
    for item in items.values():
        _, kind, key, _, count, _ = item["arguments"][0]["storage"]
        sizes[key] = int(count) * np.dtype(_TYPES[kind]).itemsize
    numbers: dict[str, bytes] = {}
    for key in keys:
        stream.seek(8, 1)  # the count once more
        numbers[key] = stream.read(sizes[key])
        if len(numbers[key]) != sizes[key]:
            raise ValueError("the file ends too early")
    return {name: _tensor(item["arguments"], numbers.__getitem__) for name, item in items.items()}


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
    _, kind, key = storage["storage"][:3]
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
