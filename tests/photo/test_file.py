"""Files of fitted photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.observers.basis import basis
from vultus.observers.fit import Fit
from vultus.photo import file


def pretended() -> file.FittedPhoto:
    rng = np.random.default_rng(3)
    photo = rng.integers(0, 255, (20, 30, 3)).astype(np.uint8)
    one = Fit(
        (30, 20), 50.0, np.array([15.0, 10]), np.eye(3), np.array([0.0, 0, 1]),
        rng.normal(size=len(basis().components)).astype(np.float32), np.zeros(len(ch.CHANNELS), np.float32),
        basis().mean, rng.random((478, 2)).astype(np.float32), 1.5, 0.25,
    )  # fmt: skip
    return file.FittedPhoto(photo, (one, replace(one, focal=60.0)), 1)


def test_nothing_is_lost(tmp_path: Path) -> None:
    made = pretended()
    file.write(tmp_path / "a.face", made)
    file.write(tmp_path / "b.face", made)
    assert (tmp_path / "a.face").read_bytes() == (tmp_path / "b.face").read_bytes()
    read = file.read(tmp_path / "a.face")
    np.testing.assert_array_equal(read.photo, made.photo)
    assert (len(read.faces), read.main) == (2, 1)
    for a, b in zip(read.faces, made.faces, strict=True):
        assert (a.size, a.focal, a.error, a.error_fine) == (b.size, b.focal, b.error, b.error_fine)
        for name in ("centre", "rotation", "translation", "identity", "row", "rows", "landmarks"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_other_files_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "a.face"
    file.write(good, pretended())
    content = good.read_bytes()
    for name, broken in (("cut", content[: len(content) // 2]), ("text", b"hello"), ("empty", b"")):
        path = tmp_path / f"{name}.face"
        path.write_bytes(broken)
        with pytest.raises(VultusError):
            file.read(path)
    with np.load(good, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for change, told in (
        ({"version": np.array(99)}, "newer"), ({"format": np.array("x")}, "not a face"),
        ({"face0_rows": np.zeros((3, 3))}, "damaged"), ({"face1_row": np.full(len(ch.CHANNELS), np.nan)}, "damaged"),
    ):  # fmt: skip
        path = tmp_path / "changed.npz"
        np.savez(path, **(arrays | change))
        with pytest.raises(VultusError, match=told):
            file.read(path.rename(tmp_path / "changed.face"))
