"""Networks without torch: loaded when they are what their card says, run when the inputs fit, with clear errors."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from vultus.errors import VultusError  # noqa: E402
from vultus.nets import run  # noqa: E402
from vultus.nets.card import Card, Port, read_card  # noqa: E402
from vultus.nets.run import Stream, load  # noqa: E402


def running_sum(folder: Path) -> Path:
    """y = cumulative sum of x along time, plus what came before: built by hand, without our own exporter."""
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("CumSum", ["x", "axis"], ["inner"]),
            helper.make_node("Add", ["inner", "before"], ["y"]),
            helper.make_node("Gather", ["y", "last"], ["after"], axis=0),
        ],
        "sum",
        [
            helper.make_tensor_value_info("x", floats, ["time", 2]),
            helper.make_tensor_value_info("before", floats, [1, 2]),
        ],
        [
            helper.make_tensor_value_info("y", floats, ["time", 2]),
            helper.make_tensor_value_info("after", floats, [1, 2]),
        ],
        [
            helper.make_tensor("axis", TensorProto.INT64, [], [0]),
            helper.make_tensor("last", TensorProto.INT64, [1], [-1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString(deterministic=True)
    card = Card(
        name="sum",
        what="adds up",
        licence="MIT",
        inputs={"x": Port(("time", 2), "float32", "steps, m"), "before": Port((1, 2), "float32")},
        outputs={"y": Port(("time", 2), "float32"), "after": Port((1, 2), "float32")},
        sha256=hashlib.sha256(content).hexdigest(),
        state={"before": "after"},
        stream="time",
    )
    file = folder / "sum.onnx"
    file.write_bytes(content)
    file.with_suffix(".json").write_text(card.as_json())
    return file


def test_whole_and_chunks_give_the_sum(tmp_path: Path) -> None:
    net = load(running_sum(tmp_path))
    x = np.arange(22, dtype=np.float32).reshape(11, 2)
    assert np.array_equal(net(x=x)["y"], x.cumsum(0))
    assert np.array_equal(net(x=x, before=np.float32([[5, 7]]))["y"], x.cumsum(0) + np.array([5, 7]))
    stream = Stream(net)
    parts = [stream.push(x=x[a:b]) for a, b in ((0, 4), (4, 5), (5, 11))]
    assert [set(part) for part in parts] == [{"y"}] * 3
    assert np.array_equal(np.concatenate([part["y"] for part in parts]), x.cumsum(0))
    assert np.array_equal(stream.state["before"], x.sum(0, keepdims=True))
    kept = dict(stream.state)
    first = stream.push(x=x[:3])["y"]
    stream.state = kept
    assert np.array_equal(stream.push(x=x[:3])["y"], first)
    stream.reset()
    assert np.array_equal(stream.push(x=x[:3])["y"], x[:3].cumsum(0))


def test_inputs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    net = load(running_sum(tmp_path))
    x = np.ones((3, 2), np.float32)
    assert net(x=x.astype(np.float64))["y"].dtype == np.float32
    for given, says in (
        ({}, "needs the input 'x'.*float32\\[time, 2\\]: steps, m"),
        ({"x": x, "z": x}, "no input of sum called 'z'"),
        ({"x": x[:, :1]}, "'x' of sum is float32\\[3, 1\\]"),
        ({"x": x[0]}, "is float32\\[2\\]"),
        ({"x": x[:0]}, "is float32\\[0, 2\\]"),
        ({"x": x.astype(complex)}, "is complex128"),
        ({"x": np.array([["a", "b"]])}, "is <U1"),
    ):
        with pytest.raises(VultusError, match=says):
            net(**given)
    stream = Stream(net)
    stream.push(x=x)
    before = stream.state["before"].copy()
    with pytest.raises(VultusError, match="is float32"):
        stream.push(x=x[0])
    assert np.array_equal(stream.state["before"], before)


def test_damaged_and_missing_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = running_sum(tmp_path)
    card, content = file.with_suffix(".json"), file.read_bytes()
    good = card.read_text()
    file.write_bytes(content[:-1] + b"\0")
    with pytest.raises(VultusError, match="not the one that its card describes"):
        load(file)
    file.write_bytes(content)
    for text, says in (
        ("{", "cannot be read"),
        ("[]", "is not a network's card"),
        (json.dumps({**json.loads(good), "version": 2}), "another version"),
        (json.dumps({k: v for k, v in json.loads(good).items() if k != "state"}), "incomplete"),
        (
            replace(read_card(card), outputs={"y": Port(("time", 2), "float32")}).as_json(),
            "outputs of .* are not those",
        ),
    ):
        card.write_text(text)
        with pytest.raises(VultusError, match=says):
            load(file)
    rubbish = replace(read_card(_written(card, good)), sha256=hashlib.sha256(b"rubbish").hexdigest())
    card.write_text(rubbish.as_json())
    file.write_bytes(b"rubbish")
    with pytest.raises(VultusError, match="onnxruntime cannot run"):
        load(file)
    card.unlink()
    with pytest.raises(VultusError, match=r"card .* is missing"):
        load(file)
    with pytest.raises(VultusError, match="There is no network at"):
        load(tmp_path / "absent.onnx")
    monkeypatch.setattr(run, "HERE", tmp_path)
    with pytest.raises(VultusError, match=r"no network called 'sun'\. Did you mean sum"):
        load("sun")


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_a_shipped_network_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_sum(tmp_path)
    monkeypatch.setattr(run, "HERE", tmp_path)
    assert run.names() == ["sum"]
    assert load("sum").card.what == "adds up"


def test_without_onnxruntime_the_mend_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = running_sum(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(VultusError, match="pip install onnxruntime"):
        load(file)


def test_running_networks_needs_no_torch_and_loads_onnxruntime_late(tmp_path: Path) -> None:
    code = (
        "import sys, vultus.nets.run as run\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "run.load(sys.argv[1])\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(running_sum(tmp_path))], check=True)
