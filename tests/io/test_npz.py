"""The motion file loses nothing, has fixed bytes and refuses everything else."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.io import formats, npz
from vultus.layers import Layer, Layered
from vultus.motion import BodyPose, Motion


def random_motion(frames: int = 7, seed: int = 0, fps: Fraction | int = 30, start: Fraction | int = 0) -> Motion:
    rng = np.random.default_rng(seed)
    data = rng.uniform(ch.LOW, ch.HIGH, (frames, len(ch.CHANNELS))).astype(np.float32)
    return Motion(data, Fraction(fps), Fraction(start), rng.uniform(size=data.shape) > 0.3)


def assert_same(a: Motion, b: Motion) -> None:
    np.testing.assert_array_equal(a.data.view(np.uint32), b.data.view(np.uint32))
    np.testing.assert_array_equal(a.valid, b.valid)
    assert (a.fps, a.start) == (b.fps, b.start)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.integers(1, 9),
    fps=st.sampled_from([25, 30, Fraction(30000, 1001), Fraction(7, 3)]),
    start=st.fractions(-100, 100, max_denominator=10**6),
    seed=st.integers(0, 99),
)
def test_written_motion_reads_back_bit_for_bit(
    tmp_path: Path, frames: int, fps: Fraction, start: Fraction, seed: int
) -> None:
    motion = random_motion(frames, seed, fps, start)
    npz.write(tmp_path / "a.npz", motion)
    assert_same(npz.read(tmp_path / "a.npz"), motion)


def test_body_pose_survives(tmp_path: Path) -> None:
    body = BodyPose(("spine", "chest"), np.random.default_rng(1).normal(size=(7, 2, 3)).astype(np.float32))
    motion = random_motion().replace(body=body)
    npz.write(tmp_path / "a.npz", motion)
    read = npz.read(tmp_path / "a.npz")
    assert read.body is not None
    assert read.body.joints == body.joints
    np.testing.assert_array_equal(read.body.rotations, body.rotations)


def test_edits_stay_apart_and_apply_on_reading(tmp_path: Path) -> None:
    values = np.full((3, 2), 0.25, np.float32)
    edit = Layer("smile", ("mouthSmileLeft", "jawOpen"), values, Fraction(30), Fraction(1, 30), "replace", 0.5, 0.01)
    layered = Layered(random_motion(), (edit, Layer("none", ("jawLeft",), values[:, :1], Fraction(25))))
    npz.write(tmp_path / "a.npz", layered)
    read = npz.read_layered(tmp_path / "a.npz")
    assert_same(read.generated, layered.generated)
    for a, b in zip(read.edits, layered.edits, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
        assert (a.name, a.channels, a.fps, a.start, a.mode) == (b.name, b.channels, b.fps, b.start, b.mode)
        assert (a.weight, a.fade) == (b.weight, b.fade)
    assert_same(npz.read(tmp_path / "a.npz"), layered.flatten())


def test_bytes_are_the_same_every_time_and_chunks_are_joined(tmp_path: Path) -> None:
    motion = random_motion()
    npz.write(tmp_path / "a.npz", motion)
    npz.write(tmp_path / "b.npz", iter([motion[:3], motion[3:]]))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert str(np.load(tmp_path / "a.npz", allow_pickle=False)["format"]) == "vultus.motion"


def test_damaged_and_foreign_files_are_told(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", random_motion())
    good = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(0)
    for i in range(60):
        bad = bytearray(good)
        if i < 20:
            bad = bad[: rng.integers(1, len(good))]
        else:
            for place in rng.integers(0, len(good), 4):
                bad[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "b.npz").write_bytes(bad)
        with suppress(VultusError):  # a flip in an unused header bit may go unseen; nothing else may come
            npz.read(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", data=np.zeros((3, 69)))
    np.savez(tmp_path / "d.npz", format=np.array("vultus.motion"), data=np.array([{}], object))
    for name in ("c.npz", "d.npz", "missing.npz"):
        with pytest.raises(VultusError):
            npz.read(tmp_path / name)


def test_truncation_never_passes(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", random_motion())
    good = (tmp_path / "a.npz").read_bytes()
    for cut in range(1, len(good), 97):
        (tmp_path / "b.npz").write_bytes(good[:cut])
        with pytest.raises(VultusError):
            npz.read(tmp_path / "b.npz")


def test_newer_version_is_refused(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", random_motion())
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", **(arrays | {"version": np.array(2)}))
    with pytest.raises(VultusError, match="newer"):
        npz.read(tmp_path / "b.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.CSV", "a.json"])
def test_formats_go_by_extension(tmp_path: Path, name: str) -> None:
    motion = Motion.of(30, jawOpen=np.linspace(0, 1, 40))
    formats.write_motion(tmp_path / name, (motion[i : i + 8] for i in range(0, 40, 8)))
    read = formats.read_motion(tmp_path / name)
    assert read.fps == 30
    np.testing.assert_allclose(read["jawOpen"], motion["jawOpen"], atol=1e-6)


def test_unknown_extension_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match=r"\.json"):
        formats.write_motion(tmp_path / "a.jsn", Motion.neutral(2, 30))
    with pytest.raises(VultusError, match=r"\.csv.*\.json.*\.npz"):
        formats.read_motion(tmp_path / "motion")
