"""The network of features: its size, its padding, and its file of the form of before 2020."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.critics import features  # noqa: E402
from vultus.critics.torchscript import read_tensors  # noqa: E402


def old_file(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path


def test_an_old_file_gives_the_tensors_that_were_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = torch.randn(4, 6)
    given = {"a.weight": whole[:, 1:4], "b": torch.arange(5), "c": whole.t(), "d": torch.tensor(3.5)}
    found = read_tensors(old_file(tmp_path / "a.pth", given))
    assert set(found) == set(given)
    for name, value in given.items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_a_cut_off_old_file_is_refused(tmp_path: Path) -> None:
    content = old_file(tmp_path / "a.pth", {"a": torch.randn(50)}).read_bytes()
    for count in (3, 40, len(content) // 2, len(content) - 1):
        (tmp_path / "b.pth").write_bytes(content[:count])
        with pytest.raises(VultusError, match=r"cannot|can be read"):
            read_tensors(tmp_path / "b.pth")


def test_the_network_has_the_published_size_and_names() -> None:
    net = features.Lite0()
    assert sum(p.numel() for p in net.parameters()) == 4_652_008  # EfficientNet-Lite0 as published
    assert net.state_dict()["_blocks.15._project_conv.weight"].shape == (320, 1152, 1, 1)


def test_the_odd_pixel_of_padding_comes_last() -> None:
    convolution = features._Convolution(1, 1, 3, 2)
    convolution.weight.data.fill_(1)
    x = torch.zeros(1, 1, 6, 6)
    x[0, 0, 0, 0] = 1
    out = convolution(x)[0, 0]
    assert out.shape == (3, 3)
    # No row before the first: its window begins with the picture's corner.
    assert out.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_features_have_length_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = features.Lite0().eval()
    monkeypatch.setattr(features, "network", lambda: net)
    found = features.describe(np.random.default_rng(0).integers(0, 255, (2, 50, 70, 3), dtype=np.uint8))
    assert found.shape == (2, 1280)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    with pytest.raises(VultusError, match="uint8"):
        features.describe(np.zeros((2, 50, 70, 3), np.float32))  # type: ignore[arg-type]
