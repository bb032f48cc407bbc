"""Training: the same bytes again, after any interruption too, and refusals that leave what was good."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("safetensors")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny_net import STAGES, Causal, Config, Waves  # noqa: E402

from vultus.errors import VultusError  # noqa: E402
from vultus.lab import checkpoint, train  # noqa: E402
from vultus.lab.batches import Numbered, Shuffled  # noqa: E402
from vultus.lab.card import About  # noqa: E402
from vultus.lab.ema import Ema  # noqa: E402
from vultus.lab.stages import derive  # noqa: E402
from vultus.lab.train import Machine, fit_dataset, seeded  # noqa: E402
from vultus.recipe import AdamW, Schedule, Stage  # noqa: E402

ABOUT = About("tiny", "follows a wave", "waves 1", command="tiny")
TOTAL = sum(stage.steps for stage in STAGES)


def built(seed: int = 5) -> Causal:
    with seeded(seed):
        return Causal()


def fit(out: Path, model: Causal | None = None, **changes: Any) -> dict[str, Any]:
    told = {
        "stages": STAGES,
        "seed": 5,
        "about": ABOUT,
        "quiet": True,
        "save_every": math.inf,
        "data": Waves(),
        **changes,
    }
    return fit_dataset(model or built(), out=out, **told)


def weights(out: Path) -> bytes:
    return (out / "tiny.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole")
    fit(out)
    return out


class StopError(Exception):
    """Ends a run from its hook."""


def stop_at(last: int) -> Callable[[int, dict[str, float]], None]:
    def hook(step: int, figures: dict[str, float]) -> None:
        if step == last:
            raise StopError

    return hook


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(whole: Path, tmp_path: Path) -> None:
    torch.rand(7)  # what the process drew before does not matter
    fit(tmp_path / "again")
    fit(tmp_path / "other", built(), seed=6)
    assert weights(tmp_path / "again") == weights(whole)
    assert weights(tmp_path / "other") != weights(whole)


def test_training_learns(tmp_path: Path) -> None:
    model, waves = built(), Waves()
    batch = {name: torch.from_numpy(value) for name, value in waves.batch(999, 64, 1).items()}

    def error() -> float:
        with torch.no_grad():
            return float(model.eval().loss(batch)["error"])

    before = error()
    stage = Stage("all", 150, 16, AdamW(1e-2), Schedule("cosine", 10))
    fit(tmp_path, model, stages=(stage,))
    assert error() < 0.5 * before


# In the middle of both stages, at their borders, before the first step's checkpoint, and after the last step.
@pytest.mark.parametrize("step", [1, 7, 12, 13, 17, TOTAL])
@pytest.mark.parametrize("save_every", [0.0, math.inf])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    whole: Path, tmp_path: Path, step: int, save_every: float
) -> None:
    with pytest.raises(StopError):
        fit(tmp_path, hook=stop_at(step), save_every=save_every)
    assert not (tmp_path / "tiny.safetensors").exists()
    torch.rand(3)
    seen: list[int] = []
    card = fit(tmp_path, built(77), hook=lambda done, _: seen.append(done))
    # With save_every 0 only the step of the interruption is done again; otherwise all from the stage's border on.
    assert seen[0] == (step if save_every == 0 else 13 if step > 12 else 1)
    assert weights(tmp_path) == weights(whole)
    uninterrupted = json.loads((whole / "tiny.json").read_text())
    assert {**card, "cpu_seconds": 0} == {**uninterrupted, "cpu_seconds": 0}
    lines = [json.loads(line) for line in (tmp_path / "tiny.run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, TOTAL + 1))
    assert lines == [json.loads(line) for line in (whole / "tiny.run/log.jsonl").read_text().splitlines()]


def test_a_run_killed_by_the_system_goes_on_to_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("tiny_net.py")
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, str(script), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for step in range(1, 6):
            assert process.stdout.readline() == f"{step}\n"
            process.stdin.write("\n")
            process.stdin.flush()
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "tiny.safetensors").exists()
    first = json.loads(max((tmp_path / "tiny.run").glob("step-*.json")).read_text())["step"]
    assert 3 <= first <= 6
    fit(tmp_path)
    assert weights(tmp_path) == weights(whole)


def test_a_kill_in_the_middle_of_writing_does_no_harm(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        fit(tmp_path, hook=stop_at(9), save_every=0.0)
    run = tmp_path / "tiny.run"
    assert sorted(p.name for p in run.glob("step-*")) == [
        f"step-{step:09d}.{suffix}" for step in (7, 8) for suffix in ("json", "safetensors")
    ]
    # The newest tensors cut short, tensors whose JSON is missing, half a temporary file, a torn line of the log.
    newest = run / "step-000000008.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    (run / "step-000000009.safetensors").write_bytes(b"half")
    (run / ".vultus-0123.safetensors").write_bytes(b"half")
    with (run / "log.jsonl").open("a") as log:
        log.write('{"step": 1')
    with pytest.warns(UserWarning, match=r"checkpoint of step 8 .* is damaged"):
        fit(tmp_path)
    assert weights(tmp_path) == weights(whole)
    assert [p.name for p in run.iterdir()] == ["log.jsonl"]


def test_a_run_whose_checkpoints_are_all_damaged_starts_again(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        fit(tmp_path, hook=stop_at(9), save_every=0.0)
    for file in (tmp_path / "tiny.run").glob("step-*.json"):
        file.write_text("{")
    with pytest.warns(UserWarning, match="is damaged"), pytest.raises(StopError):
        fit(tmp_path, hook=stop_at(2))
    assert [file.stem for file in (tmp_path / "tiny.run").glob("step-*.json")] == ["step-000000000"]
    fit(tmp_path)
    assert weights(tmp_path) == weights(whole)


def test_a_finished_run_is_not_done_again(whole: Path) -> None:
    model = built(3)
    card = fit(whole, model, hook=stop_at(1))
    assert card == json.loads((whole / "tiny.json").read_text())
    for name, value in load_file(whole / "tiny.safetensors").items():
        assert torch.equal(model.state_dict()[name], value)


def test_the_card_says_how_the_weights_were_made(whole: Path) -> None:
    card = json.loads((whole / "tiny.json").read_text())
    assert (card["format"], card["version"], card["name"], card["what"]) == ("vultus-card", 1, "tiny", "follows a wave")
    assert (card["seed"], card["data"], card["command"], card["licence"]) == (5, "waves 1", "tiny", "MIT")
    assert (card["steps"], card["parameters"]) == (TOTAL, 5 * 8 * 3 + 8 + 16 + 16 + 2)
    assert card["sha256"] == hashlib.sha256(weights(whole)).hexdigest()
    assert card["libraries"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(card["losses"]) == {"error", "speed", "total"}
    assert card["losses"]["total"] == pytest.approx(card["losses"]["error"] + 0.5 * card["losses"]["speed"], rel=1e-5)
    assert card["cpu_seconds"] > 0
    assert card["settings"]["stages"][1]["train"] == ["head.*"]
    with safe_open(whole / "tiny.safetensors", "pt") as file:
        assert json.loads(file.metadata()["vultus"]) == {"format": "vultus-weights", "version": 1}


def test_measured_figures_enter_the_card(tmp_path: Path) -> None:
    def measure(model: torch.nn.Module) -> dict[str, float]:
        assert not model.training
        assert not torch.is_grad_enabled()
        return {"head": float(model.head.weight.abs().sum())}

    card = fit(tmp_path, stages=STAGES[:1], measure=measure)
    assert card["measured"]["head"] == float(load_file(tmp_path / "tiny.safetensors")["head.weight"].abs().sum())


def test_the_mean_of_the_weights_is_the_formula(tmp_path: Path) -> None:
    model, rows = built(), []
    initial = model.head.weight.detach().double().clone()
    fit(tmp_path, model, hook=lambda step, _: rows.append(model.head.weight.detach().double().clone()))
    mean = initial
    decays = [min(0.9, (1 + n) / (10 + n)) for n in range(1, 13)] + [min(0.8, (1 + n) / (10 + n)) for n in range(1, 9)]
    for decay, row in zip(decays, rows, strict=True):
        mean = decay * mean + (1 - decay) * row
    final = load_file(tmp_path / "tiny.safetensors")["head.weight"].double()
    assert torch.allclose(final, mean, atol=1e-6)
    assert not torch.allclose(final, rows[-1], atol=1e-4)


def test_a_mean_without_decay_is_the_weights() -> None:
    model = built()
    mean = Ema(model)
    with torch.no_grad():
        model.head.weight.mul_(1.7)
        model.norm.num_batches_tracked.add_(3)
    mean.update(model, 0.0, 1)
    assert torch.equal(mean.tensors["head.weight"], model.head.weight)
    assert int(mean.tensors["norm.num_batches_tracked"]) == 3


def test_a_stage_trains_only_what_its_patterns_name(tmp_path: Path) -> None:
    model = built()
    model.norm.bias.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(tmp_path, model, stages=(Stage("some", 3, 4, train=("head.weight", "norm.*")),))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    running = {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked"}
    assert changed == {"head.weight", "norm.weight"} | running
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == ["norm.bias"]
    # A part in which nothing trains keeps its statistics too.
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(tmp_path / "two", model, stages=(replace(STAGES[1], ema=0.0),))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_clipping_bounds_the_step(tmp_path: Path) -> None:
    """With betas 0 and a huge epsilon AdamW is plain descent: the step is rate / eps times the clipped gradient."""
    plain = AdamW(1e3, betas=(0.0, 0.0), eps=1e6, weight_decay=0.0)
    moves, norms = {}, {}
    for clip in (None, 0.01):
        model = built()
        before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
        figures: list[dict[str, float]] = []
        stage = Stage("one", 1, 4, plain, clip=clip)
        fit(tmp_path / str(clip), model, stages=(stage,), hook=lambda _, f, to=figures: to.append(f))
        after = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
        moves[clip], norms[clip] = float((after - before).norm()) * 1e3, figures[0]["norm"]
    assert norms[None] == norms[0.01] > 0.1
    assert moves[None] == pytest.approx(norms[None], rel=1e-2)
    assert moves[0.01] == pytest.approx(0.01, rel=1e-2)


def test_the_weights_of_losses_choose_and_scale(tmp_path: Path) -> None:
    seen: list[dict[str, float]] = []
    stage = Stage("one", 2, 4, weights={"speed": 3.0})
    fit(tmp_path, stages=(stage,), hook=lambda _, figures: seen.append(figures))
    assert seen[0]["total"] == pytest.approx(3 * seen[0]["speed"], rel=1e-6)
    with pytest.raises(VultusError, match=r"no loss term called 'sped'.*speed"):
        fit(tmp_path / "two", stages=(Stage("one", 2, 4, weights={"sped": 1.0}),))


def test_the_rate_follows_its_schedule(tmp_path: Path) -> None:
    seen: list[float] = []
    stage = Stage("one", 9, 2, AdamW(1.0), Schedule("cosine", warm_up=3, final=0.1), clip=1e-6)
    fit(tmp_path, stages=(stage,), hook=lambda _, figures: seen.append(figures["lr"]))
    assert seen[:4] == [0.25, 0.5, 0.75, 1.0]
    assert seen == pytest.approx(seen[:3] + [0.1 + 0.45 * (1 + math.cos(math.pi * k / 6)) for k in range(6)])
    assert Schedule("constant", 2).factor(5, 9) == 1.0


def test_each_stage_may_have_its_own_data(tmp_path: Path) -> None:
    asked: list[tuple[str, int, int]] = []

    class Asked(Waves):
        def __init__(self, name: str) -> None:
            self.name = name

        def batch(self, step: int, size: int, seed: int) -> dict[str, np.ndarray]:
            asked.append((self.name, step, seed))
            return super().batch(step, size, seed)

    fit(tmp_path, data={"all": Asked("a"), "head": Asked("b")})
    assert asked == [("a", s, derive(5, 0)) for s in range(12)] + [("b", s, derive(5, 1)) for s in range(8)]
    with pytest.raises(VultusError, match="no data for the stage called 'head'"):
        fit(tmp_path / "two", data={"all": Waves()})


def test_a_plain_data_set_is_shuffled_anew_each_epoch(tmp_path: Path) -> None:
    examples = [{"number": np.int64(n)} for n in range(10)]
    data = Shuffled(examples)
    row = np.concatenate([data.batch(step, 4, 1)["number"].numpy() for step in range(5)])
    assert sorted(row[:10]) == sorted(row[10:]) == list(range(10))
    assert list(row[:10]) != list(row[10:]) != list(range(10))
    assert list(data.batch(3, 4, 1)["number"]) == list(row[12:16])
    assert list(Shuffled(examples).batch(0, 10, 2)["number"]) != list(row[:10])
    waves = [{name: value[0] for name, value in Waves().batch(n, 1, 0).items()} for n in range(7)]
    assert fit(tmp_path, data=waves, stages=STAGES[:1])["steps"] == 12
    with pytest.raises(VultusError, match="data set is empty"):
        Shuffled([])


def test_examples_are_drawn_by_number() -> None:
    data = Numbered(lambda number, seed: {"x": np.float32([number, seed])})
    assert data.batch(3, 2, 9)["x"].tolist() == [[6, 9], [7, 9]]


def test_the_page_on_training_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs/training.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    assert [len(block.splitlines()) <= 50 for block in blocks] == [True]
    names: dict[str, Any] = {}
    exec(compile(blocks[0], "training.md", "exec"), names)  # noqa: S102
    assert [part.shape for part in names["curves"]] == [(1, 1, 2), (1, 5, 2), (1, 2, 2)]
    assert names["card"]["losses"]["place"] < 0.3  # 0.5 is a curve that stays at zero
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "runs/smoother.json",
        "runs/smoother.run/log.jsonl",
        "runs/smoother.safetensors",
        "smoother.json",
        "smoother.onnx",
    }


def test_another_configuration_is_refused_with_what_differs(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        fit(tmp_path, hook=stop_at(3))
    other = (replace(STAGES[0], optimiser=AdamW(1e-2)), STAGES[1])
    for out in (tmp_path, whole):
        with pytest.raises(VultusError, match="seed is 6 here and 5 there"):
            fit(out, seed=6)
        with pytest.raises(VultusError, match=re.escape("stages[0].optimiser.lr is 0.01 here and 0.003 there")):
            fit(out, stages=other)
        with pytest.raises(VultusError, match='data is "waves 2" here and "waves 1" there'):
            fit(out, about=replace(ABOUT, data="waves 2"))
        with pytest.raises(VultusError, match=r"network\.config\.width is 9 here and 8 there"):
            fit(out, Causal(Config(width=9)))


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_losses_that_are_not_finite_stop_the_run(tmp_path: Path, where: str) -> None:
    class Broken(Causal):
        calls = 0

        def loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            terms = super().loss(batch)
            self.calls += 1
            if self.calls == 5:
                # The root's slope at 0 is infinite, and 0 times that is not a number.
                zero = (self.head.weight * 0).sum()
                terms["error"] = terms["error"] * math.nan if where == "loss" else terms["error"] + zero.sqrt() * 0
            return terms

    with pytest.raises(
        VultusError, match=("The loss error" if where == "loss" else "The gradient") + " is nan at step 5"
    ):
        fit(tmp_path, Broken(), save_every=0.0)
    found = checkpoint.latest(tmp_path / "tiny.run")
    assert found is not None
    assert found[1]["step"] == 4
    assert all(torch.isfinite(tensor).all() for tensor in found[0].values())
    assert not (tmp_path / "tiny.safetensors").exists()


def test_what_cannot_train_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="'one' trains no parameter"):
        fit(tmp_path, stages=(Stage("one", 2, 2, train=("hat.*",)),))
    with pytest.raises(VultusError, match="has no method loss"):
        fit(tmp_path, torch.nn.Linear(2, 2))  # type: ignore[arg-type]
    with pytest.raises(VultusError, match="no stage"):
        fit(tmp_path, stages=())
    with pytest.raises(VultusError, match="same name"):
        fit(tmp_path, stages=(STAGES[0], STAGES[0]))
    for wrong in ({"steps": 0}, {"ema": 1.0}, {"clip": 0.0}, {"optimiser": AdamW(lr=math.nan)}):
        with pytest.raises(VultusError, match="is out of range"):
            replace(STAGES[0], **wrong)
    with pytest.raises(VultusError, match="not a name for files"):
        About("../x", "", "")

    class Apart(Causal):
        def loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"error": batch["mel"].mean()}

    with pytest.raises(VultusError, match="depends on what it trains"):
        fit(tmp_path / "two", Apart())


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on the size of files stands in for the full disk; the run goes on once there is space."""
    resource = pytest.importorskip("resource")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(step: int, figures: dict[str, float]) -> None:
        if step == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    try:
        with pytest.raises(VultusError, match="the file is larger than this disk allows"):
            fit(tmp_path, hook=fill, save_every=0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert {p.stem for p in (tmp_path / "tiny.run").glob("*") if p.name != "log.jsonl"} == {
        "step-000000004",
        "step-000000005",
    }
    assert fit(tmp_path)["steps"] == TOTAL


def test_weights_of_another_network_are_refused(whole: Path) -> None:
    with pytest.raises(VultusError, match=re.escape("bias is absent there and [2] here")):
        checkpoint.load_weights(torch.nn.Linear(2, 2), whole / "tiny.safetensors")


def test_tied_weights_are_kept(tmp_path: Path) -> None:
    class Tied(Causal):
        def __init__(self) -> None:
            super().__init__()
            self.twin = torch.nn.Linear(8, 2)
            self.twin.weight = self.head.weight

    model = Tied()
    fit(tmp_path, model, stages=STAGES[:1])
    found = load_file(tmp_path / "tiny.safetensors")
    assert torch.equal(found["twin.weight"], found["head.weight"])
    assert model.twin.weight is model.head.weight


def test_settings_of_torch_are_put_back(whole: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = float(torch.rand(()))
    torch.manual_seed(3)
    fit(tmp_path, stages=STAGES[:1])
    assert float(torch.rand(())) == expected
    assert not torch.are_deterministic_algorithms_enabled()


def test_progress_is_told_without_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, quiet=False)
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.fullmatch(r"tiny head: 20/20, \S+ steps/s, 0 s left, error \S+ speed \S+ total \S+", told)


def test_a_terminal_gets_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "150")
    fit(tmp_path, quiet=False)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).strip().splitlines()[-1]
    assert re.search(r"tiny head .* 20/20 .* steps/s error \S+ speed \S+ total \S+", last)


def test_half_precision_is_another_run(tmp_path: Path) -> None:
    half = Machine(accelerator="cpu", precision="bf16-mixed")
    card = fit(tmp_path, machine=half, stages=STAGES[:1])
    assert card["settings"]["machine"]["precision"] == "bf16-mixed"
    assert {str(value.dtype) for value in load_file(tmp_path / "tiny.safetensors").values()} == {
        "torch.float32",
        "torch.int64",
    }
    with pytest.raises(VultusError, match=r'machine\.precision is "32-true" here and "bf16-mixed" there'):
        fit(tmp_path, stages=STAGES[:1])


def test_the_modules_for_pictures_need_no_torch() -> None:
    code = "import sys, vultus.lab.bench, vultus.lab.stages; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


assert train.LOG_LINES > TOTAL  # the tests above count on a line for every step
