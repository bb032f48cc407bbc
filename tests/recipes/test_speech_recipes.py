"""What UniTalker and KMTalk have of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vultus.errors import VultusError  # noqa: E402
from vultus.motion import Motion  # noqa: E402
from vultus.recipes import kmtalk, unitalker  # noqa: E402
from vultus.signals.phones import Phone  # noqa: E402

SOUND = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
PHONES = (Phone(0.0, 0.3, ""), Phone(0.3, 0.6, "b"), Phone(0.6, 1.0, "ɑ"))


def talker(**changes: object) -> unitalker.Model:
    torch.manual_seed(0)
    model = unitalker.Model(replace(unitalker.tiny, width=16, hear=16, **changes))
    for head in model.heads.heads.values():  # as if it had learned
        torch.nn.init.normal_(head.weight, std=0.1)
    return model


def test_unitalker_speaks_every_format_as_anybody() -> None:
    model = talker()
    assert isinstance(model(sound=SOUND), Motion)
    mesh = model(sound=SOUND, format="mesh")
    assert mesh.shape == (25, 300, 3)
    one, other, pivot = (model(sound=SOUND, speaker=who).data for who in ("0", "1", None))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, pivot)
    with pytest.raises(VultusError, match="format"):
        model(sound=SOUND, format="mash")
    with pytest.raises(VultusError, match="speaker"):
        model(sound=SOUND, speaker="7")


def test_unitalker_reads_long_sound_in_windows() -> None:
    made = talker()(sound=np.resize(SOUND, 16000 * 45))
    assert len(made) == 25 * 45
    assert np.isfinite(made.data).all()


@pytest.mark.parametrize("decoder", ["tcn", "transformer"])
def test_unitalker_begins_a_new_format_from_what_it_knows(decoder: str) -> None:
    model = talker(decoder=decoder)
    new = unitalker.Format("other", "vertices", 30, 8)
    for keep in (True, False):
        grown = model.adapted(new, keep=keep)
        assert grown(sound=SOUND, format="other").shape == (25, 30, 3)
        same = np.array_equal(grown(sound=SOUND).data, model(sound=SOUND).data)
        assert same == keep
        torch.testing.assert_close(grown.audio.state_dict(), model.audio.state_dict())


def test_a_batch_of_unitalker_holds_one_set_and_small_sets_come_again() -> None:
    sets = {name: {"x": np.arange(count)} for name, count in (("a", 4), ("b", 2))}
    mixed = unitalker.Mixed(sets, {"a": 1, "b": 4})
    seen = [mixed.batch(step, 1, 3)["set"] for step in range(2 * 12)]
    assert (seen.count("a"), seen.count("b")) == (8, 16)
    assert seen[:12] != seen[12:]


def test_kmtalk_keeps_the_keys_that_an_artist_edits() -> None:
    torch.manual_seed(0)
    model = kmtalk.Model(replace(kmtalk.tiny, width=16, hear=16))
    seen: list[np.ndarray] = []

    def open_wide(poses: np.ndarray, keys: np.ndarray) -> np.ndarray:
        seen.append(keys)
        poses[keys, 17] = 0.5
        return poses

    made = model(sound=SOUND, phones=PHONES, edit=open_wide)
    assert np.flatnonzero(seen[0]).tolist() == [0, round(0.45 * 25), 20, 24]
    assert made.data[:, 17] == pytest.approx(0.5, abs=1e-5)  # completion has not learned to change anything yet
    assert model(sound=SOUND, phones=PHONES).data[:, 17].max() == 0


def test_between_keys_motion_is_a_straight_line_and_keys_are_kept() -> None:
    values = torch.zeros(1, 7, 2)
    marked = torch.tensor([[True, False, False, True, False, True, True]])
    values[0, 3], values[0, 5], values[0, 6] = (
        torch.tensor([3.0, -3.0]),
        torch.tensor([1.0, 0.0]),
        torch.tensor([8.0, 8.0]),
    )
    values[0, 4] = 100.0  # what is no key is not looked at
    made = kmtalk._between(values, marked)[0]
    assert made[:, 0].tolist() == pytest.approx([0, 1, 2, 3, 2, 1, 8])
    assert made[:, 1].tolist() == pytest.approx([0, -1, -2, -3, -1.5, 0, 8])


def test_kmtalk_works_on_vertices_too() -> None:
    model = kmtalk.Model(replace(kmtalk.tiny, width=16, hear=16, shapes=0, vertices=12))
    assert model(sound=SOUND, phones=PHONES).shape == (25, 12, 3)
