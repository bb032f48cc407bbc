"""One scene in the loop, and parameters that come and go in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("safetensors")

from cloud import Cloud, Config  # noqa: E402
from torch import nn  # noqa: E402

from vultus.clip import Clip  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.lab import checkpoint, growth  # noqa: E402
from vultus.lab.card import About  # noqa: E402
from vultus.lab.ema import Ema  # noqa: E402
from vultus.lab.run import Machine, seeded  # noqa: E402
from vultus.lab.scene import fit_scene  # noqa: E402
from vultus.recipe import AdamW, Stage  # noqa: E402
from vultus.stage.clips import clips  # noqa: E402


@pytest.fixture(scope="module")
def clip() -> Clip:
    return next(iter(clips(4, 1, rig="multiview", size=32, seconds=2.0, fps=12.5)))


def built() -> Cloud:
    with seeded(1):
        return Cloud()


def fit(clip: Clip, out: Path, model: Cloud, **options: Any) -> dict[str, Any]:
    told = {"save_every": math.inf, "quiet": True, "machine": Machine("cpu"), **options}
    about = About("cloud", "learns a scene", "one clip", command="cloud")
    return fit_scene(model, clip, stages=model.stages(), out=out, seed=2, about=about, **told)


class StopError(Exception):
    """Ends a run from its hook."""


def stop_at(last: int) -> Any:
    def hook(step: int, figures: dict[str, float]) -> None:
        if step == last:
            raise StopError

    return hook


def test_a_cloud_learns_a_scene_and_grows(clip: Clip, tmp_path: Path) -> None:
    model = built()
    data = model.prepare((clip,))
    card = fit(clip, tmp_path / "whole", model)
    assert len(model.places) == 24 + 5 * 4
    assert len(model.pull) == len(model.places)
    assert card["parameters"] == len(model.places) * 7 + 3
    # Frames that were not learned, in the cameras that were, against the mean of the learned ones in each camera.
    ours, mean = [], []
    for view, name in enumerate((5, 6, 7, 8)):
        film = clip.view(name).stack("frames").astype(np.float32) / 255
        camera = clip.view(name).camera(0)
        y, x = np.mgrid[:32, :32] + 0.5
        rays = camera.unproject(np.stack([x, y], -1).reshape(-1, 2), np.ones(1024)) - camera.position
        rays = torch.tensor(rays / np.linalg.norm(rays, axis=1, keepdims=True), dtype=torch.float32)
        start = torch.tensor(np.broadcast_to(camera.position, rays.shape), dtype=torch.float32)
        with torch.no_grad():
            made = model.colour(start, rays).numpy().reshape(32, 32, 3)
        ours.append(np.square(film[1::2] - made).mean())
        mean.append(np.square(film[1::2] - film[::2].mean((0, 1, 2))).mean())
        assert data.film.sights[view] is clip.view(name)
    assert np.mean(ours) < 0.5 * np.mean(mean)

    # Stopped before, right at and after a growth, it ends at the same bytes.
    for step, save_every in ((41, 0.0), (50, math.inf)):
        place = tmp_path / f"{step}-{save_every}"
        with pytest.raises(StopError):
            fit(clip, place, built(), hook=stop_at(step), save_every=save_every)
        again = built()
        assert fit(clip, place, again)["parameters"] == card["parameters"]
        weights = [(folder / "cloud.safetensors").read_bytes() for folder in (tmp_path / "whole", place)]
        assert weights[0] == weights[1]

    # What was written goes into a fresh model of another number of points, and not into other shapes.
    fresh = Cloud(Config(points=3))
    checkpoint.load_weights(fresh, tmp_path / "whole" / "cloud.safetensors")
    assert torch.equal(fresh.places, model.places)
    other = Cloud()
    other.colours = nn.Parameter(torch.zeros(24, 4))
    with pytest.raises(VultusError, match="colours"):
        checkpoint.load_weights(other, tmp_path / "whole" / "cloud.safetensors")


class Rows(nn.Module):
    """One parameter whose next rows a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.points, self.still = nn.Parameter(torch.arange(8.0).reshape(4, 2)), nn.Parameter(torch.ones(1))
        self.next: Any = lambda: {}

    def grow(self, stage: str, step: int) -> Any:
        return self.next()


def test_moments_and_means_follow_rows() -> None:
    model = Rows()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    (model.points.square().sum() + model.still.sum()).backward()
    optimiser.step()
    mean, before = Ema(model), model.points.detach().clone()
    moments = {key: value.clone() for key, value in optimiser.state[model.points].items()}
    rows = torch.tensor([2, -1, 0, -1, 3])
    old = model.points.requires_grad_(True)

    def change() -> dict[str, torch.Tensor]:
        value = torch.full((5, 2), 7.0)
        value[rows >= 0] = model.points.detach()[rows[rows >= 0]] + 1
        model.points = nn.Parameter(value)
        return {"points": rows}

    model.next = change
    growth.grow(model, "a", 1, optimiser, mean)
    assert old not in optimiser.state
    (group,) = optimiser.param_groups
    assert [id(parameter) for parameter in group["params"]] == [id(p) for p in model.parameters()]
    state = optimiser.state[model.points]
    for name in ("exp_avg", "exp_avg_sq"):
        assert torch.equal(state[name][rows >= 0], moments[name][[2, 0, 3]])
        assert (moments[name][2] != 0).all()
        assert (state[name][rows < 0] == 0).all()
    assert torch.equal(state["step"], moments["step"])
    assert torch.equal(mean.tensors["points"][rows >= 0], before[[2, 0, 3]])
    assert (mean.tensors["points"][rows < 0] == 7).all()
    model.next = lambda: {"points": torch.full((5,), -1)}  # values start anew in place
    growth.grow(model, "a", 2, optimiser, mean)
    assert (optimiser.state[model.points]["exp_avg"] == 0).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda m: {"point": torch.arange(4)}, "points"),
        (lambda m: {"points": torch.arange(3)}, "grew"),
        (lambda m: {"points": torch.tensor([0, 1, 2, 4])}, "grew"),
        (lambda m: setattr(m, "points", nn.Parameter(torch.zeros(6, 2))) or {}, "not told"),
        (lambda m: setattr(m, "more", nn.Parameter(torch.zeros(6))) or {}, "came or went"),
    ],
)
def test_growth_that_does_not_fit_is_told(change: Any, match: str) -> None:
    model = Rows()
    model.next = lambda: change(model)
    with pytest.raises(VultusError, match=match):
        growth.grow(model, "a", 1, torch.optim.AdamW(model.parameters()), None)


def test_growing_takes_one_process_and_a_scene_takes_pictures(clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="one process"):
        fit(clip, tmp_path, built(), machine=Machine("cpu", devices=2, strategy="ddp"))
    with pytest.raises(VultusError, match="no pictures"):
        fit(Clip("mute"), tmp_path, built())


def test_rates_go_by_the_first_pattern() -> None:
    stage = Stage("a", 2, 1, AdamW(0.1), rates={"places*": 2.0, "*": 0.5})
    assert (stage.rate("places.x"), stage.rate("colours")) == (0.2, 0.05)
    with pytest.raises(VultusError, match="rates"):
        Stage("a", 2, 1, rates={"x": 0.0})
