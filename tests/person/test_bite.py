"""Teeth and tongue in the jaw: sizes, rigid motion, contacts, and nothing through the skin."""

from __future__ import annotations

import numpy as np
import pytest

from vultus import channels as ch
from vultus.camera import Camera
from vultus.person import bite, dentition, tongue
from vultus.person.atlas import Kind, kinds
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.render.triangles import Rasteriser, project

PEOPLE = (0, 4, 10, 18, 27)
CLOSED = ({}, {"mouthPress": 1.0}, {"mouthPucker": 1.0}, {"jawOpen": 0.3, "mouthClose": 0.3})
TIGHT = ({"jawOpen": 1.0}, {"mouthSmile": 1.0}, {"mouthSmile": 1.0, "jawOpen": 0.5}, {"jawLeft": 1.0, "jawOpen": 0.5})
EVERY = tuple({name: 1.0} for name in ch.ARKIT if name.startswith(("jaw", "mouth", "cheek", "nose")))


def row(**values: float) -> np.ndarray:
    out = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in values.items():
        for channel in (name,) if name in ch.INDEX else (name + "Left", name + "Right"):
            out[ch.INDEX[channel]] = value
    return out


@pytest.fixture(scope="module")
def people():
    return {seed: build_mesh(Identity.from_seed(seed)) for seed in PEOPLE}


def arches(mesh):
    """Vertex numbers of the upper and the lower arch, and of the tongue."""
    return tuple(mesh.part_vertices(part) for part in bite.REPLACED)


def edge(mesh, number: int, lower: bool) -> np.ndarray:
    """Vertices of tooth *number* (1 to 14 from the right)."""
    teeth = dentition.build()
    first = len(mesh.neutral) - len(bite.inside().follow)
    return first + np.flatnonzero((teeth.tooth == number) & (teeth.lower == lower))


def test_there_are_fourteen_teeth_a_row_of_the_books_widths() -> None:
    teeth = dentition.build()
    assert len(teeth.triangles) < 8300
    for lower, table in ((False, dentition.UPPER), (True, dentition.LOWER)):
        assert set(teeth.tooth[teeth.lower == lower]) == set(range(15))
        for number in range(1, 15):
            crown = teeth.points[(teeth.lower == lower) & (teeth.tooth == number)].astype(float)
            n = number - 8 if number > 7 else 7 - number
            flat = crown[:, [0, 2]] - crown[:, [0, 2]].mean(0)
            if n < 3:  # the long way across a front tooth lies along the arch
                spread = [np.ptp(flat @ [np.cos(a), np.sin(a)]) for a in np.linspace(0, np.pi, 60)]
                assert max(spread) * 1e3 > table[n, 0] - 0.2
            else:
                assert 0.85 * table[n, 3] < np.ptp(flat, axis=0).max() * 1e3 < 1.25 * table[n, 3]
            assert np.ptp(crown[:, 1]) * 1e3 == pytest.approx(dentition.ROOT * table[n, 2], abs=2.0)


def test_people_differ_and_stay_the_same() -> None:
    one, again, other = (dentition.build(Identity.from_seed(seed)) for seed in (3, 3, 4))
    assert one.points.tobytes() == again.points.tobytes()
    assert 1e-4 < np.abs(one.points - other.points).max() < 8e-3
    young, old = (dentition.build(Identity(age=age, seed=5)) for age in (20, 85))
    front = (young.tooth == 7) & ~young.lower
    assert young.points[front, 1].min() < old.points[front, 1].min() - 2e-4  # edges wear


def test_the_upper_arch_stays_and_the_lower_one_is_rigid(people) -> None:
    for mesh in people.values():
        upper, lower, soft = arches(mesh)
        assert not mesh.basis[:, upper].any()
        moving = {name for name, shape in zip((*ch.ARKIT, *ch.TONGUE), mesh.basis, strict=True) if shape[lower].any()}
        assert moving == {*bite.JAW, *bite.JOINED}
        before = mesh.neutral[lower].astype(float)
        for name in bite.JAW:
            after = before + mesh.basis[ch.INDEX[name], lower]
            pairs = np.random.default_rng(0).integers(0, len(lower), (2, 500))
            lengths = [np.linalg.norm(p[pairs[0]] - p[pairs[1]], axis=1) for p in (before, after)]
            np.testing.assert_allclose(*lengths, atol=2e-6)
        assert mesh.basis[ch.INDEX["jawOpen"], lower, 1].mean() < -0.015
        assert mesh.basis[ch.INDEX["tongueOut"], soft].any()


def test_upper_front_teeth_show_in_speech_and_hide_at_rest(people) -> None:
    for mesh in people.values():
        tip = mesh.neutral[np.concatenate([edge(mesh, n, False) for n in (7, 8)]), 1].min()
        line = mesh.neutral[mesh.landmark("lipInnerUpper"), 1]
        assert 0.0008 < line - tip < 0.0045
        speech = mesh.evaluate(row(jawOpen=0.1, mouthStretch=0.4, mouthUpperUp=0.25, mouthLowerDown=0.3)[None])[0]
        assert 0.002 < speech[mesh.landmark("lipInnerUpper"), 1] - tip < 0.008


def shown(mesh, expression: dict[str, float], side: float) -> tuple[int, int]:
    """Pixels of 0.5 mm that show front teeth, and those below the mouth that show teeth before skin."""
    kind, count = kinds(mesh), 256
    vertices = mesh.evaluate(row(**expression)[None])[0]
    target = mesh.neutral[mesh.landmark("lipInnerUpper")].astype(float)
    eye = target + 2 * np.array([np.sin(np.radians(side)), 0, np.cos(np.radians(side))])
    screen = project(Camera.look_at(eye, target, size=(count, count), fov=3.7), vertices)
    pictures = []
    for some in ((Kind.SKIN, Kind.CAVITY), (Kind.SKIN, Kind.CAVITY, Kind.UPPER_TEETH, Kind.LOWER_TEETH)):
        keep = np.isin(kind, some)
        raster = Rasteriser(count, count)
        raster.draw(screen, mesh.triangles[keep])
        pictures.append(np.where(raster.ids >= 0, kind[keep][raster.ids], -1))
    teeth = np.isin(pictures[1], (Kind.UPPER_TEETH, Kind.LOWER_TEETH))
    chin = np.arange(count)[:, None] > count // 2 + 40
    front = np.abs(np.arange(count) - count // 2) < 24
    return int((teeth & front).sum()), int((teeth & (pictures[0] == Kind.SKIN) & chin).sum())


def test_closed_lips_show_no_teeth_and_nothing_comes_through_the_chin(people) -> None:
    for mesh in people.values():
        fine = build_mesh(mesh.identity, subdivisions=1)
        for expression in CLOSED:
            assert shown(fine, expression, 0)[0] <= 12, expression
        for expression in TIGHT:
            for side in (0, 40):
                assert shown(fine, expression, side)[1] == 0, expression


def test_the_tip_of_the_tongue_reaches_the_ridge_for_t_and_the_back_the_palate_for_k(people) -> None:
    for mesh in people.values():
        upper, _, soft = arches(mesh)
        rest, tip, back = mesh.evaluate(
            np.stack([row(jawOpen=0.1), row(jawOpen=0.1, tongueTipUp=1.0), row(jawOpen=0.12, tongueBackUp=1.0)])
        )

        def nearest(vertices: np.ndarray, some: np.ndarray, upper: np.ndarray = upper) -> float:
            """Distance from points of the tongue to teeth, gums and palate."""
            return float(np.linalg.norm(vertices[some][:, None] - vertices[upper][None], axis=2).min())

        front = soft[-4 * tongue.AROUND :]
        assert nearest(tip, front) < 0.0015 < nearest(rest, front)
        assert back[soft, 1].max() > rest[soft, 1].max() + 0.006


def test_the_tongue_comes_out_over_the_lower_lip_and_hangs_down(people) -> None:
    for mesh in people.values():
        _, _, soft = arches(mesh)
        vertices = mesh.evaluate(row(jawOpen=0.3, tongueOut=1.0)[None])[0]
        lip = vertices[mesh.landmark("lipOuterLower")]
        tip = vertices[soft[np.argmax(vertices[soft, 2])]]
        assert tip[2] > lip[2] + 0.006
        ridge = vertices[soft][np.abs(vertices[soft, 2] - lip[2]) < 0.004]
        assert tip[1] < ridge[:, 1].max() - 0.002
