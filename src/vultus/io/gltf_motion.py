"""The animation of a glTF file as a Motion."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.io import names as naming
from vultus.io.glb import Document, pick
from vultus.io.gltf_scene import Scene
from vultus.mesh import Skeleton
from vultus.motion import LOOK, BodyPose, Motion, as_fps, as_time, clamp, eyes_from_look

Array = NDArray[np.float64]
GROUPS = {"neck": ch.NECK, "head": ch.HEAD, "leftEye": ch.EYE_LEFT, "rightEye": ch.EYE_RIGHT}
MAX_FRAMES = 1 << 24


@dataclass(frozen=True, eq=False)
class _Track:
    """Keys of one channel: strictly rising times [K] and values [K, C]."""

    node: int
    path: str
    times: Array
    values: Array
    step: bool


def motion(document: Document, scene: Scene, skeleton: Skeleton | None) -> Motion | None:
    """The first animation that moves something we know, or None."""
    for animation in document.items("animations"):
        tracks = [track for channel in animation["channels"] if (track := _track(document, animation, channel))]
        if tracks:
            return _motion(document, scene, skeleton, tracks)
    return None


def _track(document: Document, animation: dict[str, Any], channel: dict[str, Any]) -> _Track | None:
    node, path = channel["target"].get("node"), channel["target"]["path"]
    if node is None or path not in ("weights", "rotation", "translation"):
        return None
    pick(document.items("nodes"), node)
    sampler = pick(animation["samplers"], channel["sampler"])
    times = document.accessor(sampler["input"]).astype(np.float64)
    values = document.accessor(sampler["output"]).astype(np.float64)
    cubic = sampler.get("interpolation") == "CUBICSPLINE"
    values = values.reshape(len(times), 3, -1)[:, 1] if cubic else values.reshape(len(times), -1)
    if np.any(np.diff(times) <= 0):
        raise VultusError("The times of its animation do not rise")
    if path != "weights" and values.shape[1] != (4 if path == "rotation" else 3):
        raise VultusError("Its animation has values of the wrong size")
    return _Track(node, path, times, values, sampler.get("interpolation") == "STEP")


def _grid(scene: Scene, tracks: list[_Track]) -> tuple[Fraction, Fraction, Array]:
    """(fps, start, times [T]): as our extras say, else the finest spacing of keys."""
    longest = max(tracks, key=lambda track: len(track.times)).times
    rate, start = scene.extras.get("fps"), scene.extras.get("start")
    if scene.ours and isinstance(rate, list) and isinstance(start, list):
        return as_fps(Fraction(*rate)), as_time(Fraction(*start)), longest
    first, last = min(t.times[0] for t in tracks), max(t.times[-1] for t in tracks)
    spacing = float(np.median(np.diff(longest))) if len(longest) > 1 else 1 / 30
    whole = round(1 / spacing)
    exact = whole and abs(1 / spacing - whole) < 0.02 * whole / max(len(longest), 2) + 1e-3
    fps = as_fps(whole if exact else min(max(1 / spacing, 1), 240))
    count = round((last - first) * float(fps)) + 1
    if count > MAX_FRAMES:
        raise VultusError(f"Its animation has {count} frames")
    return fps, as_time(float(first)), first + np.arange(count) / float(fps)


def _sample(track: _Track, times: Array) -> Array:
    """Values [T, C] at *times*; rotations come as rotation vectors [T, 3]."""
    values = rotations.from_quaternion(track.values) if track.path == "rotation" else track.values
    if len(times) == len(track.times) and np.abs(times - track.times).max() < 1e-6:
        return values
    high = np.clip(np.searchsorted(track.times, times + 1e-9, side="right"), 1, max(len(track.times) - 1, 1))
    high = np.minimum(high, len(track.times) - 1)
    low = np.maximum(high - 1, 0)
    span = np.maximum(track.times[high] - track.times[low], 1e-9)
    weight = np.clip((times - track.times[low]) / span, 0, 1)
    if track.step:
        weight = np.floor(weight + 1e-6)
    if track.path == "rotation":
        return rotations.slerp(values[low], values[high], weight)
    return values[low] + weight[:, None] * (values[high] - values[low])


def _motion(document: Document, scene: Scene, skeleton: Skeleton | None, tracks: list[_Track]) -> Motion:
    fps, start, times = _grid(scene, tracks)
    raw = np.zeros((len(times), len(ch.CHANNELS)))
    seen = np.zeros(len(ch.CHANNELS), bool)
    role = dict(zip(scene.joints, scene.joint_names, strict=True))
    body: dict[str, Array] = {}
    turns: dict[str, Array] = {}
    for track in tracks:
        if track.path == "weights":
            _weights(document, scene, track, _sample(track, times), raw, seen)
        elif track.path == "rotation":
            name = naming.joint(role.get(track.node, "")) if skeleton else "head"
            turn = _from_rest(scene, track.node, _sample(track, times))
            if name in naming.NECKS or name in GROUPS:
                turns[name] = turn
            elif track.node in role:
                body[role[track.node]] = turn
        elif track.node not in role or naming.joint(role[track.node]) == "hips":
            above, rest = scene.above(track.node), scene.nodes[track.node].get("translation", (0, 0, 0))
            raw[:, ch.TRANSLATION] = (_sample(track, times) - np.array(rest, np.float64)) @ above[:3, :3].T
            seen[ch.TRANSLATION] = True
    for name in naming.NECKS[1:]:  # several neck joints together turn the head by their product
        if name in turns:
            turns["neck"] = rotations.compose(turns.get("neck", np.zeros(3)), turns.pop(name))
    for name, turn in turns.items():
        raw[:, GROUPS[name]], seen[GROUPS[name]] = _limited(turn, ch.HIGH[GROUPS[name].start]), True
    data = clamp(raw)
    if not seen[ch.EYE_LEFT].any() and not seen[ch.EYE_RIGHT].any() and seen[list(LOOK)].all():
        data[:, ch.EYE_LEFT], data[:, ch.EYE_RIGHT] = eyes_from_look(data[:, LOOK])
        seen[ch.EYE_LEFT] = seen[ch.EYE_RIGHT] = True
    if scene.ours:
        hidden = set(scene.extras.get("unobserved", ()))
        seen = np.array([name not in hidden for name in ch.CHANNELS])
    pose = BodyPose(tuple(body), np.stack(list(body.values()), axis=1).astype(np.float32)) if body else None
    return Motion(data, fps, start, np.broadcast_to(seen, data.shape), pose)


def _weights(
    document: Document, scene: Scene, track: _Track, values: Array, data: Array, seen: NDArray[np.bool_]
) -> None:
    """Put sampled morph weights into their channels."""
    if "mesh" not in scene.nodes[track.node]:
        raise VultusError("Its animation moves targets of a node without a mesh")
    mesh = document.items("meshes")[scene.mesh(track.node)]
    labels = mesh.get("extras", {}).get("targetNames") or mesh["primitives"][0].get("extras", {}).get("targetNames")
    for label, column in zip(labels or (), values.T, strict=False):
        name = naming.shape(str(label))
        if name is not None and (not seen[ch.INDEX[name]] or column.any()):
            data[:, ch.INDEX[name]], seen[ch.INDEX[name]] = column, True


def _from_rest(scene: Scene, node: int, turn: Array) -> Array:
    """Local rotations [T, 3] of *node* -> rotations away from its pose at rest, on the model's axes."""
    rest = _turn(scene.world[node])
    above = _turn(scene.above(node))
    if not rest.any() and not above.any():
        return turn
    local = rotations.compose(-above, rest)
    return rotations.compose(rotations.compose(above, rotations.compose(turn, -local)), -above)


def _turn(matrix: Array) -> Array:
    """The rotation vector of a 4x4 matrix without its scale."""
    axes = matrix[:3, :3] / np.maximum(np.linalg.norm(matrix[:3, :3], axis=0), 1e-12)
    return np.zeros(3) if np.allclose(axes, np.eye(3), atol=1e-9) else rotations.from_matrix(axes)


def _limited(turn: Array, limit: float) -> Array:
    """Rotation vectors [T, 3]; those that leave *limit* on an axis are shortened to that angle."""
    angle = np.linalg.norm(turn, axis=1, keepdims=True)
    outside = np.abs(turn).max(axis=1, keepdims=True) > limit + 1e-4
    return np.where(outside, turn * np.minimum(1, limit / np.maximum(angle, 1e-9)), turn)
