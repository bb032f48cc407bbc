"""Train the speech driver's network: ``vultus train speech --out DIR`` (log-mel -> phone posteriors and lips, causal).

One trunk hears; from it one head says which phone was spoken ``DELAY`` frames ago and another what the phones around
that time ask of the mouth. They share the trunk because lips that waited for finished posteriors would have to wait
for the phones that follow as well, which is too long for live speech; and phones are what teaches the trunk most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.channels import CHANNELS, VISEMES
from vultus.drivers.targets import CONTROLS
from vultus.lab.card import About
from vultus.lab.export import Interface, export_onnx
from vultus.lab.heard_clips import FORMAT, VERSION, Clips, Heard, Windows, gather
from vultus.lab.run import Machine, seeded
from vultus.lab.train import fit_dataset
from vultus.recipe import AdamW, Schedule, Stage
from vultus.signals.features import MELS
from vultus.signals.phones import ARPABET, from_arpabet, viseme_of
from vultus.signals.posteriors import DELAY

MIDDLE, WIDTH = -8.0, 5.0
"""What log-mel is shifted and divided by."""
FOLD: Final = 2
"""Frames that the network takes at once: it runs at 50 Hz and answers for each 10 ms."""
VISEME_OF: Final = np.array([VISEMES.index(viseme_of(from_arpabet(name)[0])) for name in ARPABET])
"""The viseme [40] of each phone."""
CONTACT: Final = 5.0
"""What a contact weighs beside millimetres of lips."""
LEAST: Final = 2.0
"""Millimetres that every control counts for."""


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
        """[B, C, T] and the last ``past`` steps before -> [B, C, T] and the last ``past`` steps now."""
        joined = torch.cat([before, x], dim=2)
        return x + self.mix(torch.relu(self.norm(self.conv(joined)))), joined[:, :, -self.past :]


class SpeechNet(nn.Module):
    """Log-mel -> phone logits and mouth controls that come ``DELAY`` frames late, from the past alone."""

    def __init__(
        self, width: int = 240, trunk: Sequence[int] = (1, 2, 4, 8, 1, 2, 4), lips: Sequence[int] = (1, 2)
    ) -> None:
        """*trunk* and *lips* are the dilations of the blocks that both heads share and of those for the mouth."""
        super().__init__()
        self.enter = nn.Conv1d(FOLD * MELS, width, 1)
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in (*trunk, *lips))
        self.phones = nn.Conv1d(width, FOLD * len(ARPABET), 1)
        self.mouth = nn.Conv1d(width, FOLD * len(CONTROLS), 1)
        self.shared, self.width, self.past = len(trunk), width, sum(2 * d for d in (*trunk, *lips))

    def zeros(self, count: int = 1) -> Tensor:
        """The state [count, C, past] before anything was heard."""
        return torch.zeros(count, self.width, self.past)

    def forward(self, mel: Tensor, state: Tensor) -> dict[str, Tensor]:
        """Log-mel [B, T, 80], T even, and the state -> logits [B, T, 40], controls [B, T, 15], the next state, and
        the logits of the contacts [B, T, 2] for the loss."""
        x = ((mel - MIDDLE) / WIDTH).reshape(mel.shape[0], -1, FOLD * MELS)
        x = torch.relu(self.enter(x.transpose(1, 2)))
        after, at, heard = [], 0, x
        for i, block in enumerate(self.blocks):
            x, kept = block(x, state[:, :, at : at + block.past])
            after.append(kept)
            at += block.past
            heard = x if i + 1 == self.shared else heard
        logits = self.phones(heard).transpose(1, 2).reshape(mel.shape[0], -1, len(ARPABET))
        controls = self.mouth(x).transpose(1, 2).reshape(mel.shape[0], -1, len(CONTROLS))
        return {
            "logits": logits, "controls": torch.sigmoid(controls), "state_out": torch.cat(after, dim=2),
            "contacts": controls[:, :, -2:],
        }  # fmt: skip

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cross-entropy of phones, of the visemes that they show and of contacts, and the lips' errors in millimetres.

        Absolute errors, because their best answer in doubt is the likelier mouth and not a mumble between two. Of
        contacts, which are rare and short, that is always none; so cross-entropy keeps their odds. Where a teacher
        names phones, cross-entropy with its odds as well.
        """
        mel, phones = batch["mel"], batch["phones"].long()[:, :-DELAY]
        made = self(mel, mel.new_zeros(len(mel), self.width, self.past))
        odds = made["logits"][:, DELAY:].float().log_softmax(dim=2)
        kinds = torch.as_tensor(VISEME_OF, device=odds.device)
        visemes = odds.new_zeros(*odds.shape[:2], len(VISEMES)).index_add(2, kinds, odds.exp()).clamp(min=1e-6).log()
        scale = torch.as_tensor(reach(), device=odds.device)
        off = (made["controls"][:, DELAY:].float() - batch["controls"][:, :-DELAY].float()) * scale
        terms = {
            "phones": nnf.nll_loss(odds.flatten(0, 1), phones.flatten()),
            "visemes": nnf.nll_loss(visemes.flatten(0, 1), kinds[phones].flatten()),
            "lips": off.abs().sum(dim=2).mean(),
            "speed": off.diff(dim=1).abs().sum(dim=2).mean(),
            "contacts": nnf.binary_cross_entropy_with_logits(
                made["contacts"][:, DELAY:].float(), batch["controls"][:, :-DELAY, -2:].float()
            ),
        }
        if "taught" in batch:
            lesson = batch["taught"][:, :-DELAY].float()
            lesson = lesson * (lesson.sum(dim=2, keepdim=True) > NAMED)
            terms["teacher"] = -(lesson * odds).sum() / lesson.sum().clamp(min=1)
        return terms


@lru_cache(maxsize=1)
def reach() -> NDArray[np.float32]:
    """How far each control alone moves the lips of the default person, millimetres [15]; ``CONTACT`` for contacts.

    The tongue, and what moves less than ``LEAST`` on average, counts as much as that.
    """
    from vultus.critics.geometry import regions
    from vultus.defaults import FACE
    from vultus.drivers.articulation import columns_of
    from vultus.motion import Motion
    from vultus.person.identity import parse_identity
    from vultus.person.mesh import build_mesh

    shapes, rest = CONTROLS[:-2], np.zeros((len(CONTROLS) - 1, len(CHANNELS)), np.float32)
    for row, control in enumerate(shapes):
        rest[row, list(columns_of(control))] = 0.5
    mesh = build_mesh(parse_identity(FACE))
    lips = mesh.evaluate(Motion(rest, Fraction(30)))[:, regions(mesh).lips]
    far = 2000 * np.linalg.norm(lips[:-1] - lips[-1], axis=2).mean(axis=1)
    return np.append(np.maximum(far, LEAST), [CONTACT, CONTACT]).astype(np.float32)


TESTED: Final = 90
"""Clips of the test voices, at most."""
NAMED: Final = 0.3
"""Odds of all phones together from which on a teacher says something."""
STRANGERS: Final = "kokoro:anyone"
"""The voice that is another in each clip."""
STRANGE: Final = 3
"""How often each of its clips counts."""
WEIGHTS: Final = {"phones": 0.7, "visemes": 1.0, "lips": 0.4, "speed": 0.2}
"""Of the loss while all learns."""
LIPS: Final = {"lips": 0.3, "speed": 0.2, "contacts": 12.0}
"""Of the loss while the mouth alone learns on, so that contacts come to their odds."""


# --- measuring and training -----------------------------------------------------------------------------------------


def measure(model: SpeechNet, clips: Sequence[Heard]) -> dict[str, float]:
    """Share of frames of *clips* whose phone and viseme are right, in all and in speech, and the controls' errors."""
    made, true, lips, asked = [], [], [], []
    for clip in clips:
        late = DELAY + (len(clip.mel) + DELAY) % FOLD
        mel = np.concatenate([clip.mel, np.repeat(clip.mel[-1:], late, axis=0)]).astype(np.float32)
        with torch.no_grad():
            out = model(torch.from_numpy(mel)[None], model.zeros())
        ready = slice(DELAY, DELAY + len(clip.mel))
        made.append(out["logits"][0, ready].argmax(dim=1).numpy())
        lips.append(out["controls"][0, ready].numpy())
        true.append(clip.labels.astype(np.int64))
        asked.append(clip.controls)
    a, b = np.concatenate(made), np.concatenate(true)
    right, shown, said = a == b, VISEME_OF[a] == VISEME_OF[b], b > 0
    counts = np.bincount(VISEME_OF[b][said], minlength=len(VISEMES))
    off = np.abs(np.concatenate(lips) - np.concatenate(asked)) * reach()
    spread = np.abs(np.concatenate(asked) - np.median(np.concatenate(asked)[said], axis=0)) * reach()
    return {
        "phones": float(right.mean()), "visemes": float(shown.mean()), "phones in speech": float(right[said].mean()),
        "visemes in speech": float(shown[said].mean()), "commonest viseme": float(counts.max() / counts.sum()),
        "lips, mm": float(off[said].sum(axis=1).mean()), "still lips, mm": float(spread[said].sum(axis=1).mean()),
    }  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Train the speech driver's network and export it."""

    steps: int = 12000
    """Steps of training."""
    batch: int = 12
    """Windows a step."""
    seed: int = 7
    """Of the first weights and the order of the batches."""
    data: Clips = field(default_factory=Clips)
    """Clips of the training voices."""
    others: int = 400
    """Clips of the validation voices, whose engines sound most like people, that are learned from too."""
    often: int = 6
    """How often each of those counts. Of voices of kokoro that were left out for this choice, 51.5 % of the frames of
    speech showed the right viseme at 5 and 45.1 % at 1."""
    strangers: int = 900
    """Clips of voices that nobody has, each a mixture of those of kokoro."""
    teacher: int = 0
    """Hundredths that what hama hears weighs in the loss. The labels are exact already: see docs/drivers.md."""
    clips: Path = Path("speech-clips")
    """Where clips are kept between runs."""
    out: Path = Path("speech-weights")
    """Where the weights, their card and the exported network go."""
    workers: int = 1
    """Processes that make clips."""


def train(options: Options, *, build: Callable[[], SpeechNet] = SpeechNet) -> dict[str, Any]:
    """Train, measure on the voices of the test split, write weights, card and ONNX; returns the card.

    An interrupted run goes on where it was.
    """
    data = replace(options.data, teacher=options.teacher > 0)
    other = replace(data, split="val", count=max(options.others, 1))
    strange = replace(data, split="val", count=max(options.strangers, 1), voices=(STRANGERS,))
    test = replace(data, teacher=False, split="test", count=max(min(data.count // 10, TESTED), 4), augment=0.5)
    learned, others, strangers, unseen = (
        gather(some, options.clips, options.workers) for some in (data, other, strange, test)
    )
    with seeded(options.seed):
        model = build()
    cosine = Schedule("cosine", warm_up=min(100, options.steps // 4), final=0.02)
    mouth = ("mouth.*", *(f"blocks.{i}.*" for i in range(model.shared, len(model.blocks))))
    weights = WEIGHTS | ({"teacher": options.teacher / 100} if options.teacher else {})
    stages = [
        Stage(
            "all", options.steps, options.batch, AdamW(lr=2e-3, weight_decay=0.02), cosine, weights=weights, ema=0.998
        ),
        Stage(
            "mouth", max(options.steps // 8, 1), options.batch, AdamW(lr=2e-3, weight_decay=0.02),
            Schedule("cosine", final=0.02), train=mouth, weights=LIPS, ema=0.98,
        ),
    ]  # fmt: skip
    about = About(
        name="speech", what="English speech: phone posteriors and mouth controls from log-mel, causal and late.",
        data=f"{FORMAT} {VERSION} {data}, {other} {options.often} times, and {strange} {STRANGE} times",
        command=f"vultus train speech --seed {options.seed} --config.steps {options.steps}"
        f" --config.batch {options.batch} --config.count {data.count} --config.others {options.others}"
        f" --config.often {options.often} --config.strangers {options.strangers}"
        + (f" --config.teacher {options.teacher}" if options.teacher else ""),
    )  # fmt: skip
    windows = Windows([*learned, *others * options.often, *strangers * STRANGE])
    card = fit_dataset(
        model, windows, stages=stages, out=options.out, seed=options.seed, about=about,
        machine=Machine(precision="bf16-mixed"), measure=lambda trained: measure(trained.eval(), unseen),
    )  # fmt: skip
    export(model, options.out / "speech.onnx", card)
    return card


def export(model: SpeechNet, out: Path, card: Mapping[str, Any]) -> None:
    """Write *model* as the ONNX network that ``vultus.signals.posteriors`` runs."""
    example = {"mel": torch.randn(1, 12, MELS) - 8, "state": model.zeros()}
    free = {"mel": {1: "time"}, "logits": {1: "time"}, "controls": {1: "time"}}
    meanings = {
        "mel": "log-mel as vultus.signals.features gives it, 100 frames a second",
        "logits": f"of vultus.signals.phones.ARPABET, {DELAY} frames late",
        "controls": f"vultus.drivers.targets.CONTROLS, {DELAY} frames late",
    }
    interface = Interface(
        ("logits", "controls", "state_out"), free, {"state": "state_out"}, stream="time", multiple=FOLD,
        meanings=meanings,
    )  # fmt: skip
    export_onnx(model, example, out, interface=interface, name="speech", what=str(card["what"]), training=card)
