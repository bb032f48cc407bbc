"""Published encoders of sound, which ``transformers`` runs: what they take, their weights, and what is inside them.

Sources: A. Baevski et al., "wav2vec 2.0" (2020), W. Hsu et al., "HuBERT" (2021), S. Chen et al., "WavLM" (2022),
A. Babu et al., "XLS-R" (2021), A. Radford et al., "Robust speech recognition via large-scale weak supervision"
(Whisper, 2022). Their weights are not part of this package.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError
from vultus.signals.features import RATE

PACKAGE: Final = "pip install 'vultus[papers]'"
_SHORTEST: Final = 400  # samples that the convolutions over the sound need


@dataclass(frozen=True)
class Published:
    """A published encoder: its ``family`` as its files name it, how wide and deep it is, and how much of what it takes
    there is in a second: samples [N, 1], or rows of log-mel [M, 80]."""

    family: str
    width: int
    layers: int
    rate: int = RATE

    @property
    def mel(self) -> bool:
        """Whether it takes log-mel and not the sound itself."""
        return self.rate != RATE


PUBLISHED: Final[dict[str, Published]] = {
    "wav2vec2-base": Published("wav2vec2", 768, 12),
    "wavlm-base-plus": Published("wavlm", 768, 12),
    "hubert-large": Published("hubert", 1024, 24),
    "xlsr-large": Published("wav2vec2", 1024, 24),
    "whisper-tiny": Published("whisper", 384, 4, rate=100),
}


def prepared(x: NDArray[np.float32], kind: str) -> NDArray[np.float32]:
    """Sound [N] at 16 kHz -> what the published encoder *kind* takes, as it was trained: [N, 1], or log-mel [M, 80]."""
    if not PUBLISHED[kind].mel:
        return ((x - x.mean()) / np.sqrt(x.var() + 1e-7)).astype(np.float32)[:, None]
    rows = -(-len(x) // (RATE // PUBLISHED[kind].rate))
    silent = np.pad(x, (0, RATE // 10))  # as if silence followed, which is what it hears after the end
    mel = _log_mel()(silent, sampling_rate=RATE, padding="longest", truncation=False, return_tensors="np")
    return np.ascontiguousarray(mel["input_features"][0].T[:rows], np.float32)


@lru_cache(maxsize=1)
def _log_mel() -> Any:
    return _transformers("whisper-tiny").WhisperFeatureExtractor()


def _transformers(kind: str) -> Any:
    try:
        return importlib.import_module("transformers")
    except ImportError:
        raise VultusError(f"{kind} needs transformers, which is not installed", PACKAGE) from None


def loaded(kind: str, folder: str | Path) -> nn.Module:
    """The encoder *kind* from a *folder* with its ``config.json`` and its weights as safetensors, for :func:`checked`.

    VultusError when transformers is not installed, and when the folder does not hold all of its weights.
    """
    from safetensors import SafetensorError

    auto = _transformers(kind).AutoModel
    how = "Name a folder with config.json and model.safetensors"
    if not (Path(folder) / "config.json").is_file():
        raise VultusError(f"{folder} holds no weights of {kind}: it has no config.json", how)
    try:
        model, told = auto.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise VultusError(f"{folder} holds no weights of {kind} that can be read", how) from error
    lacking = sorted(name for name in told["missing_keys"] if "masked_spec_embed" not in name)
    if lacking and not all(name.startswith("decoder.") for name in lacking):
        raise VultusError(f"{folder} lacks weights of {kind}, {lacking[0]} for one", how)
    return checked(kind, model)


def checked(kind: str, model: Any) -> nn.Module:
    """The encoder of a ``transformers`` *model*, its convolutions over sound frozen; nothing in it is random but
    dropout. VultusError when it is not the *kind*."""
    one, config = PUBLISHED[kind], model.config
    if config.model_type != one.family:
        raise VultusError(f"{kind} is of the family {one.family}, not {config.model_type}", "Load its weights")
    if config.hidden_size != one.width:
        raise VultusError(f"{kind} is {one.width} wide, not {config.hidden_size}", "Load its weights")
    if one.mel:
        encoder: nn.Module = model.get_encoder()
        encoder.layerdrop = 0.0
        return encoder
    # Masked spans and layers left out are for pre-training; the spans would be drawn by numpy's own generator.
    config.apply_spec_augment, config.layerdrop = False, 0.0
    model.feature_extractor.requires_grad_(False)
    return model


def hidden(kind: str, model: nn.Module, heard: Tensor, frames: int | None = None) -> tuple[Tensor, ...]:
    """What lies before the first layer of *model* and after each, [B, N, width], of *heard* as :func:`prepared`.

    N is about 50 for a second, or *frames* when they are given: then the features of the convolutions are resampled
    before the layers. VultusError for what it cannot take.
    """
    if PUBLISHED[kind].mel:
        return _of_mel(kind, model, heard)
    if heard.ndim != 3 or heard.shape[2] != 1:
        raise VultusError(f"{kind} takes sound [B, N, 1], not {list(heard.shape)}")
    sound = nnf.pad(heard[..., 0], (0, max(_SHORTEST - heard.shape[1], 0)))
    handle = None
    if frames is not None:
        first: nn.Module = model.feature_extractor
        handle = first.register_forward_hook(lambda module, given, out: resample(out.transpose(1, 2), frames).mT)
    try:
        found = model(sound, output_hidden_states=True)
    finally:
        if handle is not None:
            handle.remove()
    return *found.hidden_states[
        :-1
    ], found.last_hidden_state  # the last norm, where there is one, comes after all layers


def _states(found: Any) -> tuple[Tensor, ...]:
    """What lies between layers, and what comes out, since some have one more norm after the last."""
    return *found.hidden_states[:-1], found.last_hidden_state


def _of_mel(kind: str, model: nn.Module, heard: Tensor) -> tuple[Tensor, ...]:
    longest = 2 * int(model.config.max_source_positions)
    if heard.ndim != 3 or heard.shape[2] != 80 or not 0 < heard.shape[1] <= longest:
        raise VultusError(f"{kind} takes log-mel [B, M, 80] of at most {longest // 100} s, not {list(heard.shape)}")
    rows = heard.shape[1]
    floor = heard.detach().amax(dim=(1, 2), keepdim=True) - 2.0  # silence, as its log-mel is cut off at 80 dB
    place = torch.arange(longest, device=heard.device)[None, :, None] < rows
    mel = torch.where(place, nnf.pad(heard, (0, 0, 0, longest - rows)), floor)
    found = model(mel.transpose(1, 2), output_hidden_states=True)
    return tuple(state[:, : -(-rows // 2)] for state in _states(found))


def resample(x: Tensor, frames: int) -> Tensor:
    """[B, N, D] -> [B, frames, D], linear between the middles of the old frames."""
    if x.shape[1] == frames:
        return x
    return nnf.interpolate(x.transpose(1, 2), size=frames, mode="linear", align_corners=False).transpose(1, 2)
