"""The acoustic front end: what it hears, that it learns, and that its stream is its whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.signals import posteriors
from vultus.signals.phones import ARPABET, Phone

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
from vultus.lab import phone_net as pn  # noqa: E402
from vultus.lab.run import seeded  # noqa: E402
from vultus.nets.run import load  # noqa: E402


def a_clip(seed: int, frames: int = 260) -> pn.Heard:
    """A clip whose phones change every 0.2 s and raise one band each."""
    g = np.random.default_rng(seed)
    phones = np.repeat(g.integers(0, 8, frames // 20), 20).astype(np.uint8)
    mel = g.normal(-12, 0.3, (len(phones), pn.BANDS))
    mel[np.arange(len(phones)), 8 * phones] += 10
    return pn.Heard(mel.astype(np.float16), phones)


def small() -> pn.PhoneNet:
    with seeded(3):
        return pn.PhoneNet(24, (1, 4, 8))


def test_labels_are_those_of_the_middle_of_a_frame() -> None:
    phones = [Phone(0.0, 0.024, "p"), Phone(0.024, 0.04, "iː")]
    assert [ARPABET[i] for i in pn.labels(phones, 5)] == ["P", "P", "IY", "IY", "SIL"]
    assert pn.VISEME_OF[ARPABET.index("B")] == pn.VISEME_OF[ARPABET.index("M")] != pn.VISEME_OF[ARPABET.index("F")]


def test_windows_depend_on_seed_and_step_alone_and_keep_their_phones() -> None:
    data = pn.Windows([a_clip(0), a_clip(1)], 200)
    one, again, other = data.batch(2, 3, 5), data.batch(2, 3, 5), data.batch(3, 3, 5)
    np.testing.assert_array_equal(one["mel"], again["mel"])
    assert one["mel"].shape == (3, 200, 80)
    assert not np.array_equal(one["mel"], other["mel"])
    loudest = one["mel"].argmax(axis=2) == 8 * one["phones"]
    assert loudest.mean() > 0.8  # what is left out, and what noise hides, is the smaller part
    with pytest.raises(VultusError, match="longer"):
        pn.Windows([a_clip(0)], 261)


def test_it_learns_what_was_heard_a_delay_ago() -> None:
    model, data = small(), pn.Windows([a_clip(i) for i in range(4)], 120)
    optimiser = torch.optim.AdamW(model.parameters(), 5e-3)
    before = pn.measure(model.eval(), [a_clip(9)])
    model.train()
    for step in range(120):
        terms = model.loss({k: torch.from_numpy(v) for k, v in data.batch(step, 4, 0).items()})
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
    after = pn.measure(model.eval(), [a_clip(9)])
    assert before["phones"] < 0.4 < 0.8 < after["phones"]


def test_nothing_later_than_the_delay_decides_a_frame() -> None:
    model = small().eval()
    mel = torch.randn(1, 90, 80) - 8
    later = mel.clone()
    later[:, 61:] += 3
    state = torch.zeros(1, model.width, model.past)
    with torch.no_grad():
        a, b = (model(x, state)["logits"] for x in (mel, later))
    assert torch.equal(a[:, :61], b[:, :61])
    assert not torch.equal(a[:, 61:], b[:, 61:])


def test_the_exported_stream_is_its_whole_in_any_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small().eval()
    pn.export(model, tmp_path / "phones.onnx", {"what": "a small one"})
    monkeypatch.setattr(posteriors, "_net", lambda: load(tmp_path / "phones.onnx"))
    mel = a_clip(2).mel.astype(np.float32)
    whole = posteriors.posteriors(mel)
    assert whole.shape == (len(mel), 40)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)
    stream, out = posteriors.PosteriorStream(), []
    for first, stop in ((0, 0), (0, 3), (3, 4), (4, 90), (90, len(mel))):
        out.append(stream.push(mel[first:stop]))
    assert len(np.concatenate(out)) == len(mel) - posteriors.DELAY
    out.append(stream.finish())
    np.testing.assert_allclose(np.concatenate(out), whole, atol=1e-5)
    held = np.concatenate([mel, np.repeat(mel[-1:], posteriors.DELAY, 0)])
    with torch.no_grad():
        logits = model(torch.from_numpy(held)[None], torch.zeros(1, model.width, model.past))["logits"]
    np.testing.assert_allclose(logits[0, posteriors.DELAY :].softmax(1).numpy(), whole, atol=1e-4)
    assert posteriors.PosteriorStream().finish().shape == (0, 40)


def test_clips_are_kept_and_made_again_when_they_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Now:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Now:
            return self

        def __exit__(self, *_: object) -> None: ...
        def map(self, function: object, some: range, chunksize: int) -> list[pn.Heard]:
            made.append(len(some))
            return [a_clip(i) for i in some]

    made: list[int] = []
    monkeypatch.setattr(pn, "ProcessPoolExecutor", Now)
    clips = pn.Clips(count=3)
    first, again = pn.gather(clips, tmp_path), pn.gather(clips, tmp_path)
    assert made == [3]
    np.testing.assert_array_equal(first[2].mel, again[2].mel)
    np.testing.assert_array_equal(first[1].phones, again[1].phones)
    pn.gather(replace(clips, seconds=5.0), tmp_path)
    next(iter(tmp_path.glob("*.npz"))).write_bytes(b"broken")
    pn.gather(clips, tmp_path)
    assert made == [3, 3, 3]
