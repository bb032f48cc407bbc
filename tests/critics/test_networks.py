"""The learned judges' networks: what they take and give, and that they can learn what they are for."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from vultus.critics import networks as n  # noqa: E402
from vultus.errors import VultusError  # noqa: E402

B, T = 3, 20


def a_batch(seed: int = 0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {
        "mouths": torch.rand(B, T, 48, 48, generator=g) * 255, "faces": torch.rand(B, T, 3, 48, 48, generator=g) * 255,
        "mel": torch.randn(B, 4 * T, 80, generator=g) * 4 - 8, "speech": torch.ones(B, T),
        "visemes": torch.randint(0, 15, (B, T), generator=g).float(),
        "emotions": torch.rand(B, T, 7, generator=g), "units": torch.rand(B, T, 52, generator=g),
        "person": torch.arange(B),
    }  # fmt: skip


def build(kind: str, which: n.Which) -> torch.nn.Module:
    torch.manual_seed(0)
    return n.Who(which, 5) if kind == "Who" else getattr(n, kind)(which)


KINDS = ("Sync", "Reader", "Emotions", "Units", "Who")


@pytest.mark.parametrize("which", ["a", "b"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_network_is_small_and_every_weight_of_it_learns(kind: str, which: n.Which) -> None:
    model = build(kind, which)
    assert sum(p.numel() for p in model.parameters()) <= 3_000_000
    losses = model.loss(a_batch())
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0 or name.endswith("bias"), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_architectures_share_no_kind_of_layer_that_sees(kind: str) -> None:
    def norms(which: n.Which) -> set[type]:
        model = build(kind, which)
        return {type(m) for m in model.modules() if "Norm" in type(m).__name__ or isinstance(m, n._Mix)}

    assert norms("a")
    assert norms("b")
    assert not norms("a") & norms("b")


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(VultusError, match="architecture"):
        n.Reader("c")  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["a", "b"])
def test_sync_gives_one_unit_vector_a_frame_from_its_own_window(which: n.Which) -> None:
    model, batch = build("Sync", which).eval(), a_batch()
    with torch.no_grad():
        lips, heard = model.lips(batch["mouths"]), model.sound(batch["mel"])
        assert lips.shape == heard.shape == (B, T, 96)
        assert torch.allclose(lips.norm(dim=2), torch.ones(B, T), atol=1e-5)
        other = batch["mel"].clone()
        other[:, 40:44] += 5  # the sound of frame 10
        moved = (model.sound(other) - heard).abs().sum(dim=(0, 2)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [8, 9, 10, 11, 12]


def test_sync_loss_is_least_when_lips_and_sound_belong_together() -> None:
    model, batch = build("Sync", "a"), a_batch()
    together = torch.nn.functional.normalize(torch.randn(B, T, 96), dim=2)
    model.lips, model.sound = lambda _: together, lambda _: together
    right = float(model.loss(batch)["sync"])
    model.sound = lambda _: together.roll(4, dims=1)
    late = float(model.loss(batch)["sync"])
    model.sound = lambda _: together.roll(1, dims=0)
    other = float(model.loss(batch)["sync"])
    assert right < 0.5 * late
    assert right < 0.5 * other
    assert float(model.loss(batch | {"speech": torch.zeros(B, T)})["sync"]) == 0


def test_sync_loss_is_least_when_wrong_lips_are_far_from_the_sound() -> None:
    model, batch = build("Sync", "a"), a_batch()
    sound = torch.nn.functional.normalize(torch.randn(B, T, 96), dim=2)
    away = torch.nn.functional.normalize(torch.randn(96) - sound.mean(dim=(0, 1)), dim=0).expand(B, T, 96)
    model.sound = lambda _: sound
    found = {}
    for name, lips in (("away", away), ("tempting", sound), ("late", sound.roll(3, dims=1))):
        model.lips = lambda x, lips=lips: sound if x is batch["mouths"] else lips[: len(x)]
        found[name] = float(model.loss(batch | {"wrong": batch["mouths"] + 1})["sync"])
    assert found["away"] < found["tempting"]
    assert found["away"] < found["late"]


def test_light_and_contrast_of_a_clip_say_nothing() -> None:
    model, batch = build("Reader", "b").eval(), a_batch()
    with torch.no_grad():
        made, dimmed = model(batch["mouths"]), model(batch["mouths"] * 0.5 + 20)
    assert (made - dimmed).abs().max() < 0.1 * made.std()


def test_a_reader_learns_to_tell_open_from_closed() -> None:
    """Dark discs of two sizes, one a viseme; 25 steps are enough."""
    y, x = np.mgrid[:48, :48] - 23.5
    g = np.random.default_rng(0)
    kind = g.integers(0, 2, (4, T))
    discs = np.where((x**2 + y**2)[None, None] < np.where(kind, 144, 25)[..., None, None], 40.0, 160.0)
    batch = {"mouths": torch.from_numpy(discs + g.normal(0, 5, discs.shape)).float(), "visemes": torch.from_numpy(kind)}
    model = build("Reader", "a")
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        model.loss(batch)["visemes"].backward()
        optimiser.step()
    assert (model(batch["mouths"]).argmax(dim=2) == batch["visemes"]).float().mean() > 0.95


def test_a_network_that_learns_sees_every_clip_as_a_stranger_and_half_of_them_without_their_mean() -> None:
    batch = a_batch()
    torch.manual_seed(3)
    strange = n._strangers(batch["faces"])
    assert strange.shape == batch["faces"].shape
    # One change for all pictures of a clip: what is the same in two of them still is.
    same = batch["faces"][:, :1].expand(-1, T, -1, -1, -1)
    torch.manual_seed(3)
    assert torch.allclose(n._strangers(same), strange[:, :1].expand_as(same), atol=1e-2)
    moved = (strange - batch["faces"]).abs().flatten(1).mean(dim=1)
    assert (moved > 5).all()
    model = build("Units", "a")
    seen: list[torch.Tensor] = []
    model.frames.see.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    faces = torch.rand(40, 2, 3, 48, 48) * 255
    model.train().frames(faces)
    model.eval().frames(faces)
    learning, judging = (some.view(40, 2, 6, 48, 48)[:, :, 3:].abs().amax(dim=(1, 2, 3, 4)) > 0 for some in seen)
    assert 10 < int(learning.sum()) < 30
    assert judging.all()
