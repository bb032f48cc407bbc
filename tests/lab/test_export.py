"""Export: what onnxruntime gives is what torch gives, or nothing is written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("onnxruntime")

from tiny_net import CONTEXT, Causal  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from vultus.errors import VultusError  # noqa: E402
from vultus.lab.export import Interface, _same, export_onnx  # noqa: E402
from vultus.lab.run import seeded  # noqa: E402
from vultus.nets.card import Card  # noqa: E402
from vultus.nets.run import Stream, load  # noqa: E402

INTERFACE = Interface(
    outputs=("curves", "state_out"),
    free={
        "mel": {0: "batch", 1: "time"},
        "state": {0: "batch"},
        "curves": {0: "batch", 1: "time"},
        "state_out": {0: "batch"},
    },
    state={"state": "state_out"},
    stream="time",
    meanings={"mel": "log-mel, 40 ms a frame"},
)
EXAMPLE = {"mel": torch.zeros(1, 9, 5), "state": torch.zeros(1, CONTEXT, 5)}


def causal() -> Causal:
    with seeded(1):
        model = Causal()
        model(torch.randn(8, 30, 5), torch.zeros(8, CONTEXT, 5))  # gives the norm its statistics
    return model


def export(out: Path, model: nn.Module | None = None, interface: Interface = INTERFACE) -> Card:
    return export_onnx(model or causal(), EXAMPLE, out, interface=interface, name="tiny", what="follows a wave")


def test_an_exported_network_gives_what_torch_gives(tmp_path: Path) -> None:
    model, file = causal(), tmp_path / "tiny.onnx"
    card = export(file, model)
    assert model.training  # as it was
    model.eval()
    net = load(file)
    assert net.card == card
    mel = np.random.default_rng(0).standard_normal((3, 23, 5)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(mel), torch.zeros(3, CONTEXT, 5))
    found = net(mel=mel)
    assert set(found) == {"curves", "state_out"}
    np.testing.assert_allclose(found["curves"], expected["curves"].numpy(), atol=1e-5)
    stream = Stream(net)
    parts = [stream.push(mel=mel[:, a:b])["curves"] for a, b in ((0, 1), (1, 3), (3, 14), (14, 15), (15, 23))]
    np.testing.assert_allclose(np.concatenate(parts, 1), found["curves"], atol=1e-5)


def test_an_export_gives_the_same_bytes_again_and_no_paths(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(tmp_path / f"{name}.onnx")
    files = [[(tmp_path / f"{name}.{suffix}").read_bytes() for suffix in ("onnx", "json")] for name in ("a", "b")]
    assert files[0] == files[1]
    for place in (str(Path(__file__).parents[2]), str(tmp_path), sys.prefix):
        assert place.encode() not in files[0][0] + files[0][1]


def test_the_card_tells_what_goes_in_and_out(tmp_path: Path) -> None:
    export(tmp_path / "tiny.onnx")
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert (card["format"], card["version"]) == ("vultus-net", 1)
    assert card["inputs"]["mel"] == {
        "shape": ["batch", "time", 5],
        "dtype": "float32",
        "meaning": "log-mel, 40 ms a frame",
    }
    assert card["outputs"]["state_out"]["shape"] == ["batch", CONTEXT, 5]
    assert (card["state"], card["stream"], card["multiple"]) == ({"state": "state_out"}, "time", 1)


class FrozenLength(Causal):
    """Bakes the example's length into the trace."""

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        found = super().forward(mel, state)
        return {**found, "curves": found["curves"] * float(mel.shape[1])}


class FrozenBranch(Causal):
    """Keeps only the branch that the example took."""

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        found = super().forward(mel, state)
        return {**found, "curves": found["curves"] if float(mel.abs().sum()) == 0 else -found["curves"]}


class LooksAhead(Causal):
    """The whole is not what the chunks give."""

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        found = super().forward(mel, state)
        return {**found, "curves": found["curves"] - found["curves"].mean(1, keepdim=True)}


class Forgets(Causal):
    """Gives no state on."""

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        found = super().forward(mel, state)
        return {**found, "state_out": found["state_out"] * 0}


class GivesNaN(Causal):
    """Is not finite."""

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        found = super().forward(mel, state)
        return {**found, "curves": found["curves"].abs().neg().log()}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (FrozenLength, r"'curves' differs from torch by .* \(inputs of length"),
        (FrozenBranch, r"'curves' differs from torch by 2 .* \(inputs of length"),
        (LooksAhead, r"'curves' differs from torch by .* \(chunks of 1\)"),
        (Forgets, r"'curves' differs from torch by .* \(chunks of 1\)"),
        (GivesNaN, r"'curves' differs from torch by nan"),
    ],
)
def test_a_broken_export_is_refused(tmp_path: Path, broken: Callable[[], Causal], says: str) -> None:
    file = tmp_path / "tiny.onnx"
    export(file)
    before = file.read_bytes(), file.with_suffix(".json").read_bytes()
    with seeded(1):
        model = broken()
    with pytest.raises(VultusError, match=says):
        export(file, model)
    assert before == (file.read_bytes(), file.with_suffix(".json").read_bytes())


def test_an_interface_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    for changes, says in (
        ({"outputs": ("curves", "state_ot")}, "no output called 'state_ot'"),
        ({"state": {"stat": "state_out"}}, "no state input 'stat'"),
        ({"state": {"state": "curves"}}, "another shape"),
        ({"stream": ""}, "Give both"),
        ({"free": {**INTERFACE.free, "state": {1: "time"}}}, "grows with the input"),
        ({"free": {**INTERFACE.free, "mell": {1: "time"}}}, "called 'mell'"),
    ):
        with pytest.raises(VultusError, match=says):
            export(file, interface=replace(INTERFACE, **changes))
    with pytest.raises(VultusError, match=r"does not end in \.onnx"):
        export(tmp_path / "tiny.bin")
    assert list(tmp_path.iterdir()) == []


def test_operations_that_onnx_does_not_have_are_refused(tmp_path: Path) -> None:
    class Odd(Causal):
        def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
            found = super().forward(mel, state)
            return {**found, "curves": torch.special.bessel_j0(found["curves"])}

    with pytest.raises(VultusError, match="Odd cannot be exported"):
        export(tmp_path / "tiny.onnx", Odd())


class Pairs(nn.Module):
    """A strided recurrent network: two frames in, one out, whole numbers and a flag as further inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(6, 4, batch_first=True)
        self.style = nn.Embedding(3, 4)

    def forward(self, mel: Tensor, style: Tensor, memory: Tensor) -> dict[str, Tensor]:
        pairs = mel.reshape(mel.shape[0], -1, 6)
        out, last = self.rnn(pairs, memory)
        return {"out": out + self.style(style)[:, None], "last": last}


def test_a_recurrent_network_that_halves_the_rate_streams(tmp_path: Path) -> None:
    with seeded(2):
        model = Pairs()
    interface = Interface(
        outputs=("out", "last"),
        free={"mel": {1: "time"}, "out": {1: "time"}},
        state={"memory": "last"},
        stream="time",
        multiple=2,
    )
    example = {"mel": torch.zeros(1, 8, 3), "style": torch.tensor([2]), "memory": torch.zeros(1, 1, 4)}
    card = export_onnx(model, example, tmp_path / "pairs.onnx", interface=interface, name="pairs", what="halves")
    assert card.inputs["style"].dtype == "int64"
    stream = Stream(load(tmp_path / "pairs.onnx"))
    style = np.array([1])
    assert stream.push(mel=np.zeros((1, 6, 3), np.float32), style=style)["out"].shape == (1, 3, 4)
    with pytest.raises(VultusError, match="chunk of 3 does not fit"):
        stream.push(mel=np.zeros((1, 3, 3), np.float32), style=style)


def test_a_network_without_state_or_free_axes_is_exported(tmp_path: Path) -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"y": x * 2}

    export_onnx(
        Plain(), {"x": torch.zeros(2, 3)}, tmp_path / "p.onnx", interface=Interface(("y",)), name="p", what="doubles"
    )
    net = load(tmp_path / "p.onnx")
    assert np.array_equal(net(x=np.ones((2, 3), np.float32))["y"], np.full((2, 3), 2, np.float32))
    with pytest.raises(VultusError, match="does not stream"):
        Stream(net)


class _Faint(nn.Module):
    """Says hardly anything: a sigmoid far below 0."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": torch.sigmoid(x.cumsum(dim=1) - 14)}


def test_the_last_digit_of_a_faint_output_may_differ() -> None:
    tiny = np.full((1, 3), 2e-6, np.float32)
    _same("y", tiny, tiny + np.float32(1e-7), 1e-4, "here")
    with pytest.raises(VultusError, match="differs"):
        _same("y", tiny, tiny + np.float32(1e-6), 1e-4, "here")
    with pytest.raises(VultusError, match="differs"):
        _same("y", tiny, tiny * np.float32(np.nan), 1e-4, "here")


def test_a_faint_network_is_exported(tmp_path: Path) -> None:
    interface = Interface(("y",), {"x": {1: "time"}, "y": {1: "time"}})
    export_onnx(_Faint(), {"x": torch.randn(1, 6)}, tmp_path / "faint.onnx", interface=interface, name="faint", what="")
    assert load(tmp_path / "faint.onnx")(x=np.zeros((1, 4), np.float32))["y"].max() < 1e-5
