"""The board's rule, on claims whose figures are known, and the example of docs/recipes.md from end to end."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vultus.errors import VultusError
from vultus.recipe import Claim, Gain, Params

pytest.importorskip("torch")
pytest.importorskip("lightning")

import test_recipes as contract
from vultus.lab import board, claim, claim_picture, recipes
from vultus.lab.claim import Result

PAGE = Path(__file__).parents[2] / "docs/recipes.md"


def arms(**errors: tuple[float, float, float]) -> dict[str, list[Result]]:
    return {
        arm: [Result(arm, seed, {"error": error}, 100, 50, {}, 1.0) for seed, error in enumerate(of_seeds)]
        for arm, of_seeds in errors.items()
    }


def judged(margin: float = 0.1, bound: float = 0.05, **errors: tuple[float, float, float]) -> str:
    found = arms(**errors)
    made = Claim(
        says="a beats b.",
        margins="none.",
        arms=dict.fromkeys(found, dict),  # type: ignore[dict-item]
        holds=[Gain("error", "a", "b", margin)],
        controls=[Gain("error", "ca", "cb", bound)],
        quality=[Gain("error", "b", "mean", 0.2)],
    )
    return claim.verdict(made, found)[0]


BASE = {"b": (1.0, 1.0, 1.0), "ca": (1.0, 1.1, 0.9), "cb": (1.0, 1.0, 1.0), "mean": (2.0, 2.0, 2.0)}


def test_a_claim_holds_when_the_mean_and_every_seed_are_right() -> None:
    assert judged(a=(0.8, 0.85, 0.95), **BASE) == "holds"


@pytest.mark.parametrize("ours", [(0.92, 0.93, 0.95), (0.5, 0.5, 1.01)])
def test_a_small_mean_or_one_wrong_seed_is_enough_to_fail(ours: tuple[float, float, float]) -> None:
    assert judged(a=ours, **BASE) == "does not hold here"


def test_a_gain_that_stays_in_the_control_decides_too() -> None:
    assert judged(a=(0.5, 0.5, 0.5), **{**BASE, "ca": (0.9, 0.9, 0.9)}) == "does not hold here"


def test_arms_that_do_not_work_decide_nothing() -> None:
    assert judged(a=(0.5, 0.5, 0.5), **{**BASE, "mean": (1.1, 1.1, 1.1)}) == "inconclusive (quality gate)"


def test_a_margin_of_nothing_asks_every_seed_to_be_no_worse() -> None:
    assert judged(0.0, a=(1.0, 0.9, 1.0), **BASE) == "holds"
    assert judged(0.0, a=(0.5, 0.5, 1.01), **BASE) == "does not hold here"
    assert judged(-0.02, a=(1.01, 1.01, 1.01), **BASE) == "holds"


def test_gains_have_signs_and_units() -> None:
    better = Gain("psnr", "a", "b", 0.3, better="higher", by="difference")
    assert better.of_figures({"psnr": 21.0}, {"psnr": 20.0}) == pytest.approx(1.0)
    assert replace(better, by="ratio").of_figures({"psnr": 21.0}, {"psnr": 20.0}) == pytest.approx(0.05)
    with pytest.raises(VultusError, match="figure"):
        better.of_figures({"l1": 1.0}, {"psnr": 1.0})


def test_arms_that_are_not_alike_are_refused_unless_it_is_said_why() -> None:
    found = arms(a=(0.5,) * 3, b=(1.0,) * 3)
    found["a"] = [replace(result, parameters=106) for result in found["a"]]
    gain = Gain("error", "a", "b", 0.1)
    made = Claim("a beats b.", "none.", {"a": dict, "b": dict}, [gain], [replace(gain, of="b", over="a")])  # type: ignore[dict-item]
    with pytest.raises(VultusError, match="parameters"):
        claim.verdict(made, found)
    assert claim.verdict(replace(made, unequal="For a reason."), found)[0] == "holds"
    found["a"] = [replace(result, parameters=100, examples=51) for result in found["a"]]
    with pytest.raises(VultusError, match="examples"):
        claim.verdict(made, found)


def test_a_claim_must_be_able_to_fail() -> None:
    gain = Gain("error", "a", "b", 0.1)
    with pytest.raises(VultusError, match="negative control"):
        Claim("a beats b.", "none.", {"a": dict, "b": dict}, [gain], [])  # type: ignore[dict-item]
    with pytest.raises(VultusError, match="arm"):
        Claim("a beats b.", "none.", {"a": dict, "b": dict}, [gain], [replace(gain, of="c")])  # type: ignore[dict-item]
    with pytest.raises(VultusError, match="source"):
        Params(5, "somewhere")


@pytest.fixture
def mumble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's recipe, as a module of another package that an entry point names."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code
    (tmp_path / "mumble_recipe.py").write_text(code[1], "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        recipes, "entry_points", lambda group: [EntryPoint("mumble", "mumble_recipe", group)] * (group == recipes.GROUP)
    )
    monkeypatch.delitem(sys.modules, "mumble_recipe", raising=False)
    return "mumble"


def test_the_example_of_the_page_runs_from_end_to_end(mumble: str, tmp_path: Path) -> None:
    facts = recipes.facts(mumble)
    assert (facts.family, facts.takes, facts.gives) == ("speech", ("sound",), "motion")
    assert facts.title.startswith("Mumble")
    record = claim.run(mumble, seeds=2, folder=tmp_path, workers=0, scale=0.2)
    assert record["verdict"] in ("holds", "does not hold here")
    assert {arm["examples"] for arm in record["arms"].values()} == {300 * 8}
    assert "mumble" in claim.table(record)
    again = claim.run(mumble, seeds=2, folder=tmp_path, workers=0, scale=0.2)
    assert again == record  # nothing is run twice
    with pytest.raises(VultusError, match="small scale"):
        claim.write(record, tmp_path / "docs")
    path = claim.write({**record, "scale": 1}, tmp_path / "docs")
    assert claim.read(path)["verdict"] == record["verdict"]
    from PIL import Image

    with Image.open(claim_picture.draw(record, path.with_suffix(".png"))) as picture:
        assert picture.width == 1000
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20
    page = board.write(tmp_path / "docs").read_text("utf-8")
    assert f"## mumble: {record['verdict']}" in page
    assert page.count(board.MISSING) + page.count(board.UNTESTED) >= 57 - len(recipes.modules())


def test_the_example_is_short_and_keeps_the_contract(mumble: str, tmp_path: Path) -> None:
    assert len(recipes.source(mumble).read_text("utf-8").splitlines()) <= 60
    contract.test_the_file_is_short_and_in_order(mumble)
    contract.test_the_paper_preset_has_as_many_parameters_as_the_paper(mumble)
    contract.test_two_steps_give_the_same_bytes_again_and_what_was_saved_comes_back(mumble, tmp_path)
    contract.test_every_stage_gives_finite_losses_and_gradients_to_what_it_trains(mumble)
    contract.test_bad_input_is_told_in_one_line(mumble)


def test_a_record_is_old_when_its_recipe_or_a_part_of_it_changes(mumble: str, tmp_path: Path) -> None:
    own = tmp_path / "mumble_recipe.py"
    made_of = recipes.sources(mumble)
    assert {"mumble_recipe", "vultus.parts.motion.windows", "vultus.recipe"} <= set(made_of)
    own.write_text(own.read_text("utf-8") + "\nfrom vultus.parts.scene import raster  # noqa\n", "utf-8")
    assert set(recipes.sources(mumble)) - set(made_of) == {"vultus.parts.scene.raster"}
    made_of = recipes.sources(mumble)
    record = {"recipe": mumble, "sources": made_of, "verdict": "holds"}
    assert claim.changed(record) == []
    assert board.verdict_of(mumble, {mumble: record}) == "holds"
    own.write_bytes(own.read_bytes().replace(b"\n", b"\r\n"))  # as other systems write lines
    assert claim.changed(record) == []
    before = recipes.fingerprint(mumble)
    own.write_text(own.read_text("utf-8").replace("width: int = 32", "width: int = 33"), "utf-8")
    assert claim.changed(record) == ["mumble_recipe"]
    assert recipes.fingerprint(mumble) != before
    assert board.verdict_of(mumble, {mumble: record}) == "holds (recipe changed since)"
    part = {**made_of, "mumble_recipe": recipes.sources(mumble)["mumble_recipe"], "vultus.parts.motion.windows": "0"}
    assert claim.changed({**record, "sources": part}) == ["vultus.parts.motion.windows"]
    assert claim.changed({"recipe": "elsewhere", "verdict": "holds"}) == []  # of a package that is not installed


def test_parts_count_that_parts_import() -> None:
    assert {"vultus.parts.motion.temporal", "vultus.parts.motion.published"} <= set(recipes.sources("unitalker"))
    assert not [module for module in recipes.sources("unitalker") if ".image" in module]


def test_a_recipe_that_changes_while_its_claim_runs_gives_no_record(mumble: str, tmp_path: Path) -> None:
    module, own = recipes.load(mumble), tmp_path / "mumble_recipe.py"
    told = module.claim

    def claims(run: object) -> Claim:
        made: Claim = told(run)
        own.write_text(own.read_text("utf-8") + "# later\n", "utf-8")
        return replace(made, arms=dict.fromkeys(made.arms, lambda seed: {"error": 1.0}))

    module.claim = claims
    with pytest.raises(VultusError, match="changed while"):
        claim.run(mumble, seeds=1, folder=tmp_path, workers=0, scale=0.1)


def test_the_board_knows_all_systems() -> None:
    systems = recipes.systems()
    assert len({system.name for system in systems}) == 57
    from vultus.recipe import FAMILIES

    assert {system.family for system in systems} <= set(FAMILIES)


def test_a_failing_arm_is_told_in_one_line(mumble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = recipes.load(mumble)
    monkeypatch.setattr(module.Model, "loss", lambda self, batch: {"error": self.move.bias.sum() * float("nan")})
    with pytest.raises(VultusError, match=r"mumble, hears, seed 0: .*nan"):
        claim.run(mumble, seeds=1, folder=tmp_path, workers=0, scale=0.1)


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"format": "vultus.claim", "version": 99})])
def test_a_broken_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(VultusError, match="claim"):
        claim.read(tmp_path / "x.json")


def test_the_records_and_the_board_that_are_kept_fit_the_recipes() -> None:
    docs = PAGE.parent
    records = board.records(docs)
    assert {name: claim.changed(record) for name, record in records.items()} == {name: [] for name in records}
    assert {record["recipe"] for record in records.values()} == set(records)
    assert (docs / "board.md").read_text("utf-8") == board.markdown(docs), "run vultus claims"
