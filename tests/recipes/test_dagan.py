"""DaGAN's own mechanisms: depth that explains neighbours, keypoints that see it, and attention that asks by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from vultus.parts.image.keypoints import grid  # noqa: E402
from vultus.recipes import dagan  # noqa: E402

SMALL = replace(
    dagan.tiny, size=24, points=3, find=(4, 8, 1), move=(4, 8, 1), width=8, blocks=1, judge=(4, 2),
    depth=dagan.Depth(18, 18, 8, 1, steps=1, fine=1, batch=2),
)  # fmt: skip


def model(**change: object) -> dagan.Model:
    torch.manual_seed(0)
    return dagan.Model(replace(SMALL, **change)).eval()  # type: ignore[arg-type]


class Says(torch.nn.Module):
    """A network that says what a function says."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


@pytest.fixture
def taps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture itself in place of a network that must be fetched."""
    monkeypatch.setattr(dagan.perceptual, "efficientnet", lambda device: lambda pictures: [pictures])


def pictures(count: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


def test_compared_arms_are_of_one_size() -> None:
    def size(model: dagan.Model) -> int:
        return sum(p.numel() for part in (model.keypoints, model.generator) for p in part.parameters())

    with torch.device("meta"):
        full = size(dagan.Model(dagan.tiny))
        plain = size(dagan.Model(replace(dagan.tiny, depth_points=False, attention=False)))
    assert abs(full - plain) < 0.05 * max(full, plain)


def test_the_published_generator_and_discriminator() -> None:
    with torch.device("meta"):
        paper = dagan.Model(dagan.paper)
    count = {name: sum(p.numel() for p in part.parameters()) / 1e6 for name, part in paper.named_children()}
    assert count["generator"] == pytest.approx(46.1, abs=0.05)
    assert count["keypoints"] == pytest.approx(14.3, abs=0.05)
    assert count["judge"] == pytest.approx(2.8, abs=0.05)


def test_attention_begins_inert_and_depth_then_decides() -> None:
    one, source = model().train(), pictures()  # normalised by the batch, or untrained features are next to nothing
    at = one.find(source, one.nearness(source))
    near, far = torch.rand(2, 1, 24, 24), torch.rand(2, 1, 24, 24)
    torch.testing.assert_close(one.generator(source, near, at, at), one.generator(source, far, at, at))
    assert one.generator.attention is not None
    one.generator.attention.amount.data.fill_(1)
    one.generator.attention.query.weight.data.mul_(30)  # what the untrained layers tell apart is little
    assert (one.generator(source, near, at, at) - one.generator(source, far, at, at)).abs().max() > 1e-5


def test_attention_is_a_weighted_mean_of_warped_features() -> None:
    torch.manual_seed(0)
    attend = dagan.DepthAttention(8)
    attend.amount.data.fill_(0.5)
    depth, warped = torch.randn(1, 8, 3, 4), torch.randn(1, 8, 3, 4)
    ask, keys, values = attend.query(depth).relu()[0], attend.key(warped)[0], attend.value(warped)[0]
    scores = torch.softmax(ask.flatten(1).T @ keys.flatten(1), dim=1)  # not divided by anything
    expected = 0.5 * (values.flatten(1) @ scores.T).view(8, 3, 4) + warped[0]
    torch.testing.assert_close(attend(depth, warped)[0], expected, atol=1e-5, rtol=1e-4)


def test_keypoints_see_depth() -> None:
    one = model()
    near = torch.zeros(2, 1, 24, 24)
    near[..., :12] = 5
    assert not torch.allclose(one.find(pictures(), near).value, one.find(pictures(), near.flip(3)).value)
    plain = model(depth_points=False, attention=False)
    assert plain.nearness(pictures()) is None
    assert [stage.name for stage in plain.stages()] == ["faces"]


def test_depth_learns_first_and_stands_still_then(taps: None) -> None:
    one = model()
    assert [stage.name for stage in one.stages()] == ["depth", "depth-fine", "faces"]
    rates = [stage.optimiser.lr for stage in one.stages()]
    assert rates[1] == pytest.approx(rates[0] / 10)
    sum(one.loss({name: pictures(2, i) for i, name in enumerate(("target", "before", "after"))}).values()).backward()
    moved = {name.split(".")[0] for name, p in one.named_parameters() if p.grad is not None}
    assert moved == {"depth", "ego"}
    one.zero_grad()
    sum(one.loss({"source": pictures(2, 1), "driving": pictures(2, 2)}).values()).backward()
    moved = {name.split(".")[0] for name, p in one.named_parameters() if p.grad is not None}
    assert moved == {"keypoints", "generator", "judge"}


def test_depth_that_is_given_takes_the_place_of_the_networks(taps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    monkeypatch.setattr(one, "nearness", lambda pictures: pytest.fail("asked the network"))
    batch = {"source": pictures(2, 1), "driving": pictures(2, 2)}
    terms = one.loss({**batch, "source_extra": torch.rand(2, 1, 24, 24), "driving_extra": torch.rand(2, 1, 24, 24)})
    assert all(value.isfinite() for value in terms.values())


def test_where_nothing_moved_depth_has_nothing_to_explain() -> None:
    one, still = model(), pictures()
    same = one.loss({"target": still, "before": still, "after": still})["likeness"].item()
    other = one.loss({"target": still, "before": pictures(2, 5), "after": pictures(2, 6)})["likeness"].item()
    assert abs(same) < 1e-4 < other


def test_the_right_depth_explains_a_neighbour_better_than_a_flat_one() -> None:
    """A near square before a far wall, seen by a camera that steps aside: ground truth made by hand."""
    one, size = model(), 24
    wall, card = pictures(1, 3), pictures(1, 4)
    depth = torch.full((1, 1, size, size), 3.0)
    depth[..., 8:16, 8:16] = 1.0
    at = grid(size, size, wall)[None]
    target = torch.where(depth < 2, card, wall)
    shift = 0.25  # metres; a focal length of one width moves what is at 1 m by 0.25 of it
    before, after = (
        torch.where(
            (depth < 2).roll(way * 6, 3),
            target.roll(way * 6, 3),
            torch.nn.functional.grid_sample(
                wall, at - torch.tensor([way * 2 * shift / 3, 0.0]), padding_mode="border", align_corners=False
            ),
        )
        for way in (1, -1)
    )
    moves = iter([shift, -shift] * 2)

    def ego(here: torch.Tensor, there: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        turn, way = torch.zeros(1, 3), torch.tensor([[next(moves), 0.0, 0.0]])
        return dagan.rigid(turn, way), dagan.pinhole(torch.ones(1, 2), torch.full((1, 2), 0.5))

    def says(depth: torch.Tensor) -> list[torch.Tensor]:
        near = (1 / depth - 1 / dagan.FARTHEST) / (1 / dagan.NEAREST - 1 / dagan.FARTHEST)
        return [torch.logit(near)]

    one.ego = Says(ego)  # type: ignore[assignment]
    found = []
    for some in (depth, torch.full_like(depth, 2.0)):
        one.depth = Says(lambda _, some=some: says(some))  # type: ignore[assignment]
        found.append(one.loss({"target": target, "before": before, "after": after})["likeness"].item())
    assert found[0] < 0.5 * found[1]


def test_a_portrait_is_driven() -> None:
    one = model()
    film = np.random.default_rng(0).integers(0, 255, (5, 30, 20, 3)).astype(np.uint8)
    for motion in ("relative", "matched", "absolute"):
        made = one(picture=film[0], frames=film, motion=motion)
        assert made.shape == (5, 24, 24, 3)
        assert made.dtype == np.uint8
