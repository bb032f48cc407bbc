"""The container of glTF 2.0: JSON, binary buffers and the accessors between them.

Source: Khronos glTF 2.0 specification, sections 3.6 (accessors, sparse storage, alignment) and 4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

MAGIC: Final = 0x46546C67
JSON_CHUNK: Final = 0x4E4F534A
BIN_CHUNK: Final = 0x004E4942
COMPONENTS: Final[dict[int, np.dtype[Any]]] = {
    5120: np.dtype("<i1"), 5121: np.dtype("<u1"), 5122: np.dtype("<i2"), 5123: np.dtype("<u2"),
    5125: np.dtype("<u4"), 5126: np.dtype("<f4"),
}  # fmt: skip
SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "SCALAR": (), "VEC2": (2,), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4),
}  # fmt: skip
VERTICES: Final = 34962
INDICES: Final = 34963
UNDERSTOOD: Final = {"KHR_materials_unlit", "KHR_mesh_quantization", "KHR_texture_transform"}
MAX_ELEMENTS: Final = 1 << 26
"""The most elements of one accessor that are read; a file may claim more without holding them."""


@dataclass(eq=False)
class Builder:
    """A glTF document that grows: ``document`` is its JSON, ``chunks`` its one buffer."""

    document: dict[str, Any]
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append *item* to the top-level array *kind*; its index."""
        items: list[dict[str, Any]] = self.document.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def view(self, data: bytes, target: int | None = None) -> int:
        """A buffer view of *data*, aligned to 4 bytes; its index."""
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self.size, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        padded = data + bytes(-len(data) % 4)
        self.chunks.append(padded)
        self.size += len(padded)
        return self.add("bufferViews", view)

    def accessor(self, array: NDArray[Any], target: int | None = None, *, limits: bool = False) -> int:
        """An accessor of *array* [N, ...] in its own dtype (matrices column-major); its index."""
        if array.ndim == 3:
            array = array.transpose(0, 2, 1)
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        item = self._describe(array) | {"bufferView": self.view(data.tobytes(), target)}
        if limits:
            item |= _limits(array)
        return self.add("accessors", item)

    def displacements(self, array: NDArray[np.float32]) -> int:
        """An accessor of morph displacements [V, 3], sparse where that is smaller; its index."""
        moved = np.flatnonzero(array.any(axis=1))
        kind = np.dtype("<u2") if len(array) < 65536 else np.dtype("<u4")
        if len(moved) * (12 + kind.itemsize) >= array.nbytes:
            return self.accessor(array, VERTICES, limits=True)
        item = self._describe(array) | _limits(array)
        if len(moved):  # an accessor without any storage is all zeros
            item["sparse"] = {
                "count": len(moved),
                "indices": {"bufferView": self.view(moved.astype(kind).tobytes()), "componentType": _code(kind)},
                "values": {"bufferView": self.view(array[moved].astype("<f4").tobytes())},
            }
        return self.add("accessors", item)

    def _describe(self, array: NDArray[Any]) -> dict[str, Any]:
        kind = next(name for name, shape in SHAPES.items() if shape == array.shape[1:])
        return {"componentType": _code(array.dtype), "count": len(array), "type": kind}

    def save(self, path: Path) -> None:
        """Write the GLB to *path*."""
        self.document["buffers"] = [{"byteLength": self.size}]
        text = json.dumps(self.document, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        with path.open("wb") as file:
            file.write(struct.pack("<III", MAGIC, 2, 12 + 8 + len(text) + 8 + self.size))
            file.write(struct.pack("<II", len(text), JSON_CHUNK) + text)
            file.write(struct.pack("<II", self.size, BIN_CHUNK))
            file.writelines(self.chunks)


def _code(dtype: np.dtype[Any]) -> int:
    return next(code for code, known in COMPONENTS.items() if known == dtype.newbyteorder("<"))


def _limits(array: NDArray[Any]) -> dict[str, list[float]]:
    flat = array.reshape(len(array), -1)
    return {"min": flat.min(axis=0).tolist(), "max": flat.max(axis=0).tolist()}


@dataclass(frozen=True, eq=False)
class Document:
    """A glTF file in memory: its JSON and its buffers. Indices into it may still be wrong."""

    json: dict[str, Any]
    buffers: tuple[bytes, ...]

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The top-level array *kind*, empty where the file has none."""
        found = self.json.get(kind, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise VultusError(f"The {kind} of the glTF file are damaged")
        return found

    def view(self, index: int) -> tuple[memoryview, int]:
        """The bytes of a buffer view, and its stride or 0."""
        view = pick(self.items("bufferViews"), index)
        data = pick(self.buffers, view.get("buffer", 0))
        first, length = natural(view.get("byteOffset", 0)), natural(view["byteLength"])
        if first + length > len(data):
            raise VultusError("A buffer view of the glTF file leaves its buffer")
        return memoryview(data)[first : first + length], natural(view.get("byteStride", 0))

    def accessor(self, index: int) -> NDArray[Any]:
        """The elements [N, ...] of an accessor: any component type, stride, sparse; normalised integers as float32."""
        item = pick(self.items("accessors"), index)
        dtype, shape, count = COMPONENTS[item["componentType"]], SHAPES[item["type"]], natural(item["count"])
        if not 0 < count <= MAX_ELEMENTS:
            raise VultusError(f"An accessor of the glTF file claims {count} elements")
        if "bufferView" in item:
            array = self._elements(item["bufferView"], natural(item.get("byteOffset", 0)), dtype, shape, count).copy()
        else:
            array = np.zeros((count, *shape), dtype)
        if sparse := item.get("sparse"):
            number = natural(sparse["count"])
            where, what = sparse["indices"], sparse["values"]
            kind = COMPONENTS[where["componentType"]]
            rows = self._elements(where["bufferView"], natural(where.get("byteOffset", 0)), kind, (), number)
            values = self._elements(what["bufferView"], natural(what.get("byteOffset", 0)), dtype, shape, number)
            if number and (kind.kind != "u" or int(rows.max()) >= count):
                raise VultusError("A sparse accessor of the glTF file leaves its range")
            array[rows] = values
        if len(shape) == 2:
            array = array.transpose(0, 2, 1)
        if item.get("normalized") and dtype.kind in "iu":
            array = np.maximum(array / np.float32(np.iinfo(dtype).max), -1).astype(np.float32)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise VultusError("The glTF file holds numbers that are not finite")
        return array

    def _elements(
        self, view: int, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], count: int
    ) -> NDArray[Any]:
        data, stride = self.view(view)
        size = dtype.itemsize * math.prod(shape)
        stride = stride or size
        if stride < size or count < 1 or offset + stride * (count - 1) + size > len(data):
            raise VultusError("An accessor of the glTF file leaves its buffer view")
        inner = tuple(dtype.itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape)))
        return np.ndarray((count, *shape), dtype, data, offset, (stride, *inner))


def natural(value: Any) -> int:
    """*value* as an integer from 0 up; raises VultusError on anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise VultusError(f"The glTF file has {value!r} where a whole number belongs")
    return value


def pick(items: Any, index: Any) -> Any:
    """``items[index]``; raises VultusError when there is no such item."""
    if natural(index) >= len(items):
        raise VultusError("The glTF file points to something that it does not hold")
    return items[index]


def load(path: Path) -> Document:
    """Read a .glb, or a .gltf whose buffers are data URIs. Raises VultusError; never opens another file."""
    data = path.read_bytes()
    text, binary = data, b""
    if len(data) >= 12 and struct.unpack_from("<I", data)[0] == MAGIC:
        text, binary = _chunks(data, path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VultusError(f"{path} is not a glTF file", "Give a .glb of glTF 2.0") from error
    version = document.get("asset", {}).get("version") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise VultusError(f"{path} is not a glTF 2.0 file", "Export it again as glTF 2.0 binary (.glb)")
    required = set(document.get("extensionsRequired", ())) - UNDERSTOOD
    if required:
        raise VultusError(f"{path} needs {', '.join(sorted(required))}", "Export it without compression or extensions")
    buffers = []
    for i, buffer in enumerate(document.get("buffers", ())):
        content = binary if i == 0 and "uri" not in buffer else data_uri(buffer.get("uri"))
        if len(content) < natural(buffer["byteLength"]):
            raise VultusError(f"{path} is cut short")
        buffers.append(content)
    return Document(document, tuple(buffers))


def _chunks(data: bytes, path: Path) -> tuple[bytes, bytes]:
    """The JSON and the binary chunk of a GLB."""
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length > len(data):
        raise VultusError(f"{path} is cut short or not glTF 2.0")
    found: dict[int, bytes] = {}
    place = 12
    while place + 8 <= length:
        size, kind = struct.unpack_from("<II", data, place)
        if place + 8 + size > length:
            raise VultusError(f"{path} is damaged")
        found.setdefault(kind, data[place + 8 : place + 8 + size])
        place += 8 + size
    return found.get(JSON_CHUNK, b""), found.get(BIN_CHUNK, b"")


def data_uri(uri: Any) -> bytes:
    """The bytes of a base64 data URI. Raises VultusError on any other address: nothing outside the file is read."""
    head, comma, body = uri.partition(",") if isinstance(uri, str) else ("", "", "")
    if not head.startswith("data:") or not head.endswith(";base64") or not comma:
        raise VultusError("The glTF file keeps its data in other files", "Export it as one binary file (.glb)")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VultusError("The glTF file holds a damaged data URI") from error
