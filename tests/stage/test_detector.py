"""Landmarks as detectors give them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vultus.person.identity import parse_identity
from vultus.person.landmarks import TO_68, landmarks
from vultus.person.mesh import build_mesh
from vultus.stage.detector import Detector, detect, random_detector
from vultus.stage.noise import drift


def face(hidden=()):
    """A face 100 pixels between the eyes."""
    mesh = build_mesh(parse_identity("person:12"))
    points = landmarks(mesh, mesh.neutral)
    unit = np.linalg.norm(points[468] - points[473])
    flat = (points[:, :2] - points[1, :2]) * (1, -1) * 100 / unit + 200
    seen = np.ones(478)
    seen[list(hidden)] = 0
    return np.column_stack([flat, seen]).astype(np.float32)


def errors(truth, detector, frames=60):
    found = np.stack([detect(truth, i, 25.0, detector) for i in range(frames)])
    return found[..., :2] - truth[:, :2], found[..., 2]


def test_errors_are_as_large_as_they_should_be_and_grow_where_points_are_hidden():
    hidden = list(range(200, 300))
    quiet = Detector(lost=0.0, outline=0.0, hidden=4.0)
    error, sure = errors(face(hidden), quiet)
    size = np.sqrt((error**2).mean((0, 2)))
    clear = np.setdiff1d(np.arange(478), hidden)
    assert 0.6 < np.median(size[clear]) < 1.6  # percent of the distance between the eyes
    assert 3 < np.median(size[hidden]) / np.median(size[clear]) < 5
    assert np.median(sure[:, hidden]) < 0.7 * np.median(sure[:, clear])
    assert sure.min() > 0
    assert sure.max() <= 1


def test_errors_last_for_some_frames_and_differ_between_points():
    error, _ = errors(face(), Detector(noise=0.001, lost=0.0))
    x = error[..., 0] - error[..., 0].mean(0)
    assert (x[1:] * x[:-1]).mean() / (x * x).mean() > 0.7
    size = np.sqrt((error**2).mean((0, 2)))
    assert np.percentile(size, 90) > 1.8 * np.percentile(size, 10)


def test_any_frame_may_be_asked_for_first():
    detector = Detector(seed=4)
    assert np.array_equal(detect(face(), 31, 25.0, detector), detect(face(), 31, 25.0, detector))
    assert not np.array_equal(detect(face(), 31, 25.0, detector), detect(face(), 32, 25.0, detector))
    assert not np.array_equal(detect(face(), 31, 25.0, detector), detect(face(), 31, 25.0, replace(detector, seed=5)))


def test_faces_are_lost_now_and_then():
    _, sure = errors(face(), Detector(lost=0.2), 200)
    lost = (sure == 0).all(1)
    assert 0.1 < lost.mean() < 0.3
    assert ((sure == 0).any(1) == lost).all()
    for seed in range(20):
        random_detector(np.random.default_rng(seed))


def test_hidden_points_of_the_jaw_go_to_the_visible_outline():
    jaw = list(TO_68[:17])
    truth = face(jaw[:5])
    still = Detector(noise=0, wander=0, outline=0.5, lost=0)
    moved = detect(truth, 0, 25.0, still)[:, :2] - truth[:, :2]
    assert (np.linalg.norm(moved[jaw[:5]], axis=1) > 3).all()
    assert np.abs(moved[np.setdiff1d(np.arange(478), jaw[:5])]).max() < 1e-3
    away = np.linalg.norm(truth[jaw[:5], None, :2] - truth[None, jaw[5:], :2], axis=2).min(1)
    np.testing.assert_allclose(np.linalg.norm(moved[jaw[:5]], axis=1), 0.5 * away, rtol=1e-3)


def test_drift_is_smooth_and_of_unit_variance():
    values = np.stack([drift((1, 2), t, 3.0, (400,)) for t in np.arange(0, 8, 0.05)])
    assert abs(values.mean()) < 0.05
    assert 0.9 < values.std() < 1.1
    steps = np.abs(np.diff(values, axis=0))
    assert steps.max() < 1.2
    assert steps.mean() < 0.25
