"""Two processes that train one network, each with all of it or with a part, give what one process gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vultus.commands.workshop import Train

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("safetensors")

from safetensors.torch import load_file  # noqa: E402
from two_processes import SIZE, fit  # noqa: E402

from vultus.errors import VultusError  # noqa: E402
from vultus.lab import sharded  # noqa: E402
from vultus.lab.run import Machine  # noqa: E402


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes trained, in three ways, and one process with batches twice as large."""
    out = tmp_path_factory.mktemp("processes")
    script = Path(__file__).with_name("two_processes.py")
    subprocess.run([sys.executable, str(script), str(out)], check=True, timeout=300, capture_output=True)
    fit(out / "one", Machine("cpu"), size=2 * SIZE)
    return out


@pytest.mark.parametrize("strategy", ["fsdp", "ddp"])
def test_two_processes_learn_what_one_does(trained: Path, strategy: str) -> None:
    one, two = (load_file(trained / name / "twins.safetensors") for name in ("one", strategy))
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert value.shape == two[name].shape
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6)
    assert torch.equal(one["idle"], torch.ones(3))  # not even its weights decay
    figures = [json.loads((trained / name / "twins.json").read_text())["measured"] for name in ("one", strategy)]
    assert figures[1]["sum"] == pytest.approx(figures[0]["sum"], abs=1e-4)


def test_spread_weights_go_on_from_a_checkpoint_to_the_same_bytes(trained: Path) -> None:
    kept = [(trained / name / "twins.safetensors").read_bytes() for name in ("fsdp", "again")]
    assert kept[0] == kept[1]
    logged = [(trained / name / "twins.run" / "log.jsonl").read_text().splitlines() for name in ("fsdp", "again")]
    assert logged[0] == logged[1]
    assert len(logged[0]) == 11


def test_the_card_says_that_weights_were_spread(trained: Path) -> None:
    cards = {n: json.loads((trained / n / "twins.json").read_text())["settings"]["machine"] for n in ("fsdp", "ddp")}
    assert cards["fsdp"] == {**cards["ddp"], "strategy": "fsdp"}


def test_what_cannot_be_spread_is_refused() -> None:
    for strategy in ("deepspeed", "fsdp_cpu_offload", "model_parallel"):
        with pytest.raises(VultusError, match=strategy):
            Machine("cpu", devices=2, strategy=strategy).fabric()
    alone = torch.nn.Module()
    alone.register_parameter("gain", torch.nn.Parameter(torch.ones(())))
    fabric = Machine("cpu", devices=2, strategy="fsdp").fabric()
    with pytest.raises(VultusError, match="gain is one number"):
        sharded.shard(alone, fabric)


def test_a_batch_of_one_set_leaves_other_heads_alone() -> None:
    spread = Machine(accelerator="cpu", devices=2, strategy="ddp").fabric()
    assert spread.strategy._ddp_kwargs["find_unused_parameters"]


@pytest.mark.parametrize("rank", [0, 1])
def test_only_the_first_process_says_what_was_written(
    rank: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vultus.lab.presets.train", lambda name, **told: Path("runs/kmtalk.safetensors"))
    monkeypatch.setattr("lightning.fabric.utilities.rank_zero.rank_zero_only.rank", rank)
    Train("kmtalk", devices=2, strategy="ddp").run()
    assert capsys.readouterr().out == ("" if rank else "wrote runs/kmtalk.safetensors\n")


def test_one_process_keeps_all_weights() -> None:
    assert not Machine("cpu", strategy="fsdp").shards
    assert type(Machine("cpu", strategy="fsdp").fabric().strategy).__name__ == "SingleDeviceStrategy"
