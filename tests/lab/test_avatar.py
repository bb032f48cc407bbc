"""Trained recipes as heads, on the command line too."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("safetensors")

from torch import nn  # noqa: E402

from vultus import cli  # noqa: E402
from vultus.channels import INDEX  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.io import formats  # noqa: E402
from vultus.io.image import write_image  # noqa: E402
from vultus.lab import checkpoint, presets, recipes  # noqa: E402
from vultus.lab.avatar import Avatar, AvatarHead  # noqa: E402
from vultus.looks import Look  # noqa: E402
from vultus.motion import Motion  # noqa: E402

SOURCE = '''"""Patch: a grey picture as bright as the jaw is open."""
class Model:
    family = "avatar"
    takes = ("motion", "camera")
    gives = "frames"
'''


@dataclass(frozen=True)
class Config:
    """Pixels along a side, and steps of training."""

    size: int = 32
    steps: int = 2


class Patch(nn.Module):
    """A grey picture as bright as the jaw is open; its one weight says how bright, and its state counts frames."""

    family, takes, gives = "avatar", ("motion", "camera"), "frames"

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, self.bright = config, nn.Parameter(torch.tensor(0.5))
        self.calls: list[int] = []

    def stages(self) -> list[Any]:
        from vultus.recipe import Stage

        return [Stage("all", self.config.steps, 8)]

    def loss(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"grey": (batch["frames"] - self.bright).square().mean()}

    @torch.no_grad()
    def step(self, state: Any, *, motion: Any = None, camera: Any = None) -> Any:
        count = (state or 0) + len(motion)
        self.calls.append(len(motion))
        grey = np.uint8(200 * motion.data[:, INDEX["jawOpen"]] + count % 2)
        shape = (len(motion), camera.height, camera.width, 3)
        return np.broadcast_to(grey[:, None, None, None], shape).copy(), count


@pytest.fixture
def patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe "patch" as another package brings it, trained: its folder."""
    file = tmp_path / "patch.py"
    file.write_text(SOURCE)
    module = types.ModuleType("their_patch")
    module.Model, module.Config, module.tiny, module.paper = Patch, Config, Config(), Config()  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace(origin=str(file))  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "their_patch", module)
    known = recipes.modules()
    monkeypatch.setattr(recipes, "modules", lambda: known | {"patch": "their_patch"})
    assert cli.main(["train", "patch", "--out", str(tmp_path / "runs")]) == 0
    return tmp_path / "runs"


def speaking(count: int) -> Motion:
    rows = np.zeros((count, 52), np.float32)
    rows[:, INDEX["jawOpen"]] = np.linspace(0, 1, count)
    return Motion.of(25, expression=rows)


def test_a_recipe_of_motion_is_trained_and_drives_a_video(
    patch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads((patch / "patch.recipe.json").read_text())
    assert told["camera"]["size"] == [32, 32]
    assert told["camera"]["world_to_camera"][2][2] < -0.8  # the camera that looks most at the front of the face
    head = AvatarHead(Avatar.of(f"avatar:{patch}"), 48)
    motion = speaking(40)
    shown = [frame for piece in (motion[:25], motion[25:]) for frame in head.frames(piece)]
    assert [frame.shape for frame in shown] == [(48, 48, 3)] * 40  # it draws at the size that is asked for
    grey = [int(frame[0, 0, 0]) for frame in shown]
    assert np.abs(np.array(grey) - 200 * np.linspace(0, 1, 40)).max() <= 2
    assert max(head._model.calls) <= 16  # memory does not grow with the piece
    formats.write_motion(tmp_path / "m.npz", motion[:4])
    plain = ["render", str(tmp_path / "m.npz"), "--size", "48", "--face", f"avatar:{patch}"]
    assert cli.main([*plain, "--out", str(tmp_path / "x.mp4")]) == 0
    assert (tmp_path / "x.mp4").stat().st_size > 500
    assert "scaled" not in capsys.readouterr().err
    assert cli.main([*plain, "--out", str(tmp_path / "x.glb")]) == 2
    assert "no mesh" in capsys.readouterr().err
    assert not (tmp_path / "x.glb").exists()
    assert cli.main([*plain, "--place", "paper", "--out", str(tmp_path / "y.mp4")]) == 2
    assert "place" in capsys.readouterr().err


@pytest.fixture(scope="module")
def dagan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the tiny preset, untrained, with a portrait."""
    folder = tmp_path_factory.mktemp("dagan")
    torch.manual_seed(0)
    model = presets.build("dagan", "tiny", {})
    checkpoint.write_bytes(folder / "dagan.safetensors", checkpoint.as_bytes(model.state_dict(), "vultus-weights"))
    record = {"format": presets.FORMAT, "version": presets.VERSION, "recipe": "dagan", "preset": "tiny", "changes": {}}
    (folder / "dagan.recipe.json").write_text(json.dumps(record))
    picture = np.random.default_rng(0).integers(0, 255, (60, 50, 3)).astype(np.uint8)
    write_image(folder / "portrait.png", picture)
    return folder


def test_a_portrait_follows_the_person_who_performs_the_motion(
    dagan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    face, motion = f"avatar:{dagan}", speaking(5)
    draw, size = Look(face, 64).head()
    assert size == (64, 64)
    assert f"{face} draws 48x48 pixels; its pictures are scaled to 64x64\n" == capsys.readouterr().err
    shown = list(draw([motion[:2], motion[2:]]))
    assert [frame.shape for frame in shown] == [(64, 64, 3)] * 5
    whole = AvatarHead(Avatar.of(face), 48)
    assert whole.size == whole.drawn == (48, 48)
    made = np.stack(list(whole.frames(motion)))
    # Without a step, windows that begin with the neutral face give the same.
    monkeypatch.delattr(recipes.load("dagan").Model, "step")
    with pytest.MonkeyPatch.context() as patched:
        step = presets.trained("dagan", dagan / "dagan.safetensors")
        assert not hasattr(step, "step")
        patched.setattr(type(step), "forward", whole_forward)
        windows = AvatarHead(Avatar.of(face), 48)
        parts = np.stack([*windows.frames(motion[:2]), *windows.frames(motion[2:])])
    assert np.abs(parts.astype(int) - made).max() <= 1


def whole_forward(self: Any, *, picture: Any, frames: Any) -> Any:
    from vultus.parts.image.reenact import drive

    return drive(
        None, picture, frames, size=self.config.size,
        find=lambda some: self.find(some, self.nearness(some)),
        draw=lambda source, at, to: self.generator(source, self.nearness(source), at, to),
    )[0]  # fmt: skip


def test_what_is_wrong_with_a_folder_is_told_in_one_line(dagan: Path, tmp_path: Path) -> None:
    def told(match: str) -> None:
        with pytest.raises(VultusError, match=match):
            Look(f"avatar:{tmp_path}").check()

    with pytest.raises(VultusError, match="not a folder"):
        Look(f"avatar:{tmp_path}/nowhere").check()
    told("no trained recipe")
    record = json.loads((dagan / "dagan.recipe.json").read_text())
    (tmp_path / "dagan.recipe.json").write_text(json.dumps(record))
    told("dagan.safetensors is missing")
    (tmp_path / "dagan.safetensors").write_bytes((dagan / "dagan.safetensors").read_bytes())
    told("no portrait")
    for name in ("portrait.png", "portrait.jpg"):
        (tmp_path / name).write_bytes((dagan / "portrait.png").read_bytes())
    told("several portraits")
    (tmp_path / "portrait.jpg").unlink()
    Look(f"avatar:{tmp_path}").check()
    with pytest.raises(VultusError, match="for photos"):
        Look(f"avatar:{tmp_path}", full=True).check()
    (tmp_path / "dagan.recipe.json").write_text(json.dumps({**record, "recipe": "unitalker"}))
    told("--driver unitalker")
    (tmp_path / "dagan.recipe.json").write_text("{")
    told("broken")
    (tmp_path / "dagan.recipe.json").write_text(json.dumps({**record, "version": 99}))
    told("another version")
    (tmp_path / "other.recipe.json").write_text("{}")
    told("several trained recipes: dagan, other")


def test_torch_that_is_not_installed_is_told_before_the_work(dagan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "vultus.recipes.dagan", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(VultusError, match="torch"):
        Look(f"avatar:{dagan}").check()
