"""What every recipe promises, over the files that are there: no list of exceptions."""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from vultus.camera import Camera  # noqa: E402
from vultus.clip import Clip  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.lab import checkpoint, recipes  # noqa: E402
from vultus.lab.card import About  # noqa: E402
from vultus.lab.claim import Bench  # noqa: E402
from vultus.lab.run import Machine, seeded  # noqa: E402
from vultus.lab.train import fit_dataset  # noqa: E402
from vultus.motion import Motion  # noqa: E402
from vultus.parts.motion import surfaces  # noqa: E402
from vultus.recipe import FAMILIES, GIVES, TAKES, Params  # noqa: E402
from vultus.stage.clips import make  # noqa: E402
from vultus.stage.spoken import Speaker  # noqa: E402

NAMES = sorted(path.stem for path in (Path(recipes.recipes.__file__).parent).glob("*.py") if path.stem != "__init__")
PARTS = ("Paper:", "Claim:", "Own:", "Shared:", "Left out:")
ORDER = ("Config", "tiny", "paper", "PAPER_PARAMS", "Model", "claim")

recipe = pytest.mark.parametrize("name", NAMES)


@lru_cache(maxsize=4)
def few(views: bool) -> tuple[Clip, ...]:
    """Clips to learn from: three of a second, or with pictures, for which people must be painted, two of 64 pixels."""
    made = []
    for number in range(2 if views else 3):
        plan = Speaker(number).plan(3, number, "train", 1.2, 25)
        made.append(make(dataclasses.replace(plan, size=64), views=views))
    return tuple(made)


def clips_for(model: Any) -> tuple[Clip, ...]:
    return few(bool({"picture", "frames", "camera"} & set(model.takes)))


def given(clip: Clip) -> dict[str, Any]:
    """Everything that a recipe may take, from one clip; what is to be seen only of a clip with pictures."""
    assert clip.motion is not None
    found: dict[str, Any] = {"sound": clip.audio, "phones": clip.phones, "motion": clip.motion[:6]}
    if clip.views:
        frames = clip.view().stack("frames", 0, 6)
        found |= {"picture": frames[0], "frames": frames, "camera": clip.view().camera(0)}
    return found


def inputs(model: Any) -> dict[str, Any]:
    """What the model takes."""
    found = given(clips_for(model)[0])
    return {name: found[name] for name in model.takes}


def frames_of(found: dict[str, Any]) -> int:
    """How many frames go with such inputs."""
    if "frames" in found or "motion" in found:
        return len(found.get("frames", found.get("motion", ())))
    return max(1, math.ceil(len(found["sound"]) / 16000 * 25 - 1e-6))


def small(module: Any) -> Any:
    """The tiny preset, untrained."""
    with seeded(5):
        return module.Model(module.tiny)


def trained(module: Any, folder: Path) -> Any:
    """The tiny preset after two steps of each of its stages."""
    model = small(module)
    stages = [
        dataclasses.replace(s, steps=2, schedule=dataclasses.replace(s.schedule, warm_up=0)) for s in model.stages()
    ]
    data = model.prepare(clips_for(model))
    fit_dataset(
        model, data, stages=stages, out=folder, seed=1, about=About("two", "two steps", "few"),
        machine=Machine("cpu"), quiet=True,
    )  # fmt: skip
    return model


def bytes_of(output: Any) -> bytes:
    return output.data.tobytes() if isinstance(output, Motion) else np.asarray(output).tobytes()


def names_of(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@pytest.fixture(scope="module", autouse=True)
def _painted() -> None:
    """People are painted when their first frame is asked for, once for all tests."""
    for clip in few(True):
        clip.view().stack("frames", 0, 1)


def test_there_is_something_for_everything_that_a_recipe_may_take() -> None:
    assert given(few(True)[0]).keys() == TAKES.keys()
    seen = given(few(True)[0])
    assert all(seen[name] is not None and len(seen[name]) for name in ("sound", "phones", "motion", "frames"))
    assert isinstance(seen["motion"], Motion)
    assert isinstance(seen["camera"], Camera)
    assert seen["picture"].shape == (seen["camera"].height, seen["camera"].width, 3)
    assert {frames_of({name: seen[name]}) for name in ("frames", "motion")} == {6}


@recipe
def test_the_file_is_short_and_in_order(name: str) -> None:
    text = recipes.source(name).read_text("utf-8")
    assert len(text.splitlines()) <= 300
    tree = ast.parse(text)
    said = (ast.get_docstring(tree) or "").splitlines()
    starts = [next((line.split(" ")[0] for line in [row] if row.startswith(PARTS)), "") for row in said]
    assert [part for part in starts if part] == [part.split(" ")[0] for part in PARTS]
    found = [entry for entry in names_of(tree.body) if entry in ORDER]
    assert found == list(ORDER)
    after = list(names_of(tree.body))[list(names_of(tree.body)).index("claim") + 1 :]
    assert all(entry.startswith("_") for entry in after), after
    others = {f"vultus.recipes.{other}" for other in NAMES}
    for node in ast.walk(tree):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not others & set(modules)
        assert not any(module.startswith("vultus.lab") for module in modules)


@recipe
def test_it_says_what_it_is(name: str) -> None:
    module, facts = recipes.load(name), recipes.facts(name)
    assert facts.family in FAMILIES
    assert facts.takes
    assert set(facts.takes) <= set(TAKES)
    assert facts.gives in GIVES
    assert dataclasses.is_dataclass(module.Config)
    assert len(dataclasses.fields(module.Config)) <= 20
    assert isinstance(module.tiny, module.Config)
    assert isinstance(module.paper, module.Config)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(module.tiny, dataclasses.fields(module.Config)[0].name, None)
    assert name in {system.name for system in recipes.systems()}


@recipe
def test_the_paper_preset_has_as_many_parameters_as_the_paper(name: str) -> None:
    module = recipes.load(name)
    with torch.device("meta"):
        model = module.Model(module.paper)
    said: Params = module.PAPER_PARAMS
    parts = [getattr(model, part) for part in said.of] or [model]
    count = sum(parameter.numel() for part in parts for parameter in part.parameters())
    assert abs(count / said.count - 1) <= 0.05, f"{count} here, {said.count} there ({said.source})"
    assert all(parameter.is_meta for parameter in model.parameters())


@recipe
def test_two_steps_give_the_same_bytes_again_and_what_was_saved_comes_back(name: str, tmp_path: Path) -> None:
    module = recipes.load(name)
    model = trained(module, tmp_path / "a")
    again = trained(module, tmp_path / "b")
    weights = [(tmp_path / folder / "two.safetensors").read_bytes() for folder in "ab"]
    assert weights[0] == weights[1]
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values() if tensor.is_floating_point())
    output = model(**inputs(model))
    assert bytes_of(output) == bytes_of(again(**inputs(again)))
    other = small(module)
    checkpoint.load_weights(other, tmp_path / "a" / "two.safetensors")
    assert bytes_of(other(**inputs(other))) == bytes_of(output)
    check_output(model, output)


def check_output(model: Any, output: Any) -> None:
    frames = frames_of(inputs(model))
    if model.gives == "motion":
        assert isinstance(output, Motion)
        assert len(output) == frames
    else:
        assert output.dtype == np.uint8
        assert output.ndim == 4  # at the size that the preset draws
        assert (len(output), output.shape[3]) == (frames, 3)


@recipe
def test_every_stage_gives_finite_losses_and_gradients_to_what_it_trains(name: str) -> None:
    torch.manual_seed(1)  # conditions are dropped by chance
    module = recipes.load(name)
    model = small(module)
    data = model.prepare(clips_for(model))
    ever: set[str] = set()
    for stage in model.stages():
        source = data[stage.name] if isinstance(data, dict) else data
        for step in range(6):  # batches of several sets come in turn
            batch = {k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in
                     source.batch(step, stage.batch, 0).items()}  # fmt: skip
            model.zero_grad()
            terms = model.loss(batch)
            assert all(value.ndim == 0 and value.isfinite() for value in terms.values())
            factors = stage.weights or dict.fromkeys(terms, 1.0)
            sum(factor * terms[key] for key, factor in factors.items()).backward()
            with torch.no_grad():  # zeros at the beginning let no gradient through in the first step
                for parameter in model.parameters():
                    parameter += 1e-3 * torch.randn_like(parameter)
            moved = {key for key, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
            assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
            ever |= {key for key in moved if stage.trains(key)}
    silent = {key for key, p in model.named_parameters() if p.requires_grad} - ever
    assert not silent, f"nothing ever trains {sorted(silent)[:5]}"


@recipe
def test_bad_input_is_told_in_one_line(name: str) -> None:
    module = recipes.load(name)
    model = small(module)
    model.prepare(clips_for(model))
    good = inputs(model)
    for missing in good:
        with pytest.raises(VultusError):
            model(**{key: value for key, value in good.items() if key != missing})
    for key, value in good.items():
        if isinstance(value, np.ndarray):
            for wrong in (value[None], value[:0]):
                with pytest.raises(VultusError):
                    model(**{**good, key: wrong})


@recipe
def test_what_streams_does_not_see_the_chunks(name: str) -> None:
    module = recipes.load(name)
    if not hasattr(module.Model, "step"):
        return  # it does not stream
    model, good = small(module), inputs(module.Model)
    model.prepare(clips_for(model))
    whole = [bytes_of(model.step(None, **good)[0])]
    state, parts = None, []
    flows = next(name for name in ("sound", "frames", "motion") if name in good)
    rest = {} if flows == "sound" else good
    total = len(good[flows])
    for first in range(0, total, -(-total // 5)):
        value = good[flows][first : first - (-total // 5)]
        out, state = model.step(state, **{**rest, flows: value})
        parts.append(bytes_of(out))
    assert b"".join(parts) == b"".join(whole)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where claims keep their data between the tests of one recipe."""
    return tmp_path_factory.mktemp("claims")


@recipe
def test_the_claim_makes_its_data(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces, "build_mesh", lru_cache(surfaces.build_mesh))  # a few people, again and again
    claim = recipes.load(name).claim(Bench(name, place / name, scale=0.02))
    assert claim.says.endswith(".")
    assert claim.margins
    assert list((place / name / "data").glob("*.npz"))


@recipe
def test_the_claim_can_be_run(name: str, place: Path) -> None:
    """One arm of what the claim holds, at a small scale; that the margins are met is what the board says."""
    module = recipes.load(name)
    claim = module.claim(Bench(name, place / name, scale=0.02))
    gain = claim.holds[0]
    if claim.shared:
        claim.shared(0)
    bench = Bench(name, place / name, gain.of, 0, 0.02)
    figures = module.claim(bench).arms[gain.of](0)
    assert gain.figure in figures
    assert all(math.isfinite(float(value)) for value in figures.values())
    assert bench.parameters > 0
    assert bench.data
