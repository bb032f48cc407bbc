"""Presets with changes, weights that come back, and the commands of the workshop."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

from vultus import cli
from vultus.channels import INDEX
from vultus.clip import Clip
from vultus.commands.workshop import fields_as_options
from vultus.datasets import vocaset
from vultus.errors import VultusError
from vultus.io import audio
from vultus.lab import presets
from vultus.motion import Motion


@dataclasses.dataclass(frozen=True)
class Inner:
    lr: float = 0.1


@dataclasses.dataclass(frozen=True)
class Config:
    width: int = 4
    name: str = "mel"
    deep: bool = False
    who: tuple[str, ...] = ("a",)
    steps: tuple[int, ...] = (1, 2)
    inner: Inner = Inner()


def test_fields_are_set_by_what_is_written() -> None:
    changes = {"width": "8", "name": "x", "deep": "true", "who": "b,c", "steps": "3,4", "inner.lr": "1e-3"}
    assert presets.changed(Config(), changes) == Config(8, "x", True, ("b", "c"), (3, 4), Inner(0.001))


@pytest.mark.parametrize(
    ("path", "text", "match"),
    [
        ("widht", "8", "width"),
        ("width", "wide", "no value"),
        ("deep", "maybe", "no value"),
        ("width.x", "1", "no field"),
        ("inner", "3", "no value"),
    ],
)
def test_wrong_fields_and_values_are_told(path: str, text: str, match: str) -> None:
    with pytest.raises(VultusError, match=match):
        presets.changed(Config(), {path: text})


def test_options_of_the_configuration_reach_the_command() -> None:
    given = ["train", "unitalker", "--config.steps", "4", "--config.optimiser.lr=0.1", "--out", "x"]
    assert fields_as_options(given) == [
        "train",
        "unitalker",
        "--set",
        "steps=4",
        "--set",
        "optimiser.lr=0.1",
        "--out",
        "x",
    ]
    with pytest.raises(VultusError, match="no value"):
        fields_as_options(["train", "x", "--config.steps"])


def test_a_trained_driver_moves_the_mouth_and_leaves_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = [
        "--config.steps",
        "4",
        "--config.warm_up",
        "2",
        "--config.width",
        "16",
        "--config.hear",
        "16",
        "--clips",
        "9",
    ]
    assert cli.main(["train", "unitalker", *small, "--out", "runs"]) == 0
    assert "wrote runs/unitalker.safetensors" in capsys.readouterr().out
    sound = np.random.default_rng(0).normal(0, 0.05, 16000).astype(np.float32)
    audio.write(tmp_path / "speech.wav", sound, 16000)
    plain = ["animate", "speech.wav", "--out"]
    driver = ["--driver", "unitalker", "--weights", "runs/unitalker.safetensors"]
    assert cli.main([*plain, "a.npz"]) == 0
    assert cli.main([*plain, "b.npz", *driver]) == 0
    from vultus.io import formats

    a, b = (formats.read_motion(tmp_path / name).data for name in ("a.npz", "b.npz"))
    kept = [column for column in range(a.shape[1]) if column not in presets.DRIVEN]
    assert (a[:, kept] == b[:, kept]).all()
    assert not (a[:, INDEX["jawOpen"]] == b[:, INDEX["jawOpen"]]).all()
    capsys.readouterr()
    assert cli.main([*plain, "c.npz", "--driver", "kmtalk", "--weights", "runs/unitalker.safetensors"]) == 2
    assert "weights of unitalker" in capsys.readouterr().err
    assert cli.main([*plain, "c.npz", "--driver", "unitalker"]) == 2
    assert not (tmp_path / "c.npz").exists()


def test_the_list_and_the_board_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", "--docs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "kmtalk" in out
    assert "sound, phones" in out
    assert cli.main(["claims", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "board.md").read_text("utf-8").count("no recipe yet") > 40
    assert cli.main(["claims", "unitalkr", "--out", str(tmp_path)]) == 2
    assert "unitalker" in capsys.readouterr().err


def test_pieces_keep_their_times() -> None:
    driven = Motion.neutral(5, 25)
    pieces = [Motion.neutral(3, 25), Motion.neutral(4, 25, start="3/25")]
    made = list(presets.laid(iter(pieces), driven))
    assert [len(piece) for piece in made] == [3, 4]
    assert made[1].start == pieces[1].start


def people(*names: str) -> list[Clip]:
    return [Clip(f"clip {i}", labels={"subject": name} if name else {}) for i, name in enumerate(names)]


def test_names_in_the_data_take_the_places_of_plain_numbers() -> None:
    said, speakers = presets.named(("0", "1", "2"), people("b", "a", "b"))
    assert speakers == ("a", "b", "2")
    assert said == "speakers are named as in the data: a to b, 2 in all"
    assert presets.named(("0", "1"), people("b", "a"))[1] == ("a", "b")
    said, speakers = presets.named(("0",), people("b", "a"))
    assert speakers == ()
    assert "set --config.speakers" in said
    told = [("a", "0"), ("anna",), ()]  # somebody chose these, or the recipe has none
    assert all(presets.named(names, people("b")) == ("", ()) for names in told)
    assert presets.named(("0",), people("person:7")) == presets.named(("0",), people("")) == ("", ())


@pytest.mark.parametrize("chosen", ["", "0,x"])
def test_vocaset_names_its_speakers(tmp_path: Path, capsys: pytest.CaptureFixture[str], chosen: str) -> None:
    who = vocaset.SUBJECTS["train"][1]
    for folder in ("vertices_npy", "wav", "templates", "alignment"):
        (tmp_path / folder).mkdir()
    rest = np.zeros((vocaset.VERTICES, 3), np.float32)
    np.save(tmp_path / "templates" / f"{who}.npy", rest)
    moved = np.random.default_rng(0).normal(0, 1e-3, (60, 3 * vocaset.VERTICES)).astype(np.float32)
    np.save(tmp_path / "vertices_npy" / f"{who}_sentence01.npy", moved)
    audio.write(tmp_path / "wav" / f"{who}_sentence01.wav", np.full(16000, 0.1, np.float32), 16000)
    phones = [{"start": 0.0, "end": 0.4, "phone": "AA1"}, {"start": 0.4, "end": 1.0, "phone": "B"}]
    (tmp_path / "alignment" / f"{who}_sentence01.json").write_text(json.dumps(phones))
    changes = {"shapes": "0", "vertices": str(vocaset.VERTICES), "steps": "1,1,0", "frames": "10", "width": "16",
               "layers": "1", "hear": "8"} | ({"speakers": chosen} if chosen else {})  # fmt: skip
    path = presets.train("kmtalk", source=f"vocaset:{tmp_path}", changes=changes, out=tmp_path / "runs")
    line = f"speakers are named as in the data: {who}\n"
    assert capsys.readouterr().out == ("" if chosen else line)
    assert presets.trained("kmtalk", path).config.speakers == (("0", "x") if chosen else (who,))


def test_a_published_encoder_comes_from_its_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 16, "conv_dim": (16,) * 7}
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**sizes)).save_pretrained(tmp_path / "ears")
    changes = {"audio": "wav2vec2-base", "steps": "2", "warm_up": "1"}
    told = {"changes": changes, "clips": 3, "encoder": str(tmp_path / "ears")}
    path = presets.train("unitalker", **told, out=tmp_path / "runs")
    model = presets.trained("unitalker", path)
    assert model.audio.published.config.num_hidden_layers == 1
    assert isinstance(model(sound=np.zeros(8000, np.float32)), Motion)


@pytest.mark.parametrize(("heard", "folder"), [("mel", "ears"), ("wav2vec2-base", "")])
def test_a_folder_too_many_or_too_few_is_told(tmp_path: Path, heard: str, folder: str) -> None:
    with pytest.raises(VultusError, match="--encoder"):
        presets.train("unitalker", changes={"audio": heard}, encoder=folder, out=tmp_path)
    assert not list(tmp_path.iterdir())
