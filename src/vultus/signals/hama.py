"""The phoneme recogniser hama as an ear for the rules: it hears long windows, better than the free phone loop does.

hama (Apache-2.0, extra ``papers``) names phones of many languages at instants and not from when to when, so every phone
lasts halfway to its neighbours. It hears what comes next seconds before, so it is nothing for live sound.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from vultus.errors import VultusError
from vultus.signals.chunks import Ear
from vultus.signals.decode import cleaned
from vultus.signals.features import RATE, Features, Float
from vultus.signals.phones import ARPABET, SILENCE, Phone, fill, known

LONGEST: Final = 0.12
"""Seconds on either side of the instant of a phone that has no neighbour, at most."""
AFTER: Final = 0.035
"""Seconds after the middle of a phone at which hama says it, as voices of the stage's split "val" show."""
_STEP: Final = 0.02  # seconds of one of its frames


def installed() -> bool:
    """Whether the package is there."""
    return find_spec("hama") is not None


def phones(samples: Float) -> list[Phone]:
    """The phones of *samples* [N] at 16 kHz as hama names them, with gaps. Raises VultusError when it is not there."""
    if len(samples) < RATE // 20:
        return []
    model = _model()
    tokens = np.asarray(model(np.clip(samples, -1, 1), RATE).frame_token_ids, np.int64)
    fresh = np.flatnonzero(np.diff(tokens, prepend=model.blank_id) != 0)
    named = ((at, model.decoder_tokens[tokens[at]]) for at in fresh.tolist() if tokens[at] != model.blank_id)
    # Marks of length and tone are tokens of their own, and no phones.
    heard = [((at + 0.5) * _STEP - AFTER, known(name)) for at, name in named if not name.startswith("<")]
    heard = [(at, ipa) for at, ipa in heard if ipa != SILENCE]
    out = []
    for i, (at, ipa) in enumerate(heard):
        before = (at - heard[i - 1][0]) / 2 if i else LONGEST
        after = (heard[i + 1][0] - at) / 2 if i + 1 < len(heard) else LONGEST
        out.append(Phone(max(at - min(before, LONGEST), 0.0), max(at + min(after, LONGEST), 0.0), ipa))
    return out


def odds(samples: Float) -> Float:
    """How likely hama finds each phone of ``phones.ARPABET`` in *samples* [N] at 16 kHz: float32 [M, 40] at 50 Hz.

    Between phones it says nothing: rows sum to what is left of 1, which is often little, and silence is never named.
    Raises VultusError when it is not there.
    """
    model = _model()
    if len(samples) < RATE // 20:
        return np.zeros((0, len(ARPABET)), np.float32)
    (logs,) = model.session.run(["log_probs"], {"waveform": np.clip(samples, -1, 1)[None].astype(np.float32)})
    named = np.array([-1 if name.startswith("<") else _place(name) for name in model.decoder_tokens])
    out = np.zeros((len(logs[0]), len(ARPABET)), np.float32)
    np.add.at(out.T, named[named > 0], np.exp(logs[0].T[named > 0]))
    return out


@lru_cache(maxsize=512)
def _place(name: str) -> int:
    """Where a symbol of hama stands in ``phones.ARPABET``."""
    return ARPABET.index(Phone(0.0, 1.0, known(name)).arpabet)


def hear(samples: Float, features: Features) -> list[Phone]:
    """As :func:`vultus.signals.decode.hear`: gapless over the window of *samples* [N], whose *features* these are."""
    length = len(samples) / RATE
    if not (features.speech > 0.5).any():
        return fill([], 0.0, length)
    return cleaned(phones(samples), features, length)


def checked() -> Ear:
    """:func:`hear`. Raises VultusError when the package is not there, before anything is begun."""
    _model()
    return hear


@lru_cache(maxsize=1)
def _model() -> Any:
    try:
        return import_module("hama").ASRModel()
    except ImportError:
        raise VultusError("The phoneme recogniser hama is not installed", "pip install 'vultus[papers]'") from None
