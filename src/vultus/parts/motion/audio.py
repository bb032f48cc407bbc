"""What a driver hears: features of sound, and encoders that bring them to the frames of motion.

Sources: Y. Fan et al., "FaceFormer" (2022) for resampling before the transformer, X. Fan et al., "UniTalker" (2024) for
resampling after it, T. Liu et al., "AniTalker" (2024) for the mix over layers and the convolution after it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vultus.errors import VultusError, unknown
from vultus.parts.motion.published import PACKAGE, PUBLISHED, checked, hidden, loaded, prepared, resample
from vultus.parts.motion.temporal import TemporalStack
from vultus.parts.motion.windows import joined
from vultus.signals.features import FEATURE_RATE, RATE, as_mono, features

FEATURES: Final[dict[str, tuple[int, int]]] = {"mel": (80, 100), "posteriors": (40, 100), "hama": (191, 50)}
"""Channels and frames a second of the features that encoders learn from here."""
WINDOW: Final = 20.0
"""Seconds of sound that an encoder hears at once at most."""
_MEL: Final = (-8.0, 5.0)  # what log-mel is shifted and divided by


def listen(sound: NDArray[Any], kind: str) -> NDArray[np.float32]:
    """*sound* [N] at 16 kHz -> what an encoder of that *kind* takes: features [M, D], or the sound itself, [N, 1].

    There are :func:`rate_of` of them in a second, about one in size. Raises VultusError for an unknown kind, for sound
    that is not [N], and when the package that a kind needs is not installed.
    """
    x = as_mono(sound)
    if kind == "mel":
        return ((features(x).mel - _MEL[0]) / _MEL[1]).astype(np.float32)
    if kind == "posteriors":
        from vultus.signals.posteriors import listen as hear

        return hear(features(x).mel).odds
    if kind == "hama":
        return _hama(x)
    if kind in PUBLISHED:
        return prepared(x, kind)
    raise unknown("kind of sound features", kind, [*FEATURES, *PUBLISHED])


def rate_of(kind: str) -> int:
    """How many rows a second what :func:`listen` gives for *kind* has."""
    return FEATURES[kind][1] if kind in FEATURES else PUBLISHED[kind].rate


def in_windows(
    sound: NDArray[Any] | None, fps: float, make: Callable[[NDArray[Any], int, float], NDArray[np.float32]], who: str
) -> NDArray[np.float32]:
    """``make(piece, frames, begin)`` for windows of 20 s of *sound* [N], cross-faded over 1 s: [T, D].

    *begin* is in seconds, and every piece has at least one sample. VultusError, naming *who* asks, when the sound is
    missing or has another shape.
    """
    if not isinstance(sound, np.ndarray) or sound.ndim != 1 or not len(sound):
        raise VultusError(f"{who} takes sound [N] with at least one sample", "Give float32 mono at 16 kHz")
    x, total = sound, frames_of(sound, fps)

    def window(first: int, last: int) -> NDArray[np.float32]:
        begin = min(round(first / fps * RATE), len(x) - 1)
        return make(x[begin : max(round(last / fps * RATE), begin + 1)], last - first, begin / RATE)

    return np.concatenate(list(joined(window, total, max(int(WINDOW * fps), 2), max(int(fps), 1))))


def frames_of(sound: NDArray[Any], fps: float) -> int:
    """How many frames of motion at *fps* go with sound [N] at 16 kHz: at least one."""
    return max(1, int(np.ceil(len(sound) * fps / RATE - 1e-6)))


def _hama(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities of 191 symbols, cut off at e^-12 and brought to [-1, 1]."""
    rows = -(-len(x) // (RATE // FEATURES["hama"][1]))
    odds, _ = _recogniser().run(["log_probs", "out_lengths"], {"waveform": np.clip(x, -1, 1)})
    return (np.maximum(odds[0, :rows], -12.0) / 6 + 1).astype(np.float32)


@lru_cache(maxsize=1)
def _recogniser() -> Any:
    try:
        return importlib.import_module("hama").ASRModel().session
    except ImportError:
        raise VultusError("The phoneme recogniser hama is not installed", f"{PACKAGE}, or hear mel") from None


class AudioEncoder(nn.Module):
    """What :func:`listen` gives -> [B, T, ``width``] at the frames of motion.

    For features: two convolutions down to 25 or 50 frames a second, then ``layers`` of attention with a distance bias.
    For a published kind: its network, whose convolutions stay as they are, and which is empty until :meth:`load`.
    Resampled to the frames before these layers ("pre"), after them ("post"), or after them and a convolution that
    halves the rate ("conv2"). With ``mix`` "layers" the sum of what lies before and after each layer of a published
    network is taken, with weights that are learned and sum to 1, in place of the last.
    """

    def __init__(
        self,
        kind: str,
        width: int,
        *,
        layers: int = 2,
        heads: int = 4,
        resample: Literal["pre", "post", "conv2"] = "post",
        mix: Literal["last", "layers"] = "last",
    ) -> None:
        super().__init__()
        if kind not in FEATURES and kind not in PUBLISHED:
            raise unknown("kind of sound features", kind, [*FEATURES, *PUBLISHED])
        published = PUBLISHED.get(kind)
        if resample == "pre" and published is not None and published.mel:
            raise VultusError(f"{kind} hears windows of one length", "Resample after it")
        if mix == "layers" and published is None:
            raise VultusError(f"An encoder of {kind} has no layers to mix", "Take the last")
        self.kind, self.when, self.width = kind, resample, published.width if published else width
        self.published: nn.Module | None = None
        self.mix = nn.Parameter(torch.zeros(published.layers + 1)) if published and mix == "layers" else None
        if kind in FEATURES:
            dim, rate = FEATURES[kind]
            self.front = nn.Sequential(
                nn.Conv1d(dim, width, 5, stride=2 if rate == FEATURE_RATE else 1, padding=2), nn.GELU(),
                nn.Conv1d(width, width, 5, stride=2, padding=2), nn.GELU(),
            )  # fmt: skip
            self.body = TemporalStack("encoder", width, layers=layers, heads=heads, bias="alibi")
        self.down = nn.Conv1d(self.width, self.width, 3, stride=2, padding=1) if resample == "conv2" else None

    def load(self, folder: str | Path | Any) -> None:
        """Take the published network from a *folder* that holds it (``transformers``' format), or a model itself."""
        if self.kind in FEATURES:
            raise VultusError(f"An encoder of {self.kind} has no published weights", "Train it")
        found = loaded(self.kind, folder) if isinstance(folder, str | Path) else checked(self.kind, folder)
        depth = found.config.num_hidden_layers
        if self.mix is not None and depth != len(self.mix) - 1:
            raise VultusError(f"{self.kind} has {len(self.mix) - 1} layers to mix, not {depth}", "Load its weights")
        self.published = found

    def forward(self, heard: Tensor, frames: int) -> Tensor:
        """[B, M, D] of :func:`listen` and the number of frames T -> [B, T, width]."""
        x = self._of_features(heard, frames) if self.kind in FEATURES else self._of_published(heard, frames)
        return resample(x if self.down is None else self.down(x.mT).mT, frames)

    def _of_features(self, heard: Tensor, frames: int) -> Tensor:
        if heard.ndim != 3 or heard.shape[2] != FEATURES[self.kind][0]:
            raise VultusError(f"{self.kind} is [B, M, {FEATURES[self.kind][0]}], not {list(heard.shape)}")
        x = self.front(heard.transpose(1, 2)).transpose(1, 2)
        out: Tensor = self.body(resample(x, frames) if self.when == "pre" else x)
        return out

    def _of_published(self, heard: Tensor, frames: int) -> Tensor:
        if self.published is None:
            raise VultusError(f"The encoder {self.kind} has no weights yet", "Load them: model.audio.load(DIR)")
        states = hidden(self.kind, self.published, heard, frames if self.when == "pre" else None)
        if self.mix is None:
            return states[-1]
        weights = self.mix.softmax(0)
        return sum((weight * state for weight, state in zip(weights, states, strict=True)), torch.zeros_like(states[0]))
