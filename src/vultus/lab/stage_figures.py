"""How fast the stage films, and whether its buffers tell the truth: the rows of ``vultus bench --stage``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.clip import View
from vultus.errors import VultusError
from vultus.lab.bench import Figure, both
from vultus.motion import Motion
from vultus.person import landmarks as lm
from vultus.person.identity import Identity, parse_identity
from vultus.person.mesh import build_mesh
from vultus.stage import truth
from vultus.stage.filming import find
from vultus.stage.rigs import closeup, multiview, phone

_PEOPLE: Final = (11, 42, 77, 90, 203, 318)
"""Seeds of people that ``tools/build_landmarks.py`` does not draw."""
_FACE: Final = "person:seed=12"
_FRAME: Final = 3


def performance(frames: int, fps: int = 25) -> Motion:
    """Someone who talks and turns, without a voice."""
    data, t = np.zeros((frames, len(ch.CHANNELS)), np.float32), np.arange(frames) / fps
    data[:, ch.INDEX["jawOpen"]] = 0.2 + 0.2 * np.sin(12 * t)
    data[:, ch.INDEX["mouthSmileLeft"]] = 0.4
    data[:, ch.HEAD.start + 1] = 0.3 * np.sin(3 * t)
    data[:, ch.HEAD.start] = 0.1 * np.sin(5 * t + 1)
    return Motion(data, Fraction(fps))


def figures(quick: bool) -> Iterator[Figure]:
    """All figures of the stage; *quick* takes fewer frames and people."""
    yield from speed(24 if quick else 96)
    yield from truths(160 if quick else 256)
    yield from read_back(_PEOPLE[:2] if quick else _PEOPLE)


def speed(frames: int, repeats: int = 3) -> Iterator[Figure]:
    """Frames a second at 128 x 128 of each rig, with all buffers; and processor time, which other programs do not
    change: 33 ms on each of two cores are 60 frames a second."""
    motion = performance(frames)
    for rig, bound in (("phone", ">= 60"), ("closeup", ""), ("multiview", "")):
        view = find(rig).shoot(_FACE, motion, size=128, seed=1)[0]

        def work(view: View = view) -> None:
            deque(view.each(*view.fields), 0)

        many, one = both(work, repeats)
        yield Figure(f"{rig} with all buffers, 128x128", "frames/s", frames / many, frames / one, bound)
        began = time.process_time()
        work()
        spent = 1e3 * (time.process_time() - began) / frames
        yield Figure(f"{rig}, processor time of a frame", "ms", spent, None, "<= 33" if bound else "")


def truths(size: int) -> Iterator[Figure]:
    """The checks of :mod:`vultus.stage.truth` on the rigs, without the lens' faults."""
    motion, identity = performance(_FRAME + 2), parse_identity(_FACE)
    (view,) = phone.shoot(identity, motion, size=size, seed=5, faults=False, quality="default")
    found = truth.checks(view, _FRAME)
    # Something must move by more than a pixel to uncover whole ones.
    (near,) = closeup.shoot(identity, motion, size=size, seed=5, faults=False)
    hidden = truth.disocclusion_agreement(
        *near.each("flow", "occlusion", "disocclusion", first=_FRAME, stop=_FRAME + 2)
    )
    found |= zip(list(_BOUNDS)[-2:], hidden, strict=True)
    for name, bound in _BOUNDS.items():
        yield Figure(name, "", found[name], None, bound)
    mesh = build_mesh(identity, subdivisions=1)
    points = lm.landmarks(mesh, mesh.evaluate(motion.data[_FRAME : _FRAME + 1]))[0]
    frame = next(view.each("depth", "landmarks_478", first=_FRAME, stop=_FRAME + 1))
    off = 1e3 * truth.landmark_errors(frame, view.camera(_FRAME), points)
    yield Figure("landmarks in sight off the surface, median", "mm", float(np.median(off)), None, "<= 0.6")
    views = multiview.shoot(identity, motion, size=size, seed=5, faults=False)
    frames = [next(v.each("depth", "normals", first=_FRAME, stop=_FRAME + 1)) for v in views]
    apart = [
        truth.depth_errors(frames[a], views[a].camera(_FRAME), frames[a + 1], views[a + 1].camera(_FRAME))
        for a in range(len(views) - 1)
    ]
    errors = 1e3 * np.concatenate(apart)
    yield Figure("depth between neighbouring cameras, median", "mm", float(np.median(errors)), None, "<= 0.2")
    yield Figure("depth between neighbouring cameras, 95 %", "mm", float(np.percentile(errors, 95)), None, "<= 1")


_BOUNDS: Final = {
    "flow: warped over unwarped error": "<= 0.6",
    "normals and slope of the depth, median degrees": "<= 2",
    "lip points on lips": ">= 0.95",
    "iris points on eyes": ">= 1",
    "seen before, and reached by the flow": ">= 0.99",
    "not seen before, and not hit by the flow": ">= 0.8",
}


def read_back(seeds: tuple[int, ...]) -> Iterator[Figure]:
    """How far the tracker reads landmarks from where the mesh has them, in percent of the distance between the pupils,
    on people whom the correspondence was not made from; nothing where the tracker cannot be had."""
    error = tracker_errors(seeds)
    if error is None:
        return
    yield Figure(
        "landmarks off the tracker's, median", "% of the eyes' distance", float(np.median(error)), None, "<= 3"
    )
    yield Figure("the 68 among them", "%", float(np.median(error[:, list(lm.TO_68)])), None, "<= 3")
    for name, points in lm.REGIONS.items():
        yield Figure(f"- {name}", "%", float(np.median(error[:, list(points)])))


def tracker_errors(seeds: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Percent of the distance between the pupils, [N, 478], for people in the default look, neutral, turned by 0.2
    radians, and with the mouth open and smiling; None without the tracker."""
    from vultus.heads.person import PersonHead
    from vultus.observers.tracker import Tracker

    try:
        tracker = Tracker()
    except VultusError:
        return None
    out = []
    for seed in seeds:
        head = PersonHead(Identity.from_seed(seed), size=(384, 384))
        for pose in ({}, {"headRotationY": 0.2}, {"jawOpen": 0.3, "mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}):
            row = np.zeros(len(ch.CHANNELS), np.float32)
            for name, value in pose.items():
                row[ch.INDEX[name]] = value
            face = tracker.track(head.frame(row), fresh=True)
            if face is None:
                continue
            pixels, _ = head.camera.project(lm.landmarks(head.mesh_data, head.vertices(row)))
            unit = np.linalg.norm(pixels[lm.RIGHT_IRIS[0]] - pixels[lm.LEFT_IRIS[0]])
            out.append(100 * np.linalg.norm(pixels - face.landmarks[:, :2], axis=1) / unit)
    return np.array(out) if out else None
