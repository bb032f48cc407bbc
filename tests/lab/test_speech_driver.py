"""The speech driver's network: what it hears, that it learns, and that its stream is its whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.lab import heard_clips as hc
from vultus.signals import posteriors
from vultus.signals.features import mel_edges
from vultus.signals.phones import ARPABET, Phone, from_arpabet

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
from vultus.lab import speech_driver as sd  # noqa: E402
from vultus.lab.run import seeded  # noqa: E402
from vultus.nets.run import load  # noqa: E402


def a_clip(seed: int, frames: int = 260) -> hc.Heard:
    """A clip whose phones change every 0.2 s and raise one band each."""
    g = np.random.default_rng(seed)
    names = g.integers(0, 8, frames // 20)
    phones = tuple(Phone(0.2 * i, 0.2 * (i + 1), from_arpabet(ARPABET[k])[0]) for i, k in enumerate(names))
    rows = np.repeat(names, 20)
    mel = g.normal(-12, 0.3, (len(rows), 80))
    mel[np.arange(len(rows)), 8 * rows] += 10
    return hc.Heard(mel.astype(np.float16), phones)


def small() -> sd.SpeechNet:
    with seeded(3):
        return sd.SpeechNet(32, (1, 4), (1,))


def test_labels_are_those_of_the_middle_of_a_frame() -> None:
    clip = hc.Heard(np.zeros((5, 80), np.float16), (Phone(0.0, 0.024, "p"), Phone(0.024, 0.04, "iː")))
    assert [ARPABET[i] for i in clip.labels] == ["P", "P", "IY", "IY", "SIL"]
    assert clip.controls[0, 13] == 1 > clip.controls[4, 13]  # the lips are sealed
    assert sd.VISEME_OF[ARPABET.index("B")] == sd.VISEME_OF[ARPABET.index("M")] != sd.VISEME_OF[ARPABET.index("F")]


def test_windows_depend_on_seed_and_step_alone_and_keep_their_phones() -> None:
    data = hc.Windows([a_clip(0), a_clip(1)], 200)
    one, again, other = data.batch(2, 3, 5), data.batch(2, 3, 5), data.batch(3, 3, 5)
    for name in ("mel", "phones", "controls"):
        np.testing.assert_array_equal(one[name], again[name])
    assert one["mel"].shape == (3, 200, 80)
    assert one["controls"].shape == (3, 200, 15)
    assert not np.array_equal(one["mel"], other["mel"])
    loudest = np.abs(one["mel"].argmax(axis=2) - 8 * one["phones"].astype(int)) <= 4  # throats differ
    assert loudest.mean() > 0.8  # what is left out, and what noise hides, is the smaller part
    with pytest.raises(VultusError, match="longer"):
        hc.Windows([a_clip(0)], 261)


def test_a_longer_throat_has_lower_formants() -> None:
    hertz = mel_edges(80)[1:-1]
    mel = -((np.log(hertz / 1500) / 0.1) ** 2)[None].astype(np.float32)  # one formant, at 1500 Hz
    np.testing.assert_allclose(hc._throat(mel, 0.0), mel, atol=1e-5)
    for longer in (-0.2, 0.2):
        assert hertz[hc._throat(mel, longer).argmax()] == pytest.approx(1500 * np.exp(-longer), rel=0.05)


def test_a_window_is_heard_faster_and_slower_with_its_phones() -> None:
    clip = a_clip(3, 1000)
    changes = [
        np.diff(clip.labels[np.rint(at).astype(int)]).astype(bool).sum()
        for _, at in (hc.Windows([clip], 200)._drawn(np.random.default_rng(k)) for k in range(40))
    ]
    assert min(changes) < max(changes)
    short = hc.Windows([a_clip(3, 200)], 200)
    assert max(short._drawn(np.random.default_rng(k))[1].max() for k in range(40)) <= 199


def test_it_learns_what_was_heard_a_delay_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd, "reach", lambda: np.full(15, 5, np.float32))
    monkeypatch.setattr(hc, "_THROAT", 0.0)
    monkeypatch.setattr(hc, "_BABBLE", 0.0)
    model, data = small(), hc.Windows([a_clip(i) for i in range(4)], 100)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    before = sd.measure(model.eval(), [a_clip(9)])
    model.train()
    for step in range(150):
        terms = model.loss({k: torch.from_numpy(v) for k, v in data.batch(step, 8, 0).items()})
        optimiser.zero_grad()
        (terms["phones"] + terms["visemes"] + 0.1 * terms["lips"]).backward()
        optimiser.step()
    after = sd.measure(model.eval(), [a_clip(9)])
    assert before["phones"] < 0.4 < 0.6 < after["phones"]
    assert after["lips, mm"] < 0.9 * after["still lips, mm"] < before["lips, mm"]


def taught(clip: hc.Heard) -> hc.Heard:
    """*clip* with a teacher who names every phone in the middle of its 0.2 s, a little late, and is silent between."""
    odds = np.zeros((len(clip.mel) // 2, len(ARPABET)), np.float16)
    for phone in clip.phones:
        odds[round(50 * (phone.start + 0.1) + 1.75), ARPABET.index(phone.arpabet)] = 0.9
    return replace(clip, taught=odds)


def test_a_teacher_is_kept_with_its_clips_and_speaks_where_phones_are(tmp_path: Path) -> None:
    clips, made = hc.Clips(count=2, teacher=True), [taught(a_clip(i)) for i in range(2)]
    hc.write(tmp_path / f"{clips.name}.npz", clips, made)
    kept = hc.gather(clips, tmp_path)
    np.testing.assert_array_equal(kept[1].taught, made[1].taught)
    batch = hc.Windows(kept, 200).batch(0, 4, 1)
    said = batch["taught"].sum(axis=2) > sd.NAMED
    assert said.mean() > 0.05
    assert (batch["taught"].argmax(axis=2) == batch["phones"])[said].all()
    assert "taught" not in hc.Windows([*kept, a_clip(3)], 200).batch(0, 12, 1)  # only where all of them are taught


def test_what_the_teacher_says_is_learned_where_it_speaks() -> None:
    model, batch = small().eval(), hc.Windows([taught(a_clip(i)) for i in range(2)], 200).batch(0, 4, 1)
    tensors = {name: torch.from_numpy(rows) for name, rows in batch.items()}
    logits = torch.randn(4, 200, len(ARPABET), requires_grad=True)
    outputs = {"controls": torch.rand(4, 200, 15), "contacts": torch.randn(4, 200, 2)}
    model.forward = lambda *_: {"logits": logits, **outputs}
    model.loss(tensors)["teacher"].backward()
    moved = logits.grad.abs().sum(dim=2) > 0
    assert torch.equal(moved[:, sd.DELAY :], tensors["taught"][:, : -sd.DELAY].sum(dim=2) > sd.NAMED)
    assert not moved[:, : sd.DELAY].any()
    for phones, best in ((tensors["taught"], 0.01), (tensors["taught"].roll(1, dims=2), 5.0)):
        sure = torch.zeros_like(logits)
        sure[:, sd.DELAY :] = 20 * phones[:, : -sd.DELAY].sign()
        model.forward = lambda *_, sure=sure: {"logits": sure, **outputs}
        assert (float(model.loss(tensors)["teacher"]) < best) == (best < 1)


def test_nothing_later_than_the_delay_decides_a_frame() -> None:
    model = small().eval()
    mel = torch.randn(1, 90, 80) - 8
    later = mel.clone()
    later[:, 62:] += 3
    with torch.no_grad():
        a, b = (model(x, model.zeros()) for x in (mel, later))
    for name in ("logits", "controls"):
        assert torch.equal(a[name][:, :62], b[name][:, :62])
        assert not torch.equal(a[name][:, 62:], b[name][:, 62:])


def test_the_exported_stream_is_its_whole_in_any_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small().eval()
    sd.export(model, tmp_path / "speech.onnx", {"what": "a small one"})
    net = load(tmp_path / "speech.onnx")
    monkeypatch.setattr(posteriors, "_net", lambda: net)
    mel = a_clip(2).mel[:-7].astype(np.float32)
    whole = posteriors.listen(mel)
    assert whole.odds.shape == (len(mel), 40)
    assert whole.controls.shape == (len(mel), 15)
    np.testing.assert_allclose(whole.odds.sum(axis=1), 1, atol=1e-5)
    stream, out = posteriors.Listener(), []
    for first, stop in ((0, 0), (0, 3), (3, 4), (4, 90), (90, len(mel))):
        out.append(stream.push(mel[first:stop]))
    assert len(posteriors.join(out)) == len(mel) // posteriors.BLOCK * posteriors.BLOCK - posteriors.DELAY
    out.append(stream.finish())
    np.testing.assert_array_equal(posteriors.join(out).odds, whole.odds)
    np.testing.assert_array_equal(posteriors.join(out).controls, whole.controls)
    held = np.concatenate([mel, np.repeat(mel[-1:], 15, 0)])
    with torch.no_grad():
        made = model(torch.from_numpy(held)[None], model.zeros())
    ready = slice(posteriors.DELAY, posteriors.DELAY + len(mel))
    np.testing.assert_allclose(made["logits"][0, ready].softmax(1).numpy(), whole.odds, atol=1e-4)
    np.testing.assert_allclose(made["controls"][0, ready].numpy(), whole.controls, atol=1e-4)
    assert posteriors.Listener().finish().odds.shape == (0, 40)
    assert len(posteriors.listen(mel[:1])) == 1


def test_clips_are_kept_and_made_again_when_they_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Now:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Now:
            return self

        def __exit__(self, *_: object) -> None: ...
        def map(self, function: object, some: range, chunksize: int) -> list[hc.Heard]:
            made.append(len(some))
            return [a_clip(i) for i in some]

    made: list[int] = []
    monkeypatch.setattr(hc, "ProcessPoolExecutor", Now)
    clips = hc.Clips(count=3)
    first, again = hc.gather(clips, tmp_path), hc.gather(clips, tmp_path)
    assert made == [3]
    np.testing.assert_array_equal(first[2].mel, again[2].mel)
    assert first[1].phones == again[1].phones
    hc.gather(replace(clips, seconds=5.0), tmp_path)
    next(iter(tmp_path.glob("*.npz"))).write_bytes(b"broken")
    hc.gather(clips, tmp_path)
    assert made == [3, 3, 3]
