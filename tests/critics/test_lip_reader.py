"""The reader of lips: its archive read without a pickle, its network, its ranks, and the mouths that it sees."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from vultus.critics import mouths
from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.critics import lip_reader as lr  # noqa: E402
from vultus.critics.torchscript import read_tensors  # noqa: E402


def small() -> torch.nn.Module:
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(2, 3, 3)
    conv.weight.data = conv.weight.data.transpose(2, 3)  # numbers that do not lie in order
    return torch.nn.Sequential(conv, torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.PReLU())).eval()


def test_an_archive_gives_the_tensors_that_torch_gives(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(small(), torch.zeros(1, 2, 5, 5)), str(tmp_path / "a.pt"))
    wanted = {name: value.numpy() for name, value in small().state_dict().items()}
    found = read_tensors(tmp_path / "a.pt")
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


def test_what_is_no_archive_or_reaches_beyond_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.pt").write_bytes(b"nothing")
    with pytest.raises(VultusError, match="TorchScript"):
        read_tensors(tmp_path / "b.pt")
    torch.jit.save(torch.jit.trace(small(), torch.zeros(1, 2, 5, 5)), str(tmp_path / "c.pt"))
    with zipfile.ZipFile(tmp_path / "c.pt") as good, zipfile.ZipFile(tmp_path / "d.pt", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name)[:4] if name.endswith("data/0") else good.read(name))
    with pytest.raises(VultusError, match="beyond"):
        read_tensors(tmp_path / "d.pt")


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> lr.LipReader:
    """A reader with numbers drawn by chance, and 500 made-up words."""
    torch.manual_seed(1)
    made = lr.LipReader().eval().requires_grad_(False)
    monkeypatch.setattr(lr, "lip_reader", lambda: made)
    monkeypatch.setattr(lr, "words", lambda: tuple(f"WORD{i}" for i in range(500)))
    return made


def test_the_network_has_the_published_size_and_takes_any_length(reader: lr.LipReader) -> None:
    count = sum(p.numel() for p in reader.parameters())
    assert count == 9_136_480  # as the published file has it
    for length in (1, 7, 29):
        assert reader(torch.rand(1, length, 88, 88) * 255).shape == (1, 500)


def test_gradients_flow_to_the_pictures(reader: lr.LipReader) -> None:
    x = (torch.rand(1, 3, 88, 88) * 255).requires_grad_()
    reader(x)[0, 3].backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0


def test_ranks_are_places_among_500(reader: lr.LipReader) -> None:
    clips = [np.random.default_rng(i).uniform(0, 255, (4, 88, 88)) for i in range(3)]
    table = lr.scores(clips)
    best = [f"word{int(i)}" for i in table.argmax(axis=1)]
    found = lr.judge(clips, best)
    assert found.ranks.tolist() == [1, 1, 1]
    worst = lr.judge(clips, [f"WORD{int(i)}" for i in table.argmin(axis=1)])
    assert worst.ranks.tolist() == [500, 500, 500]
    assert found.summary()["top1"] == 1
    assert found.summary()["rank"] == 1


def test_bad_mouths_and_words_are_refused(reader: lr.LipReader) -> None:
    with pytest.raises(VultusError, match="88"):
        lr.scores([np.zeros((4, 80, 88))])
    with pytest.raises(VultusError, match="word of the lip reader"):
        lr.judge([np.zeros((4, 88, 88))], ["zebra"])
    with pytest.raises(VultusError, match="do not fit"):
        lr.judge([], [])


def test_a_turned_and_scaled_face_gives_the_same_mouth() -> None:
    """A picture of a smooth pattern, seen upright and turned by 20 degrees at twice the size."""

    def pattern(p: np.ndarray) -> np.ndarray:  # of places in the mean face
        return 120 + 60 * np.sin(p.real / 9) + 50 * np.cos(p.imag / 7)

    marks = np.zeros((478, 3), np.float32)
    face = mouths._MEAN_FACE @ [1, 1j]
    lips = np.exp(1j * np.arange(20)) * 15 + (129.5 + 165j)
    cuts = []
    for turn, shift in ((1.0 + 0j, 0j), (2 * np.exp(1j * np.radians(20)), 180 + 20j)):
        for rows, places in ((mouths.STEADY, face), (mouths.LIPS, lips)):
            seen = places * turn + shift
            marks[list(rows), 0], marks[list(rows), 1] = seen.real, seen.imag
        y, x = np.mgrid[:620, :620] + 0.5
        grey = pattern(((x + 1j * y) - shift) / turn)
        picture = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
        cuts.append((mouths.cut(picture, marks), mouths.face(picture, marks, 88), mouths.cut(picture, marks, 44)))
    for one, other in zip(*cuts, strict=True):
        assert np.abs(one - other).max() < 4
        assert one.std() > 20
    assert cuts[0][0].shape == (88, 88)
    half = cuts[0][0].reshape(44, 2, 44, 2).mean(axis=(1, 3))
    assert np.abs(half - cuts[0][2]).max() < 4
    np.testing.assert_allclose(cuts[0][1][44, 44], pattern(np.array(129 + 130j + 0.75 + 0.75j)), atol=3)
    with pytest.raises(VultusError, match="face"):
        mouths.placed(np.zeros((5, 2)))


class Blind:
    """A tracker that sees the face in some pictures only, and notes its place in the first pixel's value."""

    def track(self, picture: np.ndarray) -> object | None:
        if picture[0, 0, 0] == 0:
            return None
        marks = np.zeros((478, 3), np.float32)
        marks[list(mouths.STEADY), :2] = mouths._MEAN_FACE
        marks[list(mouths.LIPS), :2] = 128
        return type("Found", (), {"landmarks": marks})()


def test_every_picture_has_its_mouth_or_none() -> None:
    pictures = [np.full((256, 256, 3), value, np.uint8) for value in (0, 10, 20, 0, 30, 40)]
    found = list(mouths.mouths(pictures, Blind(), steady=4))  # type: ignore[arg-type]
    assert [None if m is None else round(float(m.mean())) for m in found] == [None, 10, 20, None, 30, 40]
    assert len(list(mouths.mouths(pictures[:1], Blind()))) == 1  # type: ignore[arg-type]
