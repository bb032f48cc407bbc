"""Networks that draw and judge pictures, and residual encoders: sizes, levels and where gradients go."""

from __future__ import annotations

from pathlib import Path

import pytest

from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.parts.image import discriminators as gan  # noqa: E402
from vultus.parts.image.flow import Flow  # noqa: E402
from vultus.parts.image.keypoints import grid  # noqa: E402
from vultus.parts.image.perceptual import Vgg19, vgg19  # noqa: E402
from vultus.parts.image.resnet import ResNet, ResNetU  # noqa: E402
from vultus.parts.image.warping import WarpNet  # noqa: E402


def still(count: int, seen: float = 1.0) -> Flow:
    at = grid(4, 4, torch.zeros(1)).expand(count, 4, 4, 2)
    return Flow(at, torch.full((count, 1, 4, 4), seen), torch.ones(count, 2, 4, 4) / 2)


@pytest.mark.parametrize(("skips", "shapes"), [(False, {0: (16, 4)}), (True, {0: (16, 4), 1: (8, 8), 2: (4, 16)})])
def test_hooks_see_the_warped_features_of_their_level(skips: bool, shapes: dict[int, tuple[int, int]]) -> None:
    torch.manual_seed(0)
    network = WarpNet(width=4, blocks=1, skips=skips).eval()
    seen: dict[int, tuple[int, ...]] = {}

    def hook(level: int, features: torch.Tensor, flow: Flow) -> torch.Tensor:
        seen[level] = tuple(features.shape)
        return features + 1

    source, flow = torch.rand(2, 3, 16, 16), still(2)
    hooks = {level: lambda features, flow, level=level: hook(level, features, flow) for level in shapes}
    plain, changed = network(source, flow), network(source, flow, hooks)
    assert plain.frames.shape == source.shape
    assert seen == {level: (2, width, side, side) for level, (width, side) in shapes.items()}
    assert not torch.allclose(plain.frames, changed.frames)
    torch.testing.assert_close(plain.warped, source, atol=1e-5, rtol=0)
    with pytest.raises(VultusError, match="no level 3"):
        network(source, flow, {3: lambda features, _: features})


def test_what_is_hidden_in_the_source_does_not_reach_the_picture() -> None:
    torch.manual_seed(0)
    network = WarpNet(width=4, blocks=1).eval()
    a, b = (network(torch.rand(1, 3, 16, 16), still(1, seen=0)).frames for _ in range(2))
    torch.testing.assert_close(a, b)


def test_sizes_of_the_published_networks() -> None:
    def count(network: torch.nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    with torch.device("meta"):
        assert count(ResNet(18)) == 11_176_512  # torchvision's without its classes
        assert count(ResNet(50)) == 23_508_032
        assert count(gan.PatchDiscriminator(keypoints=15)) == pytest.approx(2.8e6, rel=0.02)
        assert count(Vgg19()) == 20_024_384 - 3 * (512 * 512 * 9 + 512)  # torchvision's, but for its last three


def test_residual_networks_halve_and_come_back() -> None:
    network = ResNet(18, width=4, stages=3, channels=6)
    found = network(torch.rand(1, 6, 32, 32))
    assert [tuple(x.shape[1:]) for x in found] == [(4, 16, 16), (4, 8, 8), (8, 4, 4), (16, 2, 2)]
    maps = ResNetU(50, width=4, stages=2, maps=2, out=3)(torch.rand(2, 3, 16, 24))
    assert [tuple(x.shape) for x in maps] == [(2, 3, 16, 24), (2, 3, 8, 12)]
    with pytest.raises(VultusError, match="101"):
        ResNet(101)


def test_a_frozen_judge_passes_gradients_on_but_does_not_learn() -> None:
    torch.manual_seed(0)
    judge = gan.PatchDiscriminator(keypoints=2, width=4, blocks=2)
    picture, points = torch.rand(1, 3, 24, 24, requires_grad=True), torch.rand(1, 2, 2)
    gan.fooling(gan.frozen(judge)(picture, points)).backward()
    assert picture.grad is not None
    assert picture.grad.abs().max() > 0
    assert all(p.grad is None for p in judge.parameters())
    gan.least_squares(judge(picture.detach(), points), judge(picture.detach(), points)).backward()
    assert all(p.grad is not None for p in judge.parameters())
    with pytest.raises(VultusError, match="2 keypoints"):
        judge(picture)


def test_adversarial_losses() -> None:
    ones, zeros = (gan.Verdict(torch.full((1, 1, 2, 2), v), [torch.full((1, 3), v)]) for v in (1.0, 0.0))
    assert gan.least_squares(ones, zeros).item() == 0
    assert gan.least_squares(zeros, ones).item() == 2
    assert (gan.fooling(ones).item(), gan.fooling(zeros).item()) == (0, 1)
    assert (gan.matching(ones, ones).item(), gan.matching(ones, zeros).item()) == (0, 1)


def test_vgg_gives_five_layers_and_reads_only_its_own_weights(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = Vgg19()
    assert [tuple(x.shape[1:]) for x in network(torch.rand(1, 3, 16, 16))] == [
        (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2), (512, 1, 1),
    ]  # fmt: skip
    names = {name.replace("body", "features"): tensor for name, tensor in network.state_dict().items()}
    save_file({**names, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg.safetensors")
    taps = vgg19(str(tmp_path / "vgg.safetensors"))
    picture = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(taps(picture)[4], network(picture)[4])
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "other.safetensors")
    for name in ("other", "missing"):
        with pytest.raises(VultusError, match="VGG-19"):
            vgg19(str(tmp_path / f"{name}.safetensors"))
