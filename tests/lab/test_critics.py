"""How the learned judges get their clips, and how they are measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.lab import critic_data as data
from vultus.stage.splits import split_of

torch = pytest.importorskip("torch")
from vultus.lab import critics  # noqa: E402


def a_clip(seed: int, person: int = 0, frames: int = 60) -> data.Seen:
    """A clip of chance whose mouths show in every pixel what the first mel band of their moment says."""
    g = np.random.default_rng(seed)
    level = g.integers(30, 200, frames)
    mouths = np.repeat(level[:, None], 48 * 48, 1).reshape(frames, 48, 48)
    mel = np.repeat(level, 4)[:, None] + np.zeros(80)
    return data.Seen(
        mouths.astype(np.uint8), g.integers(0, 255, (frames, 48, 48, 3), dtype=np.uint8), mel.astype(np.float16),
        np.ones(frames, bool), g.integers(0, 15, frames).astype(np.uint8), g.random((frames, 7)).astype(np.float16),
        g.random((frames, 52)).astype(np.float16), np.array(person), np.zeros_like(mouths, np.uint8),
    )  # fmt: skip


def test_halves_have_other_people_and_other_voices() -> None:
    a, b = data.Recipe("a", people=20), data.Recipe("b", people=20)
    assert len(set(data.people_of(a))) == 20
    assert not set(data.people_of(a)) & set(data.people_of(b))
    assert not set(data.people_of(a)) & set(data.people_of(replace(a, split="test")))
    assert {split_of("identity", p) for p in data.people_of(a)} == {"train"}
    assert data.voices_for(a)
    with pytest.raises(VultusError, match="no clips"):
        data.Recipe("c")


def test_windows_depend_on_seed_and_step_alone() -> None:
    clips = [a_clip(i) for i in range(3)]
    made = data.Windows(clips, ("mouths", "mel", "speech", "units"), 12)
    one, again, next_ = made.batch(5, 4, 1), made.batch(5, 4, 1), made.batch(6, 4, 1)
    assert {name: value.shape for name, value in one.items()} == {
        "mouths": (4, 12, 48, 48), "mel": (4, 48, 80), "speech": (4, 12), "units": (4, 12, 52),
    }  # fmt: skip
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert not np.array_equal(one["mouths"], next_["mouths"])
    with pytest.raises(VultusError, match="longer"):
        data.Windows(clips, ("mouths",), 61)


def test_lips_and_sound_of_a_window_stay_together_and_mirrored_faces_have_mirrored_weights() -> None:
    still = data.Windows([a_clip(0)], ("mouths", "mel"), 10, still=True).batch(0, 8, 3)
    np.testing.assert_array_equal(still["mouths"][:, :, 0, 0], still["mel"][:, ::4, 0])
    clip = a_clip(1)
    left, right = ch.INDEX["mouthSmileLeft"], ch.INDEX["mouthSmileRight"]
    seen = data.Windows([clip], ("units",), 60).batch(0, 40, 0)["units"]
    mirrored = [np.array_equal(u[:, left], clip.units[:, right].astype(np.float32)) for u in seen]
    kept = [np.array_equal(u[:, left], clip.units[:, left].astype(np.float32)) for u in seen]
    assert 5 < sum(mirrored) < 35
    assert sum(mirrored) + sum(kept) == 40


def test_kept_clips_are_read_back_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make(job: tuple[data.Recipe, int, str]) -> str:
        recipe, index, path = job
        made.append(index)
        clip = a_clip(index)
        with Path(path).open("wb") as file:
            kept = data.json.dumps(data.kind(recipe))
            np.savez(file, format=data.FORMAT, version=data.VERSION, recipe=kept, **vars(clip))
        return path

    monkeypatch.setattr(data, "_make", make)
    recipe = data.Recipe(count=3)
    first = data.gather(recipe, tmp_path)
    np.testing.assert_array_equal(first[2].mel, a_clip(2).mel)
    assert made == [0, 1, 2]
    next(iter(tmp_path.glob("*00001.npz"))).write_bytes(b"broken")
    data.gather(recipe, tmp_path)
    assert made == [0, 1, 2, 1]
    assert len(data.gather(replace(recipe, count=4), tmp_path)) == 4
    assert made[4:] == [3]
    data.gather(replace(recipe, seconds=3.0), tmp_path)
    assert made[5:] == [0, 1, 2]


def test_what_is_shipped_is_half_as_large_and_measured_as_it_is(tmp_path: Path) -> None:
    from vultus.critics.networks import Who

    model, card = Who("a", 4), {"name": "who-a", "measured": {"first": 1.0}}
    critics.ship(model, card, lambda trained: {"first": float(trained.centres.sum())}, tmp_path)
    written = json.loads((tmp_path / "who-a.json").read_text())
    content = (tmp_path / "who-a.safetensors").read_bytes()
    assert written["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) < 2.2 * sum(p.numel() for p in model.parameters())
    kept = critics.checkpoint.read_tensors(tmp_path / "who-a.safetensors")[0]["centres"]
    assert kept.dtype == torch.float16
    assert written["measured"]["first"] == float(kept.float().sum())


def test_measures_of_sync_know_which_way_the_sound_was_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    g = np.random.default_rng(0)
    clips = [a_clip(i) for i in range(4)]
    same = {id(clip): g.normal(size=(60, 8)) for clip in clips}
    monkeypatch.setattr(critics, "embeddings", lambda _, clip: (same[id(clip)], same[id(clip)]))
    figures = critics.measure_sync(torch.nn.Identity(), clips)
    assert figures["offset within a frame"] == 1
    assert figures["shifted, within a frame"] == 1
    assert figures["shifted, right sign"] == 1
    assert figures["LSE-C"] > 10 * figures["LSE-C of another's sound"]
    monkeypatch.setattr(critics, "embeddings", lambda *_: (g.normal(size=(60, 8)), g.normal(size=(60, 8))))
    assert critics.measure_sync(torch.nn.Identity(), clips)["shifted, within a frame"] < 0.5


def test_measures_of_the_others_are_best_for_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [a_clip(i, person=i % 2) for i in range(6)]
    truth = {id(c.mouths): np.eye(15)[c.visemes] for c in clips}
    truth |= {id(c.faces): np.asarray(c.emotions, float) for c in clips}
    monkeypatch.setattr(critics, "_run", lambda _, x: truth[id(x)])
    assert critics.measure_reader(torch.nn.Identity(), clips)["frames right"] == 1
    assert critics.measure_reader(torch.nn.Identity(), clips)["commonest viseme"] < 0.2
    truth |= {
        id(c.faces): np.log(np.asarray(c.emotions, float).clip(1e-3) / (1.001 - np.asarray(c.emotions, float)))
        for c in clips
    }
    assert critics.measure_emotions(torch.nn.Identity(), clips)["correlation"] > 0.99
    assert critics.measure_emotions(torch.nn.Identity(), clips)["strongest named"] == 1
    truth |= {id(c.faces): np.asarray(c.units, float) for c in clips}
    assert critics.measure_units(torch.nn.Identity(), clips)["median correlation"] == pytest.approx(1)
    truth |= {id(c.faces): np.eye(4)[[int(c.person)] * 60] for c in clips}
    found = critics.measure_who(torch.nn.Identity(), clips)
    assert found["same"] == 0
    assert found["equal error rate"] == 0
    assert found["other"] == pytest.approx(2**0.5)


def test_a_judge_is_trained_and_leaves_weights_and_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critics, "gather", lambda recipe, *_: [a_clip(i, i % 3) for i in range(recipe.count)])
    options = critics.Options("who", "b", 2, data.Recipe(count=8, people=4), tmp_path / "clips", tmp_path / "out")
    card = critics.train(options)
    assert (tmp_path / "out" / "who-b.safetensors").is_file()
    assert card["seed"] == critics.SEEDS["b"]
    assert set(card["measured"]) == {"same", "other", "equal error rate"}
    assert "--which b" in card["command"]


def test_a_crowd_is_seen_in_moments_and_the_wrong_lips_only_where_they_teach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[data.Recipe] = []

    def gathered(recipe: data.Recipe, *_: object) -> list[data.Seen]:
        asked.append(recipe)
        return [a_clip(i, i % 3) for i in range(4)]

    monkeypatch.setattr(critics, "gather", gathered)
    recipe = data.Recipe(count=8, people=4)
    card = critics.train(critics.Options("units", "a", 1, recipe, crowd=9, clips=tmp_path, out=tmp_path / "units"))
    speech, moments, test = asked
    assert (speech.people, speech.moments, speech.wrong) == (4, 0, False)
    assert (moments.people, moments.count, moments.moments) == (9, 18, 16)
    assert (test.split, test.moments) == ("test", 0)
    assert "--crowd 9" in card["command"]
    asked.clear()
    critics.train(critics.Options("sync", "a", 1, recipe, clips=tmp_path, out=tmp_path / "sync"))
    assert [(some.wrong, some.moments) for some in asked] == [(True, 0), (True, 0)]


def test_clips_without_wrong_lips_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(job: tuple[data.Recipe, int, str]) -> str:
        recipe, index, path = job
        return data._keep(a_clip(index), recipe, path)

    monkeypatch.setattr(data, "_make", make)
    data.gather(data.Recipe(count=2), tmp_path)
    data.gather(data.Recipe(count=2, wrong=False), tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 4
    assert "wrong" not in data.kind(data.Recipe())
    assert data.kind(data.Recipe(wrong=False))["wrong"] is False


def test_moments_of_chance_move_a_few_channels_and_say_which_emotions() -> None:
    channels, weights = data.by_chance(60, np.random.default_rng(3))
    again, _ = data.by_chance(60, np.random.default_rng(3))
    np.testing.assert_array_equal(channels, again)
    assert channels.shape == (60, len(ch.CHANNELS))
    assert weights.shape == (60, 7)
    assert 0 <= channels[:, ch.EXPRESSION].min() <= channels[:, ch.EXPRESSION].max() <= 1
    assert {0, 1, 2} == set((weights > 0).sum(axis=1))
    calm = weights.max(axis=1) == 0
    moved = (channels[:, ch.EXPRESSION] > 0.05).sum(axis=1)
    assert moved[calm].mean() < moved[~calm].mean()
    happy = weights[:, ch.EMOTIONS.index("happy")]
    smile = channels[:, ch.INDEX["mouthSmileLeft"]]
    assert smile[happy > 0.5].mean() > smile[happy == 0].mean() + 0.2


def test_a_glimpse_shows_one_person_in_moments_of_chance() -> None:
    recipe = data.Recipe("b", count=4, people=2, size=96, seed=3, moments=2)
    seen = data.glimpse(recipe, 3)
    assert seen.faces.shape == (2, 48, 48, 3)
    assert int(seen.person) == 1
    assert seen.faces.std() > 15
    assert not np.array_equal(seen.units[0], seen.units[1])
    assert data.kind(recipe)["moments"] == 2
    assert "moments" not in data.kind(data.Recipe())
