"""The articulation in torch gives what the articulation gives, and gradients besides."""

from __future__ import annotations

import numpy as np
import pytest

from vultus.drivers.articulation import articulate
from vultus.drivers.targets import PHONETIC
from vultus.signals.phones import Phone

torch = pytest.importorskip("torch")
from vultus.lab import articulation_twin as twin  # noqa: E402

SOUNDS = [*"muɑiɪʃsptwʊfvzølkθ", "aɪ", "oʊ", "ɔɪ", "", "??"]


def sentence(seed: int) -> tuple[list[Phone], np.ndarray]:
    rng, phones, end = np.random.default_rng(seed), [], 0.0
    for _ in range(rng.integers(1, 40)):
        start, end = end, end + rng.uniform(0.02, 0.3)
        phones.append(Phone(start, end, str(rng.choice(SOUNDS)), int(rng.integers(3))))
    return phones, np.sort(rng.uniform(-0.5, end + 0.5, 29))


def test_both_give_the_same_mouths() -> None:
    films = [sentence(seed) for seed in range(20)]
    made = twin.mouths(twin.Free.of(PHONETIC), twin.pack(films))
    assert made.shape == (20, 29, len(twin.WEIGHTS))
    for (phones, times), film in zip(films, made, strict=True):
        true = articulate(phones, times).data
        assert np.abs(twin.rows_of(film.numpy()) - true).max() <= 1e-5
        assert true.max() > 0.1


def test_changed_targets_give_the_same_mouths_too() -> None:
    rng = torch.Generator().manual_seed(3)
    free = twin.Free.of(PHONETIC)
    moved = twin.Free(
        (free.value + 0.2 * torch.randn(free.value.shape, generator=rng)).clamp(0, 1),
        free.dominance + 0.3 * torch.randn(free.dominance.shape, generator=rng),
        free.anticipation + 0.2, free.carry_over - 0.2,
    )  # fmt: skip
    films = [sentence(seed) for seed in range(20, 26)]
    made, targets = twin.mouths(moved, twin.pack(films)), moved.targets("moved")
    for (phones, times), film in zip(films, made, strict=True):
        there = articulate(phones, times, targets=targets).data
        assert np.abs(twin.rows_of(film.numpy()) - there).max() <= 1e-5
        assert np.abs(there - articulate(phones, times).data).max() > 0.02


def test_gradients_reach_what_was_said_and_nothing_else() -> None:
    free = twin.Free.of(PHONETIC)
    for part in vars(free).values():
        part.requires_grad_()
    phones = [Phone(0.0, 0.2, "w"), Phone(0.2, 0.4, "i")]
    twin.mouths(free, twin.pack([(phones, np.linspace(0, 0.4, 29))])).square().sum().backward()
    said = {name for name, row in zip(twin.ROWS, free.value.grad.abs().sum(dim=1), strict=True) if row > 0}
    assert said == {"SIL", "W", "IY"}
    for part in vars(free).values():
        assert torch.isfinite(part.grad).all()
        assert part.grad.abs().max() > 0
