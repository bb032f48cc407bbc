"""What a driver hears: features of sound, and encoders that bring them to the frames of motion.

Sources: W. Hsu et al., "HuBERT" (2021), A. Baevski et al., "wav2vec 2.0" (2020) and S. Chen et al., "WavLM" (2022) for
the published encoders; Y. Fan et al., "FaceFormer" (2022) for resampling before the transformer, X. Fan et al.,
"UniTalker" (2024) for resampling after it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError, unknown
from vultus.parts.motion.temporal import TemporalStack
from vultus.parts.motion.windows import joined
from vultus.signals.features import FEATURE_RATE, RATE, as_mono, features

FEATURES: Final[dict[str, tuple[int, int]]] = {"mel": (80, 100), "posteriors": (40, 100), "hama": (191, 50)}
"""Channels and frames a second of the features that encoders learn from here."""
PUBLISHED: Final[dict[str, int]] = {
    "wav2vec2-base": 768, "wavlm-base-plus": 768, "hubert-large": 1024, "xlsr-large": 1024,
}  # fmt: skip
"""Channels of published encoders of sound at 16 kHz, which ``transformers`` runs."""
WINDOW: Final = 20.0
"""Seconds of sound that an encoder hears at once at most."""
_MEL: Final = (-8.0, 5.0)  # what log-mel is shifted and divided by


def listen(sound: NDArray[Any], kind: str) -> NDArray[np.float32]:
    """*sound* [N] at 16 kHz -> what an encoder of that *kind* takes: features [M, D], or the sound itself, [N, 1].

    Features are about one in size. Raises VultusError for an unknown kind, for sound that is not [N], and when the
    package that a kind needs is not installed.
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
        return ((x - x.mean()) / (x.std() + 1e-5)).astype(np.float32)[:, None]
    raise unknown("kind of sound features", kind, [*FEATURES, *PUBLISHED])


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
    try:
        hama = importlib.import_module("hama")
    except ImportError:
        raise VultusError("The phoneme recogniser hama is not installed", "pip install hama, or hear mel") from None
    return np.asarray(hama.ASR().log_probs(x), np.float32)


def resample(x: Tensor, frames: int) -> Tensor:
    """[B, N, D] -> [B, frames, D], linear between the middles of the old frames."""
    if x.shape[1] == frames:
        return x
    return nnf.interpolate(x.transpose(1, 2), size=frames, mode="linear", align_corners=False).transpose(1, 2)


class AudioEncoder(nn.Module):
    """What :func:`listen` gives -> [B, T, ``width``] at the frames of motion.

    For features: two convolutions down to 25 or 50 frames a second, then ``layers`` of attention with a distance bias,
    resampled to the frames before them ("pre") or after them ("post"). For a published kind: its network, whose
    convolutions stay as they are, resampled after it. Its weights are not part of this package: until :meth:`load` it
    is empty.
    """

    def __init__(
        self, kind: str, width: int, *, layers: int = 2, heads: int = 4, resample: Literal["pre", "post"] = "post"
    ) -> None:
        super().__init__()
        if kind not in FEATURES and kind not in PUBLISHED:
            raise unknown("kind of sound features", kind, [*FEATURES, *PUBLISHED])
        self.kind, self.when = kind, resample
        self.width = PUBLISHED.get(kind, width)
        self.published: nn.Module | None = None
        if kind in FEATURES:
            dim, rate = FEATURES[kind]
            self.front = nn.Sequential(
                nn.Conv1d(dim, width, 5, stride=2 if rate == FEATURE_RATE else 1, padding=2), nn.GELU(),
                nn.Conv1d(width, width, 5, stride=2, padding=2), nn.GELU(),
            )  # fmt: skip
            self.body = TemporalStack("encoder", width, layers=layers, heads=heads, bias="alibi")

    def load(self, folder: str | Path | Any) -> None:
        """Take the published network from a *folder* that holds it (``transformers``' format), or a model itself."""
        if self.kind in FEATURES:
            raise VultusError(f"An encoder of {self.kind} has no published weights", "Train it")
        if isinstance(folder, str | Path):
            try:
                auto = importlib.import_module("transformers").AutoModel
            except ImportError:
                raise VultusError(f"{self.kind} needs transformers", "pip install transformers") from None
            try:
                folder = auto.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
            except (OSError, ValueError) as error:
                raise VultusError(
                    f"{folder} holds no weights of {self.kind}", "Name the folder of its files"
                ) from error
        if folder.config.hidden_size != self.width:
            raise VultusError(f"{self.kind} is {self.width} wide, not {folder.config.hidden_size}", "Load its weights")
        folder.feature_extractor.requires_grad_(False)
        self.published = folder

    def forward(self, heard: Tensor, frames: int) -> Tensor:
        """[B, M, D] of :func:`listen` and the number of frames T -> [B, T, width]."""
        if self.kind in FEATURES:
            if heard.ndim != 3 or heard.shape[2] != FEATURES[self.kind][0]:
                raise VultusError(f"{self.kind} is [B, M, {FEATURES[self.kind][0]}], not {list(heard.shape)}")
            x = self.front(heard.transpose(1, 2)).transpose(1, 2)
            x = resample(x, frames) if self.when == "pre" else x
            return resample(self.body(x), frames)
        if self.published is None:
            raise VultusError(f"The encoder {self.kind} has no weights yet", "Load them: model.audio.load(DIR)")
        return resample(self.published(heard[..., 0]).last_hidden_state, frames)
