"""Train the acoustic front end: ``python -m vultus.lab.phone_net --out DIR`` (log-mel -> phone posteriors, causal).

It learns from voices whose phones are known to the sample, changed as rooms, microphones and codecs change them. The
engine that sounds most like people (the stage's split "test") is kept apart and measures it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.channels import VISEMES
from vultus.errors import VultusError
from vultus.lab.card import About
from vultus.lab.export import Interface, export_onnx
from vultus.lab.run import Machine, seeded
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage
from vultus.signals.features import FEATURE_RATE
from vultus.signals.phones import ARPABET, Phone, from_arpabet, viseme_of
from vultus.signals.posteriors import DELAY
from vultus.stage.splits import Split

FORMAT: Final = "vultus.heard-phones"
VERSION: Final = 1
BANDS: Final = 80
MIDDLE, WIDTH = -8.0, 5.0
"""What log-mel is shifted and divided by."""
VISEME_OF: Final = np.array([VISEMES.index(viseme_of(from_arpabet(name)[0])) for name in ARPABET])
"""The viseme [40] of each phone."""


# --- the network ----------------------------------------------------------------------------------------------------


class _Block(nn.Module):
    """A causal dilated convolution and one over channels, added to what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.past = 2 * dilation
        self.conv = nn.Conv1d(width, width, 3, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, T] and the last ``past`` frames before -> [B, C, T] and the last ``past`` frames now."""
        joined = torch.cat([before, x], dim=2)
        return x + self.mix(torch.relu(self.norm(self.conv(joined)))), joined[:, :, -self.past :]


class PhoneNet(nn.Module):
    """Log-mel -> phone logits that come ``DELAY`` frames late, from the past alone."""

    def __init__(self, width: int = 176, dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 8, 1, 2)) -> None:
        super().__init__()
        self.enter = nn.Conv1d(BANDS, width, 1)
        self.blocks = nn.ModuleList(_Block(width, d) for d in dilations)
        self.leave = nn.Conv1d(width, len(ARPABET), 1)
        self.width, self.past = width, sum(2 * d for d in dilations)

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        """Log-mel [B, T, 80] and the state [B, C, past] -> logits [B, T, 40] and the next state."""
        x = torch.relu(self.enter(((mel - MIDDLE) / WIDTH).transpose(1, 2)))
        after, at = [], 0
        for block in self.blocks:
            x, kept = block(x, state[:, :, at : at + block.past])
            after.append(kept)
            at += block.past
        return {"logits": self.leave(x).transpose(1, 2), "state_out": torch.cat(after, dim=2)}

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cross-entropy of phones, and of the visemes that they show, each ``DELAY`` frames late."""
        mel, phones = batch["mel"], batch["phones"].long()[:, :-DELAY]
        state = mel.new_zeros(len(mel), self.width, self.past)
        logits = self(mel, state)["logits"][:, DELAY:].float()
        odds = logits.log_softmax(dim=2)
        visemes = odds.new_zeros(*odds.shape[:2], len(VISEMES))
        visemes = visemes.index_add(2, torch.as_tensor(VISEME_OF, device=odds.device), odds.exp()).clamp(min=1e-6).log()
        shown = torch.as_tensor(VISEME_OF, device=odds.device)[phones]
        return {
            "phones": nnf.nll_loss(odds.flatten(0, 1), phones.flatten()),
            "visemes": nnf.nll_loss(visemes.flatten(0, 1), shown.flatten()),
        }


# --- what it hears --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clips:
    """*count* clips of *seconds* drawn with *seed* from the voices of a *split*, *augment* of them changed."""

    split: Split = "train"
    count: int = 900
    seconds: float = 6.0
    augment: float = 0.85
    seed: int = 5


@dataclass(frozen=True, eq=False)
class Heard:
    """A clip: ``mel`` float16 [T, 80] and ``phones`` uint8 [T], by their place in ``ARPABET``, at 100 Hz."""

    mel: NDArray[np.float16]
    phones: NDArray[np.uint8]


def labels(phones: Sequence[Phone], count: int) -> NDArray[np.uint8]:
    """The phone [count] at the middle of each frame, by its place in ``ARPABET``; silence where there is none."""
    times, out = (np.arange(count) + 0.5) / FEATURE_RATE, np.zeros(count, np.uint8)
    for phone in phones:
        out[(times >= phone.start) & (times < phone.end)] = ARPABET.index(phone.arpabet)
    return out


def _hear(clips: Clips, index: int) -> Heard:
    from vultus.signals.features import features
    from vultus.stage.performances import RATE, heard, voiced
    from vultus.stage.plan import draw

    plan = draw(clips.seed, index, seconds=clips.seconds, split=clips.split, augment=clips.augment)
    said = voiced(plan)
    mel = features(heard(plan, said), RATE).mel
    return Heard(mel.astype(np.float16), labels(said.phones, len(mel)))


def gather(clips: Clips, folder: Path, workers: int = 1) -> list[Heard]:
    """The clips, made where *folder* does not keep them yet; the same whatever the *workers*."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"phones-{clips.split}-{clips.seed}-{clips.count}.npz"
    if (kept := _read(path, clips)) is not None:
        return kept
    made: list[Heard] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for one in pool.map(partial(_hear, clips), range(clips.count), chunksize=4):
            made.append(one)
            if len(made) % 100 == 0:
                print(f"{len(made)} of {clips.count} clips", flush=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file, format=FORMAT, version=VERSION, clips=json.dumps(asdict(clips)), counts=[len(m.mel) for m in made],
            mel=np.concatenate([m.mel for m in made]), phones=np.concatenate([m.phones for m in made]),
        )  # fmt: skip
    part.replace(path)
    return made


def _read(path: Path, clips: Clips) -> list[Heard] | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            if (str(kept["format"]), int(kept["version"]), str(kept["clips"])) != (
                FORMAT, VERSION, json.dumps(asdict(clips)),
            ):  # fmt: skip
                return None
            edges = np.cumsum(kept["counts"])[:-1]
            pairs = zip(np.split(kept["mel"], edges), np.split(kept["phones"], edges), strict=True)
            return [Heard(mel, phones) for mel, phones in pairs]
    except (OSError, ValueError, KeyError, EOFError):
        return None


class Windows:
    """Batches of windows of *length* frames whose loudness, colour and band change, with stretches left out."""

    def __init__(self, clips: Sequence[Heard], length: int = 220) -> None:
        self._clips, self._length = [clip for clip in clips if len(clip.mel) >= length], length
        if not self._clips:
            raise VultusError(f"No clip has {length} frames", "Make longer clips")

    def batch(self, step: int, size: int, seed: int) -> dict[str, NDArray[Any]]:
        """*size* windows: a function of *seed* and *step* alone."""
        rng = np.random.default_rng([seed, step, 0xEA25])
        mel = np.empty((size, self._length, BANDS), np.float32)
        phones = np.empty((size, self._length), np.uint8)
        for i in range(size):
            clip = self._clips[int(rng.integers(len(self._clips)))]
            first = int(rng.integers(len(clip.mel) - self._length + 1))
            mel[i] = _changed(clip.mel[first : first + self._length].astype(np.float32), rng)
            phones[i] = clip.phones[first : first + self._length]
        return {"mel": mel, "phones": phones}


def _changed(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    band = np.linspace(-1, 1, BANDS, dtype=np.float32)
    out = mel + np.float32(rng.normal(0, 1.0)) + band * np.float32(rng.normal(0, 0.6))
    floor = float(rng.uniform(-16, -9))  # noise that hides what is softer
    if rng.random() < 0.5:
        out = np.logaddexp(out, floor + rng.normal(0, 0.3, out.shape)).astype(np.float32)
    for axis, widest in ((0, 12), (1, 10)):
        if rng.random() < 0.5:
            width = int(rng.integers(1, widest))
            at = int(rng.integers(out.shape[axis] - width))
            gap = (slice(at, at + width), slice(None)) if axis == 0 else (slice(None), slice(at, at + width))
            out[gap] = floor
    return np.asarray(out, np.float32)


# --- measuring and training -----------------------------------------------------------------------------------------


def measure(model: PhoneNet, clips: Sequence[Heard]) -> dict[str, float]:
    """Share of frames of *clips* whose phone and whose viseme are right, in all and in speech."""
    made, true = [], []
    for clip in clips:
        mel = np.concatenate([clip.mel, np.repeat(clip.mel[-1:], DELAY, axis=0)]).astype(np.float32)
        with torch.no_grad():
            logits = model(torch.from_numpy(mel)[None], torch.zeros(1, model.width, model.past))["logits"]
        made.append(logits[0, DELAY:].argmax(dim=1).numpy())
        true.append(clip.phones.astype(np.int64))
    a, b = np.concatenate(made), np.concatenate(true)
    right, shown, said = a == b, VISEME_OF[a] == VISEME_OF[b], b > 0
    counts = np.bincount(VISEME_OF[b][said], minlength=len(VISEMES))
    return {
        "phones": float(right.mean()), "visemes": float(shown.mean()), "phones in speech": float(right[said].mean()),
        "visemes in speech": float(shown[said].mean()), "commonest viseme": float(counts.max() / counts.sum()),
    }  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Train the acoustic front end and export it."""

    steps: int = 3000
    """Steps of training."""
    batch: int = 16
    """Windows a step."""
    seed: int = 7
    """Of the first weights and the order of the batches."""
    data: Clips = field(default_factory=Clips)
    """Clips of the training voices; a third as many come from those for validation, whose engines sound different."""
    clips: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("phone-clips")
    """Where clips are kept between runs."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("phone-weights")
    """Where the weights, their card and the exported network go."""
    workers: int = 1
    """Processes that make clips."""


def train(options: Options) -> dict[str, Any]:
    """Train, measure on the voices of the test split, write weights, card and ONNX; returns the card."""
    data = options.data
    other = replace(data, split="val", count=max(data.count // 2, 1))
    test = replace(data, split="test", count=max(data.count // 10, 4), augment=0.5)
    learned, others, unseen = (gather(some, options.clips, options.workers) for some in (data, other, test))
    with seeded(options.seed):
        model = PhoneNet()
    stage = Stage(
        "all", options.steps, options.batch, AdamW(lr=2e-3, weight_decay=0.02),
        Schedule("cosine", warm_up=min(100, options.steps // 4), final=0.02), ema=0.998,
    )  # fmt: skip
    about = About(
        name="phones", what="Phone posteriors of English speech from log-mel, causal with a fixed delay.",
        data=f"{FORMAT} {VERSION} {asdict(data)}",
        command=f"python -m vultus.lab.phone_net --steps {options.steps} --batch {options.batch} --seed {options.seed}"
        f" --data.count {data.count}",
    )  # fmt: skip
    card = fit_dataset(
        model, Windows(learned + others), stages=[stage], out=options.out, seed=options.seed, about=about,
        machine=Machine(precision="bf16-mixed"), measure=lambda trained: measure(trained.eval(), unseen),
    )  # fmt: skip
    export(model, options.out / "phones.onnx", card)
    return card


def export(model: PhoneNet, out: Path, card: Mapping[str, Any]) -> None:
    """Write *model* as the ONNX network that ``vultus.signals.posteriors`` runs."""
    example = {"mel": torch.randn(1, 12, BANDS) - 8, "state": torch.zeros(1, model.width, model.past)}
    free = {"mel": {1: "time"}, "logits": {1: "time"}}
    meanings = {
        "mel": "log-mel as vultus.signals.features gives it, 100 frames a second",
        "logits": f"of vultus.signals.phones.ARPABET, {DELAY} frames late",
    }
    interface = Interface(("logits", "state_out"), free, {"state": "state_out"}, stream="time", meanings=meanings)
    export_onnx(model, example, out, interface=interface, name="phones", what=str(card["what"]), training=card)


def main() -> None:
    """The command line."""
    print(train(tyro.cli(Options))["measured"])


if __name__ == "__main__":
    main()
